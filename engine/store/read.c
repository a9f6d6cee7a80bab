/* SPDX-License-Identifier: Apache-2.0 */
/* Reads: the plan on the loop from memory, the same plan on a worker when something was cold, single keys. */
#include "inside.h"

#include "muster/count.h"

static int run_plan(struct mst_read *r, bool is_cold)
{
	static _Thread_local bool is_quiet;

	if (MST_UNLIKELY(!is_quiet)) {
		is_quiet = true;
		mst_space_quiet();
	}
	r->is_cold = is_cold;
	r->err = (struct mst_err){.code = MST_E_NONE};
	return r->plan(r);
}

static void on_worker(struct mst_job *job)
{
	struct mst_read *r = MST_HOME(job, struct mst_read, job);

	r->rc = run_plan(r, true);
	BUG_ON(r->rc == MST_LATER);
}

static void give_back_arena(struct mst_read *r)
{
	r->arena = r->kept;
	mst_arena_adopt(r->arena, &r->cold);
}

static void on_home(struct mst_job *job)
{
	struct mst_read *r = MST_HOME(job, struct mst_read, job);

	give_back_arena(r);
	r->on_read(r);
}

/* The owner's arena takes its chunks from a pool of the loop's thread, so a worker fills an arena of its own. */
static int go_cold(struct mst_read *r, struct mst_loop *home, struct mst_err *e)
{
	mst_count(MST_C_STORE_COLD, 1);
	r->kept = r->arena;
	mst_arena_init(&r->cold, NULL, r->kept->limit ? r->kept->limit - r->kept->used : 0);
	r->arena = &r->cold;
	r->job = (struct mst_job){.home = home, .run = on_worker, .on_ran = on_home};
	if (mst_work_post(r->store->work, MST_LANE_FAST, &r->job, e) == 0)
		return 0;
	give_back_arena(r);
	return -1;
}

int mst_store_read(struct mst_store *store, struct mst_read *r, struct mst_loop *home, struct mst_err *e)
{
	r->store = store;
	r->rc = run_plan(r, false);
	return MST_LIKELY(r->rc != MST_LATER) ? 1 : go_cold(r, home, e);
}

int mst_store_read_here(struct mst_store *store, struct mst_read *r)
{
	r->store = store;
	r->rc = run_plan(r, true);
	BUG_ON(r->rc == MST_LATER);
	return r->rc;
}

/* 1 with *out to be destroyed, 0, -1, MST_LATER. */
static int get(struct mst_read *r, rocksdb_pinnableslice_t **out, struct mst_slice *value, enum mst_space space,
	       struct mst_slice key)
{
	struct mst_store *store = r->store;
	char *text = NULL;

	*out = rocksdb_get_pinned_cf(store->db, store->reads[r->is_cold ? COLD : HOT][REACH_KEY], store->spaces[space],
				     (const char *)key.at, key.len, &text);
	if (MST_UNLIKELY(text != NULL))
		return !r->is_cold && mst_space_is_later(text) ? MST_LATER : mst_space_fault(&r->err, text, "cannot read");
	if (!*out)
		return 0;
	value->at = (const uint8_t *)rocksdb_pinnableslice_value(*out, &value->len);
	/* RocksDB answers a hot read of a table that is not open with an empty value; no record of ours is empty. */
	if (MST_UNLIKELY(value->len == 0 && !r->is_cold)) {
		rocksdb_pinnableslice_destroy(*out);
		return MST_LATER;
	}
	return 1;
}

int mst_read_get(struct mst_read *r, struct mst_slice *out, enum mst_space space, struct mst_slice key)
{
	rocksdb_pinnableslice_t *pinned;
	struct mst_slice value;
	int rc = get(r, &pinned, &value, space, key);

	if (rc != 1)
		return rc;
	if (!mst_arena_copy(r->arena, out, value))
		rc = mst_fail(&r->err, MST_E_BUSY, "a record does not fit the memory of this request");
	rocksdb_pinnableslice_destroy(pinned);
	return rc;
}

int mst_read_has(struct mst_read *r, enum mst_space space, struct mst_slice key)
{
	rocksdb_pinnableslice_t *pinned;
	struct mst_slice value;
	int rc = get(r, &pinned, &value, space, key);

	if (rc == 1)
		rocksdb_pinnableslice_destroy(pinned);
	return rc;
}
