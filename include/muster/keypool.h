/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of RSA keys made ahead, because making one takes a fifth of a second and more. Each lies
 * sealed in the store, is taken once and by one: who takes it has dropped it before he sees it. A
 * key that was taken before a crash is lost, never used twice.
 */
#ifndef MUSTER_KEYPOOL_H
#define MUSTER_KEYPOOL_H

#include "muster/crypt.h"
#include "muster/store.h"

#define MST_KEYPOOL_TAKE_MAX 32 /* keys in one batch */

struct mst_keypool_conf {
	uint32_t size, low; /* keys of each kind: below `low` the pool is filled up to `size`; size
			       0: no pool */
	uint32_t kinds;     /* bit n: enum mst_key_kind n */
};
/* mst_keypool_kinds reads words with commas between them: "rsa2048,rsa4096"; empty is none. -1
 * CONF. */
int mst_keypool_kinds(uint32_t *out, const char *words, struct mst_err *e) MST_MUST;

struct mst_pool_key {
	struct mst_slice der, spki; /* PKCS#8 (wipe it after use), SubjectPublicKeyInfo */
};
/* mst_keypool_take takes up to `most` keys, oldest first, into the arena: *num may be 0. Blocks:
 * workers. */
int mst_keypool_take(struct mst_pool_key *out, uint32_t *num, uint32_t most,
		     struct mst_arena *arena, struct mst_store *store, const struct mst_seal *seal,
		     enum mst_key_kind kind, struct mst_err *e) MST_MUST;

#endif
