/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of every thread, found by one list and added up on demand. */
#include "muster/count.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One thread's; never freed, since what an ended thread counted still counts. */
struct block {
	struct mst_counts counts;
	struct block *next;
};

_Thread_local struct mst_counts *mst_counts_mine;

static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;

struct mst_counts *mst_counts_new(void)
{
	/* Whole cache lines, so that two threads never write to the same one. */
	size_t len = (sizeof(struct block) + 63) / 64 * 64;
	struct block *block = aligned_alloc(64, len);
	BUG_ON(!block);
	memset(block, 0, len);
	pthread_mutex_lock(&blocks_lock);
	block->next = blocks;
	blocks = block;
	pthread_mutex_unlock(&blocks_lock);
	mst_counts_mine = &block->counts;
	return mst_counts_mine;
}

void mst_count_time(enum mst_hist_id id, uint64_t ns)
{
	mst_hist_add(&mst_counts_here()->hists[id], ns);
}

void mst_counts_sum(struct mst_counts *out)
{
	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&blocks_lock);
	for (const struct block *block = blocks; block; block = block->next) {
		for (size_t i = 0; i < MST_NUM_COUNTERS; i++)
			out->counters[i] +=
				__atomic_load_n(&block->counts.counters[i], __ATOMIC_RELAXED);
		for (size_t i = 0; i < MST_NUM_HISTS; i++)
			mst_hist_merge(&out->hists[i], &block->counts.hists[i]);
	}
	pthread_mutex_unlock(&blocks_lock);
}
