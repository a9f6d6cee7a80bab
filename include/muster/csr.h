/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certification requests, PKCS#10 (RFC 2986). One is written for an intermediate CA's key; those of devices are read for their
 * public key, their proof that they hold its private half, and the challenge. What else they ask for is not looked at.
 */
#ifndef MUSTER_CSR_H
#define MUSTER_CSR_H

#include "muster/crypt.h"

#define MST_CSR_MAX 16384        /* a request with an RSA-4096 key and a page of attributes has 3 KiB */
#define MST_CSR_CHALLENGE_MAX 256 /* RFC 2985 5.4.1 says 255 */

struct mst_csr {
	struct mst_slice der, body, spki, subject; /* body: the signed part; subject: Name, DER */
	struct mst_slice common_name;              /* the last one, raw; empty when none */
	struct mst_slice challenge;                /* challengePassword as it stands; empty when none */
	struct mst_slice signature;
	enum mst_sig_alg alg;
};
/* mst_csr_read takes one DER request apart; slices lend it. The signature is not verified. Returns 0, -1 SYNTAX: it does not
 * parse, is too long, or has two challenges. */
int mst_csr_read(struct mst_csr *out, struct mst_slice der, struct mst_err *e) MST_MUST;
/* mst_csr_verify: the request is signed by its own key. `takes_sha1`: old SCEP clients; the key proves itself, no more.
 * Returns 0, -1 CRYPTO. */
int mst_csr_verify(const struct mst_csr *csr, bool takes_sha1, struct mst_err *e) MST_MUST;

/* mst_csr_write asks for what `what` says: names, and as extensionRequest CA bits, key usage, extended key usage, alternative
 * names. Its key is `key`'s; `what->spki` and times are not used. `challenge` NULL: none. */
int mst_csr_write(struct mst_slice *out, struct mst_arena *arena, const struct mst_issue *what, const struct mst_key *key,
		  const char *challenge, struct mst_err *e) MST_MUST;

#endif
