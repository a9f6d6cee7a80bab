/* SPDX-License-Identifier: Apache-2.0 */
/* PEM: what is put is read; texts of several blocks; broken ones. */
#include <criterion/criterion.h>

#include "muster/cert.h"

Test(pem, round)
{
	uint8_t bytes[200];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct mst_arena a = {0};
		struct mst_slice text, label, der;
		struct mst_err e;
		cr_assert_eq(mst_pem_put(&text, &a, "THING", mst_slice(bytes, len), &e), 0);
		cr_expect_eq(text.at[text.len], '\0');
		cr_assert_eq(mst_pem_next(&label, &der, &text, &a, &e), 1, "%zu: %s", len, e.text);
		cr_expect(mst_slice_eq(label, MST_S("THING")));
		cr_expect(mst_slice_eq(der, mst_slice(bytes, len)), "%zu", len);
		cr_expect_eq(mst_pem_next(&label, &der, &text, &a, &e), 0);
		mst_arena_done(&a);
	}
}

Test(pem, exact)
{
	struct mst_arena a = {0};
	struct mst_slice text;
	struct mst_err e;
	cr_assert_eq(mst_pem_put(&text, &a, "X",
				 MST_S("0123456789012345678901234567890123456789012345678"), &e),
		     0);
	cr_expect_str_eq((const char *)text.at,
			 "-----BEGIN X-----\n"
			 "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3\n"
			 "OA==\n"
			 "-----END X-----\n");
	mst_arena_done(&a);
}

Test(pem, several)
{
	struct mst_arena a = {0};
	struct mst_slice label, der;
	struct mst_err e;
	struct mst_slice text = MST_S(
		"words before\r\n-----BEGIN A-----\r\nAQID\r\n-----END A-----\r\n"
		"between -----BEGIN not here-----\n-----BEGIN B C-----\nBA==\n-----END B C-----");
	cr_assert_eq(mst_pem_next(&label, &der, &text, &a, &e), 1, "%s", e.text);
	cr_expect(mst_slice_eq(label, MST_S("A")) && mst_slice_eq(der, MST_S("\1\2\3")));
	cr_assert_eq(mst_pem_next(&label, &der, &text, &a, &e), 1, "%s", e.text);
	cr_expect(mst_slice_eq(label, MST_S("B C")) && mst_slice_eq(der, MST_S("\4")));
	cr_expect_eq(mst_pem_next(&label, &der, &text, &a, &e), 0);
	mst_arena_done(&a);
}

Test(pem, broken)
{
	static const struct mst_slice rows[] = {
		MST_S_INIT("-----BEGIN A"),
		MST_S_INIT("-----BEGIN A-----"),
		MST_S_INIT("-----BEGIN A-----\nAQID\n"),
		MST_S_INIT("-----BEGIN A-----\nAQID\n-----END A"),
		MST_S_INIT("-----BEGIN A-----\nAQID\n-----END B-----\n"),
		MST_S_INIT("-----BEGIN A-----\nAQI!\n-----END A-----\n"),
		MST_S_INIT("-----BEGIN A-----\nAQI\n-----END A-----x"),
		MST_S_INIT("-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n-----END A-----\n"),
		MST_S_INIT("-----BEGIN A\nB-----\nAQID\n-----END A\nB-----\n"),
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena a = {0};
		struct mst_slice label, der, text = rows[i];
		struct mst_err e;
		bool is_lax = i == 6; /* padding may be absent */
		cr_expect_eq(mst_pem_next(&label, &der, &text, &a, &e), is_lax ? 1 : -1, "row %zu",
			     i);
		mst_arena_done(&a);
	}
}
