/* SPDX-License-Identifier: Apache-2.0 */
/* Reads PKCS#12 files (RFC 7292 4): MAC first, then safes, then bags. */
#include "p12_own.h"

#include <openssl/err.h>
#include <openssl/hmac.h>

#include "muster/text.h"

#define PKCS12(...) OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, __VA_ARGS__)
#define PKCS9(...)  OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, __VA_ARGS__)
#define SAFES_MAX   16 /* one for certificates, one for keys */
#define BAGS_MAX    64
#define NEST_MAX    4 /* safes within safes: nobody is known to write them */

const struct mst_slice mst_p12_oid_key = PKCS12(0x01);
const struct mst_slice mst_p12_oid_shrouded = PKCS12(0x02);
const struct mst_slice mst_p12_oid_cert = PKCS12(0x03);
const struct mst_slice mst_p12_oid_safe = PKCS12(0x06);
const struct mst_slice mst_p12_oid_name = PKCS9(0x14);
const struct mst_slice mst_p12_oid_local_id = PKCS9(0x15);
const struct mst_slice mst_p12_oid_x509 = PKCS9(0x16, 0x01);
const struct mst_slice mst_p12_oid_encrypted =
	OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06);

struct reading {
	struct mst_p12 *out;
	struct mst_arena *arena;
	struct mst_p12_pass pass;
	size_t num_bags;
	struct mst_err *e;
};

static int broken(struct mst_err *e, const char *what)
{
	return mst_fail(e, MST_E_SYNTAX, "PKCS#12: %s", what);
}

static int closed(struct mst_err *e)
{
	return mst_fail(e, MST_E_CRYPTO, "PKCS#12: cannot be opened");
}

static bool mac_fits(struct mst_slice content, struct mst_slice said, const EVP_MD *md,
		     struct mst_slice wide, struct mst_slice salt, uint32_t rounds)
{
	uint8_t key[EVP_MAX_MD_SIZE], mac[EVP_MAX_MD_SIZE];
	unsigned len;
	bool fits = mst_p12_derive(key, EVP_MD_size(md), MST_P12_ID_MAC, md, wide, salt, rounds) &&
		    HMAC(md, key, EVP_MD_size(md), content.at, content.len, mac, &len) &&
		    mst_slice_same_secret(mst_slice(mac, len), said);
	mst_wipe(key, sizeof(key));
	return fits;
}

/* MacData ::= SEQUENCE {DigestInfo, salt, iterations DEFAULT 1}. A file without one has no
 * integrity and is not taken. */
static int check_mac(struct reading *r, CBS *from, struct mst_slice content)
{
	CBS data, info, params, said, salt;
	struct mst_slice oid;
	uint64_t rounds = 1;
	if (CBS_len(from) == 0)
		return mst_fail(r->e, MST_E_DENIED, "PKCS#12: a file without a MAC is not taken");
	if (!CBS_get_asn1(from, &data, CBS_ASN1_SEQUENCE) || CBS_len(from) != 0 ||
	    !CBS_get_asn1(&data, &info, CBS_ASN1_SEQUENCE) || !mst_der_alg(&oid, &params, &info) ||
	    !CBS_get_asn1(&info, &said, CBS_ASN1_OCTETSTRING) || CBS_len(&info) != 0 ||
	    !CBS_get_asn1(&data, &salt, CBS_ASN1_OCTETSTRING) || CBS_len(&salt) == 0 ||
	    CBS_len(&salt) > P12_SALT_MAX ||
	    (CBS_len(&data) && !CBS_get_asn1_uint64(&data, &rounds)) || CBS_len(&data) != 0)
		return broken(r->e, "the MAC is broken");
	enum mst_cms_digest digest = mst_cms_digest_of(oid);
	if (digest == MST_CMS_NUM_DIGESTS || !mst_der_is_plain(params))
		return mst_fail(r->e, MST_E_DENIED, "PKCS#12: a MAC that is not taken");
	if (!mst_p12_pass_spend(&r->pass, rounds))
		return broken(r->e, "the MAC is too costly");
	const EVP_MD *md = mst_cms_digest_rows[digest].md();
	struct mst_slice wide = mst_slice(r->pass.wide, r->pass.wide_len);
	if (mac_fits(content, mst_der_slice(&said), md, wide, mst_der_slice(&salt),
		     (uint32_t)rounds))
		return 0;
	/* An empty password is two zeros for some writers and nothing for others. */
	if (r->pass.text.len || !mst_p12_pass_spend(&r->pass, rounds) ||
	    !mac_fits(content, mst_der_slice(&said), md, mst_slice(r->pass.wide, 0),
		      mst_der_slice(&salt), (uint32_t)rounds))
		return closed(r->e);
	r->pass.wide_len = 0;
	return 0;
}

static int read_name(struct reading *r, struct mst_slice *out, struct mst_slice wide)
{
	if (wide.len > 2 * MST_P12_NAME_MAX)
		return broken(r->e, "a name is too long");
	uint8_t *text = mst_arena_get(r->arena, wide.len / 2 * 3);
	if (!text)
		return mst_fail(r->e, MST_E_BUSY, "no memory for a name");
	out->at = text;
	/* A name is for people: one that is no Unicode is left out. */
	if (!mst_p12_narrow(text, &out->len, wide))
		out->len = 0;
	return 0;
}

/* bagAttributes SET OF SEQUENCE {OID, SET OF value} OPTIONAL; others than the two are passed over.
 */
static int read_attrs(struct reading *r, struct mst_p12_item *out, CBS *from)
{
	CBS set, attr, oid, values, value;
	unsigned tag;
	if (CBS_len(from) == 0)
		return 0;
	if (!CBS_get_asn1(from, &set, CBS_ASN1_SET) || CBS_len(from) != 0)
		return broken(r->e, "the attributes of a bag are broken");
	while (CBS_len(&set)) {
		if (!CBS_get_asn1(&set, &attr, CBS_ASN1_SEQUENCE) ||
		    !CBS_get_asn1(&attr, &oid, CBS_ASN1_OBJECT) ||
		    !CBS_get_asn1(&attr, &values, CBS_ASN1_SET) || CBS_len(&attr) != 0)
			return broken(r->e, "an attribute of a bag is broken");
		if (!CBS_get_any_asn1(&values, &value, &tag))
			continue;
		if (tag == CBS_ASN1_OCTETSTRING &&
		    mst_slice_eq(mst_der_slice(&oid), mst_p12_oid_local_id))
			out->local_id = mst_der_slice(&value);
		else if (tag == 30 /* BMPString */ &&
			 mst_slice_eq(mst_der_slice(&oid), mst_p12_oid_name) &&
			 read_name(r, &out->name, mst_der_slice(&value)) < 0)
			return -1;
	}
	return 0;
}

/* CertBag ::= SEQUENCE {OID, [0] EXPLICIT OCTET STRING} */
static int read_cert(struct reading *r, struct mst_p12_item *out, CBS value)
{
	CBS bag, oid, wrapped, der;
	if (!CBS_get_asn1(&value, &bag, CBS_ASN1_SEQUENCE) || CBS_len(&value) != 0 ||
	    !CBS_get_asn1(&bag, &oid, CBS_ASN1_OBJECT) ||
	    !CBS_get_asn1(&bag, &wrapped, DER_INSIDE(0)) || CBS_len(&bag) != 0 ||
	    !CBS_get_asn1(&wrapped, &der, CBS_ASN1_OCTETSTRING) || CBS_len(&wrapped) != 0)
		return broken(r->e, "a certificate bag is broken");
	if (!mst_slice_eq(mst_der_slice(&oid), mst_p12_oid_x509))
		return broken(r->e, "a certificate is no X.509");
	out->der = mst_der_slice(&der);
	return 0;
}

/* PrivateKeyInfo as it is; only that it is one SEQUENCE is looked at. */
static int read_key(struct reading *r, struct mst_p12_item *out, CBS value)
{
	CBS all = value;
	if (!CBS_get_asn1(&value, NULL, CBS_ASN1_SEQUENCE) || CBS_len(&value) != 0)
		return broken(r->e, "a private key is broken");
	out->der = mst_der_slice(&all);
	return 0;
}

/* EncryptedPrivateKeyInfo ::= SEQUENCE {AlgorithmIdentifier, OCTET STRING} */
static int read_shrouded(struct reading *r, struct mst_p12_item *out, CBS value)
{
	CBS info, params, encrypted;
	struct mst_slice oid, plain, der;
	if (!CBS_get_asn1(&value, &info, CBS_ASN1_SEQUENCE) || CBS_len(&value) != 0 ||
	    !mst_der_alg(&oid, &params, &info) ||
	    !CBS_get_asn1(&info, &encrypted, CBS_ASN1_OCTETSTRING) || CBS_len(&info) != 0)
		return broken(r->e, "an encrypted key is broken");
	if (mst_p12_decrypt(&plain, r->arena, oid, params, mst_der_slice(&encrypted), &r->pass,
			    r->e) < 0)
		return -1;
	if (mst_ber_to_der(&der, r->arena, plain, r->e) < 0)
		return -1;
	return read_key(r, out, mst_der_cbs(der));
}

static int read_bags(struct reading *r, CBS list, unsigned depth);

static int read_safe(struct reading *r, CBS value, unsigned depth)
{
	CBS list;
	if (depth == NEST_MAX || !CBS_get_asn1(&value, &list, CBS_ASN1_SEQUENCE) ||
	    CBS_len(&value) != 0)
		return broken(r->e, "a safe within a safe is broken");
	return read_bags(r, list, depth + 1);
}

/* Gives the next place of a list, NULL when it is full. */
static struct mst_p12_item *next(struct mst_p12_item *items, size_t *num, size_t most)
{
	return *num < most ? &items[(*num)++] : NULL;
}

/* SafeBag ::= SEQUENCE {OID, [0] EXPLICIT value, attributes OPTIONAL} */
static int read_bag(struct reading *r, CBS bag, unsigned depth)
{
	CBS id, value;
	struct mst_p12 *out = r->out;
	struct mst_p12_item *item;
	if (!CBS_get_asn1(&bag, &id, CBS_ASN1_OBJECT) || !CBS_get_asn1(&bag, &value, DER_INSIDE(0)))
		return broken(r->e, "a bag is broken");
	struct mst_slice oid = mst_der_slice(&id);
	if (mst_slice_eq(oid, mst_p12_oid_safe))
		return read_safe(r, value, depth);
	bool is_cert = mst_slice_eq(oid, mst_p12_oid_cert),
	     is_plain = mst_slice_eq(oid, mst_p12_oid_key);
	if (!is_cert && !is_plain && !mst_slice_eq(oid, mst_p12_oid_shrouded))
		return 0; /* CRLs and secrets are nothing for us */
	item = is_cert ? next(out->certs, &out->num_certs, MST_P12_CERTS_MAX)
		       : next(out->keys, &out->num_keys, MST_P12_KEYS_MAX);
	if (!item)
		return mst_fail(r->e, MST_E_TOO_BIG, "PKCS#12: too many certificates or keys");
	int rc = is_cert    ? read_cert(r, item, value)
		 : is_plain ? read_key(r, item, value)
			    : read_shrouded(r, item, value);
	return rc < 0 ? -1 : read_attrs(r, item, &bag);
}

static int read_bags(struct reading *r, CBS list, unsigned depth)
{
	CBS bag;
	while (CBS_len(&list)) {
		if (r->num_bags++ == BAGS_MAX)
			return mst_fail(r->e, MST_E_TOO_BIG, "PKCS#12: too many bags");
		if (!CBS_get_asn1(&list, &bag, CBS_ASN1_SEQUENCE))
			return broken(r->e, "a bag is broken");
		if (read_bag(r, bag, depth) < 0)
			return -1;
	}
	return 0;
}

/* EncryptedData ::= SEQUENCE {version, SEQUENCE {OID, AlgorithmIdentifier, [0] IMPLICIT OCTET
 * STRING}} */
static int open_safe(struct reading *r, struct mst_slice *out, CBS content)
{
	CBS data, info, type, params;
	struct mst_slice oid, encrypted;
	uint64_t version;
	if (!CBS_get_asn1(&content, &data, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1_uint64(&data, &version) ||
	    !CBS_get_asn1(&data, &info, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&info, &type, CBS_ASN1_OBJECT) ||
	    !mst_slice_eq(mst_der_slice(&type), mst_cms_oid_data) ||
	    !mst_der_alg(&oid, &params, &info))
		return broken(r->e, "an encrypted safe is broken");
	if (mst_ber_implicit(&encrypted, r->arena, &info, 0, r->e) < 0)
		return -1;
	return mst_p12_decrypt(out, r->arena, oid, params, encrypted, &r->pass, r->e);
}

/* One ContentInfo of the AuthenticatedSafe: in clear or encrypted. */
static int read_content(struct reading *r, CBS *from)
{
	CBS content, bytes, list;
	struct mst_slice type, plain, der;
	if (!mst_der_content(&type, &content, from))
		return broken(r->e, "a safe is broken");
	if (mst_slice_eq(type, mst_cms_oid_data)) {
		if (!CBS_get_asn1(&content, &bytes, CBS_ASN1_OCTETSTRING))
			return broken(r->e, "a safe is broken");
		plain = mst_der_slice(&bytes);
	} else if (!mst_slice_eq(type, mst_p12_oid_encrypted)) {
		return mst_fail(r->e, MST_E_DENIED,
				"PKCS#12: a safe that is not under the password is not taken");
	} else if (open_safe(r, &plain, content) < 0) {
		return -1;
	}
	if (mst_ber_to_der(&der, r->arena, plain, r->e) < 0)
		return -1;
	content = mst_der_cbs(der);
	if (!CBS_get_asn1(&content, &list, CBS_ASN1_SEQUENCE))
		return broken(r->e, "a safe is broken");
	return read_bags(r, list, 0);
}

static int read_safes(struct reading *r, struct mst_slice content)
{
	struct mst_slice der;
	CBS in, list;
	if (mst_ber_to_der(&der, r->arena, content, r->e) < 0)
		return -1;
	in = mst_der_cbs(der);
	if (!CBS_get_asn1(&in, &list, CBS_ASN1_SEQUENCE))
		return broken(r->e, "the list of safes is broken");
	for (size_t num = 0; CBS_len(&list); num++) {
		if (num == SAFES_MAX)
			return mst_fail(r->e, MST_E_TOO_BIG, "PKCS#12: too many safes");
		if (read_content(r, &list) < 0)
			return -1;
	}
	return 0;
}

/* PFX ::= SEQUENCE {version 3, ContentInfo, MacData OPTIONAL} */
static int read_file(struct reading *r, struct mst_slice in)
{
	CBS all, file, content, bytes;
	struct mst_slice der, type;
	uint64_t version;
	if (in.len > MST_P12_MAX)
		return mst_fail(r->e, MST_E_TOO_BIG, "PKCS#12: over %u bytes", MST_P12_MAX);
	if (mst_ber_to_der(&der, r->arena, in, r->e) < 0)
		return -1;
	all = mst_der_cbs(der);
	if (!CBS_get_asn1(&all, &file, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1_uint64(&file, &version) || version != 3 ||
	    !mst_der_content(&type, &content, &file))
		return broken(r->e, "no file of version 3");
	if (!mst_slice_eq(type, mst_cms_oid_data))
		return mst_fail(r->e, MST_E_DENIED,
				"PKCS#12: a file signed with a key is not taken");
	if (!CBS_get_asn1(&content, &bytes, CBS_ASN1_OCTETSTRING) || CBS_len(&content) != 0)
		return broken(r->e, "no file of version 3");
	if (check_mac(r, &file, mst_der_slice(&bytes)) < 0)
		return -1;
	return read_safes(r, mst_der_slice(&bytes));
}

int mst_p12_read(struct mst_p12 *out, struct mst_arena *arena, struct mst_slice in,
		 struct mst_slice password, uint32_t rounds_max, struct mst_err *e)
{
	struct reading r = {.out = out, .arena = arena, .e = e};
	if (rounds_max == 0 || rounds_max > MST_P12_ROUNDS_MAX)
		rounds_max = MST_P12_ROUNDS_MAX;
	*out = (struct mst_p12){0};
	if (mst_p12_pass_init(&r.pass, password, rounds_max, e) < 0)
		return -1;
	int rc = read_file(&r, in);
	mst_wipe(&r.pass, sizeof(r.pass));
	return rc;
}

/* The public half of a PKCS#8 key as SubjectPublicKeyInfo; false when it is no key we know. */
static bool public_of(CBB *out, struct mst_slice key)
{
	CBS in = mst_der_cbs(key);
	EVP_PKEY *pkey = EVP_parse_private_key(&in);
	bool is_done =
		pkey && CBB_init(out, 512) && EVP_marshal_public_key(out, pkey) && CBB_flush(out);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return is_done;
}

int mst_p12_identity(struct mst_p12_identity *out, const struct mst_p12 *in, struct mst_err *e)
{
	struct mst_cert cert;
	CBB spki;
	*out = (struct mst_p12_identity){0};
	if (in->num_keys != 1)
		return broken(e, "there must be exactly one private key");
	out->key = in->keys[0].der;
	out->name = in->keys[0].name;
	CBB_zero(&spki);
	bool is_key = public_of(&spki, out->key);
	for (size_t i = 0; i < in->num_certs; i++) {
		bool is_its = is_key && out->cert.len == 0 &&
			      mst_cert_parse(&cert, in->certs[i].der, NULL) == 0 &&
			      mst_slice_eq(cert.spki, mst_slice(CBB_data(&spki), CBB_len(&spki)));
		if (!is_its) {
			out->chain[out->num_chain++] = in->certs[i].der;
			continue;
		}
		out->cert = in->certs[i].der;
		if (in->certs[i].name.len)
			out->name = in->certs[i].name;
	}
	CBB_cleanup(&spki);
	return out->cert.len ? 0 : broken(e, "there is no certificate for the private key");
}
