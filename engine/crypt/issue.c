/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and signs X.509 version 3 certificates (RFC 5280). */
#include "muster/crypt.h"

#include <arpa/inet.h>

#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include "muster/text.h"

#define SERIAL_LEN   16
#define KEY_ID_LEN   20 /* the first 160 bits of SHA-256 of the key, RFC 7093 2 (1) */
#define DNS_NAME_MAX 253

#define OID(...)                                                                                   \
	{                                                                                          \
		(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})             \
	}
#define OID_CE(n) OID(0x55, 0x1d, n)                               /* id-ce, RFC 5280 4.2.1 */
#define OID_KP(n) OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, n) /* id-kp, 4.2.1.12 */

static const struct mst_slice oid_common_name = OID(0x55, 0x04, 0x03);
static const struct mst_slice oid_organization = OID(0x55, 0x04, 0x0a);
static const struct mst_slice oid_key_id = OID_CE(14), oid_key_usage = OID_CE(15);
static const struct mst_slice oid_alt_name = OID_CE(17), oid_basic = OID_CE(19);
static const struct mst_slice oid_authority = OID_CE(35), oid_ext_key_usage = OID_CE(37);

/* AlgorithmIdentifier, whole (RFC 4055 5, RFC 5758 3.2) */
/* clang-format off */
static const struct mst_slice alg_rows[MST_NUM_SIG_ALGS] = {
	[MST_SIG_RSA_SHA256] = OID(0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00),
	[MST_SIG_ECDSA_SHA256] = OID(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02),
	[MST_SIG_ECDSA_SHA384] = OID(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03),
};
static const struct {
	uint32_t bit;
	struct mst_slice oid;
} eku_rows[] = {
	{MST_EKU_SERVER, OID_KP(1)},
	{MST_EKU_CLIENT, OID_KP(2)},
	{MST_EKU_EMAIL,  OID_KP(4)},
	{MST_EKU_OCSP,   OID_KP(9)},
};
/* clang-format on */

/* What the writers below share. */
struct draft {
	const struct mst_issue *what;
	struct mst_cert ca; /* zero for a self-signed one */
	enum mst_sig_alg alg;
	uint8_t serial[SERIAL_LEN];
	uint8_t key_id[KEY_ID_LEN], ca_key_id[KEY_ID_LEN];
	struct mst_slice authority; /* the issuer's key id */
};

static bool put(CBB *to, struct mst_slice bytes)
{
	return CBB_add_bytes(to, bytes.at, bytes.len);
}

static bool put_oid(CBB *to, struct mst_slice oid)
{
	CBB inside;
	return CBB_add_asn1(to, &inside, CBS_ASN1_OBJECT) && put(&inside, oid) && CBB_flush(to);
}

/* A positive INTEGER in its shortest form. */
static bool put_serial(CBB *to, const uint8_t *serial)
{
	CBB number;
	size_t skip = 0;
	while (skip < SERIAL_LEN - 1 && serial[skip] == 0)
		skip++;
	return CBB_add_asn1(to, &number, CBS_ASN1_INTEGER) &&
	       (serial[skip] < 0x80 || CBB_add_u8(&number, 0)) &&
	       CBB_add_bytes(&number, serial + skip, SERIAL_LEN - skip) && CBB_flush(to);
}

static bool put_attribute(CBB *names, struct mst_slice type, const char *text)
{
	CBB set, pair, value;
	return CBB_add_asn1(names, &set, CBS_ASN1_SET) &&
	       CBB_add_asn1(&set, &pair, CBS_ASN1_SEQUENCE) && put_oid(&pair, type) &&
	       CBB_add_asn1(&pair, &value, CBS_ASN1_UTF8STRING) &&
	       put(&value, mst_slice_str(text)) && CBB_flush(names);
}

static bool put_subject(CBB *to, const struct mst_issue *what)
{
	CBB names;
	return CBB_add_asn1(to, &names, CBS_ASN1_SEQUENCE) &&
	       (!what->organization ||
		put_attribute(&names, oid_organization, what->organization)) &&
	       put_attribute(&names, oid_common_name, what->common_name) && CBB_flush(to);
}

static bool put_time(CBB *to, int64_t s)
{
	CBB time;
	char text[MST_CERT_TIME_ROOM];
	size_t len = mst_cert_time_text(text, s);
	unsigned tag = len == 13 ? CBS_ASN1_UTCTIME : CBS_ASN1_GENERALIZEDTIME;
	return CBB_add_asn1(to, &time, tag) && CBB_add_bytes(&time, (const uint8_t *)text, len) &&
	       CBB_flush(to);
}

static bool put_validity(CBB *to, const struct mst_issue *what)
{
	CBB times;
	return CBB_add_asn1(to, &times, CBS_ASN1_SEQUENCE) && put_time(&times, what->not_before) &&
	       put_time(&times, what->not_after) && CBB_flush(to);
}

static bool put_basic(CBB *to, const struct draft *d)
{
	CBB basic;
	return CBB_add_asn1(to, &basic, CBS_ASN1_SEQUENCE) &&
	       (!d->what->is_ca || CBB_add_asn1_bool(&basic, 1)) &&
	       (!d->what->is_ca || !d->what->has_path_len ||
		CBB_add_asn1_uint64(&basic, d->what->path_len)) &&
	       CBB_flush(to);
}

/* A named bit list: no zero bits at its end (X.690 11.2.2). Bit 0 is the highest of the byte. */
static bool put_key_usage(CBB *to, const struct draft *d)
{
	CBB bits;
	uint8_t byte = 0, num_unused = 7;
	for (unsigned n = 0; n < 8; n++) {
		if (d->what->key_usage & MST_B(n)) {
			byte |= (uint8_t)(0x80 >> n);
			num_unused = (uint8_t)(7 - n);
		}
	}
	return CBB_add_asn1(to, &bits, CBS_ASN1_BITSTRING) && CBB_add_u8(&bits, num_unused) &&
	       CBB_add_u8(&bits, byte) && CBB_flush(to);
}

static bool put_ext_key_usage(CBB *to, const struct draft *d)
{
	CBB list;
	if (!CBB_add_asn1(to, &list, CBS_ASN1_SEQUENCE))
		return false;
	for (size_t i = 0; i < MST_LEN(eku_rows); i++)
		if (d->what->ext_key_usage & eku_rows[i].bit && !put_oid(&list, eku_rows[i].oid))
			return false;
	return CBB_flush(to);
}

static bool put_key_id(CBB *to, const struct draft *d)
{
	return CBB_add_asn1_octet_string(to, d->key_id, sizeof(d->key_id));
}

static bool put_authority(CBB *to, const struct draft *d)
{
	CBB list, id;
	return CBB_add_asn1(to, &list, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&list, &id, CBS_ASN1_CONTEXT_SPECIFIC | 0) && put(&id, d->authority) &&
	       CBB_flush(to);
}

/* GeneralName: dNSName [2], iPAddress [7] (RFC 5280 4.2.1.6). Both lists were checked. */
static bool put_alt_names(CBB *to, const struct draft *d)
{
	CBB names, name;
	uint8_t ip[16];
	if (!CBB_add_asn1(to, &names, CBS_ASN1_SEQUENCE))
		return false;
	for (const char *const *dns = d->what->dns; dns && *dns; dns++)
		if (!CBB_add_asn1(&names, &name, CBS_ASN1_CONTEXT_SPECIFIC | 2) ||
		    !put(&name, mst_slice_str(*dns)))
			return false;
	for (const char *const *text = d->what->ips; text && *text; text++) {
		bool is_v6 = strchr(*text, ':') != NULL;
		if (inet_pton(is_v6 ? AF_INET6 : AF_INET, *text, ip) != 1 ||
		    !CBB_add_asn1(&names, &name, CBS_ASN1_CONTEXT_SPECIFIC | 7) ||
		    !CBB_add_bytes(&name, ip, is_v6 ? 16 : 4))
			return false;
	}
	return CBB_flush(to);
}

static bool always(const struct mst_issue *what)
{
	return true;
}
static bool wants_key_usage(const struct mst_issue *what)
{
	return what->key_usage != 0;
}
static bool wants_ext_key_usage(const struct mst_issue *what)
{
	return what->ext_key_usage != 0;
}
static bool wants_alt_names(const struct mst_issue *what)
{
	return (what->dns && *what->dns) || (what->ips && *what->ips);
}

static const struct {
	const struct mst_slice *oid;
	bool is_critical;
	bool (*is_wanted)(const struct mst_issue *what);
	bool (*put)(CBB *to, const struct draft *d);
} extension_rows[] = {
	{&oid_basic, true, always, put_basic},
	{&oid_key_usage, true, wants_key_usage, put_key_usage},
	{&oid_ext_key_usage, false, wants_ext_key_usage, put_ext_key_usage},
	{&oid_key_id, false, always, put_key_id},
	{&oid_authority, false, always, put_authority},
	{&oid_alt_name, false, wants_alt_names, put_alt_names},
};

static bool put_extensions(CBB *to, const struct draft *d)
{
	CBB wrapped, list, extension, value;
	if (!CBB_add_asn1(to, &wrapped, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 3) ||
	    !CBB_add_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE))
		return false;
	for (size_t i = 0; i < MST_LEN(extension_rows); i++) {
		if (!extension_rows[i].is_wanted(d->what))
			continue;
		if (!CBB_add_asn1(&list, &extension, CBS_ASN1_SEQUENCE) ||
		    !put_oid(&extension, *extension_rows[i].oid) ||
		    (extension_rows[i].is_critical && !CBB_add_asn1_bool(&extension, 1)) ||
		    !CBB_add_asn1(&extension, &value, CBS_ASN1_OCTETSTRING) ||
		    !extension_rows[i].put(&value, d) || !CBB_flush(&list))
			return false;
	}
	return CBB_flush(to);
}

static bool put_tbs(CBB *to, const struct draft *d)
{
	CBB tbs, version;
	return CBB_add_asn1(to, &tbs, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&tbs, &version, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) &&
	       CBB_add_asn1_uint64(&version, 2) && put_serial(&tbs, d->serial) &&
	       put(&tbs, alg_rows[d->alg]) &&
	       (d->ca.subject.len ? put(&tbs, d->ca.subject) : put_subject(&tbs, d->what)) &&
	       put_validity(&tbs, d->what) && put_subject(&tbs, d->what) &&
	       put(&tbs, d->what->spki) && put_extensions(&tbs, d) && CBB_flush(to);
}

static bool put_signed(CBB *to, struct mst_slice tbs, enum mst_sig_alg alg, struct mst_slice sig)
{
	CBB cert, bits;
	return CBB_add_asn1(to, &cert, CBS_ASN1_SEQUENCE) && put(&cert, tbs) &&
	       put(&cert, alg_rows[alg]) && CBB_add_asn1(&cert, &bits, CBS_ASN1_BITSTRING) &&
	       CBB_add_u8(&bits, 0) && put(&bits, sig) && CBB_flush(to);
}

static int no_memory(struct mst_err *e)
{
	ERR_clear_error();
	return mst_fail(e, MST_E_BUSY, "no memory for a certificate");
}

static bool is_text(const char *text)
{
	struct mst_slice s = mst_slice_str(text);
	bool is_fine = s.len >= 1 && s.len <= MST_NAME_MAX && mst_utf8_ok(s);
	for (size_t i = 0; i < s.len && is_fine; i++)
		is_fine = s.at[i] >= 0x20 && s.at[i] != 0x7f;
	return is_fine;
}

static int check_alt_names(const struct mst_issue *what, struct mst_err *e)
{
	uint8_t ip[16];
	for (const char *const *dns = what->dns; dns && *dns; dns++) {
		struct mst_slice s = mst_slice_str(*dns);
		bool is_fine = s.len >= 1 && s.len <= DNS_NAME_MAX;
		for (size_t i = 0; i < s.len && is_fine; i++)
			is_fine = s.at[i] > 0x20 && s.at[i] < 0x7f;
		if (!is_fine)
			return mst_fail(e, MST_E_SYNTAX, "no DNS name: \"%.60s\"", *dns);
	}
	for (const char *const *text = what->ips; text && *text; text++)
		if (inet_pton(strchr(*text, ':') ? AF_INET6 : AF_INET, *text, ip) != 1)
			return mst_fail(e, MST_E_SYNTAX, "no IP address: \"%.60s\"", *text);
	return 0;
}

/* The key's bits are what SubjectPublicKeyInfo's BIT STRING holds. */
static int key_id_of(uint8_t *out, struct mst_slice spki, struct mst_err *e)
{
	CBS in, inside, alg, bits;
	uint8_t hash[SHA256_DIGEST_LENGTH], num_unused;
	CBS_init(&in, spki.at, spki.len);
	if (!CBS_get_asn1(&in, &inside, CBS_ASN1_SEQUENCE) || CBS_len(&in) != 0 ||
	    !CBS_get_asn1(&inside, &alg, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&inside, &bits, CBS_ASN1_BITSTRING) || !CBS_get_u8(&bits, &num_unused))
		return mst_fail(e, MST_E_SYNTAX, "no public key (SubjectPublicKeyInfo)");
	SHA256(CBS_data(&bits), CBS_len(&bits), hash);
	memcpy(out, hash, KEY_ID_LEN);
	return 0;
}

static int prepare(struct draft *d, struct mst_slice ca_cert, struct mst_err *e)
{
	if (!is_text(d->what->common_name) ||
	    (d->what->organization && !is_text(d->what->organization)))
		return mst_fail(e, MST_E_SYNTAX,
				"a name has 1 to 64 bytes of UTF-8, none a control character");
	if (d->what->not_after <= d->what->not_before)
		return mst_fail(e, MST_E_SYNTAX, "the certificate would end before it begins");
	if (check_alt_names(d->what, e) < 0 || key_id_of(d->key_id, d->what->spki, e) < 0)
		return -1;
	d->authority = mst_slice(d->key_id, KEY_ID_LEN);
	if (ca_cert.len) {
		if (mst_cert_parse(&d->ca, ca_cert, e) < 0)
			return -1;
		d->authority = d->ca.key_id;
		if (d->authority.len == 0) {
			if (key_id_of(d->ca_key_id, d->ca.spki, e) < 0)
				return -1;
			d->authority = mst_slice(d->ca_key_id, KEY_ID_LEN);
		}
	}
	mst_random(d->serial, sizeof(d->serial));
	d->serial[0] &= 0x7f;
	return 0;
}

int mst_issue_write(struct mst_slice *out, struct mst_arena *arena, const struct mst_issue *what,
		    struct mst_slice ca_cert, const struct mst_key *ca_key, uint8_t *serial,
		    struct mst_err *e)
{
	struct draft d = {.what = what, .alg = mst_key_alg(ca_key)};
	struct mst_slice signature;
	CBB tbs, cert;
	int rc = -1;
	if (prepare(&d, ca_cert, e) < 0)
		return -1;
	CBB_zero(&tbs);
	CBB_zero(&cert);
	if (!CBB_init(&tbs, 1024) || !put_tbs(&tbs, &d)) {
		no_memory(e);
		goto out;
	}
	struct mst_slice tbs_bytes = mst_slice(CBB_data(&tbs), CBB_len(&tbs));
	if (mst_key_sign(&signature, arena, ca_key, tbs_bytes, e) < 0)
		goto out;
	if (!CBB_init(&cert, 1024) || !put_signed(&cert, tbs_bytes, d.alg, signature) ||
	    !mst_arena_copy(arena, out, mst_slice(CBB_data(&cert), CBB_len(&cert)))) {
		no_memory(e);
		goto out;
	}
	if (serial)
		memcpy(serial, d.serial, sizeof(d.serial));
	rc = 0;
out:
	CBB_cleanup(&tbs);
	CBB_cleanup(&cert);
	return rc;
}
