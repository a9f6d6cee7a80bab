/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/clock.h"

static void open_store(struct kit *kit)
{
	struct mst_err e;

	cr_assert_eq(mst_store_open(&kit->store, &kit->conf, kit->work, &e), 0, "%s", e.text);
}

struct kit *kit_new(struct mst_store_conf conf)
{
	struct mst_loop_conf loop_conf = {.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1,
					  .name = "test"};
	struct kit *kit = calloc(1, sizeof *kit);
	struct mst_err e;

	snprintf(kit->path, sizeof kit->path, "/tmp/muster-store-XXXXXX");
	cr_assert(mkdtemp(kit->path));
	kit->conf = conf;
	kit->conf.path = kit->path;
	kit->conf.cache_mib = conf.cache_mib ? conf.cache_mib : 8;
	kit->conf.memtable_mib = conf.memtable_mib ? conf.memtable_mib : 4;
	cr_assert_eq(mst_work_new(&kit->work, 2, 64, &e), 0, "%s", e.text);
	cr_assert_eq(mst_loop_new(&kit->loop, &loop_conf, &e), 0, "%s", e.text);
	mst_arena_init(&kit->arena, NULL, 0);
	open_store(kit);
	return kit;
}

static int drop_file(const char *path, const struct stat *at, int kind, struct FTW *where)
{
	return remove(path);
}

void kit_free(struct kit *kit)
{
	mst_store_close(&kit->store);
	mst_work_free(&kit->work);
	mst_loop_free(&kit->loop);
	mst_arena_done(&kit->arena);
	nftw(kit->path, drop_file, 16, FTW_DEPTH | FTW_PHYS);
	free(kit);
}

void kit_reopen(struct kit *kit)
{
	mst_store_close(&kit->store);
	open_store(kit);
}

void kit_turn(struct kit *kit, const uint32_t *done, uint32_t want)
{
	uint64_t end_ms = mst_clock_ms() + 10000;
	struct mst_err e;

	while (*done < want) {
		cr_assert_lt(mst_clock_ms(), end_ms, "%u of %u came home", *done, want);
		cr_assert_eq(mst_loop_turn(kit->loop, 50, &e), 0, "%s", e.text);
	}
}

void kit_put(struct kit *kit, enum mst_space space, const char *key, const char *value)
{
	struct mst_batch b;

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_batch_put(&b, space, mst_slice_str(key), mst_slice_str(value));
	cr_assert_eq(mst_store_commit_here(kit->store, &b), 0, "%s", b.err.text);
}

void kit_drop(struct kit *kit, enum mst_space space, const char *key)
{
	struct mst_batch b;

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_batch_drop(&b, space, mst_slice_str(key));
	cr_assert_eq(mst_store_commit_here(kit->store, &b), 0, "%s", b.err.text);
}

struct get {
	struct mst_read r;
	enum mst_space space;
	struct mst_slice key, value;
	bool is_there;
};

static int get_plan(struct mst_read *r)
{
	struct get *get = MST_HOME(r, struct get, r);
	int rc = mst_read_get(r, &get->value, get->space, get->key);

	get->is_there = rc == 1;
	return rc < 0 ? rc : 0;
}

const char *kit_get(struct kit *kit, enum mst_space space, const char *key)
{
	struct get get = {.r = {.arena = &kit->arena, .plan = get_plan}, .space = space, .key = mst_slice_str(key)};

	cr_assert_eq(mst_store_read_here(kit->store, &get.r), 0, "%s", get.r.err.text);
	return get.is_there ? (const char *)get.value.at : NULL;
}
