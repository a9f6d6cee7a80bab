/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12: what we write we read; names and passwords of all kinds; one key and no more; cut and
 * changed files; vectors. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "../../../engine/codec/p12_own.h"
#include "cms_kit.h"
#include "muster/text.h"

#define ROUNDS 5

static const struct mst_slice secret = MST_S_INIT("correct horse");

static struct mst_slice write(struct kit *kit, struct mst_p12_identity what,
			      struct mst_slice password)
{
	struct mst_slice out;
	struct mst_err e;
	cr_assert_eq(mst_p12_write(&out, &kit->arena, &what, password, ROUNDS, &e), 0, "%s",
		     e.text);
	return out;
}

Test(p12, round)
{
	static const struct mst_slice words[] = {
		MST_S_INIT(""),
		MST_S_INIT("a"),
		MST_S_INIT("gr\xc3\xbc\xc3\x9f"),
		MST_S_INIT("\xf0\x9f\x94\x91 key \xe2\x82\xac"),
	};
	struct kit kit;
	kit_init(&kit);
	for (int kind = 0; kind < KIT_NUM_KINDS; kind++) {
		struct kit_id id = kit_id(&kit, (enum kit_kind)kind, "id"),
			      ca = kit_id(&kit, KIT_P256, "ca");
		for (size_t i = 0; i < MST_LEN(words) * 2; i++) {
			struct mst_p12_identity what = {.key = id.pkcs8,
							.cert = id.der,
							.name = words[i / 2]},
						back;
			struct mst_p12 in;
			struct mst_err e;
			what.chain[0] = ca.der;
			what.num_chain = i % 2;
			struct mst_slice der = write(&kit, what, words[i / 2]);
			cr_assert_eq(mst_p12_read(&in, &kit.arena, der, words[i / 2], 0, &e), 0,
				     "%zu: %s", i, e.text);
			cr_expect_eq(in.num_keys, 1);
			cr_expect_eq(in.num_certs, 1 + i % 2);
			cr_expect(mst_slice_eq(in.keys[0].local_id, in.certs[0].local_id));
			cr_assert_eq(mst_p12_identity(&back, &in, &e), 0, "%s", e.text);
			cr_expect(mst_slice_eq(back.key, id.pkcs8));
			cr_expect(mst_slice_eq(back.cert, id.der));
			cr_expect(mst_slice_eq(back.name, words[i / 2]), "%zu", i);
			cr_assert_eq(back.num_chain, i % 2);
			cr_expect(i % 2 == 0 || mst_slice_eq(back.chain[0], ca.der));
			cr_expect_eq(mst_p12_read(&in, &kit.arena, der, MST_S("wrong"), 0, &e), -1);
			cr_expect_str_eq(e.text, "PKCS#12: cannot be opened");
		}
		EVP_PKEY_free(id.pkey);
		EVP_PKEY_free(ca.pkey);
	}
	kit_done(&kit);
}

Test(p12, one_key)
{
	struct kit kit;
	struct mst_p12_identity out;
	struct mst_err e;
	kit_init(&kit);
	struct kit_id a = kit_id(&kit, KIT_P256, "a"), b = kit_id(&kit, KIT_P256, "b");
	struct mst_p12 in = {
		.certs = {{.der = b.der}, {.der = a.der}}, .num_certs = 2, .num_keys = 1};
	in.keys[0].der = a.pkcs8;
	in.keys[1].der = b.pkcs8;
	cr_expect_eq(mst_p12_identity(&out, &in, &e), 0);
	cr_expect(mst_slice_eq(out.cert, a.der) && mst_slice_eq(out.chain[0], b.der) &&
		  out.num_chain == 1);
	in.num_keys = 0;
	cr_expect_eq(mst_p12_identity(&out, &in, &e), -1);
	in.num_keys = 2;
	cr_expect_eq(mst_p12_identity(&out, &in, &e), -1);
	in.num_keys = in.num_certs = 1;
	cr_expect_eq(mst_p12_identity(&out, &in, &e), -1);
	EVP_PKEY_free(a.pkey);
	EVP_PKEY_free(b.pkey);
	kit_done(&kit);
}

Test(p12, limits)
{
	struct kit kit;
	struct mst_slice der;
	struct mst_p12 in;
	struct mst_err e;
	kit_init(&kit);
	struct kit_id id = kit_id(&kit, KIT_P256, "id");
	struct mst_p12_identity what = {.key = id.pkcs8, .cert = id.der};
	char big[2 * MST_P12_PASSWORD_MAX];
	memset(big, 'x', sizeof(big));
	der = write(&kit, what, mst_slice(big, MST_P12_PASSWORD_MAX));
	cr_expect_eq(
		mst_p12_read(&in, &kit.arena, der, mst_slice(big, MST_P12_PASSWORD_MAX), 0, &e), 0);
	cr_expect_eq(
		mst_p12_read(&in, &kit.arena, der, mst_slice(big, MST_P12_PASSWORD_MAX + 1), 0, &e),
		-1);
	cr_expect_eq(mst_p12_write(&der, &kit.arena, &what, MST_S("\xff"), 1, &e), -1);
	what.name = mst_slice(big, MST_P12_NAME_MAX + 1);
	cr_expect_eq(mst_p12_write(&der, &kit.arena, &what, secret, 1, &e), -1);
	what.name = mst_slice(NULL, 0);
	/* A MAC and two encryptions. */
	der = write(&kit, what, secret);
	cr_expect_eq(mst_p12_read(&in, &kit.arena, der, secret, 3 * ROUNDS, &e), 0, "%s", e.text);
	cr_expect_eq(mst_p12_read(&in, &kit.arena, der, secret, 3 * ROUNDS - 1, &e), -1);
	cr_expect_eq(e.code, MST_E_SYNTAX);
	EVP_PKEY_free(id.pkey);
	kit_done(&kit);
}

Test(p12, cut_and_flipped)
{
	struct kit kit;
	struct mst_p12 in;
	kit_init(&kit);
	struct kit_id id = kit_id(&kit, KIT_P256, "id");
	struct mst_p12_identity what = {.key = id.pkcs8, .cert = id.der, .name = MST_S("phone")};
	struct mst_slice der = write(&kit, what, secret), copy = kit_copy(&kit, der);
	for (size_t len = 0; len < der.len; len++)
		cr_expect_eq(
			mst_p12_read(&in, &kit.arena, mst_slice(der.at, len), secret, 1000, NULL),
			-1, "%zu", len);
	for (size_t i = 0; i < der.len * 8; i++) {
		((uint8_t *)copy.at)[i / 8] ^= (uint8_t)(1 << i % 8);
		cr_expect_eq(mst_p12_read(&in, &kit.arena, copy, secret, 1000, NULL), -1, "%zu", i);
		((uint8_t *)copy.at)[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	EVP_PKEY_free(id.pkey);
	kit_done(&kit);
}

/* UTF-16 both ways, for every letter there is. */
Test(p12, letters)
{
	for (uint32_t letter = 1; letter < 0x110000; letter++) {
		uint8_t wide[4], text[6], again[4];
		size_t wide_len = 2, len, again_len;
		bool is_surrogate = letter >= 0xd800 && letter < 0xe000;
		uint32_t high = letter < 0x10000 ? letter : 0xd800 + ((letter - 0x10000) >> 10);
		uint32_t low = 0xdc00 + ((letter - 0x10000) & 0x3ff);
		wide[0] = (uint8_t)(high >> 8);
		wide[1] = (uint8_t)high;
		if (letter >= 0x10000) {
			wide[2] = (uint8_t)(low >> 8);
			wide[3] = (uint8_t)low;
			wide_len = 4;
		}
		bool is_fine = mst_p12_narrow(text, &len, mst_slice(wide, wide_len));
		cr_assert_eq(is_fine, !is_surrogate, "%x", letter);
		if (!is_fine)
			continue;
		cr_assert(mst_utf8_ok(mst_slice(text, len)), "%x", letter);
		cr_assert(mst_p12_wide(again, &again_len, mst_slice(text, len)), "%x", letter);
		cr_assert(mst_slice_eq(mst_slice(again, again_len), mst_slice(wide, wide_len)),
			  "%x", letter);
	}
	uint8_t out[16];
	size_t len;
	cr_expect_not(mst_p12_narrow(out, &len, MST_S("\0")));
	cr_expect_not(mst_p12_narrow(out, &len, MST_S("\0\0")));
	cr_expect_not(mst_p12_narrow(out, &len, MST_S("\xd8\x00\x00\x41")));
	cr_expect_not(mst_p12_wide(out, &len, MST_S("a\0b")));
}
