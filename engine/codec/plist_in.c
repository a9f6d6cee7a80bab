/* SPDX-License-Identifier: Apache-2.0 */
/* Reads property lists: checks first, then libplist builds the tree. A node of ours is a plist_t of
 * libplist's. */
#include <plist/plist.h>

#include "muster/text.h"
#include "plist_own.h"

const struct mst_plist_limits mst_plist_limits_device = {
	.len_max = 4 << 20, .depth_max = 24, .nodes_max = 200000};

static plist_t build(struct mst_slice bytes, bool is_binary)
{
	plist_t tree = NULL;
	if (is_binary)
		plist_from_bin((const char *)bytes.at, (uint32_t)bytes.len, &tree);
	else
		plist_from_xml((const char *)bytes.at, (uint32_t)bytes.len, &tree);
	return tree;
}

int mst_plist_parse(struct mst_plist **out, struct mst_slice bytes,
		    const struct mst_plist_limits *limits, struct mst_err *e)
{
	static const struct mst_slice magic = MST_S_INIT("bplist00"),
				      mark = MST_S_INIT("\xef\xbb\xbf");
	*out = NULL;
	if (bytes.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "empty, not a property list");
	if (bytes.len > limits->len_max || bytes.len > INT32_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "property list over %zu bytes", limits->len_max);
	bool is_binary = mst_slice_starts(bytes, magic);
	if (!is_binary && mst_slice_starts(bytes, mark))
		bytes = mst_slice(bytes.at + mark.len, bytes.len - mark.len);
	/* Some senders count a terminator behind the document. */
	while (!is_binary && bytes.len && bytes.at[bytes.len - 1] == 0)
		bytes.len--;
	int failed = is_binary ? mst_plist_bin_check(bytes, limits, e)
			       : mst_plist_xml_check(bytes, limits, e);
	if (failed)
		return -1;
	plist_t tree = build(bytes, is_binary);
	if (!PLIST_IS_DICT(tree)) {
		plist_free(tree);
		return mst_fail(e, MST_E_SYNTAX, "not a property list with a dictionary");
	}
	*out = tree;
	return 0;
}

void mst_plist_free(struct mst_plist **root)
{
	plist_free(*root);
	*root = NULL;
}

/* What the library gave goes back through the library: its allocator need not be ours. */
static void give_back(void *memory)
{
	plist_to_bin_free(memory);
}

static const enum mst_plist_kind kinds[] = {
	[PLIST_BOOLEAN] = MST_PLIST_BOOL, [PLIST_UINT] = MST_PLIST_INT,
	[PLIST_REAL] = MST_PLIST_REAL,    [PLIST_STRING] = MST_PLIST_TEXT,
	[PLIST_ARRAY] = MST_PLIST_ARRAY,  [PLIST_DICT] = MST_PLIST_DICT,
	[PLIST_DATE] = MST_PLIST_DATE,    [PLIST_DATA] = MST_PLIST_DATA,
	[PLIST_KEY] = MST_PLIST_TEXT,     [PLIST_UID] = MST_PLIST_OTHER,
};

/* libplist reads through non-const handles. */
static plist_t handle(const struct mst_plist *node)
{
	return (plist_t)(uintptr_t)node;
}

enum mst_plist_kind mst_plist_kind(const struct mst_plist *node)
{
	plist_type type = plist_get_node_type(handle(node));
	return (size_t)type < MST_LEN(kinds) ? kinds[type] : MST_PLIST_OTHER;
}

/* 1 with *node of the wanted kind, 0 absent, -1 of another kind. */
static int find(const struct mst_plist *dict, plist_t *node, const char *key,
		enum mst_plist_kind kind, const char *words, struct mst_err *e)
{
	*node = key ? plist_dict_get_item(handle(dict), key) : handle(dict);
	if (!*node)
		return 0;
	if (mst_plist_kind(*node) != kind)
		return mst_fail(e, MST_E_SYNTAX, "%s is not %s", key ? key : "value", words);
	return 1;
}

int mst_plist_text0(const struct mst_plist *dict, struct mst_slice *out, const char *key,
		    struct mst_err *e)
{
	plist_t node;
	uint64_t len = 0;
	*out = (struct mst_slice){NULL, 0};
	int found = find(dict, &node, key, MST_PLIST_TEXT, "a string", e);
	if (found != 1)
		return found;
	const char *text = plist_get_string_ptr(node, &len);
	struct mst_slice s = mst_slice(text, text ? len : 0);
	if (!mst_utf8_ok(s))
		return mst_fail(e, MST_E_SYNTAX, "%s is not UTF-8 text", key ? key : "value");
	*out = s;
	return 1;
}

int mst_plist_data0(const struct mst_plist *dict, struct mst_slice *out, const char *key,
		    struct mst_err *e)
{
	plist_t node;
	uint64_t len = 0;
	*out = (struct mst_slice){NULL, 0};
	int found = find(dict, &node, key, MST_PLIST_DATA, "data", e);
	if (found != 1)
		return found;
	const char *bytes = plist_get_data_ptr(node, &len);
	*out = mst_slice(bytes, bytes ? len : 0);
	return 1;
}

int mst_plist_bool(const struct mst_plist *dict, bool *out, const char *key, struct mst_err *e)
{
	plist_t node;
	uint8_t value = 0;
	*out = false;
	int found = find(dict, &node, key, MST_PLIST_BOOL, "true or false", e);
	if (found != 1)
		return found;
	plist_get_bool_val(node, &value);
	*out = value != 0;
	return 1;
}

int mst_plist_i64(const struct mst_plist *dict, int64_t *out, const char *key, struct mst_err *e)
{
	plist_t node;
	uint64_t value = 0;
	*out = 0;
	int found = find(dict, &node, key, MST_PLIST_INT, "an integer", e);
	if (found != 1)
		return found;
	/* The library keeps a negative number as its two's complement. */
	plist_get_uint_val(node, &value);
	*out = (int64_t)value;
	return 1;
}

int mst_plist_u64(const struct mst_plist *dict, uint64_t *out, const char *key, struct mst_err *e)
{
	int64_t value;
	int found = mst_plist_i64(dict, &value, key, e);
	*out = 0;
	if (found == 1 && value < 0)
		return mst_fail(e, MST_E_SYNTAX, "%s is out of range", key ? key : "value");
	if (found == 1)
		*out = (uint64_t)value;
	return found;
}

int mst_plist_dict0(const struct mst_plist *dict, const struct mst_plist **out, const char *key,
		    struct mst_err *e)
{
	plist_t node;
	int found = find(dict, &node, key, MST_PLIST_DICT, "a dictionary", e);
	*out = found == 1 ? node : NULL;
	return found;
}

int mst_plist_array0(const struct mst_plist *dict, const struct mst_plist **out, const char *key,
		     struct mst_err *e)
{
	plist_t node;
	int found = find(dict, &node, key, MST_PLIST_ARRAY, "an array", e);
	*out = found == 1 ? node : NULL;
	return found;
}

size_t mst_plist_num(const struct mst_plist *node)
{
	enum mst_plist_kind kind = mst_plist_kind(node);
	if (kind == MST_PLIST_ARRAY)
		return plist_array_get_size(handle(node));
	return kind == MST_PLIST_DICT ? plist_dict_get_size(handle(node)) : 0;
}

const struct mst_plist *mst_plist_at0(const struct mst_plist *array, size_t i)
{
	if (mst_plist_kind(array) != MST_PLIST_ARRAY || i >= mst_plist_num(array))
		return NULL;
	return plist_array_get_item(handle(array), (uint32_t)i);
}

static void each_item(const struct mst_plist *array, void *context,
		      bool (*on_item)(void *context, struct mst_slice key,
				      const struct mst_plist *value))
{
	plist_array_iter iter = NULL;
	plist_t item = NULL;
	plist_array_new_iter(handle(array), &iter);
	do {
		plist_array_next_item(handle(array), iter, &item);
	} while (item && on_item(context, (struct mst_slice){NULL, 0}, item));
	give_back(iter);
}

void mst_plist_each(const struct mst_plist *dict, void *context,
		    bool (*on_item)(void *context, struct mst_slice key,
				    const struct mst_plist *value))
{
	plist_dict_iter iter = NULL;
	plist_t item = NULL;
	bool goes_on = true;
	if (mst_plist_kind(dict) == MST_PLIST_ARRAY)
		each_item(dict, context, on_item);
	if (mst_plist_kind(dict) != MST_PLIST_DICT)
		return;
	plist_dict_new_iter(handle(dict), &iter);
	while (goes_on) {
		char *key = NULL;
		plist_dict_next_item(handle(dict), iter, &key, &item);
		goes_on = item && on_item(context, mst_slice_str(key), item);
		give_back(key);
	}
	give_back(iter);
}
