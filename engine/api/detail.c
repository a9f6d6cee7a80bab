/* SPDX-License-Identifier: Apache-2.0 */
/* Details of devices: their JSON with the names of their labels, and what an operator may change: PUT /v1/devices/{ID}/detail. */
#include "muster/clock.h"
#include "objects_own.h"

#define TRIES 8

void mst_detail_tell(struct mst_json *j, const struct mst_detail *d)
{
	mst_json_open(j, "detail");
#define X(member, name) mst_json_text(j, name, d->member);
	MST_DETAIL_TEXTS(X)
#undef X
	mst_json_text(j, "mode", mst_slice_str(mst_device_mode_word(d->mode)));
	mst_json_bool(j, "retired", d->is_retired);
	mst_json_bool(j, "knox", d->is_knox);
	mst_json_bool(j, "has_client", d->has_client);
	mst_json_bool(j, "mutual", d->is_mutual);
	mst_json_time(j, "registered_at", d->registered_ms);
	mst_json_time(j, "reported_at", d->reported_ms);
	mst_json_close(j);
}

void mst_labels_tell(struct mst_json *j, const struct mst_catalog *c, const struct mst_member *m)
{
	mst_json_open_array(j, "labels");
	for (uint32_t i = 0; c && i < c->num_labels; i++)
		if (mst_member_has(m, c->labels[i].object.id))
			mst_json_text(j, NULL, c->labels[i].object.name);
	mst_json_close(j);
}

static const struct {
	const char *name;
	size_t at;
} fields[] = {
	{"user", offsetof(struct mst_detail, user)},       {"ownership", offsetof(struct mst_detail, ownership)},
	{"custom1", offsetof(struct mst_detail, custom1)}, {"custom2", offsetof(struct mst_detail, custom2)},
	{"custom3", offsetof(struct mst_detail, custom3)}, {"custom4", offsetof(struct mst_detail, custom4)},
};

struct reading {
	struct mst_detail *d;
	struct mst_err *e;
	bool is_bad;
};

static bool on_field(void *context, struct mst_slice key, const struct mst_json_value *json)
{
	struct reading *reading = context;

	for (size_t i = 0; i < MST_LEN(fields); i++) {
		struct mst_slice *to = (struct mst_slice *)(void *)((char *)reading->d + fields[i].at);

		if (!mst_slice_eq(mst_slice_str(fields[i].name), key))
			continue;
		reading->is_bad = mst_json_get_text0(json, to, NULL, reading->e) < 0;
		if (!reading->is_bad && to->len > MST_DETAIL_TEXT_MAX)
			reading->is_bad = mst_fail(reading->e, MST_E_SYNTAX, "%s: longer than %d bytes", fields[i].name,
						   MST_DETAIL_TEXT_MAX) < 0;
		return !reading->is_bad;
	}
	reading->is_bad = mst_fail(reading->e, MST_E_SYNTAX, "\"%.*s\" is not for operators to change",
				   (int)(key.len < 64 ? key.len : 64), (const char *)key.at) < 0;
	return false;
}

static int wish_read(struct mst_detail *d, struct object_ask *ask, struct mst_err *e)
{
	struct reading reading = {.d = d, .e = e};

	mst_json_each(ask->wish, &reading, on_field);
	if (reading.is_bad)
		return -1;
	if (d->ownership.len && !mst_slice_eq(d->ownership, MST_S("company")) && !mst_slice_eq(d->ownership, MST_S("employee")))
		return mst_fail(e, MST_E_SYNTAX, "ownership: company or employee");
	return d->user.len ? mst_name_check(d->user, e) : 0;
}

static int look_plan(struct mst_read *r)
{
	struct object_ask *ask = MST_HOME(r, struct object_ask, read);

	return mst_standing_known(ask, r);
}

/* The user that the detail will name. */
static int user_plan(struct mst_read *r)
{
	struct object_ask *ask = MST_HOME(r, struct object_ask, read);
	uint8_t id[16];
	int rc = mst_standing_read(r, ask->standing, &ask->device.device_id, &ask->detail->user, ask->questions);

	if (rc != 0 || ask->detail->user.len == 0)
		return rc;
	mst_object_id(id, MST_NOUN_USER, ask->detail->user);
	rc = mst_object_get(r, &ask->older, MST_NOUN_USER, id, NULL);
	return rc == 0 ? mst_fail(&r->err, MST_E_SYNTAX, "user: there is no user of that name") : rc == 1 ? 0 : rc;
}

static int tell(struct object_ask *ask, struct mst_err *e)
{
	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_text(&ask->json, "id", ask->device.text);
	mst_detail_tell(&ask->json, ask->detail);
	mst_json_close(&ask->json);
	return mst_json_end(&ask->json, &ask->body, e);
}

static int put_once(struct object_ask *ask, struct mst_err *e)
{
	struct mst_detail *d = mst_arena_get(&ask->arena, sizeof *d);
	struct mst_batch b;

	if (!d || !ask->standing)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_object_read_here(ask, look_plan, e) < 0)
		return -1;
	*d = ask->standing->detail;
	d->text = ask->device.text;
	if (wish_read(d, ask, e) < 0)
		return -1;
	ask->detail = d;
	if (mst_object_read_here(ask, user_plan, e) < 0)
		return -1;
	d->raw = ask->standing->detail.raw;
	mst_batch_init(&b, &ask->arena, NULL, NULL);
	if (mst_standing_put(&ask->has_labels, &b, ask->standing, d, ask->questions, e) < 0)
		return -1;
	mst_audit_add(&b, &(struct mst_audit){.at_ms = mst_clock_wall_ms(), .who = ask->who, .action = MST_S("device changed"),
					      .what = ask->device.text, .detail = d->user});
	if (mst_store_commit_here(ask->app->store, &b) == 0)
		return tell(ask, e);
	*e = b.err;
	return -1;
}

static int put_work(struct object_ask *ask, struct mst_err *e)
{
	int rc = mst_object_again(ask, put_once, e);

	mst_json_free(&ask->wish);
	return rc;
}

struct object_ask *mst_object_ask_device(struct mst_xchg *x, size_t part)
{
	struct object_ask *ask = mst_object_ask_new(x);
	struct mst_slice text;

	if (!ask)
		return NULL;
	ask->questions = ask->app->catalog ? &ask->app->catalog->questions : NULL;
	ask->standing = mst_arena_get(&x->arena, sizeof *ask->standing);
	if (!ask->standing)
		(void)!mst_fail(&x->err, MST_E_BUSY, "out of memory");
	else if (mst_path_part(x, &text, part) == 0 && mst_path_id(x, &ask->device, text) == 0)
		return ask;
	mst_xchg_fail(x);
	return NULL;
}

enum mst_step mst_api_detail_put(struct mst_xchg *x)
{
	struct object_ask *ask = mst_object_ask_device(x, 2);

	if (!ask)
		return STEP_REPLY;
	if (mst_json_parse(&ask->wish, x->in.body, MST_OBJECT_MAX, 2, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_object_turn(ask, put_work);
}
