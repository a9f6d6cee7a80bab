/* SPDX-License-Identifier: Apache-2.0 */
/* Who works through the devices when something changed: their labels first, then their settings. */
#include "engine.h"
#include "muster/deliver.h"

static void on_user_changed(struct mst_app *app, const uint8_t user[static 16])
{
	mst_members_user(app, user);
	mst_deliver_user(app, user); /* his address may stand in a setting */
}

int mst_follow_start(struct mst_engine *engine, struct mst_err *e)
{
	if (mst_members_new(&engine->members, &engine->loops[0].app, e) < 0 ||
	    mst_deliver_new(&engine->deliver, &engine->loops[0].app, e) < 0)
		return -1;
	for (uint32_t i = 0; i < engine->num_loops; i++) {
		struct mst_app *app = &engine->loops[i].app;

		app->members = engine->members;
		app->deliver = engine->deliver;
		app->on_user_changed = on_user_changed;
		app->on_members = mst_deliver_devices;
		app->on_device = mst_deliver_device;
		app->on_identity_changed = mst_deliver_identity;
		app->reports = &mst_deliver_reports;
	}
	mst_follow_catalog(engine, NULL, engine->snapshots[SNAPSHOT_CATALOG].now);
	return 0;
}

void mst_follow_stop(struct mst_engine *engine)
{
	mst_deliver_free(&engine->deliver);
	mst_members_free(&engine->members);
}

void mst_follow_catalog(struct mst_engine *engine, const struct mst_catalog *older, const struct mst_catalog *newer)
{
	mst_members_follow(engine->members, older, newer);
	mst_deliver_follow(engine->deliver, older, newer);
}
