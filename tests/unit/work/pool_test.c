/* SPDX-License-Identifier: Apache-2.0 */
/* The worker pool: jobs run once and come home, a full lane is an answer, bulk leaves room for
 * fast. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/work.h"

struct task {
	struct mst_job job;
	sem_t *gate; /* waited for while running, NULL for none */
	sem_t *started;
	pthread_t ran_on, came_home_on;
	uint32_t num_ran, num_home;
};

static struct mst_loop *loop;
static uint32_t num_home;

static void run(struct mst_job *job)
{
	struct task *task = MST_HOME(job, struct task, job);

	task->ran_on = pthread_self();
	task->num_ran++;
	if (task->started)
		sem_post(task->started);
	if (task->gate)
		sem_wait(task->gate);
}

static void on_ran(struct mst_job *job)
{
	struct task *task = MST_HOME(job, struct task, job);

	task->came_home_on = pthread_self();
	task->num_home++;
	num_home++;
}

static struct task task_of(sem_t *started, sem_t *gate)
{
	return (struct task){.job = {.home = loop, .run = run, .on_ran = on_ran},
			     .started = started,
			     .gate = gate};
}

static void start(void)
{
	struct mst_loop_conf conf = {.num_entries = 8, .num_files = 4, .num_buffers = 2, .cpu = -1};
	struct mst_err e;

	cr_assert_eq(mst_loop_new(&loop, &conf, &e), 0, "%s", e.text);
}

static void stop(void)
{
	mst_loop_free(&loop);
}

static struct mst_work *make(uint32_t num_workers, uint32_t num_jobs_max)
{
	struct mst_work *work;
	struct mst_err e;

	cr_assert_eq(mst_work_new(&work, num_workers, num_jobs_max, &e), 0, "%s", e.text);
	return work;
}

static void wait_home(uint32_t num)
{
	uint64_t until = mst_clock_ms() + 3000;
	struct mst_err e;

	while (num_home < num) {
		cr_assert_lt(mst_clock_ms(), until, "%u of %u jobs came home", num_home, num);
		cr_assert_eq(mst_loop_turn(loop, 100, &e), 0, "%s", e.text);
	}
}

TestSuite(pool, .init = start, .fini = stop);

Test(pool, jobs_run_once_elsewhere_and_come_home)
{
	enum { NUM = 500 };
	static struct task tasks[NUM];
	struct mst_work *work = make(3, NUM);
	struct mst_err e;

	for (int i = 0; i < NUM; i++) {
		tasks[i] = task_of(NULL, NULL);
		cr_assert_eq(mst_work_post(work, i % 2 ? MST_LANE_FAST : MST_LANE_BULK,
					   &tasks[i].job, &e),
			     0);
	}
	wait_home(NUM);
	for (int i = 0; i < NUM; i++) {
		cr_expect_eq(tasks[i].num_ran, 1);
		cr_expect_eq(tasks[i].num_home, 1);
		cr_expect_neq(tasks[i].ran_on, pthread_self());
		cr_expect_eq(tasks[i].came_home_on, pthread_self());
	}
	mst_work_free(&work);
	cr_expect_null(work);
}

Test(pool, a_full_lane_is_busy_and_the_other_is_not)
{
	sem_t started, gate;
	struct mst_work *work = make(1, 2);
	struct task holder, tasks[3], other;
	struct mst_counts counts;
	struct mst_err e;

	sem_init(&started, 0, 0);
	sem_init(&gate, 0, 0);
	holder = task_of(&started, &gate);
	cr_assert_eq(mst_work_post(work, MST_LANE_FAST, &holder.job, &e), 0);
	sem_wait(&started);
	for (int i = 0; i < 3; i++)
		tasks[i] = task_of(NULL, NULL);
	cr_expect_eq(mst_work_post(work, MST_LANE_FAST, &tasks[0].job, &e), 0);
	cr_expect_eq(mst_work_post(work, MST_LANE_FAST, &tasks[1].job, &e), 0);
	cr_expect_eq(mst_work_queued(work, MST_LANE_FAST), 2);
	cr_expect_eq(mst_work_post(work, MST_LANE_FAST, &tasks[2].job, &e), -1);
	cr_expect_eq(e.code, MST_E_BUSY);
	other = task_of(NULL, NULL);
	cr_expect_eq(mst_work_post(work, MST_LANE_BULK, &other.job, &e), 0);
	sem_post(&gate);
	wait_home(4);
	cr_expect_eq(tasks[2].num_ran, 0);
	cr_expect_eq(mst_work_queued(work, MST_LANE_FAST), 0);
	cr_expect_eq(mst_work_post(work, MST_LANE_FAST, &tasks[2].job, &e), 0);
	wait_home(5);
	mst_work_free(&work);
	mst_counts_sum(&counts);
	cr_expect_eq(counts.counters[MST_C_WORK_JOBS], 5);
	cr_expect_eq(counts.counters[MST_C_WORK_REFUSED], 1);
}

Test(pool, bulk_leaves_a_worker_for_fast)
{
	sem_t started, gate;
	struct mst_work *work = make(3, 10);
	struct task bulk[5], fast;
	struct mst_err e;

	sem_init(&started, 0, 0);
	sem_init(&gate, 0, 0);
	for (int i = 0; i < 5; i++) {
		bulk[i] = task_of(&started, &gate);
		cr_assert_eq(mst_work_post(work, MST_LANE_BULK, &bulk[i].job, &e), 0);
	}
	sem_wait(&started);
	sem_wait(&started);
	fast = task_of(NULL, NULL);
	cr_assert_eq(mst_work_post(work, MST_LANE_FAST, &fast.job, &e), 0);
	wait_home(1);
	cr_expect_eq(fast.num_home, 1);
	cr_expect_eq(mst_work_queued(work, MST_LANE_BULK), 3);
	for (int i = 0; i < 5; i++)
		sem_post(&gate);
	wait_home(6);
	mst_work_free(&work);
}

Test(pool, a_lone_worker_does_bulk_too)
{
	struct mst_work *work = make(1, 10);
	struct task task = task_of(NULL, NULL);
	struct mst_err e;

	cr_assert_eq(mst_work_post(work, MST_LANE_BULK, &task.job, &e), 0);
	wait_home(1);
	mst_work_free(&work);
}

static void run_and_free(struct mst_job *job)
{
	sem_t *done = MST_HOME(job, struct task, job)->gate;

	free(MST_HOME(job, struct task, job));
	sem_post(done);
}

Test(pool, a_job_nobody_waits_for_may_free_itself)
{
	struct mst_work *work = make(2, 10);
	sem_t done;
	struct mst_err e;

	sem_init(&done, 0, 0);
	for (int i = 0; i < 5; i++) {
		struct task *task = calloc(1, sizeof(*task));
		task->job.run = run_and_free;
		task->gate = &done;
		cr_assert_eq(mst_work_post(work, MST_LANE_FAST, &task->job, &e), 0);
	}
	for (int i = 0; i < 5; i++)
		sem_wait(&done);
	mst_work_free(&work);
}

Test(pool, free_runs_what_is_queued)
{
	enum { NUM = 200 };
	static struct task tasks[NUM];
	struct mst_work *work = make(2, NUM);
	struct mst_err e;

	for (int i = 0; i < NUM; i++) {
		tasks[i] = task_of(NULL, NULL);
		cr_assert_eq(mst_work_post(work, i % 3 ? MST_LANE_BULK : MST_LANE_FAST,
					   &tasks[i].job, &e),
			     0);
	}
	mst_work_free(&work);
	for (int i = 0; i < NUM; i++)
		cr_expect_eq(tasks[i].num_ran, 1, "job %d", i);
	wait_home(NUM);
	mst_work_free(&work);
}

Test(pool, a_pool_needs_workers_and_places)
{
	struct mst_work *work = NULL;
	struct mst_err e;

	cr_expect_eq(mst_work_new(&work, 0, 1, &e), -1);
	cr_expect_eq(mst_work_new(&work, 1, 0, &e), -1);
	cr_expect_null(work);
}
