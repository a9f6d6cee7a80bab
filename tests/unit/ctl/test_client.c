/* SPDX-License-Identifier: Apache-2.0 */
/* The answers musterctl understands, whole and cut anywhere. */
#include <criterion/criterion.h>

#include "../../../admin/ctl/client.c"

static const struct {
	const char *name, *in;
	int status; /* 0: no proper answer */
	const char *body;
} rows[] = {
	{"length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"},
	{"length, more behind", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}xx", 200, "{}"},
	{"chunked",
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	 200, "abcde"},
	{"until the end", "HTTP/1.1 404 Not Found\r\n\r\nabc", 404, "abc"},
	{"continue first",
	 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, ""},
	{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
	{"short body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", 0, NULL},
	{"chunks without an end",
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 0, NULL},
	{"half a head", "HTTP/1.1 200 OK\r\nContent-Le", 0, NULL},
	{"nothing", "", 0, NULL},
	{"not HTTP", "hello\r\n\r\n", 0, NULL},
};

Test(client, answers)
{
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena arena;
		struct mst_call_reply reply = {0};
		struct mst_err e = {0};
		int rc;

		mst_arena_init(&arena, NULL, 0);
		rc = parse_reply(&reply, &arena, mst_slice_str(rows[i].in), &e);
		cr_expect_eq(rc, rows[i].status ? 0 : -1, "%s", rows[i].name);
		cr_expect_eq(reply.status, rc < 0 ? reply.status : rows[i].status, "%s",
			     rows[i].name);
		if (rc == 0)
			cr_expect(mst_slice_eq(reply.body, mst_slice_str(rows[i].body)), "%s",
				  rows[i].name);
		else
			cr_expect(e.text[0], "%s", rows[i].name);
		mst_arena_done(&arena);
	}
}

Test(client, answer_cut_anywhere_is_no_answer)
{
	const char *whole = rows[2].in;

	for (size_t len = 0; len < strlen(whole); len++) {
		struct mst_arena arena;
		struct mst_call_reply reply = {0};
		struct mst_err e = {0};

		mst_arena_init(&arena, NULL, 0);
		cr_expect_eq(parse_reply(&reply, &arena, mst_slice(whole, len), &e), -1,
			     "cut at %zu", len);
		mst_arena_done(&arena);
	}
}

Test(client, escape)
{
	static const struct {
		const char *in, *keep, *out;
	} texts[] = {
		{"ABC-def_1.2~", "", "ABC-def_1.2~"},
		{"a b", "", "a%20b"},
		{"a:b,c", ":,", "a:b,c"},
		{"a:b,c", "", "a%3Ab%2Cc"},
		{"../x", "", "..%2Fx"},
		{"\xc3\xab", "", "%C3%AB"},
		{"%", "", "%25"},
		{"", "", ""},
	};

	for (size_t i = 0; i < MST_LEN(texts); i++) {
		struct mst_arena arena;
		struct mst_slice out;

		mst_arena_init(&arena, NULL, 0);
		cr_assert_eq(mst_client_escape(&out, &arena, mst_slice_str(texts[i].in),
					       texts[i].keep, NULL),
			     0);
		cr_expect(mst_slice_eq(out, mst_slice_str(texts[i].out)), "%s", texts[i].in);
		mst_arena_done(&arena);
	}
}

Test(client, nobody_listens)
{
	struct mst_arena arena;
	struct mst_call_reply reply;
	struct mst_err e = {0};
	struct mst_call call = {
		.socket = "/nonexistent/muster.sock", .method = "GET", .target = MST_S("/")};

	mst_arena_init(&arena, NULL, 0);
	cr_expect_eq(mst_client_call(&reply, &arena, &call, &e), -1);
	cr_expect(strstr(e.text, "/nonexistent/muster.sock"), "%s", e.text);
	mst_arena_done(&arena);
}
