/* SPDX-License-Identifier: Apache-2.0 */
/* Limits in total and per source; descriptors that run out and come back. */
#include "rig.h"

#include <arpa/inet.h>
#include <unistd.h>

Test(net_limits, total)
{
	struct rig r = {.conf.num_conns_max = 4, .num_warns = 3};
	uint16_t port;
	int fds[7];

	rig_start(&r);
	port = rig_listen(&r, &rig_edge_plain);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		fds[i] = rig_client(port);
	UNTIL(&r, rig_count(MST_C_CONN_SHED) == 3);
	cr_expect_eq(mst_net_open(r.net), 4);
	for (size_t i = 4; i < MST_LEN(fds); i++)
		UNTIL(&r, rig_read(fds[i]) == 0);
	close(fds[0]);
	UNTIL(&r, mst_net_open(r.net) == 3);
	fds[0] = rig_client(port);
	UNTIL(&r, mst_net_open(r.net) == 4);
	cr_expect_eq(rig_count(MST_C_CONN_SHED), 3);
	cr_expect_eq(rig_count(MST_C_CONN_ACCEPTED), 5);
	r.conf.num_conns_max = 2;
	mst_net_tune(r.net, &r.conf);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		close(fds[i]);
	UNTIL(&r, mst_net_open(r.net) == 0);
	rig_done(&r);
}

Test(net_limits, source)
{
	struct rig r = {.conf.num_per_source_max = 3, .num_warns = 2};
	struct mst_conn *c;
	uint16_t port;
	int fds[5];

	rig_start(&r);
	cr_assert(mst_loop_peer_known(r.loop));
	port = rig_listen(&r, &rig_edge_plain);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		fds[i] = rig_client(port);
	UNTIL(&r, rig_count(MST_C_CONN_SHED) == 2);
	cr_expect_eq(r.num_open, 3, "the edge does not hear of the others");
	UNTIL(&r, mst_net_open(r.net) == 3);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		close(fds[i]);
	UNTIL(&r, mst_net_open(r.net) == 0);
	cr_expect_eq(mst_map_used(r.net->sources), 0);
	fds[0] = rig_open(&r, &c, port);
	cr_expect_eq(r.num_open, 4);
	close(fds[0]);
	rig_done(&r);
}

Test(net_limits, source_switched_on_and_off_live)
{
	struct rig r = {0};
	struct mst_conn *c;
	uint16_t port;
	int fds[4];

	rig_start(&r);
	port = rig_listen(&r, &rig_edge_plain);
	for (size_t i = 0; i < 2; i++)
		fds[i] = rig_open(&r, &c, port);
	r.conf.num_per_source_max = 2;
	mst_net_tune(r.net, &r.conf);
	for (size_t i = 2; i < 4; i++)
		fds[i] = rig_open(&r, &c, port);
	r.conf.num_per_source_max = 0;
	mst_net_tune(r.net, &r.conf);
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	UNTIL(&r, mst_net_open(r.net) == 0);
	cr_expect_eq(mst_map_used(r.net->sources), 0);
	rig_done(&r);
}

/* One IPv4 address is one source, one IPv6 /64 is one source. */
Test(net_limits, what_one_source_is)
{
	static const struct {
		const char *name, *a, *b;
		bool same;
	} rows[] = {
		{"same IPv4", "::ffff:192.0.2.1", "::ffff:192.0.2.1", true},
		{"other IPv4", "::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"same /64", "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"other /64", "2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"mapped and not", "::ffff:192.0.2.1", "::1", false},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct rig r = {.conf.num_per_source_max = 1};
		struct mst_conn a = {0}, b = {0};

		rig_start(&r);
		a.net = b.net = r.net;
		cr_assert_eq(inet_pton(AF_INET6, rows[i].a, a.addr.ip), 1);
		cr_assert_eq(inet_pton(AF_INET6, rows[i].b, b.addr.ip), 1);
		cr_expect(mst_limits_enter(&a), "%s", rows[i].name);
		cr_expect_eq(mst_limits_enter(&b), !rows[i].same, "%s", rows[i].name);
		mst_limits_leave(&a);
		mst_limits_leave(&b);
		cr_expect_eq(mst_map_used(r.net->sources), 0, "%s", rows[i].name);
		rig_done(&r);
	}
}

Test(net_limits, descriptors_run_out_and_come_back)
{
	struct rig r = {.loop_conf.num_files = 4, .echoes = true};
	uint8_t got[4];
	uint16_t port;
	uint64_t turns = 0;
	int fds[6], fd;

	rig_start(&r);
	port = rig_listen(&r, &rig_edge_plain);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		fds[i] = rig_client(port);
	UNTIL(&r, rig_count(MST_C_FILES_OUT) >= 1 && mst_net_open(r.net) == 4);
	/* While it backs off the loop sleeps: 300 ms are a few waits of 100 ms, not thousands of
	 * turns. */
	for (uint64_t begun = mst_loop_now_ms(r.loop); mst_loop_now_ms(r.loop) < begun + 300;
	     turns++)
		rig_turn(&r, 50);
	cr_expect_lt(turns, 60, "%u turns", (unsigned)turns);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		close(fds[i]);
	UNTIL(&r, mst_net_open(r.net) == 0);
	fd = rig_client(port);
	rig_give(&r, fd, MST_S("ping"));
	UNTIL(&r, mst_net_open(r.net) == 1);
	rig_want(&r, fd, got, 4);
	close(fd);
	r.num_warns = (uint64_t)rig_count(MST_C_FILES_OUT);
	rig_done(&r);
}
