/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts: keeps one multishot accept per listener, and gives each new descriptor a connection or
 * closes it at once. */
#include <errno.h>
#include <string.h>

#include "muster/count.h"
#include "muster/log.h"
#include "own.h"

/* A token nobody has: generation 0 is never one, so the completion finds nothing. */
#define NOBODY UINT32_MAX, 0

static uint32_t slot_of(const struct mst_listener *l)
{
	return (uint32_t)(l - l->net->listeners);
}

static void arm(struct mst_listener *l)
{
	if (l->is_armed || l->is_hushed || l->is_backing_off)
		return;
	l->is_armed = true;
	mst_loop_accept(l->net->loop, slot_of(l), LISTENER_GEN, l->fd);
}

static void on_backoff(struct mst_timer *timer)
{
	struct mst_listener *l = MST_HOME(timer, struct mst_listener, backoff);

	l->is_backing_off = false;
	arm(l);
}

/* Without a descriptor the kernel would fail the next accept at once: waiting keeps the loop for
 * connections in hand. */
static void back_off(struct mst_listener *l)
{
	l->is_backing_off = true;
	mst_timer_set(l->net->loop, &l->backoff, NET_BACKOFF_MS);
}

static void ask_peer(struct mst_conn *c)
{
	struct mst_net *net = c->net;

	c->peek = mst_loop_peer_known(net->loop) ? mst_pool_take(&net->peeks, sizeof(*c->peek))
						 : NULL;
	if (!c->peek) {
		mst_conn_open(c);
		return;
	}
	c->flying |= MST_B(MST_OP_PEER);
	mst_loop_peer(net->loop, c->slot, c->gen, c->file, &c->peek->at);
}

static void shed(struct mst_net *net, uint32_t file)
{
	mst_count(MST_C_CONN_SHED, 1);
	mst_loop_close(net->loop, NOBODY, file);
	mst_log_peer(WARN, "connection refused: all are in use",
		     mst_f_u64("open", mst_slab_used(net->conns)));
}

/* The address is asked for before bytes, so its completion comes first and the edge knows whom it
 * talks to. */
static void welcome(struct mst_listener *l, uint32_t file)
{
	struct mst_conn *c = mst_conn_new(l->net, l->conf.edge);

	if (!c) {
		shed(l->net, file);
		return;
	}
	mst_count(MST_C_CONN_ACCEPTED, 1);
	c->listener_up = l->conf.up;
	c->file = file;
	c->flags = CONN_HAS_FILE | (l->conf.is_unix ? CONN_UNIX : 0);
	mst_conn_set(c, l->conf.first);
	ask_peer(c);
	mst_recv_arm(c);
}

static void failed(struct mst_listener *l, int sys)
{
	switch (sys) {
	case ECANCELED:
	case ECONNABORTED: /* the peer left the queue: RFC 9293 allows it, and the next is waiting
			    */
	case EINTR:
	case EAGAIN:
		return;
	case ENFILE:
	case EMFILE:
	case ENOMEM:
	case ENOBUFS:
		mst_log_peer(WARN, "cannot accept: descriptors or memory ran out",
			     mst_f_str("address", l->name), mst_f_u64("errno", (uint64_t)sys));
		break;
	default:
		mst_log_peer(ERROR, "cannot accept", mst_f_str("address", l->name),
			     mst_f_u64("errno", (uint64_t)sys));
	}
	back_off(l);
}

void mst_listen_on_accept(void *context, const struct mst_done *done)
{
	struct mst_net *net = context;
	struct mst_listener *l;

	BUG_ON(done->slot >= net->num_listeners);
	l = &net->listeners[done->slot];
	if (!done->more)
		l->is_armed = false;
	if (done->res >= 0)
		welcome(l, (uint32_t)done->res);
	else if (!l->is_hushed)
		failed(l, -done->res);
	if (l->is_hushed && !l->is_armed)
		mst_bind_close(l);
	arm(l);
}

static void know(struct mst_conn *c, const struct mst_peek *peek)
{
	if (c->flags & CONN_UNIX)
		c->local = (struct mst_local){true, peek->who.uid, peek->who.gid, peek->who.pid};
	else
		mst_addr_from(&c->addr, &peek->at);
}

void mst_listen_on_peer(void *context, const struct mst_done *done)
{
	struct mst_conn *c = mst_net_conn(context, done);
	char text[MST_ADDR_ROOM];

	if (!c || !mst_conn_landed(c, MST_OP_PEER))
		return;
	if (done->res > 0)
		know(c, c->peek);
	mst_conn_peek_done(c);
	if (done->res < 0 || mst_limits_enter(c)) {
		mst_conn_open(c);
		return;
	}
	mst_count(MST_C_CONN_SHED, 1);
	mst_addr_put(text, &c->addr);
	mst_log_peer(WARN, "connection refused: too many from one source", mst_f_str("peer", text));
	mst_conn_close(c, "too many from one source");
}

int mst_net_listen(struct mst_net *net, const struct mst_listen_conf *conf, struct mst_err *e)
{
	struct mst_listener *l = &net->listeners[net->num_listeners];
	size_t len = strlen(conf->address);

	if (net->num_listeners == NET_LISTENERS_MAX)
		return mst_fail(e, MST_E_CONF, "more than %d listeners", NET_LISTENERS_MAX);
	if (len >= sizeof(l->name))
		return mst_fail(e, MST_E_CONF, "%s is longer than a socket path may be",
				conf->address);
	*l = (struct mst_listener){.net = net, .conf = *conf, .backoff.on_due = on_backoff};
	memcpy(l->name, conf->address, len);
	l->conf.address = l->name;
	if (mst_bind_open(l, e) < 0)
		return -1;
	net->num_listeners++;
	arm(l);
	return 0;
}

/* A queued accept still names the descriptor by its number: it is closed once that accept has
 * ended. */
void mst_listen_hush(struct mst_listener *l)
{
	if (l->is_hushed)
		return;
	l->is_hushed = true;
	mst_timer_end(l->net->loop, &l->backoff);
	if (l->is_armed)
		mst_loop_cancel(l->net->loop, slot_of(l), LISTENER_GEN, MST_OP_ACCEPT);
	else
		mst_bind_close(l);
}
