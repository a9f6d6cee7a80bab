/* SPDX-License-Identifier: Apache-2.0 */
/* What net's own files share: the net, its listeners, its pools, and the calls between its files.
 */
#ifndef MUSTER_NET_OWN_H
#define MUSTER_NET_OWN_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "muster/map.h"
#include "muster/net.h"
#include "muster/slab.h"

#define NET_LISTENERS_MAX                                                                          \
	16                 /* of one loop: three device ports, control, and each on IPv4 and IPv6 */
#define NET_BACKOFF_MS 100 /* wait before accepting again when descriptors ran out */
#define LISTENER_GEN   1   /* a listener's place is never used again */

/* Flags of a connection: each is true across several states. */
enum {
	CONN_HAS_FILE = MST_B(0), /* `file` is ours to close */
	CONN_TOLD = MST_B(1),     /* the edge knows of it and hears on_gone */
	CONN_ENDED = MST_B(2),    /* the peer ended its side */
	CONN_STARVED = MST_B(3),  /* no receive buffer was free; receives again after this turn */
	CONN_COUNTED = MST_B(4),  /* counted for its source address */
	CONN_UNIX = MST_B(5),
};

struct mst_listener {
	struct mst_net *net;
	struct mst_listen_conf conf; /* `address` lives in `name` */
	int fd;                      /* -1: closed */
	bool is_armed;               /* a multishot accept is in flight */
	bool is_backing_off;         /* the timer will accept again */
	bool is_hushed;
	uint16_t port;
	dev_t dev; /* of a Unix socket's file, to remove no other */
	ino_t ino;
	struct mst_timer backoff;
	char name[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

/* Free blocks are kept for reuse up to a bound; the last one given is the next one taken, so it is
 * warm. */
struct pool {
	void *first; /* each free block begins with a pointer to the next */
	uint32_t num_free;
};

struct starved {
	uint32_t slot, gen;
};

struct mst_net {
	struct mst_loop *loop;
	struct mst_net_conf conf;
	struct mst_slab *conns;
	struct mst_map *sources; /* source key -> connections open from there */
	struct pool outs, peeks;
	struct starved *starved;
	uint32_t num_starved, num_slots;
	uint32_t num_listeners;
	struct mst_listener listeners[NET_LISTENERS_MAX];
};

/* What the rows say of a state. */
struct mst_conn_row {
	const char *word;
	const char *late; /* why a connection was closed whose deadline passed here */
	uint16_t next;    /* MST_B(state) of every allowed move */
};
extern const struct mst_conn_row mst_conn_rows[MST_NUM_CONN_STATES];

/* pool.c */
void *mst_pool_take(struct pool *pool, size_t len) MST_MUST;
void mst_pool_give(struct pool *pool, void *block);
void mst_pool_done(struct pool *pool);

/* addr.c. A peek holds what the kernel writes or reads about the other end: an address, a Unix
 * peer's credentials. */
struct mst_peek {
	struct mst_peek *next_free;
	union {
		struct sockaddr_storage at;
		struct ucred who;
	};
};
void mst_addr_from(struct mst_addr *addr, const struct sockaddr_storage *at);
socklen_t mst_addr_to(struct sockaddr_storage *at, const struct mst_addr *addr);
bool mst_addr_is_v4(const struct mst_addr *addr);

/* conn.c: a life begins with a slot in FREE and ends when the last operation of a CLOSING one
 * lands. */
struct mst_conn *mst_conn_new(struct mst_net *net, const struct mst_edge *edge) MST_MUST;
/* mst_conn_landed: `op` is no longer in flight. False when `c` is CLOSING, and perhaps gone with
 * this. */
bool mst_conn_landed(struct mst_conn *c, enum mst_op op);
void mst_conn_peek_done(struct mst_conn *c);
/* mst_conn_open tells the edge, once. */
void mst_conn_open(struct mst_conn *c);
/* mst_conn_gone gives everything back; nothing is in flight. */
void mst_conn_gone(struct mst_conn *c);
/* mst_conn_drained: all output of a DRAIN connection has left. */
void mst_conn_drained(struct mst_conn *c);

/* recv.c: mst_recv_arm asks for bytes if this connection may receive and does not yet. */
void mst_recv_arm(struct mst_conn *c);
void mst_recv_on_done(void *context, const struct mst_done *done);
void mst_recv_on_turn(void *context);

/* out.c */
void mst_out_on_sent(void *context, const struct mst_done *done);
void mst_out_drop(struct mst_conn *c);

/* bind.c: the listening socket itself. */
int mst_bind_open(struct mst_listener *listener, struct mst_err *e) MST_MUST;
void mst_bind_close(struct mst_listener *listener);

/* listen.c */
void mst_listen_on_accept(void *context, const struct mst_done *done);
void mst_listen_on_peer(void *context, const struct mst_done *done);
void mst_listen_hush(struct mst_listener *listener);

#define MST_SOURCE_KEY 9 /* bytes: family and the part of an address that is one subscriber */
/* limits.c: counts `c` for its source; false when that source has all it may have. */
bool mst_limits_enter(struct mst_conn *c) MST_MUST;
void mst_limits_leave(struct mst_conn *c);

/* dial.c */
void mst_dial_on_socket(void *context, const struct mst_done *done);
void mst_dial_on_connect(void *context, const struct mst_done *done);

/* mst_net_conn returns the connection a completion belongs to, NULL for an earlier life. */
static inline struct mst_conn *mst_net_conn(struct mst_net *net, const struct mst_done *done)
{
	return mst_slab_at(net->conns, done->slot, done->gen);
}

#endif
