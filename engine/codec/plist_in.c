/* SPDX-License-Identifier: Apache-2.0 */
/* Reads property lists: tells the two formats apart and answers what is in the tree. */
#include "muster/text.h"
#include "plist_own.h"

const struct mst_plist_limits mst_plist_limits_device = {
	.len_max = 4 << 20, .depth_max = 24, .nodes_max = 200000};

int mst_plist_parse(const struct mst_plist **out, struct mst_arena *arena, struct mst_slice bytes,
		    const struct mst_plist_limits *limits, struct mst_err *e)
{
	static const struct mst_slice magic = MST_S_INIT("bplist00"),
				      mark = MST_S_INIT("\xef\xbb\xbf");
	*out = NULL;
	if (bytes.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "empty, not a property list");
	if (bytes.len > limits->len_max || bytes.len > INT32_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "property list over %zu bytes", limits->len_max);
	struct mst_plist *root = mst_arena_get(arena, sizeof(*root));
	if (!root)
		return mst_plist_memory(e);
	*root = (struct mst_plist){.next = NULL};
	bool is_binary = mst_slice_starts(bytes, magic);
	if (!is_binary && mst_slice_starts(bytes, mark))
		bytes = mst_slice(bytes.at + mark.len, bytes.len - mark.len);
	/* Some senders count a terminator behind the document. */
	while (!is_binary && bytes.len && bytes.at[bytes.len - 1] == 0)
		bytes.len--;
	if (is_binary ? mst_plist_bin_read(&root->value, arena, bytes, limits, e)
		      : mst_plist_xml_read(&root->value, arena, bytes, limits, e))
		return -1;
	if (root->value.kind != MST_PLIST_DICT)
		return mst_fail(e, MST_E_SYNTAX, "not a property list with a dictionary");
	*out = root;
	return 0;
}

enum mst_plist_kind mst_plist_kind(const struct mst_plist *node)
{
	return node->value.kind;
}

static const struct mst_plist *first_of(const struct mst_plist *node)
{
	bool is_list = node->value.kind == MST_PLIST_DICT || node->value.kind == MST_PLIST_ARRAY;
	return is_list ? node->value.list.first : NULL;
}

static const struct mst_plist *look_up(const struct mst_plist *dict, const char *key)
{
	struct mst_slice wanted = mst_slice_str(key);
	if (dict->value.kind != MST_PLIST_DICT)
		return NULL;
	for (const struct mst_plist *node = dict->value.list.first; node; node = node->next)
		if (mst_slice_eq(node->key, wanted))
			return node;
	return NULL;
}

/* 1 with *node of the wanted kind, 0 absent, -1 of another kind. */
static int find(const struct mst_plist *dict, const struct mst_plist **node, const char *key,
		enum mst_plist_kind kind, const char *words, struct mst_err *e)
{
	*node = key ? look_up(dict, key) : dict;
	if (!*node)
		return 0;
	if ((*node)->value.kind != kind)
		return mst_fail(e, MST_E_SYNTAX, "%s is not %s", key ? key : "value", words);
	return 1;
}

static int out_of_range(const char *key, struct mst_err *e)
{
	return mst_fail(e, MST_E_SYNTAX, "%s is out of range", key ? key : "value");
}

static int find_bytes(const struct mst_plist *dict, struct mst_slice *out, const char *key,
		      enum mst_plist_kind kind, const char *words, struct mst_err *e)
{
	const struct mst_plist *node;
	int found = find(dict, &node, key, kind, words, e);
	*out = found == 1 ? node->value.bytes : (struct mst_slice){NULL, 0};
	return found;
}

int mst_plist_text0(const struct mst_plist *dict, struct mst_slice *out, const char *key,
		    struct mst_err *e)
{
	int found = find_bytes(dict, out, key, MST_PLIST_TEXT, "a string", e);
	if (found != 1 || mst_utf8_ok(*out))
		return found;
	*out = (struct mst_slice){NULL, 0};
	return mst_fail(e, MST_E_SYNTAX, "%s is not UTF-8 text", key ? key : "value");
}

int mst_plist_data0(const struct mst_plist *dict, struct mst_slice *out, const char *key,
		    struct mst_err *e)
{
	return find_bytes(dict, out, key, MST_PLIST_DATA, "data", e);
}

int mst_plist_bool(const struct mst_plist *dict, bool *out, const char *key, struct mst_err *e)
{
	const struct mst_plist *node;
	int found = find(dict, &node, key, MST_PLIST_BOOL, "true or false", e);
	*out = found == 1 && node->value.bits;
	return found;
}

int mst_plist_i64(const struct mst_plist *dict, int64_t *out, const char *key, struct mst_err *e)
{
	const struct mst_plist *node;
	int found = find(dict, &node, key, MST_PLIST_INT, "an integer", e);
	*out = 0;
	if (found != 1)
		return found;
	if (!node->value.is_negative && node->value.bits > INT64_MAX)
		return out_of_range(key, e);
	*out = (int64_t)node->value.bits;
	return 1;
}

int mst_plist_u64(const struct mst_plist *dict, uint64_t *out, const char *key, struct mst_err *e)
{
	const struct mst_plist *node;
	int found = find(dict, &node, key, MST_PLIST_INT, "an integer", e);
	*out = 0;
	if (found != 1)
		return found;
	if (node->value.is_negative)
		return out_of_range(key, e);
	*out = node->value.bits;
	return 1;
}

int mst_plist_dict0(const struct mst_plist *dict, const struct mst_plist **out, const char *key,
		    struct mst_err *e)
{
	int found = find(dict, out, key, MST_PLIST_DICT, "a dictionary", e);
	if (found != 1)
		*out = NULL;
	return found;
}

int mst_plist_array0(const struct mst_plist *dict, const struct mst_plist **out, const char *key,
		     struct mst_err *e)
{
	int found = find(dict, out, key, MST_PLIST_ARRAY, "an array", e);
	if (found != 1)
		*out = NULL;
	return found;
}

size_t mst_plist_num(const struct mst_plist *node)
{
	return first_of(node) ? node->value.list.num : 0;
}

const struct mst_plist *mst_plist_at0(const struct mst_plist *array, size_t i)
{
	if (array->value.kind != MST_PLIST_ARRAY)
		return NULL;
	const struct mst_plist *node = first_of(array);
	while (node && i-- > 0)
		node = node->next;
	return node;
}

void mst_plist_each(const struct mst_plist *dict, void *context,
		    bool (*on_item)(void *context, struct mst_slice key,
				    const struct mst_plist *value))
{
	const struct mst_plist *node = first_of(dict);
	while (node && on_item(context, node->key, node))
		node = node->next;
}
