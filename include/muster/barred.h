/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates of ours that were revoked, as one loop knows them: asked at every handshake and every check-in, so it is a
 * set in memory. Filled from the store at start; later by whoever revokes, in every loop. Expired ones are forgotten: expiry
 * is looked at anyway.
 */
#ifndef MUSTER_BARRED_H
#define MUSTER_BARRED_H

#include "muster/peer.h"
#include "muster/store.h"

struct mst_barred; /* opaque: one per loop */

int mst_barred_new(struct mst_barred **out, struct mst_err *e) MST_MUST;
void mst_barred_free(struct mst_barred **set);
/* mst_barred_add takes a certificate by its SHA-256 until `not_after` (seconds). -1 BUSY: it is not in the set. */
int mst_barred_add(struct mst_barred *set, const uint8_t sha256[static 32], int64_t not_after, struct mst_err *e) MST_MUST;
/* mst_barred_has: `set` may be NULL (false). */
bool mst_barred_has(struct mst_barred *set, const uint8_t sha256[static 32]);
/* mst_barred_recheck is an mst_tls_verify.recheck; `set` is a struct mst_barred. -1 DENIED. */
int mst_barred_recheck(void *set, const struct mst_peer *peer, struct mst_err *e);
/* mst_barred_load fills the sets of all loops from the store: every authority, without what expired before `now_s`. Blocks: start. */
int mst_barred_load(struct mst_barred *const *sets, size_t num_sets, struct mst_store *store, int64_t now_s, struct mst_err *e)
	MST_MUST;
void mst_barred_sweep(struct mst_barred *set, int64_t now_s);
uint32_t mst_barred_num(const struct mst_barred *set);

#endif
