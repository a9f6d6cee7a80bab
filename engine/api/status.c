/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine says of itself: health, version, status. */
#include "muster/clock.h"
#include "muster/count.h"
#include "own.h"

/* Counting goes on to here; more devices are told as this many. */
#define COUNT_MAX 10000000u

enum mst_step mst_api_health(struct mst_xchg *x)
{
	const struct mst_app *app = x->app;
	if (app->is_draining)
		return mst_xchg_answer(x, 503, MST_JSON_TYPE, MST_S("{\"status\":\"draining\"}"));
	return mst_xchg_answer(x, 200, MST_JSON_TYPE, MST_S("{\"status\":\"ok\"}"));
}

enum mst_step mst_api_version(struct mst_xchg *x)
{
	return mst_xchg_answer(x, 200, MST_JSON_TYPE, MST_S("{\"version\":\"" MUSTER_VERSION "\"}"));
}

static int devices_count(struct mst_read *r, uint64_t *out)
{
	struct mst_walk w = {0};
	int rc = mst_walk_init(&w, r, MST_SPACE_DEVICE, (struct mst_slice){NULL, 0}, (struct mst_slice){NULL, 0});

	*out = 0;
	while (rc == 0 && *out < COUNT_MAX) {
		rc = mst_walk_next(&w);
		if (rc != 1)
			break;
		++*out;
		rc = 0;
	}
	mst_walk_done(&w);
	return rc;
}

static int status_plan(struct mst_read *r)
{
	struct api_query *q = mst_query_of(r);
	struct mst_json *j = &q->json;
	struct mst_counts *counts = mst_arena_get(r->arena, sizeof(*counts));
	uint64_t num = 0;

	if (!counts)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory");
	if (devices_count(r, &num) < 0)
		return -1;
	mst_counts_sum(counts);
	mst_json_begin(j, r->arena);
	mst_json_open(j, NULL);
	mst_json_text(j, "version", MST_S(MUSTER_VERSION));
	mst_json_time(j, "started", (int64_t)q->app->started_ms);
	mst_json_u64(j, "uptime_s", ((uint64_t)mst_clock_wall_ms() - q->app->started_ms) / 1000);
	mst_json_bool(j, "draining", q->app->is_draining);
	mst_json_u64(j, "devices", num);
	mst_json_u64(j, "connections", counts->counters[MST_C_CONN_OPEN]);
	mst_json_open(j, "counters");
	for (unsigned i = 0; i < MST_NUM_COUNTERS; i++)
		mst_json_u64(j, mst_counter_name((enum mst_counter)i), counts->counters[i]);
	mst_json_close(j);
	mst_json_close(j);
	return mst_query_done(q);
}

enum mst_step mst_api_status(struct mst_xchg *x)
{
	struct api_query *q = mst_query_new(x);
	return q ? mst_query_ask(q, status_plan) : STEP_REPLY;
}
