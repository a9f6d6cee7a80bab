/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms: every bucket's bounds, the promised error, shares, merging. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../../engine/base/hist.c"

static struct mst_hist h, other; /* zeroed in each test's process */

Test(hist, buckets_meet_without_gap)
{
	for (uint32_t i = 0; i < LAST; i++) {
		uint64_t end = bucket_end(i);
		cr_assert_eq(bucket_of(end), i, "%u", i);
		cr_assert_eq(bucket_of(end + 1), i + 1, "%u", i);
	}
	cr_expect_eq(bucket_of(0), 0u);
	cr_expect_eq(bucket_of(UINT64_MAX), (uint32_t)LAST);
	cr_expect_gt(bucket_end(LAST - 1), 120000000000u, "two minutes have a place");
}

Test(hist, error_is_small)
{
	for (uint64_t ns = 1; ns < 130000000000u; ns += ns / 50 + 1) {
		uint64_t end = bucket_end(bucket_of(ns));
		cr_assert_geq(end, ns);
		cr_assert_leq((double)(end - ns), (double)ns / 32);
	}
}

Test(hist, empty)
{
	cr_expect_eq(mst_hist_at(&h, 0.5), 0u);
	cr_expect_eq(mst_hist_below(&h, UINT64_MAX), 0u);
}

Test(hist, shares)
{
	for (uint64_t i = 1; i <= 1000; i++)
		mst_hist_add(&h, i * 1000);
	static const struct {
		double share;
		uint64_t want;
	} rows[] = {{0, 1000},      {0.001, 1000},   {0.5, 500000}, {0.9, 900000},
		    {0.99, 990000}, {0.999, 999000}, {1, 1000000}};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		uint64_t got = mst_hist_at(&h, rows[i].share);
		cr_expect_geq(got, rows[i].want, "%f", rows[i].share);
		cr_expect_leq((double)got, (double)rows[i].want * (1 + 1.0 / 32), "%f",
			      rows[i].share);
	}
	cr_expect_eq(mst_hist_at(&h, 1), 1000000u, "never above the largest value");
	cr_expect_eq(h.total, 1000u);
	cr_expect_eq(h.sum_ns, 500500000u);
	cr_expect_eq(mst_hist_below(&h, 900), 0u);
	cr_expect_eq(mst_hist_below(&h, 1000000), 1000u);
	cr_expect_leq(llabs((long long)mst_hist_below(&h, 500000) - 500), 16);
}

Test(hist, beyond_the_range)
{
	mst_hist_add(&h, 1);
	mst_hist_add(&h, 500000000000u);
	cr_expect_eq(mst_hist_at(&h, 0.5), 1u);
	cr_expect_eq(mst_hist_at(&h, 1), 500000000000u);
	cr_expect_eq(mst_hist_below(&h, 10), 1u);
	cr_expect_eq(mst_hist_below(&h, UINT64_MAX), 2u);
}

Test(hist, merge)
{
	for (uint64_t i = 0; i < 100; i++) {
		mst_hist_add(&h, i);
		mst_hist_add(&other, i * 1000000);
	}
	mst_hist_merge(&h, &other);
	cr_expect_eq(h.total, 200u);
	cr_expect_eq(h.sum_ns, 4950u + 4950000000u);
	cr_expect_eq(h.max_ns, 99000000u);
	cr_expect_eq(other.total, 100u);
	cr_expect_eq(mst_hist_below(&h, 99), 101u);
	mst_hist_merge(&other, &h);
	cr_expect_eq(other.max_ns, 99000000u);
}
