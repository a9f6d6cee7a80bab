/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64 (RFC 4648 10), UTF-8 over its whole range, percent escapes, times, random bytes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#include "muster/text.h"

Test(text, hex_round_trip)
{
	uint8_t all[256], back[256];
	char digits[512];
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	mst_hex_put(digits, mst_slice(all, 256));
	cr_expect_eq(memcmp(digits, "000102", 6), 0);
	cr_expect_eq(memcmp(digits + 510, "ff", 2), 0);
	cr_assert_eq(mst_hex_get(back, 256, mst_slice(digits, 512), NULL), 0);
	cr_expect_eq(memcmp(all, back, 256), 0);
	for (int i = 0; i < 512; i++)
		if (digits[i] >= 'a')
			digits[i] = (char)(digits[i] - 32);
	cr_assert_eq(mst_hex_get(back, 256, mst_slice(digits, 512), NULL), 0);
	cr_expect_eq(memcmp(all, back, 256), 0);
	cr_expect_eq(mst_hex_get(NULL, 0, mst_slice(NULL, 0), NULL), 0);
}

Test(text, hex_refuses)
{
	uint8_t out[8];
	struct mst_err e;
	cr_expect_eq(mst_hex_get(out, 2, MST_S("123"), &e), -1);
	cr_expect_eq(mst_hex_get(out, 2, MST_S("12345"), &e), -1);
	cr_expect_eq(mst_hex_get(out, 0, MST_S("12"), &e), -1);
	for (int c = 0; c < 256; c++) {
		bool digit =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		for (int at = 0; at < 4; at++) {
			char text[4] = {'1', '2', '3', '4'};
			text[at] = (char)c;
			cr_expect_eq(mst_hex_get(out, 2, mst_slice(text, 4), &e), digit ? 0 : -1,
				     "%d", c);
		}
	}
}

Test(text, base64_rows)
{
	static const struct {
		struct mst_slice plain, coded;
	} rows[] = {
		{MST_S_INIT(""), MST_S_INIT("")},
		{MST_S_INIT("f"), MST_S_INIT("Zg==")},
		{MST_S_INIT("fo"), MST_S_INIT("Zm8=")},
		{MST_S_INIT("foo"), MST_S_INIT("Zm9v")},
		{MST_S_INIT("foob"), MST_S_INIT("Zm9vYg==")},
		{MST_S_INIT("fooba"), MST_S_INIT("Zm9vYmE=")},
		{MST_S_INIT("foobar"), MST_S_INIT("Zm9vYmFy")},
		{MST_S_INIT("\xfb\xff\xbf\x00\x10\x83"), MST_S_INIT("+/+/ABCD")},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		char coded[16];
		uint8_t plain[MST_BASE64_ROOM(16)];
		size_t len = 99, coded_len = MST_BASE64_LEN(rows[i].plain.len);
		cr_expect_eq(coded_len, rows[i].coded.len, "%zu", i);
		mst_base64_put(coded, rows[i].plain);
		cr_expect(mst_slice_eq(mst_slice(coded, coded_len), rows[i].coded), "%zu", i);
		cr_assert_eq(mst_base64_get(plain, &len, rows[i].coded, NULL), 0, "%zu", i);
		cr_expect(mst_slice_eq(mst_slice(plain, len), rows[i].plain), "%zu", i);
		/* Without padding. */
		struct mst_slice bare = rows[i].coded;
		while (bare.len && bare.at[bare.len - 1] == '=')
			bare.len--;
		cr_assert_eq(mst_base64_get(plain, &len, bare, NULL), 0, "%zu", i);
		cr_expect(mst_slice_eq(mst_slice(plain, len), rows[i].plain), "%zu", i);
	}
}

Test(text, base64_round_trip_with_breaks)
{
	uint8_t plain[200], back[MST_BASE64_ROOM(800)];
	char coded[800], broken[1600];
	mst_random(plain, sizeof(plain));
	for (size_t len = 0; len <= sizeof(plain); len++) {
		mst_base64_put(coded, mst_slice(plain, len));
		for (size_t every = 1; every < 9; every++) {
			size_t to = 0, got;
			for (size_t i = 0; i < MST_BASE64_LEN(len); i++) {
				if (i % every == 0)
					broken[to++] = " \t\r\n"[i % 4];
				broken[to++] = coded[i];
			}
			broken[to++] = '\n';
			cr_assert_eq(mst_base64_get(back, &got, mst_slice(broken, to), NULL), 0);
			cr_assert(mst_slice_eq(mst_slice(back, got), mst_slice(plain, len)));
		}
	}
}

Test(text, base64_refuses)
{
	static const char *const rows[] = {
		"Z",     "Zm9vY",    "=",        "====",    "Z===",   "Zg=",  "Zg===",    "Zm8==",
		"Zm9v=", "Zm9v====", "Zg==Zg==", "Zh==",    "Zh",     "Zm9=", "Zm9",      "Zm-_",
		"Zm9*",  "Z=m8",     "Zg==x",    "Z\x80==", "Zg=\v=", "\f",   "Zm9v\xff", "Zg= = =",
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		uint8_t out[MST_BASE64_ROOM(16)];
		size_t len;
		struct mst_err e = {0};
		cr_expect_eq(mst_base64_get(out, &len, mst_slice_str(rows[i]), &e), -1, "%s",
			     rows[i]);
		cr_expect_eq(e.code, MST_E_SYNTAX, "%s", rows[i]);
	}
	uint8_t out[8];
	size_t len;
	cr_expect_eq(mst_base64_get(out, &len, MST_S("Z\0=="), NULL), -1);
	cr_expect_eq(mst_base64_get(out, &len, MST_S("Zg = = \n"), NULL), 0);
}

static size_t utf8_put(uint8_t out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t heads[5] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = len - 1; i > 0; i--, c >>= 6)
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
	out[0] = (uint8_t)(heads[len] | c);
	return len;
}

Test(text, utf8_takes_every_character)
{
	for (uint32_t c = 0; c < 0x200000; c++) {
		uint8_t bytes[4];
		size_t len = utf8_put(bytes, c);
		bool is_character = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
		if (mst_utf8_ok(mst_slice(bytes, len)) != (is_character && c != 0))
			cr_expect_fail("%x", (unsigned)c);
		if (mst_utf8_step(mst_slice(bytes, len)) != (is_character ? len : 0))
			cr_expect_fail("step %x", (unsigned)c);
		for (size_t cut = 1; cut < len; cut++)
			if (mst_utf8_ok(mst_slice(bytes, cut)))
				cr_expect_fail("%x cut at %zu", (unsigned)c, cut);
	}
}

Test(text, utf8_refuses)
{
	static const struct mst_slice rows[] = {
		MST_S_INIT("\x80"),
		MST_S_INIT("\xbf"),
		MST_S_INIT("\xc0\x80"),
		MST_S_INIT("\xc1\xbf"),
		MST_S_INIT("\xe0\x80\x80"),
		MST_S_INIT("\xe0\x9f\xbf"),
		MST_S_INIT("\xf0\x80\x80\x80"),
		MST_S_INIT("\xf0\x8f\xbf\xbf"),
		MST_S_INIT("\xed\xa0\x80"),
		MST_S_INIT("\xf4\x90\x80\x80"),
		MST_S_INIT("\xf5\x80\x80\x80"),
		MST_S_INIT("\xff"),
		MST_S_INIT("\xc3("),
		MST_S_INIT("\xe2\x82("),
		MST_S_INIT("\xf0\x9f\x98("),
		MST_S_INIT("a\0b"),
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		cr_expect_not(mst_utf8_ok(rows[i]), "%zu", i);
		/* The same at every distance from the front: the quick way over ASCII may hide
		 * nothing. */
		for (size_t at = 0; at < 20; at++) {
			uint8_t text[32];
			memset(text, 'a', sizeof(text));
			cr_expect(mst_utf8_ok(mst_slice(text, sizeof(text))));
			memcpy(text + at, rows[i].at, rows[i].len);
			cr_expect_not(mst_utf8_ok(mst_slice(text, sizeof(text))), "%zu at %zu", i,
				      at);
			cr_expect_not(mst_utf8_ok(mst_slice(text, at + rows[i].len)), "%zu at %zu",
				      i, at);
		}
	}
	cr_expect(mst_utf8_ok(mst_slice(NULL, 0)));
	cr_expect_eq(mst_utf8_step(mst_slice(NULL, 0)), 0u);
}

Test(text, percent)
{
	static const struct {
		const char *in, *want; /* NULL: refused */
	} rows[] = {
		{"", ""},        {"abc", "abc"},   {"%41", "A"},  {"a%2Fb%2f", "a/b/"},
		{"%ff", "\xff"}, {"+", "+"},       {"%", NULL},   {"%4", NULL},
		{"a%", NULL},    {"%4g", NULL},    {"%g4", NULL}, {"%00", NULL},
		{"%%41", NULL},  {"%2541", "%41"}, {"%-1", NULL}, {"%0a", "\n"},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		uint8_t out[16];
		size_t len = 0;
		struct mst_err e = {0};
		int done = mst_percent_get(out, &len, mst_slice_str(rows[i].in), &e);
		cr_expect_eq(done, rows[i].want ? 0 : -1, "%s", rows[i].in);
		cr_expect_eq(e.code, rows[i].want ? MST_E_NONE : MST_E_SYNTAX, "%s", rows[i].in);
		if (rows[i].want)
			cr_expect(mst_slice_eq(mst_slice(out, len), mst_slice_str(rows[i].want)),
				  "%s", rows[i].in);
	}
}

Test(text, times)
{
	static const struct {
		int64_t ms;
		const char *want;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{951782400000, "2000-02-29T00:00:00.000Z"},
		{951868799999, "2000-02-29T23:59:59.999Z"},
		{4107542400000, "2100-03-01T00:00:00.000Z"},
		{1767323045678, "2026-01-02T03:04:05.678Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
		{-62135596800000, "0001-01-01T00:00:00.000Z"},
		{INT64_MAX, "292278994-08-17T07:12:55.807Z"},
		{INT64_MIN, "-292275055-05-16T16:47:04.192Z"},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		char out[MST_TIME_ROOM];
		cr_expect_eq(mst_time_put(out, rows[i].ms), strlen(rows[i].want), "%s",
			     rows[i].want);
		cr_expect_str_eq(out, rows[i].want);
	}
}

Test(text, times_agree_with_libc)
{
	for (int64_t day = -800000; day < 2900000; day += 97) {
		char out[MST_TIME_ROOM], want[64];
		time_t seconds = (time_t)(day * 86400 + day % 86400);
		struct tm tm;
		gmtime_r(&seconds, &tm);
		if (tm.tm_year + 1900 < 0 || tm.tm_year + 1900 > 9999)
			continue;
		snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d.000Z",
			 (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			 tm.tm_min, tm.tm_sec);
		mst_time_put(out, (int64_t)seconds * 1000);
		cr_assert_str_eq(out, want);
	}
}

Test(text, random_and_wipe)
{
	uint8_t a[300] = {0}, b[300] = {0}, zero[300] = {0};
	mst_random(a, sizeof(a));
	mst_random(b, sizeof(b));
	cr_expect_neq(memcmp(a, b, sizeof(a)), 0);
	cr_expect_neq(memcmp(a + 256, zero, 44), 0, "past what one call always gives whole");
	mst_wipe(a, sizeof(a));
	cr_expect_eq(memcmp(a, zero, sizeof(a)), 0);
	mst_wipe(NULL, 0);
	mst_random(NULL, 0);
}
