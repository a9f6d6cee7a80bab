/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and histograms in the Prometheus text format, version 0.0.4. */
#include "muster/count.h"
#include "muster/grow.h"
#include "own.h"

#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define PREFIX "muster_"

/* Upper ends of the buckets: 100 us to 10 s. */
static const struct {
	const char *text;
	uint64_t ns;
} ends[] = {
	{"0.0001", 100000},	{"0.00025", 250000},   {"0.0005", 500000},   {"0.001", 1000000},
	{"0.0025", 2500000},	{"0.005", 5000000},    {"0.01", 10000000},   {"0.025", 25000000},
	{"0.05", 50000000},	{"0.1", 100000000},    {"0.25", 250000000},  {"0.5", 500000000},
	{"1", 1000000000},	{"2.5", 2500000000},   {"5", 5000000000},    {"10", 10000000000},
};

static void put(struct mst_grow *g, const char *text)
{
	mst_grow_put(g, mst_slice_str(text));
}

static void head(struct mst_grow *g, const char *name, const char *help, const char *type)
{
	const char *const parts[] = {"# HELP " PREFIX, name, " ", help, "\n# TYPE " PREFIX, name, " ", type, "\n"};
	for (size_t i = 0; i < MST_LEN(parts); i++)
		put(g, parts[i]);
}

static void line(struct mst_grow *g, const char *name, const char *suffix, uint64_t n)
{
	put(g, PREFIX);
	put(g, name);
	put(g, suffix);
	put(g, " ");
	mst_grow_u64(g, n);
	put(g, "\n");
}

static bool is_total(const char *name)
{
	struct mst_slice s = mst_slice_str(name), end = MST_S("_total");
	return s.len > end.len && mst_slice_eq(mst_slice(s.at + s.len - end.len, end.len), end);
}

static void put_seconds(struct mst_grow *g, uint64_t ns)
{
	mst_grow_u64(g, ns / 1000000000);
	mst_grow_byte(g, '.');
	for (uint64_t unit = 100000000; unit; unit /= 10)
		mst_grow_byte(g, (uint8_t)('0' + ns / unit % 10));
}

static void put_hist(struct mst_grow *g, const char *name, const struct mst_hist *h)
{
	for (size_t i = 0; i < MST_LEN(ends); i++) {
		const char *const parts[] = {PREFIX, name, "_bucket{le=\"", ends[i].text, "\"} "};
		for (size_t k = 0; k < MST_LEN(parts); k++)
			put(g, parts[k]);
		mst_grow_u64(g, mst_hist_below(h, ends[i].ns));
		put(g, "\n");
	}
	line(g, name, "_bucket{le=\"+Inf\"}", h->total);
	put(g, PREFIX);
	put(g, name);
	put(g, "_sum ");
	put_seconds(g, h->sum_ns);
	put(g, "\n");
	line(g, name, "_count", h->total);
}

enum mst_step mst_api_metrics(struct mst_xchg *x)
{
	struct mst_counts *counts = mst_arena_get(&x->arena, sizeof(*counts));
	struct mst_slice body;
	struct mst_grow g;

	if (!counts)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	mst_counts_sum(counts);
	mst_grow_init(&g, &x->arena);
	for (unsigned i = 0; i < MST_NUM_COUNTERS; i++) {
		const char *name = mst_counter_name((enum mst_counter)i);
		head(&g, name, mst_counter_help((enum mst_counter)i), is_total(name) ? "counter" : "gauge");
		line(&g, name, "", counts->counters[i]);
	}
	for (unsigned i = 0; i < MST_NUM_HISTS; i++) {
		const char *name = mst_hist_name((enum mst_hist_id)i);
		head(&g, name, mst_hist_help((enum mst_hist_id)i), "histogram");
		put_hist(&g, name, &counts->hists[i]);
	}
	if (mst_grow_end(&g, &body, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_xchg_answer(x, 200, TYPE_METRICS, body);
}
