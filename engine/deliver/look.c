/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of one look over loop and workers.
 *
 *   FREE > READING ~> ASKING ~> MAKING ~> POSTED ~> FREE      MAKING ~> ASKING: keys are needed that were not stored
 */
#include "deliver_own.h"
#include "muster/clock.h"
#include "muster/enroll.h"
#include "muster/log.h"
#include "muster/text.h"

#define LOOK_ROOM ((size_t)64 << 20)

static void make(struct look *look);

static void wipe(struct mst_slice secret)
{
	if (secret.len)
		mst_wipe((void *)(uintptr_t)secret.at, secret.len);
}

static void wipe_object(const struct mst_object *o)
{
	for (uint32_t i = 0; o && o->shape && i < o->shape->num_fields; i++)
		if (o->shape->fields[i].kind == MST_FIELD_SECRET)
			wipe(o->values[i].text);
}

void mst_look_done(struct look *look)
{
	for (uint32_t i = 0; i < look->num_identities; i++) {
		wipe(look->identities[i].ask.held.key);
		wipe(look->identities[i].p12);
		wipe(look->identities[i].password);
	}
	for (uint32_t i = 0; i < look->num_rows; i++)
		wipe_object(look->rows[i].object);
	look->num_identities = look->num_rows = 0;
	mst_index_let_go(&look->index);
	mst_enroll_free(&look->enroll);
	mst_arena_done(&look->arena);
}

static void end(struct look *look)
{
	mst_look_done(look);
	mst_look_ended(look);
}

static void end_later(struct look *look)
{
	mst_look_again_at(look, mst_clock_wall_ms() + DELIVER_AGAIN_MS);
	end(look);
}

static void end_bad(struct look *look, const struct mst_err *e)
{
	mst_log_peer(WARN, "a device's settings are looked at again later", mst_f_slice("device", look->detail.text), mst_f_code(e),
		     mst_f_err(e));
	mst_look_again_at(look, mst_clock_wall_ms() + DELIVER_BAD_MS);
	end(look);
}

/* What the device holds that no setting of it refers to any more. */
static void take_away(struct look *look)
{
	if (look->index != look->deliver->index) {
		look->is_again = true; /* what the newer catalog wants is not known here */
		return;
	}
	for (uint32_t i = 0; i < look->num_held; i++) {
		bool is_used = false;

		for (uint32_t k = 0; k < look->num_identities; k++)
			is_used |= memcmp(look->identities[k].enrollment.id, look->held[i], 16) == 0;
		if (!is_used)
			mst_keeper_remove(look->deliver->app->keeper, &look->id, look->held[i], "engine");
	}
}

static void on_committed(struct mst_batch *b)
{
	struct look *look = MST_HOME(b, struct look, batch);

	if (b->rc < 0) {
		if (b->err.code == MST_E_CONFLICT)
			end_later(look);
		else
			end_bad(look, &b->err);
		return;
	}
	if (look->is_pushed)
		mst_kick(look->deliver->app->kick, look->push.due_ms);
	if (look->takes_away)
		take_away(look);
	end(look);
}

static void post(struct look *look)
{
	if (look->batch.num_changes == 0 && !look->batch.is_short) {
		if (look->takes_away)
			take_away(look);
		end(look);
		return;
	}
	look->state = LOOK_POSTED;
	if (mst_store_commit(look->deliver->app->store, &look->batch, &look->err) < 0)
		end_bad(look, &look->err);
}

/* Identities. */

static void on_told(struct mst_identity_ask *ask)
{
	struct look *look = MST_HOME(ask, struct look_identity, ask)->look;

	if (--look->num_asked == 0)
		make(look);
}

static void ask_one(struct look *look, struct look_identity *identity, bool needs_key)
{
	bool is_early = !identity->is_used;

	if (identity->is_asked)
		wipe(identity->ask.held.key);
	identity->look = look;
	identity->is_asked = true;
	identity->ask = (struct mst_identity_ask){
		.app = look->deliver->app,
		.enrollment = &identity->enrollment,
		.device = &look->detail,
		.user = look->has_user ? &look->user : NULL,
		.setting = identity->setting,
		.setting_uuid = identity->setting_uuid,
		.is_per_setting = !mst_render_keeps_certificates(&look->detail),
		.is_early = is_early,
		.needs_key = needs_key,
		.arena = &look->arena,
		.on_told = on_told,
	};
	look->num_asked++;
	if (mst_identity_ask(&identity->ask, &identity->ask.err) == 0)
		return;
	look->num_asked--;
	identity->ask.rc = 0; /* the workers are full */
	identity->ask.held.due_ms = look->now_ms + DELIVER_AGAIN_MS;
}

static void ask_all(struct look *look)
{
	look->state = LOOK_ASKING;
	look->num_asked = 1; /* until all are asked */
	for (uint32_t i = 0; i < look->num_identities; i++)
		if (look->identities[i].is_wanted && !look->identities[i].is_asked)
			ask_one(look, &look->identities[i], false);
	if (--look->num_asked == 0)
		make(look);
}

static void ask_keys(struct look *look)
{
	look->has_asked_keys = true;
	look->needs_keys = false;
	look->state = LOOK_ASKING;
	look->num_asked = 1;
	for (uint32_t i = 0; i < look->num_identities; i++) {
		struct look_identity *identity = &look->identities[i];

		if (identity->has_key)
			continue;
		identity->has_key = true;
		ask_one(look, identity, true);
	}
	if (--look->num_asked == 0)
		make(look);
}

/* Rendering. */

static void run_make(struct mst_job *job)
{
	struct look *look = MST_HOME(job, struct look, job);

	look->rc = mst_send_make(look);
}

static void on_made(struct mst_job *job)
{
	struct look *look = MST_HOME(job, struct look, job);

	mst_enroll_free(&look->enroll);
	if (look->rc < 0)
		end_bad(look, &look->err);
	else if (look->needs_keys)
		ask_keys(look);
	else
		post(look);
}

static void make(struct look *look)
{
	struct mst_app *app = look->deliver->app;

	look->state = LOOK_MAKING;
	if (app->enroll)
		look->enroll = mst_enroll_take(app->enroll);
	mst_batch_init(&look->batch, &look->arena, app->loop, on_committed);
	look->job = (struct mst_job){.home = app->loop, .run = run_make, .on_ran = on_made};
	if (mst_work_post(app->work, MST_LANE_BULK, &look->job, &look->err) < 0)
		end_later(look);
}

/* Reading. */

static void run_read(struct mst_job *job)
{
	struct look *look = MST_HOME(job, struct look, job);

	look->read = (struct mst_read){.arena = &look->arena, .plan = mst_reconcile_plan};
	(void)!mst_store_read_here(look->deliver->app->store, &look->read);
}

static void on_read(struct mst_job *job)
{
	struct look *look = MST_HOME(job, struct look, job);

	if (look->read.rc < 0)
		end_bad(look, &look->read.err);
	else if (!look->has_detail || (look->num_rows == 0 && !look->detail.is_retired))
		end(look);
	else
		ask_all(look);
}

static void begin(struct look *look)
{
	struct mst_app *app = look->deliver->app;

	look->state = LOOK_READING;
	look->job = (struct mst_job){.home = app->loop, .run = run_read, .on_ran = on_read};
	/* A full lane: the line is worked on when this device is due again. */
	if (mst_work_post(app->work, MST_LANE_BULK, &look->job, &look->err) < 0)
		end_later(look);
}

void mst_look_begin(struct look *look)
{
	struct mst_deliver *deliver = look->deliver;
	struct mst_id id = look->id;

	*look = (struct look){.deliver = deliver, .id = id, .now_ms = mst_clock_wall_ms()};
	mst_arena_init(&look->arena, NULL, LOOK_ROOM);
	look->index = mst_index_take(deliver->index);
	begin(look);
}
