/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte string that grows inside an arena: the writers' paper. A failure (arena's limit) sticks
 * and is told once, at the end, so that a writer is a row of calls without checks.
 */
#ifndef MUSTER_GROW_H
#define MUSTER_GROW_H

#include "muster/arena.h"

struct mst_grow {
	struct mst_arena *arena;
	uint8_t *at; /* next byte */
	uint8_t *from, *end;
	bool is_bad;
};

/* mst_grow_init takes no memory yet. */
static inline void mst_grow_init(struct mst_grow *g, struct mst_arena *arena)
{
	*g = (struct mst_grow){.arena = arena};
}
/* mst_grow_more makes room for `len` more bytes; false, and bad from now on, when the arena has
 * none. */
bool mst_grow_more(struct mst_grow *g, size_t len);
/* mst_grow_room lends a place for `len` bytes, to be made part of the string with mst_grow_took;
 * NULL when bad. */
static inline uint8_t *mst_grow_room(struct mst_grow *g, size_t len)
{
	if (MST_UNLIKELY((size_t)(g->end - g->at) < len) && !mst_grow_more(g, len))
		return NULL;
	return g->at;
}
static inline void mst_grow_took(struct mst_grow *g, size_t len)
{
	g->at += len;
}
static inline void mst_grow_put(struct mst_grow *g, struct mst_slice s)
{
	if (s.len && mst_grow_room(g, s.len)) {
		memcpy(g->at, s.at, s.len);
		g->at += s.len;
	}
}
static inline void mst_grow_byte(struct mst_grow *g, uint8_t c)
{
	if (mst_grow_room(g, 1))
		*g->at++ = c;
}
/* mst_grow_u64 and _i64 put decimal digits; mst_grow_base64 puts RFC 4648 4 text. */
void mst_grow_u64(struct mst_grow *g, uint64_t n);
void mst_grow_i64(struct mst_grow *g, int64_t n);
void mst_grow_base64(struct mst_grow *g, struct mst_slice bytes);
/* mst_grow_end gives what was written, as long as the arena lives. -1 TOO_BIG when bad. */
int mst_grow_end(struct mst_grow *g, struct mst_slice *out, struct mst_err *e) MST_MUST;

#endif
