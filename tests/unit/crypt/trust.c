/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on chains: each rule with a chain that breaks only it. */
#include <criterion/criterion.h>

#include "pki.h"

#define NO_CA 0xff

/* A small tree of certificates, made once per test. */
struct tree {
	struct mst_arena a;
	struct mst_trust *trust;
	struct pki root, rsa, mid, low, other, twin, leaf;
};

static struct pki leaf_of(struct tree *t, const struct pki *issuer)
{
	return pki_make(&t->a, MST_KEY_P256, PKI_LEAF(.common_name = "device"), issuer);
}

static void grow(struct tree *t)
{
	struct mst_err e;
	*t = (struct tree){.trust = NULL};
	mst_arena_init(&t->a, NULL, 0);
	t->root =
		pki_make(&t->a, MST_KEY_P256,
			 PKI_CA(.common_name = "Root", .has_path_len = true, .path_len = 1), NULL);
	t->rsa = pki_make(&t->a, MST_KEY_RSA2048, PKI_CA(.common_name = "Rsa"), NULL);
	t->mid = pki_make(&t->a, MST_KEY_P384, PKI_CA(.common_name = "Mid"), &t->root);
	t->low = pki_make(&t->a, MST_KEY_P256, PKI_CA(.common_name = "Low"), &t->mid);
	t->other = pki_make(&t->a, MST_KEY_P256, PKI_CA(.common_name = "Other"), NULL);
	t->twin = pki_make(&t->a, MST_KEY_P256, PKI_CA(.common_name = "Root"), NULL);
	t->leaf = leaf_of(t, &t->root);
	cr_assert_eq(mst_trust_new(&t->trust, pki_join(&t->a, t->root.pem, t->rsa.pem), &e), 0,
		     "%s", e.text);
}

static void fell(struct tree *t)
{
	struct pki *all[] = {&t->root, &t->rsa, &t->mid, &t->low, &t->other, &t->twin, &t->leaf};
	for (size_t i = 0; i < MST_LEN(all); i++)
		mst_key_free(&all[i]->key);
	mst_trust_free(&t->trust);
	mst_trust_free(&t->trust);
	mst_arena_done(&t->a);
}

static enum mst_code verdict(struct tree *t, int64_t now_s, struct mst_slice one,
			     struct mst_slice two, struct mst_slice three)
{
	struct mst_slice chain[] = {one, two, three};
	struct mst_peer peer;
	struct mst_err e = {MST_E_NONE};
	size_t num = 1u + (two.len != 0) + (three.len != 0);
	int rc = mst_trust_verify(t->trust, &peer, chain, num, now_s, &e);
	cr_expect_eq(rc, e.code == MST_E_NONE ? 0 : -1);
	return e.code;
}

#define NONE mst_slice(NULL, 0)

Test(trust, paths)
{
	struct tree t;
	struct mst_err e;
	struct mst_peer peer;
	uint8_t hash[32];
	struct mst_cert cert;
	const struct mst_slice *names;
	grow(&t);
	cr_assert_eq(mst_trust_verify(t.trust, &peer, &t.leaf.der, 1, PKI_NOW, &e), 0, "%s",
		     e.text);
	cr_expect_str_eq(peer.name, "device");
	mst_sha256(hash, t.leaf.der);
	cr_expect(memcmp(hash, peer.sha256, 32) == 0);
	cr_assert_eq(mst_cert_parse(&cert, t.root.der, &e), 0);
	mst_sha256(hash, cert.spki);
	cr_expect(memcmp(hash, peer.ca, 32) == 0);
	cr_expect_eq(mst_trust_names(t.trust, &names), 2);
	cr_expect(mst_slice_eq(names[0], cert.subject));
	cr_assert_eq(mst_cert_parse(&cert, t.leaf.der, &e), 0);
	mst_sha256(hash, cert.subject);
	cr_expect(memcmp(hash, peer.subject, 32) == 0);
	cr_expect_eq(peer.not_after, cert.not_after);

	struct pki under_mid = leaf_of(&t, &t.mid), under_low = leaf_of(&t, &t.low),
		   under_rsa = leaf_of(&t, &t.rsa);
	cr_expect_eq(verdict(&t, PKI_NOW, under_rsa.der, NONE, NONE), MST_E_NONE);
	cr_expect_eq(verdict(&t, PKI_NOW, t.leaf.der, t.root.der, NONE), MST_E_NONE,
		     "the root may come along");
	cr_expect_eq(verdict(&t, PKI_NOW, under_mid.der, t.mid.der, NONE), MST_E_NONE,
		     "an intermediate");
	cr_expect_eq(verdict(&t, PKI_NOW, under_mid.der, t.other.der, t.mid.der), MST_E_NONE,
		     "in any order");
	cr_expect_eq(verdict(&t, PKI_NOW, under_mid.der, NONE, NONE), MST_E_ABSENT,
		     "an intermediate is missing");
	cr_expect_eq(verdict(&t, PKI_NOW, under_low.der, t.low.der, t.mid.der), MST_E_CRYPTO,
		     "longer than the root allows");
	mst_key_free(&under_mid.key);
	mst_key_free(&under_low.key);
	mst_key_free(&under_rsa.key);
	fell(&t);
}

Test(trust, refused)
{
	struct tree t;
	grow(&t);
	static const struct {
		const char *name;
		enum { ROOT, OTHER, TWIN, SELF, LEAF, MID_LATE } issuer;
		struct mst_issue what;
		enum mst_code want;
	} rows[] = {
		{"good",
		 ROOT,
		 {.key_usage = MST_KU_SIGN, .ext_key_usage = MST_EKU_CLIENT},
		 MST_E_NONE},
		{"no usage named", ROOT, {.key_usage = 0}, MST_E_NONE},
		{"any usage", ROOT, {.ext_key_usage = MST_EKU_SERVER | MST_EKU_CLIENT}, MST_E_NONE},
		{"servers only", ROOT, {.ext_key_usage = MST_EKU_SERVER}, MST_E_TYPE},
		{"not for signing", ROOT, {.key_usage = MST_KU_ENCIPHER}, MST_E_TYPE},
		{"another CA", OTHER, {.key_usage = MST_KU_SIGN}, MST_E_ABSENT},
		{"a CA of the same name", TWIN, {.key_usage = MST_KU_SIGN}, MST_E_CRYPTO},
		{"self-signed", SELF, {.key_usage = MST_KU_SIGN}, MST_E_ABSENT},
		{"expired", ROOT, {.not_after = PKI_NOW - 1}, MST_E_GONE},
		{"not yet valid", ROOT, {.not_before = PKI_NOW + 1}, MST_E_GONE},
		{"last second", ROOT, {.not_after = PKI_NOW}, MST_E_NONE},
		{"first second", ROOT, {.not_before = PKI_NOW}, MST_E_NONE},
		{"a CA as device",
		 ROOT,
		 {.is_ca = true, .key_usage = MST_KU_SIGN | MST_KU_CERT_SIGN},
		 MST_E_TYPE},
		{"issued by a device", LEAF, {.key_usage = MST_KU_SIGN}, MST_E_CRYPTO},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		const struct pki *issuers[] = {&t.root, &t.other, &t.twin, NULL, &t.leaf};
		struct mst_issue what = rows[i].what;
		what.common_name = "x";
		struct pki leaf = pki_make(&t.a, MST_KEY_P256, what, issuers[rows[i].issuer]);
		enum mst_code got = verdict(&t, PKI_NOW, leaf.der,
					    rows[i].issuer == LEAF ? t.leaf.der : NONE, NONE);
		cr_expect_eq(got, rows[i].want, "%s: %s", rows[i].name, mst_code_word(got));
		mst_key_free(&leaf.key);
	}
	fell(&t);
}

Test(trust, intermediates_refused)
{
	struct tree t;
	grow(&t);
	static const struct {
		const char *name;
		struct mst_issue what;
		enum mst_code want;
	} rows[] = {
		{"good", {.is_ca = true, .key_usage = MST_KU_CERT_SIGN}, MST_E_NONE},
		{"no CA bit", {.key_usage = MST_KU_CERT_SIGN}, MST_E_CRYPTO},
		{"not for certificates",
		 {.is_ca = true, .key_usage = MST_KU_CRL_SIGN},
		 MST_E_CRYPTO},
		{"expired", {.is_ca = true, .not_after = PKI_NOW - 1}, MST_E_GONE},
		{"for servers", {.is_ca = true, .ext_key_usage = MST_EKU_SERVER}, MST_E_TYPE},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_issue what = rows[i].what;
		what.common_name = "Mid";
		struct pki mid = pki_make(&t.a, MST_KEY_P256, what, &t.root),
			   leaf = leaf_of(&t, &mid);
		enum mst_code got = verdict(&t, PKI_NOW, leaf.der, mid.der, NONE);
		cr_expect_eq(got, rows[i].want, "%s: %s", rows[i].name, mst_code_word(got));
		mst_key_free(&mid.key);
		mst_key_free(&leaf.key);
	}
	fell(&t);
}

/* Four intermediates are a path, five are not; a cross-signed loop ends. */
Test(trust, depth)
{
	struct mst_arena a = {0};
	struct mst_err e;
	struct mst_trust *trust = NULL;
	struct mst_peer peer;
	struct pki path[6];
	struct mst_slice chain[8];
	path[0] = pki_make(&a, MST_KEY_P256, PKI_CA(.common_name = "0"), NULL);
	cr_assert_eq(mst_trust_new(&trust, path[0].pem, &e), 0);
	for (int i = 1; i < 6; i++) {
		char name[] = {(char)('0' + i), '\0'};
		path[i] = pki_make(&a, MST_KEY_P256, PKI_CA(.common_name = name), &path[i - 1]);
	}
	for (int depth = 4; depth <= 5; depth++) {
		struct pki leaf =
			pki_make(&a, MST_KEY_P256, PKI_LEAF(.common_name = "d"), &path[depth]);
		chain[0] = leaf.der;
		for (int i = 1; i <= depth; i++)
			chain[i] = path[i].der;
		int rc = mst_trust_verify(trust, &peer, chain, (size_t)depth + 1, PKI_NOW, &e);
		cr_expect_eq(rc, depth == 4 ? 0 : -1, "%d: %s", depth, e.text);
		mst_key_free(&leaf.key);
	}
	chain[6] = chain[5];
	cr_expect_eq(mst_trust_verify(trust, &peer, chain, 7, PKI_NOW, &e), -1);
	cr_expect_eq(mst_trust_verify(trust, &peer, chain, 0, PKI_NOW, &e), -1);

	/* A and B vouch for each other, nobody for both. */
	struct pki one = pki_make(&a, MST_KEY_P256, PKI_CA(.common_name = "A"), NULL);
	struct pki two = pki_make(&a, MST_KEY_P256, PKI_CA(.common_name = "B"), &one);
	struct mst_issue back =
		PKI_CA(.common_name = "A", .not_before = PKI_NOW - 1, .not_after = PKI_NOW + 1);
	struct mst_slice one_by_two;
	cr_assert_eq(mst_key_spki(&back.spki, &a, one.key, &e), 0);
	cr_assert_eq(mst_issue_write(&one_by_two, &a, &back, two.der, two.key, NULL, &e), 0);
	struct pki leaf = pki_make(&a, MST_KEY_P256, PKI_LEAF(.common_name = "d"), &one);
	struct mst_slice loop[] = {leaf.der, one_by_two, two.der, one_by_two, two.der, one.der};
	cr_expect_eq(mst_trust_verify(trust, &peer, loop, 6, PKI_NOW, &e), -1);
	for (int i = 0; i < 6; i++)
		mst_key_free(&path[i].key);
	mst_key_free(&one.key);
	mst_key_free(&two.key);
	mst_key_free(&leaf.key);
	mst_trust_free(&trust);
	mst_arena_done(&a);
}

Test(trust, patched)
{
	struct tree t;
	grow(&t);
	/* keyUsage (critical) becomes 2.5.29.99; basicConstraints nameConstraints;
	 * subjectKeyIdentifier stays non-critical. */
	static const struct mst_slice usage = MST_S_INIT("\x06\x03\x55\x1d\x0f\x01\x01\xff"),
				      unknown = MST_S_INIT("\x06\x03\x55\x1d\x63\x01\x01\xff"),
				      key_id = MST_S_INIT("\x06\x03\x55\x1d\x0e"),
				      unknown_mild = MST_S_INIT("\x06\x03\x55\x1d\x63"),
				      constraints = MST_S_INIT("\x06\x03\x55\x1d\x1e");
	struct mst_slice bad = pki_resign(&t.a, t.leaf.der, usage, unknown, t.root.key);
	cr_expect_eq(verdict(&t, PKI_NOW, bad, NONE, NONE), MST_E_TYPE,
		     "unknown critical in a leaf");
	struct mst_slice mild = pki_resign(&t.a, t.leaf.der, key_id, unknown_mild, t.root.key);
	cr_expect_eq(verdict(&t, PKI_NOW, mild, NONE, NONE), MST_E_NONE,
		     "unknown and not critical");
	struct pki under_mid = leaf_of(&t, &t.mid);
	struct mst_slice mid = pki_resign(&t.a, t.mid.der, usage, unknown, t.root.key);
	cr_expect_eq(verdict(&t, PKI_NOW, under_mid.der, mid, NONE), MST_E_CRYPTO,
		     "unknown critical in a CA");
	mid = pki_resign(&t.a, t.mid.der, key_id, constraints, t.root.key);
	cr_expect_eq(verdict(&t, PKI_NOW, under_mid.der, mid, NONE), MST_E_CRYPTO,
		     "name constraints in a CA");

	/* sha256WithRSAEncryption becomes sha1WithRSAEncryption, inside and outside. */
	struct pki under_rsa = leaf_of(&t, &t.rsa);
	struct mst_slice copy;
	static const struct mst_slice sha256 = MST_S_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b");
	cr_assert(mst_arena_copy(&t.a, &copy, under_rsa.der));
	for (uint8_t *at = NULL; (at = memmem(copy.at, copy.len, sha256.at, sha256.len));)
		at[8] = 0x05;
	struct mst_peer peer;
	struct mst_err e;
	cr_expect_eq(mst_trust_verify(t.trust, &peer, &copy, 1, PKI_NOW, &e), -1);
	cr_expect(strstr(e.text, "SHA-1"), "%s", e.text);

	/* Every byte of a certificate matters. */
	cr_assert(mst_arena_copy(&t.a, &copy, t.leaf.der));
	for (size_t i = 0; i < copy.len; i++) {
		((uint8_t *)copy.at)[i] ^= 0x41;
		cr_expect_neq(verdict(&t, PKI_NOW, copy, NONE, NONE), MST_E_NONE, "byte %zu", i);
		((uint8_t *)copy.at)[i] ^= 0x41;
	}
	mst_key_free(&under_mid.key);
	mst_key_free(&under_rsa.key);
	fell(&t);
}

Test(trust, servers)
{
	struct tree t;
	struct mst_err e;
	struct mst_peer peer;
	grow(&t);
	struct pki server = pki_make(&t.a, MST_KEY_RSA2048,
				     (struct mst_issue){.common_name = "s",
							.key_usage = MST_KU_SIGN,
							.ext_key_usage = MST_EKU_SERVER},
				     &t.root);
	cr_expect_eq(mst_trust_verify_server(t.trust, &peer, &server.der, 1, PKI_NOW, &e), 0, "%s",
		     e.text);
	cr_expect_eq(mst_trust_verify_server(t.trust, &peer, &t.leaf.der, 1, PKI_NOW, &e), -1);
	cr_expect_eq(mst_trust_verify_server(t.trust, &peer, &t.root.der, 1, PKI_NOW, &e), 0,
		     "pinned");
	cr_expect_eq(mst_trust_verify(t.trust, &peer, &t.root.der, 1, PKI_NOW, &e), -1);
	mst_key_free(&server.key);
	fell(&t);
}

Test(trust, anchors_refused)
{
	struct tree t;
	struct mst_err e;
	struct mst_trust *trust = NULL;
	grow(&t);
	cr_expect_eq(mst_trust_new(&trust, MST_S(""), &e), -1);
	cr_expect_eq(mst_trust_new(&trust, t.leaf.pem, &e), -1, "a leaf");
	cr_expect_eq(mst_trust_new(&trust, t.root.key_pem, &e), -1, "a key");
	cr_expect_eq(mst_trust_new(&trust, mst_slice(t.root.pem.at, t.root.pem.len - 30), &e), -1,
		     "cut");
	cr_expect_null(trust);
	fell(&t);
}
