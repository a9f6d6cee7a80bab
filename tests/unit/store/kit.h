/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, with workers and a loop around it. */
#ifndef MUSTER_TEST_STORE_KIT_H
#define MUSTER_TEST_STORE_KIT_H

#include <criterion/criterion.h>

#include "muster/store.h"

struct kit {
	char path[64];
	struct mst_store_conf conf;
	struct mst_work *work;
	struct mst_loop *loop;
	struct mst_store *store;
	struct mst_arena arena;
};

/* kit_new opens a fresh store; zero fields of `conf` are small test sizes. kit_free removes the folder. */
struct kit *kit_new(struct mst_store_conf conf);
void kit_free(struct kit *kit);
/* kit_reopen closes and opens: nothing is in memory then. */
void kit_reopen(struct kit *kit);
/* kit_turn turns the loop until *done is at least `want` (10 s at most: then the test fails). */
void kit_turn(struct kit *kit, const uint32_t *done, uint32_t want);

/* kit_put commits one record and waits; kit_drop likewise. */
void kit_put(struct kit *kit, enum mst_space space, const char *key, const char *value);
void kit_drop(struct kit *kit, enum mst_space space, const char *key);
/* kit_get reads blocking: the value as text in the kit's arena, NULL when absent. */
const char *kit_get(struct kit *kit, enum mst_space space, const char *key);

#endif
