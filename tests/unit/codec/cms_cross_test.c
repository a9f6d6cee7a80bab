/* SPDX-License-Identifier: Apache-2.0 */
/* CMS against the openssl program: it opens what we write and we open what it writes, for every
 * pair of algorithms. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "cms_kit.h"

static const struct mst_slice text =
	MST_S_INIT("<plist>\r\n a check-in with \x00\xff bytes\n</plist>\n");

static const struct {
	const char *word;
	enum mst_cms_digest digest;
} digest_rows[] = {
	{"sha1", MST_CMS_SHA1},
	{"sha256", MST_CMS_SHA256},
	{"sha384", MST_CMS_SHA384},
	{"sha512", MST_CMS_SHA512},
};

static void start(struct kit *kit)
{
	if (!kit_has("openssl"))
		cr_skip_test("no openssl program here");
	kit_init(kit);
	kit_put(kit, "text", text);
}

static void expect_file(struct kit *kit, const char *name, struct mst_slice want, const char *what)
{
	cr_expect(mst_slice_eq(kit_get(kit, name), want), "%s", what);
}

Test(cms_cross, we_sign)
{
	struct kit kit;
	start(&kit);
	for (int kind = 0; kind < KIT_NUM_KINDS; kind++) {
		struct kit_id id = kit_id(&kit, (enum kit_kind)kind, "id");
		struct kit_id more = kit_id(&kit, KIT_P256, "more");
		struct mst_slice crl = kit_crl(&kit, &id);
		for (unsigned n = 0; n < 3 * 8; n++) {
			char what[64];
			struct mst_slice der;
			struct mst_err e;
			struct mst_cms_sign sign = {
				.key = &id.key, .cert = id.der, .content = text};
			sign.digest = digest_rows[1 + n / 8].digest;
			sign.is_detached = n & 1;
			sign.is_bare = n & 2;
			sign.chain = &more.der;
			sign.num_chain = n >> 2 & 1;
			sign.crls = &crl;
			sign.num_crls = n >> 2 & 1;
			sign.time_s = 1700000000;
			snprintf(what, sizeof(what), "kind %d, way %u", kind, n);
			cr_assert_eq(mst_cms_sign(&der, &kit.arena, &sign, &e), 0, "%s: %s", what,
				     e.text);
			kit_put(&kit, "der", der);
			const char *content = sign.is_detached ? "-content text" : "";
			cr_expect_eq(kit_openssl(&kit,
						 "cms -verify -binary -inform DER -in der -CAfile "
						 "id.pem -purpose any -out out %s",
						 content),
				     0, "%s: %s", what, kit_said(&kit));
			expect_file(&kit, "out", text, what);
			cr_expect_eq(kit_openssl(&kit,
						 "smime -verify -binary -inform DER -in der "
						 "-CAfile id.pem -purpose any -out out %s",
						 content),
				     0, "%s: %s", what, kit_said(&kit));
			expect_file(&kit, "out", text, what);
		}
		EVP_PKEY_free(id.pkey);
		EVP_PKEY_free(more.pkey);
	}
	kit_done(&kit);
}

static void expect_verified(struct kit *kit, const struct kit_id *id, unsigned digest,
			    bool is_detached, bool is_bare, const char *what)
{
	struct mst_cms_signed in;
	struct mst_err e = {0};
	cr_assert_eq(mst_cms_signed_read(&in, &kit->arena, kit_get(kit, "der"), &e), 0, "%s: %s",
		     what, e.text);
	cr_assert_eq(in.num_signers, 1, "%s", what);
	cr_expect_eq(in.has_content, !is_detached, "%s", what);
	cr_expect_eq(in.signers[0].num_attrs == 0, is_bare, "%s", what);
	cr_expect_eq(in.signers[0].digest, digest_rows[digest].digest, "%s", what);
	cr_expect(mst_cms_signer_is(&in.signers[0], &id->cert), "%s", what);
	uint32_t allow = digest == 0 ? MST_CMS_ALLOW_SHA1 : 0;
	cr_expect_eq(mst_cms_verify(&in, &in.signers[0], id->cert.spki, &text, allow, &e), 0,
		     "%s: %s", what, e.text);
	if (allow) {
		cr_expect_eq(mst_cms_verify(&in, &in.signers[0], id->cert.spki, &text, 0, &e), -1,
			     "%s", what);
		cr_expect_eq(e.code, MST_E_DENIED, "%s", what);
	}
	const struct mst_slice other = MST_S("another");
	cr_expect_eq(mst_cms_verify(&in, &in.signers[0], id->cert.spki, &other, allow, &e), -1,
		     "%s", what);
}

/* Attached or detached, with and without attributes, by number or key identifier, DER or BER in
 * pieces (as Apple does). */
Test(cms_cross, openssl_signs)
{
	struct kit kit;
	start(&kit);
	for (int kind = 0; kind < KIT_NUM_KINDS; kind++) {
		struct kit_id id = kit_id(&kit, (enum kit_kind)kind, "id");
		for (unsigned n = 0; n < MST_LEN(digest_rows) * 32; n++) {
			char what[64];
			bool is_smime = n & 16, has_key_id = !is_smime && (n & 8);
			if (is_smime && (n & 8))
				continue;
			snprintf(what, sizeof(what), "kind %d, way %u", kind, n);
			cr_assert_eq(
				kit_openssl(&kit,
					    "%s -sign -binary -in text -signer id.pem -inkey "
					    "id.key -outform DER -out der -md %s%s%s%s%s",
					    is_smime ? "smime" : "cms", digest_rows[n / 32].word,
					    n & 1 ? "" : " -nodetach", n & 2 ? " -noattr" : "",
					    n & 4 ? " -stream" : "", has_key_id ? " -keyid" : ""),
				0, "%s: %s", what, kit_said(&kit));
			/* With -stream `openssl cms` writes the content even when it is to be
			 * detached. */
			bool is_detached = (n & 1) && (is_smime || !(n & 4));
			expect_verified(&kit, &id, n / 32, is_detached, n & 2, what);
		}
		EVP_PKEY_free(id.pkey);
	}
	kit_done(&kit);
}

Test(cms_cross, bundles)
{
	struct kit kit;
	struct mst_slice der;
	struct mst_cms_signed in;
	struct mst_err e;
	start(&kit);
	struct kit_id a = kit_id(&kit, KIT_P256, "a"), b = kit_id(&kit, KIT_RSA, "b");
	struct mst_slice certs[] = {a.der, b.der}, crl = kit_crl(&kit, &a), pem;
	cr_assert_eq(mst_cms_bundle(&der, &kit.arena, certs, 2, &crl, 1, &e), 0);
	kit_put(&kit, "der", der);
	cr_expect_eq(kit_openssl(&kit, "pkcs7 -inform DER -in der -print_certs -noout"), 0);
	cr_expect(strstr(kit_said(&kit), "subject=CN = a") &&
		  strstr(kit_said(&kit), "subject=CN = b"));
	cr_assert_eq(mst_pem_put(&pem, &kit.arena, "X509 CRL", crl, &e), 0);
	kit_put(&kit, "crl", pem);
	cr_assert_eq(kit_openssl(&kit, "crl2pkcs7 -in crl -certfile a.pem -outform DER -out der"),
		     0);
	cr_assert_eq(mst_cms_signed_read(&in, &kit.arena, kit_get(&kit, "der"), &e), 0, "%s",
		     e.text);
	cr_expect_eq(in.num_certs, 1);
	cr_expect_eq(in.num_crls, 1);
	cr_expect(mst_slice_eq(in.certs[0], a.der));
	cr_expect(mst_slice_eq(in.crls[0], crl));
	EVP_PKEY_free(a.pkey);
	EVP_PKEY_free(b.pkey);
	kit_done(&kit);
}

static const struct {
	const char *word;
	enum mst_cms_cipher cipher;
} cipher_rows[] = {
	{"aes128", MST_CMS_AES128}, {"aes192", MST_CMS_AES192}, {"aes256", MST_CMS_AES256},
	{"des3", MST_CMS_DES3},     {"des", MST_CMS_DES},
};

static const char *const wrap_words[] = {
	"",
	" -keyopt rsa_padding_mode:oaep",
	" -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256",
	" -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha512 -keyopt rsa_mgf1_md:sha1",
};

Test(cms_cross, openssl_seals)
{
	struct kit kit;
	struct mst_cms_opened out;
	struct mst_err e;
	start(&kit);
	struct kit_id own = kit_id(&kit, KIT_RSA, "own"), other = kit_id(&kit, KIT_RSA, "other");
	for (size_t cipher = 0; cipher < MST_LEN(cipher_rows); cipher++)
		for (unsigned n = 0; n < MST_LEN(wrap_words) * 8; n++) {
			char what[64];
			bool is_des = cipher_rows[cipher].cipher == MST_CMS_DES;
			snprintf(what, sizeof(what), "%s, way %u", cipher_rows[cipher].word, n);
			cr_assert_eq(
				kit_openssl(&kit,
					    "cms -encrypt -binary -in text -outform DER -out der "
					    "-%s%s%s%s -recip own.pem%s%s",
					    cipher_rows[cipher].word,
					    is_des ? " -provider legacy -provider default" : "",
					    n & 1 ? " -stream" : "", n & 2 ? " -keyid" : "",
					    wrap_words[n / 8], n & 4 ? " -recip other.pem" : ""),
				0, "%s: %s", what, kit_said(&kit));
			struct mst_slice der = kit_get(&kit, "der");
			if (is_des) {
				cr_expect_eq(mst_cms_open(&out, &kit.arena, der, &own.cert,
							  &own.key, 0, &e),
					     -1);
				cr_expect_eq(e.code, MST_E_DENIED);
			}
			cr_expect_eq(mst_cms_open(&out, &kit.arena, der, &own.cert, &own.key,
						  is_des ? MST_CMS_ALLOW_DES : 0, &e),
				     0, "%s: %s", what, e.text);
			cr_expect(mst_slice_eq(out.content, text), "%s", what);
			cr_expect_eq(out.cipher, cipher_rows[cipher].cipher, "%s", what);
		}
	cr_assert_eq(
		kit_openssl(
			&kit,
			"smime -encrypt -binary -in text -outform DER -out der -aes256 own.pem"),
		0);
	cr_expect_eq(
		mst_cms_open(&out, &kit.arena, kit_get(&kit, "der"), &own.cert, &own.key, 0, &e), 0,
		"%s", e.text);
	cr_expect(mst_slice_eq(out.content, text));
	EVP_PKEY_free(own.pkey);
	EVP_PKEY_free(other.pkey);
	kit_done(&kit);
}

Test(cms_cross, we_seal)
{
	struct kit kit;
	struct mst_slice der;
	struct mst_err e;
	start(&kit);
	struct kit_id own = kit_id(&kit, KIT_RSA, "own"), other = kit_id(&kit, KIT_RSA, "other");
	struct mst_cert both[] = {other.cert, own.cert};
	for (int cipher = 0; cipher < MST_CMS_DES; cipher++)
		for (int wrap = 0; wrap <= MST_CMS_OAEP_SHA256; wrap++) {
			cr_assert_eq(mst_cms_seal(&der, &kit.arena, text, both, 2,
						  (enum mst_cms_cipher)cipher,
						  (enum mst_cms_wrap)wrap, &e),
				     0);
			kit_put(&kit, "der", der);
			cr_expect_eq(kit_openssl(&kit, "cms -decrypt -binary -inform DER -in der "
						       "-recip own.pem -inkey own.key -out out"),
				     0, "%d %d: %s", cipher, wrap, kit_said(&kit));
			expect_file(&kit, "out", text, "cms");
			if (wrap == MST_CMS_RSA_V15) {
				cr_expect_eq(
					kit_openssl(&kit,
						    "smime -decrypt -binary -inform DER -in der "
						    "-recip own.pem -inkey own.key -out out"),
					0, "%d: %s", cipher, kit_said(&kit));
				expect_file(&kit, "out", text, "smime");
			}
		}
	EVP_PKEY_free(own.pkey);
	EVP_PKEY_free(other.pkey);
	kit_done(&kit);
}

/* Content that comes in many pieces, and every prefix of BER with open lengths. */
Test(cms_cross, long_and_cut)
{
	struct kit kit;
	struct mst_cms_opened out;
	struct mst_cms_signed in;
	struct mst_err e;
	start(&kit);
	struct kit_id own = kit_id(&kit, KIT_RSA, "own");
	uint8_t *bytes = mst_arena_get(&kit.arena, 300000);
	for (size_t i = 0; i < 300000; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	kit_put(&kit, "long", mst_slice(bytes, 300000));
	cr_assert_eq(kit_openssl(&kit, "cms -encrypt -binary -stream -in long -outform DER -out "
				       "der -aes128 own.pem"),
		     0);
	cr_expect_eq(
		mst_cms_open(&out, &kit.arena, kit_get(&kit, "der"), &own.cert, &own.key, 0, &e), 0,
		"%s", e.text);
	cr_expect(mst_slice_eq(out.content, mst_slice(bytes, 300000)));
	cr_assert_eq(kit_openssl(&kit, "cms -sign -binary -nodetach -stream -in long -signer "
				       "own.pem -inkey own.key -outform DER -out der"),
		     0);
	cr_assert_eq(mst_cms_signed_read(&in, &kit.arena, kit_get(&kit, "der"), &e), 0, "%s",
		     e.text);
	cr_expect_eq(mst_cms_verify(&in, &in.signers[0], own.cert.spki, NULL, 0, &e), 0, "%s",
		     e.text);
	cr_expect(mst_slice_eq(in.content, mst_slice(bytes, 300000)));

	cr_assert_eq(kit_openssl(&kit, "cms -sign -binary -nodetach -stream -in text -signer "
				       "own.pem -inkey own.key -outform DER -out der"),
		     0);
	struct mst_slice der = kit_get(&kit, "der");
	for (size_t len = 0; len < der.len; len++)
		cr_expect_eq(mst_cms_signed_read(&in, &kit.arena, mst_slice(der.at, len), NULL), -1,
			     "%zu", len);
	cr_assert_eq(kit_openssl(&kit, "cms -encrypt -binary -stream -in text -outform DER -out "
				       "der -aes128 own.pem"),
		     0);
	der = kit_get(&kit, "der");
	for (size_t len = 0; len < der.len; len++)
		cr_expect_eq(mst_cms_open(&out, &kit.arena, mst_slice(der.at, len), &own.cert,
					  &own.key, 0, NULL),
			     -1, "%zu", len);
	EVP_PKEY_free(own.pkey);
	kit_done(&kit);
}

/* A second opinion: GnuTLS verifies what we sign. */
Test(cms_cross, certtool)
{
	struct kit kit;
	struct mst_slice der;
	struct mst_err e;
	if (!kit_has("certtool"))
		cr_skip_test("no certtool here");
	kit_init(&kit);
	kit_put(&kit, "text", text);
	for (int kind = 0; kind < KIT_NUM_KINDS; kind++) {
		struct kit_id id = kit_id(&kit, (enum kit_kind)kind, "id");
		for (unsigned n = 0; n < 3 * 4; n++) {
			struct mst_cms_sign sign = {
				.key = &id.key, .cert = id.der, .content = text};
			sign.digest = digest_rows[1 + n / 4].digest;
			sign.is_detached = n & 1;
			sign.is_bare = n & 2;
			cr_assert_eq(mst_cms_sign(&der, &kit.arena, &sign, &e), 0, "%s", e.text);
			kit_put(&kit, "der", der);
			cr_expect_eq(kit_run(&kit, "certtool",
					     "--p7-verify --inder --infile der --load-certificate "
					     "id.pem%s",
					     sign.is_detached ? " --load-data text" : ""),
				     0, "kind %d, way %u: %s", kind, n, kit_said(&kit));
		}
		EVP_PKEY_free(id.pkey);
	}
	kit_done(&kit);
}
