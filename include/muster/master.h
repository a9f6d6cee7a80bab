/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's own knowledge of its master keys: for each key number under which values may be sealed, a value that only that
 * key opens. So a wrong or missing key shows at the start, not when a device waits.
 */
#ifndef MUSTER_MASTER_H
#define MUSTER_MASTER_H

#include "muster/crypt.h"
#include "muster/store.h"

/* mst_master_check: every key the store needs is in `seal` and is the right one. Notes a key number that is new to the store.
 * Blocks: start, workers. -1 CONF: a clear text for the operator. */
int mst_master_check(struct mst_store *store, const struct mst_seal *seal, struct mst_err *e) MST_MUST;
/* mst_master_needs counts the keys under which values of the store may be sealed. Blocks. */
int mst_master_needs(size_t *num, struct mst_store *store, struct mst_err *e) MST_MUST;
/* mst_master_settle forgets all keys but the one that seals now: call it when a walk has sealed every older value anew.
 * Afterwards their lines may leave the key file. Blocks. */
int mst_master_settle(struct mst_store *store, const struct mst_seal *seal, struct mst_err *e) MST_MUST;

#endif
