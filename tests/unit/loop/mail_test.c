/* SPDX-License-Identifier: Apache-2.0 */
/* Posting to a loop, waking it, stopping it, its timers and the calls at the end of its turn. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "kit.h"
#include "ring.h"

struct letter {
	struct mst_mail mail;
	struct mst_loop *at, *back;
	uint32_t number;
};

static uint32_t num_read, last_number;
static pthread_t reader;

static void read_letter(struct mst_mail *mail)
{
	struct letter *letter = MST_HOME(mail, struct letter, mail);

	cr_assert_eq(letter->number, last_number + 1);
	last_number = letter->number;
	num_read++;
	reader = pthread_self();
}

static struct mst_loop *make_loop(void)
{
	struct mst_loop_conf conf = {.num_entries = 8,
				     .num_files = 4,
				     .num_buffers = 2,
				     .cpu = -1,
				     .name = "loop of test"};
	struct mst_loop *loop;
	struct mst_err e;

	cr_assert_eq(mst_loop_new(&loop, &conf, &e), 0, "%s", e.text);
	return loop;
}

static void *run_loop(void *at)
{
	static struct mst_err e;

	return mst_loop_run(at, &e) == 0 ? NULL : e.text;
}

static void join(pthread_t thread)
{
	void *text = NULL;

	pthread_join(thread, &text);
	cr_expect_null(text, "%s", (const char *)text);
}

static void turn(struct mst_loop *loop, uint32_t wait_ms)
{
	struct mst_err e;

	cr_assert_eq(mst_loop_turn(loop, wait_ms, &e), 0, "%s", e.text);
}

Test(mail, arrives_in_order)
{
	struct mst_loop *loop = make_loop();
	struct letter letters[10] = {0};

	for (uint32_t i = 0; i < MST_LEN(letters); i++) {
		letters[i] = (struct letter){.mail.on_mail = read_letter, .number = i + 1};
		mst_loop_post(loop, &letters[i].mail);
	}
	cr_expect_eq(num_read, 0);
	turn(loop, 1000);
	cr_expect_eq(num_read, MST_LEN(letters));
	mst_loop_free(&loop);
}

static void *post_soon(void *at)
{
	struct letter *letter = at;

	usleep(30000);
	mst_loop_post(letter->at, &letter->mail);
	return NULL;
}

Test(mail, wakes_a_sleeping_loop)
{
	struct mst_loop *loop = make_loop();
	struct letter letter = {.mail.on_mail = read_letter, .at = loop, .number = 1};
	uint64_t before = mst_clock_ms();
	pthread_t thread;

	pthread_create(&thread, NULL, post_soon, &letter);
	while (num_read == 0)
		turn(loop, 5000);
	cr_expect_lt(mst_clock_ms() - before, 4000);
	pthread_join(thread, NULL);
	mst_loop_free(&loop);
}

static void post_back(struct mst_mail *mail)
{
	struct letter *letter = MST_HOME(mail, struct letter, mail);
	struct mst_loop *to = letter->back;

	letter->back = letter->at;
	letter->at = to;
	if (++letter->number < 2000)
		mst_loop_post(to, mail);
	else {
		mst_loop_stop(to);
		mst_loop_stop(letter->back);
	}
}

/* Two loops hand one mail to and fro: each wake goes through the sender's own ring, and neither
 * loop may miss one (a missed one costs a second each). */
Test(mail, loops_wake_each_other)
{
	struct mst_loop *a = make_loop(), *b = make_loop();
	struct letter letter = {.mail.on_mail = post_back, .at = a, .back = b};
	pthread_t threads[2];
	uint64_t before = mst_clock_ms();

	pthread_create(&threads[0], NULL, run_loop, a);
	pthread_create(&threads[1], NULL, run_loop, b);
	mst_loop_post(a, &letter.mail);
	join(threads[0]);
	join(threads[1]);
	cr_expect_eq(letter.number, 2000);
	cr_expect_lt(mst_clock_ms() - before, 5000);
	mst_loop_free(&a);
	mst_loop_free(&b);
}

Test(mail, stop_before_run_ends_it_at_once)
{
	struct mst_loop *loop = make_loop();
	struct mst_err e;

	mst_loop_stop(loop);
	mst_loop_stop(loop);
	cr_assert_eq(mst_loop_run(loop, &e), 0, "%s", e.text);
	mst_loop_free(&loop);
}

Test(mail, stop_wakes_a_sleeping_loop)
{
	struct mst_loop *loop = make_loop();
	pthread_t thread;
	uint64_t before = mst_clock_ms();
	char name[16] = "";

	pthread_create(&thread, NULL, run_loop, loop);
	usleep(50000);
	pthread_getname_np(thread, name, sizeof(name));
	mst_loop_stop(loop);
	join(thread);
	cr_expect_lt(mst_clock_ms() - before, 900);
	cr_expect_str_eq(name, "loop of test");
	mst_loop_free(&loop);
}

Test(mail, run_pins_its_thread)
{
	struct mst_loop_conf conf = {.num_files = 4, .num_buffers = 2, .cpu = 0};
	struct mst_loop *loop;
	struct mst_err e;
	cpu_set_t cpus;

	cr_assert_eq(mst_loop_new(&loop, &conf, &e), 0);
	mst_loop_stop(loop);
	cr_assert_eq(mst_loop_run(loop, &e), 0, "%s", e.text);
	cr_assert_eq(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	cr_expect_eq(CPU_COUNT(&cpus), 1);
	cr_expect(CPU_ISSET(0, &cpus));
	mst_loop_free(&loop);
	conf.cpu = 1000;
	cr_assert_eq(mst_loop_new(&loop, &conf, &e), 0);
	cr_expect_eq(mst_loop_run(loop, &e), -1);
	cr_expect(strstr(e.text, "core 1000"), "%s", e.text);
	mst_loop_free(&loop);
}

Test(mail, a_sender_without_a_ring_of_its_own_is_late_not_lost)
{
	struct mst_loop *loop = make_loop();
	struct letter letter = {.mail.on_mail = read_letter, .number = 1};
	pthread_t thread;

	/* As if the wake had been refused: the box believes that somebody else wakes the loop. */
	pthread_create(&thread, NULL, run_loop, loop);
	usleep(50000);
	cr_expect(mst_mailbox_push(&loop->mailbox, &letter.mail));
	usleep((LOOP_SLEEP_MAX_MS + 200) * 1000);
	cr_expect_eq(num_read, 1);
	mst_loop_stop(loop);
	join(thread);
	mst_loop_free(&loop);
}

Test(mail, waiting_mail_is_dropped_with_the_loop)
{
	struct mst_loop *loop = make_loop();
	struct letter letter = {.mail.on_mail = read_letter, .number = 1};

	mst_loop_post(loop, &letter.mail);
	mst_loop_free(&loop);
	cr_expect_eq(num_read, 0);
}

static uint64_t fired_ms;

static void note_time(struct mst_timer *timer)
{
	fired_ms = mst_clock_ms();
}

Test(mail, timers_end_the_wait)
{
	static const uint32_t waits[] = {0, 1, 20, 100, 300};
	struct mst_loop *loop = make_loop();

	for (size_t i = 0; i < MST_LEN(waits); i++) {
		struct mst_timer timer = {.on_due = note_time};
		uint64_t before = mst_clock_ms();
		fired_ms = 0;
		mst_timer_set(loop, &timer, waits[i]);
		while (!fired_ms)
			turn(loop, 3000);
		cr_expect_geq(fired_ms - before, waits[i], "in %u ms", waits[i]);
		cr_expect_lt(fired_ms - before, waits[i] + 900, "in %u ms: %u", waits[i],
			     (unsigned)(fired_ms - before));
		cr_expect_leq(mst_loop_now_ms(loop), fired_ms);
	}
	struct mst_timer timer = {.on_due = note_time};
	fired_ms = 0;
	mst_timer_set(loop, &timer, 20);
	mst_timer_end(loop, &timer);
	mst_timer_end(loop, &timer);
	turn(loop, 60);
	cr_expect_eq(fired_ms, 0);
	mst_loop_free(&loop);
}

static void count_turn(void *context)
{
	++*(uint32_t *)context;
}

Test(mail, each_turn_calls_its_hooks)
{
	struct mst_loop *loop = make_loop();
	uint32_t nums[LOOP_HOOKS_MAX] = {0};

	for (size_t i = 0; i < MST_LEN(nums); i++)
		mst_loop_each_turn(loop, &nums[i], count_turn);
	for (int i = 0; i < 3; i++)
		turn(loop, 0);
	for (size_t i = 0; i < MST_LEN(nums); i++)
		cr_expect_eq(nums[i], 3);
	mst_loop_free(&loop);
}

static void *post_once(void *at)
{
	mst_loop_post(((struct letter *)at)->at, &((struct letter *)at)->mail);
	return NULL;
}

static int count_descriptors(void)
{
	int num = 0;

	for (int fd = 0; fd < 256; fd++)
		num += fcntl(fd, F_GETFD) >= 0;
	return num;
}

/* The small ring a thread made to wake us goes with the thread. */
Test(mail, threads_leave_no_descriptor_behind)
{
	struct mst_loop *loop = make_loop();
	int before = count_descriptors();

	for (uint32_t i = 0; i < 20; i++) {
		struct letter letter = {.mail.on_mail = read_letter, .at = loop, .number = i + 1};
		pthread_t thread;
		atomic_store(&loop->mailbox.may_sleep, true);
		pthread_create(&thread, NULL, post_once, &letter);
		pthread_join(thread, NULL);
		turn(loop, 0);
	}
	cr_expect_eq(num_read, 20);
	cr_expect_eq(count_descriptors(), before);
	mst_loop_free(&loop);
}
