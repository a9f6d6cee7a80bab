/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of campaigns. */
#include "campaign_ask.h"
#include "muster/clock.h"

static void put_filter(struct mst_json *j, const struct campaign_record *c)
{
	const struct {
		const char *key;
		struct mst_slice text;
	} rows[] = {{"model_prefix", c->model}, {"os_version_prefix", c->os_version}, {"topic", c->topic}};

	mst_json_open(j, "filter");
	for (size_t i = 0; i < MST_LEN(rows); i++)
		if (rows[i].text.len)
			mst_json_text(j, rows[i].key, rows[i].text);
	mst_json_close(j);
}

static void put_what(struct mst_json *j, const struct campaign_record *c)
{
	bool is_early = c->state == MST_CAMPAIGN_RUNNING && c->starts_ms > mst_clock_wall_ms();

	mst_json_u64(j, "campaign", c->number);
	if (c->name.len)
		mst_json_text(j, "name", c->name);
	else
		mst_json_null(j, "name");
	mst_json_text(j, "state", mst_slice_str(is_early ? "scheduled" : mst_campaign_state_word(c->state)));
	mst_json_text(j, "command_uuid", c->uuid);
	mst_json_text(j, "request_type", c->request_type);
	mst_json_text(j, "source", mst_slice_str(mst_campaign_source_word(c->source)));
	if (c->source == CAMPAIGN_FILTER)
		put_filter(j, c);
	mst_json_bool(j, "nopush", c->is_nopush);
	mst_json_text(j, "who", c->who);
	mst_json_time(j, "created_at", c->created_ms);
	mst_json_time(j, "starts_at", c->starts_ms);
	mst_json_time(j, "changed_at", c->changed_ms);
}

static void put_pace(struct mst_json *j, const struct campaign_record *c, const struct campaign_live *live)
{
	if (c->rate)
		mst_json_u64(j, "rate", c->rate);
	else
		mst_json_text(j, "rate", MST_S("auto"));
	if (live->is_live && c->state == MST_CAMPAIGN_RUNNING) {
		mst_json_u64(j, "pace", live->pace);
		mst_json_u64(j, "rate_now", live->rate);
	}
	if (live->has_left)
		mst_json_u64(j, "seconds_left", live->left_s);
	else
		mst_json_null(j, "seconds_left");
	if (live->why.code != MST_E_NONE)
		mst_json_text(j, "error", mst_slice_str(live->why.text));
}

static void put_progress(struct mst_json *j, const struct campaign_record *c)
{
	/* How many there are of a walk is known at its end. */
	if (c->source == CAMPAIGN_LIST)
		mst_json_u64(j, "targets", c->num_ids);
	else if (c->state == MST_CAMPAIGN_DONE)
		mst_json_u64(j, "targets", c->num_targets);
	else
		mst_json_null(j, "targets");
	mst_json_u64(j, "looked_at", c->num_targets);
	mst_json_u64(j, "queued", c->num_queued);
	mst_json_open(j, "skipped");
	for (unsigned i = 0; i < NUM_CAMPAIGN_SKIPS; i++)
		mst_json_u64(j, mst_campaign_skip_word((enum campaign_skip)i), c->num_skipped[i]);
	mst_json_close(j);
	if (c->state != MST_CAMPAIGN_CANCELLED)
		return;
	mst_json_u64(j, "withdrawn", c->num_withdrawn);
	mst_json_bool(j, "withdrawing", c->is_withdrawing);
}

static void put_answers(struct mst_json *j, const struct campaign_count *count)
{
	if (!count->counted_ms) {
		mst_json_null(j, "answers");
		return;
	}
	mst_json_open(j, "answers");
	for (unsigned i = 0; i < NUM_CAMPAIGN_FATES; i++)
		mst_json_u64(j, mst_campaign_fate_word((enum campaign_fate)i), count->fates[i]);
	mst_json_time(j, "counted_at", count->counted_ms);
	mst_json_close(j);
}

static void put_one(struct mst_json *j, const struct campaign_ask *ask, uint32_t i)
{
	mst_json_open(j, NULL);
	put_what(j, &ask->records[i]);
	put_pace(j, &ask->records[i], &ask->call.live[i]);
	put_progress(j, &ask->records[i]);
	if (ask->call.wants_count)
		put_answers(j, &ask->call.count);
	mst_json_close(j);
}

static void put_list(struct mst_json *j, const struct campaign_ask *ask)
{
	bool is_more = ask->call.num > ask->limit;
	uint32_t num = is_more ? (uint32_t)ask->limit : ask->call.num;

	mst_json_open(j, NULL);
	mst_json_open_array(j, "campaigns");
	for (uint32_t i = 0; i < num; i++)
		put_one(j, ask, i);
	mst_json_close(j);
	if (is_more) {
		struct mst_slice next = {NULL, 0};
		if (!mst_arena_format(&ask->x->arena, &next, "%llu", (unsigned long long)ask->records[num - 1].number))
			j->out.is_bad = true;
		mst_json_text(j, "next", next);
	} else {
		mst_json_null(j, "next");
	}
	mst_json_close(j);
}

enum mst_step mst_campaign_tell(struct mst_xchg *x)
{
	struct campaign_ask *ask = x->state;
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
		put_one(&j, ask, 0);
	if (mst_json_end(&j, &body, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_xchg_answer(x, ask->status, MST_JSON_TYPE, body);
}
