/* SPDX-License-Identifier: Apache-2.0 */
/* The edge without TLS: requests in every cut, pipelines, waits, refusals, deadlines, ends. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "rig.h"

#define HOST            "Host: a\r\n"
#define ECHO(len, body) "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: " #len "\r\n\r\n" body
#define GET(path)       "GET " path " HTTP/1.1\r\n" HOST "\r\n"

/* What one connection sends, and the statuses it gets; a closing one ends the row. */
static const struct {
	const char *name, *text;
	int statuses[4];
	const char *body; /* of the last reply; NULL: not looked at */
	bool ends;        /* closed behind the last reply */
} rows[] = {
	{"echo", ECHO(5, "hello"), {200}, "hello", false},
	{"two in one piece", ECHO(5, "hello") ECHO(2, "hi"), {200, 200}, "hi", false},
	{"blank line between", ECHO(5, "hello") "\r\n" ECHO(2, "hi"), {200, 200}, "hi", false},
	{"no body", GET("/echo"), {200}, "", false},
	{"chunked",
	 "POST /echo HTTP/1.1\r\n" HOST
	 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: u\r\n\r\n" GET(
		 "/count"),
	 {200, 200},
	 "1",
	 false},
	{"count", GET("/count") GET("/count") GET("/count"), {200, 200, 200}, "3", false},
	{"204", GET("/empty") GET("/echo"), {204, 200}, "", false},
	{"1.0 closes", "GET /echo HTTP/1.0\r\n\r\n", {200}, "", true},
	{"1.0 keep-alive closes too",
	 "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	 {200},
	 "",
	 true},
	{"asked to close",
	 "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" GET("/echo"),
	 {200},
	 "",
	 true},
	{"denied", GET("/deny") GET("/echo"), {403, 200}, "", false},
	{"denied, body skipped",
	 "PUT /deny HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello" GET("/echo"),
	 {403, 200},
	 "",
	 false},
	{"denied, chunks skipped",
	 "PUT /deny HTTP/1.1\r\n" HOST
	 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" GET("/echo"),
	 {403, 200},
	 "",
	 false},
	{"denied, long body",
	 "PUT /deny HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n",
	 {403},
	 "not here\n",
	 true},
	{"denied, waits for 100",
	 "PUT /deny HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
	 {403},
	 "not here\n",
	 true},
	{"too big",
	 "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\n",
	 {413},
	 NULL,
	 true},
	{"expect",
	 "PUT /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
	 {100, 200},
	 "hello",
	 false},
	{"expect without body",
	 "PUT /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n",
	 {200},
	 "",
	 false},
	{"another expect", "PUT /echo HTTP/1.1\r\n" HOST "Expect: x\r\n\r\n", {417}, NULL, true},
	{"both lengths",
	 "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	 {400},
	 NULL,
	 true},
	{"no host", "GET /echo HTTP/1.1\r\n\r\n", {400}, "no Host\n", true},
	{"rubbish", "hello\r\n\r\n", {400}, NULL, true},
	{"TLS on a plain port", "\x16\x03\x01\x02", {400}, NULL, true},
	{"unknown method", "FROB /echo HTTP/1.1\r\n" HOST "\r\n", {501}, NULL, true},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}, NULL, true},
	{"bad chunk",
	 "PUT /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nz",
	 {400},
	 NULL,
	 true},
	{"second is rubbish", GET("/echo") "\x01", {200, 400}, NULL, true},
	{"relative path", GET("/a/../echo"), {400}, NULL, false},
	{"hidden relative path", GET("/a/%2e%2E/echo"), {400}, NULL, false},
	{"path decoded once", GET("/%65cho"), {200}, "", false},
	{"path not decoded twice", GET("/%2565cho"), {403}, NULL, false},
	{"NUL in a path", GET("/echo%00"), {400}, NULL, false},
	{"bad escape", GET("/echo%zz"), {400}, NULL, false},
	{"empty part", GET("//echo"), {400}, NULL, false},
	{"query is no path", GET("/echo?/../%zz"), {200}, "", false},
};

static void expect_row(struct rig *r, size_t i, size_t step)
{
	char body[256];
	bool closes = false;
	size_t num = 0;
	rig_dial(r);
	rig_give(r, mst_slice_str(rows[i].text), step);
	for (; num < MST_LEN(rows[i].statuses) && rows[i].statuses[num]; num++) {
		int status = rig_reply(r, MST_GET, body, sizeof(body), &closes);
		cr_expect_eq(status, rows[i].statuses[num], "%s, step %zu: %d", rows[i].name, step,
			     status);
	}
	cr_expect_eq(closes, rows[i].ends, "%s: said it closes", rows[i].name);
	if (rows[i].body)
		cr_expect_str_eq(body, rows[i].body, "%s, step %zu", rows[i].name, step);
	if (rows[i].ends)
		cr_expect_eq(rig_reply(r, MST_GET, NULL, 0, NULL), 0, "%s: goes on", rows[i].name);
	else
		cr_expect(!r->has_ended, "%s: ended", rows[i].name);
	cr_expect_eq(mst_buf_slice(&r->got).len, 0, "%s: bytes behind", rows[i].name);
}

Test(edge, rows_in_one_piece)
{
	struct rig r = {0};
	rig_start(&r);
	for (size_t i = 0; i < MST_LEN(rows); i++)
		expect_row(&r, i, 0);
	rig_done(&r);
}

Test(edge, rows_byte_by_byte)
{
	struct rig r = {0};
	rig_start(&r);
	for (size_t i = 0; i < MST_LEN(rows); i++)
		expect_row(&r, i, 1);
	rig_done(&r);
}

Test(edge, rows_in_sevens)
{
	struct rig r = {0};
	rig_start(&r);
	for (size_t i = 0; i < MST_LEN(rows); i++)
		expect_row(&r, i, 7);
	rig_done(&r);
}

Test(edge, reply_has_what_it_must)
{
	struct rig r = {0};
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, ECHO(2, "hi"));
	UNTIL(&r, (rig_read(&r), mst_buf_slice(&r.got).len > 0));
	struct mst_slice s = mst_buf_slice(&r.got);
	char text[512];
	snprintf(text, sizeof(text), "%.*s", (int)s.len, (const char *)s.at);
	cr_expect(strstr(text, "HTTP/1.1 200 OK\r\n") == text);
	cr_expect_not_null(strstr(text, "\r\nDate: "));
	cr_expect_not_null(strstr(text, " GMT\r\n"));
	cr_expect_not_null(strstr(text, "\r\nContent-Type: text/plain\r\n"));
	cr_expect_not_null(strstr(text, "\r\nContent-Length: 2\r\n"));
	cr_expect_null(strstr(text, "Server"));
	cr_expect_null(strstr(text, "Connection"));
	rig_done(&r);
}

Test(edge, head_answers_without_a_body)
{
	struct rig r = {0};
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, "HEAD /big HTTP/1.1\r\n" HOST "\r\n" GET("/echo"));
	cr_expect_eq(rig_reply(&r, MST_HEAD, NULL, 0, NULL), 200);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200);
	rig_done(&r);
}

Test(edge, bodies_of_every_size)
{
	static const size_t sizes[] = {1, 4095, 4096, 16383, 16384, 16385, 65536, 99999, 100000};
	struct rig r = {0};
	uint8_t *bytes = malloc(100000);
	for (size_t i = 0; i < 100000; i++)
		bytes[i] = (uint8_t)('a' + i * 7 % 26);
	rig_start(&r);
	rig_dial(&r);
	for (size_t i = 0; i < MST_LEN(sizes); i++) {
		char head[128];
		snprintf(head, sizeof(head),
			 "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", sizes[i]);
		GIVE(&r, head);
		rig_give(&r, mst_slice(bytes, sizes[i]), 0);
		cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200, "%zu", sizes[i]);
		cr_expect(mst_slice_eq(mst_buf_slice(&r.last_body), mst_slice(bytes, sizes[i])),
			  "%zu", sizes[i]);
	}
	free(bytes);
	rig_done(&r);
}

Test(edge, a_refused_body_that_goes_wrong_or_on_ends_the_connection)
{
	static uint8_t chunk[8192];
	struct rig r = {0};
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, "PUT /deny HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n");
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 403);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 0);
	rig_dial(&r);
	GIVE(&r, "PUT /deny HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 9; i++) {
		GIVE(&r, "2000\r\n");
		rig_give(&r, mst_slice(chunk, sizeof(chunk)), 0);
		GIVE(&r, "\r\n");
	}
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 403);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 0);
	rig_done(&r);
}

Test(edge, chunks_over_the_limit)
{
	struct rig r = {.body_max = 4};
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, "PUT /echo HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n");
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200);
	GIVE(&r, "PUT /echo HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 413);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 0);
	cr_expect_eq(r.num_walks, 1);
	rig_done(&r);
}

Test(edge, a_head_alone_reserves_little)
{
	struct rig r = {.body_max = 64 << 20};
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 60000000\r\n\r\nabc");
	UNTIL(&r, rig_edge(&r) && rig_edge(&r)->h1.deal);
	cr_expect(rig_edge(&r)->h1.deal->body.room <= 4096);
	cr_expect(rig_edge(&r)->h1.deal->x.arena.used <= 4096);
	rig_done(&r);
}

Test(edge, a_wait_holds_the_pipeline)
{
	struct rig r = {0};
	char body[64];
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, "PUT /wait HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc" GET("/count")
			 ECHO(2, "hi"));
	UNTIL(&r, r.waiting != NULL);
	cr_expect_eq(r.num_walks, 1);
	cr_expect_eq(mst_http_busy(r.http), 1);
	cr_expect(rig_edge(&r)->conn->is_paused);
	cr_expect_eq(rig_edge(&r)->conn->state, MST_CONN_WORK);
	rig_wake(&r);
	cr_expect_eq(rig_reply(&r, MST_GET, body, sizeof(body), NULL), 200);
	cr_expect_str_eq(body, "abc");
	cr_expect_eq(rig_reply(&r, MST_GET, body, sizeof(body), NULL), 200);
	cr_expect_str_eq(body, "2"); /* the wait's way counted too */
	cr_expect_eq(rig_reply(&r, MST_GET, body, sizeof(body), NULL), 200);
	cr_expect_str_eq(body, "hi");
	cr_expect_eq(mst_http_busy(r.http), 0);
	cr_expect(!rig_edge(&r)->conn->is_paused);
	UNTIL(&r, rig_edge(&r)->conn->state == MST_CONN_IDLE);
	rig_done(&r);
}

Test(edge, an_empty_line_behind_a_body_is_no_request)
{
	struct rig r = {0};
	rig_start(&r);
	rig_dial(&r);
	rig_give(&r, MST_S(ECHO(5, "hello") "\r\n"), 1);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200);
	UNTIL(&r, rig_edge(&r)->conn->state == MST_CONN_IDLE);
	cr_expect_null(rig_edge(&r)->left.data);
	GIVE(&r, "\r\n\r\n" GET("/echo"));
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200);
	rig_done(&r);
}

Test(edge, an_idle_connection_holds_nothing)
{
	struct rig r = {0};
	rig_start(&r);
	rig_dial(&r);
	rig_give(&r, MST_S(ECHO(5, "hello")), 3);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200);
	UNTIL(&r, rig_edge(&r)->conn->state == MST_CONN_IDLE);
	struct http_edge *edge = rig_edge(&r);
	cr_expect_null(edge->left.data);
	cr_expect_null(edge->h1.deal);
	cr_expect_null(edge->conn->out);
	cr_expect_eq(mst_slab_used(r.http->deals), 0);
	cr_expect(sizeof(*edge) <= 256, "%zu bytes", sizeof(*edge));
	rig_done(&r);
}

Test(edge, a_lost_connection_leaves_an_orphan)
{
	struct rig r = {0};
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/wait"));
	UNTIL(&r, r.waiting != NULL);
	struct linger now = {1, 0};
	setsockopt(r.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	rig_hang_up(&r);
	UNTIL(&r, mst_net_open(r.net) == 0);
	cr_expect_eq(mst_slab_used(r.http->deals), 1);
	rig_wake(&r);
	cr_expect(r.was_orphan);
	cr_expect_eq(mst_slab_used(r.http->deals), 0);
	cr_expect_eq(mst_http_busy(r.http), 0);
	rig_done(&r);
}

Test(edge, a_lost_connection_in_a_body_leaves_nothing)
{
	struct rig r = {0};
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 50000\r\n\r\nabc");
	UNTIL(&r, mst_slab_used(r.http->deals) == 1);
	rig_hang_up(&r);
	UNTIL(&r, mst_net_open(r.net) == 0);
	cr_expect_eq(mst_slab_used(r.http->deals), 0);
	cr_expect_eq(mst_slab_used(r.http->edges), 0);
	rig_done(&r);
}

Test(edge, freed_with_an_exchange_waiting)
{
	struct rig r = {0};
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/wait"));
	UNTIL(&r, r.waiting != NULL);
	rig_done(&r);
}

Test(edge, half_closed_still_gets_its_answer)
{
	struct rig r = {0};
	bool closes = false;
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/wait"));
	UNTIL(&r, r.waiting != NULL);
	shutdown(r.fd, SHUT_WR);
	UNTIL(&r, rig_edge(&r)->has_ended);
	rig_wake(&r);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, &closes), 200);
	cr_expect(closes);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 0);
	UNTIL(&r, mst_net_open(r.net) == 0);
	rig_done(&r);
}

Test(edge, too_much_behind_a_wait_closes)
{
	struct rig r = {0};
	static uint8_t junk[400000];
	memset(junk, 'a', sizeof(junk));
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/wait"));
	UNTIL(&r, r.waiting != NULL);
	struct http_edge *edge = rig_edge(&r);
	/* As if the kernel had completed many receives before the pause took hold. */
	for (size_t at = 0; at < sizeof(junk) && mst_edge_alive(edge); at += 4000)
		mst_http_edge.on_bytes(edge->conn, mst_slice(junk + at, 4000));
	cr_expect(!mst_edge_alive(edge));
	UNTIL(&r, mst_net_open(r.net) == 0);
	rig_wake(&r);
	cr_expect(r.was_orphan);
	rig_done(&r);
}

Test(edge, drop_closes_without_an_answer)
{
	struct rig r = {0};
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/drop") GET("/echo"));
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 0);
	cr_expect_eq(r.num_walks, 1);
	rig_done(&r);
}

Test(edge, our_own_mistakes_are_500_or_a_close)
{
	struct rig r = {.num_warns = 2};
	char body[64];
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/none"));
	cr_expect_eq(rig_reply(&r, MST_GET, body, sizeof(body), NULL), 500);
	cr_expect_str_eq(body, "{\"error\": \"internal\"}\n");
	GIVE(&r, GET("/bad"));
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 0);
	rig_done(&r);
}

Test(edge, over_exchanges_max_is_503)
{
	struct rig r = {.conf.exchanges_max = 1, .num_warns = 1};
	char text[512];
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/wait"));
	UNTIL(&r, r.waiting != NULL);
	int first = r.fd;
	r.fd = -1;
	rig_dial(&r);
	GIVE(&r, ECHO(5, "hello"));
	UNTIL(&r, (rig_read(&r), mst_buf_slice(&r.got).len > 0));
	struct mst_slice s = mst_buf_slice(&r.got);
	snprintf(text, sizeof(text), "%.*s", (int)s.len, (const char *)s.at);
	cr_expect_not_null(strstr(text, "503 Service Unavailable"));
	cr_expect_not_null(strstr(text, "Retry-After: 1\r\n"));
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 503);
	rig_wake(&r);
	GIVE(&r, ECHO(5, "hello"));
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200);
	rig_hang_up(&r);
	r.fd = first;
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200);
	rig_done(&r);
}

Test(edge, requests_max_closes_politely)
{
	struct rig r = {.conf.requests_max = 2};
	bool closes = false;
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/echo") GET("/echo") GET("/echo"));
	cr_expect(rig_reply(&r, MST_GET, NULL, 0, &closes) == 200 && !closes);
	cr_expect(rig_reply(&r, MST_GET, NULL, 0, &closes) == 200 && closes);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 0);
	cr_expect_eq(r.num_walks, 2);
	rig_done(&r);
}

Test(edge, drain)
{
	struct rig r = {0};
	bool closes = false;
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/wait"));
	UNTIL(&r, r.waiting != NULL);
	int busy = r.fd;
	r.fd = -1;
	rig_dial(&r);
	GIVE(&r, GET("/echo"));
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200);
	UNTIL(&r, rig_edge(&r)->conn->state == MST_CONN_IDLE ||
			  rig_edge(&r)->conn->state == MST_CONN_WORK);
	rig_turn(&r, 0);
	mst_http_drain(r.http);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 0);
	rig_hang_up(&r);
	r.fd = busy;
	r.has_ended = false;
	cr_expect_eq(mst_http_busy(r.http), 1);
	rig_wake(&r);
	cr_expect(rig_reply(&r, MST_GET, NULL, 0, &closes) == 200 && closes);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 0);
	UNTIL(&r, mst_net_open(r.net) == 0);
	rig_done(&r);
}

Test(edge, deadlines)
{
	static const struct {
		const char *name, *text;
		int status; /* 0: closed */
	} late[] = {
		{"idle", "", 0},
		{"idle after a request", GET("/echo"), 0},
		{"head", "GET /echo HT", 408},
		{"second head", GET("/echo") "GET", 408},
		{"body", "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabc", 408},
		{"refused body", "PUT /deny HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabc", 0},
	};
	struct rig r = {0};
	for (enum mst_conn_state s = MST_CONN_HELLO; s <= MST_CONN_BODY; s++)
		r.net_conf.state_ms[s] = 60;
	rig_start(&r);
	for (size_t i = 0; i < MST_LEN(late); i++) {
		rig_dial(&r);
		GIVE(&r, late[i].text);
		int status = rig_reply(&r, MST_GET, NULL, 0, NULL);
		if (status == 200 || status == 403)
			status = rig_reply(&r, MST_GET, NULL, 0, NULL);
		cr_expect_eq(status, late[i].status, "%s: %d", late[i].name, status);
		if (status)
			cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 0, "%s", late[i].name);
	}
	rig_done(&r);
}

Test(edge, a_deadline_in_work_waits_on)
{
	struct rig r = {.net_conf.state_ms[MST_CONN_WORK] = 40};
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/wait"));
	UNTIL(&r, r.waiting != NULL);
	UNTIL(&r, rig_count(MST_C_CONN_LATE) >= 2);
	rig_wake(&r);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200);
	rig_done(&r);
}

Test(edge, a_pipeline_of_big_answers_waits_for_its_reader)
{
	struct rig r = {0};
	int small = 65536;
	rig_start(&r);
	rig_dial(&r);
	setsockopt(r.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; i < 40; i++)
		GIVE(&r, GET("/big"));
	for (int i = 0; i < 50; i++)
		rig_turn(&r, 1);
	cr_expect(r.num_walks < 40, "%u", r.num_walks);
	for (int i = 0; i < 40; i++)
		cr_assert_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200, "answer %d", i);
	cr_expect_eq(r.num_walks, 40);
	rig_done(&r);
}

Test(edge, an_answer_longer_than_the_output_goes_piece_by_piece)
{
	struct rig r = {0};
	int small = 16384;
	r.net_conf.out_bytes_max = 100 * 1024;
	rig_start(&r);
	rig_dial(&r);
	setsockopt(r.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; i < 3; i++)
		GIVE(&r, GET("/big"));
	for (int i = 0; i < 50; i++)
		rig_turn(&r, 1);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200, "answer %d", i);
	GIVE(&r, GET("/big")); /* and one whose reader leaves in the middle */
	rig_turn(&r, 1);
	rig_done(&r);
}

Test(edge, counters)
{
	struct rig r = {0};
	struct mst_counts counts;
	rig_start(&r);
	rig_dial(&r);
	GIVE(&r, GET("/echo") GET("/deny") "x\r\n\r\n");
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 200);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 403);
	cr_expect_eq(rig_reply(&r, MST_GET, NULL, 0, NULL), 400);
	cr_expect_eq(rig_count(MST_C_HTTP_REQUESTS), 3);
	cr_expect_eq(rig_count(MST_C_HTTP_2XX), 1);
	cr_expect_eq(rig_count(MST_C_HTTP_4XX), 2);
	mst_counts_sum(&counts);
	cr_expect_eq(counts.hists[MST_H_REQUEST].total, 1);
	rig_done(&r);
}
