/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of every state, ends of every kind, generations. */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/clock.h"

static const struct {
	const char *name;
	enum mst_conn_state path[3]; /* how to get there from `first`, FREE ends it */
	enum mst_conn_state first, state;
	const char *why;
} states[] = {
	{"hello", {0}, MST_CONN_HELLO, MST_CONN_HELLO, "handshake took too long"},
	{"idle", {0}, MST_CONN_IDLE, MST_CONN_IDLE, "idle"},
	{"head", {MST_CONN_HEAD}, MST_CONN_IDLE, MST_CONN_HEAD, "request head took too long"},
	{"body",
	 {MST_CONN_HEAD, MST_CONN_BODY},
	 MST_CONN_IDLE,
	 MST_CONN_BODY,
	 "request body took too long"},
	{"work",
	 {MST_CONN_HEAD, MST_CONN_WORK},
	 MST_CONN_IDLE,
	 MST_CONN_WORK,
	 "answer took too long"},
	{"write",
	 {MST_CONN_WORK, MST_CONN_WRITE},
	 MST_CONN_IDLE,
	 MST_CONN_WRITE,
	 "answer was not taken"},
};

static void go(struct mst_conn *c, const enum mst_conn_state path[3])
{
	for (size_t i = 0; i < 3 && path[i]; i++)
		mst_conn_set(c, path[i]);
}

Test(net_conn, deadline_of_each_state)
{
	for (size_t i = 0; i < MST_LEN(states); i++) {
		struct rig r = {.first = states[i].first};
		struct mst_conn *c;
		uint64_t begun;
		int fd;

		for (size_t s = 0; s < MST_NUM_CONN_STATES; s++)
			r.conf.state_ms[s] = 60000;
		r.conf.state_ms[states[i].state] = 60;
		rig_start(&r);
		begun = mst_clock_ms();
		fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
		go(c, states[i].path);
		UNTIL(&r, r.num_gone == 1);
		cr_expect_geq(mst_clock_ms() - begun, 60, "%s", states[i].name);
		cr_expect_leq(mst_clock_ms() - begun, 2000, "%s", states[i].name);
		cr_expect_eq(r.num_late, 1, "%s", states[i].name);
		cr_expect_eq(r.late_in, states[i].state, "%s", states[i].name);
		cr_expect_str_eq(r.why, states[i].why);
		close(fd);
		rig_done(&r);
	}
	cr_expect_eq(rig_count(MST_C_CONN_LATE), MST_LEN(states));
}

Test(net_conn, moves_put_the_deadline_off)
{
	struct rig r = {.conf.state_ms = {[MST_CONN_IDLE] = 100, [MST_CONN_HEAD] = 100}};
	struct mst_conn *c;
	uint64_t begun;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	begun = mst_clock_ms();
	while (mst_clock_ms() - begun < 400) {
		mst_conn_set(c, c->state == MST_CONN_IDLE ? MST_CONN_HEAD : MST_CONN_IDLE);
		rig_turn(&r, 20);
	}
	cr_expect_eq(r.num_late, 0);
	mst_conn_set(c, MST_CONN_WORK); /* no deadline */
	begun = mst_clock_ms();
	while (mst_clock_ms() - begun < 300)
		rig_turn(&r, 20);
	cr_expect_eq(r.num_late, 0);
	mst_conn_set(c, MST_CONN_IDLE);
	UNTIL(&r, r.num_gone == 1);
	cr_expect_eq(r.num_late, 1);
	close(fd);
	rig_done(&r);
}

Test(net_conn, an_edge_may_go_on_after_a_deadline)
{
	struct rig r = {.conf.state_ms = {[MST_CONN_IDLE] = 40}, .stays_late = true};
	struct mst_conn *c;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	UNTIL(&r, r.num_late == 3);
	cr_expect_eq(r.num_gone, 0);
	r.stays_late = false;
	UNTIL(&r, r.num_gone == 1);
	close(fd);
	rig_done(&r);
}

Test(net_conn, without_on_late_it_closes)
{
	struct rig r = {.conf.state_ms = {[MST_CONN_IDLE] = 40}};
	struct mst_conn *c;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge_plain));
	UNTIL(&r, r.num_gone == 1);
	cr_expect_str_eq(r.why, "idle");
	close(fd);
	rig_done(&r);
}

/* Output that its reader does not take. */
static void stuff(struct mst_conn *c, size_t len)
{
	uint8_t *bytes = calloc(1, len);
	struct mst_err e;

	cr_assert_eq(mst_conn_put(c, mst_slice(bytes, len), &e), 0, "%s", e.text);
	free(bytes);
}

Test(net_conn, drain_has_a_deadline)
{
	struct rig r = {.conf = {.state_ms = {[MST_CONN_DRAIN] = 80}, .out_bytes_max = 32 << 20}};
	struct mst_conn *c;
	int stuck, silent;

	rig_start(&r);
	stuck = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	stuff(c, 16 << 20);
	mst_conn_finish(c, "said it all");
	silent = rig_open(&r, &c, mst_net_port(r.net, 0));
	mst_conn_finish(c, "said it all");
	UNTIL(&r, r.num_gone == 2);
	cr_expect_eq(r.num_late, 0, "the edge is not asked");
	cr_expect_eq(rig_count(MST_C_CONN_LATE), 2);
	cr_expect_str_eq(r.why, "said it all");
	close(stuck);
	close(silent);
	rig_done(&r);
}

Test(net_conn, peer_closes)
{
	struct rig r = {0};
	struct mst_conn *c;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge_plain));
	rig_give(&r, fd, MST_S("hello"));
	UNTIL(&r, r.bytes_in == 5);
	close(fd);
	UNTIL(&r, r.num_gone == 1);
	cr_expect_str_eq(r.why, "closed by peer");
	cr_expect_eq(mst_net_open(r.net), 0);
	rig_done(&r);
}

Test(net_conn, peer_ends_its_side_and_reads_the_answer)
{
	struct rig r = {.ends_itself = true};
	struct mst_conn *c;
	uint8_t got[6];
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	shutdown(fd, SHUT_WR);
	cr_assert_eq(mst_conn_put(c, MST_S("answer"), NULL), 0);
	UNTIL(&r, r.num_end == 1);
	rig_want(&r, fd, got, sizeof(got));
	UNTIL(&r, r.num_gone == 1);
	cr_expect_eq(rig_read(fd), 0);
	close(fd);
	rig_done(&r);
}

/* Unread input at close makes the kernel send a reset, which could overtake the answer: finish must
 * not. */
Test(net_conn, finish_reaches_a_peer_that_still_sends)
{
	struct rig r = {0};
	static uint8_t flood[200000];
	uint8_t got[6];
	struct mst_conn *c;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	mst_conn_pause(c);
	rig_turn(&r, 0);
	rig_turn(&r, 0);
	cr_assert_gt(write(fd, flood, sizeof(flood)), 0);
	cr_assert_eq(mst_conn_put(c, MST_S("answer"), NULL), 0);
	mst_conn_finish(c, "too much");
	mst_conn_finish(c, "again");
	cr_expect_eq(mst_conn_put(c, MST_S("more"), NULL), -1);
	rig_give(&r, fd, MST_S("and more"));
	rig_want(&r, fd, got, sizeof(got));
	UNTIL(&r, rig_read(fd) == 0);
	cr_expect_eq(r.num_gone, 0);
	cr_expect_eq(r.bytes_in, 0, "input after finish is dropped");
	close(fd);
	UNTIL(&r, r.num_gone == 1);
	cr_expect_str_eq(r.why, "too much");
	cr_expect_eq(rig_count(MST_C_CONN_LATE), 0);
	rig_done(&r);
}

Test(net_conn, close_is_at_once_and_once)
{
	struct rig r = {.conf.out_bytes_max = 32 << 20};
	struct mst_conn *c;
	struct mst_err e;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	stuff(c, 16 << 20);
	mst_conn_flush(c);
	rig_turn(&r, 0);
	mst_conn_close(c, "first");
	mst_conn_close(c, "second");
	mst_conn_finish(c, "third");
	mst_conn_flush(c);
	mst_conn_resume(c);
	mst_conn_pause(c);
	cr_expect_eq(mst_conn_put(c, MST_S("x"), &e), -1);
	cr_expect_eq(e.code, MST_E_GONE);
	cr_expect_eq(r.num_gone, 0, "never inside the call");
	cr_expect_null(mst_conn_at(r.net, c->slot, c->gen));
	UNTIL(&r, r.num_gone == 1);
	cr_expect_str_eq(r.why, "first");
	close(fd);
	rig_done(&r);
}

Test(net_conn, reset_in_each_state)
{
	for (size_t i = 0; i < MST_LEN(states); i++) {
		struct rig r = {.first = states[i].first, .conf.out_bytes_max = 32 << 20};
		struct mst_conn *c;
		int fd;

		rig_start(&r);
		fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
		go(c, states[i].path);
		if (states[i].state == MST_CONN_WRITE)
			stuff(c, 16 << 20);
		mst_conn_flush(c);
		rig_turn(&r, 0);
		rig_reset(fd);
		UNTIL(&r, r.num_gone == 1);
		cr_expect_str_eq(r.why, "reset by peer", "%s: %s", states[i].name, r.why);
		rig_done(&r);
	}
}

Test(net_conn, reset_in_drain_and_while_paused)
{
	struct rig r = {.conf.out_bytes_max = 32 << 20};
	struct mst_conn *c;
	uint16_t port;
	int fd;

	rig_start(&r);
	port = rig_listen(&r, &rig_edge);
	fd = rig_open(&r, &c, port);
	stuff(c, 16 << 20);
	mst_conn_finish(c, "draining");
	rig_turn(&r, 0);
	rig_reset(fd);
	UNTIL(&r, r.num_gone == 1);
	cr_expect_str_eq(r.why, "draining");

	fd = rig_open(&r, &c, port);
	mst_conn_finish(c, "shut");
	rig_turn(&r, 0);
	rig_turn(&r, 0);
	rig_reset(fd);
	UNTIL(&r, r.num_gone == 2);

	fd = rig_open(&r, &c, port);
	mst_conn_pause(c);
	rig_turn(&r, 0);
	rig_turn(&r, 0);
	rig_reset(fd);
	rig_turn(&r, 10);
	cr_expect_eq(r.num_gone, 2, "a paused connection listens to nothing");
	mst_conn_resume(c);
	UNTIL(&r, r.num_gone == 3);
	rig_done(&r);
}

Test(net_conn, a_refusing_edge)
{
	struct rig r = {.refuses = true};
	struct mst_conn *c;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	UNTIL(&r, r.num_gone == 1);
	cr_expect_str_eq(r.why, "refused");
	UNTIL(&r, rig_read(fd) == 0);
	close(fd);
	rig_done(&r);
}

Test(net_conn, late_completions_of_an_earlier_life_find_nothing)
{
	struct rig r = {0};
	struct mst_conn *c, *next;
	struct mst_done done = {.bytes = MST_S_INIT("late")};
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	done.slot = c->slot;
	done.gen = c->gen;
	cr_expect_eq(mst_conn_at(r.net, done.slot, done.gen), c);
	close(fd);
	mst_conn_close(c, "over");
	UNTIL(&r, r.num_gone == 1);
	fd = rig_open(&r, &next, mst_net_port(r.net, 0));
	cr_assert_eq(next->slot, done.slot, "the slot lives again");
	cr_assert_neq(next->gen, done.gen);
	for (int res = -ECANCELED; res <= 4; res += ECANCELED + 4) {
		done.res = res;
		mst_recv_on_done(r.net, &done);
		mst_out_on_sent(r.net, &done);
		mst_dial_on_socket(r.net, &done);
		mst_dial_on_connect(r.net, &done);
		mst_listen_on_peer(r.net, &done);
	}
	cr_expect_eq(r.bytes_in, 0);
	cr_expect_eq(next->state, MST_CONN_IDLE);
	cr_expect_eq(r.num_gone, 1);
	cr_expect_null(mst_conn_at(r.net, done.slot, done.gen));
	close(fd);
	UNTIL(&r, r.num_gone == 2 || r.num_end == 1);
	rig_done(&r);
}

static void close_all(void *context, struct mst_conn *c)
{
	++*(uint32_t *)context;
	mst_conn_close(c, "all");
}

Test(net_conn, many_lives)
{
	struct rig r = {.echoes = true, .ends_itself = true};
	uint32_t num_seen = 0;
	uint16_t port;
	int fds[20];
	uint8_t got[4];

	rig_start(&r);
	port = rig_listen(&r, &rig_edge);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < MST_LEN(fds); i++)
			fds[i] = rig_client(port);
		for (size_t i = 0; i < MST_LEN(fds); i++)
			cr_assert_eq(write(fds[i], "ping", 4), 4);
		for (size_t i = 0; i < MST_LEN(fds); i++) {
			rig_want(&r, fds[i], got, sizeof(got));
			close(fds[i]);
		}
	}
	UNTIL(&r, mst_net_open(r.net) == 0);
	cr_expect_eq(r.num_open, 1000);
	cr_expect_eq(rig_count(MST_C_CONN_ACCEPTED), 1000);
	cr_expect_eq(rig_count(MST_C_BYTES_IN), 4000);
	cr_expect_eq(rig_count(MST_C_BYTES_OUT), 4000);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		fds[i] = rig_client(port);
	UNTIL(&r, mst_net_open(r.net) == MST_LEN(fds));
	mst_net_each(r.net, &num_seen, close_all);
	cr_expect_eq(num_seen, MST_LEN(fds));
	UNTIL(&r, mst_net_open(r.net) == 0);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		close(fds[i]);
	rig_done(&r);
}

/* The net ends while connections are open and operations are in flight. */
Test(net_conn, free_tells_what_is_left)
{
	struct rig r = {.conf.out_bytes_max = 32 << 20};
	struct mst_conn *c;
	int a, b;

	rig_start(&r);
	a = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	stuff(c, 16 << 20);
	mst_conn_flush(c);
	b = rig_open(&r, &c, mst_net_port(r.net, 0));
	rig_done(&r);
	cr_expect_eq(r.num_gone, 2);
	close(a);
	close(b);
}
