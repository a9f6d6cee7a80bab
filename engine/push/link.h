/* SPDX-License-Identifier: Apache-2.0 */
/* A topic's links: one connection to the service each, from its addresses to its end. */
#ifndef PUSH_LINK_H
#define PUSH_LINK_H

#include "muster/net.h"
#include "topic.h"

/* X(name): whom the link waits for */
#define LINK_STATES(X)                                                                             \
	X(RESOLVING)  /* a worker, for addresses */                                                \
	X(CONNECTING) /* the service's kernel, then its TLS */                                     \
	X(GREETING)   /* the service's SETTINGS */                                                 \
	X(OPEN)       /* pushes, answers */                                                        \
	X(RETIRING)   /* answers; it takes no more pushes */                                       \
	X(CLOSING)    /* net, to say that the connection is gone */
enum link_state {
#define X(name) LINK_##name,
	LINK_STATES(X)
#undef X
	NUM_LINK_STATES
};

/* address.c */
#define ADDRESSES_MAX 8
struct push_address {
	struct mst_job job;
	char host[HOST_ROOM];
	uint16_t port;
	struct mst_addr found[ADDRESSES_MAX];
	uint32_t num, at;
	int failure; /* getaddrinfo's */
	void (*on_found)(struct push_address *address);
};
/* mst_address_literal: `text` is an address. */
bool mst_address_literal(struct mst_addr *out, const char *text);
/* mst_address_ask: 1: here they are, 0: on_found follows, -1. A name is asked of the system's resolver, each time anew. */
int mst_address_ask(struct push_address *address, struct mst_work *work, struct mst_loop *loop, const char *host, uint16_t port,
		    struct mst_err *e) MST_MUST;

/* token.c */
int mst_token_new(struct push_token **out, const struct mst_pushcert *cert, struct mst_err *e) MST_MUST;
void mst_token_free(struct push_token **token);
/* mst_token_bearer lends the authorization header's value, made anew when it is 50 minutes old. `now_ms`: the loop's clock. */
int mst_token_bearer(struct push_token *token, struct mst_slice *out, uint64_t now_ms, struct mst_err *e) MST_MUST;
/* mst_token_renew: the service calls the token of a push sent at `sent_ms` expired. False: it is younger than the 20 minutes before
 * which Apple takes no new one; `*may_ms` says when those are over. */
bool mst_token_renew(struct push_token *token, uint64_t sent_ms, uint64_t now_ms, uint64_t *may_ms);

/* link.c */
struct push_link {
	struct mst_link in_topic, in_dirty;
	struct push_topic *topic;
	enum link_state state;
	uint32_t credential;      /* which of its topic's it was opened with */
	struct push_address address;
	struct mst_conn *conn;
	struct mst_tls *tls;
	struct mst_h2 *h2;
	struct mst_link sent;     /* items, oldest first */
	uint64_t begun_ms;        /* opening of this address */
	uint64_t heard_ms, worked_ms, asked_ms; /* last bytes, last push or answer, stall last asked about */
	uint64_t ping_ms;         /* a PING is out since; 0: none */
	uint64_t num_sent, num_answered;
	bool has_opened;          /* SETTINGS came */
	bool is_abandoned;        /* nobody wants it any more: no further address */
	bool is_lost;             /* not ended by us */
	bool is_refused;          /* the credential was */
	bool is_suspect;          /* a stall was asked about: no pushes meanwhile */
	bool is_known;            /* the service accepted our token */
	char why[TOPIC_WHY_ROOM];
};
/* mst_link_set moves to a state; a move that is not in the rows is a bug. */
void mst_link_set(struct push_link *link, enum link_state to);
void mst_link_say_why(struct push_link *link, const char *why);
/* mst_link_lose ends it, not by our will; the first `why` stays. mst_link_lose_saying: with an alert or a GOAWAY that was put. */
void mst_link_lose(struct push_link *link, const char *why);
void mst_link_lose_saying(struct push_link *link, const char *why);
/* mst_link_room: pushes it takes now. */
uint32_t mst_link_room(const struct push_link *link);
/* mst_link_retire: takes no more; ends when what it has is answered. mst_link_abandon: the same, also while it opens. */
void mst_link_retire(struct push_link *link);
void mst_link_abandon(struct push_link *link);
void mst_link_soil(struct push_link *link);  /* it has something to send, or may end */
void mst_link_flush(struct push_link *link);
void mst_link_tick(struct push_link *link, uint64_t now_ms);
void mst_link_free(struct push_link *link);  /* the loop no longer runs */

/* wire.c */
/* mst_wire_open begins a link; mst_topic_opened or mst_topic_open_failed follows. */
int mst_wire_open(struct push_topic *topic, struct mst_err *e) MST_MUST;

/* request.c */
extern const struct mst_h2_hooks mst_request_hooks; /* of a stream; `up` is the item */
/* What is the same in every request of one turn. */
struct push_batch {
	struct mst_slice bearer; /* empty: a certificate's topic */
	int64_t now_s;           /* wall */
	uint64_t now_ms;         /* loop's */
};
/* mst_request_ask sends `item` on `link`; false: the link has no room after all. */
bool mst_request_ask(struct push_link *link, struct push_item *item, const struct push_batch *batch);

#endif
