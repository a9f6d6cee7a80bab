/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apns-sink: a stand-in for Apple's push service that behaves as Apple documents it.
 *
 *   link.c    one connection: TLS by topic, HTTP/2, GOAWAY, drops       push.c    one request, its answer
 *   check.c   what Apple refuses, in order                              bearer.c  provider tokens (ES256)
 *   rules.c   errors by script and by chance                            topic.c   topics of certificates
 *   desk.c    tokens, one stored push for each topic, counts            device.c  the devices' port
 *   control.c, order.c  commands of a tester                            post.c    from the other loops to the desk
 *
 * Each loop has its links, its rules and a copy of the options; the desk is the first loop's, the others send it what they
 * took. Sources: Apple, "Sending notification requests to APNs", "Handling notification responses from APNs", "Establishing
 * a token-based connection to APNs".
 */
#ifndef APNS_SINK_H
#define APNS_SINK_H

#include "muster/buf.h"
#include "muster/crypt.h"
#include "muster/h2.h"
#include "muster/map.h"
#include "muster/net.h"
#include "muster/opt.h"
#include "muster/slab.h"
#include "muster/tls.h"

#define SINK_TOKEN_LEN   32   /* bytes; Apple's MDM tokens have these */
#define SINK_TOPIC_MAX   256
#define SINK_PAYLOAD_MAX 4096 /* Apple: 4 KB; VoIP is not served */
#define SINK_FIELD_ROOM  1024 /* all header values of one request that are looked at */
#define SINK_ID_LEN      36
#define SINK_PUSH_EVER   UINT64_MAX

/* X(name, status, Apple's word): the table of "Handling notification responses from APNs". */
#define SINK_REASONS(X)                                                                            \
	X(NONE, 200, "")                                                                           \
	X(BAD_COLLAPSE_ID, 400, "BadCollapseId")                                                   \
	X(BAD_DEVICE_TOKEN, 400, "BadDeviceToken")                                                 \
	X(BAD_EXPIRATION, 400, "BadExpirationDate")                                                \
	X(BAD_MESSAGE_ID, 400, "BadMessageId")                                                     \
	X(BAD_PRIORITY, 400, "BadPriority")                                                        \
	X(BAD_TOPIC, 400, "BadTopic")                                                              \
	X(NOT_FOR_TOPIC, 400, "DeviceTokenNotForTopic")                                            \
	X(DUPLICATE, 400, "DuplicateHeaders")                                                      \
	X(IDLE_TIMEOUT, 400, "IdleTimeout")                                                        \
	X(BAD_PUSH_TYPE, 400, "InvalidPushType")                                                   \
	X(NO_DEVICE_TOKEN, 400, "MissingDeviceToken")                                              \
	X(NO_TOPIC, 400, "MissingTopic")                                                           \
	X(EMPTY, 400, "PayloadEmpty")                                                              \
	X(TOPIC_DISALLOWED, 400, "TopicDisallowed")                                                \
	X(BAD_CERTIFICATE, 403, "BadCertificate")                                                  \
	X(BAD_CERTIFICATE_ENV, 403, "BadCertificateEnvironment")                                   \
	X(EXPIRED_BEARER, 403, "ExpiredProviderToken")                                             \
	X(FORBIDDEN, 403, "Forbidden")                                                             \
	X(BAD_BEARER, 403, "InvalidProviderToken")                                                 \
	X(NO_BEARER, 403, "MissingProviderToken")                                                  \
	X(UNRELATED_KEY, 403, "UnrelatedKeyIdInToken")                                             \
	X(BAD_KEY_ENV, 403, "BadEnvironmentKeyIdInToken")                                          \
	X(BAD_PATH, 404, "BadPath")                                                                \
	X(BAD_METHOD, 405, "MethodNotAllowed")                                                     \
	X(EXPIRED_TOKEN, 410, "ExpiredToken")                                                      \
	X(UNREGISTERED, 410, "Unregistered")                                                       \
	X(TOO_LARGE, 413, "PayloadTooLarge")                                                       \
	X(TOO_MANY_BEARERS, 429, "TooManyProviderTokenUpdates")                                    \
	X(TOO_MANY, 429, "TooManyRequests")                                                        \
	X(INTERNAL, 500, "InternalServerError")                                                    \
	X(UNAVAILABLE, 503, "ServiceUnavailable")                                                  \
	X(SHUTDOWN, 503, "Shutdown")
enum sink_reason {
#define X(name, status, word) SINK_##name,
	SINK_REASONS(X)
#undef X
	SINK_NUM_REASONS
};
int mst_reason_status(enum sink_reason reason);
const char *mst_reason_word(enum sink_reason reason);
/* mst_reason_find: the reason of a word, NONE when there is none. */
enum sink_reason mst_reason_find(struct mst_slice word);
extern const char *const mst_reason_words[];

/* The options; rows in conf_rows.c. Those below `streams` may change in flight (control: set NAME VALUE). */
struct sink_conf {
	struct mst_arena arena;
	const char *address, *certificate, *key, *client_ca, *token_key, *control, *journal, *plain_topic;
	uint32_t port, device_port, loops, devices_max, ids_max, conns_max, cpu;
	bool is_pinned, is_sandbox;
	uint32_t streams, delay_ms, goaway_every, goaway_back, drop_every, error_rate, error_reason, retry_after_s, seed;
	uint32_t bearer_life_s, bearer_renew_s;
	bool refuses;
};
const struct mst_opt_row *mst_sink_opt_rows(size_t *num);

/* X(name, word): headers that are looked at; all others are passed over, as Apple does. */
#define SINK_FIELDS(X)                                                                             \
	X(METHOD, ":method")                                                                       \
	X(PATH, ":path")                                                                           \
	X(BEARER, "authorization")                                                                 \
	X(ID, "apns-id")                                                                           \
	X(EXPIRATION, "apns-expiration")                                                           \
	X(PRIORITY, "apns-priority")                                                               \
	X(TOPIC, "apns-topic")                                                                     \
	X(COLLAPSE, "apns-collapse-id")                                                            \
	X(TYPE, "apns-push-type")
enum sink_field {
#define X(name, word) FIELD_##name,
	SINK_FIELDS(X)
#undef X
	NUM_FIELDS
};

/* What a loop counted since it last told the desk. */
struct sink_tally {
	uint64_t answers[SINK_NUM_REASONS];
	uint64_t num_links, num_refused, num_broken, num_goaways, num_drops; /* broken: TLS or HTTP/2 */
	uint64_t num_left;  /* pushes above a GOAWAY's last id: never looked at */
	uint64_t num_mute;  /* pushes taken whose answer never left */
	uint64_t num_lost;  /* notes the desk never got */
	int64_t num_open;   /* links */
};

struct sink;

/* link.c: a connection of a provider. */
struct sink_link {
	struct mst_link link;       /* in sink->dirty, while something may leave */
	struct sink *sink;
	struct mst_conn *conn;
	struct mst_tls *tls;
	struct mst_h2 *h2;          /* NULL before the handshake is done */
	struct mst_timer timer;     /* GOAWAY that waits for pushes to leave out; the end after one */
	struct mst_buf held;        /* bytes that came while frozen */
	char topic[SINK_TOPIC_MAX + 1]; /* of the certificate; "": provider tokens */
	uint8_t bearer[32];         /* SHA-256 of the provider token last found good */
	uint32_t num_pushes, num_left, top_stream, last_stream; /* top: newest; last: of the GOAWAY, 0 none */
	int64_t bearer_issued_s;    /* 0: none was good yet */
	bool is_over, is_dropping, has_departed;
};

struct sink_reply {
	char status[12], id[SINK_ID_LEN + 1], unique[SINK_ID_LEN + 1], retry[12], body[96];
};

/* push.c: one request. */
struct sink_push {
	struct mst_link link; /* in sink->waiting, until its answer is due */
	struct sink_link *on;
	uint32_t stream;
	uint64_t due_ms;      /* loop's clock */
	enum sink_reason reason;
	int64_t timestamp_ms; /* 410 */
	uint32_t retry_after_s;
	uint32_t expiration_s; /* of the request */
	uint8_t token[SINK_TOKEN_LEN], id[16];
	uint32_t body_len;
	uint16_t at[NUM_FIELDS], len[NUM_FIELDS], used;
	bool seen[NUM_FIELDS], is_double, is_overfull, is_too_large, has_bad_id, is_waiting, is_judged, is_answered;
	struct sink_push *next; /* spare */
	/* not cleared: */
	struct sink_reply reply;
	char text[SINK_FIELD_ROOM];
	uint8_t body[SINK_PAYLOAD_MAX];
};
static inline struct mst_slice mst_push_field(const struct sink_push *push, enum sink_field field)
{
	return mst_slice(push->text + push->at[field], push->len[field]);
}

/* A push that was taken, for the desk. */
struct sink_note {
	uint8_t token[SINK_TOKEN_LEN], id[16];
	uint64_t topic;      /* first bytes of its SHA-256 */
	int64_t expires_ms;  /* wall clock; 0: only for who is connected */
	enum sink_reason reason;
	uint32_t payload_len;
};

struct sink_desk;
struct sink_rules;
struct sink_bearers;
struct sink_batch;

/* One loop. */
struct sink {
	struct sink_conf conf;       /* own copy */
	uint32_t index;
	struct sink *first;          /* who has the desk */
	struct sink_desk *desk;      /* the first's only */
	struct mst_loop *loop;
	struct mst_net *net;
	struct mst_trust *trust;
	struct mst_tls_ctx *ctx;
	struct mst_map *topics;      /* SHA-256 of a certificate -> its topic */
	struct sink_rules *rules;
	struct sink_bearers *bearers;
	struct sink_tally tally;
	struct sink_batch *batch;    /* what goes to the desk at the end of the turn */
	uint32_t num_batches_out;
	struct mst_link dirty, waiting; /* links that have something to send; pushes whose answer is not due */
	struct mst_timer timer, thaw;   /* for the first of waiting; the end of a freeze */
	uint64_t stalled_until_ms, frozen_until_ms; /* loop's clock, 0 not, UINT64_MAX for ever */
	uint64_t chance;             /* state of the generator */
	struct sink_push *spare;
	struct mst_err err;
};

#endif
