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

#include "item.h"
#include "muster/h2.h"
#include "muster/push.h"
#include "muster/slab.h"

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
/* mst_topic_is_mdm: MDM pushes may go there. A signing key's topic is an application's, whatever a device says its topic is. */
bool mst_topic_is_mdm(const struct push_topic *topic);
/* mst_topic_send queues `item`; its answer comes later, never inside. A topic that rests or is stopped takes nothing: false;
 * `*again_ms` then says when to try again (loop's clock; 0: when its credential changes). */
bool mst_topic_send(struct push_topic *topic, struct push_item *item, uint64_t *again_ms);
/* What the answers say of the topic: settle calls these by its table. */
/* mst_topic_stop: until the credential is changed; WARN and counted. False: the answer was to an earlier credential, and the topic
 * goes on with its present one. */
bool mst_topic_stop(struct push_topic *topic, const char *why);
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
