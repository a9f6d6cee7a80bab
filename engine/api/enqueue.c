/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues one command for many enrolments, with a push for each, or the pushes alone. Each is a partition and gets a batch of its
 * own: some may fail while others are durable, and the answer says which. Ids whose device changed between look and apply are OPEN
 * still and go the round again.
 */
#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"
#include "muster/outbox.h"
#include "muster/plist.h"
#include "muster/text.h"
#include "own.h"

#define IDS_MAX 4096 /* more than a request line holds */
#define NAME_MAX_LEN 128 /* of a RequestType */
/* What a batch takes beside the command, and how often the command is copied on its way (record, batch). */
#define BATCH_ROOM 6144
#define COPIES 5

static const struct mst_plist_limits limits = {MST_COMMAND_MAX, 32, 200000};

enum target_state {
	TARGET_OPEN,   /* to be looked at and applied */
	TARGET_POSTED, /* its batch is with the store */
	TARGET_DONE,   /* durable */
	TARGET_FAILED, /* `error` says why */
};

struct enqueue;
struct target {
	struct enqueue *enqueue;
	enum target_state state;
	struct api_id who;
	const char *error;      /* constant: why there is no command, or no push when that is all that was asked */
	const char *push_error; /* constant: why there is no push */
	struct mst_device device;
	struct mst_push_due due; /* what the batch holds when there is no push_error */
	struct mst_batch batch;
};

struct enqueue {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_read read;
	struct mst_slice uuid, request_type;
	bool has_command; /* else only pushes are asked for */
	bool is_nopush, has_read;
	int64_t due_ms;   /* of the pushes of this round */
	bool is_store_down; /* at least one failed for the store's sake */
	uint32_t num_targets, num_out;
	struct target *targets;
};

static void fail(struct target *t, const char *error)
{
	t->state = TARGET_FAILED;
	t->error = error;
}

/* The store is busy or broken: not the id's fault, and no reason to take back what is durable already. */
static void fail_for_store(struct target *t)
{
	t->enqueue->is_store_down = true;
	fail(t, "the store is not available");
}

static void fail_open(struct enqueue *q)
{
	for (uint32_t i = 0; i < q->num_targets; i++)
		if (q->targets[i].state == TARGET_OPEN)
			fail_for_store(&q->targets[i]);
}

static bool is_name(struct mst_slice s, size_t len_max)
{
	if (s.len == 0 || s.len > len_max || !mst_utf8_ok(s))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < 0x20 || s.at[i] == 0x7f)
			return false;
	return true;
}

/* What is needed of the command; the whole goes to the device as it came. */
static int command_read(struct enqueue *q, const struct mst_plist *root)
{
	struct mst_xchg *x = q->x;
	const struct mst_plist *command;
	struct mst_slice uuid, type;

	if (mst_plist_text0(root, &uuid, "CommandUUID", &x->err) < 0 ||
	    mst_plist_dict0(root, &command, "Command", &x->err) < 0)
		return -1;
	if (!is_name(uuid, MST_UUID_MAX))
		return mst_fail(&x->err, MST_E_SYNTAX, "a command needs a CommandUUID of 1 to %d printable bytes", MST_UUID_MAX);
	if (!command)
		return mst_fail(&x->err, MST_E_SYNTAX, "a command needs a Command dictionary");
	if (mst_plist_text0(command, &type, "RequestType", &x->err) < 0)
		return -1;
	if (!is_name(type, NAME_MAX_LEN))
		return mst_fail(&x->err, MST_E_SYNTAX, "a command needs a RequestType of 1 to %d printable bytes", NAME_MAX_LEN);
	if (!mst_arena_copy(&x->arena, &q->uuid, uuid) || !mst_arena_copy(&x->arena, &q->request_type, type))
		return mst_fail(&x->err, MST_E_BUSY, "out of memory");
	return 0;
}

static int body_read(struct enqueue *q)
{
	const struct mst_plist *root;

	if (q->x->in.body.len == 0)
		return mst_fail(&q->x->err, MST_E_SYNTAX, "no command in the body");
	if (mst_plist_parse(&root, &q->x->arena, q->x->in.body, &limits, &q->x->err) < 0)
		return -1;
	return command_read(q, root);
}

static bool is_twice(const struct enqueue *q, const struct mst_id *id)
{
	for (uint32_t i = 0; i < q->num_targets; i++)
		if (memcmp(&q->targets[i].who.id, id, sizeof(*id)) == 0)
			return true;
	return false;
}

/* An id that is none fails alone: the others are queued. One that is named twice counts once. */
static int target_read(struct enqueue *q, struct mst_slice raw)
{
	struct target *t = &q->targets[q->num_targets];
	struct mst_xchg *x = q->x;

	*t = (struct target){.enqueue = q, .state = TARGET_OPEN};
	if (mst_path_decode(x, &t->who.text, raw) == 0 && mst_path_id(x, &t->who, t->who.text) == 0) {
		q->num_targets += !is_twice(q, &t->who.id);
		return 0;
	}
	if (x->err.code != MST_E_SYNTAX)
		return -1;
	x->err = (struct mst_err){.code = MST_E_NONE};
	if (!t->who.text.at)
		t->who.text = raw;
	fail(t, "not an enrollment id");
	q->num_targets++;
	return 0;
}

static int targets_read(struct enqueue *q)
{
	struct mst_slice raw = mst_path_raw0(q->x, 2), part, rest = raw;
	size_t num = 1;
	bool is_more = true;

	for (size_t i = 0; i < raw.len; i++)
		num += raw.at[i] == ',';
	if (num > IDS_MAX || num * (COPIES * q->x->in.body.len + BATCH_ROOM) > API_ROOM - (1u << 20))
		return mst_fail(&q->x->err, MST_E_TOO_BIG, "too many ids for a command of this size: use several calls");
	q->targets = mst_arena_get(&q->x->arena, num * sizeof(*q->targets));
	if (!q->targets)
		return mst_fail(&q->x->err, MST_E_BUSY, "out of memory");
	while (is_more) {
		is_more = mst_slice_cut(&part, &rest, rest, ',');
		if (target_read(q, part) < 0)
			return -1;
	}
	return 0;
}

static struct enqueue *enqueue_new(struct mst_xchg *x)
{
	struct enqueue *q;

	if (x->arena.limit < API_ROOM)
		x->arena.limit = API_ROOM;
	q = mst_arena_zero(&x->arena, sizeof(*q));
	if (!q)
		return NULL;
	q->x = x;
	q->app = x->app;
	x->state = q;
	return q;
}

enum mst_step mst_api_enqueue_decode(struct mst_xchg *x)
{
	struct enqueue *q = enqueue_new(x);
	struct mst_slice word;

	if (!q)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	q->has_command = true;
	q->is_nopush = !q->app->kick || (mst_xchg_query(x, &word, MST_S("nopush")) && !mst_slice_eq(word, MST_S("0")));
	return body_read(q) < 0 || targets_read(q) < 0 ? mst_xchg_fail(x) : STEP_NEXT;
}

enum mst_step mst_api_push_decode(struct mst_xchg *x)
{
	struct enqueue *q = enqueue_new(x);

	if (!q)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	if (!q->app->kick)
		return mst_xchg_refuse(x, MST_E_CONFLICT, "pushes are switched off ([push] enabled)");
	return targets_read(q) < 0 ? mst_xchg_fail(x) : STEP_NEXT;
}

/* The channel: a user's must be there, and to be pushed it needs a token. 1, 0, -1, MST_LATER. */
static int look_at_channel(struct mst_read *r, struct target *t)
{
	bool is_device = mst_id_is_device(&t->who.id);
	struct mst_channel channel;
	int rc;

	if (t->enqueue->is_nopush)
		return is_device ? 1 : mst_read_has(r, MST_SPACE_CHANNEL, mst_id_key(&t->who.id));
	rc = mst_channel_get(r, &channel, &t->who.id, NULL);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	t->push_error = rc == 1 && mst_channel_is_live(&channel, &t->device) ? NULL : "no push token";
	return is_device ? 1 : rc;
}

/* 0, -1, MST_LATER; what is wrong with the id itself is the target's error. */
static int look_at(struct mst_read *r, struct target *t)
{
	struct enqueue *q = t->enqueue;
	struct mst_command command;
	int rc = mst_device_get(r, &t->device, &t->who.device_id);

	t->error = NULL;
	if (rc == 1 && t->device.state == MST_DEVICE_CHECKED_OUT) {
		t->error = "enrollment has checked out";
		return 0;
	}
	if (rc == 1)
		rc = look_at_channel(r, t);
	if (rc == 0)
		t->error = "unknown enrollment";
	if (rc == 1 && !q->has_command)
		t->error = t->push_error;
	if (rc != 1 || !q->has_command)
		return rc == 1 ? 0 : rc;
	rc = mst_command_get(r, &command, &t->who.id, q->uuid);
	if (rc == 1)
		t->error = "command uuid already used";
	return rc == 1 ? 0 : rc;
}

static int plan(struct mst_read *r)
{
	struct enqueue *q = MST_HOME(r, struct enqueue, read);

	for (uint32_t i = 0; i < q->num_targets; i++) {
		int rc = q->targets[i].state == TARGET_OPEN ? look_at(r, &q->targets[i]) : 0;
		if (rc != 0)
			return rc;
	}
	return 0;
}

static void on_read(struct mst_read *r)
{
	mst_xchg_resume(MST_HOME(r, struct enqueue, read)->x);
}

static bool is_pushed(const struct target *t)
{
	return !t->enqueue->is_nopush && !t->push_error;
}

/* A target whose batch met a change is open again; any other failure is its end. */
static void settle(struct enqueue *q)
{
	bool is_due = false;

	for (uint32_t i = 0; i < q->num_targets; i++) {
		struct target *t = &q->targets[i];
		if (t->state != TARGET_POSTED)
			continue;
		if (t->batch.rc == 0)
			t->state = TARGET_DONE;
		else if (t->batch.err.code == MST_E_CONFLICT)
			t->state = TARGET_OPEN;
		else
			fail_for_store(t);
		is_due |= t->state == TARGET_DONE && is_pushed(t);
	}
	if (is_due)
		mst_kick(q->app->kick, q->due_ms);
}

static bool has_open(const struct enqueue *q)
{
	for (uint32_t i = 0; i < q->num_targets; i++)
		if (q->targets[i].state == TARGET_OPEN)
			return true;
	return false;
}

enum mst_step mst_api_enqueue_look(struct mst_xchg *x)
{
	struct enqueue *q = x->state;
	int rc;

	settle(q);
	q->has_read = has_open(q);
	if (!q->has_read)
		return STEP_NEXT;
	q->read = (struct mst_read){.arena = &x->arena, .plan = plan, .on_read = on_read};
	rc = mst_store_read(q->app->store, &q->read, q->app->loop, &x->err);
	if (rc < 0)
		q->read.rc = -1;
	return rc ? STEP_NEXT : STEP_WAIT;
}

static void on_committed(struct mst_batch *b)
{
	struct enqueue *q = MST_HOME(b, struct target, batch)->enqueue;
	if (--q->num_out == 0)
		mst_xchg_resume(q->x);
}

static void put_command(struct target *t, int64_t now_ms)
{
	struct enqueue *q = t->enqueue;
	struct mst_xchg *x = q->x;
	struct mst_slice detail = q->uuid;

	mst_queue_add(&t->batch, &t->who.id, t->device.epoch, q->uuid, q->request_type, x->in.body, now_ms);
	if (!mst_arena_format(&x->arena, &detail, "%s %s", (const char *)q->uuid.at, (const char *)q->request_type.at))
		t->batch.is_short = true;
	mst_history_add(&t->batch, &t->who.id,
			&(struct mst_history){.at_ms = now_ms,
					      .event = MST_EVENT_QUEUED,
					      .who = mst_slice_str(x->who),
					      .detail = detail});
}

static void put_push(struct target *t, int64_t now_ms)
{
	enum mst_push_cause cause = t->enqueue->has_command ? MST_PUSH_COMMAND : MST_PUSH_OPERATOR;

	mst_push_due_make(&t->due, &t->who.id, cause, now_ms);
	mst_outbox_put(&t->batch, &t->due);
}

static void post(struct target *t, int64_t now_ms)
{
	struct enqueue *q = t->enqueue;

	mst_batch_init(&t->batch, &q->x->arena, q->app->loop, on_committed);
	/* An enrolment that begins anew in between would never see the command. */
	mst_batch_require_same(&t->batch, MST_SPACE_DEVICE, mst_id_device_key(&t->who.device_id), t->device.raw);
	if (q->has_command)
		put_command(t, now_ms);
	if (is_pushed(t))
		put_push(t, now_ms);
	if (mst_store_commit(q->app->store, &t->batch, &q->x->err) < 0) {
		fail_for_store(t);
		return;
	}
	t->state = TARGET_POSTED;
	q->num_out++;
}

enum mst_step mst_api_enqueue_apply(struct mst_xchg *x)
{
	struct enqueue *q = x->state;
	int64_t now_ms = mst_clock_wall_ms();

	if (!q->has_read)
		return STEP_NEXT;
	q->due_ms = now_ms;
	if (q->read.rc < 0)
		fail_open(q);
	for (uint32_t i = 0; i < q->num_targets; i++) {
		struct target *t = &q->targets[i];
		if (t->state == TARGET_OPEN && t->error)
			fail(t, t->error);
		else if (t->state == TARGET_OPEN)
			post(t, now_ms);
	}
	return q->num_out ? STEP_WAIT : STEP_NEXT;
}

/* As NanoMDM answers: all, some, none. None for the store's sake is worth another try. */
static int status_of(struct mst_xchg *x, const struct enqueue *q, uint32_t num_done, uint32_t num_unpushed)
{
	if (num_done > 0)
		return num_done == q->num_targets && num_unpushed == 0 ? 200 : 207;
	if (!q->is_store_down)
		return 500;
	x->out.retry_after_s = 5;
	return 503;
}

static void tell_target(struct mst_json *j, const struct target *t)
{
	bool is_done = t->state == TARGET_DONE;
	char apns_id[MST_APNS_ID_ROOM];

	mst_json_open_named(j, t->who.text);
	if (!is_done)
		mst_json_text(j, t->enqueue->has_command ? "command_error" : "push_error",
			      mst_slice_str(t->error ? t->error : "the device changed meanwhile: try again"));
	else if (t->push_error)
		mst_json_text(j, "push_error", mst_slice_str(t->push_error));
	if (is_done && is_pushed(t)) {
		mst_apns_id_put(apns_id, t->due.apns_id);
		mst_json_text(j, "push_result", mst_slice_str(apns_id));
	}
	mst_json_close(j);
}

static void log_end(const struct enqueue *q, uint32_t num_done, uint32_t num_unpushed)
{
	const struct mst_xchg *x = q->x;

	if (q->has_command)
		mst_log(INFO, "command queued", mst_f_u64("exchange", x->id), mst_f_str("who", x->who),
			mst_f_slice("uuid", q->uuid), mst_f_slice("type", q->request_type), mst_f_u64("ids", q->num_targets),
			mst_f_u64("queued", num_done), mst_f_u64("pushed", q->is_nopush ? 0 : num_done - num_unpushed));
	else
		mst_log(INFO, "push asked for", mst_f_u64("exchange", x->id), mst_f_str("who", x->who),
			mst_f_u64("ids", q->num_targets), mst_f_u64("pushed", num_done));
}

static void tell_command(struct mst_json *j, const struct enqueue *q)
{
	mst_json_text(j, "command_uuid", q->uuid);
	mst_json_text(j, "request_type", q->request_type);
	if (q->is_nopush)
		mst_json_bool(j, "no_push", true);
}

enum mst_step mst_api_enqueue_answer(struct mst_xchg *x)
{
	struct enqueue *q = x->state;
	uint32_t num_done = 0, num_unpushed = 0;
	struct mst_json j;

	settle(q);
	mst_json_begin(&j, &x->arena);
	mst_json_open(&j, NULL);
	mst_json_open(&j, "status");
	for (uint32_t i = 0; i < q->num_targets; i++) {
		const struct target *t = &q->targets[i];
		num_done += t->state == TARGET_DONE;
		num_unpushed += t->state == TARGET_DONE && t->push_error;
		tell_target(&j, t);
	}
	mst_json_close(&j);
	if (q->has_command)
		tell_command(&j, q);
	mst_json_close(&j);
	if (q->has_command)
		mst_count(MST_C_COMMANDS_QUEUED, num_done);
	log_end(q, num_done, num_unpushed);
	return mst_query_answer(x, status_of(x, q, num_done, num_unpushed), &j);
}
