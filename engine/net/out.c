/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes out: a chain of blocks per connection, taken from the net's pool and given back when the
 * kernel took their bytes, so that an idle connection holds none. One send is in flight at a time,
 * from the oldest block; new bytes may be added behind the flying ones in the same block:
 *
 *     data       from              from+flying       to            room
 *      |  gone    |  in flight      |  put since      |  free       |   -> next
 */
#include <string.h>

#include "muster/count.h"
#include "own.h"

#define OUT_BLOCK 16384

struct mst_out {
	struct mst_out *next; /* first: see struct pool */
	uint32_t from, to;
	uint8_t data[OUT_BLOCK - sizeof(void *) - 2 * sizeof(uint32_t)];
};
#define OUT_ROOM sizeof(((struct mst_out *)NULL)->data)

static struct mst_out *block_new(struct mst_net *net)
{
	struct mst_out *block = mst_pool_take(&net->outs, sizeof(*block));

	if (block) {
		block->next = NULL;
		block->from = block->to = 0;
	}
	return block;
}

static void chain_drop(struct mst_net *net, struct mst_out *first)
{
	for (struct mst_out *next; first; first = next) {
		next = first->next;
		mst_pool_give(&net->outs, first);
	}
}

void mst_out_drop(struct mst_conn *c)
{
	chain_drop(c->net, c->out);
	c->out = c->out_tail = NULL;
	c->out_bytes = c->out_flushed = 0;
}

/* Adds empty blocks so that `len` bytes fit behind what is there. Returns the block to write into
 * first, NULL when out of memory. */
static struct mst_out *reserve(struct mst_conn *c, size_t len)
{
	struct mst_out *more = NULL, **end = &more, *last = c->out_tail;
	size_t room = last ? OUT_ROOM - last->to : 0;

	for (; room < len; room += OUT_ROOM) {
		last = *end = block_new(c->net);
		if (!last) {
			chain_drop(c->net, more);
			return NULL;
		}
		end = &last->next;
	}
	struct mst_out *into = c->out_tail ? c->out_tail : more;

	if (c->out_tail)
		c->out_tail->next = more;
	else
		c->out = more;
	c->out_tail = last;
	return into;
}

int mst_conn_put(struct mst_conn *c, struct mst_slice bytes, struct mst_err *e)
{
	uint32_t most = c->net->conf.out_bytes_max;
	struct mst_out *block;

	if (c->state == MST_CONN_DRAIN || c->state == MST_CONN_CLOSING)
		return mst_fail(e, MST_E_GONE, "connection is ending");
	if (c->out_bytes > most || bytes.len > most - c->out_bytes)
		return mst_fail(e, MST_E_TOO_BIG, "more output than a connection may hold back");
	if (bytes.len == 0)
		return 0;
	block = reserve(c, bytes.len);
	if (!block)
		return mst_fail(e, MST_E_BUSY, "no memory for output");
	c->out_bytes += (uint32_t)bytes.len;
	for (; bytes.len > 0; block = block->next) {
		size_t n = OUT_ROOM - block->to;

		if (n > bytes.len)
			n = bytes.len;
		memcpy(block->data + block->to, bytes.at, n);
		block->to += (uint32_t)n;
		bytes = mst_slice(bytes.at + n, bytes.len - n);
	}
	return 0;
}

static void send_next(struct mst_conn *c)
{
	struct mst_out *block = c->out;
	uint32_t len;

	if (c->out_flushed == 0 || c->flying & MST_B(MST_OP_SEND) || c->state == MST_CONN_DIAL)
		return;
	len = block->to - block->from;
	if (len > c->out_flushed)
		len = c->out_flushed;
	c->flying |= MST_B(MST_OP_SEND);
	mst_loop_send(c->net->loop, c->slot, c->gen, c->file,
		      mst_slice(block->data + block->from, len));
}

void mst_conn_flush(struct mst_conn *c)
{
	if (c->state == MST_CONN_CLOSING)
		return;
	c->out_flushed = c->out_bytes;
	send_next(c);
}

size_t mst_conn_unsent(const struct mst_conn *c)
{
	return c->out_bytes;
}

static void taken(struct mst_conn *c, uint32_t len)
{
	struct mst_out *block = c->out;

	mst_count(MST_C_BYTES_OUT, len);
	c->out_bytes -= len;
	c->out_flushed -= len;
	block->from += len;
	if (block->from < block->to)
		return;
	c->out = block->next;
	if (!c->out)
		c->out_tail = NULL;
	mst_pool_give(&c->net->outs, block);
}

void mst_out_on_sent(void *context, const struct mst_done *done)
{
	struct mst_conn *c = mst_net_conn(context, done);

	if (!c || !mst_conn_landed(c, MST_OP_SEND))
		return;
	if (done->res <= 0) {
		mst_conn_close(c, "reset by peer");
		return;
	}
	taken(c, (uint32_t)done->res);
	send_next(c);
	if (c->out_bytes > 0)
		return;
	if (c->state == MST_CONN_DRAIN)
		mst_conn_drained(c);
	else if (c->edge->on_sent)
		c->edge->on_sent(c);
}
