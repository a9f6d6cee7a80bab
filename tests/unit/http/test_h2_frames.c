/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 at the edge, frames by hand: what no client session of ours would send, or not send. */
#include "rig.h"

static void add(struct mst_buf *out, uint8_t type, uint8_t flags, uint32_t stream, struct mst_slice payload)
{
	const uint8_t head[9] = {(uint8_t)(payload.len >> 16), (uint8_t)(payload.len >> 8), (uint8_t)payload.len, type, flags,
				 (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
	cr_assert_eq(mst_buf_add(out, mst_slice(head, sizeof(head)), NULL), 0);
	cr_assert_eq(mst_buf_add(out, payload, NULL), 0);
}

#define DATA     0
#define HEADERS  1
#define RST      3
#define SETTINGS 4
#define GOAWAY   7
/* ":method: POST", ":scheme: http", ":path: /echo", ":authority: a" */
#define POST_ECHO MST_S("\x83\x86\x44\x05/echo\x41\x01" "a")

static void begin_by_hand(struct rig *r, struct mst_buf *out)
{
	r->gate = MST_GATE_PLAIN;
	rig_start(r);
	rig_dial(r);
	cr_assert_eq(mst_buf_add(out, MST_S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), NULL), 0);
	add(out, SETTINGS, 0, 0, (struct mst_slice){NULL, 0});
}

static void send_by_hand(struct rig *r, struct mst_buf *out)
{
	rig_give(r, mst_buf_slice(out), 0);
	mst_buf_done(out);
}

/* How many frames of `type` came so far; the last one's payload. */
static size_t num_frames(struct rig *r, uint8_t type, struct mst_slice *payload)
{
	struct mst_slice got;
	size_t num = 0;
	rig_read(r);
	got = mst_buf_slice(&r->got);
	for (size_t at = 0; at + 9 <= got.len;) {
		size_t len = (size_t)got.at[at] << 16 | (size_t)got.at[at + 1] << 8 | got.at[at + 2];
		if (at + 9 + len > got.len)
			break;
		if (got.at[at + 3] == type) {
			num++;
			if (payload)
				*payload = mst_slice(got.at + at + 9, len);
		}
		at += 9 + len;
	}
	return num;
}

/* The edge's own number of streams in a phase. */
static uint32_t num_in(struct rig *r, enum http_phase phase)
{
	struct http_edge *edge = rig_edge(r);
	return edge && edge->framing == &mst_framing_h2 ? edge->h2.num[phase] : 0;
}

Test(frames, a_body_that_does_not_end_ends_its_stream_only)
{
	struct rig r = {0};
	struct mst_buf out = {.data = NULL};
	struct mst_slice code = {NULL, 0};
	r.conf.body_ms = 100;
	r.net_conf.state_ms[MST_CONN_BODY] = 50;
	begin_by_hand(&r, &out);
	add(&out, HEADERS, 4, 1, POST_ECHO);
	add(&out, DATA, 0, 1, MST_S("abc"));
	send_by_hand(&r, &out);
	UNTIL(&r, num_in(&r, PHASE_BODY) == 1);
	cr_expect_eq(rig_edge(&r)->conn->state, MST_CONN_BODY);
	UNTIL(&r, num_frames(&r, RST, &code) == 1);
	cr_expect(mst_slice_eq(code, MST_S("\0\0\0\0")), "NO_ERROR behind an answer");
	cr_expect_eq(num_frames(&r, HEADERS, NULL), 1, "408");
	cr_expect_eq(num_frames(&r, DATA, NULL), 1);
	UNTIL(&r, mst_slab_used(r.http->deals) == 0);
	add(&out, HEADERS, 5, 3, POST_ECHO);
	send_by_hand(&r, &out);
	UNTIL(&r, num_frames(&r, HEADERS, NULL) == 2);
	cr_expect_eq(num_frames(&r, GOAWAY, NULL), 0);
	rig_done(&r);
}

Test(frames, a_head_that_does_not_end_ends_the_connection)
{
	struct rig r = {0};
	struct mst_buf out = {.data = NULL};
	r.conf.head_ms = 100;
	begin_by_hand(&r, &out);
	add(&out, HEADERS, 0, 1, POST_ECHO); /* no END_HEADERS */
	send_by_hand(&r, &out);
	UNTIL(&r, num_frames(&r, GOAWAY, NULL) > 0);
	UNTIL(&r, (rig_read(&r), r.has_ended));
	UNTIL(&r, mst_slab_used(r.http->deals) == 0);
	rig_done(&r);
}

/* ":path: /deny" */
#define POST_DENY MST_S("\x83\x86\x44\x05/deny\x41\x01" "a")

Test(frames, refused_before_its_body_is_answered_and_a_short_rest_let_come)
{
	struct rig r = {0};
	struct mst_buf out = {.data = NULL};
	begin_by_hand(&r, &out);
	add(&out, HEADERS, 4, 1, POST_DENY);
	send_by_hand(&r, &out);
	UNTIL(&r, num_frames(&r, DATA, NULL) == 1);
	cr_expect_eq(num_frames(&r, HEADERS, NULL), 1);
	add(&out, DATA, 0, 1, MST_S("abc"));
	add(&out, DATA, 1, 1, MST_S("abc"));
	send_by_hand(&r, &out);
	UNTIL(&r, mst_slab_used(r.http->deals) == 0);
	cr_expect_eq(num_frames(&r, RST, NULL), 0);
	rig_done(&r);
}

Test(frames, a_refused_body_that_goes_on_is_ended_calmly)
{
	static uint8_t piece[16384];
	struct rig r = {0};
	struct mst_buf out = {.data = NULL};
	struct mst_slice code = {NULL, 0};
	r.conf.body_ms = 200;
	begin_by_hand(&r, &out);
	add(&out, HEADERS, 4, 1, POST_DENY);
	/* What is let come, and a window that is not given back. */
	for (int i = 0; i < 7; i++)
		add(&out, DATA, 0, 1, mst_slice(piece, sizeof(piece)));
	send_by_hand(&r, &out);
	UNTIL(&r, num_frames(&r, DATA, NULL) == 1);
	cr_expect_eq(num_in(&r, PHASE_SKIP), 1);
	UNTIL(&r, num_frames(&r, RST, &code) == 1);
	cr_expect(mst_slice_eq(code, MST_S("\0\0\0\0")));
	cr_expect_eq(num_frames(&r, HEADERS, NULL), 1);
	cr_expect_eq(num_frames(&r, DATA, NULL), 1);
	/* What was on its way meanwhile does no harm. */
	add(&out, DATA, 1, 1, MST_S("abc"));
	add(&out, HEADERS, 5, 3, POST_ECHO);
	send_by_hand(&r, &out);
	UNTIL(&r, num_frames(&r, HEADERS, NULL) == 2);
	cr_expect_eq(mst_slab_used(r.http->deals), 0);
	cr_expect_eq(num_frames(&r, GOAWAY, NULL), 0);
	rig_done(&r);
}

Test(frames, who_waits_for_100_and_is_refused_is_answered)
{
	struct rig r = {0};
	struct mst_buf out = {.data = NULL};
	begin_by_hand(&r, &out);
	add(&out, HEADERS, 4, 1, MST_S("\x83\x86\x44\x05/deny\x41\x01" "a\x0f\x14\x0c" "100-continue"));
	send_by_hand(&r, &out);
	UNTIL(&r, num_frames(&r, DATA, NULL) == 1);
	cr_expect_eq(num_frames(&r, HEADERS, NULL), 1);
	add(&out, RST, 0, 1, MST_S("\0\0\0\x08"));
	send_by_hand(&r, &out);
	UNTIL(&r, mst_slab_used(r.http->deals) == 0);
	rig_done(&r);
}

Test(frames, who_waits_for_100_is_told)
{
	struct rig r = {0};
	struct mst_buf out = {.data = NULL};
	begin_by_hand(&r, &out);
	add(&out, HEADERS, 4, 1,
	    MST_S("\x83\x86\x44\x05/echo\x41\x01" "a\x0f\x14\x0c" "100-continue")); /* expect, static name 35 */
	send_by_hand(&r, &out);
	UNTIL(&r, num_frames(&r, HEADERS, NULL) == 1);
	cr_expect_eq(r.num_walks, 0);
	add(&out, DATA, 1, 1, MST_S("abc"));
	send_by_hand(&r, &out);
	UNTIL(&r, num_frames(&r, HEADERS, NULL) == 2);
	cr_expect_eq(r.num_walks, 1);
	rig_done(&r);
}

Test(frames, bodies_of_one_connection_are_bounded_together)
{
	static uint8_t piece[16384];
	struct rig r = {0};
	struct mst_buf out = {.data = NULL};
	r.body_max = 3 << 20;
	r.num_warns = 1;
	begin_by_hand(&r, &out);
	add(&out, HEADERS, 4, 1, POST_ECHO);
	add(&out, HEADERS, 4, 3, POST_ECHO);
	/* Both windows are given back as the pieces come, so all of this may be sent. */
	for (size_t sent = 0; sent < (2 << 20) + 16384 * 4; sent += sizeof(piece)) {
		add(&out, DATA, 0, 1, mst_slice(piece, sizeof(piece)));
		add(&out, DATA, 0, 3, mst_slice(piece, sizeof(piece)));
		send_by_hand(&r, &out);
	}
	UNTIL(&r, num_frames(&r, HEADERS, NULL) == 1); /* 503 for one of them */
	struct http_edge *edge = rig_edge(&r);
	cr_assert(edge);
	cr_expect(edge->h2.held <= HTTP_HELD_MAX);
	cr_expect_eq(num_in(&r, PHASE_BODY), 1);
	cr_expect_eq(num_frames(&r, GOAWAY, NULL), 0);
	rig_done(&r);
}

Test(frames, only_the_plain_gate_knows_it_without_tls)
{
	struct rig r = {0};
	struct mst_buf out = {.data = NULL};
	begin_by_hand(&r, &out);
	rig_give(&r, mst_buf_slice(&out), 1);
	UNTIL(&r, num_frames(&r, SETTINGS, NULL) == 2);
	mst_buf_done(&out);
	/* HTTP/1.1 goes on beside it, also when it begins with the same letter. */
	rig_dial(&r);
	rig_give(&r, MST_S("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"), 1);
	cr_expect_eq(rig_reply(&r, MST_PUT, NULL, 0, NULL), 200);
	rig_done(&r);
}
