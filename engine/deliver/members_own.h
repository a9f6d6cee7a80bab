/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that keep labels current share: questions with a life of their own, the sweep over all devices, single asks. */
#ifndef DELIVER_MEMBERS_OWN_H
#define DELIVER_MEMBERS_OWN_H

#include "muster/members.h"

#define MEMBERS_AGAIN_MS 20 /* workers or committer are full */
#define MEMBERS_RANGES   4  /* parts of the devices that are swept side by side; ids are hashes, so they are alike */

/* Questions, copied out of the catalog, which goes when it is replaced. Counted on the members' loop. */
struct asked {
	struct mst_arena arena;
	struct mst_questions questions;
	uint32_t num_users;
};
struct asked *mst_asked_new(const struct mst_questions *questions, const struct mst_catalog *catalog);
struct asked *mst_asked_take(struct asked *asked);
void mst_asked_let_go(struct asked **asked);

/* A device whose labels differ, on its way into the store. */
struct member_item {
	struct mst_batch batch;
	struct member_range *range;
	struct mst_id id;
};

/* The life of a range. */
enum range_state {
	RANGE_IDLE,    /* there is nothing to do */
	RANGE_READING, /* a worker reads and judges */
	RANGE_POSTING, /* batches go to the store, come home, or wait for room there */
	RANGE_RESTING, /* the workers are full: the timer tries again */
};
struct member_range {
	struct mst_members *members;
	enum range_state state;
	struct mst_job job;
	struct mst_timer timer;
	struct mst_arena arena; /* of the slice */
	struct mst_read read;
	uint8_t cursor[17];     /* where the next slice begins */
	uint32_t cursor_len;    /* 0: at the very first */
	uint32_t end;           /* first byte of the ids behind this range, 256: none */
	bool is_last;
	struct member_item **items;
	uint32_t num, num_posted, num_out, num_looked;
};

struct mst_members {
	struct mst_app *app;
	struct asked *full; /* all labels, as the newest catalog has them */
	struct asked *now, *next; /* the sweep's; what is swept after it */
	struct member_range ranges[MEMBERS_RANGES];
	uint32_t num_busy; /* ranges */
	uint64_t num_looked, num_changed, began_ms;
	bool has_failed;   /* something could not be written: once more, later */
	struct mst_timer timer;
	struct member_ask *asks; /* under way */
};

/* members_sweep.c: asks m->now of all devices. mst_sweep_ended is called when it is through. */
void mst_sweep_begin(struct mst_members *members);
void mst_sweep_ended(struct mst_members *members);
void mst_sweep_done(struct mst_members *members); /* gives memory back */

#endif
