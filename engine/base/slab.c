/* SPDX-License-Identifier: Apache-2.0 */
/* Slots in pages that never move, with a free list of numbers and a generation per life. */
#include "muster/slab.h"

#include <stdlib.h>
#include <string.h>

#include "muster/poison.h"

#define PAGE_LEN 65536u /* about; a page holds a power of two of slots, at least one */
#define LINE_LEN 64u
#define USED     (1u << 31) /* in a head's gen: the slot is in use */
#define NO_SLOT  UINT32_MAX

/* Kept apart from the slots, so that a stale number is judged without touching the slot. */
struct head {
	uint32_t gen;       /* of this life or, of a free slot, of its next; with USED */
	uint32_t next_free; /* NO_SLOT at the end */
};

struct mst_slab {
	struct head *heads; /* num_max of them; the system gives the memory as they are touched */
	uint8_t **pages;
	size_t len, stride;
	uint32_t page_shift, page_mask;
	uint32_t num_max, num_made, num_used;
	uint32_t free; /* the slot given back last, its memory still warm */
};

static uint8_t *place(const struct mst_slab *slab, uint32_t slot)
{
	return slab->pages[slot >> slab->page_shift] + (slot & slab->page_mask) * slab->stride;
}

struct mst_slab *mst_slab_new(size_t len, uint32_t num_max)
{
	BUG_ON(len == 0 || len > SIZE_MAX / 4 || num_max == NO_SLOT);
	struct mst_slab *slab = calloc(1, sizeof(*slab));
	if (!slab)
		return NULL;
	/* Small slots share a cache line without crossing one; others begin at one. */
	slab->len = len;
	slab->stride = 16;
	while (slab->stride < len && slab->stride < LINE_LEN)
		slab->stride *= 2;
	if (len > LINE_LEN)
		slab->stride = (len + LINE_LEN - 1) / LINE_LEN * LINE_LEN;
	while (slab->stride << (slab->page_shift + 1) <= PAGE_LEN &&
	       num_max >> slab->page_shift > 1)
		slab->page_shift++;
	slab->page_mask = (1u << slab->page_shift) - 1;
	slab->num_max = num_max;
	slab->free = NO_SLOT;
	slab->heads = calloc(num_max ? num_max : 1, sizeof(*slab->heads));
	slab->pages = calloc((num_max >> slab->page_shift) + 1, sizeof(*slab->pages));
	if (!slab->heads || !slab->pages)
		mst_slab_free(&slab);
	return slab;
}

void mst_slab_free(struct mst_slab **slab)
{
	struct mst_slab *gone = *slab;
	if (!gone)
		return;
	*slab = NULL;
	for (uint32_t i = 0; gone->pages && i <= gone->num_max >> gone->page_shift; i++)
		free(gone->pages[i]);
	free(gone->pages);
	free(gone->heads);
	free(gone);
}

/* Makes the next slot, and its page when it is the first there. */
static bool make_slot(struct mst_slab *slab)
{
	uint32_t slot = slab->num_made, page = slot >> slab->page_shift;
	if (slot == slab->num_max)
		return false;
	if (!slab->pages[page]) {
		size_t page_len = slab->stride << slab->page_shift;
		slab->pages[page] =
			aligned_alloc(LINE_LEN, (page_len + LINE_LEN - 1) / LINE_LEN * LINE_LEN);
		if (!slab->pages[page])
			return false;
		mst_poison(slab->pages[page], page_len);
	}
	slab->heads[slot] = (struct head){.gen = 1, .next_free = NO_SLOT};
	slab->free = slot;
	slab->num_made++;
	return true;
}

void *mst_slab_get(struct mst_slab *slab, uint32_t *slot)
{
	if (slab->free == NO_SLOT && !make_slot(slab))
		return NULL;
	uint32_t number = slab->free;
	struct head *head = &slab->heads[number];
	slab->free = head->next_free;
	head->gen |= USED;
	slab->num_used++;
	uint8_t *at = place(slab, number);
	mst_unpoison(at, slab->len);
	*slot = number;
	return memset(at, 0, slab->len);
}

void mst_slab_put(struct mst_slab *slab, uint32_t slot)
{
	BUG_ON(slot >= slab->num_made || !(slab->heads[slot].gen & USED));
	struct head *head = &slab->heads[slot];
	uint32_t gen = (head->gen + 1) & MST_GEN_MASK;
	head->gen = gen ? gen : 1;
	head->next_free = slab->free;
	slab->free = slot;
	slab->num_used--;
	mst_poison(place(slab, slot), slab->stride);
}

uint32_t mst_slab_gen(const struct mst_slab *slab, uint32_t slot)
{
	BUG_ON(slot >= slab->num_made);
	return slab->heads[slot].gen & MST_GEN_MASK;
}

void *mst_slab_at(const struct mst_slab *slab, uint32_t slot, uint32_t gen)
{
	if (MST_UNLIKELY(slot >= slab->num_made || slab->heads[slot].gen != (gen | USED)))
		return NULL;
	return place(slab, slot);
}

void mst_slab_each(struct mst_slab *slab, void *context,
		   void (*on_slot)(void *context, void *at, uint32_t slot))
{
	for (uint32_t slot = 0; slot < slab->num_made; slot++)
		if (slab->heads[slot].gen & USED)
			on_slot(context, place(slab, slot), slot);
}

uint32_t mst_slab_used(const struct mst_slab *slab)
{
	return slab->num_used;
}
