/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper's files share. Everything lives on the first loop; workers are given jobs that nobody else touches meanwhile.
 * Nothing here is a promise: what is to be done stands in the records, and a walk over them after each start finds it again.
 */
#ifndef ENROLL_KEEPER_OWN_H
#define ENROLL_KEEPER_OWN_H

#include "identity_own.h"

#define LIVE_MAX    8     /* makings at once: each may hold a worker, or wait for a CA */
#define DUES_MAX    65536 /* pairs known to be due; beyond it a walk finds the others later */
#define TICK_MS     1000
#define AHEAD_SLICE 64    /* identities of a slice: 3 ms of a worker with P-256 */
#define AHEAD_SLICES 4    /* slices at once: one in the store, the others at work */
#define AHEAD_LIST  4096  /* devices read from a label at once */
#define SCAN_SLICE  256   /* records of a walk's turn */
#define EARLY_MS    (14 * DAY_MS)
#define FORGET_MS   DAY_MS         /* keys that are not stored, after the delivery */
#define PURGE_MS    (30 * DAY_MS)  /* what was removed is shown so long */

struct due {
	uint8_t owner[16], enrollment[16], setting[16];
	enum making_why why;
	bool is_early, is_boot, tells; /* tells: the change was made by somebody else */
	int64_t at_ms;
};

/* A label's early generation, waiting. */
struct early {
	struct early *next;
	uint8_t enrollment[16], label[16];
};

/* A removal, waiting or at work. */
struct removal {
	struct removal *next;
	struct mst_keeper *keeper;
	struct mst_job job;
	uint8_t device[16], enrollment[16];
	bool has_enrollment, is_out, has_failed;
	char who[128];
};

struct mst_keeper {
	struct mst_app *app;
	bool (*keeps)(const struct mst_detail *device);
	struct mst_timer tick, daily;
	int64_t next_daily_ms;
	/* a heap by at_ms */
	struct due *dues;
	uint32_t num_dues, room_dues;
	bool has_overflowed;     /* a walk is to find what did not fit */
	struct mst_making *live; /* on their way */
	uint32_t num_live;
	struct removal *removals;
	struct early *earlies;
	struct ahead *ahead;     /* early generation at work */
	struct scan *scan;       /* a walk at work */
	bool scans_boot, scans_daily; /* wanted */
	int64_t scan_now_ms;
};

/* keeper.c */
void mst_keeper_push(struct mst_keeper *keeper, const struct due *due);
void mst_keeper_go(struct mst_keeper *keeper);
void mst_keeper_unlink(struct mst_making *m);
/* keeper_early.c: begins the next label's; ends by itself. */
void mst_keeper_ahead(struct mst_keeper *keeper);
void mst_keeper_ahead_free(struct mst_keeper *keeper);
/* keeper_scan.c */
void mst_keeper_scan(struct mst_keeper *keeper, bool is_boot, bool is_daily, int64_t now_ms);
void mst_keeper_scan_free(struct mst_keeper *keeper);
/* keeper_remove.c: posts those that wait. */
void mst_keeper_removals(struct mst_keeper *keeper);
void mst_keeper_removals_free(struct mst_keeper *keeper);
/* keeper_revoke.c: takes `m`, whose held record has something older, to the CA that issued it. */
void mst_keeper_revoke(struct mst_making *m);

#endif
