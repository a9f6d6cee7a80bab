/* SPDX-License-Identifier: Apache-2.0 */
/* The growable byte buffer. */
#include "muster/buf.h"

#include <stdlib.h>

#define ROOM_LEAST 512 /* the first block; most heads and records fit */

/* A new block with room for `need` readable bytes: at least twice as large as before, within the
 * limit. */
static int grow(struct mst_buf *b, size_t need, struct mst_err *e)
{
	size_t room = b->room ? b->room : ROOM_LEAST / 2, have = b->to - b->from;
	if (__builtin_mul_overflow(room, (size_t)2, &room) || room < need)
		room = need;
	if (b->limit && room > b->limit)
		room = b->limit;
	uint8_t *data = malloc(room);
	if (!data)
		return mst_fail(e, MST_E_BUSY, "no memory for a buffer of %zu bytes", room);
	if (have)
		memcpy(data, b->data + b->from, have);
	free(b->data);
	b->data = data;
	b->from = 0;
	b->to = have;
	b->room = room;
	return 0;
}

uint8_t *mst_buf_room(struct mst_buf *b, size_t len, struct mst_err *e)
{
	size_t have = b->to - b->from, need;
	if (__builtin_add_overflow(have, len, &need) || (b->limit && need > b->limit)) {
		mst_fail(e, MST_E_TOO_BIG, "over the buffer's limit of %zu bytes", b->limit);
		return NULL;
	}
	if (b->data && b->room - b->to >= len)
		return b->data + b->to;
	/* Moving to the front pays when half of what lies here is consumed; a block at its limit
	 * has no other way. */
	if (b->data && need <= b->room && (b->from >= have || b->room == b->limit)) {
		memmove(b->data, b->data + b->from, have);
		b->from = 0;
		b->to = have;
		return b->data + b->to;
	}
	return grow(b, need, e) < 0 ? NULL : b->data + b->to;
}

void mst_buf_put(struct mst_buf *b, size_t len)
{
	BUG_ON(len > b->room - b->to);
	b->to += len;
}

int mst_buf_add(struct mst_buf *b, struct mst_slice s, struct mst_err *e)
{
	if (s.len == 0)
		return 0;
	uint8_t *place = mst_buf_room(b, s.len, e);
	if (!place)
		return -1;
	memcpy(place, s.at, s.len);
	b->to += s.len;
	return 0;
}

void mst_buf_drop(struct mst_buf *b, size_t len)
{
	BUG_ON(len > b->to - b->from);
	b->from += len;
	if (b->from == b->to)
		b->from = b->to = 0;
}

void mst_buf_done(struct mst_buf *b)
{
	free(b->data);
	*b = (struct mst_buf){.limit = b->limit};
}
