/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, compares and prints options by their rows. */
#include "muster/opt.h"

#include <stdio.h>

#include "muster/text.h"

static const struct {
	const char *word;
	bool value;
} bool_words[] = {{"yes", true}, {"no", false},  {"true", true}, {"false", false},
		  {"on", true},  {"off", false}, {"1", true},    {"0", false}};

const struct mst_opt_row *mst_opt_find(const struct mst_opt_row *rows, size_t num_rows,
				       const char *section, const char *key)
{
	for (size_t i = 0; i < num_rows; i++)
		if (strcmp(rows[i].section, section) == 0 && strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static int refuse(const struct mst_opt_row *row, struct mst_err *e, const char *rule)
{
	return mst_fail(e, MST_E_CONF, "%s.%s: %s", row->section, row->key, rule);
}

static int set_u32(void *place, const struct mst_opt_row *row, const char *value, struct mst_err *e)
{
	uint64_t most = row->most && row->most < UINT32_MAX ? row->most : UINT32_MAX, n;
	if (mst_slice_u64(&n, mst_slice_str(value), NULL) < 0 || n < row->least || n > most)
		return mst_fail(e, MST_E_CONF,
				"%s.%s: a whole number from %llu to %llu%s%s belongs here",
				row->section, row->key, (unsigned long long)row->least,
				(unsigned long long)most, row->unit && row->unit[0] ? " " : "",
				row->unit ? row->unit : "");
	*(uint32_t *)place = (uint32_t)n;
	return 0;
}

static int set_bool(void *place, const struct mst_opt_row *row, const char *value,
		    struct mst_err *e)
{
	for (size_t i = 0; i < MST_LEN(bool_words); i++)
		if (mst_slice_case_eq(mst_slice_str(value), mst_slice_str(bool_words[i].word))) {
			*(bool *)place = bool_words[i].value;
			return 0;
		}
	return refuse(row, e, "yes or no belongs here");
}

static bool has_control(struct mst_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < 0x20 || s.at[i] == 0x7f)
			return true;
	return false;
}

static int set_text(void *place, struct mst_arena *arena, const struct mst_opt_row *row,
		    const char *value, struct mst_err *e)
{
	struct mst_slice text = mst_slice_str(value), copy;
	if (!mst_utf8_ok(text) || has_control(text))
		return refuse(row, e, "text in UTF-8 without control characters belongs here");
	if (text.len < row->least || (row->most && text.len > row->most))
		return mst_fail(e, MST_E_CONF, "%s.%s: text of %llu to %llu bytes belongs here",
				row->section, row->key, (unsigned long long)row->least,
				(unsigned long long)(row->most ? row->most : SIZE_MAX));
	if (!mst_arena_copy(arena, &copy, text))
		return refuse(row, e, "no memory left for the configuration");
	*(const char **)place = (const char *)copy.at;
	return 0;
}

static int set_enum(void *place, const struct mst_opt_row *row, const char *value,
		    struct mst_err *e)
{
	char list[MST_ERR_TEXT] = "";
	size_t len = 0;
	for (uint32_t i = 0; row->words[i]; i++) {
		if (strcmp(row->words[i], value) == 0) {
			*(uint32_t *)place = i;
			return 0;
		}
		int more = snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
				    row->words[i]);
		len += more > 0 && (size_t)more < sizeof(list) - len ? (size_t)more : 0;
	}
	return mst_fail(e, MST_E_CONF, "%s.%s: one of %s belongs here", row->section, row->key,
			list);
}

int mst_opt_set(void *conf, struct mst_arena *arena, const struct mst_opt_row *row,
		const char *value, struct mst_err *e)
{
	void *place = (char *)conf + row->at;
	switch (row->type) {
	case MST_OPT_U32:
		return set_u32(place, row, value, e);
	case MST_OPT_BOOL:
		return set_bool(place, row, value, e);
	case MST_OPT_TEXT:
	case MST_OPT_PATH:
		return set_text(place, arena, row, value, e);
	case MST_OPT_ENUM:
		return set_enum(place, row, value, e);
	}
	mst_bug(__FILE__, __LINE__, "option type");
}

int mst_opt_defaults(void *conf, struct mst_arena *arena, const struct mst_opt_row *rows,
		     size_t num_rows, struct mst_err *e)
{
	for (size_t i = 0; i < num_rows; i++)
		if (mst_opt_set(conf, arena, &rows[i], rows[i].fallback, e) < 0)
			return -1;
	return 0;
}

static struct mst_slice text_of(const void *place)
{
	return mst_slice_str(*(const char *const *)place);
}

bool mst_opt_differs(const struct mst_opt_row *row, const void *a, const void *b)
{
	const void *place_a = (const char *)a + row->at, *place_b = (const char *)b + row->at;
	switch (row->type) {
	case MST_OPT_U32:
	case MST_OPT_ENUM:
		return *(const uint32_t *)place_a != *(const uint32_t *)place_b;
	case MST_OPT_BOOL:
		return *(const bool *)place_a != *(const bool *)place_b;
	case MST_OPT_TEXT:
	case MST_OPT_PATH:
		return !mst_slice_eq(text_of(place_a), text_of(place_b));
	}
	mst_bug(__FILE__, __LINE__, "option type");
}

/* The word of an enum's number; a number without one is our mistake. */
static const char *word_of(const struct mst_opt_row *row, uint32_t number)
{
	for (uint32_t i = 0; row->words[i]; i++)
		if (i == number)
			return row->words[i];
	mst_bug(__FILE__, __LINE__, "option word");
}

size_t mst_opt_print(char *out, size_t room, const struct mst_opt_row *row, const void *conf)
{
	const void *place = (const char *)conf + row->at;
	const char *text = "";
	char number[16];
	switch (row->type) {
	case MST_OPT_U32:
		snprintf(number, sizeof(number), "%u", (unsigned)*(const uint32_t *)place);
		text = number;
		break;
	case MST_OPT_BOOL:
		text = *(const bool *)place ? "yes" : "no";
		break;
	case MST_OPT_TEXT:
	case MST_OPT_PATH:
		text = (const char *)text_of(place).at;
		break;
	case MST_OPT_ENUM:
		text = word_of(row, *(const uint32_t *)place);
		break;
	}
	int len = snprintf(out, room, "%s", text ? text : "");
	size_t whole = len < 0 ? 0 : (size_t)len;
	return whole < room ? whole : room ? room - 1 : 0;
}
