/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floors: below which key nothing lives, for prefixes of key spaces whose keys are put once. A dropped key stays in RocksDB's
 * memory until a flush, and a walk would step over all of them; it starts at the floor instead. An empty prefix is known as
 * such and costs no walk.
 *
 * A walk reads the slot's version before it looks, and what it learned counts only if no put came since. The committer tells
 * a put after it is visible and before it goes home: whoever knows of the put finds it.
 */
#include <stdlib.h>

#include "inside.h"

#define NUM_FLOORS 65536u /* devices that share one only walk further; a power of two */
#define NUM_LOCKS 64u

struct slot {
	uint32_t version; /* grows with each put */
	enum mst_space space;
	enum floor_kind kind;
	uint8_t prefix_len, key_len;
	uint8_t prefix[MST_FLOOR_MAX], key[MST_FLOOR_MAX];
};

struct mst_floors {
	pthread_mutex_t locks[NUM_LOCKS];
	struct slot slots[NUM_FLOORS];
};

struct mst_floors *mst_floor_new(void)
{
	struct mst_floors *floors = calloc(1, sizeof *floors);

	for (size_t i = 0; floors && i < NUM_LOCKS; i++)
		pthread_mutex_init(&floors->locks[i], NULL);
	return floors;
}

void mst_floor_free(struct mst_floors **floors)
{
	for (size_t i = 0; *floors && i < NUM_LOCKS; i++)
		pthread_mutex_destroy(&(*floors)->locks[i]);
	free(*floors);
	*floors = NULL;
}

/* All keys and prefixes with the same first bytes share a slot; those bytes begin with a digest. */
static uint32_t number_of(enum mst_space space, struct mst_slice key)
{
	uint64_t hash = (uint64_t)space;
	size_t len = mst_space_rows[space].prefix_len;

	for (size_t at = 0; at + 8 <= len; at += 8) {
		uint64_t word;
		memcpy(&word, key.at + at, sizeof word);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	}
	return (uint32_t)(hash >> 40) % NUM_FLOORS;
}

static struct slot *lock(struct mst_floors *floors, uint32_t number)
{
	pthread_mutex_lock(&floors->locks[number % NUM_LOCKS]);
	return &floors->slots[number];
}

static void unlock(struct mst_floors *floors, uint32_t number)
{
	pthread_mutex_unlock(&floors->locks[number % NUM_LOCKS]);
}

static struct mst_slice prefix_of(const struct slot *slot)
{
	return mst_slice(slot->prefix, slot->prefix_len);
}

static void set_key(struct slot *slot, struct mst_slice key)
{
	slot->kind = FLOOR_KEY;
	slot->key_len = (uint8_t)key.len;
	memcpy(slot->key, key.at, key.len);
}

void mst_floor_read(struct mst_floors *floors, struct mst_floor *out, enum mst_space space, struct mst_slice prefix)
{
	uint32_t number = number_of(space, prefix);
	const struct slot *slot = lock(floors, number);

	out->kind = FLOOR_NONE;
	out->version = slot->version;
	if (slot->kind != FLOOR_NONE && slot->space == space && mst_slice_eq(prefix_of(slot), prefix)) {
		out->kind = slot->kind;
		out->len = slot->key_len;
		memcpy(out->key, slot->key, slot->key_len);
	}
	unlock(floors, number);
}

void mst_floor_learn(struct mst_floors *floors, enum mst_space space, struct mst_slice prefix, uint32_t version,
		     const struct mst_slice *first)
{
	uint32_t number = number_of(space, prefix);

	if (prefix.len > MST_FLOOR_MAX || (first && first->len > MST_FLOOR_MAX))
		return;
	struct slot *slot = lock(floors, number);
	if (slot->version == version) {
		slot->space = space;
		slot->prefix_len = (uint8_t)prefix.len;
		memcpy(slot->prefix, prefix.at, prefix.len);
		slot->kind = FLOOR_END;
		if (first)
			set_key(slot, *first);
	}
	unlock(floors, number);
}

void mst_floor_put(struct mst_floors *floors, enum mst_space space, struct mst_slice key)
{
	if (key.len < mst_space_rows[space].prefix_len)
		return; /* no walk with a prefix finds it */
	uint32_t number = number_of(space, key);
	struct slot *slot = lock(floors, number);

	slot->version++;
	if (slot->kind != FLOOR_NONE && slot->space == space && mst_slice_starts(key, prefix_of(slot))) {
		if (key.len > MST_FLOOR_MAX)
			slot->kind = FLOOR_NONE;
		else if (slot->kind == FLOOR_END || mst_slice_cmp(key, mst_slice(slot->key, slot->key_len)) < 0)
			set_key(slot, key);
	}
	unlock(floors, number);
}
