/* SPDX-License-Identifier: Apache-2.0 */
/* A connection at the edge: TLS below, requests above; what waits between them, and whom the
 * connection waits for. */
#include "own.h"

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"

bool mst_edge_alive(const struct http_edge *edge)
{
	return edge->conn->state != MST_CONN_DRAIN && edge->conn->state != MST_CONN_CLOSING;
}

void mst_edge_finish(struct http_edge *edge, const char *why)
{
	if (!mst_edge_alive(edge))
		return;
	if (edge->framing->leave)
		edge->framing->leave(edge);
	if (!mst_edge_alive(edge))
		return;
	if (edge->tls && edge->is_open)
		mst_tls_shut(edge->tls);
	mst_conn_finish(edge->conn, why);
}

void mst_edge_close(struct http_edge *edge, const char *why)
{
	mst_conn_close(edge->conn, why);
}

void mst_edge_move(struct http_edge *edge, enum mst_conn_state to)
{
	if (edge->conn->state != to)
		mst_conn_set(edge->conn, to);
}

void mst_edge_settle(struct http_edge *edge)
{
	bool pauses = mst_edge_alive(edge) && edge->framing->settle(edge);
	if (!mst_edge_alive(edge))
		return;
	if (pauses)
		mst_conn_pause(edge->conn);
	else if (edge->conn->is_paused)
		mst_conn_resume(edge->conn);
}

void mst_edge_speak(struct http_edge *edge, const struct http_framing *framing)
{
	struct mst_err e;
	edge->framing = framing;
	if (!framing->open || framing->open(edge, &e) == 0)
		return;
	mst_log_peer(WARN, "a connection could not be begun", mst_f_code(&e), mst_f_err(&e));
	mst_edge_close(edge, "out of memory");
}

/* A framing may find that the bytes are another's. */
static size_t give(struct http_edge *edge, struct mst_slice bytes)
{
	const struct http_framing *framing = edge->framing;
	size_t used = framing->take(edge, bytes);
	if (MST_LIKELY(framing == edge->framing))
		return used;
	return used + edge->framing->take(edge, mst_slice(bytes.at + used, bytes.len - used));
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
		used = give(edge, mst_buf_slice(left));
		mst_buf_drop(left, used);
	} else {
		used = give(edge, bytes);
		if (used < bytes.len &&
		    mst_buf_add(left, mst_slice(bytes.at + used, bytes.len - used), &e) < 0)
			mst_edge_close(edge, "too much waits behind an exchange");
	}
	if (mst_buf_slice(left).len == 0 || !mst_edge_alive(edge))
		mst_buf_done(left);
	edge->is_taking = false;
}

void mst_edge_go_on(struct http_edge *edge)
{
	take(edge, (struct mst_slice){NULL, 0});
	mst_edge_settle(edge);
}

static void opened(struct http_edge *edge)
{
	edge->is_open = true;
	mst_count_time(MST_H_HANDSHAKE, mst_clock_ns() - edge->conn->opened_ns);
	mst_conn_set(edge->conn, MST_CONN_IDLE);
	if (mst_slice_eq(mst_tls_alpn0(edge->tls), MST_S("h2")))
		mst_edge_speak(edge, &mst_framing_h2);
}

/* The peer sends no more; an answer under way is still given. */
static void on_end(struct mst_conn *c)
{
	struct http_edge *edge = c->up;
	edge->has_ended = true;
	if (edge->framing->owes(edge))
		return;
	if (mst_conn_unsent(c))
		mst_edge_finish(edge, "closed by peer");
	else
		mst_edge_close(edge, "closed by peer"); /* nothing is on its way to either side: no shutdown to wait for */
}

/* A handshake that goes on: each flight of the peer has its own deadline, so that many who come at once are not all late
 * because we are. A part of a flight brings no output and no more time. */
static void answer_flight(struct http_edge *edge)
{
	if (mst_conn_unsent(edge->conn) && edge->conn->state == MST_CONN_HELLO)
		mst_conn_set(edge->conn, MST_CONN_HELLO);
	mst_conn_flush(edge->conn);
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
		mst_conn_finish(edge->conn, "TLS failed");
		return;
	}
	if (edge->is_open)
		mst_edge_settle(edge);
	else
		answer_flight(edge);
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
	edge->framing = &mst_framing_h1;
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
		mst_edge_settle(edge);
	} else if (mst_tls_feed(edge->tls, bytes, &e) < 0) {
		mst_edge_close(edge, "too much waits for TLS");
	} else {
		pump(edge);
	}
}

static void on_sent(struct mst_conn *c)
{
	struct http_edge *edge = c->up;
	if (mst_edge_alive(edge) && c->state != MST_CONN_HELLO)
		edge->framing->sent(edge);
}

static void on_late(struct mst_conn *c)
{
	struct http_edge *edge = c->up;
	switch (c->state) {
	case MST_CONN_IDLE:
		mst_edge_finish(edge, "idle");
		break;
	case MST_CONN_HEAD:
	case MST_CONN_BODY:
	case MST_CONN_WRITE:
		edge->framing->late(edge);
		break;
	case MST_CONN_WORK:
		/* What was posted answers, or fails, by itself. */
		mst_conn_set(c, MST_CONN_WORK);
		break;
	case MST_CONN_FREE:
	case MST_CONN_DIAL:
	case MST_CONN_HELLO:
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
	edge->framing->gone(edge);
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
