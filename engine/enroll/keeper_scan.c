/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over all held records, in slices on the bulk lane: after a start for what the last run left, daily for what expires,
 * was not delivered, or is to be forgotten. What needs no CA is done on the spot; what does becomes due.
 */
#include <stdlib.h>

#include "keeper_own.h"
#include "muster/clock.h"
#include "muster/log.h"

#define OBJECTS_MAX 64  /* enrolment settings kept at hand during a walk */
#define ACTS_MAX    32  /* records changed in one turn: each waits for the store */
#define RENEW_DAYS  60  /* of types without the field */
#define KEY_LEN     48

struct rule { /* of an enrolment setting */
	uint8_t id[16];
	bool is_there, renews, stores_keys;
	int64_t renew_ms;
	char name[MST_OBJECT_NAME_MAX + 1];
};

struct scan {
	struct mst_keeper *keeper;
	struct mst_job job;
	bool is_boot, is_daily, is_over, has_failed;
	int64_t now_ms;
	uint8_t after[KEY_LEN];
	bool has_after;
	struct rule rules[OBJECTS_MAX];
	uint32_t num_rules;
	uint64_t num_seen, num_expiring;
	/* a turn */
	struct mst_read read;
	struct mst_arena arena;
	struct mst_held slice[SCAN_SLICE];
	uint32_t num;
	struct due dues[SCAN_SLICE];
	uint32_t num_dues, num_acts;
	struct mst_err err;
	uint8_t wanted[16]; /* rule_plan's */
	struct mst_object object;
	int found;
};

static int plan(struct mst_read *r)
{
	struct scan *scan = MST_HOME(r, struct scan, read);
	struct mst_walk w = {.r = NULL};
	uint8_t from[KEY_LEN + 1]; /* the least key behind the last */
	int rc = 0;

	memcpy(from, scan->after, KEY_LEN);
	from[KEY_LEN] = 0;
	scan->num = 0;
	while (scan->num < SCAN_SLICE &&
	       (rc = mst_held_next(&w, r, &scan->slice[scan->num], mst_slice(NULL, 0), mst_slice(from, scan->has_after ? sizeof from : 0),
				   NULL)) == 1)
		scan->num++;
	mst_walk_done(&w);
	scan->is_over = rc == 0;
	return rc < 0 || rc == MST_LATER ? rc : 0;
}

static int rule_plan(struct mst_read *r)
{
	struct scan *scan = MST_HOME(r, struct scan, read);
	int rc = mst_object_get(r, &scan->object, MST_NOUN_ENROLLMENT, scan->wanted, NULL);

	if (rc < 0 || rc == MST_LATER)
		return rc;
	scan->found = rc;
	return 0;
}

static int run(struct scan *scan, int (*what)(struct mst_read *r))
{
	scan->read = (struct mst_read){.arena = &scan->arena, .plan = what};
	if (mst_store_read_here(scan->keeper->app->store, &scan->read) == 0)
		return 0;
	scan->err = scan->read.err;
	return -1;
}

static void rule_fill(struct rule *rule, const struct mst_object *o)
{
	const struct mst_value *days = mst_make_field(o, "renew_days"), *renews = mst_make_field(o, "renews"),
			       *stores = mst_make_field(o, "stores_keys");

	rule->is_there = true;
	rule->renew_ms = (days ? days->number : RENEW_DAYS) * DAY_MS;
	rule->renews = renews && renews->number;
	rule->stores_keys = !stores || stores->number;
	memcpy(rule->name, o->name.at, o->name.len);
	rule->name[o->name.len] = 0;
}

static const struct rule *rule_of(struct scan *scan, const uint8_t id[static 16])
{
	struct rule *rule;

	for (uint32_t i = 0; i < scan->num_rules; i++)
		if (memcmp(scan->rules[i].id, id, 16) == 0)
			return &scan->rules[i];
	memcpy(scan->wanted, id, sizeof scan->wanted);
	if (run(scan, rule_plan) < 0)
		return NULL;
	if (scan->num_rules == OBJECTS_MAX)
		scan->num_rules = 0;
	rule = &scan->rules[scan->num_rules++];
	*rule = (struct rule){.is_there = false};
	memcpy(rule->id, id, sizeof rule->id);
	if (scan->found)
		rule_fill(rule, &scan->object);
	return rule;
}

static void due(struct scan *scan, const struct mst_held *h, enum making_why why, int64_t at_ms)
{
	struct due *out = &scan->dues[scan->num_dues++];

	*out = (struct due){.why = why, .at_ms = at_ms, .is_boot = scan->is_boot};
	memcpy(out->owner, h->owner, sizeof out->owner);
	memcpy(out->enrollment, h->enrollment, sizeof out->enrollment);
	memcpy(out->setting, h->setting, sizeof out->setting);
}

static void end(struct scan *scan, const struct mst_held *h, const struct rule *rule, const char *why)
{
	scan->num_acts++;
	if (mst_identity_end(scan->keeper->app, &scan->arena, h->owner, h->enrollment, h->setting, END_REMOVE, mst_slice_str(why),
			     mst_slice_str(rule->name), &scan->err) < 0)
		scan->has_failed = true;
}

static int commit(struct scan *scan, struct mst_batch *b)
{
	scan->num_acts++;
	if (mst_store_commit_here(scan->keeper->app->store, b) == 0 || b->err.code == MST_E_CONFLICT) /* changed meanwhile: next time */
		return 0;
	scan->err = b->err;
	scan->has_failed = true;
	return -1;
}

static void change(struct scan *scan, struct mst_held *h)
{
	struct mst_batch b;

	mst_batch_init(&b, &scan->arena, NULL, NULL);
	if (mst_held_move(&b, h, scan->keeper->app->seal, &scan->err) == 0)
		(void)commit(scan, &b);
}

static void purge(struct scan *scan, const struct mst_held *h)
{
	struct mst_batch b;

	mst_batch_init(&b, &scan->arena, NULL, NULL);
	mst_held_drop(&b, h);
	(void)commit(scan, &b);
}

static void tell_expiry(struct scan *scan, const struct mst_held *h, const struct rule *rule)
{
	struct mst_slice detail;
	struct mst_batch b;

	mst_log(INFO, "identity expires soon", mst_f_str("enrollment", rule->name), mst_f_hex("owner", mst_slice(h->owner, 16)),
		mst_f_i64("not_after", h->not_after));
	mst_batch_init(&b, &scan->arena, NULL, NULL);
	if (!mst_arena_format(&scan->arena, &detail, "expires in %lld days%s",
			      (long long)((h->not_after * 1000 - scan->now_ms) / DAY_MS), rule->renews ? "; a new one is made" : ""))
		return;
	mst_audit_add(&b, &(struct mst_audit){.at_ms = scan->now_ms, .who = MST_S("engine"), .action = MST_S("identity expires soon"),
					      .what = mst_slice_str(rule->name), .detail = detail});
	(void)commit(scan, &b);
}

/* Told once, on the day it came into the window; made anew from then on until it is. */
static void look_expiry(struct scan *scan, const struct mst_held *h, const struct rule *rule)
{
	int64_t begins_ms = h->not_after * 1000 - rule->renew_ms;

	if (begins_ms > scan->now_ms)
		return;
	scan->num_expiring++;
	if (begins_ms > scan->now_ms - DAY_MS)
		tell_expiry(scan, h, rule);
	if (rule->renews && h->num_made)
		due(scan, h, WHY_RENEW, 0);
}

/* 14 days for early ones; a day for keys. */
static void look_live(struct scan *scan, struct mst_held *h, const struct rule *rule)
{
	if (h->older_cert.len && h->state == MST_HELD_DELIVERED && h->older_waits) { /* the newer one is there */
		h->older_waits = false;
		change(scan, h);
	}
	if (h->older_cert.len && !h->older_waits)
		due(scan, h, WHY_DUE, 0);
	if (!scan->is_daily)
		return;
	if (h->is_early && h->state == MST_HELD_READY && h->made_ms + EARLY_MS <= scan->now_ms) {
		end(scan, h, rule, "engine: not delivered within 14 days");
		return;
	}
	if (h->state == MST_HELD_DELIVERED && h->sealed.len && !rule->stores_keys && !h->is_user &&
	    h->delivered_ms + FORGET_MS <= scan->now_ms) {
		h->sealed = mst_slice(NULL, 0);
		change(scan, h);
	}
	look_expiry(scan, h, rule);
}

/* The authority's record of what was made just before the end of the last run. */
static void look_record(struct scan *scan, const struct mst_held *h)
{
	char name[MST_NAME_MAX + 1];
	struct mst_cert cert;

	if (h->made_ms < scan->now_ms - DAY_MS || !mst_record_is_ours(h->authority) || mst_cert_parse(&cert, h->cert, &scan->err) < 0)
		return;
	mst_cert_name(name, sizeof name, &cert);
	if (mst_record_cert(scan->keeper->app, &scan->arena, h, mst_slice_str(name), mst_slice(NULL, 0), &scan->err) < 0)
		scan->has_failed = true;
}

static void look(struct scan *scan, struct mst_held *h, const struct rule *rule)
{
	switch (h->state) {
	case MST_HELD_WANTED:
		due(scan, h, WHY_DUE, scan->is_boot ? 0 : h->due_ms);
		break;
	case MST_HELD_ASKED:
	case MST_HELD_FAILED:
		if (h->due_ms)
			due(scan, h, WHY_DUE, h->due_ms);
		break;
	case MST_HELD_READY:
	case MST_HELD_DELIVERED:
		if (scan->is_boot)
			look_record(scan, h);
		look_live(scan, h, rule);
		break;
	case MST_HELD_REMOVED:
		if (h->older_cert.len)
			due(scan, h, WHY_DUE, 0);
		else if (h->not_after * 1000 < scan->now_ms && h->changed_ms + PURGE_MS < scan->now_ms)
			purge(scan, h);
		break;
	case MST_NUM_HELD_STATES:
		break;
	}
}

static void look_all(struct scan *scan)
{
	uint32_t i;

	for (i = 0; i < scan->num && scan->num_acts < ACTS_MAX && !scan->has_failed; i++) {
		struct mst_held *h = &scan->slice[i];
		const struct rule *rule = rule_of(scan, h->enrollment);

		if (!rule) {
			scan->has_failed = true;
			return;
		}
		if (!rule->is_there && h->state != MST_HELD_REMOVED)
			end(scan, h, rule, "engine: the enrolment setting is gone");
		else
			look(scan, h, rule);
		memcpy(scan->after, h->owner, 16);
		memcpy(scan->after + 16, h->enrollment, 16);
		memcpy(scan->after + 32, h->setting, 16);
		scan->has_after = true;
		scan->num_seen++;
	}
	scan->is_over = scan->is_over && i == scan->num;
}

static void on_worker(struct mst_job *job)
{
	struct scan *scan = MST_HOME(job, struct scan, job);

	mst_arena_init(&scan->arena, NULL, 0);
	scan->num_dues = scan->num_acts = 0;
	scan->has_failed = run(scan, plan) < 0;
	if (!scan->has_failed)
		look_all(scan);
}

static void post(struct scan *scan);

static void on_ran(struct mst_job *job)
{
	struct scan *scan = MST_HOME(job, struct scan, job);
	struct mst_keeper *keeper = scan->keeper;

	for (uint32_t i = 0; i < scan->num_dues; i++)
		mst_keeper_push(keeper, &scan->dues[i]);
	mst_arena_done(&scan->arena);
	if (!scan->is_over && !scan->has_failed && !keeper->app->is_draining) {
		post(scan);
		return;
	}
	if (scan->has_failed) { /* again with the next tick, from the beginning: what was done is not done twice */
		mst_log(WARN, "the walk over identities was broken off", mst_f_err(&scan->err));
		keeper->scans_boot |= scan->is_boot;
		keeper->scans_daily |= scan->is_daily;
	} else if (scan->is_daily) {
		mst_log(INFO, "identities looked through", mst_f_u64("num", scan->num_seen), mst_f_u64("expiring", scan->num_expiring));
	}
	keeper->scan = NULL;
	if (!scan->has_failed)
		mst_keeper_go(keeper);
	free(scan);
}

static void post(struct scan *scan)
{
	struct mst_keeper *keeper = scan->keeper;
	struct mst_err err;

	scan->job = (struct mst_job){.home = keeper->app->loop, .run = on_worker, .on_ran = on_ran};
	if (mst_work_post(keeper->app->work, MST_LANE_BULK, &scan->job, &err) == 0)
		return;
	keeper->scans_boot |= scan->is_boot;
	keeper->scans_daily |= scan->is_daily;
	keeper->scan = NULL;
	free(scan);
}

void mst_keeper_scan(struct mst_keeper *keeper, bool is_boot, bool is_daily, int64_t now_ms)
{
	struct scan *scan = calloc(1, sizeof *scan);

	if (!scan) {
		keeper->scans_boot |= is_boot;
		keeper->scans_daily |= is_daily;
		return;
	}
	scan->keeper = keeper;
	scan->is_boot = is_boot;
	scan->is_daily = is_daily;
	scan->now_ms = now_ms;
	keeper->scan = scan;
	post(scan);
}

void mst_keeper_scan_free(struct mst_keeper *keeper)
{
	if (!keeper->scan)
		return;
	mst_arena_done(&keeper->scan->arena);
	free(keeper->scan);
	keeper->scan = NULL;
}
