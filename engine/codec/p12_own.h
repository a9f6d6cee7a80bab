/* SPDX-License-Identifier: Apache-2.0 */
/* What the PKCS#12 files share: key derivation, password encryption, names. */
#ifndef MUSTER_P12_OWN_H
#define MUSTER_P12_OWN_H

#include "cms_own.h"
#include "muster/p12.h"

#define P12_SALT_MAX 64                             /* bytes; 8 and 16 are in use */
#define P12_WIDE_MAX (2 * MST_P12_PASSWORD_MAX + 2) /* UTF-16 with its two zeros */
#define P12_KEY_MAX  64

/* A password in both of its forms, and the hashing work that is left. */
struct mst_p12_pass {
	struct mst_slice text;
	uint8_t wide[P12_WIDE_MAX]; /* big-endian UTF-16, terminated */
	size_t wide_len;
	uint64_t rounds_left;
};
int mst_p12_pass_init(struct mst_p12_pass *out, struct mst_slice text, uint64_t rounds,
		      struct mst_err *e);
/* mst_p12_pass_spend takes `rounds` off; false when there are too few left, or none asked. */
bool mst_p12_pass_spend(struct mst_p12_pass *pass, uint64_t rounds);

/* mst_p12_wide writes UTF-8 as big-endian UTF-16 without a terminator; `out` has room for 2 *
 * in.len. False: no UTF-8. */
bool mst_p12_wide(uint8_t *out, size_t *len, struct mst_slice in);
/* mst_p12_narrow is the way back; `out` has room for 3 * in.len / 2. False: odd length or a lone
 * surrogate. */
bool mst_p12_narrow(uint8_t *out, size_t *len, struct mst_slice in);

/* mst_p12_derive is the derivation of RFC 7292 B.2; id 1 key, 2 IV, 3 MAC key. */
enum mst_p12_id { MST_P12_ID_KEY = 1, MST_P12_ID_IV = 2, MST_P12_ID_MAC = 3 };
bool mst_p12_derive(uint8_t *out, size_t len, enum mst_p12_id id, const EVP_MD *md,
		    struct mst_slice wide, struct mst_slice salt, uint32_t rounds);

/* mst_p12_decrypt takes `encrypted` out of the scheme `oid` with `params`. -1 DENIED, SYNTAX, BUSY
 * or CRYPTO. */
int mst_p12_decrypt(struct mst_slice *out, struct mst_arena *arena, struct mst_slice oid,
		    CBS params, struct mst_slice encrypted, struct mst_p12_pass *pass,
		    struct mst_err *e);
/* mst_p12_encrypt writes the AlgorithmIdentifier (PBES2, AES-256-CBC) and then the bytes as an
 * element of `tag`. */
bool mst_p12_encrypt(CBB *to, unsigned tag, struct mst_slice plain, struct mst_slice password,
		     uint32_t rounds);

/* OIDs: bags, attributes, certificate type. */
extern const struct mst_slice mst_p12_oid_key, mst_p12_oid_shrouded, mst_p12_oid_cert,
	mst_p12_oid_safe;
extern const struct mst_slice mst_p12_oid_name, mst_p12_oid_local_id, mst_p12_oid_x509,
	mst_p12_oid_encrypted;

#endif
