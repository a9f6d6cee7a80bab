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
struct mst_catalog;
struct mst_fetcher;
struct mst_keeper;
struct mst_members;
struct mst_deliver;
struct mst_id;
struct mst_read;
struct mst_batch;
struct mst_app;

enum { MST_FROM_TLS = 1, MST_FROM_SIGNATURE = 2, MST_FROM_HEADER = 4 };

struct mst_app;
/* Reports that somebody above waits for. look is part of the report's plan: 1 with *out in the plan's arena, 0 it is not his, -1,
 * MST_LATER. put fills the report's batch: the command was done (`is_done`), or not for `reason`. home: the batch is durable. */
struct mst_reports {
	int (*look)(struct mst_read *r, void **out, struct mst_app *app, const struct mst_id *id, struct mst_slice uuid);
	int (*put)(struct mst_batch *b, struct mst_app *app, void *look, bool is_done, struct mst_slice reason, int64_t now_ms,
		   struct mst_err *e);
	void (*home)(struct mst_app *app, const struct mst_id *id);
};

struct mst_app {
	struct mst_loop *loop;
	struct mst_store *store;
	struct mst_work *work;
	const struct mst_seal *seal;
	struct mst_seen *seen;          /* this loop's */
	const struct mst_issuers *issuers; /* live snapshot of the authorities; NULL at first start */
	void (*on_issuers_changed)(struct mst_app *app); /* asks main to make the snapshot anew, in every loop */
	const struct mst_catalog *catalog; /* live snapshot of labels, settings and enrolment settings (catalog.h) */
	void (*on_catalog_changed)(struct mst_app *app); /* asks main to make it anew, in every loop */
	struct mst_members *members; /* the process's: keeps labels of devices current (members.h); NULL: none */
	/* Labels of these devices changed, durably: who delivers looks. This loop's thread; NULL: nobody asks. */
	void (*on_members)(struct mst_app *app, const struct mst_id *devices, uint32_t num);
	/* Something of this device changed, durably: it enrolled or left, or a detail of it. This loop's thread; NULL: nobody asks. */
	void (*on_device)(struct mst_app *app, const struct mst_id *device);
	const struct mst_reports *reports; /* who waits for reports of commands; NULL: nobody */
	struct mst_deliver *deliver; /* the process's: keeps settings of devices current (deliver.h); NULL: none */
	void (*on_user_changed)(struct mst_app *app, const uint8_t user[static 16]); /* his devices are to be judged anew */
	struct mst_bulk *bulk;          /* all loops': jobs that make identities; NULL: none (bulk.h) */
	struct mst_scep *scep;          /* this loop's: how often each source came; NULL: no limit */
	struct mst_barred *barred;      /* this loop's: revoked certificates (barred.h) */
	struct mst_vouched *vouched;    /* this loop's: device certificates verified outside TLS (vouched.h); NULL: none are remembered */
	struct mst_revoke *revoke;      /* this loop's: CRLs and OCSP answers (revoke.h) */
	struct mst_kick *kick;          /* this loop's: tells the push engine what is due (outbox.h); NULL: nobody pushes */
	struct mst_push *push;          /* the process's (push.h); NULL: nobody pushes */
	struct mst_campaigns *campaigns; /* the process's (campaign.h) */
	struct mst_fetcher *fetcher;    /* this loop's: outgoing HTTPS (fetch.h); NULL: none */
	struct mst_keeper *keeper;      /* the process's: keeps identities in order (identity.h); NULL: none */
	/* A device's (or a user's) identity under an enrolment setting was made, made anew or taken away: on the keeper's loop. */
	void (*on_identity_changed)(struct mst_app *app, const uint8_t owner[static 16], bool is_user, const uint8_t enrollment[static 16]);
	/* A certificate of ours was revoked, durably: every loop shall refuse it. This loop's thread. */
	void (*on_revoked)(struct mst_app *app, const uint8_t authority[static 16], const uint8_t serial[static 16],
			   const uint8_t sha256[static 32], int64_t not_after_s);
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
