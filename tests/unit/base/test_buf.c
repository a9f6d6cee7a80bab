/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer against a plain model, its limit, and that moving bytes does not cost more than
 * writing them. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#include "muster/buf.h"

Test(buf, empty)
{
	struct mst_buf b = {0};
	cr_expect_eq(mst_buf_slice(&b).len, 0u);
	cr_expect_eq(mst_buf_add(&b, mst_slice(NULL, 0), NULL), 0);
	cr_expect_null(b.data);
	cr_expect_not_null(mst_buf_room(&b, 0, NULL));
	mst_buf_drop(&b, 0);
	mst_buf_done(&b);
	mst_buf_done(&b);
}

Test(buf, model)
{
	static const size_t limits[] = {0, 700, 512, 5000};
	static uint8_t model[200000];
	for (size_t i = 0; i < MST_LEN(limits); i++) {
		struct mst_buf b = {.limit = limits[i]};
		size_t from = 0, to = 0;
		srand(7);
		for (int turn = 0; turn < 3000 && to < 190000; turn++) {
			size_t add = (size_t)rand() % 200, drop = (size_t)rand() % 210;
			uint8_t bytes[200];
			memset(bytes, turn & 0xff, add);
			struct mst_err e;
			bool fits = !limits[i] || to - from + add <= limits[i];
			cr_assert_eq(mst_buf_add(&b, mst_slice(bytes, add), &e),
				     fits || add == 0 ? 0 : -1);
			if (fits) {
				memcpy(model + to, bytes, add);
				to += add;
			} else {
				cr_assert_eq(e.code, MST_E_TOO_BIG);
			}
			cr_assert(mst_slice_eq(mst_buf_slice(&b),
					       mst_slice(model + from, to - from)));
			if (drop > to - from)
				drop = to - from;
			mst_buf_drop(&b, drop);
			from += drop;
			cr_assert(mst_slice_eq(mst_buf_slice(&b),
					       mst_slice(model + from, to - from)));
			cr_assert(!limits[i] || b.room <= limits[i]);
		}
		mst_buf_done(&b);
		cr_expect_eq(b.limit, limits[i]);
	}
}

Test(buf, room_and_put)
{
	struct mst_buf b = {.limit = 1000};
	struct mst_err e;
	uint8_t *place = mst_buf_room(&b, 1000, &e);
	cr_assert_not_null(place);
	memset(place, 'x', 1000);
	mst_buf_put(&b, 600);
	cr_expect_eq(mst_buf_slice(&b).len, 600u);
	cr_expect_null(mst_buf_room(&b, 401, &e));
	cr_expect_eq(e.code, MST_E_TOO_BIG);
	cr_expect_not_null(mst_buf_room(&b, 400, &e));
	cr_expect_null(mst_buf_room(&b, SIZE_MAX, &e));
	cr_expect_eq(mst_buf_slice(&b).len, 600u);
	mst_buf_drop(&b, 600);
	cr_expect_eq(b.from, 0u);
	cr_expect_eq(b.to, 0u);
	mst_buf_done(&b);
}

Test(buf, a_queue_of_steady_length_stays_small)
{
	struct mst_buf b = {0};
	uint8_t bytes[100] = {0};
	for (int i = 0; i < 10000; i++) {
		cr_assert_eq(mst_buf_add(&b, mst_slice(bytes, sizeof(bytes)), NULL), 0);
		if (i > 20)
			mst_buf_drop(&b, sizeof(bytes));
	}
	cr_expect_leq(b.room, 8192u);
	mst_buf_done(&b);
}

Test(buf, out_of_memory_is_an_answer)
{
	struct mst_buf b = {0};
	struct mst_err e;
	cr_assert_eq(mst_buf_add(&b, MST_S("kept"), &e), 0);
	cr_expect_null(mst_buf_room(&b, SIZE_MAX / 4, &e));
	cr_expect_eq(e.code, MST_E_BUSY);
	cr_expect(mst_slice_eq(mst_buf_slice(&b), MST_S("kept")));
	mst_buf_done(&b);
}

Test(buf, drop_too_much, .signal = SIGABRT)
{
	struct mst_buf b = {0};
	mst_buf_drop(&b, 1);
}
Test(buf, put_too_much, .signal = SIGABRT)
{
	struct mst_buf b = {0};
	mst_buf_put(&b, 1);
}
