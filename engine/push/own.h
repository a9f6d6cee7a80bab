/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share:
 *
 *     push.c      the service: drain, kick, stats             creds.c    credentials' reload, expiry alarms
 *     collect.c   what is due into the window: cursor, pace   due.c      reads the records of what is due
 *     settle.c    decides by the answer, writes               gone.c     tokens that are no good any more
 *     answer_rows.c  Apple's table of status and reason       hold.c     tokens the service asked to leave alone
 *     topics.c    topics with their credentials              topic.c    pushes of one over its links, breaker
 *     link.c, wire.c   one HTTP/2 connection                 request.c  a push as a request, its answer
 *     address.c   names of the service, asked anew           token.c    ES256 credentials
 *     cert_call.c, stats_call.c, notify_call.c   the operator's endpoints
 */
#ifndef PUSH_OWN_H
#define PUSH_OWN_H

#include "muster/h2.h"
#include "muster/push.h"
#include "muster/slab.h"

#define PUSH_TOKEN_MAX   128  /* bytes of a device token; Apple's have 32 and may grow */
#define PUSH_MAGIC_MAX   128
#define PUSH_PAYLOAD_MAX 512  /* {"mdm":"..."}; what an application sends lies elsewhere */
#define PUSH_REASON_MAX  48
#define PUSH_RAW_MAX     128  /* bytes of a push's record; today's have up to 75 */

/* X(name, word): how a try ended. */
#define PUSH_ENDS(X)                                                                               \
	X(ANSWERED, "answered")   /* status and reason are the service's */                        \
	X(LOST, "lost")           /* the link broke: it may have arrived */                        \
	X(UNSENT, "unsent")       /* certainly not taken: another link at once */
enum push_end {
#define X(name, word) PUSH_##name,
	PUSH_ENDS(X)
#undef X
	NUM_PUSH_ENDS
};

struct push_answer {
	enum push_end end;
	int status;
	char reason[PUSH_REASON_MAX]; /* Apple's word, "" none */
	int64_t timestamp_ms;         /* 410: since when; 0 none */
	uint32_t retry_after_s;       /* 0 none */
};

/* What an application sends, instead of an MDM push: notify_call.c. Lives until the item's on_answer. */
struct push_note {
	struct mst_slice payload;     /* instead of the item's; up to PUSH_NOTE_MAX bytes */
	const char *push_type;        /* "alert", "background", ...: apns-push-type instead of "mdm" */
	const char *collapse_id;      /* apns-collapse-id; NULL: none */
};
#define PUSH_NOTE_MAX 4096 /* Apple's limit */

/* A push in hand: from collect until settle is durable. Lives in the window's slab. */
struct push_item {
	struct mst_link link;        /* in its topic's line, while it waits */
	struct push_topic *topic;
	struct push_link *on;        /* the link it was sent on; NULL: waits */
	const struct push_note *note; /* NULL: an MDM push */
	struct mst_push_due due;     /* as read; due.raw points to `raw` */
	int64_t token_ms;            /* when the token came: channel's updated_ms */
	uint64_t sent_ms;            /* loop's clock */
	struct push_answer answer;
	uint8_t priority;
	uint32_t expiry_s;
	uint16_t path_len, payload_len;
	char path[16 + 2 * PUSH_TOKEN_MAX]; /* /3/device/HEX */
	char payload[PUSH_PAYLOAD_MAX];
	char apns_id[MST_APNS_ID_ROOM];
	char expiration[24];         /* apns-expiration of this try */
	uint32_t stream;             /* its number on the link */
	char body[256];              /* of the answer, while it comes */
	uint16_t body_len;
	/* collect's and settle's: */
	struct mst_push *push;
	uint32_t slot;
	uint8_t num_again;           /* tries in a row that ended before the service took it */
	bool is_overtaken;           /* a newer cause wrote its place: read the record again afterwards */
	uint16_t raw_len;
	uint8_t raw[PUSH_RAW_MAX];
	void (*on_answer)(struct push_item *item); /* settle, or the caller of an application's push */
};

/* X(name, word): why a topic sends or does not */
#define PUSH_TOPIC_STATES(X)                                                                       \
	X(OPEN, "open")                                                                            \
	X(PROBING, "probing")     /* half open: one push goes, its answer decides */               \
	X(RESTING, "resting")     /* the breaker is open: until rest_until_ms nothing goes */      \
	X(STOPPED, "stopped")     /* an operator must act: why says it; a new credential starts it again */
enum push_topic_state {
#define X(name, word) TOPIC_##name,
	PUSH_TOPIC_STATES(X)
#undef X
	NUM_TOPIC_STATES
};
const char *mst_topic_state_word(enum push_topic_state state);

struct push_topic; /* its fields are in topic.h, for the topics' own files alone */
struct push_topic_facts { /* for stats and for settle */
	struct mst_slice topic;
	enum push_topic_state state;
	char why[96];
	uint32_t num_links, num_open_streams, num_waiting;
	uint64_t num_sent, num_answered, num_lost;
	int64_t not_after; /* seconds */
	bool is_token, is_sandbox;
};
/* The topics of the service. mst_topics_load takes credentials as just read (new, changed, gone): a changed one gets new links,
 * older links finish what they have; it opens a stopped topic again. */
struct push_topics;
int mst_topics_new(struct push_topics **out, struct mst_push *push, struct mst_err *e) MST_MUST;
void mst_topics_free(struct push_topics **topics);
void mst_topics_load(struct push_topics *topics, const struct mst_pushcert *certs, size_t num_certs);
void mst_topics_tune(struct push_topics *topics);
void mst_topics_drain(struct push_topics *topics);
struct push_topic *mst_topic_find(struct push_topics *topics, struct mst_slice topic); /* NULL: no credential */
size_t mst_topics_tell(struct push_topics *topics, struct push_topic_facts *out, size_t room);
void mst_topic_tell(const struct push_topic *topic, struct push_topic_facts *out);
/* mst_topic_send queues `item`; its answer comes later, never inside. A topic that rests or is stopped takes nothing: false;
 * `*again_ms` then says when to try again (loop's clock; 0: when its credential changes). */
bool mst_topic_send(struct push_topic *topic, struct push_item *item, uint64_t *again_ms);
/* What the answers say of the topic: settle calls these by its table. */
void mst_topic_stop(struct push_topic *topic, const char *why);  /* until the credential is changed; WARN and counted */
void mst_topic_failed(struct push_topic *topic);                 /* 5xx or lost: the breaker counts */
void mst_topic_worked(struct push_topic *topic);
void mst_topic_renew_token(struct push_topic *topic);            /* ExpiredProviderToken */
void mst_topic_reopen(struct push_topic *topic, struct push_item *item); /* IdleTimeout, Shutdown: this link takes no more */
/* mst_push_given_back: items a stopped or resting topic gives back: not sent, no try counted. push.c */
void mst_push_given_back(struct mst_push *push, struct push_item *item);

/* push.c: the service. */
struct mst_push {
	struct mst_loop *loop;
	struct mst_net *net;
	struct mst_store *store;
	struct mst_work *work;
	const struct mst_seal *seal;
	struct mst_push_conf conf;
	struct push_topics *topics;
	struct mst_slab *items;      /* the window */
	struct mst_chunks chunks;    /* memory of reads and rare batches */
	uint32_t num_items;
	bool is_draining, is_ending; /* no new ones; the store is closed: nothing is settled any more */
	struct push_collect *collect;
	struct push_settle *settle;
	struct push_hold *hold;
	struct push_gone *gone;
	struct push_creds *creds;
	struct mst_push_counts counts; /* since start; see push.h */
};

/* answer_rows.c: what an answer means. */
#define PUSH_VERDICTS(X)                                                                           \
	X(DONE, "taken")                                                                           \
	X(RETRY, "try again with back-off; the breaker counts it")                                 \
	X(RETRY_ELSEWHERE, "try again at once on another connection")                              \
	X(RETRY_TOKEN, "a new provider token, then again")                                         \
	X(HOLD, "leave this token alone for a while")                                              \
	X(GONE, "the token is no longer good, if the answer is newer than the token")              \
	X(BAD_TOKEN, "the token is not of this topic and environment: suspect ourselves first")    \
	X(STOP_TOPIC, "the credential or topic is wrong: stop the topic, keep its pushes")         \
	X(BUG, "our request is wrong: stop the topic, keep its pushes")
enum push_verdict {
#define X(name, meaning) VERDICT_##name,
	PUSH_VERDICTS(X)
#undef X
	NUM_PUSH_VERDICTS
};
enum push_verdict mst_answer_judge(const struct push_answer *answer);

#endif
