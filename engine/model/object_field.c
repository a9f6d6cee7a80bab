/* SPDX-License-Identifier: Apache-2.0 */
/* One field of an object: read from JSON or from its fallback's text, checked by its row. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "muster/text.h"
#include "muster/variables.h"
#include "object_own.h"

#define TEXT_MAX  4096 /* when the row says nothing */
#define COUNT_MAX 256
#define BYTES_MAX (512u << 10)

/* A text that goes to devices and other servers: UTF-8 without control characters but tab and line feed. */
static int text_check(const struct mst_shape_row *field, struct mst_slice text, int64_t most, struct mst_err *e)
{
	if (text.len > (uint64_t)most)
		return mst_fail(e, MST_E_SYNTAX, "%s: longer than %" PRId64 " bytes", field->name, most);
	if (!mst_utf8_ok(text))
		return mst_fail(e, MST_E_SYNTAX, "%s: not well-formed UTF-8", field->name);
	for (size_t i = 0; i < text.len; i++)
		if ((text.at[i] < 0x20 && text.at[i] != '\t' && text.at[i] != '\n') || text.at[i] == 0x7f)
			return mst_fail(e, MST_E_SYNTAX, "%s: a control character", field->name);
	return field->flags & MST_FIELD_VARIABLES ? mst_variables_check(field->name, text, field->flags, e) : 0;
}

static int64_t text_most(const struct mst_shape_row *field)
{
	return field->most ? field->most : TEXT_MAX;
}

static int word_find(struct mst_value *out, const struct mst_shape_row *field, struct mst_slice text, struct mst_err *e)
{
	char known[128];
	size_t at = 0;

	known[0] = 0;
	for (int64_t i = 0; field->words[i]; i++) {
		size_t len = strlen(field->words[i]);
		if (mst_slice_eq(mst_slice_str(field->words[i]), text)) {
			out->text = mst_slice_str(field->words[i]);
			out->number = i;
			return 0;
		}
		if (at + len + 3 > sizeof known)
			continue;
		memcpy(known + at, i ? ", " : "", i ? 2 : 0);
		at += i ? 2 : 0;
		memcpy(known + at, field->words[i], len + 1);
		at += len;
	}
	return mst_fail(e, MST_E_SYNTAX, "%s: one of %s", field->name, known);
}

static int number_check(const struct mst_shape_row *field, int64_t number, struct mst_err *e)
{
	if (field->least != field->most && (number < field->least || number > field->most))
		return mst_fail(e, MST_E_SYNTAX, "%s: %" PRId64 " to %" PRId64, field->name, field->least, field->most);
	return 0;
}

int mst_value_from_text(struct mst_value *out, const struct mst_shape_row *field, struct mst_slice text, struct mst_err *e)
{
	*out = (struct mst_value){.is_set = true, .text = text};
	switch (field->kind) {
	case MST_FIELD_WORD:
		return word_find(out, field, text, e);
	case MST_FIELD_BOOL:
		out->number = mst_slice_eq(text, MST_S("true"));
		out->text = mst_slice(NULL, 0);
		return 0;
	case MST_FIELD_NUMBER:
		out->number = strtoll((const char *)text.at, NULL, 10); /* a constant of a table: terminated */
		out->text = mst_slice(NULL, 0);
		return number_check(field, out->number, e);
	case MST_FIELD_TEXT:
	case MST_FIELD_SECRET:
	case MST_FIELD_TEXTS:
	case MST_FIELD_PAIRS:
	case MST_FIELD_BYTES:
	case MST_FIELD_REF:
	case MST_FIELD_REFS:
		return 0;
	}
	return 0;
}

static int bytes_read(struct mst_value *out, struct mst_arena *arena, const struct mst_shape_row *field, struct mst_err *e)
{
	uint8_t *bytes = mst_arena_get(arena, MST_BASE64_ROOM(out->text.len) + 1);
	struct mst_err why;
	size_t len;

	if (!bytes)
		return mst_fail(e, MST_E_TOO_BIG, "%s: out of memory for this request", field->name);
	if (mst_base64_get(bytes, &len, out->text, &why) < 0)
		return mst_fail(e, MST_E_SYNTAX, "%s: not base64", field->name);
	if (len > (field->most ? (uint64_t)field->most : BYTES_MAX))
		return mst_fail(e, MST_E_SYNTAX, "%s: too long", field->name);
	out->text = mst_slice(bytes, len);
	return 0;
}

static int pair_read(struct mst_pair *out, const struct mst_json_value *item, const struct mst_shape_row *field, struct mst_err *e)
{
	struct mst_value word;

	*out = (struct mst_pair){.key = {NULL, 0}};
	if (field->kind != MST_FIELD_PAIRS) {
		if (mst_json_get_text0(item, &out->value, NULL, e) != 1)
			return mst_fail(e, MST_E_SYNTAX, "%s: an array of texts", field->name);
		if (out->value.len == 0)
			return mst_fail(e, MST_E_SYNTAX, "%s: an empty text", field->name);
		return text_check(field, out->value, TEXT_MAX, e);
	}
	if (mst_json_get_text0(item, &out->key, "key", e) != 1 || mst_json_get_text0(item, &out->value, "value", e) != 1)
		return mst_fail(e, MST_E_SYNTAX, "%s: an array of {\"key\", \"value\"}", field->name);
	if (out->key.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "%s: an empty key", field->name);
	if (field->words && word_find(&word, field, out->key, e) < 0)
		return -1;
	if (text_check(field, out->key, TEXT_MAX, e) < 0)
		return -1;
	return field->flags & MST_FIELD_REFERS ? mst_name_check(out->value, e) : text_check(field, out->value, TEXT_MAX, e);
}

static int list_read(struct mst_value *out, struct mst_arena *arena, const struct mst_json_value *json, const struct mst_shape_row *field,
		     struct mst_err *e)
{
	uint64_t most = field->most ? (uint64_t)field->most : COUNT_MAX;
	const struct mst_json_value *array;
	struct mst_pair *pairs;
	size_t num;

	if (mst_json_get_array0(json, &array, NULL, e) != 1)
		return mst_fail(e, MST_E_SYNTAX, "%s: an array", field->name);
	num = mst_json_num(array);
	if (num > most || num < (uint64_t)field->least)
		return mst_fail(e, MST_E_SYNTAX, "%s: %" PRId64 " to %" PRIu64 " items", field->name, field->least, most);
	pairs = mst_arena_get(arena, num * sizeof(*pairs));
	if (!pairs)
		return mst_fail(e, MST_E_TOO_BIG, "%s: out of memory for this request", field->name);
	for (size_t i = 0; i < num; i++) {
		if (pair_read(&pairs[i], mst_json_at0(array, i), field, e) < 0)
			return -1;
		if (!mst_arena_copy(arena, &pairs[i].key, pairs[i].key) || !mst_arena_copy(arena, &pairs[i].value, pairs[i].value))
			return mst_fail(e, MST_E_TOO_BIG, "%s: out of memory for this request", field->name);
	}
	out->pairs = pairs;
	out->num_pairs = (uint32_t)num;
	return 0;
}

static int plain_text_read(struct mst_value *out, struct mst_arena *arena, const struct mst_json_value *json,
			   const struct mst_shape_row *field, struct mst_err *e)
{
	struct mst_slice text;

	if (mst_json_get_text0(json, &text, NULL, e) != 1)
		return mst_fail(e, MST_E_SYNTAX, "%s: a text", field->name);
	if (!mst_arena_copy(arena, &out->text, text))
		return mst_fail(e, MST_E_TOO_BIG, "%s: out of memory for this request", field->name);
	if (field->kind == MST_FIELD_BYTES)
		return bytes_read(out, arena, field, e);
	if (field->kind == MST_FIELD_WORD)
		return word_find(out, field, out->text, e);
	if (field->kind == MST_FIELD_REF)
		return mst_name_check(out->text, e);
	if (field->kind == MST_FIELD_SECRET)
		return out->text.len > (uint64_t)text_most(field) ? mst_fail(e, MST_E_SYNTAX, "%s: too long", field->name) : 0;
	if ((int64_t)text.len < field->least)
		return mst_fail(e, MST_E_SYNTAX, "%s: at least %" PRId64 " bytes", field->name, field->least);
	return text_check(field, out->text, text_most(field), e);
}

int mst_value_read(struct mst_value *out, struct mst_arena *arena, const struct mst_json_value *json, const struct mst_shape_row *field,
		   struct mst_err *e)
{
	bool is_on;

	*out = (struct mst_value){.is_set = true};
	switch (field->kind) {
	case MST_FIELD_BOOL:
		if (mst_json_get_bool(json, &is_on, NULL, e) != 1)
			return mst_fail(e, MST_E_SYNTAX, "%s: true or false", field->name);
		out->number = is_on;
		return 0;
	case MST_FIELD_NUMBER:
		if (mst_json_get_i64(json, &out->number, NULL, e) != 1)
			return mst_fail(e, MST_E_SYNTAX, "%s: a whole number", field->name);
		return number_check(field, out->number, e);
	case MST_FIELD_TEXTS:
	case MST_FIELD_PAIRS:
	case MST_FIELD_REFS:
		return list_read(out, arena, json, field, e);
	case MST_FIELD_TEXT:
	case MST_FIELD_SECRET:
	case MST_FIELD_WORD:
	case MST_FIELD_BYTES:
	case MST_FIELD_REF:
		return plain_text_read(out, arena, json, field, e);
	}
	return 0;
}
