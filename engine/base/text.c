/* SPDX-License-Identifier: Apache-2.0 */
/* Turns bytes into text and text into bytes: hex, base64, UTF-8, percent escapes, times; random
 * bytes and wiping. */
#include "muster/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define DIGIT 0x40 /* set in the value of every digit, so several can be judged by one AND */
#define VALUE 0x3f

/* clang-format off */
static const uint8_t hex_values[256] = {
	['0'] = 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
	['A'] = 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
	['a'] = 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
};
static const uint8_t base64_values[256] = {
	['A'] = 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b,
		0x4c, 0x4d, 0x4e, 0x4f, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
	['a'] = 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65,
		0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73,
	['0'] = 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d,
	['+'] = 0x7e,
	['/'] = 0x7f,
};
/* clang-format on */
static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void mst_hex_put(char *out, struct mst_slice in)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < in.len; i++) {
		*out++ = digits[in.at[i] >> 4];
		*out++ = digits[in.at[i] & 15];
	}
}

int mst_hex_get(uint8_t *out, size_t len, struct mst_slice in, struct mst_err *e)
{
	if (len > SIZE_MAX / 2 || in.len != len * 2)
		return mst_fail(e, MST_E_SYNTAX, "%zu hex digits where %zu belong", in.len,
				len * 2);
	uint8_t all = DIGIT;
	for (size_t i = 0; i < len; i++) {
		uint8_t high = hex_values[in.at[2 * i]], low = hex_values[in.at[2 * i + 1]];
		all &= high & low;
		out[i] = (uint8_t)(high << 4 | (low & VALUE));
	}
	return all & DIGIT ? 0 : mst_fail(e, MST_E_SYNTAX, "not a hex digit");
}

void mst_base64_put(char *out, struct mst_slice in)
{
	const uint8_t *at = in.at;
	size_t left = in.len;
	for (; left >= 3; left -= 3, at += 3) {
		uint32_t bits = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
		*out++ = base64_digits[bits >> 18];
		*out++ = base64_digits[bits >> 12 & 63];
		*out++ = base64_digits[bits >> 6 & 63];
		*out++ = base64_digits[bits & 63];
	}
	if (left) {
		uint32_t bits = (uint32_t)at[0] << 16 | (left == 2 ? (uint32_t)at[1] << 8 : 0);
		*out++ = base64_digits[bits >> 18];
		*out++ = base64_digits[bits >> 12 & 63];
		*out++ = left == 2 ? base64_digits[bits >> 6 & 63] : '=';
		*out = '=';
	}
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What stands behind the last digit: only white space, and padding as many as belong there or none.
 */
static bool base64_tail_ok(struct mst_slice in, uint32_t num_digits)
{
	uint32_t num_pads = 0;
	for (size_t i = 0; i < in.len; i++) {
		if (in.at[i] == '=')
			num_pads++;
		else if (!is_space(in.at[i]))
			return false;
	}
	return num_pads == 0 || (num_digits != 0 && num_pads == 4 - num_digits);
}

static void put_three(uint8_t *to, uint32_t bits)
{
	to[0] = (uint8_t)(bits >> 16);
	to[1] = (uint8_t)(bits >> 8);
	to[2] = (uint8_t)bits;
}

int mst_base64_get(uint8_t *out, size_t *len, struct mst_slice in, struct mst_err *e)
{
	uint8_t *to = out;
	uint32_t bits = 0, num_digits = 0; /* of the present group of four */
	size_t i = 0;
	while (i < in.len) {
		const uint8_t *at = in.at + i;
		if (num_digits == 0 && in.len - i >= 4) {
			uint32_t a = base64_values[at[0]], b = base64_values[at[1]],
				 c = base64_values[at[2]], d = base64_values[at[3]];
			if (MST_LIKELY(a & b & c & d & DIGIT)) {
				put_three(to, (a & VALUE) << 18 | (b & VALUE) << 12 |
						      (c & VALUE) << 6 | (d & VALUE));
				to += 3;
				i += 4;
				continue;
			}
		}
		if (*at == '=')
			break;
		i++;
		if (is_space(*at))
			continue;
		if (!(base64_values[*at] & DIGIT))
			return mst_fail(e, MST_E_SYNTAX, "not a base64 digit at %zu", i - 1);
		bits = bits << 6 | (base64_values[*at] & VALUE);
		if (++num_digits == 4) {
			put_three(to, bits);
			to += 3;
			bits = num_digits = 0;
		}
	}
	/* One digit alone carries no byte; bits behind the last byte must be zero, so that each
	 * value has one spelling. */
	static const uint32_t spare_bits[4] = {0, UINT32_MAX, 0xf, 0x3};
	if (bits & spare_bits[num_digits] || num_digits == 1)
		return mst_fail(e, MST_E_SYNTAX, "base64 ends in the middle of a byte");
	if (!base64_tail_ok(mst_slice(in.at + i, in.len - i), num_digits))
		return mst_fail(e, MST_E_SYNTAX, "wrong base64 padding");
	if (num_digits == 2)
		*to++ = (uint8_t)(bits >> 4);
	if (num_digits == 3) {
		*to++ = (uint8_t)(bits >> 10);
		*to++ = (uint8_t)(bits >> 2);
	}
	*len = (size_t)(to - out);
	return 0;
}

/* Unicode 15 table 3-7: what may follow which first byte; the third and fourth bytes are always 80
 * to BF. */
static const struct {
	uint8_t first_least, first_most, second_least, second_most, len;
} utf8_rows[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t mst_utf8_step(struct mst_slice s)
{
	if (s.len == 0)
		return 0;
	if (s.at[0] < 0x80)
		return 1;
	for (size_t i = 0; i < MST_LEN(utf8_rows); i++) {
		if (s.at[0] < utf8_rows[i].first_least || s.at[0] > utf8_rows[i].first_most)
			continue;
		size_t len = utf8_rows[i].len;
		if (s.len < len || s.at[1] < utf8_rows[i].second_least ||
		    s.at[1] > utf8_rows[i].second_most)
			return 0;
		for (size_t k = 2; k < len; k++)
			if ((s.at[k] & 0xc0) != 0x80)
				return 0;
		return len;
	}
	return 0;
}

bool mst_utf8_ok(struct mst_slice s)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	while (s.len) {
		uint64_t eight;
		size_t step;
		/* Eight at once while all are ASCII and none is NUL. */
		if (s.len >= sizeof(eight)) {
			memcpy(&eight, s.at, sizeof(eight));
			if (!((eight | (eight - ones)) & tops)) {
				s = mst_slice(s.at + sizeof(eight), s.len - sizeof(eight));
				continue;
			}
		}
		step = mst_utf8_step(s);
		if (step == 0 || s.at[0] == '\0')
			return false;
		s = mst_slice(s.at + step, s.len - step);
	}
	return true;
}

int mst_percent_get(uint8_t *out, size_t *len, struct mst_slice in, struct mst_err *e)
{
	uint8_t *to = out;
	for (size_t i = 0; i < in.len; i++) {
		if (in.at[i] != '%') {
			*to++ = in.at[i];
			continue;
		}
		if (in.len - i < 3)
			return mst_fail(e, MST_E_SYNTAX, "a percent escape is cut short");
		uint8_t high = hex_values[in.at[i + 1]], low = hex_values[in.at[i + 2]];
		uint8_t byte = (uint8_t)(high << 4 | (low & VALUE));
		if (!(high & low & DIGIT))
			return mst_fail(e, MST_E_SYNTAX, "a percent escape is not hex");
		if (byte == 0)
			return mst_fail(e, MST_E_SYNTAX, "a percent escape is NUL");
		*to++ = byte;
		i += 2;
	}
	*len = (size_t)(to - out);
	return 0;
}

static int64_t divide_down(int64_t n, int64_t by)
{
	return n / by - (n % by < 0);
}

size_t mst_time_put(char out[static MST_TIME_ROOM], int64_t ms)
{
	int64_t days = divide_down(ms, 86400000);
	int64_t rest = ms % 86400000;
	rest += rest < 0 ? 86400000 : 0;
	/* The Gregorian calendar by eras of 400 years (146097 days) that begin on 1 March, so a
	 * leap day ends its year. */
	int64_t since = days + 719468, era = divide_down(since, 146097);
	int64_t day = since - era * 146097;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	int64_t month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	month = month < 10 ? month + 3 : month - 9;
	year += era * 400 + (month <= 2);

	const struct {
		int64_t value;
		int num_digits;
		char behind;
	} parts[] = {{month, 2, '-'},
		     {day + 1, 2, 'T'},
		     {rest / 3600000, 2, ':'},
		     {rest / 60000 % 60, 2, ':'},
		     {rest / 1000 % 60, 2, '.'},
		     {rest % 1000, 3, 'Z'}};
	char *to = out + snprintf(out, MST_TIME_ROOM, "%04lld-", (long long)year);
	for (size_t i = 0; i < MST_LEN(parts); i++) {
		int64_t value = parts[i].value;
		for (int k = parts[i].num_digits - 1; k >= 0; k--, value /= 10)
			to[k] = (char)('0' + value % 10);
		to[parts[i].num_digits] = parts[i].behind;
		to += parts[i].num_digits + 1;
	}
	*to = '\0';
	return (size_t)(to - out);
}

void mst_wipe(void *at, size_t len)
{
	if (len)
		explicit_bzero(at, len);
}

void mst_random(void *out, size_t len)
{
	uint8_t *to = out;
	while (len) {
		ssize_t got = getrandom(to, len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		BUG_ON(got <= 0);
		to += got;
		len -= (size_t)got;
	}
}
