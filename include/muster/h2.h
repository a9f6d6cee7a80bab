/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 (RFC 9113) without sockets, both sides: bytes are fed in, bytes are put into a sink, streams are numbered. nghttp2
 * does the framing and HPACK; its types and codes stop here.
 *
 * Every call is made on the owner's thread, and hooks are called from inside mst_h2_feed and mst_h2_flush only. Nothing leaves
 * before mst_h2_flush, which puts all that may leave in as few pieces as fit (16 KiB each: a TLS record).
 */
#ifndef MUSTER_H2_H
#define MUSTER_H2_H

#include "muster/err.h"
#include "muster/header.h"
#include "muster/slice.h"

struct mst_h2; /* opaque: one connection's side */

/* A header to send; pseudo headers first. Names in lower case. Bytes are lent until mst_h2_flush returns. */
struct mst_h2_header {
	struct mst_slice name, value;
	bool is_unindexed; /* literal without indexing: values that do not come again, or secrets */
};

/* What a peer may do to us, per connection; beyond it: GOAWAY ENHANCE_YOUR_CALM and the end (mst_h2_feed -1 TOO_BIG).
 * Zero fields take the default in h2/budget.h, each with its reason. */
struct mst_h2_limits {
	uint32_t streams_max;      /* open at once; a server tells it by SETTINGS, a client begins no more than that */
	uint32_t head_max;         /* bytes of one header block, names and values and 32 each (RFC 9113 6.5.2) */
	uint32_t window;           /* bytes of one stream's body in flight; the connection's is four times that */
	uint32_t resets_max;       /* streams a peer may reset before we answered (rapid reset), per 1,000 requests, and at least 100 */
	uint32_t controls_max;     /* frames that bring nothing (PING, SETTINGS, empty DATA ...), not earned by requests, bytes or time */
	uint32_t continuations_max; /* CONTINUATION frames of one header block */
	uint32_t held_max;         /* bytes of answers a peer does not take (its window is closed) before we stop reading */
};

/* Hooks of both sides; NULL where it says so. `up` is what the stream was given. A hook may call mst_h2_ask,
 * mst_h2_reply, mst_h2_reset and mst_h2_consume, nothing that frees `h2`. */
struct mst_h2_hooks {
	void *context;
	/* ciphertext-to-be. 0; 1: taken, but no more bodies in this flush (heads follow); -1 ends the session */
	int (*put)(void *context, struct mst_slice bytes, struct mst_err *e);
	/* server: a stream begins. Returns what becomes `up`, NULL: refuse the stream (REFUSED_STREAM; no further hook). */
	void *(*on_stream)(void *context, uint32_t stream);
	/* a header of the request or answer, pseudo headers too (":status" for clients); lent for the call. -1 resets the stream
	 * (INTERNAL_ERROR). Interim answers (1xx) and trailers are not told. */
	int (*on_header)(void *up, struct mst_slice name, struct mst_slice value);
	/* the head is complete; `is_end`: no body follows */
	void (*on_head)(void *up, bool is_end);
	/* a piece of the body; lent. The receiver says mst_h2_consume when it no longer counts against the window. */
	void (*on_body)(void *up, struct mst_slice bytes);
	/* the peer's side of the stream is complete; follows on_head with `is_end` too */
	void (*on_end)(void *up);
	/* last call for a stream, however it ended. `is_done`: clients: the whole answer came; servers: the whole answer left.
	 * `may_retry`: the peer says, or it is certain, that it did nothing for it (REFUSED_STREAM, above a GOAWAY's last id, not
	 * sent because the peer's limit fell). */
	void (*on_gone)(void *up, bool is_done, bool may_retry);
	/* clients, may be NULL: the peer goes away: no new streams. Its debug data, lent. */
	void (*on_goaway)(void *context, uint32_t code, struct mst_slice debug);
	/* may be NULL: the peer's SETTINGS came, or the answer to our PING */
	void (*on_settings)(void *context);
	void (*on_pong)(void *context);
};

/* mst_h2_new makes a side; a client's preface and our SETTINGS leave with the first flush. */
int mst_h2_new(struct mst_h2 **out, bool is_client, const struct mst_h2_limits *limits, const struct mst_h2_hooks *hooks,
	       struct mst_err *e) MST_MUST;
/* mst_h2_free calls on_gone for every stream left. Never from a hook. */
void mst_h2_free(struct mst_h2 **h2);
/* mst_h2_feed takes all of `bytes`. 0; -1: the session is over (SYNTAX: the peer broke the protocol, TOO_BIG: a budget); a GOAWAY
 * is ready to flush then. Some breaks are found only when their GOAWAY leaves: mst_h2_flush is -1 then. */
int mst_h2_feed(struct mst_h2 *h2, struct mst_slice bytes, struct mst_err *e) MST_MUST;
/* mst_h2_flush puts what may leave. 0; -1: the sink's reason, or, all being put, the session is over as for mst_h2_feed. After a
 * feed and its flush, whichever failed, close; mst_h2_free gives the streams left. */
int mst_h2_flush(struct mst_h2 *h2, struct mst_err *e) MST_MUST;
/* mst_h2_is_over: nothing more will come or go: GOAWAY done and no stream left, or broken; ask after a flush. */
bool mst_h2_is_over(const struct mst_h2 *h2);
/* mst_h2_goaway says that we take no further streams (graceful: a server does so in two steps, one round trip apart); those open
 * live on. A peer may never answer: the owner has a deadline. */
void mst_h2_goaway(struct mst_h2 *h2);

/* Clients. mst_h2_room: streams that may be begun now: the peer's present limit less those open, 0 after a GOAWAY. Before the
 * peer's first SETTINGS it is 100 (RFC 9113 6.5.2 sets none; a careful start). */
uint32_t mst_h2_room(const struct mst_h2 *h2);
bool mst_h2_has_settings(const struct mst_h2 *h2);
/* mst_h2_ask begins a stream; `body` is lent until on_gone; empty: none. 0, -1 BUSY: no room. */
int mst_h2_ask(struct mst_h2 *h2, uint32_t *stream, const struct mst_h2_header *headers, size_t num_headers, struct mst_slice body,
	       void *up, struct mst_err *e) MST_MUST;
void mst_h2_ping(struct mst_h2 *h2);

/* Servers. mst_h2_reply answers; `body` is lent until on_gone. Once per stream. -1 GONE: the stream is gone. */
int mst_h2_reply(struct mst_h2 *h2, uint32_t stream, const struct mst_h2_header *headers, size_t num_headers, struct mst_slice body,
		 struct mst_err *e) MST_MUST;
/* mst_h2_continue says 100 (Continue), before the reply. */
void mst_h2_continue(struct mst_h2 *h2, uint32_t stream);
/* mst_h2_settle changes the limit of open streams in flight (tests of clients, and our own shedding). */
void mst_h2_settle(struct mst_h2 *h2, uint32_t streams_max);
/* mst_h2_depart ends abruptly: GOAWAY with this last stream id, code and debug data (stand-ins of other servers). */
void mst_h2_depart(struct mst_h2 *h2, uint32_t last_stream, uint32_t code, struct mst_slice debug);

/* Both. mst_h2_reset ends a stream: `is_calm`: with NO_ERROR once the answer has left wholly (RFC 9113 8.1), else INTERNAL_ERROR
 * now; clients: CANCEL now. */
void mst_h2_reset(struct mst_h2 *h2, uint32_t stream, bool is_calm);
/* mst_h2_consume gives `len` bytes of a body back to the windows. What a stream leaves unconsumed at its end is given back by
 * itself: answers shorter than a window need no call. */
void mst_h2_consume(struct mst_h2 *h2, uint32_t stream, size_t len);
uint32_t mst_h2_open(const struct mst_h2 *h2); /* streams open */
/* mst_h2_held: bytes of answers that wait for the peer's windows; the owner stops reading above limits.held_max. */
size_t mst_h2_held(const struct mst_h2 *h2);
/* mst_h2_code_word: the name of an error code, RFC 9113 7. */
const char *mst_h2_code_word(uint32_t code);

#endif
