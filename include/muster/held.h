/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity a device holds under a certificate enrolment setting: exactly one for each pair, whoever refers to it. Clients
 * that do not keep certificates hold one for each setting instead. A user certificate belongs to the user's pair; the device's
 * record points there.
 *
 * held | owner 16 | enrolment 16 | setting 16 |    owner: device, or user; setting zero: one for all settings
 *
 * The record is written in the batch that promises the identity, before it is made; it is required to be absent then: two
 * makers cannot both win.
 */
#ifndef MUSTER_HELD_H
#define MUSTER_HELD_H

#include "muster/crypt.h"
#include "muster/id.h"
#include "muster/store.h"

/* X(name, word) */
#define MST_HELD_STATES(X)                                                                         \
	X(WANTED, "wanted")       /* promised: to be made */                                       \
	X(ASKED, "asked")         /* an outside CA was asked; `ticket` finds the answer again */   \
	X(READY, "ready")         /* made, not delivered yet */                                    \
	X(DELIVERED, "delivered")                                                                  \
	X(FAILED, "failed")       /* `reason`; again at `due_ms` */                                \
	X(REMOVED, "removed")     /* revoked or taken away; made anew when wanted again */
enum mst_held_state {
#define X(name, word) MST_HELD_##name,
	MST_HELD_STATES(X)
#undef X
	MST_NUM_HELD_STATES
};
const char *mst_held_state_word(enum mst_held_state state);

struct mst_held {
	uint8_t owner[16], enrollment[16], setting[16];
	bool is_user;              /* owner is a user */
	bool is_early;             /* made ahead: deleted when not delivered within 14 days */
	enum mst_held_state state;
	uint32_t num_made;         /* identities made for this pair, for ever: the one-identity rule is tested by it */
	uint32_t num_failed;
	uint8_t authority[16], serial[16]; /* of our own CA; zero for others */
	struct mst_slice cert, chain;      /* DER, empty until made */
	struct mst_slice key;              /* PKCS#8; sealed at rest; empty after delivery unless keys are stored */
	struct mst_slice ticket;           /* how an outside CA calls it: order id, serial */
	/* What it held before and is still to be revoked: at once, or (a renewal) when the newer one is delivered. */
	uint8_t older_authority[16], older_serial[16];
	struct mst_slice older_cert, older_ticket; /* older_cert empty: nothing */
	bool older_waits;
	struct mst_slice reason;           /* of the last failure: one sentence */
	uint8_t inputs[32];        /* SHA-256 of everything the certificate says: a change makes it anew, nothing else does */
	int64_t not_before, not_after; /* seconds */
	int64_t due_ms;            /* FAILED, ASKED: when to go on (0: not before something changes); WANTED: until when its maker has
				    * time: then another may take over */
	int64_t made_ms, delivered_ms, changed_ms;
	bool is_old;              /* the key is sealed under an older master key; put with the key open seals anew */
	struct mst_slice sealed, raw; /* the key as stored; clear `sealed` too when the key is to be forgotten */
};
int mst_held_get(struct mst_read *r, struct mst_held *out, const uint8_t owner[static 16], const uint8_t enrollment[static 16],
		 const uint8_t setting[static 16], const struct mst_seal *seal) MST_MUST;
/* mst_held_put requires the record to be as read, or absent. */
int mst_held_put(struct mst_batch *b, const struct mst_held *h, const struct mst_seal *seal, struct mst_err *e) MST_MUST;
/* mst_held_move is mst_held_put, and makes `h` what was put: for the next put, when the batch is home. */
int mst_held_move(struct mst_batch *b, struct mst_held *h, const struct mst_seal *seal, struct mst_err *e) MST_MUST;
/* mst_held_drop requires the record to be as read. */
void mst_held_drop(struct mst_batch *b, const struct mst_held *h);
/* mst_held_next walks an owner's; `owner` empty: everybody's (daily job, lists), after key `from`. */
int mst_held_next(struct mst_walk *w, struct mst_read *r, struct mst_held *out, struct mst_slice owner, struct mst_slice from,
		  const struct mst_seal *seal) MST_MUST;

#endif
