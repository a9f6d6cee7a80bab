/* SPDX-License-Identifier: Apache-2.0 */
/* Operators' turns on identities: one request each, and taking one away. */
#include "identity_ask.h"
#include "muster/clock.h"
#include "muster/log.h"
#include "muster/text.h"

#define ROOM ((size_t)96 << 20) /* a page looks at 20,000 records */

void *mst_identity_ask_new(struct mst_xchg *x, size_t len)
{
	struct identity_ask *ask;

	if (x->arena.limit < ROOM)
		x->arena.limit = ROOM;
	ask = mst_arena_zero(&x->arena, len);
	if (!ask) {
		mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
		return NULL;
	}
	ask->x = x;
	ask->app = x->app;
	ask->who = mst_slice_str(x->who);
	ask->status = 200;
	x->state = ask;
	return ask;
}

static void on_worker(struct mst_job *job)
{
	struct identity_ask *ask = MST_HOME(job, struct identity_ask, job);

	ask->rc = ask->work(ask, &ask->x->err);
}

static void on_ran(struct mst_job *job)
{
	struct identity_ask *ask = MST_HOME(job, struct identity_ask, job);

	mst_arena_adopt(&ask->x->arena, &ask->arena);
	mst_xchg_resume(ask->x);
}

enum mst_step mst_identity_turn(struct identity_ask *ask, enum mst_lane lane, int (*work)(struct identity_ask *ask, struct mst_err *e))
{
	mst_arena_init(&ask->arena, NULL, ROOM);
	ask->work = work;
	ask->job = (struct mst_job){.home = ask->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(ask->app->work, lane, &ask->job, &ask->x->err) < 0 ? mst_xchg_fail(ask->x) : STEP_WAIT;
}

/* From the target as it was sent: a name may hold an escaped slash. */
int mst_identity_part(struct mst_xchg *x, struct mst_slice *out, size_t n)
{
	struct mst_slice path, part = {NULL, 0}, rest;
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

int mst_identity_owner(uint8_t out[static 16], bool *is_user, struct mst_slice text, struct mst_err *e)
{
	struct mst_slice users = MST_S("user:");
	struct mst_id id;

	*is_user = mst_slice_starts(text, users);
	if (*is_user) {
		text = mst_slice(text.at + users.len, text.len - users.len);
		if (mst_name_check(text, e) < 0)
			return -1;
		mst_object_id(out, MST_NOUN_USER, text);
		return 0;
	}
	if (mst_id_from(&id, text, e) < 0)
		return -1;
	if (!mst_id_is_device(&id))
		return mst_fail(e, MST_E_SYNTAX, "an owner is a device's id, or user:NAME");
	memcpy(out, id.device, sizeof id.device);
	return 0;
}

struct end_ask {
	struct identity_ask ask;
	uint8_t owner[16], enrollment[16], setting[16];
	bool is_user;
	enum identity_end how;
};

/* Who delivers hears of it; where a new one is wanted it is made first. */
static void tell_keeper(struct end_ask *end)
{
	struct mst_held held = {.is_user = end->is_user};

	memcpy(held.owner, end->owner, sizeof held.owner);
	memcpy(held.enrollment, end->enrollment, sizeof held.enrollment);
	memcpy(held.setting, end->setting, sizeof held.setting);
	(end->how == END_REENROLL ? mst_keeper_anew : mst_keeper_look)(end->ask.app->keeper, &held);
}

static int end_work(struct identity_ask *ask, struct mst_err *e)
{
	struct end_ask *end = MST_HOME(ask, struct end_ask, ask);
	int rc = mst_identity_end(ask->app, &ask->arena, end->owner, end->enrollment, end->setting, end->how, ask->who, ask->owner, e);

	if (rc < 0)
		return -1;
	tell_keeper(end);
	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_text(&ask->json, "owner", ask->owner);
	mst_json_text(&ask->json, "enrollment", ask->enrollment);
	mst_json_text(&ask->json, "state", end->how == END_REENROLL ? MST_S("wanted") : MST_S("removed"));
	mst_json_text(&ask->json, "revoked", rc == 1 ? MST_S("on its way") : MST_S("yes"));
	mst_json_close(&ask->json);
	return mst_json_end(&ask->json, &ask->body, e);
}

static int end_take(struct end_ask *end, struct mst_xchg *x)
{
	static const char *const words[] = {[END_REVOKE] = "revoke", [END_REMOVE] = "remove", [END_REENROLL] = "reenroll"};
	struct mst_slice word, setting;
	size_t i = 0;

	if (mst_identity_part(x, &end->ask.owner, 2) < 0 || mst_identity_part(x, &end->ask.enrollment, 3) < 0 ||
	    mst_identity_part(x, &word, 4) < 0 || mst_name_check(end->ask.enrollment, &x->err) < 0 ||
	    mst_identity_owner(end->owner, &end->is_user, end->ask.owner, &x->err) < 0)
		return -1;
	while (i < MST_LEN(words) && !mst_slice_eq(mst_slice_str(words[i]), word))
		i++;
	if (i == MST_LEN(words))
		return mst_fail(&x->err, MST_E_ABSENT, "an identity is revoked, removed, or enrolled anew (reenroll)");
	end->how = (enum identity_end)i;
	mst_object_id(end->enrollment, MST_NOUN_ENROLLMENT, end->ask.enrollment);
	if (mst_xchg_query(x, &setting, MST_S("setting"))) {
		if (mst_name_check(setting, &x->err) < 0)
			return -1;
		mst_object_id(end->setting, MST_NOUN_SETTING, setting);
	}
	return 0;
}

enum mst_step mst_identities_end(struct mst_xchg *x)
{
	static const char *const logs[] = {[END_REVOKE] = "identity revoked", [END_REMOVE] = "identity removed",
					   [END_REENROLL] = "identity wanted anew"};
	struct end_ask *end = mst_identity_ask_new(x, sizeof *end);

	if (!end)
		return STEP_REPLY;
	if (end_take(end, x) < 0)
		return mst_xchg_fail(x);
	end->ask.log = logs[end->how];
	return mst_identity_turn(&end->ask, MST_LANE_FAST, end_work);
}

enum mst_step mst_identities_told(struct mst_xchg *x)
{
	struct identity_ask *ask = x->state;

	if (ask->rc < 0)
		return mst_xchg_fail(x);
	if (ask->log)
		mst_log(INFO, "identities changed", mst_f_u64("exchange", x->id), mst_f_str("who", x->who), mst_f_str("what", ask->log),
			mst_f_slice("owner", ask->owner), mst_f_slice("enrollment", ask->enrollment));
	return mst_xchg_answer(x, ask->status, ask->body.len ? MST_JSON_TYPE : NULL, ask->body);
}
