/* SPDX-License-Identifier: Apache-2.0 */
/* The session of a channel on a connection. */
#include <criterion/criterion.h>

#include "own.h"

static const struct mst_id one = {.device = {1}}, two = {.device = {1}, .channel = {2}};

Test(session, belongs_to_the_last_idle)
{
	uint64_t keep[MST_KEEP_ROOM / 8] = {0};
	struct mst_xchg x = {.keep = keep};

	cr_expect_eq(mst_session_since(&x, &one), 0);
	mst_session_begin(&x, &one, 1000);
	cr_expect_eq(mst_session_since(&x, &one), 1000);
	cr_expect_eq(mst_session_since(&x, &two), 0);
	mst_session_begin(&x, &two, 1001);
	cr_expect_eq(mst_session_since(&x, &one), 0);
	cr_expect_eq(mst_session_since(&x, &two), 1001);
}

/* A NotNow is at or after its session's beginning and before the next session's, whatever the clock does. */
Test(session, not_now_and_the_clock)
{
	static const struct {
		int64_t idle_ms, not_now_ms, next_ms;
	} rows[] = {{1000, 1005, 2000}, {1000, 1000, 1000}, {1000, 10, 20}, {1000, 5000, 1000}, {1000, 10, 1000}};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		uint64_t keep[MST_KEEP_ROOM / 8] = {0};
		struct mst_xchg x = {.keep = keep};
		mst_session_begin(&x, &one, rows[i].idle_ms);
		int64_t at_ms = mst_session_not_now(&x, &one, rows[i].not_now_ms);
		cr_expect_geq(at_ms, mst_session_since(&x, &one), "%zu", i);
		mst_session_begin(&x, &one, rows[i].next_ms);
		cr_expect_lt(at_ms, mst_session_since(&x, &one), "%zu", i);
	}
}

Test(session, orphans_and_bare_exchanges_know_none)
{
	uint64_t keep[MST_KEEP_ROOM / 8] = {0};
	struct mst_xchg x = {.keep = keep};

	mst_session_begin(&x, &one, 1000);
	x.is_orphan = true;
	cr_expect_eq(mst_session_since(&x, &one), 0);
	cr_expect_eq(mst_session_not_now(&x, &one, 1234), 1234);
	x = (struct mst_xchg){.keep = NULL};
	mst_session_begin(&x, &one, 1000);
	cr_expect_eq(mst_session_since(&x, &one), 0);
}
