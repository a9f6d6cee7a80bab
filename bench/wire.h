/* SPDX-License-Identifier: Apache-2.0 */
/* Plain HTTP/1.1 with many connections at once, one thread: prepared requests out, bodies of answers in. */
#ifndef MUSTER_WIRE_H
#define MUSTER_WIRE_H

#include "muster/arena.h"
#include "muster/hist.h"

struct mst_wire_deal {
	struct mst_slice request; /* whole, head and body */
	struct mst_slice body;    /* of the answer, in the arena */
	int status;               /* 0: there was none */
};
struct mst_wire {
	struct mst_arena *arena;
	const char *host; /* IPv4 address */
	uint16_t port;
	uint32_t concurrency;
	struct mst_hist latency;
	uint64_t wall_ns;
	char first_error[MST_ERR_TEXT];
};
/* mst_wire_run carries out all deals; a connection that breaks costs its deal. -1: nothing works at all. */
int mst_wire_run(struct mst_wire *wire, struct mst_wire_deal *deals, uint32_t num, struct mst_err *e) MST_MUST;

#endif
