/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads post to one mailbox; plain program, because the test framework does not live under a
 * thread sanitizer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mail.h"
#include "muster/clock.h"

#define NUM_SENDERS 4
#define NUM_MAILS   20000
#define DEADLINE_S  60

struct letter {
	struct mst_mail mail;
	uint32_t sender,
		number; /* written by the sender without a lock: the box must carry them over */
};

struct sender {
	pthread_t thread;
	uint32_t id;
	struct mst_loop *loop;
	struct letter letters[NUM_MAILS];
};

static struct sender senders[NUM_SENDERS];
static uint32_t next_of[NUM_SENDERS], num_read; /* the reader's */
static struct mailbox box;
static atomic_bool is_awake = true; /* stands for the ring's wake */

static void fail(const char *what)
{
	fprintf(stderr, "mail_race: %s\n", what);
	exit(1);
}

static void on_mail(struct mst_mail *mail)
{
	struct letter *letter = MST_HOME(mail, struct letter, mail);

	if (letter->number != next_of[letter->sender]++)
		fail("a sender's mails came out of order");
	letter->number = UINT32_MAX; /* it is the receiver's now */
	num_read++;
}

static struct mst_mail *write_letter(struct sender *sender, uint32_t i)
{
	sender->letters[i] =
		(struct letter){.mail.on_mail = on_mail, .sender = sender->id, .number = i};
	return &sender->letters[i].mail;
}

static void *send_to_box(void *at)
{
	struct sender *sender = at;

	for (uint32_t i = 0; i < NUM_MAILS; i++)
		if (mst_mailbox_push(&box, write_letter(sender, i)))
			atomic_store(&is_awake, true);
	return NULL;
}

static void *send_to_loop(void *at)
{
	struct sender *sender = at;

	for (uint32_t i = 0; i < NUM_MAILS; i++) {
		mst_loop_post(sender->loop, write_letter(sender, i));
		if (i % 64 == 0)
			usleep(100); /* so that the loop falls asleep now and then */
	}
	return NULL;
}

static void start(struct mst_loop *loop, void *(*send)(void *))
{
	num_read = 0;
	for (uint32_t i = 0; i < NUM_SENDERS; i++) {
		next_of[i] = 0;
		senders[i].id = i;
		senders[i].loop = loop;
		if (pthread_create(&senders[i].thread, NULL, send, &senders[i]) != 0)
			fail("no thread");
	}
}

static void join(void)
{
	for (uint32_t i = 0; i < NUM_SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	if (num_read != NUM_SENDERS * NUM_MAILS)
		fail("mails were lost");
}

static void read_all(struct mst_mail *mail)
{
	while (mail) {
		struct mst_mail *next = mail->next;
		mail->on_mail(mail);
		mail = next;
	}
}

/* The box alone: the reader sleeps as a loop does, and must be woken whenever mail is there. */
static void race_box(void)
{
	start(NULL, send_to_box);
	while (num_read < NUM_SENDERS * NUM_MAILS) {
		atomic_store(&is_awake, false);
		if (mst_mailbox_doze(&box))
			while (!atomic_load(&is_awake))
				sched_yield();
		mst_mailbox_rise(&box);
		read_all(mst_mailbox_take(&box));
	}
	join();
}

/* The whole way: posts from threads that have no loop, woken through the kernel. */
static void race_loop(void)
{
	struct mst_loop_conf conf = {.num_entries = 8, .num_files = 4, .num_buffers = 2, .cpu = -1};
	struct mst_loop *loop;
	struct mst_err e;

	if (mst_loop_new(&loop, &conf, &e) < 0)
		fail(e.text);
	start(loop, send_to_loop);
	while (num_read < NUM_SENDERS * NUM_MAILS)
		if (mst_loop_turn(loop, 1000, &e) < 0)
			fail(e.text);
	join();
	mst_loop_free(&loop);
}

/* Loops post to each other and are stopped from outside. */
static struct mst_loop *ring_of_loops[3];
static struct letter round_letter;

static void hand_on(struct mst_mail *mail)
{
	struct letter *letter = MST_HOME(mail, struct letter, mail);

	letter->number++;
	mst_loop_post(ring_of_loops[letter->number % 3], mail);
}

static void *run_loop(void *at)
{
	struct mst_err e;

	if (mst_loop_run(at, &e) < 0)
		fail(e.text);
	return NULL;
}

static void race_loops(void)
{
	struct mst_loop_conf conf = {.num_entries = 8, .num_files = 4, .num_buffers = 2, .cpu = -1};
	pthread_t threads[3];
	struct mst_err e;

	for (int i = 0; i < 3; i++)
		if (mst_loop_new(&ring_of_loops[i], &conf, &e) < 0)
			fail(e.text);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, run_loop, ring_of_loops[i]);
	round_letter.mail.on_mail = hand_on;
	mst_loop_post(ring_of_loops[0], &round_letter.mail);
	usleep(300000);
	for (int i = 0; i < 3; i++)
		mst_loop_stop(ring_of_loops[i]);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	if (round_letter.number < 100)
		fail("the loops hardly woke each other");
	for (int i = 0; i < 3; i++)
		mst_loop_free(&ring_of_loops[i]);
}

int main(void)
{
	alarm(DEADLINE_S);
	race_box();
	race_loop();
	race_loops();
	printf("mail_race: %u mails, %u rounds\n", 2 * NUM_SENDERS * NUM_MAILS,
	       round_letter.number);
	return 0;
}
