/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings on devices: what a device should have (from its labels and the catalog), what it has, and how it went.
 *
 * delivery | device 16 | setting 16 |
 */
#ifndef MUSTER_DELIVERY_H
#define MUSTER_DELIVERY_H

#include "muster/catalog.h"
#include "muster/detail.h"

/* X(name, word) */
#define MST_DELIVERY_STATES(X)                                                                     \
	X(PENDING, "pending")   /* to be sent; waits for an identity, a client, a check-in */      \
	X(SENT, "sent")                                                                            \
	X(APPLIED, "applied")                                                                      \
	X(FAILED, "failed")     /* `reason` */                                                     \
	X(REMOVING, "removing") /* to be taken away, or told so */                                 \
	X(REMOVED, "removed")
enum mst_delivery_state {
#define X(name, word) MST_DELIVERY_##name,
	MST_DELIVERY_STATES(X)
#undef X
	MST_NUM_DELIVERY_STATES
};
const char *mst_delivery_state_word(enum mst_delivery_state state);

struct mst_delivery {
	uint8_t device[16], setting[16];
	enum mst_delivery_state state;
	uint64_t wanted, sent, applied; /* versions of the setting; 0: none */
	uint8_t content[32];            /* SHA-256 of what was rendered last, identities by their serial: the same is not sent again */
	struct mst_slice uuid;          /* of the command under way */
	struct mst_slice reason;
	uint32_t num_failed;
	int64_t changed_ms, due_ms;
	struct mst_slice raw;
};
int mst_delivery_get(struct mst_read *r, struct mst_delivery *out, const uint8_t device[static 16],
		     const uint8_t setting[static 16]) MST_MUST;
void mst_delivery_put(struct mst_batch *b, const struct mst_delivery *d); /* requires: as read, or absent */
void mst_delivery_drop(struct mst_batch *b, const struct mst_delivery *d);
int mst_delivery_next(struct mst_walk *w, struct mst_read *r, struct mst_delivery *out, const uint8_t device[static 16]) MST_MUST;

#endif
