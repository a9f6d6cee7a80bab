/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in: arms the multishot receive, hands bytes to the edge, notices the end of the stream. */
#include <errno.h>

#include "muster/count.h"
#include "own.h"

static bool may_receive(const struct mst_conn *c)
{
	if (c->flying & MST_B(MST_OP_RECV) || c->flags & (CONN_ENDED | CONN_STARVED) ||
	    c->is_paused)
		return false;
	return c->state != MST_CONN_FREE && c->state != MST_CONN_DIAL &&
	       c->state != MST_CONN_CLOSING;
}

void mst_recv_arm(struct mst_conn *c)
{
	if (!may_receive(c))
		return;
	c->flying |= MST_B(MST_OP_RECV);
	mst_loop_recv(c->net->loop, c->slot, c->gen, c->file);
}

/* Every receive buffer is back with the kernel at the end of the turn. */
static void starve(struct mst_conn *c)
{
	struct mst_net *net = c->net;

	if (net->num_starved == net->num_slots)
		return; /* asks again at once */
	c->flags |= CONN_STARVED;
	net->starved[net->num_starved++] = (struct starved){c->slot, c->gen};
}

void mst_recv_on_turn(void *context)
{
	struct mst_net *net = context;

	for (uint32_t i = 0; i < net->num_starved; i++) {
		struct mst_conn *c =
			mst_slab_at(net->conns, net->starved[i].slot, net->starved[i].gen);

		if (!c)
			continue;
		c->flags &= (uint8_t)~CONN_STARVED;
		mst_recv_arm(c);
	}
	net->num_starved = 0;
}

static void take(struct mst_conn *c, struct mst_slice bytes)
{
	mst_count(MST_C_BYTES_IN, (int64_t)bytes.len);
	mst_conn_open(c); /* already done, unless its address is late */
	if (c->state != MST_CONN_DRAIN && c->state != MST_CONN_CLOSING && c->edge->on_bytes)
		c->edge->on_bytes(c, bytes);
}

static void ended(struct mst_conn *c)
{
	c->flags |= CONN_ENDED;
	if (c->state == MST_CONN_DRAIN) {
		if (c->out_bytes == 0)
			mst_conn_close(c, c->why);
	} else if (c->edge->on_end && (c->flags & CONN_TOLD)) {
		c->edge->on_end(c);
	} else {
		mst_conn_finish(c, "closed by peer");
	}
}

void mst_recv_on_done(void *context, const struct mst_done *done)
{
	struct mst_conn *c = mst_net_conn(context, done);

	if (!c || (!done->more && !mst_conn_landed(c, MST_OP_RECV)))
		return;
	if (c->state == MST_CONN_CLOSING)
		return;
	if (done->res > 0)
		take(c, done->bytes);
	else if (done->res == 0)
		ended(c);
	else if (done->res == -ENOBUFS)
		starve(c);
	else if (done->res != -ECANCELED) /* paused: no error */
		mst_conn_close(c, "reset by peer");
	mst_recv_arm(c);
}
