/* SPDX-License-Identifier: Apache-2.0 */
/* Reads OCSP requests strictly, RFC 6960 4.1. */
#include "muster/ocsp.h"

#include "der_own.h"

static const struct mst_slice oid_sha1 = OID(0x2b, 0x0e, 0x03, 0x02, 0x1a);
static const struct mst_slice oid_sha256 = OID(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01);
static const struct mst_slice oid_nonce = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02);

static int broken(struct mst_err *e, const char *what)
{
	return mst_fail(e, MST_E_SYNTAX, "OCSP request: %s", what);
}

/* CertID ::= SEQUENCE {hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber} */
static bool read_id(struct mst_ocsp_id *out, CBS *from)
{
	struct mst_slice oid;
	CBS whole, id, inside, params, name, key, serial;
	if (!CBS_get_asn1_element(from, &whole, CBS_ASN1_SEQUENCE))
		return false;
	id = whole;
	if (!CBS_get_asn1(&id, &inside, CBS_ASN1_SEQUENCE) || !mst_der_alg(&oid, &params, &inside) || !mst_der_is_plain(params) ||
	    !CBS_get_asn1(&inside, &name, CBS_ASN1_OCTETSTRING) || !CBS_get_asn1(&inside, &key, CBS_ASN1_OCTETSTRING) ||
	    !CBS_get_asn1(&inside, &serial, CBS_ASN1_INTEGER) || CBS_len(&serial) == 0 || CBS_len(&inside) != 0)
		return false;
	*out = (struct mst_ocsp_id){
		.hash = mst_slice_eq(oid, oid_sha1)     ? MST_OCSP_SHA1
			: mst_slice_eq(oid, oid_sha256) ? MST_OCSP_SHA256
							: MST_OCSP_OTHER_HASH,
		.has_params = CBS_len(&params) != 0,
		.der = mst_der_slice(&whole),
		.issuer_name = mst_der_slice(&name),
		.issuer_key = mst_der_slice(&key),
		.serial = mst_der_slice(&serial),
	};
	return true;
}

/* Extension ::= SEQUENCE {OID, critical DEFAULT FALSE, OCTET STRING} */
static bool read_extension(struct mst_slice *oid, CBS *value, bool *is_critical, CBS *list)
{
	CBS extension, id;
	int critical = 0;
	if (!CBS_get_asn1(list, &extension, CBS_ASN1_SEQUENCE) || !CBS_get_asn1(&extension, &id, CBS_ASN1_OBJECT) ||
	    (CBS_peek_asn1_tag(&extension, CBS_ASN1_BOOLEAN) && !CBS_get_asn1_bool(&extension, &critical)) ||
	    !CBS_get_asn1(&extension, value, CBS_ASN1_OCTETSTRING) || CBS_len(&extension) != 0)
		return false;
	*oid = mst_der_slice(&id);
	*is_critical = critical;
	return true;
}

static int read_nonce(struct mst_slice *out, CBS value, struct mst_err *e)
{
	CBS nonce;
	if (out->len)
		return broken(e, "two nonces");
	if (!CBS_get_asn1(&value, &nonce, CBS_ASN1_OCTETSTRING) || CBS_len(&value) != 0 || CBS_len(&nonce) == 0 ||
	    CBS_len(&nonce) > MST_OCSP_NONCE_MAX)
		return broken(e, "a nonce has 1 to 32 bytes");
	*out = mst_der_slice(&nonce);
	return 0;
}

/* `nonce` is NULL where none may stand. */
static int read_extensions(struct mst_slice *nonce, CBS wrapped, struct mst_err *e)
{
	CBS list, value;
	struct mst_slice oid;
	bool is_critical;
	if (!CBS_get_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE) || CBS_len(&wrapped) != 0)
		return broken(e, "extensions");
	while (CBS_len(&list)) {
		if (!read_extension(&oid, &value, &is_critical, &list))
			return broken(e, "an extension");
		if (nonce && mst_slice_eq(oid, oid_nonce)) {
			if (read_nonce(nonce, value, e) < 0)
				return -1;
		} else if (is_critical) {
			return broken(e, "a critical extension that is not known here");
		}
	}
	return 0;
}

/* Request ::= SEQUENCE {reqCert, singleRequestExtensions [0] OPTIONAL} */
static int read_one(struct mst_ocsp_request *out, CBS *list, struct mst_err *e)
{
	CBS request, wrapped;
	int has_extensions;
	if (out->num_ids == MST_OCSP_IDS_MAX)
		return broken(e, "too many certificates");
	if (!CBS_get_asn1(list, &request, CBS_ASN1_SEQUENCE) || !read_id(&out->ids[out->num_ids], &request) ||
	    !CBS_get_optional_asn1(&request, &wrapped, &has_extensions, DER_INSIDE(0)) || CBS_len(&request) != 0)
		return broken(e, "a certificate's id");
	out->num_ids++;
	return has_extensions ? read_extensions(NULL, wrapped, e) : 0;
}

/* TBSRequest ::= SEQUENCE {version [0] DEFAULT v1, requestorName [1] OPTIONAL, requestList, requestExtensions [2] OPTIONAL} */
static int read_body(struct mst_ocsp_request *out, CBS body, struct mst_err *e)
{
	CBS version, list, wrapped;
	uint64_t number = 0;
	int has_version, has_extensions;
	if (!CBS_get_optional_asn1(&body, &version, &has_version, DER_INSIDE(0)) ||
	    (has_version && (!CBS_get_asn1_uint64(&version, &number) || CBS_len(&version) != 0 || number != 0)))
		return broken(e, "its version");
	if (!CBS_get_optional_asn1(&body, NULL, NULL, DER_INSIDE(1)) || !CBS_get_asn1(&body, &list, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_optional_asn1(&body, &wrapped, &has_extensions, DER_INSIDE(2)) || CBS_len(&body) != 0)
		return broken(e, "its body");
	while (CBS_len(&list))
		if (read_one(out, &list, e) < 0)
			return -1;
	if (out->num_ids == 0)
		return broken(e, "no certificate is asked about");
	return has_extensions ? read_extensions(&out->nonce, wrapped, e) : 0;
}

int mst_ocsp_read(struct mst_ocsp_request *out, struct mst_slice der, struct mst_err *e)
{
	CBS in = mst_der_cbs(der), request, body;
	*out = (struct mst_ocsp_request){.num_ids = 0};
	if (der.len > MST_OCSP_REQUEST_MAX)
		return broken(e, "too long");
	if (!CBS_get_asn1(&in, &request, CBS_ASN1_SEQUENCE) || CBS_len(&in) != 0 ||
	    !CBS_get_asn1(&request, &body, CBS_ASN1_SEQUENCE) || !CBS_get_optional_asn1(&request, NULL, NULL, DER_INSIDE(0)) ||
	    CBS_len(&request) != 0)
		return broken(e, "no request in DER");
	return read_body(out, body, e);
}

int mst_ocsp_key_bits(struct mst_slice *out, struct mst_slice spki, struct mst_err *e)
{
	CBS in = mst_der_cbs(spki), inside, bits;
	uint8_t num_unused;
	if (!CBS_get_asn1(&in, &inside, CBS_ASN1_SEQUENCE) || !CBS_get_asn1(&inside, NULL, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&inside, &bits, CBS_ASN1_BITSTRING) || !CBS_get_u8(&bits, &num_unused) || num_unused != 0)
		return mst_fail(e, MST_E_SYNTAX, "a public key is broken");
	*out = mst_der_slice(&bits);
	return 0;
}
