/* SPDX-License-Identifier: Apache-2.0 */
/* The services of one loop that the stages of protocols use: x->app. Made by main, lent to everybody, never freed meanwhile. */
#ifndef MUSTER_APP_H
#define MUSTER_APP_H

#include "muster/authority.h"
#include "muster/device.h"

struct mst_enroll;
struct mst_bulk;
struct mst_scep;
struct mst_barred;
struct mst_revoke;
struct mst_vouched;
struct mst_kick;
struct mst_push;
struct mst_campaigns;

enum { MST_FROM_TLS = 1, MST_FROM_SIGNATURE = 2, MST_FROM_HEADER = 4 };

struct mst_app {
	struct mst_loop *loop;
	struct mst_store *store;
	struct mst_work *work;
	const struct mst_seal *seal;
	struct mst_seen *seen;          /* this loop's */
	const struct mst_issuers *issuers; /* live snapshot of the authorities; NULL at first start */
	void (*on_issuers_changed)(struct mst_app *app); /* asks main to make the snapshot anew, in every loop */
	struct mst_bulk *bulk;          /* all loops': jobs that make identities; NULL: none (bulk.h) */
	struct mst_scep *scep;          /* this loop's: how often each source came; NULL: no limit */
	struct mst_barred *barred;      /* this loop's: revoked certificates (barred.h) */
	struct mst_vouched *vouched;    /* this loop's: device certificates verified outside TLS (vouched.h); NULL: none are remembered */
	struct mst_revoke *revoke;      /* this loop's: CRLs and OCSP answers (revoke.h) */
	struct mst_kick *kick;          /* this loop's: tells the push engine what is due (outbox.h); NULL: nobody pushes */
	struct mst_push *push;          /* the process's (push.h); NULL: nobody pushes */
	struct mst_campaigns *campaigns; /* the process's (campaign.h) */
	struct mst_enroll *enroll;      /* this loop's: signer and texts of enrolment profiles; NULL: none are given */
	/* Where a device's certificate may come from (MST_FROM_*), the CAs of devices beside issuers->trust (NULL: none, and with
	 * is_trust_stored really none), and those of front ends that end TLS (NULL: none) with the common names they may have
	 * (separated by commas, empty: any). */
	uint32_t identity_sources;
	struct mst_trust *trust, *front_ends;
	const char *front_end_names;
	bool is_trust_stored;           /* only authorities of the store vouch for devices */
	const uint8_t (*api_keys)[32];  /* SHA-256 of each key that may use the operator API on the portal */
	uint32_t num_api_keys;
	uint32_t checkin_max;           /* bytes of a check-in message */
	uint32_t report_max;            /* bytes of a command report */
	bool takes_unknown_certificate; /* bind a certificate outside Authenticate when neither it nor the device is known */
	uint32_t not_now_s;             /* how long after a session with NotNow the device is pushed again */
	bool is_draining;
	uint64_t started_ms;            /* wall clock */
};

#endif
