/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the kernel's clocks. */
#include "muster/clock.h"

#include <time.h>

static int64_t fake_wall_ms;

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;
	BUG_ON(clock_gettime(clock, &now) != 0);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t mst_clock_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

uint64_t mst_clock_ms(void)
{
	return mst_clock_ns() / 1000000;
}

int64_t mst_clock_wall_ms(void)
{
	int64_t fake = __atomic_load_n(&fake_wall_ms, __ATOMIC_RELAXED);
	return fake ? fake : (int64_t)(read_ns(CLOCK_REALTIME) / 1000000);
}

void mst_clock_fake(int64_t wall_ms)
{
	__atomic_store_n(&fake_wall_ms, wall_ms, __ATOMIC_RELAXED);
}

uint64_t mst_clock_cpu_ns(void)
{
	return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}
