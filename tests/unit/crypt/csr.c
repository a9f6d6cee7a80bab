/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: what we write the openssl program takes, what it writes we read, and broken ones are refused. */
#include "muster/csr.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "muster/file.h"
#include "pki.h"

static const char openssl[] = "/usr/bin/openssl";
static char folder[] = "/tmp/muster-csr-XXXXXX";

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
}

static void tear_down(void)
{
	unlink("csr.der");
	unlink("csr.pem");
	unlink("key.pem");
	unlink("out.txt");
	cr_expect_eq(rmdir(folder), 0);
}

TestSuite(csr, .init = set_up, .fini = tear_down);

static struct mst_slice write_one(struct mst_arena *a, enum mst_key_kind kind, const char *challenge)
{
	const struct mst_issue what = {
		.common_name = "Intermediate",
		.organization = "Example",
		.is_ca = true,
		.has_path_len = true,
		.key_usage = MST_KU_CERT_SIGN | MST_KU_CRL_SIGN,
	};
	struct mst_key *key = NULL;
	struct mst_slice out;
	struct mst_err e;
	cr_assert_eq(mst_key_new(&key, kind, &e), 0);
	cr_assert_eq(mst_csr_write(&out, a, &what, key, challenge, &e), 0, "%s", e.text);
	mst_key_free(&key);
	return out;
}

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

Test(csr, openssl_takes_ours)
{
	static const enum mst_key_kind kinds[] = {MST_KEY_P256, MST_KEY_P384, MST_KEY_RSA2048};
	if (access(openssl, X_OK) != 0)
		cr_skip_test("no openssl program");
	for (size_t i = 0; i < MST_LEN(kinds); i++) {
		struct mst_arena a = {0};
		struct mst_csr csr;
		struct mst_err e;
		struct mst_slice der = write_one(&a, kinds[i], i ? NULL : "geheim \xc3\xbc");
		cr_assert_eq(mst_csr_read(&csr, der, &e), 0, "%s", e.text);
		cr_expect_eq(mst_csr_verify(&csr, false, &e), 0, "%s", e.text);
		cr_expect(mst_slice_eq(csr.common_name, MST_S("Intermediate")));
		cr_expect(mst_slice_eq(csr.challenge, i ? MST_S("") : MST_S("geheim \xc3\xbc")));
		cr_assert_eq(mst_file_write("csr.der", der, 0600, &e), 0);
		const char *argv[] = {openssl, "req", "-inform", "DER", "-in", "csr.der", "-verify", "-noout", "-text", NULL};
		cr_expect_eq(pki_run(argv, "out.txt"), 0);
		expect_out("Certificate request self-signature verify OK");
		expect_out("CA:TRUE, pathlen:0");
		expect_out("Certificate Sign, CRL Sign");
		expect_out("O = Example, CN = Intermediate");
		mst_arena_done(&a);
	}
}

Test(csr, ours_takes_openssl)
{
	static const struct {
		const char *kind, *hash;
		bool is_verified, is_sha1_verified;
	} rows[] = {
		{"rsa:2048", "-sha256", true, true},
		{"rsa:2048", "-sha512", true, true},
		{"rsa:2048", "-sha1", false, true},
		{"rsa:2048", "-md5", false, false},
	};
	if (access(openssl, X_OK) != 0)
		cr_skip_test("no openssl program");
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena a = {0};
		struct mst_slice text, label, der;
		struct mst_csr csr;
		struct mst_err e;
		const char *argv[] = {openssl, "req", "-new", "-newkey", rows[i].kind, rows[i].hash, "-nodes", "-keyout", "key.pem",
				      "-out", "csr.pem", "-subj", "/C=DE/CN=outer/CN=device 7", "-addext", "basicConstraints=CA:TRUE", NULL};
		cr_assert_eq(pki_run(argv, "out.txt"), 0, "row %zu", i);
		cr_assert_eq(mst_file_read(&text, &a, "csr.pem", 65536, &e), 0);
		cr_assert_eq(mst_pem_next(&label, &der, &text, &a, &e), 1);
		cr_assert_eq(mst_csr_read(&csr, der, &e), 0, "%s", e.text);
		cr_expect(mst_slice_eq(csr.common_name, MST_S("device 7")));
		cr_expect_eq(csr.challenge.len, 0);
		cr_expect_eq(mst_csr_verify(&csr, false, &e) == 0, rows[i].is_verified, "row %zu", i);
		cr_expect_eq(mst_csr_verify(&csr, true, &e) == 0, rows[i].is_sha1_verified, "row %zu", i);
		mst_arena_done(&a);
	}
}

/* Nothing that was cut or changed parses and verifies. */
Test(csr, broken)
{
	struct mst_arena a = {0};
	struct mst_csr csr;
	struct mst_err e;
	struct mst_slice der = write_one(&a, MST_KEY_P256, "secret");
	for (size_t len = 0; len < der.len; len++)
		cr_expect_eq(mst_csr_read(&csr, mst_slice(der.at, len), &e), -1, "%zu bytes", len);
	for (size_t i = 0; i < der.len; i++) {
		((uint8_t *)der.at)[i] ^= 0x11;
		if (mst_csr_read(&csr, der, &e) == 0)
			cr_expect_eq(mst_csr_verify(&csr, true, &e), -1, "byte %zu", i);
		((uint8_t *)der.at)[i] ^= 0x11;
	}
	cr_expect_eq(mst_csr_read(&csr, der, &e), 0);
	cr_expect_eq(mst_csr_verify(&csr, false, &e), 0);
	mst_arena_done(&a);
}

Test(csr, two_challenges)
{
	struct mst_arena a = {0};
	struct mst_csr csr;
	struct mst_err e;
	struct mst_slice der = write_one(&a, MST_KEY_P256, "0123456789012345678901234567890123456789");
	const struct mst_slice oid = MST_S("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e");
	uint8_t *other = memmem(der.at, der.len, oid.at, oid.len);
	cr_assert_not_null(other); /* extensionRequest becomes a second challenge, and is no text */
	other[oid.len - 1] = 7;
	cr_expect_eq(mst_csr_read(&csr, der, &e), -1);
	mst_arena_done(&a);
}
