/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Early generation: identities for all devices of a label, made before anybody asks. Where an authority of our own issues, in
 * slices on the bulk lane: a worker makes a slice in memory, each device's record is put by a batch of its own that requires that
 * it has none, and those that won are recorded with the authority in one batch. For others each device becomes due like an ask.
 *
 *   list > slices: FREE > WORK ~> HELD ~> CERT (~> one by one) ~> FREE > list ...
 */
#include <stdlib.h>

#include "keeper_own.h"
#include "muster/clock.h"
#include "muster/log.h"
#include "muster/text.h"

enum slice_state {
	SLICE_FREE,
	SLICE_WORK, /* on a worker */
	SLICE_HELD, /* its devices' batches are in the store */
	SLICE_CERT, /* the authority's batch is in the store, or a worker records what it did not take */
};

struct slice;
struct item {
	struct mst_batch batch;
	struct slice *slice;
	struct mst_held held;
	struct mst_slice name, device;
	bool is_put, has_won;
};

struct slice {
	struct ahead *ahead;
	enum slice_state state;
	struct mst_job job;
	struct mst_making *making; /* its arena is the slice's */
	uint32_t first, num, num_out;
	struct item items[AHEAD_SLICE];
	struct mst_batch certs;
	uint32_t num_failed;
	struct mst_err err;
};

struct ahead {
	struct mst_keeper *keeper;
	struct early *early;
	struct mst_job job;
	struct mst_arena arena;    /* of the enrolment setting */
	struct mst_read read;
	struct mst_object object;  /* secrets open */
	bool is_here, is_listing, is_over; /* is_over: the label's last device was read */
	struct mst_issuers *issuers;
	uint8_t list[AHEAD_LIST][16];
	uint32_t num, num_handed;
	uint8_t after[16];
	bool has_after, has_failed;
	struct mst_err err;
	struct slice slices[AHEAD_SLICES];
	uint32_t num_out;
	uint64_t num_seen, num_made, num_failed;
	uint64_t began_ms;
};

static int plan(struct mst_read *r)
{
	struct ahead *ahead = MST_HOME(r, struct ahead, read);
	struct mst_walk w = {.r = NULL};
	struct mst_id id;
	uint8_t from[33];
	int rc = 1;

	if (!ahead->object.shape) {
		rc = mst_object_get(r, &ahead->object, MST_NOUN_ENROLLMENT, ahead->early->enrollment, ahead->keeper->app->seal);
		if (rc != 1)
			return rc == 0 ? mst_fail(&r->err, MST_E_GONE, "the enrolment setting is gone") : rc;
	}
	memcpy(from, ahead->early->label, 16);
	memcpy(from + 16, ahead->after, 16);
	from[32] = 0;
	ahead->num = ahead->num_handed = 0;
	while (ahead->num < AHEAD_LIST && (rc = mst_labeled_next(&w, r, &id, ahead->early->label,
								  mst_slice(from, ahead->has_after ? sizeof from : 0))) == 1)
		memcpy(ahead->list[ahead->num++], id.device, 16);
	mst_walk_done(&w);
	ahead->is_over = rc == 0;
	return rc < 0 || rc == MST_LATER ? rc : 0;
}

static bool is_users(const struct mst_object *o)
{
	const struct mst_value *value = mst_make_field(o, "is_user_certificate");

	return value && value->number;
}

static int load(struct ahead *ahead, struct mst_err *e)
{
	const struct mst_maker *maker = mst_maker_find(&ahead->object);
	uint8_t id[16];

	if (!maker->makes) { /* nothing is made ahead of what lies there */
		ahead->num = 0;
		ahead->is_over = true;
		return 0;
	}
	ahead->is_here = maker->here && !is_users(&ahead->object);
	if (!ahead->is_here || ahead->issuers)
		return 0;
	mst_authority_id(id, mst_object_text(&ahead->object, "authority"));
	return mst_issuers_load_one(&ahead->issuers, ahead->keeper->app->store, ahead->keeper->app->seal, id, e);
}

static void on_list(struct mst_job *job)
{
	struct ahead *ahead = MST_HOME(job, struct ahead, job);

	ahead->read = (struct mst_read){.arena = &ahead->arena, .plan = plan};
	ahead->has_failed = mst_store_read_here(ahead->keeper->app->store, &ahead->read) < 0;
	if (ahead->has_failed)
		ahead->err = ahead->read.err;
	else
		ahead->has_failed = load(ahead, &ahead->err) < 0;
	if (ahead->num) {
		memcpy(ahead->after, ahead->list[ahead->num - 1], 16);
		ahead->has_after = true;
	}
}

static void slice_end(struct slice *slice)
{
	struct ahead *ahead = slice->ahead;

	ahead->num_seen += slice->num;
	ahead->num_failed += slice->num_failed;
	slice->making->object.shape = NULL; /* its secrets are the list's */
	mst_making_free(slice->making);
	slice->making = NULL;
	slice->state = SLICE_FREE;
	ahead->num_out--;
	mst_keeper_go(ahead->keeper);
}

static void tell(struct slice *slice)
{
	struct mst_app *app = slice->ahead->keeper->app;

	for (uint32_t i = 0; i < slice->num; i++) {
		const struct item *item = &slice->items[i];
		if (!item->has_won)
			continue;
		slice->ahead->num_made++;
		if (app->on_identity_changed)
			app->on_identity_changed(app, item->held.owner, false, item->held.enrollment);
	}
}

static void on_recorded(struct mst_job *job)
{
	struct slice *slice = MST_HOME(job, struct slice, job);

	tell(slice);
	slice_end(slice);
}

/* Some were recorded by who asked for them meanwhile, or the store failed: what stays out is put before it is told to anybody. */
static void on_record(struct mst_job *job)
{
	struct slice *slice = MST_HOME(job, struct slice, job);
	struct mst_app *app = slice->ahead->keeper->app;

	for (uint32_t i = 0; i < slice->num; i++) {
		const struct item *item = &slice->items[i];
		if (item->has_won &&
		    mst_record_cert(app, &slice->making->arena, &item->held, item->name, item->device, &slice->err) < 0)
			slice->num_failed++;
	}
}

static void record_one_by_one(struct slice *slice)
{
	struct mst_app *app = slice->ahead->keeper->app;
	struct mst_err err;

	slice->job = (struct mst_job){.home = app->loop, .run = on_record, .on_ran = on_recorded};
	if (mst_work_post(app->work, MST_LANE_BULK, &slice->job, &err) < 0)
		on_recorded(&slice->job);
}

static void on_certs(struct mst_batch *b)
{
	struct slice *slice = MST_HOME(b, struct slice, certs);

	if (b->rc == 0)
		on_recorded(&slice->job);
	else
		record_one_by_one(slice);
}

static void cert_put(struct slice *slice, const struct item *item)
{
	const struct mst_held *h = &item->held;
	struct mst_issued issued = {.cert = h->cert, .name = item->name, .device = item->device, .source = MST_S("enroll"),
				    .not_after = h->not_after, .issued_ms = h->made_ms};

	memcpy(issued.authority, h->authority, sizeof issued.authority);
	memcpy(issued.serial, h->serial, sizeof issued.serial);
	if (mst_issued_put(&slice->certs, &issued, NULL, &slice->err) < 0)
		slice->certs.is_short = true;
}

/* All records of the slice's devices are home. */
static void post_certs(struct slice *slice)
{
	struct mst_app *app = slice->ahead->keeper->app;

	slice->state = SLICE_CERT;
	mst_batch_init(&slice->certs, &slice->making->arena, app->loop, on_certs);
	for (uint32_t i = 0; i < slice->num; i++)
		if (slice->items[i].has_won)
			cert_put(slice, &slice->items[i]);
	if (slice->certs.num_changes == 0)
		slice_end(slice);
	else if (mst_store_commit(app->store, &slice->certs, &slice->err) < 0)
		record_one_by_one(slice);
}

static void on_held(struct mst_batch *b)
{
	struct item *item = MST_HOME(b, struct item, batch);
	struct slice *slice = item->slice;

	item->has_won = b->rc == 0;
	if (b->rc < 0 && b->err.code != MST_E_CONFLICT)
		slice->num_failed++;
	if (--slice->num_out == 0)
		post_certs(slice);
}

static void wipe_key(struct mst_making *m)
{
	if (m->make.key.len)
		mst_wipe((void *)(uintptr_t)m->make.key.at, m->make.key.len);
	m->make.key = m->held.key = mst_slice(NULL, 0);
}

static void make_one(struct slice *slice, struct item *item, const uint8_t device[static 16])
{
	struct mst_making *m = slice->making;

	item->slice = slice;
	mst_batch_init(&item->batch, &m->arena, m->app->loop, on_held);
	memcpy(m->owner, device, sizeof m->owner);
	memset(m->setting, 0, sizeof m->setting);
	item->is_put = mst_making_ahead(m, &item->batch) == 1;
	slice->num_failed += !item->is_put && m->err.code != MST_E_NONE;
	if (!item->is_put && m->err.code != MST_E_NONE)
		slice->err = m->err;
	item->held = m->held;
	item->held.key = mst_slice(NULL, 0);
	item->name = m->make.common_name;
	item->device = m->device ? m->device->text : mst_slice(NULL, 0);
	wipe_key(m);
}

static void on_worker(struct mst_job *job)
{
	struct slice *slice = MST_HOME(job, struct slice, job);

	for (uint32_t i = 0; i < slice->num; i++)
		make_one(slice, &slice->items[i], slice->ahead->list[slice->first + i]);
}

static void on_made(struct mst_job *job)
{
	struct slice *slice = MST_HOME(job, struct slice, job);
	struct mst_app *app = slice->ahead->keeper->app;

	slice->state = SLICE_HELD;
	slice->num_out = 1; /* this visit */
	for (uint32_t i = 0; i < slice->num; i++) {
		struct item *item = &slice->items[i];
		if (!item->is_put)
			continue;
		slice->num_out++;
		if (mst_store_commit(app->store, &item->batch, &slice->err) < 0) {
			slice->num_failed++;
			slice->num_out--;
		}
	}
	if (--slice->num_out == 0)
		post_certs(slice);
}

/* How many: RSA keys that are not in the pool take their time, and the lane is shared. */
static uint32_t slice_num(const struct ahead *ahead)
{
	const struct mst_value *key = mst_make_field(&ahead->object, "key");

	return key && mst_slice_starts(key->text, MST_S("rsa")) ? 2 : AHEAD_SLICE;
}

static bool slice_begin(struct ahead *ahead, struct slice *slice)
{
	struct mst_keeper *keeper = ahead->keeper;
	uint32_t left = ahead->num - ahead->num_handed, most = slice_num(ahead);
	struct mst_making *m = mst_making_new(keeper->app);
	struct mst_err err;

	if (!m)
		return false;
	m->arena.limit = SIZE_MAX;
	memcpy(m->enrollment, ahead->early->enrollment, sizeof m->enrollment);
	m->object = ahead->object;
	m->has_object = m->reads_owner = m->is_early = true;
	m->issuers = ahead->issuers;
	m->keeps = keeper->keeps;
	*slice = (struct slice){.ahead = ahead, .making = m, .first = ahead->num_handed, .num = left < most ? left : most};
	slice->job = (struct mst_job){.home = keeper->app->loop, .run = on_worker, .on_ran = on_made};
	if (mst_work_post(keeper->app->work, MST_LANE_BULK, &slice->job, &err) < 0) {
		m->object.shape = NULL; /* its secrets are the list's */
		mst_making_free(m);
		slice->making = NULL;
		return false;
	}
	slice->state = SLICE_WORK;
	ahead->num_handed += slice->num;
	ahead->num_out++;
	return true;
}

/* Of an outside CA, or users': like so many asks. */
static void push_all(struct ahead *ahead)
{
	struct mst_keeper *keeper = ahead->keeper;

	while (ahead->num_handed < ahead->num && keeper->num_dues < DUES_MAX / 2) {
		struct due due = {.why = WHY_ASKED, .is_early = true, .at_ms = mst_clock_wall_ms()};
		memcpy(due.owner, ahead->list[ahead->num_handed++], sizeof due.owner);
		memcpy(due.enrollment, ahead->early->enrollment, sizeof due.enrollment);
		mst_keeper_push(keeper, &due);
		ahead->num_seen++;
	}
}

static void ahead_free(struct ahead *ahead)
{
	for (uint32_t i = 0; i < AHEAD_SLICES; i++)
		if (ahead->slices[i].making) {
			ahead->slices[i].making->object.shape = NULL;
			mst_making_free(ahead->slices[i].making);
		}
	for (uint32_t i = 0; ahead->object.shape && i < ahead->object.shape->num_fields; i++)
		if (ahead->object.shape->fields[i].kind == MST_FIELD_SECRET && ahead->object.values[i].text.len)
			mst_wipe((void *)(uintptr_t)ahead->object.values[i].text.at, ahead->object.values[i].text.len);
	mst_issuers_free(&ahead->issuers);
	mst_arena_done(&ahead->arena);
	free(ahead->early);
	free(ahead);
}

static void over(struct ahead *ahead)
{
	struct mst_keeper *keeper = ahead->keeper;

	mst_log(INFO, "identities made ahead", mst_f_slice("enrollment", ahead->object.name), mst_f_u64("devices", ahead->num_seen),
		mst_f_u64("made", ahead->num_made), mst_f_u64("failed", ahead->num_failed), mst_f_u64("ms", mst_clock_ms() - ahead->began_ms));
	if (ahead->has_failed)
		mst_log(WARN, "identities are not made ahead", mst_f_slice("enrollment", ahead->object.name), mst_f_err(&ahead->err));
	keeper->ahead = NULL;
	ahead_free(ahead);
}

static void on_listed(struct mst_job *job)
{
	struct ahead *ahead = MST_HOME(job, struct ahead, job);

	ahead->is_listing = false;
	mst_keeper_go(ahead->keeper);
}

/* The next devices of the label. */
static void list(struct ahead *ahead)
{
	struct mst_app *app = ahead->keeper->app;
	struct mst_err err;

	ahead->job = (struct mst_job){.home = app->loop, .run = on_list, .on_ran = on_listed};
	ahead->is_listing = mst_work_post(app->work, MST_LANE_BULK, &ahead->job, &err) == 0;
}

static void go_on(struct ahead *ahead)
{
	if (ahead->is_listing)
		return;
	if (!ahead->is_here)
		push_all(ahead);
	for (uint32_t i = 0; ahead->is_here && i < AHEAD_SLICES && ahead->num_handed < ahead->num; i++)
		if (ahead->slices[i].state == SLICE_FREE && !slice_begin(ahead, &ahead->slices[i]))
			return;
	if (ahead->num_handed < ahead->num || ahead->num_out > 0)
		return;
	if (ahead->is_over || ahead->has_failed)
		over(ahead);
	else
		list(ahead);
}

static bool begin(struct mst_keeper *keeper)
{
	struct ahead *ahead = calloc(1, sizeof *ahead);

	if (!ahead)
		return false;
	ahead->keeper = keeper;
	ahead->early = keeper->earlies;
	keeper->earlies = keeper->earlies->next;
	ahead->began_ms = mst_clock_ms();
	mst_arena_init(&ahead->arena, NULL, 0);
	keeper->ahead = ahead;
	return true;
}

void mst_keeper_ahead(struct mst_keeper *keeper)
{
	if (!keeper->ahead && (!keeper->earlies || !begin(keeper)))
		return;
	go_on(keeper->ahead);
}

void mst_keeper_ahead_free(struct mst_keeper *keeper)
{
	if (keeper->ahead)
		ahead_free(keeper->ahead);
	keeper->ahead = NULL;
	while (keeper->earlies) {
		struct early *early = keeper->earlies;
		keeper->earlies = early->next;
		free(early);
	}
}
