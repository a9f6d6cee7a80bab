/* SPDX-License-Identifier: Apache-2.0 */
/* The little DER that SCEP reads itself, and names that pass from a certificate to its successor. */
#include <criterion/criterion.h>

#include "../../../engine/scep/own.h"

Test(parts, takes_elements_off)
{
	static const struct {
		const char *name;
		struct mst_slice in;
		bool is_fine;
		uint8_t tag;
		size_t len, rest;
	} rows[] = {
		{"short", MST_S_INIT("\x02\x01\x07"), true, 2, 1, 0},
		{"empty", MST_S_INIT("\x05\x00\x01"), true, 5, 0, 1},
		{"one byte of length", MST_S_INIT("\x04\x81\x02" "ab"), true, 4, 2, 0},
		{"two bytes of length", MST_S_INIT("\x04\x82\x00\x02" "abc"), true, 4, 2, 1},
		{"three bytes of length", MST_S_INIT("\x04\x83\x00\x00\x01" "a"), true, 4, 1, 0},
		{"four bytes of length", MST_S_INIT("\x04\x84\x00\x00\x00\x01" "a"), false, 0, 0, 0},
		{"open length", MST_S_INIT("\x30\x80\x00\x00"), false, 0, 0, 0},
		{"long tag", MST_S_INIT("\x1f\x01\x00"), false, 0, 0, 0},
		{"too short", MST_S_INIT("\x04\x02" "a"), false, 0, 0, 0},
		{"length cut off", MST_S_INIT("\x04\x82\x01"), false, 0, 0, 0},
		{"huge", MST_S_INIT("\x04\x83\xff\xff\xff"), false, 0, 0, 0},
		{"a tag alone", MST_S_INIT("\x04"), false, 0, 0, 0},
		{"nothing", MST_S_INIT(""), false, 0, 0, 0},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_slice rest = rows[i].in, contents, whole;
		uint8_t tag = 0;
		bool is_fine = mst_parts_next(&rest, &tag, &contents, &whole);
		cr_expect_eq(is_fine, rows[i].is_fine, "%s", rows[i].name);
		if (!is_fine)
			continue;
		cr_expect(tag == rows[i].tag && contents.len == rows[i].len && rest.len == rows[i].rest, "%s", rows[i].name);
		cr_expect_eq(whole.len + rest.len, rows[i].in.len, "%s", rows[i].name);
	}
}

Test(parts, cuts_lists)
{
	struct mst_arena arena = {.limit = SIZE_MAX};
	const char *const *list;
	struct mst_err e;

	cr_assert_eq(mst_parts_list(&list, &arena, MST_S("a.example\0b.example"), &e), 0);
	cr_expect_str_eq(list[0], "a.example");
	cr_expect_str_eq(list[1], "b.example");
	cr_expect_null(list[2]);
	cr_assert_eq(mst_parts_list(&list, &arena, MST_S(""), &e), 0);
	cr_expect_null(list);
	cr_expect_eq(mst_parts_list(&list, &arena, MST_S("1\0002\0003\0004\0005\0006\0007\0008\0009\00010\00011\00012\00013\00014\00015\00016\00017"), &e),
		     -1);
	mst_arena_done(&arena);
}

/* All that a certificate says of its subject, and nothing more. */
Test(parts, keeps_names)
{
	static const char *const dns[] = {"a.example", "b.example", NULL}, *const ips[] = {"192.0.2.7", "2001:db8::7", NULL};
	struct mst_arena arena = {.limit = SIZE_MAX};
	struct mst_issue what = {.common_name = "phone", .organization = "Example", .dns = dns, .ips = ips, .not_before = 1, .not_after = 2};
	struct mst_subject subject;
	struct mst_slice der;
	struct mst_cert cert;
	struct mst_key *key;
	struct mst_err e;

	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0);
	cr_assert_eq(mst_key_spki(&what.spki, &arena, key, &e), 0);
	cr_assert_eq(mst_issue_write(&der, &arena, &what, (struct mst_slice){NULL, 0}, key, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(mst_cert_parse(&cert, der, &e), 0);
	cr_assert_eq(mst_parts_subject(&subject, &arena, &cert, MST_S("phone"), &e), 0, "%s", e.text);
	cr_expect_str_eq(subject.common_name, "phone");
	cr_expect_str_eq(subject.organization, "Example");
	cr_expect_str_eq(subject.dns[0], "a.example");
	cr_expect_str_eq(subject.dns[1], "b.example");
	cr_expect_null(subject.dns[2]);
	cr_expect_str_eq(subject.ips[0], "192.0.2.7");
	cr_expect_str_eq(subject.ips[1], "2001:db8::7");
	cr_expect_null(subject.uris);
	cr_expect_null(subject.emails);
	what.organization = NULL;
	what.dns = what.ips = NULL;
	cr_assert_eq(mst_issue_write(&der, &arena, &what, (struct mst_slice){NULL, 0}, key, NULL, &e), 0);
	cr_assert_eq(mst_cert_parse(&cert, der, &e), 0);
	cr_assert_eq(mst_parts_subject(&subject, &arena, &cert, MST_S("phone"), &e), 0);
	cr_expect(!subject.organization && !subject.dns && !subject.ips);
	mst_key_free(&key);
	mst_arena_done(&arena);
}

/* Every verdict has its word, and only those that deliver something have no failInfo. */
Test(parts, names_verdicts)
{
	for (int v = 0; v < NUM_VERDICTS; v++) {
		int fail = mst_pki_fail_info((enum scep_verdict)v);
		cr_expect_not_null(mst_pki_word((enum scep_verdict)v));
		cr_expect_eq(fail == SCEP_FAIL_NONE, v <= VERDICT_CRL, "%s", mst_pki_word((enum scep_verdict)v));
	}
}
