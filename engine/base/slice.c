/* SPDX-License-Identifier: Apache-2.0 */
/* Compares, cuts and reads slices. */
#include "muster/slice.h"

#define EACH(byte) (0x0101010101010101u * (byte))

/* The letters A to Z among eight bytes become small; header names are compared so on every request.
 */
static inline uint64_t lower(uint64_t eight)
{
	/* No sum of seven-bit values crosses into the next byte; its top bit says "at least". */
	uint64_t seven = eight & EACH(0x7fu);
	uint64_t from_a = seven + EACH(0x80u - 'A'), past_z = seven + EACH(0x7fu - 'Z');
	uint64_t is_capital = (from_a ^ past_z) & ~eight & EACH(0x80u);
	return eight | is_capital >> 2;
}

bool mst_slice_case_eq(struct mst_slice a, struct mst_slice b)
{
	return a.len == b.len && mst_slice_case_starts(a, b);
}

bool mst_slice_case_starts(struct mst_slice s, struct mst_slice with)
{
	if (s.len < with.len)
		return false;
	size_t i = 0;
	uint64_t a, b;
	for (; with.len - i >= sizeof(a); i += sizeof(a)) {
		memcpy(&a, s.at + i, sizeof(a));
		memcpy(&b, with.at + i, sizeof(b));
		if (lower(a) != lower(b))
			return false;
	}
	for (; i < with.len; i++)
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
