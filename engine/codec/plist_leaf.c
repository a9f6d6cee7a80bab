/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what stands between the tags of an XML property list's leaves: data, numbers and dates. */
#include "muster/text.h"
#include "plist_own.h"

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct mst_slice trim(struct mst_slice s)
{
	while (s.len && is_space(s.at[0]))
		s = mst_slice(s.at + 1, s.len - 1);
	while (s.len && is_space(s.at[s.len - 1]))
		s.len--;
	return s;
}

static void skip(struct mst_slice *s, size_t len)
{
	s->at += len;
	s->len -= len;
}

static bool take_sign(struct mst_slice *s)
{
	bool is_minus = s->len && s->at[0] == '-';
	if (is_minus || (s->len && s->at[0] == '+'))
		skip(s, 1);
	return is_minus;
}

int mst_plist_leaf_data(struct mst_plist_value *v, struct mst_arena *arena, struct mst_slice text,
			struct mst_err *e)
{
	text = trim(text);
	v->bytes = (struct mst_slice){NULL, 0};
	if (text.len == 0)
		return 0;
	uint8_t *place = mst_arena_get(arena, MST_BASE64_ROOM(text.len));
	if (!place)
		return mst_plist_memory(e);
	v->bytes.at = place;
	return mst_base64_get(place, &v->bytes.len, text, e);
}

/* 0 to 15, or 255. */
static uint8_t digit(uint8_t c)
{
	uint8_t low = c | 0x20;
	if (c >= '0' && c <= '9')
		return c - '0';
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : 255;
}

/* Decimal, leading zeroes too, or hexadecimal behind 0x, of either sign, within 64 bits. Nothing at
 * all is 0. */
int mst_plist_leaf_int(struct mst_plist_value *v, struct mst_slice text, struct mst_err *e)
{
	struct mst_slice s = trim(text);
	bool is_empty = s.len == 0, is_minus = take_sign(&s);
	bool is_hex = s.len > 2 && s.at[0] == '0' && (s.at[1] | 0x20) == 'x';
	uint64_t n = 0, base = is_hex ? 16 : 10;
	if (is_hex)
		skip(&s, 2);
	if (s.len == 0 && !is_empty)
		return mst_fail(e, MST_E_SYNTAX, "property list: not an integer");
	for (size_t i = 0; i < s.len; i++) {
		uint8_t value = digit(s.at[i]);
		if (value >= base)
			return mst_fail(e, MST_E_SYNTAX, "property list: not an integer");
		if (__builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, value, &n))
			return mst_fail(e, MST_E_SYNTAX, "property list: an integer over 64 bits");
	}
	if (is_minus && n > (uint64_t)INT64_MAX + 1)
		return mst_fail(e, MST_E_SYNTAX, "property list: an integer over 64 bits");
	v->is_negative = is_minus && n;
	v->bits = is_minus ? -n : n;
	return 0;
}

static size_t take_digits(struct mst_slice *s)
{
	size_t num = 0;
	for (; s->len && s->at[0] >= '0' && s->at[0] <= '9'; num++)
		skip(s, 1);
	return num;
}

/* Only the shape: nobody here reckons with reals. Nothing at all is 0. */
int mst_plist_leaf_real(struct mst_slice text, struct mst_err *e)
{
	static const struct mst_slice words[] = {MST_S_INIT("nan"), MST_S_INIT("inf"),
						 MST_S_INIT("infinity")};
	struct mst_slice s = trim(text);
	if (s.len == 0)
		return 0;
	take_sign(&s);
	for (size_t i = 0; i < MST_LEN(words); i++)
		if (mst_slice_case_eq(s, words[i]))
			return 0;
	size_t num = take_digits(&s);
	if (s.len && s.at[0] == '.') {
		skip(&s, 1);
		num += take_digits(&s);
	}
	if (num && s.len && (s.at[0] | 0x20) == 'e') {
		skip(&s, 1);
		take_sign(&s);
		num = take_digits(&s);
	}
	return num && s.len == 0 ? 0 : mst_fail(e, MST_E_SYNTAX, "property list: not a real");
}

/* The one form of the DTD: 2026-01-02T03:04:05Z. */
int mst_plist_leaf_date(struct mst_slice text, struct mst_err *e)
{
	static const struct mst_slice form = MST_S_INIT("0000-00-00T00:00:00Z");
	struct mst_slice s = trim(text);
	bool is_good = s.len == form.len;
	for (size_t i = 0; is_good && i < form.len; i++)
		is_good = form.at[i] == '0' ? s.at[i] >= '0' && s.at[i] <= '9'
					    : s.at[i] == form.at[i];
	return is_good ? 0 : mst_fail(e, MST_E_SYNTAX, "property list: not a date");
}
