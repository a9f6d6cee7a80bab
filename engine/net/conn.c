/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: its slot, the one function that changes its state, its deadline, its
 * end. */
#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"
#include "own.h"

/* Hundreds of thousands of them may be idle. */
_Static_assert(sizeof(struct mst_conn) <= 192, "an idle connection stays small");

/*
 * A request moves the state four times, so moves do not touch the wheel when the timer fires before
 * the new deadline anyway: on_due then finds the deadline ahead and arms again.
 */
static void arm(struct mst_conn *c, uint64_t now_ms)
{
	if (c->due_ms == 0 || (c->armed_ms != 0 && c->armed_ms <= c->due_ms))
		return;
	c->armed_ms = c->due_ms;
	mst_timer_set(c->net->loop, &c->timer, c->due_ms - now_ms);
}

static void set(struct mst_conn *c, enum mst_conn_state to)
{
	uint32_t in_ms = c->net->conf.state_ms[to];
	uint64_t now_ms = mst_loop_now_ms(c->net->loop);

	BUG_ON(!mst_conn_may(c->state, to));
	c->state = to;
	c->due_ms = in_ms && to != MST_CONN_CLOSING ? now_ms + in_ms : 0;
	arm(c, now_ms);
}

void mst_conn_set(struct mst_conn *c, enum mst_conn_state to)
{
	BUG_ON(to == MST_CONN_DRAIN || to == MST_CONN_CLOSING || to == MST_CONN_FREE);
	set(c, to);
}

static void late(struct mst_conn *c)
{
	enum mst_conn_state state = c->state;
	uint64_t due_ms = c->due_ms;

	mst_count(MST_C_CONN_LATE, 1);
	if (state != MST_CONN_DIAL && state != MST_CONN_DRAIN && c->edge->on_late &&
	    (c->flags & CONN_TOLD))
		c->edge->on_late(c);
	if (c->state == state && c->due_ms == due_ms)
		mst_conn_close(c, mst_conn_rows[state].late);
}

static void on_due(struct mst_timer *timer)
{
	struct mst_conn *c = MST_HOME(timer, struct mst_conn, timer);
	uint64_t now_ms = mst_loop_now_ms(c->net->loop);

	c->armed_ms = 0;
	if (c->due_ms > now_ms)
		arm(c, now_ms);
	else if (c->due_ms != 0)
		late(c);
}

struct mst_conn *mst_conn_new(struct mst_net *net, const struct mst_edge *edge)
{
	struct mst_conn *c;
	uint32_t slot;

	if (mst_slab_used(net->conns) >= net->conf.num_conns_max)
		return NULL;
	c = mst_slab_get(net->conns, &slot);
	if (!c)
		return NULL;
	c->net = net;
	c->edge = edge;
	c->slot = slot;
	c->gen = mst_slab_gen(net->conns, slot);
	c->opened_ns = mst_clock_ns();
	c->timer.on_due = on_due;
	mst_count(MST_C_CONN_OPEN, 1);
	return c;
}

void mst_conn_open(struct mst_conn *c)
{
	if (c->flags & CONN_TOLD)
		return;
	c->flags |= CONN_TOLD;
	if (c->edge->on_open && c->edge->on_open(c) < 0)
		mst_conn_close(c, "refused");
}

void mst_conn_peek_done(struct mst_conn *c)
{
	if (c->peek)
		mst_pool_give(&c->net->peeks, c->peek);
	c->peek = NULL;
}

void mst_conn_gone(struct mst_conn *c)
{
	struct mst_net *net = c->net;

	if ((c->flags & CONN_TOLD) && c->edge->on_gone)
		c->edge->on_gone(c);
	mst_timer_end(net->loop, &c->timer);
	mst_conn_peek_done(c);
	mst_out_drop(c);
	mst_limits_leave(c);
	mst_count(MST_C_CONN_OPEN, -1);
	c->state = MST_CONN_FREE;
	mst_slab_put(net->conns, c->slot);
}

static void close_file(struct mst_conn *c)
{
	c->flags &= (uint8_t)~CONN_HAS_FILE;
	c->flying |= MST_B(MST_OP_CLOSE);
	mst_loop_close(c->net->loop, c->slot, c->gen, c->file);
}

bool mst_conn_landed(struct mst_conn *c, enum mst_op op)
{
	c->flying &= (uint16_t)~MST_B(op);
	if (c->state != MST_CONN_CLOSING)
		return true;
	if (op == MST_OP_SHUTDOWN && (c->flags & CONN_HAS_FILE))
		close_file(c);
	if (c->flying == 0)
		mst_conn_gone(c);
	return false;
}

struct mst_conn *mst_conn_at(struct mst_net *net, uint32_t slot, uint32_t gen)
{
	struct mst_conn *c = mst_slab_at(net->conns, slot, gen);

	return c && c->state != MST_CONN_CLOSING ? c : NULL;
}

void mst_conn_pause(struct mst_conn *c)
{
	if (c->is_paused || c->state == MST_CONN_DRAIN || c->state == MST_CONN_CLOSING)
		return;
	c->is_paused = true;
	if (c->flying & MST_B(MST_OP_RECV))
		mst_loop_cancel(c->net->loop, c->slot, c->gen, MST_OP_RECV);
}

void mst_conn_resume(struct mst_conn *c)
{
	c->is_paused = false;
	mst_recv_arm(c);
}

/* Our side ends; what still arrives is dropped until the peer ends its side too. Closing with bytes
 * unread would reset the connection and could take our last answer back out of the peer's hands. */
void mst_conn_drained(struct mst_conn *c)
{
	if (c->flags & CONN_ENDED) {
		mst_conn_close(c, c->why);
		return;
	}
	c->is_paused = false;
	c->flying |= MST_B(MST_OP_SHUTDOWN);
	mst_loop_shutdown(c->net->loop, c->slot, c->gen, c->file);
	mst_recv_arm(c);
}

void mst_conn_finish(struct mst_conn *c, const char *why)
{
	if (c->state == MST_CONN_DRAIN || c->state == MST_CONN_CLOSING)
		return;
	c->why = why;
	if (c->state == MST_CONN_DIAL || (c->out_bytes == 0 && (c->flags & CONN_ENDED))) {
		mst_conn_close(c, why);
		return;
	}
	set(c, MST_CONN_DRAIN);
	mst_conn_flush(c);
	if (c->out_bytes == 0)
		mst_conn_drained(c);
}

/* The descriptor is closed at once; operations in flight hold the socket itself until their cancel
 * reaches them. Only a shutdown does not: the kernel hands it to a worker that looks the descriptor
 * up when it gets there, and by then the number may be another connection's. It is waited for. */
void mst_conn_close(struct mst_conn *c, const char *why)
{
	static const enum mst_op stuck[] = {MST_OP_RECV, MST_OP_SEND, MST_OP_CONNECT};

	if (c->state == MST_CONN_CLOSING)
		return;
	if (!c->why)
		c->why = why;
	mst_log(DEBUG, "connection closed", mst_f_u64("slot", c->slot), mst_f_str("state", mst_conn_state_word(c->state)),
		mst_f_str("why", c->why));
	set(c, MST_CONN_CLOSING);
	for (size_t i = 0; i < MST_LEN(stuck); i++)
		if (c->flying & MST_B(stuck[i]))
			mst_loop_cancel(c->net->loop, c->slot, c->gen, stuck[i]);
	if (!(c->flags & CONN_HAS_FILE))
		return; /* its socket is still being made: dial.c goes on */
	if (!(c->flying & MST_B(MST_OP_SHUTDOWN)))
		close_file(c);
}
