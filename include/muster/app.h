/* SPDX-License-Identifier: Apache-2.0 */
/* The services of one loop that the stages of protocols use: x->app. Made by main, lent to everybody, never freed meanwhile. */
#ifndef MUSTER_APP_H
#define MUSTER_APP_H

#include "muster/device.h"

struct mst_app {
	struct mst_loop *loop;
	struct mst_store *store;
	struct mst_work *work;
	const struct mst_seal *seal;
	struct mst_seen *seen;          /* this loop's */
	const uint8_t (*api_keys)[32];  /* SHA-256 of each key that may use the operator API on the portal */
	uint32_t num_api_keys;
	uint32_t checkin_max;           /* bytes of a check-in message */
	uint32_t report_max;            /* bytes of a command report */
	bool takes_unknown_certificate; /* bind a certificate outside Authenticate when neither it nor the device is known */
	bool is_draining;
	uint64_t started_ms;            /* wall clock */
};

#endif
