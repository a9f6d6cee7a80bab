/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over keys that lie in many files, with nothing in memory at first. */
#include <stdio.h>

#include "kit.h"

#define NUM_KEYS  40000
#define PER_BATCH 400
#define PER_WALK  64
#define KEY_ROOM  64
#define LATER     "9"

struct long_walk {
	struct mst_read r;
	char from[KEY_ROOM], keys[PER_WALK][KEY_ROOM];
	uint32_t num, num_home;
	bool is_end;
};

static void key_of(char out[static KEY_ROOM], uint32_t n)
{
	snprintf(out, KEY_ROOM, "%010u-%032u", n, n * 2654435761u);
}

static int plan(struct mst_read *r)
{
	struct long_walk *l = MST_HOME(r, struct long_walk, r);
	struct mst_walk w;
	int rc = mst_walk_init(&w, r, MST_SPACE_OUTBOX, (struct mst_slice){NULL, 0}, mst_slice_str(l->from)) < 0 ? -1 : 1;

	l->num = 0;
	l->is_end = false;
	while (rc == 1 && l->num < PER_WALK && !l->is_end) {
		rc = mst_walk_next(&w);
		l->is_end = rc == 0 || (rc == 1 && w.key.at[0] == LATER[0]);
		if (rc == 1 && !l->is_end)
			snprintf(l->keys[l->num++], KEY_ROOM, "%.*s", (int)w.key.len, (const char *)w.key.at);
	}
	mst_walk_done(&w);
	return rc == 1 ? 0 : rc;
}

static void on_read(struct mst_read *r)
{
	MST_HOME(r, struct long_walk, r)->num_home++;
}

static void fill(struct kit *kit)
{
	for (uint32_t first = 0; first < NUM_KEYS; first += PER_BATCH) {
		struct mst_arena arena;
		struct mst_batch b;
		char key[KEY_ROOM];
		mst_arena_init(&arena, NULL, 0);
		mst_batch_init(&b, &arena, NULL, NULL);
		for (uint32_t i = first; i < first + PER_BATCH; i++) {
			key_of(key, i);
			mst_batch_put(&b, MST_SPACE_OUTBOX, mst_slice_str(key), (struct mst_slice){NULL, 0});
		}
		cr_assert_eq(mst_store_commit_here(kit->store, &b), 0, "%s", b.err.text);
		mst_arena_done(&arena);
	}
}

/* As the outbox does with what is settled: from its place to a later one. */
static void move(struct kit *kit, const struct long_walk *l)
{
	struct mst_arena arena;
	struct mst_batch b;
	char later[KEY_ROOM + 1];

	mst_arena_init(&arena, NULL, 0);
	mst_batch_init(&b, &arena, NULL, NULL);
	for (uint32_t i = 0; i < l->num; i++) {
		snprintf(later, sizeof(later), LATER "%s", l->keys[i]);
		mst_batch_drop(&b, MST_SPACE_OUTBOX, mst_slice_str(l->keys[i]));
		mst_batch_put(&b, MST_SPACE_OUTBOX, mst_slice_str(later), (struct mst_slice){NULL, 0});
	}
	cr_assert_eq(mst_store_commit_here(kit->store, &b), 0, "%s", b.err.text);
	mst_arena_done(&arena);
}

static void walk(struct kit *kit, struct long_walk *l)
{
	struct mst_arena arena;
	struct mst_err e;

	mst_arena_init(&arena, NULL, 0);
	l->r = (struct mst_read){.arena = &arena, .plan = plan, .on_read = on_read};
	l->num_home = 0;
	int rc = mst_store_read(kit->store, &l->r, kit->loop, &e);
	cr_assert_geq(rc, 0);
	if (rc == 0)
		kit_turn(kit, &l->num_home, 1);
	cr_assert_eq(l->r.rc, 0, "%s", l->r.err.text);
	mst_arena_done(&arena);
}

/* What is found without waiting must not go past a file that is not in memory: a key of another file behind it would look
 * like the next one, or the end like the end. */
Test(files, no_key_is_passed_over)
{
	struct kit *kit = kit_new((struct mst_store_conf){.memtable_mib = 1, .cache_mib = 8, .skips_sync = true});
	static struct long_walk l;
	uint32_t num = 0;

	fill(kit);
	kit_reopen(kit);
	while (!l.is_end) {
		walk(kit, &l);
		num += l.num;
		if (l.num)
			snprintf(l.from, sizeof(l.from), "%.60s.", l.keys[l.num - 1]); /* behind it, before the next */
		move(kit, &l);
	}
	cr_expect_eq(num, NUM_KEYS, "%u of %u keys were found", num, NUM_KEYS);
	kit_free(kit);
}
