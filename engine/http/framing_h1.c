/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 on a connection: one exchange at a time; whom the connection waits for meanwhile, and its long answers. */
#include "own.h"

#include "muster/log.h"

/* The connection's state follows from the phase. */
static bool settle(struct http_edge *edge)
{
	struct mst_conn *c = edge->conn;
	struct http_h1 *h1 = &edge->h1;
	bool has_left = mst_buf_slice(&edge->left).len > 0;
	bool is_high = mst_conn_unsent(c) >= HTTP_OUT_HIGH;
	mst_conn_flush(c);
	/* Each request's deadlines are its own, also when requests come in one piece. */
	if (h1->num_settled != edge->num_requests && (c->state == MST_CONN_HEAD || c->state == MST_CONN_BODY))
		mst_conn_set(c, MST_CONN_WRITE);
	h1->num_settled = edge->num_requests;
	switch (h1->phase) {
	case PHASE_HEAD:
		if (mst_conn_unsent(c) && (is_high || !has_left))
			mst_edge_move(edge, MST_CONN_WRITE);
		else
			mst_edge_move(edge, has_left ? MST_CONN_HEAD : MST_CONN_IDLE);
		break;
	case PHASE_BODY:
	case PHASE_SKIP:
		mst_edge_move(edge, MST_CONN_BODY);
		break;
	case PHASE_WORK:
		mst_edge_move(edge, MST_CONN_WORK);
		break;
	case PHASE_SEND:
		mst_edge_move(edge, MST_CONN_WRITE);
		break;
	case HTTP_PHASES:
		break;
	}
	/* What waits behind an exchange, or behind output that is not taken, stays in the kernel. */
	return has_left && (h1->phase == PHASE_WORK || h1->phase == PHASE_SEND || is_high);
}

/* The answer is put, or there is none to put. */
static void end(struct http_edge *edge, struct http_deal *deal, bool drop)
{
	bool closes = deal->closes || edge->has_ended;
	mst_deal_free(edge->http, deal);
	edge->h1.deal = NULL;
	edge->h1.phase = PHASE_HEAD;
	if (drop)
		mst_edge_close(edge, "dropped");
	else if (closes)
		mst_edge_finish(edge, "answered");
	if (!edge->is_taking)
		mst_edge_go_on(edge);
}

static void over(struct http_deal *deal, bool drop)
{
	struct http_edge *edge = deal->edge;
	if (drop || deal->rest.len == 0 || !mst_edge_alive(edge)) {
		end(edge, deal, drop);
		return;
	}
	edge->h1.phase = PHASE_SEND;
	if (!edge->is_taking)
		mst_edge_go_on(edge);
}

static int reply(struct http_deal *deal, const struct http_answer *answer, struct mst_err *e)
{
	struct http_edge *edge = deal->edge;
	if (mst_out_h1_put(edge, &deal->rest, answer, e) < 0) {
		mst_edge_close(edge, "reply could not be written");
		return -1;
	}
	if (deal->rest.len && answer->reply->lent)
		mst_deal_lend(deal);
	return 0;
}

/* Puts the next piece of a long answer, and ends the deal behind the last one. */
static void send_more(struct http_edge *edge)
{
	struct http_deal *deal = edge->h1.deal;
	struct mst_err e;
	if (mst_out_h1_more(edge, &deal->rest, &e) < 0) {
		mst_log_peer(WARN, "reply could not be written", mst_f_u64("id", deal->x.id), mst_f_code(&e), mst_f_err(&e));
		mst_edge_close(edge, "reply could not be written");
		return;
	}
	mst_conn_set(edge->conn, MST_CONN_WRITE); /* the peer takes it, so its time begins anew */
	if (deal->rest.len)
		mst_edge_go_on(edge);
	else
		end(edge, deal, false);
}

/* All output is gone: wait for the next request, or go on with one that waited for this. */
static void sent(struct http_edge *edge)
{
	if (edge->h1.phase == PHASE_SEND)
		send_more(edge);
	else if (edge->h1.phase != PHASE_HEAD)
		return;
	else if (edge->http->is_draining && mst_buf_slice(&edge->left).len == 0)
		mst_edge_finish(edge, "drained");
	else if (mst_buf_slice(&edge->left).len)
		mst_edge_go_on(edge);
	else
		mst_edge_settle(edge);
}

static void late(struct http_edge *edge)
{
	bool is_head = edge->conn->state == MST_CONN_HEAD;
	struct mst_err e;
	/* In PHASE_SKIP it is answered already, and what is not taken is not waited for: net closes it. */
	if (edge->h1.phase == PHASE_SKIP || edge->conn->state == MST_CONN_WRITE)
		return;
	mst_fail(&e, MST_E_TIMEOUT, "%s", is_head ? "the request head took too long" : "the request body took too long");
	mst_in_h1_refuse(edge, &e);
}

static bool owes(struct http_edge *edge)
{
	return edge->h1.phase == PHASE_WORK || edge->h1.phase == PHASE_SEND;
}

static void drain(struct http_edge *edge)
{
	if (edge->conn->state == MST_CONN_IDLE)
		mst_edge_finish(edge, "drained");
}

static void gone(struct http_edge *edge)
{
	if (edge->h1.deal)
		mst_deal_part(edge->h1.deal);
}

const struct http_framing mst_framing_h1 = {
	.take = mst_in_h1_take,
	.settle = settle,
	.sent = sent,
	.late = late,
	.owes = owes,
	.drain = drain,
	.gone = gone,
	.reply = reply,
	.over = over,
};
