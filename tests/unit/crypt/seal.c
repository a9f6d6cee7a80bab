/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing: opens what it closed, with the same key, for the same record, unchanged; nothing else.
 */
#include "muster/crypt.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "muster/file.h"

static char folder[] = "/tmp/muster-seal-XXXXXX", path[64];

static void set_up(void)
{
	struct mst_err e;
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/master.key", folder);
	cr_assert_eq(mst_seal_init(path, &e), 0, "%s", e.text);
}

static void tear_down(void)
{
	unlink(path);
	cr_expect_eq(rmdir(folder), 0);
}

TestSuite(seal, .init = set_up, .fini = tear_down);

Test(seal, round_and_tampered)
{
	struct mst_arena a = {0};
	struct mst_err e;
	struct mst_seal *seal = NULL;
	struct mst_slice plain = MST_S("push magic of a device"), bound = MST_S("device/1/token"),
			 sealed, again, out;
	cr_assert_eq(mst_seal_load(&seal, path, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seal_close(&sealed, &a, seal, bound, plain, &e), 0);
	cr_assert_eq(mst_seal_close(&again, &a, seal, bound, plain, &e), 0);
	cr_expect_eq(sealed.len, plain.len + MST_SEAL_MORE);
	cr_expect(!mst_slice_eq(sealed, again), "a new nonce each time");
	cr_assert_eq(mst_seal_open(&out, &a, seal, bound, sealed, &e), 0, "%s", e.text);
	cr_expect(mst_slice_eq(out, plain));
	cr_expect_eq(mst_seal_open(&out, &a, seal, MST_S("device/2/token"), sealed, &e), -1);
	for (size_t i = 0; i < sealed.len; i++) {
		((uint8_t *)sealed.at)[i] ^= 1;
		cr_expect_eq(mst_seal_open(&out, &a, seal, bound, sealed, &e), -1, "byte %zu", i);
		((uint8_t *)sealed.at)[i] ^= 1;
	}
	for (size_t len = 0; len < sealed.len; len++)
		cr_expect_eq(mst_seal_open(&out, &a, seal, bound, mst_slice(sealed.at, len), &e),
			     -1);
	cr_assert_eq(mst_seal_close(&sealed, &a, seal, bound, mst_slice(NULL, 0), &e), 0,
		     "nothing is something too");
	cr_assert_eq(mst_seal_open(&out, &a, seal, bound, sealed, &e), 0);
	cr_expect_eq(out.len, 0);
	mst_seal_free(&seal);
	mst_seal_free(&seal);
	mst_arena_done(&a);
}

Test(seal, another_key)
{
	struct mst_arena a = {0};
	struct mst_err e;
	struct mst_seal *one = NULL, *two = NULL;
	struct mst_slice sealed, out;
	cr_assert_eq(mst_seal_load(&one, path, &e), 0);
	unlink(path);
	cr_assert_eq(mst_seal_init(path, &e), 0);
	cr_assert_eq(mst_seal_load(&two, path, &e), 0);
	cr_assert_eq(mst_seal_close(&sealed, &a, one, MST_S("r"), MST_S("plain"), &e), 0);
	cr_expect_eq(mst_seal_open(&out, &a, two, MST_S("r"), sealed, &e), -1);
	mst_seal_free(&one);
	mst_seal_free(&two);
	mst_arena_done(&a);
}

Test(seal, file)
{
	struct mst_err e;
	struct mst_seal *seal = NULL;
	struct stat st;
	static const struct mst_slice rows[] = {
		MST_S_INIT(""),
		MST_S_INIT("00112233445566778899aabbccddeeff00112233445566778899aabbccddeef"),
		MST_S_INIT("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeffa"),
		MST_S_INIT("00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg\n"),
		MST_S_INIT("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\n"),
	};
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	cr_expect_eq(mst_seal_init(path, &e), -1, "it is not overwritten");
	cr_expect_eq(e.code, MST_E_CONFLICT);
	cr_assert_eq(chmod(path, 0604), 0);
	cr_expect_eq(mst_seal_load(&seal, path, &e), -1);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		cr_assert_eq(mst_file_write(path, rows[i], 0600, &e), 0);
		cr_expect_eq(mst_seal_load(&seal, path, &e), -1, "row %zu", i);
	}
	cr_assert_eq(
		mst_file_write(
			path,
			MST_S("00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"),
			0400, &e),
		0);
	cr_expect_eq(mst_seal_load(&seal, path, &e), 0, "%s", e.text);
	mst_seal_free(&seal);
}

/* What was sealed before stays readable, what comes after has the new key's number. */
Test(seal, learns_of_a_new_key)
{
	struct mst_arena a = {0};
	struct mst_seal *seal = NULL, *fresh = NULL;
	struct mst_slice plain = MST_S("secret"), bound = MST_S("record"), older, newer, out;
	struct mst_err e;

	cr_assert_eq(mst_seal_load(&seal, path, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seal_close(&older, &a, seal, bound, plain, &e), 0);
	cr_assert_eq(mst_seal_learn(seal, path, &e), 0, "nothing new");
	cr_expect_eq(mst_seal_number(seal), 1);
	cr_assert_eq(mst_seal_rotate(path, &e), 0, "%s", e.text);
	cr_expect_eq(mst_seal_number(seal), 1, "the file alone changes nothing");
	cr_assert_eq(mst_seal_learn(seal, path, &e), 0, "%s", e.text);
	cr_expect_eq(mst_seal_number(seal), 2);
	cr_expect(mst_seal_is_old(seal, older));
	cr_assert_eq(mst_seal_close(&newer, &a, seal, bound, plain, &e), 0);
	cr_expect_eq(mst_seal_number_of(newer), 2);
	cr_expect_eq(mst_seal_open(&out, &a, seal, bound, older, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seal_load(&fresh, path, &e), 0, "%s", e.text);
	cr_expect_eq(mst_seal_open(&out, &a, fresh, bound, newer, &e), 0, "%s", e.text);
	mst_seal_free(&fresh);
	for (int i = 3; i <= MST_SEAL_KEYS_MAX; i++)
		cr_assert_eq(mst_seal_rotate(path, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seal_learn(seal, path, &e), 0, "%s", e.text);
	cr_expect_eq(mst_seal_number(seal), MST_SEAL_KEYS_MAX);
	unlink(path);
	cr_expect_eq(mst_seal_learn(seal, path, &e), -1);
	cr_expect_eq(mst_seal_number(seal), MST_SEAL_KEYS_MAX, "a failure changes nothing");
	cr_assert_eq(mst_seal_init(path, &e), 0);
	mst_seal_free(&seal);
	mst_arena_done(&a);
}
