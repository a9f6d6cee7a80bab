/* SPDX-License-Identifier: Apache-2.0 */
/* What a CRL lists: the revoked certificates of one authority, in the order of their numbers. */
#include "muster/issued.h"

#include "issued_own.h"

#define VERSION 1
#define REASONS 0x67fu /* RFC 5280 5.3.1: 0 to 6, 9 and 10; 7 is unused, 8 is for delta CRLs */

static int decode(struct mst_revoked *out, struct mst_slice key, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	*out = (struct mst_revoked){.at_ms = 0};
	if (key.len != MST_ISSUED_KEY_LEN)
		return mst_fail(e, MST_E_STORE, "the key of a revocation has %zu bytes", key.len);
	memcpy(out->serial, key.at + 16, 16);
	mst_unpack_begin(&u, value, VERSION);
	out->at_ms = mst_unpack_i64(&u);
	out->not_after = mst_unpack_i64(&u);
	out->reason = mst_unpack_u32(&u);
	mst_unpack_fixed(&u, out->sha256, sizeof(out->sha256));
	return mst_unpack_end(&u, "revocation", e);
}

int mst_revoked_get(struct mst_read *r, struct mst_revoked *out, const uint8_t authority[static 16], const uint8_t serial[static 16])
{
	uint8_t key[MST_ISSUED_KEY_LEN];
	struct mst_slice value;

	mst_issued_key(key, authority, serial);
	int rc = mst_read_get(r, &value, MST_SPACE_REVOKED, mst_slice(key, sizeof key));
	if (rc != 1)
		return rc;
	return decode(out, mst_slice(key, sizeof key), value, &r->err) < 0 ? -1 : 1;
}

/* A CRL has many: nothing is copied. */
int mst_revoked_next(struct mst_walk *w, struct mst_read *r, struct mst_revoked *out, const uint8_t authority[static 16])
{
	const struct mst_slice start = {NULL, 0};

	if (!w->r && mst_walk_init(w, r, MST_SPACE_REVOKED, mst_slice(authority, 16), start) < 0)
		return -1;
	int rc = mst_walk_next(w);
	if (rc != 1)
		return rc;
	return decode(out, w->key, w->value, &r->err) < 0 ? -1 : 1;
}

void mst_revoked_drop(struct mst_batch *b, const uint8_t authority[static 16], const uint8_t serial[static 16])
{
	uint8_t key[MST_ISSUED_KEY_LEN];

	mst_issued_key(key, authority, serial);
	mst_batch_drop(b, MST_SPACE_REVOKED, mst_slice(key, sizeof key));
}

int mst_issued_revoke(struct mst_batch *b, const struct mst_issued *i, uint32_t reason, int64_t now_ms, const struct mst_seal *seal,
		      struct mst_err *e)
{
	struct mst_issued next = *i;
	uint8_t key[MST_ISSUED_KEY_LEN], sha256[32];
	struct mst_pack p;

	if (reason > 31 || !(MST_B(reason) & REASONS))
		return mst_fail(e, MST_E_SYNTAX, "no reason to revoke has the number %u", reason);
	if (i->revoked_ms)
		return 0;
	next.revoked_ms = now_ms;
	next.reason = reason;
	if (mst_issued_put(b, &next, seal, e) < 0)
		return -1;
	mst_issued_key(key, i->authority, i->serial);
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_i64(&p, now_ms);
	mst_pack_i64(&p, i->not_after);
	mst_pack_u64(&p, reason);
	mst_sha256(sha256, i->cert);
	mst_pack_fixed(&p, sha256, sizeof(sha256));
	mst_record_put(b, MST_SPACE_REVOKED, mst_slice(key, sizeof key), &p);
	return 0;
}
