/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the payloads are Apple's, and derived names stay the same. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "muster/file.h"
#include "own.h"

static struct mst_arena arena;

static void begin(void)
{
	mst_arena_init(&arena, NULL, 0);
}

static void end(void)
{
	mst_arena_done(&arena);
}

TestSuite(payload, .init = begin, .fini = end, .timeout = 60);

static bool has_row(const struct payload_row *rows, size_t num, struct mst_slice key)
{
	for (size_t i = 0; i < num; i++)
		if (mst_slice_eq(mst_slice_str(rows[i].key), key))
			return true;
	return false;
}

struct line {
	struct mst_slice type, key;
	bool is_required;
};

static bool next_line(struct line *out, struct mst_slice *text)
{
	struct mst_slice line, need;

	while (text->len) {
		if (!mst_slice_cut(&line, text, *text, '\n'))
			text->len = 0;
		if (line.len == 0 || line.at[0] == '#')
			continue;
		cr_assert(mst_slice_cut(&out->type, &line, line, '\t') && mst_slice_cut(&out->key, &need, line, '\t'));
		out->is_required = mst_slice_eq(need, MST_S("required"));
		return true;
	}
	return false;
}

static bool is_listed(struct mst_slice text, const char *type, const char *prefix, const char *key)
{
	char full[128];
	struct line line;

	snprintf(full, sizeof(full), "%s%s", prefix, key);
	while (next_line(&line, &text))
		if (mst_slice_eq(line.type, mst_slice_str(type)) && mst_slice_eq(line.key, mst_slice_str(full)))
			return true;
	return false;
}

static void check_rows(struct mst_slice text, const char *type, const char *prefix, const struct payload_row *rows, size_t num)
{
	for (size_t i = 0; i < num; i++)
		cr_expect(is_listed(text, type, prefix, rows[i].key), "%s has no key %s%s", type, prefix, rows[i].key);
}

Test(payload, keys_are_those_of_the_schemas)
{
	const struct mst_slice inside = MST_S("PayloadContent.");
	struct mst_slice text, rest;
	struct line line;
	struct mst_err e;

	cr_assert_eq(mst_file_read(&text, &arena, DATA "/enroll-payload-keys.txt", 1 << 20, &e), 0, "%s", e.text);
	for (size_t i = 0; i < NUM_PAYLOADS; i++) {
		const struct payload_table *t = &mst_payload_tables[i];
		check_rows(text, t->type, "", t->rows, t->num_rows);
		check_rows(text, t->type, "PayloadContent.", t->inside, t->num_inside);
		rest = text;
		while (next_line(&line, &rest)) {
			bool is_inside = mst_slice_starts(line.key, inside);
			if (!line.is_required || !mst_slice_eq(line.type, mst_slice_str(t->type)))
				continue;
			if (is_inside)
				line.key = mst_slice(line.key.at + inside.len, line.key.len - inside.len);
			cr_expect(has_row(is_inside ? t->inside : t->rows, is_inside ? t->num_inside : t->num_rows, line.key),
				  "%s needs %.*s", t->type, (int)line.key.len, (const char *)line.key.at);
		}
	}
}

Test(payload, identifiers_are_derived)
{
	const struct mst_slice url = MST_S("https://a"), device = MST_S("D"), part = MST_S("mdm");
	char one[UUID_LEN + 1], two[UUID_LEN + 1];

	mst_profile_uuid(one, url, device, part);
	mst_profile_uuid(two, url, device, part);
	cr_expect_str_eq(one, two);
	cr_expect_eq(strlen(one), UUID_LEN);
	cr_expect_eq(one[14], '8', "RFC 9562 5.8");
	cr_expect(strchr("89AB", one[19]));
	mst_profile_uuid(two, url, MST_S("E"), part);
	cr_expect_str_neq(one, two);
	mst_profile_uuid(two, url, device, MST_S("scep"));
	cr_expect_str_neq(one, two);
	mst_profile_uuid(two, MST_S("https://aD"), MST_S(""), part);
	cr_expect_str_neq(one, two, "parts do not run together");
}
