/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that grow with time and never repeat:
 *
 *   | microseconds since 1970, 52 bits (until 2112) | thread 12 bits |
 *
 * A thread that asks twice in one microsecond, or whose clock steps back, counts on from its last number.
 */
#include "muster/clock.h"
#include "muster/device.h"

#define THREAD_BITS 12

uint64_t mst_sequence(void)
{
	static uint32_t num_threads;
	static _Thread_local uint64_t last_us;
	static _Thread_local uint32_t thread; /* 0: not numbered yet */

	if (MST_UNLIKELY(thread == 0)) {
		thread = __atomic_add_fetch(&num_threads, 1, __ATOMIC_RELAXED);
		BUG_ON(thread >= MST_B(THREAD_BITS));
	}
	uint64_t now_us = (uint64_t)mst_clock_wall_ms() * 1000;
	last_us = now_us > last_us ? now_us : last_us + 1;
	return last_us << THREAD_BITS | thread;
}
