/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a SignedData (RFC 5652 5.1) apart; nothing is verified here. */
#include "cms_own.h"

static int broken(struct mst_err *e, const char *what)
{
	return mst_fail(e, MST_E_SYNTAX, "SignedData: %s", what);
}

/* EncapsulatedContentInfo ::= SEQUENCE {OID, [0] EXPLICIT OCTET STRING OPTIONAL} */
static bool read_content(struct mst_cms_signed *out, CBS *from)
{
	CBS info, type, wrapped, content;
	int is_there;
	if (!CBS_get_asn1(from, &info, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&info, &type, CBS_ASN1_OBJECT) ||
	    !CBS_get_optional_asn1(&info, &wrapped, &is_there, DER_INSIDE(0)) ||
	    CBS_len(&info) != 0)
		return false;
	out->content_type = mst_der_slice(&type);
	if (!is_there)
		return true;
	if (!CBS_get_asn1(&wrapped, &content, CBS_ASN1_OCTETSTRING) || CBS_len(&wrapped) != 0)
		return false;
	out->content = mst_der_slice(&content);
	out->has_content = true;
	return true;
}

/* [n] IMPLICIT SET OF a choice of which only the plain SEQUENCE (X.509 certificate or CRL) is kept.
 */
static int read_set(struct mst_slice *out, size_t *num, size_t most, CBS *from, unsigned n,
		    struct mst_err *e)
{
	CBS set, element;
	unsigned tag;
	int is_there;
	if (!CBS_get_optional_asn1(from, &set, &is_there, DER_INSIDE(n)))
		return broken(e, "a set of certificates or CRLs is broken");
	while (is_there && CBS_len(&set)) {
		if (!CBS_get_any_asn1_element(&set, &element, &tag, NULL))
			return broken(e, "a certificate or CRL is broken");
		if (tag != CBS_ASN1_SEQUENCE)
			continue;
		if (*num == most)
			return mst_fail(e, MST_E_TOO_BIG,
					"SignedData: too many certificates or CRLs");
		out[(*num)++] = mst_der_slice(&element);
	}
	return 0;
}

static int read_attrs(struct mst_cms_signer *out, CBS *from, struct mst_err *e)
{
	CBS whole = *from, set, attr, oid, values;
	if (!CBS_peek_asn1_tag(from, DER_INSIDE(0)))
		return 0;
	if (!CBS_get_asn1(from, &set, DER_INSIDE(0)) || CBS_len(&set) == 0)
		return broken(e, "the signed attributes are broken");
	out->signed_attrs = mst_slice(CBS_data(&whole), CBS_len(&whole) - CBS_len(from));
	while (CBS_len(&set)) {
		if (out->num_attrs == MST_CMS_ATTRS_MAX)
			return mst_fail(e, MST_E_TOO_BIG, "SignedData: too many attributes");
		if (!CBS_get_asn1(&set, &attr, CBS_ASN1_SEQUENCE) ||
		    !CBS_get_asn1(&attr, &oid, CBS_ASN1_OBJECT) ||
		    !CBS_get_asn1(&attr, &values, CBS_ASN1_SET) || CBS_len(&attr) != 0)
			return broken(e, "a signed attribute is broken");
		out->attrs[out->num_attrs++] =
			(struct mst_cms_attr){mst_der_slice(&oid), mst_der_slice(&values)};
	}
	return 0;
}

/* SignerIdentifier ::= CHOICE {issuerAndSerialNumber, [0] IMPLICIT subjectKeyIdentifier} */
static bool read_sid(struct mst_cms_signer *out, CBS *from)
{
	CBS pair, issuer, serial, key_id;
	if (CBS_peek_asn1_tag(from, DER_CONTEXT(0))) {
		if (!CBS_get_asn1(from, &key_id, DER_CONTEXT(0)) || CBS_len(&key_id) == 0)
			return false;
		out->key_id = mst_der_slice(&key_id);
		return true;
	}
	if (!CBS_get_asn1(from, &pair, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1_element(&pair, &issuer, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&pair, &serial, CBS_ASN1_INTEGER) || CBS_len(&pair) != 0)
		return false;
	out->issuer = mst_der_slice(&issuer);
	out->serial = mst_der_slice(&serial);
	return true;
}

static int read_signer(struct mst_cms_signer *out, CBS *from, struct mst_err *e)
{
	CBS signer, params, signature;
	uint64_t version;
	struct mst_slice digest;
	if (!CBS_get_asn1(from, &signer, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1_uint64(&signer, &version) || !read_sid(out, &signer))
		return broken(e, "the name of a signer is broken");
	if (!mst_der_alg(&digest, &params, &signer) || !mst_der_is_plain(params))
		return broken(e, "the digest algorithm is broken");
	out->digest = mst_cms_digest_of(digest);
	if (read_attrs(out, &signer, e) < 0)
		return -1;
	if (!mst_der_alg(&out->alg, &params, &signer) ||
	    !CBS_get_asn1(&signer, &signature, CBS_ASN1_OCTETSTRING) ||
	    !CBS_get_optional_asn1(&signer, NULL, NULL, DER_INSIDE(1)) || CBS_len(&signer) != 0)
		return broken(e, "the signature is broken");
	out->signature = mst_der_slice(&signature);
	/* Parameters say something for RSA-PSS only, which is not taken. */
	if (!mst_der_is_plain(params))
		out->alg = mst_slice(NULL, 0);
	return 0;
}

int mst_cms_signed_read(struct mst_cms_signed *out, struct mst_arena *arena, struct mst_slice in,
			struct mst_err *e)
{
	CBS inside, digests, signers;
	uint64_t version;
	*out = (struct mst_cms_signed){0};
	if (mst_cms_start(&inside, arena, in, mst_cms_oid_signed, e) < 0)
		return -1;
	if (!CBS_get_asn1_uint64(&inside, &version) ||
	    !CBS_get_asn1(&inside, &digests, CBS_ASN1_SET) || !read_content(out, &inside))
		return broken(e, "its head or content is broken");
	if (read_set(out->certs, &out->num_certs, MST_CMS_CERTS_MAX, &inside, 0, e) < 0 ||
	    read_set(out->crls, &out->num_crls, MST_CMS_CRLS_MAX, &inside, 1, e) < 0)
		return -1;
	if (!CBS_get_asn1(&inside, &signers, CBS_ASN1_SET) || CBS_len(&inside) != 0)
		return broken(e, "the set of signers is broken");
	while (CBS_len(&signers)) {
		if (out->num_signers == MST_CMS_SIGNERS_MAX)
			return mst_fail(e, MST_E_TOO_BIG, "SignedData: too many signers");
		if (read_signer(&out->signers[out->num_signers++], &signers, e) < 0)
			return -1;
	}
	return 0;
}

bool mst_cms_signer_is(const struct mst_cms_signer *signer, const struct mst_cert *cert)
{
	if (signer->key_id.len)
		return mst_slice_eq(signer->key_id, cert->key_id);
	return mst_slice_eq(signer->serial, cert->serial) &&
	       mst_cms_name_same(signer->issuer, cert->issuer);
}

int mst_cms_signer_cert(struct mst_cert *out, const struct mst_cms_signed *in,
			const struct mst_cms_signer *signer, struct mst_err *e)
{
	for (size_t i = 0; i < in->num_certs; i++)
		if (mst_cert_parse(out, in->certs[i], NULL) == 0 && mst_cms_signer_is(signer, out))
			return 0;
	*out = (struct mst_cert){0};
	return mst_fail(e, MST_E_ABSENT, "SignedData: the signer's certificate is not inside");
}
