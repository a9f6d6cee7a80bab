/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests: makes keys, CAs and leaves, or fails the test. */
#ifndef MUSTER_TEST_PKI_H
#define MUSTER_TEST_PKI_H

#include "muster/crypt.h"

#define PKI_NOW 1800000000 /* a fixed moment in 2027 */
#define PKI_DAY 86400

struct pki {
	struct mst_key *key;
	struct mst_slice der, pem, key_pem; /* in the arena */
};

/* pki_make issues for a new key of `kind`; `what` needs a name only: validity is a day before and a
 * year after PKI_NOW unless it is given. `issuer` NULL: self-signed. */
struct pki pki_make(struct mst_arena *arena, enum mst_key_kind kind, struct mst_issue what,
		    const struct pki *issuer);
/* pki_resign signs `der` anew after `from` was replaced by `to` (same length) in its signed part.
 */
struct mst_slice pki_resign(struct mst_arena *arena, struct mst_slice der, struct mst_slice from,
			    struct mst_slice to, const struct mst_key *key);
/* pki_join puts texts behind each other. */
struct mst_slice pki_join(struct mst_arena *arena, struct mst_slice a, struct mst_slice b);
/* pki_run runs a program with explicit arguments, its output into `out` (a path). Returns its exit
 * status. */
int pki_run(const char *const *argv, const char *out);

#define PKI_CA(...)                                                                                \
	(struct mst_issue)                                                                         \
	{                                                                                          \
		.is_ca = true, .key_usage = MST_KU_CERT_SIGN | MST_KU_CRL_SIGN, __VA_ARGS__        \
	}
#define PKI_LEAF(...)                                                                              \
	(struct mst_issue)                                                                         \
	{                                                                                          \
		.key_usage = MST_KU_SIGN, .ext_key_usage = MST_EKU_CLIENT, __VA_ARGS__             \
	}

#endif
