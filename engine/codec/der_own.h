/* SPDX-License-Identifier: Apache-2.0 */
/* What the codecs on DER share: slices to and from CBS, writing, algorithm identifiers, and BER
 * made DER. */
#ifndef MUSTER_DER_OWN_H
#define MUSTER_DER_OWN_H

#include <openssl/bytestring.h>

#include "muster/arena.h"

/* Contents of an OID. */
#define OID(...)                                                                                   \
	{                                                                                          \
		(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})             \
	}

/* [n] of the context, primitive and constructed. */
#define DER_CONTEXT(n) (CBS_ASN1_CONTEXT_SPECIFIC | (n))
#define DER_INSIDE(n)  (CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | (n))

static inline struct mst_slice mst_der_slice(const CBS *cbs)
{
	return mst_slice(CBS_data(cbs), CBS_len(cbs));
}
static inline CBS mst_der_cbs(struct mst_slice s)
{
	CBS cbs;
	CBS_init(&cbs, s.at, s.len);
	return cbs;
}

/* AlgorithmIdentifier ::= SEQUENCE {OID, parameters}: takes one off `from`. */
bool mst_der_alg(struct mst_slice *oid, CBS *params, CBS *from);
/* Parameters that say nothing: absent or NULL; both are in use for digests and RSA. */
bool mst_der_is_plain(CBS params);
/* ContentInfo ::= SEQUENCE {OID, [0] EXPLICIT content}: takes one off `from`; `content` is what is
 * within [0]. */
bool mst_der_content(struct mst_slice *type, CBS *content, CBS *from);

/* An element with the given contents; and one that is DER already. */
bool mst_der_put(CBB *to, unsigned tag, struct mst_slice contents);
bool mst_der_add(CBB *to, struct mst_slice der);
/* AlgorithmIdentifier with NULL for parameters, or with none. */
bool mst_der_put_alg(CBB *to, struct mst_slice oid, bool has_null);

/* mst_der_done ends writing: `is_written` says whether all went well so far. Moves the bytes to the
 * arena, frees `cbb`. */
int mst_der_done(struct mst_slice *out, struct mst_arena *arena, CBB *cbb, bool is_written,
		 struct mst_err *e);

/* mst_ber_to_der gives exactly one element in DER framing: no open lengths, shortest lengths,
 * strings in one piece. `in` itself when it is so already. What is inside of primitive elements,
 * and the order of sets, stays. */
int mst_ber_to_der(struct mst_slice *out, struct mst_arena *arena, struct mst_slice in,
		   struct mst_err *e);
/* mst_ber_implicit takes [n] IMPLICIT OCTET STRING off `from`, also when it comes in pieces. */
int mst_ber_implicit(struct mst_slice *out, struct mst_arena *arena, CBS *from, unsigned n,
		     struct mst_err *e);

#endif
