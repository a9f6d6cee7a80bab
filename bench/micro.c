/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the micro benchmarks and prints what each operation costs, as a table or as JSON. */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>

#include "line.h"
#include "muster/clock.h"
#include "muster/json.h"
#include "muster/log.h"

#define RUNS 5

struct conf {
	struct mst_arena arena;
	const char *only, *folder;
	bool is_quick, is_json;
};

#define AT(field) offsetof(struct conf, field)
/* clang-format off */
static const struct mst_opt_row opt_rows[] = {
	{ "micro", "quick",  AT(is_quick), MST_OPT_BOOL, "no",   0, 0,   "", false, "a hundredth of the work: shows that it runs" },
	{ "micro", "only",   AT(only),     MST_OPT_TEXT, "",     0, 64,  "", false, "subjects whose name begins so" },
	{ "micro", "folder", AT(folder),   MST_OPT_PATH, "/tmp", 1, 200, "", false, "where stores are made and dropped" },
	{ "micro", "json",   AT(is_json),  MST_OPT_BOOL, "no",   0, 0,   "", false, "print JSON" },
};
/* clang-format on */

static const struct mst_micro_group *const groups[] = {&mst_micro_base, &mst_micro_loop, &mst_micro_codec, &mst_micro_store};

void mst_micro_begin(struct mst_micro *m)
{
	m->began_ns = mst_clock_cpu_ns();
}

void mst_micro_end(struct mst_micro *m)
{
	m->ns = mst_clock_cpu_ns() - m->began_ns;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The median of the runs. */
static int run_row(struct mst_json *j, const struct conf *conf, const struct mst_micro_row *row, struct mst_err *e)
{
	struct mst_micro m = {.is_quick = conf->is_quick, .folder = conf->folder};
	double ns[RUNS];
	int runs = conf->is_quick ? 1 : RUNS;

	m.n = conf->is_quick ? row->num_quick : row->n;
	for (int i = 0; i < runs; i++) {
		if (row->run(&m, e) < 0)
			return -1;
		ns[i] = (double)m.ns / m.n;
	}
	qsort(ns, (size_t)runs, sizeof(ns[0]), by_size);
	mst_json_open(j, NULL);
	mst_json_text(j, "name", mst_slice_str(row->name));
	mst_json_u64(j, "n", m.n);
	mst_json_u64(j, "ps", (uint64_t)(ns[runs / 2] * 1000)); /* whole numbers only: picoseconds */
	mst_json_u64(j, "ps_least", (uint64_t)(ns[0] * 1000));
	mst_json_u64(j, "ps_most", (uint64_t)(ns[runs - 1] * 1000));
	mst_json_u64(j, "bytes", m.bytes);
	mst_json_close(j);
	if (!conf->is_json) {
		printf("%-22s %9u %12.1f %10.1f-%-10.1f %s\n", row->name, m.n, ns[runs / 2], ns[0], ns[runs - 1], row->what);
		fflush(stdout);
	}
	return 0;
}

static int run_all(const struct conf *conf, struct mst_err *e)
{
	struct mst_arena arena;
	struct mst_slice text;
	struct mst_json j;
	int rc = 0;

	mst_arena_init(&arena, NULL, 0);
	mst_json_begin(&j, &arena);
	mst_json_open(&j, NULL);
	mst_json_open_array(&j, "micro");
	if (!conf->is_json)
		printf("%-22s %9s %12s %21s\n", "subject", "n", "ns each", "least-most");
	for (size_t g = 0; rc == 0 && g < MST_LEN(groups); g++)
		for (size_t i = 0; rc == 0 && i < groups[g]->num; i++)
			if (strncmp(groups[g]->rows[i].name, conf->only, strlen(conf->only)) == 0)
				rc = run_row(&j, conf, &groups[g]->rows[i], e);
	mst_json_close(&j);
	mst_json_close(&j);
	if (rc == 0)
		rc = mst_json_end(&j, &text, e);
	if (rc == 0 && conf->is_json)
		printf("%.*s\n", (int)text.len, (const char *)text.at);
	mst_arena_done(&arena);
	return rc;
}

int mst_micro_main(int argc, char **argv)
{
	struct conf conf = {.only = NULL};
	struct mst_err e = {0};
	int rc = mst_line_read(&conf, &conf.arena, opt_rows, MST_LEN(opt_rows), argc, argv, &e);

	mst_log_setup(MST_WARN, false);
	if (rc == 0)
		rc = run_all(&conf, &e);
	if (rc < 0)
		fprintf(stderr, "muster-bench: %s\n", e.text);
	mst_arena_done(&conf.arena);
	return rc < 0 ? (e.code == MST_E_CONF ? 2 : 1) : 0;
}
