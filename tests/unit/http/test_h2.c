/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 at the edge: a client session of our own on a plain socket; streams side by side, waits, refusals, deadlines, ends. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "muster/log.h"
#include "rig.h"

#define CALLS_MAX 256

/* One request and what came back. */
struct call {
	struct peer *peer;
	uint32_t stream;
	int status;
	char head[2048]; /* "name: value\n" */
	struct mst_buf body;
	bool is_done, is_gone, may_retry, has_end;
};

struct peer {
	struct rig r;
	struct mst_h2 *h2;
	struct mst_buf out;
	struct call calls[CALLS_MAX];
	size_t num_calls, step;
	bool is_shut; /* takes no body: its windows close */
	bool is_broken;
	uint32_t num_goaways, goaway_code;
};

static int put(void *context, struct mst_slice bytes, struct mst_err *e)
{
	struct peer *p = context;
	return mst_buf_add(&p->out, bytes, e);
}

static int on_header(void *up, struct mst_slice name, struct mst_slice value)
{
	struct call *call = up;
	size_t at = strlen(call->head);
	snprintf(call->head + at, sizeof(call->head) - at, "%.*s: %.*s\n", (int)name.len,
		 (const char *)name.at, (int)value.len, (const char *)value.at);
	if (mst_slice_eq(name, MST_S(":status")))
		call->status = atoi((const char *)value.at);
	return 0;
}

static void on_head(void *up, bool is_end)
{
}

static void on_body(void *up, struct mst_slice bytes)
{
	struct call *call = up;
	cr_assert_eq(mst_buf_add(&call->body, bytes, NULL), 0);
	if (!call->peer->is_shut)
		mst_h2_consume(call->peer->h2, call->stream, bytes.len);
}

static void on_end(void *up)
{
	((struct call *)up)->has_end = true;
}

static void on_gone(void *up, bool is_done, bool may_retry)
{
	struct call *call = up;
	call->is_gone = true;
	call->is_done = is_done;
	call->may_retry = may_retry;
}

static void on_goaway(void *context, uint32_t code, struct mst_slice debug)
{
	struct peer *p = context;
	p->num_goaways++;
	p->goaway_code = code;
}

static void hang_up(struct peer *p)
{
	mst_h2_free(&p->h2);
	mst_buf_done(&p->out);
	for (size_t i = 0; i < p->num_calls; i++)
		mst_buf_done(&p->calls[i].body);
	memset(p->calls, 0, sizeof(p->calls));
	p->num_calls = p->num_goaways = 0;
	p->is_broken = false;
	rig_hang_up(&p->r);
}

static void dial(struct peer *p)
{
	const struct mst_h2_hooks hooks = {
		.context = p,
		.put = put,
		.on_header = on_header,
		.on_head = on_head,
		.on_body = on_body,
		.on_end = on_end,
		.on_gone = on_gone,
		.on_goaway = on_goaway,
	};
	hang_up(p);
	cr_assert_eq(mst_h2_new(&p->h2, true, NULL, &hooks, NULL), 0);
	rig_dial(&p->r);
}

static struct peer *start(struct peer *p)
{
	p->r.gate = MST_GATE_PLAIN;
	rig_start(&p->r);
	dial(p);
	return p;
}

static void done(struct peer *p)
{
	hang_up(p);
	rig_done(&p->r);
	free(p);
}

/* One round: what waits leaves, what came is read. */
static void turn(struct peer *p, uint32_t wait_ms)
{
	struct mst_err e = {.text = ""};
	if (!p->is_broken && mst_h2_flush(p->h2, &e) < 0)
		p->is_broken = true;
	rig_give(&p->r, mst_buf_slice(&p->out), p->step);
	mst_buf_drop(&p->out, mst_buf_slice(&p->out).len);
	rig_turn(&p->r, wait_ms);
	rig_read(&p->r);
	struct mst_slice got = mst_buf_slice(&p->r.got);
	if (got.len && !p->is_broken && mst_h2_feed(p->h2, got, &e) < 0)
		p->is_broken = true;
	cr_expect(!p->is_broken, "%s", e.text);
	mst_buf_drop(&p->r.got, got.len);
}

#define WAIT(p, wanted)                                                                            \
	do {                                                                                       \
		for (int turns_ = 0; turns_ < 1000 && !(wanted); turns_++)                         \
			turn((p), turns_ < 4 ? 0 : 5);                                             \
		cr_assert(wanted);                                                                 \
	} while (0)

static struct call *ask_with(struct peer *p, const struct mst_h2_header *headers, size_t num, struct mst_slice body)
{
	struct call *call = &p->calls[p->num_calls++];
	cr_assert(p->num_calls <= CALLS_MAX);
	call->peer = p;
	cr_assert_eq(mst_h2_ask(p->h2, &call->stream, headers, num, body, call, NULL), 0);
	turn(p, 0); /* the headers are lent until the flush */
	return call;
}

static struct call *ask(struct peer *p, const char *method, const char *path, struct mst_slice body)
{
	const struct mst_h2_header headers[] = {
		{.name = MST_S(":method"), .value = mst_slice_str(method)},
		{.name = MST_S(":scheme"), .value = MST_S("http")},
		{.name = MST_S(":authority"), .value = MST_S("a")},
		{.name = MST_S(":path"), .value = mst_slice_str(path)},
	};
	return ask_with(p, headers, MST_LEN(headers), body);
}

static struct call *get(struct peer *p, const char *path)
{
	return ask(p, "GET", path, (struct mst_slice){NULL, 0});
}

static void expect(struct call *call, int status, const char *body)
{
	WAIT(call->peer, call->is_gone);
	cr_expect_eq(call->status, status, "%d instead of %d", call->status, status);
	cr_expect(call->is_done);
	if (body)
		cr_expect(mst_slice_eq(mst_buf_slice(&call->body), mst_slice_str(body)), "%.*s",
			  (int)mst_buf_slice(&call->body).len, (const char *)mst_buf_slice(&call->body).at);
}

static struct peer *new_peer(void)
{
	return calloc(1, sizeof(struct peer));
}

/* The edge's own number of streams in a phase. */
static uint32_t num_in(struct peer *p, enum http_phase phase)
{
	struct http_edge *edge = rig_edge(&p->r);
	return edge && edge->framing == &mst_framing_h2 ? edge->h2.num[phase] : 0;
}

#define H(name, value) {MST_S_INIT(name), MST_S_INIT(value)}

/* One request each; what HTTP/1.1 refuses is refused here, and the connection lives. */
static const struct {
	const char *name;
	struct mst_header headers[7]; /* name.len 0 ends */
	const char *body;
	int status; /* 0: the stream is reset */
	const char *answer;
} rows[] = {
#define START(method, path) H(":method", method), H(":scheme", "https"), H(":authority", "a"), H(":path", path)
	{"echo", {START("PUT", "/echo")}, "hello", 200, "hello"},
	{"echo with a length", {START("PUT", "/echo"), H("content-length", "5")}, "hello", 200, "hello"},
	{"no body", {START("GET", "/echo")}, NULL, 200, ""},
	{"count", {START("GET", "/count")}, NULL, 200, "1"},
	{"count again", {START("GET", "/count")}, NULL, 200, "2"},
	{"204", {START("GET", "/empty")}, NULL, 204, ""},
	{"HEAD", {START("HEAD", "/big")}, NULL, 200, ""},
	{"denied", {START("GET", "/deny")}, NULL, 403, "not here\n"},
	{"denied with a body", {START("PUT", "/deny")}, "hello", 403, "not here\n"},
	{"expect", {START("PUT", "/echo"), H("expect", "100-continue")}, "hello", 200, "hello"},
	{"another expect", {START("PUT", "/echo"), H("expect", "x")}, NULL, 417, NULL},
	{"unknown method", {START("FROB", "/echo")}, NULL, 501, NULL},
	{"method is no token", {START("G T", "/echo")}, NULL, 0, NULL},
	{"relative path", {START("GET", "/a/../echo")}, NULL, 400, NULL},
	{"hidden relative path", {START("GET", "/a/%2e%2E/echo")}, NULL, 400, NULL},
	{"path decoded once", {START("GET", "/%65cho")}, NULL, 200, ""},
	{"path not decoded twice", {START("GET", "/%2565cho")}, NULL, 403, NULL},
	{"NUL in a path", {START("GET", "/echo%00")}, NULL, 400, NULL},
	{"bad escape", {START("GET", "/echo%zz")}, NULL, 400, NULL},
	{"empty part", {START("GET", "//echo")}, NULL, 400, NULL},
	{"query is no path", {START("GET", "/echo?/../%zz")}, NULL, 200, ""},
	{"fragment", {START("GET", "/echo#a")}, NULL, 400, NULL},
	{"absolute target", {START("GET", "http://a/echo")}, NULL, 0, NULL},
	{"star", {START("OPTIONS", "*")}, NULL, 400, NULL},
	{"same host", {START("GET", "/echo"), H("host", "A")}, NULL, 200, ""},
	{"another host", {START("GET", "/echo"), H("host", "b")}, NULL, 400, NULL},
	{"host alone", {H(":method", "GET"), H(":scheme", "https"), H(":path", "/echo"), H("host", "a")}, NULL, 200, ""},
	{"no host", {H(":method", "GET"), H(":scheme", "https"), H(":path", "/echo")}, NULL, 0, NULL},
	{"bad host", {H(":method", "GET"), H(":scheme", "https"), H(":authority", "a,b"), H(":path", "/echo")}, NULL, 400, NULL},
	{"another scheme", {H(":method", "GET"), H(":scheme", "ftp"), H(":authority", "a"), H(":path", "/echo")}, NULL, 400, NULL},
	{"no path", {H(":method", "GET"), H(":scheme", "https"), H(":authority", "a")}, NULL, 0, NULL},
	{"connection header", {START("GET", "/echo"), H("connection", "close")}, NULL, 0, NULL},
	{"transfer coding", {START("PUT", "/echo"), H("transfer-encoding", "chunked")}, "x", 0, NULL},
	{"upgrade", {START("GET", "/echo"), H("upgrade", "h2c")}, NULL, 0, NULL},
	{"space around a value", {START("GET", "/echo"), H("x-a", " b ")}, NULL, 200, ""},
	{"upper case", {START("GET", "/echo"), H("X-A", "b")}, NULL, 0, NULL},
	{"name is no token", {START("GET", "/echo"), H("x a", "b")}, NULL, 0, NULL},
	{"control character", {START("GET", "/echo"), H("x-a", "b\x01")}, NULL, 0, NULL},
	{"line break", {START("GET", "/echo"), H("x-a", "b\r\nx-b: c")}, NULL, 0, NULL},
	{"two lengths", {START("PUT", "/echo"), H("content-length", "5"), H("content-length", "5")}, "hello", 0, NULL},
	{"bad length", {START("PUT", "/echo"), H("content-length", "+5")}, "hello", 0, NULL},
	{"length and body differ", {START("PUT", "/echo"), H("content-length", "4")}, "hello", 0, NULL},
	{"length and no body", {START("PUT", "/echo"), H("content-length", "4")}, NULL, 0, NULL},
	{"no way's answer is ours", {START("GET", "/none")}, NULL, 500, NULL},
	{"a header that cannot be", {START("GET", "/bad")}, NULL, 0, NULL},
};

static void expect_row(struct peer *p, size_t i)
{
	struct mst_h2_header headers[MST_LEN(rows[i].headers)];
	size_t num = 0;
	for (; num < MST_LEN(headers) && rows[i].headers[num].name.len; num++)
		headers[num] = (struct mst_h2_header){.name = rows[i].headers[num].name, .value = rows[i].headers[num].value};
	struct call *call = ask_with(p, headers, num, mst_slice_str(rows[i].body));
	WAIT(p, call->is_gone || p->r.has_ended);
	struct mst_slice body = mst_buf_slice(&call->body);
	cr_expect(!p->r.has_ended, "%s: ended", rows[i].name);
	cr_expect_eq(call->status, rows[i].status, "%s: %d", rows[i].name, call->status);
	cr_expect_eq(call->is_done, rows[i].status != 0, "%s: done", rows[i].name);
	if (rows[i].answer)
		cr_expect(mst_slice_eq(body, mst_slice_str(rows[i].answer)), "%s: %.*s", rows[i].name, (int)body.len,
			  (const char *)body.at);
}

static void expect_rows(size_t step)
{
	struct peer *p = new_peer();
	p->r.num_warns = 2; /* /none, /bad */
	p->step = step;
	start(p);
	for (size_t i = 0; i < MST_LEN(rows); i++)
		expect_row(p, i);
	WAIT(p, mst_slab_used(p->r.http->deals) == 0);
	cr_expect_eq(rig_edge(&p->r)->h2.held, 0);
	cr_expect_eq(p->r.http->num_streams, 0);
	cr_expect_eq(mst_http_busy(p->r.http), 0);
	done(p);
}

Test(h2, rows_in_one_piece)
{
	expect_rows(0);
}

Test(h2, rows_byte_by_byte)
{
	expect_rows(1);
}

Test(h2, rows_in_sevens)
{
	expect_rows(7);
}

Test(h2, reply_has_what_it_must)
{
	struct peer *p = start(new_peer());
	struct call *call = ask(p, "PUT", "/echo", MST_S("hi"));
	expect(call, 200, "hi");
	cr_expect_not_null(strstr(call->head, "date: "));
	cr_expect_not_null(strstr(call->head, " GMT\n"));
	cr_expect_not_null(strstr(call->head, "content-type: text/plain\n"));
	cr_expect_not_null(strstr(call->head, "content-length: 2\n"));
	cr_expect_null(strstr(call->head, "connection"));
	call = ask(p, "HEAD", "/big", (struct mst_slice){NULL, 0});
	expect(call, 200, "");
	cr_expect_not_null(strstr(call->head, "content-length: 200000\n"));
	done(p);
}

Test(h2, limits_of_heads_are_http1s)
{
	static uint8_t value[40000];
	struct peer *p = new_peer();
	struct mst_h2_header headers[40] = {
		{.name = MST_S(":method"), .value = MST_S("GET")},
		{.name = MST_S(":scheme"), .value = MST_S("http")},
		{.name = MST_S(":authority"), .value = MST_S("a")},
		{.name = MST_S(":path"), .value = MST_S("/echo")},
	};
	p->r.conf.headers_max = 20;
	p->r.conf.head_max = 20000;
	start(p);
	memset(value, 'a', sizeof(value));
	for (size_t i = 4; i < MST_LEN(headers); i++)
		headers[i] = (struct mst_h2_header){.name = MST_S("x"), .value = MST_S("y")};
	expect(ask_with(p, headers, 4 + 19, (struct mst_slice){NULL, 0}), 200, ""); /* and Host is one */
	expect(ask_with(p, headers, 4 + 21, (struct mst_slice){NULL, 0}), 431, NULL);
	headers[4].value = mst_slice(value, 16384 - 3);
	expect(ask_with(p, headers, 5, (struct mst_slice){NULL, 0}), 200, "");
	headers[4].value = mst_slice(value, 16384 - 2);
	expect(ask_with(p, headers, 5, (struct mst_slice){NULL, 0}), 431, "a line of the head is over 16384 bytes\n");
	headers[4].value = headers[5].value = mst_slice(value, 12000);
	expect(ask_with(p, headers, 6, (struct mst_slice){NULL, 0}), 431, "the head is over 20000 bytes\n");
	expect(get(p, "/echo"), 200, "");
	/* Far beyond: no answer is owed. */
	for (size_t i = 4; i < 7; i++)
		headers[i].value = mst_slice(value, 16000);
	struct call *call = ask_with(p, headers, 7, (struct mst_slice){NULL, 0});
	WAIT(p, p->r.has_ended);
	cr_expect_eq(p->num_goaways, 1);
	cr_expect_eq(p->goaway_code, 11, "%s", mst_h2_code_word(p->goaway_code));
	cr_expect_eq(call->status, 0);
	done(p);
}

Test(h2, bodies_of_every_size_and_big_answers)
{
	static const size_t sizes[] = {1, 4095, 4096, 16383, 16384, 16385, 65535, 65536, 99999, 100000};
	struct peer *p = start(new_peer());
	uint8_t *bytes = malloc(100000);
	for (size_t i = 0; i < 100000; i++)
		bytes[i] = (uint8_t)('a' + i * 7 % 26);
	for (size_t i = 0; i < MST_LEN(sizes); i++) {
		struct call *call = ask(p, "PUT", "/echo", mst_slice(bytes, sizes[i]));
		WAIT(p, call->is_gone);
		cr_expect_eq(call->status, 200, "%zu: %d", sizes[i], call->status);
		cr_expect(mst_slice_eq(mst_buf_slice(&call->body), mst_slice(bytes, sizes[i])), "%zu", sizes[i]);
	}
	struct call *big = get(p, "/big");
	WAIT(p, big->is_gone);
	cr_expect_eq(mst_buf_slice(&big->body).len, 200000);
	expect(ask(p, "PUT", "/echo", mst_slice(bytes, 100000)), 200, NULL);
	p->r.body_max = 99999;
	expect(ask(p, "PUT", "/echo", mst_slice(bytes, 100000)), 413, NULL);
	expect(get(p, "/echo"), 200, "");
	free(bytes);
	done(p);
}

Test(h2, streams_do_not_wait_for_each_other)
{
	struct peer *p = start(new_peer());
	struct call *slow = ask(p, "PUT", "/wait", MST_S("abc"));
	WAIT(p, p->r.waiting);
	cr_expect_eq(rig_edge(&p->r)->conn->state, MST_CONN_WORK);
	for (int i = 0; i < 50; i++)
		expect(get(p, "/echo"), 200, "");
	cr_expect(!slow->is_gone);
	cr_expect_eq(mst_http_busy(p->r.http), 1);
	cr_expect_eq(rig_edge(&p->r)->conn->state, MST_CONN_WORK);
	rig_wake(&p->r);
	expect(slow, 200, "abc");
	expect(get(p, "/count"), 200, "2"); /* the wait's way counted too */
	WAIT(p, rig_edge(&p->r)->conn->state == MST_CONN_IDLE);
	done(p);
}

Test(h2, a_stream_taken_back_leaves_an_orphan)
{
	struct peer *p = start(new_peer());
	struct call *call = get(p, "/wait");
	WAIT(p, p->r.waiting);
	mst_h2_reset(p->h2, call->stream, false);
	WAIT(p, num_in(p, PHASE_WORK) == 0);
	cr_expect_eq(mst_slab_used(p->r.http->deals), 1);
	cr_expect_eq(mst_http_busy(p->r.http), 1);
	expect(get(p, "/echo"), 200, "");
	rig_wake(&p->r);
	cr_expect(p->r.was_orphan);
	cr_expect_eq(mst_slab_used(p->r.http->deals), 0);
	cr_expect_eq(mst_http_busy(p->r.http), 0);
	expect(get(p, "/count"), 200, "1"); /* what an orphan keeps is its own */
	done(p);
}

Test(h2, a_lost_connection_leaves_orphans)
{
	struct peer *p = start(new_peer());
	get(p, "/wait");
	WAIT(p, p->r.waiting);
	hang_up(p);
	for (int i = 0; i < 100 && mst_net_open(p->r.net); i++)
		rig_turn(&p->r, 5);
	/* The peer may have read on after its end: the answer is still under way. */
	rig_wake(&p->r);
	UNTIL(&p->r, mst_net_open(p->r.net) == 0);
	cr_expect_eq(mst_slab_used(p->r.http->deals), 0);
	cr_expect_eq(mst_http_busy(p->r.http), 0);
	done(p);
}

Test(h2, freed_with_an_exchange_waiting)
{
	struct peer *p = start(new_peer());
	get(p, "/wait");
	WAIT(p, p->r.waiting);
	done(p);
}

Test(h2, half_closed_still_gets_its_answer)
{
	struct peer *p = start(new_peer());
	struct call *call = get(p, "/wait");
	WAIT(p, p->r.waiting);
	shutdown(p->r.fd, SHUT_WR);
	UNTIL(&p->r, rig_edge(&p->r)->has_ended);
	rig_wake(&p->r);
	for (int i = 0; i < 100 && !p->r.has_ended; i++) {
		rig_turn(&p->r, 5);
		rig_read(&p->r);
	}
	cr_assert_eq(mst_h2_feed(p->h2, mst_buf_slice(&p->r.got), NULL), 0);
	cr_expect_eq(call->status, 200);
	cr_expect(call->is_done);
	UNTIL(&p->r, mst_net_open(p->r.net) == 0);
	done(p);
}

Test(h2, drop_closes_the_connection)
{
	struct peer *p = start(new_peer());
	struct call *call = get(p, "/drop");
	WAIT(p, p->r.has_ended);
	cr_expect_eq(call->status, 0);
	UNTIL(&p->r, mst_slab_used(p->r.http->deals) == 0);
	done(p);
}

Test(h2, too_many_exchanges_are_503)
{
	struct peer *p = new_peer();
	p->r.num_warns = 1;
	p->r.conf.exchanges_max = 2;
	start(p);
	get(p, "/wait");
	WAIT(p, p->r.waiting);
	struct mst_xchg *first = p->r.waiting;
	get(p, "/wait");
	WAIT(p, p->r.waiting != first);
	struct call *call = get(p, "/echo");
	WAIT(p, call->is_gone);
	cr_expect(call->status == 503 || call->may_retry, "neither answered nor refused");
	rig_wake(&p->r);
	p->r.waiting = first;
	rig_wake(&p->r);
	WAIT(p, mst_http_busy(p->r.http) == 0 && p->calls[1].is_gone);
	expect(get(p, "/echo"), 200, "");
	p->r.num_warns = mst_log_count(MST_WARN);
	done(p);
}

Test(h2, requests_max_ends_it_behind_those_open)
{
	struct peer *p = new_peer();
	p->r.conf.requests_max = 3;
	start(p);
	struct call *slow = get(p, "/wait");
	WAIT(p, p->r.waiting);
	expect(get(p, "/echo"), 200, "");
	expect(get(p, "/echo"), 200, "");
	WAIT(p, p->num_goaways > 0);
	cr_expect_eq(p->goaway_code, 0);
	cr_expect(!slow->is_gone && !p->r.has_ended);
	rig_wake(&p->r);
	expect(slow, 200, "");
	WAIT(p, p->r.has_ended);
	done(p);
}

Test(h2, drain_lets_streams_finish_and_ends_idle_connections)
{
	struct peer *p = start(new_peer());
	struct call *slow = get(p, "/wait");
	WAIT(p, p->r.waiting);
	mst_http_drain(p->r.http);
	WAIT(p, p->num_goaways > 0);
	rig_wake(&p->r);
	expect(slow, 200, "");
	WAIT(p, p->r.has_ended);
	p->r.http->is_draining = false;
	dial(p);
	expect(get(p, "/echo"), 200, "");
	WAIT(p, rig_edge(&p->r)->conn->state == MST_CONN_IDLE);
	mst_http_drain(p->r.http);
	WAIT(p, p->r.has_ended);
	cr_expect(p->num_goaways > 0);
	cr_expect_eq(p->goaway_code, 0);
	done(p);
}

Test(h2, an_idle_connection_holds_little_and_ends_by_its_deadline)
{
	struct peer *p = new_peer();
	p->r.net_conf.state_ms[MST_CONN_IDLE] = 200;
	start(p);
	expect(ask(p, "PUT", "/echo", MST_S("hello")), 200, "hello");
	WAIT(p, rig_edge(&p->r)->conn->state == MST_CONN_IDLE);
	struct http_edge *edge = rig_edge(&p->r);
	cr_expect_null(edge->left.data);
	cr_expect_null(edge->conn->out);
	cr_expect_eq(mst_slab_used(p->r.http->deals), 0);
	WAIT(p, p->r.has_ended);
	cr_expect_eq(p->num_goaways, 1);
	cr_expect_eq(p->goaway_code, 0);
	done(p);
}

Test(h2, a_peer_that_takes_no_answers_is_sent_away)
{
	struct peer *p = new_peer();
	p->r.net_conf.state_ms[MST_CONN_WRITE] = 200;
	p->is_shut = true;
	start(p);
	struct call *call = get(p, "/big");
	WAIT(p, mst_buf_slice(&call->body).len == 65535);
	cr_expect_eq(rig_edge(&p->r)->conn->state, MST_CONN_WRITE);
	WAIT(p, p->r.has_ended);
	cr_expect(p->num_goaways > 0);
	UNTIL(&p->r, mst_slab_used(p->r.http->deals) == 0);
	done(p);
}

Test(h2, a_stream_whose_answer_is_not_taken_ends_alone)
{
	struct peer *p = new_peer();
	p->r.conf.write_ms = 50; /* times 4: 200,000 bytes */
	p->is_shut = true;
	start(p);
	struct call *big = get(p, "/big"), *slow = get(p, "/wait");
	WAIT(p, p->r.waiting && mst_buf_slice(&big->body).len == 65535);
	WAIT(p, big->is_gone);
	cr_expect(!big->is_done);
	rig_wake(&p->r);
	expect(slow, 200, "");
	cr_expect(!p->r.has_ended);
	done(p);
}
