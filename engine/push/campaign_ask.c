/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/campaigns: each request is one turn on a worker, which reads, and then a word with the campaigns' loop. */
#include "campaign_ask.h"

#define LIST_DEFAULT 100
#define LIST_MAX     1000
#define WHO_MAX      CAMPAIGN_TEXT_MAX

static struct campaign_ask *ask_new(struct mst_xchg *x, enum campaign_call_kind kind, int status)
{
	struct mst_app *app = x->app;
	struct campaign_ask *ask;

	if (!app->campaigns) {
		mst_xchg_refuse(x, MST_E_ABSENT, "the push engine is switched off");
		return NULL;
	}
	if (x->arena.limit < CAMPAIGN_ASK_ROOM)
		x->arena.limit = CAMPAIGN_ASK_ROOM;
	ask = mst_arena_zero(&x->arena, sizeof(*ask));
	if (!ask) {
		mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
		return NULL;
	}
	ask->x = x;
	ask->app = app;
	ask->call.kind = kind;
	ask->status = status;
	ask->records = &ask->one;
	ask->call.num = 1;
	x->state = ask;
	return ask;
}

static void on_worker(struct mst_job *job)
{
	struct campaign_ask *ask = MST_HOME(job, struct campaign_ask, job);

	ask->rc = ask->work(ask, &ask->x->err);
}

static void on_ran(struct mst_job *job)
{
	struct campaign_ask *ask = MST_HOME(job, struct campaign_ask, job);

	mst_arena_adopt(&ask->x->arena, &ask->arena);
	mst_xchg_resume(ask->x);
}

static enum mst_step turn(struct campaign_ask *ask, enum mst_lane lane, int (*work)(struct campaign_ask *ask, struct mst_err *e))
{
	mst_arena_init(&ask->arena, NULL, CAMPAIGN_ASK_ROOM / 2);
	ask->work = work;
	ask->job = (struct mst_job){.home = ask->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(ask->app->work, lane, &ask->job, &ask->x->err) < 0 ? mst_xchg_fail(ask->x) : STEP_WAIT;
}

static int read_here(struct campaign_ask *ask, int (*plan)(struct mst_read *r), struct mst_err *e)
{
	ask->read = (struct mst_read){.arena = &ask->arena, .plan = plan};
	if (mst_store_read_here(ask->app->store, &ask->read) == 0)
		return 0;
	*e = ask->read.err;
	return -1;
}

/* Part `n` of the path: /v1/campaigns/{}/{}. */
static struct mst_slice part_of(const struct mst_xchg *x, int n)
{
	struct mst_slice part = {NULL, 0}, rest = x->in.path;

	for (int i = 0; i <= n + 1; i++)
		if (!mst_slice_cut(&part, &rest, rest, '/'))
			return i == n + 1 ? part : mst_slice(NULL, 0);
	return part;
}

enum mst_step mst_campaign_start(struct mst_xchg *x)
{
	struct campaign_ask *ask = ask_new(x, CAMPAIGN_CALL_START, 201);
	size_t len = x->who ? strlen(x->who) : 0;

	if (!ask)
		return STEP_REPLY;
	ask->one.who = mst_slice(x->who, len < WHO_MAX ? len : WHO_MAX);
	return turn(ask, MST_LANE_BULK, mst_campaign_wish_read);
}

static int list_plan(struct mst_read *r)
{
	struct campaign_ask *ask = MST_HOME(r, struct campaign_ask, read);
	uint64_t from = ask->one.number + 1;
	uint32_t num = 0;
	int rc = 1;

	ask->records = mst_arena_get(r->arena, (ask->limit + 1) * sizeof(*ask->records));
	if (!ask->records)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory");
	/* One more than asked for says whether there is a further page. */
	while (num <= ask->limit && (rc = mst_campaign_record_next(r, &ask->records[num], from)) == 1)
		from = ask->records[num++].number + 1;
	ask->call.num = num;
	return rc < 0 ? -1 : 0;
}

static int list_work(struct campaign_ask *ask, struct mst_err *e)
{
	return read_here(ask, list_plan, e);
}

enum mst_step mst_campaign_list(struct mst_xchg *x)
{
	struct campaign_ask *ask = ask_new(x, CAMPAIGN_CALL_LOOK, 200);
	struct mst_slice text;

	if (!ask)
		return STEP_REPLY;
	ask->is_list = true;
	ask->limit = LIST_DEFAULT;
	if (mst_xchg_query(x, &text, MST_S("limit")) &&
	    (mst_slice_u64(&ask->limit, text, NULL) < 0 || ask->limit == 0 || ask->limit > LIST_MAX))
		return mst_xchg_refuse(x, MST_E_SYNTAX, "limit is 1 to 1000");
	if (mst_xchg_query(x, &text, MST_S("cursor")) &&
	    (mst_slice_u64(&ask->one.number, text, NULL) < 0 || ask->one.number == UINT64_MAX))
		return mst_xchg_refuse(x, MST_E_SYNTAX, "cursor is a campaign's number");
	return turn(ask, MST_LANE_FAST, list_work);
}

static int show_plan(struct mst_read *r)
{
	struct campaign_ask *ask = MST_HOME(r, struct campaign_ask, read);
	int rc = mst_campaign_record_get(r, &ask->one, ask->one.number);

	return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "unknown campaign") : rc < 0 ? -1 : 0;
}

static int show_work(struct campaign_ask *ask, struct mst_err *e)
{
	return read_here(ask, show_plan, e);
}

static enum mst_step show(struct campaign_ask *ask)
{
	if (mst_slice_u64(&ask->one.number, part_of(ask->x, 2), NULL) < 0)
		return mst_xchg_refuse(ask->x, MST_E_ABSENT, "unknown campaign");
	return turn(ask, MST_LANE_FAST, show_work);
}

enum mst_step mst_campaign_show(struct mst_xchg *x)
{
	struct campaign_ask *ask = ask_new(x, CAMPAIGN_CALL_LOOK, 200);

	if (!ask)
		return STEP_REPLY;
	ask->call.wants_count = true;
	return show(ask);
}

static bool verb_of(enum campaign_verb *out, struct mst_slice word)
{
	static const char *const words[NUM_CAMPAIGN_VERBS] = {
#define X(name, word) [CAMPAIGN_VERB_##name] = word,
		CAMPAIGN_VERBS(X)
#undef X
	};

	for (unsigned i = 0; i < NUM_CAMPAIGN_VERBS; i++) {
		if (!mst_slice_eq(word, mst_slice_str(words[i])))
			continue;
		*out = (enum campaign_verb)i;
		return true;
	}
	return false;
}

enum mst_step mst_campaign_change(struct mst_xchg *x)
{
	struct campaign_ask *ask = ask_new(x, CAMPAIGN_CALL_CHANGE, 200);
	struct mst_slice word;

	if (!ask)
		return STEP_REPLY;
	if (!verb_of(&ask->call.verb, part_of(x, 3)))
		return mst_xchg_refuse(x, MST_E_ABSENT, "no such path");
	if (ask->call.verb == CAMPAIGN_VERB_RATE && mst_campaign_wish_rate(ask, &x->err) < 0)
		return mst_xchg_fail(x);
	ask->call.keeps = mst_xchg_query(x, &word, MST_S("keep")) && !mst_slice_eq(word, MST_S("0"));
	return show(ask);
}

enum mst_step mst_campaign_enter(struct mst_xchg *x)
{
	struct campaign_ask *ask = x->state;

	if (ask->rc < 0)
		return mst_xchg_fail(x);
	ask->call.records = ask->records;
	ask->call.live = mst_arena_zero(&x->arena, (ask->call.num + 1) * sizeof(*ask->call.live));
	if (!ask->call.live)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	mst_campaign_call(&ask->call, ask->app->campaigns, x);
	return STEP_WAIT;
}
