/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in memory: names, values by field, defaults, what differs between two versions. */
#include <string.h>

#include "muster/crypt.h"
#include "muster/text.h"
#include "object_own.h"

static const char *const noun_words[MST_NUM_NOUNS] = {
#define X(name, word, plural) [MST_NOUN_##name] = word,
	MST_NOUNS(X)
#undef X
};
static const char *const noun_plurals[MST_NUM_NOUNS] = {
#define X(name, word, plural) [MST_NOUN_##name] = plural,
	MST_NOUNS(X)
#undef X
};

const char *mst_noun_word(enum mst_noun noun)
{
	return noun_words[noun];
}

const char *mst_noun_plural(enum mst_noun noun)
{
	return noun_plurals[noun];
}

int mst_name_check(struct mst_slice name, struct mst_err *e)
{
	if (name.len == 0 || name.len > MST_OBJECT_NAME_MAX || !mst_utf8_ok(name))
		return mst_fail(e, MST_E_SYNTAX, "a name has 1 to %d bytes of UTF-8", MST_OBJECT_NAME_MAX);
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] < 0x20 || name.at[i] == 0x7f || name.at[i] == '/')
			return mst_fail(e, MST_E_SYNTAX, "a name has no control characters and no slash");
	if (name.at[0] == ' ' || name.at[name.len - 1] == ' ')
		return mst_fail(e, MST_E_SYNTAX, "a name does not begin or end with a blank");
	return 0;
}

void mst_object_id(uint8_t out[static 16], enum mst_noun noun, struct mst_slice name)
{
	uint8_t bytes[1 + MST_OBJECT_NAME_MAX], hash[32];

	BUG_ON(name.len > MST_OBJECT_NAME_MAX);
	bytes[0] = (uint8_t)noun;
	if (name.len)
		memcpy(bytes + 1, name.at, name.len);
	mst_sha256(hash, mst_slice(bytes, 1 + name.len));
	memcpy(out, hash, 16);
}

void mst_object_key(uint8_t key[static OBJECT_KEY_LEN], enum mst_noun noun, const uint8_t id[static 16])
{
	key[0] = (uint8_t)noun;
	memcpy(key + 1, id, 16);
}

const struct mst_value *mst_object_value(const struct mst_object *o, const char *field)
{
	for (uint32_t i = 0; i < o->shape->num_fields; i++)
		if (strcmp(o->shape->fields[i].name, field) == 0)
			return &o->values[i];
	BUG_ON("no such field");
	return NULL;
}

struct mst_slice mst_object_text(const struct mst_object *o, const char *field)
{
	return mst_object_value(o, field)->text;
}

bool mst_object_bool(const struct mst_object *o, const char *field)
{
	return mst_object_value(o, field)->number != 0;
}

int64_t mst_object_number(const struct mst_object *o, const char *field)
{
	return mst_object_value(o, field)->number;
}

int mst_object_fallback(struct mst_object *o, struct mst_arena *arena, struct mst_err *e)
{
	for (uint32_t i = 0; i < o->shape->num_fields; i++) {
		const struct mst_shape_row *field = &o->shape->fields[i];
		if (o->values[i].is_set || !field->fallback)
			continue;
		if (mst_value_from_text(&o->values[i], field, mst_slice_str(field->fallback), e) < 0)
			return -1;
	}
	return 0;
}

bool mst_value_same(const struct mst_value *a, const struct mst_value *b, enum mst_field_kind kind)
{
	if (a->is_set != b->is_set || a->number != b->number || a->num_pairs != b->num_pairs)
		return false;
	for (uint32_t i = 0; i < a->num_pairs; i++)
		if (!mst_slice_eq(a->pairs[i].key, b->pairs[i].key) || !mst_slice_eq(a->pairs[i].value, b->pairs[i].value))
			return false;
	/* A secret that was not opened is the one that is stored. */
	if (kind == MST_FIELD_SECRET && a->text.len == 0 && b->text.len == 0)
		return mst_slice_eq(a->sealed, b->sealed);
	return mst_slice_eq(a->text, b->text);
}

int mst_object_differ(struct mst_slice *changes, bool *is_cert, struct mst_arena *arena, const struct mst_object *from,
		      const struct mst_object *to, struct mst_err *e)
{
	struct mst_json j;

	BUG_ON(from->shape != to->shape);
	*is_cert = false;
	mst_json_begin(&j, arena);
	mst_json_open(&j, NULL);
	for (uint32_t i = 0; i < to->shape->num_fields; i++) {
		const struct mst_shape_row *field = &to->shape->fields[i];
		if (mst_value_same(&from->values[i], &to->values[i], field->kind))
			continue;
		*is_cert |= field->flags & MST_FIELD_CERT;
		mst_json_open(&j, field->name);
		mst_value_tell(&j, "from", &from->values[i], field);
		mst_value_tell(&j, "to", &to->values[i], field);
		mst_json_close(&j);
	}
	mst_json_close(&j);
	return mst_json_end(&j, changes, e);
}
