/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map from keys of one fixed length (1 to 64 bytes) to values of one fixed length (aligned to 8), for one thread.
 * Keys are hashed under a random secret, so a peer cannot choose collisions. A map has a largest number of entries; beyond
 * it the map refuses, or, made with `evict`, forgets the entry used longest ago (approximately: a clock hand).
 */
#ifndef MUSTER_MAP_H
#define MUSTER_MAP_H

#include "muster/base.h"

struct mst_map; /* opaque */

/* mst_map_new takes memory as the map grows. NULL when out of memory. */
struct mst_map *mst_map_new(size_t key_len, size_t value_len, uint32_t num_max, bool evict) MST_MUST;
void mst_map_free(struct mst_map **map);
/* mst_map_get0 lends the value of `key` until the next set, drop or free; NULL when absent. Marks it used. */
void *mst_map_get0(struct mst_map *map, const void *key);
/* mst_map_set lends a value for `key`, zeroed when it is new. NULL when full or out of memory. */
void *mst_map_set(struct mst_map *map, const void *key) MST_MUST;
/* mst_map_drop forgets `key`; absent is fine. */
void mst_map_drop(struct mst_map *map, const void *key);
void mst_map_clear(struct mst_map *map);
uint32_t mst_map_used(const struct mst_map *map);
/* mst_map_each visits every entry; a true answer drops that entry. */
void mst_map_each(struct mst_map *map, void *context, bool (*on_entry)(void *context, const void *key, void *value));

#endif
