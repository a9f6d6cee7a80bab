/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "muster/clock.h"
#include "muster/device.h"

static const char long_part[] = "0123456789012345678901234567890123456789012345678901234567890123"
				"0123456789012345678901234567890123456789012345678901234567890123"
				"0123456789012345678901234567890123456789012345678901234567890123"
				"0123456789012345678901234567890123456789012345678901234567890123";

static const struct {
	const char *name, *text, *device, *user;
	int rc;
} rows[] = {
	{"device", "00008030-001E", "00008030-001E", "", 0},
	{"user", "00008030-001E:jane", "00008030-001E", "jane", 0},
	{"user with colon", "D:a:b", "D", "a:b", 0},
	{"spaces and UTF-8", "D 1:J\xc3\xb6rg", "D 1", "J\xc3\xb6rg", 0},
	{"longest", long_part, long_part, "", 0},
	{"empty", "", NULL, NULL, -1},
	{"no device", ":u", NULL, NULL, -1},
	{"no user", "D:", NULL, NULL, -1},
	{"line end", "D\n", NULL, NULL, -1},
	{"DEL", "D\x7f", NULL, NULL, -1},
	{"broken UTF-8", "D\xc3", NULL, NULL, -1},
};

Test(id, from)
{
	char too_long[sizeof long_part + 1];

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_id id, want;
		struct mst_err e;
		cr_assert_eq(mst_id_from(&id, mst_slice_str(rows[i].text), &e), rows[i].rc, "%s", rows[i].name);
		if (rows[i].rc < 0) {
			cr_expect_eq(e.code, MST_E_SYNTAX, "%s", rows[i].name);
			continue;
		}
		mst_id_make(&want, mst_slice_str(rows[i].device), mst_slice_str(rows[i].user));
		cr_expect_arr_eq(&id, &want, sizeof id, "%s", rows[i].name);
		cr_expect_eq(mst_id_is_device(&id), rows[i].user[0] == '\0', "%s", rows[i].name);
	}
	memset(too_long, 'x', sizeof too_long);
	cr_expect_eq(mst_id_from(&(struct mst_id){0}, mst_slice(too_long, MST_ID_TEXT_MAX + 1), NULL), -1);
}

Test(id, channels_differ_devices_do_not)
{
	struct mst_id device, one, two;
	static const uint8_t abc[4] = {0xba, 0x78, 0x16, 0xbf}; /* SHA-256 of "abc", FIPS 180-4 */

	mst_id_make(&device, MST_S("abc"), MST_S(""));
	mst_id_make(&one, MST_S("abc"), MST_S("u1"));
	mst_id_make(&two, MST_S("abc"), MST_S("u2"));
	cr_expect_arr_eq(device.device, abc, sizeof abc);
	cr_expect_arr_eq(device.device, one.device, 16);
	cr_expect_arr_eq(one.device, two.device, 16);
	cr_expect_arr_neq(one.channel, two.channel, 8);
	cr_expect_arr_neq(one.channel, device.channel, 8);
}

Test(id, sequence_grows_whatever_the_clock_does)
{
	static const int64_t clock[] = {1000000, 1000000, 1000001, 999000, 5, 2000000};
	uint64_t last = 0;

	for (size_t i = 0; i < MST_LEN(clock); i++) {
		mst_clock_fake(clock[i]);
		for (int k = 0; k < 3000; k++) {
			uint64_t next = mst_sequence();
			cr_assert_gt(next, last);
			last = next;
		}
	}
	cr_expect_geq(last >> 12, 2000000u * 1000);
	mst_clock_fake(0);
}
