/* SPDX-License-Identifier: Apache-2.0 */
/* Live issuers: a snapshot of all authorities with their keys loaded, and the certificates they make. */
#include <stdlib.h>

#include "muster/authority.h"
#include "muster/device.h"
#include "muster/grow.h"

#define BACK_S 3600 /* a certificate is valid a little before it was made: clocks of devices are not exact */
#define DAY_S 86400

static bool keep_text(const char **out, struct mst_arena *arena, struct mst_slice text)
{
	struct mst_slice copy;
	bool is_kept = mst_arena_copy(arena, &copy, text);

	*out = is_kept ? (const char *)copy.at : NULL;
	return is_kept;
}

static int make_mould(struct mst_issuer *issuer, struct mst_arena *arena, struct mst_err *e)
{
	const struct mst_authority *a = &issuer->record;
	struct mst_issue fixed = {
		.key_usage = a->template.key_usage,
		.ext_key_usage = a->template.ext_key_usage,
		.hash_bits = a->template.hash_bits,
	};

	if (!keep_text(&fixed.crl_url, arena, a->crl_url) || !keep_text(&fixed.ocsp_url, arena, a->ocsp_url))
		return mst_fail(e, MST_E_BUSY, "no memory for an issuer");
	return mst_mould_new(&issuer->mould, &fixed, a->cert, issuer->key, e);
}

/* An optional pair of key and certificate: both or none. */
static int load_helper(struct mst_key **key, struct mst_cert *cert, struct mst_slice key_der, struct mst_slice cert_der,
		       struct mst_err *e)
{
	if (key_der.len == 0)
		return 0;
	return mst_key_read(key, key_der, e) < 0 ? -1 : mst_cert_parse(cert, cert_der, e);
}

static int load(struct mst_issuer *issuer, struct mst_arena *arena, struct mst_err *e)
{
	const struct mst_authority *a = &issuer->record;

	if (mst_cert_parse(&issuer->cert, a->cert, e) < 0 || mst_key_read(&issuer->key, a->key, e) < 0 ||
	    load_helper(&issuer->ra_key, &issuer->ra_cert, a->ra_key, a->ra_cert, e) < 0 ||
	    load_helper(&issuer->ocsp_key, &issuer->ocsp_cert, a->ocsp_key, a->ocsp_cert, e) < 0)
		return -1;
	return make_mould(issuer, arena, e);
}

static int add(struct mst_issuers *issuers, const struct mst_authority *record, struct mst_err *e)
{
	struct mst_issuer *issuer = mst_arena_zero(&issuers->arena, sizeof *issuer);

	if (!issuer || issuers->num == MST_AUTHORITIES_MAX)
		return mst_fail(e, MST_E_BUSY, "no room for an authority; %d at most", MST_AUTHORITIES_MAX);
	issuers->rows[issuers->num++] = issuer;
	issuer->record = *record;
	int rc = load(issuer, &issuers->arena, e);
	mst_authority_wipe(&issuer->record);
	return rc;
}

struct look {
	struct mst_read r;
	const struct mst_seal *seal;
	struct mst_issuers *issuers;
	const uint8_t *id; /* of the only one */
};

static void clear(struct mst_issuers *issuers)
{
	for (uint32_t i = 0; i < issuers->num; i++) {
		struct mst_issuer *issuer = issuers->rows[i];

		mst_mould_free(&issuer->mould);
		mst_key_free(&issuer->key);
		mst_key_free(&issuer->ra_key);
		mst_key_free(&issuer->ocsp_key);
	}
	issuers->num = 0;
}

/* PEM of the authorities that may vouch; one that may not (a constraint nobody here judges) must not take the others along. */
static int write_pem(struct mst_slice *out, const struct mst_issuers *issuers, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_grow g;

	mst_grow_init(&g, arena);
	for (uint32_t i = 0; i < issuers->num; i++) {
		struct mst_trust *alone = NULL;
		struct mst_slice pem;

		if (mst_pem_put(&pem, arena, "CERTIFICATE", issuers->rows[i]->record.cert, e) < 0)
			return -1;
		if (mst_trust_new(&alone, pem, NULL) == 0)
			mst_grow_put(&g, pem);
		mst_trust_free(&alone);
	}
	return mst_grow_end(&g, out, e);
}

static int make_trust(struct mst_issuers *issuers, struct mst_err *e)
{
	struct mst_arena arena;
	struct mst_slice pem;
	int rc;

	mst_arena_init(&arena, NULL, 0);
	rc = write_pem(&pem, issuers, &arena, e);
	if (rc == 0 && pem.len)
		rc = mst_trust_new(&issuers->trust, pem, e);
	mst_arena_done(&arena);
	return rc;
}

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};
	struct mst_authority a;
	int rc;

	clear(look->issuers);
	while ((rc = mst_authority_next(&w, r, &a, look->seal)) == 1) {
		rc = a.state == MST_AUTHORITY_PENDING ? 0 : add(look->issuers, &a, &r->err);
		mst_authority_wipe(&a);
		if (rc < 0)
			break;
	}
	mst_walk_done(&w);
	return rc;
}

static int plan_one(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_authority a;
	int rc;

	clear(look->issuers);
	rc = mst_authority_get(r, &a, look->id, look->seal);
	if (rc != 1)
		return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "there is no such authority") : rc;
	rc = a.state == MST_AUTHORITY_PENDING ? mst_fail(&r->err, MST_E_CONFLICT, "the authority is pending: it has no certificate yet")
					      : add(look->issuers, &a, &r->err);
	mst_authority_wipe(&a);
	return rc;
}

int mst_issuers_load_one(struct mst_issuers **out, struct mst_store *store, const struct mst_seal *seal, const uint8_t id[static 16],
			 struct mst_err *e)
{
	struct mst_issuers *issuers = calloc(1, sizeof *issuers);
	struct look look = {.r = {.plan = plan_one}, .seal = seal, .issuers = issuers, .id = id};

	if (!issuers)
		return mst_fail(e, MST_E_BUSY, "no memory for an issuer");
	mst_arena_init(&issuers->arena, NULL, 0);
	look.r.arena = &issuers->arena;
	if (mst_store_read_here(store, &look.r) != 0) {
		*e = look.r.err;
		mst_issuers_free(&issuers);
		return -1;
	}
	*out = issuers;
	return 0;
}

int mst_issuers_load(struct mst_issuers **out, struct mst_store *store, const struct mst_seal *seal, struct mst_err *e)
{
	struct mst_issuers *issuers = calloc(1, sizeof *issuers);
	struct look look = {.r = {.plan = plan}, .seal = seal, .issuers = issuers};

	if (!issuers)
		return mst_fail(e, MST_E_BUSY, "no memory for the issuers");
	mst_arena_init(&issuers->arena, NULL, 0);
	issuers->number = mst_sequence();
	look.r.arena = &issuers->arena;
	if (mst_store_read_here(store, &look.r) != 0) {
		*e = look.r.err;
		mst_issuers_free(&issuers);
		return -1;
	}
	if (make_trust(issuers, e) < 0) {
		mst_issuers_free(&issuers);
		return -1;
	}
	*out = issuers;
	return 0;
}

void mst_issuers_free(struct mst_issuers **issuers)
{
	if (!*issuers)
		return;
	clear(*issuers);
	mst_trust_free(&(*issuers)->trust);
	mst_arena_done(&(*issuers)->arena);
	free(*issuers);
	*issuers = NULL;
}

const struct mst_issuer *mst_issuers_find0(const struct mst_issuers *issuers, struct mst_slice name)
{
	for (uint32_t i = 0; i < issuers->num; i++)
		if (mst_slice_eq(issuers->rows[i]->record.name, name))
			return issuers->rows[i];
	return NULL;
}

const struct mst_issuer *mst_issuers_find_id0(const struct mst_issuers *issuers, const uint8_t id[static 16])
{
	for (uint32_t i = 0; i < issuers->num; i++)
		if (memcmp(issuers->rows[i]->record.id, id, 16) == 0)
			return issuers->rows[i];
	return NULL;
}

static int check_key(const struct mst_template *template, struct mst_slice spki, struct mst_err *e)
{
	uint32_t rsa_bits, ec_bits;

	if (mst_key_check(&rsa_bits, &ec_bits, spki, e) < 0)
		return -1;
	if (ec_bits && !template->takes_ec)
		return mst_fail(e, MST_E_DENIED, "this authority takes RSA keys only");
	if (!ec_bits && rsa_bits < template->rsa_bits_min)
		return mst_fail(e, MST_E_DENIED, "an RSA key of %u bits; this authority takes %u and more", rsa_bits,
				template->rsa_bits_min);
	return 0;
}

int mst_issuer_issue(struct mst_slice *out, struct mst_arena *arena, const struct mst_issuer *issuer,
		     const struct mst_subject *subject, struct mst_slice spki, int64_t now_s, uint8_t *serial,
		     struct mst_err *e)
{
	const struct mst_template *template = &issuer->record.template;
	struct mst_issue what = {
		.spki = spki,
		.common_name = subject->common_name,
		.organization = subject->organization,
		.dns = subject->dns,
		.ips = subject->ips,
		.uris = subject->uris,
		.emails = subject->emails,
		.upns = subject->upns,
		.names = subject->names,
		.more_subject = subject->more_subject,
		.not_before = now_s - BACK_S,
		.not_after = now_s + (int64_t)template->days * DAY_S,
	};

	if (issuer->record.state != MST_AUTHORITY_ACTIVE)
		return mst_fail(e, MST_E_CONFLICT, "the authority is retired");
	if (now_s >= issuer->cert.not_after)
		return mst_fail(e, MST_E_GONE, "the authority's own certificate has expired");
	if (what.not_after > issuer->cert.not_after)
		what.not_after = issuer->cert.not_after;
	if (what.not_before < issuer->cert.not_before)
		what.not_before = issuer->cert.not_before;
	if (check_key(template, spki, e) < 0)
		return -1;
	return mst_mould_cast(out, arena, issuer->mould, &what, serial, e);
}
