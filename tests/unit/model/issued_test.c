/* SPDX-License-Identifier: Apache-2.0 */
/* Issued certificates, revocations and challenges: each is what was put, once. */
#include "muster/issued.h"

#include <stdio.h>

#include "authority_kit.h"

struct look {
	struct mst_read r;
	const struct mst_seal *seal;
	const uint8_t *authority, *serial, *sha256;
	struct mst_slice from;
	struct mst_issued issued;
	struct mst_revoked revoked;
	struct mst_challenge challenge;
	uint8_t seen[8];
	uint32_t num;
	int found;
};

static int run(struct rig *rig, struct look *look, int (*plan)(struct mst_read *r))
{
	look->r = (struct mst_read){.arena = rig->arena, .plan = plan};
	(void)!mst_store_read_here(rig->kit->store, &look->r);
	return look->found;
}

static int get_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_issued_get(r, &look->issued, look->authority, look->serial, look->seal);
	return look->found < 0 ? -1 : 0;
}

static int revoked_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_revoked_get(r, &look->revoked, look->authority, look->serial);
	return look->found < 0 ? -1 : 0;
}

static int walk_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};

	look->num = 0;
	while ((look->found = mst_issued_next(&w, r, &look->issued, look->authority, look->from, NULL)) == 1)
		look->seen[look->num++] = look->issued.serial[15];
	mst_walk_done(&w);
	return look->found;
}

static int walk_revoked_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};

	look->num = 0;
	while ((look->found = mst_revoked_next(&w, r, &look->revoked, look->authority)) == 1)
		look->seen[look->num++] = look->revoked.serial[15];
	mst_walk_done(&w);
	return look->found;
}

static int commit(struct rig *rig, struct mst_batch *b)
{
	(void)!mst_store_commit_here(rig->kit->store, b);
	return b->rc == 0 ? 0 : (int)b->err.code;
}

static int put(struct rig *rig, const struct mst_issued *i)
{
	struct mst_batch b;
	struct mst_err e;

	mst_batch_init(&b, rig->arena, NULL, NULL);
	cr_assert_eq(mst_issued_put(&b, i, rig->seal, &e), 0, "%s", e.text);
	return commit(rig, &b);
}

static struct mst_issued sample(uint8_t authority, uint8_t serial)
{
	return (struct mst_issued){
		.authority = {authority}, .serial = {[15] = serial}, .cert = MST_S("DER"), .name = MST_S("device-7"),
		.device = MST_S("00008030"), .source = MST_S("scep"), .not_after = 1900000000, .issued_ms = 1800000000123};
}

Test(issued, round)
{
	struct rig rig;
	struct look look;

	rig_open(&rig);
	struct mst_issued i = sample(1, 7);
	look = (struct look){.seal = rig.seal, .authority = i.authority, .serial = i.serial};
	i.key = MST_S("a private key that was made here");
	cr_expect_eq(run(&rig, &look, get_plan), 0);
	cr_assert_eq(put(&rig, &i), 0);
	cr_expect_eq(put(&rig, &i), MST_E_CONFLICT, "a number is given once");
	cr_assert_eq(run(&rig, &look, get_plan), 1);
	const struct mst_issued *got = &look.issued;
	cr_expect(mst_slice_eq(got->cert, i.cert) && mst_slice_eq(got->name, i.name) && mst_slice_eq(got->device, i.device));
	cr_expect(mst_slice_eq(got->source, i.source) && mst_slice_eq(got->key, i.key) && !got->is_old);
	cr_expect(got->not_after == i.not_after && got->issued_ms == i.issued_ms && got->revoked_ms == 0);
	cr_expect_null(memmem(got->raw.at, got->raw.len, i.key.at, i.key.len));

	/* Closed, the key stays as it is; opened under a newer master key it is sealed anew. */
	look.seal = NULL;
	cr_assert_eq(run(&rig, &look, get_plan), 1);
	cr_expect(look.issued.key.len == 0 && look.issued.sealed.len);
	look.issued.device = MST_S("other");
	cr_assert_eq(put(&rig, &look.issued), 0);
	rig_rotate(&rig);
	look.seal = rig.seal;
	cr_assert_eq(run(&rig, &look, get_plan), 1);
	cr_expect(mst_slice_eq(look.issued.key, i.key) && look.issued.is_old);
	cr_expect(mst_slice_eq(look.issued.device, MST_S("other")));
	cr_assert_eq(put(&rig, &look.issued), 0);
	cr_assert_eq(run(&rig, &look, get_plan), 1);
	cr_expect(mst_slice_eq(look.issued.key, i.key) && !look.issued.is_old);
	rig_close(&rig);
}

Test(issued, walk)
{
	struct rig rig;
	struct look look;
	uint8_t authority[16] = {2}, from[16] = {[15] = 3};

	rig_open(&rig);
	for (uint8_t a = 1; a <= 3; a++)
		for (uint8_t s = 1; s <= 5; s++) {
			struct mst_issued i = sample(a, s);

			cr_assert_eq(put(&rig, &i), 0);
		}
	look = (struct look){.authority = authority};
	cr_expect_eq(run(&rig, &look, walk_plan), 0);
	cr_assert_eq(look.num, 5);
	cr_expect_arr_eq(look.seen, ((uint8_t[]){1, 2, 3, 4, 5}), 5);
	look.from = mst_slice(from, 16);
	cr_expect_eq(run(&rig, &look, walk_plan), 0);
	cr_assert_eq(look.num, 2);
	cr_expect_arr_eq(look.seen, ((uint8_t[]){4, 5}), 2);
	rig_close(&rig);
}

Test(issued, revoke)
{
	struct rig rig;
	struct look look;
	struct mst_batch b;
	struct mst_err e;

	rig_open(&rig);
	struct mst_issued i = sample(1, 7), stale;
	look = (struct look){.authority = i.authority, .serial = i.serial};
	cr_assert_eq(put(&rig, &i), 0);
	cr_expect_eq(run(&rig, &look, revoked_plan), 0);
	cr_assert_eq(run(&rig, &look, get_plan), 1);
	stale = look.issued;
	static const uint32_t bad[] = {7, 8, 11, 31, 32, UINT32_MAX};
	for (size_t n = 0; n < MST_LEN(bad); n++) {
		mst_batch_init(&b, rig.arena, NULL, NULL);
		cr_expect_eq(mst_issued_revoke(&b, &stale, bad[n], 5000, NULL, &e), -1, "reason %u", bad[n]);
	}
	mst_batch_init(&b, rig.arena, NULL, NULL);
	cr_assert_eq(mst_issued_revoke(&b, &stale, 1, 5000, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(commit(&rig, &b), 0);
	cr_assert_eq(run(&rig, &look, get_plan), 1);
	cr_expect(look.issued.revoked_ms == 5000 && look.issued.reason == 1);
	cr_assert_eq(run(&rig, &look, revoked_plan), 1);
	cr_expect(look.revoked.at_ms == 5000 && look.revoked.reason == 1 && look.revoked.not_after == i.not_after);
	cr_expect_arr_eq(look.revoked.serial, i.serial, 16);

	/* Again: nothing; at the same time by another: a conflict. */
	mst_batch_init(&b, rig.arena, NULL, NULL);
	cr_assert_eq(mst_issued_revoke(&b, &look.issued, 4, 9000, NULL, &e), 0);
	cr_expect_eq(b.num_changes, 0);
	mst_batch_init(&b, rig.arena, NULL, NULL);
	cr_assert_eq(mst_issued_revoke(&b, &stale, 4, 9000, NULL, &e), 0);
	cr_expect_eq(commit(&rig, &b), MST_E_CONFLICT);
	cr_expect_eq(run(&rig, &look, walk_revoked_plan), 0);
	cr_expect(look.num == 1 && look.seen[0] == 7);
	mst_batch_init(&b, rig.arena, NULL, NULL);
	mst_revoked_drop(&b, i.authority, i.serial);
	cr_assert_eq(commit(&rig, &b), 0);
	cr_expect_eq(run(&rig, &look, walk_revoked_plan), 0);
	cr_expect_eq(look.num, 0);
	rig_close(&rig);
}

Test(issued, serial)
{
	static const struct {
		const char *name;
		struct mst_slice number;
		bool is_ours;
		uint8_t first, last;
	} rows[] = {
		{"short", MST_S_INIT("\x05"), true, 0, 5},
		{"padded", MST_S_INIT("\x00\x85"), true, 0, 0x85},
		{"whole", MST_S_INIT("\x7f" "23456789abcdef\x01"), true, 0x7f, 1},
		{"too large", MST_S_INIT("\x00\x80" "23456789abcdef\x01"), false, 0, 0},
		{"too long", MST_S_INIT("\x01\x80" "23456789abcdef\x01"), false, 0, 0},
	};
	uint8_t out[16];
	struct mst_err e;

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		cr_expect_eq(mst_issued_serial(out, rows[i].number, &e) == 0, rows[i].is_ours, "%s", rows[i].name);
		if (rows[i].is_ours)
			cr_expect(out[0] == rows[i].first && out[15] == rows[i].last, "%s", rows[i].name);
	}
}

static int challenge_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_challenge_get(r, &look->challenge, look->sha256);
	return look->found < 0 ? -1 : 0;
}

static int walk_challenges_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};
	uint8_t sha256[32];

	look->num = 0;
	while ((look->found = mst_challenge_next(&w, r, &look->challenge, sha256)) == 1)
		look->seen[look->num++] = sha256[0];
	mst_walk_done(&w);
	return look->found;
}

Test(challenge, life)
{
	static const uint8_t sha256[32] = {9}, sha256_b[32] = {8};
	struct mst_challenge c = {.authority = {1}, .device = MST_S("00008030"), .common_name = MST_S("device-7"),
				  .dns = MST_S("a\0b"), .expires_ms = 77}, used;
	struct look look = {.sha256 = sha256};
	struct mst_batch b;
	struct rig rig;

	rig_open(&rig);
	cr_expect_eq(run(&rig, &look, challenge_plan), 0);
	mst_batch_init(&b, rig.arena, NULL, NULL);
	mst_challenge_put(&b, &c, sha256);
	mst_challenge_put(&b, &c, sha256_b);
	cr_assert_eq(commit(&rig, &b), 0);
	cr_assert_eq(run(&rig, &look, challenge_plan), 1);
	cr_expect(mst_slice_eq(look.challenge.device, c.device) && mst_slice_eq(look.challenge.common_name, c.common_name));
	cr_expect(mst_slice_eq(look.challenge.dns, c.dns) && look.challenge.expires_ms == 77 && !look.challenge.transaction.len);
	cr_expect_arr_eq(look.challenge.authority, c.authority, 16);

	/* Of two that use it at the same time, one wins. */
	used = look.challenge;
	used.transaction = MST_S("OE54JLvHf9Q5PqcOXQztzT77d80=");
	used.serial[0] = 3;
	used.spki_sha256[31] = 4;
	mst_batch_init(&b, rig.arena, NULL, NULL);
	mst_challenge_put(&b, &used, sha256);
	cr_expect_eq(commit(&rig, &b), 0);
	mst_batch_init(&b, rig.arena, NULL, NULL);
	mst_challenge_put(&b, &used, sha256);
	cr_expect_eq(commit(&rig, &b), MST_E_CONFLICT);
	mst_batch_init(&b, rig.arena, NULL, NULL);
	mst_challenge_drop(&b, &used, sha256);
	cr_expect_eq(commit(&rig, &b), MST_E_CONFLICT, "used meanwhile");
	cr_assert_eq(run(&rig, &look, challenge_plan), 1);
	cr_expect(mst_slice_eq(look.challenge.transaction, used.transaction));
	cr_expect(look.challenge.serial[0] == 3 && look.challenge.spki_sha256[31] == 4);
	cr_expect_eq(run(&rig, &look, walk_challenges_plan), 0);
	cr_assert_eq(look.num, 2);
	cr_expect(look.seen[0] == 8 && look.seen[1] == 9);
	cr_assert_eq(run(&rig, &look, challenge_plan), 1);
	mst_batch_init(&b, rig.arena, NULL, NULL);
	mst_challenge_drop(&b, &look.challenge, sha256);
	cr_expect_eq(commit(&rig, &b), 0);
	cr_expect_eq(run(&rig, &look, challenge_plan), 0);
	rig_close(&rig);
}
