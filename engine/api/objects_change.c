/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of objects. Every change but a user's goes through one record (the census), so that two at once see each other: what a
 * setting refers to cannot go in the moment the setting comes.
 */
#include "muster/clock.h"
#include "muster/text.h"
#include "objects_own.h"

#define CENSUS MST_S("objects") /* in META */
#define TRIES  8

static int look_plan(struct mst_read *r)
{
	struct object_ask *ask = MST_HOME(r, struct object_ask, read);
	uint8_t id[16];
	int rc;

	ask->census = mst_slice(NULL, 0);
	rc = ask->noun == MST_NOUN_USER ? 0 : mst_read_get(r, &ask->census, MST_SPACE_META, CENSUS);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	mst_object_id(id, ask->noun, ask->name);
	rc = mst_object_get(r, &ask->older, ask->noun, id, NULL);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	ask->has_older = rc == 1;
	ask->touched = MST_S("[]");
	return ask->noun == MST_NOUN_USER ? 0 : mst_object_refs_to(ask, r);
}

static int refs_plan(struct mst_read *r)
{
	return mst_object_refs_from(MST_HOME(r, struct object_ask, read), r);
}

static void census_put(struct object_ask *ask, struct mst_batch *b)
{
	uint8_t number[8] = {0};

	if (ask->noun == MST_NOUN_USER)
		return;
	if (ask->census.len == sizeof number) {
		memcpy(number, ask->census.at, sizeof number);
		mst_batch_require_same(b, MST_SPACE_META, CENSUS, ask->census);
	} else {
		mst_batch_require_absent(b, MST_SPACE_META, CENSUS);
	}
	for (size_t i = sizeof number; i > 0 && ++number[i - 1] == 0; i--)
		;
	mst_batch_put(b, MST_SPACE_META, CENSUS, mst_slice(number, sizeof number));
}

static int commit(struct object_ask *ask, struct mst_batch *b, struct mst_err *e)
{
	if (mst_store_commit_here(ask->app->store, b) == 0) {
		ask->has_changed = ask->noun != MST_NOUN_USER;
		ask->has_user = ask->noun == MST_NOUN_USER;
		return 0;
	}
	*e = b->err;
	return -1;
}

static void audit_put(struct object_ask *ask, struct mst_batch *b, const char *done, struct mst_slice detail)
{
	struct mst_slice action;

	if (!mst_arena_format(&ask->arena, &action, "%s %s", mst_noun_word(ask->noun), done)) {
		b->is_short = true;
		return;
	}
	mst_audit_add(b, &(struct mst_audit){.at_ms = mst_clock_wall_ms(), .who = ask->who, .action = action, .what = ask->name,
					     .detail = detail});
}

static int tell(struct object_ask *ask, const struct mst_object *o, struct mst_err *e)
{
	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_object_tell(&ask->json, o);
	mst_json_close(&ask->json);
	return mst_json_end(&ask->json, &ask->body, e);
}

static int write_object(struct object_ask *ask, struct mst_slice changes, struct mst_err *e)
{
	struct mst_object *o = &ask->newer;
	const struct mst_revision revision = {.version = ask->has_older ? ask->older.version + 1 : 1, .at_ms = mst_clock_wall_ms(),
					      .who = ask->who, .changes = changes, .touched = ask->touched};
	struct mst_batch b;

	o->version = revision.version;
	o->changed_ms = revision.at_ms;
	o->changed_by = ask->who;
	if (!ask->has_older) {
		o->created_ms = revision.at_ms;
		mst_random(o->uuid, sizeof o->uuid);
		o->uuid[6] = (uint8_t)((o->uuid[6] & 0x0f) | 0x40);
		o->uuid[8] = (uint8_t)((o->uuid[8] & 0x3f) | 0x80);
	}
	mst_batch_init(&b, &ask->arena, NULL, NULL);
	census_put(ask, &b);
	if (mst_object_put(&b, o, ask->app->seal, e) < 0)
		return -1;
	mst_revision_put(&b, o, &revision);
	audit_put(ask, &b, ask->has_older ? "changed" : "made", changes);
	return commit(ask, &b, e);
}

static int put_once(struct object_ask *ask, struct mst_err *e)
{
	struct mst_slice changes = MST_S("{}");
	bool is_cert;

	if (mst_object_read_here(ask, look_plan, e) < 0)
		return -1;
	if (mst_object_read(&ask->newer, &ask->arena, ask->wish, ask->noun, ask->has_older ? &ask->older : NULL, e) < 0)
		return -1;
	if (!mst_slice_eq(ask->newer.name, ask->name))
		return mst_fail(e, MST_E_SYNTAX, "the name in the body is not the one in the path");
	if (mst_object_read_here(ask, refs_plan, e) < 0)
		return -1;
	if (ask->newer.shape->finish && ask->newer.shape->finish(&ask->newer, ask->has_older ? &ask->older : NULL, &ask->arena, e) < 0)
		return -1;
	ask->status = ask->has_older ? 200 : 201;
	if (ask->has_older) {
		if (mst_object_differ(&changes, &is_cert, &ask->arena, &ask->older, &ask->newer, e) < 0)
			return -1;
		if (mst_slice_eq(changes, MST_S("{}")))
			return tell(ask, &ask->older, e);
	}
	if (write_object(ask, changes, e) < 0)
		return -1;
	return tell(ask, &ask->newer, e);
}

/* A change that met another one looks again. */
int mst_object_again(struct object_ask *ask, int (*once)(struct object_ask *ask, struct mst_err *e), struct mst_err *e)
{
	int rc = once(ask, e);

	for (int i = 1; i < TRIES && rc < 0 && e->code == MST_E_CONFLICT && !ask->is_referred; i++) {
		*e = (struct mst_err){.code = MST_E_NONE};
		rc = once(ask, e);
	}
	return rc;
}

int mst_object_change_put(struct object_ask *ask, struct mst_err *e)
{
	int rc = mst_object_again(ask, put_once, e);

	mst_json_free(&ask->wish);
	return rc;
}

static int drop_once(struct object_ask *ask, struct mst_err *e)
{
	struct mst_batch b;

	if (mst_object_read_here(ask, look_plan, e) < 0)
		return -1;
	if (!ask->has_older)
		return mst_fail(e, MST_E_ABSENT, "there is no %s of that name", mst_noun_word(ask->noun));
	ask->is_referred = ask->num_touched > 0;
	if (ask->is_referred)
		return mst_fail(e, MST_E_CONFLICT, "still referred to by %.*s", (int)ask->touched.len, (const char *)ask->touched.at);
	mst_batch_init(&b, &ask->arena, NULL, NULL);
	census_put(ask, &b);
	mst_object_drop(&b, &ask->older);
	mst_revision_put(&b, &ask->older,
			 &(struct mst_revision){.version = ask->older.version + 1, .at_ms = mst_clock_wall_ms(), .who = ask->who,
						.changes = MST_S("{\"deleted\":true}"), .touched = ask->touched});
	audit_put(ask, &b, "deleted", mst_slice(NULL, 0));
	return commit(ask, &b, e);
}

int mst_object_change_drop(struct object_ask *ask, struct mst_err *e)
{
	ask->status = 204;
	return mst_object_again(ask, drop_once, e);
}
