/* SPDX-License-Identifier: Apache-2.0 */
/* The timing wheel without a ring: never early, never lost, as late as one tick. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "wheel.h"

struct probe {
	struct mst_timer timer;
	uint64_t due_ms, fired_ms;
	uint32_t num_fired;
};

static uint64_t now_ms;
static uint64_t num_fired;
static struct wheel wheel;

static void on_due(struct mst_timer *timer)
{
	struct probe *probe = MST_HOME(timer, struct probe, timer);

	cr_assert_geq(now_ms, probe->due_ms, "early: %llu before %llu", (unsigned long long)now_ms,
		      (unsigned long long)probe->due_ms);
	probe->fired_ms = now_ms;
	probe->num_fired++;
	num_fired++;
}

static void arm(struct probe *probe, uint64_t in_ms)
{
	probe->timer.on_due = on_due;
	probe->due_ms = now_ms + in_ms;
	mst_wheel_set(&wheel, &probe->timer, probe->due_ms);
}

static void start(uint64_t at_ms)
{
	now_ms = at_ms;
	num_fired = 0;
	mst_wheel_init(&wheel, now_ms);
}

static void go_to(uint64_t at_ms)
{
	now_ms = at_ms;
	mst_wheel_run(&wheel, now_ms);
}

/* As a loop does: sleep until the wheel asks for its turn. */
static void go_by_wakes(uint64_t until_ms)
{
	for (uint64_t next; (next = mst_wheel_next_ms(&wheel)) <= until_ms;) {
		cr_assert_gt(next, now_ms);
		go_to(next);
	}
	go_to(until_ms);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

Test(wheel, fires_within_a_tick_at_every_distance)
{
	static const uint64_t distances[] = {
		0,       1,       15,      16,       17,        1000,      1008,      1023,
		1024,    1025,    16 * 63, 16 * 64,  16 * 65,   16 * 4095, 16 * 4096, 16 * 4097,
		4194303, 4194304, 4194305, 86400000, 268435455, 268435456, 268435457, 864000000};
	static const uint64_t starts[] = {
		0, 5, 1023, 1024, 16 * 4095, 16 * 4096 - 1, 987654321, 1ull << 40};

	for (size_t s = 0; s < MST_LEN(starts); s++)
		for (size_t d = 0; d < MST_LEN(distances); d++) {
			struct probe probe = {0};
			start(starts[s]);
			arm(&probe, distances[d]);
			go_by_wakes(probe.due_ms + 2 * WHEEL_TICK_MS);
			cr_expect_eq(probe.num_fired, 1, "from %llu in %llu",
				     (unsigned long long)starts[s],
				     (unsigned long long)distances[d]);
			cr_expect_leq(probe.fired_ms - probe.due_ms, WHEEL_TICK_MS,
				      "from %llu in %llu: late by %llu",
				      (unsigned long long)starts[s],
				      (unsigned long long)distances[d],
				      (unsigned long long)(probe.fired_ms - probe.due_ms));
			cr_expect_eq(mst_wheel_next_ms(&wheel), WHEEL_NONE);
		}
}

Test(wheel, put_off_moves_without_firing)
{
	struct probe probe = {0};

	start(12345);
	arm(&probe, 100);
	for (int i = 0; i < 1000; i++) {
		go_to(now_ms + 50);
		arm(&probe, 100);
	}
	cr_expect_eq(probe.num_fired, 0);
	go_by_wakes(now_ms + 200);
	cr_expect_eq(probe.num_fired, 1);
}

Test(wheel, brought_forward_fires_once_and_sooner)
{
	struct probe probe = {0};

	start(0);
	arm(&probe, 1000000);
	arm(&probe, 30);
	go_by_wakes(64);
	cr_expect_eq(probe.num_fired, 1);
	go_by_wakes(2000000);
	cr_expect_eq(probe.num_fired, 1);
}

Test(wheel, disarmed_does_not_fire)
{
	struct probe probes[3] = {0};

	start(0);
	for (int i = 0; i < 3; i++)
		arm(&probes[i], 500);
	mst_list_drop(&probes[1].timer.link);
	go_to(1000);
	cr_expect_eq(probes[0].num_fired, 1);
	cr_expect_eq(probes[1].num_fired, 0);
	cr_expect_eq(probes[2].num_fired, 1);
	mst_list_drop(&probes[1].timer.link);
	arm(&probes[1], 10);
	go_to(2000);
	cr_expect_eq(probes[1].num_fired, 1);
}

static struct probe tricky[2];

static void disarm_other(struct mst_timer *timer)
{
	struct probe *other = timer == &tricky[0].timer ? &tricky[1] : &tricky[0];

	num_fired++;
	mst_list_drop(&other->timer.link);
}

static void rearm_self(struct mst_timer *timer)
{
	if (++num_fired < 50)
		mst_wheel_set(&wheel, timer, now_ms);
}

static void put_off_other(struct mst_timer *timer)
{
	num_fired++;
	mst_wheel_set(&wheel, &tricky[1].timer, now_ms + 10000);
}

Test(wheel, a_firing_timer_may_disarm_its_neighbour)
{
	start(0);
	for (int i = 0; i < 2; i++) {
		tricky[i].timer.on_due = disarm_other;
		mst_wheel_set(&wheel, &tricky[i].timer, 100);
	}
	go_to(1000);
	cr_expect_eq(num_fired, 1);
	cr_expect_eq(mst_wheel_next_ms(&wheel), WHEEL_NONE);
}

Test(wheel, a_firing_timer_may_put_its_neighbour_off)
{
	start(0);
	tricky[0].timer.on_due = put_off_other;
	tricky[1].timer.on_due = rearm_self;
	num_fired = 100; /* rearm_self counts only */
	mst_wheel_set(&wheel, &tricky[0].timer, 100);
	mst_wheel_set(&wheel, &tricky[1].timer, 100);
	go_to(112);
	cr_expect_eq(num_fired, 101);
	go_by_wakes(10200);
	cr_expect_eq(num_fired, 102);
}

Test(wheel, a_timer_armed_for_now_while_firing_waits_for_the_next_tick)
{
	struct mst_timer timer = {.on_due = rearm_self};

	start(0);
	mst_wheel_set(&wheel, &timer, 1);
	go_to(16);
	cr_expect_eq(num_fired, 1);
	go_to(32);
	cr_expect_eq(num_fired, 2);
	go_by_wakes(16 * 60);
	cr_expect_eq(num_fired, 50);
}

/* Random arming, putting off, bringing forward, disarming and jumps of the clock, against a plain
 * model. */
Test(wheel, hundred_thousand_random_timers_fire_in_time)
{
	enum { NUM = 100000 };
	static struct probe probes[NUM];
	uint64_t state = 88172645463325252ull;

	start(1000003);
	for (int i = 0; i < NUM; i++)
		arm(&probes[i], next_random(&state) % (i % 10 ? 120000 : 20000000));
	for (int turn = 0; turn < 3000; turn++) {
		uint64_t before = now_ms;
		go_to(now_ms + next_random(&state) % 100);
		for (int n = 0; n < 20; n++) {
			struct probe *probe = &probes[next_random(&state) % NUM];
			bool is_armed =
				probe->timer.link.next && !mst_list_empty(&probe->timer.link);
			/* Whatever was due at the turn before has fired by now. */
			cr_assert(!is_armed || probe->due_ms + WHEEL_TICK_MS > before);
			if (next_random(&state) % 8 == 0)
				mst_list_drop(&probe->timer.link);
			else
				arm(probe, next_random(&state) % 50000);
		}
	}
	go_by_wakes(now_ms + 20000000 + 1000);
	for (int i = 0; i < NUM; i++)
		cr_assert(!probes[i].timer.link.next || mst_list_empty(&probes[i].timer.link),
			  "timer %d is left", i);
	cr_expect_eq(mst_wheel_next_ms(&wheel), WHEEL_NONE);
	cr_expect_gt(num_fired, NUM / 2);
}

Test(wheel, a_clock_that_jumps_catches_up_at_once)
{
	struct probe probes[4] = {0};

	start(0);
	arm(&probes[0], 10);
	arm(&probes[1], 5000);
	arm(&probes[2], 500000);
	arm(&probes[3], 100000000);
	go_to(200000000);
	for (int i = 0; i < 4; i++)
		cr_expect_eq(probes[i].num_fired, 1, "timer %d", i);
}
