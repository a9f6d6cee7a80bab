/* SPDX-License-Identifier: Apache-2.0 */
/* One-time SCEP challenges, by their hash. */
#include "muster/issued.h"

#include "record.h"

#define VERSION 1
#define KEY_LEN 32

static int decode(struct mst_challenge *out, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	*out = (struct mst_challenge){.raw = value};
	mst_unpack_begin(&u, value, VERSION);
	mst_unpack_fixed(&u, out->authority, sizeof out->authority);
	out->expires_ms = mst_unpack_i64(&u);
	out->device = mst_unpack_bytes(&u);
	out->common_name = mst_unpack_bytes(&u);
	out->dns = mst_unpack_bytes(&u);
	out->transaction = mst_unpack_bytes(&u);
	mst_unpack_fixed(&u, out->spki_sha256, sizeof out->spki_sha256);
	mst_unpack_fixed(&u, out->serial, sizeof out->serial);
	return mst_unpack_end(&u, "challenge", e);
}

int mst_challenge_get(struct mst_read *r, struct mst_challenge *out, const uint8_t sha256[static 32])
{
	struct mst_slice value;
	int rc = mst_read_get(r, &value, MST_SPACE_CHALLENGE, mst_slice(sha256, KEY_LEN));

	if (rc != 1)
		return rc;
	return decode(out, value, &r->err) < 0 ? -1 : 1;
}

int mst_challenge_next(struct mst_walk *w, struct mst_read *r, struct mst_challenge *out, uint8_t sha256[static 32])
{
	const struct mst_slice all = {NULL, 0};
	struct mst_slice key, value;

	if (!w->r && mst_walk_init(w, r, MST_SPACE_CHALLENGE, all, all) < 0)
		return -1;
	int rc = mst_record_next(w, &key, &value);
	if (rc != 1)
		return rc;
	if (key.len != KEY_LEN)
		return mst_fail(&r->err, MST_E_STORE, "the key of a challenge has %zu bytes", key.len);
	memcpy(sha256, key.at, KEY_LEN);
	return decode(out, value, &r->err) < 0 ? -1 : 1;
}

void mst_challenge_put(struct mst_batch *b, const struct mst_challenge *c, const uint8_t sha256[static 32])
{
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_fixed(&p, c->authority, sizeof c->authority);
	mst_pack_i64(&p, c->expires_ms);
	mst_pack_bytes(&p, c->device);
	mst_pack_bytes(&p, c->common_name);
	mst_pack_bytes(&p, c->dns);
	mst_pack_bytes(&p, c->transaction);
	mst_pack_fixed(&p, c->spki_sha256, sizeof c->spki_sha256);
	mst_pack_fixed(&p, c->serial, sizeof c->serial);
	mst_record_require(b, MST_SPACE_CHALLENGE, mst_slice(sha256, KEY_LEN), c->raw);
	mst_record_put(b, MST_SPACE_CHALLENGE, mst_slice(sha256, KEY_LEN), &p);
}

void mst_challenge_drop(struct mst_batch *b, const struct mst_challenge *c, const uint8_t sha256[static 32])
{
	mst_record_require(b, MST_SPACE_CHALLENGE, mst_slice(sha256, KEY_LEN), c->raw);
	mst_batch_drop(b, MST_SPACE_CHALLENGE, mst_slice(sha256, KEY_LEN));
}
