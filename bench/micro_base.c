/* SPDX-License-Identifier: Apache-2.0 */
/* Micro benchmarks of level 0: slices, arena, slab, map, histogram. */
#include "micro.h"
#include "muster/arena.h"
#include "muster/hist.h"
#include "muster/map.h"
#include "muster/slab.h"

#define GIVEN     16    /* pieces an exchange takes from its arena */
#define PIECE     96
#define MAP_MAX   65536 /* as certificates a loop remembers */
#define SLAB_MAX  16384
#define SLAB_LEN  256

static int run_cut(struct mst_micro *m, struct mst_err *e)
{
	static const char names[] = "push.example.com,api.example.com,www.example.com,mdm.example.com,a.example.com";
	uint32_t done = 0;

	mst_micro_begin(m);
	while (done < m->n) {
		struct mst_slice part, rest = MST_S(names);
		for (bool is_more = true; is_more && done < m->n; done++) {
			is_more = mst_slice_cut(&part, &rest, rest, ',');
			m->sink += part.len;
		}
	}
	mst_micro_end(m);
	return 0;
}

static int run_case(struct mst_micro *m, struct mst_err *e)
{
	const struct mst_slice words[] = {MST_S("Content-Length"), MST_S("content-length"), MST_S("Content-Type  "), MST_S("Mdm-Signature ")};

	mst_micro_begin(m);
	for (uint32_t i = 0; i < m->n; i++)
		m->sink += mst_slice_case_eq(words[i % MST_LEN(words)], words[1]);
	mst_micro_end(m);
	return 0;
}

/* An exchange's life in its arena, with the pool warm. */
static int run_arena(struct mst_micro *m, struct mst_err *e)
{
	struct mst_chunks pool = {.keep = 0};
	struct mst_arena arena;
	bool is_short = false;

	mst_micro_begin(m);
	for (uint32_t i = 0; i < m->n; i++) {
		mst_arena_init(&arena, &pool, 0);
		for (int k = 0; k < GIVEN; k++) {
			uint8_t *at = mst_arena_get(&arena, PIECE);
			is_short |= !at;
			if (at)
				at[0] = (uint8_t)i;
		}
		mst_arena_done(&arena);
	}
	mst_micro_end(m);
	m->bytes = GIVEN * PIECE;
	mst_chunks_done(&pool);
	return is_short ? mst_fail(e, MST_E_BUSY, "no memory") : 0;
}

static int run_slab(struct mst_micro *m, struct mst_err *e)
{
	struct mst_slab *slab = mst_slab_new(SLAB_LEN, SLAB_MAX);
	uint32_t slot;

	if (!slab)
		return mst_fail(e, MST_E_BUSY, "no memory");
	mst_micro_begin(m);
	for (uint32_t i = 0; i < m->n; i++) {
		m->sink += (uintptr_t)mst_slab_get(slab, &slot);
		mst_slab_put(slab, slot);
	}
	mst_micro_end(m);
	mst_slab_free(&slab);
	return 0;
}

/* Keys spread like digests; the map is full, so a new one throws an old one out. */
static void key_of(uint8_t key[static 32], uint32_t i)
{
	uint64_t word = (i + 1) * 0x9e3779b97f4a7c15u;

	for (int k = 0; k < 4; k++, word ^= word >> 29, word *= 0xbf58476d1ce4e5b9u)
		memcpy(key + 8 * k, &word, 8);
}

static int run_map(struct mst_micro *m, struct mst_err *e)
{
	struct mst_map *map = mst_map_new(32, 8, MAP_MAX, true);
	uint8_t key[32];

	if (!map)
		return mst_fail(e, MST_E_BUSY, "no memory");
	for (uint32_t i = 0; i < MAP_MAX; i++) {
		key_of(key, i);
		m->sink += (uintptr_t)mst_map_set(map, key);
	}
	mst_micro_begin(m);
	for (uint32_t i = 0; i < m->n; i++) {
		key_of(key, i % MAP_MAX);
		m->sink += (uintptr_t)mst_map_get0(map, key);
	}
	mst_micro_end(m);
	mst_map_free(&map);
	return 0;
}

static int run_hist(struct mst_micro *m, struct mst_err *e)
{
	static struct mst_hist h;

	mst_micro_begin(m);
	for (uint32_t i = 0; i < m->n; i++)
		mst_hist_add(&h, (uint64_t)i * 2654435761u % 100000000u);
	mst_micro_end(m);
	m->sink += h.total;
	return 0;
}

/* clang-format off */
static const struct mst_micro_row rows[] = {
	{ "slice-cut",  "a list of names cut at a comma, each name",                    20000000, 200000, run_cut },
	{ "slice-case", "two header names compared without case",                       20000000, 200000, run_case },
	{ "arena",      "an arena begun, 16 pieces of 96 bytes given, ended",           2000000,  20000,  run_arena },
	{ "slab",       "a slot taken and given back",                                  20000000, 200000, run_slab },
	{ "map",        "a digest looked up among 65,536",                              4000000,  100000, run_map },
	{ "hist",       "a latency counted",                                            20000000, 200000, run_hist },
};
/* clang-format on */
const struct mst_micro_group mst_micro_base = {rows, MST_LEN(rows)};
