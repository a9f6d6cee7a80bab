/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Equal slots found by number, with a generation that changes each time a slot is given back: (slot, generation) names one
 * life of one object, and a late completion for an earlier life finds nothing. Slots never move. One thread's.
 */
#ifndef MUSTER_SLAB_H
#define MUSTER_SLAB_H

#include "muster/base.h"

struct mst_slab; /* opaque */

#define MST_GEN_MASK 0xffffffu /* generations are 24 bits, as tokens carry them; 0 is never one */

/* mst_slab_new makes room for up to `num_max` slots of `len` bytes, taken from the system as they are needed.
 * NULL when out of memory. */
struct mst_slab *mst_slab_new(size_t len, uint32_t num_max) MST_MUST;
void mst_slab_free(struct mst_slab **slab);
/* mst_slab_get gives a zeroed slot and its number; NULL when all are in use. */
void *mst_slab_get(struct mst_slab *slab, uint32_t *slot) MST_MUST;
/* mst_slab_put takes the slot back and ends its generation. */
void mst_slab_put(struct mst_slab *slab, uint32_t slot);
/* mst_slab_gen returns the generation of the life the slot is in now. */
uint32_t mst_slab_gen(const struct mst_slab *slab, uint32_t slot);
/* mst_slab_at returns the slot when it is in use and in generation `gen`; NULL otherwise. */
void *mst_slab_at(const struct mst_slab *slab, uint32_t slot, uint32_t gen);
/* mst_slab_each calls `on_slot` for every slot in use; it may put that slot, not others. */
void mst_slab_each(struct mst_slab *slab, void *context, void (*on_slot)(void *context, void *at, uint32_t slot));
uint32_t mst_slab_used(const struct mst_slab *slab);

#endif
