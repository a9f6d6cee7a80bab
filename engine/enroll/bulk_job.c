/* SPDX-License-Identifier: Apache-2.0 */
/* A job's beginning and end: found at the start or added, loaded before it runs, written when it
 * ends, freed. */
#include <stdlib.h>

#include "bulk_queue.h"
#include "muster/clock.h"
#include "muster/log.h"

struct bulk_job *mst_bulk_add(struct mst_bulk *bulk, const struct bulk_record *record,
			      enum bulk_life life)
{
	struct bulk_job *job = calloc(1, sizeof(*job)), **at = &bulk->first;

	if (!job)
		return NULL;
	mst_arena_init(&job->arena, NULL, 0);
	mst_arena_init(&job->batch_arena, NULL, 0);
	mst_arena_init(&job->names, NULL, 0);
	if (!mst_bulk_record_copy(&job->record, &job->arena, record)) {
		mst_arena_done(&job->arena);
		free(job);
		return NULL;
	}
	job->bulk = bulk;
	job->life = life;
	job->is_stopped = true;
	while (*at)
		at = &(*at)->next;
	*at = job;
	bulk->num_jobs++;
	return job;
}

static void drop(struct bulk_job *job)
{
	mst_issuers_free(&job->issuers);
	mst_arena_done(&job->names);
	mst_arena_done(&job->batch_arena);
	mst_arena_done(&job->arena);
	free(job);
}

void mst_bulk_reap(struct mst_bulk *bulk)
{
	struct bulk_job **at = &bulk->first;

	while (*at) {
		struct bulk_job *job = *at;
		if (job->life != LIFE_OVER) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		if (bulk->active == job)
			bulk->active = NULL;
		bulk->num_jobs--;
		drop(job);
	}
}

static void on_answer(struct mst_mail *mail)
{
	mst_xchg_resume(MST_HOME(mail, struct bulk_call, mail)->x);
}

void mst_bulk_settle(struct bulk_job *job, const struct mst_err *err)
{
	while (job->callers) {
		struct bulk_call *call = job->callers;
		job->callers = call->next;
		call->rc = 0;
		call->jobs->state = job->record.state;
		call->jobs->done = job->record.done;
		call->jobs->changed_ms = job->record.changed_ms;
		call->jobs->run_ms = job->record.run_ms;
		if (err) {
			call->err = *err;
			call->rc = -1;
		} else if (call->kind == BULK_CALL_CANCEL && job->record.state != BULK_CANCELLED) {
			call->rc = mst_fail(&call->err, MST_E_CONFLICT, "the job is over already");
		}
		call->mail.on_mail = on_answer;
		mst_loop_post(call->back, &call->mail);
	}
}

void mst_bulk_over(struct bulk_job *job, const char *words)
{
	char id[BULK_ID_MAX + 1];

	mst_bulk_record_id(id, &job->record);
	mst_log(INFO, "bulk job over", mst_f_str("id", id),
		mst_f_str("state", mst_bulk_record_state(&job->record)), mst_f_str("why", words),
		mst_f_u64("done", job->record.done), mst_f_u64("ms", (uint64_t)job->record.run_ms));
	mst_bulk_settle(job, NULL);
	mst_bulk_move(job, LIFE_OVER);
}

static void on_ended(struct mst_batch *b)
{
	struct bulk_job *job = MST_HOME(b, struct bulk_job, batch);
	struct mst_bulk *bulk = job->bulk;

	if (b->rc == 0) {
		mst_bulk_over(job, job->is_cancelled ? "cancelled" : job->err.text);
	} else {
		/* Whoever asked for it hears so and may ask again. */
		job->record.state = BULK_OPEN;
		job->is_cancelled = false;
		mst_bulk_settle(job, &b->err);
		mst_bulk_move(job, bulk->active == job ? LIFE_REST : LIFE_WAIT);
		if (bulk->active == job)
			mst_timer_set(bulk->app->loop, &bulk->timer, 1000);
	}
	mst_bulk_go(bulk);
}

void mst_bulk_end(struct mst_bulk *bulk, struct bulk_job *job, enum bulk_state state)
{
	struct mst_slice value;
	struct mst_err err;

	job->record.state = state;
	job->record.changed_ms = mst_clock_wall_ms();
	if (state == BULK_FAILED)
		job->record.error = mst_slice_str(job->err.text);
	mst_bulk_move(job, LIFE_END);
	mst_arena_done(&job->batch_arena);
	mst_batch_init(&job->batch, &job->batch_arena, bulk->app->loop, on_ended);
	if (mst_bulk_record_put(&job->batch, &value, &job->record, &err) == 0 &&
	    mst_store_commit(bulk->app->store, &job->batch, &err) == 0)
		return;
	job->batch.rc = -1;
	job->batch.err = err;
	on_ended(&job->batch);
}

/* Part of the load: the record, and the list of names as a table. */
struct look {
	struct mst_read read;
	struct bulk_job *job;
	struct bulk_record record;
	struct mst_slice names;
	bool is_missing;
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, read);
	int rc = mst_bulk_record_get(r, &look->record, look->job->record.key);

	look->is_missing = rc == 0;
	if (rc == 1 && look->record.has_names)
		rc = mst_bulk_record_names(r, &look->names, look->job->record.key);
	return rc < 0 ? -1 : 0;
}

static int make_table(struct bulk_job *job, struct mst_slice names, struct mst_err *e)
{
	const char **table;
	struct mst_slice copy, name, rest;

	job->ground.names = NULL;
	if (!job->record.has_names)
		return 0;
	table = mst_arena_get(&job->names, (size_t)job->record.total * sizeof(*table));
	if (!table || !mst_arena_copy(&job->names, &copy, names))
		return mst_fail(e, MST_E_BUSY, "no memory for names");
	rest = copy;
	for (uint32_t i = 0; i < job->record.total; i++) {
		if (!mst_slice_cut(&name, &rest, rest, 0))
			return mst_fail(e, MST_E_GONE, "the list of names is too short");
		table[i] = (const char *)name.at;
	}
	job->ground.names = table;
	return 0;
}

static int find_issuer(struct bulk_job *job, struct mst_err *e)
{
	struct mst_app *app = job->bulk->app;

	mst_issuers_free(&job->issuers);
	job->ground = (struct bulk_ground){.job = &job->fixed,
					   .store = app->store,
					   .seal = app->seal,
					   .is_stopped = &job->is_stopped};
	if (mst_issuers_load(&job->issuers, app->store, app->seal, e) < 0)
		return -1;
	job->ground.issuer = mst_issuers_find_id0(job->issuers, job->record.key);
	if (!job->ground.issuer)
		return mst_fail(e, MST_E_ABSENT, "no such authority");
	if (job->ground.issuer->record.state != MST_AUTHORITY_ACTIVE)
		return mst_fail(e, MST_E_GONE, "the authority is retired");
	return 0;
}

void mst_bulk_load(struct mst_job *work)
{
	struct bulk_job *job = MST_HOME(work, struct bulk_job, work);
	struct mst_arena fresh;
	struct look look = {.read = {.plan = plan, .arena = &fresh}, .job = job};

	mst_arena_init(&fresh, NULL, 0);
	mst_arena_done(&job->names);
	job->is_read = job->is_missing = false;
	job->err = (struct mst_err){.code = MST_E_NONE};
	if (mst_store_read_here(job->bulk->app->store, &look.read) < 0) {
		job->err = look.read.err;
		mst_arena_done(&fresh);
		return;
	}
	job->is_missing = look.is_missing;
	if (look.is_missing) {
		mst_arena_done(&fresh);
		return;
	}
	mst_arena_done(&job->arena);
	job->arena = fresh;
	job->record = job->fixed = look.record;
	job->is_read = true;
	if (job->record.state == BULK_OPEN && find_issuer(job, &job->err) == 0)
		(void)!make_table(job, look.names, &job->err);
}

static int scan_plan(struct mst_read *r)
{
	struct bulk_scan *scan = MST_HOME(r, struct bulk_scan, read);
	struct mst_slice after = {NULL, 0};
	struct bulk_record job;
	int rc;

	scan->jobs = mst_arena_get(r->arena, MST_BULK_OPEN_MAX * sizeof(job));
	scan->num = 0;
	if (!scan->jobs)
		return mst_fail(&r->err, MST_E_BUSY, "no memory for bulk jobs");
	while ((rc = mst_bulk_record_next(r, &job, after)) == 1) {
		if (job.state == BULK_OPEN && scan->num < MST_BULK_OPEN_MAX)
			scan->jobs[scan->num++] = job;
		if (!mst_arena_copy(r->arena, &after, mst_slice(job.key, BULK_KEY_LEN)))
			return mst_fail(&r->err, MST_E_BUSY, "no memory for bulk jobs");
	}
	return rc;
}

/* Jobs of several authorities in the order they came: the number begins with the time. */
static int by_number(const void *a, const void *b)
{
	return memcmp(((const struct bulk_record *)a)->key + 16,
		      ((const struct bulk_record *)b)->key + 16, BULK_KEY_LEN - 16);
}

static void on_scan_worker(struct mst_job *work)
{
	struct bulk_scan *scan = MST_HOME(work, struct bulk_scan, work);
	struct mst_bulk *bulk = MST_HOME(scan, struct mst_bulk, scan);

	if (mst_store_read_here(bulk->app->store, &scan->read) == 0)
		qsort(scan->jobs, scan->num, sizeof(*scan->jobs), by_number);
}

static void on_scanned(struct mst_job *work)
{
	struct bulk_scan *scan = MST_HOME(work, struct bulk_scan, work);
	struct mst_bulk *bulk = MST_HOME(scan, struct mst_bulk, scan);

	if (scan->read.rc < 0) {
		mst_log(WARN, "bulk jobs could not be read", mst_f_err(&scan->read.err));
		mst_timer_set(bulk->app->loop, &bulk->timer, 1000);
	}
	bulk->is_scanned = scan->read.rc == 0;
	for (uint32_t i = 0; i < scan->num && bulk->is_scanned; i++)
		if (!mst_bulk_add(bulk, &scan->jobs[i], LIFE_WAIT))
			mst_log(WARN, "a bulk job waits for the next start",
				mst_f_str("why", "no memory"));
	mst_arena_done(&scan->arena);
	mst_bulk_serve_early(bulk);
	mst_bulk_go(bulk);
}

void mst_bulk_scan(struct mst_bulk *bulk)
{
	struct bulk_scan *scan = &bulk->scan;
	struct mst_err err;

	mst_arena_init(&scan->arena, NULL, 0);
	scan->read = (struct mst_read){.arena = &scan->arena, .plan = scan_plan};
	scan->work = (struct mst_job){
		.home = bulk->app->loop, .run = on_scan_worker, .on_ran = on_scanned};
	if (mst_work_post(bulk->app->work, MST_LANE_BULK, &scan->work, &err) < 0)
		mst_timer_set(bulk->app->loop, &bulk->timer, 1000);
}
