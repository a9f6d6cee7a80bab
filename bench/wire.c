/* SPDX-License-Identifier: Apache-2.0 */
/* Plain HTTP/1.1 with many connections at once: poll, no threads, so that the server has the other core for itself. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "muster/buf.h"
#include "muster/clock.h"
#include "muster/http1.h"

#define CONNS_MAX 1024
#define WAIT_MS   20000
#define PIECE     16384

struct conn {
	int fd; /* -1: none */
	struct mst_wire_deal *deal;
	size_t num_sent;
	uint64_t began_ns;
	struct mst_buf in, body;
	struct mst_http1_scan scan;
	struct mst_http1_chunks chunks;
	enum mst_http1_framing framing;
	uint64_t body_len;
	bool has_head, keeps_alive;
};

static const struct mst_http1_limits limits = {.line_max = 16384, .head_max = 32768, .headers_max = 64};

static int dial(struct conn *c, const struct mst_wire *wire, struct mst_err *e)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(wire->port)};
	int one = 1;

	if (inet_pton(AF_INET, wire->host, &to.sin_addr) != 1)
		return mst_fail(e, MST_E_CONF, "no IPv4 address: %s", wire->host);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return mst_fail_sys(e, errno, "cannot connect to %s port %u", wire->host, wire->port);
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return 0;
}

static void hang_up(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	mst_buf_done(&c->in);
	mst_buf_done(&c->body);
	c->in = c->body = (struct mst_buf){.limit = 0};
}

static void over(struct conn *c, struct mst_wire *wire, bool is_fine, const char *why)
{
	struct mst_slice body = mst_buf_slice(&c->body);

	if (!is_fine || !mst_arena_copy(wire->arena, &c->deal->body, body)) {
		c->deal->status = 0;
		if (!wire->first_error[0])
			snprintf(wire->first_error, sizeof(wire->first_error), "%s", why);
	} else {
		mst_hist_add(&wire->latency, mst_clock_ns() - c->began_ns);
	}
	c->deal = NULL;
	c->has_head = false;
	c->scan = (struct mst_http1_scan){0};
	c->chunks = (struct mst_http1_chunks){.state = MST_CHUNK_SIZE};
	mst_buf_drop(&c->body, body.len);
	if (!is_fine || !c->keeps_alive)
		hang_up(c);
}

static int take_head(struct conn *c, struct mst_err *e)
{
	struct mst_http1_head head;
	struct mst_arena arena;
	struct mst_slice text;
	size_t used;
	int rc = mst_http1_scan(&c->scan, &text, &used, mst_buf_slice(&c->in), &limits, e);

	if (rc <= 0)
		return rc;
	mst_arena_init(&arena, NULL, 0);
	rc = mst_http1_reply(&head, text, MST_POST, &limits, &arena, e);
	if (rc == 0) {
		c->deal->status = head.status;
		c->framing = head.framing;
		c->body_len = head.framing == MST_HTTP1_LENGTH ? head.body_len : 0;
		c->keeps_alive = head.keeps_alive && head.framing != MST_HTTP1_TO_END;
		c->has_head = true;
	}
	mst_arena_done(&arena);
	mst_buf_drop(&c->in, used);
	return rc < 0 ? -1 : 1;
}

static int take_chunks(struct conn *c, struct mst_err *e)
{
	struct mst_slice data;
	size_t used;

	for (;;) {
		int rc = mst_http1_chunks_take(&c->chunks, &data, &used, mst_buf_slice(&c->in), e);
		if (rc < 0 || mst_buf_add(&c->body, data, e) < 0)
			return -1;
		mst_buf_drop(&c->in, used);
		if (rc == 1 || mst_buf_slice(&c->in).len == 0)
			return rc;
	}
}

/* 1 the answer is complete, 0 more is to come, -1. */
static int take(struct conn *c, struct mst_err *e)
{
	int rc = c->has_head ? 1 : take_head(c, e);

	if (rc <= 0)
		return rc;
	if (c->framing == MST_HTTP1_CHUNKED)
		return take_chunks(c, e);
	if (mst_buf_slice(&c->in).len < c->body_len)
		return 0;
	rc = mst_buf_add(&c->body, mst_slice(mst_buf_slice(&c->in).at, (size_t)c->body_len), e);
	mst_buf_drop(&c->in, (size_t)c->body_len);
	return rc < 0 ? -1 : c->framing != MST_HTTP1_TO_END;
}

static void on_readable(struct conn *c, struct mst_wire *wire)
{
	struct mst_err e = {.text = ""};
	uint8_t piece[PIECE];
	ssize_t n = recv(c->fd, piece, sizeof(piece), 0);
	int rc;

	if (n <= 0 || mst_buf_add(&c->in, mst_slice(piece, (size_t)n), &e) < 0) {
		over(c, wire, n == 0 && c->has_head && c->framing == MST_HTTP1_TO_END, "the server closed in the middle of an answer");
		return;
	}
	rc = take(c, &e);
	if (rc != 0)
		over(c, wire, rc > 0, e.text);
}

static bool begin(struct conn *c, struct mst_wire *wire, struct mst_wire_deal *deal)
{
	struct mst_err e;

	c->deal = deal;
	c->num_sent = 0;
	c->keeps_alive = false;
	c->began_ns = mst_clock_ns();
	if (c->fd < 0 && dial(c, wire, &e) < 0) {
		over(c, wire, false, e.text);
		return false;
	}
	while (c->num_sent < deal->request.len) {
		ssize_t n = send(c->fd, deal->request.at + c->num_sent, deal->request.len - c->num_sent, MSG_NOSIGNAL);
		if (n <= 0) {
			over(c, wire, false, "the server takes no request");
			return false;
		}
		c->num_sent += (size_t)n;
	}
	return true;
}

static void wait_some(struct conn *conns, struct mst_wire *wire)
{
	struct pollfd fds[CONNS_MAX];
	int num;

	for (uint32_t i = 0; i < wire->concurrency; i++)
		fds[i] = (struct pollfd){.fd = conns[i].deal ? conns[i].fd : -1, .events = POLLIN};
	num = poll(fds, wire->concurrency, WAIT_MS);
	for (uint32_t i = 0; i < wire->concurrency; i++) {
		if (num <= 0 && conns[i].deal)
			over(&conns[i], wire, false, "no answer in time");
		else if (fds[i].fd >= 0 && fds[i].revents)
			on_readable(&conns[i], wire);
	}
}

int mst_wire_run(struct mst_wire *wire, struct mst_wire_deal *deals, uint32_t num, struct mst_err *e)
{
	struct conn *conns;
	uint64_t began_ns = mst_clock_ns();
	uint32_t next = 0, num_flying;

	if (wire->concurrency > CONNS_MAX)
		return mst_fail(e, MST_E_CONF, "at most %d connections", CONNS_MAX);
	conns = calloc(wire->concurrency, sizeof(*conns));
	if (!conns)
		return mst_fail(e, MST_E_BUSY, "no memory");
	for (uint32_t i = 0; i < wire->concurrency; i++)
		conns[i].fd = -1;
	do {
		num_flying = 0;
		for (uint32_t i = 0; i < wire->concurrency; i++) {
			while (!conns[i].deal && next < num && !begin(&conns[i], wire, &deals[next++]))
				;
			num_flying += conns[i].deal != NULL;
		}
		if (num_flying)
			wait_some(conns, wire);
	} while (num_flying);
	wire->wall_ns = mst_clock_ns() - began_ns;
	for (uint32_t i = 0; i < wire->concurrency; i++)
		hang_up(&conns[i]);
	free(conns);
	return 0;
}
