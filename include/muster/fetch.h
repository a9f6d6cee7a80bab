/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outgoing HTTPS of one loop: one request, one answer, over net and tls; names are resolved and chains verified on workers or
 * from the cache. For connectors to CAs, SCEP, webhooks: not for millions.
 */
#ifndef MUSTER_FETCH_H
#define MUSTER_FETCH_H

#include "muster/crypt.h"
#include "muster/header.h"
#include "muster/net.h"
#include "muster/tls.h"
#include "muster/work.h"

struct mst_fetcher; /* opaque: one per loop */
struct mst_fetcher_conf {
	uint32_t at_once_max;   /* requests on their way; beyond it BUSY */
	uint32_t answer_max;    /* bytes of a body */
	struct mst_slice ca_pem; /* CAs that vouch for servers, when a request brings none; empty: of mst_fetcher_trust, or none */
};
int mst_fetcher_new(struct mst_fetcher **out, struct mst_loop *loop, struct mst_net *net, struct mst_work *work,
		    const struct mst_fetcher_conf *conf, struct mst_err *e) MST_MUST;
/* mst_fetcher_trust replaces these CAs by `trust`, which stays the caller's and lives until it is replaced; NULL: none. */
void mst_fetcher_trust(struct mst_fetcher *fetcher, struct mst_trust *trust);
/* mst_fetcher_stop ends what is on its way with GONE and takes nothing new. mst_fetcher_free: before the net; what is still on
 * its way is forgotten: on_fetched does not come. */
void mst_fetcher_stop(struct mst_fetcher *fetcher);
void mst_fetcher_free(struct mst_fetcher **fetcher);

struct mst_fetch {
	/* the asker's, kept until on_fetched */
	enum mst_method method;
	struct mst_slice url;              /* https:// or http://; no user, no fragment; 16384 letters */
	const struct mst_header *headers;  /* further ones; not host, connection, expect, content-length, transfer-encoding */
	size_t num_headers;
	struct mst_slice body;
	struct mst_slice chain_pem, key_pem; /* our client certificate, or empty */
	struct mst_slice ca_pem;           /* CAs of this server; empty: the fetcher's */
	const uint8_t *pin_sha256;         /* 32 bytes: the leaf's; then neither CA nor name is looked at; NULL none */
	uint32_t timeout_ms;               /* of the whole; 0: 30 s */
	struct mst_arena *arena;           /* the answer is copied here */
	void (*on_fetched)(struct mst_fetch *f); /* on the loop, once, never inside mst_fetch */
	/* the answer */
	int rc;                            /* 0: an answer came, whatever its status; -1 with err: TIMEOUT, GONE, SYNTAX, TOO_BIG, CRYPTO, ABSENT (name) */
	struct mst_err err;
	int status;
	const struct mst_header *answer_headers; /* names in lower case */
	size_t num_answer_headers;
	struct mst_slice answer;
	void *own; /* the fetcher's */
};
/* mst_fetch begins; no redirects are followed, a connection for each. -1 BUSY, SYNTAX (URL, headers, PEM), CRYPTO (key). */
int mst_fetch(struct mst_fetcher *fetcher, struct mst_fetch *f, struct mst_err *e) MST_MUST;
void mst_fetch_cancel(struct mst_fetcher *fetcher, struct mst_fetch *f); /* on_fetched does not come any more */

#endif
