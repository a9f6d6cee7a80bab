/* SPDX-License-Identifier: Apache-2.0 */
/* What exchanges of any loop ask: start, change, look. On the campaigns' loop. */
#include "campaign_call.h"

#include "campaign_live.h"
#include "muster/clock.h"
#include "muster/log.h"

static void on_answer(struct mst_mail *mail)
{
	mst_xchg_resume(MST_HOME(mail, struct campaign_call, mail)->x);
}

void mst_campaign_answer(struct campaign_call *call)
{
	call->mail.on_mail = on_answer;
	mst_loop_post(call->back, &call->mail);
}

static void refuse(struct campaign_call *call, enum mst_code code, const char *text)
{
	call->rc = mst_fail(&call->err, code, "%s", text);
	mst_campaign_answer(call);
}

/* What is left, by what is known: of a list the rest; of a walk what the keys, which are digests, let expect. */
static bool left_of(uint64_t *left, const struct campaign_record *what)
{
	uint64_t gone = 0;

	if (what->source == CAMPAIGN_LIST) {
		*left = what->num_ids - what->cursor.index;
		return true;
	}
	for (int i = 0; i < 4; i++)
		gone = gone << 8 | what->cursor.device[i];
	if (!what->cursor.is_begun || gone == 0)
		return false;
	*left = (uint64_t)((double)what->num_targets * (double)(UINT32_MAX - gone) / (double)gone);
	return true;
}

/* The record's numbers as they are now; its texts are the asker's own. */
static void renew(struct campaign_record *record, const struct campaign_record *now)
{
	struct campaign_record texts = *record;

	*record = *now;
	record->name = texts.name;
	record->who = texts.who;
	record->uuid = texts.uuid;
	record->request_type = texts.request_type;
	record->model = texts.model;
	record->os_version = texts.os_version;
	record->topic = texts.topic;
}

static void view(struct campaign_record *record, struct campaign_live *live, const struct campaign *c)
{
	uint64_t left;

	renew(record, &c->record);
	*live = (struct campaign_live){.is_live = true, .pace = c->pace, .rate = c->rate, .why = c->err};
	if (c->record.state != MST_CAMPAIGN_RUNNING || !left_of(&left, &c->record))
		return;
	live->has_left = true;
	live->left_s = (left + c->pace - 1) / c->pace;
}

void mst_campaign_settle(struct campaign_call **calls, const struct mst_err *err)
{
	while (*calls) {
		struct campaign_call *call = *calls;
		struct campaign *c = mst_campaign_find(call->all, call->records->number);
		*calls = call->next;
		call->rc = err ? -1 : 0;
		if (err)
			call->err = *err;
		if (c)
			view(call->records, call->live, c);
		mst_campaign_answer(call);
	}
}

/* It was open when it was read, and is not any more: what is stored by now is its end. */
static bool is_stale(const struct campaign_call *call, uint32_t i)
{
	return !call->live[i].is_live && !mst_campaign_is_over(&call->records[i]);
}

static int again_plan(struct mst_read *r)
{
	struct campaign_call *call = MST_HOME(r, struct campaign_call, read);
	struct campaign_record now;

	for (uint32_t i = 0; i < call->num; i++) {
		int rc = is_stale(call, i) ? mst_campaign_record_get(r, &now, call->records[i].number) : 0;
		if (rc < 0)
			return -1;
		if (rc == 1)
			renew(&call->records[i], &now);
	}
	return 0;
}

static void on_worker(struct mst_job *job)
{
	struct campaign_call *call = MST_HOME(job, struct campaign_call, job);
	struct mst_arena arena;

	mst_arena_init(&arena, NULL, 0);
	call->read = (struct mst_read){.arena = &arena, .plan = again_plan};
	call->rc = mst_store_read_here(call->all->store, &call->read);
	if (call->rc < 0)
		call->err = call->read.err;
	mst_arena_done(&arena);
}

static void look_on(struct campaign_call *call)
{
	if (call->wants_count && call->rc == 0)
		mst_campaign_tally(call);
	else
		mst_campaign_answer(call);
}

static void on_ran(struct mst_job *job)
{
	struct campaign_call *call = MST_HOME(job, struct campaign_call, job);

	call->all->num_jobs--;
	look_on(call);
}

static void look(struct campaign_call *call)
{
	bool has_stale = false;

	for (uint32_t i = 0; i < call->num; i++) {
		const struct campaign *c = mst_campaign_find(call->all, call->records[i].number);
		if (c)
			view(&call->records[i], &call->live[i], c);
		has_stale = has_stale || is_stale(call, i);
	}
	if (!has_stale) {
		look_on(call);
		return;
	}
	call->job = (struct mst_job){.home = call->all->loop, .run = on_worker, .on_ran = on_ran};
	/* Once posted, the call is the worker's. */
	if (mst_work_post(call->all->work, MST_LANE_FAST, &call->job, &call->err) == 0) {
		call->all->num_jobs++;
		return;
	}
	call->rc = -1;
	mst_campaign_answer(call);
}

/* The verbs: what each does to a campaign that is not over. Repeated, they change nothing. */

static void do_pause(struct campaign *c, const struct campaign_call *call)
{
	c->record.state = MST_CAMPAIGN_PAUSED;
}

static void do_resume(struct campaign *c, const struct campaign_call *call)
{
	c->record.state = MST_CAMPAIGN_RUNNING;
}

static void do_cancel(struct campaign *c, const struct campaign_call *call)
{
	if (c->record.state == MST_CAMPAIGN_CANCELLED && !call->keeps)
		return;
	if (c->record.state != MST_CAMPAIGN_CANCELLED)
		c->record.changed_ms = mst_clock_wall_ms();
	c->record.state = MST_CAMPAIGN_CANCELLED;
	c->record.is_withdrawing = !call->keeps;
}

static void do_rate(struct campaign *c, const struct campaign_call *call)
{
	c->record.rate = call->rate;
	if (call->rate == 0)
		c->pace = 0; /* the engine's own begins anew */
	mst_campaign_pace(c);
	c->next_ns = 0; /* at a low rate the next place may lie far ahead */
}

static const struct {
	void (*act)(struct campaign *c, const struct campaign_call *call);
	bool takes_cancelled;
} verbs[NUM_CAMPAIGN_VERBS] = {
	[CAMPAIGN_VERB_PAUSE] = {do_pause, false},
	[CAMPAIGN_VERB_RESUME] = {do_resume, false},
	[CAMPAIGN_VERB_CANCEL] = {do_cancel, true},
	[CAMPAIGN_VERB_RATE] = {do_rate, false},
};

static void change(struct campaign_call *call)
{
	struct campaign *c = mst_campaign_find(call->all, call->records->number);
	bool is_cancelled = c && c->record.state == MST_CAMPAIGN_CANCELLED;
	static const char *const words[NUM_CAMPAIGN_VERBS] = {
#define X(name, word) [CAMPAIGN_VERB_##name] = word,
		CAMPAIGN_VERBS(X)
#undef X
	};

	if (c && c->is_entering) {
		refuse(call, MST_E_BUSY, "the campaign is being written");
		return;
	}
	if (!c || mst_campaign_is_over(&c->record) || (is_cancelled && !verbs[call->verb].takes_cancelled)) {
		refuse(call, MST_E_CONFLICT, "the campaign is over already");
		return;
	}
	verbs[call->verb].act(c, call);
	mst_log(INFO, "campaign changed", mst_f_u64("campaign", c->record.number), mst_f_str("verb", words[call->verb]),
		mst_f_str("who", call->x->who));
	call->next = c->waiting;
	c->waiting = call;
	mst_campaign_write(c);
	mst_campaign_again(c);
}

static void serve(struct campaign_call *call)
{
	static void (*const rows[])(struct campaign_call * call) = {
		[CAMPAIGN_CALL_START] = mst_campaign_enter_new,
		[CAMPAIGN_CALL_CHANGE] = change,
		[CAMPAIGN_CALL_LOOK] = look,
	};

	rows[call->kind](call);
}

/* Before it is known what the last run left, calls wait. */
static void on_call(struct mst_mail *mail)
{
	struct campaign_call *call = MST_HOME(mail, struct campaign_call, mail);

	if (call->all->is_loaded) {
		serve(call);
		return;
	}
	call->next = call->all->early;
	call->all->early = call;
}

void mst_campaign_serve_early(struct mst_campaigns *all)
{
	while (all->early) {
		struct campaign_call *call = all->early;
		all->early = call->next;
		if (all->is_loaded)
			serve(call);
		else
			refuse(call, MST_E_STORE, "campaigns cannot be read");
	}
}

void mst_campaign_call(struct campaign_call *call, struct mst_campaigns *all, struct mst_xchg *x)
{
	struct mst_app *app = x->app;

	call->all = all;
	call->back = app->loop;
	call->x = x;
	call->rc = 0;
	call->mail.on_mail = on_call;
	mst_loop_post(all->loop, &call->mail);
}
