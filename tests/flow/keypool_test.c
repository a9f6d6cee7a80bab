/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of RSA keys: each is taken once, whoever asks at the same time; jobs take from it; it is
 * filled again. */
#include "bulk_kit.h"
#include "keypool_own.h"

#include "muster/text.h"

#define KEYS   60
#define TAKERS 4

TestSuite(keypool, .timeout = 120);

/* Any bytes do for a key that is only moved. */
static void put(struct bulk_kit *kit, uint32_t n)
{
	struct mst_pool_key pair = {MST_S("key"), mst_slice(&n, sizeof(n))};
	struct mst_batch b;
	struct mst_err e;

	mst_batch_init(&b, &kit->rig->arena, NULL, NULL);
	cr_assert_eq(mst_pool_put(&b, &pair, kit->rig->seal, MST_KEY_RSA4096, &e), 0, "%s", e.text);
	cr_assert_eq(mst_store_commit_here(kit->rig->app.store, &b), 0, "%s", b.err.text);
}

struct taker {
	struct mst_job job;
	struct bulk_kit *kit;
	uint32_t *times;
	bool is_home;
	struct mst_err err;
};

static void on_worker(struct mst_job *job)
{
	struct taker *t = MST_HOME(job, struct taker, job);
	struct mst_pool_key keys[MST_KEYPOOL_TAKE_MAX];
	struct mst_arena arena;
	uint32_t num = 1, n;

	mst_arena_init(&arena, NULL, 0);
	for (int idle = 0; idle < 3; idle += num == 0) {
		if (mst_keypool_take(keys, &num, 4, &arena, t->kit->rig->app.store,
				     t->kit->rig->seal, MST_KEY_RSA4096, &t->err) < 0)
			break;
		for (uint32_t i = 0; i < num; i++) {
			memcpy(&n, keys[i].spki.at, sizeof(n));
			__atomic_add_fetch(&t->times[n], 1, __ATOMIC_RELAXED);
		}
	}
	mst_arena_done(&arena);
}

static void on_ran(struct mst_job *job)
{
	MST_HOME(job, struct taker, job)->is_home = true;
}

Test(keypool, each_key_is_taken_once)
{
	struct taker takers[TAKERS] = {0};
	uint32_t times[KEYS] = {0};
	struct bulk_kit kit;
	struct mst_err e;

	bulk_begin(&kit);
	for (uint32_t i = 0; i < KEYS; i++)
		put(&kit, i);
	for (int i = 0; i < TAKERS; i++) {
		takers[i] = (struct taker){
			.job = {.home = kit.rig->app.loop, .run = on_worker, .on_ran = on_ran},
			.kit = &kit,
			.times = times};
		cr_assert_eq(mst_work_post(kit.rig->app.work, MST_LANE_FAST, &takers[i].job, &e),
			     0);
	}
	for (int i = 0; i < TAKERS; i++)
		while (!takers[i].is_home)
			bulk_turn(&kit, 5);
	for (int i = 0; i < TAKERS; i++)
		cr_expect_eq(takers[i].err.code, MST_E_NONE, "%s", takers[i].err.text);
	for (uint32_t i = 0; i < KEYS; i++)
		cr_expect_eq(times[i], 1, "key %u was taken %u times", i, times[i]);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_KEYPOOL), 0);
	bulk_end(&kit);
}

Test(keypool, is_filled_and_jobs_take_from_it)
{
	struct bulk_kit kit;
	char *id;

	bulk_begin(&kit);
	kit.conf.pool =
		(struct mst_keypool_conf){.size = 3, .low = 2, .kinds = MST_B(MST_KEY_RSA2048)};
	bulk_restart(&kit);
	for (int i = 0; i < 6000 && rig_num_records(kit.rig, MST_SPACE_KEYPOOL) < 3; i++)
		bulk_turn(&kit, 10);
	cr_assert_eq(rig_num_records(kit.rig, MST_SPACE_KEYPOOL), 3);
	kit.conf.pool.size = 0;
	bulk_restart(&kit);
	id = bulk_start(
		&kit,
		"{\"authority\":\"devices\",\"prefix\":\"r\",\"count\":4,\"kind\":\"rsa2048\"}");
	bulk_wait(&kit, id, "done");
	bulk_check(&kit, id, 4, "r", 4);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_KEYPOOL), 0);
	bulk_end(&kit);
}

Test(keypool, kinds_are_words)
{
	static const struct {
		const char *words;
		int rc;
		uint32_t kinds;
	} rows[] = {
		{"", 0, 0},
		{"rsa2048", 0, MST_B(MST_KEY_RSA2048)},
		{"rsa2048, rsa4096", 0, MST_B(MST_KEY_RSA2048) | MST_B(MST_KEY_RSA4096)},
		{"p256", -1, 0},
		{"rsa", -1, 0},
		{"rsa2048,", -1, 0},
	};
	uint32_t kinds;
	struct mst_err e;

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		cr_expect_eq(mst_keypool_kinds(&kinds, rows[i].words, &e), rows[i].rc, "%s",
			     rows[i].words);
		cr_expect(rows[i].rc < 0 || kinds == rows[i].kinds, "%s", rows[i].words);
	}
}
