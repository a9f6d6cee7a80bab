/* SPDX-License-Identifier: Apache-2.0 */
/* Answers and refusals, headers and query parameters of an exchange. */
#include <criterion/criterion.h>

#include "muster/xchg.h"

static const struct mst_way plain = {.name = "device", .has_plain_errors = true};
static const struct mst_way json = {.name = "api"};

Test(answer, refusals)
{
	static const struct {
		const struct mst_way *way;
		enum mst_code code;
		const char *text, *body, *type;
		int status;
		uint32_t retry_after_s;
	} rows[] = {
		{&plain, MST_E_SYNTAX, "no UDID", "no UDID\n", "text/plain; charset=utf-8", 400, 0},
		{NULL, MST_E_ABSENT, "nothing here", "nothing here\n", "text/plain; charset=utf-8",
		 404, 0},
		{&json, MST_E_DENIED, "not you", "{\"error\": \"not you\"}\n", "application/json",
		 403, 0},
		{&json, MST_E_SYNTAX, "a\"b\\c\n\xff", "{\"error\": \"a\\\"b\\\\c??\"}\n",
		 "application/json", 400, 0},
		{&json, MST_E_SYNTAX, "\xc3\xa4", "{\"error\": \"\xc3\xa4\"}\n", "application/json",
		 400, 0},
		{&json, MST_E_BUG, "secret path", "{\"error\": \"internal\"}\n", "application/json",
		 500, 0},
		{&plain, MST_E_BUSY, "queue 17 full", "busy\n", "text/plain; charset=utf-8", 503,
		 1},
		{&plain, MST_E_STORE, "disk /x full", "store\n", "text/plain; charset=utf-8", 503,
		 5},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_xchg x = {.way = rows[i].way};
		cr_expect_eq(mst_xchg_refuse(&x, rows[i].code, rows[i].text), STEP_REPLY);
		cr_expect_eq(x.out.status, rows[i].status, "row %zu", i);
		cr_expect_str_eq(x.out.type, rows[i].type, "row %zu", i);
		cr_expect_eq(x.out.retry_after_s, rows[i].retry_after_s, "row %zu", i);
		cr_expect(mst_slice_eq(x.out.body, mst_slice_str(rows[i].body)), "row %zu: %.*s", i,
			  (int)x.out.body.len, (const char *)x.out.body.at);
		mst_arena_done(&x.arena);
	}
}

Test(answer, without_room_there_is_still_an_answer)
{
	struct mst_xchg x = {.way = &json};
	mst_arena_init(&x.arena, NULL, 1);
	mst_xchg_refuse(&x, MST_E_SYNTAX, "a text that has no room");
	cr_expect(x.out.status == 400 && x.out.body.len > 0);
	x.way = &plain;
	mst_xchg_refuse(&x, MST_E_SYNTAX, "a text that has no room");
	cr_expect(x.out.status == 400 && x.out.body.len > 0);
	mst_arena_done(&x.arena);
}

Test(request, headers)
{
	struct mst_header headers[] = {{MST_S_INIT("host"), MST_S_INIT("a")},
				       {MST_S_INIT("accept"), MST_S_INIT("b")}};
	struct mst_xchg x = {.in = {.headers = headers, .num_headers = 2}};
	cr_expect(mst_slice_eq(mst_xchg_header(&x, MST_S("accept")), MST_S("b")));
	cr_expect_null(mst_xchg_header(&x, MST_S("cookie")).at);
}

Test(request, query)
{
	static const struct {
		const char *query, *name, *value; /* NULL: absent or malformed */
	} rows[] = {
		{"limit=10&after=x%2Fy+z", "limit", "10"},
		{"limit=10&after=x%2Fy+z", "after", "x/y z"},
		{"limit=10", "lim", NULL},
		{"", "a", NULL},
		{"a", "a", ""},
		{"a=", "a", ""},
		{"&&a=b=c&", "a", "b=c"},
		{"a=1&a=2", "a", "1"},
		{"a=%zz", "a", NULL},
		{"a=%", "a", NULL},
		{"a=%00", "a", NULL},
		{"a=%ff", "a", NULL},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_xchg x = {.in = {.query = mst_slice_str(rows[i].query)}};
		struct mst_slice value;
		bool found = mst_xchg_query(&x, &value, mst_slice_str(rows[i].name));
		cr_expect_eq(found, rows[i].value != NULL, "row %zu", i);
		if (found && rows[i].value)
			cr_expect(mst_slice_eq(value, mst_slice_str(rows[i].value)), "row %zu", i);
		mst_arena_done(&x.arena);
	}
}
