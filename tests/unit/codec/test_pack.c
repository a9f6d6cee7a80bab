/* SPDX-License-Identifier: Apache-2.0 */
/* Records: what was written is read; what is damaged, cut or too long is told. */
#include <criterion/criterion.h>

#include "muster/pack.h"

static const uint64_t numbers[] = {
	0, 1, 127, 128, 16383, 16384, UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX};
static const int64_t signs[] = {0, -1, 1, -64, 64, INT64_MIN, INT64_MAX};

static struct mst_slice write_all(struct mst_arena *arena)
{
	struct mst_pack p;
	struct mst_slice out;
	struct mst_err e;
	mst_pack_begin(&p, arena, 3);
	for (size_t i = 0; i < MST_LEN(numbers); i++)
		mst_pack_u64(&p, numbers[i]);
	for (size_t i = 0; i < MST_LEN(signs); i++)
		mst_pack_i64(&p, signs[i]);
	mst_pack_bool(&p, true);
	mst_pack_bytes(&p, MST_S("text"));
	mst_pack_bytes(&p, (struct mst_slice){NULL, 0});
	mst_pack_fixed(&p, "1234", 4);
	mst_pack_bytes(&p, MST_S("name"));
	cr_assert_eq(mst_pack_end(&p, &out, &e), 0);
	return out;
}

static int read_all(struct mst_slice record, uint8_t newest, bool is_whole)
{
	struct mst_unpack u;
	struct mst_err e;
	char fixed[4], name[5];
	mst_unpack_begin(&u, record, newest);
	for (size_t i = 0; i < MST_LEN(numbers); i++) {
		uint64_t n = mst_unpack_u64(&u);
		cr_assert(!is_whole || n == numbers[i], "number %zu", i);
	}
	for (size_t i = 0; i < MST_LEN(signs); i++) {
		int64_t n = mst_unpack_i64(&u);
		cr_assert(!is_whole || n == signs[i], "sign %zu", i);
	}
	bool is_set = mst_unpack_bool(&u);
	struct mst_slice text = mst_unpack_bytes(&u), empty = mst_unpack_bytes(&u);
	mst_unpack_fixed(&u, fixed, sizeof(fixed));
	mst_unpack_text(&u, name, sizeof(name));
	if (is_whole) {
		cr_assert(is_set && mst_slice_eq(text, MST_S("text")) && empty.len == 0);
		cr_assert(memcmp(fixed, "1234", 4) == 0 && strcmp(name, "name") == 0);
	}
	return mst_unpack_end(&u, "test", &e);
}

Test(pack, written_is_read)
{
	struct mst_arena arena = {0};
	cr_expect_eq(read_all(write_all(&arena), 3, true), 0);
	mst_arena_done(&arena);
}

Test(pack, every_cut_is_told)
{
	struct mst_arena arena = {0};
	struct mst_slice record = write_all(&arena);
	for (size_t len = 0; len < record.len; len++)
		cr_expect_eq(read_all(mst_slice(record.at, len), 3, false), -1, "%zu bytes", len);
	mst_arena_done(&arena);
}

Test(pack, bytes_behind_are_a_newer_versions_only)
{
	struct mst_arena arena = {0};
	struct mst_slice record = write_all(&arena), longer;
	uint8_t more[512];
	memcpy(more, record.at, record.len);
	more[record.len] = 0;
	longer = mst_slice(more, record.len + 1);
	cr_expect_eq(read_all(longer, 3, true), -1);
	cr_expect_eq(read_all(longer, 2, true), 0);
	mst_arena_done(&arena);
}

Test(pack, damage)
{
	static const struct {
		const char *name;
		struct mst_slice record;
	} rows[] = {
		{"version 0", MST_S_INIT("\0\1")},
		{"eleven bytes", MST_S_INIT("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1")},
		{"bits above 64", MST_S_INIT("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\2")},
		{"needless byte", MST_S_INIT("\1\x80\0")},
	};
	struct mst_err e;
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_unpack u;
		mst_unpack_begin(&u, rows[i].record, 1);
		cr_expect_eq(mst_unpack_u64(&u), 0, "%s", rows[i].name);
		cr_expect_eq(mst_unpack_end(&u, "test", &e), -1, "%s", rows[i].name);
		cr_expect_eq(e.code, MST_E_STORE);
	}
	struct mst_unpack u;
	mst_unpack_begin(&u, MST_S("\1\2"), 1);
	mst_unpack_bool(&u);
	cr_expect(u.is_bad);
	mst_unpack_begin(&u, MST_S("\1\5"), 1);
	cr_expect_eq(mst_unpack_max(&u, 4), 0);
	cr_expect(u.is_bad);
	/* a length near SIZE_MAX */
	mst_unpack_begin(&u, MST_S("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1x"), 1);
	cr_expect_eq(mst_unpack_bytes(&u).len, 0);
	cr_expect(u.is_bad);
	char small[4];
	mst_unpack_begin(&u, MST_S("\1\4name"), 1);
	mst_unpack_text(&u, small, sizeof(small));
	cr_expect(u.is_bad && small[0] == '\0');
}

Test(pack, an_arena_without_room_is_told_at_the_end)
{
	struct mst_arena arena;
	struct mst_pack p;
	struct mst_slice out;
	struct mst_err e;
	static const uint8_t long_text[4096];
	mst_arena_init(&arena, NULL, 1024);
	mst_pack_begin(&p, &arena, 1);
	mst_pack_bytes(&p, mst_slice(long_text, sizeof(long_text)));
	mst_pack_u64(&p, 7);
	cr_expect_eq(mst_pack_end(&p, &out, &e), -1);
	cr_expect_eq(e.code, MST_E_TOO_BIG);
	mst_arena_done(&arena);
}

Test(pack, growing_past_chunks_keeps_what_was_written)
{
	struct mst_arena arena = {0};
	struct mst_grow g;
	struct mst_slice out;
	struct mst_err e;
	mst_grow_init(&g, &arena);
	for (uint32_t i = 0; i < 20000; i++) {
		mst_grow_put(&g, mst_slice(&i, sizeof(i)));
		if (i % 1000 == 0)
			cr_assert_not_null(mst_arena_get(&arena, 100)); /* somebody else's */
	}
	cr_assert_eq(mst_grow_end(&g, &out, &e), 0);
	cr_assert_eq(out.len, 80000);
	for (uint32_t i = 0; i < 20000; i++)
		cr_assert(memcmp(out.at + 4 * i, &i, 4) == 0);
	mst_arena_done(&arena);
}
