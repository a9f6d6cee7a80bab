/* SPDX-License-Identifier: Apache-2.0 */
/* The running engine: what is shared, what each loop has, and the facts a reload replaces. Private to engine/main. */
#ifndef MUSTER_ENGINE_H
#define MUSTER_ENGINE_H

#include <pthread.h>

#include "muster/app.h"
#include "muster/conf.h"
#include "muster/http.h"
#include "muster/members.h"
#include "muster/push.h"

#define API_KEYS_MAX 256 /* a key for each operator tool, with room */
#define LOOPS_MAX    256

struct mst_engine;
struct mst_facts;

/* What a loop sends home when it no longer uses older facts. */
struct release {
	struct mst_mail mail;
	struct mst_facts *facts;
};

/* Everything that came out of files. Immutable once loops have it; freed by loop 0 when the last loop let go. */
struct mst_facts {
	struct mst_conf *conf;
	struct mst_arena arena;
	struct mst_trust *trust, *front_ends; /* CAs of devices; of front ends, NULL: none */
	struct mst_trust *fetch_trust;        /* CAs of servers that we ask; NULL: none */
	uint32_t identity_sources;            /* MST_FROM_* */
	struct mst_slice chain_pem, key_pem;
	struct mst_slice enroll_cert, enroll_key, enroll_chain, enroll_roots, enroll_apple; /* PEM */
	struct mst_push_conf push; /* texts lend from conf and arena */
	uint8_t (*api_keys)[32];
	uint32_t num_api_keys;
	uint32_t num_users; /* loops that still use it, and the main thread; loop 0 counts */
	struct release releases[LOOPS_MAX + 1]; /* the last one is the main thread's */
};
int mst_facts_new(struct mst_facts **out, const char *conf_path, struct mst_err *e) MST_MUST;
void mst_facts_free(struct mst_facts **facts);

/* Who judges the certificates of a loop's peers: also for contexts that older sessions keep alive. */
struct mst_judge {
	/* The file's CAs, the store's authorities', the front ends'; NULL: there are none. In this order: a CA of devices is none
	 * of front ends. */
	struct mst_trust *trusts[3];
	struct mst_barred *barred;
};

/* One event loop with its thread. */
struct mst_lane_loop {
	struct mst_engine *engine;
	uint32_t index;
	struct mst_loop *loop;
	struct mst_net *net;
	struct mst_http *http;
	struct mst_seen *seen;
	struct mst_scep *scep;
	struct mst_facts *facts;
	struct mst_judge judge;
	struct mst_app app;
	struct mst_kick kick; /* of this loop to the push engine */
	pthread_t thread;
	clockid_t clock;      /* of its thread's CPU time */
	bool has_thread;
	struct mst_timer drain_timer;
	uint64_t drain_until_ms;
	struct mst_mail drain_mail;
	struct mst_err err;
};

/* What all loops read from memory, made anew when the store changed. See snapshot.c. */
enum snapshot_kind { SNAPSHOT_ISSUERS, SNAPSHOT_CATALOG, NUM_SNAPSHOTS };
struct mst_snapshot {
	const struct snapshot_row *row;
	struct mst_engine *engine;
	void *now;
	struct mst_timer timer;
	struct spread *spread; /* a load under way, NULL: none */
	bool is_due;
};

struct mst_engine {
	const char *conf_path;
	struct mst_facts *facts; /* newest; the main thread's */
	struct mst_seal *seal;
	struct mst_work *work;
	uint32_t num_workers;
	struct mst_store *store;
	struct mst_lane_loop loops[LOOPS_MAX];
	uint32_t num_loops;
	uint8_t ticket_secret[32];
	struct mst_bulk *bulk;
	char *seal_path; /* bulk's: a reload frees the configuration it came from */
	struct mst_pusher *pusher; /* the push engine with its loop and thread; NULL: [push] enabled = no */
	struct mst_snapshot snapshots[NUM_SNAPSHOTS]; /* loop 0's once threads run */
	struct mst_keeper *keeper;   /* loop 0's: keeps identities in order */
	struct mst_members *members; /* loop 0's: keeps labels of devices current */
	struct mst_deliver *deliver; /* loop 0's: keeps settings of devices current */
};

/* One row of the start; stop runs backwards and survives a half-done start. */
struct mst_boot_row {
	const char *name;
	int (*start)(struct mst_engine *engine, struct mst_err *e);
	void (*stop)(struct mst_engine *engine);
};
const struct mst_boot_row *mst_boot_rows(size_t *num_rows);

/* lane.c: what happens on each loop's thread. */
int mst_lane_make(struct mst_lane_loop *lane, struct mst_engine *engine, uint32_t index, struct mst_err *e) MST_MUST;
int mst_lane_start(struct mst_lane_loop *lane, struct mst_err *e) MST_MUST;
void mst_lane_drain(struct mst_lane_loop *lane);  /* posts: finish what is open, then end */
void mst_lane_join(struct mst_lane_loop *lane);   /* waits for the thread */
void mst_lane_free(struct mst_lane_loop *lane);
/* mst_lane_check makes a throw-away TLS context from `facts`: a reload is refused before any loop hears of it. */
int mst_lane_check(const struct mst_engine *engine, const struct mst_facts *facts, struct mst_err *e) MST_MUST;

/* reload.c */
void mst_reload(struct mst_engine *engine);
/* mst_lane_adopt takes `facts` for everything new on this lane; on failure the lane keeps what it has. Its loop's thread. */
int mst_lane_adopt(struct mst_lane_loop *lane, struct mst_facts *facts, struct mst_err *e) MST_MUST;
/* mst_lane_take gives the lane other live authorities: for what it issues, and whom it trusts. Its loop's thread. */
void mst_lane_take(struct mst_lane_loop *lane, const struct mst_issuers *issuers);

/* snapshot.c: the live authorities and the catalog of all loops. */
int mst_snapshots_start(struct mst_engine *engine, struct mst_err *e) MST_MUST;
void mst_snapshots_stop(struct mst_engine *engine);
void mst_lane_snapshots(struct mst_lane_loop *lane);

/* follow.c: who works through the devices when the catalog changed. mst_follow_stop: when workers and store are gone. */
int mst_follow_start(struct mst_engine *engine, struct mst_err *e) MST_MUST;
void mst_follow_stop(struct mst_engine *engine);
/* mst_follow_catalog: no loop looks at `older` any more. On loop 0. */
void mst_follow_catalog(struct mst_engine *engine, const struct mst_catalog *older, const struct mst_catalog *newer);

/* keeper.c: the keeper of identities; mst_keep_stop as mst_jobs_stop. */
int mst_keep_start(struct mst_engine *engine, struct mst_err *e) MST_MUST;
void mst_keep_stop(struct mst_engine *engine);

/* jobs.c: bulk jobs; mst_jobs_stop when workers and store are gone, and the loops are not. */
int mst_jobs_start(struct mst_engine *engine, struct mst_err *e) MST_MUST;
void mst_jobs_stop(struct mst_engine *engine);

/* pusher.c: the push engine and campaigns. Made before the lanes' threads run, and ended after them. */
int mst_pusher_make(struct mst_engine *engine, struct mst_err *e) MST_MUST;
int mst_pusher_start(struct mst_engine *engine, struct mst_err *e) MST_MUST; /* when the lanes' threads are there */
void mst_pusher_tune(struct mst_engine *engine); /* engine->facts are newer */
void mst_pusher_drain(struct mst_engine *engine); /* posts: settle what is in hand */
void mst_pusher_join(struct mst_engine *engine);  /* after the lanes' threads: waits for it */
void mst_pusher_free(struct mst_engine *engine);  /* when workers and store are gone, and the lanes are not */
/* push_conf.c: mst_pusher_conf fills the push engine's configuration, `ca_pem` as read. */
int mst_pusher_conf(struct mst_push_conf *out, const struct mst_conf *conf, struct mst_slice ca_pem, struct mst_err *e) MST_MUST;

/* sandbox.c: no new privileges, no exec, no kernel administration from here on. */
int mst_sandbox_enter(struct mst_err *e) MST_MUST;
/* notify.c: sd_notify(3)'s protocol; nothing when NOTIFY_SOCKET is not set. */
void mst_notify(const char *state);

#endif
