/* SPDX-License-Identifier: Apache-2.0 */
/* Certification requests (RFC 2986): reads and verifies a device's, writes an intermediate CA's. */
#include "muster/csr.h"

#include "issue_own.h"
#include "muster/text.h"
#include "spki_own.h"

static const struct mst_slice oid_common_name = OID(0x55, 0x04, 0x03);
static const struct mst_slice oid_challenge = /* RFC 2985 5.4.1 */
	OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x07);
static const struct mst_slice oid_extensions = /* extensionRequest, 5.4.2 */
	OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e);

#define ATTRIBUTES (CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0)

static struct mst_slice slice_of(const CBS *cbs)
{
	return mst_slice(CBS_data(cbs), CBS_len(cbs));
}

/* DirectoryString or IA5String. */
static bool is_string(unsigned tag)
{
	return tag == CBS_ASN1_UTF8STRING || tag == CBS_ASN1_PRINTABLESTRING ||
	       tag == CBS_ASN1_IA5STRING || tag == CBS_ASN1_T61STRING;
}

static bool read_challenge(struct mst_csr *out, CBS *values)
{
	CBS value;
	unsigned tag;
	if (out->challenge.len || !CBS_get_any_asn1(values, &value, &tag) || CBS_len(values) != 0)
		return false;
	out->challenge = slice_of(&value);
	return is_string(tag) && out->challenge.len >= 1 &&
	       out->challenge.len <= MST_CSR_CHALLENGE_MAX;
}

static bool read_attributes(struct mst_csr *out, CBS *in)
{
	CBS attribute, oid, values;
	while (CBS_len(in)) {
		if (!CBS_get_asn1(in, &attribute, CBS_ASN1_SEQUENCE) ||
		    !CBS_get_asn1(&attribute, &oid, CBS_ASN1_OBJECT) ||
		    !CBS_get_asn1(&attribute, &values, CBS_ASN1_SET) || CBS_len(&attribute) != 0)
			return false;
		if (mst_slice_eq(slice_of(&oid), oid_challenge) && !read_challenge(out, &values))
			return false;
	}
	return true;
}

static bool read_name(struct mst_csr *out, CBS name)
{
	CBS names, set, pair, oid, value;
	unsigned tag;
	if (!CBS_get_asn1(&name, &names, CBS_ASN1_SEQUENCE))
		return false;
	while (CBS_len(&names)) {
		if (!CBS_get_asn1(&names, &set, CBS_ASN1_SET))
			return false;
		while (CBS_len(&set)) {
			if (!CBS_get_asn1(&set, &pair, CBS_ASN1_SEQUENCE) ||
			    !CBS_get_asn1(&pair, &oid, CBS_ASN1_OBJECT) ||
			    !CBS_get_any_asn1(&pair, &value, &tag) || CBS_len(&pair) != 0)
				return false;
			if (mst_slice_eq(slice_of(&oid), oid_common_name))
				out->common_name = slice_of(&value);
		}
	}
	return true;
}

static bool read_body(struct mst_csr *out, CBS in)
{
	CBS body, version, subject, spki, attributes;
	int has_attributes;
	if (!CBS_get_asn1(&in, &body, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&body, &version, CBS_ASN1_INTEGER) ||
	    !CBS_get_asn1_element(&body, &subject, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1_element(&body, &spki, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_optional_asn1(&body, &attributes, &has_attributes, ATTRIBUTES) ||
	    CBS_len(&body) != 0)
		return false;
	out->subject = slice_of(&subject);
	out->spki = slice_of(&spki);
	return read_name(out, subject) && (!has_attributes || read_attributes(out, &attributes));
}

static bool read_whole(struct mst_csr *out, CBS in)
{
	CBS whole, body, alg, oid, bits;
	uint8_t num_unused;
	if (!CBS_get_asn1(&in, &whole, CBS_ASN1_SEQUENCE) || CBS_len(&in) != 0 ||
	    !CBS_get_asn1_element(&whole, &body, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&whole, &alg, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&alg, &oid, CBS_ASN1_OBJECT) ||
	    !CBS_get_asn1(&whole, &bits, CBS_ASN1_BITSTRING) || CBS_len(&whole) != 0 ||
	    !CBS_get_u8(&bits, &num_unused) || num_unused != 0)
		return false;
	out->body = slice_of(&body);
	out->alg = mst_issue_alg_of(slice_of(&oid));
	out->signature = slice_of(&bits);
	return read_body(out, body);
}

int mst_csr_read(struct mst_csr *out, struct mst_slice der, struct mst_err *e)
{
	CBS in;
	*out = (struct mst_csr){.der = der};
	CBS_init(&in, der.at, der.len);
	if (der.len > MST_CSR_MAX || !read_whole(out, in))
		return mst_fail(e, MST_E_SYNTAX, "not a certification request (PKCS#10)");
	return 0;
}

int mst_csr_verify(const struct mst_csr *csr, bool takes_sha1, struct mst_err *e)
{
	return (takes_sha1 ? mst_spki_verify : mst_key_verify)(csr->spki, csr->alg, csr->body,
							       csr->signature, e);
}

static bool put_challenge(CBB *to, const char *challenge)
{
	CBB attribute, type, values, value;
	return CBB_add_asn1(to, &attribute, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&attribute, &type, CBS_ASN1_OBJECT) && put(&type, oid_challenge) &&
	       CBB_add_asn1(&attribute, &values, CBS_ASN1_SET) &&
	       CBB_add_asn1(&values, &value, CBS_ASN1_UTF8STRING) &&
	       put(&value, mst_slice_str(challenge)) && CBB_flush(to);
}

static bool put_extensions(CBB *to, const struct draft *d)
{
	CBB attribute, type, values, list;
	return CBB_add_asn1(to, &attribute, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&attribute, &type, CBS_ASN1_OBJECT) && put(&type, oid_extensions) &&
	       CBB_add_asn1(&attribute, &values, CBS_ASN1_SET) &&
	       CBB_add_asn1(&values, &list, CBS_ASN1_SEQUENCE) &&
	       mst_issue_put_extensions(&list, d, MST_ISSUE_ASKED | MST_ISSUE_NAMED) && CBB_flush(to);
}

static bool put_body(CBB *to, const struct draft *d, const char *challenge)
{
	CBB body, attributes;
	return CBB_add_asn1(to, &body, CBS_ASN1_SEQUENCE) && CBB_add_asn1_uint64(&body, 0) &&
	       mst_issue_put_subject(&body, d->what) && put(&body, d->what->spki) &&
	       CBB_add_asn1(&body, &attributes, ATTRIBUTES) &&
	       (!challenge || put_challenge(&attributes, challenge)) &&
	       put_extensions(&attributes, d) && CBB_flush_asn1_set_of(&attributes) &&
	       CBB_flush(to);
}

static int write_csr(struct mst_slice *out, struct mst_arena *arena, const struct draft *d,
		     const struct mst_key *key, const char *challenge, struct mst_err *e)
{
	struct mst_slice signature;
	CBB body, whole;
	int rc = -1;
	CBB_zero(&body);
	CBB_zero(&whole);
	if (!CBB_init(&body, 1024) || !put_body(&body, d, challenge)) {
		mst_issue_no_memory(e);
		goto out;
	}
	struct mst_slice bytes = mst_slice(CBB_data(&body), CBB_len(&body));
	if (mst_key_sign_as(&signature, arena, key, d->alg, bytes, e) < 0)
		goto out;
	if (!CBB_init(&whole, 1024) || !mst_issue_put_signed(&whole, bytes, d->alg, signature) ||
	    !mst_arena_copy(arena, out, mst_slice(CBB_data(&whole), CBB_len(&whole))))
		mst_issue_no_memory(e);
	else
		rc = 0;
out:
	CBB_cleanup(&body);
	CBB_cleanup(&whole);
	return rc;
}

int mst_csr_write(struct mst_slice *out, struct mst_arena *arena, const struct mst_issue *what,
		  const struct mst_key *key, const char *challenge, struct mst_err *e)
{
	struct mst_issue mine = *what;
	struct draft d = {.what = &mine, .alg = mst_key_alg_for(key, what->hash_bits)};
	if (d.alg == MST_SIG_UNKNOWN)
		return mst_fail(e, MST_E_SYNTAX, "no hash of %u bits", what->hash_bits);
	if (challenge && (!*challenge || strlen(challenge) > MST_CSR_CHALLENGE_MAX ||
			  !mst_utf8_ok(mst_slice_str(challenge))))
		return mst_fail(e, MST_E_SYNTAX, "the challenge is no text of 1 to 256 bytes");
	if (mst_issue_check(what, e) < 0 || mst_key_spki(&mine.spki, arena, key, e) < 0)
		return -1;
	return write_csr(out, arena, &d, key, challenge, e);
}
