/* SPDX-License-Identifier: Apache-2.0 */
/* A writer is killed in the middle of its work; everything it was told to be durable must be there. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit.h"

#define ROUNDS 10
#define WINDOW 24 /* batches on their way at once */

struct writer {
	struct kit kit;
	uint32_t round, next;
	int out;
	struct slot {
		struct writer *writer;
		struct mst_arena arena;
		struct mst_batch batch;
		uint32_t number;
	} slots[WINDOW];
};

static void make_key(char out[static 32], uint32_t round, uint32_t number)
{
	snprintf(out, 32, "%u-%u", round, number);
}

static void send_next(struct slot *slot);

static void on_committed(struct mst_batch *b)
{
	struct slot *slot = MST_HOME(b, struct slot, batch);

	if (b->rc < 0 || write(slot->writer->out, &slot->number, sizeof slot->number) != sizeof slot->number)
		_exit(3);
	send_next(slot);
}

static void send_next(struct slot *slot)
{
	struct writer *w = slot->writer;
	char key[32];

	mst_arena_done(&slot->arena);
	slot->number = w->next++;
	make_key(key, w->round, slot->number);
	mst_batch_init(&slot->batch, &slot->arena, w->kit.loop, on_committed);
	mst_batch_require_absent(&slot->batch, MST_SPACE_DEVICE, mst_slice_str(key));
	mst_batch_put(&slot->batch, MST_SPACE_DEVICE, mst_slice_str(key), mst_slice_str(key));
	mst_batch_put(&slot->batch, MST_SPACE_RESULT, mst_slice_str(key), mst_slice_str(key));
	if (mst_store_commit(w->kit.store, &slot->batch, NULL) < 0)
		_exit(4);
}

_Noreturn static void write_until_killed(const struct mst_store_conf *conf, uint32_t round, int out)
{
	struct mst_loop_conf loop_conf = {.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1};
	struct writer *w = calloc(1, sizeof *w);

	w->round = round;
	w->out = out;
	if (mst_work_new(&w->kit.work, 1, 8, NULL) < 0 || mst_loop_new(&w->kit.loop, &loop_conf, NULL) < 0 ||
	    mst_store_open(&w->kit.store, conf, w->kit.work, NULL) < 0)
		_exit(2);
	for (size_t i = 0; i < WINDOW; i++) {
		w->slots[i].writer = w;
		mst_arena_init(&w->slots[i].arena, NULL, 0);
		send_next(&w->slots[i]);
	}
	while (mst_loop_turn(w->kit.loop, 50, NULL) == 0)
		;
	_exit(5);
}

/* Lets the writer write for a while, kills it, and returns how many numbers it had said; they are in `said`. */
static size_t run_round(const struct mst_store_conf *conf, uint32_t round, uint32_t *said, size_t room)
{
	size_t len = 0, want = (100 + round * 37) * sizeof *said;
	int ends[2], status;
	ssize_t got;

	cr_assert_eq(pipe(ends), 0);
	pid_t child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		close(ends[0]);
		write_until_killed(conf, round, ends[1]);
	}
	close(ends[1]);
	while (len < want && (got = read(ends[0], (char *)said + len, want - len)) > 0)
		len += (size_t)got;
	kill(child, SIGKILL);
	while (len < room * sizeof *said && (got = read(ends[0], (char *)said + len, room * sizeof *said - len)) > 0)
		len += (size_t)got;
	close(ends[0]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status), "the writer ended by itself: %d", WEXITSTATUS(status));
	return len / sizeof *said;
}

Test(kill, everything_said_is_there, .timeout = 120)
{
	static uint32_t said[ROUNDS][65536];
	size_t num[ROUNDS];
	struct kit *kit = kit_new((struct mst_store_conf){0});

	mst_store_close(&kit->store);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct mst_err e;
		num[round] = run_round(&kit->conf, round, said[round], MST_LEN(said[round]));
		cr_assert_gt(num[round], 0);
		cr_assert_eq(mst_store_open(&kit->store, &kit->conf, kit->work, &e), 0, "%s", e.text);
		for (uint32_t k = 0; k <= round; k++)
			for (size_t i = 0; i < num[k]; i++) {
				char key[32];
				make_key(key, k, said[k][i]);
				const char *one = kit_get(kit, MST_SPACE_DEVICE, key);
				const char *two = kit_get(kit, MST_SPACE_RESULT, key);
				cr_assert(one && strcmp(one, key) == 0, "round %u: %s is lost", round, key);
				cr_assert(two && strcmp(two, key) == 0, "round %u: %s is half there", round, key);
			}
		mst_store_close(&kit->store);
		mst_arena_done(&kit->arena);
	}
	kit_free(kit);
}
