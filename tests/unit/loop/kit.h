/* SPDX-License-Identifier: Apache-2.0 */
/* A loop whose completions are written down, and sockets of loopback to talk to it. */
#ifndef MUSTER_TEST_LOOP_KIT_H
#define MUSTER_TEST_LOOP_KIT_H

#include <criterion/criterion.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/loop.h"

#define KIT_DONES_MAX 4096
#define KIT_BYTES_MAX (1u << 20)

struct kit_done {
	enum mst_op op;
	struct mst_done done; /* bytes.at points into the kit's copy */
};

struct kit {
	struct mst_loop *loop;
	struct kit_done dones[KIT_DONES_MAX];
	uint32_t num_dones, num_of[MST_NUM_OPS];
	uint8_t bytes[KIT_BYTES_MAX]; /* everything received, one after the other */
	size_t bytes_len;
};

/* kit_new makes a loop; zero fields of `conf` are small test sizes. */
struct kit *kit_new(struct mst_loop_conf conf);
void kit_free(struct kit *kit);
/* kit_wait turns the loop until `num` completions of `op` came (3 s at most: then the test fails);
 * returns the last one. */
const struct mst_done *kit_wait(struct kit *kit, enum mst_op op, uint32_t num);
/* kit_turn does one turn. */
void kit_turn(struct kit *kit, uint32_t wait_ms);
/* kit_find returns the n-th completion of `op`, counted from 0. */
const struct mst_done *kit_find(const struct kit *kit, enum mst_op op, uint32_t n);
/* kit_count returns the counter over all threads. */
uint64_t kit_count(enum mst_counter id);

/* kit_listen opens a listener on loopback and tells its address. */
int kit_listen(int family, struct sockaddr_storage *at, socklen_t *len);
/* kit_dial connects a blocking socket. */
int kit_dial(const struct sockaddr_storage *at, socklen_t len);
/* kit_pair gives a connection: the loop's file and our blocking end. Leaves an accept armed under
 * slot 9. */
uint32_t kit_pair(struct kit *kit, int family, int *ours);

#endif
