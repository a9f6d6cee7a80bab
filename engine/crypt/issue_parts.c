/* SPDX-License-Identifier: Apache-2.0 */
/* The parts certificates and requests consist of (RFC 5280 4.1, RFC 2986), written into a CBB. */
#include "issue_own.h"

#include <arpa/inet.h>

#include <openssl/sha.h>

#include "muster/text.h"

#define DNS_NAME_MAX  253
#define MAIL_NAME_MAX 254 /* RFC 5321 4.5.3.1.3 */
#define URI_MAX       1024
#define UPN_MAX       1024 /* what Active Directory holds */
#define USER_ID_MAX   256 /* RFC 4524 appendix: ub-user-identifier */

#define OID_CE(n) OID(0x55, 0x1d, n)                               /* id-ce, RFC 5280 4.2.1 */
#define OID_KP(n) OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, n) /* id-kp, 4.2.1.12 */

static const struct mst_slice oid_common_name = OID(0x55, 0x04, 0x03);
static const struct mst_slice oid_organization = OID(0x55, 0x04, 0x0a);
static const struct mst_slice oid_user_id = OID(0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01);
static const struct mst_slice oid_key_id = OID_CE(14), oid_key_usage = OID_CE(15);
static const struct mst_slice oid_alt_name = OID_CE(17), oid_basic = OID_CE(19);
static const struct mst_slice oid_authority = OID_CE(35), oid_ext_key_usage = OID_CE(37);
static const struct mst_slice oid_crl_points = OID_CE(31);
static const struct mst_slice oid_access = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01); /* id-pe 1 */
static const struct mst_slice oid_ocsp = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01); /* id-ad 1 */
static const struct mst_slice oid_upn = /* szOID_NT_PRINCIPAL_NAME */
	OID(0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03);
static const struct mst_slice oid_ocsp_nocheck = /* RFC 6960 4.2.2.2.1 */
	OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05);

/* AlgorithmIdentifier, whole (RFC 4055 5, RFC 5758 3.2) */
/* clang-format off */
#define RSA_WITH(n) OID(0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, n, 0x05, 0x00)
#define ECDSA_WITH(n) OID(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, n)
static const struct mst_slice alg_rows[MST_NUM_SIG_ALGS] = {
	[MST_SIG_RSA_SHA1]     = RSA_WITH(0x05), /* read only: no key makes it */
	[MST_SIG_RSA_SHA256]   = RSA_WITH(0x0b),
	[MST_SIG_RSA_SHA384]   = RSA_WITH(0x0c),
	[MST_SIG_RSA_SHA512]   = RSA_WITH(0x0d),
	[MST_SIG_ECDSA_SHA256] = ECDSA_WITH(0x02),
	[MST_SIG_ECDSA_SHA384] = ECDSA_WITH(0x03),
	[MST_SIG_ECDSA_SHA512] = ECDSA_WITH(0x04),
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

bool mst_issue_put_alg(CBB *to, enum mst_sig_alg alg)
{
	return put(to, alg_rows[alg]);
}

/* Parameters are not looked at: some leave RSA's NULL out. */
enum mst_sig_alg mst_issue_alg_of(struct mst_slice oid)
{
	for (size_t i = 0; i < MST_LEN(alg_rows); i++)
		if (alg_rows[i].len && mst_slice_eq(oid, mst_slice(alg_rows[i].at + 4, alg_rows[i].at[3])))
			return (enum mst_sig_alg)i;
	return MST_SIG_UNKNOWN;
}

static bool put_oid(CBB *to, struct mst_slice oid)
{
	CBB inside;
	return CBB_add_asn1(to, &inside, CBS_ASN1_OBJECT) && put(&inside, oid) && CBB_flush(to);
}

/* A positive INTEGER in its shortest form. */
bool mst_issue_put_serial(CBB *to, const uint8_t *serial)
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

bool mst_issue_put_subject(CBB *to, const struct mst_issue *what)
{
	CBB names;
	return CBB_add_asn1(to, &names, CBS_ASN1_SEQUENCE) && put(&names, what->more_subject) &&
	       (!what->user_id || put_attribute(&names, oid_user_id, what->user_id)) &&
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

bool mst_issue_put_validity(CBB *to, const struct mst_issue *what)
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

static bool put_texts(CBB *to, const char *const *texts, unsigned tag)
{
	CBB name;
	for (; texts && *texts; texts++)
		if (!CBB_add_asn1(to, &name, CBS_ASN1_CONTEXT_SPECIFIC | tag) ||
		    !put(&name, mst_slice_str(*texts)))
			return false;
	return CBB_flush(to);
}

/* otherName [0] { type-id, value [0] EXPLICIT } */
static bool put_upns(CBB *to, const char *const *texts)
{
	CBB name, outer, value;
	for (; texts && *texts; texts++)
		if (!CBB_add_asn1(to, &name, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) ||
		    !put_oid(&name, oid_upn) ||
		    !CBB_add_asn1(&name, &outer, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) ||
		    !CBB_add_asn1(&outer, &value, CBS_ASN1_UTF8STRING) ||
		    !put(&value, mst_slice_str(*texts)) || !CBB_flush(to))
			return false;
	return true;
}

/* directoryName [4]: a CHOICE, so its tag is explicit. */
static bool put_names(CBB *to, const struct mst_slice *names)
{
	CBB name, rdns;
	for (; names && names->len; names++)
		if (!CBB_add_asn1(to, &name, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 4) ||
		    !CBB_add_asn1(&name, &rdns, CBS_ASN1_SEQUENCE) || !put(&rdns, *names) || !CBB_flush(to))
			return false;
	return true;
}

/* GeneralName: rfc822Name [1], dNSName [2], uniformResourceIdentifier [6], iPAddress [7] (RFC 5280 4.2.1.6). The lists were
 * checked. */
static bool put_alt_names(CBB *to, const struct draft *d)
{
	CBB names, name;
	uint8_t ip[16];
	if (!CBB_add_asn1(to, &names, CBS_ASN1_SEQUENCE))
		return false;
	if (!put_texts(&names, d->what->emails, 1) || !put_texts(&names, d->what->dns, 2) ||
	    !put_texts(&names, d->what->uris, 6) || !put_upns(&names, d->what->upns) ||
	    !put_names(&names, d->what->names))
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

/* One point, its fullName one URI (RFC 5280 4.2.1.13). */
static bool put_crl_points(CBB *to, const struct draft *d)
{
	CBB points, point, name, full, uri;
	return CBB_add_asn1(to, &points, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&points, &point, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&point, &name, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) &&
	       CBB_add_asn1(&name, &full, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) &&
	       CBB_add_asn1(&full, &uri, CBS_ASN1_CONTEXT_SPECIFIC | 6) &&
	       put(&uri, mst_slice_str(d->what->crl_url)) && CBB_flush(to);
}

static bool put_access(CBB *to, const struct draft *d)
{
	CBB list, access, uri;
	return CBB_add_asn1(to, &list, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&list, &access, CBS_ASN1_SEQUENCE) && put_oid(&access, oid_ocsp) &&
	       CBB_add_asn1(&access, &uri, CBS_ASN1_CONTEXT_SPECIFIC | 6) &&
	       put(&uri, mst_slice_str(d->what->ocsp_url)) && CBB_flush(to);
}

static bool put_null(CBB *to, const struct draft *d)
{
	CBB nothing;
	return CBB_add_asn1(to, &nothing, CBS_ASN1_NULL) && CBB_flush(to);
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
	return (what->dns && *what->dns) || (what->ips && *what->ips) ||
	       (what->uris && *what->uris) || (what->emails && *what->emails) ||
	       (what->upns && *what->upns) || (what->names && what->names->len);
}
static bool wants_crl_points(const struct mst_issue *what)
{
	return what->crl_url && *what->crl_url;
}
static bool wants_access(const struct mst_issue *what)
{
	return what->ocsp_url && *what->ocsp_url;
}
static bool wants_ocsp_nocheck(const struct mst_issue *what)
{
	return what->has_ocsp_nocheck;
}

/* clang-format off */
static const struct {
	uint32_t group; /* MST_ISSUE_* */
	const struct mst_slice *oid;
	bool is_critical;
	bool (*is_wanted)(const struct mst_issue *what);
	bool (*put)(CBB *to, const struct draft *d);
} extension_rows[] = {
	{MST_ISSUE_ASKED, &oid_basic,         true,  always,              put_basic},
	{MST_ISSUE_ASKED, &oid_key_usage,     true,  wants_key_usage,     put_key_usage},
	{MST_ISSUE_ASKED, &oid_ext_key_usage, false, wants_ext_key_usage, put_ext_key_usage},
	{MST_ISSUE_GIVEN, &oid_authority,     false, always,              put_authority},
	{MST_ISSUE_GIVEN, &oid_crl_points,    false, wants_crl_points,    put_crl_points},
	{MST_ISSUE_GIVEN, &oid_access,        false, wants_access,        put_access},
	{MST_ISSUE_GIVEN, &oid_ocsp_nocheck,  false, wants_ocsp_nocheck,  put_null},
	{MST_ISSUE_OWN,   &oid_key_id,        false, always,              put_key_id},
	{MST_ISSUE_NAMED, &oid_alt_name,      false, wants_alt_names,     put_alt_names},
};
/* clang-format on */

bool mst_issue_put_extensions(CBB *list, const struct draft *d, uint32_t groups)
{
	CBB extension, value;
	for (size_t i = 0; i < MST_LEN(extension_rows); i++) {
		if (!(extension_rows[i].group & groups) || !extension_rows[i].is_wanted(d->what))
			continue;
		if (!CBB_add_asn1(list, &extension, CBS_ASN1_SEQUENCE) ||
		    !put_oid(&extension, *extension_rows[i].oid) ||
		    (extension_rows[i].is_critical && !CBB_add_asn1_bool(&extension, 1)) ||
		    !CBB_add_asn1(&extension, &value, CBS_ASN1_OCTETSTRING) ||
		    !extension_rows[i].put(&value, d) || !CBB_flush(list))
			return false;
	}
	return true;
}

bool mst_issue_put_signed(CBB *to, struct mst_slice body, enum mst_sig_alg alg, struct mst_slice sig)
{
	CBB whole, bits;
	return CBB_add_asn1(to, &whole, CBS_ASN1_SEQUENCE) && put(&whole, body) &&
	       put(&whole, alg_rows[alg]) && CBB_add_asn1(&whole, &bits, CBS_ASN1_BITSTRING) &&
	       CBB_add_u8(&bits, 0) && put(&bits, sig) && CBB_flush(to);
}

static bool is_text(const char *text)
{
	struct mst_slice s = mst_slice_str(text);
	bool is_fine = s.len >= 1 && s.len <= MST_NAME_MAX && mst_utf8_ok(s);
	for (size_t i = 0; i < s.len && is_fine; i++)
		is_fine = s.at[i] >= 0x20 && s.at[i] != 0x7f;
	return is_fine;
}

/* Visible ASCII, as IA5String holds it; no space. */
static bool is_visible(const char *text, size_t most)
{
	size_t len = strnlen(text, most + 1);
	bool is_fine = len >= 1 && len <= most;
	for (size_t i = 0; i < len && is_fine; i++)
		is_fine = text[i] > 0x20 && text[i] < 0x7f;
	return is_fine;
}

static int check_texts(const char *const *texts, size_t most, const char *what, struct mst_err *e)
{
	for (; texts && *texts; texts++)
		if (!is_visible(*texts, most))
			return mst_fail(e, MST_E_SYNTAX, "no %s: \"%.60s\"", what, *texts);
	return 0;
}

int mst_issue_check(const struct mst_issue *what, struct mst_err *e)
{
	uint8_t ip[16];
	if (!is_text(what->common_name) || (what->organization && !is_text(what->organization)))
		return mst_fail(e, MST_E_SYNTAX, "a name has 1 to 64 bytes of UTF-8, none a control character");
	if (what->user_id && !is_visible(what->user_id, USER_ID_MAX))
		return mst_fail(e, MST_E_SYNTAX, "a UID has 1 to %d visible characters", USER_ID_MAX);
	if (check_texts(what->dns, DNS_NAME_MAX, "DNS name", e) < 0 ||
	    check_texts(what->emails, MAIL_NAME_MAX, "mail address", e) < 0 ||
	    check_texts(what->uris, URI_MAX, "URI", e) < 0)
		return -1;
	for (const char *const *text = what->upns; text && *text; text++)
		if (!mst_utf8_ok(mst_slice_str(*text)) || !**text || strlen(*text) > UPN_MAX)
			return mst_fail(e, MST_E_SYNTAX, "no user principal name: \"%.60s\"", *text);
	for (const char *const *text = what->ips; text && *text; text++)
		if (inet_pton(strchr(*text, ':') ? AF_INET6 : AF_INET, *text, ip) != 1)
			return mst_fail(e, MST_E_SYNTAX, "no IP address: \"%.60s\"", *text);
	return 0;
}

int mst_issue_check_urls(const struct mst_issue *what, struct mst_err *e)
{
	const char *urls[] = {what->crl_url, what->ocsp_url};
	for (size_t i = 0; i < MST_LEN(urls); i++)
		if (urls[i] && *urls[i] && !is_visible(urls[i], URI_MAX))
			return mst_fail(e, MST_E_SYNTAX, "no URL: \"%.60s\"", urls[i]);
	return 0;
}

/* The key's bits are what SubjectPublicKeyInfo's BIT STRING holds. */
int mst_issue_key_id(uint8_t *out, struct mst_slice spki, struct mst_err *e)
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

void mst_issue_serial(uint8_t out[static SERIAL_LEN])
{
	mst_random(out, SERIAL_LEN);
	out[0] &= 0x7f;
}
