/* SPDX-License-Identifier: Apache-2.0 */
/* What the edge's own files keep: connections, deals, framings, the edge of a loop. */
#ifndef HTTP_EDGE_H
#define HTTP_EDGE_H

#include "muster/buf.h"
#include "muster/h2.h"
#include "muster/http.h"
#include "muster/http1.h"
#include "muster/slab.h"

#define HTTP_DOORS_MAX   16            /* listeners of one loop, as net allows */
#define HTTP_EDGES_MAX   (1u << 20)    /* net's own limit is lower; slots are made when needed */
#define HTTP_SCRATCH_LEN (16384 + 256) /* one TLS record of plaintext; a small reply, which is then one record */
#define HTTP_LEFT_MAX    (256 * 1024)  /* bytes that wait behind an exchange; the connection is paused at the first one */
#define HTTP_OUT_HIGH    (64 * 1024)   /* output a peer must take before more is put or begun */
#define HTTP_BODY_ARENA  16384         /* a known body up to this takes its room at once, a longer one grows as it comes */
#define HTTP_SKIP_MAX    (64 * 1024)   /* the rest of a refused body that is read to keep the connection */
#define HTTP_STREAMS_MAX 100           /* RFC 9113 6.5.2 advises no less; a device uses one or two, a front end tens */
/* Bodies, theirs and ours, that the streams of one connection may hold together; one stream alone may hold its body_max. In
 * HTTP/1.1 a connection has one body: here a hundred must not cost a hundred times that. */
#define HTTP_HELD_MAX  (4 * 1024 * 1024)
#define HTTP_DATE_ROOM 32

/* Whom the protocol waits for. */
enum http_phase {
	PHASE_HEAD, /* the peer to send a head, or to finish one */
	PHASE_BODY, /* the peer to finish a body */
	PHASE_SKIP, /* the peer to finish a body that was refused already */
	PHASE_WORK, /* the deal's walk */
	PHASE_SEND, /* the peer to take enough of a long answer that more of it may be put */
	HTTP_PHASES,
};

struct http_deal {
	struct mst_xchg x;
	struct http_edge *edge; /* NULL: orphan */
	struct mst_http1_head head;
	uint8_t *place;      /* a body that fits the arena */
	struct mst_buf body; /* one that grows */
	size_t body_len;
	struct mst_slice rest; /* of a long answer: what is not put yet (HTTP/1.1) */
	struct mst_lent *lent; /* whose bytes the answer is, NULL: the exchange's own */
	bool closes, is_replied;
	bool is_working; /* the walk has begun and is not over */
	/* HTTP/2. */
	bool has_all; /* the peer's side of the stream is complete */
	uint32_t stream;
	enum http_phase phase;
	uint32_t headers_room, head_len; /* of the head being read: room in its table, bytes as HTTP/1.1 counts them */
	size_t held;                     /* of edge->h2.held */
	size_t skip;                     /* PHASE_SKIP: bytes that are still given back to the window */
	struct mst_timer timer;          /* of the phase */
	uint8_t digits[40];              /* the numbers among the answer's headers: status, length, a time */
	/* What an orphan goes on with when its connection's memory is gone. */
	struct mst_peer peer;
	uint64_t keep[MST_KEEP_ROOM / sizeof(uint64_t)];
};

/* HTTP/1.1 on a connection: one deal at a time. */
struct http_h1 {
	struct http_deal *deal; /* in PHASE_BODY, PHASE_WORK and PHASE_SEND */
	struct mst_http1_scan scan;
	struct mst_http1_chunks chunks;
	size_t skip; /* PHASE_SKIP: bytes still to come, or still allowed when chunked */
	bool skips_chunks;
	enum http_phase phase;
	uint32_t num_settled; /* requests begun when the connection's state was set last */
};

/* HTTP/2 on a connection: a deal a stream. */
struct http_h2 {
	struct mst_h2 *session;
	size_t held; /* bytes of bodies, theirs and ours, that its deals hold */
	uint32_t num[HTTP_PHASES];
	uint32_t last;   /* the highest stream begun */
	bool is_leaving; /* no new streams: the connection ends behind those open */
	bool is_told;    /* the peer was told so */
	bool is_broken;  /* the peer broke the protocol or a budget and was told so */
};

struct http_edge {
	struct mst_conn *conn;
	struct mst_http *http;
	const struct http_framing *framing;
	struct mst_tls *tls; /* NULL: none */
	struct mst_buf left; /* bytes that wait; no memory when empty */
	union {
		struct http_h1 h1;
		struct http_h2 h2;
	};
	bool is_taking; /* bytes are being worked through: a walk that ends now must not begin the next request */
	bool is_open;   /* TLS handshake counted */
	bool has_ended; /* the peer sends no more */
	enum mst_gate gate;
	uint32_t slot, num_requests;
	uint64_t keep[MST_KEEP_ROOM / sizeof(uint64_t)];
};

struct http_answer {
	const struct mst_reply *reply;
	bool is_head, closes;
};

/* How the bytes of a connection are requests and answers. */
struct http_framing {
	int (*open)(struct http_edge *edge, struct mst_err *e); /* NULL: zero state will do */
	/* consumes what it can and returns how many bytes that was; the rest waits */
	size_t (*take)(struct http_edge *edge, struct mst_slice bytes);
	/* lets output leave and moves the connection's state; true: nothing further may be received for now */
	bool (*settle)(struct http_edge *edge);
	void (*sent)(struct http_edge *edge);  /* all output was taken */
	void (*late)(struct http_edge *edge);  /* a deadline passed, the connection's state says which */
	bool (*owes)(struct http_edge *edge);  /* answers are under way */
	void (*drain)(struct http_edge *edge); /* the server ends: end politely */
	void (*leave)(struct http_edge *edge); /* last words before the end; NULL: none */
	void (*gone)(struct http_edge *edge);  /* the connection is gone */
	/* writes an answer, not yet flushed. -1: it could not be written, and the peer will notice */
	int (*reply)(struct http_deal *deal, const struct http_answer *answer, struct mst_err *e);
	/* the walk of a deal that still has its connection is over, and its answer written; `drop`: there is none */
	void (*over)(struct http_deal *deal, bool drop);
};

struct http_door {
	struct mst_http *http;
	enum mst_gate gate;
	bool is_tls;
};

struct mst_http {
	struct mst_net *net;
	struct mst_loop *loop;
	struct mst_http_conf conf;
	struct mst_http_hooks hooks;
	struct mst_http1_limits limits;
	struct mst_slab *edges, *deals;
	struct mst_chunks chunks;
	struct mst_tls_ctx *tls[MST_NUM_GATES];
	struct http_door doors[HTTP_DOORS_MAX];
	uint32_t num_doors, num_busy;
	uint32_t num_streams; /* of HTTP/2, in any phase */
	bool is_draining;
	uint64_t next_id;
	uint64_t date_ms; /* of the loop's clock, when the date was made */
	char date[HTTP_DATE_ROOM];
	uint8_t date_len;
	uint8_t in[HTTP_SCRATCH_LEN], out[HTTP_SCRATCH_LEN];
};

#endif
