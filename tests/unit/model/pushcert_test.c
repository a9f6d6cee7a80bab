/* SPDX-License-Identifier: Apache-2.0 */
/* Push certificates as operators send them, and their record. */
#include "muster/pushcert.h"

#include "../crypt/pki.h"
#include "authority_kit.h"

#define TOPIC "com.apple.mgmt.External.0b1c"

static struct mst_slice join(struct mst_arena *arena, struct mst_slice a, struct mst_slice b, struct mst_slice c)
{
	return pki_join(arena, pki_join(arena, a, b), c);
}

Test(pushcert, read)
{
	static const enum mst_key_kind kinds[] = {MST_KEY_RSA2048, MST_KEY_P256};
	struct mst_arena arena;
	struct mst_pushcert got;
	struct mst_err e;

	mst_arena_init(&arena, NULL, 0);
	struct pki ca = pki_make(&arena, MST_KEY_P256, (struct mst_issue){.common_name = "CA", .is_ca = true, .key_usage = MST_KU_CERT_SIGN}, NULL);
	for (size_t i = 0; i < MST_LEN(kinds); i++) {
		struct pki leaf = pki_make(&arena, kinds[i],
					   (struct mst_issue){.common_name = "APSP:0b1c", .user_id = TOPIC, .key_usage = MST_KU_SIGN}, &ca);
		struct mst_slice orders[] = {join(&arena, leaf.pem, ca.pem, leaf.key_pem), join(&arena, leaf.key_pem, ca.pem, leaf.pem),
					     join(&arena, MST_S("Bag Attributes\n"), leaf.pem, leaf.key_pem)};
		for (size_t k = 0; k < MST_LEN(orders); k++) {
			cr_assert_eq(mst_pushcert_read(&got, &arena, orders[k], &e), 0, "%s", e.text);
			cr_expect(mst_slice_eq(got.topic, MST_S(TOPIC)));
			cr_expect(mst_slice_eq(got.key_pem, leaf.key_pem));
			struct mst_slice chain = k == 2 ? leaf.pem : pki_join(&arena, leaf.pem, ca.pem);
			cr_expect(mst_slice_eq(got.chain_pem, chain), "the key's own first: %zu %zu", k, i);
			cr_expect(got.not_before < PKI_NOW && got.not_after > PKI_NOW && !got.is_token);
			uint8_t sha256[32];
			mst_sha256(sha256, leaf.der);
			cr_expect_arr_eq(got.sha256, sha256, 32);
		}
		mst_key_free(&leaf.key);
	}
	mst_key_free(&ca.key);
	mst_arena_done(&arena);
}

Test(pushcert, refuses)
{
	struct mst_arena arena;
	struct mst_pushcert got;
	struct mst_err e;

	mst_arena_init(&arena, NULL, 0);
	struct pki push = pki_make(&arena, MST_KEY_P256, (struct mst_issue){.common_name = "a", .user_id = TOPIC}, NULL);
	struct pki other = pki_make(&arena, MST_KEY_P256, (struct mst_issue){.common_name = "b"}, NULL);
	const struct {
		const char *name;
		struct mst_slice pem;
		enum mst_code code;
	} rows[] = {
		{"nothing", MST_S(""), MST_E_SYNTAX},
		{"no key", push.pem, MST_E_SYNTAX},
		{"no certificate", push.key_pem, MST_E_SYNTAX},
		{"another key", pki_join(&arena, push.pem, other.key_pem), MST_E_SYNTAX},
		{"two keys", join(&arena, push.pem, push.key_pem, other.key_pem), MST_E_SYNTAX},
		{"no UID", pki_join(&arena, other.pem, other.key_pem), MST_E_TYPE},
		{"with a password", pki_join(&arena, push.pem, MST_S("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n")),
		 MST_E_SYNTAX},
		{"rubbish", pki_join(&arena, MST_S("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"), push.key_pem), MST_E_SYNTAX},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		cr_expect_eq(mst_pushcert_read(&got, &arena, rows[i].pem, &e), -1, "%s", rows[i].name);
		cr_expect_eq(e.code, rows[i].code, "%s: %s", rows[i].name, e.text);
	}
	mst_key_free(&push.key);
	mst_key_free(&other.key);
	mst_arena_done(&arena);
}

struct look {
	struct mst_read r;
	const struct mst_seal *seal;
	struct mst_slice topic;
	struct mst_pushcert got, all[4];
	size_t num;
	int found;
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};
	int rc;

	look->num = 0;
	look->found = mst_pushcert_get(r, &look->got, look->topic, look->seal);
	while ((rc = mst_pushcert_next(&w, r, &look->all[look->num], look->seal)) == 1)
		look->num++;
	mst_walk_done(&w);
	return look->found < 0 || rc < 0 ? -1 : 0;
}

static void read_all(struct rig *rig, struct look *look, const struct mst_seal *seal)
{
	look->r = (struct mst_read){.arena = rig->arena, .plan = plan};
	look->seal = seal;
	cr_assert_eq(mst_store_read_here(rig->kit->store, &look->r), 0, "%s", look->r.err.text);
}

static int put(struct rig *rig, const struct mst_pushcert *c)
{
	struct mst_batch b;
	struct mst_err e;

	mst_batch_init(&b, rig->arena, NULL, NULL);
	cr_assert_eq(mst_pushcert_put(&b, c, rig->seal, &e), 0, "%s", e.text);
	(void)!mst_store_commit_here(rig->kit->store, &b);
	return b.rc == 0 ? 0 : (int)b.err.code;
}

Test(pushcert, record)
{
	struct mst_pushcert cert = {.topic = MST_S(TOPIC), .chain_pem = MST_S("chain"), .key_pem = MST_S("key"), .not_before = 1,
				    .not_after = 2, .put_ms = 3, .sha256 = {4}};
	struct mst_pushcert token = {.topic = MST_S("org.example.app"), .env = MST_PUSH_SANDBOX, .is_token = true,
				     .key_pem = MST_S("p8"), .key_id = MST_S("ABC123DEFG"), .team_id = MST_S("TEAM"), .put_ms = 9};
	struct look look = {.topic = MST_S(TOPIC)};
	struct mst_batch b;
	struct rig rig;

	rig_open(&rig);
	cr_expect_eq(put(&rig, &cert), 0);
	cr_expect_eq(put(&rig, &token), 0);
	cr_expect_eq(put(&rig, &cert), 0, "replaced blindly");
	read_all(&rig, &look, rig.seal);
	cr_assert_eq(look.found, 1);
	cr_expect_eq(look.num, 2);
	cr_expect(mst_slice_eq(look.got.topic, cert.topic) && mst_slice_eq(look.got.chain_pem, cert.chain_pem));
	cr_expect(mst_slice_eq(look.got.key_pem, cert.key_pem) && !look.got.is_old);
	cr_expect(look.got.not_before == 1 && look.got.not_after == 2 && look.got.put_ms == 3 && look.got.sha256[0] == 4);

	look.topic = token.topic;
	rig_rotate(&rig);
	read_all(&rig, &look, rig.seal);
	cr_expect(look.got.is_token && look.got.env == MST_PUSH_SANDBOX && look.got.is_old);
	cr_expect(mst_slice_eq(look.got.key_id, token.key_id) && mst_slice_eq(look.got.team_id, token.team_id));
	struct mst_pushcert before = look.got;
	cr_expect_eq(put(&rig, &look.got), 0, "sealed anew");
	cr_expect_eq(put(&rig, &before), MST_E_CONFLICT, "as it was read");
	read_all(&rig, &look, rig.seal);
	cr_expect_not(look.got.is_old);
	cr_expect(mst_slice_eq(look.got.key_pem, MST_S("p8")));
	read_all(&rig, &look, NULL);
	cr_expect_eq(look.got.key_pem.len, 0, "without the seal: no key");

	mst_batch_init(&b, rig.arena, NULL, NULL);
	mst_pushcert_drop(&b, token.topic);
	cr_assert_eq(mst_store_commit_here(rig.kit->store, &b), 0);
	read_all(&rig, &look, rig.seal);
	cr_expect(look.found == 0 && look.num == 1);
	rig_close(&rig);
}
