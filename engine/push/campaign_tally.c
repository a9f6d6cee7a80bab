/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a campaign's devices: counted when somebody asks, from the devices' own records, on a worker, some thousand
 * devices a turn. A count is kept: it is made anew when it is older than a share of what making it took. Who asks waits for
 * it a little while; with many devices he gets the count before, which says when it was made.
 */
#include <stdlib.h>

#include "campaign_live.h"
#include "muster/clock.h"
#include "muster/log.h"

#define TURN_MOST 10000 /* devices in one turn of a worker: some 100 ms */
#define WAIT_MS   2000
#define CHEAP_MS  50 /* what takes no longer is counted each time */
#define SHARE     5  /* other counting takes one part in so many of a worker's time at most */

struct campaign_tally {
	struct mst_campaigns *all;
	struct campaign_record what; /* number 0: free. Texts in `texts` */
	struct mst_arena texts;
	struct campaign_count done, now; /* complete; being made */
	struct campaign_cursor cursor;
	bool is_out, is_last;
	uint64_t began_ms, took_ms, asked_ms; /* the loop's clock */
	uint64_t done_ms;                     /* when the complete one began */
	struct mst_job work;
	struct mst_arena arena;
	struct mst_read read;
	struct mst_timer timer; /* callers wait no longer */
	struct campaign_call *callers;
};

static const char *const fate_words[NUM_CAMPAIGN_FATES] = {
#define X(name, word) [CAMPAIGN_FATE_##name] = word,
	CAMPAIGN_FATES(X)
#undef X
};

const char *mst_campaign_fate_word(enum campaign_fate fate)
{
	return fate_words[fate];
}

static const enum campaign_fate fates[MST_NUM_COMMAND_STATES] = {
	[MST_COMMAND_QUEUED] = CAMPAIGN_FATE_WAITING,
	[MST_COMMAND_NOT_NOW] = CAMPAIGN_FATE_NOT_NOW,
	[MST_COMMAND_ACKNOWLEDGED] = CAMPAIGN_FATE_ACKNOWLEDGED,
	[MST_COMMAND_ERROR] = CAMPAIGN_FATE_ERROR,
	[MST_COMMAND_FORMAT_ERROR] = CAMPAIGN_FATE_ERROR,
	[MST_COMMAND_CANCELLED] = CAMPAIGN_FATE_CANCELLED,
};

static int count_one(struct campaign_tally *t, struct mst_read *r, const struct campaign_target *target)
{
	struct mst_command command;
	struct mst_push_due due;
	enum campaign_fate fate;
	int rc = target->is_known ? mst_command_get(r, &command, &target->id, t->what.uuid) : 0;

	if (rc != 1 || command.queued_ms < t->what.created_ms)
		return rc < 0 ? -1 : 0;
	fate = fates[command.state];
	if (!mst_command_is_over(command.state) &&
	    (command.epoch != target->device.epoch || target->device.state == MST_DEVICE_CHECKED_OUT))
		fate = CAMPAIGN_FATE_CLEARED;
	t->now.fates[fate]++;
	if (fate != CAMPAIGN_FATE_WAITING)
		return 0;
	rc = mst_outbox_get(r, &due, &target->id);
	t->now.fates[CAMPAIGN_FATE_PUSH_DUE] += rc == 1 && due.pushed_ms < command.queued_ms;
	return rc < 0 ? -1 : 0;
}

static int plan(struct mst_read *r)
{
	struct campaign_tally *t = MST_HOME(r, struct campaign_tally, read);
	struct campaign_pass pass = {.what = &t->what, .r = r, .cursor = t->cursor, .is_wide = true};
	struct campaign_target target;
	int rc = 1;

	for (uint32_t i = 0; i < TURN_MOST && rc == 1; i++) {
		rc = mst_campaign_source_next(&pass, &target);
		if (rc == 1 && count_one(t, r, &target) < 0)
			rc = -1;
	}
	mst_campaign_source_done(&pass);
	t->cursor = pass.cursor;
	t->is_last = rc == 0;
	return rc < 0 ? -1 : 0;
}

static void on_worker(struct mst_job *job)
{
	struct campaign_tally *t = MST_HOME(job, struct campaign_tally, work);

	t->read = (struct mst_read){.arena = &t->arena, .plan = plan};
	(void)!mst_store_read_here(t->all->store, &t->read);
}

static void answer_all(struct campaign_tally *t)
{
	while (t->callers) {
		struct campaign_call *call = t->callers;
		t->callers = call->next;
		call->count = t->done;
		mst_campaign_answer(call);
	}
	mst_timer_end(t->all->loop, &t->timer);
}

static void on_wait_over(struct mst_timer *timer)
{
	answer_all(MST_HOME(timer, struct campaign_tally, timer));
}

static void on_ran(struct mst_job *job);

static void turn(struct campaign_tally *t)
{
	struct mst_campaigns *all = t->all;
	struct mst_err err;

	t->work = (struct mst_job){.home = all->loop, .run = on_worker, .on_ran = on_ran};
	mst_arena_init(&t->arena, NULL, 0);
	t->is_out = !all->is_draining && mst_work_post(all->work, MST_LANE_BULK, &t->work, &err) == 0;
	if (t->is_out)
		all->num_jobs++;
	else
		answer_all(t);
}

static void on_ran(struct mst_job *job)
{
	struct campaign_tally *t = MST_HOME(job, struct campaign_tally, work);
	uint64_t now_ms = mst_loop_now_ms(t->all->loop);

	t->all->num_jobs--;
	t->is_out = false;
	mst_arena_done(&t->arena);
	if (t->read.rc < 0) {
		mst_log_peer(WARN, "campaign not counted", mst_f_u64("campaign", t->what.number), mst_f_err(&t->read.err));
		answer_all(t);
	} else if (t->is_last) {
		t->done = t->now;
		t->done.counted_ms = mst_clock_wall_ms();
		t->took_ms = now_ms - t->began_ms;
		t->done_ms = t->began_ms;
		answer_all(t);
	} else {
		turn(t);
	}
}

static void begin(struct campaign_tally *t)
{
	t->began_ms = mst_loop_now_ms(t->all->loop);
	t->now = (struct campaign_count){.counted_ms = 0};
	t->cursor = (struct campaign_cursor){.index = 0};
	turn(t);
}

/* The campaign's own, or the one asked for longest ago. NULL: all are at work. */
static struct campaign_tally *find(struct mst_campaigns *all, uint64_t number)
{
	struct campaign_tally *oldest = NULL;

	for (uint32_t i = 0; i < CAMPAIGN_TALLIES; i++) {
		struct campaign_tally *t = &all->tallies[i];
		if (t->what.number == number)
			return t;
		if (!t->is_out && (!oldest || t->asked_ms < oldest->asked_ms))
			oldest = t;
	}
	return oldest;
}

static int take(struct campaign_tally *t, const struct campaign_record *what)
{
	struct mst_campaigns *all = t->all;

	if (t->what.number == what->number)
		return 0;
	mst_arena_done(&t->texts);
	*t = (struct campaign_tally){.all = all, .timer.on_due = on_wait_over};
	mst_arena_init(&t->texts, NULL, 0);
	if (mst_campaign_record_copy(&t->what, &t->texts, what, NULL) == 0)
		return 0;
	t->what.number = 0;
	return -1;
}

static bool is_fresh(const struct campaign_tally *t)
{
	uint64_t age_ms = mst_loop_now_ms(t->all->loop) - t->done_ms;

	return t->done.counted_ms && t->took_ms > CHEAP_MS && age_ms < t->took_ms * SHARE;
}

void mst_campaign_tally(struct campaign_call *call)
{
	struct mst_campaigns *all = call->all;
	struct campaign_tally *t = find(all, call->records->number);

	if (!t || all->is_draining || take(t, call->records) < 0) {
		mst_campaign_answer(call);
		return;
	}
	t->asked_ms = mst_loop_now_ms(all->loop);
	if (is_fresh(t) || (t->is_out && t->done.counted_ms && t->took_ms > WAIT_MS)) {
		call->count = t->done;
		mst_campaign_answer(call);
		return;
	}
	if (!t->callers)
		mst_timer_set(all->loop, &t->timer, WAIT_MS);
	call->next = t->callers;
	t->callers = call;
	if (!t->is_out)
		begin(t);
}

int mst_campaign_tally_new(struct mst_campaigns *all, struct mst_err *e)
{
	all->tallies = calloc(CAMPAIGN_TALLIES, sizeof(*all->tallies));
	if (!all->tallies)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	for (uint32_t i = 0; i < CAMPAIGN_TALLIES; i++)
		all->tallies[i].all = all;
	return 0;
}

void mst_campaign_tally_free(struct mst_campaigns *all)
{
	for (uint32_t i = 0; all->tallies && i < CAMPAIGN_TALLIES; i++) {
		mst_timer_end(all->loop, &all->tallies[i].timer);
		mst_arena_done(&all->tallies[i].texts);
		mst_arena_done(&all->tallies[i].arena);
	}
	free(all->tallies);
	all->tallies = NULL;
}
