/* SPDX-License-Identifier: Apache-2.0 */
/* What a loop is made of; seen by the files of this folder only. */
#ifndef MUSTER_LOOP_RING_H
#define MUSTER_LOOP_RING_H

#include <liburing.h>

#include "mail.h"
#include "wheel.h"

#define LOOP_HOOKS_MAX     8
#define LOOP_LISTENERS_MAX 32
#define LOOP_BUFFER_GROUP  0
/* A waiting loop looks round this often even if nobody wakes it: the price of a wake that the
 * kernel refused. */
#define LOOP_SLEEP_MAX_MS 1000

#define LOOP_SETUP_FLAGS                                                                           \
	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |       \
	 IORING_SETUP_CQSIZE)

/* Completions of the loop's own submissions carry MST_OP_MAIL and one of these as slot. */
enum loop_own { LOOP_WOKEN, LOOP_WAKE_FAILED, LOOP_OPTION_FAILED };

struct loop_handler {
	void *context;
	void (*on_done)(void *context, const struct mst_done *done);
};
struct loop_hook {
	void *context;
	void (*on_turn)(void *context);
};
/* Whom a connection of this accept comes from: decides what its peer is. */
struct loop_listener {
	uint32_t slot, gen;
	uint8_t family;
};

struct mst_loop {
	struct io_uring ring;
	int enter_fd;         /* the ring's descriptor, or its index once the owner registered it */
	uint32_t enter_flags; /* IORING_ENTER_REGISTERED_RING then */
	bool is_enabled, is_registered, is_overflown;
	bool knows_peer;
	struct loop_handler handlers[MST_NUM_OPS];

	struct io_uring_buf_ring *buf_ring;
	uint8_t *buffers;
	uint32_t buffer_len, num_buffers;
	size_t buf_ring_len;

	uint64_t now_ms;
	bool is_turning;
	struct wheel wheel;

	uint32_t num_hooks, num_listeners, num_files;
	struct loop_hook hooks[LOOP_HOOKS_MAX];
	struct loop_listener listeners[LOOP_LISTENERS_MAX];
	uint8_t *families; /* of each file, by its listener; AF_UNSPEC when not known */

	int cpu;
	char name[16];
	atomic_bool is_stopped;
	struct mailbox mailbox;
};

/* The loop that this thread is turning, NULL outside a turn. */
extern _Thread_local struct mst_loop *mst_ring_here;

/* mst_ring_sqe returns a submission to prepare; it flushes the queue first when that is full. */
struct io_uring_sqe *mst_ring_sqe(struct mst_loop *loop);
/* mst_ring_enter submits what is queued and waits for `num_wait` completions, `wait_ms` at most (0:
 * does not wait). Returns 0, -errno when the ring failed. */
int mst_ring_enter(struct mst_loop *loop, uint32_t num_wait, uint32_t wait_ms);
/* mst_ring_give puts receive buffer `id` back. */
void mst_ring_give(struct mst_loop *loop, uint16_t id);
/* mst_ring_own enables the ring for the calling thread; mst_ring_disown lets its registered
 * descriptor go. */
int mst_ring_own(struct mst_loop *loop, struct mst_err *e) MST_MUST;
void mst_ring_disown(struct mst_loop *loop);
/* mst_ring_family returns the family of the accept (slot, gen), AF_UNSPEC when not known. */
uint8_t mst_ring_family(const struct mst_loop *loop, uint32_t slot, uint32_t gen);
/* mst_probe_setup says in a sentence why a ring could not be made; `sys` is the errno. Returns -1.
 */
int mst_probe_setup(int sys, struct mst_err *e);
/* mst_probe_peer tries SO_PEERNAME on a direct descriptor, once per process. */
bool mst_probe_peer(void);
#ifndef SO_PEERNAME
#define SO_PEERNAME 28 /* asm-generic/socket.h has it, libc does not */
#endif
/* mst_ops_peer prepares the getsockopt of mst_loop_peer on `sqe`. */
void mst_ops_peer(struct io_uring_sqe *sqe, uint32_t file, int option, void *at, uint32_t len);

#endif
