/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of one thread: one io_uring (SINGLE_ISSUER, DEFER_TASKRUN), operations named by a token instead of a
 * pointer, timers on a wheel, a mailbox that other threads post to.
 *
 * An operation carries (slot, generation) of whoever asked; its completion comes back to the handler of its kind, never
 * inside the call that started it. Sockets are direct descriptors: a `file` is an index into the ring's own table.
 * Everything here is for the loop's own thread, but mst_loop_post and mst_loop_stop.
 */
#ifndef MUSTER_LOOP_H
#define MUSTER_LOOP_H

#include <sys/socket.h>

#include "muster/err.h"
#include "muster/list.h"
#include "muster/slice.h"

struct mst_loop; /* opaque */

/* X(name, what its res means when >= 0) */
#define MST_OPS(X)                                                                                 \
	X(ACCEPT, "file index of the new connection; multishot")                                   \
	X(PEER, "length of what is now in `at`")                                                   \
	X(RECV, "bytes in `bytes`, 0 at the end of the stream; multishot")                         \
	X(SEND, "bytes sent: all of them, or the connection is broken")                            \
	X(SHUTDOWN, "0")                                                                           \
	X(CLOSE, "0")                                                                              \
	X(SOCKET, "file index of the new socket")                                                  \
	X(CONNECT, "0")                                                                            \
	X(CANCEL, "0")                                                                             \
	X(MAIL, "loop's own: somebody posted")

enum mst_op {
#define X(name, meaning) MST_OP_##name,
	MST_OPS(X)
#undef X
	MST_NUM_OPS
};

/* Token: operation 8 bits, generation 24, slot 32. */
static inline uint64_t mst_tok(enum mst_op op, uint32_t gen, uint32_t slot)
{
	return (uint64_t)op << 56 | (uint64_t)(gen & 0xffffff) << 32 | slot;
}

struct mst_done {
	uint32_t slot, gen;
	int res;                /* as MST_OPS says, or -errno */
	bool more;              /* multishot: further completions of the same token follow; false: arm again to go on */
	struct mst_slice bytes; /* RECV: lent for the call; the loop takes the buffer back afterwards */
};

struct mst_loop_conf {
	uint32_t num_entries; /* submission queue, default 1024; the completion queue is 8 times that */
	uint32_t num_files;   /* direct descriptors, default 16384 */
	uint32_t num_buffers; /* receive buffers, a power of two, default 1024 */
	uint32_t buffer_len;  /* bytes of each, default 4096 */
	int cpu;              /* core to pin the thread to, -1 for none */
	const char *name;     /* thread name, 15 characters */
};

/* mst_loop_probe checks that this kernel has what the loop needs. Returns 0, -1 with a sentence naming what is missing. */
int mst_loop_probe(struct mst_err *e) MST_MUST;
/* mst_loop_new makes a disabled ring: any thread may make it and set handlers and timers; the thread that first calls
 * mst_loop_run owns it from then on. Zero fields of `conf` mean their default (cpu: give -1). */
int mst_loop_new(struct mst_loop **out, const struct mst_loop_conf *conf, struct mst_err *e) MST_MUST;
/* mst_loop_free: only after mst_loop_run returned (or never ran); mails still waiting are dropped. */
void mst_loop_free(struct mst_loop **loop);
/* mst_loop_run works until mst_loop_stop. Returns 0, or -1 when the ring itself fails. */
int mst_loop_run(struct mst_loop *loop, struct mst_err *e) MST_MUST;
/* mst_loop_turn does one turn, waiting at most `wait_ms`. For tests and for programs that own their loop. */
int mst_loop_turn(struct mst_loop *loop, uint32_t wait_ms, struct mst_err *e) MST_MUST;
/* mst_loop_stop ends mst_loop_run at the next turn, or at its start when it does not run yet. Any thread, any number of
 * times; the return of mst_loop_run uses it up. */
void mst_loop_stop(struct mst_loop *loop);
/* mst_loop_now_ms: monotonic milliseconds at the start of this turn. */
uint64_t mst_loop_now_ms(const struct mst_loop *loop);

/* mst_loop_on sets the one handler for an operation's completions. */
void mst_loop_on(struct mst_loop *loop, enum mst_op op, void *context,
		 void (*on_done)(void *context, const struct mst_done *done));
/* mst_loop_each_turn adds a call made at the end of every turn, before the loop submits and sleeps (at most 8). */
void mst_loop_each_turn(struct mst_loop *loop, void *context, void (*on_turn)(void *context));

/* Operations. Each is queued and leaves with the turn's one submit; a full submission queue is flushed and counted (before
 * the first turn there is no flush: queue at most num_entries). Memory given must stay until the completion. */
/* mst_loop_accept: -ENFILE or -EMFILE when no file is free (counted; the connection is lost, arm again later). */
void mst_loop_accept(struct mst_loop *loop, uint32_t slot, uint32_t gen, int listen_fd);
/* mst_loop_peer asks for the sockaddr of an accepted `file`'s peer; of a Unix socket's peer, its struct ucred. */
void mst_loop_peer(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file, struct sockaddr_storage *at);
/* mst_loop_recv: -ENOBUFS when no buffer was free (counted; arm again, by then there is one). */
void mst_loop_recv(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file);
void mst_loop_send(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file, struct mst_slice bytes);
/* mst_loop_shutdown says that we send no more (SHUT_WR). A kernel worker does it: for lingering, not for every close. */
void mst_loop_shutdown(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file);
/* mst_loop_close frees the file's place. An operation in flight keeps the connection open: cancel it first. */
void mst_loop_close(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file);
void mst_loop_socket(struct mst_loop *loop, uint32_t slot, uint32_t gen, int family);
/* mst_loop_connect also switches Nagle's delay off where mst_loop_peer_known. */
void mst_loop_connect(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file,
		      const struct sockaddr *to, uint32_t to_len);
/* mst_loop_cancel ends the operation `op` of (slot, gen), which completes with -ECANCELED (or had completed already). */
void mst_loop_cancel(struct mst_loop *loop, uint32_t slot, uint32_t gen, enum mst_op op);
/* mst_loop_peer_known says whether this kernel can tell a direct descriptor's peer (6.7 and later). */
bool mst_loop_peer_known(const struct mst_loop *loop);

/* A timer lives in its owner's struct; zero state is an idle timer. */
struct mst_timer {
	struct mst_link link;
	uint64_t due_ms;
	void (*on_due)(struct mst_timer *timer);
};
/* mst_timer_set arms (again) for `in_ms` from now (this turn's start); resolution about 16 ms, never early. O(1), and one store
 * when an armed timer is put off. mst_timer_end disarms. */
void mst_timer_set(struct mst_loop *loop, struct mst_timer *timer, uint64_t in_ms);
void mst_timer_end(struct mst_loop *loop, struct mst_timer *timer);

/* A mail is a call on another loop's thread. The mail lives in the sender's struct and is the receiver's once posted. */
struct mst_mail {
	struct mst_mail *next;
	void (*on_mail)(struct mst_mail *mail);
};
/* mst_loop_post queues `mail` and wakes the loop (IORING_OP_MSG_RING) if it may be asleep. Never fails. Any thread;
 * mails of one sender arrive in order. */
void mst_loop_post(struct mst_loop *loop, struct mst_mail *mail);

#endif
