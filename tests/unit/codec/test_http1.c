/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 framing: what is taken, what is refused, at every limit and in every split. */
#include <criterion/criterion.h>

#include "muster/http1.h"

static const struct mst_http1_limits usual = {
	.line_max = 16384, .head_max = 65536, .headers_max = 64};

/* Scans and parses one head. Returns MST_E_NONE, or the code of the refusal; BUG when it is not
 * complete. */
static enum mst_code read_head(struct mst_http1_head *out, struct mst_arena *arena,
			       struct mst_slice bytes, const struct mst_http1_limits *limits)
{
	struct mst_http1_scan scan = {0};
	struct mst_slice head;
	struct mst_err e;
	size_t used;
	int done = mst_http1_scan(&scan, &head, &used, bytes, limits, &e);
	if (done == 0)
		return MST_E_BUG;
	if (done < 0 || mst_http1_request(out, head, limits, arena, &e) < 0)
		return e.code;
	return MST_E_NONE;
}

#define HEAD "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

/* A row whose text holds a NUL says its length by being a literal. */
#define ROW(text, code)                                                                            \
	{                                                                                          \
		MST_S_INIT(text), MST_E_##code                                                     \
	}

static const struct {
	struct mst_slice text;
	enum mst_code code;
} refused[] = {
	/* two readers, two lengths */
	ROW(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", SYNTAX),
	ROW(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", SYNTAX),
	ROW(POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", SYNTAX),
	ROW(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", SYNTAX),
	ROW(POST "Content-Length: 3, 3\r\n\r\n", SYNTAX),
	ROW(POST "Content-Length: +3\r\n\r\n", SYNTAX),
	ROW(POST "Content-Length: -3\r\n\r\n", SYNTAX),
	ROW(POST "Content-Length: 0x3\r\n\r\n", SYNTAX),
	ROW(POST "Content-Length: 3 3\r\n\r\n", SYNTAX),
	ROW(POST "Content-Length:\r\n\r\n", SYNTAX),
	ROW(POST "Content-Length: 18446744073709551617\r\n\r\n", SYNTAX),
	ROW(POST "Content-Length: 99999999999999999999999\r\n\r\n", SYNTAX),
	ROW(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", SYNTAX),
	ROW(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", SYNTAX),
	ROW(POST "Transfer-Encoding: identity\r\n\r\n", SYNTAX),
	ROW(POST "Transfer-Encoding: xchunked\r\n\r\n", SYNTAX),
	ROW(POST "Transfer-Encoding:\x0b"
		 "chunked\r\n\r\n",
	    SYNTAX),
	ROW(POST "Transfer-Encoding: \"chunked\"\r\n\r\n", SYNTAX),
	ROW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", SYNTAX),
	ROW(POST "Transfer-Encoding : chunked\r\n\r\n", SYNTAX),
	ROW(POST "Transfer-Encoding\r\n : chunked\r\n\r\n", SYNTAX),
	ROW("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", SYNTAX),
	/* line ends and folds */
	ROW("GET / HTTP/1.1\nHost: a\n\n", SYNTAX),
	ROW("GET / HTTP/1.1\r\nHost: a\n\r\n", SYNTAX),
	ROW("GET / HTTP/1.1\r\nHost: a\r\n\n", SYNTAX),
	ROW("GET / HTTP/1.1\rHost: a\r\n\r\n", SYNTAX),
	ROW(HEAD "A: b\rC: d\r\n\r\n", SYNTAX),
	ROW(HEAD "A: b\r\r\n\r\n", SYNTAX),
	ROW(HEAD "A: b\r\n c\r\n\r\n", SYNTAX),
	ROW(HEAD "A: b\r\n\tc\r\n\r\n", SYNTAX),
	ROW("GET / HTTP/1.1\r\n Host: a\r\n\r\n", SYNTAX),
	ROW("\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	/* names and values */
	ROW(HEAD "A : b\r\n\r\n", SYNTAX),
	ROW(HEAD ": b\r\n\r\n", SYNTAX),
	ROW(HEAD "A\r\n\r\n", SYNTAX),
	ROW(HEAD "A B: c\r\n\r\n", SYNTAX),
	ROW(HEAD "A\x80: c\r\n\r\n", SYNTAX),
	ROW(HEAD "A: b\0c\r\n\r\n", SYNTAX),
	ROW(HEAD "A: b\x7f\r\n\r\n", SYNTAX),
	ROW(HEAD "A: b\x01\r\n\r\n", SYNTAX),
	ROW(HEAD "\0A: b\r\n\r\n", SYNTAX),
	/* Host */
	ROW("GET / HTTP/1.1\r\n\r\n", SYNTAX),
	ROW("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", SYNTAX),
	ROW("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", SYNTAX),
	ROW("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", SYNTAX),
	ROW("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", SYNTAX),
	ROW("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	/* the request line */
	ROW("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET /\r\n\r\n", SYNTAX),
	ROW("GET\r\n\r\n", SYNTAX),
	ROW("GET / http/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET / HTTP/11\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET / HTTP/1.\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET /a\x80 HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET a HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET * HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("get / HTTP/1.1\r\nHost: a\r\n\r\n", METHOD_UNKNOWN),
	ROW("FROB / HTTP/1.1\r\nHost: a\r\n\r\n", METHOD_UNKNOWN),
	ROW("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", METHOD_UNKNOWN),
	ROW("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", METHOD_UNKNOWN),
	ROW("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	ROW("GET / HTTP/2.0\r\nHost: a\r\n\r\n", VERSION),
	ROW("GET / HTTP/1.2\r\nHost: a\r\n\r\n", VERSION),
	ROW("GET / HTTP/0.9\r\nHost: a\r\n\r\n", VERSION),
	ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION),
	ROW("\x16\x03\x01\x02", SYNTAX),
	ROW("\0", SYNTAX),
	ROW(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", SYNTAX),
	/* others */
	ROW(HEAD "Expect: 200-ok\r\n\r\n", EXPECT),
	ROW(HEAD "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", SYNTAX),
};

Test(http1, refuses_what_is_ambiguous)
{
	for (size_t i = 0; i < MST_LEN(refused); i++) {
		struct mst_arena arena = {0};
		struct mst_http1_head head;
		enum mst_code code = read_head(&head, &arena, refused[i].text, &usual);
		cr_expect_eq(code, refused[i].code, "row %zu: %s instead of %s:\n%.*s", i,
			     mst_code_word(code), mst_code_word(refused[i].code),
			     (int)refused[i].text.len, (const char *)refused[i].text.at);
		mst_arena_done(&arena);
	}
}

static const struct {
	const char *text, *target, *host;
	enum mst_method method;
	enum mst_http1_framing framing;
	uint64_t body_len;
	uint8_t minor;
	bool keeps_alive, expects_continue;
} taken[] = {
	{"PUT /checkin HTTP/1.1\r\nHost: mdm.example.org:443\r\nContent-Length: 7\r\n\r\n",
	 "/checkin", "mdm.example.org:443", MST_PUT, MST_HTTP1_LENGTH, 7, 1, true, false},
	{"\r\nGET /?a=b HTTP/1.1\r\nhost:a\r\n\r\n", "/?a=b", "a", MST_GET, MST_HTTP1_NO_BODY, 0, 1,
	 true, false},
	{"GET / HTTP/1.1\r\nHost:\r\n\r\n", "/", "", MST_GET, MST_HTTP1_NO_BODY, 0, 1, true, false},
	{"GET / HTTP/1.0\r\n\r\n", "/", "", MST_GET, MST_HTTP1_NO_BODY, 0, 0, false, false},
	{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "/", "", MST_GET, MST_HTTP1_NO_BODY, 0,
	 0, true, false},
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "/", "a", MST_GET,
	 MST_HTTP1_NO_BODY, 0, 1, false, false},
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "/", "a", MST_GET,
	 MST_HTTP1_NO_BODY, 0, 1, false, false},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", "/", "a", MST_POST,
	 MST_HTTP1_CHUNKED, 0, 1, true, false},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "/", "a", MST_POST,
	 MST_HTTP1_NO_BODY, 0, 1, true, false},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-Continue\r\n\r\n", "/",
	 "a", MST_POST, MST_HTTP1_LENGTH, 9, 1, true, true},
	{"DELETE https://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "/x?y", "a", MST_DELETE,
	 MST_HTTP1_NO_BODY, 0, 1, true, false},
	{"HEAD / HTTP/1.1\r\nHost: [::1]:8\r\n\r\n", "/", "[::1]:8", MST_HEAD, MST_HTTP1_NO_BODY, 0,
	 1, true, false},
	{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*", "a", MST_OTHER_METHOD, MST_HTTP1_NO_BODY, 0,
	 1, true, false},
	{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", "/", "a",
	 MST_GET, MST_HTTP1_NO_BODY, 0, 1, true, false},
	{"PATCH /x HTTP/1.1\r\nHost: a\r\nX: \xc3\xa4\tb \t\r\n\r\n", "/x", "a", MST_OTHER_METHOD,
	 MST_HTTP1_NO_BODY, 0, 1, true, false},
};

static void expect_taken(size_t i, const struct mst_http1_head *head)
{
	cr_expect(mst_slice_eq(head->target, mst_slice_str(taken[i].target)), "row %zu: target", i);
	cr_expect(mst_slice_eq(head->host, mst_slice_str(taken[i].host)), "row %zu: host", i);
	cr_expect_eq(head->method, taken[i].method, "row %zu: method", i);
	cr_expect_eq(head->framing, taken[i].framing, "row %zu: framing", i);
	cr_expect_eq(head->body_len, taken[i].body_len, "row %zu: length", i);
	cr_expect_eq(head->minor, taken[i].minor, "row %zu: version", i);
	cr_expect_eq(head->keeps_alive, taken[i].keeps_alive, "row %zu: keep-alive", i);
	cr_expect_eq(head->expects_continue, taken[i].expects_continue, "row %zu: expect", i);
}

Test(http1, takes_what_is_clear)
{
	for (size_t i = 0; i < MST_LEN(taken); i++) {
		struct mst_arena arena = {0};
		struct mst_http1_head head;
		enum mst_code code = read_head(&head, &arena, mst_slice_str(taken[i].text), &usual);
		cr_expect_eq(code, MST_E_NONE, "row %zu: %s", i, mst_code_word(code));
		if (code == MST_E_NONE)
			expect_taken(i, &head);
		mst_arena_done(&arena);
	}
}

Test(http1, headers_are_lowered_and_trimmed)
{
	struct mst_arena arena = {0};
	struct mst_http1_head head;
	struct mst_slice bytes = MST_S(HEAD "X-One:  a b \t\r\nMdm-Signature:\r\n\r\n");
	cr_assert_eq(read_head(&head, &arena, bytes, &usual), MST_E_NONE);
	cr_expect_eq(head.num_headers, 3);
	cr_expect(mst_slice_eq(mst_header_find(head.headers, head.num_headers, MST_S("x-one")),
			       MST_S("a b")));
	struct mst_slice empty =
		mst_header_find(head.headers, head.num_headers, MST_S("mdm-signature"));
	cr_expect(empty.at != NULL && empty.len == 0);
	cr_expect_null(mst_header_find(head.headers, head.num_headers, MST_S("x-two")).at);
	mst_arena_done(&arena);
}

Test(http1, every_prefix_asks_for_more)
{
	for (size_t i = 0; i < MST_LEN(taken); i++) {
		struct mst_slice whole = mst_slice_str(taken[i].text), head;
		size_t used;
		for (size_t len = 0; len < whole.len; len++) {
			struct mst_http1_scan scan = {0};
			struct mst_err e;
			int done = mst_http1_scan(&scan, &head, &used, mst_slice(whole.at, len),
						  &usual, &e);
			cr_assert_eq(done, 0, "row %zu, %zu bytes", i, len);
		}
	}
}

Test(http1, every_growth_gives_the_same)
{
	for (size_t i = 0; i < MST_LEN(taken); i++) {
		struct mst_slice whole = mst_slice_str(taken[i].text), head;
		for (size_t split = 0; split <= whole.len; split++) {
			struct mst_http1_scan scan = {0};
			struct mst_arena arena = {0};
			struct mst_http1_head out;
			struct mst_err e;
			size_t used = 0;
			if (split < whole.len)
				cr_assert_eq(mst_http1_scan(&scan, &head, &used,
							    mst_slice(whole.at, split), &usual, &e),
					     0);
			cr_assert_eq(mst_http1_scan(&scan, &head, &used, whole, &usual, &e), 1,
				     "row %zu at %zu", i, split);
			cr_assert_eq(used, whole.len);
			cr_assert_eq(mst_http1_request(&out, head, &usual, &arena, &e), 0);
			expect_taken(i, &out);
			mst_arena_done(&arena);
		}
	}
}

Test(http1, byte_by_byte_is_refused_no_later_than_at_once)
{
	for (size_t i = 0; i < MST_LEN(refused); i++) {
		struct mst_http1_scan scan = {0};
		struct mst_arena arena = {0};
		struct mst_http1_head out;
		struct mst_slice head;
		struct mst_err e = {.code = MST_E_NONE};
		size_t used;
		int done = 0;
		for (size_t len = 1; len <= refused[i].text.len && done == 0; len++)
			done = mst_http1_scan(&scan, &head, &used,
					      mst_slice(refused[i].text.at, len), &usual, &e);
		if (done == 1)
			done = mst_http1_request(&out, head, &usual, &arena, &e);
		cr_expect_eq(done, -1, "row %zu", i);
		cr_expect_eq(e.code, refused[i].code, "row %zu", i);
		mst_arena_done(&arena);
	}
}

Test(http1, bare_lf_is_an_option)
{
	struct mst_http1_limits lax = usual;
	struct mst_arena arena = {0};
	struct mst_http1_head head;
	lax.takes_bare_lf = true;
	cr_expect_eq(read_head(&head, &arena, MST_S("GET / HTTP/1.1\nHost: a\n\n"), &lax),
		     MST_E_NONE);
	cr_expect(mst_slice_eq(head.host, MST_S("a")));
	cr_expect_eq(read_head(&head, &arena, MST_S("GET / HTTP/1.1\nHost: a\n b\n\n"), &lax),
		     MST_E_SYNTAX);
	mst_arena_done(&arena);
}

/* Limits: exactly at, and one over. */
Test(http1, limits)
{
	static const struct {
		const char *name, *text;
		struct mst_http1_limits limits;
		enum mst_code code;
	} rows[] = {
		{"line at", HEAD "X: 1234567\r\n\r\n", {14, 1000, 9, false}, MST_E_NONE},
		{"request line over", HEAD "X: 1\r\n\r\n", {13, 1000, 9, false}, MST_E_HEADERS},
		{"header over",
		 HEAD "X: 123456789012\r\n\r\n",
		 {14, 1000, 9, false},
		 MST_E_HEADERS},
		{"header at", HEAD "X: 12345678901\r\n\r\n", {14, 1000, 9, false}, MST_E_NONE},
		{"head at", HEAD "X: 1\r\n\r\n", {99, 33, 9, false}, MST_E_NONE},
		{"head over", HEAD "X: 1\r\n\r\n", {99, 32, 9, false}, MST_E_HEADERS},
		{"count at", HEAD "X: 1\r\n\r\n", {99, 999, 2, false}, MST_E_NONE},
		{"count over", HEAD "X: 1\r\nY: 2\r\n\r\n", {99, 999, 2, false}, MST_E_HEADERS},
		{"no header", HEAD "\r\n", {99, 999, 0, false}, MST_E_HEADERS},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_slice whole = mst_slice_str(rows[i].text), head;
		struct mst_arena arena = {0};
		struct mst_http1_head out;
		cr_expect_eq(read_head(&out, &arena, whole, &rows[i].limits), rows[i].code, "%s",
			     rows[i].name);
		/* The same byte by byte. */
		struct mst_http1_scan scan = {0};
		struct mst_err e = {.code = MST_E_NONE};
		size_t used;
		int done = 0;
		for (size_t len = 1; len <= whole.len && done == 0; len++)
			done = mst_http1_scan(&scan, &head, &used, mst_slice(whole.at, len),
					      &rows[i].limits, &e);
		cr_expect_eq(done, rows[i].code == MST_E_NONE ? 1 : -1, "%s, byte by byte",
			     rows[i].name);
		cr_expect_eq(e.code, rows[i].code, "%s, byte by byte", rows[i].name);
		mst_arena_done(&arena);
	}
}

Test(http1, an_endless_line_is_refused_without_its_end)
{
	static uint8_t bytes[70000];
	struct mst_http1_limits limits = {.line_max = 16384, .head_max = 65536, .headers_max = 64};
	struct mst_http1_scan scan = {0};
	struct mst_slice head;
	struct mst_err e;
	size_t used;
	memset(bytes, 'a', sizeof(bytes));
	cr_expect_eq(mst_http1_scan(&scan, &head, &used, mst_slice(bytes, 16384), &limits, &e), 0);
	cr_expect_eq(mst_http1_scan(&scan, &head, &used, mst_slice(bytes, 16385), &limits, &e), -1);
	cr_expect_eq(e.code, MST_E_HEADERS);
}

Test(http1, an_arena_without_room_is_an_answer)
{
	struct mst_arena arena;
	struct mst_http1_head head;
	mst_arena_init(&arena, NULL, 64);
	cr_expect_eq(read_head(&head, &arena, MST_S(HEAD "\r\n"), &usual), MST_E_BUSY);
	mst_arena_done(&arena);
}

static const struct {
	const char *text;
	enum mst_method to;
	int status; /* 0: refused */
	enum mst_http1_framing framing;
	bool keeps_alive;
} replies[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", MST_GET, 200, MST_HTTP1_LENGTH, true},
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", MST_HEAD, 200, MST_HTTP1_NO_BODY, true},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", MST_GET, 200, MST_HTTP1_CHUNKED,
	 true},
	{"HTTP/1.1 204 No Content\r\n\r\n", MST_GET, 204, MST_HTTP1_NO_BODY, true},
	{"HTTP/1.1 100 Continue\r\n\r\n", MST_PUT, 100, MST_HTTP1_NO_BODY, true},
	{"HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", MST_GET, 200,
	 MST_HTTP1_NO_BODY, false},
	{"HTTP/1.1 200 OK\r\n\r\n", MST_GET, 200, MST_HTTP1_TO_END, false},
	{"HTTP/1.1 2x0 OK\r\n\r\n", MST_GET, 0, MST_HTTP1_NO_BODY, false},
	{"HTTP/2.0 200 OK\r\n\r\n", MST_GET, 0, MST_HTTP1_NO_BODY, false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", MST_GET, 0,
	 MST_HTTP1_NO_BODY, false},
};

Test(http1, replies)
{
	for (size_t i = 0; i < MST_LEN(replies); i++) {
		struct mst_http1_scan scan = {0};
		struct mst_arena arena = {0};
		struct mst_http1_head out;
		struct mst_slice head;
		struct mst_err e;
		size_t used;
		cr_assert_eq(mst_http1_scan(&scan, &head, &used, mst_slice_str(replies[i].text),
					    &usual, &e),
			     1, "row %zu", i);
		int done = mst_http1_reply(&out, head, replies[i].to, &usual, &arena, &e);
		cr_expect_eq(done, replies[i].status ? 0 : -1, "row %zu: %s", i,
			     done < 0 ? e.text : "taken");
		if (done == 0) {
			cr_expect_eq(out.status, replies[i].status, "row %zu", i);
			cr_expect_eq(out.framing, replies[i].framing, "row %zu", i);
			cr_expect_eq(out.keeps_alive, replies[i].keeps_alive, "row %zu", i);
		}
		mst_arena_done(&arena);
	}
}
