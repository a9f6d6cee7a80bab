/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the pool of RSA keys, one key at a time on the bulk lane: whatever else waits there comes
 * between two keys. */
#include "bulk_own.h"
#include "keypool_own.h"

#include <stdlib.h>

#include "muster/count.h"
#include "muster/log.h"
#include "muster/text.h"

#define FIRST_MS 60000 /* after the start: devices come first */
#define LOOK_MS  5000  /* between two looks at a full pool */
#define REST_MS  30000 /* after the store could not write */

struct mst_filler {
	struct mst_app *app;
	struct mst_keypool_conf conf;
	struct mst_timer timer;
	struct mst_job work;
	uint32_t filling; /* bit n: kind n is on its way up to `size` */
	bool has_made, has_failed;
	struct mst_err err;
};

struct count {
	struct mst_read r;
	uint8_t kind;
	uint32_t num, most;
};

static int plan(struct mst_read *r)
{
	struct count *count = MST_HOME(r, struct count, r);
	struct mst_walk w = {.r = NULL};
	struct pool_row row;
	int rc = 1;

	count->num = 0;
	while (count->num < count->most && (rc = mst_pool_next(&w, r, &row, &count->kind)) == 1)
		count->num++;
	mst_walk_done(&w);
	return rc < 0 ? -1 : 0;
}

/* 1: the kind wants a key more, 0, -1. */
static int is_wanted(struct mst_filler *f, enum mst_key_kind kind, struct mst_arena *arena,
		     struct mst_err *e)
{
	struct count count = {
		.r = {.plan = plan, .arena = arena}, .kind = (uint8_t)kind, .most = f->conf.size};

	if (!(f->conf.kinds & MST_B(kind)))
		return 0;
	if (mst_store_read_here(f->app->store, &count.r) < 0) {
		*e = count.r.err;
		return -1;
	}
	if (count.num >= f->conf.size)
		f->filling &= ~MST_B(kind);
	else if (count.num < f->conf.low)
		f->filling |= MST_B(kind);
	return (f->filling & MST_B(kind)) != 0;
}

static int make(struct mst_filler *f, enum mst_key_kind kind, struct mst_arena *arena,
		struct mst_err *e)
{
	struct mst_pool_key pair;
	struct mst_batch b;
	int rc;

	if (mst_key_pair(&pair.der, &pair.spki, arena, kind, e) < 0)
		return -1;
	mst_batch_init(&b, arena, NULL, NULL);
	rc = mst_pool_put(&b, &pair, f->app->seal, kind, e);
	mst_wipe((void *)(uintptr_t)pair.der.at, pair.der.len);
	if (rc == 0 && mst_store_commit_here(f->app->store, &b) < 0) {
		*e = b.err;
		rc = -1;
	}
	return rc;
}

static void on_worker(struct mst_job *work)
{
	struct mst_filler *f = MST_HOME(work, struct mst_filler, work);
	struct mst_arena arena;
	int rc = 0;

	mst_arena_init(&arena, NULL, 0);
	for (unsigned kind = 0; kind < MST_NUM_KEY_KINDS && rc == 0; kind++) {
		rc = is_wanted(f, (enum mst_key_kind)kind, &arena, &f->err);
		if (rc == 1 && make(f, (enum mst_key_kind)kind, &arena, &f->err) < 0)
			rc = -1;
	}
	f->has_made = rc == 1;
	f->has_failed = rc < 0;
	mst_arena_done(&arena);
}

static void on_ran(struct mst_job *work)
{
	struct mst_filler *f = MST_HOME(work, struct mst_filler, work);

	mst_count(MST_C_KEYPOOL_MADE, f->has_made);
	if (f->has_failed)
		mst_log(WARN, "the pool of keys was not filled", mst_f_err(&f->err));
	mst_timer_set(f->app->loop, &f->timer, f->has_failed ? REST_MS : f->has_made ? 0 : LOOK_MS);
}

static void on_due(struct mst_timer *timer)
{
	struct mst_filler *f = MST_HOME(timer, struct mst_filler, timer);
	struct mst_err err;

	if (f->app->is_draining)
		return;
	f->work = (struct mst_job){.home = f->app->loop, .run = on_worker, .on_ran = on_ran};
	if (mst_work_post(f->app->work, MST_LANE_BULK, &f->work, &err) < 0)
		mst_timer_set(f->app->loop, &f->timer, LOOK_MS);
}

int mst_filler_new(struct mst_filler **out, struct mst_app *app, const struct mst_bulk_conf *conf,
		   struct mst_err *e)
{
	struct mst_filler *f = calloc(1, sizeof(*f));

	if (!f)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	f->app = app;
	f->conf = conf->pool;
	f->timer.on_due = on_due;
	if (f->conf.size > 0 && f->conf.kinds)
		mst_timer_set(app->loop, &f->timer, conf->first_ms ? conf->first_ms : FIRST_MS);
	*out = f;
	return 0;
}

void mst_filler_free(struct mst_filler **filler)
{
	if (!*filler)
		return;
	mst_timer_end((*filler)->app->loop, &(*filler)->timer);
	free(*filler);
	*filler = NULL;
}
