/* SPDX-License-Identifier: Apache-2.0 */
/* Prepares the submission of each operation. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "ring.h"

/* uapi of Linux 6.7, newer than the headers we build with: where a socket command keeps its words
 * in a submission. */
#define SOCKET_COMMAND_GETSOCKOPT 2
#define SOCKET_COMMAND_SETSOCKOPT 3

static void socket_option(struct io_uring_sqe *sqe, uint32_t file, uint32_t command, int level,
			  int option, const void *value, uint32_t len)
{
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->fd = (int)file;
	sqe->cmd_op = command;
	sqe->addr = (uint32_t)level | (uint64_t)(uint32_t)option << 32; /* level, optname */
	sqe->file_index = len;                                          /* optlen */
	sqe->addr3 = (uintptr_t)value;                                  /* optval */
}

static void name_it(struct io_uring_sqe *sqe, enum mst_op op, uint32_t slot, uint32_t gen)
{
	sqe->user_data = mst_tok(op, gen, slot);
}

static void on_file(struct io_uring_sqe *sqe, enum mst_op op, uint32_t slot, uint32_t gen)
{
	sqe->flags |= IOSQE_FIXED_FILE;
	name_it(sqe, op, slot, gen);
}

/* Remembers the family of a listener; one more than there is room for has peers without a name. */
static void note_listener(struct mst_loop *loop, uint32_t slot, uint32_t gen, int listen_fd)
{
	int family = AF_UNSPEC;
	socklen_t len = sizeof(family);
	uint32_t i;

	for (i = 0; i < loop->num_listeners; i++)
		if (loop->listeners[i].slot == slot)
			break;
	if (i == LOOP_LISTENERS_MAX ||
	    getsockopt(listen_fd, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0)
		return;
	if (i == loop->num_listeners)
		loop->num_listeners++;
	loop->listeners[i] = (struct loop_listener){slot, gen & 0xffffff, (uint8_t)family};
}

void mst_loop_accept(struct mst_loop *loop, uint32_t slot, uint32_t gen, int listen_fd)
{
	struct io_uring_sqe *sqe = mst_ring_sqe(loop);

	note_listener(loop, slot, gen, listen_fd);
	io_uring_prep_multishot_accept_direct(sqe, listen_fd, NULL, NULL, 0);
	name_it(sqe, MST_OP_ACCEPT, slot, gen);
}

void mst_ops_peer(struct io_uring_sqe *sqe, uint32_t file, int option, void *at, uint32_t len)
{
	socket_option(sqe, file, SOCKET_COMMAND_GETSOCKOPT, SOL_SOCKET, option, at, len);
}

void mst_loop_peer(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file,
		   struct sockaddr_storage *at)
{
	/* The kernel wants the exact length of the family's name. */
	static const struct {
		int option;
		uint32_t len;
	} peers[] = {
		[AF_UNSPEC] = {SO_PEERNAME, sizeof(struct sockaddr_in)},
		[AF_UNIX] = {SO_PEERCRED, sizeof(struct ucred)},
		[AF_INET] = {SO_PEERNAME, sizeof(struct sockaddr_in)},
		[AF_INET6] = {SO_PEERNAME, sizeof(struct sockaddr_in6)},
	};
	uint8_t family = file < loop->num_files ? loop->families[file] : AF_UNSPEC;
	struct io_uring_sqe *sqe = mst_ring_sqe(loop);

	if (family >= MST_LEN(peers) || !peers[family].len)
		family = AF_UNSPEC;
	mst_ops_peer(sqe, file, peers[family].option, at, peers[family].len);
	name_it(sqe, MST_OP_PEER, slot, gen);
}

bool mst_loop_peer_known(const struct mst_loop *loop)
{
	return loop->knows_peer;
}

void mst_loop_recv(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file)
{
	struct io_uring_sqe *sqe = mst_ring_sqe(loop);

	io_uring_prep_recv_multishot(sqe, (int)file, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = LOOP_BUFFER_GROUP;
	on_file(sqe, MST_OP_RECV, slot, gen);
}

void mst_loop_send(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file,
		   struct mst_slice bytes)
{
	struct io_uring_sqe *sqe = mst_ring_sqe(loop);

	io_uring_prep_send(sqe, (int)file, bytes.at, bytes.len, MSG_NOSIGNAL | MSG_WAITALL);
	on_file(sqe, MST_OP_SEND, slot, gen);
}

void mst_loop_shutdown(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file)
{
	struct io_uring_sqe *sqe = mst_ring_sqe(loop);

	io_uring_prep_shutdown(sqe, (int)file, SHUT_WR);
	on_file(sqe, MST_OP_SHUTDOWN, slot, gen);
}

void mst_loop_close(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file)
{
	struct io_uring_sqe *sqe = mst_ring_sqe(loop);

	io_uring_prep_close_direct(sqe, file);
	name_it(sqe, MST_OP_CLOSE, slot, gen);
}

void mst_loop_socket(struct mst_loop *loop, uint32_t slot, uint32_t gen, int family)
{
	struct io_uring_sqe *sqe = mst_ring_sqe(loop);

	io_uring_prep_socket_direct_alloc(sqe, family, SOCK_STREAM, 0, 0);
	name_it(sqe, MST_OP_SOCKET, slot, gen);
}

/* A small write that follows another must not wait for its acknowledgement. Goes before the
 * connect; nobody waits for it. */
static void no_delay(struct mst_loop *loop, uint32_t file)
{
	static const int on = 1;
	struct io_uring_sqe *sqe = mst_ring_sqe(loop);

	socket_option(sqe, file, SOCKET_COMMAND_SETSOCKOPT, IPPROTO_TCP, TCP_NODELAY, &on,
		      sizeof(on));
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	name_it(sqe, MST_OP_MAIL, LOOP_OPTION_FAILED, 0);
}

void mst_loop_connect(struct mst_loop *loop, uint32_t slot, uint32_t gen, uint32_t file,
		      const struct sockaddr *to, uint32_t to_len)
{
	if (loop->knows_peer && to->sa_family != AF_UNIX)
		no_delay(loop, file);
	struct io_uring_sqe *sqe = mst_ring_sqe(loop);
	io_uring_prep_connect(sqe, (int)file, to, to_len);
	on_file(sqe, MST_OP_CONNECT, slot, gen);
}

void mst_loop_cancel(struct mst_loop *loop, uint32_t slot, uint32_t gen, enum mst_op op)
{
	struct io_uring_sqe *sqe = mst_ring_sqe(loop);

	io_uring_prep_cancel64(sqe, mst_tok(op, gen, slot), 0);
	name_it(sqe, MST_OP_CANCEL, slot, gen);
}
