/* SPDX-License-Identifier: Apache-2.0 */
/* GetNextCACert (RFC 8894 4.7): the successor's certificates, signed by the authority that devices trust already. */
#include "own.h"

const struct mst_issuer *mst_next_issuer0(const struct mst_app *app, const struct mst_issuer *issuer)
{
	const struct mst_slice id = issuer->record.successor;
	const struct mst_issuer *next = id.len ? mst_issuers_find_id0(app->issuers, id.at) : NULL;

	return next && next->record.state == MST_AUTHORITY_ACTIVE ? next : NULL;
}

/* By the CA's own key, also where an RA speaks for it: an RA may vouch for no other CA. */
static int sign(struct scep_state *s, struct mst_arena *arena, struct mst_err *e)
{
	const struct mst_issuer *next = s->next;
	const struct mst_slice certs[2] = {next->cert.der, next->ra_cert.der};
	struct mst_cms_key key;
	struct mst_cms_sign what = {.key = &key, .cert = s->issuer->cert.der, .digest = MST_CMS_SHA256, .time_s = s->now_ms / 1000};

	mst_key_cms(&key, s->issuer->key);
	if (mst_cms_bundle(&what.content, arena, certs, next->ra_key ? 2 : 1, NULL, 0, e) < 0)
		return -1;
	return mst_cms_sign(&s->reply, arena, &what, e);
}

static void sign_work(struct scep_state *s, struct mst_arena *arena)
{
	s->rc = sign(s, arena, &s->x->err);
}

enum mst_step mst_next_take(struct scep_state *s)
{
	if (mst_key_is_rsa(s->issuer->key))
		return mst_turn_take(s, sign_work);
	sign_work(s, &s->x->arena);
	return mst_next_answer(s);
}

enum mst_step mst_next_answer(struct scep_state *s)
{
	if (s->rc < 0)
		return mst_xchg_fail(s->x);
	return mst_xchg_answer(s->x, 200, "application/x-x509-next-ca-cert", s->reply);
}
