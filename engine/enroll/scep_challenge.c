/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges of a SCEP enrolment: none, one password for all, one from the page of NDES, or one of an authority of our own. */
#include "maker_scep.h"
#include "muster/text.h"

#define SECRET_LEN   16           /* as those of /v1/challenges */
#define HOUR_MS      3600000ll
#define DEVICE_MS    1209600000ll /* the device asks by itself: it may be away for two weeks */
#define DNS_LEN_MAX  (MAKE_SANS_MAX * 254)

static void fail(struct scep_make *s, enum mst_code code, const char *why)
{
	struct mst_err e;

	mst_fail(&e, code, "%s", why);
	mst_scep_end(s, -1, &e);
}

static void take_none(struct scep_make *s)
{
	s->on_challenge(s);
}

static void take_static(struct scep_make *s)
{
	s->challenge = mst_object_text(s->make->enrollment, "challenge");
	if (s->challenge.len == 0)
		fail(s, MST_E_ABSENT, "challenge: the static password is empty");
	else
		s->on_challenge(s);
}

/* NDES */

static void on_page(struct scep_make *s)
{
	struct mst_err e;
	int status = s->fetch.status;

	s->takes_any = false;
	s->fetch.num_headers = 0;
	if (status == 401 || status == 403)
		fail(s, MST_E_DENIED, "the NDES page refuses challenge_user and challenge_password");
	else if (status != 200) {
		mst_fail(&e, MST_E_GONE, "the NDES page answers with status %d", status);
		mst_scep_end(s, -1, &e);
	} else if (mst_scep_client_page(&s->challenge, s->make->arena, s->fetch.answer, &e) < 0)
		mst_scep_end(s, -1, &e);
	else
		s->on_challenge(s);
}

/* RFC 7617. */
static bool put_basic(struct mst_header *out, struct mst_arena *arena, struct mst_slice user, struct mst_slice password)
{
	size_t len = user.len + 1 + password.len, text_len = 6 + MST_BASE64_LEN(len);
	uint8_t *both = mst_arena_get(arena, len);
	char *text = mst_arena_get(arena, text_len);

	if (!both || !text)
		return false;
	memcpy(both, user.at, user.len);
	both[user.len] = ':';
	memcpy(both + user.len + 1, password.at, password.len);
	memcpy(text, "Basic ", 6);
	mst_base64_put(text + 6, mst_slice(both, len));
	mst_wipe(both, len);
	*out = (struct mst_header){MST_S("Authorization"), mst_slice(text, text_len)};
	return true;
}

static void take_ndes(struct scep_make *s)
{
	const struct mst_object *o = s->make->enrollment;

	if (!put_basic(&s->headers[0], s->make->arena, mst_object_text(o, "challenge_user"), mst_object_text(o, "challenge_password"))) {
		fail(s, MST_E_BUSY, "out of memory");
		return;
	}
	s->takes_any = true;
	s->fetch.method = MST_GET;
	s->fetch.body = mst_slice(NULL, 0);
	s->fetch.headers = s->headers;
	s->fetch.num_headers = 1;
	mst_scep_fetch(s, mst_object_text(o, "challenge_url"), "the NDES page", on_page);
}

/* One-time, of our own */

static void on_committed(struct mst_batch *b)
{
	struct scep_make *s = MST_HOME(b, struct scep_make, batch);

	if (b->rc < 0)
		mst_scep_end(s, -1, &b->err);
	else
		s->on_challenge(s);
}

/* DNS names, each with a zero behind it but the last. */
static bool put_dns(struct mst_slice *out, const struct mst_make *make)
{
	uint8_t *text = mst_arena_get(make->arena, DNS_LEN_MAX);
	size_t len = 0;

	if (!text)
		return false;
	for (uint32_t i = 0; i < make->num_sans && i < MAKE_SANS_MAX; i++) {
		const struct mst_pair *san = &make->sans[i];
		if (!mst_slice_eq(san->key, MST_S("dns")) || san->value.len > 253)
			continue;
		if (len)
			text[len++] = 0;
		memcpy(text + len, san->value.at, san->value.len);
		len += san->value.len;
	}
	*out = mst_slice(text, len);
	return true;
}

static const struct mst_issuer *issuer_of(const struct mst_app *app, struct mst_slice name)
{
	const struct mst_issuer *issuer = app->issuers ? mst_issuers_find0(app->issuers, name) : NULL;

	return issuer && issuer->record.state == MST_AUTHORITY_ACTIVE ? issuer : NULL;
}

/* For whom it is, in the records. */
static struct mst_slice device_of(const struct mst_make *make)
{
	if (make->device)
		return make->device->text;
	return make->user ? make->user->name : MST_S("test");
}

static void take_one_time(struct scep_make *s)
{
	const struct mst_make *make = s->make;
	const struct mst_issuer *issuer = issuer_of(make->app, mst_object_text(make->enrollment, "authority"));
	struct mst_challenge c = {.device = device_of(make), .common_name = make->common_name,
				  .expires_ms = make->now_ms + (make->key.len ? HOUR_MS : DEVICE_MS)};
	uint8_t secret[SECRET_LEN], hash[32];
	char *text = mst_arena_get(make->arena, sizeof secret * 2);
	struct mst_err e;

	if (!issuer) {
		fail(s, MST_E_ABSENT, "authority: there is no active one of this name");
		return;
	}
	if (make->common_name.len > MST_NAME_MAX) {
		fail(s, MST_E_SYNTAX, "common_name: over 64 bytes");
		return;
	}
	if (!text || !put_dns(&c.dns, make)) {
		fail(s, MST_E_BUSY, "out of memory");
		return;
	}
	memcpy(c.authority, issuer->record.id, sizeof c.authority);
	mst_random(secret, sizeof secret);
	mst_hex_put(text, mst_slice(secret, sizeof secret));
	s->challenge = mst_slice(text, sizeof secret * 2);
	mst_sha256(hash, s->challenge);
	mst_batch_init(&s->batch, make->arena, make->app->loop, on_committed);
	mst_challenge_put(&s->batch, &c, hash);
	if (mst_store_commit(make->app->store, &s->batch, &e) < 0)
		mst_scep_end(s, -1, &e);
}

static const struct {
	struct mst_slice kind;
	void (*take)(struct scep_make *s);
} kinds[] = {
	{MST_S_INIT("none"), take_none},
	{MST_S_INIT("static"), take_static},
	{MST_S_INIT("ndes"), take_ndes},
	{MST_S_INIT("one-time"), take_one_time},
};

void mst_scep_challenge_get(struct scep_make *s, void (*on_challenge)(struct scep_make *s))
{
	const struct mst_value *kind = mst_make_field(s->make->enrollment, "challenge_kind");

	s->on_challenge = on_challenge;
	if (s->challenge.len || !kind) { /* brought, or a type that has none of its own */
		on_challenge(s);
		return;
	}
	for (size_t i = 0; i < MST_LEN(kinds); i++)
		if (mst_slice_eq(kinds[i].kind, kind->text)) {
			kinds[i].take(s);
			return;
		}
	fail(s, MST_E_SYNTAX, "challenge_kind is not known");
}
