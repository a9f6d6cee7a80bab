/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages of the command channel: read what the device says, look up who it is, store its report, offer the next command.
 * A poll (Idle) costs one plan of three reads and writes nothing.
 */
#include "muster/count.h"
#include "muster/log.h"
#include "muster/outbox.h"
#include "own.h"

/* Longer reports (lists of profiles, applications, certificates) would hold up the loop: a worker reads them. */
#define LONG_REPORT 65536u
#define TYPE_BINARY "application/x-plist"

struct mdm_decode {
	struct mst_job job;
	struct mdm_state *s;
	struct mst_arena arena; /* the worker's, until it is home */
	int rc;
};

static const struct mdm_status_row *status_find(struct mst_slice name)
{
	for (size_t i = 0; i < mst_command_num_rows; i++)
		if (mst_slice_eq(mst_slice_str(mst_command_rows[i].name), name))
			return &mst_command_rows[i];
	return NULL;
}

static void on_worker(struct mst_job *job)
{
	struct mdm_decode *d = MST_HOME(job, struct mdm_decode, job);
	struct mdm_state *s = d->s;
	struct mst_arena tree;

	mst_arena_init(&tree, NULL, mst_plist_room(s->x->in.body.len, &mst_plist_limits_device));
	d->rc = mst_command_read(&s->message, &d->arena, &tree, s->x->in.body, s->app->report_max, &s->x->err);
	mst_arena_done(&tree);
}

static void on_ran(struct mst_job *job)
{
	struct mdm_decode *d = MST_HOME(job, struct mdm_decode, job);
	mst_arena_adopt(&d->s->x->arena, &d->arena);
	mst_xchg_resume(d->s->x);
}

static enum mst_step decode_on_worker(struct mdm_state *s)
{
	struct mst_xchg *x = s->x;
	struct mdm_decode *d = mst_arena_zero(&x->arena, sizeof(*d));

	if (!d)
		return mst_xchg_refuse(s->x, MST_E_BUSY, "out of memory for a message");
	d->s = s;
	d->job = (struct mst_job){.home = s->app->loop, .run = on_worker, .on_ran = on_ran};
	mst_arena_init(&d->arena, NULL, x->in.body.len);
	s->decode = d;
	return mst_work_post(s->app->work, MST_LANE_FAST, &d->job, &x->err) < 0 ? mst_xchg_fail(s->x) : STEP_WAIT;
}

enum mst_step mst_command_decode(struct mst_xchg *x)
{
	struct mdm_state *s = mst_mdm_state(x);

	if (x->in.body.len > LONG_REPORT)
		return decode_on_worker(s);
	if (mst_command_read(&s->message, &x->arena, &x->arena, x->in.body, s->app->report_max, &x->err) < 0)
		return mst_xchg_fail(s->x);
	return STEP_NEXT;
}

/* 0, -1 with x->err. */
static int message_check(struct mdm_state *s)
{
	struct mdm_message *m = &s->message;
	struct mst_xchg *x = s->x;

	if (mst_enrolment_find(&s->who, &m->ids, &x->err) < 0)
		return -1;
	x->who = (const char *)s->who.device.at;
	s->status = status_find(m->status);
	if (!s->status)
		return mst_fail(&x->err, MST_E_SYNTAX, "unknown Status");
	if (s->status->kind != STATUS_IDLE && m->uuid.len == 0)
		return mst_fail(&x->err, MST_E_SYNTAX, "no CommandUUID");
	return 0;
}

static int peek(struct mdm_state *s, struct mst_read *r)
{
	int rc = mst_queue_peek(r, &s->next_uuid, &s->next_plist, &s->who.id, s->facts.device.epoch, s->now_ms,
				s->skip_since_ms);
	s->has_next = rc == 1;
	return rc == 1 ? 0 : rc;
}

/* A device that answered what was asked of it; users' channels say nothing of the device that it does not say itself. */
static bool has_inventory(const struct mdm_state *s)
{
	return s->message.has_inventory && s->status->state == MST_COMMAND_ACKNOWLEDGED && mst_enrolment_is_device(&s->who);
}

/* 1, -1, MST_LATER. */
static int report_look(struct mdm_state *s, struct mst_read *r)
{
	int rc = 0;

	s->report = NULL;
	if (s->status->kind == STATUS_OVER && !mst_command_is_over(s->command.state))
		rc = s->app->reports->look(r, &s->report, s->app, &s->who.id, s->message.uuid);
	return rc < 0 || rc == MST_LATER ? rc : 1;
}

static int look_plan(struct mst_read *r)
{
	struct mdm_state *s = MST_HOME(r, struct mdm_state, read);
	int rc = mst_identity_read(r, &s->facts, &s->peer, &s->who.device_id);

	s->has_next = s->has_command = false;
	if (rc < 0 || rc == MST_LATER)
		return rc;
	s->verdict = mst_identity_judge(&s->facts, &s->peer, &s->who.device_id, OCCASION_OTHER,
					s->app->takes_unknown_certificate);
	if (s->verdict != VERDICT_GOOD && s->verdict != VERDICT_REBIND)
		return 0;
	if (s->status->kind == STATUS_IDLE)
		return peek(s, r);
	rc = mst_command_get(r, &s->command, &s->who.id, s->message.uuid);
	s->has_command = rc == 1;
	if (rc == 1 && s->app->reports)
		rc = report_look(s, r);
	if (s->has_command && rc == 1 && has_inventory(s))
		return mst_inventory_look(s, r);
	return rc == 1 ? 0 : rc;
}

enum mst_step mst_command_look(struct mst_xchg *x)
{
	struct mdm_state *s = mst_mdm_state(x);

	if (s->decode && s->decode->rc < 0)
		return mst_xchg_fail(s->x);
	if (message_check(s) < 0)
		return mst_xchg_fail(s->x);
	s->skip_since_ms = s->status->kind == STATUS_IDLE ? INT64_MAX : mst_session_since(x, &s->who.id);
	return mst_mdm_read(s, look_plan);
}

static int report_put(struct mdm_state *s)
{
	bool is_done = s->status->state == MST_COMMAND_ACKNOWLEDGED;
	struct mst_slice reason = s->message.first_error.len ? s->message.first_error : s->message.status;

	return s->report ? s->app->reports->put(&s->batch, s->app, s->report, is_done, reason, s->now_ms, &s->x->err) : 0;
}

static void report_over(struct mdm_state *s)
{
	const struct mst_result result = {
		.uuid = s->message.uuid,
		.status = s->message.status,
		.at_ms = s->now_ms,
		.body = s->x->in.body,
	};
	struct mst_slice detail = s->message.uuid;

	mst_result_put(&s->batch, &s->who.id, &result);
	mst_queue_end(&s->batch, &s->command, s->status->state, s->now_ms);
	if (!mst_arena_format(&s->x->arena, &detail, "%.*s %s%s%s", (int)s->message.uuid.len,
			      (const char *)s->message.uuid.at, s->status->name, s->message.first_error.len ? " " : "",
			      s->message.first_error.len ? (const char *)s->message.first_error.at : ""))
		s->batch.is_short = true;
	mst_history_add(&s->batch, &s->who.id,
			&(struct mst_history){.at_ms = s->now_ms,
					      .event = MST_EVENT_ANSWERED,
					      .who = MST_S("device"),
					      .detail = detail});
}

/*
 * Apple's rule ("Handling NotNow status responses"): a device polls again by itself only when NotNow was the last thing it said. One
 * that says something else later in its session wants to be pushed again. Whether that was its last word nobody knows: the push
 * comes a while later, and only when something waits then.
 */
static void push_again(struct mdm_state *s)
{
	struct mst_push_due due;

	if (!s->app->kick || !mst_session_is_refused(s->x, &s->who.id))
		return;
	s->push_ms = s->now_ms + (int64_t)s->app->not_now_s * 1000;
	mst_push_due_make(&due, &s->who.id, MST_PUSH_NOT_NOW, s->push_ms);
	mst_outbox_put(&s->batch, &due);
}

/* A device that is known by a certificate that is not: its record is written with the new one. */
static void identity_put(struct mdm_state *s)
{
	struct mst_device d = s->facts.has_device ? s->facts.device : mst_enrolment_device(&s->who);

	d.updated_ms = s->now_ms;
	mst_identity_write(&s->batch, &d, &s->facts, &s->peer, s->verdict, s->now_ms);
	mst_device_put(&s->batch, &d);
}

/* The device said it before and did not hear our answer, or talks of a command that was never here: nothing to store. */
static void count_again(const struct mdm_state *s)
{
	mst_count(MST_C_REPORTS_AGAIN, 1);
	if (!s->has_command)
		mst_log_peer(INFO, "report of an unknown command", mst_f_u64("exchange", s->x->id),
			     mst_f_slice("device", s->who.device), mst_f_slice("uuid", s->message.uuid));
}

enum mst_step mst_command_report(struct mst_xchg *x)
{
	struct mdm_state *s = mst_mdm_state(x);
	bool is_idle, is_new, is_bound;

	if (s->read.rc < 0) {
		x->err = s->read.err;
		return mst_xchg_fail(s->x);
	}
	if (mst_mdm_judged(s) < 0)
		return STEP_REPLY;
	is_idle = s->status->kind == STATUS_IDLE;
	is_new = !is_idle && s->has_command && !mst_command_is_over(s->command.state);
	is_bound = s->verdict == VERDICT_GOOD;
	if (is_idle)
		mst_session_begin(x, &s->who.id, s->now_ms);
	else if (!is_new)
		count_again(s);
	if (is_bound && !is_new)
		return STEP_NEXT;
	mst_mdm_batch(s);
	if (!is_bound)
		identity_put(s);
	if (is_new && s->status->kind == STATUS_OVER) {
		report_over(s);
		push_again(s);
		if (report_put(s) < 0 || (has_inventory(s) && mst_inventory_keep(s, false) < 0))
			return mst_xchg_fail(x);
	}
	if (is_new && s->status->kind == STATUS_NOT_NOW)
		mst_queue_not_now(&s->batch, &s->command, mst_session_not_now(x, &s->who.id, s->now_ms));
	return mst_mdm_commit(s);
}

static int next_plan(struct mst_read *r)
{
	return peek(MST_HOME(r, struct mdm_state, read), r);
}

enum mst_step mst_command_next_up(struct mst_xchg *x)
{
	struct mdm_state *s = mst_mdm_state(x);

	if (mst_mdm_committed(s) < 0)
		return STEP_REPLY;
	mst_inventory_tell(s);
	if (s->report && s->has_batch)
		s->app->reports->home(s->app, &s->who.device_id);
	if (s->push_ms) {
		mst_session_forget(x, &s->who.id);
		mst_kick(s->app->kick, s->push_ms);
	}
	if (s->verdict != VERDICT_GOOD)
		mst_log_peer(INFO, "certificate bound anew", mst_f_slice("device", s->who.device),
			     mst_f_str("name", s->peer.name),
			     mst_f_hex("certificate", mst_slice(s->peer.sha256, sizeof(s->peer.sha256))));
	if (s->status->kind == STATUS_IDLE) {
		mst_count(MST_C_IDLES, 1);
		return STEP_NEXT;
	}
	if (s->has_batch && s->has_command)
		mst_count(MST_C_REPORTS, 1);
	return mst_mdm_read(s, next_plan);
}

enum mst_step mst_command_offer(struct mst_xchg *x)
{
	struct mdm_state *s = mst_mdm_state(x);
	const char *type = MST_PLIST_TYPE;

	if (s->read.rc < 0) {
		x->err = s->read.err;
		return mst_xchg_fail(s->x);
	}
	mst_seen_mark(s->app->seen, &s->who.device_id);
	if (!s->has_next)
		return mst_xchg_answer(x, 200, NULL, (struct mst_slice){NULL, 0});
	mst_count(MST_C_COMMANDS_SENT, 1);
	if (mst_slice_starts(s->next_plist, MST_S("bplist00")))
		type = TYPE_BINARY;
	return mst_xchg_answer(x, 200, type, s->next_plist);
}
