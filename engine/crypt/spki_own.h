/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying with a public key when SHA-1 may do. */
#ifndef MUSTER_CRYPT_SPKI_OWN_H
#define MUSTER_CRYPT_SPKI_OWN_H

#include "muster/crypt.h"

/* mst_spki_verify is mst_key_verify that also takes RSA with SHA-1. */
int mst_spki_verify(struct mst_slice spki, enum mst_sig_alg alg, struct mst_slice bytes,
		    struct mst_slice signature, struct mst_err *e) MST_MUST;

#endif
