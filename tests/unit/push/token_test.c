/* SPDX-License-Identifier: Apache-2.0 */
/* What a signing key's topic shows. */
#include "link_rig.h"

#include "muster/clock.h"
#include "muster/text.h"

#define MINUTE 60000ull

struct kit {
	struct mst_arena arena;
	struct mst_key *key;
	struct mst_slice spki;
	struct mst_pushcert cert;
	struct push_token *token;
};

static void make(struct kit *k, enum mst_key_kind kind)
{
	mst_clock_fake(PKI_NOW * 1000ll);
	mst_arena_init(&k->arena, NULL, 0);
	cr_assert_eq(mst_key_new(&k->key, kind, NULL), 0);
	cr_assert_eq(mst_key_spki(&k->spki, &k->arena, k->key, NULL), 0);
	k->cert = (struct mst_pushcert){.is_token = true, .key_id = MST_S("ABC123DEFG"), .team_id = MST_S("TEAM567890")};
	cr_assert_eq(mst_key_pem(&k->cert.key_pem, &k->arena, k->key, NULL), 0);
}

static void done(struct kit *k)
{
	mst_token_free(&k->token);
	mst_key_free(&k->key);
	mst_arena_done(&k->arena);
	mst_clock_fake(0);
}

static struct mst_slice decode(struct kit *k, struct mst_slice url)
{
	uint8_t *text = mst_arena_get(&k->arena, url.len), *out = mst_arena_get(&k->arena, MST_BASE64_ROOM(url.len) + 1);
	size_t len;

	for (size_t i = 0; i < url.len; i++) {
		cr_assert(url.at[i] != '=' && url.at[i] != '+' && url.at[i] != '/');
		text[i] = url.at[i] == '-' ? '+' : url.at[i] == '_' ? '/' : url.at[i];
	}
	cr_assert_eq(mst_base64_get(out, &len, mst_slice(text, url.len), NULL), 0);
	out[len] = 0;
	return mst_slice(out, len);
}

/* r||s back to DER, for the judge. */
static struct mst_slice der_of(struct kit *k, struct mst_slice flat)
{
	uint8_t *out = mst_arena_get(&k->arena, 80), *at = out + 2;

	for (int half = 0; half < 2; half++) {
		const uint8_t *n = flat.at + 32 * half;
		size_t len = 32;
		while (len > 1 && *n == 0)
			n++, len--;
		*at++ = 2;
		*at++ = (uint8_t)(len + (*n >> 7));
		if (*n >> 7)
			*at++ = 0;
		memcpy(at, n, len);
		at += len;
	}
	out[0] = 0x30;
	out[1] = (uint8_t)(at - out - 2);
	return mst_slice(out, (size_t)(at - out));
}

Test(token, es256)
{
	struct kit k = {0};
	struct mst_slice bearer, head, claims, signature, rest;

	make(&k, MST_KEY_P256);
	cr_assert_eq(mst_token_new(&k.token, &k.cert, NULL), 0);
	for (uint64_t i = 0; i < 200; i++) { /* halves with leading zeroes come once in 128 */
		cr_assert_eq(mst_token_bearer(k.token, &bearer, i * 60 * MINUTE, NULL), 0);
		cr_assert(mst_slice_starts(bearer, MST_S("bearer ")));
		bearer = mst_slice(bearer.at + 7, bearer.len - 7);
		cr_assert(mst_slice_cut(&head, &rest, bearer, '.'));
		cr_assert(mst_slice_cut(&claims, &signature, rest, '.'));
		struct mst_slice text = mst_slice(bearer.at, head.len + 1 + claims.len), flat = decode(&k, signature);
		cr_expect_str_eq((const char *)decode(&k, head).at, "{\"alg\":\"ES256\",\"kid\":\"ABC123DEFG\"}");
		cr_expect_str_eq((const char *)decode(&k, claims).at, "{\"iss\":\"TEAM567890\",\"iat\":1800000000}");
		cr_assert_eq(flat.len, 64);
		cr_expect_eq(mst_key_verify(k.spki, MST_SIG_ECDSA_SHA256, text, der_of(&k, flat), NULL), 0);
	}
	done(&k);
}

/* Between 20 and 60 minutes. */
Test(token, age)
{
	struct kit k = {0};
	struct mst_slice bearer;
	char first[512] = "", now[512] = "";
	uint64_t may_ms = 0;

	make(&k, MST_KEY_P256);
	cr_assert_eq(mst_token_new(&k.token, &k.cert, NULL), 0);
#define TAKE(into, at_ms)                                                                          \
	do {                                                                                       \
		cr_assert_eq(mst_token_bearer(k.token, &bearer, (at_ms), NULL), 0);                \
		memcpy(into, bearer.at, bearer.len);                                               \
	} while (0)
	TAKE(first, 1000);
	TAKE(now, 1000 + 49 * MINUTE);
	cr_expect_str_eq(first, now, "kept");
	TAKE(now, 1000 + 50 * MINUTE);
	cr_expect_str_neq(first, now, "made anew");
	/* Of a push with the older one. */
	uint64_t made_ms = 1000 + 50 * MINUTE;
	cr_expect(mst_token_renew(k.token, 1000, made_ms + 5, &may_ms));
	TAKE(first, made_ms + 6);
	cr_expect_str_eq(first, now, "the newer one stays");
	/* Too young. */
	cr_expect(!mst_token_renew(k.token, made_ms + 7, made_ms + MINUTE, &may_ms));
	cr_expect_eq(may_ms, made_ms + 20 * MINUTE);
	cr_expect(mst_token_renew(k.token, made_ms + 7, made_ms + 20 * MINUTE, &may_ms));
	TAKE(first, made_ms + 20 * MINUTE);
	cr_expect_str_neq(first, now);
	done(&k);
}

Test(token, refused)
{
	struct kit k = {0}, big = {0};

	make(&k, MST_KEY_P256);
	make(&big, MST_KEY_P384);
	cr_expect_eq(mst_token_new(&big.token, &big.cert, NULL), -1, "P-384");
	struct mst_pushcert cert = k.cert;
	cert.key_id = MST_S("a\"b");
	cr_expect_eq(mst_token_new(&k.token, &cert, NULL), -1);
	cert = k.cert;
	cert.team_id = MST_S("");
	cr_expect_eq(mst_token_new(&k.token, &cert, NULL), -1);
	cert = k.cert;
	cert.key_pem = MST_S("none");
	cr_expect_eq(mst_token_new(&k.token, &cert, NULL), -1);
	done(&big);
	done(&k);
}

/* The first push goes alone; the rest when its token was accepted. */
Test(token, first_alone)
{
	struct rig r = {.judges = true};

	rig_make(&r);
	r.cert = (struct mst_pushcert){.is_token = true, .key_id = MST_S("ABC123DEFG"), .team_id = MST_S("TEAM567890")};
	rig_start(&r);
	r.service.holds = true;
	rig_send_many(&r, 50);
	UNTIL(&r, r.service.num_open_now == 1);
	FOR_MS(&r, 30);
	cr_expect_eq(r.service.num_most_open, 1);
	cr_expect(strstr(r.service.head, "authorization: bearer ey"));
	rig_release(&r);
	UNTIL(&r, r.num_ok == 50);
	cr_expect_gt(r.service.num_most_open, 1);
	/* Too young to be renewed: the topic rests. */
	r.service.status = "403";
	r.service.body = "{\"reason\":\"ExpiredProviderToken\"}";
	cr_assert(rig_send(&r));
	UNTIL(&r, r.topic->state == TOPIC_RESTING);
	cr_expect(strstr(r.topic->why, "clock"), "%s", r.topic->why);
	uint64_t again_ms = 0;
	cr_expect(!mst_topic_send(r.topic, &r.items[0], &again_ms));
	cr_expect_gt(again_ms, mst_loop_now_ms(r.loop) + 15 * MINUTE);
	rig_done(&r);
}
