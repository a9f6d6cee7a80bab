/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topics' own:
 *
 *     topics.c   all of them: credentials, turns of the loop, ticks     topic.c    one: its line, its breaker, when links open
 *     link.c     one connection: what it takes, deadlines, its end      wire.c     what it is made of: addresses, TLS, HTTP/2
 *     request.c  a push as a request, its answer                        address.c  where the service is now
 *     token.c    what a signing key's topic shows
 *
 * What happens during a turn marks topics ready and links dirty; at its end ready topics give waiting pushes to links with room,
 * and dirty links send all they have at once.
 */
#ifndef PUSH_TOPIC_H
#define PUSH_TOPIC_H

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
	uint32_t line_ms;       /* pushes wait and none can be sent: they make room for other topics */
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
	uint32_t credential; /* how many it had */
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
	uint64_t moved_ms;        /* when the line last got shorter, or began */

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

/* topic.c */
struct push_link;
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
