/* SPDX-License-Identifier: Apache-2.0 */
/* A client and a server session back to back in memory, with certificates made for the test. */
#ifndef MUSTER_TEST_TLS_RIG_H
#define MUSTER_TEST_TLS_RIG_H

#include "../crypt/pki.h"
#include "muster/buf.h"
#include "muster/count.h"
#include "muster/tls.h"

struct end {
	struct mst_tls *tls;
	struct mst_buf out; /* ciphertext on its way to the other end */
	struct mst_buf got; /* plaintext */
	struct mst_err e;
	int rc; /* of the last feed or read: -1 stays */
	uint32_t num_puts, num_ready;
	bool is_deaf; /* its sink refuses */
};

struct rig {
	struct mst_arena a;
	struct pki root, other, server, device;
	struct mst_trust *server_trust, *device_trust;
	struct mst_tls_conf server_conf, client_conf;
	struct mst_work *work;
	struct mst_loop *loop;
	struct mst_tls_ctx *server_ctx, *client_ctx;
	struct end s, c;
	uint32_t num_asked, num_rechecked;
	bool is_revoked;
	size_t step; /* bytes fed at once, 0: all */
};

/* rig_make: TLS 1.3 and 1.2, P-256 on both sides, a client certificate is asked for and shown,
 * tickets on, the clock is PKI_NOW. Change the confs, then rig_start. */
void rig_make(struct rig *rig);
void rig_done(struct rig *rig);
/* rig_identity puts a server or client certificate of this kind and issuer in place. */
void rig_identity(struct rig *rig, bool is_server, enum mst_key_kind kind, struct mst_issue what,
		  const struct pki *issuer);
/* rig_start makes contexts (kept when there) and new sessions. */
void rig_start(struct rig *rig);
/* rig_pump carries bytes until both are quiet; turns the loop while a job is out. */
void rig_pump(struct rig *rig);
/* rig_shake is start and pump; true when both are open. */
bool rig_shake(struct rig *rig);
/* rig_say sends from one end and says whether the other got exactly that. */
bool rig_say(struct rig *rig, struct end *from, struct end *to, struct mst_slice words);
/* rig_contexts_done drops the contexts, so that the next start makes them anew. */
void rig_contexts_done(struct rig *rig);
void rig_sessions_done(struct rig *rig);
uint64_t rig_counter(enum mst_counter id);

#endif
