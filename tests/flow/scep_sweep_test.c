/* SPDX-License-Identifier: Apache-2.0 */
/* What has expired is dropped, page by page; what is good stays. */
#include "../../engine/scep/sweep.c"

#include "rig.h"

#define NUM (2 * PAGE + 300)

Test(sweep, drops_what_has_expired, .timeout = 60)
{
	struct rig *rig = rig_new();
	int64_t now_ms = mst_clock_wall_ms();
	struct mst_sweep *sweep;
	struct mst_batch b;
	struct mst_err e;
	uint8_t key[32];

	mst_batch_init(&b, &rig->arena, NULL, NULL);
	for (uint32_t i = 0; i < NUM; i++) {
		struct mst_challenge c = {.device = MST_S("U"), .common_name = MST_S("U"), .expires_ms = now_ms + (i % 3 ? -1000 : 3600000)};
		mst_sha256(key, mst_slice(&i, sizeof(i)));
		mst_challenge_put(&b, &c, key);
	}
	cr_assert_eq(mst_store_commit_here(rig->app.store, &b), 0, "%s", b.err.text);
	cr_assert_eq(mst_sweep_new(&sweep, &rig->app, &e), 0);
	for (int page = 0; page < 4; page++) {
		on_worker(&sweep->job);
		cr_expect_eq(sweep->is_over, page >= 2, "page %d", page);
		if (page == 0)
			cr_expect_eq(sweep->num_dropped > 1000, true);
	}
	cr_expect_eq(rig_num_records(rig, MST_SPACE_CHALLENGE), (NUM + 2) / 3);
	mst_sweep_free(&sweep);
	rig_free(rig);
}
