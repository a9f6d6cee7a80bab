/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new campaign: it gets a number and a place among the open ones on the campaigns' loop; a worker writes its list, its
 * command and, last, its record, without which the rest does not count. Then it runs.
 */
#include "campaign_live.h"
#include "muster/clock.h"
#include "muster/log.h"

#define CHUNKS_MOST 32 /* of a list in one batch: less than a MiB */

static int commit(struct mst_store *store, struct mst_batch *b, struct mst_err *e)
{
	int rc = mst_store_commit_here(store, b);

	if (rc < 0)
		*e = b->err;
	mst_arena_done(b->arena);
	return rc;
}

static int write_ids(const struct campaign *c, const struct campaign_call *call, struct mst_err *e)
{
	uint64_t num = c->record.num_ids, at = 0;
	struct mst_arena arena;
	struct mst_batch b;

	mst_arena_init(&arena, NULL, 0);
	while (at < num) {
		mst_batch_init(&b, &arena, NULL, NULL);
		for (uint32_t i = 0; i < CHUNKS_MOST && at < num; i++) {
			uint64_t left = num - at, take = left < CAMPAIGN_CHUNK_IDS ? left : CAMPAIGN_CHUNK_IDS;
			mst_campaign_ids_put(&b, c->record.number, (uint32_t)(at / CAMPAIGN_CHUNK_IDS), call->ids + at, take);
			at += take;
		}
		if (commit(c->all->store, &b, e) < 0)
			return -1;
	}
	return 0;
}

/* One command's uuid cannot tell two campaigns apart. */
struct census {
	struct mst_read read;
	struct mst_slice uuid;
	uint64_t from;
	bool is_end;
};

static int census_plan(struct mst_read *r)
{
	struct census *census = MST_HOME(r, struct census, read);
	struct campaign_record record;
	int rc = mst_campaign_record_next(r, &record, census->from);

	census->is_end = rc == 0;
	if (rc != 1)
		return rc;
	if (mst_slice_eq(record.uuid, census->uuid))
		return mst_fail(&r->err, MST_E_CONFLICT, "campaign %llu has this command uuid already",
				(unsigned long long)record.number);
	census->from = record.number + 1;
	return 0;
}

static int check_uuid(const struct campaign *c, struct mst_err *e)
{
	struct census census = {.uuid = c->record.uuid};
	struct mst_arena arena;

	mst_arena_init(&arena, NULL, 0);
	do {
		census.read = (struct mst_read){.arena = &arena, .plan = census_plan};
		int rc = mst_store_read_here(c->all->store, &census.read);
		mst_arena_done(&arena);
		if (rc < 0) {
			*e = census.read.err;
			return -1;
		}
	} while (!census.is_end);
	return 0;
}

static void on_worker(struct mst_job *job)
{
	struct campaign *c = MST_HOME(job, struct campaign, work);
	struct campaign_call *call = c->starter;
	struct mst_arena arena;
	struct mst_batch b;

	call->rc = -1;
	if (check_uuid(c, &call->err) < 0 || write_ids(c, call, &call->err) < 0)
		return;
	mst_arena_init(&arena, NULL, 0);
	mst_batch_init(&b, &arena, NULL, NULL);
	mst_campaign_plist_put(&b, c->record.number, c->plist);
	mst_campaign_record_put(&b, &c->record);
	call->rc = commit(c->all->store, &b, &call->err);
}

static void on_ran(struct mst_job *job)
{
	struct campaign *c = MST_HOME(job, struct campaign, work);
	struct mst_campaigns *all = c->all;
	struct campaign_call *call = c->starter;

	all->num_jobs--;
	c->is_entering = false;
	c->starter = NULL;
	*call->live = (struct campaign_live){.is_live = call->rc == 0, .pace = c->pace};
	if (call->rc < 0) {
		mst_campaign_end(c);
		mst_timer_set(all->loop, &all->sweep_timer, 0); /* what was written of it */
	} else {
		mst_log(INFO, "campaign started", mst_f_u64("campaign", c->record.number), mst_f_slice("who", c->record.who),
			mst_f_slice("type", c->record.request_type), mst_f_str("source", mst_campaign_source_word(c->record.source)));
		mst_campaign_again(c);
	}
	mst_campaign_answer(call);
}

static int refused(struct campaign_call *call, const struct campaign_record *new)
{
	struct mst_campaigns *all = call->all;

	if (all->is_draining)
		return mst_fail(&call->err, MST_E_BUSY, "the engine is ending");
	if (all->num_open >= all->conf.open_max)
		return mst_fail(&call->err, MST_E_CONFLICT, "%u campaigns are open already", all->num_open);
	MST_LIST_EACH(link, keep, &all->open)
		if (mst_slice_eq(MST_HOME(link, struct campaign, link)->record.uuid, new->uuid))
			return mst_fail(&call->err, MST_E_CONFLICT, "campaign %llu has this command uuid already",
					(unsigned long long)MST_HOME(link, struct campaign, link)->record.number);
	return 0;
}

static int enter(struct campaign_call *call)
{
	struct mst_campaigns *all = call->all;
	struct campaign_record *new = call->records;
	struct campaign *c;

	if (refused(call, new) < 0)
		return -1;
	new->number = all->last_number + 1;
	new->created_ms = new->changed_ms = mst_clock_wall_ms();
	c = mst_campaign_add(all, new, call->plist);
	if (!c)
		return mst_fail(&call->err, MST_E_BUSY, "out of memory");
	c->is_entering = true;
	c->starter = call;
	c->work = (struct mst_job){.home = all->loop, .run = on_worker, .on_ran = on_ran};
	if (mst_work_post(all->work, MST_LANE_BULK, &c->work, &call->err) < 0) {
		mst_campaign_end(c);
		return -1;
	}
	all->last_number++;
	all->num_jobs++;
	return 0;
}

void mst_campaign_enter_new(struct campaign_call *call)
{
	/* Once posted, the call is the worker's. */
	if (enter(call) == 0)
		return;
	call->rc = -1;
	mst_campaign_answer(call);
}
