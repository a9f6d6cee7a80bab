/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each index of a job got: a record for each slice.
 *
 *   | authority 16 | job 8 | last index 4 |  ->  first index, serial numbers, sealed PKCS#12 when
 * asked for
 */
#include "bulk_own.h"
#include "muster/pack.h"
#include "muster/text.h"

#define VERSION   1
#define KEY_LEN   (BULK_KEY_LEN + 4)
#define BOUND_LEN (8 + BULK_KEY_LEN + 4) /* "identity", job, index */

static void put_u32(uint8_t *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> (24 - 8 * i));
}

static void make_key(uint8_t out[static KEY_LEN], const uint8_t *key, uint32_t index)
{
	memcpy(out, key, BULK_KEY_LEN);
	put_u32(out + BULK_KEY_LEN, index);
}

void mst_bulk_chunk_put(struct mst_batch *b, const struct bulk_chunk *chunk)
{
	uint8_t room[KEY_LEN];
	struct mst_slice value, key = mst_slice(room, KEY_LEN);
	struct mst_pack p;

	make_key(room, chunk->key, chunk->first + chunk->num - 1);
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_u64(&p, chunk->first);
	mst_pack_u64(&p, chunk->num);
	mst_pack_bool(&p, chunk->has_p12);
	mst_pack_fixed(&p, chunk->serials, (size_t)chunk->num * 16);
	for (uint32_t i = 0; i < chunk->num && chunk->has_p12; i++)
		mst_pack_bytes(&p, chunk->sealed[i]);
	if (chunk->raw.len)
		mst_batch_require_same(b, MST_SPACE_IDENTITY, key, chunk->raw);
	else
		mst_batch_require_absent(b, MST_SPACE_IDENTITY, key);
	if (mst_pack_end(&p, &value, &b->err) < 0)
		b->is_short = true;
	else
		mst_batch_put(b, MST_SPACE_IDENTITY, key, value);
}

int mst_bulk_chunk_read(struct bulk_chunk *out, struct mst_slice key, struct mst_slice value,
			struct mst_err *e)
{
	struct mst_unpack u;

	if (key.len != KEY_LEN)
		return mst_fail(e, MST_E_STORE, "the key of a slice of identities has %zu bytes",
				key.len);
	out->raw = value;
	memcpy(out->key, key.at, BULK_KEY_LEN);
	mst_unpack_begin(&u, value, VERSION);
	out->first = mst_unpack_u32(&u);
	out->num = (uint32_t)mst_unpack_max(&u, BULK_SLICE_MAX);
	out->has_p12 = mst_unpack_bool(&u);
	mst_unpack_fixed(&u, out->serials, (size_t)out->num * 16);
	for (uint32_t i = 0; i < out->num; i++)
		out->sealed[i] = out->has_p12 ? mst_unpack_bytes(&u) : (struct mst_slice){NULL, 0};
	return mst_unpack_end(&u, "slice of identities", e);
}

int mst_bulk_chunk_next(struct mst_read *r, struct bulk_chunk *out,
			const uint8_t key[static BULK_KEY_LEN], uint32_t from)
{
	struct mst_slice found, value;
	struct mst_walk w = {.r = NULL};
	uint8_t first[KEY_LEN];
	int rc;

	make_key(first, key, from);
	rc = mst_walk_init(&w, r, MST_SPACE_IDENTITY, mst_slice(key, BULK_KEY_LEN),
			   mst_slice(first, KEY_LEN));
	if (rc == 0)
		rc = mst_walk_next(&w);
	if (rc == 1 && (!mst_arena_copy(r->arena, &found, w.key) ||
			!mst_arena_copy(r->arena, &value, w.value)))
		rc = mst_fail(&r->err, MST_E_BUSY, "no memory for a slice of identities");
	mst_walk_done(&w);
	if (rc != 1)
		return rc;
	return mst_bulk_chunk_read(out, found, value, &r->err) < 0 ? -1 : 1;
}

static struct mst_slice bound(uint8_t out[static BOUND_LEN], const struct bulk_chunk *chunk,
			      uint32_t index)
{
	memcpy(out, "identity", 8);
	make_key(out + 8, chunk->key, index);
	return mst_slice(out, BOUND_LEN);
}

int mst_bulk_chunk_close(struct mst_slice *out, struct mst_arena *arena,
			 const struct mst_seal *seal, const struct bulk_chunk *chunk,
			 uint32_t index, const struct bulk_p12 *p12, struct mst_err *e)
{
	uint8_t room[BOUND_LEN];
	struct mst_slice plain;
	struct mst_pack p;

	mst_pack_begin(&p, arena, VERSION);
	mst_pack_bytes(&p, p12->password);
	mst_pack_bytes(&p, p12->file);
	if (mst_pack_end(&p, &plain, e) < 0)
		return -1;
	int rc = mst_seal_close(out, arena, seal, bound(room, chunk, index), plain, e);
	mst_wipe((void *)(uintptr_t)plain.at, plain.len);
	return rc;
}

int mst_bulk_chunk_open(struct bulk_p12 *out, struct mst_arena *arena, const struct mst_seal *seal,
			const struct bulk_chunk *chunk, uint32_t index, struct mst_err *e)
{
	uint8_t room[BOUND_LEN];
	struct mst_slice plain;
	struct mst_unpack u;

	if (mst_seal_open(&plain, arena, seal, bound(room, chunk, index),
			  chunk->sealed[index - chunk->first], e) < 0)
		return -1;
	mst_unpack_begin(&u, plain, VERSION);
	out->password = mst_unpack_bytes(&u);
	out->file = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "PKCS#12", e);
}
