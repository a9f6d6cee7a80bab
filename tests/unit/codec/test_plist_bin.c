/* SPDX-License-Identifier: Apache-2.0 */
/* Binary property lists: built byte by byte, then bent. */
#include <criterion/criterion.h>

#include "muster/plist.h"

static const struct mst_plist_limits limits = {.len_max = 4000, .depth_max = 4, .nodes_max = 60};

/* A document under construction: objects in order, one byte offsets and references. */
struct doc {
	uint8_t bytes[2048];
	size_t len, num;
	uint8_t offsets[64];
};

static void add(struct doc *d, struct mst_slice object)
{
	if (d->len == 0) {
		memcpy(d->bytes, "bplist00", 8);
		d->len = 8;
	}
	d->offsets[d->num++] = (uint8_t)d->len;
	memcpy(d->bytes + d->len, object.at, object.len);
	d->len += object.len;
}

static struct mst_slice end(struct doc *d, uint8_t root)
{
	size_t table = d->len;
	memcpy(d->bytes + d->len, d->offsets, d->num);
	d->len += d->num;
	uint8_t trailer[32] = {[6] = 1,
			       [7] = 1,
			       [15] = (uint8_t)d->num,
			       [23] = root,
			       [30] = (uint8_t)(table >> 8),
			       [31] = (uint8_t)table};
	memcpy(d->bytes + d->len, trailer, 32);
	d->len += 32;
	return mst_slice(d->bytes, d->len);
}

#define ADD(d, text) add(&(d), MST_S(text))

static struct mst_arena arena; /* every test is a process of its own */

static int parse(struct mst_slice bytes, enum mst_code *code)
{
	const struct mst_plist *root;
	struct mst_err e = {.code = MST_E_NONE};
	int failed = mst_plist_parse(&root, &arena, bytes, &limits, &e);
	*code = e.code;
	mst_arena_done(&arena);
	return failed;
}

static struct mst_slice good(struct doc *d)
{
	*d = (struct doc){.len = 0};
	add(d, MST_S("\xd3\1\2\3\4\5\6"));
	add(d, MST_S("\x54UDID"));
	add(d, MST_S("\x51T"));
	add(d, MST_S("\x51N"));
	add(d, MST_S("\x5f\x10\x12"
		     "0123456789ABCDEFGH"));
	add(d, MST_S("\x43\0\1\2"));
	add(d, MST_S("\x10\x2a"));
	return end(d, 0);
}

Test(plist_bin, reads)
{
	struct doc d;
	const struct mst_plist *root;
	struct mst_slice text;
	struct mst_err e = {.text = ""};
	uint64_t n;
	cr_assert_eq(mst_plist_parse(&root, &arena, good(&d), &limits, &e), 0, "%s", e.text);
	cr_expect(mst_plist_text0(root, &text, "UDID", &e) == 1 &&
		  mst_slice_eq(text, MST_S("0123456789ABCDEFGH")));
	cr_expect(mst_plist_data0(root, &text, "T", &e) == 1 &&
		  mst_slice_eq(text, MST_S("\0\1\2")));
	cr_expect(mst_plist_u64(root, &n, "N", &e) == 1 && n == 42);
}

Test(plist_bin, integers)
{
	static const struct {
		struct mst_slice object;
		uint64_t bits;
		bool is_negative;
	} rows[] = {
		{MST_S_INIT("\x10\xff"), 255, false},
		{MST_S_INIT("\x11\xff\xff"), 65535, false},
		{MST_S_INIT("\x12\xff\xff\xff\xff"), UINT32_MAX, false},
		{MST_S_INIT("\x13\xff\xff\xff\xff\xff\xff\xff\xfe"), (uint64_t)-2, true},
		{MST_S_INIT("\x14\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xfe"), (uint64_t)-2,
		 false},
		{MST_S_INIT("\x14\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
			    "\xff\xfe"),
		 (uint64_t)-2, true},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		const struct mst_plist *root;
		struct doc d = {.len = 0};
		struct mst_err e;
		uint64_t u;
		int64_t n;
		ADD(d, "\xd1\1\2");
		ADD(d, "\x51k");
		add(&d, rows[i].object);
		cr_assert_eq(mst_plist_parse(&root, &arena, end(&d, 0), &limits, &e), 0);
		cr_expect_eq(mst_plist_u64(root, &u, "k", &e), rows[i].is_negative ? -1 : 1);
		cr_expect_eq(u, rows[i].is_negative ? 0 : rows[i].bits, "row %zu", i);
		bool is_i64 = rows[i].is_negative || rows[i].bits <= INT64_MAX;
		cr_expect_eq(mst_plist_i64(root, &n, "k", &e), is_i64 ? 1 : -1);
		cr_expect_eq((uint64_t)n, is_i64 ? rows[i].bits : 0, "row %zu", i);
	}
}

Test(plist_bin, every_prefix_is_refused)
{
	struct doc d;
	struct mst_slice whole = good(&d);
	enum mst_code code;
	for (size_t len = 8; len < whole.len; len++)
		cr_assert_eq(parse(mst_slice(whole.at, len), &code), -1, "%zu bytes", len);
}

Test(plist_bin, every_byte_may_be_any)
{
	struct doc d;
	struct mst_slice whole = good(&d);
	enum mst_code code;
	uint8_t bent[2048];
	memcpy(bent, whole.at, whole.len);
	for (size_t i = 8; i < whole.len; i++) {
		for (unsigned c = 0; c < 256; c++) {
			bent[i] = (uint8_t)c;
			int failed = parse(mst_slice(bent, whole.len), &code);
			cr_assert(failed == 0 || code == MST_E_SYNTAX || code == MST_E_TOO_BIG);
		}
		bent[i] = whole.at[i];
	}
}

Test(plist_bin, refuses)
{
	enum mst_code code;
	struct doc d = {.len = 0};
	/* itself inside itself */
	ADD(d, "\xd1\1\0");
	ADD(d, "\x51k");
	cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_SYNTAX);
	/* a number as a key */
	d = (struct doc){.len = 0};
	ADD(d, "\xd1\1\1");
	ADD(d, "\x10\1");
	cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_SYNTAX);
	/* a key with NUL, in either coding; half a surrogate pair; a byte that is not ASCII */
	static const struct mst_slice keys[] = {MST_S_INIT("\x53"
							   "a\0b"),
						MST_S_INIT("\x62\0a\0\0"), MST_S_INIT("\x61\xd8\0"),
						MST_S_INIT("\x51\xe4")};
	for (size_t i = 0; i < MST_LEN(keys); i++) {
		d = (struct doc){.len = 0};
		ADD(d, "\xd1\1\2");
		add(&d, keys[i]);
		ADD(d, "\x09");
		cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_SYNTAX, "key %zu", i);
	}
	d = (struct doc){.len = 0};
	ADD(d, "\xd1\1\2");
	ADD(d, "\x63\0a\xd8\x3d\xde\0");
	ADD(d, "\x09");
	cr_expect_eq(parse(end(&d, 0), &code), 0);
	/* a reference to nothing */
	d = (struct doc){.len = 0};
	ADD(d, "\xd1\1\2");
	ADD(d, "\x51k");
	cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_SYNTAX);
	/* a length that is not there, and one that wraps */
	d = (struct doc){.len = 0};
	ADD(d, "\xd1\1\2");
	ADD(d, "\x51k");
	ADD(d, "\x4f\x13\xff\xff\xff\xff\xff\xff\xff\xf0");
	cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_SYNTAX);
	d = (struct doc){.len = 0};
	ADD(d, "\xd1\1\2");
	ADD(d, "\x51k");
	ADD(d, "\xaf\x13\x80\0\0\0\0\0\0\1");
	cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_SYNTAX);
	/* a key twice, in two codings */
	d = (struct doc){.len = 0};
	ADD(d, "\xd2\1\2\3\3");
	ADD(d, "\x51k");
	ADD(d, "\x61\0k");
	ADD(d, "\x09");
	cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_SYNTAX);
	/* half a surrogate pair in a value; an integer over 64 bits */
	static const struct mst_slice values[] = {
		MST_S_INIT("\x61\xd8\0"), MST_S_INIT("\x62\xdc\0\0a"),
		MST_S_INIT("\x14\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0"),
		MST_S_INIT("\x14\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0")};
	for (size_t i = 0; i < MST_LEN(values); i++) {
		d = (struct doc){.len = 0};
		ADD(d, "\xd1\1\2");
		ADD(d, "\x51k");
		add(&d, values[i]);
		cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_SYNTAX, "value %zu", i);
	}
	/* objects over each other: a text whose bytes are another text */
	d = (struct doc){.len = 0};
	ADD(d, "\xd2\1\2\3\4");
	ADD(d, "\x51k");
	ADD(d, "\x51l");
	ADD(d, "\x54\x53xyz");
	ADD(d, "\x09");
	d.offsets[4] = d.offsets[3] + 1;
	cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_SYNTAX);
	/* an array at the root */
	d = (struct doc){.len = 0};
	ADD(d, "\xa0");
	cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_SYNTAX);
}

Test(plist_bin, shared_objects_count_each_time)
{
	enum mst_code code;
	struct doc d = {.len = 0};
	/* three levels of five references each: 125 leaves from eight objects */
	ADD(d, "\xd1\1\2");
	ADD(d, "\x51k");
	ADD(d, "\xa5\3\3\3\3\3");
	ADD(d, "\xa5\4\4\4\4\4");
	ADD(d, "\xa5\5\5\5\5\5");
	ADD(d, "\x10\1");
	cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_TOO_BIG);
	/* too deep, the deep part met first near the root */
	d = (struct doc){.len = 0};
	ADD(d, "\xa2\2\1");
	ADD(d, "\xa1\2");
	ADD(d, "\xa1\3");
	ADD(d, "\xa1\4");
	ADD(d, "\xa1\5");
	ADD(d, "\x09");
	cr_expect(parse(end(&d, 0), &code) == -1 && code == MST_E_TOO_BIG);
}
