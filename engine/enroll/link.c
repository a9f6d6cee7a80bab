/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment links, by the hash of their token. */
#include "muster/pack.h"
#include "own.h"

#define VERSION 1
#define KEY_LEN 32

static int decode(struct enroll_link *out, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	*out = (struct enroll_link){.raw = value};
	mst_unpack_begin(&u, value, VERSION);
	mst_unpack_fixed(&u, out->authority, sizeof(out->authority));
	out->created_ms = mst_unpack_i64(&u);
	out->expires_ms = mst_unpack_i64(&u);
	out->device = mst_unpack_bytes(&u);
	out->common_name = mst_unpack_bytes(&u);
	out->dns = mst_unpack_bytes(&u);
	out->is_open = mst_unpack_bool(&u);
	out->has_challenge = mst_unpack_bool(&u);
	mst_unpack_fixed(&u, out->challenge, sizeof(out->challenge));
	return mst_unpack_end(&u, "link", e);
}

int mst_link_get(struct mst_read *r, struct enroll_link *out, const uint8_t sha256[static 32])
{
	struct mst_slice value;
	int rc = mst_read_get(r, &value, MST_SPACE_LINK, mst_slice(sha256, KEY_LEN));

	if (rc != 1)
		return rc;
	return decode(out, value, &r->err) < 0 ? -1 : 1;
}

void mst_link_put(struct mst_batch *b, const struct enroll_link *link, const uint8_t sha256[static 32])
{
	const struct mst_slice key = mst_slice(sha256, KEY_LEN);
	struct mst_slice value;
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_fixed(&p, link->authority, sizeof(link->authority));
	mst_pack_i64(&p, link->created_ms);
	mst_pack_i64(&p, link->expires_ms);
	mst_pack_bytes(&p, link->device);
	mst_pack_bytes(&p, link->common_name);
	mst_pack_bytes(&p, link->dns);
	mst_pack_bool(&p, link->is_open);
	mst_pack_bool(&p, link->has_challenge);
	mst_pack_fixed(&p, link->challenge, sizeof(link->challenge));
	if (link->raw.len)
		mst_batch_require_same(b, MST_SPACE_LINK, key, link->raw);
	else
		mst_batch_require_absent(b, MST_SPACE_LINK, key);
	if (mst_pack_end(&p, &value, &b->err) < 0)
		b->is_short = true;
	else
		mst_batch_put(b, MST_SPACE_LINK, key, value);
}

/* Keys are hashes: what follows a new link's is a sample of all, so that links leave as fast as they come. */
int mst_link_sweep(struct mst_read *r, struct enroll_drops *drops, const uint8_t authority[static 16], const uint8_t from[static 32],
		   int64_t now_ms)
{
	const struct mst_slice all = {NULL, 0};
	struct enroll_link link;
	struct mst_walk w = {.r = NULL};
	int rc = mst_walk_init(&w, r, MST_SPACE_LINK, all, mst_slice(from, KEY_LEN));

	drops->num = 0;
	for (size_t i = 0; rc == 0 && i < LINK_SWEEP; i++) {
		struct mst_slice raw;
		rc = mst_walk_next(&w);
		if (rc != 1)
			break;
		rc = w.key.len != KEY_LEN ? mst_fail(&r->err, MST_E_STORE, "the key of a link has %zu bytes", w.key.len)
					  : decode(&link, w.value, &r->err);
		/* A batch touches one partition: links of other authorities are theirs to sweep. */
		if (rc < 0 || link.expires_ms >= now_ms || memcmp(link.authority, authority, sizeof(link.authority)) != 0)
			continue;
		if (!mst_arena_copy(r->arena, &raw, w.value))
			rc = mst_fail(&r->err, MST_E_BUSY, "out of memory");
		memcpy(drops->keys[drops->num], w.key.at, KEY_LEN);
		drops->raws[drops->num++] = raw;
	}
	mst_walk_done(&w);
	return rc;
}
