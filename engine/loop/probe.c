/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out what this kernel's io_uring can do and says what is missing in a sentence. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "ring.h"

#define PROBE_ENTRIES 4

static const struct {
	int sys;
	const char *text;
} setup_rows[] = {
	{ENOSYS, "this kernel has no io_uring, or a filter hides it: Linux 6.1 or later is needed"},
	{EINVAL, "this kernel's io_uring lacks DEFER_TASKRUN: Linux 6.1 or later is needed"},
	{EPERM, "io_uring is switched off here: see kernel.io_uring_disabled and seccomp filters"},
	{EACCES, "io_uring is refused here by a security policy"},
	{ENOMEM, "no memory for an io_uring: see the limit on locked memory (ulimit -l)"},
	{EMFILE, "no descriptor left for an io_uring: see the limit of open files (ulimit -n)"},
};

int mst_probe_setup(int sys, struct mst_err *e)
{
	for (size_t i = 0; i < MST_LEN(setup_rows); i++)
		if (setup_rows[i].sys == sys)
			return mst_fail(e, MST_E_CONF, "%s", setup_rows[i].text);
	return mst_fail_sys(e, sys, "cannot make an io_uring");
}

static const struct {
	int op;
	const char *name;
} op_rows[] = {
	/* clang-format off */
	{IORING_OP_ACCEPT,       "ACCEPT"},
	{IORING_OP_RECV,         "RECV"},
	{IORING_OP_SEND,         "SEND"},
	{IORING_OP_SHUTDOWN,     "SHUTDOWN"},
	{IORING_OP_CLOSE,        "CLOSE"},
	{IORING_OP_SOCKET,       "SOCKET"},
	{IORING_OP_CONNECT,      "CONNECT"},
	{IORING_OP_ASYNC_CANCEL, "ASYNC_CANCEL"},
	{IORING_OP_MSG_RING,     "MSG_RING"},
	/* clang-format on */
};

static int probe_ops(struct io_uring *ring, struct mst_err *e)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	int rc = 0;

	if (!probe)
		return mst_fail(e, MST_E_CONF,
				"this kernel does not say which io_uring operations it has");
	for (size_t i = 0; rc == 0 && i < MST_LEN(op_rows); i++)
		if (!io_uring_opcode_supported(probe, op_rows[i].op))
			rc = mst_fail(e, MST_E_CONF,
				      "this kernel's io_uring lacks the operation %s",
				      op_rows[i].name);
	io_uring_free_probe(probe);
	return rc;
}

/* Sparse files and the buffer ring are what a loop registers. */
static int probe_registers(struct io_uring *ring, struct mst_err *e)
{
	size_t len = (size_t)sysconf(_SC_PAGESIZE);
	struct io_uring_buf_reg reg = {.ring_entries = 1, .bgid = LOOP_BUFFER_GROUP};
	void *page;
	int rc;

	if (io_uring_register_files_sparse(ring, 1) < 0)
		return mst_fail(e, MST_E_CONF,
				"this kernel's io_uring lacks sparse direct descriptors");
	page = aligned_alloc(len, len);
	if (!page)
		return mst_fail(e, MST_E_BUSY, "no memory to probe io_uring");
	reg.ring_addr = (uintptr_t)page;
	rc = io_uring_register_buf_ring(ring, &reg, 0);
	if (rc == 0)
		io_uring_unregister_buf_ring(ring, LOOP_BUFFER_GROUP);
	free(page);
	return rc < 0 ? mst_fail(e, MST_E_CONF, "this kernel's io_uring lacks buffer rings") : 0;
}

int mst_loop_probe(struct mst_err *e)
{
	struct io_uring_params params = {.flags = LOOP_SETUP_FLAGS,
					 .cq_entries = PROBE_ENTRIES * 2};
	struct io_uring ring;
	int rc = io_uring_queue_init_params(PROBE_ENTRIES, &ring, &params);

	if (rc < 0)
		return mst_probe_setup(-rc, e);
	rc = 0;
	if (!(params.features & IORING_FEAT_EXT_ARG) || !(params.features & IORING_FEAT_NODROP) ||
	    !(params.features & IORING_FEAT_CQE_SKIP))
		rc = mst_fail(e, MST_E_CONF,
			      "this kernel's io_uring is too old: Linux 6.1 or later is needed");
	if (rc == 0)
		rc = probe_ops(&ring, e);
	if (rc == 0)
		rc = probe_registers(&ring, e);
	io_uring_queue_exit(&ring);
	return rc;
}

/* Asks for the name of one end of a socket pair, whose name is two bytes (its family). */
static bool ask_peer(struct io_uring *ring, int fd)
{
	struct sockaddr_storage at;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	bool is_known = false;

	if (io_uring_register_files(ring, &fd, 1) < 0 || !(sqe = io_uring_get_sqe(ring)))
		return false;
	mst_ops_peer(sqe, 0, SO_PEERNAME, &at, sizeof(at.ss_family));
	if (io_uring_submit_and_wait(ring, 1) == 1 && io_uring_peek_cqe(ring, &cqe) == 0) {
		is_known = cqe->res == (int)sizeof(at.ss_family);
		io_uring_cqe_seen(ring, cqe);
	}
	return is_known;
}

bool mst_probe_peer(void)
{
	/* -1 not asked yet; two threads asking at once find the same answer. */
	static atomic_int answer = -1;
	struct io_uring ring;
	int pair[2];

	if (atomic_load(&answer) >= 0)
		return atomic_load(&answer);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	if (io_uring_queue_init(PROBE_ENTRIES, &ring, 0) == 0) {
		atomic_store(&answer, ask_peer(&ring, pair[0]));
		io_uring_queue_exit(&ring);
	}
	close(pair[0]);
	close(pair[1]);
	return atomic_load(&answer) > 0;
}
