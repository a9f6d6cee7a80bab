/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops and plain threads commit to one store at once. Each adds one to counters that all share, under the requirement that
 * the counter is as it was read: at the end the counters hold as many as came home well, and every batch came home once.
 *
 * Then plain threads put keys under one prefix, in any order, and drop them again, while all walk it: whoever knows that a key
 * was put finds it.
 */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/store.h"

#define NUM_LOOPS 3
#define NUM_THREADS 3
#define NUM_COUNTERS 4
#define NUM_WANTED 400 /* additions of each thread and each loop */
#define WINDOW 8
#define END_MS 100000

static struct mst_store *store;

struct adder {
	struct mst_read r;
	struct mst_batch batch;
	struct mst_arena arena;
	struct mst_loop *home;
	uint32_t counter, value;
	struct mst_slice raw;
	struct teller *teller;
};
/* One thread's or loop's sum. */
struct teller {
	pthread_t thread;
	struct mst_loop *loop;
	struct adder adders[WINDOW];
	uint32_t num_left, num_out, num_done, num_conflicts;
};

static struct mst_slice key_of(const uint32_t *counter)
{
	return mst_slice(counter, sizeof *counter);
}

static int read_plan(struct mst_read *r)
{
	struct adder *a = MST_HOME(r, struct adder, r);
	int rc = mst_read_get(r, &a->raw, MST_SPACE_DEVICE, key_of(&a->counter));

	if (rc == 0)
		a->raw = mst_slice(NULL, 0);
	a->value = 0;
	if (rc == 1)
		memcpy(&a->value, a->raw.at, sizeof a->value);
	return rc == 1 ? 0 : rc;
}

static void check(bool is_right, const char *what, const struct mst_err *e)
{
	if (is_right)
		return;
	fprintf(stderr, "%s: %s\n", what, e ? e->text : "");
	exit(1);
}

static void fill(struct adder *a, void (*on_committed)(struct mst_batch *b))
{
	uint32_t more = a->value + 1;

	mst_batch_init(&a->batch, &a->arena, a->home, on_committed);
	if (a->raw.len)
		mst_batch_require_same(&a->batch, MST_SPACE_DEVICE, key_of(&a->counter), a->raw);
	else
		mst_batch_require_absent(&a->batch, MST_SPACE_DEVICE, key_of(&a->counter));
	mst_batch_put(&a->batch, MST_SPACE_DEVICE, key_of(&a->counter), mst_slice(&more, sizeof more));
}

static void settle(struct adder *a)
{
	struct teller *t = a->teller;

	check(a->batch.rc == 0 || a->batch.err.code == MST_E_CONFLICT, "commit", &a->batch.err);
	if (a->batch.rc == 0)
		t->num_done++;
	else
		t->num_conflicts++, t->num_left++;
	a->counter = (a->counter + 1) % NUM_COUNTERS;
	mst_arena_done(&a->arena);
}

static void *add_here(void *context)
{
	struct teller *t = context;
	struct adder *a = &t->adders[0];

	while (t->num_left) {
		t->num_left--;
		check(mst_store_read_here(store, &a->r) == 0, "read", &a->r.err);
		fill(a, NULL);
		(void)!mst_store_commit_here(store, &a->batch);
		settle(a);
	}
	return NULL;
}

static void start(struct adder *a);

static void on_committed(struct mst_batch *b)
{
	struct adder *a = MST_HOME(b, struct adder, batch);

	a->teller->num_out--;
	settle(a);
	start(a);
}

static void on_read(struct mst_read *r)
{
	struct adder *a = MST_HOME(r, struct adder, r);
	struct mst_err e;

	check(r->rc == 0, "read", &r->err);
	fill(a, on_committed);
	check(mst_store_commit(store, &a->batch, &e) == 0, "post", &e);
}

static void start(struct adder *a)
{
	struct mst_err e;

	if (a->teller->num_left == 0)
		return;
	a->teller->num_left--;
	a->teller->num_out++;
	int rc = mst_store_read(store, &a->r, a->home, &e);
	check(rc >= 0, "read", &e);
	if (rc == 1)
		on_read(&a->r);
}

static void *add_on_loop(void *context)
{
	struct teller *t = context;
	uint64_t end_ms = mst_clock_ms() + END_MS;
	struct mst_err e;

	for (size_t i = 0; i < WINDOW; i++)
		start(&t->adders[i]);
	while (t->num_out) {
		check(mst_clock_ms() < end_ms, "a batch did not come home", NULL);
		check(mst_loop_turn(t->loop, 50, &e) == 0, "turn", &e);
	}
	return NULL;
}

#define PREFIX "0123456789abcdefghijklmn"
#define NUM_PUTS 1500 /* of each thread */

struct finder {
	struct mst_read r;
	pthread_t thread;
	uint32_t number;
	char key[48];
	bool is_found;
};

static int find_plan(struct mst_read *r)
{
	struct finder *f = MST_HOME(r, struct finder, r);
	struct mst_walk w;
	int rc = mst_walk_init(&w, r, MST_SPACE_QUEUE, MST_S(PREFIX), MST_S(""));

	f->is_found = false;
	while (rc == 0 && !f->is_found && (rc = mst_walk_next(&w)) == 1) {
		f->is_found = mst_slice_eq(w.key, mst_slice_str(f->key));
		rc = 0;
	}
	mst_walk_done(&w);
	return rc;
}

static void change(struct finder *f, bool is_put)
{
	struct mst_batch b;

	mst_batch_init(&b, f->r.arena, NULL, NULL);
	if (is_put)
		mst_batch_put(&b, MST_SPACE_QUEUE, mst_slice_str(f->key), MST_S("value"));
	else
		mst_batch_drop(&b, MST_SPACE_QUEUE, mst_slice_str(f->key));
	check(mst_store_commit_here(store, &b) == 0, "commit", &b.err);
}

static void *put_and_find(void *context)
{
	struct finder *f = context;
	unsigned seed = f->number;
	struct mst_arena arena;

	mst_arena_init(&arena, NULL, 0);
	f->r = (struct mst_read){.arena = &arena, .plan = find_plan};
	for (uint32_t i = 0; i < NUM_PUTS; i++) {
		snprintf(f->key, sizeof f->key, PREFIX "%04d%05u%u", rand_r(&seed) % 10000, i, f->number);
		change(f, true);
		check(mst_store_read_here(store, &f->r) == 0 && f->is_found, "a key that was put is not found", NULL);
		change(f, false);
		check(mst_store_read_here(store, &f->r) == 0 && !f->is_found, "a key that was dropped is found", NULL);
		mst_arena_done(&arena);
	}
	return NULL;
}

static void race_floors(void)
{
	static struct finder finders[NUM_THREADS];

	for (uint32_t i = 0; i < NUM_THREADS; i++) {
		finders[i].number = i;
		check(pthread_create(&finders[i].thread, NULL, put_and_find, &finders[i]) == 0, "thread", NULL);
	}
	for (uint32_t i = 0; i < NUM_THREADS; i++)
		pthread_join(finders[i].thread, NULL);
}

static void prepare(struct teller *t, bool has_loop)
{
	struct mst_loop_conf conf = {.num_entries = 64, .num_files = 16, .num_buffers = 16, .cpu = -1, .name = "race"};
	struct mst_err e;

	t->num_left = NUM_WANTED;
	if (has_loop)
		check(mst_loop_new(&t->loop, &conf, &e) == 0, "loop", &e);
	for (size_t i = 0; i < WINDOW; i++) {
		struct adder *a = &t->adders[i];
		mst_arena_init(&a->arena, NULL, 0);
		a->r = (struct mst_read){.arena = &a->arena, .plan = read_plan, .on_read = on_read};
		a->home = t->loop;
		a->teller = t;
	}
}

static int drop_file(const char *path, const struct stat *at, int kind, struct FTW *where)
{
	return remove(path);
}

static struct teller tellers[NUM_LOOPS + NUM_THREADS];

int main(void)
{
	char path[] = "/tmp/muster-race-XXXXXX";
	struct mst_store_conf conf = {.path = path, .cache_mib = 8, .memtable_mib = 4, .group_max = 16, .skips_sync = true};
	struct adder last = {.r = {.arena = &last.arena, .plan = read_plan}};
	struct mst_work *work;
	struct mst_err e;
	uint32_t num_done = 0, num_conflicts = 0, sum = 0;

	check(mkdtemp(path) != NULL, "folder", NULL);
	check(mst_work_new(&work, 2, 256, &e) == 0, "work", &e);
	check(mst_store_open(&store, &conf, work, &e) == 0, "open", &e);
	for (size_t i = 0; i < MST_LEN(tellers); i++) {
		prepare(&tellers[i], i < NUM_LOOPS);
		check(pthread_create(&tellers[i].thread, NULL, i < NUM_LOOPS ? add_on_loop : add_here, &tellers[i]) == 0,
		      "thread", NULL);
	}
	for (size_t i = 0; i < MST_LEN(tellers); i++) {
		pthread_join(tellers[i].thread, NULL);
		num_done += tellers[i].num_done;
		num_conflicts += tellers[i].num_conflicts;
	}
	mst_arena_init(&last.arena, NULL, 0);
	for (last.counter = 0; last.counter < NUM_COUNTERS; last.counter++) {
		check(mst_store_read_here(store, &last.r) == 0, "read", &last.r.err);
		sum += last.value;
	}
	mst_arena_done(&last.arena);
	race_floors();
	mst_store_close(&store);
	mst_work_free(&work);
	for (size_t i = 0; i < NUM_LOOPS; i++)
		mst_loop_free(&tellers[i].loop);
	nftw(path, drop_file, 16, FTW_DEPTH | FTW_PHYS);
	printf("done %u, conflicts %u, sum %u\n", num_done, num_conflicts, sum);
	check(num_done == sum && sum == MST_LEN(tellers) * NUM_WANTED, "the sum is wrong", NULL);
	return 0;
}
