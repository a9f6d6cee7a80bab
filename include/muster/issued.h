/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that our authorities issued, their revocation, and SCEP challenges: records of one authority's partition.
 *
 * cert      | authority 16 | serial 16 |     certificate, device, state
 * revoked   | authority 16 | serial 16 |     time, reason: exactly what a CRL lists
 * challenge | SHA-256 of the challenge 32 |  what it may be used for, and by which transaction it was
 */
#ifndef MUSTER_ISSUED_H
#define MUSTER_ISSUED_H

#include "muster/authority.h"

struct mst_issued {
	uint8_t authority[16], serial[16];
	struct mst_slice cert;       /* DER */
	struct mst_slice name;       /* subject's common name */
	struct mst_slice device;     /* text id of the device it is for, may be empty */
	struct mst_slice source;     /* "scep", "bulk", "api", "enroll" */
	struct mst_slice key;        /* PKCS#8 when made here and kept; sealed at rest; usually empty */
	int64_t not_after;           /* seconds */
	int64_t issued_ms;
	int64_t revoked_ms;          /* 0: valid */
	uint32_t reason;             /* RFC 5280 5.3.1 */
	bool is_old;                 /* read: the key is sealed under an older master key; put with the key open seals anew */
	struct mst_slice sealed, raw; /* the key as stored; the whole value */
};
/* mst_issued_serial makes the 16 bytes of a key from a certificate's or CRL's number (contents of the INTEGER). Returns 0,
 * -1 ABSENT: not one of ours (negative, too long). */
int mst_issued_serial(uint8_t out[static 16], struct mst_slice number, struct mst_err *e) MST_MUST;
/* mst_issued_put requires the record to be as read, or absent: a serial number is never used twice. `seal` may be NULL when
 * `key` is empty: a key that stayed closed is kept as it is. mst_issued_get and _next: 1, 0, -1, MST_LATER; with `seal` NULL the
 * key stays closed. */
int mst_issued_put(struct mst_batch *b, const struct mst_issued *i, const struct mst_seal *seal, struct mst_err *e) MST_MUST;
/* mst_issued_require: the record must be as read, not revoked meanwhile. */
void mst_issued_require(struct mst_batch *b, const struct mst_issued *i);
int mst_issued_get(struct mst_read *r, struct mst_issued *out, const uint8_t authority[static 16], const uint8_t serial[static 16],
		   const struct mst_seal *seal) MST_MUST;
/* mst_issued_next walks an authority's certificates after serial `from` (16 bytes or empty): zero `w` before the first call,
 * mst_walk_done(w) after the last one; `authority` stays until then. */
int mst_issued_next(struct mst_walk *w, struct mst_read *r, struct mst_issued *out, const uint8_t authority[static 16],
		    struct mst_slice from, const struct mst_seal *seal) MST_MUST;
/* mst_issued_revoke adds the changes of a revocation: the record and the revoked space. Revoking twice changes nothing (the
 * batch stays empty). `reason`: RFC 5280 5.3.1 without removeFromCRL, else -1 SYNTAX. `seal` may be NULL. */
int mst_issued_revoke(struct mst_batch *b, const struct mst_issued *i, uint32_t reason, int64_t now_ms, const struct mst_seal *seal,
		      struct mst_err *e) MST_MUST;
struct mst_revoked {
	uint8_t serial[16], sha256[32]; /* sha256: of the certificate, by which TLS knows it */
	int64_t at_ms, not_after; /* milliseconds; seconds */
	uint32_t reason;
};
int mst_revoked_get(struct mst_read *r, struct mst_revoked *out, const uint8_t authority[static 16], const uint8_t serial[static 16]) MST_MUST;
int mst_revoked_next(struct mst_walk *w, struct mst_read *r, struct mst_revoked *out, const uint8_t authority[static 16]) MST_MUST;
/* mst_revoked_drop takes an entry off: its certificate has expired, and a CRL that named it was published. */
void mst_revoked_drop(struct mst_batch *b, const uint8_t authority[static 16], const uint8_t serial[static 16]);

/* A one-time SCEP challenge. Stored by hash; bound to authority, device and the names it may get; idempotent for the
 * transaction that used it with the same public key. */
struct mst_challenge {
	uint8_t authority[16];
	struct mst_slice device, common_name; /* what the certificate will say */
	struct mst_slice dns;                 /* zero-separated DNS names, may be empty */
	int64_t expires_ms;
	struct mst_slice transaction;         /* empty: unused */
	uint8_t spki_sha256[32];              /* of the key that used it */
	uint8_t serial[16];                   /* what it got */
	struct mst_slice raw;
};
int mst_challenge_get(struct mst_read *r, struct mst_challenge *out, const uint8_t sha256[static 32]) MST_MUST;
/* mst_challenge_put requires the record to be as read, or absent. */
void mst_challenge_put(struct mst_batch *b, const struct mst_challenge *c, const uint8_t sha256[static 32]);
/* mst_challenge_next walks all of them, to drop what has expired; as mst_authority_next. */
int mst_challenge_next(struct mst_walk *w, struct mst_read *r, struct mst_challenge *out, uint8_t sha256[static 32]) MST_MUST;
void mst_challenge_drop(struct mst_batch *b, const struct mst_challenge *c, const uint8_t sha256[static 32]);

#endif
