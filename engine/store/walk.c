/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over the keys of one prefix, in order. */
#include "inside.h"

#define KEY_MOST 512 /* longer ones are walked on a worker; today's have up to 260 bytes */

/* Keys below the floor were dropped: the walk starts behind them. False: nothing lives under this prefix. */
static bool start_at_floor(struct mst_walk *w, struct mst_floor *floor, struct mst_slice *from)
{
	mst_floor_read(w->r->store->floors, floor, w->space, w->prefix);
	w->version = floor->version;
	w->is_learning = from->len == 0 && floor->kind != FLOOR_END;
	if (floor->kind == FLOOR_KEY && mst_slice_cmp(*from, mst_slice(floor->key, floor->len)) < 0)
		*from = mst_slice(floor->key, floor->len);
	return floor->kind != FLOOR_END;
}

int mst_walk_init(struct mst_walk *w, struct mst_read *r, enum mst_space space, struct mst_slice prefix,
		  struct mst_slice from)
{
	struct mst_store *store = r->store;
	const struct space_row *row = &mst_space_rows[space];
	enum reach reach = row->prefix_len && prefix.len ? REACH_PREFIX : REACH_ALL;
	struct mst_floor floor;

	*w = (struct mst_walk){.r = r, .prefix = prefix, .space = space};
	BUG_ON(prefix.len && prefix.len < row->prefix_len);
	if (row->is_once && prefix.len && !start_at_floor(w, &floor, &from))
		return 0;
	w->iterator = rocksdb_create_iterator_cf(store->db, store->reads[r->is_cold ? COLD : HOT][reach],
						 store->spaces[space]);
	if (!w->iterator)
		return mst_fail(&r->err, MST_E_STORE, "cannot walk");
	if (from.len == 0)
		from = prefix;
	rocksdb_iter_seek(w->iterator, from.len ? (const char *)from.at : "", from.len);
	return 0;
}

static int end(struct mst_walk *w)
{
	char *text = NULL;

	rocksdb_iter_get_error(w->iterator, &text);
	if (!text)
		return 0;
	return !w->r->is_cold && mst_space_is_later(text) ? MST_LATER : mst_space_fault(&w->r->err, text, "cannot walk");
}

/*
 * RocksDB (7.8) may pass over a file whose first block is not in memory when a hot iterator goes on into it: it then stands
 * on a later key of another file, with no error. Seeking says so, and costs about as much as a lookup.
 */
static int go_on(struct mst_walk *w)
{
	uint8_t behind[KEY_MOST + 1];

	if (w->r->is_cold) {
		rocksdb_iter_next(w->iterator);
		return 0;
	}
	if (w->key.len > KEY_MOST)
		return MST_LATER;
	memcpy(behind, w->key.at, w->key.len);
	behind[w->key.len] = 0; /* the least key behind it */
	rocksdb_iter_seek(w->iterator, (const char *)behind, w->key.len + 1);
	return 0;
}

static int step(struct mst_walk *w)
{
	if (w->is_begun && go_on(w) == MST_LATER)
		return MST_LATER;
	w->is_begun = false; /* at the end, asked again, it stays where it is and says the same */
	if (!rocksdb_iter_valid(w->iterator))
		return end(w);
	w->key.at = (const uint8_t *)rocksdb_iter_key(w->iterator, &w->key.len);
	if (!mst_slice_starts(w->key, w->prefix))
		return 0;
	w->value.at = (const uint8_t *)rocksdb_iter_value(w->iterator, &w->value.len);
	w->is_begun = true;
	return 1;
}

int mst_walk_next(struct mst_walk *w)
{
	if (!w->iterator)
		return 0;
	int rc = step(w);
	if (w->is_learning && (rc == 0 || rc == 1))
		mst_floor_learn(w->r->store->floors, w->space, w->prefix, w->version, rc ? &w->key : NULL);
	w->is_learning = false;
	return rc;
}

void mst_walk_done(struct mst_walk *w)
{
	if (w->iterator)
		rocksdb_iter_destroy(w->iterator);
	*w = (struct mst_walk){.r = NULL};
}
