/* SPDX-License-Identifier: Apache-2.0 */
/* Reads musterd.conf with inih into struct mst_conf, by the rows; a mistake is reported with file, line and key. */
#include "muster/conf.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct reader {
	struct mst_conf *conf;
	struct mst_err *e;
	const char *path;
	FILE *file;
	int num_lines; /* read so far */
	int most;      /* bytes of a line, once one was longer */
	uint8_t seen[128]; /* one for each row: a key given twice is a mistake */
};

static char *folder_of(struct mst_arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct mst_slice folder;
	if (!slash)
		return (char *)".";
	if (!mst_arena_copy(arena, &folder, mst_slice(path, (size_t)(slash - path))))
		return NULL;
	return (char *)(uintptr_t)folder.at;
}

/* A relative path is meant from the configuration file's folder. */
static int set_path(struct reader *r, const struct mst_opt_row *row, const char *value)
{
	struct mst_slice full;
	const char *folder = folder_of(&r->conf->arena, r->path);
	if (value[0] == '/' || value[0] == '\0')
		return mst_opt_set(r->conf, &r->conf->arena, row, value, r->e);
	if (!folder || !mst_arena_format(&r->conf->arena, &full, "%s/%s", folder, value))
		return mst_fail(r->e, MST_E_BUSY, "out of memory");
	return mst_opt_set(r->conf, &r->conf->arena, row, (const char *)full.at, r->e);
}

static int read_value(struct reader *r, const char *section, const char *key, const char *value)
{
	size_t num_rows;
	const struct mst_opt_row *rows = mst_conf_rows(&num_rows);
	const struct mst_opt_row *row = mst_opt_find(rows, num_rows, section, key);

	if (!row)
		return mst_fail(r->e, MST_E_CONF, "unknown option [%s] %s", section, key);
	if (r->seen[row - rows])
		return mst_fail(r->e, MST_E_CONF, "[%s] %s is given twice", section, key);
	r->seen[row - rows] = 1;
	return row->type == MST_OPT_PATH ? set_path(r, row, value)
					 : mst_opt_set(r->conf, &r->conf->arena, row, value, r->e);
}

/* inih's callback: 1 goes on, 0 is a mistake in this line. */
static int on_value(void *context, const char *section, const char *key, const char *value)
{
	struct reader *r = context;
	if (r->e->code != MST_E_NONE)
		return 1; /* the first mistake is the one to tell */
	return read_value(r, section, key, value ? value : "") == 0;
}

/* inih's way to a line: it would take the rest of a line that does not fit its buffer for a line of its own. */
static char *next_line(char *out, int room, void *context)
{
	struct reader *r = context;

	if (!fgets(out, room, r->file))
		return NULL;
	r->num_lines++;
	if (strlen(out) < (size_t)room - 1 || out[room - 2] == '\n')
		return out;
	r->most = room - 2;
	return NULL;
}

static int read_file(struct mst_conf *conf, const char *path, struct mst_err *e)
{
	struct mst_err seen = {0};
	struct reader r = {.conf = conf, .e = &seen, .path = path};
	int line;

	r.file = fopen(path, "re");
	if (!r.file)
		return mst_fail_sys(e, errno, "%s: cannot open", path);
	line = ini_parse_stream(next_line, &r, on_value, &r);
	fclose(r.file);
	if (line == 0 && r.most)
		return mst_fail(e, MST_E_CONF, "%s:%d: the line is longer than %d bytes", path, r.num_lines, r.most);
	if (line == 0)
		return 0;
	if (line < 0)
		return mst_fail(e, MST_E_CONF, "%s: cannot read", path);
	return mst_fail(e, MST_E_CONF, "%s:%d: %s", path, line,
			seen.code == MST_E_NONE ? "not a section, a key = value, or a comment" : seen.text);
}

int mst_conf_load(struct mst_conf **out, const char *path, struct mst_err *e)
{
	size_t num_rows;
	const struct mst_opt_row *rows = mst_conf_rows(&num_rows);
	struct mst_conf *conf = calloc(1, sizeof *conf);

	BUG_ON(num_rows > sizeof(((struct reader *)0)->seen));
	if (!conf)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	mst_arena_init(&conf->arena, NULL, 0);
	if (mst_opt_defaults(conf, &conf->arena, rows, num_rows, e) != 0)
		goto out;
	if (path) {
		struct mst_slice kept;
		if (!mst_arena_copy(&conf->arena, &kept, mst_slice_str(path))) {
			mst_fail(e, MST_E_BUSY, "out of memory");
			goto out;
		}
		conf->file = (const char *)kept.at;
		if (read_file(conf, path, e) != 0)
			goto out;
	}
	*out = conf;
	return 0;
out:
	mst_conf_free(&conf);
	return -1;
}

void mst_conf_free(struct mst_conf **conf)
{
	if (!*conf)
		return;
	mst_arena_done(&(*conf)->arena);
	free(*conf);
	*conf = NULL;
}

static void print_row(FILE *out, const struct mst_opt_row *row, const struct mst_conf *conf)
{
	char value[4200];

	mst_opt_print(value, sizeof value, row, conf);
	fprintf(out, "; %s", row->help);
	if (row->type == MST_OPT_U32)
		fprintf(out, " (%llu to %llu%s%s)", (unsigned long long)row->least, (unsigned long long)row->most,
			row->unit[0] ? " " : "", row->unit);
	for (const char *const *word = row->words; word && *word; word++)
		fprintf(out, "%s%s", word == row->words ? " (" : ", ", *word);
	fprintf(out, "%s%s\n%s = %s\n", row->words ? ")" : "", row->live ? "" : "; needs a restart", row->key, value);
}

int mst_conf_print(int fd, const struct mst_conf *conf, struct mst_err *e)
{
	size_t num_rows;
	const struct mst_opt_row *rows = mst_conf_rows(&num_rows);
	const char *section = "";
	int copy = dup(fd);
	FILE *out = copy >= 0 ? fdopen(copy, "w") : NULL;

	if (!out)
		return mst_fail_sys(e, errno, "cannot write the configuration");
	for (size_t i = 0; i < num_rows; i++) {
		if (strcmp(section, rows[i].section) != 0)
			fprintf(out, "%s[%s]\n", i ? "\n" : "", rows[i].section);
		section = rows[i].section;
		print_row(out, &rows[i], conf);
	}
	if (fclose(out) != 0)
		return mst_fail_sys(e, errno, "cannot write the configuration");
	return 0;
}
