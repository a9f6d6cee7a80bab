/* SPDX-License-Identifier: Apache-2.0 */
/* Micro benchmarks of the store: durable writes with ever more of them on their way, so that more share a sync. */
#include "commit.h"
#include "micro.h"

static int run_commits(struct mst_micro *m, uint32_t flying, struct mst_err *e)
{
	struct mst_commit_cost cost;

	if (mst_commit_time(&cost, m->folder, m->n, flying, e) < 0)
		return -1;
	m->ns = cost.cpu_ns * m->n;
	return 0;
}

static int run_1(struct mst_micro *m, struct mst_err *e)
{
	return run_commits(m, 1, e);
}

static int run_8(struct mst_micro *m, struct mst_err *e)
{
	return run_commits(m, 8, e);
}

static int run_64(struct mst_micro *m, struct mst_err *e)
{
	return run_commits(m, 64, e);
}

static int run_512(struct mst_micro *m, struct mst_err *e)
{
	return run_commits(m, 512, e);
}

/* clang-format off */
static const struct mst_micro_row rows[] = {
	{ "commit-1",   "a durable write, one at a time, all threads",        2000,  50,   run_1 },
	{ "commit-8",   "the same with 8 on their way",                       8000,  200,  run_8 },
	{ "commit-64",  "the same with 64",                                   40000, 1000, run_64 },
	{ "commit-512", "the same with 512",                                  80000, 2000, run_512 },
};
/* clang-format on */
const struct mst_micro_group mst_micro_store = {rows, MST_LEN(rows)};
