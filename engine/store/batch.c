/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: lists of changes and requirements in the memory of whoever asks. */
#include "inside.h"

void mst_batch_init(struct mst_batch *b, struct mst_arena *arena, struct mst_loop *home,
		    void (*on_committed)(struct mst_batch *b))
{
	*b = (struct mst_batch){.arena = arena, .home = home, .on_committed = on_committed};
}

/* FNV-1a, over words where there are any: keys are digests or an operator's text, both from this side of trust. */
static uint64_t hash_of(enum mst_space space, struct mst_slice key)
{
	const uint64_t prime = 0x100000001b3u;
	uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)space;
	size_t at = 0;

	for (; at + 8 <= key.len; at += 8) {
		uint64_t word;
		memcpy(&word, key.at + at, sizeof word);
		hash = (hash ^ word) * prime;
		hash ^= hash >> 32;
	}
	for (; at < key.len; at++)
		hash = (hash ^ key.at[at]) * prime;
	return hash ^ hash >> 29;
}

static void add(struct mst_batch *b, enum change_op op, enum mst_space space, struct mst_slice key,
		struct mst_slice value)
{
	size_t len;
	struct mst_change *change = NULL;

	if (!__builtin_add_overflow(sizeof(*change) + key.len, value.len, &len))
		change = mst_arena_get(b->arena, len);
	if (!change) {
		b->is_short = true;
		return;
	}
	uint8_t *bytes = (uint8_t *)(change + 1);
	if (key.len)
		memcpy(bytes, key.at, key.len);
	if (value.len)
		memcpy(bytes + key.len, value.at, value.len);
	*change = (struct mst_change){.op = op, .space = space, .key = mst_slice(bytes, key.len),
				      .value = mst_slice(bytes + key.len, value.len)};
	change->hash = hash_of(space, change->key);
	if (b->last)
		b->last->next = change;
	else
		b->first = change;
	b->last = change;
	b->num_changes++;
	b->num_bytes += key.len + value.len;
}

void mst_batch_put(struct mst_batch *b, enum mst_space space, struct mst_slice key, struct mst_slice value)
{
	add(b, CHANGE_PUT, space, key, value);
}

void mst_batch_drop(struct mst_batch *b, enum mst_space space, struct mst_slice key)
{
	add(b, CHANGE_DROP, space, key, mst_slice(NULL, 0));
}

void mst_batch_require_absent(struct mst_batch *b, enum mst_space space, struct mst_slice key)
{
	add(b, CHANGE_REQUIRE_ABSENT, space, key, mst_slice(NULL, 0));
}

void mst_batch_require_same(struct mst_batch *b, enum mst_space space, struct mst_slice key, struct mst_slice value)
{
	add(b, CHANGE_REQUIRE_SAME, space, key, value);
}
