/* SPDX-License-Identifier: Apache-2.0 */
/* What is issued is what was asked for, and another implementation (the openssl program) agrees. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "muster/file.h"
#include "pki.h"

static const char openssl[] = "/usr/bin/openssl";

Test(issue, fields)
{
	struct mst_arena a = {0};
	struct mst_cert cert;
	struct mst_err e;
	const char *dns[] = {"mdm.example.org", "localhost", NULL},
		   *ips[] = {"127.0.0.1", "::1", NULL};
	struct pki ca =
		pki_make(&a, MST_KEY_P256,
			 PKI_CA(.common_name = "Root", .has_path_len = true, .path_len = 2), NULL);
	struct pki leaf =
		pki_make(&a, MST_KEY_P256,
			 PKI_LEAF(.common_name = "J\xc3\xbcrgen", .organization = "Example",
				  .dns = dns, .ips = ips, .not_after = 2524608000 /* 2050-01-01 */),
			 &ca);
	cr_assert_eq(mst_cert_parse(&cert, ca.der, &e), 0, "%s", e.text);
	cr_expect(cert.is_ca && cert.has_path_len && cert.path_len == 2 && cert.has_ku &&
		  !cert.has_eku);
	cr_expect_eq(cert.key_usage, MST_KU_CERT_SIGN | MST_KU_CRL_SIGN);
	cr_expect(mst_slice_eq(cert.issuer, cert.subject));

	cr_assert_eq(mst_cert_parse(&cert, leaf.der, &e), 0, "%s", e.text);
	cr_expect(!cert.is_ca && !cert.has_unknown_critical);
	cr_expect_eq(cert.key_usage, MST_KU_SIGN);
	cr_expect_eq(cert.ext_key_usage, MST_EKU_CLIENT);
	cr_expect_eq(cert.not_before, PKI_NOW - PKI_DAY);
	cr_expect_eq(cert.not_after, 2524608000);
	cr_expect_eq(cert.alg, MST_SIG_ECDSA_SHA256);
	cr_expect(mst_slice_eq(cert.common_name, MST_S("J\xc3\xbcrgen")));
	cr_expect_eq(cert.key_id.len, 20);
	cr_expect(mst_slice_eq(cert.san,
			       MST_S("\x82\x0fmdm.example.org\x82\x09localhost\x87\x04\x7f\0\0\x01"
				     "\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01")));
	mst_key_free(&ca.key);
	mst_key_free(&leaf.key);
	mst_arena_done(&a);
}

Test(issue, refused)
{
	const struct {
		const char *name;
		struct mst_issue what;
	} rows[] = {
		{"no name", {.common_name = ""}},
		{"long name",
		 {.common_name =
			  "0123456789012345678901234567890123456789012345678901234567890123x"}},
		{"line end", {.common_name = "a\nb"}},
		{"not UTF-8", {.common_name = "\xff"}},
		{"no time", {.common_name = "a", .not_before = 2, .not_after = 2}},
		{"bad ip", {.common_name = "a", .ips = (const char *const[]){"1.2.3", NULL}}},
		{"bad dns", {.common_name = "a", .dns = (const char *const[]){"a b", NULL}}},
		{"bad key", {.common_name = "a", .spki = MST_S_INIT("\x30\x01\x00")}},
	};
	struct mst_arena a = {0};
	struct mst_err e;
	struct mst_key *key;
	struct mst_slice out, spki;
	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0);
	cr_assert_eq(mst_key_spki(&spki, &a, key, &e), 0);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_issue what = rows[i].what;
		if (!what.spki.len)
			what.spki = spki;
		if (!what.not_after)
			what.not_after = 1000;
		cr_expect_eq(mst_issue_write(&out, &a, &what, mst_slice(NULL, 0), key, NULL, &e),
			     -1, "%s", rows[i].name);
	}
	mst_key_free(&key);
	mst_arena_done(&a);
}

/* 127 random bits, positive, in the shortest form. */
Test(issue, serials)
{
	struct mst_arena a = {0};
	struct mst_err e;
	struct mst_key *key;
	struct mst_slice out;
	struct mst_cert cert;
	uint8_t serial[16], before[16] = {0};
	struct mst_issue what = {.common_name = "a", .not_after = 1000};
	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0);
	cr_assert_eq(mst_key_spki(&what.spki, &a, key, &e), 0);
	for (int i = 0; i < 600; i++) {
		cr_assert_eq(mst_issue_write(&out, &a, &what, mst_slice(NULL, 0), key, serial, &e),
			     0);
		cr_assert_eq(mst_cert_parse(&cert, out, &e), 0, "%s", e.text);
		cr_expect(cert.serial.len <= 16 && cert.serial.at[0] < 0x80);
		cr_expect(memcmp(cert.serial.at + (cert.serial.at[0] == 0 && cert.serial.len > 1),
				 serial + 16 -
					 (cert.serial.len -
					  (cert.serial.at[0] == 0 && cert.serial.len > 1)),
				 cert.serial.len -
					 (cert.serial.at[0] == 0 && cert.serial.len > 1)) == 0);
		cr_expect(memcmp(serial, before, 16) != 0);
		memcpy(before, serial, 16);
	}
	mst_key_free(&key);
	mst_arena_done(&a);
}

static void write_out(const char *folder, const char *name, struct mst_slice text)
{
	char path[200];
	struct mst_err e;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	cr_assert_eq(mst_file_write(path, text, 0600, &e), 0, "%s", e.text);
}

static void expect_in(const char *path, const char *words)
{
	struct mst_arena a = {0};
	struct mst_slice text;
	struct mst_err e;
	cr_assert_eq(mst_file_read(&text, &a, path, 65536, &e), 0, "%s", e.text);
	cr_expect(strstr((const char *)text.at, words), "\"%s\" is not in:\n%s", words,
		  (const char *)text.at);
	mst_arena_done(&a);
}

Test(issue, openssl_agrees)
{
	static const enum mst_key_kind kinds[] = {MST_KEY_P256, MST_KEY_P384, MST_KEY_RSA2048};
	char folder[] = "/tmp/muster-issue-XXXXXX";
	if (access(openssl, X_OK) != 0)
		cr_skip_test("no openssl program");
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
	for (size_t i = 0; i < MST_LEN(kinds); i++) {
		struct mst_arena a = {0};
		const char *dns[] = {"mdm.example.org", NULL}, *ips[] = {"127.0.0.1", "::1", NULL};
		struct pki root = pki_make(&a, kinds[i], PKI_CA(.common_name = "Root"), NULL);
		struct pki mid = pki_make(
			&a, kinds[i], PKI_CA(.common_name = "Mid", .has_path_len = true), &root);
		struct pki leaf = pki_make(&a, kinds[i],
					   PKI_LEAF(.common_name = "device",
						    .organization = "Example", .dns = dns,
						    .ips = ips, .not_after = 2556144000 /* 2051 */),
					   &mid);
		write_out(folder, "root.pem", root.pem);
		write_out(folder, "mid.pem", mid.pem);
		write_out(folder, "leaf.pem", leaf.pem);
		write_out(folder, "leaf.key", leaf.key_pem);
		const char *verify[] = {openssl,      "verify",     "-x509_strict", "-attime",
					"1800000000", "-purpose",   "sslclient",    "-CAfile",
					"root.pem",   "-untrusted", "mid.pem",      "leaf.pem",
					NULL};
		int rc = pki_run(verify, "out");
		expect_in("out", "leaf.pem: OK");
		cr_expect_eq(rc, 0, "kind %zu", i);
		const char *text[] = {openssl,   "x509", "-noout",   "-text", "-nameopt",
				      "RFC2253", "-in",  "leaf.pem", NULL};
		cr_expect_eq(pki_run(text, "out"), 0);
		expect_in("out", "Version: 3 (0x2)");
		expect_in("out", "Issuer: CN=Mid");
		expect_in("out", "Subject: CN=device,O=Example");
		expect_in("out", "Not After : Jan  1 00:00:00 2051 GMT");
		expect_in("out", "Not Before: Jan 14 08:00:00 2027 GMT");
		expect_in("out", "X509v3 Key Usage: critical\n                Digital Signature\n");
		expect_in("out", "X509v3 Basic Constraints: critical\n                CA:FALSE\n");
		expect_in("out", "TLS Web Client Authentication");
		expect_in("out",
			  "DNS:mdm.example.org, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
		const char *key[] = {openssl, "pkey", "-in", "leaf.key", "-check", "-noout", NULL};
		cr_expect_eq(pki_run(key, "out"), 0);
		mst_key_free(&root.key);
		mst_key_free(&mid.key);
		mst_key_free(&leaf.key);
		mst_arena_done(&a);
	}
	static const char *const names[] = {"root.pem", "mid.pem", "leaf.pem", "leaf.key", "out"};
	for (size_t i = 0; i < MST_LEN(names); i++)
		cr_expect_eq(unlink(names[i]), 0);
	cr_expect_eq(rmdir(folder), 0);
}
