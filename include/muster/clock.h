/* SPDX-License-Identifier: Apache-2.0 */
/* Two clocks: monotonic for durations, wall for records. Tests put their own in place of the wall clock. */
#ifndef MUSTER_CLOCK_H
#define MUSTER_CLOCK_H

#include "muster/base.h"

/* mst_clock_ns: nanoseconds on the monotonic clock. mst_clock_ms: the same in milliseconds. Any thread. */
uint64_t mst_clock_ns(void);
uint64_t mst_clock_ms(void);
/* mst_clock_wall_ms: milliseconds since 1970, UTC. Any thread. */
int64_t mst_clock_wall_ms(void);
/* mst_clock_fake sets what mst_clock_wall_ms answers from now on; 0 goes back to the system's. Tests only. */
void mst_clock_fake(int64_t wall_ms);
/* mst_clock_cpu_ns: user and system time this process has used. */
uint64_t mst_clock_cpu_ns(void);

#endif
