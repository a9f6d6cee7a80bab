/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as JSON, secrets left out. */
#include "object_own.h"

static void list_tell(struct mst_json *j, const char *key, const struct mst_value *value)
{
	mst_json_open_array(j, key);
	for (uint32_t i = 0; i < value->num_pairs; i++)
		mst_json_text(j, NULL, value->pairs[i].value);
	mst_json_close(j);
}

static void pairs_tell(struct mst_json *j, const char *key, const struct mst_value *value)
{
	mst_json_open_array(j, key);
	for (uint32_t i = 0; i < value->num_pairs; i++) {
		mst_json_open(j, NULL);
		mst_json_text(j, "key", value->pairs[i].key);
		mst_json_text(j, "value", value->pairs[i].value);
		mst_json_close(j);
	}
	mst_json_close(j);
}

static void secret_tell(struct mst_json *j, const char *key)
{
	mst_json_open(j, key);
	mst_json_bool(j, "set", true);
	mst_json_close(j);
}

void mst_value_tell(struct mst_json *j, const char *key, const struct mst_value *value, const struct mst_shape_row *field)
{
	if (!value->is_set) {
		mst_json_null(j, key);
		return;
	}
	switch (field->kind) {
	case MST_FIELD_TEXT:
	case MST_FIELD_WORD:
	case MST_FIELD_REF:
		mst_json_text(j, key, value->text);
		break;
	case MST_FIELD_SECRET:
		secret_tell(j, key);
		break;
	case MST_FIELD_BOOL:
		mst_json_bool(j, key, value->number != 0);
		break;
	case MST_FIELD_NUMBER:
		mst_json_i64(j, key, value->number);
		break;
	case MST_FIELD_TEXTS:
	case MST_FIELD_REFS:
		list_tell(j, key, value);
		break;
	case MST_FIELD_PAIRS:
		pairs_tell(j, key, value);
		break;
	case MST_FIELD_BYTES:
		mst_json_base64(j, key, value->text);
		break;
	}
}

static void uuid_tell(struct mst_json *j, const char *key, const uint8_t uuid[static 16])
{
	static const char digits[] = "0123456789abcdef";
	char text[36];
	size_t at = 0;

	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		text[at++] = digits[uuid[i] >> 4];
		text[at++] = digits[uuid[i] & 15];
	}
	mst_json_text(j, key, mst_slice(text, at));
}

void mst_object_tell(struct mst_json *j, const struct mst_object *o)
{
	mst_json_text(j, "name", o->name);
	mst_json_text(j, "type", mst_slice_str(o->shape->type));
	uuid_tell(j, "uuid", o->uuid);
	mst_json_u64(j, "version", o->version);
	mst_json_time(j, "created_at", o->created_ms);
	mst_json_time(j, "changed_at", o->changed_ms);
	mst_json_text(j, "changed_by", o->changed_by);
	mst_json_open(j, "fields");
	for (uint32_t i = 0; i < o->shape->num_fields; i++)
		if (o->values[i].is_set)
			mst_value_tell(j, o->shape->fields[i].name, &o->values[i], &o->shape->fields[i]);
	mst_json_close(j);
}
