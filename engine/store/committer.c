/* SPDX-License-Identifier: Apache-2.0 */
/* The committer thread: takes the batches that wait, writes them as one group, sends each home. */
#include "inside.h"

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"

#define GROUP_BYTES_MAX (8u << 20) /* a group of large commands must not hold the others up for long */

static struct mst_batch *batch_of(struct mst_mail *mail)
{
	return MST_HOME(mail, struct mst_batch, mail);
}

/* Push then look at may_sleep here, set may_sleep then look for batches in doze(): all sequentially consistent, so at least
 * one side sees the other. */
static void push(struct committer *c, struct mst_mail *mail)
{
	struct mst_mail *newest = atomic_load_explicit(&c->newest, memory_order_relaxed);

	do
		mail->next = newest;
	while (!atomic_compare_exchange_weak(&c->newest, &newest, mail));
	if (!atomic_load(&c->may_sleep) || !atomic_exchange(&c->may_sleep, false))
		return;
	pthread_mutex_lock(&c->lock);
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

static void doze(struct committer *c)
{
	pthread_mutex_lock(&c->lock);
	atomic_store(&c->may_sleep, true);
	while (!atomic_load(&c->newest) && !atomic_load(&c->must_end)) {
		pthread_cond_wait(&c->wake, &c->lock);
		atomic_store(&c->may_sleep, true);
	}
	atomic_store(&c->may_sleep, false);
	pthread_mutex_unlock(&c->lock);
}

/* Appends what was posted, oldest first, to what was taken before. */
static void take_posted(struct committer *c)
{
	struct mst_mail *mail = atomic_exchange_explicit(&c->newest, NULL, memory_order_acquire);
	struct mst_mail *oldest = NULL, *newest = mail;

	while (mail) {
		struct mst_mail *older = mail->next;
		mail->next = oldest;
		oldest = mail;
		mail = older;
	}
	if (!oldest)
		return;
	if (c->last)
		c->last->next = oldest;
	else
		c->first = oldest;
	c->last = newest;
}

/* Cuts the next group off what was taken: a chain ended by NULL. */
static struct mst_mail *cut_group(struct committer *c, uint32_t most)
{
	struct mst_mail *first = c->first, *last = NULL;
	size_t num_bytes = 0;

	for (uint32_t num = 0; c->first && num < most && num_bytes < GROUP_BYTES_MAX; num++) {
		last = c->first;
		num_bytes += batch_of(last)->num_bytes;
		c->first = last->next;
	}
	if (last)
		last->next = NULL;
	if (!c->first)
		c->last = NULL;
	return first;
}

static void on_mail(struct mst_mail *mail)
{
	struct mst_batch *b = batch_of(mail);

	b->on_committed(b);
}

static void send_home(struct committer *c, struct mst_batch *b)
{
	if (b->home) {
		b->mail.on_mail = on_mail;
		mst_loop_post(b->home, &b->mail);
		return;
	}
	pthread_mutex_lock(&c->lock);
	b->is_home = true;
	pthread_cond_broadcast(&c->here);
	pthread_mutex_unlock(&c->lock);
}

/* When the write fails, every batch of the group hears of it: even a conflict may have been one with a failed batch. */
static void settle(struct committer *c, struct mst_mail *first, int rc, const struct mst_err *err)
{
	uint64_t now_ns = mst_clock_ns();
	uint32_t num = 0, num_written = 0;

	for (struct mst_mail *mail = first; mail; mail = mail->next, num++) {
		struct mst_batch *b = batch_of(mail);
		if (rc < 0) {
			b->rc = -1;
			b->err = *err;
		}
		if (b->rc == 0 && c->group.has_once)
			mst_group_tell_floors(&c->group, b);
		num_written += b->rc == 0;
		mst_count_time(MST_H_COMMIT, now_ns - b->posted_ns);
	}
	atomic_fetch_sub(&c->num_out, num);
	mst_count(MST_C_STORE_BATCHES, num_written);
	if (rc < 0)
		mst_count(MST_C_STORE_FAILED, num);
}

static void send_all_home(struct committer *c, struct mst_mail *first)
{
	struct mst_mail *next;

	for (struct mst_mail *mail = first; mail; mail = next) {
		next = mail->next;
		send_home(c, batch_of(mail));
	}
}

/* One record when the store begins to fail and one when it writes again, however many groups that was. RocksDB itself tries
 * every few seconds whether a full disk has room again. */
static void tell_health(struct committer *c, int rc, const struct mst_err *err)
{
	if (rc < 0 && !c->is_failing)
		mst_log(ERROR, "the store cannot write", mst_f_err(err));
	if (rc == 0 && c->is_failing)
		mst_log(INFO, "the store writes again", mst_f_u64("failed_groups", c->num_failed));
	c->num_failed = rc < 0 ? c->num_failed + 1 : 0;
	c->is_failing = rc < 0;
}

static void commit_group(struct mst_store *store, struct mst_mail *first)
{
	struct committer *c = &store->committer;
	struct mst_err err = {.code = MST_E_NONE};
	bool is_lazy = true;

	mst_group_begin(&c->group);
	for (struct mst_mail *mail = first; mail; mail = mail->next) {
		struct mst_batch *b = batch_of(mail);
		if (mst_group_add(&c->group, b) == 0)
			is_lazy = is_lazy && b->is_lazy;
	}
	mst_count(MST_C_STORE_GROUPS, c->group.num_writes > 0);
	int rc = mst_group_write(&c->group, is_lazy, &err);
	if (c->group.num_writes > 0)
		tell_health(c, rc, &err);
	settle(c, first, rc, &err);
	send_all_home(c, first);
}

static void *run(void *context)
{
	struct mst_store *store = context;
	struct committer *c = &store->committer;

	mst_space_quiet();
	for (;;) {
		take_posted(c);
		if (c->first)
			commit_group(store, cut_group(c, store->group_max));
		else if (atomic_load(&c->must_end))
			return NULL;
		else
			doze(c);
	}
}

int mst_committer_start(struct mst_store *store, struct mst_err *e)
{
	struct committer *c = &store->committer;

	if (mst_group_init(&c->group, store, e) < 0)
		return -1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	pthread_cond_init(&c->here, NULL);
	int sys = pthread_create(&c->thread, NULL, run, store);
	if (sys) {
		mst_group_done(&c->group);
		return mst_fail_sys(e, sys, "cannot start the committer");
	}
	pthread_setname_np(c->thread, "muster-commit");
	return 0;
}

void mst_committer_stop(struct mst_store *store)
{
	struct committer *c = &store->committer;

	atomic_store(&c->must_end, true);
	pthread_mutex_lock(&c->lock);
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	mst_group_done(&c->group);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	pthread_cond_destroy(&c->here);
}

static int post(struct mst_store *store, struct mst_batch *b, struct mst_err *e)
{
	struct committer *c = &store->committer;

	if (b->is_short)
		return mst_fail(e, MST_E_BUSY, "the memory of this request does not hold its changes");
	if (atomic_fetch_add(&c->num_out, 1) >= store->queue_max) {
		atomic_fetch_sub(&c->num_out, 1);
		return mst_fail(e, MST_E_BUSY, "too many batches wait for the store");
	}
	b->rc = 0;
	b->is_home = false;
	b->err = (struct mst_err){.code = MST_E_NONE};
	b->posted_ns = mst_clock_ns();
	push(c, &b->mail);
	return 0;
}

int mst_store_commit(struct mst_store *store, struct mst_batch *b, struct mst_err *e)
{
	BUG_ON(!b->home || !b->on_committed);
	return post(store, b, e);
}

int mst_store_commit_here(struct mst_store *store, struct mst_batch *b)
{
	struct committer *c = &store->committer;

	b->home = NULL;
	/* Once posted, b->rc is the committer's. */
	if (post(store, b, &b->err) < 0)
		return b->rc = -1;
	pthread_mutex_lock(&c->lock);
	while (!b->is_home)
		pthread_cond_wait(&c->here, &c->lock);
	pthread_mutex_unlock(&c->lock);
	return b->rc;
}
