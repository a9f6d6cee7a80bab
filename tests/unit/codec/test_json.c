/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: the writer's bytes, and the reader's limits and getters. */
#include <criterion/criterion.h>

#include "muster/json.h"

Test(json, writes_every_kind)
{
	struct mst_arena arena = {0};
	struct mst_json j;
	struct mst_slice out;
	struct mst_err e;
	mst_json_begin(&j, &arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "text", MST_S("a\"b\\c\n\x01\x7f\xc3\xa4\xff\xed\xa0\x80"));
	mst_json_u64(&j, "u", UINT64_MAX);
	mst_json_i64(&j, "i", INT64_MIN);
	mst_json_bool(&j, "yes", true);
	mst_json_null(&j, "none");
	mst_json_open_array(&j, "list");
	mst_json_u64(&j, NULL, 0);
	mst_json_open(&j, NULL);
	mst_json_close(&j);
	mst_json_open_array(&j, NULL);
	mst_json_close(&j);
	mst_json_close(&j);
	mst_json_open_named(&j, MST_S("A:\"B"));
	mst_json_base64(&j, "b", MST_S("\0\1\2\3"));
	mst_json_hex(&j, "h", MST_S("\xab\x01"));
	mst_json_hex(&j, "e", (struct mst_slice){NULL, 0});
	mst_json_close(&j);
	mst_json_time(&j, "at", 1767323045678);
	mst_json_time(&j, "never", 0);
	mst_json_close(&j);
	cr_assert_eq(mst_json_end(&j, &out, &e), 0);
	static const char want[] = "{\"text\":"
				   "\"a\\\"b\\\\c\\n\\u0001\\u007f\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd"
				   "\xef\xbf\xbd\xef\xbf\xbd\","
				   "\"u\":18446744073709551615,\"i\":-9223372036854775808,\"yes\":"
				   "true,\"none\":null,\"list\":[0,{},[]],"
				   "\"A:\\\"B\":{\"b\":\"AAECAw==\",\"h\":\"ab01\",\"e\":\"\"},"
				   "\"at\":\"2026-01-02T03:04:05.678Z\",\"never\":null}";
	cr_expect(mst_slice_eq(out, MST_S(want)), "%.*s", (int)out.len, (const char *)out.at);
	mst_arena_done(&arena);
}

Test(json, every_byte_can_be_text)
{
	struct mst_arena arena = {0};
	for (unsigned c = 0; c < 256; c++) {
		uint8_t byte = (uint8_t)c;
		struct mst_json_value *root;
		struct mst_json j;
		struct mst_slice out, back;
		struct mst_err e;
		mst_json_begin(&j, &arena);
		mst_json_open_array(&j, NULL);
		mst_json_text(&j, NULL, mst_slice(&byte, 1));
		mst_json_close(&j);
		cr_assert_eq(mst_json_end(&j, &out, &e), 0);
		if (c == 0)
			continue; /* our reader's library refuses \u0000 */
		cr_assert_eq(mst_json_parse(&root, out, 100, 4, &e), 0, "byte %u: %s", c, e.text);
		cr_assert_eq(mst_json_get_text0(mst_json_at0(root, 0), &back, NULL, &e), 1);
		cr_assert(c >= 128 ? mst_slice_eq(back, MST_S("\xef\xbf\xbd"))
				   : back.len == 1 && back.at[0] == c,
			  "byte %u", c);
		mst_json_free(&root);
	}
	mst_arena_done(&arena);
}

static bool add_key(void *context, struct mst_slice key, const struct mst_json_value *value)
{
	int64_t *sum = context, n;
	struct mst_err e;
	if (mst_json_get_i64(value, &n, NULL, &e) == 1)
		*sum += n;
	return key.len > 0;
}

Test(json, reads_every_kind)
{
	struct mst_json_value *root;
	const struct mst_json_value *inner;
	struct mst_slice text;
	struct mst_err e;
	uint64_t u;
	int64_t i, sum = 0;
	bool is_set;
	cr_assert_eq(mst_json_parse(&root,
				    MST_S("{\"t\":\"x\\u00e4\",\"n\":5,\"m\":-5,\"b\":true,\"z\":"
					  "null,\"o\":{\"k\":1},\"a\":[1,2]}"),
				    200, 3, &e),
		     0);
	cr_expect(mst_json_get_text0(root, &text, "t", &e) == 1 &&
		  mst_slice_eq(text, MST_S("x\xc3\xa4")));
	cr_expect(mst_json_get_u64(root, &u, "n", &e) == 1 && u == 5);
	cr_expect(mst_json_get_i64(root, &i, "m", &e) == 1 && i == -5);
	cr_expect_eq(mst_json_get_u64(root, &u, "m", &e), -1);
	cr_expect(mst_json_get_bool(root, &is_set, "b", &e) == 1 && is_set);
	cr_expect_eq(mst_json_get_bool(root, &is_set, "z", &e), 0);
	cr_expect_eq(mst_json_get_text0(root, &text, "absent", &e), 0);
	cr_expect_eq(mst_json_get_text0(root, &text, "n", &e), -1);
	cr_expect_eq(e.code, MST_E_SYNTAX);
	cr_expect(mst_json_get_object0(root, &inner, "o", &e) == 1 && mst_json_num(inner) == 1);
	cr_expect(mst_json_get_array0(root, &inner, "a", &e) == 1 && mst_json_num(inner) == 2 &&
		  !mst_json_at0(inner, 2));
	cr_expect_eq(mst_json_get_array0(root, &inner, "o", &e), -1);
	mst_json_each(root, &sum, add_key);
	cr_expect_eq(sum, 0);
	mst_json_free(&root);
	cr_expect_null(root);
}

Test(json, refuses)
{
	static const struct {
		const char *name, *text;
		enum mst_code code;
	} rows[] = {
		{"empty", "", MST_E_SYNTAX},
		{"cut", "{\"a\":1", MST_E_SYNTAX},
		{"twice", "{\"a\":1,\"a\":2}", MST_E_SYNTAX},
		{"behind", "{} x", MST_E_SYNTAX},
		{"scalar", "1", MST_E_SYNTAX},
		{"utf-8", "[\"\xff\"]", MST_E_SYNTAX},
		{"deep", "[[[[1]]]]", MST_E_TOO_BIG},
		{"long", "[\"0123456789012345678901234567890123456789\"]", MST_E_TOO_BIG},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_json_value *root;
		struct mst_err e;
		cr_expect_eq(mst_json_parse(&root, mst_slice_str(rows[i].text), 40, 3, &e), -1,
			     "%s", rows[i].name);
		cr_expect_eq(e.code, rows[i].code, "%s", rows[i].name);
		cr_expect_null(root);
	}
	struct mst_json_value *root;
	cr_expect_eq(mst_json_parse(&root, MST_S("[[[\"[[[[\\\"[[\"]]]"), 40, 3, NULL), 0);
	mst_json_free(&root);
}
