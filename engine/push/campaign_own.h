/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of campaigns share:
 *
 *     campaign.c         the service: pace, life, records written behind     campaign_slice.c   some devices at a time
 *     campaign_call.c    what exchanges ask, on the campaigns' loop          campaign_source.c  where devices come from
 *     campaign_start.c   a new one is written        campaign_load.c   what the last run left, and what is old
 *     campaign_tally.c   what devices answered       campaign_record.c the records
 *     campaign_ask.c, campaign_wish.c, campaign_tell.c   the operator's endpoints, on any loop
 */
#ifndef CAMPAIGN_OWN_H
#define CAMPAIGN_OWN_H

#include "muster/campaign.h"
#include "muster/queue.h"

#define CAMPAIGN_CHUNK_IDS 1024 /* of one record of a list: 24 KiB */
#define CAMPAIGN_TEXT_MAX  128  /* name, who, and each text of a filter */

/* X(name, word): where devices come from; campaign_source.c has a row for each. */
#define CAMPAIGN_SOURCES(X)                                                                        \
	X(LIST, "list")                                                                            \
	X(ALL, "all")                                                                              \
	X(FILTER, "filter")
enum campaign_source {
#define X(name, word) CAMPAIGN_##name,
	CAMPAIGN_SOURCES(X)
#undef X
	NUM_CAMPAIGN_SOURCES
};

/* X(name, word): devices that get no command, and why */
#define CAMPAIGN_SKIPS(X)                                                                          \
	X(UNKNOWN, "unknown")         /* no such enrolment */                                      \
	X(CHECKED_OUT, "checked_out")                                                              \
	X(USED, "uuid_used")          /* it had a command of this uuid before the campaign */      \
	X(CHANGED, "changed")         /* its record changed each time it was tried */
enum campaign_skip {
#define X(name, word) CAMPAIGN_SKIP_##name,
	CAMPAIGN_SKIPS(X)
#undef X
	NUM_CAMPAIGN_SKIPS
};

/* How far through its source. */
struct campaign_cursor {
	uint64_t index;     /* LIST: the next one */
	uint8_t device[16]; /* ALL, FILTER: the last one looked at */
	bool is_begun;
};

struct campaign_record {
	uint64_t number; /* from 1 on */
	enum mst_campaign_state state;
	enum campaign_source source;
	bool is_nopush;
	bool is_withdrawing; /* cancelled, and its waiting commands are being taken back */
	uint32_t rate;       /* pushes a second, 0: the engine's own */
	struct mst_slice name, who, uuid, request_type;
	struct mst_slice model, os_version, topic; /* FILTER: beginnings, empty: any */
	int64_t created_ms, starts_ms, changed_ms;
	uint64_t num_ids; /* LIST */
	struct campaign_cursor cursor, withdrawn;
	uint64_t num_targets, num_queued, num_skipped[NUM_CAMPAIGN_SKIPS], num_withdrawn;
};
static inline bool mst_campaign_is_over(const struct campaign_record *c)
{
	return c->state == MST_CAMPAIGN_DONE || (c->state == MST_CAMPAIGN_CANCELLED && !c->is_withdrawing);
}

/* campaign_record.c */
const char *mst_campaign_state_word(enum mst_campaign_state state);
const char *mst_campaign_source_word(enum campaign_source source);
const char *mst_campaign_skip_word(enum campaign_skip skip);
void mst_campaign_record_put(struct mst_batch *b, const struct campaign_record *c);
/* 1, 0, -1, MST_LATER; in the arena. _next: the first whose number is `from` or more. */
int mst_campaign_record_get(struct mst_read *r, struct campaign_record *out, uint64_t number) MST_MUST;
int mst_campaign_record_next(struct mst_read *r, struct campaign_record *out, uint64_t from) MST_MUST;
/* mst_campaign_record_copy copies the texts, too. */
int mst_campaign_record_copy(struct campaign_record *out, struct mst_arena *arena, const struct campaign_record *c,
			     struct mst_err *e) MST_MUST;
void mst_campaign_plist_put(struct mst_batch *b, uint64_t number, struct mst_slice plist);
void mst_campaign_plist_drop(struct mst_batch *b, uint64_t number);
int mst_campaign_plist_get(struct mst_read *r, struct mst_slice *out, uint64_t number) MST_MUST;
/* The chunk with the ids from CAMPAIGN_CHUNK_IDS * chunk on. _get: 1 with `out` their bytes. */
void mst_campaign_ids_put(struct mst_batch *b, uint64_t number, uint32_t chunk, const struct mst_id *ids, size_t num);
int mst_campaign_ids_get(struct mst_read *r, struct mst_slice *out, uint64_t number, uint32_t chunk) MST_MUST;
/* mst_campaign_left_next finds the campaign with number `from` or more that has ids or a command stored: 1, 0, -1. Worker. */
int mst_campaign_left_next(struct mst_read *r, uint64_t *number, uint64_t from) MST_MUST;
/* mst_campaign_drop drops everything of a campaign. Worker. */
int mst_campaign_drop(struct mst_store *store, uint64_t number, struct mst_err *e) MST_MUST;

/* campaign_source.c: one pass through the targets inside a plan; zero it, set what, r, cursor. */
struct campaign_pass {
	const struct campaign_record *what;
	struct mst_read *r;
	struct campaign_cursor cursor; /* moves */
	bool is_wide; /* also devices the filter does not match (any more): who had the command once */
	struct mst_walk walk;
	struct mst_slice chunk;
};
struct campaign_target {
	struct mst_id id;
	bool is_target; /* false: the filter does not match: on to the next */
	bool is_known;  /* `device` is there */
	struct mst_device device;
};
/* 1, 0 at the end, -1, MST_LATER. */
int mst_campaign_source_next(struct campaign_pass *p, struct campaign_target *out) MST_MUST;
void mst_campaign_source_done(struct campaign_pass *p);

#endif
