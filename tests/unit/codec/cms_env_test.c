/* SPDX-License-Identifier: Apache-2.0 */
/* EnvelopedData: what we seal we open; bad padding gives random keys and one failure. */
#include <criterion/criterion.h>

#include "../../../engine/codec/cms_own.h"
#include "cms_kit.h"
#include "muster/text.h"

Test(cms_env, round)
{
	static const size_t lens[] = {0, 1, 7, 8, 15, 16, 17, 1000, 70000};
	uint8_t bytes[70000];
	struct kit kit;
	struct mst_err e;
	mst_random(bytes, sizeof(bytes));
	kit_init(&kit);
	struct kit_id own = kit_id(&kit, KIT_RSA, "own"), other = kit_id(&kit, KIT_RSA, "other");
	struct mst_cert both[] = {other.cert, own.cert};
	for (int cipher = 0; cipher < MST_CMS_DES; cipher++)
		for (int wrap = 0; wrap <= MST_CMS_OAEP_SHA256; wrap++)
			for (size_t i = 0; i < MST_LEN(lens) * 2; i++) {
				struct mst_slice content = mst_slice(bytes, lens[i / 2]), der;
				struct mst_cms_opened out;
				size_t num = 1 + i % 2;
				cr_assert_eq(mst_cms_seal(&der, &kit.arena, content, both + 2 - num,
							  num, (enum mst_cms_cipher)cipher,
							  (enum mst_cms_wrap)wrap, &e),
					     0, "%s", e.text);
				cr_assert_eq(mst_cms_open(&out, &kit.arena, der, &own.cert,
							  &own.key, 0, &e),
					     0, "%d %d %zu: %s", cipher, wrap, i, e.text);
				cr_expect(mst_slice_eq(out.content, content));
				cr_expect_eq(out.cipher, (enum mst_cms_cipher)cipher);
				cr_expect(mst_slice_eq(out.content_type, MST_S(MST_CMS_OID_DATA)));
			}
	EVP_PKEY_free(own.pkey);
	EVP_PKEY_free(other.pkey);
	kit_done(&kit);
}

Test(cms_env, wrong_key_or_recipient)
{
	struct kit kit;
	struct mst_slice der;
	struct mst_cms_opened out;
	struct mst_err e;
	kit_init(&kit);
	struct kit_id own = kit_id(&kit, KIT_RSA, "own"), other = kit_id(&kit, KIT_RSA, "other");
	struct kit_id ec = kit_id(&kit, KIT_P256, "ec");
	struct mst_cert two[] = {other.cert, other.cert};
	const struct mst_slice text = MST_S("a certificate request");
	cr_assert_eq(
		mst_cms_seal(&der, &kit.arena, text, two, 2, MST_CMS_AES128, MST_CMS_RSA_V15, &e),
		0);
	cr_expect_eq(mst_cms_open(&out, &kit.arena, der, &own.cert, &own.key, 0, &e), -1);
	cr_expect_str_eq(e.text, "EnvelopedData: cannot be opened");
	/* An only recipient is tried whatever its name: here the name is right for us and then
	 * wrong. */
	cr_assert_eq(mst_cms_seal(&der, &kit.arena, text, &own.cert, 1, MST_CMS_AES128,
				  MST_CMS_RSA_V15, &e),
		     0);
	cr_expect_eq(mst_cms_open(&out, &kit.arena, der, &other.cert, &own.key, 0, &e), 0);
	unsigned num_refused = 0;
	for (int i = 0; i < 50; i++)
		if (mst_cms_open(&out, &kit.arena, der, &own.cert, &other.key, 0, &e) < 0) {
			num_refused++;
			cr_expect_str_eq(e.text, "EnvelopedData: cannot be opened");
		} else {
			cr_expect_not(mst_slice_eq(out.content, text));
		}
	cr_expect_gt(num_refused, 40); /* one in 256 random keys gives a padding that fits */
	cr_expect_eq(mst_cms_open(&out, &kit.arena, der, &own.cert, &ec.key, 0, &e) < 0
			     ? e.code
			     : MST_E_CRYPTO,
		     MST_E_CRYPTO);
	cr_expect_eq(mst_cms_seal(&der, &kit.arena, text, &ec.cert, 1, MST_CMS_AES128,
				  MST_CMS_RSA_V15, &e),
		     -1);
	EVP_PKEY_free(own.pkey);
	EVP_PKEY_free(other.pkey);
	EVP_PKEY_free(ec.pkey);
	kit_done(&kit);
}

/* The RSA of these tests does nothing: the wrapped key is the padded block. */
static int plain_raw(uint8_t out[static MST_CMS_RSA_MAX], const void *home, struct mst_slice in,
		     struct mst_err *e)
{
	memcpy(out, in.at, in.len);
	return 0;
}

static bool unwraps(const uint8_t *block, size_t block_len, size_t len, const uint8_t *want,
		    bool is_oaep)
{
	const struct mst_cms_key key = {NULL, NULL, plain_raw};
	struct mst_cms_wrapped wrapped = {mst_slice(block, block_len), is_oaep, MST_CMS_SHA256,
					  MST_CMS_SHA1};
	uint8_t a[CMS_KEY_LEN_MAX], b[CMS_KEY_LEN_MAX];
	mst_cms_unwrap(a, len, &wrapped, &key);
	mst_cms_unwrap(b, len, &wrapped, &key);
	bool is_same = memcmp(a, want, len) == 0;
	cr_expect_eq(memcmp(a, b, len) == 0, is_same); /* a substitute is a new one each time */
	return is_same;
}

Test(cms_env, padding_v15)
{
	static const size_t lens[] = {8, 16, 24, 32};
	for (size_t n = 0; n < MST_LEN(lens); n++) {
		uint8_t block[256], copy[256];
		size_t len = lens[n], zero = sizeof(block) - len - 1;
		memset(block, 0x55, sizeof(block));
		block[0] = 0;
		block[1] = 2;
		block[zero] = 0;
		mst_random(block + zero + 1, len);
		const uint8_t *key = block + zero + 1;
		cr_expect(unwraps(block, sizeof(block), len, key, false));
		for (size_t i = 0; i < zero; i++) {
			memcpy(copy, block, sizeof(copy));
			copy[i] = i == 0 ? 1 : i == 1 ? 1 : 0;
			cr_expect_not(unwraps(copy, sizeof(copy), len, key, false), "%zu", i);
		}
		for (int value = 1; value < 256; value++) {
			memcpy(copy, block, sizeof(copy));
			copy[zero] = (uint8_t)value;
			cr_expect_not(unwraps(copy, sizeof(copy), len, key, false), "%d", value);
		}
	}
}

static void xor_mask(uint8_t *to, size_t len, const uint8_t *seed, size_t seed_len)
{
	uint8_t digest[20], in[256];
	memcpy(in, seed, seed_len);
	for (size_t at = 0; at < len; at += 20) {
		const uint8_t count[] = {0, 0, 0, (uint8_t)(at / 20)};
		memcpy(in + seed_len, count, 4);
		EVP_Digest(in, seed_len + 4, digest, NULL, EVP_sha1(), NULL);
		for (size_t i = 0; i < 20 && at + i < len; i++)
			to[at + i] ^= digest[i];
	}
}

Test(cms_env, padding_oaep)
{
	uint8_t data[256] = {0}, block[256], key[32];
	const size_t h = 32, end = sizeof(data) - sizeof(key) - 1;
	mst_random(key, sizeof(key));
	EVP_Digest(NULL, 0, data + 1 + h, NULL, EVP_sha256(), NULL);
	mst_random(data + 1, h);
	data[end] = 1;
	memcpy(data + end + 1, key, sizeof(key));
	for (size_t bad = 0; bad <= end + 1; bad++) {
		memcpy(block, data, sizeof(block));
		if (bad <= end)
			block[bad] ^= 0x10;
		xor_mask(block + 1 + h, sizeof(block) - 1 - h, block + 1, h);
		xor_mask(block + 1, h, block + 1 + h, sizeof(block) - 1 - h);
		/* A changed seed masks the data otherwise, but consistently: the block is then a
		 * right one. */
		bool is_seed = bad >= 1 && bad <= h;
		cr_expect_eq(unwraps(block, sizeof(block), sizeof(key), key, true),
			     is_seed || bad > end, "%zu", bad);
	}
}

Test(cms_env, cut_and_flipped)
{
	struct kit kit;
	struct mst_slice der;
	struct mst_cms_opened out;
	struct mst_err e;
	kit_init(&kit);
	struct kit_id own = kit_id(&kit, KIT_RSA, "own");
	const struct mst_slice text = MST_S("0123456789abcdef0123456789abcdef");
	cr_assert_eq(mst_cms_seal(&der, &kit.arena, text, &own.cert, 1, MST_CMS_AES256,
				  MST_CMS_RSA_V15, &e),
		     0);
	for (size_t len = 0; len < der.len; len++)
		cr_expect_eq(mst_cms_open(&out, &kit.arena, mst_slice(der.at, len), &own.cert,
					  &own.key, 0, NULL),
			     -1);
	struct mst_slice copy = kit_copy(&kit, der);
	size_t num_same = 0;
	for (size_t i = 0; i < der.len; i++) {
		((uint8_t *)copy.at)[i] ^= 0x41;
		if (mst_cms_open(&out, &kit.arena, copy, &own.cert, &own.key, 0, NULL) == 0)
			num_same += mst_slice_eq(out.content, text);
		((uint8_t *)copy.at)[i] ^= 0x41;
	}
	/* Versions, the recipient's name and number, the type of the content. */
	cr_expect_lt(num_same, 100);
	EVP_PKEY_free(own.pkey);
	kit_done(&kit);
}

/* Names that were encoded anew with another kind of string, case or spacing are the same (RFC
 * 5280 7.1). */
Test(cms_env, names)
{
#define NAME(len, tag, ...)                                                                        \
	OID(0x30, (len) + 11, 0x31, (len) + 9, 0x30, (len) + 7, 0x06, 0x03, 0x55, 0x04, 0x03, tag, \
	    len, __VA_ARGS__)
	const struct mst_slice printable = NAME(4, 0x13, 'R', 'A', ' ', '1');
	const struct {
		const char *name;
		struct mst_slice other;
		bool is_same;
	} rows[] = {
		{"itself", NAME(4, 0x13, 'R', 'A', ' ', '1'), true},
		{"UTF-8", NAME(4, 0x0c, 'R', 'A', ' ', '1'), true},
		{"case", NAME(4, 0x0c, 'r', 'a', ' ', '1'), true},
		{"spaces", NAME(5, 0x0c, 'R', 'A', ' ', ' ', '1'), true},
		{"another", NAME(4, 0x13, 'R', 'A', ' ', '2'), false},
		{"shorter", NAME(3, 0x13, 'R', 'A', ' '), false},
		{"broken", OID(0x30, 0x05, 0x31), false},
		{"empty", {NULL, 0}, false},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++)
		cr_expect_eq(mst_cms_name_same(printable, rows[i].other), rows[i].is_same, "%s",
			     rows[i].name);
}

/* Memory that ends anywhere is an answer. */
Test(cms_env, little_memory)
{
	struct kit kit;
	struct mst_slice sealed, signed_data;
	struct mst_err e;
	unsigned num_fine = 0;
	kit_init(&kit);
	struct kit_id own = kit_id(&kit, KIT_RSA, "own");
	const struct mst_slice text = MST_S("0123456789abcdef0123456789abcdef");
	const struct mst_cms_sign what = {
		.key = &own.key, .cert = own.der, .content = text, .digest = MST_CMS_SHA256};
	cr_assert_eq(mst_cms_seal(&sealed, &kit.arena, text, &own.cert, 1, MST_CMS_AES128,
				  MST_CMS_RSA_V15, &e),
		     0);
	for (size_t limit = 16; limit < 8192; limit += 16) {
		struct mst_arena a;
		struct mst_cms_opened opened;
		int failed = 0;
		mst_arena_init(&a, NULL, limit);
		failed += mst_cms_open(&opened, &a, sealed, &own.cert, &own.key, 0, &e);
		cr_expect(failed == 0 || e.code == MST_E_BUSY, "%zu: %s", limit, e.text);
		failed += mst_cms_seal(&sealed, &a, text, &own.cert, 1, MST_CMS_AES128,
				       MST_CMS_RSA_V15, &e);
		/* The key of these tests needs its own share. */
		if (limit > 2048)
			failed += mst_cms_sign(&signed_data, &a, &what, &e);
		num_fine += failed == 0;
		cr_expect(failed == 0 || e.code == MST_E_BUSY, "%zu: %s", limit, e.text);
		if (failed == 0)
			sealed = kit_copy(&kit, sealed);
		else
			cr_assert_eq(mst_cms_seal(&sealed, &kit.arena, text, &own.cert, 1,
						  MST_CMS_AES128, MST_CMS_RSA_V15, &e),
				     0);
		mst_arena_done(&a);
	}
	cr_expect_gt(num_fine, 100);
	EVP_PKEY_free(own.pkey);
	kit_done(&kit);
}
