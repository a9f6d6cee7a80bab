/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/stat.h>

#include "kit.h"
#include "muster/count.h"
#include "muster/log.h"

#define GROUP 8

static uint32_t num_home;
static const struct mst_batch *order[2048];

static void on_committed(struct mst_batch *b)
{
	order[num_home++] = b;
}

static void post(struct kit *kit, struct mst_batch *b)
{
	struct mst_err e;

	cr_assert_eq(mst_store_commit(kit->store, b, &e), 0, "%s", e.text);
}

static struct mst_batch *new_batch(struct kit *kit)
{
	struct mst_batch *b = mst_arena_get(&kit->arena, sizeof *b);

	mst_batch_init(b, &kit->arena, kit->loop, on_committed);
	return b;
}

static uint64_t count(enum mst_counter id)
{
	struct mst_counts sum;

	mst_counts_sum(&sum);
	return sum.counters[id];
}

/* One step: what a batch requires and does to the key "k"; NULL: nothing. "-" requires absence or drops. */
struct step {
	const char *require, *put;
	int rc;
};

static const struct {
	const char *name;
	const char *before; /* NULL: absent */
	struct step steps[4];
	const char *after;
} rows[] = {
	{"put over nothing", NULL, {{NULL, "a", 0}}, "a"},
	{"absent and put", NULL, {{"-", "a", 0}}, "a"},
	{"absent fails on the store", "x", {{"-", "a", -1}}, "x"},
	{"absent fails inside the group", NULL, {{"-", "a", 0}, {"-", "b", -1}}, "a"},
	{"absent holds after a drop in the group", "x", {{"x", "-", 0}, {"-", "b", 0}}, "b"},
	{"same on the store", "x", {{"x", "y", 0}}, "y"},
	{"same fails on the store", "x", {{"z", "y", -1}}, "x"},
	{"same fails on nothing", NULL, {{"z", "y", -1}}, NULL},
	{"same in a chain", "x", {{"x", "y", 0}, {"y", "z", 0}, {"z", "w", 0}}, "w"},
	{"second of two loses", "x", {{"x", "y", 0}, {"x", "z", -1}}, "y"},
	{"loser leaves no mark", "x", {{"q", "y", -1}, {"x", "z", 0}}, "z"},
	{"same fails after a drop in the group", "x", {{NULL, "-", 0}, {"x", "z", -1}}, NULL},
	{"requires only", "x", {{"x", NULL, 0}, {"-", NULL, -1}}, "x"},
	{"put, drop, put", NULL, {{NULL, "a", 0}, {NULL, "-", 0}, {NULL, "b", 0}}, "b"},
};

static void fill(struct mst_batch *b, const struct step *step)
{
	struct mst_slice key = MST_S("k");

	if (step->require && step->require[0] == '-')
		mst_batch_require_absent(b, MST_SPACE_DEVICE, key);
	else if (step->require)
		mst_batch_require_same(b, MST_SPACE_DEVICE, key, mst_slice_str(step->require));
	if (step->put && step->put[0] == '-')
		mst_batch_drop(b, MST_SPACE_DEVICE, key);
	else if (step->put)
		mst_batch_put(b, MST_SPACE_DEVICE, key, mst_slice_str(step->put));
	mst_batch_put(b, MST_SPACE_SEEN, MST_S("other"), MST_S("key"));
}

/* Each row runs as one group (all wait behind a large batch) and as groups of one. */
static void run_rows(uint32_t group_max)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true, .group_max = group_max});

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_batch *batches[4];
		uint32_t num = 0;
		num_home = 0;
		if (rows[i].before)
			kit_put(kit, MST_SPACE_DEVICE, "k", rows[i].before);
		else
			kit_drop(kit, MST_SPACE_DEVICE, "k");
		for (; num < 4 && (rows[i].steps[num].require || rows[i].steps[num].put); num++) {
			batches[num] = new_batch(kit);
			fill(batches[num], &rows[i].steps[num]);
		}
		for (uint32_t k = 0; k < num; k++)
			post(kit, batches[k]);
		kit_turn(kit, &num_home, num);
		for (uint32_t k = 0; k < num; k++) {
			cr_expect_eq(order[k], batches[k], "%s: order", rows[i].name);
			cr_expect_eq(batches[k]->rc, rows[i].steps[k].rc, "%s: batch %u", rows[i].name, k);
			cr_expect(batches[k]->rc == 0 || batches[k]->err.code == MST_E_CONFLICT, "%s", rows[i].name);
		}
		const char *after = kit_get(kit, MST_SPACE_DEVICE, "k");
		cr_expect(rows[i].after ? after && strcmp(after, rows[i].after) == 0 : !after, "%s: after %s",
			  rows[i].name, after ? after : "nothing");
	}
	kit_free(kit);
}

Test(commit, requirements_in_one_group)
{
	run_rows(GROUP);
}

Test(commit, requirements_in_groups_of_one)
{
	run_rows(1);
}

Test(commit, many_become_few_groups)
{
	struct kit *kit = kit_new((struct mst_store_conf){0});
	uint64_t groups = count(MST_C_STORE_GROUPS), batches = count(MST_C_STORE_BATCHES);

	num_home = 0;
	for (uint32_t i = 0; i < 1000; i++) {
		struct mst_batch *b = new_batch(kit);
		char key[16];
		snprintf(key, sizeof key, "%u", i);
		mst_batch_require_absent(b, MST_SPACE_DEVICE, mst_slice_str(key));
		mst_batch_put(b, MST_SPACE_DEVICE, mst_slice_str(key), MST_S("value"));
		post(kit, b);
	}
	kit_turn(kit, &num_home, 1000);
	cr_expect_eq(count(MST_C_STORE_BATCHES) - batches, 1000);
	groups = count(MST_C_STORE_GROUPS) - groups;
	cr_expect_lt(groups, 500, "%lu groups", (unsigned long)groups);
	cr_expect_str_eq(kit_get(kit, MST_SPACE_DEVICE, "999"), "value");
	kit_free(kit);
}

/* More keys in one group than the group's table starts with. */
Test(commit, large_batches)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_batch *b = new_batch(kit), *c = new_batch(kit);
	char key[16];

	for (uint32_t i = 0; i < 20000; i++) {
		snprintf(key, sizeof key, "%u", i);
		mst_batch_put(b, MST_SPACE_DEVICE, mst_slice_str(key), mst_slice_str(key));
		mst_batch_require_same(c, MST_SPACE_DEVICE, mst_slice_str(key), mst_slice_str(key));
	}
	mst_batch_drop(c, MST_SPACE_DEVICE, MST_S("77"));
	num_home = 0;
	post(kit, b);
	post(kit, c);
	kit_turn(kit, &num_home, 2);
	cr_expect_eq(b->rc, 0);
	cr_expect_eq(c->rc, 0, "%s", c->err.text);
	cr_expect_null(kit_get(kit, MST_SPACE_DEVICE, "77"));
	cr_expect_str_eq(kit_get(kit, MST_SPACE_DEVICE, "19999"), "19999");
	kit_free(kit);
}

Test(commit, broken_and_healed)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_batch b;
	uint64_t failed = count(MST_C_STORE_FAILED);

	kit_put(kit, MST_SPACE_DEVICE, "k", "old");
	mst_log_setup(MST_NUM_LEVELS, false);
	mst_store_break(kit->store, true);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_batch_put(&b, MST_SPACE_DEVICE, MST_S("k"), MST_S("new"));
	cr_expect_eq(mst_store_commit_here(kit->store, &b), -1);
	cr_expect_eq(b.err.code, MST_E_STORE);
	cr_expect_eq(count(MST_C_STORE_FAILED) - failed, 1);
	cr_expect_str_eq(kit_get(kit, MST_SPACE_DEVICE, "k"), "old", "reads go on");
	mst_store_break(kit->store, false);
	kit_put(kit, MST_SPACE_DEVICE, "k", "new");
	cr_expect_str_eq(kit_get(kit, MST_SPACE_DEVICE, "k"), "new");
	kit_free(kit);
}

/* Whoever lost to a batch that was not written did not lose: it hears of the store, not of a conflict. */
Test(commit, no_false_conflict)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_batch *batches[200];

	mst_log_setup(MST_NUM_LEVELS, false);
	mst_store_break(kit->store, true);
	num_home = 0;
	for (size_t i = 0; i < MST_LEN(batches); i++) {
		batches[i] = new_batch(kit);
		mst_batch_require_absent(batches[i], MST_SPACE_DEVICE, MST_S("k"));
		mst_batch_put(batches[i], MST_SPACE_DEVICE, MST_S("k"), MST_S("v"));
		post(kit, batches[i]);
	}
	kit_turn(kit, &num_home, MST_LEN(batches));
	for (size_t i = 0; i < MST_LEN(batches); i++)
		cr_expect_eq(batches[i]->err.code, MST_E_STORE);
	kit_free(kit);
}

Test(commit, busy)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true, .queue_max = 2});
	struct mst_arena small;
	struct mst_batch b, *many[64];
	uint32_t num_posted = 0, num_busy = 0;
	struct mst_err e;

	num_home = 0;
	for (size_t i = 0; i < MST_LEN(many); i++) {
		many[i] = new_batch(kit);
		mst_batch_put(many[i], MST_SPACE_DEVICE, MST_S("k"), MST_S("v"));
		if (mst_store_commit(kit->store, many[i], &e) == 0)
			num_posted++;
		else
			num_busy += e.code == MST_E_BUSY;
	}
	cr_expect_eq(num_posted + num_busy, MST_LEN(many));
	kit_turn(kit, &num_home, num_posted);
	cr_expect_eq(num_home, num_posted);

	mst_arena_init(&small, NULL, 64);
	mst_batch_init(&b, &small, NULL, NULL);
	mst_batch_put(&b, MST_SPACE_DEVICE, MST_S("k2"), MST_S("more than the arena of this batch may hold, by far"));
	cr_expect(b.is_short);
	cr_expect_eq(mst_store_commit_here(kit->store, &b), -1);
	cr_expect_eq(b.err.code, MST_E_BUSY);
	cr_expect_null(kit_get(kit, MST_SPACE_DEVICE, "k2"));
	mst_arena_done(&small);
	kit_free(kit);
}

Test(commit, checkpoint_opens)
{
	struct kit *kit = kit_new((struct mst_store_conf){0});
	char folder[128];
	struct mst_err e;

	kit_put(kit, MST_SPACE_DEVICE, "k", "before");
	snprintf(folder, sizeof folder, "%s/copy", kit->path);
	cr_assert_eq(mst_store_checkpoint(kit->store, folder, &e), 0, "%s", e.text);
	cr_expect_eq(mst_store_checkpoint(kit->store, folder, &e), -1, "the folder exists");
	cr_expect_eq(e.code, MST_E_STORE);
	kit_put(kit, MST_SPACE_DEVICE, "k", "after");

	struct mst_store_conf conf = kit->conf;
	struct mst_store *original = kit->store;
	conf.path = folder;
	cr_assert_eq(mst_store_open(&kit->store, &conf, kit->work, &e), 0, "%s", e.text);
	cr_expect_str_eq(kit_get(kit, MST_SPACE_DEVICE, "k"), "before");
	mst_store_close(&kit->store);
	kit->store = original;
	cr_expect_str_eq(kit_get(kit, MST_SPACE_DEVICE, "k"), "after");
	kit_free(kit);
}

Test(commit, open_refuses)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_store *second;
	struct mst_err e;

	cr_expect_eq(mst_store_open(&second, &kit->conf, kit->work, &e), -1, "one program at a time");
	cr_expect_eq(e.code, MST_E_STORE);
	cr_expect_null(second);
	struct mst_store_conf conf = kit->conf;
	conf.path = "/proc/no/such/place";
	cr_expect_eq(mst_store_open(&second, &conf, kit->work, &e), -1);

	kit_put(kit, MST_SPACE_META, "layout", "999");
	mst_store_close(&kit->store);
	cr_expect_eq(mst_store_open(&kit->store, &kit->conf, kit->work, &e), -1, "another layout");
	cr_expect_eq(e.code, MST_E_CONF);
	kit_free(kit);
}
