/* SPDX-License-Identifier: Apache-2.0 */
/* Topics with their links against a service on loopback, made of the same net, TLS and HTTP/2, with a switch for each fault. */
#ifndef TEST_PUSH_LINK_RIG_H
#define TEST_PUSH_LINK_RIG_H

#include <criterion/criterion.h>

#include "../../../engine/push/link.h"
#include "../crypt/pki.h"
#include "muster/count.h"

#define RIG_TOPIC   "com.apple.mgmt.External.11111111-2222-3333-4444-555555555555"
#define RIG_ITEMS   4096
#define RIG_CONNS   64
#define RIG_STREAMS 2048

struct rig;

/* One request the service has. */
struct rig_stream {
	struct rig_conn *conn;
	uint32_t id;
	bool is_used, is_ended, is_answered;
	char path[160];
};

struct rig_conn {
	struct rig *rig;
	struct mst_conn *conn;
	struct mst_tls *tls;
	struct mst_h2 *h2;
	uint32_t num_requests;
	bool is_deaf; /* reads nothing */
	bool is_told; /* GOAWAY was said */
	struct rig_stream streams[RIG_STREAMS];
};

/* The service. */
struct rig_service {
	struct mst_tls_ctx *tls;
	struct mst_h2_limits limits;
	uint16_t port;
	struct rig_conn *conns[RIG_CONNS];
	/* switches */
	const char *status, *body, *retry_after; /* of every answer */
	const char *bad_path;      /* this one is answered with the above, others with 200 */
	uint32_t bad_num;          /* so many are answered with the above, then 200; 0: all */
	bool holds;                /* answers nothing; lives */
	bool is_deaf;              /* new connections read nothing after the handshake */
	uint32_t goaway_at;        /* of each connection: the n-th request and those behind it are not taken */
	uint32_t drop_at;          /* of each connection: closed at the n-th request */
	bool drops_new;            /* closes connections once they are open */
	enum mst_code refuses;     /* the client's certificate, so */
	bool has_silent_tls;       /* never shakes hands */
	/* what came */
	uint32_t num_conns, num_live, num_requests, num_most_open, num_open_now;
	struct mst_peer peer;
	char head[1024];           /* of the last request, "name: value\n" */
	char payload[4200];
};

struct rig {
	struct mst_loop *loop;
	struct mst_net *net;
	struct mst_work *work;
	struct mst_arena arena;
	struct pki root, other, server, client, newer;
	struct mst_push push;
	struct push_topics *topics;
	struct push_topic *topic;
	struct rig_service service;
	struct mst_pushcert cert;
	const char *host;          /* "localhost" unless set before rig_start */
	const char *const *dns;    /* of the server's certificate; localhost unless set */
	const char *alpn;          /* of the server; "h2" unless set */
	bool is_rsa, is_foreign;   /* the client's key; the server's CA is not trusted */
	struct mst_net_conf net_conf;
	/* pushes */
	struct push_item *items;
	uint32_t num_items, num_answers, num_ok, num_lost, num_unsent, num_back, num_other, num_reloads, num_stops;
	struct push_answer last;
	struct push_item *parked[RIG_ITEMS]; /* given back, or refused when sent again */
	uint32_t num_parked;
	bool resends;              /* what was not taken is sent again */
	bool judges;               /* tells the topic what answers mean, as settle does */
};

void rig_make(struct rig *r);  /* certificates, loop, service */
void rig_start(struct rig *r); /* topics, with the credential */
void rig_done(struct rig *r);
void rig_turn(struct rig *r);
void rig_load(struct rig *r, const struct pki *client, int64_t put_ms);
/* rig_send sends one push more; false: the topic takes none. */
bool rig_send(struct rig *r);
void rig_send_many(struct rig *r, uint32_t num);
/* rig_again sends again what is parked. */
void rig_again(struct rig *r);
/* rig_release answers everything held. */
void rig_release(struct rig *r);
/* rig_settle changes the stream limit of all connections. */
void rig_settle(struct rig *r, uint32_t streams_max);
uint64_t rig_count(enum mst_counter id);

#define UNTIL(r, wanted)                                                                           \
	do {                                                                                       \
		uint64_t until_ = mst_loop_now_ms((r)->loop) + 8000;                               \
		bool is_so_;                                                                       \
		while (!(is_so_ = (wanted)) && mst_loop_now_ms((r)->loop) < until_)                \
			rig_turn(r);                                                               \
		cr_assert(is_so_, #wanted);                                                        \
	} while (0)
/* Turns for so long. */
#define FOR_MS(r, ms)                                                                              \
	do {                                                                                       \
		uint64_t until_ = mst_loop_now_ms((r)->loop) + (ms);                               \
		while (mst_loop_now_ms((r)->loop) < until_)                                        \
			rig_turn(r);                                                               \
	} while (0)

#endif
