/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The push engine: wakes devices through Apple's push service. One for the process, on an event loop of its own.
 *
 *   outbox ~> collect (window) > topic > link (HTTP/2) ~~> answer > settle ~> store
 *
 * collect reads what is due, in order of time, never more than the window; a topic spreads its pushes over links, as many as
 * the service's SETTINGS allow; settle decides by a table of status and reason (push/answer_rows.c) and writes, one batch for
 * each channel. A push leaves the outbox only by an answer, or because its channel has no token any more.
 * Sources: Apple, "Sending notification requests to APNs", "Handling notification responses from APNs".
 */
#ifndef MUSTER_PUSH_H
#define MUSTER_PUSH_H

#include "muster/app.h"
#include "muster/net.h"
#include "muster/outbox.h"
#include "muster/pushcert.h"
#include "muster/xchg.h"

struct mst_push; /* opaque */

struct mst_push_conf {
	const char *host, *sandbox_host; /* names or addresses of the service */
	uint32_t port;
	struct mst_slice ca_pem;    /* CAs that vouch for the service */
	uint32_t links_max;         /* connections of one topic */
	uint32_t window;            /* pushes in hand at once */
	uint32_t ping_s, idle_s;    /* silence before a PING; spare links close after this long without work */
	uint32_t expiry_s;          /* how long the service keeps a push, when its cause does not say */
	uint32_t priority;
	uint32_t retry_ms, retry_max_ms; /* first and longest wait after a failure; doubled in between, with jitter */
	uint32_t silent_s[4];       /* when a silent device is pushed again; the last repeats */
	uint32_t silent_max;        /* times, then it is let be until something new is queued */
	uint32_t not_now_s;
	uint32_t rate;              /* pushes a second of all topics, 0: no limit */
};

/* mst_push_new makes the engine upon `loop` and `net` (its own; not running yet). Reads credentials from the store once its loop
 * runs. The rest must outlive it. */
int mst_push_new(struct mst_push **out, struct mst_loop *loop, struct mst_net *net, struct mst_store *store, struct mst_work *work,
		 const struct mst_seal *seal, const struct mst_push_conf *conf, struct mst_err *e) MST_MUST;
/* mst_push_free: when its loop no longer runs, the store is closed and the workers have ended (they may have held a read or a
 * batch of it), before the net. */
void mst_push_free(struct mst_push **push);
/* On the push loop's thread: */
void mst_push_tune(struct mst_push *push, const struct mst_push_conf *conf);
/* mst_push_drain stops collecting and ends links when what is in hand is answered; mst_push_is_idle then. */
void mst_push_drain(struct mst_push *push);
bool mst_push_is_idle(const struct mst_push *push);
/* Any thread: a credential was stored or dropped: read them again. */
void mst_push_reload(struct mst_push *push);
/* What happened since the start; on the push loop's thread. */
struct mst_push_counts {
	uint64_t num_collected;   /* taken in hand */
	uint64_t num_done, num_retried, num_held, num_gone, num_bad, num_stopped; /* by what the answers meant */
	uint64_t num_needless;    /* no token, or nothing waits any more */
	uint64_t num_stale;       /* replaced by a newer cause before they were sent */
	uint64_t num_overtaken;   /* replaced while they were sent */
	uint64_t num_given_up;    /* silent to the end */
	uint32_t num_in_hand, num_unwritten, num_loads; /* now; num_loads: of credentials */
	int64_t next_ms;          /* when the first one is due that was not looked at yet; 0 none known */
	bool is_loaded;           /* credentials were read */
};
void mst_push_tell(const struct mst_push *push, struct mst_push_counts *out);
/* mst_push_kick_init makes the kick of the loop `home`. */
void mst_push_kick_init(struct mst_kick *kick, struct mst_push *push, struct mst_loop *home);

/* Stages of the operator API (routes in docs/api.md); PUT /v1/push/{ids} is api.h's. */
#define MST_PUSH_BODY_MAX 65536 /* a certificate with its chain and key as PEM, or a notification as JSON */
enum mst_step mst_push_cert_put(struct mst_xchg *x);    /* PUT /v1/pushcert      ~> told */
enum mst_step mst_push_key_put(struct mst_xchg *x);     /* PUT /v1/pushkey       ~> told */
enum mst_step mst_push_cert_look(struct mst_xchg *x);   /* GET /v1/pushcert      ~> told */
enum mst_step mst_push_cert_drop(struct mst_xchg *x);   /* DELETE /v1/pushcert   ~> told */
enum mst_step mst_push_cert_told(struct mst_xchg *x);
enum mst_step mst_push_stats_ask(struct mst_xchg *x);   /* GET /v1/push: topics, links, window, what failed ~> tell */
enum mst_step mst_push_stats_tell(struct mst_xchg *x);
enum mst_step mst_push_notify_ask(struct mst_xchg *x);  /* POST /v1/notify       ~> tell */
enum mst_step mst_push_notify_tell(struct mst_xchg *x);

#endif
