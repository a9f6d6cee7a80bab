/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/challenges: makes a one-time challenge for one device, names and all. Only its hash is kept. */
#include "muster/clock.h"
#include "muster/json.h"
#include "muster/log.h"
#include "muster/text.h"
#include "own.h"

#define SECRET_LEN   16 /* 128 bits: 32 digits, as long as devices' fields take */
#define MINUTES      60
#define MINUTES_MAX  (90 * 24 * 60u)
#define NAMES_MAX    16
#define DNS_MAX      253
#define JSON_DEPTH   4
#define TEXT_ROOM    (NAMES_MAX * (DNS_MAX + 1))

struct offer {
	struct mst_xchg *x;
	struct mst_batch batch;
	struct mst_challenge challenge;
	struct mst_slice authority;
	char secret[2 * SECRET_LEN];
};

static int name_check(struct mst_slice name, const char *key, size_t len_max, struct mst_err *e)
{
	bool is_fine = name.len >= 1 && name.len <= len_max && mst_utf8_ok(name);

	for (size_t i = 0; i < name.len && is_fine; i++)
		is_fine = name.at[i] >= 0x20 && name.at[i] != 0x7f;
	return is_fine ? 0 : mst_fail(e, MST_E_SYNTAX, "\"%s\" wants 1 to %zu printable bytes", key, len_max);
}

/* The names, each with a zero behind it but the last. */
static int dns_read(struct offer *o, const struct mst_json_value *root, struct mst_err *e)
{
	const struct mst_json_value *list;
	struct mst_slice name;
	uint8_t *text;
	size_t len = 0;
	int rc = mst_json_get_array0(root, &list, "dns", e);

	if (rc <= 0)
		return rc;
	text = mst_arena_get(&o->x->arena, TEXT_ROOM);
	if (!text)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_json_num(list) > NAMES_MAX)
		return mst_fail(e, MST_E_SYNTAX, "at most %d DNS names", NAMES_MAX);
	for (size_t i = 0; i < mst_json_num(list); i++) {
		if (mst_json_get_text0(mst_json_at0(list, i), &name, NULL, e) < 0 || name_check(name, "dns", DNS_MAX, e) < 0)
			return -1;
		if (i)
			text[len++] = 0;
		memcpy(text + len, name.at, name.len);
		len += name.len;
	}
	o->challenge.dns = mst_slice(text, len);
	return 0;
}

static int text_read(struct mst_slice *out, struct offer *o, const struct mst_json_value *root, const char *key, size_t len_max,
		     struct mst_err *e)
{
	struct mst_slice text;
	int rc = mst_json_get_text0(root, &text, key, e);

	if (rc <= 0)
		return rc;
	if (name_check(text, key, len_max, e) < 0)
		return -1;
	return mst_arena_copy(&o->x->arena, out, text) ? 1 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static int offer_read(struct offer *o, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_challenge *c = &o->challenge;
	uint64_t minutes = MINUTES;
	int rc;

	if (text_read(&o->authority, o, root, "authority", MST_AUTHORITY_NAME_MAX, e) < 0 ||
	    text_read(&c->device, o, root, "device", MST_ID_TEXT_MAX, e) < 0)
		return -1;
	rc = text_read(&c->common_name, o, root, "common_name", MST_NAME_MAX, e);
	if (rc < 0 || dns_read(o, root, e) < 0)
		return -1;
	if (!o->authority.len || !c->device.len)
		return mst_fail(e, MST_E_SYNTAX, "a challenge needs \"authority\" and \"device\"");
	if (rc == 0) {
		c->common_name = c->device;
		if (name_check(c->common_name, "common_name", MST_NAME_MAX, e) < 0)
			return -1;
	}
	rc = mst_json_get_u64(root, &minutes, "minutes", e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		minutes = MINUTES;
	if (minutes < 1 || minutes > MINUTES_MAX)
		return mst_fail(e, MST_E_SYNTAX, "\"minutes\" wants 1 to %u", MINUTES_MAX);
	c->expires_ms = mst_clock_wall_ms() + (int64_t)minutes * 60000;
	return 0;
}

static int body_read(struct offer *o, struct mst_err *e)
{
	struct mst_json_value *root;
	int rc;

	if (mst_json_parse(&root, o->x->in.body, MST_SCEP_BODY_MAX, JSON_DEPTH, e) < 0)
		return -1;
	rc = offer_read(o, root, e);
	mst_json_free(&root);
	return rc;
}

static void on_committed(struct mst_batch *b)
{
	mst_xchg_resume(MST_HOME(b, struct offer, batch)->x);
}

enum mst_step mst_scep_challenge_make(struct mst_xchg *x)
{
	struct mst_app *app = x->app;
	struct offer *o = mst_arena_zero(&x->arena, sizeof(*o));
	const struct mst_issuer *issuer;
	uint8_t secret[SECRET_LEN], hash[32];

	if (!o)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	o->x = x;
	x->state = o;
	if (body_read(o, &x->err) < 0)
		return mst_xchg_fail(x);
	issuer = app->issuers ? mst_issuers_find0(app->issuers, o->authority) : NULL;
	if (!issuer)
		return mst_xchg_refuse(x, MST_E_ABSENT, "no such authority");
	if (issuer->record.state != MST_AUTHORITY_ACTIVE)
		return mst_xchg_refuse(x, MST_E_CONFLICT, "this authority issues no more");
	memcpy(o->challenge.authority, issuer->record.id, sizeof(o->challenge.authority));
	mst_random(secret, sizeof(secret));
	mst_hex_put(o->secret, mst_slice(secret, sizeof(secret)));
	mst_sha256(hash, mst_slice(o->secret, sizeof(o->secret)));
	mst_batch_init(&o->batch, &x->arena, app->loop, on_committed);
	mst_challenge_put(&o->batch, &o->challenge, hash);
	return mst_store_commit(app->store, &o->batch, &x->err) < 0 ? mst_xchg_fail(x) : STEP_WAIT;
}

enum mst_step mst_scep_challenge_made(struct mst_xchg *x)
{
	struct offer *o = x->state;
	struct mst_slice body;
	struct mst_json j;

	if (o->batch.rc < 0) {
		x->err = o->batch.err;
		return mst_xchg_fail(x);
	}
	mst_log(INFO, "challenge made", mst_f_u64("exchange", x->id), mst_f_str("who", x->who), mst_f_slice("authority", o->authority),
		mst_f_slice("device", o->challenge.device), mst_f_slice("name", o->challenge.common_name));
	mst_json_begin(&j, &x->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "challenge", mst_slice(o->secret, sizeof(o->secret)));
	mst_json_text(&j, "authority", o->authority);
	mst_json_text(&j, "device", o->challenge.device);
	mst_json_text(&j, "common_name", o->challenge.common_name);
	mst_json_time(&j, "expires_at", o->challenge.expires_ms);
	mst_json_close(&j);
	if (mst_json_end(&j, &body, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_xchg_answer(x, 201, MST_JSON_TYPE, body);
}
