/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs that make many identities (key and certificate, PKCS#12 when asked) under one authority, in
 * slices on the bulk lane.
 *
 *   jobs   : bulk_start | bulk_show | bulk_list | bulk_cancel ~> bulk_ask ~> bulk_answer > reply
 *   results: bulk_identities ~> bulk_told > reply
 *   key    : key_rotate | key_status ~> key_told > reply
 *
 * One loop keeps the queue; the other loops' exchanges send it calls by mail. The certificates of a
 * slice, the numbers they got and the job's progress are one batch of the authority's partition,
 * and slices are committed in order: an index has exactly one identity or none, also after a kill.
 * The authority's record is required to be as it was read: after a change of its settings the job
 * goes on with the new ones, after its retirement the job fails.
 *
 * The same loop fills the pool of RSA keys (keypool.h), and seals what lies in the store anew when
 * there is a newer master key.
 */
#ifndef MUSTER_BULK_H
#define MUSTER_BULK_H

#include "muster/app.h"
#include "muster/keypool.h"
#include "muster/xchg.h"

#define MST_BULK_BODY_MAX  (1u << 20) /* ten thousand names of a hundred bytes */
#define MST_BULK_NAMES_MAX 10000      /* longer lists: several jobs, or a pattern */

struct mst_bulk_conf {
	uint32_t slices_max; /* slices at work at once: workers and one, so that none waits for the
				store */
	uint32_t jobs_max;   /* jobs that are not over */
	uint32_t identities_max; /* of one job */
	struct mst_keypool_conf pool;
	struct mst_seal *seal; /* learns of new keys by itself when one is made here */
	const char *seal_path; /* its file; NULL: no rotation */
	uint32_t first_ms;     /* how long after the start pool and sealing wait; 0: a minute */
	uint32_t quiet_ms; /* how old a key is before nothing is sealed under its predecessor any
			      more; 0: a minute */
};
struct mst_bulk; /* all loops' app->bulk; lives on app->loop */
/* mst_bulk_new: `app` is the first loop's and outlives it. Unfinished jobs of the store go on. */
int mst_bulk_new(struct mst_bulk **out, struct mst_app *app, const struct mst_bulk_conf *conf,
		 struct mst_err *e) MST_MUST;
/* mst_bulk_free: when the loop runs no more, and store and workers are gone or idle. */
void mst_bulk_free(struct mst_bulk **bulk);

/* POST /v1/bulk, GET and DELETE /v1/bulk/{ID}, GET /v1/bulk: each reads what it needs, asks the
 * queue, answers. */
enum mst_step mst_bulk_start(struct mst_xchg *x);
enum mst_step mst_bulk_show(struct mst_xchg *x);
enum mst_step mst_bulk_list(struct mst_xchg *x);
enum mst_step mst_bulk_cancel(struct mst_xchg *x);
enum mst_step mst_bulk_ask(struct mst_xchg *x);
enum mst_step mst_bulk_answer(struct mst_xchg *x);
/* GET /v1/bulk/{ID}/identities */
enum mst_step mst_bulk_identities(struct mst_xchg *x);
enum mst_step mst_bulk_told(struct mst_xchg *x);

/* The master key: POST /v1/key/rotate, GET /v1/key, both on the control socket only. */
enum mst_step mst_key_rotate(struct mst_xchg *x);
enum mst_step mst_key_status(struct mst_xchg *x);
enum mst_step mst_key_told(struct mst_xchg *x);

#endif
