/* SPDX-License-Identifier: Apache-2.0 */
/* Client certificates: refused ones with the right alert, known ones without asking, never without
 * looking at time. */
#include <criterion/criterion.h>

#include "muster/clock.h"
#include "rig.h"

Test(verdict, refused)
{
	static const struct {
		const char *name;
		enum { OURS, THEIRS, SELF } issuer;
		struct mst_issue what;
		const char *alert; /* as the client hears it */
	} rows[] = {
		{"another CA", THEIRS, {.key_usage = MST_KU_SIGN}, "UNKNOWN_CA"},
		{"self-signed", SELF, {.key_usage = MST_KU_SIGN}, "UNKNOWN_CA"},
		{"expired", OURS, {.not_after = PKI_NOW - 1}, "CERTIFICATE_EXPIRED"},
		{"not yet valid", OURS, {.not_before = PKI_NOW + 1}, "CERTIFICATE_EXPIRED"},
		{"a CA",
		 OURS,
		 {.is_ca = true, .key_usage = MST_KU_SIGN | MST_KU_CERT_SIGN},
		 "UNSUPPORTED_CERTIFICATE"},
		{"for servers", OURS, {.ext_key_usage = MST_EKU_SERVER}, "UNSUPPORTED_CERTIFICATE"},
	};
	for (int allows_13 = 0; allows_13 < 2; allows_13++) {
		for (size_t i = 0; i < MST_LEN(rows); i++) {
			struct rig rig;
			rig_make(&rig);
			const struct pki *issuers[] = {&rig.root, &rig.other, NULL};
			struct mst_issue what = rows[i].what;
			what.common_name = "device-1";
			rig_identity(&rig, false, MST_KEY_P256, what, issuers[rows[i].issuer]);
			rig.client_conf.forbids_13 = !allows_13;
			uint64_t failed = rig_counter(MST_C_TLS_FAILED);
			rig_shake(&rig);
			cr_expect(!mst_tls_is_open(rig.s.tls), "%s", rows[i].name);
			cr_expect_eq(rig.s.rc, -1);
			cr_expect_eq(rig.s.e.code, MST_E_CRYPTO);
			cr_expect(strstr(rig.s.e.text, "certificat"), "%s: %s", rows[i].name,
				  rig.s.e.text);
			cr_expect_eq(rig.c.rc, -1, "%s", rows[i].name);
			cr_expect(strstr(rig.c.e.text, rows[i].alert), "%s: %s", rows[i].name,
				  rig.c.e.text);
			cr_expect_geq(mst_tls_alert(rig.c.tls), 42, "%s: one of the alerts on certificates", rows[i].name);
			cr_expect_eq(mst_tls_alert(rig.s.tls), 0);
			cr_expect_geq(rig_counter(MST_C_TLS_FAILED) - failed, 1);
			rig_done(&rig);
		}
	}
}

Test(verdict, intermediate)
{
	struct rig rig;
	rig_make(&rig);
	struct pki mid = pki_make(&rig.a, MST_KEY_P256, PKI_CA(.common_name = "Mid"), &rig.root);
	rig_identity(&rig, false, MST_KEY_P256, PKI_LEAF(.common_name = "deep"), &mid);
	cr_expect(!rig_shake(&rig) || !mst_tls_is_open(rig.s.tls), "the intermediate is not shown");
	rig_contexts_done(&rig);
	rig.client_conf.chain_pem = pki_join(&rig.a, rig.client_conf.chain_pem, mid.pem);
	cr_expect(rig_shake(&rig), "%s", rig.s.e.text);
	cr_expect_str_eq(mst_tls_peer0(rig.s.tls)->name, "deep");
	mst_key_free(&mid.key);
	rig_done(&rig);
}

Test(verdict, known)
{
	struct rig rig;
	rig_make(&rig);
	memset(rig.server_conf.ticket_secret, 0, 32);
	uint64_t hits = rig_counter(MST_C_TLS_CACHE_HIT),
		 misses = rig_counter(MST_C_TLS_CACHE_MISS);
	uint64_t full = rig_counter(MST_C_TLS_FULL);
	for (int i = 0; i < 3; i++) {
		cr_assert(rig_shake(&rig));
		cr_expect_str_eq(mst_tls_peer0(rig.s.tls)->name, "device-1");
		cr_expect(!mst_tls_is_resumed(rig.s.tls));
	}
	cr_expect_eq(rig.num_asked, 1);
	cr_expect_eq(rig.num_rechecked, 3);
	/* The client asks too, and remembers nothing. */
	cr_expect_eq(rig_counter(MST_C_TLS_CACHE_HIT) - hits, 2);
	cr_expect_eq(rig_counter(MST_C_TLS_CACHE_MISS) - misses, 1 + 3);
	cr_expect_eq(rig_counter(MST_C_TLS_FULL) - full, 6);

	rig.is_revoked = true;
	cr_expect(!rig_shake(&rig) || !mst_tls_is_open(rig.s.tls));
	cr_expect(strstr(rig.s.e.text, "revoked"), "%s", rig.s.e.text);
	cr_expect(strstr(rig.c.e.text, "CERTIFICATE_REVOKED"), "%s", rig.c.e.text);
	cr_expect_eq(rig.num_asked, 1);
	rig.is_revoked = false;

	mst_tls_ctx_forget(rig.server_ctx);
	cr_assert(rig_shake(&rig));
	cr_expect_eq(rig.num_asked, 2, "forgotten");
	mst_clock_fake((PKI_NOW + 2 * PKI_DAY) * 1000ll);
	cr_assert(rig_shake(&rig));
	cr_expect_eq(rig.num_asked, 3, "a verdict holds a day");
	rig_done(&rig);
}

Test(verdict, known_and_expired)
{
	struct rig rig;
	rig_make(&rig);
	memset(rig.server_conf.ticket_secret, 0, 32);
	rig_identity(&rig, false, MST_KEY_P256,
		     PKI_LEAF(.common_name = "d", .not_after = PKI_NOW + 60), &rig.root);
	cr_assert(rig_shake(&rig));
	mst_clock_fake((PKI_NOW + 61) * 1000ll);
	cr_expect(!rig_shake(&rig) || !mst_tls_is_open(rig.s.tls));
	cr_expect(strstr(rig.c.e.text, "CERTIFICATE_EXPIRED"), "%s", rig.c.e.text);
	cr_expect_eq(rig.num_asked, 1);
	rig_done(&rig);
}

/* A client does not talk to a server it cannot trust. */
Test(verdict, wrong_server)
{
	struct rig rig;
	rig_make(&rig);
	rig_identity(&rig, true, MST_KEY_P256, (struct mst_issue){.common_name = "localhost"},
		     &rig.root);
	cr_expect(!rig_shake(&rig));
	cr_expect_eq(rig.c.rc, -1);
	cr_expect(strstr(rig.s.e.text, "UNKNOWN_CA"), "%s", rig.s.e.text);
	rig_done(&rig);
}
