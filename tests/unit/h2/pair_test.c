/* SPDX-License-Identifier: Apache-2.0 */
/* Client and server with each other: requests, bodies, limits, ends. */
#include "rig.h"

static struct rig_side client, server;

static void start(const struct mst_h2_limits *client_limits, const struct mst_h2_limits *server_limits)
{
	rig_side_init(&client, true, client_limits);
	rig_side_init(&server, false, server_limits);
	server.replies = true;
}

static void stop(void)
{
	rig_side_done(&client);
	rig_side_done(&server);
}

Test(h2_pair, ask_and_answer)
{
	start(NULL, NULL);
	server.answer = MST_S("{\"reason\":\"Unregistered\"}");
	struct rig_stream *asked = rig_ask(&client, MST_S("{\"mdm\":\"magic\"}"));
	cr_assert(asked);
	cr_expect_eq(asked->id, 1);
	cr_expect_eq(mst_h2_open(client.h2), 1);
	cr_expect_eq(mst_h2_held(client.h2), 15);
	cr_expect_eq(client.num_puts, 0, "nothing leaves before the flush");
	cr_assert_eq(rig_pump(&client, &server), 0, "%s %s", client.e.text, server.e.text);
	cr_assert_eq(server.num_streams, 1);
	cr_expect_str_eq(server.streams[0].head,
			 ":method: POST\n:scheme: https\n:path: /3/device/00fc13adff785122\n"
			 ":authority: api.push.apple.com\napns-topic: com.apple.mgmt.External.x\n"
			 "apns-push-type: mdm\n");
	cr_expect_str_eq(asked->head, ":status: 200\napns-id: EC1BF194-B3B2-424A-89A9-5A918A6E6B5A\n");
	cr_expect(asked->is_done && !asked->may_retry && asked->num_ends == 1);
	cr_expect(server.streams[0].is_done && server.streams[0].num_gone == 1);
	cr_expect_eq(mst_h2_open(client.h2) + mst_h2_open(server.h2), 0);
	cr_expect_eq(mst_h2_held(client.h2) + mst_h2_held(server.h2), 0);
	cr_expect(mst_h2_has_settings(client.h2));
	stop();
}

Test(h2_pair, many_in_one_piece)
{
	start(NULL, &(struct mst_h2_limits){.streams_max = 1000});
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(mst_h2_room(client.h2), 1000);
	client.num_puts = 0;
	for (int i = 0; i < 1000; i++)
		cr_assert(rig_ask(&client, MST_S("{\"mdm\":\"4B0E2C6C-7B8E-4D0A-9A53-7F0F4C1D6A11\"}")));
	cr_expect_eq(mst_h2_room(client.h2), 0);
	cr_expect_null(rig_ask(&client, MST_S("one more")));
	cr_expect_eq(client.e.code, MST_E_BUSY);
	cr_assert_eq(mst_h2_flush(client.h2, &client.e), 0);
	cr_expect_eq(client.num_puts, (mst_buf_slice(&client.out).len + 16383) / 16384);
	cr_expect_eq(client.piece_max, 16384);
	cr_assert_eq(rig_pump(&client, &server), 0, "%s %s", client.e.text, server.e.text);
	cr_expect_eq(client.num_done, 1000);
	cr_expect_eq(server.num_done, 1000);
	cr_expect_eq(mst_h2_room(client.h2), 1000);
	stop();
}

Test(h2_pair, long_bodies_both_ways)
{
	static uint8_t up[300000], down[700000];
	for (size_t i = 0; i < sizeof(up); i++)
		up[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof(down); i++)
		down[i] = (uint8_t)(i * 13);
	start(NULL, NULL);
	server.answer = mst_slice(down, sizeof(down));
	struct rig_stream *asked = rig_ask(&client, mst_slice(up, sizeof(up)));
	cr_assert_eq(mst_h2_flush(client.h2, NULL), 0);
	cr_expect_gt(mst_h2_held(client.h2), 0, "the window is smaller than the body");
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect(mst_slice_eq(mst_buf_slice(&server.streams[0].body), mst_slice(up, sizeof(up))));
	cr_expect(mst_slice_eq(mst_buf_slice(&asked->body), mst_slice(down, sizeof(down))));
	cr_expect(asked->is_done);
	cr_expect_eq(mst_h2_held(client.h2) + mst_h2_held(server.h2), 0);
	stop();
}

Test(h2_pair, a_receiver_that_does_not_consume_stops_the_sender)
{
	static uint8_t long_body[200000];
	start(NULL, &(struct mst_h2_limits){.window = 20000});
	server.consumes = false;
	rig_ask(&client, mst_slice(long_body, sizeof(long_body)));
	cr_assert_eq(rig_pump(&client, &server), 0);
	/* What left before the server's SETTINGS came is under the protocol's own window. */
	cr_expect_eq(mst_buf_slice(&server.streams[0].body).len, 65535);
	cr_expect_eq(mst_h2_held(client.h2), sizeof(long_body) - 65535);
	mst_h2_consume(server.h2, 1, 65535);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(mst_buf_slice(&server.streams[0].body).len, 65535 + 20000);
	mst_h2_reset(server.h2, 1, true);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.num_gone, 1);
	cr_expect_eq(mst_h2_held(client.h2), 0);
	/* The connection's window has it all back: four more streams fill it. */
	for (int i = 0; i < 4; i++)
		cr_assert(rig_ask(&client, mst_slice(long_body, 20000)));
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(mst_h2_held(client.h2), 0);
	stop();
}

Test(h2_pair, limit_changes_in_flight)
{
	start(NULL, NULL);
	server.replies = false;
	cr_assert_eq(rig_pump(&client, &server), 0);
	for (int i = 0; i < 10; i++)
		rig_ask(&client, MST_S("x"));
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(mst_h2_room(client.h2), 90);
	mst_h2_settle(server.h2, 1);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.num_settings, 2);
	cr_expect_eq(mst_h2_room(client.h2), 0);
	for (uint32_t i = 0; i < 10; i++)
		cr_expect_eq(rig_reply(&server.streams[i], "200", MST_S("")), 0);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(mst_h2_room(client.h2), 1);
	cr_expect_eq(client.num_done, 10);
	stop();
}

Test(h2_pair, asked_and_not_sent_when_the_limit_fell)
{
	start(NULL, NULL);
	server.replies = false;
	cr_assert_eq(rig_pump(&client, &server), 0);
	rig_ask(&client, MST_S("sent"));
	cr_assert_eq(rig_pump(&client, &server), 0);
	for (int i = 0; i < 5; i++)
		rig_ask(&client, MST_S("waits"));
	mst_h2_settle(server.h2, 3);
	cr_assert_eq(mst_h2_flush(server.h2, NULL), 0);
	cr_assert_eq(mst_h2_feed(client.h2, mst_buf_slice(&server.out), NULL), 0);
	mst_buf_drop(&server.out, mst_buf_slice(&server.out).len);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.num_gone, 3);
	cr_expect_eq(client.num_retry, 3);
	cr_expect_eq(server.num_streams, 3);
	/* What was taken back leaves no trace when there is room again. */
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(rig_reply(&server.streams[i], "200", MST_S("")), 0);
	server.replies = true;
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(mst_h2_room(client.h2), 3);
	for (int i = 0; i < 3; i++)
		cr_assert(rig_ask(&client, MST_S("after")));
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.num_done, 6);
	cr_expect_eq(server.num_streams, 6);
	stop();
}

Test(h2_pair, refused_stream_may_be_asked_again)
{
	start(NULL, NULL);
	server.refuses = true;
	struct rig_stream *asked = rig_ask(&client, MST_S("x"));
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect(!asked->is_done && asked->may_retry);
	server.refuses = false;
	asked = rig_ask(&client, MST_S("x"));
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect(asked->is_done);
	stop();
}

Test(h2_pair, reset_by_either_side)
{
	static const struct {
		const char *name;
		bool by_client, fails_header;
	} rows[] = {{"server", false, false}, {"client", true, false}, {"a header refused", false, true}};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		start(NULL, NULL);
		server.replies = false;
		server.fails_header = rows[i].fails_header;
		struct rig_stream *asked = rig_ask(&client, MST_S("x"));
		cr_assert_eq(rig_pump(&client, &server), 0);
		mst_h2_reset(rows[i].by_client ? client.h2 : server.h2, 1, false);
		mst_h2_reset(rows[i].by_client ? client.h2 : server.h2, 1, false);
		cr_assert_eq(rig_pump(&client, &server), 0);
		cr_expect(asked->num_gone && !asked->is_done && !asked->may_retry, "%s", rows[i].name);
		cr_expect(server.num_gone == 1 && server.num_done == 0, "%s", rows[i].name);
		cr_expect_eq(rig_reply(&server.streams[0], "200", MST_S("")), -1, "%s", rows[i].name);
		cr_expect_eq(server.e.code, MST_E_GONE, "%s", rows[i].name);
		stop();
	}
}

Test(h2_pair, abrupt_goaway_gives_back_what_is_above)
{
	start(NULL, NULL);
	server.replies = false;
	for (int i = 0; i < 10; i++)
		rig_ask(&client, MST_S("x"));
	cr_assert_eq(rig_pump(&client, &server), 0);
	mst_h2_depart(server.h2, 7, 0, MST_S("{\"reason\":\"Shutdown\"}"));
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.num_goaways, 1);
	cr_expect_str_eq(client.goaway_debug, "{\"reason\":\"Shutdown\"}");
	cr_expect_eq(client.num_gone, 6, "%u", client.num_gone);
	cr_expect_eq(client.num_retry, 6);
	cr_expect_eq(mst_h2_open(client.h2), 4);
	cr_expect_eq(mst_h2_room(client.h2), 0);
	cr_expect(!mst_h2_is_over(client.h2));
	for (uint32_t i = 0; i < 4; i++)
		cr_expect_eq(rig_reply(&server.streams[i], "200", MST_S("")), 0);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.num_done, 4);
	cr_expect(mst_h2_is_over(client.h2) && mst_h2_is_over(server.h2));
	stop();
}

Test(h2_pair, asks_that_meet_a_goaway_come_back)
{
	start(NULL, NULL);
	cr_assert_eq(rig_pump(&client, &server), 0);
	mst_h2_depart(server.h2, 0, 2, MST_S(""));
	cr_assert_eq(mst_h2_flush(server.h2, NULL), 0);
	client.asks_when_gone = true;
	for (int i = 0; i < 3; i++)
		rig_ask(&client, MST_S("x"));
	cr_assert_eq(mst_h2_feed(client.h2, mst_buf_slice(&server.out), NULL), 0);
	mst_buf_drop(&server.out, mst_buf_slice(&server.out).len);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.goaway_code, 2);
	cr_expect_eq(client.num_gone, 3);
	cr_expect_eq(client.num_retry, 3);
	cr_expect_eq(server.num_streams, 0);
	cr_expect(mst_h2_is_over(client.h2));
	stop();
}

Test(h2_pair, graceful_goaway_loses_nothing)
{
	start(NULL, NULL);
	server.replies = false;
	rig_ask(&client, MST_S("open"));
	cr_assert_eq(rig_pump(&client, &server), 0);
	mst_h2_goaway(server.h2);
	cr_assert_eq(mst_h2_flush(server.h2, NULL), 0);
	/* It crosses the notice on the wire. */
	rig_ask(&client, MST_S("crosses"));
	cr_assert_eq(mst_h2_flush(client.h2, NULL), 0);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(server.num_streams, 2);
	cr_expect_eq(client.num_gone, 0);
	cr_expect_eq(mst_h2_room(client.h2), 0);
	for (uint32_t i = 0; i < 2; i++)
		cr_expect_eq(rig_reply(&server.streams[i], "200", MST_S("")), 0);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.num_done, 2);
	cr_expect_eq(client.num_goaways, 2);
	cr_expect_eq(client.num_pongs + server.num_pongs, 0);
	cr_expect(mst_h2_is_over(client.h2) && mst_h2_is_over(server.h2));
	stop();
}

Test(h2_pair, client_leaves)
{
	start(NULL, NULL);
	rig_ask(&client, MST_S("x"));
	mst_h2_goaway(client.h2);
	cr_expect_eq(mst_h2_room(client.h2), 0);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.num_done, 1);
	cr_expect(mst_h2_is_over(client.h2) && mst_h2_is_over(server.h2));
	stop();
}

Test(h2_pair, ping)
{
	start(NULL, NULL);
	mst_h2_ping(client.h2);
	mst_h2_ping(server.h2);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.num_pongs, 1);
	cr_expect_eq(server.num_pongs, 1);
	stop();
}

Test(h2_pair, free_gives_every_stream_back)
{
	start(NULL, NULL);
	server.replies = false;
	client.asks_when_gone = true;
	for (int i = 0; i < 50; i++)
		rig_ask(&client, MST_S("x"));
	cr_assert_eq(rig_pump(&client, &server), 0);
	uint32_t num = client.num_streams;
	mst_h2_free(&client.h2);
	cr_expect_eq(client.num_gone, num);
	cr_expect_eq(client.num_done + client.num_retry, 0);
	stop();
}

Test(h2_pair, a_sink_that_fails_ends_it)
{
	start(NULL, NULL);
	rig_ask(&client, MST_S("x"));
	client.fails_put = true;
	cr_expect_eq(mst_h2_flush(client.h2, &client.e), -1);
	cr_expect_eq(client.e.code, MST_E_IO);
	cr_expect(mst_h2_is_over(client.h2));
	cr_expect_eq(mst_h2_room(client.h2), 0);
	cr_expect_eq(mst_h2_flush(client.h2, &client.e), -1);
	stop();
}

/* A value told to stay out of the table is sent in full each time; others shrink to a byte. */
Test(h2_pair, unindexed_stays_out_of_the_table)
{
	uint8_t flags;
	uint32_t id;
	struct mst_slice block;
	start(NULL, NULL);
	cr_assert_eq(rig_pump(&client, &server), 0);
	for (int i = 0; i < 2; i++)
		rig_ask(&client, MST_S(""));
	cr_assert_eq(mst_h2_flush(client.h2, NULL), 0);
	cr_assert(rig_find_frame(mst_buf_slice(&client.out), RIG_HEADERS, 1, &flags, &id, &block));
	cr_expect_eq(flags, RIG_END_STREAM | RIG_END_HEADERS, "no priority, one frame");
	cr_expect_eq(id, 3);
	/* Five indexed fields, and the path: "never indexed" on the name of :path, RFC 7541 6.2.3. */
	cr_expect_eq(block.at[2], 0x14);
	cr_expect_eq(block.len, 5 + 2 + (block.at[3] & 0x7f));
	cr_assert_eq(rig_pump(&client, &server), 0);
	stop();
}

/* A sink that wants no more: bodies wait for the next flush, heads whose bytes are lent do not. */
Test(h2_pair, full_sink_stops_bodies_only)
{
	static const uint8_t answer[60000];
	uint8_t flags;
	uint32_t id;
	struct mst_slice block;
	start(NULL, NULL);
	server.answer = mst_slice(answer, sizeof(answer));
	for (int i = 0; i < 3; i++)
		rig_ask(&client, MST_S(""));
	cr_assert_eq(mst_h2_flush(client.h2, NULL), 0);
	cr_assert_eq(mst_h2_feed(server.h2, mst_buf_slice(&client.out), NULL), 0);
	mst_buf_drop(&client.out, mst_buf_slice(&client.out).len);
	server.is_full = true;
	cr_assert_eq(mst_h2_flush(server.h2, NULL), 0);
	cr_expect(rig_find_frame(mst_buf_slice(&server.out), RIG_HEADERS, 2, &flags, &id, &block));
	cr_expect_lt(mst_buf_slice(&server.out).len, 2 * 16384 + 500);
	cr_expect_gt(mst_h2_held(server.h2), 100000);
	server.is_full = false;
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_eq(client.num_done, 3);
	cr_expect_eq(mst_h2_held(server.h2), 0);
	stop();
}

Test(h2_pair, continue_before_the_body)
{
	start(NULL, NULL);
	server.replies = false;
	struct rig_stream *asked = rig_ask(&client, MST_S("body"));
	mst_h2_continue(server.h2, 1); /* nothing of it came yet */
	cr_assert_eq(rig_pump(&client, &server), 0);
	mst_h2_continue(server.h2, 1);
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect_str_eq(asked->head, "");
	cr_expect_eq(asked->num_gone, 0);
	cr_assert_eq(rig_reply(&server.streams[0], "200", MST_S("")), 0);
	mst_h2_continue(server.h2, 1); /* too late */
	cr_assert_eq(rig_pump(&client, &server), 0);
	cr_expect(asked->is_done);
	stop();
}

/* RFC 9113 8.1: all of the answer, then the end of a request that nobody reads on. */
Test(h2_pair, calm_reset_behind_the_answer)
{
	static const uint8_t long_body[300000], answer[100000];
	for (int i = 0; i < 2; i++) {
		start(NULL, NULL);
		server.replies = server.consumes = false;
		struct rig_stream *asked = rig_ask(&client, mst_slice(long_body, sizeof(long_body)));
		cr_assert_eq(rig_pump(&client, &server), 0);
		cr_assert_eq(rig_reply(&server.streams[0], "413", mst_slice(answer, i ? sizeof(answer) : 0)), 0);
		mst_h2_reset(server.h2, 1, true);
		cr_assert_eq(rig_pump(&client, &server), 0);
		cr_expect(asked->is_done && asked->num_gone);
		cr_expect_eq(mst_buf_slice(&asked->body).len, i ? sizeof(answer) : 0);
		cr_expect(server.streams[0].is_done);
		stop();
	}
}
