/* SPDX-License-Identifier: Apache-2.0 */
/* The push engine's configuration from the rows of [push]. */
#include <criterion/criterion.h>

#include "../../../engine/main/push_conf.c"

static struct mst_conf conf_with(const char *silent_s)
{
	return (struct mst_conf){.push_host = "a", .push_sandbox_host = "b", .push_port = 443, .push_priority = 1, .push_silent_s = silent_s};
}

Test(push_conf, silent_waits)
{
	static const struct {
		const char *text;
		uint32_t want[4]; /* the first is 0: refused */
	} rows[] = {
		{"3600,14400,86400", {3600, 14400, 86400, 86400}},
		{"1", {1, 1, 1, 1}},
		{"1, 2 ,3,4", {1, 2, 3, 4}},
		{"31536000", {31536000, 31536000, 31536000, 31536000}},
		{"31536001", {0}},
		{"1,2,3,4,5", {0}},
		{"", {0}},
		{"0", {0}},
		{"1,,2", {0}},
		{"1,", {0}},
		{"-1", {0}},
		{"1s", {0}},
		{"99999999999999999999999", {0}},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		const struct mst_conf conf = conf_with(rows[i].text);
		struct mst_push_conf out;
		struct mst_err e;
		int rc = mst_pusher_conf(&out, &conf, MST_S("roots"), &e);
		cr_expect_eq(rc, rows[i].want[0] ? 0 : -1, "\"%s\"", rows[i].text);
		for (size_t k = 0; rc == 0 && k < MST_LEN(out.silent_s); k++)
			cr_expect_eq(out.silent_s[k], rows[i].want[k], "\"%s\" %zu", rows[i].text, k);
	}
}

Test(push_conf, priority_is_a_word)
{
	static const uint32_t want[] = {10, 5, 1};

	for (uint32_t i = 0; i < MST_LEN(want); i++) {
		struct mst_conf conf = conf_with("1");
		struct mst_push_conf out;
		conf.push_priority = i;
		cr_assert_eq(mst_pusher_conf(&out, &conf, MST_S("roots"), NULL), 0);
		cr_expect_eq(out.priority, want[i]);
		cr_expect(mst_slice_eq(out.ca_pem, MST_S("roots")));
	}
}
