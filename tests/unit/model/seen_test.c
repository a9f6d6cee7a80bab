/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "kit.h"
#include "muster/clock.h"
#include "muster/count.h"
#include "muster/device.h"

struct look {
	struct mst_read r;
	struct mst_id id;
	int64_t at_ms;
	int found;
};

static int seen_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_seen_get(r, &look->at_ms, &look->id);
	return look->found < 0 ? -1 : 0;
}

static int64_t last_seen(struct kit *kit, uint32_t device)
{
	struct look look = {.r = {.arena = &kit->arena, .plan = seen_plan}};

	snprintf((char *)look.id.device, sizeof look.id.device, "%u", device);
	cr_assert_eq(mst_store_read_here(kit->store, &look.r), 0, "%s", look.r.err.text);
	return look.found ? look.at_ms : -1;
}

static void mark(struct mst_seen *seen, uint32_t device)
{
	struct mst_id id = {.device = {0}};

	snprintf((char *)id.device, sizeof id.device, "%u", device);
	mst_seen_mark(seen, &id);
}

static uint64_t num_batches(void)
{
	struct mst_counts sum;

	mst_counts_sum(&sum);
	return sum.counters[MST_C_STORE_BATCHES];
}

static void turn_until(struct kit *kit, uint64_t want)
{
	uint64_t end_ms = mst_clock_ms() + 10000;

	while (num_batches() < want && mst_clock_ms() < end_ms)
		cr_assert_eq(mst_loop_turn(kit->loop, 20, NULL), 0);
	for (int i = 0; i < 5; i++) /* the last ones come home */
		cr_assert_eq(mst_loop_turn(kit->loop, 5, NULL), 0);
	cr_expect_eq(num_batches(), want);
}

Test(seen, flushed_by_the_timer_in_slices)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_seen *seen;
	struct mst_err e;
	uint64_t before = num_batches();

	cr_assert_eq(mst_seen_new(&seen, kit->store, kit->loop, 50, &e), 0);
	mst_clock_fake(1000);
	for (uint32_t i = 0; i < 2000; i++)
		mark(seen, i);
	mst_clock_fake(2000);
	for (uint32_t i = 0; i < 1000; i++)
		mark(seen, i);
	cr_expect_eq(last_seen(kit, 5), -1, "a poll writes nothing");
	turn_until(kit, before + 2000);
	cr_expect_eq(last_seen(kit, 0), 2000);
	cr_expect_eq(last_seen(kit, 999), 2000);
	cr_expect_eq(last_seen(kit, 1000), 1000);
	cr_expect_eq(last_seen(kit, 1999), 1000);
	cr_expect_eq(last_seen(kit, 2000), -1);
	mst_clock_fake(3000);
	mark(seen, 7);
	turn_until(kit, before + 2001);
	cr_expect_eq(last_seen(kit, 7), 3000);
	mst_clock_fake(0);
	mst_store_close(&kit->store);
	mst_seen_free(&seen);
	kit_free(kit);
}

Test(seen, flushed_at_the_end)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_seen *seen;
	struct mst_err e;

	cr_assert_eq(mst_seen_new(&seen, kit->store, kit->loop, 3600000, &e), 0);
	mst_clock_fake(1000);
	for (uint32_t i = 0; i < 3000; i++)
		mark(seen, i);
	mst_seen_flush(seen);
	mst_store_close(&kit->store); /* the loop runs no more */
	mst_seen_free(&seen);
	cr_assert_eq(mst_store_open(&kit->store, &kit->conf, kit->work, &e), 0, "%s", e.text);
	for (uint32_t i = 0; i < 3000; i += 99)
		cr_expect_eq(last_seen(kit, i), 1000);
	mst_clock_fake(0);
	/* Mails of batches that nobody took hold memory of the freed `seen`: the loop must not run again. */
	kit_free(kit);
}

Test(seen, a_busy_store_is_tried_again)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true, .queue_max = 100});
	struct mst_seen *seen;
	uint64_t before = num_batches();
	struct mst_err e;

	cr_assert_eq(mst_seen_new(&seen, kit->store, kit->loop, 20, &e), 0);
	for (uint32_t i = 0; i < 1000; i++)
		mark(seen, i);
	turn_until(kit, before + 1000); /* refused at 100 on their way, tried again later */
	cr_expect_geq(last_seen(kit, 999), 0);
	mst_store_close(&kit->store);
	mst_seen_free(&seen);
	kit_free(kit);
}
