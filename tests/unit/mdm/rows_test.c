/* SPDX-License-Identifier: Apache-2.0 */
/* The tables against Apple's lists, and the reader they drive. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "own.h"

static void names_read(char names[][64], size_t *num)
{
	FILE *file = fopen(MUSTER_ROOT "/tests/data/checkin-messages.txt", "r");

	cr_assert(file);
	for (*num = 0; *num < 32 && fgets(names[*num], 64, file); ++*num)
		names[*num][strcspn(names[*num], "\n")] = '\0';
	fclose(file);
}

/* Apple's MessageTypes and ours are the same. */
Test(rows, checkin_messages)
{
	char names[32][64];
	size_t num;

	names_read(names, &num);
	cr_expect_eq(num, (size_t)NUM_CHECKINS);
	for (size_t i = 0; i < num; i++)
		cr_expect(mst_checkin_find(mst_slice_str(names[i])), "%s", names[i]);
	for (size_t i = 0; i < NUM_CHECKINS; i++) {
		cr_expect(mst_checkin_rows[i].apply, "%zu", i);
		cr_expect_eq(mst_checkin_find(mst_slice_str(mst_checkin_rows[i].name)), &mst_checkin_rows[i]);
	}
	cr_expect_null(mst_checkin_find(MST_S("")));
	cr_expect_null(mst_checkin_find(MST_S("Authenticate2")));
}

static void once(const struct mdm_item_row *rows, size_t num)
{
	for (size_t i = 0; i < num; i++)
		for (size_t k = 0; k < i; k++) {
			cr_expect_str_neq(rows[i].key, rows[k].key);
			cr_expect_neq(rows[i].at, rows[k].at, "%s", rows[i].key);
		}
}

Test(rows, each_key_once)
{
	once(mst_item_ids, mst_item_num_ids);
	once(mst_checkin_items, mst_checkin_num_items);
	once(mst_command_items, mst_command_num_items);
}

static int read_items(const char *items, uint32_t which, struct mdm_message *out, struct mst_arena *arena, struct mst_err *e)
{
	char text[8192];
	const struct mst_plist *root;
	int len = snprintf(text, sizeof(text), "<plist><dict>%s</dict></plist>", items);

	memset(out, 0, sizeof(*out));
	cr_assert_eq(mst_plist_parse(&root, arena, mst_slice(text, (size_t)len), &mst_plist_limits_device, e), 0, "%s", e->text);
	return mst_item_read(out, arena, root, mst_checkin_items, mst_checkin_num_items, which, e);
}

/* Every text and data key: read where it belongs, refused as another kind, refused one byte too long, needed where it is. */
Test(rows, each_item)
{
	static const char filler[6001] = {0};
	struct mst_arena arena;
	struct mst_err e;

	mst_arena_init(&arena, NULL, 0);
	for (size_t i = 0; i < mst_checkin_num_items; i++) {
		const struct mdm_item_row *row = &mst_checkin_items[i];
		const char *tag = row->kind == ITEM_TEXT ? "string" : "data", *wrong = row->kind == ITEM_TEXT ? "data" : "string";
		struct mdm_message m;
		char items[8000];
		if (row->kind == ITEM_BOOL)
			continue;
		snprintf(items, sizeof(items), "<key>%s</key><%s>AAAA</%s>", row->key, tag, tag);
		cr_expect_eq(read_items(items, 0, &m, &arena, &e), 0, "%s: %s", row->key, e.text);
		struct mst_slice got;
		memcpy(&got, (char *)&m + row->at, sizeof(got));
		cr_expect_eq(got.len, row->kind == ITEM_TEXT ? 4u : 3u, "%s", row->key);
		snprintf(items, sizeof(items), "<key>%s</key><%s>AAAA</%s>", row->key, wrong, wrong);
		cr_expect_eq(read_items(items, 0, &m, &arena, &e), -1, "%s", row->key);
		cr_expect_eq(e.code, MST_E_SYNTAX, "%s", row->key);
		cr_expect_eq(read_items("", row->needed_by, &m, &arena, &e), row->needed_by ? -1 : 0, "%s", row->key);
		if (row->kind == ITEM_TEXT) {
			char *long_text = strdup(filler);
			long_text = realloc(long_text, row->len_max + 2);
			memset(long_text, 'x', row->len_max + 1);
			long_text[row->len_max + 1] = '\0';
			snprintf(items, sizeof(items), "<key>%s</key><string>%s</string>", row->key, long_text);
			cr_expect_eq(read_items(items, 0, &m, &arena, &e), -1, "%s", row->key);
			long_text[row->len_max] = '\0';
			snprintf(items, sizeof(items), "<key>%s</key><string>%s</string>", row->key, long_text);
			cr_expect_eq(read_items(items, 0, &m, &arena, &e), 0, "%s: %s", row->key, e.text);
			free(long_text);
		}
	}
	mst_arena_done(&arena);
}

Test(rows, statuses)
{
	static const char *const apples[] = {"Acknowledged", "CommandFormatError", "Error", "Idle", "NotNow"};

	cr_expect_eq(mst_command_num_rows, MST_LEN(apples));
	for (size_t i = 0; i < MST_LEN(apples); i++) {
		size_t num = 0;
		for (size_t k = 0; k < mst_command_num_rows; k++)
			num += strcmp(mst_command_rows[k].name, apples[i]) == 0;
		cr_expect_eq(num, 1u, "%s", apples[i]);
	}
	for (size_t k = 0; k < mst_command_num_rows; k++)
		cr_expect_eq(mst_command_rows[k].kind == STATUS_OVER, mst_command_is_over(mst_command_rows[k].state));
}
