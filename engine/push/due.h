/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what is due: first a stretch of places in time, then the records behind them. Two plans, since who is in hand is known
 * to the loop only and need not be read again. */
#ifndef PUSH_DUE_H
#define PUSH_DUE_H

#include "hand.h"

#define DUE_MOST 256 /* places of one plan: some 1.5 ms of reads on the loop */
#define DUE_FROM_LEN (MST_OUTBOX_KEY_LEN + 1)

struct due_walk {
	struct mst_read r;
	uint8_t from[DUE_FROM_LEN];
	size_t from_len;
	int64_t until_ms;
	uint32_t most;
	/* found: */
	bool is_end;      /* no further place is due */
	int64_t next_ms;  /* at the end: when the next one is, 0 none */
	uint32_t num;
	struct mst_outbox_place places[DUE_MOST];
};
int mst_due_walk_plan(struct mst_read *r);

/* X(name): what the records say of a place */
#define DUE_KINDS(X)                                                                               \
	X(LIVE)      /* to be pushed */                                                            \
	X(STALE)     /* the place is not the record's: drop it */                                  \
	X(OVERTAKEN) /* the place of a newer cause, of a push that is in hand */                   \
	X(NEEDLESS)  /* no token, or nothing waits: end the record */                              \
	X(NOTHING)   /* read again, and nothing is due now */                                      \
	X(BROKEN)    /* cannot be read: `err` */
enum due_kind {
#define X(name) DUE_##name,
	DUE_KINDS(X)
#undef X
	NUM_DUE_KINDS
};
struct due_row {
	struct mst_outbox_place place; /* read again: only its id */
	uint32_t slot;                 /* read again: the item */
	bool is_again, is_in_hand;
	/* found: */
	enum due_kind kind;
	struct mst_push_due due;
	struct mst_slice topic, token, magic;
	int64_t token_ms;
	struct mst_err err;
};
struct due_read {
	struct mst_read r;
	const struct mst_seal *seal;
	int64_t now_ms;
	uint32_t num;
	struct due_row rows[DUE_MOST];
};
int mst_due_read_plan(struct mst_read *r);

#endif
