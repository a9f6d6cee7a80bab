/* SPDX-License-Identifier: Apache-2.0 */
/* Takes in the certificate another CA made for an authority of ours, with the chain above it. */
#include "authority_own.h"
#include "muster/clock.h"

#define CERTS_MAX 8 /* a chain has four */

struct chain {
	struct mst_cert certs[CERTS_MAX];
	bool is_used[CERTS_MAX];
	size_t num;
};

static int read_certs(struct chain *chain, struct mst_arena *arena, struct mst_slice pem, struct mst_err *e)
{
	struct mst_slice label, der;
	int rc;

	while ((rc = mst_pem_next(&label, &der, &pem, arena, e)) == 1) {
		if (!mst_slice_eq(label, MST_S("CERTIFICATE")))
			continue;
		if (chain->num == CERTS_MAX)
			return mst_fail(e, MST_E_TOO_BIG, "more than %d certificates", CERTS_MAX);
		if (mst_cert_parse(&chain->certs[chain->num++], der, e) < 0)
			return -1;
	}
	return rc;
}

static const struct mst_cert *take_own(struct chain *chain, const struct mst_key *key, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_slice spki;

	if (mst_key_spki(&spki, arena, key, e) < 0)
		return NULL;
	for (size_t i = 0; i < chain->num; i++) {
		if (!mst_slice_eq(chain->certs[i].spki, spki))
			continue;
		chain->is_used[i] = true;
		return &chain->certs[i];
	}
	mst_fail(e, MST_E_DENIED, "no certificate here is for the key of this authority");
	return NULL;
}

/* The issuer of `below`, by name; NULL when it is not here. */
static const struct mst_cert *take_issuer(struct chain *chain, const struct mst_cert *below)
{
	for (size_t i = 0; i < chain->num; i++) {
		if (chain->is_used[i] || !mst_slice_eq(chain->certs[i].subject, below->issuer))
			continue;
		chain->is_used[i] = true;
		return &chain->certs[i];
	}
	return NULL;
}

static bool may_sign(const struct mst_cert *cert, uint32_t usage)
{
	return cert->is_ca && !cert->has_unknown_critical && (!cert->has_ku || (cert->key_usage & usage) == usage);
}

static int check_own(const struct mst_authority *a, const struct mst_cert *own, int64_t now_s, struct mst_err *e)
{
	struct mst_cert before;

	if (!may_sign(own, MST_KU_CERT_SIGN | MST_KU_CRL_SIGN))
		return mst_fail(e, MST_E_DENIED,
				"the certificate is no CA's that may sign certificates and CRLs without constraints");
	if (now_s < own->not_before || now_s > own->not_after)
		return mst_fail(e, MST_E_GONE, "the certificate is not valid now");
	if (a->cert.len == 0)
		return 0;
	if (mst_cert_parse(&before, a->cert, e) < 0)
		return -1;
	/* What was issued names its issuer. */
	if (!mst_slice_eq(before.subject, own->subject))
		return mst_fail(e, MST_E_CONFLICT, "the certificate has another subject than the one it follows");
	return 0;
}

/* Puts the certificates above `own` one after the other; each signed the one before it. */
static int join_chain(struct mst_slice *out, struct chain *chain, struct mst_arena *arena, const struct mst_cert *own,
		      struct mst_err *e)
{
	const struct mst_cert *below = own, *above;
	size_t room = 0, num = 1;

	for (size_t i = 0; i < chain->num; i++)
		room += chain->certs[i].der.len;
	uint8_t *at = mst_arena_get(arena, room);
	if (!at)
		return mst_fail(e, MST_E_BUSY, "no memory for a chain");
	*out = mst_slice(at, 0);
	while (!mst_slice_eq(below->subject, below->issuer) && (above = take_issuer(chain, below)) != NULL) {
		if (!may_sign(above, MST_KU_CERT_SIGN))
			return mst_fail(e, MST_E_DENIED, "a certificate of the chain is no CA's without constraints");
		if (mst_key_verify(above->spki, below->alg, below->tbs, below->signature, e) < 0)
			return -1;
		memcpy(at + out->len, above->der.at, above->der.len);
		out->len += above->der.len;
		below = above;
		num++;
	}
	if (num != chain->num)
		return mst_fail(e, MST_E_SYNTAX, "a certificate here does not belong to the chain of this authority");
	return 0;
}

static int take(struct mst_authority *a, struct mst_arena *arena, struct mst_slice pem, const struct mst_key *key,
		struct mst_err *e)
{
	struct chain chain = {.num = 0};
	struct mst_authority next = *a;
	int64_t now_ms = mst_clock_wall_ms();

	if (read_certs(&chain, arena, pem, e) < 0)
		return -1;
	const struct mst_cert *own = take_own(&chain, key, arena, e);
	if (!own || check_own(a, own, now_ms / 1000, e) < 0 || join_chain(&next.chain, &chain, arena, own, e) < 0)
		return -1;
	/* Another CA may not have granted what SCEP needs of an RSA key. */
	bool is_scep_fit = mst_key_is_rsa(key) && own->has_ku && (own->key_usage & MST_KU_SCEP) == MST_KU_SCEP;
	if (!is_scep_fit && next.ra_key.len == 0 &&
	    mst_authority_key(&next.ra_key, arena, MST_KEY_RSA2048, e) < 0)
		return -1;
	next.cert = own->der;
	next.csr = next.ra_cert = next.ocsp_cert = mst_slice(NULL, 0);
	if (mst_authority_refresh(&next, arena, now_ms / 1000, e) < 0)
		return -1;
	if (next.state == MST_AUTHORITY_PENDING)
		next.state = MST_AUTHORITY_ACTIVE;
	next.changed_ms = now_ms;
	*a = next;
	return 0;
}

int mst_authority_import(struct mst_authority *a, struct mst_arena *arena, struct mst_slice pem, struct mst_err *e)
{
	struct mst_key *key = NULL;

	if (a->state == MST_AUTHORITY_RETIRED)
		return mst_fail(e, MST_E_CONFLICT, "the authority is retired");
	if (mst_key_read(&key, a->key, e) < 0)
		return -1;
	int rc = take(a, arena, pem, key, e);
	mst_key_free(&key);
	return rc;
}
