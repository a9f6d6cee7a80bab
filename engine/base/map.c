/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map: entries lie dense in one array, an index of cells points at them.
 *
 *     index (a power of two)   hash 32 | entry + 1 32    0 is free; linear probing
 *     entries                  value | key | hash | is_used
 *
 * A probe compares hashes inside the index and touches an entry only to confirm it.
 */
#include "muster/map.h"

#include <stdlib.h>
#include <string.h>

#include "muster/text.h"

#define KEY_MOST    64
#define INDEX_LEAST 16u
#define HAND_STEPS  64u /* bounds the time of one set when every entry is in use */

struct mst_map {
	uint64_t *index;
	uint8_t *entries;
	uint64_t secret[2];
	size_t key_len, value_len;
	size_t key_at, hash_at, stride; /* inside an entry; the value is at 0 */
	uint32_t mask;                  /* cells - 1 */
	uint32_t num_used, num_room, num_max;
	uint32_t hand; /* the entry the clock's hand is at */
	bool evict;
};

/* What stands behind the key of an entry. */
struct tail {
	uint32_t hash;
	uint32_t is_used; /* since the hand passed */
};

static inline uint64_t turn(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = turn(v[1], 13) ^ v[0];
	v[0] = turn(v[0], 32);
	v[2] += v[3];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = turn(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = turn(v[1], 17) ^ v[2];
	v[2] = turn(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein: SipHash, a fast short-input PRF; one round a word, three at the
 * end). */
static uint64_t sip_hash(const uint64_t secret[2], const uint8_t *at, size_t len)
{
	uint64_t v[4] = {secret[0] ^ 0x736f6d6570736575u, secret[1] ^ 0x646f72616e646f6du,
			 secret[0] ^ 0x6c7967656e657261u, secret[1] ^ 0x7465646279746573u};
	uint64_t word, last = (uint64_t)len << 56;
	for (; len >= 8; len -= 8, at += 8) {
		memcpy(&word, at, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (size_t i = 0; i < len; i++)
		last |= (uint64_t)at[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint8_t *entry_at(const struct mst_map *map, uint32_t entry)
{
	return map->entries + (size_t)entry * map->stride;
}

static struct tail *tail_of(const struct mst_map *map, uint8_t *entry)
{
	return (struct tail *)(entry + map->hash_at);
}

static uint32_t cell_hash(uint64_t cell)
{
	return (uint32_t)(cell >> 32);
}

static uint32_t cell_entry(uint64_t cell)
{
	return (uint32_t)cell - 1;
}

static uint32_t hash_of(const struct mst_map *map, const void *key)
{
	return (uint32_t)(sip_hash(map->secret, key, map->key_len) >> 32);
}

struct mst_map *mst_map_new(size_t key_len, size_t value_len, uint32_t num_max, bool evict)
{
	BUG_ON(key_len < 1 || key_len > KEY_MOST || value_len > UINT32_MAX ||
	       num_max > UINT32_MAX / 4);
	struct mst_map *map = calloc(1, sizeof(*map));
	if (!map)
		return NULL;
	map->key_len = key_len;
	map->value_len = value_len;
	map->key_at = (value_len + 7) / 8 * 8;
	map->hash_at = map->key_at + (key_len + 3) / 4 * 4;
	map->stride = (map->hash_at + sizeof(struct tail) + 7) / 8 * 8;
	map->num_max = num_max;
	map->evict = evict;
	mst_random(map->secret, sizeof(map->secret));
	return map;
}

void mst_map_free(struct mst_map **map)
{
	struct mst_map *gone = *map;
	if (!gone)
		return;
	*map = NULL;
	free(gone->index);
	free(gone->entries);
	free(gone);
}

/* The cell that holds `key`, or the free one where it belongs. */
static uint32_t find(const struct mst_map *map, const void *key, uint32_t hash)
{
	uint32_t cell = hash & map->mask;
	for (; map->index[cell]; cell = (cell + 1) & map->mask)
		if (cell_hash(map->index[cell]) == hash &&
		    memcmp(entry_at(map, cell_entry(map->index[cell])) + map->key_at, key,
			   map->key_len) == 0)
			break;
	return cell;
}

/* The cell of an entry that is known to be there. */
static uint32_t find_entry(const struct mst_map *map, uint32_t entry)
{
	uint64_t want = (uint64_t)tail_of(map, entry_at(map, entry))->hash << 32 | (entry + 1);
	uint32_t cell = cell_hash(want) & map->mask;
	while (map->index[cell] != want)
		cell = (cell + 1) & map->mask;
	return cell;
}

void *mst_map_get0(struct mst_map *map, const void *key)
{
	if (map->num_used == 0)
		return NULL;
	uint64_t found = map->index[find(map, key, hash_of(map, key))];
	if (!found)
		return NULL;
	uint8_t *entry = entry_at(map, cell_entry(found));
	tail_of(map, entry)->is_used = 1;
	return entry;
}

/* Twice the room for entries; the index keeps at least a quarter of its cells free. */
static bool grow(struct mst_map *map)
{
	uint32_t room = map->num_room ? map->num_room * 2 : INDEX_LEAST / 2;
	if (room > map->num_max)
		room = map->num_max;
	uint32_t num_cells = INDEX_LEAST;
	while (num_cells - num_cells / 4 < room)
		num_cells *= 2;
	uint8_t *entries = realloc(map->entries, (size_t)room * map->stride);
	if (!entries)
		return false;
	map->entries = entries;
	if (!map->index || num_cells != map->mask + 1) {
		uint64_t *index = calloc(num_cells, sizeof(*index));
		if (!index)
			return false;
		for (uint32_t i = 0; i < map->num_used; i++) {
			uint32_t hash = tail_of(map, entry_at(map, i))->hash,
				 cell = hash & (num_cells - 1);
			while (index[cell])
				cell = (cell + 1) & (num_cells - 1);
			index[cell] = (uint64_t)hash << 32 | (i + 1);
		}
		free(map->index);
		map->index = index;
		map->mask = num_cells - 1;
	}
	map->num_room = room;
	return true;
}

/* Frees a cell and moves back what had to go past it, so that no probe ends too early. */
static void free_cell(struct mst_map *map, uint32_t cell)
{
	uint32_t next = cell;
	for (;;) {
		next = (next + 1) & map->mask;
		uint64_t moved = map->index[next];
		if (!moved)
			break;
		uint32_t home = cell_hash(moved) & map->mask;
		if (((next - home) & map->mask) < ((next - cell) & map->mask))
			continue; /* its home lies behind the gap */
		map->index[cell] = moved;
		cell = next;
	}
	map->index[cell] = 0;
}

/* The last entry takes the place of the dropped one: entries stay dense. */
static void drop_cell(struct mst_map *map, uint32_t cell)
{
	uint32_t entry = cell_entry(map->index[cell]), last = map->num_used - 1;
	free_cell(map, cell);
	if (entry != last) {
		uint32_t cell_last = find_entry(map, last);
		memcpy(entry_at(map, entry), entry_at(map, last), map->stride);
		map->index[cell_last] =
			(map->index[cell_last] & ~(uint64_t)UINT32_MAX) | (entry + 1);
	}
	map->num_used--;
	if (map->hand >= map->num_used)
		map->hand = 0;
}

/* The hand goes on to an entry not used since it last passed, which is forgotten; its place is the
 * answer. */
static uint32_t evict_one(struct mst_map *map)
{
	uint32_t entry;
	bool was_used;
	uint32_t num_steps = 0;
	do {
		struct tail *tail = tail_of(map, entry_at(map, map->hand));
		entry = map->hand;
		was_used = tail->is_used;
		tail->is_used = 0;
		map->hand = map->hand + 1 == map->num_used ? 0 : map->hand + 1;
	} while (was_used && ++num_steps < HAND_STEPS);
	free_cell(map, find_entry(map, entry));
	return entry;
}

void *mst_map_set(struct mst_map *map, const void *key)
{
	uint32_t hash = hash_of(map, key), cell, place;
	uint8_t *entry;
	if (map->num_used) {
		cell = find(map, key, hash);
		if (map->index[cell]) {
			entry = entry_at(map, cell_entry(map->index[cell]));
			tail_of(map, entry)->is_used = 1;
			return entry;
		}
	}
	if (map->num_used == map->num_max) {
		if (!map->evict || map->num_max == 0)
			return NULL;
		place = evict_one(map);
	} else {
		if (map->num_used == map->num_room && !grow(map))
			return NULL;
		place = map->num_used++;
	}
	/* Growing and forgetting both move cells: look for the free one now. */
	for (cell = hash & map->mask; map->index[cell]; cell = (cell + 1) & map->mask)
		;
	map->index[cell] = (uint64_t)hash << 32 | (place + 1);
	entry = entry_at(map, place);
	memset(entry, 0, map->stride);
	memcpy(entry + map->key_at, key, map->key_len);
	tail_of(map, entry)->hash = hash;
	return entry;
}

void mst_map_drop(struct mst_map *map, const void *key)
{
	if (map->num_used == 0)
		return;
	uint32_t cell = find(map, key, hash_of(map, key));
	if (map->index[cell])
		drop_cell(map, cell);
}

void mst_map_clear(struct mst_map *map)
{
	if (map->index)
		memset(map->index, 0, ((size_t)map->mask + 1) * sizeof(*map->index));
	map->num_used = 0;
	map->hand = 0;
}

uint32_t mst_map_used(const struct mst_map *map)
{
	return map->num_used;
}

void mst_map_each(struct mst_map *map, void *context,
		  bool (*on_entry)(void *context, const void *key, void *value))
{
	/* Backwards: what takes a dropped entry's place has been visited. */
	for (uint32_t i = map->num_used; i-- > 0;) {
		uint8_t *entry = entry_at(map, i);
		if (on_entry(context, entry + map->key_at, entry))
			drop_cell(map, find_entry(map, i));
	}
}
