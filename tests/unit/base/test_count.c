/* SPDX-License-Identifier: Apache-2.0 */
/* Counters: sums over threads alive and ended, levels that fall elsewhere than they rose, and names
 * fit for Prometheus. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "muster/count.h"

#define NUM_THREADS 4
#define NUM_TURNS   10000

static struct mst_counts sum;

static void *count_up(void *unused)
{
	for (int i = 0; i < NUM_TURNS; i++) {
		mst_count(MST_C_HTTP_REQUESTS, 1);
		mst_count(MST_C_CONN_OPEN, 2);
		mst_count_time(MST_H_COMMIT, 1000);
	}
	mst_count(MST_C_BYTES_IN, INT64_MAX);
	return unused;
}

Test(count, sums_threads)
{
	pthread_t threads[NUM_THREADS];
	for (int i = 0; i < NUM_THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, count_up, NULL), 0);
	for (int i = 0; i < 100; i++) {
		uint64_t before = sum.counters[MST_C_HTTP_REQUESTS];
		mst_counts_sum(&sum);
		cr_expect_geq(sum.counters[MST_C_HTTP_REQUESTS], before, "never back");
	}
	for (int i = 0; i < NUM_THREADS; i++)
		pthread_join(threads[i], NULL);
	mst_count(MST_C_CONN_OPEN, -5);
	mst_counts_sum(&sum);
	cr_expect_eq(sum.counters[MST_C_HTTP_REQUESTS], (uint64_t)NUM_THREADS * NUM_TURNS);
	cr_expect_eq(sum.counters[MST_C_CONN_OPEN], (uint64_t)NUM_THREADS * NUM_TURNS * 2 - 5);
	cr_expect_eq(sum.hists[MST_H_COMMIT].total, (uint64_t)NUM_THREADS * NUM_TURNS);
	cr_expect_eq(sum.hists[MST_H_COMMIT].sum_ns, (uint64_t)NUM_THREADS * NUM_TURNS * 1000);
	cr_expect_eq(sum.hists[MST_H_REQUEST].total, 0u);
}

Test(count, here_is_one_per_thread)
{
	struct mst_counts *here = mst_counts_here();
	cr_expect_eq(mst_counts_here(), here);
	cr_expect_eq((uintptr_t)here % 64, 0u);
	mst_count(MST_C_CHECKINS, 3);
	cr_expect_eq(here->counters[MST_C_CHECKINS], 3u);
}

static void check_name(const char *name, const char *help)
{
	cr_expect(islower((unsigned char)name[0]), "%s", name);
	for (const char *c = name; *c; c++)
		cr_expect(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_',
			  "%s", name);
	cr_expect_gt(strlen(help), 0u, "%s", name);
	cr_expect_null(strpbrk(help, "\n\\"), "%s", name);
}

Test(count, names)
{
	for (int i = 0; i < MST_NUM_COUNTERS; i++) {
		const char *name = mst_counter_name((enum mst_counter)i);
		check_name(name, mst_counter_help((enum mst_counter)i));
		for (int k = 0; k < i; k++)
			cr_expect_str_neq(name, mst_counter_name((enum mst_counter)k));
	}
	for (int i = 0; i < MST_NUM_HISTS; i++) {
		const char *name = mst_hist_name((enum mst_hist_id)i);
		check_name(name, mst_hist_help((enum mst_hist_id)i));
		cr_expect_not_null(strstr(name, "_seconds"), "%s", name);
	}
}
