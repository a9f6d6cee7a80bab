/* SPDX-License-Identifier: Apache-2.0 */
/* What one durable write costs: the store alone, with many batches on their way so that they share a sync. */
#include "commit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/store.h"

#define FLYING_MAX 4096
#define VALUE_LEN  300 /* a report with its headers */
#define PATH_ROOM  256

struct slot {
	struct mst_batch batch;
	struct mst_arena arena;
	struct commits *home;
};

struct commits {
	char path[PATH_ROOM];
	struct mst_work *work;
	struct mst_loop *loop;
	struct mst_store *store;
	struct slot *slots;
	uint64_t num_begun, num_over, num_wanted;
	struct mst_err err;
	bool is_bad;
};

static void on_committed(struct mst_batch *b);

static void begin(struct slot *slot)
{
	static const uint8_t value[VALUE_LEN];
	struct commits *c = slot->home;
	uint8_t key[40] = {0};

	memcpy(key, &(uint64_t){c->num_begun * 0x9e3779b97f4a7c15u}, 8); /* spread as devices are */
	memcpy(key + 24, &c->num_begun, 8);
	c->num_begun++;
	mst_arena_done(&slot->arena);
	mst_batch_init(&slot->batch, &slot->arena, c->loop, on_committed);
	mst_batch_put(&slot->batch, MST_SPACE_RESULT, mst_slice(key, sizeof(key)), mst_slice(value, sizeof(value)));
	if (mst_store_commit(c->store, &slot->batch, &c->err) < 0)
		c->is_bad = true;
}

static void on_committed(struct mst_batch *b)
{
	struct slot *slot = MST_HOME(b, struct slot, batch);
	struct commits *c = slot->home;

	c->num_over++;
	if (b->rc < 0) {
		c->err = b->err;
		c->is_bad = true;
	}
	if (!c->is_bad && c->num_begun < c->num_wanted)
		begin(slot);
}

static int open_all(struct commits *c, const char *folder, uint32_t flying, struct mst_err *e)
{
	const struct mst_loop_conf loop = {.num_entries = 64, .num_files = 16, .num_buffers = 16, .cpu = -1, .name = "commit"};
	struct mst_store_conf store = {.path = c->path, .cache_mib = 64, .memtable_mib = 64};

	c->slots = calloc(flying, sizeof(*c->slots));
	if (!c->slots)
		return mst_fail(e, MST_E_BUSY, "no memory");
	snprintf(c->path, sizeof(c->path), "%s/muster-commit-XXXXXX", folder);
	if (!mkdtemp(c->path))
		return mst_fail(e, MST_E_IO, "cannot make a folder in %s", folder);
	if (mst_work_new(&c->work, 1, 16, e) < 0 || mst_loop_new(&c->loop, &loop, e) < 0)
		return -1;
	return mst_store_open(&c->store, &store, c->work, e);
}

static int drop_file(const char *path, const struct stat *at, int kind, struct FTW *where)
{
	(void)at, (void)kind, (void)where;
	return remove(path);
}

static void close_all(struct commits *c, uint32_t flying)
{
	mst_work_free(&c->work);
	mst_store_close(&c->store);
	mst_loop_free(&c->loop);
	for (uint32_t i = 0; c->slots && i < flying; i++)
		mst_arena_done(&c->slots[i].arena);
	free(c->slots);
	nftw(c->path, drop_file, 16, FTW_DEPTH | FTW_PHYS);
}

static int write_all(struct commits *c, uint32_t flying, struct mst_err *e)
{
	for (uint32_t i = 0; i < flying && c->num_begun < c->num_wanted; i++) {
		c->slots[i].home = c;
		begin(&c->slots[i]);
	}
	while (c->num_over < c->num_begun && !c->is_bad)
		if (mst_loop_turn(c->loop, 50, e) < 0)
			return -1;
	if (c->is_bad)
		*e = c->err;
	return c->is_bad ? -1 : 0;
}

int mst_commit_time(struct mst_commit_cost *out, const char *folder, uint32_t count, uint32_t flying, struct mst_err *e)
{
	struct commits c = {.num_wanted = flying}; /* one round to warm up */
	uint64_t cpu, wall;
	int rc;

	if (flying > FLYING_MAX)
		flying = FLYING_MAX;
	rc = open_all(&c, folder, flying, e);
	if (rc == 0)
		rc = write_all(&c, flying, e);
	c.num_wanted += count;
	cpu = mst_clock_cpu_ns();
	wall = mst_clock_ns();
	if (rc == 0)
		rc = write_all(&c, flying, e);
	out->cpu_ns = (mst_clock_cpu_ns() - cpu) / count;
	out->wall_ns = (mst_clock_ns() - wall) / count;
	close_all(&c, flying);
	return rc;
}
