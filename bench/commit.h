/* SPDX-License-Identifier: Apache-2.0 */
/* Durable writes alone: batches of one record, so many on their way at once, through the store's group commit. */
#ifndef MUSTER_COMMIT_H
#define MUSTER_COMMIT_H

#include "muster/err.h"

struct mst_commit_cost {
	uint64_t cpu_ns, wall_ns; /* of one write */
};
/* mst_commit_time makes a store in `folder`, writes `count` records with `flying` batches on their way, and drops it. */
int mst_commit_time(struct mst_commit_cost *out, const char *folder, uint32_t count, uint32_t flying, struct mst_err *e) MST_MUST;

#endif
