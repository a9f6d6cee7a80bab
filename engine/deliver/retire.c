/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/devices/{id}/retire: the device is marked; its settings, its identities and in the end its enrolment are taken away in the
 * background. A device that enrols anew is not retired any more.
 */
#include "call_own.h"
#include "muster/audit.h"
#include "muster/clock.h"
#include "muster/standing.h"

#define TRIES 8

struct retire {
	struct mst_standing standing;
	const struct mst_questions *questions;
};

static int plan(struct mst_read *r)
{
	struct deliver_ask *ask = MST_HOME(r, struct deliver_ask, read);
	struct retire *retire = ask->standing;
	int rc = mst_standing_read(r, &retire->standing, &ask->id, NULL, retire->questions);

	if (rc == 0 && !retire->standing.has_detail)
		return mst_fail(&r->err, MST_E_ABSENT, "unknown device");
	return rc;
}

static int retire_once(struct deliver_ask *ask, struct mst_err *e)
{
	struct retire *retire = ask->standing;
	struct mst_detail d;
	struct mst_batch b;

	if (mst_deliver_read_here(ask, plan, e) < 0)
		return -1;
	d = retire->standing.detail;
	if (d.is_retired)
		return 0;
	d.is_retired = true;
	mst_batch_init(&b, &ask->arena, NULL, NULL);
	if (mst_standing_put(&ask->has_labels, &b, &retire->standing, &d, retire->questions, e) < 0)
		return -1;
	mst_audit_add(&b, &(struct mst_audit){.at_ms = mst_clock_wall_ms(), .who = mst_slice_str(ask->x->who),
					      .action = MST_S("device retired"), .what = ask->text, .detail = d.user});
	if (mst_store_commit_here(ask->app->store, &b) == 0)
		return 0;
	*e = b.err;
	return -1;
}

static int retire_work(struct deliver_ask *ask, struct mst_err *e)
{
	struct retire *retire = mst_arena_zero(&ask->arena, sizeof *retire);
	int rc = -1;

	if (!retire)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	ask->standing = retire;
	retire->questions = ask->app->catalog ? &ask->app->catalog->questions : NULL;
	for (int i = 0; i < TRIES && rc < 0; i++) {
		rc = retire_once(ask, e);
		if (rc < 0 && e->code != MST_E_CONFLICT)
			return -1;
	}
	if (rc < 0)
		return -1;
	ask->is_changed = ask->is_retired = true;
	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_text(&ask->json, "id", ask->text);
	mst_json_bool(&ask->json, "retired", true);
	mst_json_close(&ask->json);
	return mst_json_end(&ask->json, &ask->body, e);
}

enum mst_step mst_deliver_retire(struct mst_xchg *x)
{
	struct deliver_ask *ask = mst_deliver_ask_new(x);

	if (!ask)
		return STEP_REPLY;
	return mst_deliver_ask_device(ask, 2) < 0 ? mst_xchg_fail(x) : mst_deliver_turn(ask, retire_work);
}
