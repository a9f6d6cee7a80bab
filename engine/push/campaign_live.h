/* SPDX-License-Identifier: Apache-2.0 */
/* The campaigns inside: what lives on their loop. */
#ifndef CAMPAIGN_LIVE_H
#define CAMPAIGN_LIVE_H

#include "campaign_call.h"

#define CAMPAIGN_TALLIES 32 /* counts kept at once */

enum campaign_item_state {
	ITEM_OPEN,    /* to be written */
	ITEM_POSTED,  /* its batch is with the store */
	ITEM_HAS,     /* done, now or before */
	ITEM_SKIPPED, /* `skip` says why */
	ITEM_NOTHING, /* nothing to do */
};
struct campaign_item {
	struct campaign *campaign;
	enum campaign_item_state state;
	enum campaign_skip skip;
	struct campaign_target target;
	struct mst_command command; /* WITHDRAW: as read */
	struct mst_push_due due;    /* WITHDRAW: as read, when only this command waits */
	bool ends_due;
	struct mst_batch batch;
};

enum campaign_slice_state {
	SLICE_IDLE,
	SLICE_READ, /* for a worker to read */
	SLICE_OUT,  /* for the store to write */
};
enum campaign_work { CAMPAIGN_QUEUE, CAMPAIGN_WITHDRAW };
struct campaign_slice {
	enum campaign_slice_state state;
	enum campaign_work work;
	struct mst_arena arena;
	struct mst_read read;
	struct campaign_item *items;
	uint32_t num, most, num_out, num_rounds;
	struct campaign_cursor end; /* behind the last item */
	bool is_last;               /* the source ends there */
	int64_t first_due_ms;       /* of the pushes written; 0: none */
};

struct campaign {
	struct mst_link link;
	struct mst_campaigns *all;
	struct campaign_record record; /* texts in `arena` */
	struct mst_slice plist;
	struct mst_arena arena;
	struct mst_timer timer; /* goes on */
	struct mst_mail again;  /* goes on in the next turn */
	bool is_again;
	struct campaign_slice slice;
	/* pace: where the next push goes, on the monotonic clock */
	uint64_t next_ns;
	uint32_t pace, num_tick, rate; /* queued since the last tick, and in the second before */
	uint32_t rest_ms;
	struct mst_err err; /* why it rests; code NONE: it does not */
	/* the record behind */
	struct mst_batch batch;
	struct mst_arena batch_arena;
	bool is_dirty, is_writing;
	struct campaign_call *waiting, *writing; /* for the next write, for this one */
	/* its beginning: a worker writes it */
	bool is_entering;
	struct mst_job work;
	struct campaign_call *starter;
};

struct campaign_tally;
struct mst_campaigns {
	struct mst_loop *loop;
	struct mst_store *store;
	struct mst_work *work;
	struct mst_kick *kick;
	struct mst_campaigns_conf conf;
	void *context;
	uint32_t (*busy)(void *context);
	struct mst_chunks chunks; /* of slices */
	struct mst_link open;
	uint32_t num_open, num_jobs; /* num_jobs: out with workers */
	uint64_t last_number;
	struct mst_timer tick;
	bool is_draining;
	/* campaign_load.c */
	bool is_loaded;
	struct campaign_call *early; /* came before that */
	struct mst_timer sweep_timer;
	struct campaign_sweep *sweep;
	struct campaign_tally *tallies; /* CAMPAIGN_TALLIES */
};

/* campaign.c. _go does what can be done now; _again the same in the loop's next turn. _rest: the store or the workers could not;
 * later again. _dirty: the record shall follow; _write: now. _after: frees a campaign that is over and written. */
void mst_campaign_go(struct campaign *c);
void mst_campaign_again(struct campaign *c);
void mst_campaign_rest(struct campaign *c, const struct mst_err *why);
void mst_campaign_write(struct campaign *c);
void mst_campaign_after(struct campaign *c);
struct campaign *mst_campaign_find(struct mst_campaigns *all, uint64_t number); /* an open one, or NULL */
/* mst_campaign_add makes an open one of a record, copied with its command. NULL: no memory. */
struct campaign *mst_campaign_add(struct mst_campaigns *all, const struct campaign_record *record, struct mst_slice plist) MST_MUST;
void mst_campaign_end(struct campaign *c);
void mst_campaign_pace(struct campaign *c); /* its rate is new */
/* mst_campaign_due: when the next push shall go, wall clock; each call takes a place. */
int64_t mst_campaign_due(struct campaign *c);

/* campaign_slice.c: at most `most` devices from the cursor on. Idle before. */
void mst_campaign_slice_begin(struct campaign *c, enum campaign_work work, uint32_t most);
uint32_t mst_campaign_slice_most(const struct campaign *c);

/* campaign_call.c. _settle answers all of a list: with `err` when it is not NULL. */
void mst_campaign_answer(struct campaign_call *call);
void mst_campaign_settle(struct campaign_call **calls, const struct mst_err *err);
void mst_campaign_serve_early(struct mst_campaigns *all);
/* campaign_start.c */
void mst_campaign_enter_new(struct campaign_call *call);
/* campaign_load.c: _load reads what is open; _sweep drops what is old or was never finished; _sweep_free afterwards. */
int mst_campaign_load_new(struct mst_campaigns *all, struct mst_err *e) MST_MUST;
void mst_campaign_load(struct mst_campaigns *all);
void mst_campaign_sweep(struct mst_campaigns *all);
void mst_campaign_load_free(struct mst_campaigns *all);
/* campaign_tally.c: answers `call` with the count, now or when it is made. */
int mst_campaign_tally_new(struct mst_campaigns *all, struct mst_err *e) MST_MUST;
void mst_campaign_tally(struct campaign_call *call);
void mst_campaign_tally_free(struct mst_campaigns *all);

#endif
