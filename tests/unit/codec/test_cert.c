/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: the fields of a real one, every prefix and every change of length refused, times,
 * broken ones. */
#include "muster/cert.h"

#include <stdlib.h>

#include <criterion/criterion.h>

/* Made with another implementation: openssl req -x509, EC P-256, subject O=Example, CN=first,
 * CN=J\xfcrgen (UTF-8), a CA of path length 3, keyUsage keyCertSign+cRLSign, extendedKeyUsage
 * clientAuth+1.2.3.4, SAN DNS:a.example, valid from 2024-02-29 12:34:56 to 2050-01-01 00:00:00. */
static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
			  "MIIB0TCCAXegAwIBAgIEEjRWeDAKBggqhkjOPQQDAjA0MRAwDgYDVQQKDAdFeGFt\n"
			  "cGxlMQ4wDAYDVQQDDAVmaXJzdDEQMA4GA1UEAwwHSsO8cmdlbjAgFw0yNDAyMjkx\n"
			  "MjM0NTZaGA8yMDUwMDEwMTAwMDAwMFowNDEQMA4GA1UECgwHRXhhbXBsZTEOMAwG\n"
			  "A1UEAwwFZmlyc3QxEDAOBgNVBAMMB0rDvHJnZW4wWTATBgcqhkjOPQIBBggqhkjO\n"
			  "PQMBBwNCAATvIswl62swKJSTQMZq+BJ1DxAOnYAUu9E0FuMOKKpURzybQUGRRoR6\n"
			  "oDcVXmVMkCCjuBhH0fRnd2wq+0ZmY536o3UwczASBgNVHRMBAf8ECDAGAQH/AgED\n"
			  "MA4GA1UdDwEB/wQEAwIBBjAYBgNVHSUEETAPBggrBgEFBQcDAgYDKgMEMBQGA1Ud\n"
			  "EQQNMAuCCWEuZXhhbXBsZTAdBgNVHQ4EFgQUFOj1jFhq1rKKFgj0RTg3fDMEfZIw\n"
			  "CgYIKoZIzj0EAwIDSAAwRQIgWEH0EppBDocccA2vzyKfsRvV4fT8C6NmKKdg0b/K\n"
			  "WNYCIQDUaZLu9VJN1KK8OSJkL4EuN1BQcgFBPbQlyl/uEM4Sdg==\n"
			  "-----END CERTIFICATE-----\n";

static struct mst_slice sample(struct mst_arena *a)
{
	struct mst_slice label, der, text = mst_slice_str(pem);
	struct mst_err e;
	cr_assert_eq(mst_pem_next(&label, &der, &text, a, &e), 1, "%s", e.text);
	cr_assert(mst_slice_eq(label, MST_S("CERTIFICATE")));
	return der;
}

Test(cert, fields)
{
	struct mst_arena a = {0};
	struct mst_cert cert;
	struct mst_err e;
	char name[65];
	struct mst_slice der = sample(&a);
	cr_assert_eq(mst_cert_parse(&cert, der, &e), 0, "%s", e.text);
	cr_expect(mst_slice_eq(cert.der, der));
	cr_expect(mst_slice_eq(cert.serial, MST_S("\x12\x34\x56\x78")));
	cr_expect_eq(cert.alg, MST_SIG_ECDSA_SHA256);
	cr_expect(mst_slice_eq(cert.issuer, cert.subject));
	cr_expect_eq(cert.issuer.at[0], 0x30);
	cr_expect(mst_slice_eq(cert.common_name, MST_S("J\xc3\xbcrgen")), "the last one");
	cr_expect_eq(cert.not_before, 1709210096);
	cr_expect_eq(cert.not_after, 2524608000);
	cr_expect(cert.is_ca && cert.has_path_len && cert.has_ku && cert.has_eku &&
		  !cert.has_unknown_critical);
	cr_expect_eq(cert.path_len, 3);
	cr_expect_eq(cert.key_usage, MST_KU_CERT_SIGN | MST_KU_CRL_SIGN);
	cr_expect_eq(cert.ext_key_usage, MST_EKU_CLIENT | MST_EKU_OTHER);
	cr_expect(mst_slice_eq(cert.san, MST_S("\x82\x09"
					       "a.example")));
	cr_expect_eq(cert.key_id.len, 20);
	cr_expect_eq(cert.spki.len, 91);
	cr_expect_eq(cert.spki.at[0], 0x30);
	cr_expect(cert.tbs.at == der.at + 4);
	cr_expect_eq(cert.signature.at + cert.signature.len, der.at + der.len);
	mst_cert_name(name, sizeof(name), &cert);
	cr_expect_str_eq(name, "J\xc3\xbcrgen");
	mst_arena_done(&a);
}

/* Each prefix lies in a block of its own size, so that reading over its end is seen. */
Test(cert, prefixes)
{
	struct mst_arena a = {0};
	struct mst_cert cert;
	struct mst_err e;
	struct mst_slice der = sample(&a);
	for (size_t len = 0; len < der.len; len++) {
		uint8_t *copy = malloc(len ? len : 1);
		memcpy(copy, der.at, len);
		cr_expect_eq(mst_cert_parse(&cert, mst_slice(copy, len), &e), -1, "%zu", len);
		cr_expect_eq(e.code, MST_E_SYNTAX);
		free(copy);
	}
	uint8_t *longer = malloc(der.len + 1);
	memcpy(longer, der.at, der.len);
	longer[der.len] = 0;
	cr_expect_eq(mst_cert_parse(&cert, mst_slice(longer, der.len + 1), &e), -1,
		     "something behind it");
	free(longer);
	mst_arena_done(&a);
}

/* Any byte may be anything: no crash, no slice outside. */
Test(cert, bytes)
{
	struct mst_arena a = {0};
	struct mst_cert cert;
	struct mst_err e;
	struct mst_slice der = sample(&a);
	uint8_t *copy = malloc(der.len);
	memcpy(copy, der.at, der.len);
	for (size_t i = 0; i < der.len; i++) {
		for (unsigned value = 0; value < 256; value += i < 60 ? 1 : 5) {
			copy[i] = (uint8_t)value;
			if (mst_cert_parse(&cert, mst_slice(copy, der.len), &e) < 0)
				continue;
			struct mst_slice all[] = {cert.tbs,         cert.serial, cert.issuer,
						  cert.subject,     cert.spki,   cert.signature,
						  cert.common_name, cert.san,    cert.key_id};
			for (size_t k = 0; k < MST_LEN(all); k++)
				cr_assert(all[k].len == 0 ||
					  (all[k].at >= copy &&
					   all[k].at + all[k].len <= copy + der.len));
		}
		copy[i] = der.at[i];
	}
	free(copy);
	mst_arena_done(&a);
}

/* Replaces bytes of the sample; the result must be refused, or parse with an unknown critical
 * extension. */
Test(cert, patched)
{
	static const struct {
		const char *name;
		struct mst_slice from, to;
		bool is_read;
	} rows[] = {
		{"version 4", MST_S_INIT("\xa0\x03\x02\x01\x02"),
		 MST_S_INIT("\xa0\x03\x02\x01\x03"), false},
		{"version 1 written", MST_S_INIT("\xa0\x03\x02\x01\x02"),
		 MST_S_INIT("\xa0\x03\x02\x01\x00"), false},
		{"version 2 with extensions", MST_S_INIT("\xa0\x03\x02\x01\x02"),
		 MST_S_INIT("\xa0\x03\x02\x01\x01"), false},
		{"algorithms differ", MST_S_INIT("\x3d\x04\x03\x02"),
		 MST_S_INIT("\x3d\x04\x03\x03"), false},
		{"30 February", MST_S_INIT("240229123456Z"), MST_S_INIT("240230123456Z"), false},
		{"29 February of no leap year", MST_S_INIT("240229123456Z"),
		 MST_S_INIT("230229123456Z"), false},
		{"hour 24", MST_S_INIT("240229123456Z"), MST_S_INIT("240229243456Z"), false},
		{"second 60", MST_S_INIT("240229123456Z"), MST_S_INIT("240229123460Z"), false},
		{"no Z", MST_S_INIT("240229123456Z"), MST_S_INIT("2402291234560"), false},
		{"month 13", MST_S_INIT("20500101000000Z"), MST_S_INIT("20501301000000Z"), false},
		{"a letter", MST_S_INIT("20500101000000Z"), MST_S_INIT("2050010100000aZ"), false},
		{"an extension twice", MST_S_INIT("\x06\x03\x55\x1d\x25"),
		 MST_S_INIT("\x06\x03\x55\x1d\x0f"), false},
		{"TRUE is 01", MST_S_INIT("\x55\x1d\x0f\x01\x01\xff"),
		 MST_S_INIT("\x55\x1d\x0f\x01\x01\x01"), false},
		{"unknown critical", MST_S_INIT("\x55\x1d\x0f\x01\x01\xff"),
		 MST_S_INIT("\x55\x1d\x63\x01\x01\xff"), true},
		{"name constraints", MST_S_INIT("\x06\x03\x55\x1d\x0e"),
		 MST_S_INIT("\x06\x03\x55\x1d\x1e"), true},
	};
	struct mst_arena a = {0};
	struct mst_cert cert;
	struct mst_err e;
	struct mst_slice der = sample(&a), copy;
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		cr_assert(mst_arena_copy(&a, &copy, der));
		uint8_t *place = memmem(copy.at, copy.len, rows[i].from.at, rows[i].from.len);
		cr_assert_not_null(place, "%s", rows[i].name);
		memcpy(place, rows[i].to.at, rows[i].to.len);
		int rc = mst_cert_parse(&cert, copy, &e);
		cr_expect_eq(rc, rows[i].is_read ? 0 : -1, "%s", rows[i].name);
		if (rc == 0)
			cr_expect(cert.has_unknown_critical, "%s", rows[i].name);
	}
	mst_arena_done(&a);
}

Test(cert, too_long)
{
	struct mst_cert cert;
	struct mst_err e;
	uint8_t *much = calloc(1, MST_CERT_MAX + 1);
	cr_expect_eq(mst_cert_parse(&cert, mst_slice(much, MST_CERT_MAX + 1), &e), -1);
	free(much);
}

Test(cert, names)
{
	static const struct {
		struct mst_slice raw;
		const char *want;
	} rows[] = {
		{MST_S_INIT("device"), "device"}, {MST_S_INIT(""), ""},
		{MST_S_INIT("12345678"), ""},     {MST_S_INIT("1234567"), "1234567"},
		{MST_S_INIT("a\nb"), ""},         {MST_S_INIT("a\0b"), ""},
		{MST_S_INIT("\xfc"), ""},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		char name[8];
		struct mst_cert cert = {.common_name = rows[i].raw};
		mst_cert_name(name, sizeof(name), &cert);
		cr_expect_str_eq(name, rows[i].want, "row %zu", i);
	}
}

Test(cert, times)
{
	static const struct {
		int64_t s;
		const char *want;
	} rows[] = {
		{0, "700101000000Z"},
		{1709210096, "240229123456Z"},
		{2524607999, "491231235959Z"},
		{2524608000, "20500101000000Z"},
		{-631152000, "500101000000Z"},
		{-631152001, "19491231235959Z"},
		{253402300799, "99991231235959Z"},
		{INT64_MAX, "99991231235959Z"},
		{INT64_MIN, "00000101000000Z"},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		char text[MST_CERT_TIME_ROOM];
		cr_expect_eq(mst_cert_time_text(text, rows[i].s), strlen(rows[i].want));
		cr_expect_str_eq(text, rows[i].want);
	}
}
