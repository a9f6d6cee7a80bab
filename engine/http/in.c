/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in: finds heads, asks the hook, gathers bodies, starts the walk; refuses what breaks the
 * protocol. */
#include "muster/count.h"
#include "own.h"

/* The connection is of no further use: whatever its peer still sends has no defined meaning. */
void mst_in_refuse(struct http_edge *edge, const struct mst_err *e)
{
	struct http_deal *deal = edge->deal;
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
	if (mst_edge_alive(edge) && mst_out_put(edge, &rest, &answer, &failed) < 0)
		mst_edge_close(edge, "refusal could not be written");
	edge->deal = NULL;
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
		edge->phase = PHASE_SKIP;
	edge->chunks = (struct mst_http1_chunks){.left = 0};
	edge->skips_chunks = head->framing == MST_HTTP1_CHUNKED;
	edge->skip = edge->skips_chunks ? HTTP_SKIP_MAX : (size_t)head->body_len;
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

/* Whether this request is taken at all; x->err says why not. */
static int admit(struct http_edge *edge, struct http_deal *deal)
{
	struct mst_http *http = edge->http;
	struct mst_xchg *x = &deal->x;
	if (mst_target_parse(&x->in, &x->arena, &x->err) < 0)
		return -1;
	if (http->num_busy >= http->conf.exchanges_max)
		return mst_fail(&x->err, MST_E_BUSY, "%u exchanges at work", http->num_busy);
	if (http->hooks.on_head(x) < 0)
		return -1;
	BUG_ON(!x->way);
	if (deal->head.framing == MST_HTTP1_LENGTH && deal->head.body_len > x->body_max)
		return mst_fail(&x->err, MST_E_TOO_BIG, "a body over %zu bytes", x->body_max);
	return 0;
}

/* Makes ready for the body and lets the peer send it. */
static void begin_body(struct http_edge *edge, struct http_deal *deal)
{
	struct mst_xchg *x = &deal->x;
	const struct mst_http1_head *head = &deal->head;
	edge->deal = deal;
	edge->phase = PHASE_BODY;
	edge->chunks = (struct mst_http1_chunks){.left = 0};
	deal->body.limit = x->body_max;
	/* A head alone may claim a small piece of memory, not a large one. */
	if (head->framing == MST_HTTP1_LENGTH && head->body_len <= HTTP_BODY_ARENA)
		deal->place = mst_arena_get(&x->arena, (size_t)head->body_len);
	if (head->expects_continue && mst_out_continue(edge, &x->err) < 0)
		mst_edge_close(edge, "could not be written");
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
		edge->deal = deal;
		mst_in_refuse(edge, &deal->x.err);
	} else if (admit(edge, deal) < 0) {
		refuse_head(edge, deal);
	} else if (deal->head.framing != MST_HTTP1_NO_BODY) {
		begin_body(edge, deal);
	} else {
		edge->deal = deal;
		mst_deal_work(deal);
	}
}

/* Returns bytes consumed, 0 when the head is not complete. */
static size_t take_head(struct http_edge *edge, struct mst_slice bytes)
{
	struct mst_slice head;
	struct mst_err e;
	size_t used;
	int done = mst_http1_scan(&edge->scan, &head, &used, bytes, &edge->http->limits, &e);
	/* Some clients end a body with an empty line that is no part of it: the connection is idle,
	 * not in a head. */
	if (done == 0 && (edge->scan.start == 0 || edge->scan.start < bytes.len))
		return 0;
	edge->scan = (struct mst_http1_scan){.seen = 0};
	if (done == 0)
		return bytes.len;
	if (done < 0) {
		mst_in_refuse(edge, &e);
		return bytes.len;
	}
	begin(edge, head);
	return used;
}

static int add_body(struct http_deal *deal, struct mst_slice data)
{
	struct mst_xchg *x = &deal->x;
	if (data.len > x->body_max - deal->body_len)
		return mst_fail(&x->err, MST_E_TOO_BIG, "a body over %zu bytes", x->body_max);
	if (deal->place)
		memcpy(deal->place + deal->body_len, data.at, data.len);
	else if (mst_buf_add(&deal->body, data, &x->err) < 0)
		return -1;
	deal->body_len += data.len;
	return 0;
}

/* One piece of a body: 1 at its end, 0 for more, -1 with x->err filled. */
static int take_piece(struct http_edge *edge, struct http_deal *deal, size_t *used,
		      struct mst_slice bytes)
{
	struct mst_slice data;
	if (deal->head.framing == MST_HTTP1_LENGTH) {
		size_t left = (size_t)deal->head.body_len - deal->body_len;
		*used = bytes.len < left ? bytes.len : left;
		return add_body(deal, mst_slice(bytes.at, *used)) < 0 ? -1 : *used == left;
	}
	int done = mst_http1_chunks_take(&edge->chunks, &data, used, bytes, &deal->x.err);
	if (done >= 0 && data.len && add_body(deal, data) < 0)
		return -1;
	return done;
}

static size_t take_body(struct http_edge *edge, struct mst_slice bytes)
{
	struct http_deal *deal = edge->deal;
	size_t used;
	int done = take_piece(edge, deal, &used, bytes);
	if (done < 0) {
		mst_in_refuse(edge, &deal->x.err);
		return bytes.len;
	}
	if (done)
		mst_deal_work(deal);
	return used;
}

/* The rest of a refused body. */
static size_t take_skip(struct http_edge *edge, struct mst_slice bytes)
{
	struct mst_slice data;
	struct mst_err e;
	size_t used = bytes.len < edge->skip ? bytes.len : edge->skip;
	int done = used == edge->skip;
	if (edge->skips_chunks) {
		done = mst_http1_chunks_take(&edge->chunks, &data, &used, bytes, &e);
		if (done < 0 || (done == 0 && used >= edge->skip)) {
			mst_edge_finish(edge, "refused body went on");
			return bytes.len;
		}
	}
	edge->skip -= used < edge->skip ? used : edge->skip;
	if (done)
		edge->phase = PHASE_HEAD;
	return used;
}

size_t mst_in_take(struct http_edge *edge, struct mst_slice bytes)
{
	size_t at = 0;
	while (at < bytes.len) {
		struct mst_slice rest = mst_slice(bytes.at + at, bytes.len - at);
		size_t used = 0;
		switch (edge->phase) {
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
			break;
		case PHASE_OVER:
			used = rest.len;
			break;
		}
		if (used == 0)
			break;
		at += used;
	}
	return at;
}
