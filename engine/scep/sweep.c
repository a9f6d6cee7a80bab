/* SPDX-License-Identifier: Apache-2.0 */
/* Drops challenges and receipts that have expired, page by page on a worker, a little at a time. */
#include <stdlib.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"
#include "own.h"

#define PAGE       2000            /* records of one turn: a few milliseconds */
#define PAUSE_MS   200             /* between two pages */
#define REST_MS    (10 * 60000)    /* between two rounds */
#define FIRST_MS   60000           /* after the start: devices come first */

struct mst_sweep {
	struct mst_app *app;
	struct mst_timer timer;
	struct mst_job job;
	struct mst_arena arena;
	struct mst_read read;
	struct mst_batch batch;
	uint8_t from[32]; /* key after which the next page begins */
	bool is_begun, is_over, is_out;
	uint32_t num_dropped;
	int64_t now_ms;
};

static int page(struct mst_read *r)
{
	struct mst_sweep *s = MST_HOME(r, struct mst_sweep, read);
	struct mst_slice from = s->is_begun ? mst_slice(s->from, sizeof(s->from)) : (struct mst_slice){NULL, 0};
	struct mst_challenge c;
	struct mst_walk w = {.r = NULL};
	uint8_t key[32];
	int rc = mst_walk_init(&w, r, MST_SPACE_CHALLENGE, (struct mst_slice){NULL, 0}, from);

	s->is_over = false;
	for (uint32_t n = 0; rc == 0 && n < PAGE; n++) {
		rc = mst_challenge_next(&w, r, &c, key);
		if (rc != 1)
			break;
		rc = 0;
		memcpy(s->from, key, sizeof(key));
		if (c.expires_ms < s->now_ms) {
			mst_challenge_drop(&s->batch, &c, key);
			s->num_dropped++;
		}
		if (n + 1 == PAGE) {
			mst_walk_done(&w);
			return 0;
		}
	}
	mst_walk_done(&w);
	s->is_over = rc == 0;
	return rc;
}

/* A record that changed under the page (a challenge used at its last moment) stays until the next round. */
static void on_worker(struct mst_job *job)
{
	struct mst_sweep *s = MST_HOME(job, struct mst_sweep, job);

	mst_arena_init(&s->arena, NULL, 0);
	s->now_ms = mst_clock_wall_ms();
	s->num_dropped = 0;
	s->read = (struct mst_read){.arena = &s->arena, .plan = page};
	mst_batch_init(&s->batch, &s->arena, NULL, NULL);
	if (mst_store_read_here(s->app->store, &s->read) < 0) {
		s->is_over = true;
		mst_log(WARN, "expired challenges could not be read", mst_f_err(&s->read.err));
	} else if (s->num_dropped && mst_store_commit_here(s->app->store, &s->batch) < 0) {
		s->num_dropped = 0;
	}
	s->is_begun = !s->is_over;
	mst_arena_done(&s->arena);
}

static void on_ran(struct mst_job *job)
{
	struct mst_sweep *s = MST_HOME(job, struct mst_sweep, job);

	s->is_out = false;
	if (s->num_dropped)
		mst_log(INFO, "expired challenges dropped", mst_f_u64("num", s->num_dropped));
	mst_timer_set(s->app->loop, &s->timer, s->is_over ? REST_MS : PAUSE_MS);
}

static void on_due(struct mst_timer *timer)
{
	struct mst_sweep *s = MST_HOME(timer, struct mst_sweep, timer);
	struct mst_err e;

	if (s->app->is_draining)
		return;
	s->job = (struct mst_job){.home = s->app->loop, .run = on_worker, .on_ran = on_ran};
	s->is_out = mst_work_post(s->app->work, MST_LANE_BULK, &s->job, &e) == 0;
	if (!s->is_out)
		mst_timer_set(s->app->loop, &s->timer, REST_MS);
}

int mst_sweep_new(struct mst_sweep **out, struct mst_app *app, struct mst_err *e)
{
	struct mst_sweep *s = calloc(1, sizeof(*s));

	if (!s)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	s->app = app;
	s->timer.on_due = on_due;
	mst_timer_set(app->loop, &s->timer, FIRST_MS);
	*out = s;
	return 0;
}

void mst_sweep_free(struct mst_sweep **sweep)
{
	if (!*sweep)
		return;
	mst_timer_end((*sweep)->app->loop, &(*sweep)->timer);
	free(*sweep);
	*sweep = NULL;
}
