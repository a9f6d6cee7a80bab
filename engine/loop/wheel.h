/* SPDX-License-Identifier: Apache-2.0 */
/* The timing wheel without a ring: levels of slots, timers hang in the slot of their tick. */
#ifndef MUSTER_LOOP_WHEEL_H
#define MUSTER_LOOP_WHEEL_H

#include "muster/loop.h"

#define WHEEL_TICK_MS 16
#define WHEEL_LEVELS  4
#define WHEEL_BITS    6
#define WHEEL_SLOTS   (1u << WHEEL_BITS)
/* Four levels of 64 slots reach 74 hours ahead; what is due later is put at the end and moved on
 * from there. */
#define WHEEL_REACH (1ull << (WHEEL_BITS * WHEEL_LEVELS))
#define WHEEL_NONE  UINT64_MAX

struct wheel {
	uint64_t tick;               /* done up to and including this one */
	uint64_t used[WHEEL_LEVELS]; /* bit per slot: may hold timers (cleared late) */
	struct mst_link slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* mst_wheel_init makes an empty wheel that stands at `now_ms`. */
void mst_wheel_init(struct wheel *wheel, uint64_t now_ms);
/* mst_wheel_set arms (again) for `due_ms`. Putting an armed timer off costs one store: it moves
 * when its slot is visited. */
void mst_wheel_set(struct wheel *wheel, struct mst_timer *timer, uint64_t due_ms);
/* mst_wheel_run calls every timer that is due at `now_ms`. A timer is idle again when it is called.
 */
void mst_wheel_run(struct wheel *wheel, uint64_t now_ms);
/* mst_wheel_next_ms returns when mst_wheel_run has something to do next, WHEEL_NONE for never. */
uint64_t mst_wheel_next_ms(struct wheel *wheel);

#endif
