/* SPDX-License-Identifier: Apache-2.0 */
/* Writes SignedData (RFC 5652 5.1) in DER: with one signer, or certificates and CRLs alone. */
#include "cms_own.h"

#include <openssl/err.h>

/* Everything the writing needs to know before its first byte. */
struct signing {
	const struct mst_cms_sign *what;
	struct mst_cert cert;
	const struct mst_cms_digest_row *digest;
	struct mst_slice attrs, signature; /* attributes as the SET that is signed */
	bool is_ec;
};

static int key_kind(struct mst_slice spki)
{
	CBS in = mst_der_cbs(spki);
	EVP_PKEY *key = EVP_parse_public_key(&in);
	int kind = key ? EVP_PKEY_id(key) : EVP_PKEY_NONE;
	EVP_PKEY_free(key);
	ERR_clear_error();
	return kind;
}

/* Attribute ::= SEQUENCE {OID, SET OF values}, the value given by tag and contents. */
static bool put_attr(CBB *to, struct mst_slice oid, unsigned tag, struct mst_slice contents)
{
	CBB attr, values;
	return CBB_add_asn1(to, &attr, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&attr, CBS_ASN1_OBJECT, oid) &&
	       CBB_add_asn1(&attr, &values, CBS_ASN1_SET) && mst_der_put(&values, tag, contents) &&
	       CBB_flush(to);
}

static bool put_time(CBB *to, int64_t time_s)
{
	char text[MST_CERT_TIME_ROOM];
	size_t len = mst_cert_time_text(text, time_s);
	unsigned tag = len == 13 ? CBS_ASN1_UTCTIME : CBS_ASN1_GENERALIZEDTIME;
	return put_attr(to, mst_cms_oid_signing_time, tag, mst_slice(text, len));
}

static bool put_attrs(CBB *to, const struct signing *s, struct mst_slice digest)
{
	const struct mst_cms_sign *what = s->what;
	CBB set, attr;
	if (!CBB_add_asn1(to, &set, CBS_ASN1_SET) ||
	    !put_attr(&set, mst_cms_oid_content_type, CBS_ASN1_OBJECT, mst_cms_oid_data) ||
	    !put_attr(&set, mst_cms_oid_message_digest, CBS_ASN1_OCTETSTRING, digest) ||
	    (what->time_s && !put_time(&set, what->time_s)))
		return false;
	for (size_t i = 0; i < what->num_attrs; i++)
		if (!CBB_add_asn1(&set, &attr, CBS_ASN1_SEQUENCE) ||
		    !mst_der_put(&attr, CBS_ASN1_OBJECT, what->attrs[i].oid) ||
		    !mst_der_put(&attr, CBS_ASN1_SET, what->attrs[i].values))
			return false;
	return CBB_flush_asn1_set_of(&set) && CBB_flush(to);
}

static int make_attrs(struct signing *s, struct mst_arena *arena, struct mst_err *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;
	CBB cbb;
	CBB_zero(&cbb);
	bool is_written = EVP_Digest(s->what->content.at, s->what->content.len, digest, &len,
				     s->digest->md(), NULL) &&
			  CBB_init(&cbb, 512) && put_attrs(&cbb, s, mst_slice(digest, len));
	return mst_der_done(&s->attrs, arena, &cbb, is_written, e);
}

/* The attributes again, with [0] for the tag of the SET. */
static bool put_attrs_implicit(CBB *to, struct mst_slice attrs)
{
	return attrs.len == 0 ||
	       (CBB_add_u8(to, 0xa0) && mst_der_add(to, mst_slice(attrs.at + 1, attrs.len - 1)));
}

static bool put_signer(CBB *to, const struct signing *s)
{
	CBB signer;
	bool is_written = CBB_add_asn1(to, &signer, CBS_ASN1_SEQUENCE) &&
			  CBB_add_asn1_uint64(&signer, 1) &&
			  mst_cms_put_issuer(&signer, &s->cert) &&
			  mst_der_put_alg(&signer, s->digest->oid, false) &&
			  put_attrs_implicit(&signer, s->attrs);
	is_written = is_written && (s->is_ec ? mst_der_put_alg(&signer, s->digest->ecdsa, false)
					     : mst_der_put_alg(&signer, mst_cms_oid_rsa, true));
	return is_written && mst_der_put(&signer, CBS_ASN1_OCTETSTRING, s->signature) &&
	       CBB_flush(to);
}

static bool put_set(CBB *to, unsigned n, struct mst_slice first, const struct mst_slice *more,
		    size_t num)
{
	CBB set;
	if (first.len == 0 && num == 0)
		return true;
	if (!CBB_add_asn1(to, &set, DER_INSIDE(n)) || !mst_der_add(&set, first))
		return false;
	for (size_t i = 0; i < num; i++)
		if (!mst_der_add(&set, more[i]))
			return false;
	return CBB_flush_asn1_set_of(&set) && CBB_flush(to);
}

static bool put_content(CBB *to, const struct mst_slice *content)
{
	CBB info, wrapped;
	if (!CBB_add_asn1(to, &info, CBS_ASN1_SEQUENCE) ||
	    !mst_der_put(&info, CBS_ASN1_OBJECT, mst_cms_oid_data))
		return false;
	if (content && (!CBB_add_asn1(&info, &wrapped, DER_INSIDE(0)) ||
			!mst_der_put(&wrapped, CBS_ASN1_OCTETSTRING, *content)))
		return false;
	return CBB_flush(to);
}

/* ContentInfo, SignedData and its version: all that stands before the digests. */
static bool put_head(CBB *to, CBB *inside, CBB *wrapped, CBB *info)
{
	return CBB_init(to, 4096) && CBB_add_asn1(to, info, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(info, CBS_ASN1_OBJECT, mst_cms_oid_signed) &&
	       CBB_add_asn1(info, wrapped, DER_INSIDE(0)) &&
	       CBB_add_asn1(wrapped, inside, CBS_ASN1_SEQUENCE) && CBB_add_asn1_uint64(inside, 1);
}

static bool put_all(CBB *to, const struct signing *s)
{
	const struct mst_cms_sign *what = s->what;
	const struct mst_slice none = {NULL, 0};
	CBB info, wrapped, inside, digests, signers;
	return put_head(to, &inside, &wrapped, &info) &&
	       CBB_add_asn1(&inside, &digests, CBS_ASN1_SET) &&
	       mst_der_put_alg(&digests, s->digest->oid, false) &&
	       put_content(&inside, what->is_detached ? NULL : &what->content) &&
	       put_set(&inside, 0, what->is_certless ? none : what->cert, what->chain,
		       what->num_chain) &&
	       put_set(&inside, 1, none, what->crls, what->num_crls) &&
	       CBB_add_asn1(&inside, &signers, CBS_ASN1_SET) && put_signer(&signers, s) &&
	       CBB_flush(to);
}

int mst_cms_sign(struct mst_slice *out, struct mst_arena *arena, const struct mst_cms_sign *what,
		 struct mst_err *e)
{
	struct signing s = {.what = what};
	CBB cbb;
	BUG_ON(what->digest == MST_CMS_SHA1 || what->digest >= MST_CMS_NUM_DIGESTS ||
	       !what->key->sign);
	if (what->content.len > MST_CMS_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "SignedData: over %u bytes", MST_CMS_MAX);
	if (mst_cert_parse(&s.cert, what->cert, e) < 0)
		return -1;
	int kind = key_kind(s.cert.spki);
	if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
		return mst_fail(e, MST_E_CRYPTO,
				"SignedData: the signer's key is neither RSA nor EC");
	s.is_ec = kind == EVP_PKEY_EC;
	s.digest = &mst_cms_digest_rows[what->digest];
	if (!what->is_bare && make_attrs(&s, arena, e) < 0)
		return -1;
	if (what->key->sign(&s.signature, arena, what->key->home, what->digest,
			    what->is_bare ? what->content : s.attrs, e) < 0)
		return -1;
	CBB_zero(&cbb);
	return mst_der_done(out, arena, &cbb, put_all(&cbb, &s), e);
}

int mst_cms_bundle(struct mst_slice *out, struct mst_arena *arena, const struct mst_slice *certs,
		   size_t num_certs, const struct mst_slice *crls, size_t num_crls,
		   struct mst_err *e)
{
	const struct mst_slice none = {NULL, 0};
	CBB cbb, info, wrapped, inside;
	CBB_zero(&cbb);
	bool is_written = put_head(&cbb, &inside, &wrapped, &info) &&
			  mst_der_put(&inside, CBS_ASN1_SET, none) && put_content(&inside, NULL) &&
			  put_set(&inside, 0, none, certs, num_certs) &&
			  put_set(&inside, 1, none, crls, num_crls) &&
			  mst_der_put(&inside, CBS_ASN1_SET, none) && CBB_flush(&cbb);
	return mst_der_done(out, arena, &cbb, is_written, e);
}
