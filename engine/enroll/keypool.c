/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes keys out of the pool.
 *
 *   | kind 1 | time 8 | random 8 |  ->  SubjectPublicKeyInfo, sealed PKCS#8
 *
 * Keys of records grow with time and are never used again, so what was taken costs those who come
 * later nothing.
 */
#include "keypool_own.h"

#include "muster/clock.h"
#include "muster/pack.h"
#include "muster/text.h"

#define VERSION   1
#define BOUND_LEN (4 + POOL_KEY_LEN) /* "pool", the record's key */
#define TRIES     8                  /* others take from the same end */

int mst_keypool_kinds(uint32_t *out, const char *words, struct mst_err *e)
{
	struct mst_slice word, rest = mst_slice_str(words);
	enum mst_key_kind kind;
	bool is_more = rest.len > 0;
	char text[16];

	*out = 0;
	while (is_more) {
		is_more = mst_slice_cut(&word, &rest, rest, ',');
		word = mst_slice_trim(word);
		if (word.len == 0 || word.len >= sizeof(text))
			return mst_fail(e, MST_E_CONF,
					"kinds of keys: words with commas between them");
		memcpy(text, word.at, word.len);
		text[word.len] = 0;
		if (mst_key_kind_from(&kind, text, e) < 0)
			return -1;
		if (kind < MST_KEY_RSA2048)
			return mst_fail(e, MST_E_CONF,
					"%s keys are made as fast as they are read: no pool", text);
		*out |= MST_B(kind);
	}
	return 0;
}

static struct mst_slice bound(uint8_t out[static BOUND_LEN], const uint8_t *key)
{
	memcpy(out, "pool", 4);
	memcpy(out + 4, key, POOL_KEY_LEN);
	return mst_slice(out, BOUND_LEN);
}

int mst_pool_put(struct mst_batch *b, const struct mst_pool_key *pair, const struct mst_seal *seal,
		 enum mst_key_kind kind, struct mst_err *e)
{
	uint8_t key[POOL_KEY_LEN], room[BOUND_LEN];
	uint64_t now_ms = (uint64_t)mst_clock_wall_ms();
	struct mst_slice sealed, value;
	struct mst_pack p;

	key[0] = (uint8_t)kind;
	for (int i = 0; i < 8; i++)
		key[1 + i] = (uint8_t)(now_ms >> (56 - 8 * i));
	mst_random(key + 9, 8);
	if (mst_seal_close(&sealed, b->arena, seal, bound(room, key), pair->der, e) < 0)
		return -1;
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_bytes(&p, pair->spki);
	mst_pack_bytes(&p, sealed);
	if (mst_pack_end(&p, &value, e) < 0)
		return -1;
	mst_batch_require_absent(b, MST_SPACE_KEYPOOL, mst_slice(key, sizeof(key)));
	mst_batch_put(b, MST_SPACE_KEYPOOL, mst_slice(key, sizeof(key)), value);
	return 0;
}

int mst_pool_open(struct pool_row *row, struct mst_arena *arena, const struct mst_seal *seal,
		  struct mst_err *e)
{
	uint8_t room[BOUND_LEN];
	struct mst_slice sealed;
	struct mst_unpack u;

	if (row->key.len != POOL_KEY_LEN)
		return mst_fail(e, MST_E_STORE, "the key of a key in the pool has %zu bytes",
				row->key.len);
	mst_unpack_begin(&u, row->value, VERSION);
	row->pair.spki = mst_unpack_bytes(&u);
	sealed = mst_unpack_bytes(&u);
	if (mst_unpack_end(&u, "key in the pool", e) < 0)
		return -1;
	row->is_old = mst_seal_is_old(seal, sealed);
	return mst_seal_open(&row->pair.der, arena, seal, bound(room, row->key.at), sealed, e);
}

int mst_pool_next(struct mst_walk *w, struct mst_read *r, struct pool_row *out, const uint8_t *kind)
{
	const struct mst_slice none = {NULL, 0};

	if (!w->r &&
	    mst_walk_init(w, r, MST_SPACE_KEYPOOL, mst_slice(kind, kind ? 1 : 0), none) < 0)
		return -1;
	int rc = mst_walk_next(w);
	if (rc == 1 && (!mst_arena_copy(r->arena, &out->key, w->key) ||
			!mst_arena_copy(r->arena, &out->value, w->value)))
		return mst_fail(&r->err, MST_E_BUSY, "no memory for the pool's keys");
	return rc;
}

struct look {
	struct mst_read r;
	uint8_t kind;
	uint32_t most, num;
	struct pool_row rows[MST_KEYPOOL_TAKE_MAX];
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};
	int rc = 1;

	look->num = 0;
	while (look->num < look->most &&
	       (rc = mst_pool_next(&w, r, &look->rows[look->num], &look->kind)) == 1)
		look->num++;
	mst_walk_done(&w);
	return rc < 0 ? -1 : 0;
}

/* 1 taken, 0 somebody was faster, -1. */
static int take(struct look *look, struct mst_arena *arena, struct mst_store *store,
		struct mst_err *e)
{
	struct mst_batch b;

	mst_batch_init(&b, arena, NULL, NULL);
	for (uint32_t i = 0; i < look->num; i++) {
		mst_batch_require_same(&b, MST_SPACE_KEYPOOL, look->rows[i].key,
				       look->rows[i].value);
		mst_batch_drop(&b, MST_SPACE_KEYPOOL, look->rows[i].key);
	}
	if (mst_store_commit_here(store, &b) == 0)
		return 1;
	if (b.err.code == MST_E_CONFLICT)
		return 0;
	*e = b.err;
	return -1;
}

int mst_keypool_take(struct mst_pool_key *out, uint32_t *num, uint32_t most,
		     struct mst_arena *arena, struct mst_store *store, const struct mst_seal *seal,
		     enum mst_key_kind kind, struct mst_err *e)
{
	struct look look = {.r = {.plan = plan, .arena = arena}, .kind = (uint8_t)kind};
	int rc = 0;

	*num = 0;
	for (int tries = 0; tries < TRIES && rc == 0; tries++) {
		look.most = most < MST_KEYPOOL_TAKE_MAX ? most : MST_KEYPOOL_TAKE_MAX;
		if (mst_store_read_here(store, &look.r) < 0) {
			*e = look.r.err;
			return -1;
		}
		if (look.num == 0)
			return 0;
		rc = take(&look, arena, store, e);
	}
	for (uint32_t i = 0; i < look.num && rc == 1; i++) {
		if (mst_pool_open(&look.rows[i], arena, seal, e) < 0)
			rc = -1;
		else
			out[(*num)++] = look.rows[i].pair;
	}
	return rc < 0 ? -1 : 0;
}
