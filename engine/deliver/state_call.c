/* SPDX-License-Identifier: Apache-2.0 */
/* How settings stand on devices: of one device, of one setting; and another try. */
#include "call_own.h"
#include "muster/audit.h"
#include "muster/clock.h"
#include "muster/text.h"

#define LIMIT     100
#define LIMIT_MAX 1000
#define LOOK_MAX  20000 /* devices one request looks at; a page may be shorter for that, and says where to go on */
#define TRIES     8

static int device_known(struct deliver_ask *ask, struct mst_read *r)
{
	struct mst_detail detail;
	int rc = mst_detail_get(r, &detail, &ask->id);

	return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "unknown device") : rc == 1 ? 0 : rc;
}

static int tell_setting(struct mst_json *j, struct mst_read *r, const struct mst_delivery *d)
{
	struct mst_object *o = mst_arena_get(r->arena, sizeof *o);
	int rc = o ? mst_object_get(r, o, MST_NOUN_SETTING, d->setting, NULL) : mst_fail(&r->err, MST_E_BUSY, "out of memory");

	if (rc < 0 || rc == MST_LATER)
		return rc;
	mst_json_open(j, NULL);
	if (rc == 1) {
		mst_json_text(j, "name", o->name);
		mst_json_text(j, "type", mst_slice_str(o->shape->type));
	} else {
		mst_json_null(j, "name"); /* deleted meanwhile */
		mst_json_null(j, "type");
	}
	mst_deliver_tell(j, d);
	mst_json_close(j);
	return 0;
}

static int settings_plan(struct mst_read *r)
{
	struct deliver_ask *ask = MST_HOME(r, struct deliver_ask, read);
	struct mst_walk w = {.r = NULL};
	struct mst_delivery d;
	int rc = device_known(ask, r);

	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_open_array(&ask->json, "settings");
	while (rc == 0 && (rc = mst_delivery_next(&w, r, &d, ask->id.device)) == 1)
		rc = tell_setting(&ask->json, r, &d);
	mst_walk_done(&w);
	mst_json_close(&ask->json);
	mst_json_close(&ask->json);
	return rc;
}

static int settings_work(struct deliver_ask *ask, struct mst_err *e)
{
	return mst_deliver_read_here(ask, settings_plan, e) < 0 ? -1 : mst_json_end(&ask->json, &ask->body, e);
}

enum mst_step mst_deliver_settings(struct mst_xchg *x)
{
	struct deliver_ask *ask = mst_deliver_ask_new(x);

	if (!ask)
		return STEP_REPLY;
	return mst_deliver_ask_device(ask, 2) < 0 ? mst_xchg_fail(x) : mst_deliver_turn(ask, settings_work);
}

/* Another try. */

static int retry_plan(struct mst_read *r)
{
	struct deliver_ask *ask = MST_HOME(r, struct deliver_ask, read);
	struct mst_delivery *d = ask->standing;
	int rc = mst_delivery_get(r, d, ask->id.device, ask->setting);

	if (rc == 0)
		return mst_fail(&r->err, MST_E_ABSENT, "the device has no such setting");
	if (rc != 1)
		return rc;
	return d->state == MST_DELIVERY_FAILED || d->due_ms
		       ? 0
		       : mst_fail(&r->err, MST_E_CONFLICT, "the setting is %s: there is nothing to try again",
				  mst_delivery_state_word(d->state));
}

static int retry_once(struct deliver_ask *ask, struct mst_err *e)
{
	struct mst_delivery *d = ask->standing;
	int64_t now_ms = mst_clock_wall_ms();
	struct mst_batch b;

	if (mst_deliver_read_here(ask, retry_plan, e) < 0)
		return -1;
	if (d->state == MST_DELIVERY_FAILED) {
		d->state = MST_DELIVERY_PENDING;
		memset(d->content, 0, sizeof d->content);
	}
	d->num_failed = 0;
	d->due_ms = 0;
	d->changed_ms = now_ms;
	mst_batch_init(&b, &ask->arena, NULL, NULL);
	mst_delivery_put(&b, d);
	mst_audit_add(&b, &(struct mst_audit){.at_ms = now_ms, .who = mst_slice_str(ask->x->who), .action = MST_S("setting tried again"),
					      .what = ask->text, .detail = ask->name});
	if (mst_store_commit_here(ask->app->store, &b) == 0)
		return 0;
	*e = b.err;
	return -1;
}

static int retry_work(struct deliver_ask *ask, struct mst_err *e)
{
	int rc = -1;

	ask->standing = mst_arena_zero(&ask->arena, sizeof(struct mst_delivery));
	if (!ask->standing)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	for (int i = 0; i < TRIES && rc < 0; i++) {
		rc = retry_once(ask, e);
		if (rc < 0 && e->code != MST_E_CONFLICT)
			return -1;
		if (rc < 0 && ask->read.rc < 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	ask->is_changed = true;
	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_text(&ask->json, "name", ask->name);
	mst_deliver_tell(&ask->json, ask->standing);
	mst_json_close(&ask->json);
	return mst_json_end(&ask->json, &ask->body, e);
}

enum mst_step mst_deliver_retry(struct mst_xchg *x)
{
	struct deliver_ask *ask = mst_deliver_ask_new(x);

	if (!ask)
		return STEP_REPLY;
	if (mst_deliver_ask_device(ask, 2) < 0 || mst_deliver_ask_setting(ask, 4) < 0)
		return mst_xchg_fail(x);
	return mst_deliver_turn(ask, retry_work);
}

/* The devices of a setting. */

static int tell_holder(struct deliver_ask *ask, struct mst_read *r, const struct mst_detail *detail, uint64_t *num)
{
	struct mst_delivery d;
	int rc = mst_delivery_get(r, &d, detail->id.device, ask->setting);

	if (rc != 1 || (ask->has_state && d.state != ask->state))
		return rc == 1 ? 0 : rc;
	mst_json_open(&ask->json, NULL);
	mst_json_text(&ask->json, "id", detail->text);
	mst_json_text(&ask->json, "user", detail->user);
	mst_deliver_tell(&ask->json, &d);
	mst_json_close(&ask->json);
	++*num;
	return 0;
}

static int holders_walk(struct deliver_ask *ask, struct mst_read *r, struct mst_walk *w, struct mst_id *last)
{
	uint8_t from[17] = {0};
	struct mst_slice start = ask->cursor.len ? mst_slice(from, sizeof from) : mst_slice(NULL, 0);
	struct mst_detail detail;
	uint64_t num = 0;
	int rc = 1;

	if (ask->cursor.len && mst_hex_get(from, 16, ask->cursor, NULL) < 0)
		return mst_fail(&r->err, MST_E_SYNTAX, "the cursor is not one of ours");
	for (uint32_t i = 0; i < LOOK_MAX && num < ask->limit; i++) {
		rc = mst_detail_next(w, r, &detail, start);
		if (rc != 1)
			return rc;
		*last = detail.id;
		rc = tell_holder(ask, r, &detail, &num);
		if (rc != 0)
			return rc;
	}
	return 1;
}

static int holders_plan(struct mst_read *r)
{
	struct deliver_ask *ask = MST_HOME(r, struct deliver_ask, read);
	struct mst_walk w = {.r = NULL};
	struct mst_id last = {.channel = {0}};
	char next[33];
	int rc;

	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_open_array(&ask->json, "devices");
	rc = holders_walk(ask, r, &w, &last);
	mst_walk_done(&w);
	mst_json_close(&ask->json);
	mst_hex_put(next, mst_slice(last.device, 16));
	if (rc == 1)
		mst_json_text(&ask->json, "next", mst_slice(next, 32));
	else
		mst_json_null(&ask->json, "next");
	mst_json_close(&ask->json);
	return rc == 1 ? 0 : rc;
}

static int holders_work(struct deliver_ask *ask, struct mst_err *e)
{
	return mst_deliver_read_here(ask, holders_plan, e) < 0 ? -1 : mst_json_end(&ask->json, &ask->body, e);
}

static int state_of(struct deliver_ask *ask, struct mst_slice word)
{
	ask->has_state = true;
	for (int i = 0; i < MST_NUM_DELIVERY_STATES; i++) {
		ask->state = (enum mst_delivery_state)i;
		if (mst_slice_eq(mst_slice_str(mst_delivery_state_word(ask->state)), word))
			return 0;
	}
	return mst_fail(&ask->x->err, MST_E_SYNTAX, "state: pending, sent, applied, failed, removing or removed");
}

enum mst_step mst_deliver_holders(struct mst_xchg *x)
{
	struct deliver_ask *ask = mst_deliver_ask_new(x);
	struct mst_slice text;

	if (!ask)
		return STEP_REPLY;
	ask->limit = LIMIT;
	if (mst_deliver_ask_setting(ask, 2) < 0 || (mst_xchg_query(x, &text, MST_S("state")) && state_of(ask, text) < 0) ||
	    (mst_xchg_query(x, &text, MST_S("limit")) && mst_slice_u64(&ask->limit, text, &x->err) < 0))
		return mst_xchg_fail(x);
	if (ask->limit == 0 || ask->limit > LIMIT_MAX)
		return mst_xchg_refuse(x, MST_E_SYNTAX, "limit: 1 to 1000");
	(void)mst_xchg_query(x, &ask->cursor, MST_S("cursor"));
	return mst_deliver_turn(ask, holders_work);
}
