/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/authorities: each request is one turn on a worker, which reads, makes keys where needed, writes, and tells. */
#include "authority_ask.h"
#include "muster/clock.h"
#include "muster/log.h"
#include "muster/text.h"
#include "own.h"

#define ROOM      ((size_t)8 << 20) /* a list of all authorities with long chains has 1 MiB, and JSON of it */
#define TRIES     8                 /* others may make authorities at the same time */
#define CENSUS    MST_S("authorities") /* in META: changed by each making, so that two at once see each other */
#define LOOK_MS   16
#define SETTLE_MS 1000 /* the snapshot may wait for slow exchanges: the change is durable, so we do not */

static struct authority_ask *ask_new(struct mst_xchg *x, int status)
{
	struct authority_ask *ask;

	if (x->arena.limit < ROOM)
		x->arena.limit = ROOM;
	ask = mst_arena_zero(&x->arena, sizeof(*ask));
	if (!ask) {
		mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
		return NULL;
	}
	ask->x = x;
	ask->app = x->app;
	ask->status = status;
	ask->name = mst_enroll_part(x, 2);
	x->state = ask;
	return ask;
}

static void on_worker(struct mst_job *job)
{
	struct authority_ask *ask = MST_HOME(job, struct authority_ask, job);

	ask->rc = ask->work(ask, &ask->x->err);
	mst_authority_wipe(&ask->one);
}

static void on_ran(struct mst_job *job)
{
	struct authority_ask *ask = MST_HOME(job, struct authority_ask, job);

	mst_arena_adopt(&ask->x->arena, &ask->arena);
	mst_xchg_resume(ask->x);
}

static enum mst_step turn(struct authority_ask *ask, enum mst_lane lane, int (*work)(struct authority_ask *ask, struct mst_err *e))
{
	mst_arena_init(&ask->arena, NULL, ROOM);
	ask->work = work;
	ask->job = (struct mst_job){.home = ask->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(ask->app->work, lane, &ask->job, &ask->x->err) < 0 ? mst_xchg_fail(ask->x) : STEP_WAIT;
}

static int read_here(struct authority_ask *ask, int (*plan)(struct mst_read *r), struct mst_err *e)
{
	ask->read = (struct mst_read){.arena = &ask->arena, .plan = plan};
	if (mst_store_read_here(ask->app->store, &ask->read) == 0)
		return 0;
	*e = ask->read.err;
	return -1;
}

/* 1, also without a successor: `out` is zero then. */
static int successor_get(struct mst_read *r, struct mst_authority *out, const struct mst_authority *of)
{
	int rc;

	*out = (struct mst_authority){.raw = {NULL, 0}};
	rc = of->successor.len ? mst_authority_get(r, out, of->successor.at, NULL) : 1;
	return rc == 0 ? 1 : rc;
}

static int list_plan(struct mst_read *r)
{
	struct authority_ask *ask = MST_HOME(r, struct authority_ask, read);
	struct mst_walk walk = {.r = NULL};
	struct mst_authority a, next;
	int rc;

	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_open_array(&ask->json, "authorities");
	while ((rc = mst_authority_next(&walk, r, &a, NULL)) == 1) {
		rc = successor_get(r, &next, &a);
		if (rc != 1)
			break;
		mst_json_open(&ask->json, NULL);
		rc = mst_authority_tell_put(&ask->json, &a, next.name, &r->err);
		mst_json_close(&ask->json);
		if (rc < 0)
			break;
	}
	mst_walk_done(&walk);
	mst_json_close(&ask->json);
	mst_json_close(&ask->json);
	return rc;
}

static int list_work(struct authority_ask *ask, struct mst_err *e)
{
	ask->type = MST_JSON_TYPE;
	return read_here(ask, list_plan, e) < 0 ? -1 : mst_json_end(&ask->json, &ask->body, e);
}

enum mst_step mst_authority_api_list(struct mst_xchg *x)
{
	struct authority_ask *ask = ask_new(x, 200);
	return ask ? turn(ask, MST_LANE_FAST, list_work) : STEP_REPLY;
}

static int get_one(struct mst_read *r, const struct mst_seal *seal)
{
	struct authority_ask *ask = MST_HOME(r, struct authority_ask, read);
	uint8_t id[16];
	int rc;

	mst_authority_id(id, ask->name);
	rc = mst_authority_get(r, &ask->one, id, seal);
	if (rc == 1)
		rc = successor_get(r, &ask->next, &ask->one);
	return rc == 1 ? 0 : rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "unknown authority") : rc;
}

static int look_plan(struct mst_read *r)
{
	return get_one(r, NULL);
}

static int show_work(struct authority_ask *ask, struct mst_err *e)
{
	return read_here(ask, look_plan, e) < 0 ? -1 : mst_authority_tell_one(ask, e);
}

enum mst_step mst_authority_api_show(struct mst_xchg *x)
{
	struct authority_ask *ask = ask_new(x, 200);
	return ask ? turn(ask, MST_LANE_FAST, show_work) : STEP_REPLY;
}

static int publish_work(struct authority_ask *ask, struct mst_err *e)
{
	return read_here(ask, look_plan, e) < 0 ? -1 : mst_authority_tell_certificate(ask, e);
}

enum mst_step mst_authority_api_publish(struct mst_xchg *x)
{
	struct authority_ask *ask = ask_new(x, 200);
	struct mst_slice format;

	if (!ask)
		return STEP_REPLY;
	if (mst_xchg_query(x, &format, MST_S("format"))) {
		ask->wants_der = mst_slice_eq(format, MST_S("der"));
		if (!ask->wants_der && !mst_slice_eq(format, MST_S("pem")))
			return mst_xchg_refuse(x, MST_E_SYNTAX, "format is pem or der");
	}
	return turn(ask, MST_LANE_FAST, publish_work);
}

/* Is the name free, is there room? More than the snapshot holds would leave every loop without one. */
static int census_plan(struct mst_read *r)
{
	struct authority_ask *ask = MST_HOME(r, struct authority_ask, read);
	struct mst_walk walk = {.r = NULL};
	struct mst_authority a;
	int rc;

	ask->num = 0;
	ask->census = mst_slice(NULL, 0);
	rc = mst_read_get(r, &ask->census, MST_SPACE_META, CENSUS);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	while ((rc = mst_authority_next(&walk, r, &a, NULL)) == 1) {
		ask->num++;
		if (mst_slice_eq(a.name, ask->name))
			break;
	}
	mst_walk_done(&walk);
	if (rc == 1)
		return mst_fail(&r->err, MST_E_CONFLICT, "there is an authority of that name already");
	if (rc == 0 && ask->num >= MST_AUTHORITIES_MAX)
		return mst_fail(&r->err, MST_E_CONFLICT, "there are %d authorities already: more are not possible", MST_AUTHORITIES_MAX);
	return rc;
}

static int commit(struct authority_ask *ask, struct mst_batch *b, struct mst_err *e)
{
	if (mst_store_commit_here(ask->app->store, b) == 0)
		return 0;
	*e = b->err;
	return -1;
}

static int write_new(struct authority_ask *ask, struct mst_err *e)
{
	uint8_t number[8] = {0};
	struct mst_batch b;

	if (ask->census.len == sizeof(number))
		memcpy(number, ask->census.at, sizeof(number));
	for (size_t i = sizeof(number); i > 0 && ++number[i - 1] == 0; i--)
		;
	mst_batch_init(&b, &ask->arena, NULL, NULL);
	if (ask->census.len)
		mst_batch_require_same(&b, MST_SPACE_META, CENSUS, ask->census);
	else
		mst_batch_require_absent(&b, MST_SPACE_META, CENSUS);
	mst_batch_put(&b, MST_SPACE_META, CENSUS, mst_slice(number, sizeof(number)));
	if (mst_authority_put(&b, &ask->one, ask->app->seal, e) < 0)
		return -1;
	return commit(ask, &b, e);
}

static int make_work(struct authority_ask *ask, struct mst_err *e)
{
	int rc;

	if (read_here(ask, census_plan, e) < 0 || mst_authority_make(&ask->one, &ask->arena, &ask->wish, e) < 0)
		return -1;
	if (ask->has_challenge)
		ask->one.challenge_sha256 = mst_slice(ask->challenge, sizeof(ask->challenge));
	rc = write_new(ask, e);
	for (int i = 1; i < TRIES && rc < 0 && e->code == MST_E_CONFLICT; i++) {
		*e = (struct mst_err){.code = MST_E_NONE};
		rc = read_here(ask, census_plan, e) < 0 ? -1 : write_new(ask, e);
		if (rc < 0 && ask->read.rc < 0)
			break;
	}
	if (rc < 0)
		return -1;
	ask->event = "authority made";
	return mst_authority_tell_one(ask, e);
}

enum mst_step mst_authority_api_make(struct mst_xchg *x)
{
	struct authority_ask *ask = ask_new(x, 201);

	if (!ask)
		return STEP_REPLY;
	return mst_authority_wish_read(ask, &x->err) < 0 ? mst_xchg_fail(x) : turn(ask, MST_LANE_BULK, make_work);
}

static int open_plan(struct mst_read *r)
{
	return get_one(r, MST_HOME(r, struct authority_ask, read)->app->seal);
}

static int write_change(struct authority_ask *ask, const char *event, struct mst_err *e)
{
	struct mst_batch b;

	mst_batch_init(&b, &ask->arena, NULL, NULL);
	if (mst_authority_put(&b, &ask->one, ask->app->seal, e) < 0 || commit(ask, &b, e) < 0)
		return -1;
	ask->event = event;
	return mst_authority_tell_one(ask, e);
}

static int import_work(struct authority_ask *ask, struct mst_err *e)
{
	if (read_here(ask, open_plan, e) < 0 || mst_authority_import(&ask->one, &ask->arena, ask->x->in.body, e) < 0)
		return -1;
	return write_change(ask, "certificate of an authority imported", e);
}

enum mst_step mst_authority_api_import(struct mst_xchg *x)
{
	struct authority_ask *ask = ask_new(x, 200);
	return ask ? turn(ask, MST_LANE_BULK, import_work) : STEP_REPLY;
}

/* A pending one issued nothing that needs a CRL: it goes altogether. */
static int drop_pending(struct authority_ask *ask, struct mst_err *e)
{
	const struct mst_slice id = mst_slice(ask->one.id, sizeof(ask->one.id));
	struct mst_batch b;

	mst_batch_init(&b, &ask->arena, NULL, NULL);
	mst_batch_require_same(&b, MST_SPACE_AUTHORITY, id, ask->one.raw);
	mst_batch_drop(&b, MST_SPACE_AUTHORITY, id);
	if (commit(ask, &b, e) < 0)
		return -1;
	ask->event = "pending authority removed";
	return mst_authority_tell_one(ask, e);
}

static int retire_work(struct authority_ask *ask, struct mst_err *e)
{
	enum mst_authority_state state;

	if (read_here(ask, look_plan, e) < 0)
		return -1;
	state = ask->one.state;
	if (state == MST_AUTHORITY_RETIRED)
		return mst_authority_tell_one(ask, e);
	ask->one.state = MST_AUTHORITY_RETIRED;
	ask->one.changed_ms = mst_clock_wall_ms();
	return state == MST_AUTHORITY_PENDING ? drop_pending(ask, e) : write_change(ask, "authority retired", e);
}

enum mst_step mst_authority_api_retire(struct mst_xchg *x)
{
	struct authority_ask *ask = ask_new(x, 200);
	return ask ? turn(ask, MST_LANE_FAST, retire_work) : STEP_REPLY;
}

static int succeed_plan(struct mst_read *r)
{
	struct authority_ask *ask = MST_HOME(r, struct authority_ask, read);
	uint8_t id[16];
	int rc = get_one(r, NULL);

	if (rc != 0)
		return rc;
	ask->next = (struct mst_authority){.raw = {NULL, 0}};
	if (ask->next_name.len == 0)
		return 0;
	mst_authority_id(id, ask->next_name);
	rc = mst_authority_get(r, &ask->next, id, NULL);
	return rc == 1 ? 0 : rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "the successor is not known") : rc;
}

/* A successor that retires later is no longer shown to devices: they look at its state. */
static int succeed_work(struct authority_ask *ask, struct mst_err *e)
{
	struct mst_slice successor = {NULL, 0};

	if (read_here(ask, succeed_plan, e) < 0)
		return -1;
	if (ask->next_name.len) {
		if (ask->one.state != MST_AUTHORITY_ACTIVE || ask->next.state != MST_AUTHORITY_ACTIVE)
			return mst_fail(e, MST_E_CONFLICT, "an authority and its successor must both be active");
		successor = mst_slice(ask->next.id, sizeof(ask->next.id));
	}
	if (mst_slice_eq(ask->one.successor, successor))
		return mst_authority_tell_one(ask, e);
	ask->one.successor = successor;
	ask->one.changed_ms = mst_clock_wall_ms();
	return write_change(ask, successor.len ? "successor of an authority named" : "successor of an authority taken back", e);
}

enum mst_step mst_authority_api_succeed(struct mst_xchg *x)
{
	struct authority_ask *ask = ask_new(x, 200);

	if (!ask)
		return STEP_REPLY;
	return mst_authority_wish_successor(ask, &x->err) < 0 ? mst_xchg_fail(x) : turn(ask, MST_LANE_FAST, succeed_work);
}

static bool is_known(const struct authority_ask *ask)
{
	const struct mst_issuer *issuer = ask->app->issuers ? mst_issuers_find_id0(ask->app->issuers, ask->one.id) : NULL;

	return ask->one.cert.len == 0 || (issuer && issuer->record.changed_ms >= ask->one.changed_ms);
}

static void on_look(struct mst_timer *timer)
{
	struct authority_ask *ask = MST_HOME(timer, struct authority_ask, timer);

	if (is_known(ask) || mst_clock_ms() >= ask->until_ms)
		mst_xchg_resume(ask->x);
	else
		mst_timer_set(ask->app->loop, timer, LOOK_MS);
}

enum mst_step mst_authority_api_settle(struct mst_xchg *x)
{
	struct authority_ask *ask = x->state;
	struct mst_app *app = ask->app;

	if (!ask->event)
		return STEP_NEXT;
	mst_log(INFO, ask->event, mst_f_u64("exchange", x->id), mst_f_str("who", x->who), mst_f_slice("authority", ask->one.name),
		mst_f_str("state", mst_authority_state_word(ask->one.state)));
	if (!app->on_issuers_changed)
		return STEP_NEXT;
	app->on_issuers_changed(app);
	ask->until_ms = mst_clock_ms() + SETTLE_MS;
	ask->timer.on_due = on_look;
	mst_timer_set(app->loop, &ask->timer, LOOK_MS);
	return STEP_WAIT;
}

enum mst_step mst_authority_api_told(struct mst_xchg *x)
{
	struct authority_ask *ask = x->state;

	mst_wipe(ask->secret, sizeof(ask->secret));
	if (ask->rc < 0)
		return mst_xchg_fail(x);
	if (ask->has_challenge)
		x->out.extra[0] = (struct mst_header){MST_S("Cache-Control"), MST_S("no-store")};
	return mst_xchg_answer(x, ask->status, ask->type, ask->body);
}
