/* SPDX-License-Identifier: Apache-2.0 */
/* Puts records into batches and copies them out of walks. */
#include "record.h"

void mst_record_put(struct mst_batch *b, enum mst_space space, struct mst_slice key, struct mst_pack *p)
{
	struct mst_slice value;

	if (mst_pack_end(p, &value, NULL) < 0)
		b->is_short = true;
	else
		mst_batch_put(b, space, key, value);
}

void mst_record_require(struct mst_batch *b, enum mst_space space, struct mst_slice key, struct mst_slice raw)
{
	if (raw.len)
		mst_batch_require_same(b, space, key, raw);
	else
		mst_batch_require_absent(b, space, key);
}

int mst_record_next(struct mst_walk *w, struct mst_slice *key, struct mst_slice *value)
{
	struct mst_arena *arena = w->r->arena;
	int rc = mst_walk_next(w);

	if (rc != 1)
		return rc;
	if (!mst_arena_copy(arena, key, w->key) || !mst_arena_copy(arena, value, w->value))
		return mst_fail(&w->r->err, MST_E_BUSY, "a record does not fit the memory of this request");
	return 1;
}
