/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are lent for longer than a call: an answer of megabytes that many connections send at once and none should copy.
 * Each borrower counts itself in; the owner hears when the last one is through. One thread's.
 */
#ifndef MUSTER_LENT_H
#define MUSTER_LENT_H

#include "muster/slice.h"

struct mst_lent {
	struct mst_slice bytes;
	uint32_t num_uses;
	void (*on_idle)(struct mst_lent *lent); /* num_uses fell to 0 */
};

static inline void mst_lent_take(struct mst_lent *lent)
{
	lent->num_uses++;
}
static inline void mst_lent_give(struct mst_lent *lent)
{
	BUG_ON(lent->num_uses == 0);
	if (--lent->num_uses == 0)
		lent->on_idle(lent);
}

#endif
