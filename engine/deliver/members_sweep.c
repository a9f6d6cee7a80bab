/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sweep: the sweep's questions, asked of all devices. Ids are hashes, so the devices fall into ranges of the same size that
 * are worked side by side; each goes slice by slice: a worker reads and judges, the loop posts what differs, the next slice
 * begins when all are home.
 *
 *   IDLE > READING ~> POSTING ~> READING ~> ... ~> IDLE        RESTING: the workers are full
 */
#include "members_own.h"
#include "muster/log.h"

#define SLICE 1024 /* devices: some milliseconds of a worker */

static void range_read(struct member_range *range);

static int item_add(struct member_range *range, struct mst_read *r, const struct mst_standing *s)
{
	struct member_item *item = mst_arena_zero(r->arena, sizeof *item);
	bool has_changed;

	if (!item)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory for a slice of devices");
	mst_batch_init(&item->batch, r->arena, range->members->app->loop, NULL);
	item->batch.is_lazy = true; /* whoever lost it asks again */
	item->range = range;
	item->id = s->id;
	if (mst_standing_put(&has_changed, &item->batch, s, NULL, &range->members->now->questions, &r->err) < 0)
		return -1;
	if (has_changed)
		range->items[range->num++] = item;
	return 0;
}

static int slice_walk(struct member_range *range, struct mst_read *r, struct mst_walk *w, uint32_t *num)
{
	struct mst_slice from = mst_slice(range->cursor, range->cursor_len);
	const struct mst_questions *questions = &range->members->now->questions;
	struct mst_standing *s = mst_arena_get(r->arena, sizeof *s);
	struct mst_detail detail;
	int rc = 1;

	if (!s)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory for a slice of devices");
	for (*num = 0; *num < SLICE; ++*num) {
		rc = mst_detail_next(w, r, &detail, from);
		if (rc == 1 && detail.id.device[0] >= range->end)
			rc = 0;
		if (rc != 1)
			break;
		rc = mst_standing_fill(r, s, &detail, questions);
		if (rc != 0 || item_add(range, r, s) < 0)
			return rc ? rc : -1;
		memcpy(range->cursor, detail.id.device, sizeof detail.id.device);
		range->cursor[16] = 0;
		range->cursor_len = 17;
	}
	range->is_last = *num < SLICE;
	return rc < 0 ? -1 : 0;
}

static int plan(struct mst_read *r)
{
	struct member_range *range = MST_HOME(r, struct member_range, read);
	struct mst_walk w = {.r = NULL};
	uint32_t num = 0;
	int rc;

	range->num = 0;
	range->items = mst_arena_get(r->arena, SLICE * sizeof(*range->items));
	if (!range->items)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory for a slice of devices");
	rc = slice_walk(range, r, &w, &num);
	mst_walk_done(&w);
	range->num_looked = num;
	return rc;
}

static void range_end(struct member_range *range)
{
	range->state = RANGE_IDLE;
	mst_arena_done(&range->arena);
	if (--range->members->num_busy == 0)
		mst_sweep_ended(range->members);
}

/* All batches of the slice are home. */
static void settle(struct member_range *range)
{
	struct mst_members *m = range->members;
	struct mst_id *told = mst_arena_get(&range->arena, (range->num + 1) * sizeof *told);
	uint32_t num = 0;

	for (uint32_t i = 0; i < range->num; i++) {
		struct member_item *item = range->items[i];

		if (item->batch.rc == 0 && told)
			told[num++] = item->id;
		else if (item->batch.err.code == MST_E_CONFLICT)
			mst_members_device(m->app, &item->id);
		else
			m->has_failed = true;
	}
	m->num_changed += num;
	m->num_looked += range->num_looked;
	if (num && m->app->on_members)
		m->app->on_members(m->app, told, num);
	if (range->is_last || m->has_failed)
		range_end(range);
	else
		range_read(range);
}

static void on_committed(struct mst_batch *b)
{
	struct member_range *range = MST_HOME(b, struct member_item, batch)->range;

	if (--range->num_out == 0 && range->num_posted == range->num)
		settle(range);
}

static void post(struct member_range *range)
{
	struct mst_app *app = range->members->app;
	struct mst_err e;

	range->num_out++; /* until all are posted */
	for (; range->num_posted < range->num; range->num_posted++) {
		struct mst_batch *b = &range->items[range->num_posted]->batch;

		b->on_committed = on_committed;
		if (mst_store_commit(app->store, b, &e) < 0) {
			mst_timer_set(app->loop, &range->timer, MEMBERS_AGAIN_MS);
			break;
		}
		range->num_out++;
	}
	if (--range->num_out == 0 && range->num_posted == range->num)
		settle(range);
}

static void on_due(struct mst_timer *timer)
{
	struct member_range *range = MST_HOME(timer, struct member_range, timer);

	if (range->state == RANGE_RESTING)
		range_read(range);
	else
		post(range);
}

static void run(struct mst_job *job)
{
	struct member_range *range = MST_HOME(job, struct member_range, job);

	range->read = (struct mst_read){.arena = &range->arena, .plan = plan};
	(void)!mst_store_read_here(range->members->app->store, &range->read);
}

static void on_ran(struct mst_job *job)
{
	struct member_range *range = MST_HOME(job, struct member_range, job);

	range->state = RANGE_POSTING;
	range->num_posted = range->num_out = 0;
	if (range->read.rc == 0) {
		post(range);
		return;
	}
	mst_log(ERROR, "labels cannot be judged", mst_f_code(&range->read.err), mst_f_err(&range->read.err));
	range->members->has_failed = true;
	range_end(range);
}

static void range_read(struct member_range *range)
{
	struct mst_app *app = range->members->app;
	struct mst_err e;

	mst_arena_done(&range->arena);
	range->state = RANGE_READING;
	range->job = (struct mst_job){.home = app->loop, .run = run, .on_ran = on_ran};
	if (mst_work_post(app->work, MST_LANE_BULK, &range->job, &e) == 0)
		return;
	range->state = RANGE_RESTING;
	mst_timer_set(app->loop, &range->timer, MEMBERS_AGAIN_MS);
}

void mst_sweep_begin(struct mst_members *m)
{
	m->num_busy = MEMBERS_RANGES;
	for (uint32_t i = 0; i < MEMBERS_RANGES; i++) {
		struct member_range *range = &m->ranges[i];

		BUG_ON(range->state != RANGE_IDLE);
		range->members = m;
		range->timer.on_due = on_due;
		mst_arena_init(&range->arena, NULL, 0);
		range->cursor[0] = (uint8_t)(256 / MEMBERS_RANGES * i);
		range->cursor_len = i > 0;
		range->end = 256 / MEMBERS_RANGES * (i + 1);
		range_read(range);
	}
}

void mst_sweep_done(struct mst_members *m)
{
	for (uint32_t i = 0; i < MEMBERS_RANGES; i++) {
		mst_timer_end(m->app->loop, &m->ranges[i].timer);
		mst_arena_done(&m->ranges[i].arena);
	}
}
