/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of passwords: right, wrong, broken ones, and two of the same password. */
#include <criterion/criterion.h>

#include "muster/crypt.h"

Test(password, right_and_wrong)
{
	struct mst_arena arena;
	struct mst_slice one, two;
	struct mst_err e;

	mst_arena_init(&arena, NULL, 0);
	cr_assert_eq(mst_password_hash(&one, &arena, MST_S("secret"), &e), 0, "%s", e.text);
	cr_assert_eq(mst_password_hash(&two, &arena, MST_S("secret"), &e), 0, "%s", e.text);
	cr_expect(mst_slice_starts(one, MST_S("$scrypt$ln=14,r=8,p=1$")), "%.*s", (int)one.len, (const char *)one.at);
	cr_expect_not(mst_slice_eq(one, two), "each has a salt of its own");
	cr_expect(mst_password_check(one, MST_S("secret")));
	cr_expect(mst_password_check(two, MST_S("secret")));
	cr_expect_not(mst_password_check(one, MST_S("Secret")));
	cr_expect_not(mst_password_check(one, MST_S("")));
	for (size_t len = 0; len < one.len; len += 7)
		cr_expect_not(mst_password_check(mst_slice(one.at, len), MST_S("secret")), "%zu bytes of a hash", len);
	mst_arena_done(&arena);
}

Test(password, broken)
{
	static const char *const rows[] = {
		"",
		"secret",
		"$scrypt$ln=99,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"$scrypt$ln=14,r=9,p=1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"$scrypt$ln=14,r=8,p=1$********************==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	};

	for (size_t i = 0; i < MST_LEN(rows); i++)
		cr_expect_not(mst_password_check(mst_slice_str(rows[i]), MST_S("secret")), "%s", rows[i]);
}

/* Made with another implementation (Python's hashlib.scrypt). */
Test(password, as_others_have_it)
{
	cr_expect(mst_password_check(
		MST_S("$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw==$UxYE/nON8zrmLNK5lL/j9XPtKMDZ5VR/h1tkExic5Zo="), MST_S("pleaseletmein")));
}
