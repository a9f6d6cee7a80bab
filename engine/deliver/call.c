/* SPDX-License-Identifier: Apache-2.0 */
/* Operators' turns on deliveries: one request each on a worker, and what is told afterwards. */
#include "call_own.h"
#include "muster/log.h"
#include "muster/text.h"

#define ROOM ((size_t)32 << 20)

struct deliver_ask *mst_deliver_ask_new(struct mst_xchg *x)
{
	struct deliver_ask *ask;

	if (x->arena.limit < ROOM)
		x->arena.limit = ROOM;
	ask = mst_arena_zero(&x->arena, sizeof *ask);
	if (!ask) {
		mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
		return NULL;
	}
	ask->x = x;
	ask->app = x->app;
	ask->status = 200;
	x->state = ask;
	return ask;
}

/* From the target as it was sent: a name may hold an escaped slash. */
static int part_of(struct deliver_ask *ask, struct mst_slice *out, size_t n)
{
	struct mst_slice path, part = {NULL, 0}, rest;
	struct mst_xchg *x = ask->x;
	bool is_more;
	uint8_t *place;
	size_t len;

	(void)mst_slice_cut(&path, &part, x->in.target, '?');
	is_more = mst_slice_cut(&part, &rest, path, '/');
	for (size_t i = 0; is_more && i <= n; i++)
		is_more = mst_slice_cut(&part, &rest, rest, '/');
	place = mst_arena_get(&x->arena, part.len + 1);
	if (!place)
		return mst_fail(&x->err, MST_E_BUSY, "out of memory");
	if (mst_percent_get(place, &len, part, &x->err) < 0)
		return -1;
	*out = mst_slice(place, len);
	return 0;
}

int mst_deliver_ask_device(struct deliver_ask *ask, size_t part)
{
	if (part_of(ask, &ask->text, part) < 0 || mst_id_from(&ask->id, ask->text, &ask->x->err) < 0)
		return -1;
	if (!mst_id_is_device(&ask->id))
		return mst_fail(&ask->x->err, MST_E_SYNTAX, "a device's id, not a user's");
	return 0;
}

int mst_deliver_ask_setting(struct deliver_ask *ask, size_t part)
{
	if (part_of(ask, &ask->name, part) < 0)
		return -1;
	mst_object_id(ask->setting, MST_NOUN_SETTING, ask->name);
	return 0;
}

static void on_worker(struct mst_job *job)
{
	struct deliver_ask *ask = MST_HOME(job, struct deliver_ask, job);

	ask->rc = ask->work(ask, &ask->x->err);
}

static void on_ran(struct mst_job *job)
{
	struct deliver_ask *ask = MST_HOME(job, struct deliver_ask, job);

	mst_arena_adopt(&ask->x->arena, &ask->arena);
	mst_xchg_resume(ask->x);
}

enum mst_step mst_deliver_turn(struct deliver_ask *ask, int (*work)(struct deliver_ask *ask, struct mst_err *e))
{
	mst_arena_init(&ask->arena, NULL, ROOM / 2);
	ask->work = work;
	ask->job = (struct mst_job){.home = ask->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(ask->app->work, MST_LANE_FAST, &ask->job, &ask->x->err) < 0 ? mst_xchg_fail(ask->x) : STEP_WAIT;
}

int mst_deliver_read_here(struct deliver_ask *ask, int (*plan)(struct mst_read *r), struct mst_err *e)
{
	ask->read = (struct mst_read){.arena = &ask->arena, .plan = plan};
	if (mst_store_read_here(ask->app->store, &ask->read) == 0)
		return 0;
	*e = ask->read.err;
	return -1;
}

void mst_deliver_tell(struct mst_json *j, const struct mst_delivery *d)
{
	mst_json_text(j, "state", mst_slice_str(mst_delivery_state_word(d->state)));
	mst_json_text(j, "reason", d->reason);
	mst_json_u64(j, "wanted", d->wanted);
	mst_json_u64(j, "sent", d->sent);
	mst_json_u64(j, "applied", d->applied);
	mst_json_u64(j, "failures", d->num_failed);
	mst_json_text(j, "command_uuid", d->uuid);
	mst_json_time(j, "changed_at", d->changed_ms);
	mst_json_time(j, "due_at", d->due_ms);
}

enum mst_step mst_deliver_told(struct mst_xchg *x)
{
	struct deliver_ask *ask = x->state;

	if (ask->rc < 0)
		return mst_xchg_fail(x);
	if (ask->is_retired) {
		mst_keeper_remove(ask->app->keeper, &ask->id, NULL, x->who);
		mst_log(INFO, "device retired", mst_f_u64("exchange", x->id), mst_f_str("who", x->who), mst_f_slice("device", ask->text));
	}
	if (ask->has_labels && ask->app->on_members)
		ask->app->on_members(ask->app, &ask->id, 1);
	if (ask->is_changed)
		mst_deliver_device(ask->app, &ask->id);
	return mst_xchg_answer(x, ask->status, MST_JSON_TYPE, ask->body);
}
