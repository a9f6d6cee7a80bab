/* SPDX-License-Identifier: Apache-2.0 */
/* Micro benchmarks of the loop and what stands on it: timers with a million armed, mail, workers, the walk of an exchange. */
#include <stdlib.h>

#include "micro.h"
#include "muster/work.h"
#include "muster/xchg.h"

#define TIMERS   1000000
#define FAR_MS   3600000
#define SPREAD   86400000ull /* the timers are due within a day */
#define MAILS    256         /* posted before a turn delivers them */
#define JOBS     64
#define STAGES   6

static int new_loop(struct mst_loop **out, struct mst_err *e)
{
	const struct mst_loop_conf conf = {.num_entries = 64, .num_files = 16, .num_buffers = 16, .cpu = -1, .name = "micro"};

	return mst_loop_new(out, &conf, e);
}

static void on_due(struct mst_timer *timer)
{
	(void)timer;
}

/* A million timers wait on the wheel. */
static struct mst_timer *arm_all(struct mst_loop *loop, uint32_t num)
{
	struct mst_timer *timers = calloc(num, sizeof(*timers));

	for (uint32_t i = 0; timers && i < num; i++) {
		timers[i].on_due = on_due;
		mst_timer_set(loop, &timers[i], FAR_MS + i * 2654435761ull % SPREAD);
	}
	return timers;
}

enum timer_work { PUT_OFF, DISARM_ARM, TURN };

static void work_timer(struct mst_loop *loop, struct mst_timer *timer, enum timer_work work, uint32_t i)
{
	if (work == DISARM_ARM)
		mst_timer_end(loop, timer);
	mst_timer_set(loop, timer, FAR_MS + (work == PUT_OFF ? SPREAD : 0) + i * 40503ull % SPREAD);
}

static int run_timers(struct mst_micro *m, enum timer_work work, struct mst_err *e)
{
	uint32_t num = m->is_quick ? TIMERS / 100 : TIMERS;
	struct mst_loop *loop = NULL;
	struct mst_timer *timers;
	int rc = new_loop(&loop, e);

	if (rc < 0)
		return -1;
	timers = arm_all(loop, num);
	if (!timers)
		rc = mst_fail(e, MST_E_BUSY, "no memory");
	mst_micro_begin(m);
	for (uint32_t i = 0; rc == 0 && i < m->n; i++) {
		if (work == TURN)
			rc = mst_loop_turn(loop, 0, e) < 0 ? -1 : 0;
		else
			work_timer(loop, &timers[i * 2654435761ull % num], work, i);
	}
	mst_micro_end(m);
	for (uint32_t i = 0; timers && i < num; i++)
		mst_timer_end(loop, &timers[i]);
	free(timers);
	mst_loop_free(&loop);
	return rc;
}

static int run_put_off(struct mst_micro *m, struct mst_err *e)
{
	return run_timers(m, PUT_OFF, e);
}

static int run_rearm(struct mst_micro *m, struct mst_err *e)
{
	return run_timers(m, DISARM_ARM, e);
}

static int run_turn(struct mst_micro *m, struct mst_err *e)
{
	return run_timers(m, TURN, e);
}

static uint32_t num_mails;

static void on_mail(struct mst_mail *mail)
{
	(void)mail;
	num_mails++;
}

static int run_mailbox(struct mst_micro *m, struct mst_err *e)
{
	static struct mst_mail mails[MAILS];
	struct mst_loop *loop = NULL;
	uint32_t posted = 0;
	int rc = new_loop(&loop, e);

	num_mails = 0;
	mst_micro_begin(m);
	while (rc == 0 && num_mails < m->n) {
		for (uint32_t i = 0; i < MAILS; i++, posted++) {
			mails[i].on_mail = on_mail;
			mst_loop_post(loop, &mails[i]);
		}
		while (rc == 0 && num_mails < posted)
			rc = mst_loop_turn(loop, 10, e) < 0 ? -1 : 0;
	}
	mst_micro_end(m);
	mst_loop_free(&loop);
	return rc;
}

static uint32_t num_ran;

static void run_job(struct mst_job *job)
{
	(void)job;
}

static void on_ran(struct mst_job *job)
{
	(void)job;
	num_ran++;
}

static int run_worker(struct mst_micro *m, struct mst_err *e)
{
	static struct mst_job jobs[JOBS];
	struct mst_loop *loop = NULL;
	struct mst_work *work = NULL;
	uint32_t posted = 0;
	int rc = new_loop(&loop, e);

	if (rc == 0)
		rc = mst_work_new(&work, 1, JOBS, e);
	num_ran = 0;
	mst_micro_begin(m);
	while (rc == 0 && num_ran < m->n) {
		for (uint32_t i = 0; rc == 0 && i < JOBS; i++, posted++) {
			jobs[i] = (struct mst_job){.home = loop, .run = run_job, .on_ran = on_ran};
			rc = mst_work_post(work, MST_LANE_FAST, &jobs[i], e);
		}
		while (rc == 0 && num_ran < posted)
			rc = mst_loop_turn(loop, 10, e) < 0 ? -1 : 0;
	}
	mst_micro_end(m);
	mst_work_free(&work);
	mst_loop_free(&loop);
	return rc;
}

static enum mst_step pass(struct mst_xchg *x)
{
	(void)x;
	return STEP_NEXT;
}

static enum mst_step answer(struct mst_xchg *x)
{
	return mst_xchg_answer(x, 200, NULL, (struct mst_slice){NULL, 0});
}

static void on_finished(struct mst_xchg *x, bool drop)
{
	(void)x, (void)drop;
}

static int run_walk(struct mst_micro *m, struct mst_err *e)
{
	static const struct mst_stage stages[STAGES] = {
		{"one", pass}, {"two", pass}, {"three", pass}, {"four", pass}, {"answer", answer}, {"reply", pass}};
	static const struct mst_way way = {"micro", stages, STAGES, false};
	struct mst_xchg x;

	mst_micro_begin(m);
	for (uint32_t i = 0; i < m->n; i++) {
		x = (struct mst_xchg){.way = &way, .on_finished = on_finished};
		mst_xchg_walk(&x);
		m->sink += (uint64_t)x.out.status;
	}
	mst_micro_end(m);
	return 0;
}

/* clang-format off */
static const struct mst_micro_row rows[] = {
	{ "timer-put-off", "an armed timer put off, 1 M on the wheel",                     4000000, 20000,  run_put_off },
	{ "timer-rearm",   "an armed timer ended and armed again, 1 M on the wheel",       4000000, 20000,  run_rearm },
	{ "loop-turn",     "a turn of the loop with nothing to do, 1 M on the wheel",      200000,  2000,   run_turn },
	{ "mailbox",       "a mail posted and delivered, 256 in a turn",                   2000000, 20480,  run_mailbox },
	{ "worker",        "a job to a worker and home, 64 at once, both threads",         400000,  6400,   run_worker },
	{ "walk",          "an exchange made and walked through six stages",               4000000, 100000, run_walk },
};
/* clang-format on */
const struct mst_micro_group mst_micro_loop = {rows, MST_LEN(rows)};
