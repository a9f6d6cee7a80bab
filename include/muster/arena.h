/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena gives memory that dies all at once: an exchange's. It takes chunks from a chunk pool that one thread owns, so the
 * request path never calls malloc once the pool is warm. A request larger than a chunk gets a block of its own.
 * An arena has a limit; going over it is an answer (NULL), never a crash.
 */
#ifndef MUSTER_ARENA_H
#define MUSTER_ARENA_H

#include "muster/slice.h"

#define MST_CHUNK_LEN 8192 /* one check-in with its head, body, keys and reply fits */

struct mst_chunk {
	struct mst_chunk *next;
	size_t len; /* of the bytes behind this head */
};

/* A pool of free chunks; one thread's. Zero state is an empty pool that keeps up to `keep` chunks (0: 256). */
struct mst_chunks {
	struct mst_chunk *free;
	size_t num_free, keep;
};
void mst_chunks_done(struct mst_chunks *pool);

struct mst_arena {
	struct mst_chunks *pool; /* may be NULL: malloc and free */
	struct mst_chunk *chunks;
	uint8_t *at, *end;
	size_t used, limit; /* bytes given, bytes allowed; a limit of SIZE_MAX is none */
};

/* mst_arena_init takes no memory yet. `limit` in bytes, 0 for none. `pool` outlives the arena. */
void mst_arena_init(struct mst_arena *a, struct mst_chunks *pool, size_t limit);
/* mst_arena_done gives everything back and leaves the arena as after init; a zeroed arena is fine. */
void mst_arena_done(struct mst_arena *a);
/* mst_arena_adopt moves all memory of `from` into `into` and leaves `from` as after init. `from` has no pool. */
void mst_arena_adopt(struct mst_arena *into, struct mst_arena *from);
/* mst_arena_get_slow is mst_arena_get when the present chunk or the limit does not allow the quick way. */
void *mst_arena_get_slow(struct mst_arena *a, size_t len) MST_MUST;
/* mst_arena_get returns `len` bytes aligned to 16, uninitialised; NULL over the limit or out of memory. A length of 0
 * gives a place too. */
MST_MUST static inline void *mst_arena_get(struct mst_arena *a, size_t len)
{
	size_t need = (len + 15) & ~(size_t)15;
	if (MST_UNLIKELY(need - 1 >= (size_t)(a->end - a->at) || need > a->limit - a->used))
		return mst_arena_get_slow(a, len);
	void *place = a->at;
	a->at += need;
	a->used += need;
	return place;
}
/* mst_arena_zero is mst_arena_get with zeroes. */
void *mst_arena_zero(struct mst_arena *a, size_t len) MST_MUST;
/* mst_arena_copy copies `s` and adds a terminator not counted in the result. Returns false when there is no room. */
bool mst_arena_copy(struct mst_arena *a, struct mst_slice *out, struct mst_slice s) MST_MUST;
/* mst_arena_format prints; the result is terminated, the terminator not counted. False when there is no room. */
bool mst_arena_format(struct mst_arena *a, struct mst_slice *out, const char *format, ...) MST_PRINTF(3, 4) MST_MUST;

#endif
