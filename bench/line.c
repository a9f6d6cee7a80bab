/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a command line by option rows: --name value, --name=value, and --name alone for switches.
 */
#include <stdio.h>

#include "line.h"

const char *mst_line_before = "muster-bench ";

static int set_one(void *conf, struct mst_arena *arena, const struct mst_opt_row *rows,
		   size_t num_rows, int *i, int argc, char **argv, struct mst_err *e)
{
	const char *word = argv[*i], *value = NULL, *equals = strchr(word, '=');
	const struct mst_opt_row *row;
	char name[64];
	size_t len = (equals ? (size_t)(equals - word) : strlen(word)) - 2;

	if (len >= sizeof(name))
		return mst_fail(e, MST_E_CONF, "unknown option %s", word);
	memcpy(name, word + 2, len);
	name[len] = 0;
	row = mst_opt_find(rows, num_rows, rows[0].section, name);
	if (!row)
		return mst_fail(e, MST_E_CONF, "unknown option %s", word);
	if (equals)
		value = equals + 1;
	else if (row->type == MST_OPT_BOOL)
		value = "yes";
	else if (*i + 1 < argc)
		value = argv[++*i];
	else
		return mst_fail(e, MST_E_CONF, "%s needs a value", word);
	return mst_opt_set(conf, arena, row, value, e);
}

int mst_line_read(void *conf, struct mst_arena *arena, const struct mst_opt_row *rows,
		  size_t num_rows, int argc, char **argv, struct mst_err *e)
{
	if (mst_opt_defaults(conf, arena, rows, num_rows, e) < 0)
		return -1;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			mst_line_help(rows[0].section, rows, num_rows);
			return 1;
		}
		if (strncmp(argv[i], "--", 2) != 0)
			return mst_fail(e, MST_E_CONF, "unexpected argument %s", argv[i]);
		if (set_one(conf, arena, rows, num_rows, &i, argc, argv, e) < 0)
			return -1;
	}
	return 0;
}

void mst_line_help(const char *program, const struct mst_opt_row *rows, size_t num_rows)
{
	printf("usage: %s%s [--option value]...\n\n", mst_line_before, program);
	for (size_t i = 0; i < num_rows; i++) {
		printf("  --%-12s %s", rows[i].key, rows[i].help);
		if (rows[i].fallback[0])
			printf(" (%s%s%s)", rows[i].fallback, rows[i].unit[0] ? " " : "",
			       rows[i].unit);
		putchar('\n');
	}
}
