/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in HTTP/1.1: finds heads, gathers bodies, starts the walk; refuses what breaks the protocol. */
#include "own.h"

#include "muster/count.h"

/* The connection is of no further use: whatever its peer still sends has no defined meaning. */
void mst_in_h1_refuse(struct http_edge *edge, const struct mst_err *e)
{
	struct http_deal *deal = edge->h1.deal;
	const char *why = mst_code_word(e->code); /* `e` may live in the deal */
	struct mst_slice rest = {NULL, 0}; /* stays empty: a refusal is short */
	struct mst_err failed;
	if (!deal)
		deal = mst_deal_new(edge);
	if (!deal) {
		mst_edge_close(edge, "out of exchanges");
		return;
	}
	struct mst_xchg *x = &deal->x;
	if (&x->err != e)
		x->err = *e;
	mst_xchg_fail(x);
	mst_deal_log(deal);
	struct http_answer answer = {&x->out, x->in.method == MST_HEAD && x->in.target.len, true};
	/* Where even this cannot be written the connection is just closed. */
	if (mst_edge_alive(edge) && mst_out_h1_put(edge, &rest, &answer, &failed) < 0)
		mst_edge_close(edge, "refusal could not be written");
	edge->h1.deal = NULL;
	mst_deal_free(edge->http, deal);
	mst_edge_finish(edge, why);
}

/* Refused by its head (or the hook): answered now; a short rest of the body is read, so that the
 * connection lives. */
static void refuse_head(struct http_edge *edge, struct http_deal *deal)
{
	const struct mst_http1_head *head = &deal->head;
	bool has_body = head->framing != MST_HTTP1_NO_BODY;
	bool is_long = head->framing == MST_HTTP1_LENGTH && head->body_len > HTTP_SKIP_MAX;
	/* Who waits for 100 may send the body or not: nobody can tell where the next request
	 * begins. */
	deal->closes |= has_body && (is_long || head->expects_continue);
	mst_xchg_fail(&deal->x);
	mst_deal_reply(deal);
	BUG_ON(deal->rest.len); /* a refusal is short */
	if (deal->closes)
		mst_edge_finish(edge, "refused");
	else if (has_body && mst_edge_alive(edge))
		edge->h1.phase = PHASE_SKIP;
	edge->h1.chunks = (struct mst_http1_chunks){.left = 0};
	edge->h1.skips_chunks = head->framing == MST_HTTP1_CHUNKED;
	edge->h1.skip = edge->h1.skips_chunks ? HTTP_SKIP_MAX : (size_t)head->body_len;
	mst_deal_free(edge->http, deal);
}

/* Fills the exchange from the head. */
static int fill(struct http_edge *edge, struct http_deal *deal, struct mst_slice bytes)
{
	struct mst_xchg *x = &deal->x;
	const struct mst_http1_head *head = &deal->head;
	if (mst_http1_request(&deal->head, bytes, &edge->http->limits, &x->arena, &x->err) < 0)
		return -1;
	x->in.method = head->method;
	x->in.target = head->target;
	x->in.headers = head->headers;
	x->in.num_headers = head->num_headers;
	deal->closes = !head->keeps_alive || head->minor == 0;
	return 0;
}

/* Makes ready for the body and lets the peer send it. */
static void begin_body(struct http_edge *edge, struct http_deal *deal)
{
	edge->h1.deal = deal;
	edge->h1.phase = PHASE_BODY;
	edge->h1.chunks = (struct mst_http1_chunks){.left = 0};
	mst_in_ready(deal);
	if (deal->head.expects_continue && mst_out_h1_continue(edge, &deal->x.err) < 0)
		mst_edge_close(edge, "could not be written");
}

static void work(struct http_edge *edge)
{
	edge->h1.phase = PHASE_WORK;
	mst_deal_work(edge->h1.deal);
}

static void begin(struct http_edge *edge, struct mst_slice bytes)
{
	struct http_deal *deal = mst_deal_new(edge);
	mst_count(MST_C_HTTP_REQUESTS, 1);
	edge->num_requests++;
	if (!deal) {
		mst_edge_close(edge, "out of exchanges");
		return;
	}
	if (fill(edge, deal, bytes) < 0) {
		edge->h1.deal = deal;
		mst_in_h1_refuse(edge, &deal->x.err);
	} else if (mst_in_admit(deal) < 0) {
		refuse_head(edge, deal);
	} else if (deal->head.framing != MST_HTTP1_NO_BODY) {
		begin_body(edge, deal);
	} else {
		edge->h1.deal = deal;
		work(edge);
	}
}

/* HTTP/2 on a listener without TLS begins with its preface (RFC 9113 3.3): some front ends speak it to what stands behind them. */
static bool may_be_h2(struct http_edge *edge, struct mst_slice bytes)
{
	static const struct mst_slice preface = MST_S_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	if (edge->num_requests || edge->gate != MST_GATE_PLAIN || edge->tls)
		return false;
	if (!mst_slice_starts(bytes, preface))
		return bytes.len < preface.len && mst_slice_starts(preface, bytes);
	mst_edge_speak(edge, &mst_framing_h2);
	return true;
}

/* Returns bytes consumed, 0 when the head is not complete. */
static size_t take_head(struct http_edge *edge, struct mst_slice bytes)
{
	struct mst_slice head;
	struct mst_err e;
	size_t used;
	if (may_be_h2(edge, bytes))
		return 0;
	int done = mst_http1_scan(&edge->h1.scan, &head, &used, bytes, &edge->http->limits, &e);
	/* Some clients end a body with an empty line that is no part of it: the connection is idle,
	 * not in a head. */
	if (done == 0 && (edge->h1.scan.start == 0 || edge->h1.scan.start < bytes.len))
		return 0;
	edge->h1.scan = (struct mst_http1_scan){.seen = 0};
	if (done == 0)
		return bytes.len;
	if (done < 0) {
		mst_in_h1_refuse(edge, &e);
		return bytes.len;
	}
	begin(edge, head);
	return used;
}

/* One piece of a body: 1 at its end, 0 for more, -1 with x->err filled. */
static int take_piece(struct http_edge *edge, struct http_deal *deal, size_t *used,
		      struct mst_slice bytes)
{
	struct mst_slice data;
	if (deal->head.framing == MST_HTTP1_LENGTH) {
		size_t left = (size_t)deal->head.body_len - deal->body_len;
		*used = bytes.len < left ? bytes.len : left;
		return mst_in_add(deal, mst_slice(bytes.at, *used)) < 0 ? -1 : *used == left;
	}
	int done = mst_http1_chunks_take(&edge->h1.chunks, &data, used, bytes, &deal->x.err);
	if (done >= 0 && data.len && mst_in_add(deal, data) < 0)
		return -1;
	return done;
}

static size_t take_body(struct http_edge *edge, struct mst_slice bytes)
{
	struct http_deal *deal = edge->h1.deal;
	size_t used;
	int done = take_piece(edge, deal, &used, bytes);
	if (done < 0) {
		mst_in_h1_refuse(edge, &deal->x.err);
		return bytes.len;
	}
	if (done)
		work(edge);
	return used;
}

/* The rest of a refused body. */
static size_t take_skip(struct http_edge *edge, struct mst_slice bytes)
{
	struct mst_slice data;
	struct mst_err e;
	size_t used = bytes.len < edge->h1.skip ? bytes.len : edge->h1.skip;
	int done = used == edge->h1.skip;
	if (edge->h1.skips_chunks) {
		done = mst_http1_chunks_take(&edge->h1.chunks, &data, &used, bytes, &e);
		if (done < 0 || (done == 0 && used >= edge->h1.skip)) {
			mst_edge_finish(edge, "refused body went on");
			return bytes.len;
		}
	}
	edge->h1.skip -= used < edge->h1.skip ? used : edge->h1.skip;
	if (done)
		edge->h1.phase = PHASE_HEAD;
	return used;
}

size_t mst_in_h1_take(struct http_edge *edge, struct mst_slice bytes)
{
	size_t at = 0;
	while (at < bytes.len) {
		struct mst_slice rest = mst_slice(bytes.at + at, bytes.len - at);
		size_t used = 0;
		if (!mst_edge_alive(edge))
			return bytes.len;
		switch (edge->h1.phase) {
		case PHASE_HEAD:
			/* A peer that takes no answers gets no further ones made. */
			used = mst_conn_unsent(edge->conn) < HTTP_OUT_HIGH ? take_head(edge, rest)
									   : 0;
			break;
		case PHASE_BODY:
			used = take_body(edge, rest);
			break;
		case PHASE_SKIP:
			used = take_skip(edge, rest);
			break;
		case PHASE_WORK:
		case PHASE_SEND:
		case HTTP_PHASES:
			break;
		}
		if (used == 0)
			break;
		at += used;
	}
	return at;
}
