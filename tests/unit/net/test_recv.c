/* SPDX-License-Identifier: Apache-2.0 */
/* Input: pause and resume, more bytes than receive buffers. */
#include "rig.h"

#include <errno.h>
#include <unistd.h>

Test(net_recv, pause_stops_the_peer)
{
	struct rig r = {0};
	static uint8_t bytes[65536];
	struct mst_conn *c;
	uint64_t held;
	int fd, full = 0;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	mst_conn_pause(c);
	mst_conn_pause(c);
	rig_turn(&r, 0);
	rig_turn(&r, 0);
	held = r.bytes_in;
	for (int i = 0; i < 2000 && full < 20; i++) {
		full = write(fd, bytes, sizeof(bytes)) < 0 ? full + 1 : 0;
		rig_turn(&r, full ? 1 : 0);
	}
	cr_expect_eq(full, 20, "the window closed");
	cr_expect_eq(r.bytes_in, held);
	mst_conn_resume(c);
	UNTIL(&r, r.bytes_in > 1000000);
	rig_give(&r, fd, mst_slice(bytes, sizeof(bytes)));
	close(fd);
	rig_done(&r);
}

Test(net_recv, pause_and_resume_in_every_order)
{
	/* p pause, r resume, t turn, w peer writes a byte */
	static const char *const rows[] = {
		"prw",   "prtw",  "ptrw",  "pwtr",    "wprt",      "wpr",
		"pprrw", "prprw", "ptprw", "wptrtpw", "ptwtrprtw",
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct rig r = {0};
		struct mst_conn *c;
		uint64_t sent = 0;
		int fd;

		rig_start(&r);
		fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
		for (const char *step = rows[i]; *step; step++) {
			if (*step == 'p')
				mst_conn_pause(c);
			else if (*step == 'r')
				mst_conn_resume(c);
			else if (*step == 't')
				rig_turn(&r, 2);
			else
				sent += (uint64_t)write(fd, "x", 1);
		}
		mst_conn_resume(c);
		UNTIL(&r, r.bytes_in == sent);
		cr_expect_eq(write(fd, "x", 1), 1);
		UNTIL(&r, r.bytes_in == sent + 1);
		cr_expect_eq(c->state, MST_CONN_IDLE, "%s", rows[i]);
		close(fd);
		rig_done(&r);
	}
}

/* Two buffers of 256 bytes for eight peers that send at once: receives starve, none is lost, the
 * loop does not spin. */
Test(net_recv, too_few_buffers)
{
	struct rig r = {.loop_conf = {.num_buffers = 2, .buffer_len = 256}, .echoes = true};
	static uint8_t bytes[20000], got[20000];
	uint16_t port;
	int fds[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 13 + i / 256);
	rig_start(&r);
	port = rig_listen(&r, &rig_edge);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		fds[i] = rig_client(port);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		cr_assert_eq(write(fds[i], bytes, sizeof(bytes)), sizeof(bytes));
	for (size_t i = 0; i < MST_LEN(fds); i++) {
		rig_want(&r, fds[i], got, sizeof(got));
		cr_expect_eq(memcmp(got, bytes, sizeof(got)), 0, "client %zu", i);
	}
	cr_expect_gt(rig_count(MST_C_BUFFERS_OUT), 0);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		close(fds[i]);
	UNTIL(&r, r.num_end == MST_LEN(fds));
	rig_done(&r);
}

Test(net_recv, a_starved_connection_may_close)
{
	struct rig r = {.loop_conf = {.num_buffers = 2, .buffer_len = 256}};
	struct mst_conn *c;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	mst_recv_on_done(
		r.net,
		&(struct mst_done){.slot = c->slot, .gen = c->gen, .res = -ENOBUFS, .more = true});
	cr_expect_eq(r.net->num_starved, 1);
	mst_conn_close(c, "while starved");
	UNTIL(&r, r.num_gone == 1);
	cr_expect_eq(r.net->num_starved, 0);
	close(fd);
	rig_done(&r);
}
