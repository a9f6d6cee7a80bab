/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs byte by byte: entries, lengths, reasons. What other programs say of whole lists is tested with the publisher. */
#include <criterion/criterion.h>

#include "muster/crl.h"
#include "muster/text.h"

Test(crl, entries)
{
	static const struct {
		const char *serial, *want; /* hex */
		int64_t at_s;
		uint32_t reason;
	} rows[] = {
		{"00000000000000000000000000000000", "3012020100170d3730303130313030303030305a", 0, 0},
		{"00000000000000000000000000000001", "3012020101170d3237303131353038303030305a", 1800000000, 0},
		{"0000000000000000000000000000ff01", "3014020300ff01170d3237303131353038303030305a", 1800000000, 0},
		{"7fffffffffffffffffffffffffffffff",
		 "302f02107fffffffffffffffffffffffffffffff170d3237303131353038303030305a300c300a0603551d1504030a0101", 1800000000, 1},
		{"00000000000000000000000000000080", "302102020080170d3439313233313233353935395a300c300a0603551d1504030a010a", 2524607999, 10},
		{"00000000000000000000000000000080", "301502020080180f32303530303130313030303030305a", 2524608000, 0},
		{"00000000000000000000000000000080", "301502020080180f39393939313233313233353935395a", INT64_MAX, 0},
	};
	uint8_t serial[16], out[MST_CRL_ENTRY_ROOM];
	char hex[2 * MST_CRL_ENTRY_ROOM + 1];

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		cr_assert_eq(mst_hex_get(serial, 16, mst_slice_str(rows[i].serial), NULL), 0);
		size_t len = mst_crl_entry_put(out, serial, rows[i].at_s, rows[i].reason);
		cr_assert_leq(len, sizeof out);
		mst_hex_put(hex, mst_slice(out, len));
		hex[2 * len] = '\0';
		cr_expect_str_eq(hex, rows[i].want, "row %zu", i);
	}
}

/* Leap years, ends of months: as the C library says. */
Test(crl, times)
{
	uint8_t serial[16] = {0}, out[MST_CRL_ENTRY_ROOM];
	char text[MST_CERT_TIME_ROOM];

	for (int64_t s = 0; s < 4102444800; s += 86400 * 3 + 3671) {
		size_t len = mst_cert_time_text(text, s);
		size_t entry = mst_crl_entry_put(out, serial, s, 0);
		cr_assert_eq(memcmp(out + entry - len, text, len), 0, "%s", text);
	}
}

Test(crl, reasons)
{
	uint32_t reason;

	for (uint32_t i = 0; i < 20; i++) {
		const char *word = mst_crl_reason_word(i);
		cr_expect_eq(word != NULL, i <= 10 && i != 7, "%u", i);
		if (word)
			cr_expect(mst_crl_reason_from(&reason, mst_slice_str(word), NULL) == 0 && reason == i, "%s", word);
	}
	cr_expect_eq(mst_crl_reason_from(&reason, MST_S("keycompromise"), NULL), -1);
	cr_expect_eq(mst_crl_reason_from(&reason, MST_S(""), NULL), -1);
}

/* Every length of a list gives exactly one element. */
Test(crl, lengths)
{
	static const size_t nums[] = {0, 1, 5, 6, 13, 14, 3000, 3300, 3400, 70000};
	const uint8_t serial[16] = {0};
	uint8_t entry[MST_CRL_ENTRY_ROOM];
	size_t len = mst_crl_entry_put(entry, serial, 1800000000, 0);

	for (size_t i = 0; i < MST_LEN(nums); i++) {
		struct mst_arena arena;
		struct mst_slice body, whole;
		mst_arena_init(&arena, NULL, 0);
		uint8_t *all = mst_arena_get(&arena, nums[i] * len + 1);
		for (size_t k = 0; k < nums[i]; k++)
			memcpy(all + k * len, entry, len);
		struct mst_crl crl = {.issuer = MST_S("\x30\x00"), .key_id = MST_S("key"), .alg = MST_SIG_ECDSA_SHA256, .number = 1,
				      .this_s = 1, .next_s = 2, .entries = {all, nums[i] * len}};
		cr_assert_eq(mst_crl_body(&body, &arena, &crl, NULL), 0);
		cr_assert_eq(mst_crl_whole(&whole, &arena, body, crl.alg, MST_S("signature"), NULL), 0);
		size_t num = whole.at[1] & 0x80 ? whole.at[1] & 0x7f : 0, said = num ? 0 : whole.at[1];
		for (size_t k = 0; k < num; k++)
			said = said << 8 | whole.at[2 + k];
		cr_expect_eq(said + 2 + num, whole.len, "%zu entries", nums[i]);
		crl.alg = MST_SIG_UNKNOWN;
		cr_expect_eq(mst_crl_body(&body, &arena, &crl, NULL), -1);
		mst_arena_done(&arena);
	}
}
