/* SPDX-License-Identifier: Apache-2.0 */
/* Two loops post jobs to one worker pool, in both lanes and beyond its bound, while it runs and
 * while it ends. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/work.h"

#define NUM_LOOPS  2
#define NUM_TASKS  300
#define NUM_ROUNDS 30
#define DEADLINE_S 60

struct task {
	struct mst_job job;
	struct poster *poster;
	uint64_t in, out; /* plain memory: the pool must carry it there and back */
	uint32_t num_rounds;
};

struct poster {
	pthread_t thread;
	struct mst_loop *loop;
	struct mst_timer again; /* what was refused is posted again */
	struct task tasks[NUM_TASKS];
	struct task *refused[NUM_TASKS];
	uint32_t num_refused, num_refusals, num_done;
};

static struct mst_work *work;
static struct poster posters[NUM_LOOPS];

static void fail(const char *what)
{
	fprintf(stderr, "work_race: %s\n", what);
	exit(1);
}

static void run(struct mst_job *job)
{
	struct task *task = MST_HOME(job, struct task, job);

	task->out = task->in * 3 + 1;
}

static void post(struct task *task)
{
	struct poster *poster = task->poster;

	task->in = (uintptr_t)task + task->num_rounds;
	if (mst_work_post(work, task->in / 64 % 2 ? MST_LANE_FAST : MST_LANE_BULK, &task->job,
			  NULL) == 0)
		return;
	poster->refused[poster->num_refused++] = task;
	poster->num_refusals++;
	mst_timer_set(poster->loop, &poster->again, 1);
}

static void on_ran(struct mst_job *job)
{
	struct task *task = MST_HOME(job, struct task, job);

	if (task->out != task->in * 3 + 1)
		fail("a job did not run, or its work is not seen at home");
	if (++task->num_rounds < NUM_ROUNDS)
		post(task);
	else if (++task->poster->num_done == NUM_TASKS)
		mst_loop_stop(task->poster->loop);
}

static void post_again(struct mst_timer *timer)
{
	struct poster *poster = MST_HOME(timer, struct poster, again);
	uint32_t num = poster->num_refused;
	struct task *again[NUM_TASKS];

	for (uint32_t i = 0; i < num; i++)
		again[i] = poster->refused[i];
	poster->num_refused = 0;
	for (uint32_t i = 0; i < num; i++)
		post(again[i]);
}

static void *run_loop(void *at)
{
	struct poster *poster = at;
	struct mst_err e;

	for (uint32_t i = 0; i < NUM_TASKS; i++) {
		poster->tasks[i] = (struct task){
			.job = {.home = poster->loop, .run = run, .on_ran = on_ran},
			.poster = poster,
		};
		post(&poster->tasks[i]);
	}
	if (mst_loop_run(poster->loop, &e) < 0)
		fail(e.text);
	return NULL;
}

/* Jobs posted right before the end run as well. */
static uint32_t num_last;
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;

static void run_last(struct mst_job *job)
{
	pthread_mutex_lock(&last_lock);
	num_last++;
	pthread_mutex_unlock(&last_lock);
}

static uint32_t post_last(void)
{
	static struct mst_job jobs[50];
	uint32_t num = 0;

	for (size_t i = 0; i < MST_LEN(jobs); i++) {
		jobs[i].run = run_last;
		num += mst_work_post(work, i % 2 ? MST_LANE_FAST : MST_LANE_BULK, &jobs[i], NULL) ==
		       0;
	}
	return num;
}

int main(void)
{
	struct mst_loop_conf conf = {
		.num_entries = 64, .num_files = 4, .num_buffers = 2, .cpu = -1};
	uint32_t num_refusals = 0, num_posted;
	struct mst_err e;

	alarm(DEADLINE_S);
	if (mst_work_new(&work, 3, 100, &e) < 0)
		fail(e.text);
	for (int i = 0; i < NUM_LOOPS; i++) {
		posters[i].again.on_due = post_again;
		if (mst_loop_new(&posters[i].loop, &conf, &e) < 0)
			fail(e.text);
		pthread_create(&posters[i].thread, NULL, run_loop, &posters[i]);
	}
	for (int i = 0; i < NUM_LOOPS; i++) {
		pthread_join(posters[i].thread, NULL);
		num_refusals += posters[i].num_refusals;
	}
	num_posted = post_last();
	mst_work_free(&work);
	if (num_last != num_posted)
		fail("the end of the pool lost jobs");
	for (int i = 0; i < NUM_LOOPS; i++)
		mst_loop_free(&posters[i].loop);
	printf("work_race: %u jobs, %u refusals\n", NUM_LOOPS * NUM_TASKS * NUM_ROUNDS,
	       num_refusals);
	return 0;
}
