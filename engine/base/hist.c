/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log-linear histograms. Times below 32 ns have a bucket each; above, the highest bit and the five
 * behind it tell the bucket:
 *
 *     ns = 1xxxxx..... (shift further bits)    bucket = shift * 32 + 1xxxxx
 */
#include "muster/hist.h"

#define SUB_BITS 5
#define LAST     (MST_HIST_BUCKETS - 1)

_Static_assert(MST_HIST_SUB == 1 << SUB_BITS, "a power of two is cut into 2^SUB_BITS");

static uint64_t read_cell(const uint64_t *cell)
{
	return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

/* Only the owner writes; the atomic store makes readers see a whole value. */
static void write_cell(uint64_t *cell, uint64_t value)
{
	__atomic_store_n(cell, value, __ATOMIC_RELAXED);
}

static uint32_t bucket_of(uint64_t ns)
{
	if (ns < MST_HIST_SUB)
		return (uint32_t)ns;
	uint32_t shift = 63 - SUB_BITS - (uint32_t)__builtin_clzll(ns);
	uint64_t bucket = ((uint64_t)shift << SUB_BITS) + (ns >> shift);
	return bucket < LAST ? (uint32_t)bucket : LAST;
}

static uint64_t bucket_end(uint32_t bucket)
{
	if (bucket < MST_HIST_SUB)
		return bucket;
	if (bucket == LAST)
		return UINT64_MAX;
	uint32_t shift = bucket / MST_HIST_SUB - 1;
	return ((uint64_t)(bucket - shift * MST_HIST_SUB + 1) << shift) - 1;
}

void mst_hist_add(struct mst_hist *h, uint64_t ns)
{
	uint64_t *cell = &h->counts[bucket_of(ns)];
	write_cell(cell, read_cell(cell) + 1);
	write_cell(&h->total, read_cell(&h->total) + 1);
	write_cell(&h->sum_ns, read_cell(&h->sum_ns) + ns);
	if (ns > read_cell(&h->max_ns))
		write_cell(&h->max_ns, ns);
}

void mst_hist_merge(struct mst_hist *h, const struct mst_hist *from)
{
	for (size_t i = 0; i < MST_HIST_BUCKETS; i++) {
		uint64_t more = read_cell(&from->counts[i]);
		if (more)
			write_cell(&h->counts[i], read_cell(&h->counts[i]) + more);
	}
	write_cell(&h->total, read_cell(&h->total) + read_cell(&from->total));
	write_cell(&h->sum_ns, read_cell(&h->sum_ns) + read_cell(&from->sum_ns));
	uint64_t max_ns = read_cell(&from->max_ns);
	if (max_ns > read_cell(&h->max_ns))
		write_cell(&h->max_ns, max_ns);
}

/* How many values lie in the buckets up to `last`. The total may be ahead of them while the owner
 * adds. */
static uint64_t count_to(const struct mst_hist *h, uint32_t last)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i <= last; i++)
		sum += read_cell(&h->counts[i]);
	return sum;
}

uint64_t mst_hist_at(const struct mst_hist *h, double share)
{
	uint64_t all = count_to(h, LAST), seen = 0, max_ns = read_cell(&h->max_ns);
	if (all == 0)
		return 0;
	double want = share * (double)all;
	for (uint32_t i = 0; i < MST_HIST_BUCKETS; i++) {
		seen += read_cell(&h->counts[i]);
		if (seen && (double)seen >= want)
			return bucket_end(i) < max_ns ? bucket_end(i) : max_ns;
	}
	return max_ns;
}

uint64_t mst_hist_below(const struct mst_hist *h, uint64_t ns)
{
	return count_to(h, bucket_of(ns));
}
