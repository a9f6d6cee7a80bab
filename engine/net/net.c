/* SPDX-License-Identifier: Apache-2.0 */
/* A loop's net as a whole: made, tuned, walked, freed. */
#include <stdlib.h>

#include "muster/log.h"
#include "own.h"

static void on_close(void *context, const struct mst_done *done)
{
	struct mst_conn *c = mst_net_conn(context, done);

	if (c)
		(void)mst_conn_landed(c, MST_OP_CLOSE);
}

static void on_shutdown(void *context, const struct mst_done *done)
{
	struct mst_conn *c = mst_net_conn(context, done);

	if (!c || !mst_conn_landed(c, MST_OP_SHUTDOWN))
		return;
	if (done->res < 0) /* not connected any more */
		mst_conn_close(c, c->why);
}

static void on_cancel(void *context, const struct mst_done *done)
{
	(void)context; /* what was cancelled says so itself */
	(void)done;
}

static const struct {
	enum mst_op op;
	void (*on_done)(void *context, const struct mst_done *done);
} handlers[] = {
	{MST_OP_ACCEPT, mst_listen_on_accept},
	{MST_OP_PEER, mst_listen_on_peer},
	{MST_OP_RECV, mst_recv_on_done},
	{MST_OP_SEND, mst_out_on_sent},
	{MST_OP_SHUTDOWN, on_shutdown},
	{MST_OP_CLOSE, on_close},
	{MST_OP_SOCKET, mst_dial_on_socket},
	{MST_OP_CONNECT, mst_dial_on_connect},
	{MST_OP_CANCEL, on_cancel},
};

int mst_net_new(struct mst_net **out, struct mst_loop *loop, const struct mst_net_conf *conf,
		struct mst_err *e)
{
	struct mst_net *net = calloc(1, sizeof(*net));

	if (!net)
		return mst_fail(e, MST_E_BUSY, "no memory for the net");
	net->loop = loop;
	net->conf = *conf;
	net->num_slots = conf->num_conns_max;
	net->conns = mst_slab_new(sizeof(struct mst_conn), conf->num_conns_max);
	net->sources = mst_map_new(MST_SOURCE_KEY, sizeof(uint32_t), conf->num_conns_max, false);
	net->starved = calloc(conf->num_conns_max, sizeof(*net->starved));
	if (!net->conns || !net->sources || !net->starved) {
		mst_net_free(&net);
		return mst_fail(e, MST_E_BUSY, "no memory for %u connections", conf->num_conns_max);
	}
	if (conf->num_per_source_max && !mst_loop_peer_known(loop))
		mst_log(WARN, "this kernel cannot tell peers apart: no limit per source",
			mst_f_u64("limit", conf->num_per_source_max));
	for (size_t i = 0; i < MST_LEN(handlers); i++)
		mst_loop_on(loop, handlers[i].op, net, handlers[i].on_done);
	mst_loop_each_turn(loop, net, mst_recv_on_turn);
	*out = net;
	return 0;
}

void mst_net_tune(struct mst_net *net, const struct mst_net_conf *conf)
{
	net->conf = *conf;
}

void mst_net_hush(struct mst_net *net)
{
	for (uint32_t i = 0; i < net->num_listeners; i++)
		mst_listen_hush(&net->listeners[i]);
}

static void free_one(void *context, void *at, uint32_t slot)
{
	(void)context;
	(void)slot;
	mst_conn_gone(at);
}

void mst_net_free(struct mst_net **net)
{
	struct mst_net *n = *net;

	if (!n)
		return;
	mst_net_hush(n);
	for (uint32_t i = 0; i < n->num_listeners; i++)
		mst_bind_close(&n->listeners[i]);
	if (n->conns)
		mst_slab_each(n->conns, NULL, free_one);
	mst_slab_free(&n->conns);
	mst_map_free(&n->sources);
	mst_pool_done(&n->outs);
	mst_pool_done(&n->peeks);
	free(n->starved);
	free(n);
	*net = NULL;
}

struct mst_loop *mst_net_loop0(struct mst_net *net)
{
	return net->loop;
}

uint16_t mst_net_port(const struct mst_net *net, uint32_t n)
{
	return n < net->num_listeners ? net->listeners[n].port : 0;
}

uint32_t mst_net_open(const struct mst_net *net)
{
	return mst_slab_used(net->conns);
}

struct each {
	void *context;
	void (*on_conn)(void *context, struct mst_conn *c);
};

static void each_one(void *context, void *at, uint32_t slot)
{
	const struct each *each = context;

	(void)slot;
	each->on_conn(each->context, at);
}

void mst_net_each(struct mst_net *net, void *context,
		  void (*on_conn)(void *context, struct mst_conn *c))
{
	struct each each = {context, on_conn};

	mst_slab_each(net->conns, &each, each_one);
}
