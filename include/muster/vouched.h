/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device certificates that one loop has verified outside TLS (Mdm-Signature, Client-Cert), by SHA-256: the chain is built once a
 * day for each, as TLS does for its own. Whoever asks looks at expiry and revocation every time. Forgotten when the CAs change.
 */
#ifndef MUSTER_VOUCHED_H
#define MUSTER_VOUCHED_H

#include "muster/peer.h"

struct mst_vouched; /* opaque: one per loop */

/* mst_vouched_new: at most `num_max` certificates, the one used longest ago goes first. NULL when out of memory. */
struct mst_vouched *mst_vouched_new(uint32_t num_max) MST_MUST;
void mst_vouched_free(struct mst_vouched **vouched);
void mst_vouched_forget(struct mst_vouched *vouched);
/* mst_vouched_find0 lends the verdict until the next add; NULL: not known, or not for a day; `vouched` may be NULL. */
const struct mst_peer *mst_vouched_find0(struct mst_vouched *vouched, const uint8_t sha256[static 32], int64_t now_s);
void mst_vouched_add(struct mst_vouched *vouched, const struct mst_peer *peer, int64_t now_s);

#endif
