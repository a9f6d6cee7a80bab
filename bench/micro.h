/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Micro benchmarks: a row names a subject, its function prepares, calls mst_micro_begin, does the operation `n` times, calls
 * mst_micro_end and cleans up. One file for each level of the engine that is measured.
 */
#ifndef MUSTER_MICRO_H
#define MUSTER_MICRO_H

#include "muster/err.h"

struct mst_micro {
	uint32_t n;             /* operations wanted */
	bool is_quick;
	const char *folder;     /* where a store may be made */
	uint64_t began_ns, ns;  /* CPU of all threads: of the measured part */
	uint64_t bytes;         /* of one operation, where it has a size; else 0 */
	volatile uint64_t sink; /* results go here, so that nothing is optimised away */
};
void mst_micro_begin(struct mst_micro *m);
void mst_micro_end(struct mst_micro *m);

struct mst_micro_row {
	const char *name, *what;
	uint32_t n, num_quick; /* operations of a run */
	int (*run)(struct mst_micro *m, struct mst_err *e);
};
struct mst_micro_group {
	const struct mst_micro_row *rows;
	size_t num;
};
extern const struct mst_micro_group mst_micro_base, mst_micro_loop, mst_micro_codec, mst_micro_store;

#endif
