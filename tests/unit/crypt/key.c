/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: every kind can be made, written, read in all its wrappings, and signs. */
#include "muster/crypt.h"

#include <criterion/criterion.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

Test(key, every_kind)
{
	static const struct {
		const char *word;
		enum mst_sig_alg alg;
	} rows[] = {
		{"p256", MST_SIG_ECDSA_SHA256},
		{"p384", MST_SIG_ECDSA_SHA384},
		{"rsa2048", MST_SIG_RSA_SHA256},
		{"rsa3072", MST_SIG_RSA_SHA256},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena a = {0};
		struct mst_err e;
		enum mst_key_kind kind;
		struct mst_key *key = NULL, *again = NULL;
		struct mst_slice pem, spki, spki_again, sig;
		cr_assert_eq(mst_key_kind_from(&kind, rows[i].word, &e), 0);
		cr_assert_eq(mst_key_new(&key, kind, &e), 0, "%s", rows[i].word);
		cr_expect_eq(mst_key_alg(key), rows[i].alg, "%s", rows[i].word);
		cr_assert_eq(mst_key_pem(&pem, &a, key, &e), 0);
		cr_expect(mst_slice_starts(pem, MST_S("-----BEGIN PRIVATE KEY-----\n")));
		cr_assert_eq(mst_key_read(&again, pem, &e), 0, "%s", e.text);
		cr_assert_eq(mst_key_spki(&spki, &a, key, &e), 0);
		cr_assert_eq(mst_key_spki(&spki_again, &a, again, &e), 0);
		cr_expect(mst_slice_eq(spki, spki_again), "%s", rows[i].word);
		cr_assert_eq(mst_key_sign(&sig, &a, again, MST_S("words"), &e), 0);

		CBS in;
		CBS_init(&in, spki.at, spki.len);
		EVP_PKEY *pkey = EVP_parse_public_key(&in);
		EVP_MD_CTX ctx;
		EVP_MD_CTX_init(&ctx);
		const EVP_MD *md =
			rows[i].alg == MST_SIG_ECDSA_SHA384 ? EVP_sha384() : EVP_sha256();
		cr_expect(EVP_DigestVerifyInit(&ctx, NULL, md, NULL, pkey));
		cr_expect(EVP_DigestVerify(&ctx, sig.at, sig.len, (const uint8_t *)"words", 5));
		EVP_MD_CTX_cleanup(&ctx);
		EVP_PKEY_free(pkey);
		mst_key_free(&key);
		mst_key_free(&key);
		mst_key_free(&again);
		mst_arena_done(&a);
	}
}

/* PKCS#8 holds SEC 1 or PKCS#1 inside: taken out, they are read too, as DER and as PEM. */
Test(key, bare)
{
	static const struct {
		enum mst_key_kind kind;
		const char *label;
	} rows[] = {{MST_KEY_P256, "EC PRIVATE KEY"}, {MST_KEY_RSA2048, "RSA PRIVATE KEY"}};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena a = {0};
		struct mst_err e;
		struct mst_key *key = NULL, *one = NULL, *two = NULL, *three = NULL;
		struct mst_slice pem, text, label, der, bare_pem;
		cr_assert_eq(mst_key_new(&key, rows[i].kind, &e), 0);
		cr_assert_eq(mst_key_pem(&pem, &a, key, &e), 0);
		text = pem;
		cr_assert_eq(mst_pem_next(&label, &der, &text, &a, &e), 1);
		cr_expect_eq(mst_key_read(&three, der, &e), 0, "PKCS#8 as DER");

		CBS in;
		CBB cbb;
		CBS_init(&in, der.at, der.len);
		EVP_PKEY *pkey = EVP_parse_private_key(&in);
		cr_assert(CBB_init(&cbb, 512));
		if (rows[i].kind == MST_KEY_P256)
			cr_assert(EC_KEY_marshal_private_key(&cbb, EVP_PKEY_get0_EC_KEY(pkey), 0));
		else
			cr_assert(RSA_marshal_private_key(&cbb, EVP_PKEY_get0_RSA(pkey)));
		struct mst_slice bare = mst_slice(CBB_data(&cbb), CBB_len(&cbb));
		cr_expect_eq(mst_key_read(&one, bare, &e), 0, "%s: %s", rows[i].label, e.text);
		cr_assert_eq(mst_pem_put(&bare_pem, &a, rows[i].label, bare, &e), 0);
		cr_expect_eq(mst_key_read(&two, bare_pem, &e), 0, "%s: %s", rows[i].label, e.text);
		struct mst_slice cut = mst_slice(bare.at, bare.len - 1);
		struct mst_key *none = NULL;
		cr_expect_eq(mst_key_read(&none, cut, &e), -1);
		CBB_cleanup(&cbb);
		EVP_PKEY_free(pkey);
		mst_key_free(&key);
		mst_key_free(&one);
		mst_key_free(&two);
		mst_key_free(&three);
		mst_arena_done(&a);
	}
}

Test(key, refused)
{
	static const struct mst_slice rows[] = {
		MST_S_INIT(""),
		MST_S_INIT("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		MST_S_INIT("-----BEGIN PRIVATE KEY-----\nAAAA\n"),
		MST_S_INIT("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED "
			   "PRIVATE KEY-----\n"),
		MST_S_INIT("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
		MST_S_INIT("\x30\x00"),
	};
	struct mst_err e;
	struct mst_key *key = NULL;
	enum mst_key_kind kind;
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		cr_expect_eq(mst_key_read(&key, rows[i], &e), -1, "row %zu", i);
		cr_expect_null(key);
	}
	cr_expect_eq(mst_key_kind_from(&kind, "dsa", &e), -1);
}

/* FIPS 180-2 B.1 */
Test(key, sha256)
{
	uint8_t out[32];
	mst_sha256(out, MST_S("abc"));
	cr_expect(memcmp(out,
			 "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
			 "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad",
			 32) == 0);
}
