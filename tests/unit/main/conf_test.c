/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: defaults, every mistake named with its line, relative paths, a round trip of the printed defaults. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/conf.h"

static char folder[64];

static void make_folder(void)
{
	snprintf(folder, sizeof folder, "/tmp/muster-conf-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

static void drop_folder(void)
{
	char path[128];

	snprintf(path, sizeof path, "%s/a.conf", folder);
	unlink(path);
	rmdir(folder);
}

static const char *write_file(const char *text)
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/a.conf", folder);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

TestSuite(conf, .init = make_folder, .fini = drop_folder);

Test(conf, defaults_are_within_their_ranges)
{
	struct mst_conf *conf = NULL;
	struct mst_err err = {0};

	cr_assert_eq(mst_conf_load(&conf, NULL, &err), 0, "%s", err.text);
	cr_expect_eq(conf->portal_port, 443);
	cr_expect_str_eq(conf->portal_address, "::");
	cr_expect_eq(conf->log_level, 1);
	cr_expect(conf->has_tickets);
	mst_conf_free(&conf);
	cr_expect_null(conf);
}

#define FIFTY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *name, *text, *want;
} mistakes[] = {
	{"unknown key", "[portal]\nprot = 1\n", "a.conf:2: unknown option [portal] prot"},
	{"unknown section", "[portals]\nport = 1\n", "a.conf:2: unknown option [portals] port"},
	{"below the range", "[portal]\n\nport = 0\n", "a.conf:3: "},
	{"above the range", "[portal]\nport = 65536\n", "portal"},
	{"not a number", "[portal]\nport = https\n", "a.conf:2: "},
	{"trailing text", "[portal]\nport = 443x\n", "a.conf:2: "},
	{"negative", "[conn]\nidle_ms = -1\n", "a.conf:2: "},
	{"number too long", "[conn]\nidle_ms = 99999999999999999999999\n", "a.conf:2: "},
	{"not a bool", "[log]\njson = maybe\n", "a.conf:2: "},
	{"not a word", "[log]\nlevel = loud\n", "a.conf:2: "},
	{"empty path", "[store]\npath =\n", "a.conf:2: "},
	{"given twice", "[portal]\nport = 1\nport = 2\n", "a.conf:3: [portal] port is given twice"},
	{"no section, no key", "[portal]\nnonsense\n", "a.conf:2: not a section"},
	{"a line that is cut", "[store]\npath = " FIFTY FIFTY FIFTY FIFTY "\n", "a.conf:2: the line is longer"},
	{"a line that is cut before a comment", "[store]\npath = " FIFTY FIFTY FIFTY "                                         #\n",
	 "a.conf:2: the line is longer"},
	{"first mistake is told", "[portal]\nport = 0\nprot = 1\n", "a.conf:2: "},
};

Test(conf, mistakes_are_named_with_their_line)
{
	for (size_t i = 0; i < MST_LEN(mistakes); i++) {
		struct mst_conf *conf = NULL;
		struct mst_err err = {0};

		cr_expect_eq(mst_conf_load(&conf, write_file(mistakes[i].text), &err), -1, "%s", mistakes[i].name);
		cr_expect_eq(err.code, MST_E_CONF, "%s", mistakes[i].name);
		cr_expect_not_null(strstr(err.text, mistakes[i].want), "%s: %s", mistakes[i].name, err.text);
		cr_expect_null(conf, "%s", mistakes[i].name);
	}
}

Test(conf, a_missing_file_is_named)
{
	struct mst_conf *conf = NULL;
	struct mst_err err = {0};

	cr_expect_eq(mst_conf_load(&conf, "/nonexistent/a.conf", &err), -1);
	cr_expect_not_null(strstr(err.text, "/nonexistent/a.conf"), "%s", err.text);
}

Test(conf, relative_paths_start_at_the_file)
{
	struct mst_conf *conf = NULL;
	struct mst_err err = {0};
	char want[160];

	cr_assert_eq(mst_conf_load(&conf, write_file("[store]\npath = data/store\n[seal]\nkey = /abs/key\n"), &err), 0, "%s",
		     err.text);
	snprintf(want, sizeof want, "%s/data/store", folder);
	cr_expect_str_eq(conf->store_path, want);
	cr_expect_str_eq(conf->seal_key, "/abs/key");
	mst_conf_free(&conf);
}

Test(conf, printed_defaults_are_the_defaults)
{
	struct mst_conf *conf = NULL, *again = NULL;
	struct mst_err err = {0};
	size_t num_rows;
	const struct mst_opt_row *rows = mst_conf_rows(&num_rows);
	const char *path = write_file("");
	int fd = open(path, O_WRONLY | O_TRUNC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(mst_conf_load(&conf, NULL, &err), 0);
	cr_assert_eq(mst_conf_print(fd, conf, &err), 0);
	close(fd);
	cr_assert_eq(mst_conf_load(&again, path, &err), 0, "%s", err.text);
	for (size_t i = 0; i < num_rows; i++)
		cr_expect_not(mst_opt_differs(&rows[i], conf, again), "[%s] %s", rows[i].section, rows[i].key);
	mst_conf_free(&again);
	mst_conf_free(&conf);
}

Test(conf, rows_have_no_twins_and_one_line_of_help)
{
	size_t num_rows;
	const struct mst_opt_row *rows = mst_conf_rows(&num_rows);

	for (size_t i = 0; i < num_rows; i++) {
		cr_expect_gt(strlen(rows[i].help), 10, "[%s] %s", rows[i].section, rows[i].key);
		cr_expect_null(strchr(rows[i].help, '\n'), "[%s] %s", rows[i].section, rows[i].key);
		cr_expect_eq(mst_opt_find(rows, num_rows, rows[i].section, rows[i].key), &rows[i], "[%s] %s is twice",
			     rows[i].section, rows[i].key);
	}
}
