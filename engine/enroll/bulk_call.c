/* SPDX-License-Identifier: Apache-2.0 */
/* What exchanges of any loop ask the queue: start, cancel, look. On the queue's loop. */
#include "bulk_queue.h"
#include "muster/clock.h"
#include "muster/log.h"
#include "muster/text.h"

static void on_answer(struct mst_mail *mail)
{
	mst_xchg_resume(MST_HOME(mail, struct bulk_call, mail)->x);
}

static void answer(struct bulk_call *call)
{
	call->mail.on_mail = on_answer;
	mst_loop_post(call->back, &call->mail);
}

static void refuse(struct bulk_call *call, enum mst_code code, const char *text)
{
	call->rc = mst_fail(&call->err, code, "%s", text);
	answer(call);
}

static struct bulk_job *find(struct mst_bulk *bulk, const uint8_t *key)
{
	for (struct bulk_job *job = bulk->first; job; job = job->next)
		if (memcmp(job->record.key, key, BULK_KEY_LEN) == 0)
			return job;
	return NULL;
}

static void on_written(struct mst_batch *b)
{
	struct bulk_job *job = MST_HOME(b, struct bulk_job, batch);
	char id[BULK_ID_MAX + 1];

	mst_bulk_settle(job, b->rc < 0 ? &b->err : NULL);
	mst_bulk_move(job, b->rc < 0 ? LIFE_OVER : LIFE_WAIT);
	mst_bulk_record_id(id, &job->record);
	if (b->rc == 0)
		mst_log(INFO, "bulk job queued", mst_f_str("id", id),
			mst_f_slice("who", job->record.who),
			mst_f_u64("identities", job->record.total));
	mst_bulk_go(job->bulk);
}

/* Grows with each job, also within a millisecond: after a restart they go on in the order they came. */
static void number(struct bulk_record *record)
{
	uint64_t sequence = mst_sequence();

	for (int i = 0; i < 8; i++)
		record->key[16 + i] = (uint8_t)(sequence >> (56 - 8 * i));
	record->created_ms = record->changed_ms = mst_clock_wall_ms();
}

static void start(struct mst_bulk *bulk, struct bulk_call *call)
{
	struct bulk_job *job;
	struct mst_slice value;

	if (bulk->num_jobs >= bulk->conf.jobs_max) {
		refuse(call, MST_E_BUSY, "too many bulk jobs wait");
		return;
	}
	do
		number(call->jobs);
	while (find(bulk, call->jobs->key));
	job = mst_bulk_add(bulk, call->jobs, LIFE_WRITE);
	if (!job) {
		refuse(call, MST_E_BUSY, "out of memory");
		return;
	}
	call->next = NULL;
	job->callers = call;
	mst_batch_init(&job->batch, &job->batch_arena, bulk->app->loop, on_written);
	if (call->names.len)
		mst_bulk_record_put_names(&job->batch, job->record.key, call->names);
	if (mst_bulk_record_put(&job->batch, &value, &job->record, &job->batch.err) == 0) {
		BUG_ON(value.len > sizeof(job->raw));
		memcpy(job->raw, value.at, value.len);
		job->record.raw = mst_slice(job->raw, value.len);
		if (mst_store_commit(bulk->app->store, &job->batch, &job->batch.err) == 0)
			return;
	}
	job->batch.rc = -1;
	on_written(&job->batch);
}

static void cancel(struct mst_bulk *bulk, struct bulk_call *call)
{
	struct bulk_job *job = find(bulk, call->jobs->key);

	if (!job || job->life == LIFE_OVER || (job->life == LIFE_END && !job->is_cancelled)) {
		refuse(call, MST_E_CONFLICT, "the job is over already");
		return;
	}
	if (job->life == LIFE_WRITE) {
		refuse(call, MST_E_BUSY, "the job is being written");
		return;
	}
	call->next = job->callers;
	job->callers = call;
	job->is_cancelled = true;
	if (job->life == LIFE_WAIT)
		mst_bulk_end(bulk, job, BULK_CANCELLED);
	else if (job->life == LIFE_REST)
		mst_timer_set(bulk->app->loop, &bulk->timer, 0);
	mst_bulk_go(bulk);
}

static void look(struct mst_bulk *bulk, struct bulk_call *call)
{
	for (uint32_t i = 0; i < call->num_jobs; i++) {
		const struct bulk_job *job = find(bulk, call->jobs[i].key);
		call->live[i].word = NULL;
		if (!job || call->jobs[i].state != BULK_OPEN || job != bulk->active)
			continue;
		call->live[i].word =
			job->life == LIFE_REST && !job->is_cancelled ? "paused" : "running";
		if (job->life == LIFE_REST)
			call->live[i].why = job->err;
	}
	answer(call);
}

static void serve(struct bulk_call *call)
{
	static void (*const rows[])(struct mst_bulk * bulk, struct bulk_call * call) = {
		[BULK_CALL_START] = start,
		[BULK_CALL_CANCEL] = cancel,
		[BULK_CALL_LOOK] = look,
	};

	rows[call->kind](call->bulk, call);
}

/* Before the queue knows what the last run left, calls wait. */
static void on_call(struct mst_mail *mail)
{
	struct bulk_call *call = MST_HOME(mail, struct bulk_call, mail);

	if (call->bulk->is_scanned) {
		serve(call);
		return;
	}
	call->next = call->bulk->early;
	call->bulk->early = call;
}

void mst_bulk_serve_early(struct mst_bulk *bulk)
{
	while (bulk->early) {
		struct bulk_call *call = bulk->early;
		bulk->early = call->next;
		if (bulk->is_scanned)
			serve(call);
		else
			refuse(call, MST_E_STORE, "bulk jobs cannot be read");
	}
}

void mst_bulk_call(struct mst_bulk *bulk, struct bulk_call *call, struct mst_xchg *x)
{
	struct mst_app *app = x->app;

	call->bulk = bulk;
	call->back = app->loop;
	call->x = x;
	call->rc = 0;
	call->mail.on_mail = on_call;
	mst_loop_post(bulk->app->loop, &call->mail);
}
