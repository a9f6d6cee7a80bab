/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of apns-sink do for each other, one group for each file. */
#ifndef APNS_SINK_PARTS_H
#define APNS_SINK_PARTS_H

#include "muster/json.h"
#include "sink.h"

/* link.c */
extern const struct mst_edge mst_link_edge;
int mst_link_ctx(struct sink *sink, struct mst_err *e) MST_MUST; /* makes sink->ctx */
void mst_link_dirty(struct sink_link *link);
void mst_link_flush_all(struct sink *sink);   /* at the end of a turn */
void mst_link_settle_all(struct sink *sink);  /* the limit of streams has changed */
void mst_link_goaway_all(struct sink *sink);
void mst_link_drop_all(struct sink *sink);
void mst_link_freeze_all(struct sink *sink, uint64_t until_ms); /* 0: go on */
/* mst_link_counted: another push came whole; false: it lies above a GOAWAY and is not looked at. */
bool mst_link_counted(struct sink_link *link, uint32_t stream);

/* push.c: hooks of a link's HTTP/2, and the line of answers that are not due. */
extern const struct mst_h2_hooks mst_push_hooks;
void mst_push_answer_due(struct sink *sink);
void mst_push_spares_free(struct sink *sink);
void mst_push_id_put(char out[static SINK_ID_LEN + 1], const uint8_t id[static 16]); /* lower-case UUID */

/* check.c: what is wrong with a request; fills push->token, id, expiration_s. */
enum sink_reason mst_check(struct sink_push *push);

/* topic.c: the topic of a push certificate: UID of its subject. "" when there is none. */
void mst_topic_of(char out[static SINK_TOPIC_MAX + 1], struct mst_slice subject);
uint64_t mst_topic_hash(struct mst_slice topic);

/* bearer.c: provider tokens. */
int mst_bearers_new(struct sink_bearers **out, const struct sink_conf *conf, struct mst_err *e) MST_MUST;
void mst_bearers_free(struct sink_bearers **bearers);
enum sink_reason mst_bearer_check(struct sink_link *link, struct mst_slice authorization);

/* rules.c: answers by script. */
struct sink_rule {
	enum sink_reason reason; /* NONE: no answer by script */
	int64_t timestamp_ms;    /* 0: now */
	uint32_t retry_after_s;
	uint32_t num_left;       /* times, 0: ever */
	uint64_t topic;          /* not 0: the token is this topic's alone */
};
int mst_rules_new(struct sink_rules **out, const struct sink_conf *conf, struct mst_err *e) MST_MUST;
void mst_rules_free(struct sink_rules **rules);
/* mst_rules_set: `key` is a token or a topic's SHA-256; a rule without reason and topic drops it. */
int mst_rules_set(struct sink_rules *rules, const uint8_t key[static 32], const struct sink_rule *rule, struct mst_err *e) MST_MUST;
/* mst_rules_judge fills what the script says of a push that is fine otherwise; the chance comes last. */
void mst_rules_judge(struct sink *sink, struct sink_push *push, struct mst_slice topic);

/* post.c: from a loop to the desk. */
void mst_post_note(struct sink *sink, const struct sink_note *note, struct mst_slice payload);
void mst_post_send(struct sink *sink); /* at the end of a turn */
void mst_post_free(struct sink *sink);

/* desk.c */
int mst_desk_new(struct sink_desk **out, struct sink *sink, struct mst_err *e) MST_MUST;
void mst_desk_free(struct sink_desk **desk);
void mst_desk_take(struct sink_desk *desk, const struct sink_note *note, struct mst_slice payload);
void mst_desk_count(struct sink_desk *desk, const struct sink_tally *tally);
void mst_desk_flush(struct sink_desk *desk);
/* mst_desk_hello: the device of `token` is at the other end of this connection; what is stored goes there. */
void mst_desk_hello(struct sink_desk *desk, const uint8_t token[static SINK_TOKEN_LEN], struct mst_conn *c);
void mst_desk_tell(struct sink_desk *desk, struct mst_json *j);
void mst_desk_tell_token(struct sink_desk *desk, struct mst_json *j, const uint8_t token[static SINK_TOKEN_LEN]);
void mst_desk_reset(struct sink_desk *desk);

/* device.c */
extern const struct mst_edge mst_device_edge;
/* mst_device_push says that a push is there. False when the connection takes no more. */
bool mst_device_push(struct mst_conn *c, const uint8_t token[static SINK_TOKEN_LEN], struct mst_slice payload);

/* control.c */
struct sink_all {
	struct sink_conf conf;
	struct sink *sinks;
	uint32_t num;
};
extern const struct mst_edge mst_control_edge; /* listener_up: struct sink_all */

/* order.c: commands that concern every loop. mst_order_is says whether a line is one; mst_order_obey does it, on its thread. */
bool mst_order_is(struct mst_slice line);
int mst_order_obey(struct sink *sink, struct mst_slice line, struct mst_err *e) MST_MUST;
void mst_order_help(struct mst_json *j);
struct mst_slice mst_order_word(struct mst_slice *line); /* cuts the next word off; empty: none left */

/* issue.c: apns-sink issue: a push certificate by a local authority. */
int mst_sink_issue(int argc, char **argv);

#endif
