/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "kit.h"
#include "muster/count.h"

struct plan {
	struct mst_read r;
	const char *keys[4];
	const char *values[4]; /* NULL: absent */
	uint32_t num_runs, num_home;
};

static int get_all(struct mst_read *r)
{
	struct plan *p = MST_HOME(r, struct plan, r);

	p->num_runs++;
	for (size_t i = 0; i < MST_LEN(p->keys) && p->keys[i]; i++) {
		struct mst_slice value;
		int rc = mst_read_get(r, &value, MST_SPACE_DEVICE, mst_slice_str(p->keys[i]));
		if (rc < 0 || rc == MST_LATER)
			return rc;
		p->values[i] = rc ? (const char *)value.at : NULL;
		if (mst_read_has(r, MST_SPACE_DEVICE, mst_slice_str(p->keys[i])) != rc)
			return mst_fail(&r->err, MST_E_BUG, "get and has differ");
	}
	return 0;
}

static void on_read(struct mst_read *r)
{
	MST_HOME(r, struct plan, r)->num_home++;
}

Test(read, hot_is_now)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_err e;
	struct plan p = {.r = {.arena = &kit->arena, .plan = get_all, .on_read = on_read}, .keys = {"a", "b", "none"}};

	kit_put(kit, MST_SPACE_DEVICE, "a", "one");
	kit_put(kit, MST_SPACE_DEVICE, "b", "two");
	cr_assert_eq(mst_store_read(kit->store, &p.r, kit->loop, &e), 1);
	cr_assert_eq(p.r.rc, 0, "%s", p.r.err.text);
	cr_expect_str_eq(p.values[0], "one");
	cr_expect_str_eq(p.values[1], "two");
	cr_expect_null(p.values[2]);
	cr_expect_eq(p.num_runs, 1);
	kit_free(kit);
}

Test(read, cold_comes_later_and_warms)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_chunks chunks = {.free = NULL};
	struct mst_arena arena;
	struct mst_counts before, after;
	struct mst_err e;
	struct plan p = {.r = {.arena = &arena, .plan = get_all, .on_read = on_read}, .keys = {"a", "none", "b"}};

	mst_arena_init(&arena, &chunks, 1u << 20);
	kit_put(kit, MST_SPACE_DEVICE, "a", "one");
	kit_put(kit, MST_SPACE_DEVICE, "b", "two");
	kit_reopen(kit);
	mst_counts_sum(&before);
	cr_assert_eq(mst_store_read(kit->store, &p.r, kit->loop, &e), 0);
	kit_turn(kit, &p.num_home, 1);
	mst_counts_sum(&after);
	cr_expect_eq(after.counters[MST_C_STORE_COLD] - before.counters[MST_C_STORE_COLD], 1);
	cr_assert_eq(p.r.rc, 0, "%s", p.r.err.text);
	cr_expect_eq(p.num_runs, 2);
	cr_expect_str_eq(p.values[0], "one");
	cr_expect_null(p.values[1]);
	cr_expect_str_eq(p.values[2], "two");
	cr_expect_eq(p.r.arena, &arena);
	cr_expect_gt(arena.used, 0, "what the worker made belongs to the owner's arena");

	cr_assert_eq(mst_store_read(kit->store, &p.r, kit->loop, &e), 1, "in memory now");
	cr_expect_str_eq(p.values[0], "one");
	mst_arena_done(&arena);
	mst_chunks_done(&chunks);
	kit_free(kit);
}

Test(read, a_record_over_the_limit_is_busy)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_arena arena;
	struct mst_err e;
	struct plan p = {.r = {.arena = &arena, .plan = get_all, .on_read = on_read}, .keys = {"a"}};

	mst_arena_init(&arena, NULL, 16);
	kit_put(kit, MST_SPACE_DEVICE, "a", "a value that is longer than sixteen bytes");
	cr_assert_eq(mst_store_read(kit->store, &p.r, kit->loop, &e), 1);
	cr_expect_eq(p.r.rc, -1);
	cr_expect_eq(p.r.err.code, MST_E_BUSY);
	kit_reopen(kit);
	cr_assert_eq(mst_store_read(kit->store, &p.r, kit->loop, &e), 0);
	kit_turn(kit, &p.num_home, 1);
	cr_expect_eq(p.r.rc, -1);
	cr_expect_eq(p.r.err.code, MST_E_BUSY);
	mst_arena_done(&arena);
	kit_free(kit);
}

struct walk {
	struct mst_read r;
	enum mst_space space;
	const char *prefix, *from;
	char found[256];
	uint32_t num_home;
};

static int walk_all(struct mst_read *r)
{
	struct walk *p = MST_HOME(r, struct walk, r);
	struct mst_walk w;
	size_t len = 0;
	int rc = mst_walk_init(&w, r, p->space, mst_slice_str(p->prefix), mst_slice_str(p->from));

	p->found[0] = '\0';
	while (rc == 0 && (rc = mst_walk_next(&w)) == 1) {
		len += (size_t)snprintf(p->found + len, sizeof p->found - len, "%.*s=%.*s ", (int)w.key.len,
					(const char *)w.key.at, (int)w.value.len, (const char *)w.value.at);
		rc = 0;
	}
	if (rc == 0 && mst_walk_next(&w) != 0)
		rc = mst_fail(&r->err, MST_E_BUG, "a walk at its end goes on");
	mst_walk_done(&w);
	mst_walk_done(&w);
	return rc;
}

static void on_walked(struct mst_read *r)
{
	MST_HOME(r, struct walk, r)->num_home++;
}

#define P "0123456789abcdef" /* a channel's key starts with 16 bytes */
static const struct {
	const char *name, *prefix, *from, *want;
	enum mst_space space;
} walks[] = {
	{"prefix", P, "", P "1=a " P "2=b " P "22=c ", MST_SPACE_CHANNEL},
	{"longer prefix", P "2", "", P "2=b " P "22=c ", MST_SPACE_CHANNEL},
	{"from inside", P, P "2", P "2=b " P "22=c ", MST_SPACE_CHANNEL},
	{"from between", P, P "11", P "2=b " P "22=c ", MST_SPACE_CHANNEL},
	{"from behind", P, P "3", "", MST_SPACE_CHANNEL},
	{"no such prefix", "0123456789abcdee", "", "", MST_SPACE_CHANNEL},
	{"everything", "", "", "0123456789abcde=z " P "1=a " P "2=b " P "22=c 1123456789abcdef1=d ", MST_SPACE_CHANNEL},
	{"everything from", "", P "2", P "2=b " P "22=c 1123456789abcdef1=d ", MST_SPACE_CHANNEL},
	{"space without prefix", "k", "", "k1=1 k2=2 ", MST_SPACE_DEVICE},
	{"nothing there", "", "", "", MST_SPACE_RESULT},
};

static void walk_rows(struct kit *kit, bool is_cold)
{
	for (size_t i = 0; i < MST_LEN(walks); i++) {
		struct mst_err e;
		struct walk w = {.r = {.arena = &kit->arena, .plan = walk_all, .on_read = on_walked},
				 .space = walks[i].space, .prefix = walks[i].prefix, .from = walks[i].from};
		int rc = mst_store_read(kit->store, &w.r, kit->loop, &e);
		cr_assert_geq(rc, 0, "%s", walks[i].name);
		cr_assert(is_cold || rc == 1, "%s", walks[i].name);
		if (rc == 0)
			kit_turn(kit, &w.num_home, 1);
		cr_expect_eq(w.r.rc, 0, "%s: %s", walks[i].name, w.r.err.text);
		cr_expect_str_eq(w.found, walks[i].want, "%s: %s", walks[i].name, w.found);
	}
}

Test(read, walks)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});

	kit_put(kit, MST_SPACE_CHANNEL, "0123456789abcde", "z"); /* shorter than the prefix */
	kit_put(kit, MST_SPACE_CHANNEL, P "22", "c");
	kit_put(kit, MST_SPACE_CHANNEL, P "1", "a");
	kit_put(kit, MST_SPACE_CHANNEL, P "2", "b");
	kit_put(kit, MST_SPACE_CHANNEL, P "0", "gone");
	kit_drop(kit, MST_SPACE_CHANNEL, P "0");
	kit_put(kit, MST_SPACE_CHANNEL, "1123456789abcdef1", "d");
	kit_put(kit, MST_SPACE_DEVICE, "k2", "2");
	kit_put(kit, MST_SPACE_DEVICE, "k1", "1");
	kit_put(kit, MST_SPACE_DEVICE, "l1", "3");
	walk_rows(kit, false);
	kit_reopen(kit);
	walk_rows(kit, true);
	walk_rows(kit, false);
	kit_free(kit);
}

#define Q "0123456789abcdefghijklmn" /* a queue key starts with 24 bytes */

/* A loop steps over some dropped keys only; a worker steps over all. */
Test(read, many_dropped_keys)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true, .memtable_mib = 64});
	struct mst_err e;
	struct walk w = {.r = {.arena = &kit->arena, .plan = walk_all, .on_read = on_walked}, .space = MST_SPACE_QUEUE,
			 .prefix = Q, .from = ""};

	for (uint32_t i = 0; i < 100000; i += 1000) {
		struct mst_batch put, drop;
		mst_batch_init(&put, &kit->arena, NULL, NULL);
		mst_batch_init(&drop, &kit->arena, NULL, NULL);
		for (uint32_t k = i; k < i + 1000; k++) {
			char key[64];
			snprintf(key, sizeof key, Q "%06u", k);
			mst_batch_put(&put, MST_SPACE_QUEUE, mst_slice_str(key), MST_S("command"));
			mst_batch_drop(&drop, MST_SPACE_QUEUE, mst_slice_str(key));
		}
		cr_assert_eq(mst_store_commit_here(kit->store, &put), 0);
		cr_assert_eq(mst_store_commit_here(kit->store, &drop), 0);
		mst_arena_done(&kit->arena);
	}
	kit_put(kit, MST_SPACE_QUEUE, Q "999999", "last");
	int rc = mst_store_read(kit->store, &w.r, kit->loop, &e);
	cr_assert_eq(rc, 0, "too much for a loop");
	kit_turn(kit, &w.num_home, 1);
	cr_expect_eq(w.r.rc, 0);
	cr_expect_str_eq(w.found, Q "999999=last ");

	kit_reopen(kit);
	rc = mst_store_read(kit->store, &w.r, kit->loop, &e);
	kit_turn(kit, &w.num_home, rc == 0 ? 2 : 1);
	cr_assert_eq(mst_store_read(kit->store, &w.r, kit->loop, &e), 1, "dropped keys left nothing behind");
	cr_expect_str_eq(w.found, Q "999999=last ");
	kit_free(kit);
}

static uint32_t num_all_home;

static void on_any_read(struct mst_read *r)
{
	num_all_home++;
}

Test(read, busy_when_workers_are_full)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct plan plans[512];
	uint32_t num_out = 0;
	struct mst_err e;

	kit_put(kit, MST_SPACE_DEVICE, "a", "one");
	kit_reopen(kit);
	for (size_t i = 0; i < MST_LEN(plans); i++) {
		plans[i] = (struct plan){.r = {.arena = &kit->arena, .plan = get_all, .on_read = on_any_read},
					 .keys = {"a"}};
		/* A worker fills memory of its own, so all may share the kit's arena. */
		int rc = mst_store_read(kit->store, &plans[i].r, kit->loop, &e);
		num_out += rc == 0;
		cr_assert(rc >= 0 || (e.code == MST_E_BUSY && plans[i].r.arena == &kit->arena));
	}
	kit_turn(kit, &num_all_home, num_out);
	cr_expect_eq(num_all_home, num_out);
	kit_free(kit);
}
