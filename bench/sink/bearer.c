/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Provider tokens (Apple, "Establishing a token-based connection to APNs"): a JWT (RFC 7519) signed with ES256 (RFC 7518 3.4),
 * good for an hour, renewed no sooner than after 20 minutes.
 */
#include "parts.h"

#include <stdlib.h>

#include "muster/clock.h"
#include "muster/file.h"
#include "muster/text.h"

#define KEY_MAX     16384
#define PART_MAX    768  /* a JWT's header or claims have about a hundred bytes */
#define PROVIDERS   1024 /* key ids remembered */
#define AHEAD_S     300  /* clocks differ */
#define KEY_ID_MAX  32
#define JSON_DEPTH  4
#define SIG_HALF    32

struct provider {
	int64_t issued_s; /* of its newest token */
};

struct sink_bearers {
	struct mst_arena arena;
	struct mst_slice spki; /* empty: signatures are not looked at */
	struct mst_map *providers; /* SHA-256 of key id and team -> struct provider */
};

static int read_key(struct sink_bearers *b, const char *path, struct mst_err *e)
{
	struct mst_slice text, label, der;

	if (mst_file_read(&text, &b->arena, path, KEY_MAX, e) < 0)
		return -1;
	while (mst_pem_next(&label, &der, &text, &b->arena, e) > 0)
		if (mst_slice_eq(label, MST_S("PUBLIC KEY"))) {
			b->spki = der;
			return 0;
		}
	return mst_fail(e, MST_E_CONF, "%s holds no public key", path);
}

int mst_bearers_new(struct sink_bearers **out, const struct sink_conf *conf, struct mst_err *e)
{
	struct sink_bearers *b = calloc(1, sizeof(*b));

	*out = b;
	if (!b || !(b->providers = mst_map_new(32, sizeof(struct provider), PROVIDERS, true)))
		return mst_fail(e, MST_E_BUSY, "no memory for provider tokens");
	return conf->token_key[0] ? read_key(b, conf->token_key, e) : 0;
}

void mst_bearers_free(struct sink_bearers **bearers)
{
	if (*bearers) {
		mst_map_free(&(*bearers)->providers);
		mst_arena_done(&(*bearers)->arena);
		free(*bearers);
	}
	*bearers = NULL;
}

/* base64url without padding (RFC 7515 2). */
static int decode(uint8_t out[static PART_MAX], size_t *len, struct mst_slice text)
{
	char plain[PART_MAX];

	if (text.len == 0 || text.len > sizeof(plain) || MST_BASE64_ROOM(text.len) > PART_MAX)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.at[i];
		if (c == '+' || c == '/' || c == '=')
			return -1;
		plain[i] = c;
		if (c == '-')
			plain[i] = '+';
		if (c == '_')
			plain[i] = '/';
	}
	return mst_base64_get(out, len, mst_slice(plain, text.len), NULL);
}

struct claims {
	uint8_t provider[32];
	uint64_t issued_s;
};

static int read_claims(struct claims *out, struct mst_slice head, struct mst_slice body)
{
	struct mst_json_value *h = NULL, *b = NULL;
	struct mst_slice alg, key_id, team;
	char both[2 * KEY_ID_MAX];
	int rc = -1;

	if (mst_json_parse(&h, head, PART_MAX, JSON_DEPTH, NULL) == 0 &&
	    mst_json_parse(&b, body, PART_MAX, JSON_DEPTH, NULL) == 0 &&
	    mst_json_get_text0(h, &alg, "alg", NULL) > 0 && mst_slice_eq(alg, MST_S("ES256")) &&
	    mst_json_get_text0(h, &key_id, "kid", NULL) > 0 && key_id.len <= KEY_ID_MAX &&
	    mst_json_get_text0(b, &team, "iss", NULL) > 0 && team.len <= KEY_ID_MAX &&
	    mst_json_get_u64(b, &out->issued_s, "iat", NULL) > 0) {
		memcpy(both, key_id.at, key_id.len);
		memcpy(both + key_id.len, team.at, team.len);
		mst_sha256(out->provider, mst_slice(both, key_id.len + team.len));
		rc = 0;
	}
	mst_json_free(&h);
	mst_json_free(&b);
	return rc;
}

static size_t put_integer(uint8_t *out, const uint8_t *half)
{
	size_t skip = 0, pad;

	while (skip < SIG_HALF - 1 && half[skip] == 0)
		skip++;
	pad = half[skip] >= 0x80;
	out[0] = 2;
	out[1] = (uint8_t)(SIG_HALF - skip + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, half + skip, SIG_HALF - skip);
	return 2 + pad + SIG_HALF - skip;
}

/* JWS has r and s side by side (RFC 7518 3.4), the library takes DER. */
static bool is_signed(const struct sink_bearers *b, struct mst_slice text, const uint8_t *sig, size_t len)
{
	uint8_t der[2 + 2 * (SIG_HALF + 3)];
	size_t n = 2;

	if (len != 2 * SIG_HALF)
		return false;
	if (b->spki.len == 0)
		return true;
	n += put_integer(der + n, sig);
	n += put_integer(der + n, sig + SIG_HALF);
	der[0] = 0x30;
	der[1] = (uint8_t)(n - 2);
	return mst_key_verify(b->spki, MST_SIG_ECDSA_SHA256, text, mst_slice(der, n), NULL) == 0;
}

static bool is_expired(const struct sink *sink, int64_t issued_s)
{
	return issued_s + (int64_t)sink->conf.bearer_life_s < mst_clock_wall_ms() / 1000;
}

static enum sink_reason judge_age(struct sink *sink, const struct claims *claims)
{
	int64_t now_s = mst_clock_wall_ms() / 1000, at_s = (int64_t)claims->issued_s;
	struct provider *provider;

	if (claims->issued_s > (uint64_t)now_s + AHEAD_S)
		return SINK_BAD_BEARER;
	if (is_expired(sink, at_s))
		return SINK_EXPIRED_BEARER;
	provider = mst_map_set(sink->bearers->providers, claims->provider);
	if (!provider)
		return SINK_INTERNAL;
	if (provider->issued_s && at_s > provider->issued_s &&
	    at_s < provider->issued_s + (int64_t)sink->conf.bearer_renew_s)
		return SINK_TOO_MANY_BEARERS;
	if (at_s > provider->issued_s)
		provider->issued_s = at_s;
	return SINK_NONE;
}

static enum sink_reason judge(int64_t *issued_s, struct sink *sink, struct mst_slice token)
{
	uint8_t head[PART_MAX], body[PART_MAX], sig[PART_MAX];
	size_t head_len, body_len, sig_len;
	struct mst_slice first, rest, second, third;
	struct claims claims;

	if (!mst_slice_cut(&first, &rest, token, '.') || !mst_slice_cut(&second, &third, rest, '.') ||
	    decode(head, &head_len, first) < 0 || decode(body, &body_len, second) < 0 || decode(sig, &sig_len, third) < 0 ||
	    read_claims(&claims, mst_slice(head, head_len), mst_slice(body, body_len)) < 0 ||
	    !is_signed(sink->bearers, mst_slice(token.at, first.len + 1 + second.len), sig, sig_len))
		return SINK_BAD_BEARER;
	*issued_s = (int64_t)claims.issued_s;
	return judge_age(sink, &claims);
}

enum sink_reason mst_bearer_check(struct sink_link *link, struct mst_slice authorization)
{
	static const char scheme[] = "bearer ";
	uint8_t hash[32];
	int64_t issued_s = 0;
	enum sink_reason reason;

	if (authorization.len == 0)
		return SINK_NO_BEARER;
	if (!mst_slice_case_starts(authorization, MST_S(scheme)))
		return SINK_BAD_BEARER;
	authorization = mst_slice(authorization.at + sizeof(scheme) - 1, authorization.len - (sizeof(scheme) - 1));
	mst_sha256(hash, authorization);
	if (link->bearer_issued_s && memcmp(hash, link->bearer, sizeof(hash)) == 0)
		return is_expired(link->sink, link->bearer_issued_s) ? SINK_EXPIRED_BEARER : SINK_NONE;
	reason = judge(&issued_s, link->sink, authorization);
	if (reason != SINK_NONE)
		return reason;
	/* Until the first good token Apple takes one request at a time. */
	if (!link->bearer_issued_s)
		mst_h2_settle(link->h2, link->sink->conf.streams);
	memcpy(link->bearer, hash, sizeof(hash));
	link->bearer_issued_s = issued_s;
	return SINK_NONE;
}
