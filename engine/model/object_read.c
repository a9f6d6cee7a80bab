/* SPDX-License-Identifier: Apache-2.0 */
/* An object out of an operator's JSON: a new one, or an edit of an older one. */
#include "object_own.h"

struct reading {
	struct mst_object *o;
	struct mst_arena *arena;
	const struct mst_object *older;
	struct mst_err *e;
	bool is_bad;
};

static bool is_null(const struct mst_json_value *json)
{
	struct mst_slice text;
	struct mst_err e;

	return mst_json_get_text0(json, &text, NULL, &e) == 0;
}

static bool on_field(void *context, struct mst_slice key, const struct mst_json_value *json)
{
	struct reading *reading = context;
	const struct mst_shape *shape = reading->o->shape;

	for (uint32_t i = 0; i < shape->num_fields; i++) {
		if (!mst_slice_eq(mst_slice_str(shape->fields[i].name), key))
			continue;
		if (shape->fields[i].flags & MST_FIELD_OURS) /* what was shown can be sent */
			return true;
		reading->o->values[i] = (struct mst_value){.is_set = false};
		if (!is_null(json))
			reading->is_bad = mst_value_read(&reading->o->values[i], reading->arena, json, &shape->fields[i], reading->e) < 0;
		return !reading->is_bad;
	}
	reading->is_bad = true;
	(void)!mst_fail(reading->e, MST_E_SYNTAX, "%s has no field \"%.*s\"", shape->type, (int)(key.len < 64 ? key.len : 64),
			(const char *)key.at);
	return false;
}

/* What the object says about itself: "fields" has the rest. */
static bool on_member(void *context, struct mst_slice key, const struct mst_json_value *json)
{
	/* What mst_object_tell writes beside name, type and fields is taken back without a word: what was shown can be sent. */
	static const char *const known[] = {"name", "type", "fields", "uuid", "version", "created_at", "changed_at", "changed_by"};
	struct reading *reading = context;

	(void)json;
	for (size_t i = 0; i < MST_LEN(known); i++)
		if (mst_slice_eq(mst_slice_str(known[i]), key))
			return true;
	reading->is_bad = true;
	(void)!mst_fail(reading->e, MST_E_SYNTAX, "\"%.*s\" is not known here; fields belong into \"fields\"",
			(int)(key.len < 64 ? key.len : 64), (const char *)key.at);
	return false;
}

static int head_read(struct reading *reading, const struct mst_json_value *json, enum mst_noun noun)
{
	struct mst_object *o = reading->o;
	struct mst_slice name, type;

	if (mst_json_get_text0(json, &name, "name", reading->e) < 0 || mst_json_get_text0(json, &type, "type", reading->e) < 0)
		return -1;
	if (reading->older) {
		*o = *reading->older;
		if (name.len && !mst_slice_eq(name, o->name))
			return mst_fail(reading->e, MST_E_SYNTAX, "a name is for ever: make a new one");
		if (type.len && !mst_slice_eq(type, mst_slice_str(o->shape->type)))
			return mst_fail(reading->e, MST_E_SYNTAX, "a type is for ever: make a new one");
		return 0;
	}
	*o = (struct mst_object){.noun = noun};
	if (mst_name_check(name, reading->e) < 0)
		return -1;
	if (!mst_arena_copy(reading->arena, &o->name, name))
		return mst_fail(reading->e, MST_E_TOO_BIG, "out of memory for this request");
	mst_object_id(o->id, noun, o->name);
	o->shape = mst_shape_find(noun, type.len ? type : mst_slice_str(mst_noun_word(noun)));
	if (!o->shape)
		return mst_fail(reading->e, MST_E_SYNTAX, "there is no type \"%.*s\" of %s", (int)(type.len < 64 ? type.len : 64),
				(const char *)type.at, mst_noun_plural(noun));
	return 0;
}

static int needed_check(const struct mst_object *o, struct mst_err *e)
{
	for (uint32_t i = 0; i < o->shape->num_fields; i++)
		if ((o->shape->fields[i].flags & MST_FIELD_REQUIRED) && !o->values[i].is_set)
			return mst_fail(e, MST_E_SYNTAX, "%s is needed", o->shape->fields[i].name);
	return 0;
}

int mst_object_read(struct mst_object *o, struct mst_arena *arena, const struct mst_json_value *json, enum mst_noun noun,
		    const struct mst_object *older, struct mst_err *e)
{
	struct reading reading = {.o = o, .arena = arena, .older = older, .e = e};
	const struct mst_json_value *fields;

	mst_json_each(json, &reading, on_member);
	if (reading.is_bad || head_read(&reading, json, noun) < 0)
		return -1;
	if (mst_json_get_object0(json, &fields, "fields", e) < 0)
		return -1;
	if (fields)
		mst_json_each(fields, &reading, on_field);
	if (reading.is_bad || mst_object_fallback(o, arena, e) < 0 || needed_check(o, e) < 0)
		return -1;
	return o->shape->check ? o->shape->check(o, e) : 0;
}
