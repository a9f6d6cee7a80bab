/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Campaigns: one command for many devices, its pushes spread over a rate, so that the check-ins that answer stay below what
 * the engine can take. A campaign's record says what it sends, to whom, how fast, how far it is; it goes on after a restart.
 *
 * Each device gets its command and its push in one batch of its own; the record follows behind. A slice that is gone through
 * twice (a kill in between) changes nothing: the command's uuid is known by then.
 * They work on the push engine's loop. All calls but the stages are made there.
 */
#ifndef MUSTER_CAMPAIGN_H
#define MUSTER_CAMPAIGN_H

#include "muster/app.h"
#include "muster/outbox.h"
#include "muster/xchg.h"

#define MST_CAMPAIGN_IDS_MAX  1000000     /* of a list; more devices: all, or a filter */
#define MST_CAMPAIGN_BODY_MAX (48u << 20) /* a million UDIDs, and a command as base64 */
#define MST_CAMPAIGN_RATE_BODY_MAX 1024   /* {"rate":...} */

/* X(name, word) */
#define MST_CAMPAIGN_STATES(X)                                                                     \
	X(RUNNING, "running")                                                                      \
	X(PAUSED, "paused")                                                                        \
	X(DONE, "done")           /* every device was looked at; answers still come */             \
	X(CANCELLED, "cancelled")
enum mst_campaign_state {
#define X(name, word) MST_CAMPAIGN_##name,
	MST_CAMPAIGN_STATES(X)
#undef X
	MST_NUM_CAMPAIGN_STATES
};

struct mst_campaigns; /* the process's */

struct mst_campaigns_conf {
	uint32_t open_max;   /* campaigns not over at once */
	uint32_t rate_max;   /* pushes a second an operator may ask for, and where the engine's own rate ends */
	uint32_t busy_goal;  /* per cent of a core the busiest loop may be at before the engine's own rate is lowered */
};

/* mst_campaigns_new works on `loop` (the push engine's, not running yet or this thread's); `kick` is a kick whose home is that
 * loop. `busy` tells how many per cent of the last second the busiest of the process's loops worked. */
int mst_campaigns_new(struct mst_campaigns **out, struct mst_loop *loop, struct mst_store *store, struct mst_work *work,
		      struct mst_kick *kick, const struct mst_campaigns_conf *conf, void *context,
		      uint32_t (*busy)(void *context), struct mst_err *e) MST_MUST;
/* mst_campaigns_free: when the loop runs no more, and store and workers are gone or idle. */
void mst_campaigns_free(struct mst_campaigns **campaigns);
void mst_campaigns_tune(struct mst_campaigns *campaigns, const struct mst_campaigns_conf *conf);
/* mst_campaigns_drain: no further slice; is_idle when what is under way is home and the records say how far they came. */
void mst_campaigns_drain(struct mst_campaigns *campaigns);
bool mst_campaigns_is_idle(const struct mst_campaigns *campaigns);

/* Stages of the operator API, on any loop: each way is start, list, show or change, then enter and tell. */
enum mst_step mst_campaign_start(struct mst_xchg *x);  /* POST /v1/campaigns */
enum mst_step mst_campaign_list(struct mst_xchg *x);   /* GET /v1/campaigns */
enum mst_step mst_campaign_show(struct mst_xchg *x);   /* GET /v1/campaigns/{} */
enum mst_step mst_campaign_change(struct mst_xchg *x); /* POST /v1/campaigns/{}/{pause,resume,cancel,rate} */
enum mst_step mst_campaign_enter(struct mst_xchg *x);  /* asks the campaigns' loop */
enum mst_step mst_campaign_tell(struct mst_xchg *x);

#endif
