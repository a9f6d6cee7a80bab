/* SPDX-License-Identifier: Apache-2.0 */
/* Files: reading within a bound, replacing and creating with their mode, folders with their
 * parents. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "muster/file.h"

static char folder[] = "/tmp/muster-file-XXXXXX";
static char path[100], draft[110];
static struct mst_arena arena;

static void start(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a", folder);
	snprintf(draft, sizeof(draft), "%s.new", path);
	mst_arena_init(&arena, NULL, 0);
}

static void stop(void)
{
	unlink(path);
	unlink(draft);
	rmdir(folder);
	mst_arena_done(&arena);
}

TestSuite(file, .init = start, .fini = stop);

Test(file, round_trip_at_the_bound)
{
	static uint8_t bytes[20000];
	static const size_t lens[] = {0, 1, 4095, 4096, 4097, 20000};
	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < MST_LEN(lens); i++) {
		struct mst_slice want = mst_slice(bytes, lens[i]), got;
		struct mst_err e;
		cr_assert_eq(mst_file_write(path, want, 0640, &e), 0, "%s", e.text);
		cr_assert_eq(mst_file_read(&got, &arena, path, lens[i] ? lens[i] : 1, &e), 0);
		cr_expect(mst_slice_eq(got, want), "%zu", lens[i]);
		cr_expect_eq(got.at[got.len], '\0');
		if (lens[i] < 2)
			continue;
		cr_expect_eq(mst_file_read(&got, &arena, path, lens[i] - 1, &e), -1);
		cr_expect_eq(e.code, MST_E_TOO_BIG);
	}
}

Test(file, grows_with_files_that_hide_their_size)
{
	struct mst_slice got;
	struct mst_err e;
	cr_assert_eq(mst_file_read(&got, &arena, "/proc/self/maps", 1 << 20, &e), 0);
	cr_expect_gt(got.len, 4096u);
	cr_expect_eq(got.at[got.len - 1], '\n');
	cr_expect_eq(mst_file_read(&got, &arena, "/dev/zero", 100000, &e), -1);
	cr_expect_eq(e.code, MST_E_TOO_BIG);
}

Test(file, errors_name_the_path)
{
	struct mst_slice got;
	struct mst_err e;
	cr_expect_eq(mst_file_read(&got, &arena, path, 10, &e), -1);
	cr_expect_eq(e.code, MST_E_ABSENT);
	cr_expect_eq(strncmp(e.text, path, strlen(path)), 0);
	cr_expect_eq(mst_file_read(&got, &arena, folder, 10, &e), -1);
	cr_expect_eq(e.sys, EISDIR);
	cr_expect_eq(mst_file_write("/proc/muster/x", MST_S("x"), 0600, &e), -1);
	cr_expect_eq(e.code, MST_E_IO);
	struct mst_arena small;
	mst_arena_init(&small, NULL, 16);
	cr_assert_eq(mst_file_write(path, MST_S("twenty bytes of text"), 0600, &e), 0);
	cr_expect_eq(mst_file_read(&got, &small, path, 100, &e), -1);
	cr_expect_eq(e.code, MST_E_BUSY);
	mst_arena_done(&small);
}

Test(file, modes_and_leftovers)
{
	struct mst_err e;
	struct stat st;
	umask(077);
	/* A draft left by a crash, even one that is a link elsewhere, is no obstacle. */
	cr_assert_eq(symlink("/proc/elsewhere", draft), 0);
	cr_assert_eq(mst_file_write(path, MST_S("x"), 0644, &e), 0, "%s", e.text);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777u, 0644u);
	cr_assert_eq(mst_file_write(path, MST_S("y"), 0600, &e), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777u, 0600u);
	cr_expect_eq(lstat(draft, &st), -1);
}

Test(file, create_does_not_replace)
{
	struct mst_slice got;
	struct mst_err e;
	struct stat st;
	cr_assert_eq(mst_file_create(path, MST_S("first"), 0600, &e), 0);
	cr_expect_eq(mst_file_create(path, MST_S("second"), 0600, &e), -1);
	cr_expect_eq(e.code, MST_E_CONFLICT);
	cr_assert_eq(mst_file_read(&got, &arena, path, 100, &e), 0);
	cr_expect(mst_slice_eq(got, MST_S("first")));
	cr_expect_eq(lstat(draft, &st), -1);
}

Test(file, folders)
{
	char deep[140], below[160];
	struct mst_err e;
	struct stat st;
	snprintf(deep, sizeof(deep), "%s/b/c", folder);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(mst_file_folder(deep, &e), 0, "%s", e.text);
	cr_assert_eq(stat(deep, &st), 0);
	cr_expect_eq(st.st_mode & 07777u, 0700u);
	snprintf(below, sizeof(below), "%s/file", deep);
	cr_assert_eq(mst_file_write(below, MST_S("x"), 0600, &e), 0);
	cr_expect_eq(mst_file_folder(below, &e), -1);
	cr_expect_eq(e.sys, ENOTDIR);
	unlink(below);
	rmdir(deep);
	*strrchr(deep, '/') = '\0';
	rmdir(deep);
}
