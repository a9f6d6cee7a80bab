/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper of identities: on the first loop, known to all. */
#include "engine.h"
#include "muster/identity.h"
#include "muster/render.h"
#include "muster/revoke.h"

static void on_revoked(struct mst_app *app, const uint8_t authority[static 16], const uint8_t serial[static 16],
		       const uint8_t sha256[static 32], int64_t not_after_s)
{
	if (app->revoke)
		mst_revoke_tell(app->revoke, authority, serial, sha256, not_after_s);
}

int mst_keep_start(struct mst_engine *engine, struct mst_err *e)
{
	if (mst_keeper_new(&engine->keeper, &engine->loops[0].app, e) < 0)
		return -1;
	mst_keeper_rule(engine->keeper, mst_render_keeps_certificates);
	for (uint32_t i = 0; i < engine->num_loops; i++) {
		engine->loops[i].app.keeper = engine->keeper;
		engine->loops[i].app.on_revoked = on_revoked;
	}
	return 0;
}

void mst_keep_stop(struct mst_engine *engine)
{
	mst_keeper_free(&engine->keeper);
}
