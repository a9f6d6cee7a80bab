/* SPDX-License-Identifier: Apache-2.0 */
/* Hierarchical timing wheel: arms and disarms in constant time, a coarse slot is dealt out to finer
 * ones when it comes up. */
#include "wheel.h"

#define SLOT_MASK (WHEEL_SLOTS - 1)

void mst_wheel_init(struct wheel *wheel, uint64_t now_ms)
{
	wheel->tick = now_ms / WHEEL_TICK_MS;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		wheel->used[level] = 0;
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
			mst_list_init(&wheel->slots[level][slot]);
	}
}

/* Rounded up, so that no timer is early. */
static uint64_t tick_of(uint64_t due_ms)
{
	return due_ms / WHEEL_TICK_MS + (due_ms % WHEEL_TICK_MS != 0);
}

static void hang(struct wheel *wheel, struct mst_timer *timer, uint64_t tick)
{
	uint64_t ahead = tick - wheel->tick;
	unsigned level = 0;

	if (ahead >= WHEEL_REACH) {
		ahead = WHEEL_REACH - 1;
		tick = wheel->tick + ahead;
	}
	while (ahead >= WHEEL_SLOTS) {
		ahead >>= WHEEL_BITS;
		level++;
	}
	unsigned slot = tick >> (WHEEL_BITS * level) & SLOT_MASK;
	wheel->used[level] |= 1ull << slot;
	mst_list_add(&wheel->slots[level][slot], &timer->link);
}

void mst_wheel_set(struct wheel *wheel, struct mst_timer *timer, uint64_t due_ms)
{
	bool is_armed = timer->link.next && !mst_list_empty(&timer->link);
	bool is_later = due_ms >= timer->due_ms;
	uint64_t tick = tick_of(due_ms);

	timer->due_ms = due_ms;
	if (is_armed && is_later)
		return;
	mst_list_drop(&timer->link);
	hang(wheel, timer, tick > wheel->tick ? tick : wheel->tick + 1);
}

/* Empties a slot into `out`, which must be empty. */
static void take_slot(struct wheel *wheel, struct mst_link *out, unsigned level, unsigned slot)
{
	struct mst_link *list = &wheel->slots[level][slot];

	wheel->used[level] &= ~(1ull << slot);
	mst_list_init(out);
	if (mst_list_empty(list))
		return;
	*out = *list;
	out->next->prev = out;
	out->prev->next = out;
	mst_list_init(list);
}

static void deal_out(struct wheel *wheel, unsigned level)
{
	struct mst_link coarse, *link;

	take_slot(wheel, &coarse, level, wheel->tick >> (WHEEL_BITS * level) & SLOT_MASK);
	while ((link = mst_list_first(&coarse))) {
		struct mst_timer *timer = MST_HOME(link, struct mst_timer, link);
		uint64_t tick = tick_of(timer->due_ms);
		mst_list_drop(link);
		hang(wheel, timer, tick > wheel->tick ? tick : wheel->tick);
	}
}

static void run_tick(struct wheel *wheel)
{
	struct mst_link due, *link;

	for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--)
		if ((wheel->tick & ((1ull << (WHEEL_BITS * level)) - 1)) == 0)
			deal_out(wheel, level);
	take_slot(wheel, &due, 0, wheel->tick & SLOT_MASK);
	while ((link = mst_list_first(&due))) {
		struct mst_timer *timer = MST_HOME(link, struct mst_timer, link);
		uint64_t tick = tick_of(timer->due_ms);
		mst_list_drop(link);
		if (tick > wheel->tick)
			hang(wheel, timer, tick);
		else
			timer->on_due(timer);
	}
}

/* The first tick at which the level's next used slot comes up. */
static uint64_t next_of_level(struct wheel *wheel, unsigned level)
{
	unsigned shift = WHEEL_BITS * level;
	uint64_t at = wheel->tick >> shift;

	while (wheel->used[level]) {
		unsigned first = (at + 1) & SLOT_MASK;
		uint64_t used = wheel->used[level];
		uint64_t turned = first ? used >> first | used << (WHEEL_SLOTS - first) : used;
		unsigned ahead = (unsigned)__builtin_ctzll(turned);
		unsigned slot = (first + ahead) & SLOT_MASK;
		if (!mst_list_empty(&wheel->slots[level][slot]))
			return (at + 1 + ahead) << shift;
		wheel->used[level] &= ~(1ull << slot);
	}
	return WHEEL_NONE;
}

static uint64_t next_tick(struct wheel *wheel)
{
	uint64_t next = WHEEL_NONE;

	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		uint64_t tick = next_of_level(wheel, level);
		if (tick < next)
			next = tick;
	}
	return next;
}

void mst_wheel_run(struct wheel *wheel, uint64_t now_ms)
{
	uint64_t until = now_ms / WHEEL_TICK_MS;

	while (wheel->tick < until) {
		uint64_t next = next_tick(wheel);
		if (next > until) {
			wheel->tick = until;
			return;
		}
		wheel->tick = next;
		run_tick(wheel);
	}
}

uint64_t mst_wheel_next_ms(struct wheel *wheel)
{
	uint64_t next = next_tick(wheel);

	return next == WHEEL_NONE ? WHEEL_NONE : next * WHEEL_TICK_MS;
}
