/* SPDX-License-Identifier: Apache-2.0 */
/* Outgoing connections: socket, connect, then as an accepted one in state HELLO. */
#include <errno.h>

#include "muster/count.h"
#include "own.h"

/* Why a connect failed, for the log. */
static const struct {
	int sys;
	const char *why;
} failures[] = {
	{ECONNREFUSED, "connection refused"},
	{ETIMEDOUT, "connect timed out"},
	{EHOSTUNREACH, "host unreachable"},
	{ENETUNREACH, "network unreachable"},
	{EADDRNOTAVAIL, "no local address or port left"},
	{ENFILE, "no descriptor free"},
	{EMFILE, "no descriptor free"},
};

static const char *failure(int sys)
{
	for (size_t i = 0; i < MST_LEN(failures); i++)
		if (failures[i].sys == sys)
			return failures[i].why;
	return "connect failed";
}

int mst_net_dial(struct mst_conn **out, struct mst_net *net, const struct mst_addr *to,
		 const struct mst_edge *edge, void *up, struct mst_err *e)
{
	struct mst_peek *peek = mst_pool_take(&net->peeks, sizeof(*peek));
	struct mst_conn *c;

	if (!peek)
		return mst_fail(e, MST_E_BUSY, "no memory to dial");
	c = mst_conn_new(net, edge);
	if (!c) {
		mst_pool_give(&net->peeks, peek);
		return mst_fail(e, MST_E_BUSY, "no connection free to dial");
	}
	c->up = up;
	c->addr = *to;
	c->peek = peek;
	c->flags |= CONN_TOLD;
	mst_conn_set(c, MST_CONN_DIAL);
	c->flying |= MST_B(MST_OP_SOCKET);
	mst_loop_socket(net->loop, c->slot, c->gen, mst_addr_is_v4(to) ? AF_INET : AF_INET6);
	*out = c;
	return 0;
}

void mst_dial_on_socket(void *context, const struct mst_done *done)
{
	struct mst_net *net = context;
	struct mst_conn *c = mst_net_conn(net, done);

	if (!c)
		return;
	if (done->res < 0) {
		if (done->res == -ENFILE || done->res == -EMFILE)
			mst_count(MST_C_FILES_OUT, 1);
		mst_conn_close(c, failure(-done->res));
		mst_conn_landed(c, MST_OP_SOCKET);
		return;
	}
	c->file = (uint32_t)done->res;
	c->flying &= (uint16_t)~MST_B(MST_OP_SOCKET);
	if (c->state == MST_CONN_CLOSING) { /* closed meanwhile: only the socket is left to close */
		c->flying |= MST_B(MST_OP_CLOSE);
		mst_loop_close(net->loop, c->slot, c->gen, c->file);
		return;
	}
	c->flags |= CONN_HAS_FILE;
	c->flying |= MST_B(MST_OP_CONNECT);
	mst_loop_connect(net->loop, c->slot, c->gen, c->file, (struct sockaddr *)&c->peek->at,
			 mst_addr_to(&c->peek->at, &c->addr));
}

void mst_dial_on_connect(void *context, const struct mst_done *done)
{
	struct mst_conn *c = mst_net_conn(context, done);

	if (!c || !mst_conn_landed(c, MST_OP_CONNECT))
		return;
	mst_conn_peek_done(c);
	if (done->res < 0) {
		mst_conn_close(c, failure(-done->res));
		return;
	}
	mst_conn_set(c, MST_CONN_HELLO);
	mst_recv_arm(c);
	if (c->out_flushed) /* flushed before there was a connection */
		mst_conn_flush(c);
	if (c->edge->on_open && c->edge->on_open(c) < 0)
		mst_conn_close(c, "refused");
}
