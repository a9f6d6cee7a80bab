/* SPDX-License-Identifier: Apache-2.0 */
/* What exchanges of any loop ask the campaigns' loop, and what it tells them. */
#ifndef CAMPAIGN_CALL_H
#define CAMPAIGN_CALL_H

#include "campaign_own.h"

/* X(name, word): what became of the devices that got the command */
#define CAMPAIGN_FATES(X)                                                                          \
	X(WAITING, "waiting")           /* still in their queue */                                 \
	X(NOT_NOW, "not_now")           /* still in their queue, and they said NotNow */           \
	X(ACKNOWLEDGED, "acknowledged")                                                            \
	X(ERROR, "error")                                                                          \
	X(CANCELLED, "cancelled")                                                                  \
	X(CLEARED, "cleared")           /* enrolled anew or checked out before they answered */    \
	X(PUSH_DUE, "push_due")         /* among those waiting: not pushed yet */
enum campaign_fate {
#define X(name, word) CAMPAIGN_FATE_##name,
	CAMPAIGN_FATES(X)
#undef X
	NUM_CAMPAIGN_FATES
};
const char *mst_campaign_fate_word(enum campaign_fate fate);

struct campaign_count {
	uint64_t fates[NUM_CAMPAIGN_FATES];
	int64_t counted_ms; /* wall clock, when it was complete; 0 never */
};

/* What the loop knows beside the record. */
struct campaign_live {
	bool is_live;
	uint32_t pace, rate; /* pushes a second: allowed now, and of the last second */
	uint64_t left_s;
	bool has_left;
	struct mst_err why; /* why it rests */
};

/* X(name, word): what an operator may do to one */
#define CAMPAIGN_VERBS(X)                                                                          \
	X(PAUSE, "pause")                                                                          \
	X(RESUME, "resume")                                                                        \
	X(CANCEL, "cancel")                                                                        \
	X(RATE, "rate")
enum campaign_verb {
#define X(name, word) CAMPAIGN_VERB_##name,
	CAMPAIGN_VERBS(X)
#undef X
	NUM_CAMPAIGN_VERBS
};

enum campaign_call_kind { CAMPAIGN_CALL_START, CAMPAIGN_CALL_CHANGE, CAMPAIGN_CALL_LOOK };

/* What an exchange asks; it lives in the exchange's memory, which nobody else touches until it is answered. */
struct campaign_call {
	struct mst_mail mail; /* to the campaigns and back */
	struct mst_campaigns *all;
	struct mst_loop *back;
	struct mst_xchg *x;
	struct campaign_call *next;
	enum campaign_call_kind kind;
	struct campaign_record *records; /* LOOK: as stored, brought up to date; else one */
	struct campaign_live *live;      /* as many */
	uint32_t num;
	/* START */
	const struct mst_id *ids; /* LIST: sorted, each once */
	struct mst_slice plist;
	/* CHANGE */
	enum campaign_verb verb;
	uint32_t rate;
	bool keeps; /* CANCEL: what waits stays */
	/* LOOK */
	bool wants_count;
	struct campaign_count count;
	struct mst_job job; /* reads again what ended since it was read */
	struct mst_read read;
	int rc;
	struct mst_err err;
};

/* campaign_call.c. mst_campaign_call sends `call` (kind and what it needs are set) from x's loop; x is resumed there. */
void mst_campaign_call(struct campaign_call *call, struct mst_campaigns *all, struct mst_xchg *x);
uint32_t mst_campaign_rate_max(const struct mst_campaigns *all); /* any thread */

#endif
