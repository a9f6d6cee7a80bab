/* SPDX-License-Identifier: Apache-2.0 */
/* The collector's own: collect.c moves the cursor and keeps the pace, take.c takes in hand what was read. */
#ifndef PUSH_COLLECT_H
#define PUSH_COLLECT_H

#include "due.h"
#include "muster/map.h"

/* X(name): whom the collector waits for */
#define COLLECT_STATES(X)                                                                          \
	X(OFF)  /* the first credentials */                                                        \
	X(IDLE) /* a reason to look: room, time, a kick */                                         \
	X(WALK) /* places */                                                                       \
	X(READ) /* records */                                                                      \
	X(DROP) /* the store to drop stale places: they are not found twice */
enum collect_state {
#define X(name) COLLECT_##name,
	COLLECT_STATES(X)
#undef X
	NUM_COLLECT_STATES
};

struct push_collect {
	struct mst_push *push;
	enum collect_state state;
	struct mst_map *in_hand;   /* id -> slot of its item */
	struct mst_link again;     /* items whose record is read again */
	uint32_t num_again, window;
	struct mst_timer timer;
	struct mst_mail mail;      /* to ourselves: sockets have their turn between two plans */
	bool is_mailed;

	/* The cursor: the next place to look at, as a key. */
	uint8_t cursor[DUE_FROM_LEN];
	size_t cursor_len;
	bool is_end;               /* nothing was due behind it; the next one is at next_ms */
	int64_t next_ms;           /* wall; INT64_MAX: none */
	int64_t back_ms;           /* a place became visible there: go back; INT64_MAX: no */
	uint64_t back_at;          /* not before (loop's clock) */
	uint64_t went_back_ns, spent_ns; /* when it last went back; what walking cost since */
	uint64_t swept_ms;         /* when the cursor last was at the start */

	/* What was left in the store because its topic cannot send: due times of the first ones, INT64_MAX: none. */
	int64_t left_ms;           /* left until credentials change */
	int64_t timed_ms;          /* left until `timed_until` (loop's clock), or a topic opens */
	uint64_t timed_until;
	bool is_paused;            /* no topic can send: nothing is read */
	/* On the way back to those: where the cursor was, and when; then what is ahead has its turn. */
	bool is_behind;
	uint8_t turned[DUE_FROM_LEN];
	uint64_t turned_ms, stay_until; /* loop's clock */
	struct mst_map *missing;   /* SHA-256 of topics without a credential, each told once */

	uint64_t tokens_ms;        /* the rate's bucket: thousandths of a push, filled up to now */
	uint64_t tokens;

	struct due_walk walk;
	struct due_read read;
	struct mst_arena walk_arena, read_arena, drop_arena;
	struct mst_batch drops;
	uint32_t num_stale;
};

/* take.c: takes what was read in hand, sends it, or settles it. */
void mst_take_rows(struct push_collect *c);
/* mst_take_hope: may anything be sent? */
enum take_hope {
	HOPE_NONE,  /* every topic is stopped, or there is none: not before credentials change */
	HOPE_LATER, /* one rests, or is probed: it must be asked when it says so */
	HOPE_NOW,   /* one is open */
};
enum take_hope mst_take_hope(const struct push_collect *c);
/* mst_take_left: the push due at `due_ms` stays in the store until `until` (loop's clock; 0: until credentials change). */
void mst_take_left(struct push_collect *c, int64_t due_ms, uint64_t until);

#endif
