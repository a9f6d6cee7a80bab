/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A latency histogram with a constant relative error of at most 1/32 (about 3 %), from 1 ns to 137 s, in a fixed array:
 * buckets are powers of two, each cut into 32; longer times share the last one. Written by one thread; others may read it
 * meanwhile.
 */
#ifndef MUSTER_HIST_H
#define MUSTER_HIST_H

#include "muster/base.h"

#define MST_HIST_SUB 32
#define MST_HIST_BUCKETS (MST_HIST_SUB * 33)

struct mst_hist {
	uint64_t counts[MST_HIST_BUCKETS];
	uint64_t total, sum_ns, max_ns;
};

void mst_hist_add(struct mst_hist *h, uint64_t ns);
/* mst_hist_merge adds all of `from` to `h`. */
void mst_hist_merge(struct mst_hist *h, const struct mst_hist *from);
/* mst_hist_at returns the upper end, in ns, of the bucket that holds the given share (0 to 1), though never more than the
 * largest value seen; 0 when empty. */
uint64_t mst_hist_at(const struct mst_hist *h, double share);
/* mst_hist_below returns how many values were at most `ns` (to bucket precision). */
uint64_t mst_hist_below(const struct mst_hist *h, uint64_t ns);

#endif
