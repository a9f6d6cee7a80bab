/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs, chosen hashes, judged public keys, and keys lent to CMS. */
#include <criterion/criterion.h>
#include <openssl/bytestring.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "muster/cms.h"
#include "muster/crypt.h"

Test(key_more, pair)
{
	static const struct {
		enum mst_key_kind kind;
		uint32_t rsa_bits, ec_bits;
	} rows[] = {
		{MST_KEY_P256, 0, 256}, {MST_KEY_P384, 0, 384}, {MST_KEY_RSA2048, 2048, 0}};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena a = {0};
		struct mst_slice der, spki, again, der_again;
		struct mst_key *key = NULL;
		struct mst_err e;
		uint32_t rsa_bits, ec_bits;
		cr_assert_eq(mst_key_pair(&der, &spki, &a, rows[i].kind, &e), 0, "%s", e.text);
		cr_assert_eq(mst_key_read(&key, der, &e), 0, "%s", e.text);
		cr_assert_eq(mst_key_spki(&again, &a, key, &e), 0);
		cr_assert_eq(mst_key_der(&der_again, &a, key, &e), 0);
		cr_expect(mst_slice_eq(spki, again), "row %zu", i);
		cr_expect(mst_slice_eq(der, der_again), "row %zu: as the library writes it", i);
		cr_assert_eq(mst_key_check(&rsa_bits, &ec_bits, spki, &e), 0);
		cr_expect_eq(rsa_bits, rows[i].rsa_bits);
		cr_expect_eq(ec_bits, rows[i].ec_bits);
		mst_key_free(&key);
		mst_arena_done(&a);
	}
}

Test(key_more, hashes)
{
	static const enum mst_key_kind kinds[] = {MST_KEY_P256, MST_KEY_P384, MST_KEY_RSA2048};
	static const uint32_t bits[] = {256, 384, 512};
	struct mst_arena a = {0};
	struct mst_slice spki, signature;
	struct mst_key *key = NULL;
	struct mst_err e;
	for (size_t i = 0; i < MST_LEN(kinds); i++) {
		cr_assert_eq(mst_key_new(&key, kinds[i], &e), 0);
		cr_assert_eq(mst_key_spki(&spki, &a, key, &e), 0);
		cr_expect_eq(mst_key_alg_for(key, 0), mst_key_alg(key));
		cr_expect_eq(mst_key_alg_for(key, 160), MST_SIG_UNKNOWN);
		for (size_t n = 0; n < MST_LEN(bits); n++) {
			enum mst_sig_alg alg = mst_key_alg_for(key, bits[n]);
			cr_assert_eq(mst_key_sign_as(&signature, &a, key, alg, MST_S("text"), &e), 0, "%s", e.text);
			cr_expect_eq(mst_key_verify(spki, alg, MST_S("text"), signature, &e), 0, "%s", e.text);
			cr_expect_eq(mst_key_verify(spki, alg, MST_S("Text"), signature, &e), -1);
			cr_expect_eq(mst_key_verify(spki, mst_key_alg_for(key, bits[(n + 1) % 3]), MST_S("text"), signature, &e), -1);
		}
		cr_expect_eq(mst_key_sign_as(&signature, &a, key, MST_SIG_RSA_SHA1, MST_S("text"), &e), -1);
		cr_expect_eq(mst_key_sign_as(&signature, &a, key, mst_key_is_rsa(key) ? MST_SIG_ECDSA_SHA256 : MST_SIG_RSA_SHA256,
					     MST_S("text"), &e), -1);
		cr_expect_eq(mst_key_verify(spki, MST_SIG_UNKNOWN, MST_S("text"), signature, &e), -1);
		mst_key_free(&key);
	}
	mst_arena_done(&a);
}

/* A point beside its curve, something behind the key, and kinds nobody here knows. */
Test(key_more, check)
{
	static const struct mst_slice ed25519 = MST_S_INIT("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
							   "0123456789abcdef0123456789abcdef");
	struct mst_arena a = {0};
	struct mst_slice der, spki, copy;
	struct mst_err e;
	uint32_t rsa_bits, ec_bits;
	cr_assert_eq(mst_key_pair(&der, &spki, &a, MST_KEY_P256, &e), 0);
	for (size_t len = 0; len < spki.len; len++)
		cr_expect_eq(mst_key_check(&rsa_bits, &ec_bits, mst_slice(spki.at, len), &e), -1);
	for (size_t i = 0; i < spki.len; i++) {
		cr_assert(mst_arena_copy(&a, &copy, spki));
		((uint8_t *)copy.at)[i] ^= 1;
		cr_expect_eq(mst_key_check(&rsa_bits, &ec_bits, copy, &e), -1, "byte %zu", i);
	}
	cr_expect_eq(mst_key_check(&rsa_bits, &ec_bits, ed25519, &e), -1);
	mst_arena_done(&a);
}

Test(key_more, cms)
{
	struct mst_arena a = {0};
	struct mst_slice spki, signature;
	struct mst_key *key = NULL;
	struct mst_cms_key lent;
	struct mst_err e;
	uint8_t padded[256] = {0}, locked[256], out[MST_CMS_RSA_MAX];
	size_t len = 0;
	CBS in;
	cr_assert_eq(mst_key_new(&key, MST_KEY_RSA2048, &e), 0);
	cr_assert_eq(mst_key_spki(&spki, &a, key, &e), 0);
	mst_key_cms(&lent, key);
	cr_assert_eq(lent.sign(&signature, &a, lent.home, MST_CMS_SHA512, MST_S("text"), &e), 0, "%s", e.text);
	cr_expect_eq(mst_key_verify(spki, MST_SIG_RSA_SHA512, MST_S("text"), signature, &e), 0);
	cr_expect_eq(lent.sign(&signature, &a, lent.home, MST_CMS_SHA1, MST_S("text"), &e), -1);
	CBS_init(&in, spki.at, spki.len);
	EVP_PKEY *pub = EVP_parse_public_key(&in);
	memcpy(padded + 200, "some bytes", 10);
	cr_assert(RSA_encrypt(EVP_PKEY_get0_RSA(pub), &len, locked, sizeof(locked), padded, sizeof(padded), RSA_NO_PADDING));
	cr_assert_eq(lent.raw(out, lent.home, mst_slice(locked, 256), &e), 0, "%s", e.text);
	cr_expect_arr_eq(out, padded, 256);
	cr_expect_eq(lent.raw(out, lent.home, mst_slice(locked, 255), &e), -1);
	memset(locked, 0xff, sizeof(locked));
	cr_expect_eq(lent.raw(out, lent.home, mst_slice(locked, 256), &e), -1, "no number below the modulus");
	EVP_PKEY_free(pub);
	mst_key_free(&key);
	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0);
	mst_key_cms(&lent, key);
	cr_expect_null(lent.raw);
	mst_key_free(&key);
	mst_arena_done(&a);
}
