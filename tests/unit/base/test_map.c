/* SPDX-License-Identifier: Apache-2.0 */
/* Maps: the hash against known results, the map against a plain model, eviction by use, limits. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#include "../../../engine/base/map.c"

Test(map, hash_is_siphash_1_3)
{
	/* Of the bytes 0, 1, 2 ... under this secret, by CPython 3.11 (PYTHONHASHSEED=42), an
	 * implementation of its own. */
	static const uint64_t secret[2] = {0xdc504fd368cd90af, 0xb920bb9ffe99e9c1};
	static const struct {
		size_t len;
		uint64_t want;
	} rows[] = {
		{1, 0xce880c366bcf3489},  {7, 0xce280fabc397fbda},  {8, 0x60866c3c108c6afb},
		{9, 0x68814005f7469e03},  {15, 0x94ace24d68c18cf8}, {16, 0x339176f3ac59ce05},
		{32, 0x26f2ecd47de50371}, {36, 0x325168a6b0dc469f}, {63, 0x06e24d6f0d014c37},
		{64, 0x91639ef7de8d52cb},
	};
	uint8_t bytes[64];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (size_t i = 0; i < MST_LEN(rows); i++)
		cr_expect_eq(sip_hash(secret, bytes, rows[i].len), rows[i].want, "%zu",
			     rows[i].len);
}

/* Every entry can be found, and nothing else stands in the index. */
static void check_whole(const struct mst_map *map)
{
	uint32_t num_cells = 0;
	for (uint32_t i = 0; map->index && i <= map->mask; i++)
		num_cells += map->index[i] != 0;
	cr_assert_eq(num_cells, map->num_used);
	for (uint32_t i = 0; i < map->num_used; i++) {
		uint8_t *entry = entry_at(map, i);
		uint32_t cell = find(map, entry + map->key_at, tail_of(map, entry)->hash);
		cr_assert_eq(cell_entry(map->index[cell]), i);
		cr_assert_eq(tail_of(map, entry)->hash, hash_of(map, entry + map->key_at));
	}
}

static void run_model(size_t key_len, uint32_t num_keys, uint32_t num_max)
{
	struct mst_map *map = mst_map_new(key_len, sizeof(uint64_t), num_max, false);
	static uint64_t model[4096];
	uint32_t num_model = 0;
	memset(model, 0, sizeof(model));
	srand(11);
	for (int turn = 0; turn < 20000; turn++) {
		uint32_t k = (uint32_t)rand() % num_keys;
		uint8_t key[64] = {0};
		memcpy(key, &k, key_len < sizeof(k) ? key_len : sizeof(k));
		uint64_t *value;
		switch (rand() % 4) {
		case 0:
			mst_map_drop(map, key);
			num_model -= model[k] != 0;
			model[k] = 0;
			break;
		case 1:
			value = mst_map_get0(map, key);
			cr_assert_eq(value ? *value : 0, model[k]);
			break;
		default:
			value = mst_map_set(map, key);
			if (!value) {
				cr_assert(model[k] == 0 && num_model == num_max);
				break;
			}
			cr_assert_eq((uintptr_t)value % 8, 0u);
			cr_assert_eq(*value, model[k], "a new value is zero, a known one is kept");
			num_model += model[k] == 0;
			*value = model[k] = (uint64_t)turn + 1;
		}
		cr_assert_eq(mst_map_used(map), num_model);
		if (turn % 500 == 0)
			check_whole(map);
	}
	check_whole(map);
	mst_map_free(&map);
	cr_expect_null(map);
	mst_map_free(&map);
}

Test(map, model)
{
	static const struct {
		size_t key_len;
		uint32_t num_keys, num_max;
	} rows[] = {{1, 256, 1000}, {2, 4096, 4096},  {4, 4096, 1000},
		    {8, 300, 300},  {32, 2000, 1500}, {33, 64, 10},
		    {63, 500, 500}, {64, 500, 1},     {16, 20, 0}};
	for (size_t i = 0; i < MST_LEN(rows); i++)
		run_model(rows[i].key_len, rows[i].num_keys, rows[i].num_max);
}

static bool drop_odd(void *context, const void *key, void *value)
{
	uint32_t k, *num_seen = context;
	memcpy(&k, key, sizeof(k));
	cr_assert_eq(*(uint32_t *)value, k);
	(*num_seen)++;
	return k % 2;
}

Test(map, each_and_clear)
{
	struct mst_map *map = mst_map_new(sizeof(uint32_t), sizeof(uint32_t), 5000, false);
	uint32_t num_seen = 0;
	mst_map_each(map, &num_seen, drop_odd);
	cr_expect_eq(num_seen, 0u);
	for (uint32_t i = 0; i < 3000; i++)
		*(uint32_t *)mst_map_set(map, &i) = i;
	mst_map_each(map, &num_seen, drop_odd);
	cr_expect_eq(num_seen, 3000u, "each entry once, dropped ones too");
	cr_expect_eq(mst_map_used(map), 1500u);
	check_whole(map);
	for (uint32_t i = 0; i < 3000; i++)
		cr_assert_eq(mst_map_get0(map, &i) != NULL, i % 2 == 0);
	mst_map_clear(map);
	cr_expect_eq(mst_map_used(map), 0u);
	for (uint32_t i = 0; i < 3000; i++)
		cr_assert_null(mst_map_get0(map, &i));
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t *value = mst_map_set(map, &i);
		cr_assert_eq(*value, 0u);
	}
	check_whole(map);
	mst_map_free(&map);
}

Test(map, evicts_what_was_not_used)
{
	struct mst_map *map = mst_map_new(sizeof(uint32_t), 0, 100, true);
	for (uint32_t i = 0; i < 100; i++)
		cr_assert_not_null(mst_map_set(map, &i));
	/* Ten are asked for all the time; a crowd passes by. */
	for (uint32_t i = 100; i < 5000; i++) {
		for (uint32_t k = 0; k < 10; k++)
			cr_assert_not_null(mst_map_get0(map, &k), "%u at %u", k, i);
		cr_assert_not_null(mst_map_set(map, &i));
		cr_assert_not_null(mst_map_get0(map, &i), "the newest is there");
		cr_assert_eq(mst_map_used(map), 100u);
	}
	check_whole(map);
	mst_map_free(&map);
}

Test(map, evicts_though_all_are_used)
{
	static const uint32_t sizes[] = {1, 2, 7, 64, 65, 1000};
	for (size_t s = 0; s < MST_LEN(sizes); s++) {
		struct mst_map *map =
			mst_map_new(sizeof(uint32_t), sizeof(uint32_t), sizes[s], true);
		for (uint32_t i = 0; i < 5000; i++) {
			uint32_t *value = mst_map_set(map, &i);
			cr_assert_not_null(value);
			cr_assert_eq(*value, 0u);
			*value = i;
			cr_assert_eq(mst_map_get0(map, &i), (void *)value);
			if (i % 7 == 0)
				mst_map_drop(map, &i);
		}
		cr_expect_leq(mst_map_used(map), sizes[s]);
		check_whole(map);
		mst_map_free(&map);
	}
}

Test(map, secrets_differ)
{
	struct mst_map *a = mst_map_new(4, 4, 4, false), *b = mst_map_new(4, 4, 4, false);
	cr_expect_neq(memcmp(a->secret, b->secret, sizeof(a->secret)), 0);
	mst_map_free(&a);
	mst_map_free(&b);
}

Test(map, key_too_long, .signal = SIGABRT)
{
	struct mst_map *map = mst_map_new(65, 1, 1, false);
	mst_map_free(&map);
}
