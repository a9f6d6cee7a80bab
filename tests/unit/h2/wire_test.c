/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes made by hand: splits, interim answers, trailers, and what is broken. */
#include "rig.h"

static struct rig_side server, client;
static struct mst_buf bytes;

static void start_client(void)
{
	rig_side_init(&client, true, NULL);
	rig_frame(&bytes, RIG_SETTINGS, 0, 0, MST_S(""));
}

static void stop_client(void)
{
	rig_side_done(&client);
	mst_buf_done(&bytes);
}

/* A conversation of every kind of frame, fed in pieces of `step` bytes; what the server learned from it. */
static void converse(size_t step, struct mst_buf *told)
{
	rig_side_init(&server, false, NULL);
	server.replies = true;
	rig_preface(&bytes);
	rig_frame(&bytes, RIG_WINDOW, 0, 0, MST_S("\0\1\0\0"));
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, 1, RIG_GET);
	rig_frame(&bytes, 0xbe, 0, 0, MST_S("unknown"));
	rig_frame(&bytes, RIG_HEADERS, 0, 3, MST_S("\x83\x87"));
	rig_frame(&bytes, RIG_CONTINUATION, RIG_END_HEADERS, 3, MST_S("\x84\x41\x01x"));
	rig_frame(&bytes, RIG_PING, 0, 0, MST_S("12345678"));
	rig_frame(&bytes, RIG_DATA, RIG_PADDED, 3, MST_S("\2body\0\0"));
	rig_frame(&bytes, RIG_DATA, RIG_END_STREAM, 3, MST_S(" and more"));
	struct mst_slice all = mst_buf_slice(&bytes);
	for (size_t at = 0; at < all.len; at += step) {
		size_t len = all.len - at < step ? all.len - at : step;
		cr_assert_eq(mst_h2_feed(server.h2, mst_slice(all.at + at, len), NULL), 0);
		cr_assert_eq(mst_h2_flush(server.h2, NULL), 0);
	}
	for (uint32_t i = 0; i < server.num_streams; i++) {
		const struct rig_stream *stream = &server.streams[i];
		cr_expect(stream->is_done, "step %zu", step);
		cr_assert_eq(mst_buf_add(told, mst_slice_str(stream->head), NULL), 0);
		cr_assert_eq(mst_buf_add(told, mst_buf_slice(&stream->body), NULL), 0);
	}
	rig_side_done(&server);
	mst_buf_done(&bytes);
}

Test(h2_wire, any_split_gives_the_same)
{
	struct mst_buf want = {.limit = 0}, told = {.limit = 0};
	converse(SIZE_MAX / 2, &want);
	cr_expect(mst_slice_eq(mst_buf_slice(&want),
			       MST_S(":method: GET\n:scheme: https\n:path: /\n:authority: x\n"
				     ":method: POST\n:scheme: https\n:path: /\n:authority: x\n"
				     "body and more")));
	for (size_t step = 1; step < 40; step++) {
		converse(step, &told);
		cr_expect(mst_slice_eq(mst_buf_slice(&told), mst_buf_slice(&want)), "step %zu", step);
		mst_buf_done(&told);
	}
	mst_buf_done(&want);
}

Test(h2_wire, interim_answers_and_trailers_are_not_told)
{
	start_client();
	struct rig_stream *asked = rig_ask(&client, MST_S("x"));
	cr_assert_eq(mst_h2_flush(client.h2, NULL), 0);
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, 1, MST_S("\x08\x03" "100"));
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, 1, MST_S("\x08\x03" "103\x00\x04link\x01y"));
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, 1, MST_S("\x88\x00\x01" "a\x01y"));
	rig_frame(&bytes, RIG_DATA, 0, 1, MST_S("body"));
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, 1, MST_S("\x00\x01t\x01y"));
	cr_assert_eq(rig_feed(&client, &bytes), 0, "%s", client.e.text);
	cr_expect_str_eq(asked->head, ":status: 200\na: y\n");
	cr_expect(asked->num_heads == 1 && !asked->is_end && asked->num_ends == 1 && asked->is_done);
	stop_client();
}

Test(h2_wire, trailers_of_a_request_are_not_told)
{
	rig_side_init(&server, false, NULL);
	rig_preface(&bytes);
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, 1, RIG_POST);
	rig_frame(&bytes, RIG_DATA, 0, 1, MST_S("body"));
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, 1, MST_S("\x00\x01t\x01y"));
	cr_assert_eq(rig_feed(&server, &bytes), 0, "%s", server.e.text);
	cr_expect_str_eq(server.streams[0].head, ":method: POST\n:scheme: https\n:path: /\n:authority: x\n");
	cr_expect_eq(server.streams[0].num_ends, 1);
	rig_side_done(&server);
	mst_buf_done(&bytes);
}

/* RFC 9113 8.1: a server that has answered may reset the rest of the request; the answer counts. */
Test(h2_wire, answer_before_the_request_ended)
{
	static const uint8_t long_body[100000];
	start_client();
	struct rig_stream *asked = rig_ask(&client, mst_slice(long_body, sizeof(long_body)));
	cr_assert_eq(mst_h2_flush(client.h2, NULL), 0);
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, 1, MST_S("\x88"));
	rig_frame(&bytes, RIG_RST, 0, 1, MST_S("\0\0\0\0"));
	cr_assert_eq(rig_feed(&client, &bytes), 0, "%s", client.e.text);
	cr_expect(asked->num_gone && asked->is_done && !asked->may_retry);
	cr_expect_eq(mst_h2_held(client.h2), 0);
	stop_client();
}

/* How one stream of a client ends by a frame. */
Test(h2_wire, ends_of_a_stream)
{
	static const struct {
		const char *name;
		uint8_t type, flags;
		struct mst_slice payload;
		bool is_done, may_retry;
	} rows[] = {
		{"refused", RIG_RST, 0, MST_S_INIT("\0\0\0\7"), false, true},
		{"cancelled", RIG_RST, 0, MST_S_INIT("\0\0\0\x8"), false, false},
		{"calm without an answer", RIG_RST, 0, MST_S_INIT("\0\0\0\0"), false, false},
		{"internal error", RIG_RST, 0, MST_S_INIT("\0\0\0\2"), false, false},
		{"answer", RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, MST_S_INIT("\x88"), true, false},
		{"answer without status", RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, MST_S_INIT("\x00\x01" "a\x01y"),
		 false, false},
		{"interim answer at the end", RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, MST_S_INIT("\x08\x03" "103"),
		 false, false},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		start_client();
		struct rig_stream *asked = rig_ask(&client, MST_S("x"));
		cr_assert_eq(mst_h2_flush(client.h2, NULL), 0);
		rig_frame(&bytes, rows[i].type, rows[i].flags, 1, rows[i].payload);
		cr_expect_eq(rig_feed(&client, &bytes), 0, "%s: %s", rows[i].name, client.e.text);
		cr_expect(asked->num_gone == 1 && asked->is_done == rows[i].is_done &&
				  asked->may_retry == rows[i].may_retry, "%s", rows[i].name);
		cr_expect_eq(mst_h2_open(client.h2), 0, "%s", rows[i].name);
		stop_client();
	}
}

/* What ends a server's connection, and the word for it. */
Test(h2_wire, broken_by_a_client)
{
	static const struct {
		const char *name;
		uint8_t type, flags;
		uint32_t id;
		struct mst_slice payload;
		enum mst_code code;
	} rows[] = {
		{"DATA on no stream", RIG_DATA, 0, 0, MST_S_INIT("x"), MST_E_SYNTAX},
		{"DATA on a stream never begun", RIG_DATA, 0, 9, MST_S_INIT("x"), MST_E_SYNTAX},
		{"even stream", RIG_HEADERS, 5, 2, MST_S_INIT("\x82\x87\x84"), MST_E_SYNTAX},
		{"PING of 7", RIG_PING, 0, 0, MST_S_INIT("1234567"), MST_E_SYNTAX},
		{"window of nothing", RIG_WINDOW, 0, 0, MST_S_INIT("\0\0\0\0"), MST_E_SYNTAX},
		{"PUSH_PROMISE", RIG_PUSH, 4, 1, MST_S_INIT("\0\0\0\2\x82"), MST_E_SYNTAX},
		{"HPACK index 0", RIG_HEADERS, 5, 1, MST_S_INIT("\x80"), MST_E_SYNTAX},
		{"HPACK index beyond the table", RIG_HEADERS, 5, 1, MST_S_INIT("\xff\xff\xff\xff\x0f"), MST_E_SYNTAX},
		{"CONTINUATION of nothing", RIG_CONTINUATION, 4, 1, MST_S_INIT("\x82"), MST_E_SYNTAX},
		{"SETTINGS of 5", RIG_SETTINGS, 0, 0, MST_S_INIT("\0\4\0\0\0"), MST_E_SYNTAX},
		{"window beyond 2^31", RIG_SETTINGS, 0, 0, MST_S_INIT("\0\4\xff\xff\xff\xff"), MST_E_SYNTAX},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		rig_side_init(&server, false, NULL);
		rig_preface(&bytes);
		cr_assert_eq(rig_feed(&server, &bytes), 0);
		rig_frame(&bytes, rows[i].type, rows[i].flags, rows[i].id, rows[i].payload);
		cr_expect_eq(rig_feed(&server, &bytes), -1, "%s", rows[i].name);
		cr_expect_eq(server.e.code, rows[i].code, "%s: %s", rows[i].name, server.e.text);
		cr_expect(mst_h2_is_over(server.h2), "%s", rows[i].name);
		cr_expect_eq(mst_h2_feed(server.h2, MST_S("x"), NULL), -1, "%s", rows[i].name);
		rig_side_done(&server);
	}
	mst_buf_done(&bytes);
}

Test(h2_wire, not_http2)
{
	rig_side_init(&server, false, NULL);
	cr_expect_eq(mst_h2_feed(server.h2, MST_S("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), &server.e), -1);
	cr_expect_eq(server.e.code, MST_E_SYNTAX);
	cr_expect_eq(mst_h2_flush(server.h2, NULL), 0);
	cr_expect(mst_h2_is_over(server.h2));
	rig_side_done(&server);
}

Test(h2_wire, a_server_may_not_push)
{
	start_client();
	rig_ask(&client, MST_S("x"));
	cr_assert_eq(mst_h2_flush(client.h2, NULL), 0);
	rig_frame(&bytes, RIG_SETTINGS, RIG_ACK, 0, MST_S(""));
	rig_frame(&bytes, RIG_PUSH, RIG_END_HEADERS, 1, MST_S("\0\0\0\2\x82\x87\x84"));
	cr_expect_eq(rig_feed(&client, &bytes), -1);
	cr_expect_eq(client.e.code, MST_E_SYNTAX);
	cr_expect_eq(mst_h2_room(client.h2), 0);
	stop_client();
}

Test(h2_wire, room_before_settings)
{
	rig_side_init(&client, true, NULL);
	cr_expect(!mst_h2_has_settings(client.h2));
	cr_expect_eq(mst_h2_room(client.h2), 100);
	for (int i = 0; i < 100; i++)
		cr_assert(rig_ask(&client, MST_S("x")));
	cr_expect_null(rig_ask(&client, MST_S("x")));
	rig_frame(&bytes, RIG_SETTINGS, 0, 0, MST_S(""));
	cr_assert_eq(rig_feed(&client, &bytes), 0);
	cr_expect(mst_h2_has_settings(client.h2));
	cr_expect_eq(mst_h2_room(client.h2), 65535 - 100, "the peer sets no limit, ours holds");
	stop_client();
}

Test(h2_wire, code_words)
{
	cr_expect_str_eq(mst_h2_code_word(0), "NO_ERROR");
	cr_expect_str_eq(mst_h2_code_word(11), "ENHANCE_YOUR_CALM");
	cr_expect_str_eq(mst_h2_code_word(13), "HTTP_1_1_REQUIRED");
	cr_expect_str_eq(mst_h2_code_word(14), "unknown code");
}
