/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on a chain of certificates: a path to a trusted CA (RFC 5280 6.1). */
#include "muster/crypt.h"

#include <stdlib.h>

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>

#define CHAIN_MAX         6 /* a leaf, 4 intermediates, a root */
#define INTERMEDIATES_MAX 4
#define SIGNATURES_MAX                                                                             \
	12 /* per chain: look-alike names must not buy more work than a fair path costs */
#define RSA_BITS_LEAST 2048
#define RSA_BITS_MOST  8192

struct anchor {
	struct anchor *next;
	struct mst_cert cert;
	EVP_PKEY *key;
	uint8_t id[32]; /* SHA-256 of the SubjectPublicKeyInfo */
};

struct mst_trust {
	struct mst_arena arena;
	struct anchor *anchors;
	struct mst_slice *names;
	size_t num;
};

/* One search for a path. */
struct walk {
	const struct mst_trust *trust;
	const struct anchor *found;
	struct mst_cert certs[CHAIN_MAX];
	bool is_used[CHAIN_MAX];
	size_t num;
	int64_t now_s;
	uint32_t purpose; /* MST_EKU_CLIENT or MST_EKU_SERVER */
	uint32_t num_signatures;
};

/* clang-format off */
static const struct {
	const EVP_MD *(*md)(void);
	int key; /* 0: refused */
} alg_rows[MST_NUM_SIG_ALGS] = {
	[MST_SIG_RSA_SHA256]   = {EVP_sha256, EVP_PKEY_RSA},
	[MST_SIG_RSA_SHA384]   = {EVP_sha384, EVP_PKEY_RSA},
	[MST_SIG_RSA_SHA512]   = {EVP_sha512, EVP_PKEY_RSA},
	[MST_SIG_ECDSA_SHA256] = {EVP_sha256, EVP_PKEY_EC},
	[MST_SIG_ECDSA_SHA384] = {EVP_sha384, EVP_PKEY_EC},
	[MST_SIG_ECDSA_SHA512] = {EVP_sha512, EVP_PKEY_EC},
};
/* clang-format on */

static bool is_strong(const EVP_PKEY *key)
{
	if (EVP_PKEY_id(key) == EVP_PKEY_RSA)
		return EVP_PKEY_bits(key) >= RSA_BITS_LEAST && EVP_PKEY_bits(key) <= RSA_BITS_MOST;
	if (EVP_PKEY_id(key) != EVP_PKEY_EC)
		return false;
	switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)))) {
	case NID_X9_62_prime256v1:
	case NID_secp384r1:
	case NID_secp521r1:
		return true;
	default: /* a library's number, not an enum of ours */
		return false;
	}
}

/* The certificate's public key, given; NULL when it is none, or too weak. */
static EVP_PKEY *key_of(const struct mst_cert *cert)
{
	CBS in;
	CBS_init(&in, cert->spki.at, cert->spki.len);
	EVP_PKEY *key = EVP_parse_public_key(&in);
	if (key && CBS_len(&in) == 0 && is_strong(key))
		return key;
	EVP_PKEY_free(key);
	ERR_clear_error();
	return NULL;
}

/* A CA that may vouch at all; used for trusted ones and for intermediates. */
static int check_ca(const struct mst_cert *ca, struct mst_err *e)
{
	if (!ca->is_ca)
		return mst_fail(e, MST_E_CRYPTO, "the issuer is not a CA");
	if (ca->has_ku && !(ca->key_usage & MST_KU_CERT_SIGN))
		return mst_fail(e, MST_E_CRYPTO,
				"the issuer's key is not for signing certificates");
	if (ca->has_unknown_critical)
		return mst_fail(
			e, MST_E_CRYPTO,
			"the CA has a critical extension or a constraint that is not known here");
	return 0;
}

static int check_time(const struct mst_cert *cert, int64_t now_s, const char *whose,
		      struct mst_err *e)
{
	if (now_s < cert->not_before)
		return mst_fail(e, MST_E_GONE, "%s is not valid yet", whose);
	if (now_s > cert->not_after)
		return mst_fail(e, MST_E_GONE, "%s has expired", whose);
	return 0;
}

static int add_anchor(struct mst_trust *trust, struct mst_slice der, struct mst_err *e)
{
	struct anchor *anchor = mst_arena_zero(&trust->arena, sizeof(*anchor));
	if (!anchor)
		return mst_fail(e, MST_E_BUSY, "no memory for a CA");
	if (mst_cert_parse(&anchor->cert, der, e) < 0 || check_ca(&anchor->cert, e) < 0)
		return -1;
	anchor->key = key_of(&anchor->cert);
	if (!anchor->key)
		return mst_fail(e, MST_E_CRYPTO,
				"a CA's key is broken, weak or of a kind not known here");
	mst_sha256(anchor->id, anchor->cert.spki);
	anchor->next = trust->anchors;
	trust->anchors = anchor;
	trust->num++;
	return 0;
}

static int read_anchors(struct mst_trust *trust, struct mst_slice pem, struct mst_err *e)
{
	struct mst_slice label, der;
	int rc;
	while ((rc = mst_pem_next(&label, &der, &pem, &trust->arena, e)) == 1)
		if (mst_slice_eq(label, MST_S("CERTIFICATE")) && add_anchor(trust, der, e) < 0)
			return -1;
	if (rc == 0 && trust->num == 0)
		return mst_fail(e, MST_E_SYNTAX, "no CA certificate in the PEM text");
	return rc;
}

int mst_trust_new(struct mst_trust **out, struct mst_slice pem, struct mst_err *e)
{
	struct mst_trust *trust = calloc(1, sizeof(*trust));
	if (!trust)
		return mst_fail(e, MST_E_BUSY, "no memory for the CAs");
	mst_arena_init(&trust->arena, NULL, 0);
	if (read_anchors(trust, pem, e) < 0)
		goto fail;
	trust->names = mst_arena_get(&trust->arena, trust->num * sizeof(*trust->names));
	if (!trust->names) {
		mst_fail(e, MST_E_BUSY, "no memory for the CAs");
		goto fail;
	}
	/* The list is newest first; names are told in the file's order. */
	size_t at = trust->num;
	for (const struct anchor *a = trust->anchors; a; a = a->next)
		trust->names[--at] = a->cert.subject;
	*out = trust;
	return 0;
fail:
	mst_trust_free(&trust);
	return -1;
}

void mst_trust_free(struct mst_trust **trust)
{
	if (!*trust)
		return;
	for (struct anchor *a = (*trust)->anchors; a; a = a->next)
		EVP_PKEY_free(a->key);
	mst_arena_done(&(*trust)->arena);
	free(*trust);
	*trust = NULL;
}

bool mst_trust_has(const struct mst_trust *trust, const uint8_t ca[static 32])
{
	for (const struct anchor *a = trust->anchors; a; a = a->next)
		if (memcmp(a->id, ca, sizeof(a->id)) == 0)
			return true;
	return false;
}

bool mst_trust_shares(const struct mst_trust *a, const struct mst_trust *b)
{
	for (const struct anchor *one = a->anchors; one; one = one->next)
		if (mst_trust_has(b, one->id))
			return true;
	return false;
}

size_t mst_trust_names(const struct mst_trust *trust, const struct mst_slice **names)
{
	*names = trust->names;
	return trust->num;
}

static int check_signature(struct walk *w, const struct mst_cert *cert, EVP_PKEY *key,
			   struct mst_err *e)
{
	if (cert->alg == MST_SIG_RSA_SHA1)
		return mst_fail(e, MST_E_CRYPTO, "the certificate is signed with SHA-1");
	if (alg_rows[cert->alg].key == 0)
		return mst_fail(e, MST_E_CRYPTO,
				"the certificate is signed in a way not known here");
	if (alg_rows[cert->alg].key != EVP_PKEY_id(key))
		return mst_fail(e, MST_E_CRYPTO,
				"the certificate's signature is not of its issuer's kind of key");
	if (w->num_signatures++ >= SIGNATURES_MAX)
		return mst_fail(e, MST_E_CRYPTO, "too many issuers of the same name");
	EVP_MD_CTX ctx;
	EVP_MD_CTX_init(&ctx);
	bool is_right = EVP_DigestVerifyInit(&ctx, NULL, alg_rows[cert->alg].md(), NULL, key) &&
			EVP_DigestVerify(&ctx, cert->signature.at, cert->signature.len,
					 cert->tbs.at, cert->tbs.len);
	EVP_MD_CTX_cleanup(&ctx);
	ERR_clear_error();
	return is_right ? 0 : mst_fail(e, MST_E_CRYPTO, "the certificate's signature is wrong");
}

/* Does `issuer`, with `num_below` intermediates between it and the leaf, vouch for `cert`? */
static int check_issuer(struct walk *w, const struct mst_cert *cert, const struct mst_cert *issuer,
			EVP_PKEY *key, uint32_t num_below, struct mst_err *e)
{
	if (check_ca(issuer, e) < 0 ||
	    check_time(issuer, w->now_s, "the issuer's certificate", e) < 0)
		return -1;
	if (issuer->has_path_len && num_below > issuer->path_len)
		return mst_fail(e, MST_E_CRYPTO, "the path is longer than its CA allows");
	return check_signature(w, cert, key, e);
}

/* Finds a way up from `cert`. Each intermediate is used once, so the search ends. `e` keeps the
 * last reason of an issuer whose name fitted, and says ABSENT when there was none. */
static int climb(struct walk *w, const struct mst_cert *cert, uint32_t num_below, uint32_t depth,
		 struct mst_err *e)
{
	for (const struct anchor *a = w->trust->anchors; a; a = a->next) {
		if (!mst_slice_eq(a->cert.subject, cert->issuer))
			continue;
		if (check_issuer(w, cert, &a->cert, a->key, num_below, e) == 0) {
			w->found = a;
			return 0;
		}
	}
	for (size_t i = 1; i < w->num && depth < INTERMEDIATES_MAX; i++) {
		const struct mst_cert *up = &w->certs[i];
		if (w->is_used[i] || !mst_slice_eq(up->subject, cert->issuer))
			continue;
		if (up->has_eku && !(up->ext_key_usage & (w->purpose | MST_EKU_ANY))) {
			mst_fail(e, MST_E_TYPE, "an intermediate CA is not for this use");
			continue;
		}
		EVP_PKEY *key = key_of(up);
		if (!key) {
			mst_fail(e, MST_E_CRYPTO,
				 "an intermediate CA's key is broken, weak or of a kind not known "
				 "here");
			continue;
		}
		int rc = check_issuer(w, cert, up, key, num_below, e);
		EVP_PKEY_free(key);
		if (rc < 0)
			continue;
		/* A CA's certificate for its own new key does not count (RFC 5280 4.2.1.9). */
		bool is_own = mst_slice_eq(up->subject, up->issuer);
		w->is_used[i] = true;
		if (climb(w, up, num_below + !is_own, depth + 1, e) == 0)
			return 0;
		w->is_used[i] = false;
	}
	return -1;
}

static int check_leaf(const struct walk *w, struct mst_err *e)
{
	const struct mst_cert *leaf = &w->certs[0];
	if (check_time(leaf, w->now_s, "the certificate", e) < 0)
		return -1;
	if (leaf->has_unknown_critical)
		return mst_fail(e, MST_E_TYPE,
				"the certificate has a critical extension that is not known here");
	if (leaf->is_ca)
		return mst_fail(e, MST_E_TYPE, "a CA's certificate is nobody's identity");
	if (leaf->has_ku && !(leaf->key_usage & MST_KU_SIGN))
		return mst_fail(e, MST_E_TYPE, "the certificate's key is not for signing");
	if (leaf->has_eku && !(leaf->ext_key_usage & (w->purpose | MST_EKU_ANY)))
		return mst_fail(e, MST_E_TYPE,
				w->purpose == MST_EKU_CLIENT
					? "the certificate is not for clients"
					: "the certificate is not for servers");
	EVP_PKEY *key = key_of(leaf);
	if (!key)
		return mst_fail(
			e, MST_E_TYPE,
			"the certificate's key is broken, weak or of a kind not known here");
	EVP_PKEY_free(key);
	return 0;
}

/* A server's certificate that is trusted itself. */
static const struct anchor *find_pinned(const struct walk *w)
{
	for (const struct anchor *a = w->trust->anchors; a; a = a->next)
		if (w->purpose == MST_EKU_SERVER && mst_slice_eq(a->cert.der, w->certs[0].der))
			return a;
	return NULL;
}

static void fill_peer(struct mst_peer *out, const struct walk *w)
{
	const struct mst_cert *leaf = &w->certs[0];
	*out = (struct mst_peer){.not_before = leaf->not_before, .not_after = leaf->not_after};
	mst_sha256(out->sha256, leaf->der);
	mst_sha256(out->subject, leaf->subject);
	memcpy(out->ca, w->found->id, sizeof(out->ca));
	mst_cert_name(out->name, sizeof(out->name), leaf);
}

static int verify(const struct mst_trust *trust, struct mst_peer *out,
		  const struct mst_slice *chain, size_t num_chain, int64_t now_s, uint32_t purpose,
		  struct mst_err *e)
{
	struct walk w = {.trust = trust, .num = num_chain, .now_s = now_s, .purpose = purpose};
	if (num_chain < 1 || num_chain > CHAIN_MAX)
		return mst_fail(e, MST_E_CRYPTO, "a chain of %zu certificates where 1 to %d belong",
				num_chain, CHAIN_MAX);
	for (size_t i = 0; i < num_chain; i++)
		if (mst_cert_parse(&w.certs[i], chain[i], e) < 0)
			return -1;
	w.found = find_pinned(&w);
	if (w.found) {
		if (check_time(&w.certs[0], now_s, "the certificate", e) < 0)
			return -1;
	} else {
		struct mst_err why; /* `e` may be NULL; the search needs a place for its reasons */
		if (check_leaf(&w, e) < 0)
			return -1;
		mst_fail(&why, MST_E_ABSENT, "no path from the certificate to a trusted CA");
		if (climb(&w, &w.certs[0], 0, 0, &why) < 0)
			return mst_fail(e, why.code, "%s", why.text);
	}
	fill_peer(out, &w);
	return 0;
}

int mst_trust_verify(void *trust, struct mst_peer *out, const struct mst_slice *chain,
		     size_t num_chain, int64_t now_s, struct mst_err *e)
{
	return verify(trust, out, chain, num_chain, now_s, MST_EKU_CLIENT, e);
}

/* What a CA of the chain's own says is more to the point than that others do not know it. */
int mst_trust_verify_any(struct mst_trust *const *trusts, size_t num, struct mst_peer *out,
			 const struct mst_slice *chain, size_t num_chain, int64_t now_s,
			 struct mst_err *e)
{
	struct mst_err best = {.code = MST_E_NONE};
	for (size_t i = 0; i < num; i++) {
		struct mst_err why = {.code = MST_E_NONE};
		if (!trusts[i])
			continue;
		if (verify(trusts[i], out, chain, num_chain, now_s, MST_EKU_CLIENT, &why) == 0)
			return 0;
		if (best.code == MST_E_NONE || best.code == MST_E_ABSENT)
			best = why;
	}
	if (best.code == MST_E_NONE)
		return mst_fail(e, MST_E_ABSENT, "no CA is trusted");
	if (e)
		*e = best;
	return -1;
}

int mst_trust_verify_server(void *trust, struct mst_peer *out, const struct mst_slice *chain,
			    size_t num_chain, int64_t now_s, struct mst_err *e)
{
	return verify(trust, out, chain, num_chain, now_s, MST_EKU_SERVER, e);
}
