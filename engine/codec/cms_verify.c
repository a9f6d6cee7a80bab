/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies what a SignerInfo says with a public key (RFC 5652 5.4 to 5.6). */
#include "cms_own.h"

#include <openssl/err.h>

#define RSA_BITS_LEAST                                                                             \
	1024 /* a SCEP payload's default, for the request that asks for a better one */
#define RSA_BITS_MOST (8 * MST_CMS_RSA_MAX)

static int refuse(struct mst_err *e, const char *what)
{
	ERR_clear_error();
	return mst_fail(e, MST_E_CRYPTO, "SignedData: %s", what);
}

static int pick_content(struct mst_slice *out, const struct mst_cms_signed *in,
			const struct mst_slice *detached, struct mst_err *e)
{
	if (!in->has_content && !detached)
		return mst_fail(e, MST_E_ABSENT, "SignedData: no content inside");
	*out = in->has_content ? in->content : *detached;
	if (in->has_content && detached && !mst_slice_eq(in->content, *detached))
		return refuse(e, "another content is inside");
	return 0;
}

/* The single value of an attribute that must be there once, as an element of `tag`. */
static bool single(CBS *out, const struct mst_cms_signer *signer, struct mst_slice oid,
		   unsigned tag)
{
	size_t num = 0;
	for (size_t i = 0; i < signer->num_attrs; i++) {
		if (!mst_slice_eq(signer->attrs[i].oid, oid))
			continue;
		CBS values = mst_der_cbs(signer->attrs[i].values);
		if (num++ || !CBS_get_asn1(&values, out, tag) || CBS_len(&values) != 0)
			return false;
	}
	return num == 1;
}

/* With signed attributes the content is bound by contentType and messageDigest, RFC 5652 11.1
 * and 11.2. */
static int check_attrs(const struct mst_cms_signed *in, const struct mst_cms_signer *signer,
		       struct mst_slice content, struct mst_err *e)
{
	CBS type, said;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;
	if (!single(&type, signer, mst_cms_oid_content_type, CBS_ASN1_OBJECT) ||
	    !mst_slice_eq(mst_der_slice(&type), in->content_type))
		return refuse(e, "the attribute contentType is missing or another");
	if (!single(&said, signer, mst_cms_oid_message_digest, CBS_ASN1_OCTETSTRING))
		return refuse(e, "the attribute messageDigest is missing");
	if (!EVP_Digest(content.at, content.len, digest, &len,
			mst_cms_digest_rows[signer->digest].md(), NULL) ||
	    !mst_slice_eq(mst_slice(digest, len), mst_der_slice(&said)))
		return refuse(e, "the content is not the signed one");
	return 0;
}

/* A signature over attributes fits a message without attributes whose content is their encoding;
 * nobody means that. */
static bool looks_like_attrs(struct mst_slice content)
{
	CBS in = mst_der_cbs(content), set, attr, oid, values;
	if (!CBS_get_asn1(&in, &set, CBS_ASN1_SET) || CBS_len(&in) != 0)
		return false;
	return CBS_get_asn1(&set, &attr, CBS_ASN1_SEQUENCE) &&
	       CBS_get_asn1(&attr, &oid, CBS_ASN1_OBJECT) &&
	       CBS_get_asn1(&attr, &values, CBS_ASN1_SET);
}

/* The kind of key the signature algorithm wants, EVP_PKEY_NONE when it is not taken or has another
 * digest. */
static int kind_of(const struct mst_cms_signer *signer)
{
	const struct mst_cms_digest_row *row = &mst_cms_digest_rows[signer->digest];
	if (mst_slice_eq(signer->alg, mst_cms_oid_rsa) || mst_slice_eq(signer->alg, row->rsa))
		return EVP_PKEY_RSA;
	return mst_slice_eq(signer->alg, row->ecdsa) ? EVP_PKEY_EC : EVP_PKEY_NONE;
}

static bool is_key_taken(const EVP_PKEY *key, int kind)
{
	if (!key || EVP_PKEY_id(key) != kind)
		return false;
	return kind == EVP_PKEY_EC ||
	       (EVP_PKEY_bits(key) >= RSA_BITS_LEAST && EVP_PKEY_bits(key) <= RSA_BITS_MOST);
}

/* The signed bytes are `head` and `rest`. */
static bool is_signed(EVP_PKEY *key, const struct mst_cms_signer *signer, struct mst_slice head,
		      struct mst_slice rest)
{
	EVP_MD_CTX ctx;
	EVP_MD_CTX_init(&ctx);
	const EVP_MD *md = mst_cms_digest_rows[signer->digest].md();
	bool is_good = EVP_DigestVerifyInit(&ctx, NULL, md, NULL, key) &&
		       EVP_DigestVerifyUpdate(&ctx, head.at, head.len) &&
		       EVP_DigestVerifyUpdate(&ctx, rest.at, rest.len) &&
		       EVP_DigestVerifyFinal(&ctx, signer->signature.at, signer->signature.len);
	EVP_MD_CTX_cleanup(&ctx);
	return is_good;
}

int mst_cms_verify(const struct mst_cms_signed *in, const struct mst_cms_signer *signer,
		   struct mst_slice spki, const struct mst_slice *detached, uint32_t allow,
		   struct mst_err *e)
{
	struct mst_slice content, head = {NULL, 0}, attrs = signer->signed_attrs;
	if (pick_content(&content, in, detached, e) < 0)
		return -1;
	if (signer->digest == MST_CMS_NUM_DIGESTS ||
	    (signer->digest == MST_CMS_SHA1 && !(allow & MST_CMS_ALLOW_SHA1)))
		return mst_fail(e, MST_E_DENIED, "SignedData: a digest that is not taken");
	int kind = kind_of(signer);
	if (kind == EVP_PKEY_NONE)
		return mst_fail(e, MST_E_DENIED,
				"SignedData: a signature algorithm that is not taken");
	if (attrs.len) {
		if (check_attrs(in, signer, content, e) < 0)
			return -1;
		/* What is signed has the tag of a SET in place of [0]. */
		head = MST_S("\x31");
		content = mst_slice(attrs.at + 1, attrs.len - 1);
	} else if (!mst_slice_eq(in->content_type, mst_cms_oid_data) || looks_like_attrs(content)) {
		return refuse(e, "signed attributes are missing");
	}
	CBS der = mst_der_cbs(spki);
	EVP_PKEY *key = EVP_parse_public_key(&der);
	bool is_good = is_key_taken(key, kind) && is_signed(key, signer, head, content);
	EVP_PKEY_free(key);
	return is_good ? 0 : refuse(e, "the signature is not of this key");
}
