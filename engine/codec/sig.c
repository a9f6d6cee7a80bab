/* SPDX-License-Identifier: Apache-2.0 */
/* Signature algorithms in DER, signed bodies, and times. */
#include "sig_own.h"

#define RSA(n)   OID(0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, n, 0x05, 0x00)
#define ECDSA(n) OID(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, n)

#define FIRST_S 0
#define LAST_S  253402300799 /* the end of 9999 */

static const struct mst_slice algs[MST_NUM_SIG_ALGS] = {
	[MST_SIG_RSA_SHA1] = RSA(0x05),       [MST_SIG_RSA_SHA256] = RSA(0x0b),
	[MST_SIG_RSA_SHA384] = RSA(0x0c),     [MST_SIG_RSA_SHA512] = RSA(0x0d),
	[MST_SIG_ECDSA_SHA256] = ECDSA(0x02), [MST_SIG_ECDSA_SHA384] = ECDSA(0x03),
	[MST_SIG_ECDSA_SHA512] = ECDSA(0x04),
};

struct mst_slice mst_sig_der(enum mst_sig_alg alg)
{
	return algs[alg];
}

size_t mst_sig_head(uint8_t out[static SIG_HEAD_ROOM], uint8_t tag, size_t len)
{
	size_t num = 0, at = 2;
	out[0] = tag;
	if (len < 0x80) {
		out[1] = (uint8_t)len;
		return at;
	}
	BUG_ON(len > UINT32_MAX);
	while (len >> 8 * num)
		num++;
	out[1] = (uint8_t)(0x80 | num);
	while (num--)
		out[at++] = (uint8_t)(len >> 8 * num);
	return at;
}

bool mst_sig_put(CBB *to, struct mst_slice body, enum mst_sig_alg alg, struct mst_slice signature)
{
	CBB bits;
	return algs[alg].len && mst_der_add(to, body) && mst_der_add(to, algs[alg]) &&
	       CBB_add_asn1(to, &bits, CBS_ASN1_BITSTRING) && CBB_add_u8(&bits, 0) &&
	       mst_der_add(&bits, signature) && CBB_flush(to);
}

int mst_sig_end(struct mst_slice *out, const uint8_t *at, CBB *cbb, bool is_written, struct mst_err *e)
{
	bool is_done = is_written && CBB_flush(cbb);
	*out = is_done ? mst_slice(at, CBB_len(cbb)) : mst_slice(NULL, 0);
	CBB_cleanup(cbb);
	return is_done ? 0 : mst_fail(e, MST_E_BUSY, "a CRL or OCSP answer cannot be written");
}

static void put_two(uint8_t *out, uint32_t n)
{
	out[0] = (uint8_t)('0' + n / 10);
	out[1] = (uint8_t)('0' + n % 10);
}

/* The Gregorian date of a day since 1970, by years that begin on 1 March (all days are behind 1970). */
static void put_date(uint8_t *out, uint32_t days)
{
	uint32_t z = days + 719468, era = z / 146097, of_era = z % 146097;
	uint32_t of_years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint32_t of_year = of_era - (365 * of_years + of_years / 4 - of_years / 100);
	uint32_t month = (5 * of_year + 2) / 153;
	uint32_t day = of_year - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 3 : month - 9;
	uint32_t year = of_years + era * 400 + (month <= 2);
	put_two(out, year / 100);
	put_two(out + 2, year % 100);
	put_two(out + 4, month);
	put_two(out + 6, day);
}

void mst_sig_time(uint8_t out[static SIG_TIME_LEN], int64_t s)
{
	s = s < FIRST_S ? FIRST_S : s > LAST_S ? LAST_S : s;
	uint32_t of_day = (uint32_t)(s % 86400);
	put_date(out, (uint32_t)(s / 86400));
	put_two(out + 8, of_day / 3600);
	put_two(out + 10, of_day / 60 % 60);
	put_two(out + 12, of_day % 60);
	out[14] = 'Z';
}

bool mst_sig_put_time(CBB *to, int64_t s, bool may_be_utc)
{
	uint8_t text[SIG_TIME_LEN];
	mst_sig_time(text, s);
	if (may_be_utc && memcmp(text, "2050", 4) < 0)
		return mst_der_put(to, CBS_ASN1_UTCTIME, mst_slice(text + 2, SIG_TIME_LEN - 2));
	return mst_der_put(to, CBS_ASN1_GENERALIZEDTIME, mst_slice(text, SIG_TIME_LEN));
}
