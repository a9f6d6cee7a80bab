/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/{users,labels,settings,enrollments}, their tables, their history, and the audit trail: each request is one turn on a worker. */
#include "muster/log.h"
#include "muster/text.h"
#include "objects_own.h"

#define ROOM      ((size_t)64 << 20)

static enum mst_noun noun_of(const struct mst_xchg *x)
{
	struct mst_slice plural = mst_path_raw0(x, 1);

	for (int i = 0; i < MST_NUM_NOUNS; i++)
		if (mst_slice_eq(mst_slice_str(mst_noun_plural((enum mst_noun)i)), plural))
			return (enum mst_noun)i;
	BUG_ON("a route to no noun");
	return MST_NOUN_USER;
}

struct object_ask *mst_object_ask_new(struct mst_xchg *x)
{
	struct object_ask *ask;

	if (x->arena.limit < ROOM)
		x->arena.limit = ROOM;
	ask = mst_arena_zero(&x->arena, sizeof(*ask));
	if (!ask) {
		mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
		return NULL;
	}
	ask->x = x;
	ask->app = x->app;
	ask->status = 200;
	ask->who = mst_slice_str(x->who);
	x->state = ask;
	return ask;
}

static struct object_ask *ask_one(struct mst_xchg *x)
{
	struct object_ask *ask = mst_object_ask_new(x);

	if (!ask)
		return NULL;
	ask->noun = noun_of(x);
	if (mst_path_part(x, &ask->name, 2) == 0 && mst_name_check(ask->name, &x->err) == 0)
		return ask;
	mst_xchg_fail(x);
	return NULL;
}

int mst_object_page(struct object_ask *ask)
{
	struct mst_xchg *x = ask->x;
	struct mst_slice text;

	ask->limit = API_LIMIT_DEFAULT;
	if (mst_xchg_query(x, &text, MST_S("limit")) &&
	    (mst_slice_u64(&ask->limit, text, &x->err) < 0 || ask->limit == 0 || ask->limit > API_LIMIT_MAX))
		return mst_fail(&x->err, MST_E_SYNTAX, "limit is 1 to %d", API_LIMIT_MAX);
	if (!mst_xchg_query(x, &ask->cursor, MST_S("cursor")))
		ask->cursor = mst_slice(NULL, 0);
	if (!mst_xchg_query(x, &ask->type, MST_S("type")))
		ask->type = mst_slice(NULL, 0);
	return 0;
}

static void on_worker(struct mst_job *job)
{
	struct object_ask *ask = MST_HOME(job, struct object_ask, job);

	ask->rc = ask->work(ask, &ask->x->err);
}

static void on_ran(struct mst_job *job)
{
	struct object_ask *ask = MST_HOME(job, struct object_ask, job);

	mst_arena_adopt(&ask->x->arena, &ask->arena);
	mst_xchg_resume(ask->x);
}

enum mst_step mst_object_turn(struct object_ask *ask, int (*work)(struct object_ask *ask, struct mst_err *e))
{
	mst_arena_init(&ask->arena, NULL, ROOM);
	ask->work = work;
	ask->job = (struct mst_job){.home = ask->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(ask->app->work, MST_LANE_FAST, &ask->job, &ask->x->err) < 0 ? mst_xchg_fail(ask->x) : STEP_WAIT;
}

int mst_object_read_here(struct object_ask *ask, int (*plan)(struct mst_read *r), struct mst_err *e)
{
	ask->read = (struct mst_read){.arena = &ask->arena, .plan = plan};
	if (mst_store_read_here(ask->app->store, &ask->read) == 0)
		return 0;
	*e = ask->read.err;
	return -1;
}

static struct object_ask *ask_of(struct mst_read *r)
{
	return MST_HOME(r, struct object_ask, read);
}

static void open_list(struct object_ask *ask, const char *key)
{
	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_open_array(&ask->json, key);
}

static void close_list(struct object_ask *ask, bool is_more, struct mst_slice cursor)
{
	mst_json_close(&ask->json);
	if (is_more)
		mst_json_text(&ask->json, "next", cursor);
	else
		mst_json_null(&ask->json, "next");
	mst_json_close(&ask->json);
}

/* What lists show: the head and the fields that their rows say. */
static void brief_tell(struct mst_json *j, const struct mst_object *o)
{
	mst_json_open(j, NULL);
	mst_json_text(j, "name", o->name);
	mst_json_text(j, "type", mst_slice_str(o->shape->type));
	mst_json_u64(j, "version", o->version);
	mst_json_time(j, "changed_at", o->changed_ms);
	for (uint32_t i = 0; i < o->shape->num_fields; i++) {
		const struct mst_shape_row *field = &o->shape->fields[i];
		if (!(field->flags & MST_FIELD_SHOWS) || !o->values[i].is_set)
			continue;
		if (field->kind == MST_FIELD_BOOL)
			mst_json_bool(j, field->name, o->values[i].number != 0);
		else
			mst_json_text(j, field->name, o->values[i].text);
	}
	mst_json_close(j);
}

/* A cursor is the name told last: its id is where the walk goes on. */
static int list_plan(struct mst_read *r)
{
	struct object_ask *ask = ask_of(r);
	struct mst_walk w = {.r = NULL};
	struct mst_slice last = ask->cursor, from = {NULL, 0};
	uint8_t key[18] = {(uint8_t)ask->noun};
	struct mst_object o;
	uint64_t num = 0;
	int rc;

	if (ask->cursor.len) {
		mst_object_id(key + 1, ask->noun, ask->cursor);
		if (!mst_arena_copy(r->arena, &from, mst_slice(key, sizeof key)))
			return mst_fail(&r->err, MST_E_BUSY, "out of memory");
	}
	open_list(ask, mst_noun_plural(ask->noun));
	while ((rc = mst_object_next(&w, r, &o, ask->noun, from, NULL)) == 1) {
		if (ask->type.len && !mst_slice_eq(ask->type, mst_slice_str(o.shape->type)))
			continue;
		if (num++ == ask->limit)
			break;
		brief_tell(&ask->json, &o);
		last = o.name;
	}
	mst_walk_done(&w);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	close_list(ask, rc == 1, last);
	return 0;
}

static int list_work(struct object_ask *ask, struct mst_err *e)
{
	return mst_object_read_here(ask, list_plan, e) < 0 ? -1 : mst_json_end(&ask->json, &ask->body, e);
}

enum mst_step mst_objects_list(struct mst_xchg *x)
{
	struct object_ask *ask = mst_object_ask_new(x);

	if (!ask)
		return STEP_REPLY;
	ask->noun = noun_of(x);
	if (mst_object_page(ask) < 0 || (ask->cursor.len && mst_name_check(ask->cursor, &x->err) < 0))
		return mst_xchg_fail(x);
	return mst_object_turn(ask, list_work);
}

static int show_plan(struct mst_read *r)
{
	struct object_ask *ask = ask_of(r);
	struct mst_object o;
	uint8_t id[16];
	int rc;

	mst_object_id(id, ask->noun, ask->name);
	rc = mst_object_get(r, &o, ask->noun, id, NULL);
	if (rc == 0)
		return mst_fail(&r->err, MST_E_ABSENT, "there is no %s of that name", mst_noun_word(ask->noun));
	if (rc != 1)
		return rc;
	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_object_tell(&ask->json, &o);
	mst_json_close(&ask->json);
	return 0;
}

static int show_work(struct object_ask *ask, struct mst_err *e)
{
	return mst_object_read_here(ask, show_plan, e) < 0 ? -1 : mst_json_end(&ask->json, &ask->body, e);
}

enum mst_step mst_objects_show(struct mst_xchg *x)
{
	struct object_ask *ask = ask_one(x);
	return ask ? mst_object_turn(ask, show_work) : STEP_REPLY;
}

/* JSON text in JSON: both were written by us. */
static void revision_tell(struct mst_json *j, const struct mst_revision *revision)
{
	mst_json_open(j, NULL);
	mst_json_u64(j, "version", revision->version);
	mst_json_time(j, "at", revision->at_ms);
	mst_json_text(j, "who", revision->who);
	mst_json_text(j, "changes", revision->changes);
	mst_json_text(j, "touched", revision->touched);
	mst_json_close(j);
}

static int history_plan(struct mst_read *r)
{
	struct object_ask *ask = ask_of(r);
	struct mst_walk w = {.r = NULL};
	struct mst_revision revision;
	uint64_t num = 0;
	uint8_t id[16];
	int rc;

	mst_object_id(id, ask->noun, ask->name);
	open_list(ask, "history");
	while ((rc = mst_revision_next(&w, r, &revision, ask->noun, id)) == 1) {
		revision_tell(&ask->json, &revision);
		num++;
	}
	mst_walk_done(&w);
	close_list(ask, false, mst_slice(NULL, 0));
	if (rc == 0 && num == 0)
		return mst_fail(&r->err, MST_E_ABSENT, "there was never a %s of that name", mst_noun_word(ask->noun));
	return rc;
}

static int history_work(struct object_ask *ask, struct mst_err *e)
{
	return mst_object_read_here(ask, history_plan, e) < 0 ? -1 : mst_json_end(&ask->json, &ask->body, e);
}

enum mst_step mst_objects_history(struct mst_xchg *x)
{
	struct object_ask *ask = ask_one(x);
	return ask ? mst_object_turn(ask, history_work) : STEP_REPLY;
}

enum mst_step mst_objects_put(struct mst_xchg *x)
{
	struct object_ask *ask = ask_one(x);

	if (!ask)
		return STEP_REPLY;
	if (mst_json_parse(&ask->wish, x->in.body, MST_OBJECT_MAX, 8, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_object_turn(ask, mst_object_change_put);
}

enum mst_step mst_objects_drop(struct mst_xchg *x)
{
	struct object_ask *ask = ask_one(x);
	return ask ? mst_object_turn(ask, mst_object_change_drop) : STEP_REPLY;
}

static int audit_plan(struct mst_read *r)
{
	struct object_ask *ask = ask_of(r);
	struct mst_walk w = {.r = NULL};
	uint8_t after[16];
	struct mst_audit entry;
	struct mst_slice cursor = {NULL, 0};
	char *hex = mst_arena_zero(r->arena, 2 * sizeof after + 1);
	uint64_t num = 0;
	int rc;

	if (!hex)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory");
	if (ask->cursor.len && mst_hex_get(after, sizeof after, ask->cursor, NULL) < 0)
		return mst_fail(&r->err, MST_E_SYNTAX, "the cursor is not one of ours");
	open_list(ask, "audit");
	while ((rc = mst_audit_next(&w, r, &entry, ask->from_ms, mst_slice(after, ask->cursor.len ? sizeof after : 0))) == 1) {
		if (num++ == ask->limit)
			break;
		mst_json_open(&ask->json, NULL);
		mst_json_time(&ask->json, "at", entry.at_ms);
		mst_json_text(&ask->json, "who", entry.who);
		mst_json_text(&ask->json, "action", entry.action);
		mst_json_text(&ask->json, "what", entry.what);
		mst_json_text(&ask->json, "detail", entry.detail);
		mst_json_close(&ask->json);
		mst_hex_put(hex, mst_slice(entry.key, sizeof entry.key));
		cursor = mst_slice(hex, 2 * sizeof entry.key);
	}
	mst_walk_done(&w);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	close_list(ask, rc == 1, cursor);
	return 0;
}

static int audit_work(struct object_ask *ask, struct mst_err *e)
{
	return mst_object_read_here(ask, audit_plan, e) < 0 ? -1 : mst_json_end(&ask->json, &ask->body, e);
}

enum mst_step mst_objects_audit(struct mst_xchg *x)
{
	struct object_ask *ask = mst_object_ask_new(x);
	struct mst_slice text;
	uint64_t from = 0;

	if (!ask)
		return STEP_REPLY;
	if (mst_object_page(ask) < 0)
		return mst_xchg_fail(x);
	if (mst_xchg_query(x, &text, MST_S("from_ms")) && mst_slice_u64(&from, text, &x->err) < 0)
		return mst_xchg_fail(x);
	ask->from_ms = (int64_t)from;
	return mst_object_turn(ask, audit_work);
}

enum mst_step mst_objects_told(struct mst_xchg *x)
{
	struct object_ask *ask = x->state;

	if (ask->rc < 0)
		return mst_xchg_fail(x);
	if (ask->has_labels && ask->app->on_members)
		ask->app->on_members(ask->app, &ask->device.device_id, 1);
	if (ask->detail && ask->app->on_device)
		ask->app->on_device(ask->app, &ask->device.device_id);
	if (ask->has_user && ask->app->on_user_changed)
		ask->app->on_user_changed(ask->app, ask->has_older ? ask->older.id : ask->newer.id);
	if (ask->has_changed) {
		mst_log(INFO, "object changed", mst_f_u64("exchange", x->id), mst_f_str("who", x->who),
			mst_f_str("noun", mst_noun_word(ask->noun)), mst_f_slice("name", ask->name));
		if (ask->app->on_catalog_changed)
			ask->app->on_catalog_changed(ask->app);
	}
	return mst_xchg_answer(x, ask->status, ask->body.len ? MST_JSON_TYPE : NULL, ask->body);
}
