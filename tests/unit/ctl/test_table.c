/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: alignment, and text that a terminal could take as orders. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "table.h"

static char *printed(const struct mst_table *t)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	cr_assert_eq(mst_table_print(t, f), 0);
	fclose(f);
	return text;
}

Test(table, columns_are_aligned_by_characters)
{
	static const char *const head[] = {"ID", "NAME", "N", NULL};
	struct mst_arena arena;
	struct mst_table t;
	char *text;

	mst_arena_init(&arena, NULL, 0);
	mst_table_begin(&t, &arena, head);
	mst_table_text(&t, MST_S("long-id"));
	mst_table_text(&t, MST_S("Zo\xc3\xab"));
	mst_table_u64(&t, 7);
	mst_table_text(&t, MST_S("x"));
	mst_table_text(&t, MST_S(""));
	mst_table_u64(&t, 12345);
	text = printed(&t);
	cr_expect_str_eq(text, "ID       NAME  N\nlong-id  Zo\xc3\xab   7\nx              12345\n");
	free(text);
	mst_arena_done(&arena);
}

Test(table, grows)
{
	static const char *const head[] = {"A", NULL};
	struct mst_arena arena;
	struct mst_table t;
	char *text;

	mst_arena_init(&arena, NULL, 0);
	mst_table_begin(&t, &arena, head);
	for (uint64_t i = 0; i < 1000; i++)
		mst_table_u64(&t, i);
	text = printed(&t);
	cr_expect(strstr(text, "\n999\n"));
	free(text);
	mst_arena_done(&arena);
}

Test(table, no_memory_is_told)
{
	static const char *const head[] = {"A", NULL};
	struct mst_arena arena;
	struct mst_table t;

	mst_arena_init(&arena, NULL, 64);
	mst_table_begin(&t, &arena, head);
	for (int i = 0; i < 100; i++)
		mst_table_text(&t, MST_S("some text"));
	cr_expect_eq(mst_table_print(&t, stdout), -1);
	mst_arena_done(&arena);
}

Test(table, orders_become_question_marks)
{
	static const struct {
		const char *in, *out;
		bool keeps_lines;
	} rows[] = {
		{"plain", "plain", false},
		{"a\x1b[2Jb", "a?[2Jb", false},
		{"a\nb\tc", "a?b?c", false},
		{"a\nb\tc", "a\nb\tc", true},
		{"a\rb", "a?b", true},
		{"\x7f", "?", false},
		{"Zo\xc3\xab", "Zo\xc3\xab", false},
		{"a\xc2\x9b"
		 "b",
		 "a?b", false},                  /* CSI as one character */
		{"\xc2\xa0", "\xc2\xa0", false}, /* a space that does not break is none */
		{"bad\xff\x9btext", "bad??text",
		 false}, /* not UTF-8: an 8-bit terminal would see orders */
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		char *text = NULL;
		size_t len;
		FILE *f = open_memstream(&text, &len);

		mst_table_safe(f, mst_slice_str(rows[i].in), rows[i].keeps_lines);
		fclose(f);
		cr_expect_str_eq(text, rows[i].out, "row %zu", i);
		free(text);
	}
}
