/* SPDX-License-Identifier: Apache-2.0 */
/* The turn: submit and wait once, then completions, mails, timers and the calls at its end. */
#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "ring.h"

_Thread_local struct mst_loop *mst_ring_here;

static void pass_up(struct mst_loop *loop, const struct io_uring_cqe *cqe, struct mst_done *done)
{
	const struct loop_handler *handler = &loop->handlers[cqe->user_data >> 56];

	if (handler->on_done)
		handler->on_done(handler->context, done);
}

static void on_accept(struct mst_loop *loop, const struct io_uring_cqe *cqe, struct mst_done *done)
{
	if (done->res == -ENFILE || done->res == -EMFILE)
		mst_count(MST_C_FILES_OUT, 1);
	else if (done->res >= 0)
		loop->families[done->res] = mst_ring_family(loop, done->slot, done->gen);
	pass_up(loop, cqe, done);
}

static void on_recv(struct mst_loop *loop, const struct io_uring_cqe *cqe, struct mst_done *done)
{
	uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
	bool has_buffer = cqe->flags & IORING_CQE_F_BUFFER;

	if (done->res == -ENOBUFS)
		mst_count(MST_C_BUFFERS_OUT, 1);
	if (has_buffer && done->res > 0)
		done->bytes =
			mst_slice(loop->buffers + (size_t)id * loop->buffer_len, (size_t)done->res);
	pass_up(loop, cqe, done);
	if (has_buffer)
		mst_ring_give(loop, id);
}

/* A wake has done its work by ending the wait; a failed wake or option has no consequence but
 * lateness. */
static void on_own(struct mst_loop *loop, const struct io_uring_cqe *cqe, struct mst_done *done)
{
}

static void (*const completions[MST_NUM_OPS])(struct mst_loop *, const struct io_uring_cqe *,
					      struct mst_done *) = {
	/* clang-format off */
	[MST_OP_ACCEPT]   = on_accept,
	[MST_OP_PEER]     = pass_up,
	[MST_OP_RECV]     = on_recv,
	[MST_OP_SEND]     = pass_up,
	[MST_OP_SHUTDOWN] = pass_up,
	[MST_OP_CLOSE]    = pass_up,
	[MST_OP_SOCKET]   = pass_up,
	[MST_OP_CONNECT]  = pass_up,
	[MST_OP_CANCEL]   = pass_up,
	[MST_OP_MAIL]     = on_own,
	/* clang-format on */
};

static void complete(struct mst_loop *loop, const struct io_uring_cqe *cqe)
{
	uint64_t op = cqe->user_data >> 56;
	struct mst_done done = {
		.slot = (uint32_t)cqe->user_data,
		.gen = cqe->user_data >> 32 & 0xffffff,
		.res = cqe->res,
		.more = cqe->flags & IORING_CQE_F_MORE,
	};

	BUG_ON(op >= MST_NUM_OPS);
	completions[op](loop, cqe, &done);
}

/* Hands out what is there now; what comes meanwhile is the next turn's. Each place in the queue is
 * free again before its handler runs, so that a flush from inside a handler finds room. */
static void take_completions(struct mst_loop *loop)
{
	struct io_uring_cq *cq = &loop->ring.cq;
	uint32_t tail = io_uring_smp_load_acquire(cq->ktail);

	for (uint32_t head = *cq->khead; head != tail; head++) {
		struct io_uring_cqe cqe = cq->cqes[head & cq->ring_mask];
		io_uring_smp_store_release(cq->khead, head + 1);
		complete(loop, &cqe);
	}
}

static void take_mail(struct mst_loop *loop)
{
	struct mst_mail *mail = mst_mailbox_take(&loop->mailbox);

	while (mail) {
		struct mst_mail *next = mail->next;
		mail->on_mail(mail);
		mail = next;
	}
}

/* How long the loop may sleep. */
static uint32_t wait_for(struct mst_loop *loop, uint32_t wait_ms)
{
	uint64_t next, now;

	if (wait_ms == 0 || atomic_load_explicit(&loop->is_stopped, memory_order_relaxed))
		return 0;
	next = mst_wheel_next_ms(&loop->wheel);
	if (next == WHEEL_NONE)
		return wait_ms;
	now = mst_clock_ms();
	if (next <= now)
		return 0;
	return next - now < wait_ms ? (uint32_t)(next - now) : wait_ms;
}

static int enter(struct mst_loop *loop, uint32_t wait_ms)
{
	bool is_waiting = wait_ms && mst_mailbox_doze(&loop->mailbox);
	int rc;

	/* A stop between the look in wait_for and the doze woke nobody. */
	if (is_waiting && atomic_load(&loop->is_stopped))
		is_waiting = false;
	rc = mst_ring_enter(loop, is_waiting, is_waiting ? wait_ms : 0);
	mst_mailbox_rise(&loop->mailbox);
	/* The kernel keeps what did not fit and delivers it with the next enter. */
	if (MST_UNLIKELY(IO_URING_READ_ONCE(*loop->ring.sq.kflags) & IORING_SQ_CQ_OVERFLOW))
		mst_count(MST_C_CQ_OVERFLOW, 1);
	return rc;
}

int mst_loop_turn(struct mst_loop *loop, uint32_t wait_ms, struct mst_err *e)
{
	int rc;

	if (MST_UNLIKELY(!loop->is_enabled) && mst_ring_own(loop, e) < 0)
		return -1;
	rc = enter(loop, wait_for(loop, wait_ms));
	if (MST_UNLIKELY(rc < 0))
		return mst_fail_sys(
			e, -rc, rc == -EBADR ? "the kernel lost completions" : "the ring failed");
	mst_ring_here = loop;
	loop->now_ms = mst_clock_ms();
	take_completions(loop);
	take_mail(loop);
	mst_wheel_run(&loop->wheel, loop->now_ms);
	for (uint32_t i = 0; i < loop->num_hooks; i++)
		loop->hooks[i].on_turn(loop->hooks[i].context);
	mst_ring_here = NULL;
	return 0;
}

/* The kernel's helpers for this ring keep to the core as well: a shutdown costs 2 us there and 14
 * us on another. Without, they are merely slower. */
static int pin(struct mst_loop *loop, struct mst_err *e)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)loop->cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		return mst_fail_sys(e, errno, "cannot pin a loop to core %d", loop->cpu);
	io_uring_register_iowq_aff(&loop->ring, sizeof(cpus), &cpus);
	return 0;
}

int mst_loop_run(struct mst_loop *loop, struct mst_err *e)
{
	int rc = mst_ring_own(loop, e);

	if (loop->name[0])
		prctl(PR_SET_NAME, loop->name);
	if (rc == 0 && loop->cpu >= 0)
		rc = pin(loop, e);
	while (rc == 0 && !atomic_load_explicit(&loop->is_stopped, memory_order_relaxed))
		rc = mst_loop_turn(loop, LOOP_SLEEP_MAX_MS, e);
	/* What the last turn queued (closes, wakes of other loops) still leaves. */
	if (rc == 0 && mst_ring_enter(loop, 0, 0) < 0)
		rc = mst_fail(e, MST_E_IO, "the ring failed at its end");
	mst_ring_disown(loop);
	atomic_store(&loop->is_stopped, false);
	return rc;
}

uint64_t mst_loop_now_ms(const struct mst_loop *loop)
{
	return loop->now_ms;
}

void mst_loop_on(struct mst_loop *loop, enum mst_op op, void *context,
		 void (*on_done)(void *context, const struct mst_done *done))
{
	BUG_ON(op >= MST_NUM_OPS);
	loop->handlers[op] = (struct loop_handler){context, on_done};
}

void mst_loop_each_turn(struct mst_loop *loop, void *context, void (*on_turn)(void *context))
{
	BUG_ON(loop->num_hooks == LOOP_HOOKS_MAX);
	loop->hooks[loop->num_hooks++] = (struct loop_hook){context, on_turn};
}

void mst_timer_set(struct mst_loop *loop, struct mst_timer *timer, uint64_t in_ms)
{
	uint64_t now = mst_ring_here == loop ? loop->now_ms : mst_clock_ms();

	mst_wheel_set(&loop->wheel, timer, now + in_ms);
}

void mst_timer_end(struct mst_loop *loop, struct mst_timer *timer)
{
	mst_list_drop(&timer->link);
}
