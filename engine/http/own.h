/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the edge's own files share. An edge is what a connection has here, a deal is an exchange and its framing, and a
 * framing is how the connection's bytes are requests and answers:
 *
 *     edge.c             bytes of a connection: TLS, what waits, when to pause, when to flush, how it ends
 *     framing_h*.c       a framing on a connection: whom it waits for, its deadlines; one deal at a time, or one a stream
 *     in_h1.c, in_h2.c   heads and bodies become deals; what breaks the protocol is refused
 *     out_h1.c, out_h2.c a reply becomes bytes, in one write when it is small
 *     in.c, out.c        what both framings do alike
 *     deal.c             a deal's life: slot, walk, end, orphan
 */
#ifndef HTTP_OWN_H
#define HTTP_OWN_H

#include "edge.h"

/* edge.c */
extern const struct mst_edge mst_http_edge;
/* mst_edge_go_on works through what waits, after a walk ended or output left; mst_edge_settle lets output leave and sets the
 * connection's state. */
void mst_edge_go_on(struct http_edge *edge);
void mst_edge_settle(struct http_edge *edge);
/* mst_edge_alive: bytes may still be put. */
bool mst_edge_alive(const struct http_edge *edge);
/* mst_edge_finish ends the connection once its output has left; mst_edge_close at once. */
void mst_edge_finish(struct http_edge *edge, const char *why);
void mst_edge_close(struct http_edge *edge, const char *why);
/* mst_edge_speak begins a framing. */
void mst_edge_speak(struct http_edge *edge, const struct http_framing *framing);
/* mst_edge_move sets the connection's state when it is another: a deadline runs from the first byte of a head or body. */
void mst_edge_move(struct http_edge *edge, enum mst_conn_state to);

/* framing_h1.c, framing_h2.c */
extern const struct http_framing mst_framing_h1, mst_framing_h2;
/* mst_framing_enter moves a deal to a phase and starts its deadline. */
void mst_framing_enter(struct http_deal *deal, enum http_phase phase);
/* mst_framing_hold counts bytes the deal holds from now on. */
void mst_framing_hold(struct http_deal *deal, size_t len);

/* in.c: mst_in_admit says whether a request with a head is taken at all (0; -1 with x->err), mst_in_ready makes ready for its
 * body, mst_in_add takes a piece of it. */
int mst_in_admit(struct http_deal *deal) MST_MUST;
void mst_in_ready(struct http_deal *deal);
int mst_in_add(struct http_deal *deal, struct mst_slice data) MST_MUST;

/* in_h1.c */
size_t mst_in_h1_take(struct http_edge *edge, struct mst_slice bytes);
/* mst_in_h1_refuse answers what broke the protocol (or took too long) and ends the connection. */
void mst_in_h1_refuse(struct http_edge *edge, const struct mst_err *e);

/* in_h2.c: hooks of mst_h2; `up` is the deal. */
int mst_in_h2_header(void *up, struct mst_slice name, struct mst_slice value);
void mst_in_h2_head(void *up, bool is_end);
void mst_in_h2_body(void *up, struct mst_slice bytes);
void mst_in_h2_end(void *up);
/* mst_in_h2_refuse answers with x->err; the stream ends when its peer's side does, or at its deadline. */
void mst_in_h2_refuse(struct http_deal *deal);

/* target.c: fills in->path and in->query from in->target. */
int mst_target_parse(struct mst_request *in, struct mst_arena *arena, struct mst_err *e) MST_MUST;

/* deal.c */
struct http_deal *mst_deal_new(struct http_edge *edge);
void mst_deal_free(struct mst_http *http, struct http_deal *deal);
/* mst_deal_work starts the walk of a complete request. */
void mst_deal_work(struct http_deal *deal);
/* mst_deal_part: the connection, or the stream, is gone. */
void mst_deal_part(struct http_deal *deal);
/* mst_deal_reply writes x->out, once. */
void mst_deal_reply(struct http_deal *deal);
/* mst_deal_lend keeps the bytes of x->out until the deal is freed. */
void mst_deal_lend(struct http_deal *deal);
/* mst_deal_log notes a refused or failed exchange. */
void mst_deal_log(const struct http_deal *deal);

/* out.c */
/* mst_out_write puts plain bytes: into TLS, or to the connection. */
int mst_out_write(struct http_edge *edge, struct mst_slice bytes, struct mst_err *e) MST_MUST;
/* mst_out_date is IMF-fixdate (RFC 9110 5.6.7), in the loop's memory. */
struct mst_slice mst_out_date(struct mst_http *http);
/* mst_out_has_content: 1xx, 204 and 304 have no content and say no length (RFC 9110 8.6). */
bool mst_out_has_content(int status);
/* mst_out_value_ok: a value with a control character would become a header of its own. */
bool mst_out_value_ok(struct mst_slice value);
void mst_out_count(int status);

/* out_h1.c: mst_out_h1_put writes a reply, not yet flushed: its head and the first piece of its body. What is left of the
 * body goes to `rest`, piece by piece with mst_out_h1_more. -1 when the connection cannot take it. */
int mst_out_h1_put(struct http_edge *edge, struct mst_slice *rest, const struct http_answer *answer, struct mst_err *e) MST_MUST;
int mst_out_h1_more(struct http_edge *edge, struct mst_slice *rest, struct mst_err *e) MST_MUST;
int mst_out_h1_continue(struct http_edge *edge, struct mst_err *e) MST_MUST;

/* out_h2.c: writes an answer; the headers stay in the deal's memory. */
int mst_out_h2_reply(struct http_deal *deal, const struct http_answer *answer, struct mst_err *e) MST_MUST;

#endif
