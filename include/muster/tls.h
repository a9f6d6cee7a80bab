/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.2 and 1.3 without sockets: ciphertext is fed in, plaintext is read out; plaintext is written in, ciphertext is put
 * into a sink. Certificates stay DER (no X509 objects); the verdict on a client's chain is asked once per certificate and
 * remembered by SHA-256; expiry is looked at every time. A full handshake with an ECDSA key never leaves the thread;
 * RSA signing goes to a worker and the session says WAIT meanwhile.
 *
 * A context belongs to one loop. Sessions keep their context alive, so a context may be freed or replaced at any time.
 */
#ifndef MUSTER_TLS_H
#define MUSTER_TLS_H

#include "muster/peer.h"
#include "muster/work.h"

struct mst_tls_ctx; /* opaque, counted */
struct mst_tls;     /* opaque */

#define MST_TLS_CHAIN_MAX 6 /* certificates a peer may send: leaf, intermediates, root */

/* Asked when a peer's certificate is not in the cache, or was asked about over a day ago: chain[0] is the leaf. Fills `out`
 * and returns 0, or -1 with a reason, whose code chooses the alert: ABSENT unknown_ca, GONE certificate_expired, DENIED
 * certificate_revoked, TYPE unsupported_certificate, BUSY internal_error, else bad_certificate. Called on the loop's thread.
 * `now_s` in seconds since 1970. */
struct mst_tls_verify {
	void *context;
	int (*verify)(void *context, struct mst_peer *out, const struct mst_slice *chain, size_t num_chain, int64_t now_s,
		      struct mst_err *e);
	/* NULL, or asked at every handshake, full or resumed, also for known certificates: -1 refuses (revoked, CA retired). */
	int (*recheck)(void *context, const struct mst_peer *peer, struct mst_err *e);
};

enum mst_tls_client { MST_TLS_CLIENT_NONE, MST_TLS_CLIENT_ASK, MST_TLS_CLIENT_DEMAND };

struct mst_tls_conf {
	bool is_client;
	struct mst_slice chain_pem, key_pem; /* ours; may be empty for a client without certificate */
	enum mst_tls_client client;          /* servers: is a client certificate asked for */
	const struct mst_slice *ca_names;    /* DER subject names sent to clients as acceptable; may be empty */
	size_t num_ca_names;
	struct mst_tls_verify verify;        /* servers: the client's chain; clients: the server's */
	const char *ciphers_12;              /* TLS 1.2 list in OpenSSL's syntax, NULL: ECDHE with AEAD */
	bool allows_12, forbids_13;          /* TLS 1.3 alone, both, or (both true) 1.2 alone */
	uint32_t known_max;                  /* verified certificates remembered, 0: none */
	uint8_t ticket_secret[32];           /* all zero: no tickets; the same in every loop. A ticket is good where `client`
					      * and `ca_names` are the same as where it was given. */
	uint32_t ticket_s;                   /* life of a ticket key, seconds; tickets of the one before are still taken */
	const char *host;                    /* clients: name sent (SNI), NULL none */
	const char *alpn;                    /* "http/1.1" style comma list, NULL none */
};

/* mst_tls_ctx_new parses certificates and key, and copies what it needs of `conf`. `work` may be NULL, else `home` is the
 * loop it belongs to: RSA signs inline then, and also when the pool is full. */
int mst_tls_ctx_new(struct mst_tls_ctx **out, const struct mst_tls_conf *conf, struct mst_work *work, struct mst_loop *home,
		    struct mst_err *e) MST_MUST;
void mst_tls_ctx_free(struct mst_tls_ctx **ctx);
/* mst_tls_ctx_forget drops every remembered verdict and takes no ticket given before (a CA or revocation list changed). */
void mst_tls_ctx_forget(struct mst_tls_ctx *ctx);

/* Where a session puts ciphertext, and how it says that a wait is over. `context` outlives the session. */
struct mst_tls_sink {
	void *context;
	int (*put)(void *context, struct mst_slice cipher, struct mst_err *e);
	void (*on_ready)(void *context); /* a worker finished: read again */
};

/* mst_tls_new makes a session. A client's first flight is put by the first mst_tls_read. */
int mst_tls_new(struct mst_tls **out, struct mst_tls_ctx *ctx, const struct mst_tls_sink *sink, struct mst_err *e) MST_MUST;
/* mst_tls_free: a session whose job is on a worker lives on by itself until the job is home. */
void mst_tls_free(struct mst_tls **tls);

/* mst_tls_feed gives ciphertext, lent until the session has been read dry: call mst_tls_read until it returns 0. What
 * cannot be used yet (a worker is busy) is copied, at most 64 KiB. -1 TOO_BIG beyond. */
int mst_tls_feed(struct mst_tls *tls, struct mst_slice cipher, struct mst_err *e) MST_MUST;
/* mst_tls_read drives the handshake and returns plaintext: bytes > 0; 0 when it needs more ciphertext or a worker;
 * -1 broken (an alert was put when there is one to send): CRYPTO, or the sink's own reason. */
int mst_tls_read(struct mst_tls *tls, uint8_t *out, size_t room, struct mst_err *e) MST_MUST;
/* mst_tls_write encrypts all of `plain` into the sink, in records of 16 KiB, a put each. Only when open. A TLS 1.3 ticket
 * leaves with the first write. */
int mst_tls_write(struct mst_tls *tls, struct mst_slice plain, struct mst_err *e) MST_MUST;
/* mst_tls_shut puts close_notify. */
void mst_tls_shut(struct mst_tls *tls);

bool mst_tls_is_open(const struct mst_tls *tls);   /* handshake done */
bool mst_tls_is_ended(const struct mst_tls *tls);  /* peer sent close_notify */
bool mst_tls_is_resumed(const struct mst_tls *tls);
/* mst_tls_alert is the fatal alert (RFC 8446 6.2) with which the peer ended the session, 0 none. */
uint8_t mst_tls_alert(const struct mst_tls *tls);
/* mst_tls_peer0 lends the verified identity of the peer, NULL when it showed none. */
const struct mst_peer *mst_tls_peer0(const struct mst_tls *tls);
/* mst_tls_alpn0 lends the protocol chosen, empty when none. */
struct mst_slice mst_tls_alpn0(const struct mst_tls *tls);

/* Clients: a session to resume from. mst_tls_ticket_get1 gives the newest one received (NULL none); mst_tls_ticket_set
 * offers it in a new session before its first read. */
struct mst_tls_ticket;
struct mst_tls_ticket *mst_tls_ticket_get1(struct mst_tls *tls);
void mst_tls_ticket_set(struct mst_tls *tls, struct mst_tls_ticket *ticket);
void mst_tls_ticket_free(struct mst_tls_ticket **ticket);

#endif
