/* SPDX-License-Identifier: Apache-2.0 */
/* The Prometheus text, from inside. */
#include "../../../engine/api/metrics.c"

#include <criterion/criterion.h>
#include <stdlib.h>

static const char *text(struct mst_grow *g)
{
	struct mst_slice s;
	mst_grow_byte(g, 0);
	cr_assert_eq(mst_grow_end(g, &s, NULL), 0);
	return (const char *)s.at;
}

Test(metrics, seconds)
{
	struct mst_arena arena = {.pool = NULL};
	struct mst_grow g;

	mst_grow_init(&g, &arena);
	put_seconds(&g, 12345678901);
	mst_grow_byte(&g, ' ');
	put_seconds(&g, 5);
	cr_expect_str_eq(text(&g), "12.345678901 0.000000005");
	mst_arena_done(&arena);
}

/* Buckets count up, the last is everything, and the ends say in text what they are in numbers. */
Test(metrics, histogram)
{
	struct mst_arena arena = {.pool = NULL};
	struct mst_hist *h = calloc(1, sizeof(*h));
	struct mst_grow g;
	const char *out;

	for (size_t i = 0; i < MST_LEN(ends); i++)
		cr_expect_float_eq(strtod(ends[i].text, NULL) * 1e9, (double)ends[i].ns, 0.5, "%s", ends[i].text);
	mst_hist_add(h, 400000);
	mst_hist_add(h, 3000000000);
	mst_grow_init(&g, &arena);
	put_hist(&g, "x", h);
	out = text(&g);
	cr_expect(strstr(out, "muster_x_bucket{le=\"0.0001\"} 0\n"), "%s", out);
	cr_expect(strstr(out, "muster_x_bucket{le=\"0.001\"} 1\n"));
	cr_expect(strstr(out, "muster_x_bucket{le=\"10\"} 2\n"));
	cr_expect(strstr(out, "muster_x_bucket{le=\"+Inf\"} 2\n"));
	cr_expect(strstr(out, "muster_x_sum 3.000400000\n"));
	cr_expect(strstr(out, "muster_x_count 2\n"));
	free(h);
	mst_arena_done(&arena);
}

Test(metrics, totals_are_counters)
{
	cr_expect(is_total("a_total"));
	cr_expect_not(is_total("a_open"));
	cr_expect_not(is_total("_total"));
}
