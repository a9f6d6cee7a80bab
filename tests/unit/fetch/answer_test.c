/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, whole and cut at every byte: the same reading, and never an end that was not said. */
#include <criterion/criterion.h>

#include "../../../engine/fetch/answer.c"

#define MAX 64

static const struct {
	const char *name, *bytes, *body;
	enum mst_method method;
	int rc, status; /* rc: 1 complete, 0: complete when the connection ends, or else -1 */
	enum mst_code code;
} rows[] = {
	{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", MST_GET, 1, 200, 0},
	{"no body", "HTTP/1.1 204 No Content\r\n\r\n", "", MST_GET, 1, 204, 0},
	{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", MST_GET, 1, 200, 0},
	{"head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", MST_HEAD, 1, 200, 0},
	{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: 1\r\n\r\n", "hello", MST_GET, 1, 200, 0},
	{"to end", "HTTP/1.1 500 Oh\r\nA: b\r\n\r\nhello", "hello", MST_GET, 0, 500, 0},
	{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok",
	 MST_POST, 1, 200, 0},
	{"redirect", "HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", "", MST_GET, 1, 302, 0},
	{"garbage", "\x16\x03\x01\x02 rubbish\r\n\r\n", NULL, MST_GET, -1, 0, MST_E_SYNTAX},
	{"version", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", NULL, MST_GET, -1, 0, MST_E_SYNTAX},
	{"both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", NULL, MST_GET, -1, 0, MST_E_SYNTAX},
	{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nhell", NULL, MST_GET, -1, 0, MST_E_SYNTAX},
	{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", NULL, MST_GET, -1, 0, MST_E_SYNTAX},
	{"length over", "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n", NULL, MST_GET, -1, 0, MST_E_TOO_BIG},
	{"chunk over", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n"
	 "0123456789012345678901234567890123456789012345678901234567890123456789", NULL, MST_GET, -1, 0, MST_E_TOO_BIG},
	{"end over", "HTTP/1.1 200 OK\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789", NULL, MST_GET, -1, 0,
	 MST_E_TOO_BIG},
	{"upgrade", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", NULL, MST_GET, -1, 0, MST_E_SYNTAX},
};

/* In pieces of `step` bytes. */
static void one(size_t row, size_t step)
{
	size_t len = strlen(rows[row].bytes);
	struct fetch_answer answer = {.max = MAX};
	struct mst_arena arena;
	struct mst_err e = {0};
	int rc = 0;

	mst_arena_init(&arena, NULL, 0);
	for (size_t at = 0; at < len && rc == 0; at += step)
		rc = mst_answer_take(&answer, mst_slice(rows[row].bytes + at, len - at < step ? len - at : step), rows[row].method, &arena, &e);
	cr_expect_eq(rc, rows[row].rc, "%s by %zu: %d %s", rows[row].name, step, rc, e.text);
	if (rows[row].rc < 0)
		cr_expect_eq(e.code, rows[row].code, "%s by %zu: %s", rows[row].name, step, e.text);
	else {
		cr_expect_eq(answer.head.status, rows[row].status, "%s", rows[row].name);
		cr_expect(mst_slice_eq(mst_buf_slice(&answer.body), mst_slice_str(rows[row].body)), "%s by %zu", rows[row].name, step);
	}
	if (rows[row].rc == 0) {
		cr_expect_eq(mst_answer_end(&answer, true, &e), 1, "%s", rows[row].name);
		cr_expect_eq(mst_answer_end(&answer, false, &e), -1, "%s", rows[row].name);
	}
	mst_answer_done(&answer);
	mst_arena_done(&arena);
}

Test(answer, rows)
{
	for (size_t i = 0; i < MST_LEN(rows); i++)
		for (size_t step = 1; step <= strlen(rows[i].bytes); step++)
			one(i, step);
}

Test(answer, every_prefix_is_cut_short)
{
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		size_t len = strlen(rows[i].bytes);
		for (size_t cut = 0; rows[i].rc == 1 && cut < len; cut++) {
			struct fetch_answer answer = {.max = MAX};
			struct mst_arena arena;
			struct mst_err e = {0};
			mst_arena_init(&arena, NULL, 0);
			cr_expect_eq(mst_answer_take(&answer, mst_slice(rows[i].bytes, cut), rows[i].method, &arena, &e), 0, "%s at %zu",
				     rows[i].name, cut);
			cr_expect_eq(mst_answer_end(&answer, true, &e), -1, "%s at %zu", rows[i].name, cut);
			cr_expect_eq(e.code, MST_E_GONE);
			mst_answer_done(&answer);
			mst_arena_done(&arena);
		}
	}
}

Test(answer, endless_interim)
{
	struct fetch_answer answer = {.max = MAX};
	struct mst_arena arena;
	struct mst_err e = {0};
	int rc = 0;

	mst_arena_init(&arena, NULL, 0);
	for (int i = 0; i < 100 && rc == 0; i++)
		rc = mst_answer_take(&answer, MST_S("HTTP/1.1 102 Processing\r\n\r\n"), MST_GET, &arena, &e);
	cr_expect_eq(rc, -1);
	cr_expect_eq(e.code, MST_E_SYNTAX);
	mst_answer_done(&answer);
	mst_arena_done(&arena);
}
