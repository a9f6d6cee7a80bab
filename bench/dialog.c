/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of a device: dial, TLS as a client, requests out, replies in. */
#include <stdlib.h>

#include "parts.h"

struct mst_dialog {
	struct mst_device_sim *dev; /* NULL: the device went on without it */
	struct mst_fleet *fleet;
	struct mst_conn *conn;
	struct mst_tls *tls;
	struct mst_talk *talk; /* HTTP/2; NULL: HTTP/1.1 */
	struct mst_buf in;
	struct mst_http1_scan scan;
	bool was_open, has_head, keeps_alive, is_broken;
	int status;
	uint64_t body_len;
	uint32_t num_replies;
};

static const struct mst_http1_limits limits = {
	.line_max = 16384, .head_max = 32768, .headers_max = 64};

static struct mst_device_sim *detach(struct mst_dialog *d)
{
	struct mst_device_sim *dev = d->dev;

	d->dev = NULL;
	if (dev)
		dev->dialog = NULL;
	return dev;
}

/* The connection is of no more use; the device hears it once. */
static void broken(struct mst_dialog *d, enum mst_fleet_error kind, const char *why)
{
	struct mst_device_sim *dev = detach(d);

	d->is_broken = true;
	mst_conn_close(d->conn, why);
	if (dev)
		mst_device_on_broken(dev, kind, why);
}

static int put(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct mst_dialog *d = context;

	return mst_conn_put(d->conn, cipher, e);
}

/* The reply's head; 1 when it is in. */
static int take_head(struct mst_dialog *d, struct mst_err *e)
{
	struct mst_slice head;
	struct mst_http1_head reply;
	struct mst_arena arena;
	size_t used;
	int rc = mst_http1_scan(&d->scan, &head, &used, mst_buf_slice(&d->in), &limits, e);

	if (rc <= 0)
		return rc;
	mst_arena_init(&arena, &d->fleet->chunks, 0);
	rc = mst_http1_reply(&reply, head, MST_PUT, &limits, &arena, e);
	if (rc == 0 && (reply.framing == MST_HTTP1_CHUNKED || reply.framing == MST_HTTP1_TO_END))
		rc = mst_fail(e, MST_E_SYNTAX, "a reply without a length");
	if (rc == 0) {
		d->status = reply.status;
		d->keeps_alive = reply.keeps_alive;
		d->body_len = reply.framing == MST_HTTP1_LENGTH ? reply.body_len : 0;
		d->has_head = true;
	}
	mst_arena_done(&arena);
	mst_buf_drop(&d->in, used);
	d->scan = (struct mst_http1_scan){0};
	return rc < 0 ? -1 : 1;
}

static void take_reply(struct mst_dialog *d)
{
	struct mst_device_sim *dev = d->dev;
	struct mst_slice body = mst_slice(mst_buf_slice(&d->in).at, (size_t)d->body_len);

	d->has_head = false;
	d->num_replies++;
	if (!d->keeps_alive) {
		detach(d);
		mst_conn_finish(d->conn, "the server closes");
	} else {
		mst_conn_set(d->conn, MST_CONN_IDLE);
	}
	mst_device_on_reply(dev, d->status, body);
	mst_buf_drop(&d->in, (size_t)d->body_len);
}

/* Everything that came goes to HTTP/2. */
static void take_frames(struct mst_dialog *d)
{
	struct mst_slice bytes = mst_buf_slice(&d->in), body;
	struct mst_device_sim *dev = d->dev;
	struct mst_err e;
	int rc;

	if (bytes.len == 0)
		return;
	rc = mst_talk_feed(d->talk, bytes, &e);
	mst_buf_drop(&d->in, bytes.len);
	mst_conn_flush(d->conn);
	if (rc < 0)
		broken(d, FLEET_HTTP, "HTTP/2 broke");
	if (rc <= 0 || !dev)
		return;
	body = mst_talk_answer(d->talk, &d->status);
	d->num_replies++;
	mst_conn_set(d->conn, MST_CONN_IDLE);
	mst_device_on_reply(dev, d->status, body);
}

static void take_replies(struct mst_dialog *d)
{
	struct mst_err e;

	while (d->dev) {
		int rc = d->has_head ? 1 : take_head(d, &e);
		if (rc < 0) {
			broken(d, FLEET_HTTP, "the reply is not HTTP");
			return;
		}
		if (rc == 0 || mst_buf_slice(&d->in).len < d->body_len)
			return;
		take_reply(d);
	}
}

/* Everything TLS has to give; false when the session broke. */
static bool read_dry(struct mst_dialog *d)
{
	static _Thread_local uint8_t plain[16384];
	struct mst_err e;
	int n;

	while ((n = mst_tls_read(d->tls, plain, sizeof(plain), &e)) > 0)
		if (mst_buf_add(&d->in, mst_slice(plain, (size_t)n), &e) < 0) {
			n = -1;
			break;
		}
	mst_conn_flush(d->conn);
	if (n == 0)
		return true;
	if (d->dev && d->num_replies == 0 && !d->fleet->tally->first_error[0])
		snprintf(d->fleet->tally->first_error, sizeof(d->fleet->tally->first_error),
			 "TLS: %.150s", e.text);
	broken(d, d->num_replies ? FLEET_CLOSED : FLEET_HANDSHAKE, "TLS broke");
	return false;
}

static int put_plain(void *context, struct mst_slice bytes, struct mst_err *e)
{
	struct mst_dialog *d = context;

	return mst_tls_write(d->tls, bytes, e);
}

/* TLS is open: HTTP/2 begins where it was wanted and chosen. */
static bool begin(struct mst_dialog *d)
{
	struct mst_err e;

	d->was_open = true;
	mst_conn_set(d->conn, MST_CONN_IDLE);
	if (!d->fleet->conf->is_http2)
		return true;
	if (mst_slice_eq(mst_tls_alpn0(d->tls), MST_S("h2")) &&
	    mst_talk_new(&d->talk, d->fleet->conf, d, put_plain, &e) == 0)
		return true;
	broken(d, FLEET_HANDSHAKE, "the server does not speak HTTP/2");
	return false;
}

static void drive(struct mst_dialog *d)
{
	if (d->tls && !read_dry(d))
		return;
	if (!d->was_open && (!d->tls || mst_tls_is_open(d->tls))) {
		if (!begin(d))
			return;
		if (d->dev)
			mst_device_on_open(d->dev, d->tls && mst_tls_is_resumed(d->tls));
	}
	if (d->talk)
		take_frames(d);
	else
		take_replies(d);
}

static void on_ready(void *context)
{
	drive(context);
}

static int on_open(struct mst_conn *c)
{
	struct mst_dialog *d = c->up;
	const struct mst_tls_sink sink = {.context = d, .put = put, .on_ready = on_ready};
	struct mst_err e;

	if (!d->dev || (d->dev->ctx && mst_tls_new(&d->tls, d->dev->ctx, &sink, &e) < 0))
		return -1;
	if (d->dev->ticket)
		mst_tls_ticket_set(d->tls, d->dev->ticket);
	drive(d);
	return 0;
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	struct mst_dialog *d = c->up;
	struct mst_err e;

	if (d->is_broken || !(d->tls || d->was_open))
		return;
	if ((d->tls ? mst_tls_feed(d->tls, bytes, &e) : mst_buf_add(&d->in, bytes, &e)) < 0)
		broken(d, FLEET_HANDSHAKE, "TLS cannot take more");
	else
		drive(d);
}

static void on_sent(struct mst_conn *c)
{
}

/* The server ends its side: the device goes on with another connection. */
static void on_end(struct mst_conn *c)
{
	struct mst_dialog *d = c->up;
	struct mst_device_sim *dev = detach(d);

	mst_conn_finish(c, "the server closed");
	if (dev)
		mst_device_on_broken(dev, d->was_open ? FLEET_CLOSED : FLEET_HANDSHAKE,
				     "the server closed");
}

static void on_late(struct mst_conn *c)
{
	struct mst_dialog *d = c->up;

	broken(d, FLEET_LATE, "no answer in time");
}

static void on_gone(struct mst_conn *c)
{
	struct mst_dialog *d = c->up;
	struct mst_device_sim *dev = detach(d);
	enum mst_fleet_error kind = d->was_open ? FLEET_CLOSED
				    : d->tls    ? FLEET_HANDSHAKE
						: FLEET_CONNECT;

	if (dev)
		mst_device_on_broken(dev, kind, c->why ? c->why : "the server closed");
	mst_talk_free(&d->talk);
	mst_tls_free(&d->tls);
	mst_buf_done(&d->in);
	free(d);
}

const struct mst_edge mst_dialog_edge = {.on_open = on_open,
					 .on_bytes = on_bytes,
					 .on_sent = on_sent,
					 .on_late = on_late,
					 .on_end = on_end,
					 .on_gone = on_gone};

static int make_ctx(struct mst_device_sim *dev, struct mst_err *e)
{
	const struct mst_slice none = {NULL, 0};
	const struct mst_tls_conf conf = {
		.is_client = true,
		.chain_pem = dev->signer ? none : dev->chain_pem,
		.key_pem = dev->signer ? none : dev->key_pem,
		.verify = {.context = dev->fleet->trust, .verify = mst_trust_verify_server},
		.allows_12 = true,
		.forbids_13 = dev->fleet->conf->is_tls12,
		.known_max = 4,
		.alpn = dev->fleet->conf->is_http2 ? "h2" : NULL,
		.ticket_secret =
			{1}, /* servers' business; not all zero, so that tickets are kept */
	};

	return mst_tls_ctx_new(&dev->ctx, &conf, NULL, dev->fleet->loop, e);
}

int mst_dialog_open(struct mst_device_sim *dev, struct mst_err *e)
{
	struct mst_dialog *d;

	if (!dev->ctx && !dev->fleet->conf->is_plain && make_ctx(dev, e) < 0)
		return -1;
	d = calloc(1, sizeof(*d));
	if (!d)
		return mst_fail(e, MST_E_BUSY, "no memory");
	d->dev = dev;
	d->fleet = dev->fleet;
	if (mst_net_dial(&d->conn, dev->fleet->net, &dev->fleet->to, &mst_dialog_edge, d, e) < 0) {
		free(d);
		return -1;
	}
	dev->dialog = d;
	return 0;
}

void mst_dialog_send(struct mst_dialog *d, const struct mst_request *request)
{
	char room[REQUEST_ROOM];
	struct mst_err e;
	int rc;

	/* Gone a moment ago: on_gone will tell the device. */
	if (!mst_conn_may(d->conn->state, MST_CONN_HEAD))
		return;
	mst_conn_set(d->conn, MST_CONN_HEAD);
	/* What cannot be written shows itself when the answer is late or the connection gone. */
	if (d->talk)
		rc = mst_talk_ask(d->talk, request, &e);
	else if (d->tls)
		rc = mst_tls_write(d->tls, mst_message_write(room, d->fleet->conf, request), &e);
	else
		rc = mst_conn_put(d->conn, mst_message_write(room, d->fleet->conf, request), &e);
	if (rc < 0)
		mst_conn_finish(d->conn, "cannot send");
	else
		mst_conn_flush(d->conn);
}

void mst_dialog_close(struct mst_device_sim *dev)
{
	struct mst_dialog *d = dev->dialog;

	if (!d)
		return;
	if (dev->fleet->conf->is_resuming && d->tls) {
		struct mst_tls_ticket *ticket = mst_tls_ticket_get1(d->tls);
		if (ticket) {
			mst_tls_ticket_free(&dev->ticket);
			dev->ticket = ticket;
		}
	}
	detach(d);
	if (d->tls)
		mst_tls_shut(d->tls);
	mst_conn_finish(d->conn, "done");
}
