/* SPDX-License-Identifier: Apache-2.0 */
/* Compares, cuts and reads slices. */
#include "muster/slice.h"

static uint8_t lower(uint8_t c)
{
	return (uint8_t)(c | (uint8_t)((uint8_t)(c - 'A') < 26) << 5);
}

bool mst_slice_case_eq(struct mst_slice a, struct mst_slice b)
{
	return a.len == b.len && mst_slice_case_starts(a, b);
}

bool mst_slice_case_starts(struct mst_slice s, struct mst_slice with)
{
	if (s.len < with.len)
		return false;
	for (size_t i = 0; i < with.len; i++)
		if (lower(s.at[i]) != lower(with.at[i]))
			return false;
	return true;
}

int mst_slice_cmp(struct mst_slice a, struct mst_slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.at, b.at, len) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

size_t mst_slice_find(struct mst_slice s, uint8_t c)
{
	const uint8_t *place = s.len ? memchr(s.at, c, s.len) : NULL;
	return place ? (size_t)(place - s.at) : s.len;
}

bool mst_slice_cut(struct mst_slice *head, struct mst_slice *rest, struct mst_slice s, uint8_t c)
{
	size_t at = mst_slice_find(s, c);
	*head = mst_slice(s.at, at);
	if (at == s.len) {
		*rest = mst_slice(NULL, 0);
		return false;
	}
	*rest = mst_slice(s.at + at + 1, s.len - at - 1);
	return true;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct mst_slice mst_slice_trim(struct mst_slice s)
{
	while (s.len && is_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

int mst_slice_u64(uint64_t *out, struct mst_slice s, struct mst_err *e)
{
	if (s.len < 1 || s.len > 20)
		return mst_fail(e, MST_E_SYNTAX, "a number has 1 to 20 digits, not %zu", s.len);
	uint64_t value = 0;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t digit = (uint8_t)(s.at[i] - '0');
		if (digit > 9)
			return mst_fail(e, MST_E_SYNTAX, "a number has digits only");
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return mst_fail(e, MST_E_SYNTAX, "the number is over 2^64 - 1");
	}
	*out = value;
	return 0;
}

bool mst_slice_same_secret(struct mst_slice a, struct mst_slice b)
{
	if (a.len != b.len)
		return false;
	uint8_t differ = 0;
	for (size_t i = 0; i < a.len; i++) {
		differ |= (uint8_t)(a.at[i] ^ b.at[i]);
		/* Opaque to the compiler, so that it cannot leave the loop early. */
		__asm__("" : "+r"(differ));
	}
	return differ == 0;
}
