/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate revocation lists (RFC 5280 5): written from entries that are DER already. Pure; the signature is made elsewhere:
 *   mst_crl_body(&body, ...); mst_key_sign_as(&signature, ..., body, e); mst_crl_whole(&crl, ..., body, alg, signature, e);
 */
#ifndef MUSTER_CRL_H
#define MUSTER_CRL_H

#include "muster/cert.h"

/* Reasons to revoke, RFC 5280 5.3.1: 0 to 10 without 7. mst_crl_reason_word: NULL when it is none.
 * mst_crl_reason_from: 0, -1 SYNTAX. */
const char *mst_crl_reason_word(uint32_t reason);
int mst_crl_reason_from(uint32_t *out, struct mst_slice word, struct mst_err *e) MST_MUST;

/* mst_crl_entry_put writes one revoked certificate and returns its length. `serial` is the number, big-endian; a reason of 0
 * (unspecified) is left out, as the standard wants it. */
#define MST_CRL_ENTRY_ROOM 64
size_t mst_crl_entry_put(uint8_t out[static MST_CRL_ENTRY_ROOM], const uint8_t serial[static 16], int64_t at_s, uint32_t reason);

struct mst_crl {
	struct mst_slice issuer; /* Name, DER */
	struct mst_slice key_id; /* of the issuer's key, for authorityKeyIdentifier; empty: none */
	enum mst_sig_alg alg;
	uint64_t number;
	int64_t this_s, next_s;   /* thisUpdate, nextUpdate */
	struct mst_slice entries; /* one behind the other; may be empty */
};
/* mst_crl_body writes tbsCertList; mst_crl_whole adds the signature. Result in the arena; -1 BUSY no memory. */
int mst_crl_body(struct mst_slice *out, struct mst_arena *arena, const struct mst_crl *crl, struct mst_err *e) MST_MUST;
int mst_crl_whole(struct mst_slice *out, struct mst_arena *arena, struct mst_slice body, enum mst_sig_alg alg,
		  struct mst_slice signature, struct mst_err *e) MST_MUST;

#endif
