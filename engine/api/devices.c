/* SPDX-License-Identifier: Apache-2.0 */
/* Looks up devices: pages of them with filters, one with its channels, the history of one. */
#include "detail_own.h"
#include "muster/text.h"

#define DEVICE_KEY 16  /* of the device space: the cursor of a page of devices */
#define HISTORY_TAIL 16 /* of a history key behind the device: time and sequence, the cursor of a page of history */
#define QUEUED_MAX 1000 /* a longer queue is told as this long */

/* A cursor is the key of the last record told, in hex; the page goes on right behind it. `from` has the room for `len` + 1 bytes. */
static int cursor_read(struct mst_slice *from, uint8_t *room, size_t fixed, size_t len, struct mst_slice cursor,
		       struct mst_err *e)
{
	*from = (struct mst_slice){NULL, 0};
	if (cursor.len == 0)
		return 0;
	if (mst_hex_get(room + fixed, len, cursor, NULL) < 0)
		return mst_fail(e, MST_E_SYNTAX, "the cursor is not one of ours");
	room[fixed + len] = 0;
	*from = mst_slice(room, fixed + len + 1);
	return 0;
}

static void next_put(struct mst_json *j, bool is_more, const uint8_t *key, size_t len)
{
	if (is_more)
		mst_json_hex(j, "next", mst_slice(key, len));
	else
		mst_json_null(j, "next");
}

bool mst_device_is_wanted(const struct api_query *q, const struct mst_device *d)
{
	const char *type = mst_channel_kind_word(d->is_user_enrollment ? MST_CHANNEL_ENROLLMENT_DEVICE : MST_CHANNEL_DEVICE);

	return (!q->state || strcmp(q->state, mst_device_state_word(d->state)) == 0) &&
	       (!q->type || strcmp(q->type, type) == 0) && mst_slice_case_starts(d->serial, q->serial) &&
	       mst_slice_case_starts(d->device_name, q->name);
}

static int one_device(struct api_query *q, const struct mst_device *d)
{
	int rc;
	mst_json_open(&q->json, NULL);
	rc = mst_record_device(&q->json, &q->read, d);
	mst_json_close(&q->json);
	return rc;
}

/* 0 with *is_more and *last set, or -1. */
static int page_devices(struct api_query *q, struct mst_walk *w, bool *is_more, uint8_t last[static DEVICE_KEY])
{
	struct mst_device d;
	uint64_t num = 0;
	int rc;

	for (uint32_t scanned = 0; num < q->limit && scanned < API_SCAN_MAX; scanned++) {
		rc = mst_walk_next(w);
		if (rc <= 0) {
			*is_more = false;
			return rc;
		}
		if (mst_device_decode(&d, w->key, w->value, &q->read.err) < 0)
			return -1;
		memcpy(last, w->key.at, DEVICE_KEY);
		if (!mst_device_is_wanted(q, &d))
			continue;
		if (one_device(q, &d) < 0)
			return -1;
		num++;
	}
	*is_more = true;
	return 0;
}

static int devices_plan(struct mst_read *r)
{
	struct api_query *q = mst_query_of(r);
	uint8_t room[DEVICE_KEY + 1], last[DEVICE_KEY];
	struct mst_slice from;
	struct mst_walk w = {0};
	bool is_more = false;
	int rc;

	if (cursor_read(&from, room, 0, DEVICE_KEY, q->cursor, &r->err) < 0)
		return -1;
	mst_json_begin(&q->json, r->arena);
	mst_json_open(&q->json, NULL);
	mst_json_open_array(&q->json, "devices");
	rc = mst_walk_init(&w, r, MST_SPACE_DEVICE, (struct mst_slice){NULL, 0}, from);
	if (rc == 0)
		rc = page_devices(q, &w, &is_more, last);
	mst_walk_done(&w);
	if (rc < 0)
		return rc;
	mst_json_close(&q->json);
	next_put(&q->json, is_more, last, sizeof(last));
	mst_json_close(&q->json);
	return mst_query_done(q);
}

/* 0, -1 with x->err. */
static int filters_read(struct api_query *q)
{
	struct mst_xchg *x = q->x;
	struct mst_slice word;
	enum mst_device_state state;

	if (mst_xchg_query(x, &word, MST_S("state"))) {
		if (mst_device_state_from(&state, word, &x->err) < 0)
			return -1;
		q->state = mst_device_state_word(state);
	}
	if (mst_xchg_query(x, &word, MST_S("type"))) {
		for (unsigned i = 0; i < MST_NUM_CHANNEL_KINDS; i++)
			if (mst_slice_eq(word, mst_slice_str(mst_channel_kind_word((enum mst_channel_kind)i))))
				q->type = mst_channel_kind_word((enum mst_channel_kind)i);
		if (!q->type)
			return mst_fail(&x->err, MST_E_SYNTAX, "type is Device or User Enrollment (Device)");
	}
	if (!mst_xchg_query(x, &q->serial, MST_S("serial")))
		q->serial = (struct mst_slice){NULL, 0};
	if (!mst_xchg_query(x, &q->name, MST_S("name")))
		q->name = (struct mst_slice){NULL, 0};
	return 0;
}

enum mst_step mst_api_devices(struct mst_xchg *x)
{
	struct api_query *q = mst_query_new(x);
	bool by_detail;

	if (!q)
		return STEP_REPLY;
	if (mst_query_page(q) < 0 || filters_read(q) < 0 || mst_detail_list_filters(q, &by_detail) < 0)
		return mst_xchg_fail(x);
	return mst_query_ask(q, by_detail ? mst_detail_list_plan : devices_plan);
}

static int one_channel(struct api_query *q, const struct mst_channel *c, const struct mst_device *d)
{
	struct mst_json *j = &q->json;
	struct mst_slice id = d->text;
	uint32_t num = 0;

	if (c->user.len && !mst_arena_format(q->read.arena, &id, "%.*s:%.*s", (int)d->text.len, (const char *)d->text.at,
					     (int)c->user.len, (const char *)c->user.at))
		return mst_fail(&q->read.err, MST_E_BUSY, "out of memory");
	if (mst_queue_count(&q->read, &num, &c->id, d->epoch, QUEUED_MAX) < 0)
		return -1;
	mst_json_open(j, NULL);
	mst_json_text(j, "id", id);
	mst_json_text(j, "type", mst_slice_str(mst_channel_kind_word(c->kind)));
	mst_json_bool(j, "enabled", mst_channel_is_live(c, d));
	mst_json_text(j, "user_short_name", c->short_name);
	mst_json_text(j, "user_long_name", c->long_name);
	mst_json_text(j, "topic", c->topic);
	mst_json_u64(j, "token_updates", mst_channel_is_live(c, d) ? c->num_token_updates : 0);
	mst_json_bool(j, "awaiting_configuration", c->is_awaiting_configuration);
	mst_json_bool(j, "bootstrap_token", c->bootstrap_token.len && c->epoch == d->epoch);
	mst_json_time(j, "updated_at", c->updated_ms);
	mst_json_u64(j, "queued", num);
	mst_json_close(j);
	return 0;
}

static int channels(struct api_query *q, const struct mst_device *d)
{
	struct mst_walk w = {0};
	struct mst_channel c;
	int rc;

	mst_json_open_array(&q->json, "channels");
	while ((rc = mst_channel_next(&w, &q->read, &c, &d->id, q->app->seal)) == 1) {
		rc = one_channel(q, &c, d);
		if (rc < 0)
			break;
	}
	mst_walk_done(&w);
	mst_json_close(&q->json);
	return rc;
}

/* What there is beside Apple's record. 1 there is something, 0, -1. */
static int detail_tell(struct api_query *q, const struct mst_id *id)
{
	struct mst_detail detail;
	struct mst_member member;
	int rc = mst_detail_get(&q->read, &detail, id);

	if (rc < 0 || mst_member_get(&q->read, &member, id) < 0)
		return -1;
	if (rc == 1)
		mst_detail_tell(&q->json, &detail);
	mst_labels_tell(&q->json, q->app->catalog, &member);
	return rc;
}

/* A device of another platform has a detail alone. */
static int device_plan(struct mst_read *r)
{
	struct api_query *q = mst_query_of(r);
	struct mst_device d;
	uint32_t num = 0;
	int has_device = mst_device_get(r, &d, &q->who.device_id), has_detail;

	mst_json_begin(&q->json, r->arena);
	mst_json_open(&q->json, NULL);
	if (has_device == 0)
		mst_json_text(&q->json, "id", q->who.text);
	if (has_device < 0 || (has_device == 1 && (mst_record_device(&q->json, r, &d) < 0 || channels(q, &d) < 0 ||
						   mst_queue_count(r, &num, &q->who.device_id, d.epoch, QUEUED_MAX) < 0)))
		return -1;
	mst_json_u64(&q->json, "queued", num);
	has_detail = detail_tell(q, &q->who.device_id);
	if (has_detail < 0)
		return -1;
	if (has_device == 0 && has_detail == 0)
		return mst_fail(&r->err, MST_E_ABSENT, "unknown enrollment");
	mst_json_close(&q->json);
	return mst_query_done(q);
}

enum mst_step mst_api_device(struct mst_xchg *x)
{
	struct api_query *q = mst_query_new(x);

	if (!q)
		return STEP_REPLY;
	return mst_path_who(x, &q->who) < 0 ? mst_xchg_fail(x) : mst_query_ask(q, device_plan);
}

static void one_event(struct mst_json *j, const struct mst_history *h)
{
	mst_json_open(j, NULL);
	mst_json_time(j, "at", h->at_ms);
	mst_json_text(j, "event", mst_slice_str(mst_event_word(h->event)));
	mst_json_text(j, "who", h->who);
	mst_json_text(j, "detail", h->detail);
	mst_json_close(j);
}

static int page_history(struct api_query *q, struct mst_walk *w, bool *is_more, uint8_t last[static HISTORY_TAIL])
{
	struct mst_history h;
	int rc;

	for (uint64_t num = 0; num < q->limit; num++) {
		rc = mst_history_next(w, &q->read, &h, &q->who.device_id);
		if (rc <= 0) {
			*is_more = false;
			return rc;
		}
		memcpy(last, w->key.at + DEVICE_KEY, HISTORY_TAIL);
		one_event(&q->json, &h);
	}
	*is_more = true;
	return 0;
}

static int history_plan(struct mst_read *r)
{
	struct api_query *q = mst_query_of(r);
	uint8_t room[DEVICE_KEY + HISTORY_TAIL + 1], last[HISTORY_TAIL];
	struct mst_slice from;
	struct mst_walk w = {0};
	struct mst_device d;
	bool is_more = false;
	int rc;

	memcpy(room, q->who.device_id.device, DEVICE_KEY);
	if (cursor_read(&from, room, DEVICE_KEY, HISTORY_TAIL, q->cursor, &r->err) < 0 ||
	    mst_record_known(r, &d, &q->who.device_id) < 0)
		return -1;
	mst_json_begin(&q->json, r->arena);
	mst_json_open(&q->json, NULL);
	mst_json_open_array(&q->json, "history");
	rc = mst_walk_init(&w, r, MST_SPACE_HISTORY, mst_id_device_key(&q->who.device_id), from);
	if (rc == 0)
		rc = page_history(q, &w, &is_more, last);
	mst_walk_done(&w);
	if (rc < 0)
		return rc;
	mst_json_close(&q->json);
	next_put(&q->json, is_more, last, sizeof(last));
	mst_json_close(&q->json);
	return mst_query_done(q);
}

enum mst_step mst_api_history(struct mst_xchg *x)
{
	struct api_query *q = mst_query_new(x);

	if (!q)
		return STEP_REPLY;
	if (mst_query_page(q) < 0 || mst_path_who(x, &q->who) < 0)
		return mst_xchg_fail(x);
	return mst_query_ask(q, history_plan);
}
