/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the campaigns that the last run left open, and drops those that were over long ago or never came to be. The newest
 * campaign stays, however old: its number is where counting goes on.
 */
#include <stdlib.h>

#include "campaign_live.h"
#include "muster/clock.h"
#include "muster/log.h"

#define AGAIN_MS       1000  /* after the workers' queue was full */
#define LOAD_AGAIN_MS  10000 /* after the store could not be read */
#define SWEEP_FIRST_MS 60000
#define SWEEP_MS       3600000
#define KEEP_MS        (30ll * 86400 * 1000)
#define LOAD_MOST      4096 /* open campaigns taken up again; no configuration allows as many */

/* A worker's turn: to load, or to sweep. */
struct campaign_sweep {
	struct mst_campaigns *all;
	struct mst_job work;
	struct mst_arena arena;
	struct mst_read read;
	bool is_out;
	int rc;
	struct mst_err err;
	uint64_t from, below; /* sweep: only numbers from `from` on that are below `below` */
	struct campaign_record *open;
	struct mst_slice *plists;
	uint32_t num;
	uint64_t last_number, number;
	bool is_end;
	int64_t old_ms;
	uint32_t num_dropped;
};

/* Records one by one; the numbers of all that are stored, and of those behind which only a list was left. */
static int load_plan(struct mst_read *r)
{
	struct campaign_sweep *s = MST_HOME(r, struct campaign_sweep, read);
	struct campaign_record *record = &s->open[s->num];
	int rc = mst_campaign_record_next(r, record, s->from);

	s->is_end = rc == 0 || s->num >= LOAD_MOST;
	if (rc != 1)
		return rc;
	s->from = record->number + 1;
	s->last_number = record->number;
	if (mst_campaign_is_over(record))
		return 0;
	rc = mst_campaign_plist_get(r, &s->plists[s->num], record->number);
	if (rc == 0)
		return mst_fail(&r->err, MST_E_STORE, "a campaign's command is missing");
	s->num++;
	return rc < 0 ? -1 : 0;
}

static int left_plan(struct mst_read *r)
{
	struct campaign_sweep *s = MST_HOME(r, struct campaign_sweep, read);
	int rc = mst_campaign_left_next(r, &s->number, s->from);

	s->is_end = rc == 0;
	if (rc != 1)
		return rc;
	s->from = s->number + 1;
	if (s->number > s->last_number)
		s->last_number = s->number;
	return 0;
}

static int read_all(struct campaign_sweep *s, int (*plan)(struct mst_read *r))
{
	s->from = 0;
	do {
		s->read = (struct mst_read){.arena = &s->arena, .plan = plan};
		if (mst_store_read_here(s->all->store, &s->read) < 0) {
			s->err = s->read.err;
			return -1;
		}
	} while (!s->is_end);
	return 0;
}

static void load_work(struct mst_job *job)
{
	struct campaign_sweep *s = MST_HOME(job, struct campaign_sweep, work);

	s->num = 0;
	s->last_number = 0;
	s->open = mst_arena_get(&s->arena, (LOAD_MOST + 1) * sizeof(*s->open));
	s->plists = mst_arena_get(&s->arena, (LOAD_MOST + 1) * sizeof(*s->plists));
	s->rc = s->open && s->plists ? 0 : mst_fail(&s->err, MST_E_BUSY, "no memory for campaigns");
	if (s->rc == 0 && (read_all(s, load_plan) < 0 || read_all(s, left_plan) < 0))
		s->rc = -1;
}

static int take_up(struct campaign_sweep *s)
{
	for (uint32_t i = 0; i < s->num; i++) {
		struct campaign *c = mst_campaign_add(s->all, &s->open[i], s->plists[i]);
		if (c)
			continue;
		MST_LIST_EACH(link, keep, &s->all->open)
			mst_campaign_end(MST_HOME(link, struct campaign, link));
		return mst_fail(&s->err, MST_E_BUSY, "no memory for campaigns");
	}
	MST_LIST_EACH(link, keep, &s->all->open)
		mst_campaign_again(MST_HOME(link, struct campaign, link));
	return 0;
}

static void on_loaded(struct mst_job *job)
{
	struct campaign_sweep *s = MST_HOME(job, struct campaign_sweep, work);
	struct mst_campaigns *all = s->all;

	all->num_jobs--;
	s->is_out = false;
	all->is_loaded = s->rc == 0 && take_up(s) == 0;
	all->last_number = s->last_number;
	mst_arena_done(&s->arena);
	if (!all->is_loaded)
		mst_log(ERROR, "campaigns cannot be read", mst_f_err(&s->err));
	mst_timer_set(all->loop, &all->sweep_timer, all->is_loaded ? SWEEP_FIRST_MS : LOAD_AGAIN_MS);
	mst_campaign_serve_early(all);
}

static void post(struct campaign_sweep *s, void (*run)(struct mst_job *job), void (*on_ran)(struct mst_job *job))
{
	struct mst_campaigns *all = s->all;
	struct mst_err err;

	s->work = (struct mst_job){.home = all->loop, .run = run, .on_ran = on_ran};
	mst_arena_init(&s->arena, NULL, 0);
	s->is_out = mst_work_post(all->work, MST_LANE_BULK, &s->work, &err) == 0;
	if (s->is_out)
		all->num_jobs++;
	else
		mst_timer_set(all->loop, &all->sweep_timer, AGAIN_MS);
}

void mst_campaign_load(struct mst_campaigns *all)
{
	post(all->sweep, load_work, on_loaded);
}

/* Sweeping. */

static int old_plan(struct mst_read *r)
{
	struct campaign_sweep *s = MST_HOME(r, struct campaign_sweep, read);
	struct campaign_record record;
	int rc = mst_campaign_record_next(r, &record, s->from);

	s->is_end = rc == 0 || record.number >= s->below;
	if (rc != 1 || s->is_end)
		return rc < 0 ? -1 : 0;
	s->from = record.number + 1;
	s->number = mst_campaign_is_over(&record) && record.changed_ms < s->old_ms && record.number < s->last_number ? record.number
														     : 0;
	return 0;
}

static int lost_plan(struct mst_read *r)
{
	struct campaign_sweep *s = MST_HOME(r, struct campaign_sweep, read);
	struct campaign_record record;
	int rc = mst_campaign_left_next(r, &s->number, s->from);

	s->is_end = rc == 0 || s->number >= s->below;
	if (rc != 1 || s->is_end)
		return rc < 0 ? -1 : 0;
	s->from = s->number + 1;
	rc = mst_campaign_record_get(r, &record, s->number);
	if (rc == 1)
		s->number = 0;
	return rc < 0 ? -1 : 0;
}

static int drop_found(struct campaign_sweep *s, int (*plan)(struct mst_read *r))
{
	s->from = 0;
	for (;;) {
		s->number = 0;
		s->read = (struct mst_read){.arena = &s->arena, .plan = plan};
		if (mst_store_read_here(s->all->store, &s->read) < 0) {
			s->err = s->read.err;
			return -1;
		}
		mst_arena_done(&s->arena);
		if (s->is_end)
			return 0;
		if (s->number == 0)
			continue;
		if (mst_campaign_drop(s->all->store, s->number, &s->err) < 0)
			return -1;
		s->num_dropped++;
	}
}

static void sweep_work(struct mst_job *job)
{
	struct campaign_sweep *s = MST_HOME(job, struct campaign_sweep, work);

	s->rc = drop_found(s, old_plan) < 0 || drop_found(s, lost_plan) < 0 ? -1 : 0;
}

static void on_swept(struct mst_job *job)
{
	struct campaign_sweep *s = MST_HOME(job, struct campaign_sweep, work);
	struct mst_campaigns *all = s->all;

	all->num_jobs--;
	s->is_out = false;
	if (s->rc < 0)
		mst_log(WARN, "old campaigns not dropped", mst_f_err(&s->err));
	else if (s->num_dropped)
		mst_log(INFO, "old campaigns dropped", mst_f_u64("campaigns", s->num_dropped));
	mst_arena_done(&s->arena);
	mst_timer_set(all->loop, &all->sweep_timer, SWEEP_MS);
}

void mst_campaign_sweep(struct mst_campaigns *all)
{
	struct campaign_sweep *s = all->sweep;

	if (s->is_out)
		return;
	s->num_dropped = 0;
	s->old_ms = mst_clock_wall_ms() - KEEP_MS;
	s->last_number = all->last_number;
	/* What is being written now has no record yet. */
	s->below = all->last_number + 1;
	MST_LIST_EACH(link, keep, &all->open) {
		const struct campaign *c = MST_HOME(link, struct campaign, link);
		if (c->is_entering && c->record.number < s->below)
			s->below = c->record.number;
	}
	post(s, sweep_work, on_swept);
}

static void on_due(struct mst_timer *timer)
{
	struct mst_campaigns *all = MST_HOME(timer, struct mst_campaigns, sweep_timer);

	if (all->is_draining)
		return;
	if (all->is_loaded)
		mst_campaign_sweep(all);
	else
		mst_campaign_load(all);
}

int mst_campaign_load_new(struct mst_campaigns *all, struct mst_err *e)
{
	all->sweep = calloc(1, sizeof(*all->sweep));
	if (!all->sweep)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	all->sweep->all = all;
	all->sweep_timer.on_due = on_due;
	mst_timer_set(all->loop, &all->sweep_timer, 0);
	return 0;
}

void mst_campaign_load_free(struct mst_campaigns *all)
{
	if (!all->sweep)
		return;
	mst_timer_end(all->loop, &all->sweep_timer);
	mst_arena_done(&all->sweep->arena);
	free(all->sweep);
	all->sweep = NULL;
}
