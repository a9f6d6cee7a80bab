/* SPDX-License-Identifier: Apache-2.0 */
/* The library by itself, as its manual says: what our own way of using it is compared with. */
#ifndef MUSTER_STOCK_H
#define MUSTER_STOCK_H

#include "muster/slice.h"

struct mst_stock; /* opaque: a server and a client context of TLS 1.3 with certificates of both sides verified */

/* mst_stock_new: PEM texts; [0] the server's, [1] the client's. */
int mst_stock_new(struct mst_stock **out, struct mst_slice ca_pem, const struct mst_slice chain[2], const struct mst_slice key[2],
		  struct mst_err *e) MST_MUST;
void mst_stock_free(struct mst_stock **stock);
/* Nanoseconds of this thread's CPU: the server's side of one handshake, mean of `count`. */
int mst_stock_full(uint64_t *out_ns, struct mst_stock *stock, uint32_t count, struct mst_err *e) MST_MUST;
int mst_stock_resumed(uint64_t *out_ns, struct mst_stock *stock, uint32_t count, struct mst_err *e) MST_MUST;

/* The primitives of a full handshake with a client that is known: key agreement, our signature, the client's verified. And a
 * verification by RSA-2048. */
struct mst_stock_primitives {
	uint64_t agree_ns, sign_ns, verify_ns, rsa_verify_ns;
};
int mst_stock_primitives(struct mst_stock_primitives *out, uint32_t count, struct mst_err *e) MST_MUST;
/* mst_stock_cpu_ns: CPU this thread has used. */
uint64_t mst_stock_cpu_ns(void);

#endif
