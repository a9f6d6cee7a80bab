/* SPDX-License-Identifier: Apache-2.0 */
/* A connection at the edge: TLS below, requests above; what waits between them, and whom the
 * connection waits for. */
#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"
#include "own.h"

bool mst_edge_alive(const struct http_edge *edge)
{
	return edge->conn->state != MST_CONN_DRAIN && edge->conn->state != MST_CONN_CLOSING;
}

void mst_edge_finish(struct http_edge *edge, const char *why)
{
	edge->phase = PHASE_OVER;
	if (!mst_edge_alive(edge))
		return;
	if (edge->tls && edge->is_open)
		mst_tls_shut(edge->tls);
	mst_conn_finish(edge->conn, why);
}

void mst_edge_close(struct http_edge *edge, const char *why)
{
	edge->phase = PHASE_OVER;
	mst_conn_close(edge->conn, why);
}

/* Moves only when something changes: a deadline runs from the first byte of a head or body, not
 * from the latest. */
static void move(struct mst_conn *c, enum mst_conn_state to)
{
	if (c->state != to)
		mst_conn_set(c, to);
}

/* The connection's state follows from the phase. */
static void settle(struct http_edge *edge)
{
	struct mst_conn *c = edge->conn;
	if (!mst_edge_alive(edge))
		return;
	bool has_left = mst_buf_slice(&edge->left).len > 0;
	bool is_high = mst_conn_unsent(c) >= HTTP_OUT_HIGH;
	mst_conn_flush(c);
	/* Each request's deadlines are its own, also when requests come in one piece. */
	if (edge->num_settled != edge->num_requests &&
	    (c->state == MST_CONN_HEAD || c->state == MST_CONN_BODY))
		mst_conn_set(c, MST_CONN_WRITE);
	edge->num_settled = edge->num_requests;
	switch (edge->phase) {
	case PHASE_HEAD:
		if (mst_conn_unsent(c) && (is_high || !has_left))
			move(c, MST_CONN_WRITE);
		else
			move(c, has_left ? MST_CONN_HEAD : MST_CONN_IDLE);
		break;
	case PHASE_BODY:
	case PHASE_SKIP:
		move(c, MST_CONN_BODY);
		break;
	case PHASE_WORK:
		move(c, MST_CONN_WORK);
		break;
	case PHASE_SEND:
		move(c, MST_CONN_WRITE);
		break;
	case PHASE_OVER:
		return;
	}
	/* What waits behind an exchange, or behind output that is not taken, stays in the kernel.
	 */
	if (has_left && (edge->phase == PHASE_WORK || edge->phase == PHASE_SEND || is_high))
		mst_conn_pause(c);
	else if (c->is_paused)
		mst_conn_resume(c);
}

static void take(struct http_edge *edge, struct mst_slice bytes)
{
	struct mst_buf *left = &edge->left;
	struct mst_err e;
	size_t used;
	edge->is_taking = true;
	if (mst_buf_slice(left).len) {
		if (mst_buf_add(left, bytes, &e) < 0)
			mst_edge_close(edge, "too much waits behind an exchange");
		used = mst_in_take(edge, mst_buf_slice(left));
		mst_buf_drop(left, used);
	} else {
		used = mst_in_take(edge, bytes);
		if (used < bytes.len &&
		    mst_buf_add(left, mst_slice(bytes.at + used, bytes.len - used), &e) < 0)
			mst_edge_close(edge, "too much waits behind an exchange");
	}
	if (mst_buf_slice(left).len == 0 || edge->phase == PHASE_OVER)
		mst_buf_done(left);
	edge->is_taking = false;
}

void mst_edge_go_on(struct http_edge *edge)
{
	take(edge, (struct mst_slice){NULL, 0});
	settle(edge);
}

static void opened(struct http_edge *edge)
{
	edge->is_open = true;
	mst_count_time(MST_H_HANDSHAKE, mst_clock_ns() - edge->conn->opened_ns);
	mst_conn_set(edge->conn, MST_CONN_IDLE);
}

/* The peer sends no more; an answer under way is still given. */
static void on_end(struct mst_conn *c)
{
	struct http_edge *edge = c->up;
	edge->has_ended = true;
	if (edge->phase == PHASE_WORK || edge->phase == PHASE_SEND)
		return;
	if (mst_conn_unsent(c))
		mst_edge_finish(edge, "closed by peer");
	else
		mst_edge_close(edge, "closed by peer"); /* nothing is on its way to either side: no
							   shutdown to wait for */
}

/* Reads the TLS session dry. */
static void pump(struct http_edge *edge)
{
	struct mst_http *http = edge->http;
	struct mst_err e;
	int len = 0;
	while (mst_edge_alive(edge)) {
		len = mst_tls_read(edge->tls, http->in, sizeof(http->in), &e);
		if (!edge->is_open && len >= 0 && mst_tls_is_open(edge->tls))
			opened(edge);
		if (len <= 0)
			break;
		take(edge, mst_slice(http->in, (size_t)len));
	}
	if (!mst_edge_alive(edge))
		return;
	if (len < 0) {
		char addr[MST_ADDR_ROOM];
		mst_addr_put(addr, &edge->conn->addr);
		mst_log_peer(INFO, "TLS refused", mst_f_str("peer", addr), mst_f_code(&e),
			     mst_f_err(&e));
		edge->phase = PHASE_OVER;
		mst_conn_finish(edge->conn, "TLS failed");
		return;
	}
	if (edge->is_open)
		settle(edge);
	else
		mst_conn_flush(edge->conn);
	if (mst_edge_alive(edge) && mst_tls_is_ended(edge->tls) && !edge->has_ended)
		on_end(edge->conn);
}

static int put_cipher(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct http_edge *edge = context;
	return mst_conn_put(edge->conn, cipher, e);
}

static void on_ready(void *context)
{
	pump(context);
}

static int on_open(struct mst_conn *c)
{
	const struct http_door *door = c->listener_up;
	struct mst_http *http = door->http;
	struct mst_err e;
	uint32_t slot;
	struct http_edge *edge = mst_slab_get(http->edges, &slot);
	if (!edge)
		return -1;
	c->up = edge;
	edge->conn = c;
	edge->http = http;
	edge->gate = door->gate;
	edge->slot = slot;
	edge->left.limit = HTTP_LEFT_MAX;
	if (!door->is_tls)
		return 0;
	struct mst_tls_sink sink = {.context = edge, .put = put_cipher, .on_ready = on_ready};
	if (mst_tls_new(&edge->tls, http->tls[door->gate], &sink, &e) == 0)
		return 0;
	mst_log_peer(WARN, "no TLS session", mst_f_code(&e), mst_f_err(&e));
	return -1;
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	struct http_edge *edge = c->up;
	struct mst_err e;
	if (!edge->tls) {
		take(edge, bytes);
		settle(edge);
	} else if (mst_tls_feed(edge->tls, bytes, &e) < 0) {
		mst_edge_close(edge, "too much waits for TLS");
	} else {
		pump(edge);
	}
}

/* All output is gone: wait for the next request, or go on with one that waited for this. */
static void on_sent(struct mst_conn *c)
{
	struct http_edge *edge = c->up;
	if (edge->phase == PHASE_SEND) {
		mst_deal_send(edge->deal);
		return;
	}
	if (edge->phase != PHASE_HEAD || c->state == MST_CONN_HELLO)
		return;
	if (edge->http->is_draining && mst_buf_slice(&edge->left).len == 0)
		mst_edge_finish(edge, "drained");
	else if (mst_buf_slice(&edge->left).len)
		mst_edge_go_on(edge);
	else
		settle(edge);
}

static void on_late(struct mst_conn *c)
{
	struct http_edge *edge = c->up;
	struct mst_err e;
	switch (c->state) {
	case MST_CONN_IDLE:
		mst_edge_finish(edge, "idle");
		break;
	case MST_CONN_HEAD:
	case MST_CONN_BODY:
		if (edge->phase == PHASE_SKIP)
			break; /* answered already */
		mst_fail(&e, MST_E_TIMEOUT, "%s",
			 c->state == MST_CONN_HEAD ? "the request head took too long"
						   : "the request body took too long");
		mst_in_refuse(edge, &e);
		break;
	case MST_CONN_WORK:
		/* What was posted answers, or fails, by itself. */
		mst_conn_set(c, MST_CONN_WORK);
		break;
	case MST_CONN_FREE:
	case MST_CONN_DIAL:
	case MST_CONN_HELLO:
	case MST_CONN_WRITE:
	case MST_CONN_DRAIN:
	case MST_CONN_CLOSING:
	case MST_NUM_CONN_STATES:
		break; /* net closes it */
	}
}

static void on_gone(struct mst_conn *c)
{
	struct http_edge *edge = c->up;
	if (!edge)
		return;
	if (edge->deal)
		mst_deal_part(edge->deal);
	mst_tls_free(&edge->tls);
	mst_buf_done(&edge->left);
	c->up = NULL;
	mst_slab_put(edge->http->edges, edge->slot);
}

const struct mst_edge mst_http_edge = {
	.on_open = on_open,
	.on_bytes = on_bytes,
	.on_sent = on_sent,
	.on_late = on_late,
	.on_end = on_end,
	.on_gone = on_gone,
};
