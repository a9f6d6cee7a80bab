/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: how they are filled and cut, and that every code has a status and a word of its own. */
#include <criterion/criterion.h>
#include <string.h>
#include <errno.h>
#include <signal.h>

#include "muster/err.h"

Test(err, fills)
{
	struct mst_err e;
	cr_assert_eq(mst_fail(&e, MST_E_GONE, "profile %d of %s", 7, "x"), -1);
	cr_expect_eq(e.code, MST_E_GONE);
	cr_expect_eq(e.sys, 0);
	cr_expect_str_eq(e.text, "profile 7 of x");
	cr_expect_eq(mst_fail(NULL, MST_E_GONE, "%s", "nobody asks"), -1);
	cr_expect_eq(mst_fail_sys(NULL, EIO, "%s", "nobody asks"), -1);
}

Test(err, cuts_long_text)
{
	struct mst_err e;
	char text[400];
	memset(text, 'x', sizeof(text));
	for (int len = MST_ERR_TEXT - 3; len < MST_ERR_TEXT + 3; len++) {
		mst_fail(&e, MST_E_SYNTAX, "%.*s", len, text);
		int want = len < MST_ERR_TEXT ? len : MST_ERR_TEXT - 1;
		cr_expect_eq(strlen(e.text), (size_t)want, "%d", len);
	}
}

Test(err, keeps_the_system_reason)
{
	struct mst_err e;
	cr_assert_eq(mst_fail_sys(&e, ENOENT, "open %s", "a"), -1);
	cr_expect_eq(e.code, MST_E_IO);
	cr_expect_eq(e.sys, ENOENT);
	cr_expect_str_eq(e.text, "open a: No such file or directory");
	mst_fail_sys(&e, 4321, "odd");
	cr_expect_str_eq(e.text, "odd: unknown error");

	char text[400];
	memset(text, 'x', sizeof(text));
	for (int len = 150; len < 300; len++) {
		mst_fail_sys(&e, ENOENT, "%.*s", len, text);
		const char *reason = strchr(e.text, ':');
		cr_assert_not_null(reason, "%d", len);
		cr_expect_str_eq(reason, ": No such file or directory", "%d", len);
	}
}

Test(err, codes_have_status_and_word)
{
	for (int i = 0; i < MST_NUM_CODES; i++) {
		enum mst_code code = (enum mst_code)i;
		int status = mst_code_status(code);
		cr_expect(i == MST_E_NONE ? status == 200 : status >= 400 && status <= 599, "%d",
			  i);
		cr_expect_eq(status == 401, code == MST_E_KEY, "for operators only: a device would unenrol");
		cr_expect_gt(strlen(mst_code_word(code)), 0u, "%d", i);
		for (int k = 0; k < i; k++)
			cr_expect_str_neq(mst_code_word(code), mst_code_word((enum mst_code)k));
	}
	cr_expect_eq(mst_code_status(MST_E_BUSY), 503);
	cr_expect_str_eq(mst_code_word(MST_E_TOO_BIG), "too-big");
}

Test(err, unknown_code_is_a_bug, .signal = SIGABRT)
{
	mst_code_status(MST_NUM_CODES);
}
Test(err, bug_aborts, .signal = SIGABRT)
{
	BUG_ON(1 + 1 == 2);
}
Test(err, no_bug_goes_on)
{
	BUG_ON(1 + 1 == 3);
}
