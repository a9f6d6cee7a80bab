/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/identities: who holds what, by owner, setting, state and time of expiry. */
#include <time.h>

#include "identity_ask.h"
#include "muster/text.h"

#define KEY_LEN   48
#define LIMIT     100
#define LIMIT_MAX 1000
#define LOOK_MAX  20000 /* records one request looks at; a page may be shorter for that, and says where to go on */

struct list_ask {
	struct identity_ask ask;
	bool has_owner, is_user, has_enrollment, has_state, has_cursor;
	uint8_t owner[16], enrollment[16], cursor[KEY_LEN + 1];
	enum mst_held_state state;
	int64_t after_s, before_s; /* 0: no bound */
	uint64_t limit;
};

static bool is_wanted(const struct list_ask *list, const struct mst_held *h)
{
	if (list->has_enrollment && memcmp(h->enrollment, list->enrollment, sizeof h->enrollment) != 0)
		return false;
	if (list->has_state && h->state != list->state)
		return false;
	if ((list->after_s || list->before_s) && h->not_after == 0)
		return false;
	return (!list->after_s || h->not_after >= list->after_s) && (!list->before_s || h->not_after < list->before_s);
}

/* 1, 0 it is not there any more. */
static int name_of(struct mst_slice *out, struct mst_read *r, enum mst_noun noun, const uint8_t id[static 16])
{
	struct mst_object o;
	int rc = mst_object_get(r, &o, noun, id, NULL);

	*out = rc == 1 ? o.name : mst_slice(NULL, 0);
	return rc;
}

static int owner_put(struct mst_json *j, struct mst_read *r, const struct mst_held *h)
{
	struct mst_slice text = {NULL, 0};
	struct mst_detail detail;
	struct mst_id id = {.channel = {0}};
	int rc;

	if (h->is_user) {
		rc = name_of(&text, r, MST_NOUN_USER, h->owner);
	} else {
		memcpy(id.device, h->owner, sizeof id.device);
		rc = mst_detail_get(r, &detail, &id);
		text = rc == 1 ? detail.text : text;
	}
	if (rc < 0 || rc == MST_LATER)
		return rc;
	mst_json_text(j, h->is_user ? "user" : "device", text);
	return 0;
}

static int one_put(struct mst_json *j, struct mst_read *r, const struct mst_held *h)
{
	static const uint8_t none[16];
	struct mst_slice enrollment, setting = {NULL, 0};
	struct mst_cert cert;
	int rc = name_of(&enrollment, r, MST_NOUN_ENROLLMENT, h->enrollment);

	if (rc >= 0 && rc != MST_LATER && memcmp(h->setting, none, sizeof none) != 0)
		rc = name_of(&setting, r, MST_NOUN_SETTING, h->setting);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	mst_json_open(j, NULL);
	rc = owner_put(j, r, h);
	mst_json_text(j, "enrollment", enrollment);
	if (setting.len)
		mst_json_text(j, "setting", setting);
	mst_json_text(j, "state", mst_slice_str(mst_held_state_word(h->state)));
	mst_json_bool(j, "early", h->is_early);
	mst_json_bool(j, "has_key", h->sealed.len > 0);
	mst_json_u64(j, "made", h->num_made);
	if (h->reason.len)
		mst_json_text(j, "reason", h->reason);
	if (h->due_ms)
		mst_json_time(j, "due_at", h->due_ms);
	if (h->cert.len && mst_cert_parse(&cert, h->cert, NULL) == 0) {
		mst_json_hex(j, "serial", cert.serial);
		mst_json_time(j, "not_before", h->not_before * 1000);
		mst_json_time(j, "not_after", h->not_after * 1000);
	}
	mst_json_time(j, "made_at", h->made_ms);
	mst_json_time(j, "delivered_at", h->delivered_ms);
	mst_json_close(j);
	return rc;
}

static void key_hex(char out[static 2 * KEY_LEN + 1], const struct mst_held *h)
{
	mst_hex_put(out, mst_slice(h->owner, 16));
	mst_hex_put(out + 32, mst_slice(h->enrollment, 16));
	mst_hex_put(out + 64, mst_slice(h->setting, 16));
	out[2 * KEY_LEN] = 0;
}

static int plan(struct mst_read *r)
{
	struct list_ask *list = MST_HOME(MST_HOME(r, struct identity_ask, read), struct list_ask, ask);
	struct mst_json *j = &list->ask.json;
	struct mst_walk w = {.r = NULL};
	char last[2 * KEY_LEN + 1] = "";
	uint64_t num = 0, num_seen = 0;
	struct mst_held h;
	int rc;

	mst_json_begin(j, r->arena);
	mst_json_open(j, NULL);
	mst_json_open_array(j, "identities");
	while ((rc = mst_held_next(&w, r, &h, mst_slice(list->owner, list->has_owner ? 16 : 0),
				   mst_slice(list->cursor, list->has_cursor ? KEY_LEN + 1 : 0), NULL)) == 1) {
		if (num == list->limit || num_seen++ == LOOK_MAX)
			break;
		if (is_wanted(list, &h)) {
			rc = one_put(j, r, &h);
			if (rc != 0)
				break;
			num++;
		}
		key_hex(last, &h);
	}
	mst_walk_done(&w);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	mst_json_close(j);
	if (rc == 1)
		mst_json_text(j, "next", mst_slice_str(last));
	else
		mst_json_null(j, "next");
	mst_json_close(j);
	return 0;
}

static int work(struct identity_ask *ask, struct mst_err *e)
{
	ask->read = (struct mst_read){.arena = &ask->arena, .plan = plan};
	if (mst_store_read_here(ask->app->store, &ask->read) < 0) {
		*e = ask->read.err;
		return -1;
	}
	return mst_json_end(&ask->json, &ask->body, e);
}

static bool number(int *out, struct mst_slice text, size_t at, size_t len)
{
	uint64_t n;

	if (text.len < at + len || mst_slice_u64(&n, mst_slice(text.at + at, len), NULL) < 0)
		return false;
	*out = (int)n;
	return true;
}

/* 2026-01-31, or with a time: 2026-01-31T03:45:00Z (RFC 3339, UTC). */
static int time_take(int64_t *out, struct mst_xchg *x, const char *name)
{
	struct tm tm = {.tm_year = 0};
	struct mst_slice text;
	bool is_fine;

	if (!mst_xchg_query(x, &text, mst_slice_str(name)))
		return 0;
	is_fine = number(&tm.tm_year, text, 0, 4) && number(&tm.tm_mon, text, 5, 2) && number(&tm.tm_mday, text, 8, 2) &&
		  text.at[4] == '-' && text.at[7] == '-' && tm.tm_mon >= 1 && tm.tm_mon <= 12 && tm.tm_mday >= 1 && tm.tm_mday <= 31;
	if (is_fine && text.len > 10)
		is_fine = text.len >= 20 && text.at[10] == 'T' && text.at[text.len - 1] == 'Z' && number(&tm.tm_hour, text, 11, 2) &&
			  number(&tm.tm_min, text, 14, 2) && number(&tm.tm_sec, text, 17, 2);
	if (!is_fine)
		return mst_fail(&x->err, MST_E_SYNTAX, "%s is a date (2026-01-31) or a time (2026-01-31T03:45:00Z)", name);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*out = timegm(&tm);
	return 0;
}

static int owner_take(struct list_ask *list, struct mst_xchg *x)
{
	struct mst_slice device, user;
	bool has_device = mst_xchg_query(x, &device, MST_S("device")), has_user = mst_xchg_query(x, &user, MST_S("user"));
	struct mst_id id;

	if (has_device && has_user)
		return mst_fail(&x->err, MST_E_SYNTAX, "an owner is a device or a user");
	if (has_device) {
		if (mst_id_from(&id, device, &x->err) < 0)
			return -1;
		memcpy(list->owner, id.device, sizeof id.device);
	} else if (has_user) {
		if (mst_name_check(user, &x->err) < 0)
			return -1;
		mst_object_id(list->owner, MST_NOUN_USER, user);
	}
	list->has_owner = has_device || has_user;
	return 0;
}

static int state_take(struct list_ask *list, struct mst_xchg *x)
{
	struct mst_slice word;

	if (!mst_xchg_query(x, &word, MST_S("state")))
		return 0;
	list->has_state = true;
	for (int i = 0; i < MST_NUM_HELD_STATES; i++) {
		list->state = (enum mst_held_state)i;
		if (mst_slice_eq(word, mst_slice_str(mst_held_state_word(list->state))))
			return 0;
	}
	return mst_fail(&x->err, MST_E_SYNTAX, "state: wanted, asked, ready, delivered, failed or removed");
}

static int page_take(struct list_ask *list, struct mst_xchg *x)
{
	struct mst_slice text;

	list->limit = LIMIT;
	if (mst_xchg_query(x, &text, MST_S("limit")) &&
	    (mst_slice_u64(&list->limit, text, &x->err) < 0 || list->limit == 0 || list->limit > LIMIT_MAX))
		return mst_fail(&x->err, MST_E_SYNTAX, "limit is 1 to %d", LIMIT_MAX);
	if (!mst_xchg_query(x, &text, MST_S("cursor")))
		return 0;
	list->has_cursor = true; /* the least key behind the last one */
	return mst_hex_get(list->cursor, KEY_LEN, text, NULL) < 0 ? mst_fail(&x->err, MST_E_SYNTAX, "the cursor is not one of ours") : 0;
}

static int take(struct list_ask *list, struct mst_xchg *x)
{
	struct mst_slice name;

	if (mst_xchg_query(x, &name, MST_S("enrollment"))) {
		if (mst_name_check(name, &x->err) < 0)
			return -1;
		mst_object_id(list->enrollment, MST_NOUN_ENROLLMENT, name);
		list->has_enrollment = true;
	}
	if (owner_take(list, x) < 0 || state_take(list, x) < 0 || page_take(list, x) < 0 ||
	    time_take(&list->after_s, x, "expires_after") < 0 || time_take(&list->before_s, x, "expires_before") < 0)
		return -1;
	if (list->after_s && list->before_s && list->after_s > list->before_s)
		return mst_fail(&x->err, MST_E_SYNTAX, "expires_after is later than expires_before");
	return 0;
}

enum mst_step mst_identities_list(struct mst_xchg *x)
{
	struct list_ask *list = mst_identity_ask_new(x, sizeof *list);

	if (!list)
		return STEP_REPLY;
	if (take(list, x) < 0)
		return mst_xchg_fail(x);
	return mst_identity_turn(&list->ask, MST_LANE_BULK, work);
}
