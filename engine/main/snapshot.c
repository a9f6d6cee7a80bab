/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of the store that every loop reads without a lock: the live authorities, the catalog. Each is loaded at the start,
 * and anew after a change, one load at a time under loop 0's eye. Each loop gets the newer one by mail; loop 0 frees the older
 * one when every loop has let go of it.
 *
 *   any loop: changed -> loop 0: load on a worker -> every loop: take, wait for older exchanges -> loop 0: settled, let go
 */
#include <stdlib.h>

#include "engine.h"
#include "muster/catalog.h"
#include "muster/log.h"

#define AGAIN_MS 100

/* One load and its spread over the loops. */
struct spread {
	struct mst_job job;
	struct mst_snapshot *snapshot;
	void *newer, *older;
	struct mst_err err;
	uint32_t num_left; /* loops that have not taken it yet; loop 0's */
	struct visit {
		struct mst_mail mail;
		struct mst_timer timer;
		uint64_t mark; /* exchanges before it may still look at the older one */
		struct spread *spread;
		struct mst_lane_loop *lane;
	} visits[];
};

/* The authorities. */

static int issuers_load(void **out, struct mst_engine *engine, struct mst_err *e)
{
	struct mst_issuers *issuers = NULL;
	int rc = mst_issuers_load(&issuers, engine->store, engine->seal, e);

	*out = issuers;
	return rc;
}

static void issuers_free(void *old)
{
	struct mst_issuers *issuers = old;
	mst_issuers_free(&issuers);
}

static void issuers_take(struct mst_lane_loop *lane, const void *newer)
{
	mst_lane_take(lane, newer);
}

/* The catalog. */

static int catalog_load(void **out, struct mst_engine *engine, struct mst_err *e)
{
	struct mst_catalog *catalog = NULL;
	int rc = mst_catalog_load(&catalog, engine->store, e);

	*out = catalog;
	return rc;
}

static void catalog_free(void *old)
{
	struct mst_catalog *catalog = old;
	mst_catalog_free(&catalog);
}

static void catalog_take(struct mst_lane_loop *lane, const void *newer)
{
	lane->app.catalog = newer;
}

static void catalog_settled(struct mst_engine *engine, const void *older, const void *newer)
{
	mst_follow_catalog(engine, older, newer);
}

static const struct snapshot_row {
	const char *what;
	int (*load)(void **out, struct mst_engine *engine, struct mst_err *e); /* blocks: start, a worker */
	void (*free)(void *old);
	void (*take)(struct mst_lane_loop *lane, const void *newer); /* on the lane's loop */
	/* On loop 0: no exchange looks at `older` any more, which is freed next; NULL: nobody asks. */
	void (*settled)(struct mst_engine *engine, const void *older, const void *newer);
} rows[NUM_SNAPSHOTS] = {
	[SNAPSHOT_ISSUERS] = {"authorities", issuers_load, issuers_free, issuers_take, NULL},
	[SNAPSHOT_CATALOG] = {"catalog", catalog_load, catalog_free, catalog_take, catalog_settled},
};

static void load(struct mst_snapshot *snapshot);

static void end(struct mst_snapshot *snapshot)
{
	free(snapshot->spread);
	snapshot->spread = NULL;
}

static void next(struct mst_snapshot *snapshot)
{
	end(snapshot);
	if (snapshot->is_due)
		load(snapshot);
}

/* On loop 0: a loop has taken the newer one. */
static void on_taken(struct mst_mail *mail)
{
	struct spread *spread = MST_HOME(mail, struct visit, mail)->spread;
	struct mst_snapshot *snapshot = spread->snapshot;

	if (--spread->num_left > 0)
		return;
	if (snapshot->row->settled)
		snapshot->row->settled(snapshot->engine, spread->older, spread->newer);
	snapshot->row->free(spread->older);
	next(snapshot);
}

/* On each loop. */
static void on_look(struct mst_timer *timer)
{
	struct visit *visit = MST_HOME(timer, struct visit, timer);

	if (!mst_http_is_past(visit->lane->http, visit->mark)) {
		mst_timer_set(visit->lane->loop, timer, AGAIN_MS);
		return;
	}
	visit->mail.on_mail = on_taken;
	mst_loop_post(visit->spread->snapshot->engine->loops[0].loop, &visit->mail);
}

static void on_take(struct mst_mail *mail)
{
	struct visit *visit = MST_HOME(mail, struct visit, mail);

	visit->spread->snapshot->row->take(visit->lane, visit->spread->newer);
	visit->mark = mst_http_mark(visit->lane->http);
	visit->timer.on_due = on_look;
	mst_timer_set(visit->lane->loop, &visit->timer, 0);
}

static void run_load(struct mst_job *job)
{
	struct spread *spread = MST_HOME(job, struct spread, job);
	struct mst_snapshot *snapshot = spread->snapshot;

	if (snapshot->row->load(&spread->newer, snapshot->engine, &spread->err) < 0)
		spread->newer = NULL;
}

/* On loop 0. */
static void on_loaded(struct mst_job *job)
{
	struct spread *spread = MST_HOME(job, struct spread, job);
	struct mst_snapshot *snapshot = spread->snapshot;
	struct mst_engine *engine = snapshot->engine;

	if (!spread->newer) {
		mst_log(ERROR, "a snapshot stays as it was", mst_f_str("what", snapshot->row->what), mst_f_code(&spread->err),
			mst_f_err(&spread->err));
		next(snapshot);
		return;
	}
	spread->older = snapshot->now;
	snapshot->now = spread->newer;
	spread->num_left = engine->num_loops;
	for (uint32_t i = 0; i < engine->num_loops; i++) {
		spread->visits[i] = (struct visit){.mail.on_mail = on_take, .spread = spread, .lane = &engine->loops[i]};
		mst_loop_post(engine->loops[i].loop, &spread->visits[i].mail);
	}
}

/* On loop 0. A change while a load is under way is loaded after it. */
static void load(struct mst_snapshot *snapshot)
{
	struct mst_engine *engine = snapshot->engine;
	struct spread *spread;
	struct mst_err err = {0};

	snapshot->is_due = snapshot->spread != NULL;
	if (snapshot->spread)
		return;
	spread = calloc(1, sizeof *spread + engine->num_loops * sizeof spread->visits[0]);
	BUG_ON(!spread);
	spread->snapshot = snapshot;
	spread->job = (struct mst_job){.home = engine->loops[0].loop, .run = run_load, .on_ran = on_loaded};
	snapshot->spread = spread;
	if (mst_work_post(engine->work, MST_LANE_FAST, &spread->job, &err) == 0)
		return;
	end(snapshot);
	/* The workers are full: again in a moment, nothing is lost meanwhile. */
	mst_timer_set(engine->loops[0].loop, &snapshot->timer, AGAIN_MS);
}

static void on_due(struct mst_timer *timer)
{
	load(MST_HOME(timer, struct mst_snapshot, timer));
}

struct change {
	struct mst_mail mail;
	struct mst_snapshot *snapshot;
};

static void on_change(struct mst_mail *mail)
{
	struct change *change = MST_HOME(mail, struct change, mail);

	load(change->snapshot);
	free(change);
}

static void changed(struct mst_app *app, enum snapshot_kind kind)
{
	struct mst_engine *engine = MST_HOME(app, struct mst_lane_loop, app)->engine;
	struct change *change = calloc(1, sizeof *change);

	BUG_ON(!change);
	*change = (struct change){.mail.on_mail = on_change, .snapshot = &engine->snapshots[kind]};
	mst_loop_post(engine->loops[0].loop, &change->mail);
}

static void on_issuers_changed(struct mst_app *app)
{
	changed(app, SNAPSHOT_ISSUERS);
}

static void on_catalog_changed(struct mst_app *app)
{
	changed(app, SNAPSHOT_CATALOG);
}

void mst_lane_snapshots(struct mst_lane_loop *lane)
{
	lane->app.issuers = lane->engine->snapshots[SNAPSHOT_ISSUERS].now;
	lane->app.catalog = lane->engine->snapshots[SNAPSHOT_CATALOG].now;
	lane->app.on_issuers_changed = on_issuers_changed;
	lane->app.on_catalog_changed = on_catalog_changed;
}

int mst_snapshots_start(struct mst_engine *engine, struct mst_err *e)
{
	for (uint32_t i = 0; i < NUM_SNAPSHOTS; i++) {
		engine->snapshots[i] = (struct mst_snapshot){.row = &rows[i], .engine = engine, .timer.on_due = on_due};
		if (rows[i].load(&engine->snapshots[i].now, engine, e) < 0)
			return -1;
	}
	return 0;
}

void mst_snapshots_stop(struct mst_engine *engine)
{
	for (uint32_t i = 0; i < NUM_SNAPSHOTS; i++) {
		struct mst_snapshot *snapshot = &engine->snapshots[i];

		if (snapshot->spread) {
			rows[i].free(snapshot->spread->older);
			if (snapshot->spread->newer != snapshot->now)
				rows[i].free(snapshot->spread->newer);
		}
		end(snapshot);
		rows[i].free(snapshot->now);
		snapshot->now = NULL;
	}
}
