/* SPDX-License-Identifier: Apache-2.0 */
/* HTTPS with one connection that stays open, one request at a time, blocking: what a device does before it is enrolled. */
#ifndef MUSTER_SECURE_H
#define MUSTER_SECURE_H

#include "muster/arena.h"
#include "muster/buf.h"
#include "muster/crypt.h"
#include "muster/tls.h"

struct mst_secure {
	struct mst_tls_ctx *ctx;
	struct mst_tls *tls;
	struct mst_buf in;
	int fd;
};
struct mst_secure_reply {
	int status;
	struct mst_slice body; /* in the arena */
};
/* mst_secure_init: nothing is connected yet. `trust` verifies the server and outlives `s`. */
int mst_secure_init(struct mst_secure *s, struct mst_trust *trust, struct mst_err *e) MST_MUST;
void mst_secure_done(struct mst_secure *s); /* after init, however it ended */
/* mst_secure_ask connects to the IPv4 address `host` when it must, and asks. -1 when there was no proper answer. */
int mst_secure_ask(struct mst_secure_reply *out, struct mst_secure *s, struct mst_arena *arena, const char *host, uint16_t port,
		   struct mst_slice request, struct mst_err *e) MST_MUST;

#endif
