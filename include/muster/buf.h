/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer with two cursors over one block:
 *
 *     data            data+from          data+to            data+room
 *      |  consumed     |  readable        |  free            |
 *
 * from <= to <= room <= limit. Owned by one thread. Zero state is an empty buffer of no limit.
 */
#ifndef MUSTER_BUF_H
#define MUSTER_BUF_H

#include "muster/slice.h"

struct mst_buf {
	uint8_t *data;
	size_t from, to, room;
	size_t limit; /* of readable bytes, 0 for none */
};

static inline struct mst_slice mst_buf_slice(const struct mst_buf *b)
{
	return mst_slice(b->data ? b->data + b->from : NULL, b->to - b->from);
}
/* mst_buf_add appends a copy. Returns 0, -1 TOO_BIG over the limit or BUSY out of memory; unchanged then. */
int mst_buf_add(struct mst_buf *b, struct mst_slice s, struct mst_err *e) MST_MUST;
/* mst_buf_room returns a place for `len` more bytes behind the readable ones, or NULL as mst_buf_add fails; mst_buf_put makes
 * `len` bytes written there readable. */
uint8_t *mst_buf_room(struct mst_buf *b, size_t len, struct mst_err *e) MST_MUST;
void mst_buf_put(struct mst_buf *b, size_t len);
/* mst_buf_drop consumes `len` readable bytes; an emptied buffer starts again at its front. */
void mst_buf_drop(struct mst_buf *b, size_t len);
/* mst_buf_done frees the block and leaves an empty buffer with the same limit. NULL data is fine. */
void mst_buf_done(struct mst_buf *b);

#endif
