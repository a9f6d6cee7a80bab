/* SPDX-License-Identifier: Apache-2.0 */
/* BER made DER: rows by hand, every prefix, depth. */
#include <criterion/criterion.h>

#include "../../../engine/codec/der_own.h"

#define B(...) OID(__VA_ARGS__)

/* clang-format off */
static const struct {
	const char *name;
	struct mst_slice in, want; /* empty: refused */
} rows[] = {
	{"DER stays",            B(0x30, 0x03, 0x02, 0x01, 0x05), B(0x30, 0x03, 0x02, 0x01, 0x05)},
	{"empty sequence",       B(0x30, 0x00), B(0x30, 0x00)},
	{"open length",          B(0x30, 0x80, 0x02, 0x01, 0x05, 0x00, 0x00), B(0x30, 0x03, 0x02, 0x01, 0x05)},
	{"open and empty",       B(0x30, 0x80, 0x00, 0x00), B(0x30, 0x00)},
	{"long length",          B(0x30, 0x81, 0x03, 0x02, 0x01, 0x05), B(0x30, 0x03, 0x02, 0x01, 0x05)},
	{"very long length",     B(0x30, 0x82, 0x00, 0x03, 0x02, 0x01, 0x05), B(0x30, 0x03, 0x02, 0x01, 0x05)},
	{"string in pieces",     B(0x24, 0x80, 0x04, 0x01, 'a', 0x04, 0x02, 'b', 'c', 0x00, 0x00), B(0x04, 0x03, 'a', 'b', 'c')},
	{"pieces, definite",     B(0x24, 0x06, 0x04, 0x01, 'a', 0x04, 0x01, 'b'), B(0x04, 0x02, 'a', 'b')},
	{"pieces of pieces",     B(0x24, 0x80, 0x24, 0x80, 0x04, 0x01, 'a', 0x00, 0x00, 0x04, 0x01, 'b', 0x00, 0x00), B(0x04, 0x02, 'a', 'b')},
	{"no pieces",            B(0x24, 0x80, 0x00, 0x00), B(0x04, 0x00)},
	{"text in pieces",       B(0x33, 0x06, 0x13, 0x01, 'a', 0x13, 0x01, 'b'), B(0x13, 0x02, 'a', 'b')},
	{"context, open",        B(0xa0, 0x80, 0x24, 0x80, 0x04, 0x01, 'a', 0x00, 0x00, 0x00, 0x00), B(0xa0, 0x03, 0x04, 0x01, 'a')},
	{"octets are not BER",   B(0x04, 0x04, 0x30, 0x80, 0x00, 0x00), B(0x04, 0x04, 0x30, 0x80, 0x00, 0x00)},
	{"nothing",              B(0x30), {NULL, 0}},
	{"no end",               B(0x30, 0x80, 0x02, 0x01, 0x05), {NULL, 0}},
	{"half an end",          B(0x30, 0x80, 0x02, 0x01, 0x05, 0x00), {NULL, 0}},
	{"more behind",          B(0x30, 0x80, 0x00, 0x00, 0x05, 0x00), {NULL, 0}},
	{"more behind DER",      B(0x05, 0x00, 0x05, 0x00), {NULL, 0}},
	{"open primitive",       B(0x04, 0x80, 0x00, 0x00), {NULL, 0}},
	{"another kind inside",  B(0x24, 0x03, 0x13, 0x01, 'a'), {NULL, 0}},
	{"end in definite",      B(0x30, 0x02, 0x00, 0x00), {NULL, 0}},
	{"longer than it is",    B(0x30, 0x05, 0x02, 0x01, 0x05), {NULL, 0}},
	{"length of a giant",    B(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00), {NULL, 0}},
};
/* clang-format on */

Test(ber, rows)
{
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena a = {.limit = 4096};
		struct mst_slice out;
		struct mst_err e;
		int rc = mst_ber_to_der(&out, &a, rows[i].in, &e);
		cr_expect_eq(rc, rows[i].want.len ? 0 : -1, "%s", rows[i].name);
		cr_expect(rc < 0 || mst_slice_eq(out, rows[i].want), "%s", rows[i].name);
		for (size_t len = 0; rc == 0 && len < rows[i].in.len; len++)
			cr_expect_eq(mst_ber_to_der(&out, &a, mst_slice(rows[i].in.at, len), &e),
				     -1, "%s: %zu", rows[i].name, len);
		mst_arena_done(&a);
	}
}

Test(ber, depth)
{
	for (size_t depth = 1; depth < 2000; depth++) {
		uint8_t in[4000] = {0};
		struct mst_arena a = {.limit = 100000};
		struct mst_slice out;
		for (size_t i = 0; i < depth; i++) {
			in[2 * i] = 0x30;
			in[2 * i + 1] = 0x80;
		}
		size_t len = depth * 4 < sizeof(in) ? depth * 4 : sizeof(in);
		cr_expect_eq(mst_ber_to_der(&out, &a, mst_slice(in, len), NULL),
			     depth <= 24 ? 0 : -1, "%zu", depth);
		mst_arena_done(&a);
	}
}

Test(ber, implicit)
{
	const struct {
		struct mst_slice in, want;
		int rc;
	} table[] = {
		{B(0x80, 0x02, 'a', 'b'), B('a', 'b'), 0},
		{B(0xa0, 0x06, 0x04, 0x01, 'a', 0x04, 0x01, 'b'), B('a', 'b'), 0},
		{B(0xa0, 0x00), {NULL, 0}, 0},
		{B(0xa0, 0x03, 0x13, 0x01, 'a'), {NULL, 0}, -1},
		{B(0x81, 0x01, 'a'), {NULL, 0}, -1},
	};
	for (size_t i = 0; i < MST_LEN(table); i++) {
		struct mst_arena a = {.limit = 4096};
		struct mst_slice out;
		CBS in = mst_der_cbs(table[i].in);
		int rc = mst_ber_implicit(&out, &a, &in, 0, NULL);
		cr_expect_eq(rc, table[i].rc, "%zu", i);
		cr_expect(rc < 0 || mst_slice_eq(out, table[i].want), "%zu", i);
		mst_arena_done(&a);
	}
}
