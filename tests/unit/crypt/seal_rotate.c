/* SPDX-License-Identifier: Apache-2.0 */
/* A key file with several keys: the last one seals, all of them open, rotation adds one or changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "muster/crypt.h"
#include "muster/file.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef"

static char folder[] = "/tmp/muster-rotate-XXXXXX", path[64];

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

TestSuite(seal_rotate, .init = set_up, .fini = tear_down);

static struct mst_seal *load(void)
{
	struct mst_seal *seal = NULL;
	struct mst_err e;
	cr_assert_eq(mst_seal_load(&seal, path, &e), 0, "%s", e.text);
	return seal;
}

Test(seal_rotate, old_values_stay_readable)
{
	struct mst_arena a = {0};
	struct mst_slice values[MST_SEAL_KEYS_MAX], out;
	struct mst_seal *seal;
	struct mst_err e;
	struct stat st;
	for (unsigned i = 0; i < MST_SEAL_KEYS_MAX; i++) {
		if (i)
			cr_assert_eq(mst_seal_rotate(path, &e), 0, "%s", e.text);
		seal = load();
		cr_expect_eq(mst_seal_number(seal), i + 1);
		cr_assert_eq(mst_seal_close(&values[i], &a, seal, MST_S("r"), MST_S("plain"), &e), 0);
		cr_expect_eq(mst_seal_number_of(values[i]), i + 1);
		cr_expect(mst_seal_has(seal, (uint8_t)(i + 1)) && !mst_seal_has(seal, (uint8_t)(i + 2)) && !mst_seal_has(seal, 0));
		for (unsigned n = 0; n <= i; n++) {
			cr_assert_eq(mst_seal_open(&out, &a, seal, MST_S("r"), values[n], &e), 0, "%s", e.text);
			cr_expect(mst_slice_eq(out, MST_S("plain")));
			cr_expect_eq(mst_seal_is_old(seal, values[n]), n != i);
		}
		cr_expect(!mst_seal_is_old(seal, mst_slice(NULL, 0)));
		mst_seal_free(&seal);
	}
	cr_expect_eq(mst_seal_rotate(path, &e), -1, "the file is full");
	cr_expect_eq(e.code, MST_E_CONFLICT);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	mst_arena_done(&a);
}

/* The value of a key that left the file does not open, and the text says which. */
Test(seal_rotate, key_that_left)
{
	struct mst_arena a = {0};
	struct mst_slice sealed, out, text;
	struct mst_err e;
	struct mst_seal *seal = load();
	cr_assert_eq(mst_seal_close(&sealed, &a, seal, MST_S("r"), MST_S("plain"), &e), 0);
	mst_seal_free(&seal);
	cr_assert_eq(mst_seal_rotate(path, &e), 0);
	cr_assert_eq(mst_file_read(&text, &a, path, 4096, &e), 0);
	cr_assert_eq(text.len, 2 * 67);
	cr_assert_eq(mst_file_write(path, mst_slice(text.at + 67, 67), 0600, &e), 0);
	seal = load();
	cr_expect_eq(mst_seal_number(seal), 2);
	cr_expect_eq(mst_seal_open(&out, &a, seal, MST_S("r"), sealed, &e), -1);
	cr_expect_not_null(strstr(e.text, "master key 1"));
	mst_seal_free(&seal);
	mst_arena_done(&a);
}

Test(seal_rotate, files)
{
	static const struct {
		const char *name;
		struct mst_slice text;
		int number; /* 0: refused */
	} rows[] = {
		{"bare", MST_S_INIT(HEX "0\n"), 1},
		{"one with its number", MST_S_INIT("7 " HEX "0\n"), 7},
		{"no line end", MST_S_INIT("1 " HEX "0\n255 " HEX "1"), 255},
		{"bare among others", MST_S_INIT(HEX "0\n2 " HEX "1\n"), 0},
		{"same number", MST_S_INIT("1 " HEX "0\n1 " HEX "1\n"), 0},
		{"falling", MST_S_INIT("2 " HEX "0\n1 " HEX "1\n"), 0},
		{"zero", MST_S_INIT("0 " HEX "0\n"), 0},
		{"large", MST_S_INIT("256 " HEX "0\n"), 0},
		{"sign", MST_S_INIT("-1 " HEX "0\n"), 0},
		{"empty line", MST_S_INIT("1 " HEX "0\n\n2 " HEX "1\n"), 0},
		{"two spaces", MST_S_INIT("1  " HEX "0\n"), 0},
		{"short", MST_S_INIT("1 " HEX "\n"), 0},
		{"line ends of another system", MST_S_INIT("1 " HEX "0\r\n"), 0},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_seal *seal = NULL;
		struct mst_err e;
		cr_assert_eq(mst_file_write(path, rows[i].text, 0600, &e), 0);
		cr_expect_eq(mst_seal_load(&seal, path, &e) == 0, rows[i].number != 0, "%s", rows[i].name);
		if (seal)
			cr_expect_eq(mst_seal_number(seal), rows[i].number, "%s", rows[i].name);
		else
			cr_expect_null(strstr(e.text, "0011"), "no digits of a key in a text");
		cr_expect_eq(mst_seal_rotate(path, &e) == 0, rows[i].number != 0 && rows[i].number != 255, "%s", rows[i].name);
		mst_seal_free(&seal);
	}
}
