/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mould casts many certificates that differ only in subject, key, times and serial number: issuer, algorithm and the
 * extensions that are the same in all of them are written once. What comes out is what mst_issue_write would write, with
 * another order of extensions.
 */
#ifndef MUSTER_MOULD_H
#define MUSTER_MOULD_H

#include "muster/crypt.h"

struct mst_mould; /* immutable, shared by threads */
/* mst_mould_new: of `fixed` key usage, extended key usage, hash and URLs are taken; certificates are no CAs. `ca_key` outlives
 * the mould. For EC keys keyEncipherment and dataEncipherment are left out (RFC 8813 3). */
int mst_mould_new(struct mst_mould **out, const struct mst_issue *fixed, struct mst_slice ca_cert, const struct mst_key *ca_key,
		  struct mst_err *e) MST_MUST;
void mst_mould_free(struct mst_mould **mould);
/* mst_mould_cast: of `what` names, key and times are taken. `serial` (16 bytes, may be NULL) receives the number. The key's
 * bytes are taken as they are: mst_key_check before. */
int mst_mould_cast(struct mst_slice *out, struct mst_arena *arena, const struct mst_mould *mould, const struct mst_issue *what,
		   uint8_t *serial, struct mst_err *e) MST_MUST;

#endif
