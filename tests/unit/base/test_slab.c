/* SPDX-License-Identifier: Apache-2.0 */
/* Slabs: slots that never move, generations that end, and every stale name refused. */
#include <criterion/criterion.h>
#include <signal.h>

#include "../../../engine/base/slab.c"

Test(slab, fills_and_empties)
{
	static const struct {
		size_t len;
		uint32_t num;
	} rows[] = {{1, 0},     {1, 1},     {1, 5000},   {16, 100},  {24, 3000},
		    {64, 1025}, {65, 2000}, {200, 1000}, {5000, 40}, {70000, 5}};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_slab *slab = mst_slab_new(rows[i].len, rows[i].num);
		static void *places[5000];
		uint32_t slot;
		cr_assert_not_null(slab);
		for (uint32_t n = 0; n < rows[i].num; n++) {
			places[n] = mst_slab_get(slab, &slot);
			cr_assert_not_null(places[n], "%zu", i);
			cr_assert_eq(slot, n);
			cr_assert_eq((uintptr_t)places[n] % (rows[i].len > 32 ? 64 : 16), 0u);
			memset(places[n], 0xee, rows[i].len);
		}
		cr_expect_null(mst_slab_get(slab, &slot), "%zu", i);
		cr_expect_eq(mst_slab_used(slab), rows[i].num);
		for (uint32_t n = 0; n < rows[i].num; n++)
			cr_assert_eq(mst_slab_at(slab, n, mst_slab_gen(slab, n)), places[n]);
		for (uint32_t n = 0; n < rows[i].num; n++)
			mst_slab_put(slab, n);
		cr_expect_eq(mst_slab_used(slab), 0u);
		for (uint32_t n = 0; n < rows[i].num; n++) {
			uint8_t *place = mst_slab_get(slab, &slot);
			cr_assert_eq((void *)place, places[slot], "slots never move");
			cr_assert_eq(mst_slab_gen(slab, slot), 2u);
			for (size_t k = 0; k < rows[i].len; k++)
				cr_assert_eq(place[k], 0);
		}
		mst_slab_free(&slab);
		cr_expect_null(slab);
	}
}

Test(slab, stale_names_find_nothing)
{
	struct mst_slab *slab = mst_slab_new(40, 10);
	uint32_t slot, again;
	cr_expect_null(mst_slab_at(slab, 0, 1), "not made yet");
	void *first = mst_slab_get(slab, &slot);
	uint32_t gen = mst_slab_gen(slab, slot);
	cr_expect_neq(gen, 0u);
	cr_expect_eq(mst_slab_at(slab, slot, gen), first);
	cr_expect_null(mst_slab_at(slab, slot, 0));
	cr_expect_null(mst_slab_at(slab, slot, gen + 1));
	cr_expect_null(mst_slab_at(slab, slot + 1, gen));
	cr_expect_null(mst_slab_at(slab, UINT32_MAX, gen));
	mst_slab_put(slab, slot);
	cr_expect_null(mst_slab_at(slab, slot, gen));
	cr_expect_null(mst_slab_at(slab, slot, gen + 1), "its next life has not begun");
	void *second = mst_slab_get(slab, &again);
	cr_expect_eq(again, slot);
	cr_expect_eq(second, first);
	cr_expect_null(mst_slab_at(slab, slot, gen));
	cr_expect_eq(mst_slab_at(slab, slot, gen + 1), first);
	mst_slab_free(&slab);
	mst_slab_free(&slab);
}

Test(slab, generations_wrap_past_zero)
{
	struct mst_slab *slab = mst_slab_new(8, 1);
	uint32_t slot;
	cr_assert_not_null(mst_slab_get(slab, &slot));
	slab->heads[0].gen = MST_GEN_MASK | USED;
	cr_expect_eq(mst_slab_gen(slab, 0), MST_GEN_MASK);
	cr_expect_not_null(mst_slab_at(slab, 0, MST_GEN_MASK));
	mst_slab_put(slab, 0);
	cr_assert_not_null(mst_slab_get(slab, &slot));
	cr_expect_eq(mst_slab_gen(slab, 0), 1u);
	mst_slab_free(&slab);
}

struct seen {
	struct mst_slab *slab;
	uint32_t num, sum;
	bool put;
};

static void on_slot(void *context, void *at, uint32_t slot)
{
	struct seen *seen = context;
	seen->num++;
	seen->sum += slot;
	cr_assert_eq(*(uint32_t *)at, slot);
	if (seen->put)
		mst_slab_put(seen->slab, slot);
}

Test(slab, each)
{
	struct seen seen = {.slab = mst_slab_new(sizeof(uint32_t), 10000)};
	uint32_t slot, sum = 0;
	for (uint32_t i = 0; i < 9000; i++)
		*(uint32_t *)mst_slab_get(seen.slab, &slot) = i;
	for (uint32_t i = 0; i < 9000; i++) {
		if (i % 3 == 0)
			mst_slab_put(seen.slab, i);
		else
			sum += i;
	}
	mst_slab_each(seen.slab, &seen, on_slot);
	cr_expect_eq(seen.num, 6000u);
	cr_expect_eq(seen.sum, sum);
	seen.put = true;
	mst_slab_each(seen.slab, &seen, on_slot);
	cr_expect_eq(seen.num, 12000u);
	cr_expect_eq(mst_slab_used(seen.slab), 0u);
	mst_slab_each(seen.slab, &seen, on_slot);
	cr_expect_eq(seen.num, 12000u);
	mst_slab_free(&seen.slab);
}

Test(slab, put_twice, .signal = SIGABRT)
{
	struct mst_slab *slab = mst_slab_new(8, 2);
	uint32_t slot;
	cr_assert_not_null(mst_slab_get(slab, &slot));
	mst_slab_put(slab, slot);
	mst_slab_put(slab, slot);
}
Test(slab, put_unknown, .signal = SIGABRT)
{
	mst_slab_put(mst_slab_new(8, 2), 0);
}
