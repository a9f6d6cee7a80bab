/* SPDX-License-Identifier: Apache-2.0 */
/* Posts to a loop and wakes it: through the sender's own loop, or through a small ring that a
 * thread keeps for that. */
#include <pthread.h>
#include <stdlib.h>

#include "ring.h"

#define WAKER_ENTRIES 2

static pthread_once_t waker_once = PTHREAD_ONCE_INIT;
static pthread_key_t waker_key;
static _Thread_local struct io_uring *waker_here;

static void free_waker(void *at)
{
	struct io_uring *ring = at;

	waker_here = NULL;
	io_uring_queue_exit(ring);
	free(ring);
}

static void make_waker_key(void)
{
	BUG_ON(pthread_key_create(&waker_key, free_waker) != 0);
}

/* The calling thread's ring, made on first use; NULL when the system has no more to give. */
static struct io_uring *waker(void)
{
	struct io_uring *ring = waker_here;

	if (ring)
		return ring;
	pthread_once(&waker_once, make_waker_key);
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return NULL;
	if (io_uring_queue_init(WAKER_ENTRIES, ring, 0) < 0) {
		free(ring);
		return NULL;
	}
	if (pthread_setspecific(waker_key, ring) != 0) {
		free_waker(ring);
		return NULL;
	}
	return waker_here = ring;
}

static void prepare_wake(struct io_uring_sqe *sqe, const struct mst_loop *to)
{
	io_uring_prep_msg_ring(sqe, to->ring.ring_fd, 0, mst_tok(MST_OP_MAIL, 0, LOOP_WOKEN), 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = mst_tok(MST_OP_MAIL, 0, LOOP_WAKE_FAILED);
}

/* A wake that cannot be sent makes the mail late, not lost: no loop sleeps longer than
 * LOOP_SLEEP_MAX_MS. */
static void wake(const struct mst_loop *to)
{
	struct io_uring *ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;

	if (mst_ring_here) {
		prepare_wake(mst_ring_sqe(mst_ring_here), to);
		return;
	}
	ring = waker();
	sqe = ring ? io_uring_get_sqe(ring) : NULL;
	if (!sqe)
		return;
	prepare_wake(sqe, to);
	io_uring_submit(ring);
	while (io_uring_peek_cqe(ring, &cqe) == 0)
		io_uring_cqe_seen(ring, cqe);
}

void mst_loop_post(struct mst_loop *loop, struct mst_mail *mail)
{
	if (mst_mailbox_push(&loop->mailbox, mail))
		wake(loop);
}

void mst_loop_stop(struct mst_loop *loop)
{
	atomic_store(&loop->is_stopped, true);
	if (mst_mailbox_wake(&loop->mailbox))
		wake(loop);
}
