/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in HTTP/2: the fields of a stream become the same request that HTTP/1.1 would have made of them, under the same
 * checks and limits; a stream's mistake ends the stream. */
#include "own.h"

#include "muster/count.h"

#define HEADERS_FIRST 16 /* room in the table of headers at first */
/* What HTTP/1.1 has around a header and around a request line: ": " and its line end; two spaces and " HTTP/1.1". */
#define HEADER_AROUND 4
#define LINE_AROUND   13

/* The stream goes no further, but it is not reset in the middle of a body: clients that are do not all look at the answer
 * (RFC 9113 8.1 would have them do so; curl 7.88 does not). A short rest of the body is let come, of a long one no more than
 * its window has; the peer ends the stream, or its deadline does. */
void mst_in_h2_refuse(struct http_deal *deal)
{
	const struct mst_http1_head *head = &deal->head;
	bool is_long = head->framing == MST_HTTP1_LENGTH && head->body_len > HTTP_SKIP_MAX;
	mst_buf_done(&deal->body);
	deal->edge->h2.held -= deal->held;
	deal->held = 0;
	mst_xchg_fail(&deal->x);
	mst_deal_reply(deal);
	deal->skip = is_long ? 0 : HTTP_SKIP_MAX;
	mst_framing_enter(deal, deal->has_all ? PHASE_SEND : PHASE_SKIP);
}

/* Counts a line as HTTP/1.1 would have it. */
static int check_limits(struct http_deal *deal, size_t len, size_t around)
{
	const struct mst_http_conf *conf = &deal->edge->http->conf;
	struct mst_err *e = &deal->x.err;
	deal->head_len += (uint32_t)(len + around);
	if (len + around - 2 > conf->line_max)
		return mst_fail(e, MST_E_HEADERS, "a line of the head is over %u bytes", conf->line_max);
	if (deal->head_len > conf->head_max)
		return mst_fail(e, MST_E_HEADERS, "the head is over %u bytes", conf->head_max);
	return 0;
}

static int no_room(struct http_deal *deal)
{
	return mst_fail(&deal->x.err, MST_E_BUSY, "no room in the exchange's memory for the head");
}

static int copy(struct http_deal *deal, struct mst_slice *out, struct mst_slice s)
{
	return mst_arena_copy(&deal->x.arena, out, s) ? 0 : no_room(deal);
}

static int take_method(struct http_deal *deal, struct mst_slice value)
{
	struct mst_http1_head *head = &deal->head;
	if (copy(deal, &head->method_text, value) < 0)
		return -1;
	return mst_http1_method(&head->method, head->method_text, &deal->x.err);
}

static int take_path(struct http_deal *deal, struct mst_slice value)
{
	if (check_limits(deal, value.len, LINE_AROUND) < 0)
		return -1;
	return copy(deal, &deal->head.target, value);
}

static int take_scheme(struct http_deal *deal, struct mst_slice value)
{
	if (mst_slice_case_eq(value, MST_S("https")) || mst_slice_case_eq(value, MST_S("http")))
		return 0;
	return mst_fail(&deal->x.err, MST_E_SYNTAX, "a scheme other than http and https");
}

/* :authority and Host are one thing said twice. */
static int take_host(struct http_deal *deal, struct mst_slice value)
{
	struct mst_http1_head *head = &deal->head;
	struct mst_err *e = &deal->x.err;
	if (head->host.at && !mst_slice_case_eq(head->host, value))
		return mst_fail(e, MST_E_SYNTAX, "Host differs from the target");
	if (mst_http1_host(value, e) < 0)
		return -1;
	return head->host.at ? 0 : copy(deal, &head->host, value);
}

static int take_length(struct http_deal *deal, struct mst_slice value)
{
	struct mst_http1_head *head = &deal->head;
	if (head->framing == MST_HTTP1_LENGTH || value.len > 19 || mst_slice_u64(&head->body_len, value, NULL) < 0)
		return mst_fail(&deal->x.err, MST_E_SYNTAX, "Content-Length is malformed");
	head->framing = MST_HTTP1_LENGTH;
	return 0;
}

static int take_expect(struct http_deal *deal, struct mst_slice value)
{
	if (!mst_slice_case_eq(value, MST_S("100-continue")))
		return mst_fail(&deal->x.err, MST_E_EXPECT, "an Expect other than 100-continue");
	deal->head.expects_continue = true;
	return 0;
}

/* Fields that say something to this file. */
static const struct {
	struct mst_slice name;
	int (*take)(struct http_deal *deal, struct mst_slice value);
} fields[] = {
	{MST_S_INIT(":method"), take_method},
	{MST_S_INIT(":path"), take_path},
	{MST_S_INIT(":scheme"), take_scheme},
	{MST_S_INIT(":authority"), take_host},
	{MST_S_INIT("host"), take_host},
	{MST_S_INIT("content-length"), take_length},
	{MST_S_INIT("expect"), take_expect},
};

/* Room for one more in the table of headers. */
static struct mst_header *next_header(struct http_deal *deal)
{
	struct mst_http1_head *head = &deal->head;
	const struct mst_http_conf *conf = &deal->edge->http->conf;
	struct mst_header *table = (struct mst_header *)(uintptr_t)head->headers;
	if (head->num_headers >= conf->headers_max) {
		mst_err_fill(&deal->x.err, MST_E_HEADERS, "more than %u headers", conf->headers_max);
		return NULL;
	}
	if (head->num_headers == deal->headers_room) {
		uint32_t room = deal->headers_room ? deal->headers_room * 2 : HEADERS_FIRST;
		table = mst_arena_get(&deal->x.arena, room * sizeof(*table));
		if (!table) {
			(void)no_room(deal);
			return NULL;
		}
		if (head->num_headers)
			memcpy(table, head->headers, head->num_headers * sizeof(*table));
		head->headers = table;
		deal->headers_room = room;
	}
	return &table[head->num_headers++];
}

static int add(struct http_deal *deal, struct mst_slice name, struct mst_slice value)
{
	struct mst_header *header = next_header(deal);
	uint8_t *place = header ? mst_arena_get(&deal->x.arena, name.len + value.len + 1) : NULL;
	if (!header)
		return -1;
	if (!place)
		return no_room(deal);
	memcpy(place, name.at, name.len);
	if (value.len)
		memcpy(place + name.len, value.at, value.len);
	header->name = mst_slice(place, name.len);
	header->value = mst_slice_trim(mst_slice(place + name.len, value.len));
	return 0;
}

/* What is wrong is kept for the answer, and the rest of the head is not looked at. */
int mst_in_h2_header(void *up, struct mst_slice name, struct mst_slice value)
{
	struct http_deal *deal = up;
	if (deal->x.err.code != MST_E_NONE)
		return 0;
	for (size_t i = 0; i < MST_LEN(fields); i++)
		if (mst_slice_eq(name, fields[i].name) && fields[i].take(deal, value) < 0)
			return 0;
	if (name.at[0] == ':')
		return 0;
	if (check_limits(deal, name.len + value.len, HEADER_AROUND) == 0)
		(void)!add(deal, name, value);
	return 0;
}

/* Fills the exchange from the head. A stage that looks for Host finds it, however it was said. */
static int fill(struct http_deal *deal, bool is_end)
{
	struct mst_xchg *x = &deal->x;
	struct mst_http1_head *head = &deal->head;
	x->in.method = head->method;
	x->in.target = head->target;
	if (x->err.code != MST_E_NONE || mst_http1_target(head->target, head->method_text, &x->err) < 0)
		return -1;
	if (head->host.at && !mst_header_find(head->headers, head->num_headers, MST_S("host")).at &&
	    add(deal, MST_S("host"), head->host) < 0)
		return -1;
	x->in.headers = head->headers;
	x->in.num_headers = head->num_headers;
	if (is_end)
		head->framing = MST_HTTP1_NO_BODY;
	else if (head->framing == MST_HTTP1_NO_BODY)
		head->framing = MST_HTTP1_CHUNKED;
	return 0;
}

static void work(struct http_deal *deal)
{
	mst_framing_enter(deal, PHASE_WORK);
	mst_deal_work(deal);
}

void mst_in_h2_head(void *up, bool is_end)
{
	struct http_deal *deal = up;
	struct http_edge *edge = deal->edge;
	mst_count(MST_C_HTTP_REQUESTS, 1);
	edge->num_requests++;
	deal->has_all = is_end;
	if (!mst_edge_alive(edge))
		return;
	if (fill(deal, is_end) < 0 || mst_in_admit(deal) < 0) {
		mst_in_h2_refuse(deal);
	} else if (is_end) {
		work(deal);
	} else {
		mst_framing_enter(deal, PHASE_BODY);
		mst_in_ready(deal);
		if (deal->head.expects_continue)
			mst_h2_continue(edge->h2.session, deal->stream);
	}
}

static int add_body(struct http_deal *deal, struct mst_slice bytes)
{
	struct mst_xchg *x = &deal->x;
	size_t others = deal->edge->h2.held - deal->held;
	if (deal->place && bytes.len > deal->head.body_len - deal->body_len)
		return mst_fail(&x->err, MST_E_SYNTAX, "the body is longer than its Content-Length");
	if (others && others + deal->held + bytes.len > HTTP_HELD_MAX)
		return mst_fail(&x->err, MST_E_BUSY, "%zu bytes of other bodies on this connection", others);
	if (mst_in_add(deal, bytes) < 0)
		return -1;
	mst_framing_hold(deal, bytes.len);
	return 0;
}

/* Bodies are gathered whole, and what is gathered no longer counts against the window: what one connection may hold is
 * limited by itself. */
void mst_in_h2_body(void *up, struct mst_slice bytes)
{
	struct http_deal *deal = up;
	bool is_taken = deal->phase == PHASE_BODY || bytes.len <= deal->skip;
	if (is_taken)
		mst_h2_consume(deal->edge->h2.session, deal->stream, bytes.len);
	if (deal->phase == PHASE_BODY && add_body(deal, bytes) < 0)
		mst_in_h2_refuse(deal);
	else if (deal->phase == PHASE_SKIP)
		deal->skip -= is_taken ? bytes.len : deal->skip;
}

void mst_in_h2_end(void *up)
{
	struct http_deal *deal = up;
	deal->has_all = true;
	if (deal->phase == PHASE_BODY && mst_edge_alive(deal->edge))
		work(deal);
	else if (deal->phase == PHASE_SKIP)
		mst_framing_enter(deal, PHASE_SEND);
}
