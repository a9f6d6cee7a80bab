/* SPDX-License-Identifier: Apache-2.0 */
/* HTTPS, blocking: a socket, TLS, one request and its answer. */
#include "secure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "muster/http1.h"

#define WAIT_S    20
#define REPLY_MAX (1u << 20)

static const struct mst_http1_limits limits = {.line_max = 16384, .head_max = 32768, .headers_max = 64};

int mst_secure_init(struct mst_secure *s, struct mst_trust *trust, struct mst_err *e)
{
	const struct mst_tls_conf conf = {
		.is_client = true,
		.verify = {.context = trust, .verify = mst_trust_verify_server},
		.known_max = 4,
		.alpn = "http/1.1",
	};

	*s = (struct mst_secure){.in = {.limit = REPLY_MAX}, .fd = -1};
	return mst_tls_ctx_new(&s->ctx, &conf, NULL, NULL, e);
}

static void hang_up(struct mst_secure *s)
{
	if (s->tls)
		mst_tls_free(&s->tls);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	mst_buf_done(&s->in);
}

void mst_secure_done(struct mst_secure *s)
{
	hang_up(s);
	mst_tls_ctx_free(&s->ctx);
}

static int put(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct mst_secure *s = context;

	while (cipher.len) {
		ssize_t n = send(s->fd, cipher.at, cipher.len, MSG_NOSIGNAL);
		if (n < 0)
			return mst_fail_sys(e, errno, "cannot send");
		cipher = mst_slice(cipher.at + n, cipher.len - (size_t)n);
	}
	return 0;
}

static void on_ready(void *context)
{
}

/* What is there already, then one piece more from the socket. */
static int pump(struct mst_secure *s, bool waits, struct mst_err *e)
{
	uint8_t cipher[16384], plain[16384];
	ssize_t got = waits ? recv(s->fd, cipher, sizeof(cipher), 0) : 0;
	int n;

	if (waits && got <= 0)
		return got < 0 ? mst_fail_sys(e, errno, "no answer") : mst_fail(e, MST_E_IO, "the server closed");
	if (got > 0 && mst_tls_feed(s->tls, mst_slice(cipher, (size_t)got), e) < 0)
		return -1;
	while ((n = mst_tls_read(s->tls, plain, sizeof(plain), e)) > 0)
		if (mst_buf_add(&s->in, mst_slice(plain, (size_t)n), e) < 0)
			return -1;
	return n;
}

static int call(struct mst_secure *s, const char *host, uint16_t port, struct mst_err *e)
{
	const struct timeval wait = {.tv_sec = WAIT_S};
	const struct mst_tls_sink sink = {.context = s, .put = put, .on_ready = on_ready};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int one = 1;

	if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
		return mst_fail(e, MST_E_CONF, "%s is no IPv4 address", host);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
	    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return mst_fail_sys(e, errno, "cannot connect to %s:%u", host, port);
	if (mst_tls_new(&s->tls, s->ctx, &sink, e) < 0 || pump(s, false, e) < 0)
		return -1;
	while (!mst_tls_is_open(s->tls))
		if (pump(s, true, e) < 0)
			return -1;
	return 0;
}

static int take_head(struct mst_http1_head *head, struct mst_secure *s, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_http1_scan scan = {0};
	struct mst_slice text;
	size_t used;
	int rc;

	while ((rc = mst_http1_scan(&scan, &text, &used, mst_buf_slice(&s->in), &limits, e)) == 0)
		if (pump(s, true, e) < 0)
			return -1;
	if (rc < 0 || mst_http1_reply(head, text, MST_GET, &limits, arena, e) < 0)
		return -1;
	mst_buf_drop(&s->in, used);
	if (head->framing != MST_HTTP1_LENGTH && head->framing != MST_HTTP1_NO_BODY)
		return mst_fail(e, MST_E_SYNTAX, "an answer without a length");
	return 0;
}

static int exchange(struct mst_secure_reply *out, struct mst_secure *s, struct mst_arena *arena, struct mst_slice request,
		    struct mst_err *e)
{
	struct mst_http1_head head;
	size_t len;

	if (mst_tls_write(s->tls, request, e) < 0 || take_head(&head, s, arena, e) < 0)
		return -1;
	len = head.framing == MST_HTTP1_LENGTH ? (size_t)head.body_len : 0;
	while (mst_buf_slice(&s->in).len < len)
		if (pump(s, true, e) < 0)
			return -1;
	if (!mst_arena_copy(arena, &out->body, mst_slice(mst_buf_slice(&s->in).at, len)))
		return mst_fail(e, MST_E_BUSY, "no memory");
	mst_buf_drop(&s->in, len);
	out->status = head.status;
	if (!head.keeps_alive)
		hang_up(s);
	return 0;
}

int mst_secure_ask(struct mst_secure_reply *out, struct mst_secure *s, struct mst_arena *arena, const char *host, uint16_t port,
		   struct mst_slice request, struct mst_err *e)
{
	if ((s->fd < 0 && call(s, host, port, e) < 0) || exchange(out, s, arena, request, e) < 0) {
		hang_up(s);
		return -1;
	}
	return 0;
}
