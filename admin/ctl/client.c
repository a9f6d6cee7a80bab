/* SPDX-License-Identifier: Apache-2.0 */
/* A small blocking HTTP/1.1 client over a Unix socket, one request for a connection. */
#include "client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "muster/buf.h"
#include "muster/http1.h"

#define READ_LEN 65536

static const struct mst_http1_limits limits = {
	.line_max = 16384, .head_max = 32768, .headers_max = 64};

static int open_socket(int *out, const char *path, struct mst_err *e)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_sec = MST_CLIENT_WAIT_S};
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(to.sun_path))
		return mst_fail(e, MST_E_CONF, "the socket's path is longer than %zu bytes",
				sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return mst_fail_sys(e, errno, "cannot make a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		int sys = errno;
		close(fd);
		return mst_fail_sys(e, sys, "cannot reach musterd at %s", path);
	}
	*out = fd;
	return 0;
}

static int send_all(int fd, struct mst_slice bytes, struct mst_err *e)
{
	while (bytes.len) {
		ssize_t n = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mst_fail_sys(e, errno, "cannot send the request");
		bytes = mst_slice(bytes.at + n, bytes.len - (size_t)n);
	}
	return 0;
}

static int send_request(int fd, struct mst_arena *arena, const struct mst_call *call,
			struct mst_err *e)
{
	struct mst_slice head;

	if (!mst_arena_format(arena, &head,
			      "%s %.*s HTTP/1.1\r\nHost: localhost\r\nConnection: "
			      "close\r\n%s%s%sContent-Length: %zu\r\n\r\n",
			      call->method, (int)call->target.len, (const char *)call->target.at,
			      call->type ? "Content-Type: " : "", call->type ? call->type : "",
			      call->type ? "\r\n" : "", call->body.len))
		return mst_fail(e, MST_E_BUSY, "no memory for the request");
	if (send_all(fd, head, e) < 0)
		return -1;
	return send_all(fd, call->body, e);
}

/* Reads until the server ends its side: the request asked for that. */
static int read_all(int fd, struct mst_buf *in, struct mst_err *e)
{
	for (;;) {
		uint8_t *room = mst_buf_room(in, READ_LEN, e);
		ssize_t n;
		if (!room)
			return -1;
		n = recv(fd, room, READ_LEN, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return mst_fail(e, MST_E_TIMEOUT, "musterd did not answer within %d s",
					MST_CLIENT_WAIT_S);
		if (n < 0)
			return mst_fail_sys(e, errno, "cannot read the answer");
		if (n == 0)
			return 0;
		mst_buf_put(in, (size_t)n);
	}
}

static int join_chunks(struct mst_slice *out, struct mst_arena *arena, struct mst_slice bytes,
		       struct mst_err *e)
{
	struct mst_http1_chunks chunks = {0};
	uint8_t *whole = mst_arena_get(arena, bytes.len + 1);
	size_t len = 0;
	int rc = 0;

	if (!whole)
		return mst_fail(e, MST_E_BUSY, "no memory for the answer");
	while (rc == 0 && bytes.len) {
		struct mst_slice data = {NULL, 0};
		size_t used = 0;
		rc = mst_http1_chunks_take(&chunks, &data, &used, bytes, e);
		if (rc < 0)
			return -1;
		if (data.len)
			memcpy(whole + len, data.at, data.len);
		len += data.len;
		bytes = mst_slice(bytes.at + used, bytes.len - used);
	}
	if (rc == 0)
		return mst_fail(e, MST_E_SYNTAX, "the answer ends in the middle");
	whole[len] = 0;
	*out = mst_slice(whole, len);
	return 0;
}

static int take_body(struct mst_slice *out, struct mst_arena *arena,
		     const struct mst_http1_head *head, struct mst_slice rest, struct mst_err *e)
{
	if (head->framing == MST_HTTP1_CHUNKED)
		return join_chunks(out, arena, rest, e);
	if (head->framing == MST_HTTP1_LENGTH) {
		if (rest.len < head->body_len)
			return mst_fail(e, MST_E_SYNTAX, "the answer ends in the middle");
		rest.len = (size_t)head->body_len;
	} else if (head->framing == MST_HTTP1_NO_BODY) {
		rest.len = 0;
	}
	return mst_arena_copy(arena, out, rest)
		       ? 0
		       : mst_fail(e, MST_E_BUSY, "no memory for the answer");
}

static int parse_reply(struct mst_call_reply *out, struct mst_arena *arena, struct mst_slice bytes,
		       struct mst_err *e)
{
	for (;;) {
		struct mst_http1_scan scan = {0};
		struct mst_http1_head head;
		struct mst_slice text;
		size_t used;
		int rc = mst_http1_scan(&scan, &text, &used, bytes, &limits, e);
		if (rc == 0)
			return mst_fail(e, MST_E_SYNTAX, "the answer ends in the middle");
		if (rc < 0 || mst_http1_reply(&head, text, MST_OTHER_METHOD, &limits, arena, e) < 0)
			return -1;
		bytes = mst_slice(bytes.at + used, bytes.len - used);
		if (head.status < 200)
			continue;
		out->status = head.status;
		return take_body(&out->body, arena, &head, bytes, e);
	}
}

int mst_client_call(struct mst_call_reply *out, struct mst_arena *arena,
		    const struct mst_call *call, struct mst_err *e)
{
	struct mst_buf in = {.limit = MST_CLIENT_REPLY_MAX};
	int fd, rc;

	if (open_socket(&fd, call->socket, e) < 0)
		return -1;
	rc = send_request(fd, arena, call, e);
	if (rc == 0)
		rc = read_all(fd, &in, e);
	if (rc == 0)
		rc = parse_reply(out, arena, mst_buf_slice(&in), e);
	mst_buf_done(&in);
	close(fd);
	return rc;
}

int mst_client_escape(struct mst_slice *out, struct mst_arena *arena, struct mst_slice text,
		      const char *keep, struct mst_err *e)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	static const char digits[] = "0123456789ABCDEF";
	uint8_t *at = mst_arena_get(arena, text.len * 3 + 1);
	size_t len = 0;

	if (!at)
		return mst_fail(e, MST_E_BUSY, "no memory");
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		if (c && (strchr(plain, c) || strchr(keep, c))) {
			at[len++] = c;
			continue;
		}
		at[len++] = '%';
		at[len++] = (uint8_t)digits[c >> 4];
		at[len++] = (uint8_t)digits[c & 15];
	}
	*out = mst_slice(at, len);
	return 0;
}
