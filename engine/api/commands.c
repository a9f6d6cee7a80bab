/* SPDX-License-Identifier: Apache-2.0 */
/* Looks up the commands of a channel: pages of them, and one with the device's report. */
#include "muster/text.h"
#include "own.h"

/* The uuid of the last command told is the cursor. */
static int page_commands(struct api_query *q, struct mst_walk *w, const struct mst_device *d, bool *is_more,
			 struct mst_slice *last)
{
	struct mst_command c;
	uint64_t num = 0;

	for (uint32_t scanned = 0; num < q->limit && scanned < API_SCAN_MAX; scanned++) {
		int rc = mst_command_next(w, &q->read, &c, &q->who.id, q->cursor);
		if (rc <= 0) {
			*is_more = false;
			return rc;
		}
		*last = c.uuid;
		if (q->state && strcmp(q->state, mst_record_state(&c, d)) != 0)
			continue;
		mst_json_open(&q->json, NULL);
		mst_record_command(&q->json, &c, d);
		mst_json_close(&q->json);
		num++;
	}
	*is_more = true;
	return 0;
}

static int commands_plan(struct mst_read *r)
{
	struct api_query *q = mst_query_of(r);
	struct mst_slice last = {NULL, 0};
	struct mst_walk w = {0};
	struct mst_device d;
	bool is_more = false;
	int rc;

	if (mst_record_known(r, &d, &q->who.device_id) < 0)
		return -1;
	mst_json_begin(&q->json, r->arena);
	mst_json_open(&q->json, NULL);
	mst_json_open_array(&q->json, "commands");
	rc = page_commands(q, &w, &d, &is_more, &last);
	mst_walk_done(&w);
	if (rc < 0)
		return rc;
	mst_json_close(&q->json);
	if (is_more)
		mst_json_text(&q->json, "next", last);
	else
		mst_json_null(&q->json, "next");
	mst_json_close(&q->json);
	return mst_query_done(q);
}

enum mst_step mst_api_commands(struct mst_xchg *x)
{
	struct api_query *q = mst_query_new(x);
	struct mst_slice word;

	if (!q)
		return STEP_REPLY;
	if (mst_query_page(q) < 0 || mst_path_who(x, &q->who) < 0)
		return mst_xchg_fail(x);
	if (mst_xchg_query(x, &word, MST_S("state"))) {
		q->state = mst_record_state_find(word);
		if (!q->state)
			return mst_xchg_refuse(x, MST_E_SYNTAX, "unknown state of a command");
	}
	return mst_query_ask(q, commands_plan);
}

static void result_put(struct mst_json *j, const struct mst_result *result)
{
	mst_json_open(j, "result");
	mst_json_text(j, "status", result->status);
	mst_json_time(j, "at", result->at_ms);
	mst_json_base64(j, "body", result->body);
	if (!mst_slice_starts(result->body, MST_S("bplist00")) && mst_utf8_ok(result->body))
		mst_json_text(j, "text", result->body);
	mst_json_close(j);
}

static int command_plan(struct mst_read *r)
{
	struct api_query *q = mst_query_of(r);
	struct mst_device d;
	struct mst_command c;
	struct mst_result result;
	int rc;

	if (mst_record_known(r, &d, &q->who.device_id) < 0)
		return -1;
	rc = mst_command_get(r, &c, &q->who.id, q->uuid);
	if (rc <= 0)
		return rc < 0 ? -1 : mst_fail(&r->err, MST_E_ABSENT, "unknown command");
	rc = mst_result_get(r, &result, &q->who.id, q->uuid);
	if (rc < 0)
		return -1;
	mst_json_begin(&q->json, r->arena);
	mst_json_open(&q->json, NULL);
	mst_record_command(&q->json, &c, &d);
	if (rc)
		result_put(&q->json, &result);
	else
		mst_json_null(&q->json, "result");
	mst_json_close(&q->json);
	return mst_query_done(q);
}

enum mst_step mst_api_command(struct mst_xchg *x)
{
	struct api_query *q = mst_query_new(x);

	if (!q)
		return STEP_REPLY;
	if (mst_path_who(x, &q->who) < 0 || mst_path_uuid(x, &q->uuid) < 0)
		return mst_xchg_fail(x);
	return mst_query_ask(q, command_plan);
}
