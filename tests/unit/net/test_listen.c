/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners: addresses, shared ports, conflicts, hush, Unix sockets with credentials. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

Test(net_listen, the_edge_knows_the_peer)
{
	struct rig r = {0};
	struct sockaddr_in mine;
	socklen_t len = sizeof(mine);
	char text[MST_ADDR_ROOM], want[MST_ADDR_ROOM];
	struct mst_conn *c;
	int fd;

	rig_start(&r);
	fd = rig_open(&r, &c, rig_listen(&r, &rig_edge));
	getsockname(fd, (struct sockaddr *)&mine, &len);
	mst_addr_put(text, &r.addr);
	snprintf(want, sizeof(want), "127.0.0.1:%u", ntohs(mine.sin_port));
	cr_expect_str_eq(text, want);
	cr_expect_not(r.local.is_known);
	close(fd);
	rig_done(&r);
}

Test(net_listen, both_families)
{
	struct rig r = {0};
	struct mst_listen_conf conf = {
		.address = "::", .first = MST_CONN_IDLE, .edge = &rig_edge, .up = &r};
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	char text[MST_ADDR_ROOM];
	struct mst_conn *c;
	struct mst_err e;
	int v4, v6;

	rig_start(&r);
	cr_assert_eq(mst_net_listen(r.net, &conf, &e), 0, "%s", e.text);
	rig_turn(&r, 0);
	v4 = rig_open(&r, &c, mst_net_port(r.net, 0));
	mst_addr_put(text, &r.addr);
	cr_expect_eq(strncmp(text, "127.0.0.1:", 10), 0, "%s", text);
	v6 = socket(AF_INET6, SOCK_STREAM, 0);
	at.sin6_port = htons(mst_net_port(r.net, 0));
	cr_assert_eq(connect(v6, (struct sockaddr *)&at, sizeof(at)), 0);
	UNTIL(&r, r.num_open == 2);
	mst_addr_put(text, &r.addr);
	cr_expect_eq(strncmp(text, "[::1]:", 6), 0, "%s", text);
	close(v4);
	close(v6);
	rig_done(&r);
}

Test(net_listen, two_loops_share_a_port)
{
	struct rig a = {0}, b = {0};
	struct mst_listen_conf conf = {
		.address = "127.0.0.1", .first = MST_CONN_IDLE, .edge = &rig_edge, .up = &b};
	struct mst_err e;
	int fds[40];

	rig_start(&a);
	rig_start(&b);
	conf.port = rig_listen(&a, &rig_edge);
	cr_assert_eq(mst_net_listen(b.net, &conf, &e), 0, "%s", e.text);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		fds[i] = rig_client(conf.port);
	for (int i = 0; i < 1000 && a.num_open + b.num_open < MST_LEN(fds); i++) {
		rig_turn(&a, 1);
		rig_turn(&b, 1);
	}
	cr_expect_eq(a.num_open + b.num_open, MST_LEN(fds));
	cr_expect_gt(a.num_open, 0);
	cr_expect_gt(b.num_open, 0);
	for (size_t i = 0; i < MST_LEN(fds); i++)
		close(fds[i]);
	mst_net_hush(a.net);
	mst_net_free(&a.net);
	mst_loop_free(&a.loop);
	rig_done(&b);
}

Test(net_listen, refused_addresses)
{
	static const struct {
		const char *name, *address, *text;
		bool is_unix;
	} rows[] = {
		{"a name", "localhost", "localhost is not an IPv4 or IPv6 address", false},
		{"empty", "", " is not an IPv4 or IPv6 address", false},
		{"not ours", "192.0.2.1", "cannot listen on 192.0.2.1 port 0", false},
		{"no folder", "/nowhere/muster.sock", "cannot listen on /nowhere/muster.sock",
		 true},
		{"not a socket", "/etc/passwd", "/etc/passwd exists and is not a socket", true},
	};
	char long_path[200];
	struct rig r = {0};
	struct mst_err e;

	rig_start(&r);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_listen_conf conf = {
			.address = rows[i].address, .is_unix = rows[i].is_unix, .edge = &rig_edge};

		cr_expect_eq(mst_net_listen(r.net, &conf, &e), -1, "%s", rows[i].name);
		cr_expect_eq(strncmp(e.text, rows[i].text, strlen(rows[i].text)), 0, "%s: %s",
			     rows[i].name, e.text);
	}
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[199] = 0;
	cr_expect_eq(mst_net_listen(
			     r.net,
			     &(struct mst_listen_conf){.address = long_path, .is_unix = true}, &e),
		     -1);
	rig_done(&r);
}

Test(net_listen, port_in_use_is_named)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	struct mst_listen_conf conf = {.address = "127.0.0.1", .edge = &rig_edge};
	int other = socket(AF_INET, SOCK_STREAM, 0);
	struct rig r = {0};
	struct mst_err e;
	char want[64];

	rig_start(&r);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(other, (struct sockaddr *)&at, sizeof(at)), 0);
	listen(other, 1);
	getsockname(other, (struct sockaddr *)&at, &len);
	conf.port = ntohs(at.sin_port);
	cr_expect_eq(mst_net_listen(r.net, &conf, &e), -1);
	snprintf(want, sizeof(want), "127.0.0.1 port %u", conf.port);
	cr_expect_not_null(strstr(e.text, want), "%s", e.text);
	cr_expect_eq(e.sys, EADDRINUSE);
	close(other);
	rig_done(&r);
}

Test(net_listen, hush)
{
	struct rig r = {.echoes = true};
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct mst_conn *c;
	uint8_t got[4];
	int fd, late;

	rig_start(&r);
	at.sin_port = htons(rig_listen(&r, &rig_edge_plain));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = rig_open(&r, &c, ntohs(at.sin_port));
	mst_net_hush(r.net);
	mst_net_hush(r.net);
	rig_turn(&r, 5);
	rig_turn(&r, 5);
	late = socket(AF_INET, SOCK_STREAM, 0);
	cr_expect_eq(connect(late, (struct sockaddr *)&at, sizeof(at)), -1, "nobody accepts");
	close(late);
	rig_give(&r, fd, MST_S("ping"));
	rig_want(&r, fd, got, 4);
	close(fd);
	UNTIL(&r, r.num_gone == 1);
	rig_done(&r);
}

static int unix_client(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(at.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return fd;
	}
	close(fd);
	return -1;
}

Test(net_listen, unix_socket)
{
	struct rig r = {.echoes = true, .conf.num_per_source_max = 1}, other = {0};
	struct mst_listen_conf conf = {
		.is_unix = true, .first = MST_CONN_IDLE, .edge = &rig_edge_plain, .up = &r};
	char path[64], text[MST_ADDR_ROOM];
	struct mst_err e;
	struct stat st;
	uint8_t got[4];
	int a, b;

	snprintf(path, sizeof(path), "/tmp/muster-net-%d.sock", (int)getpid());
	conf.address = path;
	umask(0);
	rig_start(&r);
	cr_assert_eq(mst_net_listen(r.net, &conf, &e), 0, "%s", e.text);
	rig_turn(&r, 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_expect_eq(mst_net_port(r.net, 0), 0);
	a = unix_client(path);
	b = unix_client(path);
	cr_assert(a >= 0 && b >= 0);
	UNTIL(&r, r.num_open == 2); /* no limit per source here */
	cr_expect(r.local.is_known);
	cr_expect_eq(r.local.uid, getuid());
	cr_expect_eq(r.local.gid, getgid());
	cr_expect_eq(r.local.pid, getpid());
	mst_addr_put(text, &r.addr);
	cr_expect_str_eq(text, "unix");
	rig_give(&r, a, MST_S("ping"));
	rig_want(&r, a, got, 4);

	/* A second process is told, the first goes on. */
	rig_start(&other);
	cr_expect_eq(mst_net_listen(other.net, &conf, &e), -1);
	cr_expect_eq(e.code, MST_E_CONFLICT);
	mst_net_free(&other.net);
	mst_loop_free(&other.loop);
	rig_turn(&r, 5);
	close(a);
	close(b);
	UNTIL(&r, mst_net_open(r.net) == 0);
	rig_done(&r);
	cr_expect_neq(stat(path, &st), 0, "removed at the end");
}

Test(net_listen, stale_unix_socket_is_replaced)
{
	struct rig r = {0};
	struct mst_listen_conf conf = {
		.is_unix = true, .first = MST_CONN_IDLE, .edge = &rig_edge_plain, .up = &r};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int dead = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	struct mst_err e;

	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/muster-stale-%d.sock", (int)getpid());
	conf.address = at.sun_path;
	cr_assert_eq(bind(dead, (struct sockaddr *)&at, sizeof(at)), 0);
	listen(dead, 1);
	close(dead);
	rig_start(&r);
	cr_assert_eq(mst_net_listen(r.net, &conf, &e), 0, "%s", e.text);
	rig_turn(&r, 0);
	fd = unix_client(at.sun_path);
	cr_assert(fd >= 0);
	UNTIL(&r, r.num_open == 1);
	close(fd);
	rig_done(&r);
}

/* A start that fails half way hushes listeners whose accept has not left yet. */
Test(net_listen, hush_before_the_first_turn)
{
	struct rig r = {0};
	struct mst_listen_conf conf = {
		.address = "127.0.0.1", .edge = &rig_edge, .up = &r, .first = MST_CONN_IDLE};
	struct mst_err e;

	rig_start(&r);
	cr_assert_eq(mst_net_listen(r.net, &conf, &e), 0, "%s", e.text);
	mst_net_hush(r.net);
	cr_expect_geq(r.net->listeners[0].fd, 0, "the queued accept names it");
	UNTIL(&r, r.net->listeners[0].fd == -1);
	rig_done(&r);
}

Test(net_listen, too_many)
{
	struct rig r = {0};
	struct mst_listen_conf conf = {
		.address = "127.0.0.1", .edge = &rig_edge, .up = &r, .first = MST_CONN_IDLE};
	struct mst_err e;

	rig_start(&r);
	for (int i = 0; i < NET_LISTENERS_MAX; i++)
		cr_assert_eq(mst_net_listen(r.net, &conf, &e), 0, "%s", e.text);
	cr_expect_eq(mst_net_listen(r.net, &conf, &e), -1);
	rig_done(&r);
}
