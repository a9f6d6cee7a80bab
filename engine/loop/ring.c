/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and ends the ring of a loop: queues, direct descriptors, receive buffers, and the one way
 * into the kernel. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "ring.h"

#define CQ_PER_SQ 8
/* A full queue that the kernel will not take from: memory for requests is out. Try this often
 * before giving up. */
#define FLUSH_TRIES_MAX 10000

static int setup_ring(struct mst_loop *loop, uint32_t num_entries, struct mst_err *e)
{
	struct io_uring_params params = {
		.flags = LOOP_SETUP_FLAGS | IORING_SETUP_R_DISABLED,
		.cq_entries = num_entries * CQ_PER_SQ,
	};
	int rc = io_uring_queue_init_params(num_entries, &loop->ring, &params);

	if (rc < 0) {
		loop->ring.ring_fd = -1;
		return mst_probe_setup(-rc, e);
	}
	loop->enter_fd = loop->ring.ring_fd;
	return 0;
}

static int setup_files(struct mst_loop *loop, uint32_t num_files, struct mst_err *e)
{
	int rc = io_uring_register_files_sparse(&loop->ring, num_files);

	if (rc == -EMFILE)
		return mst_fail_sys(
			e, EMFILE,
			"%u direct descriptors are over the limit of open files (ulimit -n)",
			num_files);
	if (rc < 0)
		return mst_fail_sys(e, -rc, "cannot register %u direct descriptors", num_files);
	loop->families = calloc(num_files, 1);
	if (!loop->families)
		return mst_fail(e, MST_E_BUSY, "no memory for %u descriptors", num_files);
	loop->num_files = num_files;
	return 0;
}

static void *map_pages(size_t len)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static int setup_buffers(struct mst_loop *loop, uint32_t num_buffers, uint32_t buffer_len,
			 struct mst_err *e)
{
	loop->num_buffers = num_buffers;
	loop->buffer_len = buffer_len;
	loop->buf_ring_len = num_buffers * sizeof(struct io_uring_buf);
	loop->buf_ring = map_pages(loop->buf_ring_len);
	loop->buffers = map_pages((size_t)num_buffers * buffer_len);
	if (!loop->buf_ring || !loop->buffers)
		return mst_fail(e, MST_E_BUSY, "no memory for %u receive buffers of %u bytes",
				num_buffers, buffer_len);
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)loop->buf_ring,
		.ring_entries = num_buffers,
		.bgid = LOOP_BUFFER_GROUP,
	};
	int rc = io_uring_register_buf_ring(&loop->ring, &reg, 0);
	if (rc < 0)
		return mst_fail_sys(e, -rc, "cannot register a ring of %u receive buffers",
				    num_buffers);
	io_uring_buf_ring_init(loop->buf_ring);
	for (uint32_t id = 0; id < num_buffers; id++)
		mst_ring_give(loop, (uint16_t)id);
	return 0;
}

static int check_conf(const struct mst_loop_conf *conf, struct mst_err *e)
{
	if (conf->num_buffers > 32768 || (conf->num_buffers & (conf->num_buffers - 1)))
		return mst_fail(e, MST_E_CONF,
				"%u receive buffers: must be a power of two up to 32768",
				conf->num_buffers);
	if (conf->num_entries > 4096)
		return mst_fail(e, MST_E_CONF, "%u submission entries: at most 4096",
				conf->num_entries);
	return 0;
}

static uint32_t or_default(uint32_t given, uint32_t usual)
{
	return given ? given : usual;
}

int mst_loop_new(struct mst_loop **out, const struct mst_loop_conf *conf, struct mst_err *e)
{
	struct mst_loop *loop;

	if (check_conf(conf, e) < 0)
		return -1;
	/* The mailbox has cache lines of its own. */
	loop = aligned_alloc(_Alignof(struct mst_loop), sizeof(*loop));
	if (!loop)
		return mst_fail(e, MST_E_BUSY, "no memory for a loop");
	memset(loop, 0, sizeof(*loop));
	loop->ring.ring_fd = -1;
	loop->cpu = conf->cpu;
	snprintf(loop->name, sizeof(loop->name), "%s", conf->name ? conf->name : "");
	loop->now_ms = mst_clock_ms();
	mst_wheel_init(&loop->wheel, loop->now_ms);
	loop->knows_peer = mst_probe_peer();
	if (setup_ring(loop, or_default(conf->num_entries, 1024), e) < 0 ||
	    setup_files(loop, or_default(conf->num_files, 16384), e) < 0 ||
	    setup_buffers(loop, or_default(conf->num_buffers, 1024),
			  or_default(conf->buffer_len, 4096), e) < 0) {
		mst_loop_free(&loop);
		return -1;
	}
	*out = loop;
	return 0;
}

void mst_loop_free(struct mst_loop **at)
{
	struct mst_loop *loop = *at;

	*at = NULL;
	if (!loop)
		return;
	mst_ring_disown(loop);
	if (loop->ring.ring_fd >= 0)
		io_uring_queue_exit(&loop->ring);
	if (loop->buf_ring)
		munmap(loop->buf_ring, loop->buf_ring_len);
	if (loop->buffers)
		munmap(loop->buffers, (size_t)loop->num_buffers * loop->buffer_len);
	free(loop->families);
	free(loop);
}

void mst_ring_give(struct mst_loop *loop, uint16_t id)
{
	io_uring_buf_ring_add(loop->buf_ring, loop->buffers + (size_t)id * loop->buffer_len,
			      loop->buffer_len, id, (int)loop->num_buffers - 1, 0);
	io_uring_buf_ring_advance(loop->buf_ring, 1);
}

int mst_ring_own(struct mst_loop *loop, struct mst_err *e)
{
	int rc;

	if (!loop->is_enabled) {
		/* liburing 2.3 declares io_uring_enable_rings but does not export it. */
		rc = io_uring_register((unsigned)loop->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS,
				       NULL, 0);
		if (rc < 0)
			return mst_fail_sys(e, -rc, "cannot enable the ring");
		loop->is_enabled = true;
	}
	/* Saves the lookup of the descriptor in every turn; the plain one is as good. */
	if (!loop->is_registered && io_uring_register_ring_fd(&loop->ring) == 1) {
		loop->is_registered = true;
		loop->enter_fd = loop->ring.enter_ring_fd;
		loop->enter_flags = IORING_ENTER_REGISTERED_RING;
	}
	return 0;
}

void mst_ring_disown(struct mst_loop *loop)
{
	if (!loop->is_registered)
		return;
	io_uring_unregister_ring_fd(&loop->ring);
	loop->is_registered = false;
	loop->enter_fd = loop->ring.ring_fd;
	loop->enter_flags = 0;
}

/* Shows the kernel what has been queued; returns how many it has not taken yet. */
static uint32_t publish(struct io_uring_sq *sq)
{
	if (sq->sqe_head != sq->sqe_tail) {
		sq->sqe_head = sq->sqe_tail;
		io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
	}
	return sq->sqe_tail - io_uring_smp_load_acquire(sq->khead);
}

int mst_ring_enter(struct mst_loop *loop, uint32_t num_wait, uint32_t wait_ms)
{
	struct __kernel_timespec wait = {wait_ms / 1000, (long long)(wait_ms % 1000) * 1000000};
	struct io_uring_getevents_arg arg = {.ts = (uintptr_t)&wait};
	uint32_t flags = loop->enter_flags | IORING_ENTER_GETEVENTS;
	uint32_t num_queued = publish(&loop->ring.sq);
	int rc;

	if (num_wait)
		rc = io_uring_enter2((unsigned)loop->enter_fd, num_queued, num_wait,
				     flags | IORING_ENTER_EXT_ARG, (sigset_t *)&arg, sizeof(arg));
	else
		rc = io_uring_enter2((unsigned)loop->enter_fd, num_queued, 0, flags, NULL,
				     _NSIG / 8);
	switch (-rc) {
	case ETIME: /* nothing came */
	case EINTR: /* a signal came */
	case EAGAIN:
	case EBUSY: /* short of memory: what is queued stays queued for the next turn */
		return 0;
	}
	return rc < 0 ? rc : 0;
}

struct io_uring_sqe *mst_ring_sqe(struct mst_loop *loop)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	if (MST_LIKELY(sqe != NULL))
		return sqe;
	mst_count(MST_C_SQ_FULL, 1);
	for (int i = 0; !sqe && i < FLUSH_TRIES_MAX; i++) {
		uint32_t num_queued = publish(&loop->ring.sq);
		/* No GETEVENTS: completions are for the turn to collect. */
		if (io_uring_enter((unsigned)loop->enter_fd, num_queued, 0, loop->enter_flags,
				   NULL) <= 0)
			sched_yield();
		sqe = io_uring_get_sqe(&loop->ring);
	}
	BUG_ON(!sqe);
	return sqe;
}

uint8_t mst_ring_family(const struct mst_loop *loop, uint32_t slot, uint32_t gen)
{
	for (uint32_t i = 0; i < loop->num_listeners; i++)
		if (loop->listeners[i].slot == slot && loop->listeners[i].gen == gen)
			return loop->listeners[i].family;
	return AF_UNSPEC;
}
