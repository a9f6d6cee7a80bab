/* SPDX-License-Identifier: Apache-2.0 */
/* The rig's inside. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

static int on_put(void *context, struct mst_slice bytes, struct mst_err *e)
{
	struct rig_side *side = context;
	if (side->fails_put)
		return mst_fail(e, MST_E_IO, "the sink is full");
	side->num_puts++;
	if (bytes.len > side->piece_max)
		side->piece_max = bytes.len;
	return mst_buf_add(&side->out, bytes, e) < 0 ? -1 : side->is_full;
}

static struct rig_stream *add_stream(struct rig_side *side, uint32_t id)
{
	cr_assert_lt(side->num_streams, RIG_STREAMS);
	struct rig_stream *stream = &side->streams[side->num_streams++];
	*stream = (struct rig_stream){.side = side, .id = id};
	return stream;
}

static void *on_stream(void *context, uint32_t id)
{
	struct rig_side *side = context;
	return side->refuses ? NULL : add_stream(side, id);
}

static int on_header(void *up, struct mst_slice name, struct mst_slice value)
{
	struct rig_stream *stream = up;
	size_t at = strlen(stream->head);
	cr_assert_eq(stream->num_heads, 0);
	snprintf(stream->head + at, sizeof(stream->head) - at, "%.*s: %.*s\n", (int)name.len,
		 (const char *)name.at, (int)value.len, (const char *)value.at);
	return stream->side->fails_header ? -1 : 0;
}

static void on_head(void *up, bool is_end)
{
	struct rig_stream *stream = up;
	stream->num_heads++;
	stream->is_end = is_end;
}

static void on_body(void *up, struct mst_slice bytes)
{
	struct rig_stream *stream = up;
	cr_assert_eq(stream->num_heads, 1);
	cr_assert_eq(stream->num_ends, 0);
	cr_assert_eq(mst_buf_add(&stream->body, bytes, NULL), 0);
	if (stream->side->consumes)
		mst_h2_consume(stream->side->h2, stream->id, bytes.len);
}

int rig_reply(struct rig_stream *stream, const char *status, struct mst_slice body)
{
	const struct mst_h2_header headers[] = {
		{MST_S(":status"), mst_slice_str(status), false},
		{MST_S("apns-id"), MST_S("EC1BF194-B3B2-424A-89A9-5A918A6E6B5A"), true},
	};
	return mst_h2_reply(stream->side->h2, stream->id, headers, MST_LEN(headers), body,
			    &stream->side->e);
}

static void on_end(void *up)
{
	struct rig_stream *stream = up;
	cr_assert_eq(stream->num_heads, 1);
	cr_assert_eq(stream->num_ends++, 0);
	if (stream->side->replies)
		cr_assert_eq(rig_reply(stream, "200", stream->side->answer), 0);
}

static void on_gone(void *up, bool is_done, bool may_retry)
{
	struct rig_stream *stream = up;
	struct rig_side *side = stream->side;
	cr_assert_eq(stream->num_gone++, 0);
	stream->is_done = is_done;
	stream->may_retry = may_retry;
	side->num_gone++;
	side->num_done += is_done;
	side->num_retry += may_retry;
	if (side->asks_when_gone)
		rig_ask(side, MST_S("again"));
}

static void on_goaway(void *context, uint32_t code, struct mst_slice debug)
{
	struct rig_side *side = context;
	side->num_goaways++;
	side->goaway_code = code;
	snprintf(side->goaway_debug, sizeof(side->goaway_debug), "%.*s", (int)debug.len,
		 (const char *)debug.at);
}

static void on_settings(void *context)
{
	((struct rig_side *)context)->num_settings++;
}

static void on_pong(void *context)
{
	((struct rig_side *)context)->num_pongs++;
}

void rig_side_init(struct rig_side *side, bool is_client, const struct mst_h2_limits *limits)
{
	const struct mst_h2_hooks hooks = {
		.context = side,
		.put = on_put,
		.on_stream = on_stream,
		.on_header = on_header,
		.on_head = on_head,
		.on_body = on_body,
		.on_end = on_end,
		.on_gone = on_gone,
		.on_goaway = on_goaway,
		.on_settings = on_settings,
		.on_pong = on_pong,
	};
	*side = (struct rig_side){.consumes = true};
	side->streams = calloc(RIG_STREAMS, sizeof(*side->streams));
	cr_assert(side->streams);
	cr_assert_eq(mst_h2_new(&side->h2, is_client, limits, &hooks, &side->e), 0);
}

void rig_side_done(struct rig_side *side)
{
	mst_h2_free(&side->h2);
	cr_expect_null(side->h2);
	for (uint32_t i = 0; i < side->num_streams; i++) {
		cr_expect_eq(side->streams[i].num_gone, 1, "stream %u", side->streams[i].id);
		mst_buf_done(&side->streams[i].body);
	}
	free(side->streams);
	mst_buf_done(&side->out);
}

struct rig_stream *rig_ask(struct rig_side *side, struct mst_slice body)
{
	static const struct mst_h2_header headers[] = {
		{MST_S_INIT(":method"), MST_S_INIT("POST"), false},
		{MST_S_INIT(":scheme"), MST_S_INIT("https"), false},
		{MST_S_INIT(":path"), MST_S_INIT("/3/device/00fc13adff785122"), true},
		{MST_S_INIT(":authority"), MST_S_INIT("api.push.apple.com"), false},
		{MST_S_INIT("apns-topic"), MST_S_INIT("com.apple.mgmt.External.x"), false},
		{MST_S_INIT("apns-push-type"), MST_S_INIT("mdm"), false},
	};
	struct rig_stream *stream = add_stream(side, 0);
	if (mst_h2_ask(side->h2, &stream->id, headers, MST_LEN(headers), body, stream, &side->e) == 0)
		return stream;
	side->num_streams--;
	return NULL;
}

/* One way; what was put by a failing flush is carried too. */
static int carry(struct rig_side *from, struct rig_side *to)
{
	int rc = mst_h2_flush(from->h2, &from->e);
	if (mst_buf_slice(&from->out).len &&
	    mst_h2_feed(to->h2, mst_buf_slice(&from->out), &to->e) < 0)
		rc = -1;
	mst_buf_drop(&from->out, mst_buf_slice(&from->out).len);
	return rc;
}

int rig_pump(struct rig_side *a, struct rig_side *b)
{
	for (;;) {
		uint32_t puts = a->num_puts + b->num_puts;
		int rc = carry(a, b) | carry(b, a);
		if (rc < 0 || puts == a->num_puts + b->num_puts)
			return rc;
	}
}

void rig_frame(struct mst_buf *out, uint8_t type, uint8_t flags, uint32_t id, struct mst_slice payload)
{
	const uint8_t head[9] = {(uint8_t)(payload.len >> 16), (uint8_t)(payload.len >> 8),
				 (uint8_t)payload.len, type, flags, (uint8_t)(id >> 24),
				 (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
	cr_assert_eq(mst_buf_add(out, mst_slice(head, sizeof(head)), NULL), 0);
	cr_assert_eq(mst_buf_add(out, payload, NULL), 0);
}

void rig_preface(struct mst_buf *out)
{
	cr_assert_eq(mst_buf_add(out, MST_S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), NULL), 0);
	rig_frame(out, RIG_SETTINGS, 0, 0, mst_slice(NULL, 0));
}

int rig_feed(struct rig_side *side, struct mst_buf *bytes)
{
	int rc = mst_h2_feed(side->h2, mst_buf_slice(bytes), &side->e);
	mst_buf_drop(bytes, mst_buf_slice(bytes).len);
	return mst_h2_flush(side->h2, rc < 0 ? NULL : &side->e) < 0 ? -1 : rc;
}

bool rig_find_frame(struct mst_slice bytes, uint8_t type, int n, uint8_t *flags, uint32_t *id,
		    struct mst_slice *payload)
{
	const uint8_t *at = bytes.at, *end = at + bytes.len;
	while (end - at >= 9) {
		size_t len = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
		cr_assert_leq(len, (size_t)(end - at - 9));
		if (at[3] == type && n-- == 0) {
			*flags = at[4];
			*id = (uint32_t)at[5] << 24 | (uint32_t)at[6] << 16 | (uint32_t)at[7] << 8 | at[8];
			*payload = mst_slice(at + 9, len);
			return true;
		}
		at += 9 + len;
	}
	return false;
}
