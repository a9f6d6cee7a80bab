/* SPDX-License-Identifier: Apache-2.0 */
/* Authorities: made, stored, loaded, imported, renewed; what they issue, the openssl program trusts. */
#include "muster/authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../crypt/pki.h"
#include "authority_kit.h"
#include "muster/clock.h"
#include "muster/csr.h"
#include "muster/file.h"

static const char openssl[] = "/usr/bin/openssl";

Test(authority, store)
{
	struct rig rig;
	struct mst_authority a, b;
	struct mst_slice raw;

	rig_open(&rig);
	a = rig_make(&rig, "devices", MST_KEY_P256);
	cr_expect_eq(rig_get(&rig, &b, "devices", rig.seal), 0);
	cr_assert_eq(rig_put(&rig, &a, rig.seal), 0);
	cr_expect_eq(rig_put(&rig, &a, rig.seal), MST_E_CONFLICT, "a name is given once");
	cr_assert_eq(rig_get(&rig, &b, "devices", rig.seal), 1);
	cr_expect(mst_slice_eq(a.cert, b.cert) && mst_slice_eq(a.key, b.key) && mst_slice_eq(a.name, b.name));
	cr_expect(mst_slice_eq(a.ra_cert, b.ra_cert) && mst_slice_eq(a.ra_key, b.ra_key));
	cr_expect(mst_slice_eq(a.ocsp_cert, b.ocsp_cert) && mst_slice_eq(a.ocsp_key, b.ocsp_key));
	cr_expect(mst_slice_eq(a.crl_url, b.crl_url) && mst_slice_eq(a.ocsp_url, b.ocsp_url));
	cr_expect_arr_eq(&a.template, &b.template, sizeof a.template);
	cr_expect(a.kind == b.kind && a.state == b.state && a.crl_hours == b.crl_hours && !b.is_old);
	cr_expect(a.created_ms == b.created_ms && a.changed_ms == b.changed_ms);
	cr_expect_null(memmem(b.raw.at, b.raw.len, a.key.at + 40, 20), "the key is not there in clear");

	/* With closed keys everything else changes and the keys stay. */
	cr_assert_eq(rig_get(&rig, &b, "devices", NULL), 1);
	cr_expect(b.key.len == 0 && b.ra_key.len == 0 && b.ocsp_key.len == 0);
	b.state = MST_AUTHORITY_RETIRED;
	raw = b.raw;
	cr_assert_eq(rig_put(&rig, &b, NULL), 0);
	cr_assert_eq(rig_get(&rig, &b, "devices", rig.seal), 1);
	cr_expect(mst_slice_eq(a.key, b.key) && b.state == MST_AUTHORITY_RETIRED);
	b.raw = raw;
	cr_expect_eq(rig_put(&rig, &b, rig.seal), MST_E_CONFLICT, "changed meanwhile");
	mst_authority_wipe(&b);
	cr_expect(b.key.len == 0 && b.ra_key.len == 0 && b.ocsp_key.len == 0);
	rig_close(&rig);
}

/* A key sealed for one record opens in no other, and no other key's place. */
/* The first version of the record had no successor. */
Test(authority, reads_old_records)
{
	struct mst_authority a, b;
	struct mst_batch batch;
	uint8_t *old;
	struct rig rig;

	rig_open(&rig);
	a = rig_make(&rig, "devices", MST_KEY_P256);
	cr_assert_eq(rig_put(&rig, &a, rig.seal), 0);
	cr_assert_eq(rig_get(&rig, &b, "devices", rig.seal), 1);
	cr_expect_eq(b.successor.len, 0);
	old = mst_arena_get(rig.arena, b.raw.len);
	cr_assert_not_null(old);
	memcpy(old, b.raw.at, b.raw.len);
	cr_assert_eq(old[0], 2);
	cr_assert_eq(old[b.raw.len - 1], 0, "the length of no successor");
	old[0] = 1;
	mst_batch_init(&batch, rig.arena, NULL, NULL);
	mst_batch_put(&batch, MST_SPACE_AUTHORITY, mst_slice(a.id, sizeof a.id), mst_slice(old, b.raw.len - 1));
	cr_assert_eq(mst_store_commit_here(rig.kit->store, &batch), 0, "%s", batch.err.text);
	cr_assert_eq(rig_get(&rig, &b, "devices", rig.seal), 1);
	cr_expect(mst_slice_eq(a.cert, b.cert) && mst_slice_eq(a.key, b.key) && b.successor.len == 0);
	b.successor = MST_S("0123456789abcdef");
	cr_assert_eq(rig_put(&rig, &b, rig.seal), 0);
	cr_assert_eq(rig_get(&rig, &b, "devices", rig.seal), 1);
	cr_expect(mst_slice_eq(b.successor, MST_S("0123456789abcdef")) && mst_slice_eq(a.key, b.key));
	b.successor = MST_S("short");
	cr_assert_eq(rig_put(&rig, &b, rig.seal), 0);
	cr_expect_eq(rig_get(&rig, &b, "devices", rig.seal), -1);
	rig_close(&rig);
}

Test(authority, sealed_to_its_place)
{
	struct rig rig;
	struct mst_authority a, b;
	struct mst_slice key;

	rig_open(&rig);
	a = rig_make(&rig, "one", MST_KEY_P256);
	cr_assert_eq(rig_put(&rig, &a, rig.seal), 0);
	cr_assert_eq(rig_get(&rig, &a, "one", NULL), 1);
	b = a;
	b.raw = mst_slice(NULL, 0);
	mst_authority_id(b.id, MST_S("two"));
	cr_assert_eq(rig_put(&rig, &b, NULL), 0);
	cr_expect_eq(rig_get(&rig, &b, "two", rig.seal), -1);
	key = a.sealed[0];
	a.sealed[0] = a.sealed[2];
	a.sealed[2] = key;
	cr_assert_eq(rig_put(&rig, &a, NULL), 0);
	cr_expect_eq(rig_get(&rig, &a, "one", rig.seal), -1);
	rig_close(&rig);
}

Test(authority, rotated_key)
{
	struct rig rig;
	struct mst_authority a;

	rig_open(&rig);
	a = rig_make(&rig, "devices", MST_KEY_P256);
	cr_assert_eq(rig_put(&rig, &a, rig.seal), 0);
	rig_rotate(&rig);
	cr_assert_eq(rig_get(&rig, &a, "devices", rig.seal), 1);
	cr_expect(a.is_old);
	cr_assert_eq(rig_put(&rig, &a, rig.seal), 0);
	cr_assert_eq(rig_get(&rig, &a, "devices", rig.seal), 1);
	cr_expect(!a.is_old);
	rig_close(&rig);
}

static void save(struct mst_arena *arena, const char *name, struct mst_slice der)
{
	struct mst_slice pem;
	struct mst_err e;

	cr_assert_eq(mst_pem_put(&pem, arena, "CERTIFICATE", der, &e), 0);
	cr_assert_eq(mst_file_write(name, pem, 0600, &e), 0);
}

static void expect_out(const char *words)
{
	struct mst_arena a = {0};
	struct mst_slice text;
	struct mst_err e;

	cr_assert_eq(mst_file_read(&text, &a, "out", 65536, &e), 0, "%s", e.text);
	cr_expect(strstr((const char *)text.at, words), "\"%s\" is not in:\n%s", words, (const char *)text.at);
	mst_arena_done(&a);
}

static const char *const dns[] = {"a.example.org", NULL};
static const struct mst_subject subject = {.common_name = "device-7", .organization = "Example", .dns = dns};

static void expect_trusted(struct mst_arena *arena, const char *purpose, struct mst_slice der)
{
	save(arena, "leaf.pem", der);
	const char *argv[] = {openssl,     "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca.pem",
			      "leaf.pem", NULL};
	cr_expect_eq(pki_run(argv, "out"), 0);
	expect_out("leaf.pem: OK");
}

Test(authority, every_kind_issues, .timeout = 100)
{
	static const enum mst_key_kind kinds[] = {MST_KEY_P256, MST_KEY_P384, MST_KEY_RSA2048, MST_KEY_RSA3072, MST_KEY_RSA4096};
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct rig rig;
	struct mst_err e;

	rig_open(&rig);
	for (size_t i = 0; i < MST_LEN(kinds); i++) {
		struct mst_authority a = rig_make(&rig, "ca", kinds[i]);
		bool is_ec = kinds[i] <= MST_KEY_P384;
		struct mst_slice key, spki, der;
		const struct mst_issuer *issuer;
		struct mst_issuers *issuers = NULL;
		uint8_t serial[16];
		struct mst_authority stored;

		cr_expect_eq(a.ra_key.len != 0, is_ec);
		if (rig_get(&rig, &stored, "ca", NULL) == 1)
			a.raw = stored.raw;
		cr_assert_eq(rig_put(&rig, &a, rig.seal), 0);
		cr_assert_eq(mst_issuers_load(&issuers, rig.kit->store, rig.seal, &e), 0, "%s", e.text);
		cr_assert_eq(issuers->num, 1);
		issuer = mst_issuers_find0(issuers, MST_S("ca"));
		cr_assert_not_null(issuer);
		cr_expect_eq(mst_issuers_find_id0(issuers, a.id), issuer);
		cr_expect_null(mst_issuers_find0(issuers, MST_S("none")));
		cr_expect(issuer->record.key.len == 0 && (issuer->ra_key != NULL) == is_ec && issuer->ocsp_key);
		cr_assert_eq(mst_key_pair(&key, &spki, rig.arena, MST_KEY_P256, &e), 0);
		cr_assert_eq(mst_issuer_issue(&der, rig.arena, issuer, &subject, spki, now_s, serial, &e), 0, "%s", e.text);
		if (access(openssl, X_OK) == 0) {
			save(rig.arena, "ca.pem", a.cert);
			expect_trusted(rig.arena, "sslclient", der);
			expect_trusted(rig.arena, "ocsphelper", a.ocsp_cert);
			if (is_ec)
				expect_trusted(rig.arena, "any", a.ra_cert);
		}
		mst_issuers_free(&issuers);
		mst_issuers_free(&issuers);
	}
	rig_close(&rig);
}

Test(authority, issue_refused)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct rig rig;
	struct mst_slice key, p256, rsa, out;
	struct mst_cert cert;
	struct mst_err e;
	struct mst_issuer issuer = {.mould = NULL};
	struct mst_issue fixed = {.key_usage = MST_KU_SIGN};

	rig_open(&rig);
	issuer.record = rig_make(&rig, "ca", MST_KEY_P256);
	cr_assert_eq(mst_cert_parse(&issuer.cert, issuer.record.cert, &e), 0);
	cr_assert_eq(mst_key_read(&issuer.key, issuer.record.key, &e), 0);
	cr_assert_eq(mst_mould_new(&issuer.mould, &fixed, issuer.record.cert, issuer.key, &e), 0);
	cr_assert_eq(mst_key_pair(&key, &p256, rig.arena, MST_KEY_P256, &e), 0);
	cr_assert_eq(mst_key_pair(&key, &rsa, rig.arena, MST_KEY_RSA2048, &e), 0);

	const struct {
		const char *name;
		uint32_t rsa_bits_min;
		bool takes_ec;
		enum mst_authority_state state;
		struct mst_slice spki;
		int64_t now_s;
		enum mst_code code;
	} rows[] = {
		{"EC", 2048, true, MST_AUTHORITY_ACTIVE, p256, now_s, MST_E_NONE},
		{"RSA", 2048, false, MST_AUTHORITY_ACTIVE, rsa, now_s, MST_E_NONE},
		{"no EC", 2048, false, MST_AUTHORITY_ACTIVE, p256, now_s, MST_E_DENIED},
		{"weak RSA", 3072, true, MST_AUTHORITY_ACTIVE, rsa, now_s, MST_E_DENIED},
		{"retired", 2048, true, MST_AUTHORITY_RETIRED, p256, now_s, MST_E_CONFLICT},
		{"broken", 2048, true, MST_AUTHORITY_ACTIVE, mst_slice(p256.at, p256.len - 1), now_s, MST_E_CRYPTO},
		{"at the CA's end", 2048, true, MST_AUTHORITY_ACTIVE, p256, issuer.cert.not_after, MST_E_GONE},
		{"a day before", 2048, true, MST_AUTHORITY_ACTIVE, p256, issuer.cert.not_after - 86400, MST_E_NONE},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		issuer.record.template.rsa_bits_min = rows[i].rsa_bits_min;
		issuer.record.template.takes_ec = rows[i].takes_ec;
		issuer.record.state = rows[i].state;
		e.code = MST_E_NONE;
		int rc = mst_issuer_issue(&out, rig.arena, &issuer, &subject, rows[i].spki, rows[i].now_s, NULL, &e);
		cr_expect_eq(e.code, rows[i].code, "%s", rows[i].name);
		cr_expect_eq(rc, rows[i].code ? -1 : 0, "%s", rows[i].name);
		if (rc < 0)
			continue;
		cr_assert_eq(mst_cert_parse(&cert, out, &e), 0);
		cr_expect_leq(cert.not_after, issuer.cert.not_after, "%s", rows[i].name);
		cr_expect_geq(cert.not_before, issuer.cert.not_before, "%s", rows[i].name);
	}
	mst_mould_free(&issuer.mould);
	mst_key_free(&issuer.key);
	rig_close(&rig);
}

Test(authority, wishes_refused)
{
	static const struct {
		const char *name;
		struct mst_authority_wish wish;
	} rows[] = {
		{"no name", {.name = MST_S_INIT("")}},
		{"capital", {.name = MST_S_INIT("Ca")}},
		{"path", {.name = MST_S_INIT("../ca")}},
		{"no life", {.days = UINT32_MAX}},
		{"may sign certificates", {.template = {.key_usage = MST_KU_SIGN | MST_KU_CERT_SIGN}}},
		{"signs OCSP", {.template = {.ext_key_usage = MST_EKU_CLIENT | MST_EKU_OCSP}}},
		{"any use", {.template = {.ext_key_usage = MST_EKU_ANY}}},
		{"EC that enciphers only", {.template = {.key_usage = MST_KU_ENCIPHER}}},
		{"weak RSA", {.template = {.rsa_bits_min = 1024}}},
		{"hash", {.template = {.hash_bits = 160}}},
		{"no days", {.template = {.days = 40000}}},
		{"CRL for ever", {.crl_hours = 100000}},
		{"URL", {.crl_url = MST_S_INIT("ftp://example.org/crl")}},
		{"URL with a space", {.ocsp_url = MST_S_INIT("http://example.org/ o")}},
		{"common name", {.common_name = "a\nb"}},
	};
	struct rig rig;
	struct mst_authority a;
	struct mst_err e;

	rig_open(&rig);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_authority_wish wish = rig_wish("ca", MST_KEY_P256), bad = rows[i].wish;

		wish.name = bad.name.at ? bad.name : wish.name;
		wish.days = bad.days ? bad.days : wish.days;
		wish.crl_hours = bad.crl_hours ? bad.crl_hours : wish.crl_hours;
		wish.crl_url = bad.crl_url.len ? bad.crl_url : wish.crl_url;
		wish.ocsp_url = bad.ocsp_url.len ? bad.ocsp_url : wish.ocsp_url;
		wish.common_name = bad.common_name ? bad.common_name : wish.common_name;
		wish.template.days = bad.template.days ? bad.template.days : wish.template.days;
		wish.template.key_usage = bad.template.key_usage ? bad.template.key_usage : wish.template.key_usage;
		wish.template.hash_bits = bad.template.hash_bits ? bad.template.hash_bits : wish.template.hash_bits;
		if (bad.template.ext_key_usage)
			wish.template.ext_key_usage = bad.template.ext_key_usage;
		if (bad.template.rsa_bits_min)
			wish.template.rsa_bits_min = bad.template.rsa_bits_min;
		cr_expect_eq(mst_authority_make(&a, rig.arena, &wish, &e), -1, "%s", rows[i].name);
		cr_expect_eq(e.code, MST_E_SYNTAX, "%s", rows[i].name);
		cr_expect_eq(a.key.len, 0, "%s", rows[i].name);
	}
	rig_close(&rig);
}

/* The helpers' certificates are made anew before their end, never beyond the CA's. */
Test(authority, refresh)
{
	struct rig rig;
	struct mst_cert before, after, ca;
	struct mst_authority a;
	struct mst_err e;

	rig_open(&rig);
	a = rig_make(&rig, "ca", MST_KEY_P256);
	int64_t now_s = a.created_ms / 1000;
	cr_assert_eq(mst_cert_parse(&before, a.ocsp_cert, &e), 0);
	cr_assert_eq(mst_cert_parse(&ca, a.cert, &e), 0);
	cr_expect_eq(mst_authority_refresh(&a, rig.arena, now_s, &e), 0);
	cr_expect_eq(mst_authority_refresh(&a, rig.arena, before.not_after - 31 * 86400, &e), 0);
	cr_expect_eq(mst_authority_refresh(&a, rig.arena, before.not_after - 29 * 86400, &e), 1);
	cr_assert_eq(mst_cert_parse(&after, a.ocsp_cert, &e), 0);
	cr_expect_gt(after.not_after, before.not_after);
	cr_expect(mst_slice_eq(after.spki, before.spki), "the key stays");
	cr_expect_eq(mst_authority_refresh(&a, rig.arena, ca.not_after - 86400, &e), 1);
	cr_assert_eq(mst_cert_parse(&after, a.ra_cert, &e), 0);
	cr_expect_eq(after.not_after, ca.not_after);
	cr_expect_eq(mst_authority_refresh(&a, rig.arena, ca.not_after - 3600, &e), 0, "no longer life is to be had");
	rig_close(&rig);
}
