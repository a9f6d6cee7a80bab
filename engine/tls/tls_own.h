/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the insides of a context and of a session, and the hooks
 * given to the library. */
#ifndef MUSTER_TLS_OWN_H
#define MUSTER_TLS_OWN_H

#include <openssl/aead.h>
#include <openssl/ssl.h>

#include "muster/buf.h"
#include "muster/map.h"
#include "muster/tls.h"

#define ALPN_WIRE_MAX 64
#define HOST_MAX      254

struct ticket_key {
	bool is_made;
	uint64_t epoch;
	EVP_AEAD_CTX aead;
};

struct mst_tls_ctx {
	uint32_t num_refs; /* the owner's and one per session */
	SSL_CTX *ssl;
	bool is_client;
	enum mst_tls_client client;
	struct mst_tls_verify verify;
	struct mst_map *known; /* SHA-256 of a leaf -> struct known; NULL: nothing is remembered */
	struct mst_work *work;
	struct mst_loop *home;
	EVP_PKEY *rsa; /* our key when it is RSA; lent to workers counted */
	uint8_t ticket_secret[32];
	uint32_t ticket_s;
	int64_t forgot_s; /* tickets sealed until then are not taken */
	struct ticket_key ticket_keys[2];
	uint8_t alpn[ALPN_WIRE_MAX];
	size_t alpn_len;
	char host[HOST_MAX];
	struct mst_err why; /* the first reason a hook gave during the present call, or NONE */
};

enum tls_state {
	TLS_SHAKING, /* waits for the peer's handshake or for a worker */
	TLS_OPEN,    /* data flows both ways */
	TLS_ENDED,   /* the peer said close_notify; we may still write */
	TLS_BROKEN,  /* nothing goes any more */
};

enum peer_source {
	PEER_NONE,
	PEER_CHAIN,  /* it showed a certificate in this handshake */
	PEER_TICKET, /* its ticket says so; counts only when the session was resumed */
};

struct sign_job;

struct mst_tls {
	SSL *ssl;
	struct mst_tls_ctx *ctx;
	struct mst_tls_sink sink;
	enum tls_state state;
	enum peer_source peer_source;
	uint8_t alert;        /* fatal, from the peer; 0: none */
	struct mst_slice fed; /* lent ciphertext not read yet */
	struct mst_buf held;  /* ciphertext copied because a worker was busy; comes before `fed` */
	struct sign_job *job; /* out on a worker, or home and not taken yet */
	SSL_SESSION *ticket;  /* clients: the newest */
	struct mst_peer peer;
};

/* own: from the library's session to ours. */
static inline struct mst_tls *mst_tls_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

/* Is `peer` who the other end proved to be? A ticket that was opened and then not used says
 * nothing. */
static inline bool mst_tls_has_peer(const struct mst_tls *tls)
{
	return tls->peer_source == PEER_CHAIN ||
	       (tls->peer_source == PEER_TICKET && SSL_session_reused(tls->ssl));
}

/* mst_tls_creds_load gives the context its chain and key (creds.c). */
int mst_tls_creds_load(struct mst_tls_ctx *ctx, struct mst_slice chain_pem,
		       struct mst_slice key_pem, struct mst_err *e) MST_MUST;
/* mst_tls_bio_new makes the BIO between the library and `tls` (bio.c). NULL when out of memory. */
BIO *mst_tls_bio_new(struct mst_tls *tls);
/* mst_tls_on_verify judges the peer's certificates (verdict.c). */
enum ssl_verify_result_t mst_tls_on_verify(SSL *ssl, uint8_t *alert);
/* mst_tls_is_current looks at what may change after a verdict: time and recheck. Returns 0, -1 with
 * the reason. */
int mst_tls_is_current(const struct mst_tls_ctx *ctx, const struct mst_peer *peer, int64_t now_s,
		       struct mst_err *e) MST_MUST;
int mst_tls_known_make(struct mst_tls_ctx *ctx, uint32_t num_max, struct mst_err *e) MST_MUST;
/* mst_tls_sign_method signs with ctx->rsa on a worker (sign.c). mst_tls_sign_orphan leaves a job to
 * itself. */
extern const SSL_PRIVATE_KEY_METHOD mst_tls_sign_method;
void mst_tls_sign_orphan(struct mst_tls *tls);
/* mst_tls_ticket_method seals and opens tickets (ticket.c). */
extern const SSL_TICKET_AEAD_METHOD mst_tls_ticket_method;
void mst_tls_ticket_keys_done(struct mst_tls_ctx *ctx);
/* mst_tls_on_session keeps a client's newest session (client.c). */
int mst_tls_on_session(SSL *ssl, SSL_SESSION *session);
/* mst_tls_refuse ends the library's queue of errors: -1 with its first reason behind `what`
 * (ctx.c). */
int mst_tls_refuse(struct mst_err *e, const char *what);
/* mst_tls_ctx_unref gives one reference back; frees with the last (ctx.c). */
void mst_tls_ctx_unref(struct mst_tls_ctx *ctx);

#endif
