/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server edge of one loop: bytes of a connection become exchanges, replies become bytes. HTTP/1.1 (RFC 9112) with
 * keep-alive and pipelining, one exchange of a connection at a time; HTTP/2 (RFC 9113), an exchange a stream, where the client
 * chose it by ALPN, or began with its preface on the plain gate. TLS below when the gate has a context.
 *
 * A connection between requests holds its TLS session and a small struct (and its HTTP/2 session), no buffers. x->keep belongs
 * to the connection: exchanges of its streams share it, so what is kept there must not depend on their order.
 */
#ifndef MUSTER_HTTP_H
#define MUSTER_HTTP_H

#include "muster/net.h"
#include "muster/tls.h"
#include "muster/xchg.h"

struct mst_http; /* opaque: one per loop */

struct mst_http_conf {
	uint32_t line_max;     /* request line or one header, bytes; at least 16384 */
	uint32_t head_max;     /* whole head, bytes */
	uint32_t headers_max;  /* count */
	uint32_t arena_max;    /* memory of one exchange beside its body, bytes */
	uint32_t head_ms, body_ms, write_ms; /* HTTP/2: deadlines of one stream, as net has them for a connection; 0: none */
	uint32_t requests_max; /* of one connection before it is closed politely; 0: no limit */
	uint32_t exchanges_max; /* at work in this loop at once; beyond it 503 */
	bool takes_bare_lf;    /* a lone LF ends a line; otherwise 400 */
};

struct mst_http_hooks {
	void *app; /* becomes x->app */
	/* the head is in: choose x->way and x->body_max, or refuse (return -1 with x->err): authorisation that needs no body
	 * happens here. Never NULL. */
	int (*on_head)(struct mst_xchg *x);
};

int mst_http_new(struct mst_http **out, struct mst_net *net, const struct mst_http_conf *conf,
		 const struct mst_http_hooks *hooks, struct mst_err *e) MST_MUST;
void mst_http_tune(struct mst_http *http, const struct mst_http_conf *conf);
/* mst_http_free: after mst_net_free. */
void mst_http_free(struct mst_http **http);
/* mst_http_listen opens a listener for `gate`. `address`, `port`, `is_unix` as in mst_listen_conf. With `is_tls` the gate must
 * have a context first. */
int mst_http_listen(struct mst_http *http, enum mst_gate gate, const char *address, uint16_t port, bool is_unix, bool is_tls,
		    struct mst_err *e) MST_MUST;
/* mst_http_set_tls takes `ctx` for new connections of `gate`; open ones keep theirs. */
void mst_http_set_tls(struct mst_http *http, enum mst_gate gate, struct mst_tls_ctx *ctx);
/* mst_http_drain: answers carry Connection: close from now on, idle connections end. */
void mst_http_drain(struct mst_http *http);
/* mst_http_busy returns the exchanges not yet answered. */
uint32_t mst_http_busy(const struct mst_http *http);
/* What an exchange looks at may be replaced, but not freed before the exchange ends: take mst_http_mark after replacing it, and
 * free once mst_http_is_past says that every exchange begun before the mark is over, orphans too. */
uint64_t mst_http_mark(const struct mst_http *http);
bool mst_http_is_past(struct mst_http *http, uint64_t mark);
/* mst_http_stage_reply is the last stage of every way: it writes x->out. */
enum mst_step mst_http_stage_reply(struct mst_xchg *x);
/* mst_http_reason returns the reason phrase of a status. */
const char *mst_http_reason(int status);

#endif
