/* SPDX-License-Identifier: Apache-2.0 */
/* Outgoing connections: open, refused, too late, closed at every step. */
#include "rig.h"

#include <arpa/inet.h>
#include <unistd.h>

static struct mst_addr loopback(uint16_t port)
{
	return (struct mst_addr){.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1},
				 .port = port};
}

static struct mst_conn *dial(struct rig *r, uint16_t port)
{
	struct mst_addr to = loopback(port);
	struct mst_conn *c;
	struct mst_err e;

	cr_assert_eq(mst_net_dial(&c, r->net, &to, &rig_edge, r, &e), 0, "%s", e.text);
	return c;
}

/* A port that nobody listens on, or, with a backlog, one that is never accepted from. */
static int bound(uint16_t *port, int backlog)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	if (backlog >= 0)
		listen(fd, backlog);
	getsockname(fd, (struct sockaddr *)&at, &len);
	*port = ntohs(at.sin_port);
	return fd;
}

Test(net_dial, both_ends_in_one_loop)
{
	struct rig server = {.echoes = true}, client;
	struct mst_conn *c;

	rig_start(&server);
	client = (struct rig){.loop = server.loop, .net = server.net};
	c = dial(&client, rig_listen(&server, &rig_edge_plain));
	cr_expect_eq(c->state, MST_CONN_DIAL);
	cr_assert_eq(mst_conn_put(c, MST_S("early"), NULL), 0);
	mst_conn_flush(c); /* leaves once connected */
	UNTIL(&server, client.num_open == 1 && server.num_open == 1);
	cr_expect_eq(c->state, MST_CONN_HELLO);
	cr_expect_null(c->listener_up);
	mst_conn_set(c, MST_CONN_IDLE);
	UNTIL(&server, client.bytes_in == 5);
	cr_assert_eq(mst_conn_put(c, MST_S("and later"), NULL), 0);
	mst_conn_flush(c);
	UNTIL(&server, client.bytes_in == 14);
	mst_conn_finish(c, "enough");
	UNTIL(&server, client.num_gone == 1 && server.num_gone == 1);
	cr_expect_str_eq(client.why, "enough");
	rig_done(&server);
}

Test(net_dial, refused)
{
	struct rig r = {0};
	uint16_t port;
	int fd = bound(&port, -1);

	rig_start(&r);
	dial(&r, port);
	cr_expect_eq(r.num_gone, 0, "never inside the call");
	UNTIL(&r, r.num_gone == 1);
	cr_expect_eq(r.num_open, 0);
	cr_expect_str_eq(r.why, "connection refused");
	cr_expect_eq(mst_net_open(r.net), 0);
	r.num_open = 1; /* a failed dial is only heard to go */
	close(fd);
	rig_done(&r);
}

Test(net_dial, too_late)
{
	struct rig r = {.conf.state_ms = {[MST_CONN_DIAL] = 80}};
	struct mst_conn *c[3];
	uint16_t port;
	int fd = bound(&port, 0);

	rig_start(&r);
	for (size_t i = 0; i < MST_LEN(c); i++) /* the first fill its queue */
		c[i] = dial(&r, port);
	UNTIL(&r, r.num_gone >= 1);
	cr_expect_str_eq(r.why, "connect took too long");
	cr_expect_eq(r.num_late, 0);
	cr_expect_geq(rig_count(MST_C_CONN_LATE), 1);
	r.num_open += (uint32_t)rig_count(MST_C_CONN_LATE);
	close(fd);
	rig_done(&r);
}

Test(net_dial, closed_at_every_step)
{
	struct rig r = {0};
	uint16_t port;
	int fd = bound(&port, 16);

	rig_start(&r);
	for (uint32_t turns = 0; turns < 6; turns++) {
		struct mst_conn *c = dial(&r, port);

		for (uint32_t i = 0; i < turns; i++)
			rig_turn(&r, 0);
		if (turns % 2)
			mst_conn_finish(c, "changed our mind");
		else
			mst_conn_close(c, "changed our mind");
		if (c->state == MST_CONN_DRAIN)
			mst_conn_close(c, "at once");
		UNTIL(&r, r.num_gone == turns + 1);
		cr_expect_str_eq(r.why, "changed our mind");
		cr_expect_eq(mst_net_open(r.net), 0);
	}
	r.num_open = r.num_gone;
	close(fd);
	rig_done(&r);
}

Test(net_dial, no_descriptor)
{
	struct rig r = {.loop_conf.num_files = 4};
	uint16_t port;
	int fd = bound(&port, 16);

	rig_start(&r);
	for (int i = 0; i < 6; i++)
		dial(&r, port);
	UNTIL(&r, r.num_gone == 2 && r.num_open == 4);
	cr_expect_str_eq(r.why, "no descriptor free");
	cr_expect_eq(rig_count(MST_C_FILES_OUT), 2);
	r.num_open += 2;
	close(fd);
	rig_done(&r);
}

Test(net_dial, no_slot)
{
	struct rig r = {.conf.num_conns_max = 1};
	struct mst_addr to;
	struct mst_conn *c;
	struct mst_err e;
	uint16_t port;
	int fd = bound(&port, 16);

	rig_start(&r);
	to = loopback(port);
	dial(&r, port);
	cr_expect_eq(mst_net_dial(&c, r.net, &to, &rig_edge, &r, &e), -1);
	cr_expect_eq(e.code, MST_E_BUSY);
	UNTIL(&r, r.num_open == 1);
	close(fd);
	rig_done(&r);
}
