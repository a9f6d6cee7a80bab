/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a waiting command out of a queue. */
#include "muster/clock.h"
#include "own.h"

struct cancel {
	struct mst_xchg *x;
	struct mst_app *app;
	struct api_id who;
	struct mst_slice uuid;
	struct mst_read read;
	struct mst_batch batch;
	struct mst_device device;
	struct mst_command command;
	bool is_known;
	int64_t now_ms;
};

static int plan(struct mst_read *r)
{
	struct cancel *c = MST_HOME(r, struct cancel, read);
	int rc = mst_record_known(r, &c->device, &c->who.device_id);

	if (rc < 0 || rc == MST_LATER)
		return rc;
	rc = mst_command_get(r, &c->command, &c->who.id, c->uuid);
	return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "unknown command") : rc == 1 ? 0 : rc;
}

static void on_read(struct mst_read *r)
{
	mst_xchg_resume(MST_HOME(r, struct cancel, read)->x);
}

static void on_committed(struct mst_batch *b)
{
	mst_xchg_resume(MST_HOME(b, struct cancel, batch)->x);
}

enum mst_step mst_api_cancel_look(struct mst_xchg *x)
{
	struct cancel *c = mst_arena_zero(&x->arena, sizeof(*c));
	int rc;

	if (!c)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	*c = (struct cancel){.x = x, .app = x->app, .now_ms = mst_clock_wall_ms()};
	x->state = c;
	if (mst_path_who(x, &c->who) < 0 || mst_path_uuid(x, &c->uuid) < 0)
		return mst_xchg_fail(x);
	c->read = (struct mst_read){.arena = &x->arena, .plan = plan, .on_read = on_read};
	rc = mst_store_read(c->app->store, &c->read, c->app->loop, &x->err);
	return rc < 0 ? mst_xchg_fail(x) : rc ? STEP_NEXT : STEP_WAIT;
}

enum mst_step mst_api_cancel_apply(struct mst_xchg *x)
{
	struct cancel *c = x->state;

	if (c->read.rc < 0) {
		x->err = c->read.err;
		return mst_xchg_fail(x);
	}
	if (mst_command_is_over(c->command.state))
		return mst_xchg_refuse(x, MST_E_CONFLICT, "the command is over already");
	mst_batch_init(&c->batch, &x->arena, c->app->loop, on_committed);
	mst_queue_end(&c->batch, &c->command, MST_COMMAND_CANCELLED, c->now_ms);
	mst_history_add(&c->batch, &c->who.id,
			&(struct mst_history){.at_ms = c->now_ms,
					      .event = MST_EVENT_CANCELLED,
					      .who = mst_slice_str(x->who),
					      .detail = c->uuid});
	return mst_store_commit(c->app->store, &c->batch, &x->err) < 0 ? mst_xchg_fail(x) : STEP_WAIT;
}

enum mst_step mst_api_cancel_answer(struct mst_xchg *x)
{
	struct cancel *c = x->state;
	struct mst_json j;

	if (c->batch.rc < 0) {
		x->err = c->batch.err;
		return mst_xchg_fail(x);
	}
	c->command.state = MST_COMMAND_CANCELLED;
	c->command.changed_ms = c->now_ms;
	mst_json_begin(&j, &x->arena);
	mst_json_open(&j, NULL);
	mst_record_command(&j, &c->command, &c->device);
	mst_json_close(&j);
	return mst_query_answer(x, 200, &j);
}
