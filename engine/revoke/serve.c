/* SPDX-License-Identifier: Apache-2.0 */
/* Serves CRLs: GET /crl/NAME.crl, from memory. */
#include "own.h"

#define TYPE_CRL "application/pkix-crl" /* RFC 5280 appendix, RFC 2585 */

static struct mst_slice name_of(const struct mst_xchg *x)
{
	const struct mst_slice ending = MST_S(".crl");
	struct mst_slice name = mst_parts_at(x, 1);

	if (name.len <= ending.len || memcmp(name.at + name.len - ending.len, ending.at, ending.len) != 0)
		return (struct mst_slice){NULL, 0};
	return mst_slice(name.at, name.len - ending.len);
}

/* A short max-age: asking again costs a 304, and a new CRL comes with every revocation. */
static void put_headers(struct mst_reply *out, const struct revoke_list *list)
{
	out->extra[0] = (struct mst_header){MST_S("ETag"), mst_slice_str(list->etag)};
	out->extra[1] = (struct mst_header){MST_S("Last-Modified"), mst_slice_str(list->modified)};
	out->extra[2] = (struct mst_header){MST_S("Cache-Control"), MST_S("public, max-age=300")};
}

enum mst_step mst_serve_crl(struct mst_xchg *x)
{
	const struct mst_app *app = x->app;
	struct mst_slice name = name_of(x);
	struct revoke_user *user;
	uint8_t authority[16];

	if (name.len == 0 || name.len > MST_AUTHORITY_NAME_MAX)
		return mst_xchg_refuse(x, MST_E_ABSENT, "no such CRL");
	mst_authority_id(authority, name);
	user = mst_publish_find0(app->revoke, authority);
	if (!user && app->issuers && mst_issuers_find0(app->issuers, name))
		return mst_xchg_refuse(x, MST_E_BUSY, "the first CRL is being made");
	if (!user)
		return mst_xchg_refuse(x, MST_E_ABSENT, "no such CRL");
	put_headers(&x->out, user->list);
	if (mst_date_is_fresh(x, user->list->etag, user->list->what.this_s))
		return mst_xchg_answer(x, 304, NULL, (struct mst_slice){NULL, 0});
	x->out.lent = &user->lent;
	return mst_xchg_answer(x, 200, TYPE_CRL, user->list->what.crl);
}
