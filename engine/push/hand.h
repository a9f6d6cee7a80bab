/* SPDX-License-Identifier: Apache-2.0 */
/* Pushes in hand: from the outbox into the window, out of it by what the answers mean. */
#ifndef PUSH_HAND_H
#define PUSH_HAND_H

#include "own.h"

/* collect.c */
int mst_collect_new(struct push_collect **out, struct mst_push *push, struct mst_err *e) MST_MUST;
void mst_collect_free(struct push_collect **collect);
/* mst_collect_look: there may be something due at `due_ms` (wall) or later: go back to it. */
void mst_collect_look(struct push_collect *collect, int64_t due_ms);
/* mst_collect_start: credentials are loaded, or changed: everything that was left is tried again. */
void mst_collect_start(struct push_collect *collect);
bool mst_collect_is_idle(const struct push_collect *collect);
/* mst_collect_next_ms: when the first place is due that was not looked at yet (wall), 0: none is known. */
int64_t mst_collect_next_ms(const struct push_collect *collect);
/* How an item leaves the hand. */
enum collect_end {
	COLLECT_SETTLED, /* its record is durably moved or ended, or somebody else changed it */
	COLLECT_LEFT,    /* its record stays as it is: again when its topic can send */
	COLLECT_AGAIN,   /* its record is read again at once */
};
void mst_collect_release(struct push_item *item, enum collect_end end);

/* settle.c: writes; every one ends in mst_collect_release. */
int mst_settle_new(struct push_settle **out, struct mst_push *push, struct mst_err *e) MST_MUST;
void mst_settle_free(struct push_settle **settle);
void mst_settle(struct push_item *item); /* an item's on_answer */
void mst_settle_end(struct push_item *item);                  /* nothing to be pushed any more */
void mst_settle_move(struct push_item *item, const struct mst_push_due *next);
void mst_settle_later(struct push_item *item, int64_t due_ms); /* the same, only later */
/* mst_settle_forgive forgets what was counted against tokens of a topic whose credential is new. */
void mst_settle_forgive(struct push_settle *settle);
uint32_t mst_settle_unwritten(const struct push_settle *settle); /* settled in memory, not yet in the store */

/* gone.c: takes the token of the item's channel away and ends the push, unless a newer token came. */
enum gone_why { GONE_UNREGISTERED, GONE_REFUSED };
int mst_gone_new(struct push_gone **out, struct mst_push *push, struct mst_err *e) MST_MUST;
void mst_gone_free(struct push_gone **gone);
void mst_gone_take(struct push_item *item, enum gone_why why);

/* hold.c: pushes to leave alone until a moment (wall clock). */
int mst_hold_new(struct push_hold **out, struct mst_err *e) MST_MUST;
void mst_hold_free(struct push_hold **hold);
/* mst_hold_set: for `retry_after_s`, or 60 s and twice that each time when the service does not say. Returns until when. */
int64_t mst_hold_set(struct push_hold *hold, const struct mst_id *id, uint32_t retry_after_s, int64_t now_ms);
int64_t mst_hold_until(struct push_hold *hold, const struct mst_id *id); /* 0: not held */
void mst_hold_drop(struct push_hold *hold, const struct mst_id *id);

/* creds.c */
int mst_creds_new(struct push_creds **out, struct mst_push *push, struct mst_err *e) MST_MUST;
void mst_creds_free(struct push_creds **creds);
void mst_creds_reload(struct push_creds *creds); /* any thread */
bool mst_creds_is_loaded(const struct push_creds *creds);
bool mst_creds_is_idle(const struct push_creds *creds);

#endif
