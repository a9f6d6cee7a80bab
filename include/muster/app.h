/* SPDX-License-Identifier: Apache-2.0 */
/* The services of one loop that the stages of protocols use: x->app. Made by main, lent to everybody, never freed meanwhile. */
#ifndef MUSTER_APP_H
#define MUSTER_APP_H

#include "muster/authority.h"
#include "muster/device.h"

struct mst_scep;

struct mst_app {
	struct mst_loop *loop;
	struct mst_store *store;
	struct mst_work *work;
	const struct mst_seal *seal;
	struct mst_seen *seen;          /* this loop's */
	const struct mst_issuers *issuers; /* live snapshot of the authorities; NULL at first start */
	void (*on_issuers_changed)(struct mst_app *app); /* asks main to make the snapshot anew, in every loop */
	struct mst_scep *scep;          /* this loop's: how often each source came; NULL: no limit */
	/* part of a plan: lends an authority's present CRL (DER). 1, 0 there is none, -1, MST_LATER; NULL: nobody makes one */
	int (*crl_get)(struct mst_read *r, struct mst_slice *out, const uint8_t authority[16]);
	const uint8_t (*api_keys)[32];  /* SHA-256 of each key that may use the operator API on the portal */
	uint32_t num_api_keys;
	uint32_t checkin_max;           /* bytes of a check-in message */
	uint32_t report_max;            /* bytes of a command report */
	bool takes_unknown_certificate; /* bind a certificate outside Authenticate when neither it nor the device is known */
	bool is_draining;
	uint64_t started_ms;            /* wall clock */
};

#endif
