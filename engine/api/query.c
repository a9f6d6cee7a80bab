/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups: asked on a worker of the bulk lane, told when they are home. */
#include "own.h"

struct api_query *mst_query_new(struct mst_xchg *x)
{
	struct api_query *q;

	if (x->arena.limit < API_ROOM + API_ANSWER_ROOM)
		x->arena.limit = API_ROOM + API_ANSWER_ROOM;
	q = mst_arena_zero(&x->arena, sizeof(*q));
	if (!q) {
		mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
		return NULL;
	}
	q->x = x;
	q->app = x->app;
	x->state = q;
	return q;
}

int mst_query_page(struct api_query *q)
{
	struct mst_xchg *x = q->x;
	struct mst_slice text;

	q->limit = API_LIMIT_DEFAULT;
	if (mst_xchg_query(x, &text, MST_S("limit")) &&
	    (mst_slice_u64(&q->limit, text, &x->err) < 0 || q->limit == 0 || q->limit > API_LIMIT_MAX))
		return mst_fail(&x->err, MST_E_SYNTAX, "limit is 1 to %d", API_LIMIT_MAX);
	if (!mst_xchg_query(x, &q->cursor, MST_S("cursor")))
		q->cursor = (struct mst_slice){NULL, 0};
	return 0;
}

static void on_worker(struct mst_job *job)
{
	struct api_query *q = MST_HOME(job, struct api_query, job);
	q->read.rc = mst_store_read_here(q->app->store, &q->read);
}

static void on_ran(struct mst_job *job)
{
	struct api_query *q = MST_HOME(job, struct api_query, job);
	mst_arena_adopt(&q->x->arena, &q->arena);
	mst_xchg_resume(q->x);
}

enum mst_step mst_query_ask(struct api_query *q, int (*plan)(struct mst_read *r))
{
	mst_arena_init(&q->arena, NULL, API_ANSWER_ROOM);
	q->read = (struct mst_read){.arena = &q->arena, .plan = plan};
	q->job = (struct mst_job){.home = q->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(q->app->work, MST_LANE_BULK, &q->job, &q->x->err) < 0 ? mst_xchg_fail(q->x) : STEP_WAIT;
}

int mst_query_done(struct api_query *q)
{
	return mst_json_end(&q->json, &q->body, &q->read.err);
}

enum mst_step mst_api_told(struct mst_xchg *x)
{
	struct api_query *q = x->state;

	if (q->read.rc < 0) {
		x->err = q->read.err;
		return mst_xchg_fail(x);
	}
	return mst_xchg_answer(x, 200, MST_JSON_TYPE, q->body);
}

enum mst_step mst_query_answer(struct mst_xchg *x, int status, struct mst_json *j)
{
	struct mst_slice body;
	if (mst_json_end(j, &body, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_xchg_answer(x, status, MST_JSON_TYPE, body);
}
