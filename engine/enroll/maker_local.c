/* SPDX-License-Identifier: Apache-2.0 */
/* Local: an authority of our own issues, at once. The certificate is recorded before anybody gets it (identity_record.c). */
#include "maker.h"

static int issue(struct mst_make *make, const struct mst_issuer *issuer, struct mst_err *e)
{
	struct mst_issue names;
	struct mst_subject subject;

	if (mst_make_issue(&names, make, e) < 0)
		return -1;
	subject = (struct mst_subject){.common_name = names.common_name, .organization = names.organization, .dns = names.dns,
				       .uris = names.uris, .emails = names.emails, .upns = names.upns, .names = names.names,
				       .more_subject = names.more_subject};
	if (mst_issuer_issue(&make->cert, make->arena, issuer, &subject, make->spki, make->now_ms / 1000, make->serial, e) < 0)
		return -1;
	memcpy(make->authority, issuer->record.id, sizeof make->authority);
	return 0;
}

/* The issuer's certificate and those above it. */
static int chain_of(struct mst_make *make, const struct mst_issuer *issuer, struct mst_err *e)
{
	struct mst_slice cert = issuer->record.cert, chain = issuer->record.chain;
	uint8_t *at = mst_arena_get(make->arena, cert.len + chain.len);

	if (!at)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	memcpy(at, cert.at, cert.len);
	if (chain.len)
		memcpy(at + cert.len, chain.at, chain.len);
	make->chain = mst_slice(at, cert.len + chain.len);
	return 0;
}

static int here(struct mst_make *make, struct mst_err *e)
{
	struct mst_slice name = mst_object_text(make->enrollment, "authority");
	struct mst_issuers *issuers = NULL;
	uint8_t id[16];
	int rc;

	if (make->issuer)
		return issue(make, make->issuer, e) < 0 ? -1 : chain_of(make, make->issuer, e);
	mst_authority_id(id, name);
	if (mst_issuers_load_one(&issuers, make->app->store, make->app->seal, id, e) < 0) {
		if (e->code == MST_E_ABSENT)
			mst_fail(e, MST_E_ABSENT, "authority: there is none of the name %.*s", (int)name.len, (const char *)name.at);
		return -1;
	}
	rc = issue(make, issuers->rows[0], e);
	if (rc == 0)
		rc = chain_of(make, issuers->rows[0], e);
	mst_issuers_free(&issuers);
	return rc;
}

const struct mst_maker mst_maker_local = {.type = "local", .form = MST_IDENTITY_FILE, .makes = true, .here = here};
