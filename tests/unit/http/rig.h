/* SPDX-License-Identifier: Apache-2.0 */
/* An edge on a loop that the test turns itself, ways with switches, and a plain client on loopback.
 */
#ifndef TEST_HTTP_RIG_H
#define TEST_HTTP_RIG_H

#include <criterion/criterion.h>

#include "../../../engine/http/own.h"
#include "muster/count.h"

struct rig {
	struct mst_loop *loop;
	struct mst_net *net;
	struct mst_http *http;
	struct mst_net_conf net_conf; /* set before rig_start */
	struct mst_http_conf conf;
	enum mst_gate gate;
	uint64_t num_warns; /* log records at WARN or above that the test expects */
	uint16_t port;
	struct mst_tls_ctx *tls; /* set before rig_start; the edge takes it */

	/* what the ways did */
	struct mst_xchg *waiting;
	uint32_t num_heads, num_walks;
	bool was_orphan;
	size_t body_max; /* given by on_head, default 100000 */
	char last_path[64];
	struct mst_buf last_body;
	char last_peer[MST_NAME_MAX + 1];

	/* the client */
	int fd;
	struct mst_buf got;
	bool has_ended; /* the server closed */
};

/* Paths: /echo answers the body, /wait waits until rig_wake, /drop drops, /deny is refused by the
 * hook, /big answers 200,000 bytes, /count counts per connection, /none ends without an answer,
 * /empty is a 204, /bad writes a header that cannot be. */
void rig_start(struct rig *r);
void rig_done(struct rig *r);
void rig_turn(struct rig *r, uint32_t wait_ms);
/* rig_dial makes the client's connection anew; what it got before is forgotten. */
void rig_dial(struct rig *r);
void rig_hang_up(struct rig *r);
/* rig_give sends all, in pieces of `step` bytes with a turn behind each; 0: in one. */
void rig_give(struct rig *r, struct mst_slice bytes, size_t step);
/* rig_read takes what has arrived. */
void rig_read(struct rig *r);
/* rig_reply takes the next reply from what arrives: its status, and its body in `body` when not
 * NULL. 0 when the connection ended instead. */
int rig_reply(struct rig *r, enum mst_method to, char *body, size_t room, bool *closes);
/* rig_wake resumes the exchange that waits. */
void rig_wake(struct rig *r);
/* rig_edge lends the one edge there is; NULL when none. */
struct http_edge *rig_edge(struct rig *r);
uint64_t rig_count(enum mst_counter id);

#define GIVE(r, text) rig_give((r), mst_slice_str(text), 0)

/* Turns the loop until `wanted` holds; a test fails when that takes over 5 s. */
#define UNTIL(r, wanted)                                                                           \
	do {                                                                                       \
		for (int turns_ = 0; turns_ < 1000 && !(wanted); turns_++)                         \
			rig_turn((r), 5);                                                          \
		cr_assert(wanted);                                                                 \
	} while (0)

#endif
