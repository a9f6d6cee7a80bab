/* SPDX-License-Identifier: Apache-2.0 */
/* SignedData: what we sign we verify; what is changed, cut or of someone else is refused. */
#include <criterion/criterion.h>

#include "cms_kit.h"

static const struct mst_slice text = MST_S_INIT("<plist>a profile or a check-in</plist>");

static struct mst_slice sign(struct kit *kit, const struct kit_id *id, struct mst_cms_sign what)
{
	struct mst_slice out;
	struct mst_err e;
	what.key = &id->key;
	what.cert = id->der;
	cr_assert_eq(mst_cms_sign(&out, &kit->arena, &what, &e), 0, "%s", e.text);
	return out;
}

static struct mst_cms_signed read(struct kit *kit, struct mst_slice der)
{
	struct mst_cms_signed out;
	struct mst_err e;
	cr_assert_eq(mst_cms_signed_read(&out, &kit->arena, der, &e), 0, "%s", e.text);
	return out;
}

static enum mst_code verify(const struct mst_cms_signed *in, const struct kit_id *id,
			    const struct mst_slice *detached)
{
	struct mst_err e = {0};
	int rc = mst_cms_verify(in, &in->signers[0], id->cert.spki, detached, 0, &e);
	return rc == 0 ? MST_E_NONE : e.code;
}

Test(cms_signed, round)
{
	static const enum mst_cms_digest digests[] = {MST_CMS_SHA256, MST_CMS_SHA384,
						      MST_CMS_SHA512};
	struct kit kit;
	kit_init(&kit);
	for (int kind = 0; kind < KIT_NUM_KINDS; kind++) {
		struct kit_id id = kit_id(&kit, (enum kit_kind)kind, "signer");
		struct kit_id other = kit_id(&kit, (enum kit_kind)kind, "other");
		for (unsigned n = 0; n < MST_LEN(digests) * 8; n++) {
			struct mst_cms_sign what = {.digest = digests[n / 8], .content = text};
			what.is_detached = n & 1;
			what.is_bare = n & 2;
			what.is_certless = n & 4;
			what.time_s = 1700000000;
			struct mst_cms_signed in = read(&kit, sign(&kit, &id, what));
			const struct mst_slice wrong =
				MST_S("<plist>a profile or a check-in</plisT>");
			struct mst_cert cert;
			cr_assert_eq(in.num_signers, 1);
			cr_expect_eq(in.has_content, !what.is_detached);
			cr_expect_eq(in.num_certs, what.is_certless ? 0 : 1);
			cr_expect_eq(in.signers[0].num_attrs, what.is_bare ? 0 : 3);
			cr_expect(mst_cms_signer_is(&in.signers[0], &id.cert));
			cr_expect_not(mst_cms_signer_is(&in.signers[0], &other.cert));
			cr_expect_eq(mst_cms_signer_cert(&cert, &in, &in.signers[0], NULL),
				     what.is_certless ? -1 : 0);
			cr_expect_eq(verify(&in, &id, &text), MST_E_NONE, "%d %u", kind, n);
			cr_expect_eq(verify(&in, &id, NULL),
				     what.is_detached ? MST_E_ABSENT : MST_E_NONE, "%d %u", kind,
				     n);
			cr_expect_eq(verify(&in, &id, &wrong), MST_E_CRYPTO, "%d %u", kind, n);
			cr_expect_eq(verify(&in, &other, &text), MST_E_CRYPTO, "%d %u", kind, n);
		}
		EVP_PKEY_free(id.pkey);
		EVP_PKEY_free(other.pkey);
	}
	kit_done(&kit);
}

Test(cms_signed, scep_attributes)
{
	static const struct {
		const char *oid;
		enum mst_cms_kind kind;
		const char *value;
	} rows[] = {
		{MST_CMS_OID_SCEP "\x02", MST_CMS_TEXT, "3"},
		{MST_CMS_OID_SCEP "\x03", MST_CMS_TEXT, "2"},
		{MST_CMS_OID_SCEP "\x04", MST_CMS_TEXT, "1"},
		{MST_CMS_OID_SCEP "\x05", MST_CMS_BYTES, "0123456789abcdef"},
		{MST_CMS_OID_SCEP "\x06", MST_CMS_BYTES, "fedcba9876543210"},
		{MST_CMS_OID_SCEP "\x07", MST_CMS_TEXT, "OE54JLvHf9Q5PqcOXQztzT77d80="},
		{"\x2b\x06\x01\x05\x05\x07\x18\x01", MST_CMS_TEXT, "Gr\xc3\xb6\xc3\x9f\x65"},
	};
	struct mst_cms_attr attrs[MST_LEN(rows)];
	struct kit kit;
	struct mst_err e;
	kit_init(&kit);
	struct kit_id id = kit_id(&kit, KIT_RSA, "ra");
	for (size_t i = 0; i < MST_LEN(rows); i++)
		cr_assert_eq(mst_cms_attr_make(&attrs[i], &kit.arena, mst_slice_str(rows[i].oid),
					       rows[i].kind, mst_slice_str(rows[i].value), &e),
			     0);
	/* A CertRep that refuses has no content at all. */
	struct mst_cms_sign what = {.digest = MST_CMS_SHA256, .is_detached = true, .attrs = attrs};
	what.num_attrs = MST_LEN(attrs);
	struct mst_cms_signed in = read(&kit, sign(&kit, &id, what));
	const struct mst_slice nothing = {NULL, 0};
	cr_expect_not(in.has_content);
	cr_expect_eq(verify(&in, &id, &nothing), MST_E_NONE);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_slice value;
		enum mst_cms_kind other =
			rows[i].kind == MST_CMS_TEXT ? MST_CMS_BYTES : MST_CMS_TEXT;
		cr_assert_eq(mst_cms_attr_get(&value, &in.signers[0], mst_slice_str(rows[i].oid),
					      rows[i].kind, &e),
			     1, "%zu", i);
		cr_expect(mst_slice_eq(value, mst_slice_str(rows[i].value)), "%zu", i);
		cr_expect_eq(mst_cms_attr_get(&value, &in.signers[0], mst_slice_str(rows[i].oid),
					      other, &e),
			     -1);
	}
	struct mst_slice value;
	cr_expect_eq(mst_cms_attr_get(&value, &in.signers[0], MST_S(MST_CMS_OID_SCEP "\x09"),
				      MST_CMS_TEXT, &e),
		     0);
	cr_expect_eq(mst_cms_attr_make(&attrs[0], &kit.arena, MST_S("\x55"), MST_CMS_TEXT,
				       MST_S("\xff"), &e),
		     -1);
	EVP_PKEY_free(id.pkey);
	kit_done(&kit);
}

/* The same attribute twice, or a contentType of one's own, must not be read by someone's first
 * match. */
Test(cms_signed, doubled_attributes)
{
	struct mst_cms_attr attrs[2];
	struct kit kit;
	struct mst_slice value;
	struct mst_err e;
	kit_init(&kit);
	struct kit_id id = kit_id(&kit, KIT_P256, "signer");
	const struct mst_slice type = MST_S(MST_CMS_OID_SCEP "\x02");
	cr_assert_eq(mst_cms_attr_make(&attrs[0], &kit.arena, type, MST_CMS_TEXT, MST_S("19"), &e),
		     0);
	cr_assert_eq(mst_cms_attr_make(&attrs[1], &kit.arena, type, MST_CMS_TEXT, MST_S("17"), &e),
		     0);
	struct mst_cms_sign what = {
		.digest = MST_CMS_SHA256, .content = text, .attrs = attrs, .num_attrs = 2};
	struct mst_cms_signed in = read(&kit, sign(&kit, &id, what));
	cr_expect_eq(mst_cms_attr_get(&value, &in.signers[0], type, MST_CMS_TEXT, &e), -1);
	/* messageDigest a second time. */
	const struct mst_slice digest = MST_S("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04");
	cr_assert_eq(
		mst_cms_attr_make(&attrs[0], &kit.arena, digest, MST_CMS_BYTES, MST_S("1"), &e), 0);
	what.num_attrs = 1;
	in = read(&kit, sign(&kit, &id, what));
	cr_expect_eq(verify(&in, &id, NULL), MST_E_CRYPTO);
	EVP_PKEY_free(id.pkey);
	kit_done(&kit);
}

/* A signature over attributes must not pass as one over a content that is their encoding. */
Test(cms_signed, attributes_as_content)
{
	struct kit kit;
	kit_init(&kit);
	struct kit_id id = kit_id(&kit, KIT_RSA, "signer");
	struct mst_cms_sign what = {.digest = MST_CMS_SHA256, .content = text};
	struct mst_cms_signed in = read(&kit, sign(&kit, &id, what));
	struct mst_slice set = kit_copy(&kit, in.signers[0].signed_attrs);
	*(uint8_t *)set.at = 0x31;
	in.signers[0].signed_attrs = mst_slice(NULL, 0);
	in.signers[0].num_attrs = 0;
	in.content = set;
	cr_expect_eq(verify(&in, &id, NULL), MST_E_CRYPTO);
	EVP_PKEY_free(id.pkey);
	kit_done(&kit);
}

Test(cms_signed, bundle)
{
	struct kit kit;
	struct mst_slice der;
	struct mst_err e;
	kit_init(&kit);
	struct kit_id a = kit_id(&kit, KIT_P256, "a"), b = kit_id(&kit, KIT_P384, "b");
	struct mst_slice certs[] = {a.der, b.der}, crl = kit_crl(&kit, &a);
	for (size_t num = 0; num <= 2; num++)
		for (size_t crls = 0; crls <= 1; crls++) {
			cr_assert_eq(mst_cms_bundle(&der, &kit.arena, certs, num, &crl, crls, &e),
				     0);
			struct mst_cms_signed in = read(&kit, der);
			cr_expect_eq(in.num_certs, num);
			cr_expect_eq(in.num_crls, crls);
			cr_expect_eq(in.num_signers, 0);
			cr_expect_not(in.has_content);
			cr_expect(num != 1 || mst_slice_eq(in.certs[0], a.der));
			cr_expect(crls == 0 || mst_slice_eq(in.crls[0], crl));
		}
	EVP_PKEY_free(a.pkey);
	EVP_PKEY_free(b.pkey);
	kit_done(&kit);
}

Test(cms_signed, too_many)
{
	struct kit kit;
	struct mst_slice der, certs[MST_CMS_CERTS_MAX + 1], crls[MST_CMS_CRLS_MAX + 1];
	struct mst_cms_signed in;
	struct mst_err e;
	kit_init(&kit);
	struct kit_id id = kit_id(&kit, KIT_P256, "a");
	for (size_t i = 0; i < MST_LEN(certs); i++)
		certs[i] = id.der;
	for (size_t i = 0; i < MST_LEN(crls); i++)
		crls[i] = id.der;
	cr_assert_eq(mst_cms_bundle(&der, &kit.arena, certs, MST_CMS_CERTS_MAX, crls,
				    MST_CMS_CRLS_MAX, &e),
		     0);
	cr_expect_eq(mst_cms_signed_read(&in, &kit.arena, der, &e), 0);
	cr_assert_eq(mst_cms_bundle(&der, &kit.arena, certs, MST_LEN(certs), NULL, 0, &e), 0);
	cr_expect_eq(mst_cms_signed_read(&in, &kit.arena, der, &e), -1);
	cr_expect_eq(e.code, MST_E_TOO_BIG);
	cr_assert_eq(mst_cms_bundle(&der, &kit.arena, NULL, 0, crls, MST_LEN(crls), &e), 0);
	cr_expect_eq(mst_cms_signed_read(&in, &kit.arena, der, &e), -1);
	uint8_t *big = mst_arena_zero(&kit.arena, MST_CMS_MAX + 1);
	cr_expect_eq(mst_cms_signed_read(&in, &kit.arena, mst_slice(big, MST_CMS_MAX + 1), &e), -1);
	cr_expect_eq(e.code, MST_E_TOO_BIG);
	EVP_PKEY_free(id.pkey);
	kit_done(&kit);
}

/* Every prefix is refused; a changed byte is refused, or stands where nothing is signed and changes
 * nothing that is. */
Test(cms_signed, cut_and_flipped)
{
	for (unsigned n = 0; n < 4; n++) {
		struct kit kit;
		struct mst_cms_signed in;
		size_t num_passed = 0;
		kit_init(&kit);
		struct kit_id id = kit_id(&kit, n & 1 ? KIT_P256 : KIT_RSA, "signer");
		struct mst_cms_sign what = {
			.digest = MST_CMS_SHA256, .content = text, .is_bare = n & 2};
		struct mst_slice der = sign(&kit, &id, what);
		for (size_t len = 0; len < der.len; len++)
			cr_expect_eq(
				mst_cms_signed_read(&in, &kit.arena, mst_slice(der.at, len), NULL),
				-1, "%zu", len);
		struct mst_slice copy = kit_copy(&kit, der);
		for (size_t i = 0; i < der.len * 8; i++) {
			((uint8_t *)copy.at)[i / 8] ^= (uint8_t)(1 << i % 8);
			if (mst_cms_signed_read(&in, &kit.arena, copy, NULL) == 0 &&
			    in.num_signers && verify(&in, &id, NULL) == MST_E_NONE) {
				num_passed++;
				cr_expect(mst_slice_eq(in.content, text), "%zu", i);
			}
			((uint8_t *)copy.at)[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		/* Certificate, versions, the outer list of digests, the signer's name: what is not
		 * under the signature. */
		cr_expect_lt(num_passed, (id.der.len + 100) * 8, "%zu of %zu", num_passed,
			     der.len * 8);
		EVP_PKEY_free(id.pkey);
		kit_done(&kit);
	}
}
