/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of bulk jobs inside: private to bulk.c, bulk_job.c and bulk_ask.c. */
#ifndef ENROLL_BULK_QUEUE_H
#define ENROLL_BULK_QUEUE_H

#include "bulk_own.h"

#define BULK_RAW_MAX      1024 /* of a job's record: bounded texts and numbers */
#define MST_BULK_OPEN_MAX 1024 /* jobs that may be open; the configured limit is lower */

enum slice_state {
	SLICE_FREE,
	SLICE_WORK,   /* with the workers */
	SLICE_READY,  /* waits for the slices before it */
	SLICE_POSTED, /* with the store */
};

enum bulk_life {
	LIFE_WRITE, /* new: its record is with the store */
	LIFE_WAIT,  /* for the jobs before it */
	LIFE_LOAD,  /* a worker reads the record and what it builds on */
	LIFE_RUN,   /* for its slices */
	LIFE_HALT,  /* for slices to come home, to be thrown away */
	LIFE_REST,  /* for the timer, then LOAD */
	LIFE_END,   /* its last record (cancelled, failed) is with the store */
	LIFE_OVER,  /* to be freed */
	NUM_LIVES
};

struct bulk_job {
	struct bulk_job *next;
	struct mst_bulk *bulk;
	enum bulk_life life;
	struct bulk_record record; /* as it will be when everything that was posted is durable */
	uint8_t raw[BULK_RAW_MAX];
	struct mst_arena arena;    /* of the texts */
	struct bulk_record fixed;  /* as LOAD read it: what workers look at */
	struct bulk_ground ground; /* LOAD makes it */
	struct mst_issuers *issuers;
	struct mst_arena names; /* the list and its table */
	uint32_t num_handed, num_durable,
		num_out;          /* indexes given to slices, indexes durable; slices not FREE */
	bool is_stopped;          /* workers look at it: set by mst_bulk_move */
	bool is_cancelled;        /* somebody wants it ended */
	bool is_read, is_missing; /* LOAD: the record was read; it is not there */
	struct mst_err err;       /* why it pauses or fails */
	uint32_t rest_ms;
	uint64_t clock_ms; /* when run_ms was added to last */
	struct mst_job work;
	struct mst_batch batch; /* WRITE, END */
	struct mst_arena batch_arena;
	struct bulk_call *callers; /* they wait for WRITE or END */
};

struct bulk_slice {
	struct mst_bulk *bulk;
	struct bulk_job *job;
	enum slice_state state;
	uint32_t first, num;
	struct mst_job work;
	struct mst_arena arena;
	struct mst_batch batch;
	int rc; /* of the worker */
	struct mst_err err;
};

/* The look for jobs that the last run left open. */
struct bulk_scan {
	struct mst_job work;
	struct mst_arena arena;
	struct mst_read read;
	struct bulk_record *jobs;
	uint32_t num;
};

struct mst_bulk {
	struct mst_app *app;
	struct mst_bulk_conf conf;
	struct mst_timer timer;
	struct bulk_slice *slices;
	struct bulk_job *first, *active; /* in the order they came; the one at work */
	uint32_t num_jobs;
	bool is_scanned;
	struct bulk_call *early; /* came before that */
	struct bulk_scan scan;
	struct mst_filler *filler;
	struct mst_sealer *sealer;
};

/* mst_bulk_go does whatever can be done now. */
void mst_bulk_go(struct mst_bulk *bulk);
/* mst_bulk_move is the only one to change a job's life. */
void mst_bulk_move(struct bulk_job *job, enum bulk_life to);

/* bulk_job.c. mst_bulk_over: the record says so already; answers the callers. _reap frees what is
 * over. _end writes the last record. _load runs on a worker: record, ground, err, is_read,
 * is_missing. _scan begins to look for open jobs. */
void mst_bulk_over(struct bulk_job *job, const char *words);
void mst_bulk_reap(struct mst_bulk *bulk);
void mst_bulk_end(struct mst_bulk *bulk, struct bulk_job *job, enum bulk_state state);
void mst_bulk_load(struct mst_job *work);
void mst_bulk_scan(struct mst_bulk *bulk);
/* mst_bulk_add makes a job of a record, whose texts are copied, at the end of the queue. NULL: no
 * memory. */
struct bulk_job *mst_bulk_add(struct mst_bulk *bulk, const struct bulk_record *record,
			      enum bulk_life life) MST_MUST;
/* bulk_call.c: mst_bulk_serve_early serves the calls that came before the scan's end, or refuses
 * them when it failed. */
void mst_bulk_serve_early(struct mst_bulk *bulk);
/* mst_bulk_settle answers the callers that wait for the job: with `err` when it is not NULL. */
void mst_bulk_settle(struct bulk_job *job, const struct mst_err *err);

#endif
