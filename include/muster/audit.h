/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit trail: who did what to which object or device, in order of time. An entry is written in the batch it tells of.
 *
 * audit | time 8 | sequence 8 |
 */
#ifndef MUSTER_AUDIT_H
#define MUSTER_AUDIT_H

#include "muster/store.h"

struct mst_audit {
	int64_t at_ms;
	struct mst_slice who;    /* the operator, the device, or "engine" */
	struct mst_slice action; /* constant words: "setting changed", "identity revoked" */
	struct mst_slice what;   /* name of the object, text id of the device */
	struct mst_slice detail; /* one sentence, may be empty */
	uint8_t key[16];         /* filled by next: where to go on from */
};
void mst_audit_add(struct mst_batch *b, const struct mst_audit *entry);
/* mst_audit_next walks from `from_ms` (and after `after`, 16 bytes or empty) upwards; zero `w` first. 1, 0, -1, MST_LATER. */
int mst_audit_next(struct mst_walk *w, struct mst_read *r, struct mst_audit *out, int64_t from_ms, struct mst_slice after) MST_MUST;
/* mst_audit_drop takes an entry away: it is older than what is kept. */
void mst_audit_drop(struct mst_batch *b, const struct mst_audit *entry);

#endif
