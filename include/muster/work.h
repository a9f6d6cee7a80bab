/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker pool, for what blocks or burns: RSA private-key operations, cold reads, scans, bulk issuing. A job lives in its
 * owner's struct, runs once on some worker and then comes home: `on_ran` is called on the loop it was posted from.
 * The queue of each lane is bounded: a full one is an answer (BUSY), never a wait. Bulk jobs leave at least one worker free
 * for the fast lane when there is more than one.
 */
#ifndef MUSTER_WORK_H
#define MUSTER_WORK_H

#include "muster/loop.h"

struct mst_work; /* opaque */

enum mst_lane { MST_LANE_FAST, MST_LANE_BULK, MST_NUM_LANES };

struct mst_job {
	struct mst_mail mail;               /* the way home; the pool's while posted */
	struct mst_loop *home;              /* set by the poster; NULL only without on_ran */
	void (*run)(struct mst_job *job);    /* on a worker */
	void (*on_ran)(struct mst_job *job); /* on home's thread, exactly once; NULL: nobody is told */
	struct mst_job *next;
};

/* mst_work_new starts `num_workers` threads with queues of `num_jobs_max` per lane. */
int mst_work_new(struct mst_work **out, uint32_t num_workers, uint32_t num_jobs_max, struct mst_err *e) MST_MUST;
/* mst_work_free runs what is queued, ends the threads. Loops that are homes must still exist. */
void mst_work_free(struct mst_work **work);
/* mst_work_post takes `job`. Returns 0, -1 BUSY when the lane is full (the job stays the caller's). Any thread. */
int mst_work_post(struct mst_work *work, enum mst_lane lane, struct mst_job *job, struct mst_err *e) MST_MUST;
/* mst_work_queued returns how many jobs of the lane wait. Any thread. */
uint32_t mst_work_queued(struct mst_work *work, enum mst_lane lane);

#endif
