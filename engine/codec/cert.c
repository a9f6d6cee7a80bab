/* SPDX-License-Identifier: Apache-2.0 */
/* Reads X.509 certificates (RFC 5280) strictly, as slices. */
#include "muster/cert.h"

#include <openssl/bytestring.h>

#include "muster/text.h"

#define SERIAL_MAX 21 /* 20 octets (RFC 5280 4.1.2.2) and the zero some writers put in front */

#define OID(...)                                                                                   \
	{                                                                                          \
		(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})             \
	}

/* clang-format off */
static const struct {
	struct mst_slice oid;
	enum mst_sig_alg alg;
	bool has_null; /* RSA: parameters are NULL (RFC 4055 5); ECDSA: absent (RFC 5758 3.2) */
} alg_rows[] = {
	{OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05), MST_SIG_RSA_SHA1,     true},
	{OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b), MST_SIG_RSA_SHA256,   true},
	{OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c), MST_SIG_RSA_SHA384,   true},
	{OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d), MST_SIG_RSA_SHA512,   true},
	{OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02),       MST_SIG_ECDSA_SHA256, false},
	{OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03),       MST_SIG_ECDSA_SHA384, false},
	{OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04),       MST_SIG_ECDSA_SHA512, false},
};
/* id-kp, RFC 5280 4.2.1.12: 1.3.6.1.5.5.7.3.n */
static const struct {
	struct mst_slice oid;
	uint32_t bit;
} eku_rows[] = {
	{OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01), MST_EKU_SERVER},
	{OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02), MST_EKU_CLIENT},
	{OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x04), MST_EKU_EMAIL},
	{OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09), MST_EKU_OCSP},
	{OID(0x55, 0x1d, 0x25, 0x00),                         MST_EKU_ANY},
};
/* clang-format on */
static const struct mst_slice oid_common_name = OID(0x55, 0x04, 0x03);
static const struct mst_slice oid_user_id = OID(0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01); /* RFC 4519 2.39 */

static int broken(struct mst_err *e, const char *what)
{
	return mst_fail(e, MST_E_SYNTAX, "certificate: %s", what);
}

static struct mst_slice slice_of(const CBS *cbs)
{
	return mst_slice(CBS_data(cbs), CBS_len(cbs));
}

/* AlgorithmIdentifier. False when it is no DER; an algorithm that is not in the table is UNKNOWN.
 */
static bool read_alg(enum mst_sig_alg *out, CBS alg)
{
	CBS oid, null;
	if (!CBS_get_asn1(&alg, &oid, CBS_ASN1_OBJECT))
		return false;
	*out = MST_SIG_UNKNOWN;
	for (size_t i = 0; i < MST_LEN(alg_rows); i++) {
		if (!mst_slice_eq(slice_of(&oid), alg_rows[i].oid))
			continue;
		if (alg_rows[i].has_null &&
		    (!CBS_get_asn1(&alg, &null, CBS_ASN1_NULL) || CBS_len(&null) != 0))
			return false;
		*out = alg_rows[i].alg;
		return CBS_len(&alg) == 0;
	}
	return true;
}

/* Reads `num` decimal digits. */
static bool read_digits(int64_t *out, CBS *text, size_t num)
{
	int64_t value = 0;
	for (size_t i = 0; i < num; i++) {
		uint8_t c;
		if (!CBS_get_u8(text, &c) || c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*out = value;
	return true;
}

/* Days since 1970 of a Gregorian date, by eras of 400 years that begin on 1 March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_date(int64_t year, int64_t month, int64_t day)
{
	static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (month < 1 || month > 12 || day < 1)
		return false;
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= days[month - 1] + (month == 2 && is_leap);
}

/* UTCTime YYMMDDHHMMSSZ or GeneralizedTime YYYYMMDDHHMMSSZ, RFC 5280 4.1.2.5. */
static bool read_time(int64_t *out, CBS *in)
{
	CBS text;
	unsigned tag;
	int64_t year, month, day, hour, minute, second;
	uint8_t zone;
	if (!CBS_get_any_asn1(in, &text, &tag))
		return false;
	if (tag == CBS_ASN1_UTCTIME) {
		if (!read_digits(&year, &text, 2))
			return false;
		year += year < 50 ? 2000 : 1900;
	} else if (tag != CBS_ASN1_GENERALIZEDTIME || !read_digits(&year, &text, 4)) {
		return false;
	}
	if (!read_digits(&month, &text, 2) || !read_digits(&day, &text, 2) ||
	    !read_digits(&hour, &text, 2) || !read_digits(&minute, &text, 2) ||
	    !read_digits(&second, &text, 2) || !CBS_get_u8(&text, &zone) || zone != 'Z' ||
	    CBS_len(&text) != 0 || !is_date(year, month, day) || hour > 23 || minute > 59 ||
	    second > 59)
		return false;
	*out = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

/* Name ::= SEQUENCE OF SET OF SEQUENCE {type, value}. Keeps the last common name and UID. */
static bool read_name(struct mst_cert *subject, CBS name)
{
	CBS sets, set, pair, type, value;
	unsigned tag;
	if (!CBS_get_asn1(&name, &sets, CBS_ASN1_SEQUENCE) || CBS_len(&name) != 0)
		return false;
	while (CBS_len(&sets)) {
		if (!CBS_get_asn1(&sets, &set, CBS_ASN1_SET) || CBS_len(&set) == 0)
			return false;
		while (CBS_len(&set)) {
			if (!CBS_get_asn1(&set, &pair, CBS_ASN1_SEQUENCE) ||
			    !CBS_get_asn1(&pair, &type, CBS_ASN1_OBJECT) ||
			    !CBS_get_any_asn1(&pair, &value, &tag) || CBS_len(&pair) != 0)
				return false;
			if (subject && mst_slice_eq(slice_of(&type), oid_common_name))
				subject->common_name = slice_of(&value);
			if (subject && mst_slice_eq(slice_of(&type), oid_user_id))
				subject->user_id = slice_of(&value);
		}
	}
	return true;
}

static bool read_basic(struct mst_cert *out, CBS value)
{
	CBS basic;
	int is_ca = 0;
	if (!CBS_get_asn1(&value, &basic, CBS_ASN1_SEQUENCE) || CBS_len(&value) != 0)
		return false;
	/* DER leaves the default FALSE out; some CAs write it all the same. */
	if (CBS_peek_asn1_tag(&basic, CBS_ASN1_BOOLEAN) && !CBS_get_asn1_bool(&basic, &is_ca))
		return false;
	out->is_ca = is_ca;
	if (CBS_len(&basic)) {
		uint64_t len;
		if (!is_ca || !CBS_get_asn1_uint64(&basic, &len))
			return false;
		out->has_path_len = true;
		out->path_len = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
	}
	return CBS_len(&basic) == 0;
}

static bool read_key_usage(struct mst_cert *out, CBS value)
{
	CBS bits;
	if (!CBS_get_asn1(&value, &bits, CBS_ASN1_BITSTRING) || CBS_len(&value) != 0 ||
	    !CBS_is_valid_asn1_bitstring(&bits))
		return false;
	out->has_ku = true;
	/* Bit n of the standard is our 1 << n. */
	for (unsigned bit = 0; bit < 9; bit++)
		if (CBS_asn1_bitstring_has_bit(&bits, bit))
			out->key_usage |= MST_B(bit);
	return true;
}

static bool read_ext_key_usage(struct mst_cert *out, CBS value)
{
	CBS list, oid;
	if (!CBS_get_asn1(&value, &list, CBS_ASN1_SEQUENCE) || CBS_len(&value) != 0 ||
	    CBS_len(&list) == 0)
		return false;
	out->has_eku = true;
	while (CBS_len(&list)) {
		if (!CBS_get_asn1(&list, &oid, CBS_ASN1_OBJECT))
			return false;
		uint32_t bit = MST_EKU_OTHER;
		for (size_t i = 0; i < MST_LEN(eku_rows); i++)
			if (mst_slice_eq(slice_of(&oid), eku_rows[i].oid))
				bit = eku_rows[i].bit;
		out->ext_key_usage |= bit;
	}
	return true;
}

static bool read_alt_names(struct mst_cert *out, CBS value)
{
	CBS names;
	if (!CBS_get_asn1(&value, &names, CBS_ASN1_SEQUENCE) || CBS_len(&value) != 0)
		return false;
	out->san = slice_of(&names);
	return true;
}

static bool read_key_id(struct mst_cert *out, CBS value)
{
	CBS id;
	if (!CBS_get_asn1(&value, &id, CBS_ASN1_OCTETSTRING) || CBS_len(&value) != 0)
		return false;
	out->key_id = slice_of(&id);
	return true;
}

/* Constraints limit what a CA may vouch for; who cannot judge them must refuse the CA. */
static bool read_constraints(struct mst_cert *out, CBS value)
{
	out->has_unknown_critical = true;
	return CBS_len(&value) != 0;
}

/* id-ce, RFC 5280 4.2.1: 2.5.29.n */
static const struct {
	uint8_t n;
	bool (*read)(struct mst_cert *out, CBS value);
} extension_rows[] = {
	{14, read_key_id},      {15, read_key_usage},   {17, read_alt_names},     {19, read_basic},
	{30, read_constraints}, {36, read_constraints}, {37, read_ext_key_usage},
};

static int read_extension(struct mst_cert *out, uint64_t *seen, CBS *list, struct mst_err *e)
{
	CBS extension, oid, value;
	int is_critical = 0;
	if (!CBS_get_asn1(list, &extension, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&extension, &oid, CBS_ASN1_OBJECT) ||
	    (CBS_peek_asn1_tag(&extension, CBS_ASN1_BOOLEAN) &&
	     !CBS_get_asn1_bool(&extension, &is_critical)) ||
	    !CBS_get_asn1(&extension, &value, CBS_ASN1_OCTETSTRING) || CBS_len(&extension) != 0)
		return broken(e, "an extension is broken");
	const uint8_t *at = CBS_data(&oid);
	for (size_t i = 0; i < MST_LEN(extension_rows); i++) {
		if (CBS_len(&oid) != 3 || at[0] != 0x55 || at[1] != 0x1d ||
		    at[2] != extension_rows[i].n)
			continue;
		if (*seen & MST_B(i))
			return broken(e, "an extension comes twice");
		*seen |= MST_B(i);
		return extension_rows[i].read(out, value)
			       ? 0
			       : broken(e, "an extension's value is broken");
	}
	out->has_unknown_critical |= is_critical;
	return 0;
}

static int read_extensions(struct mst_cert *out, CBS *tbs, struct mst_err *e)
{
	CBS wrapped, list;
	uint64_t seen = 0;
	if (!CBS_get_asn1(tbs, &wrapped, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 3) ||
	    !CBS_get_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE) || CBS_len(&wrapped) != 0 ||
	    CBS_len(&list) == 0)
		return broken(e, "the list of extensions is broken");
	for (uint32_t num = 0; CBS_len(&list); num++) {
		if (num == MST_CERT_EXTENSIONS_MAX)
			return broken(e, "too many extensions");
		if (read_extension(out, &seen, &list, e) < 0)
			return -1;
	}
	return 0;
}

/* version [0] EXPLICIT INTEGER DEFAULT v1: 0, 1 or 2. */
static bool read_version(uint64_t *out, CBS *tbs)
{
	const unsigned tag = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0;
	CBS wrapped;
	int is_there;
	*out = 0;
	if (!CBS_get_optional_asn1(tbs, &wrapped, &is_there, tag))
		return false;
	return !is_there || (CBS_get_asn1_uint64(&wrapped, out) && CBS_len(&wrapped) == 0 &&
			     *out >= 1 && *out <= 2);
}

/* SubjectPublicKeyInfo ::= SEQUENCE {algorithm, BIT STRING}; the key itself is the crypto library's
 * to judge. */
static bool read_spki(struct mst_cert *out, CBS *tbs)
{
	CBS whole, inside, alg, bits, copy;
	if (!CBS_get_asn1_element(tbs, &whole, CBS_ASN1_SEQUENCE))
		return false;
	out->spki = slice_of(&whole);
	copy = whole;
	return CBS_get_asn1(&copy, &inside, CBS_ASN1_SEQUENCE) &&
	       CBS_get_asn1(&inside, &alg, CBS_ASN1_SEQUENCE) &&
	       CBS_get_asn1(&inside, &bits, CBS_ASN1_BITSTRING) &&
	       CBS_is_valid_asn1_bitstring(&bits) && CBS_len(&inside) == 0;
}

/* The two unique identifiers of version 2 were never used; they are skipped. */
static bool skip_unique_ids(CBS *tbs)
{
	for (unsigned n = 1; n <= 2; n++)
		if (!CBS_get_optional_asn1(tbs, NULL, NULL, CBS_ASN1_CONTEXT_SPECIFIC | n))
			return false;
	return true;
}

static int read_tbs(struct mst_cert *out, CBS tbs, const CBS *outer_alg, struct mst_err *e)
{
	CBS serial, alg, issuer, subject, validity;
	uint64_t version;
	if (!read_version(&version, &tbs))
		return broken(e, "no version that is known");
	if (!CBS_get_asn1(&tbs, &serial, CBS_ASN1_INTEGER) ||
	    !CBS_is_valid_asn1_integer(&serial, NULL) || CBS_len(&serial) > SERIAL_MAX)
		return broken(e, "the serial number is broken");
	out->serial = slice_of(&serial);
	if (!CBS_get_asn1(&tbs, &alg, CBS_ASN1_SEQUENCE) ||
	    !mst_slice_eq(slice_of(&alg), slice_of(outer_alg)) || !read_alg(&out->alg, alg))
		return broken(e, "the signature algorithm is broken");
	if (!CBS_get_asn1_element(&tbs, &issuer, CBS_ASN1_SEQUENCE) || !read_name(NULL, issuer))
		return broken(e, "the issuer is broken");
	out->issuer = slice_of(&issuer);
	if (!CBS_get_asn1(&tbs, &validity, CBS_ASN1_SEQUENCE) ||
	    !read_time(&out->not_before, &validity) || !read_time(&out->not_after, &validity) ||
	    CBS_len(&validity) != 0)
		return broken(e, "the validity is broken");
	if (!CBS_get_asn1_element(&tbs, &subject, CBS_ASN1_SEQUENCE) ||
	    !read_name(out, subject))
		return broken(e, "the subject is broken");
	out->subject = slice_of(&subject);
	if (!read_spki(out, &tbs))
		return broken(e, "the public key is broken");
	if (version >= 1 && !skip_unique_ids(&tbs))
		return broken(e, "a unique identifier is broken");
	if (version == 2 && CBS_len(&tbs) && read_extensions(out, &tbs, e) < 0)
		return -1;
	return CBS_len(&tbs) ? broken(e, "something stands behind its fields") : 0;
}

int mst_cert_parse(struct mst_cert *out, struct mst_slice der, struct mst_err *e)
{
	*out = (struct mst_cert){.der = der};
	if (der.len > MST_CERT_MAX)
		return broken(e, "too long");
	CBS in, cert, tbs, tbs_inside, alg, bits;
	uint8_t num_unused;
	CBS_init(&in, der.at, der.len);
	if (!CBS_get_asn1(&in, &cert, CBS_ASN1_SEQUENCE) || CBS_len(&in) != 0 ||
	    !CBS_get_asn1_element(&cert, &tbs, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&cert, &alg, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&cert, &bits, CBS_ASN1_BITSTRING) || CBS_len(&cert) != 0)
		return broken(e, "no certificate in DER");
	if (!CBS_get_u8(&bits, &num_unused) || num_unused != 0)
		return broken(e, "the signature is broken");
	out->tbs = slice_of(&tbs);
	out->signature = slice_of(&bits);
	CBS copy = tbs;
	if (!CBS_get_asn1(&copy, &tbs_inside, CBS_ASN1_SEQUENCE))
		return broken(e, "no certificate in DER");
	return read_tbs(out, tbs_inside, &alg, e);
}

void mst_cert_name(char *out, size_t room, const struct mst_cert *cert)
{
	struct mst_slice name = cert->common_name;
	bool is_fine = name.len < room && mst_utf8_ok(name);
	for (size_t i = 0; i < name.len && is_fine; i++)
		is_fine = name.at[i] >= 0x20 && name.at[i] != 0x7f;
	if (is_fine && name.len)
		memcpy(out, name.at, name.len);
	out[is_fine ? name.len : 0] = '\0';
}

size_t mst_cert_time_text(char out[static MST_CERT_TIME_ROOM], int64_t s)
{
	const int64_t first = -62167219200, last = 253402300799; /* 0000-01-01, 9999-12-31 */
	char text[MST_TIME_ROOM];
	s = s < first ? first : s > last ? last : s;
	mst_time_put(text, s * 1000); /* 2026-01-02T03:04:05.000Z */
	bool is_utc = memcmp(text, "1950", 4) >= 0 && memcmp(text, "2050", 4) < 0;
	static const uint8_t digits[] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18};
	size_t len = 0;
	for (size_t i = is_utc ? 2 : 0; i < MST_LEN(digits); i++)
		out[len++] = text[digits[i]];
	out[len++] = 'Z';
	out[len] = '\0';
	return len;
}
