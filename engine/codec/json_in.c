/* SPDX-License-Identifier: Apache-2.0 */
/* Reads JSON with limits, over jansson. A value of ours is a json_t of jansson's. */
#include "muster/json.h"

#include <jansson.h>

/* Depth is checked before the recursive parser sees the text: brackets outside strings. */
static int check_depth(struct mst_slice text, uint32_t depth_max, struct mst_err *e)
{
	uint32_t depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > depth_max)
				return mst_fail(e, MST_E_TOO_BIG, "JSON nested deeper than %u",
						depth_max);
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return 0;
}

int mst_json_parse(struct mst_json_value **out, struct mst_slice text, size_t len_max,
		   uint32_t depth_max, struct mst_err *e)
{
	*out = NULL;
	if (text.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "empty, not JSON");
	if (text.len > len_max)
		return mst_fail(e, MST_E_TOO_BIG, "JSON over %zu bytes", len_max);
	if (check_depth(text, depth_max, e) < 0)
		return -1;
	json_error_t error;
	json_t *root = json_loadb((const char *)text.at, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return mst_fail(e, MST_E_SYNTAX, "not JSON: line %d, column %d: %s", error.line,
				error.column, error.text);
	*out = (struct mst_json_value *)root;
	return 0;
}

void mst_json_free(struct mst_json_value **root)
{
	if (*root)
		json_decref((json_t *)*root);
	*root = NULL;
}

/* The value `key` names, or `object` itself. NULL when absent or null. jansson takes non-const
 * pointers to read. */
static json_t *find(const struct mst_json_value *object, const char *key)
{
	json_t *value = (json_t *)(uintptr_t)object;
	if (key)
		value = json_object_get(value, key);
	return json_is_null(value) ? NULL : value;
}

static int wrong(const char *key, const char *kind, struct mst_err *e)
{
	return mst_fail(e, MST_E_SYNTAX, "%s is not %s", key ? key : "value", kind);
}

int mst_json_get_text0(const struct mst_json_value *object, struct mst_slice *out, const char *key,
		       struct mst_err *e)
{
	*out = (struct mst_slice){NULL, 0};
	json_t *value = find(object, key);
	if (!value)
		return 0;
	if (!json_is_string(value))
		return wrong(key, "a string", e);
	*out = mst_slice(json_string_value(value), json_string_length(value));
	return 1;
}

int mst_json_get_i64(const struct mst_json_value *object, int64_t *out, const char *key,
		     struct mst_err *e)
{
	*out = 0;
	json_t *value = find(object, key);
	if (!value)
		return 0;
	if (!json_is_integer(value))
		return wrong(key, "an integer", e);
	*out = json_integer_value(value);
	return 1;
}

int mst_json_get_u64(const struct mst_json_value *object, uint64_t *out, const char *key,
		     struct mst_err *e)
{
	int64_t n;
	int found = mst_json_get_i64(object, &n, key, e);
	*out = 0;
	if (found == 1 && n < 0)
		return wrong(key, "zero or more", e);
	if (found == 1)
		*out = (uint64_t)n;
	return found;
}

int mst_json_get_bool(const struct mst_json_value *object, bool *out, const char *key,
		      struct mst_err *e)
{
	*out = false;
	json_t *value = find(object, key);
	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return wrong(key, "true or false", e);
	*out = json_is_true(value);
	return 1;
}

int mst_json_get_object0(const struct mst_json_value *object, const struct mst_json_value **out,
			 const char *key, struct mst_err *e)
{
	json_t *value = find(object, key);
	*out = NULL;
	if (!value)
		return 0;
	if (!json_is_object(value))
		return wrong(key, "an object", e);
	*out = (const struct mst_json_value *)value;
	return 1;
}

int mst_json_get_array0(const struct mst_json_value *object, const struct mst_json_value **out,
			const char *key, struct mst_err *e)
{
	json_t *value = find(object, key);
	*out = NULL;
	if (!value)
		return 0;
	if (!json_is_array(value))
		return wrong(key, "an array", e);
	*out = (const struct mst_json_value *)value;
	return 1;
}

size_t mst_json_num(const struct mst_json_value *value)
{
	const json_t *node = (const json_t *)value;
	return json_is_array(node)    ? json_array_size(node)
	       : json_is_object(node) ? json_object_size(node)
				      : 0;
}

const struct mst_json_value *mst_json_at0(const struct mst_json_value *array, size_t i)
{
	return (const struct mst_json_value *)json_array_get((const json_t *)array, i);
}

void mst_json_each(const struct mst_json_value *object, void *context,
		   bool (*on_member)(void *context, struct mst_slice key,
				     const struct mst_json_value *value))
{
	json_t *home = (json_t *)(uintptr_t)object;
	for (void *at = json_object_iter(home); at; at = json_object_iter_next(home, at))
		if (!on_member(context, mst_slice_str(json_object_iter_key(at)),
			       (const struct mst_json_value *)json_object_iter_value(at)))
			return;
}
