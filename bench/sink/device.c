/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices' port: plain lines, many devices on one connection.
 *
 *   hello TOKENHEX                    the device is here and takes pushes from now on
 *   push TOKENHEX PAYLOAD-BASE64      our answer, now or later
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "muster/text.h"

#define LINE_MAX_LEN 256
#define HELLO        "hello "

struct device_link {
	struct mst_buf in;
};

static int on_open(struct mst_conn *c)
{
	struct device_link *link = calloc(1, sizeof(*link));

	c->up = link;
	return link ? 0 : -1;
}

static bool take_line(struct mst_conn *c, struct mst_slice line)
{
	struct sink *sink = c->listener_up;
	uint8_t token[SINK_TOKEN_LEN];
	struct mst_slice hex;

	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	if (!mst_slice_starts(line, MST_S(HELLO)))
		return false;
	hex = mst_slice(line.at + sizeof(HELLO) - 1, line.len - (sizeof(HELLO) - 1));
	if (hex.len != 2 * sizeof(token) || mst_hex_get(token, sizeof(token), hex, NULL) < 0)
		return false;
	mst_desk_hello(sink->desk, token, c);
	return true;
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	struct device_link *link = c->up;
	struct mst_slice left;
	struct mst_err e;
	bool is_fine = mst_buf_add(&link->in, bytes, &e) == 0;

	left = mst_buf_slice(&link->in);
	while (is_fine) {
		size_t len = mst_slice_find(left, '\n');
		if (len == left.len)
			break;
		is_fine = take_line(c, mst_slice(left.at, len));
		left = mst_slice(left.at + len + 1, left.len - len - 1);
	}
	mst_buf_drop(&link->in, mst_buf_slice(&link->in).len - left.len);
	mst_conn_flush(c);
	if (!is_fine || left.len > LINE_MAX_LEN)
		mst_conn_finish(c, "not a hello");
}

static void on_end(struct mst_conn *c)
{
	mst_conn_close(c, "closed by peer");
}

static void on_gone(struct mst_conn *c)
{
	struct device_link *link = c->up;

	if (link)
		mst_buf_done(&link->in);
	free(link);
}

const struct mst_edge mst_device_edge = {.on_open = on_open, .on_bytes = on_bytes, .on_end = on_end, .on_gone = on_gone};

bool mst_device_push(struct mst_conn *c, const uint8_t token[static SINK_TOKEN_LEN], struct mst_slice payload)
{
	char line[8 + 2 * SINK_TOKEN_LEN + MST_BASE64_LEN(SINK_PAYLOAD_MAX)], *at = line;
	struct mst_err e;

	memcpy(at, "push ", 5);
	at += 5;
	mst_hex_put(at, mst_slice(token, SINK_TOKEN_LEN));
	at += 2 * SINK_TOKEN_LEN;
	*at++ = ' ';
	mst_base64_put(at, payload);
	at += MST_BASE64_LEN(payload.len);
	*at++ = '\n';
	if (mst_conn_put(c, mst_slice(line, (size_t)(at - line)), &e) < 0)
		return false;
	mst_conn_flush(c);
	return true;
}
