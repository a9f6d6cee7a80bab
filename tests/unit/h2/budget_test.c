/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer may do too often: each flood ends its connection in time, each honest use does not. */
#include "rig.h"

static struct rig_side server, client;
static struct mst_buf bytes;

static void start(const struct mst_h2_limits *limits)
{
	rig_side_init(&server, false, limits);
	server.replies = true;
	rig_preface(&bytes);
	cr_assert_eq(rig_feed(&server, &bytes), 0);
	mst_buf_drop(&server.out, mst_buf_slice(&server.out).len);
}

static void stop(void)
{
	rig_side_done(&server);
	mst_buf_done(&bytes);
}

/* The GOAWAY that left says ENHANCE_YOUR_CALM. */
static void expect_calm(const struct rig_side *side, const char *name)
{
	uint8_t flags;
	uint32_t id;
	struct mst_slice goaway = {NULL, 0};
	cr_expect_eq(side->e.code, MST_E_TOO_BIG, "%s: %s", name, side->e.text);
	cr_expect(rig_find_frame(mst_buf_slice(&side->out), RIG_GOAWAY, 0, &flags, &id, &goaway) &&
			  goaway.len >= 8 && goaway.at[7] == 0xb, "%s", name);
	cr_expect(mst_h2_is_over(side->h2), "%s", name);
	cr_expect_eq(mst_h2_feed(side->h2, MST_S("x"), NULL), -1, "%s: nothing is taken any more", name);
}

struct flood {
	const char *name;
	uint8_t type, flags;
	uint32_t id;
	struct mst_slice payload;
	uint32_t least, most; /* so many frames pass; so many do not */
};

/* On stream 1 a POST is open. */
static const struct flood floods[] = {
	{"PING", RIG_PING, 0, 0, MST_S_INIT("12345678"), 1900, 2101},
	{"PING ACK", RIG_PING, RIG_ACK, 0, MST_S_INIT("12345678"), 1900, 2101},
	{"SETTINGS", RIG_SETTINGS, 0, 0, MST_S_INIT("\0\4\0\1\0\0"), 190, 211},
	{"empty SETTINGS", RIG_SETTINGS, 0, 0, MST_S_INIT(""), 190, 211},
	{"PRIORITY", RIG_PRIORITY, 0, 1, MST_S_INIT("\0\0\0\0\x10"), 1900, 2101},
	{"PRIORITY of streams that never come", RIG_PRIORITY, 0, 9999, MST_S_INIT("\0\0\0\0\x10"), 1900, 2101},
	{"WINDOW_UPDATE", RIG_WINDOW, 0, 0, MST_S_INIT("\0\0\0\1"), 1900, 2101},
	{"WINDOW_UPDATE of a stream", RIG_WINDOW, 0, 1, MST_S_INIT("\0\0\0\1"), 1900, 2101},
	{"empty DATA", RIG_DATA, 0, 1, MST_S_INIT(""), 1900, 2101},
	{"DATA of padding only", RIG_DATA, RIG_PADDED, 1, MST_S_INIT("\3\0\0\0"), 1900, 2101},
	{"an unknown frame", 0xbe, 0, 0, MST_S_INIT("what"), 1900, 2101},
	{"an empty unknown frame", 0xbe, 0, 77, MST_S_INIT(""), 1900, 2101},
	{"PRIORITY_UPDATE", 0x10, 0, 0, MST_S_INIT("\0\0\0\1u=1"), 1900, 2101},
};

static int send_frames(const struct flood *row, uint32_t num, bool at_once)
{
	int rc = 0;
	for (uint32_t i = 0; i < num && rc == 0; i++) {
		rig_frame(&bytes, row->type, row->flags, row->id, row->payload);
		if (!at_once)
			rc = rig_feed(&server, &bytes);
	}
	return at_once ? rig_feed(&server, &bytes) : rc;
}

Test(h2_budget, frames_that_bring_nothing)
{
	for (size_t i = 0; i < MST_LEN(floods); i++) {
		start(NULL);
		rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, 1, RIG_POST);
		cr_assert_eq(rig_feed(&server, &bytes), 0);
		cr_expect_eq(send_frames(&floods[i], floods[i].least, false), 0, "%s: %s",
			     floods[i].name, server.e.text);
		mst_buf_drop(&server.out, mst_buf_slice(&server.out).len);
		cr_expect_eq(send_frames(&floods[i], floods[i].most - floods[i].least, false), -1, "%s",
			     floods[i].name);
		expect_calm(&server, floods[i].name);
		stop();
	}
}

/* Without a flush between, what waits for it is bounded too. */
Test(h2_budget, frames_that_want_an_answer_at_once)
{
	for (size_t i = 0; i < 4; i++) {
		start(NULL);
		rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, 1, RIG_POST);
		cr_expect_eq(send_frames(&floods[i], 20000, true), -1, "%s", floods[i].name);
		expect_calm(&server, floods[i].name);
		cr_expect_lt(mst_buf_slice(&server.out).len, 64 * 1024, "%s", floods[i].name);
		stop();
	}
}

/* The second line: what waits for a flush, whatever is allowed. */
Test(h2_budget, answers_that_wait_for_a_flush)
{
	for (size_t i = 0; i < MST_LEN(floods); i++) {
		if (floods[i].type != RIG_SETTINGS && strcmp(floods[i].name, "PING") != 0)
			continue;
		start(&(struct mst_h2_limits){.controls_max = UINT32_MAX});
		cr_expect_eq(send_frames(&floods[i], 900, true), 0, "%s: %s", floods[i].name, server.e.text);
		mst_buf_drop(&server.out, mst_buf_slice(&server.out).len);
		cr_expect_eq(send_frames(&floods[i], 1100, true), -1, "%s", floods[i].name);
		expect_calm(&server, floods[i].name);
		stop();
	}
}

/* A long honest life: each request brings a few of everything. */
Test(h2_budget, honest_frames)
{
	start(NULL);
	for (uint32_t id = 1; id < 2 * 4000; id += 2) {
		rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, id, RIG_POST);
		rig_frame(&bytes, RIG_WINDOW, 0, 0, MST_S("\0\0\0\1"));
		rig_frame(&bytes, RIG_WINDOW, 0, id, MST_S("\0\0\0\1"));
		rig_frame(&bytes, RIG_PING, 0, 0, MST_S("12345678"));
		rig_frame(&bytes, RIG_PRIORITY, 0, id, MST_S("\0\0\0\0\x10"));
		rig_frame(&bytes, RIG_DATA, 0, id, MST_S("body"));
		rig_frame(&bytes, RIG_DATA, RIG_END_STREAM, id, MST_S(""));
		cr_assert_eq(rig_feed(&server, &bytes), 0, "%u: %s", id, server.e.text);
		mst_buf_drop(&server.out, mst_buf_slice(&server.out).len);
	}
	cr_expect_eq(server.num_done, 4000);
	stop();
}

/* An upload of many small frames earns the WINDOW_UPDATEs and PINGs that some clients send along. */
Test(h2_budget, honest_upload)
{
	static const uint8_t kib[1024];
	start(NULL);
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, 1, RIG_POST);
	for (int i = 0; i < 20000; i++) {
		rig_frame(&bytes, RIG_DATA, 0, 1, mst_slice(kib, sizeof(kib)));
		rig_frame(&bytes, RIG_PING, 0, 0, MST_S("12345678"));
		rig_frame(&bytes, RIG_WINDOW, 0, 0, MST_S("\0\0\0\1"));
		cr_assert_eq(rig_feed(&server, &bytes), 0, "%d: %s", i, server.e.text);
	}
	stop();
}

static void add_get_and_reset(uint32_t id)
{
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, id, RIG_GET);
	rig_frame(&bytes, RIG_RST, 0, id, MST_S("\0\0\0\x8"));
}

/* CVE-2023-44487. */
Test(h2_budget, rapid_reset)
{
	start(NULL);
	server.replies = false;
	uint32_t id = 1;
	for (; id < 2 * 100; id += 2) {
		add_get_and_reset(id);
		cr_assert_eq(rig_feed(&server, &bytes), 0, "%u", id);
	}
	cr_expect_eq(mst_h2_open(server.h2), 0);
	for (int i = 0; i < 2; i++, id += 2)
		add_get_and_reset(id);
	cr_expect_eq(rig_feed(&server, &bytes), -1);
	expect_calm(&server, "rapid reset");
	cr_expect_leq(server.num_streams, 102);
	stop();
}

/* The same behind a long good life: what it bought is bounded. */
Test(h2_budget, rapid_reset_after_good_conduct)
{
	start(NULL);
	uint32_t id = 1, first;
	for (; id < 2 * 20000; id += 2) {
		rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, id, RIG_GET);
		cr_assert_eq(rig_feed(&server, &bytes), 0);
		mst_buf_drop(&server.out, mst_buf_slice(&server.out).len);
	}
	server.replies = false;
	for (first = id; id < first + 2 * 1500; id += 2) {
		add_get_and_reset(id);
		if (rig_feed(&server, &bytes) < 0)
			break;
	}
	cr_expect_lt(id - first, 2 * 1000);
	expect_calm(&server, "rapid reset");
	stop();
}

/* One in ten taken back is a user, not an attack. */
Test(h2_budget, honest_resets)
{
	start(NULL);
	for (uint32_t id = 1; id < 2 * 4000; id += 2) {
		server.replies = id % 20 != 1;
		rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, id, RIG_GET);
		if (!server.replies)
			rig_frame(&bytes, RIG_RST, 0, id, MST_S("\0\0\0\x8"));
		cr_assert_eq(rig_feed(&server, &bytes), 0, "%u: %s", id, server.e.text);
		mst_buf_drop(&server.out, mst_buf_slice(&server.out).len);
	}
	stop();
}

/* CVE-2025-8671: the peer makes us reset, by frames that break the stream only; and requests that are broken from the start. */
Test(h2_budget, resets_provoked)
{
	static const struct {
		const char *name;
		struct mst_slice head;
		uint8_t head_flags, type;
		struct mst_slice payload;
	} rows[] = {
		{"window overflow", MST_S_INIT("\x82\x87\x84\x41\x01x"), RIG_END_HEADERS, RIG_WINDOW, MST_S_INIT("\x7f\xff\xff\xff")},
		{"no path", MST_S_INIT("\x82\x87"), RIG_END_HEADERS, RIG_PING, MST_S_INIT("12345678")},
		{"upper case", MST_S_INIT("\x82\x87\x84\x40\x01X\x01y"), RIG_END_HEADERS, RIG_PING,
		 MST_S_INIT("12345678")},
		{"length that lies", MST_S_INIT("\x83\x87\x84\x0f\x0d\x01" "5"), RIG_END_HEADERS, RIG_DATA,
		 MST_S_INIT("too long for that")},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		uint32_t id = 1;
		start(NULL);
		server.replies = false;
		for (; id < 2 * 2000; id += 2) {
			rig_frame(&bytes, RIG_HEADERS, rows[i].head_flags, id, rows[i].head);
			rig_frame(&bytes, rows[i].type, 0, rows[i].type == RIG_PING ? 0 : id, rows[i].payload);
			if (rig_feed(&server, &bytes) < 0)
				break;
		}
		cr_expect(id > 2 * 99 && id < 2 * 110, "%s: %u", rows[i].name, id);
		expect_calm(&server, rows[i].name);
		stop();
	}
}

/* More streams at once than we said: refused before our SETTINGS were read (a limit that falls meets a thousand on the wire), the
 * end afterwards. */
Test(h2_budget, too_many_streams)
{
	start(&(struct mst_h2_limits){.streams_max = 10});
	server.replies = false;
	uint32_t id = 1;
	for (; id < 2 * 4000; id += 2) {
		rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, id, RIG_POST);
		mst_buf_drop(&server.out, mst_buf_slice(&server.out).len);
		if (rig_feed(&server, &bytes) < 0)
			break;
		cr_expect_leq(mst_h2_open(server.h2), 10);
	}
	cr_expect(id > 2 * 1900 && id < 2 * 3100, "%u", id);
	expect_calm(&server, "refused");
	stop();
	start(&(struct mst_h2_limits){.streams_max = 10});
	rig_frame(&bytes, RIG_SETTINGS, RIG_ACK, 0, MST_S(""));
	server.replies = false;
	for (id = 1; id < 2 * 10; id += 2)
		rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, id, RIG_POST);
	cr_expect_eq(rig_feed(&server, &bytes), 0);
	rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS, id, RIG_POST);
	cr_expect_eq(rig_feed(&server, &bytes), -1);
	cr_expect_eq(server.e.code, MST_E_SYNTAX, "%s", server.e.text);
	stop();
}

/* CVE-2024-28182 and its kin, by number and by bytes. */
Test(h2_budget, continuations)
{
	static const struct {
		const char *name;
		size_t len;
		int most;
		bool refuses; /* then nobody counts what is unpacked */
	} rows[] = {{"empty", 0, 16, false}, {"of a byte", 1, 16, false}, {"long", 6000, 10, false}, {"refused", 6000, 10, true}};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		uint8_t block[6000];
		/* Literals without indexing, new name: each 2 + 1 + 1 + 96. Any cut is fine for the reader. */
		for (size_t at = 0; at + 100 <= sizeof(block); at += 100) {
			memset(block + at, 'v', 100);
			memcpy(block + at, "\0\1n\x60", 4);
		}
		start(NULL);
		server.refuses = rows[i].refuses;
		rig_frame(&bytes, RIG_HEADERS, 0, 1, RIG_GET);
		int n = 0;
		for (; n < 40; n++) {
			rig_frame(&bytes, RIG_CONTINUATION, 0, 1, mst_slice(block, rows[i].len));
			if (rig_feed(&server, &bytes) < 0)
				break;
		}
		cr_expect(n <= rows[i].most && n > 0, "%s: %d", rows[i].name, n);
		expect_calm(&server, rows[i].name);
		stop();
	}
}

Test(h2_budget, continuations_of_an_honest_head)
{
	struct mst_slice all;
	start(NULL);
	rig_frame(&bytes, RIG_HEADERS, RIG_END_STREAM, 1, MST_S("\x82\x87"));
	for (int i = 0; i < 15; i++)
		rig_frame(&bytes, RIG_CONTINUATION, 0, 1, MST_S(""));
	rig_frame(&bytes, RIG_CONTINUATION, RIG_END_HEADERS, 1, MST_S("\x84\x41\x01x"));
	all = mst_buf_slice(&bytes);
	for (size_t i = 0; i < all.len; i++)
		cr_assert_eq(mst_h2_feed(server.h2, mst_slice(all.at + i, 1), &server.e), 0, "%zu: %s", i,
			     server.e.text);
	cr_expect_eq(mst_h2_flush(server.h2, NULL), 0);
	cr_expect_eq(server.num_done, 1);
	stop();
}

/* A block that is small on the wire and long when unpacked: one long entry of the table, told again and again. */
Test(h2_budget, header_bomb)
{
	static const struct {
		const char *name;
		bool refuses;
		char filler;
		int rc; /* where only the stream ends, nobody looks at the copies */
		uint32_t num_done;
	} rows[] = {{"valid", false, 'v', -1, 1}, {"refused", true, 'v', 0, 1}, {"invalid", false, '\1', 0, 0}};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		uint8_t block[4000], again[16000];
		start(NULL);
		/* Literal with indexing, new name "n", value of 3,900 bytes (7-bit prefix, RFC 7541 5.1). */
		memset(block, rows[i].filler, sizeof(block));
		memcpy(block, "\x82\x87\x84\x41\x01x\x40\x01n\x7f\xbd\x1d", 12);
		rig_frame(&bytes, RIG_HEADERS, 5, 1, mst_slice(block, 12 + 3900));
		cr_expect_eq(rig_feed(&server, &bytes), 0, "%s", server.e.text);
		server.refuses = rows[i].refuses;
		memset(again, 0xbe, sizeof(again));
		memcpy(again, "\x82\x87\x84\xbf", 4);
		rig_frame(&bytes, RIG_HEADERS, 5, 3, mst_slice(again, sizeof(again)));
		mst_buf_drop(&server.out, mst_buf_slice(&server.out).len);
		cr_expect_eq(rig_feed(&server, &bytes), rows[i].rc, "%s: %s", rows[i].name, server.e.text);
		if (rows[i].rc < 0)
			expect_calm(&server, rows[i].name);
		cr_expect_eq(mst_h2_open(server.h2), rows[i].rc < 0, "%s", rows[i].name);
		cr_expect_eq(server.num_done, rows[i].num_done, "%s", rows[i].name);
		stop();
	}
}

/* CVE-2019-9517: answers that the peer does not take are counted, and given back when the stream dies. */
Test(h2_budget, answers_held_by_a_closed_window)
{
	static const uint8_t answer[100000];
	start(NULL);
	server.answer = mst_slice(answer, sizeof(answer));
	rig_frame(&bytes, RIG_SETTINGS, 0, 0, MST_S("\0\4\0\0\0\0"));
	for (uint32_t id = 1; id < 2 * 20; id += 2)
		rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, id, RIG_GET);
	cr_expect_eq(rig_feed(&server, &bytes), 0);
	cr_expect_eq(mst_h2_held(server.h2), 20 * sizeof(answer));
	rig_frame(&bytes, RIG_WINDOW, 0, 1, MST_S("\0\0\x80\0"));
	rig_frame(&bytes, RIG_RST, 0, 3, MST_S("\0\0\0\x8"));
	cr_expect_eq(rig_feed(&server, &bytes), 0);
	cr_expect_eq(mst_h2_held(server.h2), 19 * sizeof(answer) - 32768);
	stop();
}

/* A client's peer has the same budgets: a server that only talks. */
Test(h2_budget, client_side)
{
	static const struct {
		const char *name;
		uint8_t type, flags;
		uint32_t id;
		struct mst_slice payload;
		uint32_t most;
	} rows[] = {
		{"PING", RIG_PING, 0, 0, MST_S_INIT("12345678"), 2200},
		{"SETTINGS", RIG_SETTINGS, 0, 0, MST_S_INIT(""), 220},
		{"unknown", 0xbe, 0, 0, MST_S_INIT(""), 2200},
		{"interim answers", RIG_HEADERS, RIG_END_HEADERS, 1, MST_S_INIT("\x08\x03" "103"), 2200},
		{"DATA of a closed stream", RIG_DATA, 0, 3, MST_S_INIT(""), 2200},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		rig_side_init(&client, true, NULL);
		rig_ask(&client, MST_S(""));
		rig_ask(&client, MST_S(""));
		rig_frame(&bytes, RIG_SETTINGS, 0, 0, MST_S(""));
		cr_assert_eq(mst_h2_flush(client.h2, NULL), 0);
		rig_frame(&bytes, RIG_HEADERS, RIG_END_HEADERS | RIG_END_STREAM, 3, MST_S("\x88"));
		cr_assert_eq(rig_feed(&client, &bytes), 0);
		cr_assert_eq(client.num_done, 1);
		uint32_t n = 0;
		for (; n < rows[i].most; n++) {
			rig_frame(&bytes, rows[i].type, rows[i].flags, rows[i].id, rows[i].payload);
			mst_buf_drop(&client.out, mst_buf_slice(&client.out).len);
			if (rig_feed(&client, &bytes) < 0)
				break;
		}
		cr_expect(n > 100 && n < rows[i].most, "%s: %u", rows[i].name, n);
		expect_calm(&client, rows[i].name);
		rig_side_done(&client);
	}
	mst_buf_done(&bytes);
}
