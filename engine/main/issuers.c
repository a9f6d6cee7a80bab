/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot of live authorities: loaded at the start, and anew after a change, one load at a time under loop 0's eye. Each
 * loop gets the newer one by mail; loop 0 frees the older one when every loop has let go of it.
 *
 *   any loop: changed -> loop 0: load on a worker -> every loop: take, wait for older exchanges -> loop 0: let go
 */
#include <stdlib.h>

#include "engine.h"
#include "muster/log.h"

/* One load and its spread over the loops. */
struct spread {
	struct mst_job job;
	struct mst_engine *engine;
	struct mst_issuers *issuers; /* the newer ones */
	struct mst_err err;
	uint32_t num_left; /* loops that have not taken them yet; loop 0's */
	struct mst_issuers *older;
	struct visit {
		struct mst_mail mail;
		struct mst_timer timer;
		uint64_t mark; /* exchanges before it may still look at the older ones */
		struct spread *spread;
		struct mst_lane_loop *lane;
	} visits[];
};

static void load(struct mst_engine *engine);

static void end(struct mst_engine *engine)
{
	free(engine->spread);
	engine->spread = NULL;
}

/* On loop 0: a loop has taken the newer ones. */
static void on_taken(struct mst_mail *mail)
{
	struct spread *spread = MST_HOME(mail, struct visit, mail)->spread;
	struct mst_engine *engine = spread->engine;

	if (--spread->num_left > 0)
		return;
	mst_issuers_free(&spread->older);
	end(engine);
	if (engine->is_issuers_due)
		load(engine);
}

/* On each loop. */
static void on_look(struct mst_timer *timer)
{
	struct visit *visit = MST_HOME(timer, struct visit, timer);

	if (!mst_http_is_past(visit->lane->http, visit->mark)) {
		mst_timer_set(visit->lane->loop, timer, ISSUERS_AGAIN_MS);
		return;
	}
	visit->mail.on_mail = on_taken;
	mst_loop_post(visit->spread->engine->loops[0].loop, &visit->mail);
}

static void on_take(struct mst_mail *mail)
{
	struct visit *visit = MST_HOME(mail, struct visit, mail);

	mst_lane_take(visit->lane, visit->spread->issuers);
	visit->mark = mst_http_mark(visit->lane->http);
	visit->timer.on_due = on_look;
	mst_timer_set(visit->lane->loop, &visit->timer, 0);
}

static void run_load(struct mst_job *job)
{
	struct spread *spread = MST_HOME(job, struct spread, job);

	if (mst_issuers_load(&spread->issuers, spread->engine->store, spread->engine->seal, &spread->err) < 0)
		spread->issuers = NULL;
}

/* On loop 0. */
static void on_loaded(struct mst_job *job)
{
	struct spread *spread = MST_HOME(job, struct spread, job);
	struct mst_engine *engine = spread->engine;

	if (!spread->issuers) {
		mst_log(ERROR, "authorities stay as they were", mst_f_code(&spread->err), mst_f_err(&spread->err));
		end(engine);
		if (engine->is_issuers_due)
			load(engine);
		return;
	}
	spread->older = engine->issuers;
	engine->issuers = spread->issuers;
	spread->num_left = engine->num_loops;
	for (uint32_t i = 0; i < engine->num_loops; i++) {
		spread->visits[i] = (struct visit){.mail.on_mail = on_take, .spread = spread, .lane = &engine->loops[i]};
		mst_loop_post(engine->loops[i].loop, &spread->visits[i].mail);
	}
}

/* On loop 0. A change while a load is under way is loaded after it. */
static void load(struct mst_engine *engine)
{
	struct spread *spread;
	struct mst_err err = {0};

	engine->is_issuers_due = engine->spread != NULL;
	if (engine->spread)
		return;
	spread = calloc(1, sizeof *spread + engine->num_loops * sizeof spread->visits[0]);
	BUG_ON(!spread);
	spread->engine = engine;
	spread->job = (struct mst_job){.home = engine->loops[0].loop, .run = run_load, .on_ran = on_loaded};
	engine->spread = spread;
	if (mst_work_post(engine->work, MST_LANE_FAST, &spread->job, &err) == 0)
		return;
	end(engine);
	/* The workers are full: again in a moment, nothing is lost meanwhile. */
	mst_timer_set(engine->loops[0].loop, &engine->issuers_timer, ISSUERS_AGAIN_MS);
}

static void on_due(struct mst_timer *timer)
{
	load(MST_HOME(timer, struct mst_engine, issuers_timer));
}

struct change {
	struct mst_mail mail;
	struct mst_engine *engine;
};

static void on_change(struct mst_mail *mail)
{
	struct change *change = MST_HOME(mail, struct change, mail);

	load(change->engine);
	free(change);
}

static void on_issuers_changed(struct mst_app *app)
{
	struct mst_lane_loop *lane = MST_HOME(app, struct mst_lane_loop, app);
	struct change *change = calloc(1, sizeof *change);

	BUG_ON(!change);
	*change = (struct change){.mail.on_mail = on_change, .engine = lane->engine};
	mst_loop_post(lane->engine->loops[0].loop, &change->mail);
}

void mst_lane_issuers(struct mst_lane_loop *lane)
{
	lane->app.issuers = lane->engine->issuers;
	lane->app.on_issuers_changed = on_issuers_changed;
}

int mst_issuers_start(struct mst_engine *engine, struct mst_err *e)
{
	engine->issuers_timer.on_due = on_due;
	return mst_issuers_load(&engine->issuers, engine->store, engine->seal, e);
}

void mst_issuers_stop(struct mst_engine *engine)
{
	if (engine->spread)
		mst_issuers_free(&engine->spread->older);
	end(engine);
	mst_issuers_free(&engine->issuers);
}
