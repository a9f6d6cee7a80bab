/* SPDX-License-Identifier: Apache-2.0 */
/* A net on a loop that the test turns itself, an edge whose behaviour is switches, and plain
 * clients on loopback. */
#ifndef TEST_NET_RIG_H
#define TEST_NET_RIG_H

#include <criterion/criterion.h>
#include <signal.h>

#include "../../../engine/net/own.h"
#include "muster/count.h"

struct rig {
	struct mst_loop *loop;
	struct mst_net *net;
	struct mst_loop_conf loop_conf; /* set before rig_start */
	struct mst_net_conf conf;
	enum mst_conn_state first;
	uint64_t num_warns; /* log records at WARN or above that the test expects */

	/* what the edge does */
	bool echoes, refuses, ends_itself, stays_late;
	struct mst_slice greeting; /* put and flushed in on_open */
	/* what the edge heard */
	struct mst_conn *last;
	uint32_t num_open, num_gone, num_late, num_end, num_sent;
	uint64_t bytes_in;
	const char *why;
	enum mst_conn_state late_in;
	struct mst_addr addr;
	struct mst_local local;
};

extern const struct mst_edge rig_edge;       /* every call */
extern const struct mst_edge rig_edge_plain; /* neither on_late nor on_end */

/* rig_start makes loop and net; rig_done frees them and checks that nothing is left and nothing
 * unexpected was logged. */
void rig_start(struct rig *r);
void rig_done(struct rig *r);
void rig_turn(struct rig *r, uint32_t wait_ms);
/* rig_listen opens a loopback listener and returns its port. */
uint16_t rig_listen(struct rig *r, const struct mst_edge *edge);
/* rig_client connects a plain non-blocking socket; rig_open also waits until the edge has it and
 * returns it in `out`. */
int rig_client(uint16_t port);
int rig_open(struct rig *r, struct mst_conn **out, uint16_t port);
/* rig_give writes all of `bytes` and turns the loop meanwhile; rig_want reads exactly `len` bytes.
 */
void rig_give(struct rig *r, int fd, struct mst_slice bytes);
void rig_want(struct rig *r, int fd, uint8_t *out, size_t len);
/* rig_read is one read: bytes, 0 at the end, -errno. */
ssize_t rig_read(int fd);
/* rig_reset closes with a reset. */
void rig_reset(int fd);
int64_t rig_count(enum mst_counter id);

/* Turns the loop until `wanted` holds; a test fails when that takes over 5 s. */
#define UNTIL(r, wanted)                                                                           \
	do {                                                                                       \
		for (int turns_ = 0; turns_ < 1000 && !(wanted); turns_++)                         \
			rig_turn(r, 5);                                                            \
		cr_assert(wanted);                                                                 \
	} while (0)

#endif
