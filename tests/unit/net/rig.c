/* SPDX-License-Identifier: Apache-2.0 */
/* The rig's inside. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "muster/log.h"

static struct rig *rig_of(struct mst_conn *c)
{
	return c->listener_up ? c->listener_up : c->up;
}

static int on_open(struct mst_conn *c)
{
	struct rig *r = rig_of(c);

	r->num_open++;
	r->last = c;
	r->addr = c->addr;
	r->local = c->local;
	if (r->refuses)
		return -1;
	if (r->greeting.len) {
		cr_assert_eq(mst_conn_put(c, r->greeting, NULL), 0);
		mst_conn_flush(c);
	}
	return 0;
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	struct rig *r = rig_of(c);
	struct mst_err e;

	r->bytes_in += bytes.len;
	if (!r->echoes)
		return;
	cr_assert_eq(mst_conn_put(c, bytes, &e), 0, "%s", e.text);
	mst_conn_flush(c);
}

static void on_sent(struct mst_conn *c)
{
	rig_of(c)->num_sent++;
}

static void on_late(struct mst_conn *c)
{
	struct rig *r = rig_of(c);

	r->num_late++;
	r->late_in = c->state;
	if (r->stays_late)
		mst_conn_set(c, c->state);
}

static void on_end(struct mst_conn *c)
{
	struct rig *r = rig_of(c);

	r->num_end++;
	if (r->ends_itself)
		mst_conn_finish(c, "ended");
}

static void on_gone(struct mst_conn *c)
{
	struct rig *r = rig_of(c);

	r->num_gone++;
	r->why = c->why;
	if (r->last == c)
		r->last = NULL;
}

const struct mst_edge rig_edge = {on_open, on_bytes, on_sent, on_late, on_end, on_gone};
const struct mst_edge rig_edge_plain = {
	.on_open = on_open, .on_bytes = on_bytes, .on_gone = on_gone};

void rig_start(struct rig *r)
{
	struct mst_err e = {0};

	signal(SIGPIPE, SIG_IGN);
	mst_log_setup(MST_WARN, false);
	if (!r->loop_conf.cpu)
		r->loop_conf.cpu = -1;
	if (!r->conf.num_conns_max)
		r->conf.num_conns_max = 64;
	if (!r->conf.out_bytes_max)
		r->conf.out_bytes_max = 1 << 20;
	if (!r->conf.state_ms[MST_CONN_DRAIN])
		r->conf.state_ms[MST_CONN_DRAIN] = 3000;
	if (!r->first)
		r->first = MST_CONN_IDLE;
	cr_assert_eq(mst_loop_new(&r->loop, &r->loop_conf, &e), 0, "%s", e.text);
	cr_assert_eq(mst_net_new(&r->net, r->loop, &r->conf, &e), 0, "%s", e.text);
}

void rig_done(struct rig *r)
{
	mst_net_hush(r->net);
	rig_turn(r, 0);
	rig_turn(r, 0);
	mst_net_free(&r->net);
	mst_loop_free(&r->loop);
	cr_expect_eq(r->num_gone, r->num_open, "gone %u of %u", r->num_gone, r->num_open);
	cr_expect_eq(rig_count(MST_C_CONN_OPEN), 0);
	cr_expect_eq(mst_log_count(MST_WARN), r->num_warns, "%u records",
		     (unsigned)mst_log_count(MST_WARN));
}

void rig_turn(struct rig *r, uint32_t wait_ms)
{
	struct mst_err e;

	cr_assert_eq(mst_loop_turn(r->loop, wait_ms, &e), 0, "%s", e.text);
}

uint16_t rig_listen(struct rig *r, const struct mst_edge *edge)
{
	struct mst_listen_conf conf = {
		.address = "127.0.0.1", .first = r->first, .edge = edge, .up = r};
	struct mst_err e;

	cr_assert_eq(mst_net_listen(r->net, &conf, &e), 0, "%s", e.text);
	rig_turn(r, 0);
	return mst_net_port(r->net, 0);
}

int rig_client(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert(fd >= 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0, "connect: %s",
		     strerror(errno));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int rig_open(struct rig *r, struct mst_conn **out, uint16_t port)
{
	uint32_t before = r->num_open;
	int fd = rig_client(port);

	UNTIL(r, r->num_open == before + 1);
	*out = r->last;
	return fd;
}

void rig_give(struct rig *r, int fd, struct mst_slice bytes)
{
	for (int i = 0; bytes.len && i < 5000; i++) {
		ssize_t n = write(fd, bytes.at, bytes.len);

		if (n > 0)
			bytes = mst_slice(bytes.at + n, bytes.len - (size_t)n);
		rig_turn(r, 0);
	}
	cr_assert_eq(bytes.len, 0, "%zu not taken", bytes.len);
}

void rig_want(struct rig *r, int fd, uint8_t *out, size_t len)
{
	size_t got = 0;

	for (int i = 0; got < len && i < 5000; i++) {
		ssize_t n = read(fd, out + got, len - got);

		cr_assert_neq(n, 0, "ended after %zu of %zu", got, len);
		if (n > 0)
			got += (size_t)n;
		rig_turn(r, n > 0 ? 0 : 1);
	}
	cr_assert_eq(got, len, "%zu of %zu", got, len);
}

ssize_t rig_read(int fd)
{
	uint8_t bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	return n < 0 ? -errno : n;
}

void rig_reset(int fd)
{
	struct linger now = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

int64_t rig_count(enum mst_counter id)
{
	return (int64_t)mst_counts_here()->counters[id];
}
