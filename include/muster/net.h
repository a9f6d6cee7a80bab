/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of one loop: listeners (SO_REUSEPORT, multishot accept), dialled connections, a slab of connections whose
 * states are rows (allowed moves, deadline), bounded output, limits in total and per source address.
 *
 * Bytes that arrive go up to the edge above; bytes the edge puts leave with one send at a time. A connection ends in one
 * place: mst_conn_close; its slot is used again only after every operation in flight has completed.
 * Everything is for the loop's own thread.
 */
#ifndef MUSTER_NET_H
#define MUSTER_NET_H

#include "muster/loop.h"
#include "muster/peer.h"

struct mst_net;  /* opaque: one per loop */
struct mst_out;  /* opaque: a block of output, net/out.c */
struct mst_peek; /* opaque: where the kernel writes or reads an address, net/addr.c */

/* X(state, option word, whom we wait for) */
#define MST_CONN_STATES(X)                                                                         \
	X(FREE, "free", "nobody: the slot is not in use")                                          \
	X(DIAL, "dial", "the peer's kernel to accept our connection")                              \
	X(HELLO, "handshake", "the peer to finish the TLS handshake")                              \
	X(IDLE, "idle", "the peer to begin a request")                                             \
	X(HEAD, "head", "the peer to finish a request head")                                       \
	X(BODY, "body", "the peer to finish a request body")                                       \
	X(WORK, "work", "ourselves to answer")                                                     \
	X(WRITE, "write", "the peer to take our answer")                                           \
	X(DRAIN, "drain", "the peer to take the last bytes before we close")                       \
	X(CLOSING, "closing", "the kernel to complete what is in flight")

enum mst_conn_state {
#define X(name, word, whom) MST_CONN_##name,
	MST_CONN_STATES(X)
#undef X
	MST_NUM_CONN_STATES
};

struct mst_conn;

/* What the level above does with a connection. Every call is made on the loop's thread, outside calls of the edge itself. */
struct mst_edge {
	/* a connection is there, accepted (in the listener's first state) or dialled (in HELLO); `up` may be set now.
	 * -1: close it; on_gone follows all the same. */
	int (*on_open)(struct mst_conn *c);
	/* bytes arrived; lent for the call */
	void (*on_bytes)(struct mst_conn *c, struct mst_slice bytes);
	/* all that was put has been taken by the kernel */
	void (*on_sent)(struct mst_conn *c);
	/* the state's deadline passed; the edge answers, or sets a state, or else it is closed. NULL: close. DIAL and DRAIN
	 * are closed without a question. */
	void (*on_late)(struct mst_conn *c);
	/* the peer closed its side and may still read; NULL: mst_conn_finish */
	void (*on_end)(struct mst_conn *c);
	/* last call: nothing is in flight, give back `up`. Heard by everyone who heard on_open, and by a failed dial. */
	void (*on_gone)(struct mst_conn *c);
};

struct mst_conn {
	void *up;                    /* the edge's own */
	void *listener_up;           /* what mst_listen_conf.up held; NULL when dialled */
	const struct mst_edge *edge;
	struct mst_net *net;
	uint32_t slot, gen;
	enum mst_conn_state state;
	bool is_paused;
	struct mst_addr addr;        /* known from on_open on; unknown where mst_loop_peer_known says no */
	struct mst_local local;      /* Unix sockets only */
	uint64_t opened_ns;
	const char *why;             /* constant: why it was closed; NULL while open */
	/* The rest is net's own; see engine/net/conn.c. */
	struct mst_timer timer;
	uint64_t due_ms, armed_ms;       /* the state's deadline, and when the timer fires (not later); 0 for none */
	struct mst_out *out, *out_tail;  /* output, oldest block first; none while idle */
	uint32_t out_bytes, out_flushed; /* bytes not yet taken by the kernel; of these, allowed to leave */
	struct mst_peek *peek;           /* lent to the kernel while PEER or CONNECT is in flight */
	uint32_t file;
	uint16_t flying; /* MST_B(op) of every operation in flight */
	uint8_t flags;
};

struct mst_net_conf {
	uint32_t num_conns_max;      /* of this loop */
	uint32_t num_per_source_max; /* connections from one IPv4 address or IPv6 /64 on this loop; 0 for no limit */
	uint32_t out_bytes_max;      /* output one connection may hold back */
	uint32_t state_ms[MST_NUM_CONN_STATES]; /* deadline of each state, 0 for none */
};

/* mst_net_new takes over the loop's socket operations. `conf` is copied; mst_net_tune replaces it (live; num_conns_max may
 * only shrink below its first value). */
int mst_net_new(struct mst_net **out, struct mst_loop *loop, const struct mst_net_conf *conf, struct mst_err *e) MST_MUST;
void mst_net_tune(struct mst_net *net, const struct mst_net_conf *conf);
/* mst_net_free: after mst_loop_run returned, before mst_loop_free. Calls on_gone for what is left. */
void mst_net_free(struct mst_net **net);
struct mst_loop *mst_net_loop0(struct mst_net *net);

struct mst_listen_conf {
	const char *address; /* "127.0.0.1", "::", or a path for a Unix socket (mode 0600, stale one replaced) */
	uint16_t port;       /* 0 for a Unix socket, or to let the kernel choose */
	bool is_unix;
	enum mst_conn_state first; /* HELLO or IDLE */
	const struct mst_edge *edge;
	void *up;
};
/* mst_net_listen opens a listener of this loop; those of several loops share the port (SO_REUSEPORT). Returns 0, -1 naming
 * address and port. */
int mst_net_listen(struct mst_net *net, const struct mst_listen_conf *conf, struct mst_err *e) MST_MUST;
/* mst_net_port returns the port of the n-th listener, in the order they were opened; 0 for a Unix socket. */
uint16_t mst_net_port(const struct mst_net *net, uint32_t n);
/* mst_net_claim finds out whether another process listens on the port already: SO_REUSEPORT would share it without a word.
 * Before the first listener. Returns 0, -1 naming address and port. */
int mst_net_claim(const char *address, uint16_t port, struct mst_err *e) MST_MUST;
/* mst_net_hush stops accepting and closes listeners. Connections live on. */
void mst_net_hush(struct mst_net *net);
/* mst_net_dial starts a connection to an IPv4 or IPv6 address; the edge hears on_open or on_gone. */
int mst_net_dial(struct mst_conn **out, struct mst_net *net, const struct mst_addr *to, const struct mst_edge *edge, void *up,
		 struct mst_err *e) MST_MUST;
uint32_t mst_net_open(const struct mst_net *net);
/* mst_net_each visits every connection; the call may close it. */
void mst_net_each(struct mst_net *net, void *context, void (*on_conn)(void *context, struct mst_conn *c));

/* mst_conn_at finds a connection that still lives; NULL when that life is over (or CLOSING). */
struct mst_conn *mst_conn_at(struct mst_net *net, uint32_t slot, uint32_t gen);
/* mst_conn_may says whether the rows (net/conn_rows.c) allow a move. */
bool mst_conn_may(enum mst_conn_state from, enum mst_conn_state to);
/* mst_conn_set moves to a state (a move not in the rows is a bug) and starts its deadline. DRAIN and CLOSING are entered
 * by mst_conn_finish and mst_conn_close only. */
void mst_conn_set(struct mst_conn *c, enum mst_conn_state to);
/* mst_conn_put appends a copy to the output. Returns 0; -1 TOO_BIG over out_bytes_max, BUSY out of memory, GONE after
 * mst_conn_finish or mst_conn_close: nothing is appended then. Nothing leaves before mst_conn_flush. */
int mst_conn_put(struct mst_conn *c, struct mst_slice bytes, struct mst_err *e) MST_MUST;
/* mst_conn_flush sends what was put, in one send when none is in flight. */
void mst_conn_flush(struct mst_conn *c);
/* mst_conn_unsent returns the bytes put but not yet taken by the kernel. */
size_t mst_conn_unsent(const struct mst_conn *c);
/* mst_conn_pause stops receiving (the kernel's window then stops the peer); mst_conn_resume goes on. Bytes the kernel had
 * taken before still come up after mst_conn_pause. */
void mst_conn_pause(struct mst_conn *c);
void mst_conn_resume(struct mst_conn *c);
/* mst_conn_finish flushes (state DRAIN), ends our side, drops what still arrives and closes once the peer ended its side:
 * the last bytes reach a peer that is still sending. mst_conn_close closes now: output is lost. `why` is a constant for
 * the log; the first one stays. Both may be called more than once; on_gone comes later, never inside. */
void mst_conn_finish(struct mst_conn *c, const char *why);
void mst_conn_close(struct mst_conn *c, const char *why);
const char *mst_conn_state_word(enum mst_conn_state state);

#endif
