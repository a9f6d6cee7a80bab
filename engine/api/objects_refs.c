/* SPDX-License-Identifier: Apache-2.0 */
/* What objects refer to, whether they may, and who refers to them: only settings and enrolment settings do. */
#include <string.h>

#include "objects_own.h"

static bool value_names(const struct mst_value *value, struct mst_slice name)
{
	if (mst_slice_eq(value->text, name))
		return true;
	for (uint32_t i = 0; i < value->num_pairs; i++)
		if (mst_slice_eq(value->pairs[i].value, name))
			return true;
	return false;
}

static bool is_ref(const struct mst_shape_row *field, enum mst_noun noun)
{
	return mst_shape_refers(field) && field->ref == noun;
}

static bool refers(const struct mst_object *o, enum mst_noun noun, struct mst_slice name)
{
	for (uint32_t i = 0; i < o->shape->num_fields; i++)
		if (is_ref(&o->shape->fields[i], noun) && o->values[i].is_set && value_names(&o->values[i], name))
			return true;
	return false;
}

static int walk_noun(struct object_ask *ask, struct mst_read *r, enum mst_noun noun, struct mst_json *j)
{
	struct mst_walk w = {.r = NULL};
	struct mst_object o;
	int rc;

	while ((rc = mst_object_next(&w, r, &o, noun, mst_slice(NULL, 0), NULL)) == 1) {
		if (!refers(&o, ask->noun, ask->name))
			continue;
		ask->num_touched++;
		mst_json_text(j, NULL, o.name);
	}
	mst_walk_done(&w);
	return rc;
}

int mst_object_refs_to(struct object_ask *ask, struct mst_read *r)
{
	struct mst_json j;
	int rc;

	ask->num_touched = 0;
	mst_json_begin(&j, r->arena);
	mst_json_open_array(&j, NULL);
	rc = walk_noun(ask, r, MST_NOUN_SETTING, &j);
	if (rc == 0)
		rc = walk_noun(ask, r, MST_NOUN_ENROLLMENT, &j);
	mst_json_close(&j);
	if (rc != 0)
		return rc;
	return mst_json_end(&j, &ask->touched, &r->err);
}

/* Who may refer to enrolment settings of a type; types that are not here: everybody. */
static const struct {
	const char *enrollment, *setting;
} allowed[] = {
	{"client-provided", "appconnect"},
	{"client-provided", "docs"},
	{"client-provided", "web"},
};

static bool may_refer(const struct mst_object *from, const struct mst_object *to)
{
	bool is_limited = false;

	for (size_t i = 0; i < MST_LEN(allowed) && to->noun == MST_NOUN_ENROLLMENT; i++) {
		if (strcmp(allowed[i].enrollment, to->shape->type) != 0)
			continue;
		if (strcmp(allowed[i].setting, from->shape->type) == 0)
			return true;
		is_limited = true;
	}
	return !is_limited;
}

static int judge(const struct mst_object *from, struct mst_read *r, const struct mst_shape_row *field, struct mst_slice name)
{
	struct mst_object o;
	uint8_t id[16];
	int rc;

	if (name.len == 0)
		return 0;
	if (mst_name_check(name, &r->err) < 0)
		return -1;
	mst_object_id(id, field->ref, name);
	rc = mst_object_get(r, &o, field->ref, id, NULL);
	if (rc == 1 && may_refer(from, &o))
		return 0;
	if (rc == 1)
		return mst_fail(&r->err, MST_E_SYNTAX, "%s: %s settings may not refer to \"%.*s\", which is %s", field->name,
				from->shape->type, (int)name.len, (const char *)name.at, o.shape->type);
	if (rc != 0)
		return rc;
	return mst_fail(&r->err, MST_E_SYNTAX, "%s: there is no %s \"%.*s\"", field->name, mst_noun_word(field->ref), (int)name.len,
			(const char *)name.at);
}

int mst_object_refs_from(struct object_ask *ask, struct mst_read *r)
{
	const struct mst_object *o = &ask->newer;

	for (uint32_t i = 0; i < o->shape->num_fields; i++) {
		const struct mst_shape_row *field = &o->shape->fields[i];
		int rc = 0;
		if (!o->values[i].is_set || !mst_shape_refers(field))
			continue;
		if (field->kind == MST_FIELD_REF)
			rc = judge(o, r, field, o->values[i].text);
		for (uint32_t k = 0; rc == 0 && k < o->values[i].num_pairs; k++)
			rc = judge(o, r, field, o->values[i].pairs[k].value);
		if (rc != 0)
			return rc;
	}
	return 0;
}
