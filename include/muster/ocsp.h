/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP (RFC 6960, RFC 5019, RFC 8954): requests taken apart, answers written. Pure; the signature is made elsewhere, as in crl.h. */
#ifndef MUSTER_OCSP_H
#define MUSTER_OCSP_H

#include "muster/cert.h"

#define MST_OCSP_REQUEST_MAX 8192 /* a signed request with a chain has 4 KiB */
#define MST_OCSP_IDS_MAX     16   /* clients ask about one certificate, a few about a whole chain */
#define MST_OCSP_NONCE_MAX   32   /* RFC 8954 2.1 */

enum mst_ocsp_hash { MST_OCSP_SHA1, MST_OCSP_SHA256, MST_OCSP_OTHER_HASH };

/* CertID; slices lend the request. */
struct mst_ocsp_id {
	enum mst_ocsp_hash hash;
	bool has_params; /* the algorithm says NULL; the answer repeats it */
	struct mst_slice der, issuer_name, issuer_key, serial; /* whole; two hashes; contents of the INTEGER */
};
struct mst_ocsp_request {
	struct mst_ocsp_id ids[MST_OCSP_IDS_MAX];
	size_t num_ids;
	struct mst_slice nonce; /* empty: none */
};
/* mst_ocsp_read takes one DER request apart. A signature is passed over (RFC 5019 2.1.2). Returns 0, -1 SYNTAX: it does not
 * parse, is too long, asks for nothing or too much, its nonce is too long, or it has a critical extension we do not know. */
int mst_ocsp_read(struct mst_ocsp_request *out, struct mst_slice der, struct mst_err *e) MST_MUST;
/* mst_ocsp_key_bits lends what issuerKeyHash and byKey are made of: the BIT STRING's bytes of a SubjectPublicKeyInfo. */
int mst_ocsp_key_bits(struct mst_slice *out, struct mst_slice spki, struct mst_err *e) MST_MUST;

enum mst_ocsp_status { MST_OCSP_GOOD, MST_OCSP_REVOKED, MST_OCSP_UNKNOWN };
struct mst_ocsp_single {
	struct mst_slice id; /* CertID as asked */
	enum mst_ocsp_status status;
	int64_t revoked_s; /* REVOKED only */
	uint32_t reason;
};
struct mst_ocsp_body {
	uint8_t responder[20]; /* SHA-1 of the responder's key bits */
	int64_t this_s, next_s; /* producedAt is thisUpdate: nothing is signed ahead of time */
	const struct mst_ocsp_single *singles;
	size_t num_singles;
	struct mst_slice nonce; /* empty: none */
};
/* mst_ocsp_body writes ResponseData; mst_ocsp_whole a successful OCSPResponse with signature and the responder's certificate.
 * Result in the arena; -1 BUSY no memory. */
int mst_ocsp_body(struct mst_slice *out, struct mst_arena *arena, const struct mst_ocsp_body *body, struct mst_err *e) MST_MUST;
int mst_ocsp_whole(struct mst_slice *out, struct mst_arena *arena, struct mst_slice body, enum mst_sig_alg alg,
		   struct mst_slice signature, struct mst_slice cert, struct mst_err *e) MST_MUST;

/* Refusals are unsigned, RFC 6960 2.3. mst_ocsp_refusal lends the whole answer. */
enum mst_ocsp_refusal { MST_OCSP_MALFORMED = 1, MST_OCSP_INTERNAL = 2, MST_OCSP_TRY_LATER = 3, MST_OCSP_UNAUTHORIZED = 6 };
struct mst_slice mst_ocsp_refusal(enum mst_ocsp_refusal why);

#endif
