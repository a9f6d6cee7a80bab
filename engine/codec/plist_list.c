/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the containers of a property list's tree; a dictionary that names a key twice is refused. */
#include "plist_own.h"

/* Keys of a dictionary that are compared as they come; more are sorted at its end, so that a
 * hostile one costs n log n. */
#define FEW 32

int mst_plist_memory(struct mst_err *e)
{
	return mst_fail(e, MST_E_TOO_BIG, "property list: more than its memory");
}

void mst_plist_list_begin(struct mst_plist_list *l, struct mst_plist_value *value,
			  enum mst_plist_kind kind)
{
	value->kind = kind;
	value->list.first = NULL;
	value->list.num = 0;
	*l = (struct mst_plist_list){.value = value, .end = &value->list.first};
}

static int twice(struct mst_slice key, struct mst_err *e)
{
	return mst_fail(e, MST_E_SYNTAX, "property list: the key %.*s comes twice",
			(int)(key.len < 64 ? key.len : 64), key.at ? (const char *)key.at : "");
}

/* Most keys are told from the others by their bit alone. */
static int check_key(struct mst_plist_list *l, struct mst_slice key, struct mst_err *e)
{
	size_t hash = key.len ? key.len + 5u * key.at[0] + 11u * key.at[key.len - 1] : 0;
	uint64_t bit = (uint64_t)1 << (hash & 63);
	if (l->seen & bit)
		for (const struct mst_plist *n = l->value->list.first; n; n = n->next)
			if (mst_slice_eq(n->key, key))
				return twice(key, e);
	l->seen |= bit;
	return 0;
}

struct mst_plist *mst_plist_list_add(struct mst_plist_list *l, struct mst_arena *arena,
				     struct mst_slice key, struct mst_err *e)
{
	bool is_keyed = l->value->kind == MST_PLIST_DICT;
	if (is_keyed && l->value->list.num < FEW && check_key(l, key, e) < 0)
		return NULL;
	struct mst_plist *node = mst_arena_get(arena, sizeof(*node));
	if (!node) {
		mst_plist_memory(e);
		return NULL;
	}
	*node = (struct mst_plist){.key = key};
	*l->end = node;
	l->end = &node->next;
	l->value->list.num++;
	return node;
}

/* Lets place `at` of a heap of `num` sink to where it belongs. */
static void sink(struct mst_slice *keys, size_t at, size_t num)
{
	struct mst_slice key = keys[at];
	size_t child;
	while ((child = 2 * at + 1) < num) {
		if (child + 1 < num && mst_slice_cmp(keys[child], keys[child + 1]) < 0)
			child++;
		if (mst_slice_cmp(key, keys[child]) >= 0)
			break;
		keys[at] = keys[child];
		at = child;
	}
	keys[at] = key;
}

static void sort(struct mst_slice *keys, size_t num)
{
	for (size_t i = num / 2; i-- > 0;)
		sink(keys, i, num);
	for (size_t left = num; left-- > 1;) {
		struct mst_slice most = keys[0];
		keys[0] = keys[left];
		keys[left] = most;
		sink(keys, 0, left);
	}
}

int mst_plist_list_end(struct mst_plist_list *l, struct mst_arena *arena, struct mst_err *e)
{
	size_t num = l->value->list.num, i = 0;
	if (l->value->kind != MST_PLIST_DICT || num <= FEW)
		return 0;
	struct mst_slice *keys = mst_arena_get(arena, num * sizeof(*keys));
	if (!keys)
		return mst_plist_memory(e);
	for (const struct mst_plist *n = l->value->list.first; n; n = n->next)
		keys[i++] = n->key;
	sort(keys, num);
	for (i = 1; i < num; i++)
		if (mst_slice_eq(keys[i - 1], keys[i]))
			return twice(keys[i], e);
	return 0;
}
