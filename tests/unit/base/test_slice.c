/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: comparing, cutting, reading numbers; the empty slice with and without a pointer. */
#include <criterion/criterion.h>

#include "muster/slice.h"

static const struct mst_slice nothing;

Test(slice, equal_and_order)
{
	static const struct {
		const char *a, *b;
		int order; /* -1 0 1 */
		bool case_eq, starts, case_starts;
	} rows[] = {
		{"", "", 0, true, true, true},
		{"a", "", 1, false, true, true},
		{"", "a", -1, false, false, false},
		{"abc", "abc", 0, true, true, true},
		{"abc", "abd", -1, false, false, false},
		{"abc", "ab", 1, false, true, true},
		{"ABC", "abc", -1, true, false, true},
		{"content-type", "Content-", 1, false, false, true},
		{"[", "{", -1, false, false, false},
		{"@", "`", -1, false, false, false},
		{"Z", "z", -1, true, false, true},
		{"\xc3\x84", "\xc3\xa4", -1, false, false, false},
		{"\xff", "a", 1, false, false, false},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_slice a = mst_slice_str(rows[i].a), b = mst_slice_str(rows[i].b);
		int order = mst_slice_cmp(a, b);
		cr_expect_eq((order > 0) - (order < 0), rows[i].order, "%s %s", rows[i].a,
			     rows[i].b);
		cr_expect_eq(mst_slice_eq(a, b), rows[i].order == 0, "%s %s", rows[i].a, rows[i].b);
		cr_expect_eq(mst_slice_same_secret(a, b), rows[i].order == 0, "%s %s", rows[i].a,
			     rows[i].b);
		cr_expect_eq(mst_slice_case_eq(a, b), rows[i].case_eq, "%s %s", rows[i].a,
			     rows[i].b);
		cr_expect_eq(mst_slice_starts(a, b), rows[i].starts, "%s %s", rows[i].a, rows[i].b);
		cr_expect_eq(mst_slice_case_starts(a, b), rows[i].case_starts, "%s %s", rows[i].a,
			     rows[i].b);
	}
}

Test(slice, nothing_is_empty)
{
	struct mst_slice head, rest;
	cr_expect(mst_slice_eq(nothing, MST_S("")));
	cr_expect(mst_slice_case_eq(MST_S(""), nothing));
	cr_expect(mst_slice_same_secret(nothing, MST_S("")));
	cr_expect(mst_slice_starts(nothing, nothing));
	cr_expect_eq(mst_slice_cmp(nothing, MST_S("")), 0);
	cr_expect_lt(mst_slice_cmp(nothing, MST_S("a")), 0);
	cr_expect_eq(mst_slice_find(nothing, 'a'), 0u);
	cr_expect_not(mst_slice_cut(&head, &rest, nothing, ','));
	cr_expect_eq(head.len + rest.len, 0u);
	cr_expect_eq(mst_slice_trim(nothing).len, 0u);
	cr_expect_eq(mst_slice_str(NULL).len, 0u);
}

Test(slice, case_folds_ascii_letters_only)
{
	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++) {
			uint8_t x = (uint8_t)a, y = (uint8_t)b;
			int fold_a = a >= 'A' && a <= 'Z' ? a + 32 : a,
			    fold_b = b >= 'A' && b <= 'Z' ? b + 32 : b;
			if (mst_slice_case_eq(mst_slice(&x, 1), mst_slice(&y, 1)) !=
			    (fold_a == fold_b))
				cr_expect_fail("%d %d", a, b);
		}
	/* The same at every place of a longer one. */
	for (size_t len = 1; len < 30; len++)
		for (size_t at = 0; at < len; at++)
			for (int c = 0; c < 256; c++) {
				uint8_t x[30], y[30];
				memset(x, 'Q', sizeof(x));
				memset(y, 'q', sizeof(y));
				x[at] = (uint8_t)c;
				y[at] = (uint8_t)(c ^ 32);
				bool letter = ((c | 32) >= 'a' && (c | 32) <= 'z') && c < 128;
				if (mst_slice_case_eq(mst_slice(x, len), mst_slice(y, len)) !=
				    letter)
					cr_expect_fail("%d at %zu of %zu", c, at, len);
			}
}

Test(slice, finds_and_cuts)
{
	static const struct {
		const char *in;
		bool found;
		const char *head, *rest;
	} rows[] = {
		{"a=b", true, "a", "b"},     {"=b", true, "", "b"},   {"a=", true, "a", ""},
		{"=", true, "", ""},         {"ab", false, "ab", ""}, {"", false, "", ""},
		{"a=b=c", true, "a", "b=c"},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_slice head, rest, in = mst_slice_str(rows[i].in);
		cr_expect_eq(mst_slice_cut(&head, &rest, in, '='), rows[i].found, "%s", rows[i].in);
		cr_expect(mst_slice_eq(head, mst_slice_str(rows[i].head)), "%s", rows[i].in);
		cr_expect(mst_slice_eq(rest, mst_slice_str(rows[i].rest)), "%s", rows[i].in);
		cr_expect_eq(mst_slice_find(in, '='), strlen(rows[i].head), "%s", rows[i].in);
	}
	/* The result may be written over the input. */
	struct mst_slice s = MST_S("a,b,c"), head;
	cr_expect(mst_slice_cut(&head, &s, s, ','));
	cr_expect(mst_slice_eq(s, MST_S("b,c")));
}

Test(slice, trims_spaces_and_tabs)
{
	static const struct {
		const char *in, *want;
	} rows[] = {{"", ""},   {" ", ""},         {"\t \t", ""},
		    {"a", "a"}, {" a b\t", "a b"}, {"\ra\n", "\ra\n"}};
	for (size_t i = 0; i < MST_LEN(rows); i++)
		cr_expect(mst_slice_eq(mst_slice_trim(mst_slice_str(rows[i].in)),
				       mst_slice_str(rows[i].want)),
			  "%zu", i);
}

Test(slice, reads_numbers)
{
	static const struct {
		const char *in;
		int want;
		uint64_t value;
	} rows[] = {
		{"0", 0, 0},
		{"7", 0, 7},
		{"18446744073709551615", 0, UINT64_MAX},
		{"00000000000000000012", 0, 12},
		{"", -1, 0},
		{"18446744073709551616", -1, 0},
		{"18446744073709551620", -1, 0},
		{"99999999999999999999", -1, 0},
		{"000000000000000000001", -1, 0},
		{"-1", -1, 0},
		{"+1", -1, 0},
		{" 1", -1, 0},
		{"1 ", -1, 0},
		{"0x1", -1, 0},
		{"1/", -1, 0},
		{"1:", -1, 0},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_err e = {0};
		uint64_t value = 0;
		cr_expect_eq(mst_slice_u64(&value, mst_slice_str(rows[i].in), &e), rows[i].want,
			     "%s", rows[i].in);
		cr_expect_eq(value, rows[i].value, "%s", rows[i].in);
		cr_expect_eq(e.code, rows[i].want ? MST_E_SYNTAX : MST_E_NONE, "%s", rows[i].in);
	}
}
