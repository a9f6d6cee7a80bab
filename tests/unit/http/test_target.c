/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: path and query, decoded once, nothing relative, nothing hidden. Reason phrases. */
#include "rig.h"

Test(target, rows)
{
	static const struct {
		const char *target, *path, *query; /* path NULL: refused */
	} rows[] = {
		{"/", "/", ""},
		{"/a/b", "/a/b", ""},
		{"/a/", "/a/", ""},
		{"/a?b=c%zz", "/a", "b=c%zz"},
		{"/a?b?c", "/a", "b?c"},
		{"/%41%2fB", "/A/B", ""},
		{"/%C3%A4", "/\xc3\xa4", ""},
		{"/a:b@c", "/a:b@c", ""},
		{"/...", "/...", ""},
		{"/%2541", "/%41", ""},
		{"/ocsp/a/MA%3D%3D", "/ocsp/a/MA==", ""},
		{"/ocsp/a/MEk//4D%2f%2F", "/ocsp/a/MEk//4D//", ""},
		{"/ocsp/a//", "/ocsp/a//", ""},
		{"/ocsp//a", "/ocsp//a", ""},
		{"/ocsp/../b", NULL, ""},
		{"/ocspa//b", NULL, ""},
		{"", NULL, ""},
		{"*", NULL, ""},
		{"a", NULL, ""},
		{"?a", NULL, ""},
		{"//", NULL, ""},
		{"/a//b", NULL, ""},
		{"/.", NULL, ""},
		{"/..", NULL, ""},
		{"/a/./b", NULL, ""},
		{"/a/..", NULL, ""},
		{"/%2e%2e/a", NULL, ""},
		{"/a%2f..%2fb", NULL, ""},
		{"/a%2f%2fb", NULL, ""},
		{"/a%5cb", NULL, ""},
		{"/a\\b", NULL, ""},
		{"/%00", NULL, ""},
		{"/%0a", NULL, ""},
		{"/%7f", NULL, ""},
		{"/%ff", NULL, ""},
		{"/%", NULL, ""},
		{"/%4", NULL, ""},
		{"/%4g", NULL, ""},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_request in = {.target = mst_slice_str(rows[i].target)};
		struct mst_arena arena = {.pool = NULL};
		struct mst_err e = {.text = ""};
		int failed = mst_target_parse(&in, &arena, &e);
		cr_expect_eq(failed, rows[i].path ? 0 : -1, "%s: %s", rows[i].target, e.text);
		if (failed)
			cr_expect_eq(e.code, MST_E_SYNTAX, "%s", rows[i].target);
		if (!failed && rows[i].path) {
			cr_expect(mst_slice_eq(in.path, mst_slice_str(rows[i].path)), "%s",
				  rows[i].target);
			cr_expect(mst_slice_eq(in.query, mst_slice_str(rows[i].query)), "%s",
				  rows[i].target);
		}
		mst_arena_done(&arena);
	}
}

Test(reasons, every_code_has_one)
{
	for (enum mst_code code = 0; code < MST_NUM_CODES; code++) {
		const char *reason = mst_http_reason(mst_code_status(code));
		cr_expect(strcmp(reason, "Client Error") != 0 &&
				  strcmp(reason, "Server Error") != 0,
			  "%s", mst_code_word(code));
	}
	cr_expect_str_eq(mst_http_reason(200), "OK");
	cr_expect_str_eq(mst_http_reason(418), "Client Error");
	cr_expect_str_eq(mst_http_reason(99), "Unknown");
	cr_expect_str_eq(mst_http_reason(-1), "Unknown");
	cr_expect_str_eq(mst_http_reason(600), "Unknown");
}
