/* SPDX-License-Identifier: Apache-2.0 */
/* What the model's files share: from a struct to a record in a batch and back, and numbers inside keys. */
#ifndef MUSTER_MODEL_RECORD_H
#define MUSTER_MODEL_RECORD_H

#include "muster/pack.h"
#include "muster/store.h"

/* mst_record_put ends `p` and puts it; without room the batch is short, which its commit tells. */
void mst_record_put(struct mst_batch *b, enum mst_space space, struct mst_slice key, struct mst_pack *p);
/* mst_record_require: the record is as it was read, or still absent when `raw` is empty. */
void mst_record_require(struct mst_batch *b, enum mst_space space, struct mst_slice key, struct mst_slice raw);
/* mst_record_next takes a walk one step: key and value are copied into the read's arena. 1, 0, -1, MST_LATER. */
int mst_record_next(struct mst_walk *w, struct mst_slice *key, struct mst_slice *value) MST_MUST;

/* Big-endian numbers in keys, so that keys sort as the numbers do. */
static inline void mst_record_key_u32(uint8_t *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> (24 - 8 * i));
}
static inline void mst_record_key_u64(uint8_t *at, uint64_t n)
{
	mst_record_key_u32(at, (uint32_t)(n >> 32));
	mst_record_key_u32(at + 4, (uint32_t)n);
}
static inline uint64_t mst_record_u64_of(const uint8_t *at)
{
	uint64_t n = 0;
	for (int i = 0; i < 8; i++)
		n = n << 8 | at[i];
	return n;
}

#endif
