/* SPDX-License-Identifier: Apache-2.0 */
/* The bucket of a source: a burst, then the rate; sources do not share. */
#include <criterion/criterion.h>

#include "../../../engine/scep/own.h"

static struct mst_addr v4(uint8_t last)
{
	return (struct mst_addr){.ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = last}};
}

static uint32_t take_many(struct mst_scep *scep, const struct mst_addr *addr, uint64_t now_ms, uint32_t num)
{
	uint32_t taken = 0;
	for (uint32_t i = 0; i < num; i++)
		taken += mst_rate_take(scep, addr, now_ms);
	return taken;
}

Test(rate, fills_at_the_rate)
{
	const struct mst_scep_conf conf = {.rate = 10, .burst = 20};
	struct mst_addr a = v4(1), b = v4(2);
	struct mst_scep *scep;
	struct mst_err e;

	cr_assert_eq(mst_scep_new(&scep, NULL, &conf, &e), 0);
	cr_expect_eq(take_many(scep, &a, 1000, 30), 20);
	cr_expect_eq(take_many(scep, &b, 1000, 30), 20, "another source has its own");
	cr_expect_eq(take_many(scep, &a, 1099, 30), 0);
	cr_expect_eq(take_many(scep, &a, 1100, 30), 1);
	cr_expect_eq(take_many(scep, &a, 2100, 30), 10);
	cr_expect_eq(take_many(scep, &a, 100000, 30), 20, "never more than the burst");
	mst_scep_tune(scep, &(struct mst_scep_conf){.rate = 0});
	cr_expect_eq(take_many(scep, &a, 100000, 100), 100, "no rate, no limit");
	mst_scep_free(&scep);
}

Test(rate, sees_a_site_as_one)
{
	const struct mst_scep_conf conf = {.rate = 1, .burst = 5};
	struct mst_addr a = {.ip = {0x20, 1, 0xd, 0xb8, [15] = 1}}, b = {.ip = {0x20, 1, 0xd, 0xb8, [15] = 2}};
	struct mst_addr c = {.ip = {0x20, 1, 0xd, 0xb8, [7] = 1, [15] = 1}};
	struct mst_scep *scep;
	struct mst_err e;

	cr_assert_eq(mst_scep_new(&scep, NULL, &conf, &e), 0);
	cr_expect_eq(take_many(scep, &a, 1000, 9), 5);
	cr_expect_eq(take_many(scep, &b, 1000, 9), 0, "the same /64");
	cr_expect_eq(take_many(scep, &c, 1000, 9), 5, "another /64");
	mst_scep_free(&scep);
}
