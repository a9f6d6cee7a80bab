/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/shapes: the tables of all types, for whoever makes forms of them. */
#include "objects_own.h"

static const char *const kind_words[] = {
	[MST_FIELD_TEXT] = "text",   [MST_FIELD_SECRET] = "secret", [MST_FIELD_BOOL] = "bool",   [MST_FIELD_NUMBER] = "number",
	[MST_FIELD_WORD] = "word",   [MST_FIELD_TEXTS] = "texts",   [MST_FIELD_PAIRS] = "pairs", [MST_FIELD_BYTES] = "bytes",
	[MST_FIELD_REF] = "ref",     [MST_FIELD_REFS] = "refs",
};

static void field_tell(struct mst_json *j, const struct mst_shape_row *field)
{
	mst_json_open(j, NULL);
	mst_json_text(j, "name", mst_slice_str(field->name));
	mst_json_text(j, "kind", mst_slice_str(kind_words[field->kind]));
	mst_json_bool(j, "required", field->flags & MST_FIELD_REQUIRED);
	mst_json_bool(j, "read_only", field->flags & MST_FIELD_OURS);
	mst_json_bool(j, "variables", field->flags & MST_FIELD_VARIABLES);
	if (field->least != field->most) {
		mst_json_i64(j, "least", field->least);
		mst_json_i64(j, "most", field->most);
	}
	if (field->words) {
		mst_json_open_array(j, "words");
		for (size_t i = 0; field->words[i]; i++)
			mst_json_text(j, NULL, mst_slice_str(field->words[i]));
		mst_json_close(j);
	}
	if (field->kind == MST_FIELD_REF || field->kind == MST_FIELD_REFS)
		mst_json_text(j, "refers_to", mst_slice_str(mst_noun_plural(field->ref)));
	if (field->fallback)
		mst_json_text(j, "default", mst_slice_str(field->fallback));
	mst_json_text(j, "help", mst_slice_str(field->help));
	mst_json_close(j);
}

enum mst_step mst_objects_shapes(struct mst_xchg *x)
{
	const struct mst_shape *shape;
	struct mst_json j;

	mst_json_begin(&j, &x->arena);
	mst_json_open(&j, NULL);
	mst_json_open_array(&j, "shapes");
	for (size_t i = 0; (shape = mst_shape_at(i)); i++) {
		mst_json_open(&j, NULL);
		mst_json_text(&j, "of", mst_slice_str(mst_noun_plural(shape->noun)));
		mst_json_text(&j, "type", mst_slice_str(shape->type));
		mst_json_text(&j, "help", mst_slice_str(shape->help));
		mst_json_open_array(&j, "fields");
		for (uint32_t k = 0; k < shape->num_fields; k++)
			field_tell(&j, &shape->fields[k]);
		mst_json_close(&j);
		mst_json_close(&j);
	}
	mst_json_close(&j);
	mst_json_close(&j);
	return mst_query_answer(x, 200, &j);
}
