/* SPDX-License-Identifier: Apache-2.0 */
/* Output: echo of every size, big answers to slow readers, the bound, flush, blocks given back. */
#include "rig.h"

#include <sys/socket.h>
#include <stdlib.h>
#include <unistd.h>

static uint8_t *pattern(size_t len)
{
	uint8_t *bytes = malloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	return bytes;
}

Test(net_out, echo_of_sizes_round_the_block)
{
	static const size_t sizes[] = {1, 2, 4095, 4096, 16367, 16368, 16369, 32736, 32737, 100000};
	struct rig r = {.echoes = true};
	uint8_t *bytes = pattern(100000), *got = malloc(100000);
	struct mst_conn *c;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	for (size_t i = 0; i < MST_LEN(sizes); i++) {
		rig_give(&r, fd, mst_slice(bytes, sizes[i]));
		rig_want(&r, fd, got, sizes[i]);
		cr_expect_eq(memcmp(got, bytes, sizes[i]), 0, "%zu bytes", sizes[i]);
		UNTIL(&r, mst_conn_unsent(c) == 0);
		cr_expect_null(c->out, "an idle connection holds no block");
	}
	close(fd);
	free(bytes);
	free(got);
	rig_done(&r);
}

Test(net_out, big_answer_to_a_slow_reader)
{
	size_t len = 8 << 20, at = 0;
	struct rig r = {.conf.out_bytes_max = 8 << 20};
	uint8_t *bytes = pattern(len), *got = malloc(len);
	struct mst_conn *c;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	for (; at < len; at += 4096 * 16)
		cr_assert_eq(mst_conn_put(c, mst_slice(bytes + at, 4096 * 16), NULL), 0);
	mst_conn_flush(c);
	for (at = 0; at < len; at += 65536) {
		rig_want(&r, fd, got + at, 65536);
		cr_assert(at + 65536 == len || r.num_sent == 0 || mst_conn_unsent(c) == 0);
	}
	cr_expect_eq(memcmp(got, bytes, len), 0);
	UNTIL(&r, r.num_sent == 1);
	cr_expect_eq(mst_conn_unsent(c), 0);
	cr_expect_leq(r.net->outs.num_free, 256, "blocks kept are bounded");
	close(fd);
	free(bytes);
	free(got);
	rig_done(&r);
}

Test(net_out, bound)
{
	struct rig r = {.conf.out_bytes_max = 20000};
	static uint8_t bytes[20001];
	struct mst_conn *c;
	struct mst_err e;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	cr_expect_eq(mst_conn_put(c, mst_slice(bytes, 20001), &e), -1);
	cr_expect_eq(e.code, MST_E_TOO_BIG);
	cr_expect_eq(mst_conn_unsent(c), 0, "nothing is appended");
	cr_expect_eq(mst_conn_put(c, mst_slice(bytes, 20000), &e), 0);
	cr_expect_eq(mst_conn_put(c, mst_slice(bytes, 1), &e), -1);
	cr_expect_eq(mst_conn_put(c, mst_slice(NULL, 0), &e), 0);
	r.conf.out_bytes_max = 10000;
	mst_net_tune(r.net, &r.conf);
	cr_expect_eq(mst_conn_put(c, mst_slice(bytes, 1), &e), -1, "lowered below what is held");
	mst_conn_flush(c);
	rig_want(&r, fd, bytes, 20000);
	UNTIL(&r, mst_conn_unsent(c) == 0);
	cr_expect_eq(mst_conn_put(c, mst_slice(bytes, 10000), &e), 0);
	close(fd);
	rig_done(&r);
}

Test(net_out, nothing_leaves_before_flush)
{
	struct rig r = {0};
	struct mst_conn *c;
	uint8_t got[8];
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	cr_assert_eq(mst_conn_put(c, MST_S("one"), NULL), 0);
	rig_turn(&r, 10);
	cr_expect_lt(rig_read(fd), 0);
	mst_conn_flush(c);
	cr_assert_eq(mst_conn_put(c, MST_S("two"), NULL), 0);
	rig_want(&r, fd, got, 3);
	rig_turn(&r, 10);
	cr_expect_lt(rig_read(fd), 0);
	cr_expect_eq(mst_conn_unsent(c), 3);
	cr_expect_eq(r.num_sent, 0, "not all that was put has left");
	mst_conn_flush(c);
	rig_want(&r, fd, got, 3);
	cr_expect_eq(memcmp(got, "two", 3), 0);
	UNTIL(&r, r.num_sent == 1);
	close(fd);
	rig_done(&r);
}

Test(net_out, finish_sends_what_was_put)
{
	size_t len = 1 << 20;
	struct rig r = {0};
	uint8_t *bytes = pattern(len), *got = malloc(len);
	struct mst_conn *c;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	cr_assert_eq(mst_conn_put(c, mst_slice(bytes, len), NULL), 0);
	mst_conn_finish(c, "done");
	rig_want(&r, fd, got, len);
	cr_expect_eq(memcmp(got, bytes, len), 0);
	UNTIL(&r, rig_read(fd) == 0);
	close(fd);
	UNTIL(&r, r.num_gone == 1);
	cr_expect_eq(r.num_sent, 0, "nobody waits for it any more");
	free(bytes);
	free(got);
	rig_done(&r);
}

Test(net_out, greeting_from_on_open)
{
	struct rig r = {.greeting = MST_S_INIT("welcome")};
	struct mst_conn *c;
	uint8_t got[7];
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	rig_want(&r, fd, got, 7);
	cr_expect_eq(memcmp(got, "welcome", 7), 0);
	close(fd);
	rig_done(&r);
}
