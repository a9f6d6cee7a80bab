/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: what changes while a load is under way is loaded, also when that load fails. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../../engine/main/engine.h"
#include "muster/log.h"

/* What snapshot.c asks of others: one job at a time, and loads that fail when told so. */
static struct mst_job *given;
static uint32_t num_loads;

static int fake_load(struct mst_issuers **out, struct mst_store *store, const struct mst_seal *seal, struct mst_err *e)
{
	num_loads++;
	return mst_fail(e, MST_E_STORE, "the store cannot read");
}

static int fake_post(struct mst_work *work, enum mst_lane lane, struct mst_job *posted, struct mst_err *e)
{
	cr_assert_null(given);
	given = posted;
	return 0;
}

static void fake_mail(struct mst_loop *loop, struct mst_mail *mail)
{
	mail->on_mail(mail);
}

#define mst_issuers_load fake_load
#define mst_work_post    fake_post
#define mst_loop_post    fake_mail
#include "../../../engine/main/snapshot.c"

static void work(void)
{
	struct mst_job *now = given;

	given = NULL;
	now->run(now);
	now->on_ran(now);
}

Test(snapshot, a_change_during_a_load_that_fails_is_loaded)
{
	struct mst_engine *engine = calloc(1, sizeof *engine);

	cr_assert_not_null(engine);
	engine->num_loops = 1;
	engine->loops[0].engine = engine;
	engine->snapshots[SNAPSHOT_ISSUERS] = (struct mst_snapshot){.row = &rows[SNAPSHOT_ISSUERS], .engine = engine};
	on_issuers_changed(&engine->loops[0].app);
	cr_assert_not_null(given);
	on_issuers_changed(&engine->loops[0].app);
	work();
	cr_expect_eq(num_loads, 1);
	cr_assert_not_null(given, "the second change is lost");
	work();
	cr_expect_eq(num_loads, 2);
	cr_expect_null(given, "nothing changed since");
	cr_expect_null(engine->snapshots[SNAPSHOT_ISSUERS].spread);
	free(engine);
}
