/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of bulk jobs, on one loop. One job is at work at a time, with some slices: workers make
 * them in any order, they are committed in order, several on their way to the store at once.
 *
 *   slice:  FREE > WORK ~> READY > POSTED ~> FREE
 */
#include "bulk_queue.h"

#include <stdlib.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"

#define REST_MS     1000 /* after the store could not write */
#define REST_MAX_MS 30000
#define AGAIN_MS    50 /* after a requirement failed, or the workers' queue was full */

/* clang-format off */
static const uint8_t life_next[NUM_LIVES] = {
	[LIFE_WRITE] = MST_B(LIFE_WAIT) | MST_B(LIFE_OVER),
	[LIFE_WAIT]  = MST_B(LIFE_LOAD) | MST_B(LIFE_END),
	[LIFE_LOAD]  = MST_B(LIFE_RUN)  | MST_B(LIFE_END)  | MST_B(LIFE_REST) | MST_B(LIFE_OVER),
	[LIFE_RUN]   = MST_B(LIFE_HALT) | MST_B(LIFE_OVER),
	[LIFE_HALT]  = MST_B(LIFE_REST),
	[LIFE_REST]  = MST_B(LIFE_LOAD),
	[LIFE_END]   = MST_B(LIFE_OVER) | MST_B(LIFE_REST) | MST_B(LIFE_WAIT),
};
/* clang-format on */

void mst_bulk_move(struct bulk_job *job, enum bulk_life to)
{
	BUG_ON(!(life_next[job->life] & MST_B(to)));
	job->life = to;
	__atomic_store_n(&job->is_stopped, to != LIFE_RUN, __ATOMIC_RELAXED);
}

/* Others may be tried again: the store, memory, what somebody changed meanwhile. */
static bool is_final(enum mst_code code)
{
	return code != MST_E_STORE && code != MST_E_BUSY && code != MST_E_IO &&
	       code != MST_E_CONFLICT && code != MST_E_NONE;
}

static void slice_free(struct bulk_slice *slice)
{
	mst_arena_done(&slice->arena);
	slice->state = SLICE_FREE;
	slice->job->num_out--;
}

static void halt(struct bulk_job *job, const struct mst_err *why)
{
	if (job->life != LIFE_RUN)
		return;
	job->err = *why;
	mst_bulk_move(job, LIFE_HALT);
}

/* What is ready will not be committed any more: it is made again. */
static void throw_away(struct mst_bulk *bulk, struct bulk_job *job)
{
	for (uint32_t i = 0; i < bulk->conf.slices_max; i++)
		if (bulk->slices[i].state == SLICE_READY && bulk->slices[i].job == job)
			slice_free(&bulk->slices[i]);
}

static void rest(struct mst_bulk *bulk, struct bulk_job *job)
{
	bool is_short = job->is_cancelled || job->err.code == MST_E_CONFLICT ||
			job->err.code == MST_E_NONE || is_final(job->err.code);

	if (!is_short) {
		job->rest_ms = job->rest_ms ? job->rest_ms * 2 : REST_MS;
		if (job->rest_ms > REST_MAX_MS)
			job->rest_ms = REST_MAX_MS;
		mst_log(WARN, "bulk job pauses", mst_f_slice("authority", job->record.authority),
			mst_f_err(&job->err));
	}
	mst_timer_set(bulk->app->loop, &bulk->timer, is_short ? AGAIN_MS : job->rest_ms);
}

static void on_made(struct mst_job *work)
{
	struct bulk_slice *slice = MST_HOME(work, struct bulk_slice, work);

	slice->state = SLICE_READY;
	mst_bulk_go(slice->bulk);
}

static void on_worker(struct mst_job *work)
{
	struct bulk_slice *slice = MST_HOME(work, struct bulk_slice, work);

	slice->rc = mst_bulk_make(&slice->batch, &slice->job->ground, slice->first, slice->num,
				  &slice->err);
}

static void on_committed(struct mst_batch *b)
{
	struct bulk_slice *slice = MST_HOME(b, struct bulk_slice, batch);
	struct mst_bulk *bulk = slice->bulk;
	struct bulk_job *job = slice->job;

	if (b->rc < 0) {
		halt(job, &b->err);
	} else {
		mst_count(MST_C_BULK_ISSUED, slice->num);
		job->num_durable += slice->num;
		job->rest_ms = 0;
	}
	slice_free(slice);
	if (job->life == LIFE_RUN && job->num_durable == job->record.total)
		mst_bulk_over(job, "bulk job done");
	mst_bulk_go(bulk);
}

/* The certificates of a slice, and with them the progress. */
static int post(struct mst_bulk *bulk, struct bulk_slice *slice, struct mst_err *e)
{
	struct bulk_job *job = slice->job;
	struct bulk_record *record = &job->record;
	const struct mst_authority *authority = &job->ground.issuer->record;
	uint64_t now_ms = mst_clock_ms();
	struct bulk_record next = *record;
	struct mst_slice value;

	next.done += slice->num;
	next.changed_ms = mst_clock_wall_ms();
	next.run_ms += (int64_t)(now_ms - job->clock_ms);
	if (next.done == next.total)
		next.state = BULK_DONE;
	mst_batch_require_same(&slice->batch, MST_SPACE_AUTHORITY,
			       mst_slice(authority->id, sizeof(authority->id)), authority->raw);
	if (mst_bulk_record_put(&slice->batch, &value, &next, e) < 0 ||
	    mst_store_commit(bulk->app->store, &slice->batch, e) < 0)
		return -1;
	job->clock_ms = now_ms;
	BUG_ON(value.len > sizeof(job->raw));
	memcpy(job->raw, value.at, value.len);
	next.raw = mst_slice(job->raw, value.len);
	*record = next;
	slice->state = SLICE_POSTED;
	return 0;
}

static struct bulk_slice *find_slice(struct mst_bulk *bulk, enum slice_state state,
				     const struct bulk_job *job, uint32_t first)
{
	for (uint32_t i = 0; i < bulk->conf.slices_max; i++) {
		struct bulk_slice *slice = &bulk->slices[i];
		if (slice->state == state &&
		    (state == SLICE_FREE || (slice->job == job && slice->first == first)))
			return slice;
	}
	return NULL;
}

static void commit_ready(struct mst_bulk *bulk, struct bulk_job *job)
{
	struct bulk_slice *slice;
	struct mst_err err;

	while (job->life == LIFE_RUN &&
	       (slice = find_slice(bulk, SLICE_READY, job, job->record.done))) {
		if (slice->rc < 0) {
			halt(job, &slice->err);
		} else if (post(bulk, slice, &err) < 0) {
			slice->rc = -1;
			halt(job, &err);
		}
	}
}

/* Slices of one job at once. Slow ones have as many as bulk workers: look-ups wait in the same
 * lane. */
static uint32_t width(const struct mst_bulk *bulk, const struct bulk_job *job)
{
	uint32_t num = bulk->conf.slices_max;

	return !mst_bulk_make_is_slow(&job->record) ? num : num > 3 ? num - 2 : 1;
}

static void hand_out(struct mst_bulk *bulk, struct bulk_job *job)
{
	const uint32_t num_max = mst_bulk_make_num(&job->record);
	struct bulk_slice *slice;
	struct mst_err err;

	while (job->num_handed < job->record.total && job->num_out < width(bulk, job) &&
	       (slice = find_slice(bulk, SLICE_FREE, NULL, 0))) {
		uint32_t left = job->record.total - job->num_handed;
		slice->job = job;
		slice->bulk = bulk;
		slice->first = job->num_handed;
		slice->num = left < num_max ? left : num_max;
		slice->work = (struct mst_job){
			.home = bulk->app->loop, .run = on_worker, .on_ran = on_made};
		mst_arena_init(&slice->arena, NULL, 0);
		mst_batch_init(&slice->batch, &slice->arena, bulk->app->loop, on_committed);
		if (mst_work_post(bulk->app->work, MST_LANE_BULK, &slice->work, &err) < 0) {
			mst_timer_set(bulk->app->loop, &bulk->timer, AGAIN_MS);
			return;
		}
		slice->state = SLICE_WORK;
		job->num_handed += slice->num;
		job->num_out++;
	}
}

static void begin_run(struct mst_bulk *bulk, struct bulk_job *job)
{
	job->num_handed = job->num_durable = job->record.done;
	job->clock_ms = mst_clock_ms();
	if (!job->record.started_ms)
		job->record.started_ms = mst_clock_wall_ms();
	job->err.code = MST_E_NONE;
	mst_bulk_move(job, LIFE_RUN);
}

/* The record and what it builds on have been read. */
static void judge(struct mst_bulk *bulk, struct bulk_job *job)
{
	if (job->is_missing || (job->is_read && job->record.state != BULK_OPEN)) {
		mst_bulk_over(job, "bulk job is over");
	} else if (job->is_read && (job->is_cancelled || is_final(job->err.code))) {
		mst_bulk_end(bulk, job, job->is_cancelled ? BULK_CANCELLED : BULK_FAILED);
	} else if (job->err.code != MST_E_NONE) {
		mst_bulk_move(job, LIFE_REST);
		rest(bulk, job);
	} else {
		begin_run(bulk, job);
	}
}

static void on_loaded(struct mst_job *work)
{
	struct bulk_job *job = MST_HOME(work, struct bulk_job, work);
	struct mst_bulk *bulk = job->bulk;

	judge(bulk, job);
	mst_bulk_go(bulk);
}

static void load(struct mst_bulk *bulk, struct bulk_job *job)
{
	struct mst_err err;

	job->work = (struct mst_job){
		.home = bulk->app->loop, .run = mst_bulk_load, .on_ran = on_loaded};
	if (mst_work_post(bulk->app->work, MST_LANE_BULK, &job->work, &err) < 0)
		mst_timer_set(bulk->app->loop, &bulk->timer, AGAIN_MS);
	else
		mst_bulk_move(job, LIFE_LOAD);
}

static void work(struct mst_bulk *bulk, struct bulk_job *job)
{
	if (job->life == LIFE_RUN && job->is_cancelled)
		mst_bulk_move(job, LIFE_HALT);
	if (job->life == LIFE_RUN)
		commit_ready(bulk, job);
	if (job->life == LIFE_RUN && !bulk->app->is_draining)
		hand_out(bulk, job);
	if (job->life != LIFE_HALT)
		return;
	throw_away(bulk, job);
	if (job->num_out > 0)
		return;
	mst_bulk_move(job, LIFE_REST);
	rest(bulk, job);
}

static struct bulk_job *choose(struct mst_bulk *bulk)
{
	for (struct bulk_job *job = bulk->first; job; job = job->next)
		if (job->life == LIFE_WAIT)
			return job;
	return NULL;
}

void mst_bulk_go(struct mst_bulk *bulk)
{
	mst_bulk_reap(bulk);
	if (!bulk->active)
		bulk->active = choose(bulk);
	if (!bulk->active)
		return;
	if (bulk->active->life == LIFE_WAIT && !bulk->app->is_draining)
		load(bulk, bulk->active);
	work(bulk, bulk->active);
}

static void on_due(struct mst_timer *timer)
{
	struct mst_bulk *bulk = MST_HOME(timer, struct mst_bulk, timer);

	if (bulk->app->is_draining)
		return;
	if (!bulk->is_scanned) {
		mst_bulk_scan(bulk);
		return;
	}
	if (bulk->active && bulk->active->life == LIFE_REST)
		load(bulk, bulk->active);
	mst_bulk_go(bulk);
}

int mst_bulk_new(struct mst_bulk **out, struct mst_app *app, const struct mst_bulk_conf *conf,
		 struct mst_err *e)
{
	struct mst_bulk *bulk = calloc(1, sizeof(*bulk));

	if (!bulk)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	bulk->app = app;
	bulk->conf = *conf;
	bulk->slices = calloc(conf->slices_max, sizeof(*bulk->slices));
	bulk->timer.on_due = on_due;
	if (!bulk->slices || mst_filler_new(&bulk->filler, app, &bulk->conf, e) < 0 ||
	    mst_sealer_new(&bulk->sealer, app, &bulk->conf, e) < 0) {
		mst_bulk_free(&bulk);
		return mst_fail(e, MST_E_BUSY, "out of memory");
	}
	mst_timer_set(app->loop, &bulk->timer, 0);
	*out = bulk;
	return 0;
}

void mst_bulk_free(struct mst_bulk **at)
{
	struct mst_bulk *bulk = *at;

	if (!bulk)
		return;
	mst_timer_end(bulk->app->loop, &bulk->timer);
	mst_filler_free(&bulk->filler);
	mst_sealer_free(&bulk->sealer);
	for (uint32_t i = 0; bulk->slices && i < bulk->conf.slices_max; i++)
		mst_arena_done(&bulk->slices[i].arena);
	mst_arena_done(&bulk->scan.arena);
	while (bulk->first) {
		bulk->first->life = LIFE_OVER;
		mst_bulk_reap(bulk);
	}
	free(bulk->slices);
	free(bulk);
	*at = NULL;
}

const struct mst_bulk_conf *mst_bulk_limits0(const struct mst_bulk *bulk)
{
	return &bulk->conf;
}

void mst_bulk_post(struct mst_bulk *bulk, struct mst_mail *mail)
{
	mst_loop_post(bulk->app->loop, mail);
}

struct mst_sealer *mst_bulk_sealer0(const struct mst_bulk *bulk)
{
	return bulk->sealer;
}
