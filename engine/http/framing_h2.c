/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 on a connection: a deal a stream; whom the connection waits for meanwhile, each stream's deadline, the end.
 *
 * The connection's state follows from all its streams: as long as one is at work we owe an answer; then the peer has to take
 * one; then to finish a body. Its deadlines are for all at once; what one stream waits for has a deadline of its own, and only
 * that stream ends by it.
 */
#include "own.h"

#include "muster/log.h"

/* The peer has time for each HTTP_OUT_HIGH bytes of an answer, as it has in HTTP/1.1, and once more: where no stream gets on,
 * it is the connection that ends. */
static uint64_t deadline(const struct http_deal *deal)
{
	const struct mst_http_conf *conf = &deal->edge->http->conf;
	switch (deal->phase) {
	case PHASE_HEAD:
		return conf->head_ms;
	case PHASE_BODY:
	case PHASE_SKIP:
		return conf->body_ms;
	case PHASE_SEND:
		return (2 + (uint64_t)deal->x.out.body.len / HTTP_OUT_HIGH) * conf->write_ms;
	case PHASE_WORK:
	case HTTP_PHASES:
		break;
	}
	return 0;
}

void mst_framing_enter(struct http_deal *deal, enum http_phase phase)
{
	struct http_edge *edge = deal->edge;
	edge->h2.num[deal->phase]--;
	edge->h2.num[phase]++;
	deal->phase = phase;
	uint64_t in_ms = deadline(deal);
	if (in_ms)
		mst_timer_set(edge->http->loop, &deal->timer, in_ms);
	else
		mst_timer_end(edge->http->loop, &deal->timer);
}

void mst_framing_hold(struct http_deal *deal, size_t len)
{
	deal->held += len;
	deal->edge->h2.held += len;
}

/* The answer is put, but the peer's side goes on: the stream ends behind the answer. */
static void cut(struct http_deal *deal)
{
	mst_framing_enter(deal, PHASE_SEND);
	mst_h2_reset(deal->edge->h2.session, deal->stream, true);
}

/* A stream's deadline. Nothing can follow a head that is not complete, so that one takes the connection with it. */
static void on_due(struct mst_timer *timer)
{
	struct http_deal *deal = MST_HOME(timer, struct http_deal, timer);
	struct http_edge *edge = deal->edge;
	if (!mst_edge_alive(edge))
		return;
	switch (deal->phase) {
	case PHASE_HEAD:
		mst_edge_finish(edge, "request head took too long");
		return;
	case PHASE_BODY:
		mst_err_fill(&deal->x.err, MST_E_TIMEOUT, "the request body took too long");
		mst_in_h2_refuse(deal);
		cut(deal);
		break;
	case PHASE_SKIP:
		cut(deal);
		break;
	case PHASE_SEND:
		mst_h2_reset(edge->h2.session, deal->stream, false);
		break;
	case PHASE_WORK:
	case HTTP_PHASES:
		break;
	}
	mst_edge_settle(edge);
}

static int put(void *context, struct mst_slice bytes, struct mst_err *e)
{
	struct http_edge *edge = context;
	if (mst_out_write(edge, bytes, e) < 0)
		return -1;
	return mst_conn_unsent(edge->conn) >= HTTP_OUT_HIGH;
}

static void *on_stream(void *context, uint32_t stream)
{
	struct http_edge *edge = context;
	struct mst_http *http = edge->http;
	if (!mst_edge_alive(edge) || http->num_streams >= http->conf.exchanges_max || edge->h2.held > HTTP_HELD_MAX)
		return NULL;
	struct http_deal *deal = mst_deal_new(edge);
	if (!deal)
		return NULL;
	deal->stream = stream;
	deal->timer.on_due = on_due;
	edge->h2.last = stream;
	edge->h2.num[PHASE_HEAD]++;
	http->num_streams++;
	mst_framing_enter(deal, PHASE_HEAD);
	return deal;
}

static void on_gone(void *up, bool is_done, bool may_retry)
{
	struct http_deal *deal = up;
	struct http_edge *edge = deal->edge;
	mst_timer_end(edge->http->loop, &deal->timer);
	edge->h2.num[deal->phase]--;
	edge->h2.held -= deal->held;
	edge->http->num_streams--;
	mst_deal_part(deal);
}

static int open_session(struct http_edge *edge, struct mst_err *e)
{
	const struct mst_http_conf *conf = &edge->http->conf;
	/* A head that is over HTTP/1.1's limit by less than as much again is answered with 431; more is no mistake. */
	const struct mst_h2_limits limits = {
		.streams_max = HTTP_STREAMS_MAX,
		.head_max = 2 * conf->head_max + 32 * conf->headers_max,
		.held_max = HTTP_HELD_MAX,
	};
	const struct mst_h2_hooks hooks = {
		.context = edge,
		.put = put,
		.on_stream = on_stream,
		.on_header = mst_in_h2_header,
		.on_head = mst_in_h2_head,
		.on_body = mst_in_h2_body,
		.on_end = mst_in_h2_end,
		.on_gone = on_gone,
	};
	edge->h2 = (struct http_h2){.session = NULL};
	return mst_h2_new(&edge->h2.session, false, &limits, &hooks, e);
}

/* The peer broke the protocol or a budget: it is told by a GOAWAY. */
static void broke(struct http_edge *edge, const struct mst_err *why)
{
	char addr[MST_ADDR_ROOM];
	if (!mst_edge_alive(edge))
		return;
	edge->h2.is_broken = true;
	mst_addr_put(addr, &edge->conn->addr);
	mst_log_peer(INFO, "HTTP/2 refused", mst_f_str("peer", addr), mst_f_code(why), mst_f_err(why));
	mst_edge_finish(edge, mst_code_word(why->code));
}

static size_t take(struct http_edge *edge, struct mst_slice bytes)
{
	struct mst_err e;
	if (mst_edge_alive(edge) && bytes.len && mst_h2_feed(edge->h2.session, bytes, &e) < 0)
		broke(edge, &e);
	return bytes.len;
}

/* Last words: which request was the last one taken. */
static void leave(struct http_edge *edge)
{
	struct mst_err e;
	if (!edge->h2.is_broken)
		mst_h2_depart(edge->h2.session, edge->h2.last, 0, (struct mst_slice){NULL, 0});
	if (mst_h2_flush(edge->h2.session, &e) < 0 && !edge->h2.is_broken)
		mst_edge_close(edge, "last words could not be written");
}

static bool owes(struct http_edge *edge)
{
	return edge->h2.num[PHASE_WORK] || edge->h2.num[PHASE_SEND];
}

static bool is_over(struct http_edge *edge)
{
	const struct http_h2 *h2 = &edge->h2;
	bool is_idle = mst_h2_open(h2->session) == 0;
	return mst_h2_is_over(h2->session) || (h2->is_leaving && is_idle) || (edge->has_ended && !owes(edge));
}

static enum mst_conn_state state(struct http_edge *edge)
{
	const uint32_t *num = edge->h2.num;
	if (num[PHASE_WORK])
		return MST_CONN_WORK;
	if (num[PHASE_SEND])
		return MST_CONN_WRITE;
	if (num[PHASE_BODY] || num[PHASE_SKIP])
		return MST_CONN_BODY;
	if (num[PHASE_HEAD])
		return MST_CONN_HEAD;
	return mst_conn_unsent(edge->conn) ? MST_CONN_WRITE : MST_CONN_IDLE;
}

static bool settle(struct http_edge *edge)
{
	struct http_h2 *h2 = &edge->h2;
	struct mst_err e;
	if (h2->is_leaving && !h2->is_told) {
		h2->is_told = true;
		mst_h2_goaway(h2->session);
	}
	/* What a peer does not take is not added to: on_sent comes back here. */
	if (mst_conn_unsent(edge->conn) < HTTP_OUT_HIGH && mst_h2_flush(h2->session, &e) < 0) {
		broke(edge, &e);
		return false;
	}
	if (is_over(edge)) {
		mst_edge_finish(edge, h2->is_leaving ? "answered" : "closed by peer");
		return false;
	}
	mst_conn_flush(edge->conn);
	mst_edge_move(edge, state(edge));
	return mst_conn_unsent(edge->conn) >= HTTP_OUT_HIGH;
}

static void sent(struct http_edge *edge)
{
	if (edge->conn->state == MST_CONN_WRITE)
		mst_conn_set(edge->conn, MST_CONN_WRITE); /* the peer takes it, so its time begins anew */
	mst_edge_settle(edge);
}

static void late(struct http_edge *edge)
{
	struct mst_conn *c = edge->conn;
	if (c->state == MST_CONN_HEAD) {
		mst_edge_finish(edge, "request head took too long");
	} else if (c->state == MST_CONN_BODY) {
		/* Each stream has its own deadline. */
		mst_conn_set(c, MST_CONN_WORK);
		mst_edge_settle(edge);
	} else if (mst_conn_unsent(c) == 0) {
		/* Its windows are closed. Where it is the kernel that waits, nothing can be told any more and net closes. */
		mst_edge_finish(edge, "answers were not taken");
	}
}

static void drain(struct http_edge *edge)
{
	edge->h2.is_leaving = true;
	mst_edge_settle(edge);
}

static void gone(struct http_edge *edge)
{
	mst_h2_free(&edge->h2.session);
}

static int reply(struct http_deal *deal, const struct http_answer *answer, struct mst_err *e)
{
	deal->edge->h2.is_leaving |= answer->closes;
	if (mst_out_h2_reply(deal, answer, e) == 0)
		return 0;
	mst_h2_reset(deal->edge->h2.session, deal->stream, false);
	return -1;
}

static void over(struct http_deal *deal, bool drop)
{
	struct http_edge *edge = deal->edge;
	mst_framing_enter(deal, PHASE_SEND);
	if (drop)
		mst_edge_close(edge, "dropped");
	else if (!edge->is_taking)
		mst_edge_settle(edge);
}

const struct http_framing mst_framing_h2 = {
	.open = open_session,
	.take = take,
	.settle = settle,
	.sent = sent,
	.late = late,
	.owes = owes,
	.drain = drain,
	.leave = leave,
	.gone = gone,
	.reply = reply,
	.over = over,
};
