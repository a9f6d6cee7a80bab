/* SPDX-License-Identifier: Apache-2.0 */
/* Two sides of HTTP/2 in memory, what each was told, and frames made by hand. */
#ifndef MUSTER_TEST_H2_RIG_H
#define MUSTER_TEST_H2_RIG_H

#include <criterion/criterion.h>

#include "muster/buf.h"
#include "muster/h2.h"

#define RIG_STREAMS 32768

struct rig_stream {
	struct rig_side *side;
	uint32_t id;
	char head[512]; /* "name: value\n" */
	struct mst_buf body;
	int num_heads, num_ends, num_gone;
	bool is_end, is_done, may_retry;
};

struct rig_side {
	struct mst_h2 *h2;
	struct mst_buf out; /* what was put and not yet fed to the other */
	struct rig_stream *streams;
	uint32_t num_streams;
	uint32_t num_gone, num_done, num_retry, num_settings, num_pongs, num_goaways, num_puts;
	size_t piece_max;
	uint32_t goaway_code;
	char goaway_debug[64];
	/* switches */
	bool refuses, fails_header, fails_put, is_full, consumes, asks_when_gone;
	bool replies; /* servers: 200 and `answer` at the request's end */
	struct mst_slice answer;
	struct mst_err e;
};

void rig_side_init(struct rig_side *side, bool is_client, const struct mst_h2_limits *limits);
void rig_side_done(struct rig_side *side);
/* rig_ask sends the usual push-like request; its record. NULL when there is no room. */
struct rig_stream *rig_ask(struct rig_side *side, struct mst_slice body);
int rig_reply(struct rig_stream *stream, const char *status, struct mst_slice body);
/* rig_pump carries bytes both ways until there are none; 0, -1 when a side broke (its `e` says why). */
int rig_pump(struct rig_side *a, struct rig_side *b);
/* rig_frame appends a frame. */
void rig_frame(struct mst_buf *out, uint8_t type, uint8_t flags, uint32_t id, struct mst_slice payload);
/* rig_preface appends a client's start. */
void rig_preface(struct mst_buf *out);
/* rig_feed feeds and drops all of `bytes`, then flushes. */
int rig_feed(struct rig_side *side, struct mst_buf *bytes);
/* rig_find_frame finds the n-th frame of `type` in `bytes` (without a preface); its payload; false when there is none. */
bool rig_find_frame(struct mst_slice bytes, uint8_t type, int n, uint8_t *flags, uint32_t *id,
		    struct mst_slice *payload);

/* ":method: GET", ":scheme: https", ":path: /", ":authority: x" by static table. */
#define RIG_GET MST_S("\x82\x87\x84\x41\x01x")
/* The same with POST. */
#define RIG_POST MST_S("\x83\x87\x84\x41\x01x")

enum {
	RIG_DATA, RIG_HEADERS, RIG_PRIORITY, RIG_RST, RIG_SETTINGS, RIG_PUSH, RIG_PING, RIG_GOAWAY,
	RIG_WINDOW, RIG_CONTINUATION,
};
#define RIG_END_STREAM  1
#define RIG_ACK         1
#define RIG_END_HEADERS 4
#define RIG_PADDED      8

#endif
