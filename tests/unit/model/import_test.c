/* SPDX-License-Identifier: Apache-2.0 */
/* Intermediates: our request signed by another CA (the openssl program), and what is refused to be taken in. */
#include <unistd.h>

#include "../crypt/pki.h"
#include "authority_kit.h"
#include "muster/clock.h"
#include "muster/csr.h"
#include "muster/file.h"

static const char openssl[] = "/usr/bin/openssl";

static struct mst_authority make_pending(struct rig *rig, enum mst_key_kind kind)
{
	struct mst_authority_wish wish = rig_wish("mid", kind);
	struct mst_authority a;
	struct mst_err e;

	wish.is_intermediate = true;
	cr_assert_eq(mst_authority_make(&a, rig->arena, &wish, &e), 0, "%s", e.text);
	cr_expect(a.state == MST_AUTHORITY_PENDING && a.csr.len && !a.cert.len && !a.ocsp_cert.len);
	return a;
}

static void run(const char *const *argv)
{
	struct mst_arena a = {0};
	struct mst_slice text = {NULL, 0};
	struct mst_err e;
	int rc = pki_run(argv, "out");

	if (rc != 0)
		cr_assert_eq(mst_file_read(&text, &a, "out", 65536, &e), 0);
	cr_assert_eq(rc, 0, "%s: %s", argv[1], (const char *)text.at);
	mst_arena_done(&a);
}

Test(import, signed_by_openssl, .timeout = 60)
{
	static const struct {
		enum mst_key_kind kind;
		const char *usage;
		bool has_ra;
	} rows[] = {
		{MST_KEY_P256, "critical,keyCertSign,cRLSign", true},
		{MST_KEY_RSA2048, "critical,keyCertSign,cRLSign", true},
		{MST_KEY_RSA2048, "critical,keyCertSign,cRLSign,digitalSignature,keyEncipherment", false},
	};
	struct rig rig;
	struct mst_err e;

	if (access(openssl, X_OK) != 0)
		cr_skip_test("no openssl program");
	rig_open(&rig);
	run((const char *[]){openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem",
			     "-days", "100", "-subj", "/CN=Corporate Root", "-addext", "keyUsage=critical,keyCertSign,cRLSign", NULL});
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_authority a = make_pending(&rig, rows[i].kind), stored;
		struct mst_slice mid, root, extensions, key, spki, der, pem;
		struct mst_issuers *issuers = NULL;

		cr_assert(mst_arena_format(rig.arena, &extensions,
					   "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=%s\n"
					   "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n", rows[i].usage));
		cr_assert_eq(mst_file_write("ext", extensions, 0600, &e), 0);
		cr_assert_eq(mst_file_write("mid.csr", a.csr, 0600, &e), 0);
		run((const char *[]){openssl, "x509", "-req", "-inform", "DER", "-in", "mid.csr", "-CA", "root.pem", "-CAkey",
				     "root.key", "-CAcreateserial", "-days", "50", "-extfile", "ext", "-out", "mid.pem", NULL});
		cr_assert_eq(mst_file_read(&mid, rig.arena, "mid.pem", 65536, &e), 0);
		cr_assert_eq(mst_file_read(&root, rig.arena, "root.pem", 65536, &e), 0);
		/* The order in the file does not matter. */
		cr_assert_eq(mst_authority_import(&a, rig.arena, pki_join(rig.arena, root, mid), &e), 0, "%s", e.text);
		cr_expect(a.state == MST_AUTHORITY_ACTIVE && a.csr.len == 0 && a.chain.len && a.ocsp_cert.len);
		cr_expect_eq(a.ra_cert.len != 0, rows[i].has_ra, "row %zu", i);
		if (rig_get(&rig, &stored, "mid", NULL) == 1)
			a.raw = stored.raw;
		cr_assert_eq(rig_put(&rig, &a, rig.seal), 0);
		cr_assert_eq(mst_issuers_load(&issuers, rig.kit->store, rig.seal, &e), 0, "%s", e.text);
		cr_assert_eq(mst_key_pair(&key, &spki, rig.arena, MST_KEY_P256, &e), 0);
		cr_assert_eq(mst_issuer_issue(&der, rig.arena, issuers->rows[0], &(struct mst_subject){.common_name = "d"}, spki,
					      mst_clock_wall_ms() / 1000, NULL, &e), 0, "%s", e.text);
		cr_assert_eq(mst_pem_put(&pem, rig.arena, "CERTIFICATE", der, &e), 0);
		cr_assert_eq(mst_file_write("leaf.pem", pem, 0600, &e), 0);
		run((const char *[]){openssl, "verify", "-CAfile", "root.pem", "-untrusted", "mid.pem", "leaf.pem", NULL});
		mst_issuers_free(&issuers);
	}
	rig_close(&rig);
}

/* A certificate by `by` for the key of `a`. */
static struct mst_slice certify(struct mst_arena *arena, const struct mst_authority *a, const struct pki *by, struct mst_issue what)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_slice der, pem;
	struct mst_csr csr;
	struct mst_err e;

	cr_assert_eq(mst_csr_read(&csr, a->csr, &e), 0);
	what.spki = csr.spki;
	what.common_name = "Mid";
	what.not_before = what.not_before ? what.not_before : now_s - 60;
	what.not_after = what.not_after ? what.not_after : now_s + 86400;
	cr_assert_eq(mst_issue_write(&der, arena, &what, by->der, by->key, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(mst_pem_put(&pem, arena, "CERTIFICATE", der, &e), 0);
	return pem;
}

Test(import, refused)
{
	struct rig rig;
	struct mst_err e;

	rig_open(&rig);
	struct mst_arena *arena = rig.arena;
	struct mst_authority a = make_pending(&rig, MST_KEY_P256), other = make_pending(&rig, MST_KEY_P256);
	struct pki root = pki_make(arena, MST_KEY_P256, PKI_CA(.common_name = "Root"), NULL);
	struct pki fake = pki_make(arena, MST_KEY_P256, PKI_CA(.common_name = "Root"), NULL);
	struct pki leaf = pki_make(arena, MST_KEY_P256, PKI_LEAF(.common_name = "Leaf"), NULL);
	struct mst_slice good = certify(arena, &a, &root, PKI_CA(.has_path_len = true));
	const struct {
		const char *name;
		struct mst_slice pem;
		enum mst_code code;
	} rows[] = {
		{"nothing", MST_S(""), MST_E_DENIED},
		{"not PEM", MST_S("-----BEGIN CERTIFICATE-----\nAA"), MST_E_SYNTAX},
		{"another key", certify(arena, &other, &root, PKI_CA(.hash_bits = 0)), MST_E_DENIED},
		{"no CA", certify(arena, &a, &root, PKI_LEAF(.hash_bits = 0)), MST_E_DENIED},
		{"no CRLs", certify(arena, &a, &root, (struct mst_issue){.is_ca = true, .key_usage = MST_KU_CERT_SIGN}), MST_E_DENIED},
		{"over", certify(arena, &a, &root, PKI_CA(.not_before = 1, .not_after = 2)), MST_E_GONE},
		{"too early", certify(arena, &a, &root, PKI_CA(.not_before = 4000000000, .not_after = 4000000001)), MST_E_GONE},
		{"false root", pki_join(arena, good, fake.pem), MST_E_CRYPTO},
		{"a stranger", pki_join(arena, good, pki_join(arena, root.pem, leaf.pem)), MST_E_SYNTAX},
		{"signed by a leaf", pki_join(arena, certify(arena, &a, &leaf, PKI_CA(.hash_bits = 0)), leaf.pem), MST_E_DENIED},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		e.code = MST_E_NONE;
		cr_expect_eq(mst_authority_import(&a, arena, rows[i].pem, &e), -1, "%s", rows[i].name);
		cr_expect_eq(e.code, rows[i].code, "%s: %s", rows[i].name, e.text);
		cr_expect(a.state == MST_AUTHORITY_PENDING && a.cert.len == 0, "%s", rows[i].name);
	}
	struct mst_authority same = a;
	cr_assert_eq(mst_authority_import(&a, arena, pki_join(arena, good, root.pem), &e), 0, "%s", e.text);
	cr_expect_eq(a.state, MST_AUTHORITY_ACTIVE);
	cr_expect_eq(mst_authority_import(&same, arena, good, &e), 0, "without the chain too: %s", e.text);
	cr_expect_eq(same.chain.len, 0);

	/* A newer one of the same name follows; once retired, nothing does. */
	same.csr = other.csr;
	a.csr = same.csr;
	a.state = MST_AUTHORITY_RETIRED;
	cr_expect_eq(mst_authority_import(&a, arena, good, &e), -1);
	a.state = MST_AUTHORITY_ACTIVE;
	cr_expect_eq(mst_authority_import(&a, arena, good, &e), 0, "%s", e.text);
	mst_key_free(&root.key);
	mst_key_free(&fake.key);
	mst_key_free(&leaf.key);
	rig_close(&rig);
}
