/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topics' own:
 *
 *     topics.c   all of them: credentials, turns of the loop, ticks     topic.c    one: its line, its breaker, when links open
 *     link.c     one connection: addresses, TLS, HTTP/2, its end        request.c  a push as a request, its answer
 *     address.c  where the service is now                               token.c    what a signing key's topic shows
 *
 * What happens during a turn marks topics ready and links dirty; at its end ready topics give waiting pushes to links with room,
 * and dirty links send all they have at once.
 */
#ifndef PUSH_TOPIC_H
#define PUSH_TOPIC_H

#include "muster/net.h"
#include "muster/tls.h"
#include "own.h"

#define TOPIC_BUCKETS  256
#define TOPIC_WHY_ROOM 96
#define HOST_ROOM      256 /* a name has up to 253 bytes */
#define PLAIN_ROOM     (16384 + 256)

/* Waits, milliseconds. */
struct push_times {
	uint32_t tick_ms;
	uint32_t open_late_ms;  /* one address: connect, handshake, SETTINGS */
	uint32_t stall_ms;      /* a push not answered: is the service still there? */
	uint32_t pong_ms;       /* no answer to a PING: it is not */
	uint32_t give_up_ms;    /* it is, and still does not answer this push */
	uint32_t apart_ms;      /* between two links opened: Apple takes rapid connects for an attack */
	uint32_t replace_ms;    /* the same for a link that did its work and was sent away */
	uint32_t rest_ms, rest_max_ms; /* back-off of breaker and of opening: doubled in between, with jitter */
};

/* The service of one environment. */
struct push_door {
	struct push_topics *topics;
	char host[HOST_ROOM];
	char authority[HOST_ROOM + 16];
	uint16_t port;
	bool is_address; /* no SNI then (RFC 6066 3) */
};

struct push_topics {
	struct mst_push *push;
	struct mst_loop *loop;
	struct push_door doors[2]; /* by enum mst_push_env */
	struct mst_trust *trust;
	uint8_t ca_sha256[32];
	uint32_t service_number;   /* changes with names, port or CAs */
	struct mst_link all, ready, dirty;
	struct push_topic *buckets[TOPIC_BUCKETS];
	struct mst_timer tick;
	bool is_ticking, is_mailed, is_draining, is_ending;
	struct mst_mail mail;      /* to ourselves: another turn */
	uint64_t dice;
	struct push_times times;
	uint8_t plain[PLAIN_ROOM];
};

/* Pushes of a lost link are one failure. */
enum topic_loss { LOSS_NONE, LOSS_NEW, LOSS_COUNTED };

struct push_topic {
	struct mst_link in_all, in_ready;
	struct push_topic *next; /* in its bucket */
	struct push_topics *topics;
	char name[MST_TOPIC_MAX + 1];
	size_t name_len;

	/* The credential; without one the topic only lives on for what it has in hand. */
	bool has_credential, is_token, is_seen;
	enum mst_push_env env;
	uint8_t sha256[32];
	int64_t put_ms, not_after;
	uint32_t service_number;
	struct mst_tls_ctx *tls;
	struct push_token *token;

	enum push_topic_state state;
	char why[TOPIC_WHY_ROOM];
	uint64_t rest_until;      /* RESTING; PROBING: when to ask again while the probe is out */
	uint64_t rest_ms;
	uint32_t num_failures;    /* in a row */
	struct push_item *probe;
	enum topic_loss loss;

	struct mst_link line;
	uint32_t num_waiting;

	struct mst_link links;
	struct push_link *opening;
	uint64_t opened_ms, open_at; /* when the last one was begun, when the next one may; 0: at once */
	uint64_t open_wait_ms;       /* back-off; 0: none */
	uint32_t num_refused;        /* handshakes in a row in which the service refused the credential */

	/* While an answer is told. */
	struct push_link *answering;
	uint64_t answering_sent_ms;

	uint64_t num_sent, num_answered, num_lost;
};

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
/* mst_link_open begins one; mst_topic_opened or mst_topic_open_failed follows. */
int mst_link_open(struct push_topic *topic, struct mst_err *e) MST_MUST;
/* mst_link_room: pushes it takes now. */
uint32_t mst_link_room(const struct push_link *link);
/* mst_link_retire: takes no more; ends when what it has is answered. mst_link_abandon: the same, also while it opens. */
void mst_link_retire(struct push_link *link);
void mst_link_abandon(struct push_link *link);
void mst_link_soil(struct push_link *link);  /* it has something to send, or may end */
void mst_link_flush(struct push_link *link);
void mst_link_tick(struct push_link *link, uint64_t now_ms);
void mst_link_free(struct push_link *link);  /* the loop no longer runs */

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
void mst_request_deliver(struct push_item *item); /* item->answer is filled: tells its owner */

/* topic.c */
struct push_topic *mst_topic_new(struct push_topics *topics, struct mst_slice name);
void mst_topic_free(struct push_topic *topic);
void mst_topic_ready(struct push_topic *topic); /* look at its line at the end of this turn */
void mst_topic_pump(struct push_topic *topic);
void mst_topic_tick(struct push_topic *topic, uint64_t now_ms);
void mst_topic_start(struct push_topic *topic); /* a new credential: forget what was */
void mst_topic_rest(struct push_topic *topic, uint64_t until, const char *why);
void mst_topic_opened(struct push_topic *topic, struct push_link *link);
void mst_topic_open_failed(struct push_topic *topic, const struct push_link *link);
void mst_topic_sent_away(struct push_topic *topic, const struct push_link *link);
void mst_topic_retire_links(struct push_topic *topic);
uint64_t mst_topic_jitter(struct push_topics *topics, uint64_t ms); /* half of it to all of it */

/* topics.c */
void mst_topics_wake(struct push_topics *topics); /* something waits for time */

#endif
