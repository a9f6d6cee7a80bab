/* SPDX-License-Identifier: Apache-2.0 */
/* Members of labels: PUT, DELETE and GET /v1/labels/{NAME}/devices[/{ID}], and POST /v1/labels/test, which judges one device. */
#include "muster/clock.h"
#include "muster/text.h"
#include "objects_own.h"

#define DEVICE_KEY 16

int mst_standing_known(struct object_ask *ask, struct mst_read *r)
{
	int rc = mst_standing_read(r, ask->standing, &ask->device.device_id, NULL, ask->questions);
	struct mst_device d;

	if (rc != 0 || ask->standing->has_detail)
		return rc;
	rc = mst_device_get(r, &d, &ask->device.device_id);
	return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "there is no such device") : rc == 1 ? 0 : rc;
}

static int label_get(struct object_ask *ask, struct mst_read *r)
{
	uint8_t id[16];
	int rc;

	mst_object_id(id, MST_NOUN_LABEL, ask->name);
	rc = mst_object_get(r, &ask->older, MST_NOUN_LABEL, id, NULL);
	return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "there is no label of that name") : rc == 1 ? 0 : rc;
}

static int member_plan(struct mst_read *r)
{
	struct object_ask *ask = MST_HOME(r, struct object_ask, read);
	int rc = label_get(ask, r);

	if (rc == 0 && mst_object_text(&ask->older, "expression").len)
		return mst_fail(&r->err, MST_E_CONFLICT, "the label has an expression, which says who has it");
	return rc == 0 ? mst_standing_known(ask, r) : rc;
}

static int member_once(struct object_ask *ask, struct mst_err *e)
{
	bool is_put = ask->x->in.method == MST_PUT;
	struct mst_batch b;

	ask->is_referred = false;
	if (mst_object_read_here(ask, member_plan, e) < 0) {
		ask->is_referred = e->code == MST_E_CONFLICT; /* no sense in looking again */
		return -1;
	}
	mst_batch_init(&b, &ask->arena, NULL, NULL);
	if (mst_standing_set_static(&ask->has_labels, &b, ask->standing, ask->older.id, is_put, e) < 0) {
		ask->is_referred = true;
		return -1;
	}
	if (!ask->has_labels)
		return 0;
	mst_audit_add(&b, &(struct mst_audit){.at_ms = mst_clock_wall_ms(), .who = ask->who,
					      .action = is_put ? MST_S("label given") : MST_S("label taken"), .what = ask->name,
					      .detail = ask->device.text});
	if (mst_store_commit_here(ask->app->store, &b) == 0)
		return 0;
	ask->has_labels = false;
	*e = b.err;
	return -1;
}

static int member_work(struct object_ask *ask, struct mst_err *e)
{
	ask->status = 204;
	return mst_object_again(ask, member_once, e);
}

static int name_read(struct object_ask *ask)
{
	struct mst_xchg *x = ask->x;

	ask->noun = MST_NOUN_LABEL;
	return mst_path_part(x, &ask->name, 2) < 0 ? -1 : mst_name_check(ask->name, &x->err);
}

enum mst_step mst_api_label_member(struct mst_xchg *x)
{
	struct object_ask *ask = mst_object_ask_device(x, 4);

	if (!ask)
		return STEP_REPLY;
	ask->questions = NULL;
	return name_read(ask) < 0 ? mst_xchg_fail(x) : mst_object_turn(ask, member_work);
}

static void one_member(struct object_ask *ask, const struct mst_detail *d, struct mst_slice text)
{
	mst_json_open(&ask->json, NULL);
	mst_json_text(&ask->json, "id", text);
	mst_json_text(&ask->json, "user", d->user);
	mst_json_text(&ask->json, "platform", d->platform);
	mst_json_close(&ask->json);
}

static int member_tell(struct object_ask *ask, struct mst_read *r, const struct mst_id *id)
{
	struct mst_device device;
	struct mst_detail d;
	int rc = mst_detail_get(r, &d, id);

	if (rc < 0)
		return -1;
	if (rc == 0)
		d = (struct mst_detail){.id = *id};
	if (d.text.len == 0) {
		rc = mst_device_get(r, &device, id);
		if (rc < 0)
			return -1;
		d.text = rc == 1 ? device.text : d.text;
	}
	one_member(ask, &d, d.text);
	return 0;
}

static int members_walk(struct object_ask *ask, struct mst_read *r, struct mst_slice from, uint8_t last[static DEVICE_KEY])
{
	struct mst_walk w = {.r = NULL};
	uint64_t num = 0;
	struct mst_id id;
	int rc;

	while ((rc = mst_labeled_next(&w, r, &id, ask->older.id, from)) == 1 && num++ < ask->limit) {
		if (member_tell(ask, r, &id) < 0) {
			rc = -1;
			break;
		}
		memcpy(last, id.device, DEVICE_KEY);
	}
	mst_walk_done(&w);
	return rc;
}

static int members_plan(struct mst_read *r)
{
	struct object_ask *ask = MST_HOME(r, struct object_ask, read);
	uint8_t from[16 + DEVICE_KEY + 1], last[DEVICE_KEY];
	int rc = label_get(ask, r);

	if (rc != 0)
		return rc;
	memcpy(from, ask->older.id, 16);
	from[16 + DEVICE_KEY] = 0;
	if (ask->cursor.len && mst_hex_get(from + 16, DEVICE_KEY, ask->cursor, NULL) < 0)
		return mst_fail(&r->err, MST_E_SYNTAX, "the cursor is not one of ours");
	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_open_array(&ask->json, "devices");
	rc = members_walk(ask, r, mst_slice(from, ask->cursor.len ? sizeof from : 0), last);
	if (rc < 0)
		return rc;
	mst_json_close(&ask->json);
	if (rc == 1)
		mst_json_hex(&ask->json, "next", mst_slice(last, sizeof last));
	else
		mst_json_null(&ask->json, "next");
	mst_json_close(&ask->json);
	return 0;
}

static int members_work(struct object_ask *ask, struct mst_err *e)
{
	return mst_object_read_here(ask, members_plan, e) < 0 ? -1 : mst_json_end(&ask->json, &ask->body, e);
}

enum mst_step mst_api_label_members(struct mst_xchg *x)
{
	struct object_ask *ask = mst_object_ask_new(x);

	if (!ask)
		return STEP_REPLY;
	return name_read(ask) < 0 || mst_object_page(ask) < 0 ? mst_xchg_fail(x) : mst_object_turn(ask, members_work);
}

/* {"expression","device"}: without a device the expression is only read. */
static int test_plan(struct mst_read *r)
{
	struct object_ask *ask = MST_HOME(r, struct object_ask, read);
	int rc = ask->device.text.len ? mst_standing_known(ask, r) : 0;

	if (rc != 0)
		return rc;
	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	if (ask->device.text.len)
		mst_json_bool(&ask->json, "holds",
			      mst_expr_holds(ask->expr, &ask->standing->detail, ask->standing->has_user ? &ask->standing->user : NULL));
	else
		mst_json_null(&ask->json, "holds");
	mst_json_close(&ask->json);
	return 0;
}

static int test_work(struct object_ask *ask, struct mst_err *e)
{
	const struct mst_questions questions = {.needs_user = true};
	struct mst_slice text, device;
	struct mst_expr *expr;
	int rc = -1;

	ask->questions = &questions;
	if (mst_json_get_text0(ask->wish, &text, "expression", e) < 0 || mst_json_get_text0(ask->wish, &device, "device", e) < 0)
		goto out;
	if (device.len && mst_path_id(ask->x, &ask->device, device) < 0)
		goto out;
	if (mst_expr_parse(&expr, &ask->arena, text, e) < 0)
		goto out;
	ask->expr = expr;
	rc = mst_object_read_here(ask, test_plan, e) < 0 ? -1 : mst_json_end(&ask->json, &ask->body, e);
out:
	ask->questions = NULL;
	mst_json_free(&ask->wish);
	return rc;
}

enum mst_step mst_api_label_test(struct mst_xchg *x)
{
	struct object_ask *ask = mst_object_ask_new(x);

	if (!ask)
		return STEP_REPLY;
	ask->standing = mst_arena_get(&x->arena, sizeof *ask->standing);
	if (!ask->standing)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	if (mst_json_parse(&ask->wish, x->in.body, MST_OBJECT_MAX, 2, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_object_turn(ask, test_work);
}
