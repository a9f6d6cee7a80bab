/* SPDX-License-Identifier: Apache-2.0 */
/* One request of /v1/campaigns: what it wants, what a worker read for it, what the campaigns' loop said. */
#ifndef CAMPAIGN_ASK_H
#define CAMPAIGN_ASK_H

#include "campaign_call.h"
#include "muster/json.h"

#define CAMPAIGN_ASK_ROOM ((size_t)128 << 20) /* a million ids, a command of a MiB and its tree; beside the body */

struct campaign_ask {
	struct mst_xchg *x;
	struct mst_app *app;
	struct campaign_call call;
	struct campaign_record one, *records; /* one: the one that is asked for, or made */
	uint64_t limit;
	bool is_list;
	int status; /* of a good answer */
	/* a worker's turn */
	struct mst_job job;
	struct mst_arena arena; /* joins the exchange's at home */
	struct mst_read read;
	int (*work)(struct campaign_ask *ask, struct mst_err *e);
	int rc;
};

/* campaign_wish.c: reads the body of a start into ask->one and ask->call, on a worker. _rate: {"rate":...}. 0, -1. */
int mst_campaign_wish_read(struct campaign_ask *ask, struct mst_err *e) MST_MUST;
int mst_campaign_wish_rate(struct campaign_ask *ask, struct mst_err *e) MST_MUST;

#endif
