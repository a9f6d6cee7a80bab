/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: alignment, limits, blocks of their own, chunks that return to their pool. */
#include <criterion/criterion.h>

#include "muster/arena.h"

/* Under AddressSanitizer a request without end is answered with NULL too, as malloc does (the whole
 * executable's). */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

Test(arena, gives_aligned_places_that_do_not_overlap)
{
	struct mst_chunks pool = {0};
	struct mst_arena a;
	mst_arena_init(&a, &pool, 0);
	struct {
		uint8_t *at;
		size_t len;
	} places[300];
	for (size_t i = 0; i < MST_LEN(places); i++) {
		places[i].len = i * 37 % 10000;
		places[i].at = mst_arena_get(&a, places[i].len);
		cr_assert_not_null(places[i].at);
		cr_assert_eq((uintptr_t)places[i].at % 16, 0u);
		memset(places[i].at, (int)(i & 0xff), places[i].len);
	}
	for (size_t i = 0; i < MST_LEN(places); i++)
		for (size_t k = 0; k < places[i].len; k++)
			cr_assert_eq(places[i].at[k], (uint8_t)i);
	mst_arena_done(&a);
	cr_expect_eq(a.used, 0u);
	cr_expect_null(a.chunks);
	mst_chunks_done(&pool);
}

Test(arena, zeroed_state_works)
{
	struct mst_arena a = {0};
	mst_arena_done(&a);
	a = (struct mst_arena){0};
	void *first = mst_arena_get(&a, 0), *second = mst_arena_get(&a, 0);
	cr_expect_not_null(first);
	cr_expect_not_null(second);
	cr_expect_neq(first, second);
	mst_arena_done(&a);
	mst_arena_done(&a);
}

Test(arena, limit_is_an_answer)
{
	static const size_t limits[] = {1, 16, 100, 4096, MST_CHUNK_LEN, 20000, 100000};
	static const size_t lens[] = {1, 16, 17, 100, 1000, 8175, 8176, 8177, 20000};
	for (size_t i = 0; i < MST_LEN(limits); i++)
		for (size_t k = 0; k < MST_LEN(lens); k++) {
			struct mst_arena a;
			size_t need = (lens[k] + 15) / 16 * 16, num = 0;
			mst_arena_init(&a, NULL, limits[i]);
			while (mst_arena_get(&a, lens[k]))
				num++;
			cr_expect_eq(num, limits[i] / need, "limit %zu len %zu", limits[i],
				     lens[k]);
			cr_expect_eq(a.used, num * need);
			cr_expect_null(mst_arena_get(&a, lens[k]));
			mst_arena_done(&a);
			cr_expect_eq(a.limit, limits[i]);
			cr_expect_eq(mst_arena_get(&a, 1) != NULL, limits[i] >= 16);
			mst_arena_done(&a);
		}
}

Test(arena, absurd_lengths_are_refused)
{
	struct mst_arena a;
	struct mst_slice s;
	mst_arena_init(&a, NULL, 0);
	cr_assert_not_null(mst_arena_get(&a, 1));
	for (size_t i = 0; i < 48; i += 8)
		cr_expect_null(mst_arena_get(&a, SIZE_MAX - i));
	cr_expect_not(mst_arena_copy(&a, &s, mst_slice("", SIZE_MAX)));
	mst_arena_done(&a);
}

Test(arena, chunks_go_round)
{
	struct mst_chunks pool = {.keep = 3};
	struct mst_arena a;
	mst_arena_init(&a, &pool, 0);
	for (int i = 0; i < 5; i++)
		cr_assert_not_null(mst_arena_get(&a, 8000));
	void *own = mst_arena_get(&a, 50000);
	cr_assert_not_null(own);
	mst_arena_done(&a);
	cr_expect_eq(pool.num_free, 3u, "two above what is kept and the block of its own are gone");
	for (int i = 0; i < 3; i++)
		cr_assert_not_null(mst_arena_get(&a, 8000));
	cr_expect_eq(pool.num_free, 0u);
	mst_arena_done(&a);
	cr_expect_eq(pool.num_free, 3u);
	mst_chunks_done(&pool);
	cr_expect_eq(pool.num_free, 0u);
	cr_expect_null(pool.free);
	mst_chunks_done(&pool);
}

Test(arena, big_block_leaves_the_chunk_in_use)
{
	struct mst_arena a;
	mst_arena_init(&a, NULL, 0);
	uint8_t *before = mst_arena_get(&a, 16), *big = mst_arena_get(&a, 100000),
		*after = mst_arena_get(&a, 16);
	cr_expect_not_null(big);
	cr_expect_eq(after, before + 16);
	mst_arena_done(&a);
}

Test(arena, zero_copy_format)
{
	struct mst_chunks pool = {0};
	struct mst_arena a;
	struct mst_slice s;
	mst_arena_init(&a, &pool, 0);
	memset(mst_arena_get(&a, 500), 0xff, 500);
	mst_arena_done(&a);
	uint8_t *zero = mst_arena_zero(&a, 500);
	for (int i = 0; i < 500; i++)
		cr_assert_eq(zero[i], 0);
	cr_assert(mst_arena_copy(&a, &s, MST_S("abc")));
	cr_expect_str_eq((const char *)s.at, "abc");
	cr_expect_eq(s.len, 3u);
	cr_assert(mst_arena_copy(&a, &s, mst_slice(NULL, 0)));
	cr_expect_str_eq((const char *)s.at, "");
	for (int len = 0; len < 20000; len += 333) {
		cr_assert(mst_arena_format(&a, &s, "%*d", len + 1, 7));
		cr_expect_eq(s.len, (size_t)len + 1);
		cr_expect_eq(s.at[len], '7');
		cr_expect_eq(s.at[len + 1], '\0');
	}
	mst_arena_done(&a);
	mst_arena_init(&a, &pool, 64);
	cr_assert(mst_arena_format(&a, &s, "%s", "fits"));
	cr_expect_not(mst_arena_format(&a, &s, "%060d", 1));
	cr_expect(mst_arena_format(&a, &s, "%s", "still"));
	cr_expect_null(mst_arena_zero(&a, 64));
	mst_arena_done(&a);
	mst_chunks_done(&pool);
}
