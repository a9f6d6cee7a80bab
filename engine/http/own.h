/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the edge's own files share. An edge is what a connection has here; a deal is an exchange and
 * its framing:
 *
 *     edge.c   bytes of a connection: TLS, what waits, when to pause, when to flush, the
 * connection's state in.c     heads and bodies become deals; what breaks the protocol is refused
 *     deal.c   a deal's life: slot, walk, end, orphan
 *     out.c    a reply becomes bytes, in one write when it is small
 */
#ifndef HTTP_OWN_H
#define HTTP_OWN_H

#include "muster/buf.h"
#include "muster/http.h"
#include "muster/http1.h"
#include "muster/slab.h"

#define HTTP_DOORS_MAX 16         /* listeners of one loop, as net allows */
#define HTTP_EDGES_MAX (1u << 20) /* net's own limit is lower; slots are made when needed */
#define HTTP_SCRATCH_LEN                                                                           \
	(16384 + 256) /* one TLS record of plaintext; a small reply, which is then one record */
#define HTTP_LEFT_MAX                                                                              \
	(256 *                                                                                     \
	 1024) /* bytes that wait behind an exchange; the connection is paused at the first one */
#define HTTP_OUT_HIGH                                                                              \
	(64 * 1024) /* output a peer must take before its next pipelined request is begun */
#define HTTP_BODY_ARENA                                                                            \
	16384 /* a known body up to this takes its room at once, a longer one grows as it comes */
#define HTTP_SKIP_MAX                                                                              \
	(64 * 1024) /* the rest of a refused body that is read to keep the connection */
#define HTTP_DATE_ROOM 32

/* Whom the protocol waits for. */
enum http_phase {
	PHASE_HEAD, /* the peer to send a head, or to finish one */
	PHASE_BODY, /* the peer to finish a body */
	PHASE_SKIP, /* the peer to finish a body that was refused already */
	PHASE_WORK, /* the deal's walk */
	PHASE_SEND, /* the peer to take enough of a long answer that more of it may be put */
	PHASE_OVER, /* nobody: what still comes is dropped */
};

struct http_deal {
	struct mst_xchg x;
	struct http_edge *edge; /* NULL: orphan */
	struct mst_http1_head head;
	uint8_t *place;      /* a body that fits the arena */
	struct mst_buf body; /* one that grows */
	size_t body_len;
	struct mst_slice rest; /* of a long answer: what is not put yet */
	struct mst_lent *lent; /* whose bytes these are, NULL: the exchange's own */
	bool closes, is_replied;
	bool is_working; /* the walk has begun and is not over */
	/* What an orphan goes on with when its connection's memory is gone. */
	struct mst_peer peer;
	uint64_t keep[MST_KEEP_ROOM / sizeof(uint64_t)];
};

struct http_edge {
	struct mst_conn *conn;
	struct mst_http *http;
	struct mst_tls *tls;    /* NULL: none */
	struct http_deal *deal; /* in PHASE_BODY, PHASE_WORK and PHASE_SEND */
	struct mst_buf left;    /* bytes that wait; no memory when empty */
	struct mst_http1_scan scan;
	struct mst_http1_chunks chunks;
	size_t skip; /* PHASE_SKIP: bytes still to come, or still allowed when chunked */
	bool skips_chunks;
	bool is_taking; /* bytes are being worked through: a walk that ends now must not begin the
			   next request */
	bool is_open;   /* TLS handshake counted */
	bool has_ended; /* the peer sends no more */
	enum http_phase phase;
	enum mst_gate gate;
	uint32_t slot, num_requests;
	uint32_t num_settled; /* requests begun when the connection's state was set last */
	uint64_t keep[MST_KEEP_ROOM / sizeof(uint64_t)];
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
	bool is_draining;
	uint64_t next_id;
	uint64_t date_ms; /* of the loop's clock, when the date was made */
	char date[HTTP_DATE_ROOM];
	uint8_t date_len;
	uint8_t in[HTTP_SCRATCH_LEN], out[HTTP_SCRATCH_LEN];
};

/* edge.c */
extern const struct mst_edge mst_http_edge;
/* mst_edge_go_on works through what waits, after a walk ended or output left. */
void mst_edge_go_on(struct http_edge *edge);
/* mst_edge_alive: bytes may still be put. */
bool mst_edge_alive(const struct http_edge *edge);
/* mst_edge_finish ends the connection once its output has left; mst_edge_close at once. */
void mst_edge_finish(struct http_edge *edge, const char *why);
void mst_edge_close(struct http_edge *edge, const char *why);

/* in.c: mst_in_take consumes what it can and returns how many bytes that was; the rest waits for
 * the phase to change. */
size_t mst_in_take(struct http_edge *edge, struct mst_slice bytes);
/* mst_in_refuse answers what broke the protocol (or took too long) and ends the connection. */
void mst_in_refuse(struct http_edge *edge, const struct mst_err *e);

/* target.c: fills in->path and in->query from in->target. */
int mst_target_parse(struct mst_request *in, struct mst_arena *arena, struct mst_err *e) MST_MUST;

/* deal.c */
struct http_deal *mst_deal_new(struct http_edge *edge);
void mst_deal_free(struct mst_http *http, struct http_deal *deal);
/* mst_deal_work starts the walk of a complete request. */
void mst_deal_work(struct http_deal *deal);
/* mst_deal_part: the connection is gone. */
void mst_deal_part(struct http_deal *deal);
/* mst_deal_reply writes x->out, once. */
void mst_deal_reply(struct http_deal *deal);
/* mst_deal_send puts the next piece of a long answer, and ends the deal behind the last one. */
void mst_deal_send(struct http_deal *deal);
/* mst_deal_log notes a refused or failed exchange. */
void mst_deal_log(const struct http_deal *deal);

/* out.c */
struct http_answer {
	const struct mst_reply *reply;
	bool is_head, closes;
};
/* mst_out_put writes a reply to the connection, not yet flushed: its head and the first piece of its body. What is left of
 * the body goes to `rest`, piece by piece with mst_out_more. -1 when the connection cannot take it. */
int mst_out_put(struct http_edge *edge, struct mst_slice *rest, const struct http_answer *answer, struct mst_err *e) MST_MUST;
int mst_out_more(struct http_edge *edge, struct mst_slice *rest, struct mst_err *e) MST_MUST;
int mst_out_continue(struct http_edge *edge, struct mst_err *e) MST_MUST;

#endif
