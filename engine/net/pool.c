/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps freed blocks of one length for the next taker. */
#include <stdlib.h>

#include "own.h"

#define POOL_FREE_MAX 256 /* blocks kept: 4 MiB of output blocks per loop after a peak */

void *mst_pool_take(struct pool *pool, size_t len)
{
	void **block = pool->first;

	if (!block)
		return malloc(len);
	pool->first = *block;
	pool->num_free--;
	return block;
}

void mst_pool_give(struct pool *pool, void *block)
{
	if (pool->num_free == POOL_FREE_MAX) {
		free(block);
		return;
	}
	*(void **)block = pool->first;
	pool->first = block;
	pool->num_free++;
}

void mst_pool_done(struct pool *pool)
{
	for (void **block = pool->first, **next; block; block = next) {
		next = *block;
		free(block);
	}
	*pool = (struct pool){0};
}
