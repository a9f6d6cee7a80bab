/* SPDX-License-Identifier: Apache-2.0 */
/* The worker threads and their two bounded queues. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "muster/count.h"
#include "muster/work.h"

struct lane {
	struct mst_job *first, **last;
	uint32_t num_queued, num_running;
	uint32_t num_running_max; /* workers this lane may hold at once */
};

struct mst_work {
	pthread_mutex_t lock; /* everything below, but `threads`; never held while a job runs */
	pthread_cond_t wake;
	struct lane lanes[MST_NUM_LANES]; /* in order of preference */
	uint32_t num_jobs_max, num_idle;
	bool is_ending;
	uint32_t num_threads;
	pthread_t threads[];
};

static void come_home(struct mst_mail *mail)
{
	struct mst_job *job = MST_HOME(mail, struct mst_job, mail);

	job->on_ran(job);
}

/* The next job that may run now and its lane; NULL for none. */
static struct mst_job *take_job(struct mst_work *work, struct lane **from)
{
	for (struct lane *lane = work->lanes; lane < work->lanes + MST_NUM_LANES; lane++) {
		struct mst_job *job = lane->first;
		if (!job || lane->num_running >= lane->num_running_max)
			continue;
		lane->first = job->next;
		if (!lane->first)
			lane->last = &lane->first;
		lane->num_queued--;
		lane->num_running++;
		*from = lane;
		return job;
	}
	return NULL;
}

/* Waits for a job. NULL: the pool ends and nothing that this worker may run is left. */
static struct mst_job *wait_job(struct mst_work *work, struct lane **from)
{
	struct mst_job *job;

	while (!(job = take_job(work, from)) && !work->is_ending) {
		work->num_idle++;
		pthread_cond_wait(&work->wake, &work->lock);
		work->num_idle--;
	}
	return job;
}

static void run_job(struct mst_job *job)
{
	struct mst_loop *home = job->home;
	bool is_told = job->on_ran;

	job->run(job);
	mst_count(MST_C_WORK_JOBS, 1);
	/* A job nobody waits for may be gone by now. */
	if (is_told)
		mst_loop_post(home, &job->mail);
}

static void *work_on(void *at)
{
	struct mst_work *work = at;
	struct mst_job *job;
	struct lane *lane;

	pthread_setname_np(pthread_self(), "worker");
	pthread_mutex_lock(&work->lock);
	while ((job = wait_job(work, &lane))) {
		pthread_mutex_unlock(&work->lock);
		run_job(job);
		pthread_mutex_lock(&work->lock);
		lane->num_running--;
	}
	pthread_mutex_unlock(&work->lock);
	return NULL;
}

int mst_work_new(struct mst_work **out, uint32_t num_workers, uint32_t num_jobs_max,
		 struct mst_err *e)
{
	struct mst_work *work;
	int rc = 0;

	if (num_workers == 0 || num_jobs_max == 0)
		return mst_fail(e, MST_E_CONF,
				"a worker pool needs at least one worker and one place");
	work = calloc(1, sizeof(*work) + num_workers * sizeof(work->threads[0]));
	if (!work)
		return mst_fail(e, MST_E_BUSY, "no memory for %u workers", num_workers);
	pthread_mutex_init(&work->lock, NULL);
	pthread_cond_init(&work->wake, NULL);
	work->num_jobs_max = num_jobs_max;
	for (int i = 0; i < MST_NUM_LANES; i++)
		work->lanes[i].last = &work->lanes[i].first;
	work->lanes[MST_LANE_FAST].num_running_max = num_workers;
	work->lanes[MST_LANE_BULK].num_running_max = num_workers > 1 ? num_workers - 1 : 1;
	while (rc == 0 && work->num_threads < num_workers) {
		rc = pthread_create(&work->threads[work->num_threads], NULL, work_on, work);
		if (rc == 0)
			work->num_threads++;
	}
	if (rc != 0) {
		mst_work_free(&work);
		return mst_fail_sys(e, rc, "cannot start worker %u", num_workers);
	}
	*out = work;
	return 0;
}

void mst_work_free(struct mst_work **at)
{
	struct mst_work *work = *at;

	*at = NULL;
	if (!work)
		return;
	pthread_mutex_lock(&work->lock);
	work->is_ending = true;
	pthread_cond_broadcast(&work->wake);
	pthread_mutex_unlock(&work->lock);
	for (uint32_t i = 0; i < work->num_threads; i++)
		pthread_join(work->threads[i], NULL);
	pthread_cond_destroy(&work->wake);
	pthread_mutex_destroy(&work->lock);
	free(work);
}

int mst_work_post(struct mst_work *work, enum mst_lane at, struct mst_job *job, struct mst_err *e)
{
	struct lane *lane = &work->lanes[at];
	bool is_full, is_awaited;

	BUG_ON(job->on_ran && !job->home);
	job->mail.on_mail = come_home;
	job->next = NULL;
	pthread_mutex_lock(&work->lock);
	is_full = work->is_ending || lane->num_queued >= work->num_jobs_max;
	is_awaited = !is_full && work->num_idle > 0;
	if (!is_full) {
		*lane->last = job;
		lane->last = &job->next;
		lane->num_queued++;
	}
	pthread_mutex_unlock(&work->lock);
	if (is_awaited)
		pthread_cond_signal(&work->wake);
	if (!is_full)
		return 0;
	mst_count(MST_C_WORK_REFUSED, 1);
	return mst_fail(e, MST_E_BUSY, "work queue is full");
}

uint32_t mst_work_queued(struct mst_work *work, enum mst_lane lane)
{
	uint32_t num_queued;

	pthread_mutex_lock(&work->lock);
	num_queued = work->lanes[lane].num_queued;
	pthread_mutex_unlock(&work->lock);
	return num_queued;
}
