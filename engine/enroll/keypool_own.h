/* SPDX-License-Identifier: Apache-2.0 */
/* What those who fill the pool, take from it and seal it anew share: its records. */
#ifndef ENROLL_KEYPOOL_OWN_H
#define ENROLL_KEYPOOL_OWN_H

#include "muster/keypool.h"

#define POOL_KEY_LEN 17

struct pool_row {
	struct mst_slice key, value;
	struct mst_pool_key pair; /* opened */
	bool is_old;              /* sealed under an older master key */
};
/* mst_pool_put adds a key as a new record. mst_pool_open fills pair and is_old from the value. */
int mst_pool_put(struct mst_batch *b, const struct mst_pool_key *pair, const struct mst_seal *seal,
		 enum mst_key_kind kind, struct mst_err *e) MST_MUST;
int mst_pool_open(struct pool_row *row, struct mst_arena *arena, const struct mst_seal *seal,
		  struct mst_err *e) MST_MUST;
/* mst_pool_next walks the keys of a kind, or all (NULL); oldest first: zero `w` before,
 * mst_walk_done after. Not opened. */
int mst_pool_next(struct mst_walk *w, struct mst_read *r, struct pool_row *out,
		  const uint8_t *kind) MST_MUST;

#endif
