/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/bulk: starts jobs, shows, lists and cancels them. Each reads what it needs, asks the queue,
 * answers. */
#include "bulk_ask.h"

#include "muster/clock.h"

#define LIST_DEFAULT 100
#define LIST_MAX     1000

struct bulk_ask *mst_bulk_ask_new(struct mst_xchg *x)
{
	struct bulk_ask *ask;

	if (x->arena.limit < BULK_ASK_ROOM)
		x->arena.limit = BULK_ASK_ROOM;
	ask = mst_arena_zero(&x->arena, sizeof(*ask));
	if (!ask) {
		mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
		return NULL;
	}
	ask->x = x;
	ask->app = x->app;
	x->state = ask;
	return ask;
}

static void on_worker(struct mst_job *work)
{
	struct bulk_ask *ask = MST_HOME(work, struct bulk_ask, work);
	ask->read.rc = mst_store_read_here(ask->app->store, &ask->read);
}

static void on_ran(struct mst_job *work)
{
	struct bulk_ask *ask = MST_HOME(work, struct bulk_ask, work);
	mst_arena_adopt(&ask->x->arena, &ask->arena);
	mst_xchg_resume(ask->x);
}

enum mst_step mst_bulk_ask_read(struct bulk_ask *ask, enum mst_lane lane,
				int (*plan)(struct mst_read *r))
{
	mst_arena_init(&ask->arena, NULL, BULK_ASK_ROOM / 2);
	ask->read = (struct mst_read){.arena = &ask->arena, .plan = plan};
	ask->work = (struct mst_job){.home = ask->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(ask->app->work, lane, &ask->work, &ask->x->err) < 0
		       ? mst_xchg_fail(ask->x)
		       : STEP_WAIT;
}

/* /v1/bulk/{ID}/... */
int mst_bulk_ask_id(struct bulk_ask *ask, uint8_t key[static BULK_KEY_LEN])
{
	struct mst_slice part, rest = ask->x->in.path;

	for (int i = 0; i < 4; i++)
		if (!mst_slice_cut(&part, &rest, rest, '/') && i < 3)
			return mst_fail(&ask->x->err, MST_E_ABSENT, "unknown bulk job");
	return mst_bulk_record_from(key, part, &ask->x->err);
}

int mst_bulk_ask_page(struct bulk_ask *ask, uint64_t most)
{
	struct mst_xchg *x = ask->x;
	struct mst_slice text;

	ask->limit = LIST_DEFAULT < most ? LIST_DEFAULT : most;
	if (mst_xchg_query(x, &text, MST_S("limit")) &&
	    (mst_slice_u64(&ask->limit, text, &x->err) < 0 || ask->limit == 0 || ask->limit > most))
		return mst_fail(&x->err, MST_E_SYNTAX, "limit is 1 to %u", (unsigned)most);
	ask->has_cursor = mst_xchg_query(x, &ask->cursor, MST_S("cursor"));
	return 0;
}

static int show_plan(struct mst_read *r)
{
	struct bulk_ask *ask = MST_HOME(r, struct bulk_ask, read);
	int rc = mst_bulk_record_get(r, ask->jobs, ask->jobs->key);

	ask->num_jobs = rc == 1;
	return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "unknown bulk job") : rc < 0 ? -1 : 0;
}

static enum mst_step show(struct mst_xchg *x, enum bulk_call_kind kind)
{
	struct bulk_ask *ask = mst_bulk_ask_new(x);

	if (!ask)
		return STEP_REPLY;
	ask->call.kind = kind;
	ask->jobs = &ask->one;
	if (mst_bulk_ask_id(ask, ask->one.key) < 0)
		return mst_xchg_fail(x);
	return mst_bulk_ask_read(ask, MST_LANE_FAST, show_plan);
}

enum mst_step mst_bulk_show(struct mst_xchg *x)
{
	return show(x, BULK_CALL_LOOK);
}

enum mst_step mst_bulk_cancel(struct mst_xchg *x)
{
	return show(x, BULK_CALL_CANCEL);
}

static int list_plan(struct mst_read *r)
{
	struct bulk_ask *ask = MST_HOME(r, struct bulk_ask, read);
	struct mst_slice after = mst_slice(ask->one.key, ask->has_cursor ? BULK_KEY_LEN : 0);
	int rc = 1;

	ask->num_jobs = 0;
	ask->jobs = mst_arena_get(r->arena, (ask->limit + 1) * sizeof(*ask->jobs));
	if (!ask->jobs)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory");
	/* One more than asked for says whether there is a further page. */
	while (ask->num_jobs <= ask->limit &&
	       (rc = mst_bulk_record_next(r, &ask->jobs[ask->num_jobs], after)) == 1)
		after = mst_slice(ask->jobs[ask->num_jobs++].key, BULK_KEY_LEN);
	return rc < 0 ? -1 : 0;
}

enum mst_step mst_bulk_list(struct mst_xchg *x)
{
	struct bulk_ask *ask = mst_bulk_ask_new(x);

	if (!ask)
		return STEP_REPLY;
	ask->call.kind = BULK_CALL_LOOK;
	ask->is_list = true;
	if (mst_bulk_ask_page(ask, LIST_MAX) < 0)
		return mst_xchg_fail(x);
	if (ask->has_cursor && mst_bulk_record_from(ask->one.key, ask->cursor, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_bulk_ask_read(ask, MST_LANE_FAST, list_plan);
}

enum mst_step mst_bulk_ask(struct mst_xchg *x)
{
	struct bulk_ask *ask = x->state;

	if (ask->read.rc < 0) {
		x->err = ask->read.err;
		return mst_xchg_fail(x);
	}
	if (ask->call.kind == BULK_CALL_START && mst_bulk_wish_check(ask) < 0)
		return mst_xchg_fail(x);
	if (ask->call.kind == BULK_CALL_CANCEL && ask->jobs->state != BULK_OPEN)
		return mst_xchg_refuse(x, MST_E_CONFLICT, "the job is over already");
	ask->call.live = mst_arena_zero(&x->arena, (ask->num_jobs + 1) * sizeof(*ask->call.live));
	if (!ask->call.live || !ask->app->bulk)
		return mst_xchg_refuse(x, MST_E_BUSY, "no queue of bulk jobs, or no memory");
	ask->call.jobs = ask->jobs;
	ask->call.num_jobs = ask->num_jobs;
	mst_bulk_call(ask->app->bulk, &ask->call, x);
	return STEP_WAIT;
}

static void put_texts(struct mst_json *j, const struct bulk_record *job)
{
	if (job->has_names) {
		mst_json_bool(j, "names", true);
	} else {
		mst_json_text(j, "prefix", job->prefix);
		mst_json_u64(j, "first", job->first);
		mst_json_u64(j, "digits", job->digits);
	}
	if (job->organization.len)
		mst_json_text(j, "organization", job->organization);
	mst_json_text(j, "who", job->who);
}

static void put_job(struct mst_json *j, const struct bulk_record *job, const struct bulk_live *live,
		    const char *key)
{
	uint64_t rate = job->run_ms > 0 ? (uint64_t)job->done * 1000 / (uint64_t)job->run_ms : 0;
	char id[BULK_ID_MAX + 1];

	mst_bulk_record_id(id, job);
	mst_json_open(j, key);
	mst_json_text(j, "id", mst_slice_str(id));
	mst_json_text(j, "authority", job->authority);
	mst_json_text(j, "state",
		      mst_slice_str(live->word ? live->word : mst_bulk_record_state(job)));
	mst_json_text(j, "kind", mst_slice_str(mst_bulk_kind_word(job->kind)));
	mst_json_bool(j, "pkcs12", job->has_p12);
	mst_json_u64(j, "total", job->total);
	mst_json_u64(j, "done", job->done);
	mst_json_u64(j, "rate", rate);
	if (job->state == BULK_OPEN && rate > 0)
		mst_json_u64(j, "seconds_left", (job->total - job->done + rate - 1) / rate);
	else
		mst_json_null(j, "seconds_left");
	put_texts(j, job);
	mst_json_time(j, "created_at", job->created_ms);
	mst_json_time(j, "started_at", job->started_ms);
	mst_json_time(j, "changed_at", job->changed_ms);
	if (job->error.len)
		mst_json_text(j, "error", job->error);
	else if (live->why.code != MST_E_NONE)
		mst_json_text(j, "error", mst_slice_str(live->why.text));
	mst_json_close(j);
}

static void put_list(struct mst_json *j, const struct bulk_ask *ask)
{
	bool is_more = ask->num_jobs > ask->limit;
	uint32_t num = is_more ? (uint32_t)ask->limit : ask->num_jobs;
	char id[BULK_ID_MAX + 1];

	mst_json_open(j, NULL);
	mst_json_open_array(j, "jobs");
	for (uint32_t i = 0; i < num; i++)
		put_job(j, &ask->jobs[i], &ask->call.live[i], NULL);
	mst_json_close(j);
	if (is_more) {
		mst_bulk_record_id(id, &ask->jobs[num - 1]);
		mst_json_text(j, "next", mst_slice_str(id));
	} else {
		mst_json_null(j, "next");
	}
	mst_json_close(j);
}

enum mst_step mst_bulk_answer(struct mst_xchg *x)
{
	struct bulk_ask *ask = x->state;
	struct mst_slice body;
	struct mst_json j;

	if (ask->call.rc < 0) {
		x->err = ask->call.err;
		return mst_xchg_fail(x);
	}
	mst_json_begin(&j, &x->arena);
	if (ask->is_list)
		put_list(&j, ask);
	else
		put_job(&j, ask->jobs, ask->call.live, NULL);
	if (mst_json_end(&j, &body, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_xchg_answer(x, ask->call.kind == BULK_CALL_START ? 202 : 200, MST_JSON_TYPE,
			       body);
}
