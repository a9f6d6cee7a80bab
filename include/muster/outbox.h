/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: pushes that are due, written in the same batch as what caused them, one for each channel, newest wins.
 *
 * push   | device 16 | channel 8 |                        what is due: one record, put blindly by every cause
 * outbox | due at 8 | sequence 8 | device 16 | channel 8 |   its place in time; empty value
 *
 * A cause writes both and reads nothing. A place whose due time or sequence is not the record's is stale: whoever collects
 * drops it. What is settled is required to be as it was read, so a cause that came in between is never lost.
 * Order of collection is the key's; a place may become visible behind where a collector has been: see mst_kick.
 */
#ifndef MUSTER_OUTBOX_H
#define MUSTER_OUTBOX_H

#include "muster/id.h"
#include "muster/store.h"

#define MST_OUTBOX_KEY_LEN 40
#define MST_APNS_ID_ROOM 37 /* lower-case UUID, terminated */

/* X(name, word): why a push is due */
#define MST_PUSH_CAUSES(X)                                                                         \
	X(COMMAND, "command")      /* a command was queued */                                      \
	X(OPERATOR, "operator")    /* an operator asked */                                         \
	X(CAMPAIGN, "campaign")    /* a campaign's command was queued */                           \
	X(NOT_NOW, "not-now")      /* the device said NotNow and then something else */            \
	X(SILENT, "silent")        /* pushed, and it may not have come: look, and push again */
enum mst_push_cause {
#define X(name, word) MST_PUSH_##name,
	MST_PUSH_CAUSES(X)
#undef X
	MST_NUM_PUSH_CAUSES
};
const char *mst_push_cause_word(enum mst_push_cause cause);

struct mst_push_due {
	struct mst_id id;
	int64_t due_ms;       /* wall clock */
	uint64_t sequence;    /* of its place; filled by put */
	enum mst_push_cause cause;
	int64_t since_ms;     /* when it was caused */
	uint32_t num_failed;  /* tries in a row that did not reach the device's queue at the service */
	uint32_t num_silent;  /* times pushed again because it stayed silent */
	int64_t pushed_ms;    /* last accepted by the service, 0 never */
	uint32_t expiry_s;    /* how long the service may keep it; 0: the configured time */
	uint8_t priority;     /* 10, 5, 1; 0: the configured one */
	uint8_t apns_id[16];  /* kept through every try */
	struct mst_slice raw; /* as read */
};
/* mst_push_due_make fills a push that is due at `due_ms`, with a new apns_id. */
void mst_push_due_make(struct mst_push_due *out, const struct mst_id *id, enum mst_push_cause cause, int64_t due_ms);
void mst_apns_id_put(char out[static MST_APNS_ID_ROOM], const uint8_t apns_id[static 16]);

/* mst_outbox_put writes record and place blindly: what was due before becomes stale. Sets due->sequence. */
void mst_outbox_put(struct mst_batch *b, struct mst_push_due *due);
/* mst_outbox_move replaces `old` (as read; required to be the same) by `due` and drops old's place. */
void mst_outbox_move(struct mst_batch *b, const struct mst_push_due *old, struct mst_push_due *due);
/* mst_outbox_end drops record and place of `old` (as read; required to be the same): nothing is due any more. */
void mst_outbox_end(struct mst_batch *b, const struct mst_push_due *old);
/* mst_outbox_get: 1, 0 nothing is due, -1, MST_LATER. `raw` in the arena. */
int mst_outbox_get(struct mst_read *r, struct mst_push_due *out, const struct mst_id *id) MST_MUST;
/* A place in time. mst_outbox_next walks places from `from` (a key, empty: the first) up to `until_ms`; zero `w` before the first
 * call, mst_walk_done(w) after the last. 1, 0 none left that is due (then out->due_ms is when the next one is, 0 none), -1, MST_LATER. */
struct mst_outbox_place {
	uint8_t key[MST_OUTBOX_KEY_LEN];
	int64_t due_ms;
	uint64_t sequence;
	struct mst_id id;
};
int mst_outbox_next(struct mst_walk *w, struct mst_read *r, struct mst_outbox_place *out, struct mst_slice from,
		    int64_t until_ms) MST_MUST;
/* mst_outbox_place_of: the place `due` (as read) has. */
void mst_outbox_place_of(struct mst_outbox_place *out, const struct mst_push_due *due);
void mst_outbox_drop_place(struct mst_batch *b, const struct mst_outbox_place *place);

/*
 * A kick tells the push engine's loop that a place is durable which is due at `due_ms`: it looks from there again. One for each
 * loop that commits; at most one mail is on its way, later kicks wait for its return and join.
 */
struct mst_kick {
	struct mst_mail mail;     /* first: loop to push loop and back */
	struct mst_loop *home, *push_loop;
	void *context;            /* the push engine's */
	void (*on_kick)(void *context, int64_t due_ms); /* on the push loop's thread */
	bool is_out, is_waiting;
	int64_t out_ms, waiting_ms;
};
/* mst_kick: call it when the batch is home (rc 0), on the kick's home thread. `kick` NULL: nobody pushes. */
void mst_kick(struct mst_kick *kick, int64_t due_ms);

#endif
