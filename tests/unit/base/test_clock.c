/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks go forward, agree with each other, and the wall clock can be set by a test. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "muster/clock.h"

Test(clock, monotonic)
{
	uint64_t before = mst_clock_ns();
	for (int i = 0; i < 1000; i++) {
		uint64_t now = mst_clock_ns();
		cr_assert_geq(now, before);
		before = now;
	}
	uint64_t ms = mst_clock_ms(), ns = mst_clock_ns();
	cr_expect_leq(ms, ns / 1000000);
	cr_expect_leq(ns / 1000000 - ms, 1000u);
}

Test(clock, wall_and_fake)
{
	int64_t seconds = (int64_t)time(NULL);
	cr_expect_leq(llabs(mst_clock_wall_ms() / 1000 - seconds), 2);
	mst_clock_fake(1234);
	cr_expect_eq(mst_clock_wall_ms(), 1234);
	mst_clock_fake(-5);
	cr_expect_eq(mst_clock_wall_ms(), -5);
	mst_clock_fake(0);
	cr_expect_leq(llabs(mst_clock_wall_ms() / 1000 - seconds), 2);
}

Test(clock, cpu)
{
	uint64_t before = mst_clock_cpu_ns();
	while (mst_clock_cpu_ns() - before < 2000000)
		;
	cr_expect_gt(mst_clock_cpu_ns(), before);
}
