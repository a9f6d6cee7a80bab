/* SPDX-License-Identifier: Apache-2.0 */
/* Takes away what a device holds: a walk over its records on a worker, each ended by itself. */
#include <stdlib.h>

#include "keeper_own.h"
#include "muster/log.h"

#define PAIRS_MAX 256 /* of one turn; a device holds a handful */

struct look {
	struct mst_read r;
	const struct removal *removal;
	struct {
		uint8_t enrollment[16], setting[16];
	} pairs[PAIRS_MAX];
	uint32_t num;
	struct mst_detail detail;
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	const struct removal *removal = look->removal;
	struct mst_walk w = {.r = NULL};
	struct mst_id id = {.channel = {0}};
	struct mst_held held;
	int rc;

	memcpy(id.device, removal->device, sizeof id.device);
	rc = mst_detail_get(r, &look->detail, &id);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	if (rc == 0)
		look->detail = (struct mst_detail){.id = id};
	look->num = 0;
	while (look->num < PAIRS_MAX &&
	       (rc = mst_held_next(&w, r, &held, mst_slice(removal->device, 16), mst_slice(NULL, 0), NULL)) == 1) {
		if (held.state == MST_HELD_REMOVED ||
		    (removal->has_enrollment && memcmp(held.enrollment, removal->enrollment, sizeof held.enrollment) != 0))
			continue;
		memcpy(look->pairs[look->num].enrollment, held.enrollment, sizeof held.enrollment);
		memcpy(look->pairs[look->num++].setting, held.setting, sizeof held.setting);
	}
	mst_walk_done(&w);
	return rc < 0 || rc == MST_LATER ? rc : 0;
}

static int run_all(struct removal *removal, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_app *app = removal->keeper->app;
	struct look *look = mst_arena_zero(arena, sizeof *look);
	int rc = 0;

	if (!look)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	look->removal = removal;
	look->r = (struct mst_read){.arena = arena, .plan = plan};
	if (mst_store_read_here(app->store, &look->r) < 0) {
		*e = look->r.err;
		return -1;
	}
	for (uint32_t i = 0; i < look->num && rc >= 0; i++)
		rc = mst_identity_end(app, arena, removal->device, look->pairs[i].enrollment, look->pairs[i].setting, END_REMOVE,
				      mst_slice_str(removal->who), look->detail.text, e);
	return rc < 0 || look->num == PAIRS_MAX ? -1 : 0;
}

static void on_worker(struct mst_job *job)
{
	struct removal *removal = MST_HOME(job, struct removal, job);
	struct mst_arena arena;
	struct mst_err err = {.code = MST_E_NONE};

	mst_arena_init(&arena, NULL, 0);
	removal->has_failed = run_all(removal, &arena, &err) < 0;
	if (removal->has_failed)
		mst_log(WARN, "identities stay for now", mst_f_err(&err));
	mst_arena_done(&arena);
}

static void on_ran(struct mst_job *job)
{
	struct removal *removal = MST_HOME(job, struct removal, job), **at = &removal->keeper->removals;

	removal->is_out = false; /* after a failure the next tick tries again */
	if (removal->has_failed)
		return;
	while (*at != removal)
		at = &(*at)->next;
	*at = removal->next;
	free(removal);
}

void mst_keeper_removals(struct mst_keeper *keeper)
{
	struct mst_err err;

	for (struct removal *removal = keeper->removals; removal; removal = removal->next) {
		if (removal->is_out)
			continue;
		removal->job = (struct mst_job){.home = keeper->app->loop, .run = on_worker, .on_ran = on_ran};
		if (mst_work_post(keeper->app->work, MST_LANE_BULK, &removal->job, &err) < 0)
			return;
		removal->is_out = true;
	}
}

void mst_keeper_removals_free(struct mst_keeper *keeper)
{
	while (keeper->removals) {
		struct removal *removal = keeper->removals;
		keeper->removals = removal->next;
		free(removal);
	}
}
