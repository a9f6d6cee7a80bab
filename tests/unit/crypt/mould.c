/* SPDX-License-Identifier: Apache-2.0 */
/* A mould's certificates say what was asked for, no more, and the openssl program trusts them. */
#include "muster/mould.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "muster/file.h"
#include "pki.h"

static const char openssl[] = "/usr/bin/openssl";
static char folder[] = "/tmp/muster-mould-XXXXXX";

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
}

static void tear_down(void)
{
	unlink("ca.pem");
	unlink("cert.pem");
	unlink("out.txt");
	cr_expect_eq(rmdir(folder), 0);
}

TestSuite(mould, .init = set_up, .fini = tear_down);

static void expect_out(const char *words)
{
	struct mst_arena a = {0};
	struct mst_slice text;
	struct mst_err e;
	cr_assert_eq(mst_file_read(&text, &a, "out.txt", 65536, &e), 0, "%s", e.text);
	cr_expect(strstr((const char *)text.at, words), "\"%s\" is not in:\n%s", words,
		  (const char *)text.at);
	mst_arena_done(&a);
}

static const struct mst_issue fixed = {
	.key_usage = MST_KU_SIGN | MST_KU_ENCIPHER,
	.ext_key_usage = MST_EKU_CLIENT | MST_EKU_EMAIL,
	.crl_url = "http://mdm.example.org:8080/crl/dev.crl",
	.ocsp_url = "http://mdm.example.org:8080/ocsp",
	.is_ca = true, /* not taken */
};

static struct mst_slice cast_one(struct mst_arena *a, const struct mst_mould *mould, struct mst_slice spki, uint8_t serial[static 16])
{
	static const char *const dns[] = {"a.example.org", NULL}, *const ips[] = {"10.0.0.7", NULL},
				*const uris[] = {"tag:example.org,2027:7", NULL}, *const emails[] = {"j@example.org", NULL};
	const struct mst_issue what = {
		.spki = spki,
		.common_name = "J\xc3\xbcrgen",
		.organization = "Example",
		.dns = dns,
		.ips = ips,
		.uris = uris,
		.emails = emails,
		.not_before = PKI_NOW,
		.not_after = PKI_NOW + 30 * PKI_DAY,
		.is_ca = true, /* not taken */
		.key_usage = MST_KU_CERT_SIGN,
		.ext_key_usage = MST_EKU_OCSP,
	};
	struct mst_slice out;
	struct mst_err e;
	cr_assert_eq(mst_mould_cast(&out, a, mould, &what, serial, &e), 0, "%s", e.text);
	return out;
}

static void ask_openssl(struct mst_arena *a, const struct pki *ca, struct mst_slice der)
{
	struct mst_slice pem;
	struct mst_err e;
	char now[24];
	cr_assert_eq(mst_pem_put(&pem, a, "CERTIFICATE", der, &e), 0);
	cr_assert_eq(mst_file_write("ca.pem", ca->pem, 0600, &e), 0);
	cr_assert_eq(mst_file_write("cert.pem", pem, 0600, &e), 0);
	snprintf(now, sizeof(now), "%d", PKI_NOW + PKI_DAY);
	const char *verify[] = {openssl, "verify", "-x509_strict", "-purpose", "sslclient", "-attime", now, "-CAfile", "ca.pem", "cert.pem", NULL};
	int rc = pki_run(verify, "out.txt");
	if (rc != 0)
		expect_out("cert.pem: OK");
	const char *text[] = {openssl, "x509", "-in", "cert.pem", "-noout", "-text", NULL};
	cr_assert_eq(pki_run(text, "out.txt"), 0);
	expect_out("CA:FALSE");
	expect_out("TLS Web Client Authentication, E-mail Protection");
	expect_out("URI:http://mdm.example.org:8080/crl/dev.crl");
	expect_out("OCSP - URI:http://mdm.example.org:8080/ocsp");
	expect_out("email:j@example.org, DNS:a.example.org, URI:tag:example.org,2027:7, IP Address:10.0.0.7");
}

Test(mould, every_kind)
{
	static const struct {
		enum mst_key_kind ca, subject;
		uint32_t hash_bits;
		enum mst_sig_alg alg;
	} rows[] = {
		{MST_KEY_P256, MST_KEY_P256, 0, MST_SIG_ECDSA_SHA256},
		{MST_KEY_P256, MST_KEY_RSA2048, 384, MST_SIG_ECDSA_SHA384},
		{MST_KEY_P384, MST_KEY_P384, 0, MST_SIG_ECDSA_SHA384},
		{MST_KEY_P384, MST_KEY_P256, 512, MST_SIG_ECDSA_SHA512},
		{MST_KEY_RSA2048, MST_KEY_P256, 0, MST_SIG_RSA_SHA256},
		{MST_KEY_RSA2048, MST_KEY_RSA2048, 512, MST_SIG_RSA_SHA512},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena a = {0};
		struct mst_mould *mould = NULL;
		struct mst_slice key, spki, der;
		struct mst_issue mine = fixed;
		struct mst_cert cert, ca_cert;
		struct mst_err e;
		uint8_t serial[16];
		struct pki ca = pki_make(&a, rows[i].ca, PKI_CA(.common_name = "Root"), NULL);
		cr_assert_eq(mst_cert_parse(&ca_cert, ca.der, &e), 0);
		mine.hash_bits = rows[i].hash_bits;
		cr_assert_eq(mst_mould_new(&mould, &mine, ca.der, ca.key, &e), 0, "%s", e.text);
		cr_assert_eq(mst_key_pair(&key, &spki, &a, rows[i].subject, &e), 0);
		der = cast_one(&a, mould, spki, serial);
		cr_assert_eq(mst_cert_parse(&cert, der, &e), 0, "%s", e.text);
		bool is_rsa = rows[i].subject == MST_KEY_RSA2048;
		cr_expect_eq(cert.alg, rows[i].alg, "row %zu", i);
		cr_expect_eq(cert.key_usage, is_rsa ? MST_KU_SIGN | MST_KU_ENCIPHER : MST_KU_SIGN, "row %zu", i);
		cr_expect_eq(cert.ext_key_usage, MST_EKU_CLIENT | MST_EKU_EMAIL);
		cr_expect(!cert.is_ca && !cert.has_unknown_critical);
		cr_expect_eq(cert.not_before, PKI_NOW);
		cr_expect_eq(cert.not_after, PKI_NOW + 30 * PKI_DAY);
		cr_expect(mst_slice_eq(cert.spki, spki));
		cr_expect_eq(mst_key_verify(ca_cert.spki, cert.alg, cert.tbs, cert.signature, &e), 0, "%s", e.text);
		if (access(openssl, X_OK) == 0)
			ask_openssl(&a, &ca, der);
		mst_mould_free(&mould);
		mst_mould_free(&mould);
		mst_key_free(&ca.key);
		mst_arena_done(&a);
	}
}

/* The casts of one mould differ in number and signature. */
Test(mould, numbers)
{
	struct mst_arena a = {0};
	struct mst_mould *mould = NULL;
	struct mst_slice key, spki;
	struct mst_cert cert;
	struct mst_err e;
	uint8_t serial[16], before[16] = {0};
	struct pki ca = pki_make(&a, MST_KEY_P256, PKI_CA(.common_name = "Root"), NULL);
	cr_assert_eq(mst_mould_new(&mould, &fixed, ca.der, ca.key, &e), 0);
	cr_assert_eq(mst_key_pair(&key, &spki, &a, MST_KEY_P256, &e), 0);
	for (int i = 0; i < 600; i++) {
		struct mst_slice der = cast_one(&a, mould, spki, serial);
		cr_assert_eq(mst_cert_parse(&cert, der, &e), 0, "%s", e.text);
		size_t skip = cert.serial.at[0] == 0 && cert.serial.len > 1;
		cr_expect(cert.serial.len - skip <= 16 && cert.serial.at[0] < 0x80);
		cr_expect(memcmp(cert.serial.at + skip, serial + 16 - (cert.serial.len - skip), cert.serial.len - skip) == 0);
		cr_expect(memcmp(serial, before, 16) != 0);
		memcpy(before, serial, 16);
	}
	mst_mould_free(&mould);
	mst_key_free(&ca.key);
	mst_arena_done(&a);
}

Test(mould, refused)
{
	const struct {
		const char *name;
		struct mst_issue what;
	} rows[] = {
		{"no name", {.common_name = ""}},
		{"line end", {.common_name = "a\nb"}},
		{"no time", {.common_name = "a", .not_before = 2, .not_after = 2}},
		{"bad dns", {.common_name = "a", .dns = (const char *const[]){"a b", NULL}}},
		{"bad uri", {.common_name = "a", .uris = (const char *const[]){"a\xc3\xbc", NULL}}},
		{"bad mail", {.common_name = "a", .emails = (const char *const[]){"", NULL}}},
		{"bad key", {.common_name = "a", .spki = MST_S_INIT("\x30\x01\x00")}},
	};
	struct mst_arena a = {0};
	struct mst_mould *mould = NULL;
	struct mst_slice key, spki, out;
	struct mst_err e;
	struct pki ca = pki_make(&a, MST_KEY_P256, PKI_CA(.common_name = "Root"), NULL);
	struct mst_issue bad = fixed;
	cr_assert_eq(mst_mould_new(&mould, &fixed, ca.der, ca.key, &e), 0);
	cr_assert_eq(mst_key_pair(&key, &spki, &a, MST_KEY_P256, &e), 0);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_issue what = rows[i].what;
		what.spki = what.spki.len ? what.spki : spki;
		what.not_after = what.not_after ? what.not_after : 1000;
		cr_expect_eq(mst_mould_cast(&out, &a, mould, &what, NULL, &e), -1, "%s", rows[i].name);
	}
	mst_mould_free(&mould);
	bad.hash_bits = 160;
	cr_expect_eq(mst_mould_new(&mould, &bad, ca.der, ca.key, &e), -1);
	bad = fixed;
	bad.crl_url = "http://a b";
	cr_expect_eq(mst_mould_new(&mould, &bad, ca.der, ca.key, &e), -1);
	mst_key_free(&ca.key);
	mst_arena_done(&a);
}
