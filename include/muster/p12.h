/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#12 (RFC 7292): private keys with their certificates in one file under a password. Read: PBES2 and the old schemes
 * (3DES, RC2), MAC with SHA-1 or SHA-2, BER or DER. Written: PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, MAC with
 * SHA-256. Pure functions, any thread. Keys lie in the arena in clear: use one of its own.
 */
#ifndef MUSTER_P12_H
#define MUSTER_P12_H

#include "muster/cert.h"

#define MST_P12_MAX (1u << 20)      /* bytes of a file: a key with its chain has 10 KiB */
#define MST_P12_CERTS_MAX 16
#define MST_P12_KEYS_MAX 4
#define MST_P12_PASSWORD_MAX 256    /* bytes of UTF-8 */
#define MST_P12_NAME_MAX 256        /* bytes of UTF-8 */
#define MST_P12_ROUNDS_MAX 10000000 /* of hashing for one whole file: some seconds */
#define MST_P12_ROUNDS 2048         /* a usual count for a random password that travels apart */

struct mst_p12_item {
	struct mst_slice der;      /* certificate, or PrivateKeyInfo (PKCS#8) */
	struct mst_slice name;     /* friendlyName as UTF-8, empty when none */
	struct mst_slice local_id; /* localKeyID, empty when none */
};

struct mst_p12 {
	struct mst_p12_item certs[MST_P12_CERTS_MAX];
	struct mst_p12_item keys[MST_P12_KEYS_MAX];
	size_t num_certs, num_keys;
};

/* mst_p12_read verifies the MAC and decrypts; `password` is UTF-8. `rounds_max` bounds the hashing work of the whole file,
 * 0: MST_P12_ROUNDS_MAX. Returns 0, -1 SYNTAX, TOO_BIG or BUSY, DENIED an algorithm that is not taken, CRYPTO "cannot be
 * opened" (wrong password or damaged; which one is not said). */
int mst_p12_read(struct mst_p12 *out, struct mst_arena *arena, struct mst_slice in, struct mst_slice password, uint32_t rounds_max,
		 struct mst_err *e) MST_MUST;

/* One identity: a key, its certificate, and the other certificates in the order they came. */
struct mst_p12_identity {
	struct mst_slice key, cert, name;
	struct mst_slice chain[MST_P12_CERTS_MAX];
	size_t num_chain;
};
/* mst_p12_identity finds the certificate of the only private key, by public key. Returns 0, -1 SYNTAX when there is not
 * exactly one key, or no certificate for it. */
int mst_p12_identity(struct mst_p12_identity *out, const struct mst_p12 *in, struct mst_err *e) MST_MUST;

/* mst_p12_write. `rounds` is for each of the two encryptions and for the MAC. That `key` belongs to `cert` is the caller's
 * business. Returns 0, -1 SYNTAX: a name or password that is no UTF-8 or too long; BUSY. */
int mst_p12_write(struct mst_slice *out, struct mst_arena *arena, const struct mst_p12_identity *what, struct mst_slice password,
		  uint32_t rounds, struct mst_err *e) MST_MUST;

#endif
