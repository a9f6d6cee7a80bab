/* SPDX-License-Identifier: Apache-2.0 */
/* What is due is sent, and what the answers mean is written. */
#include "hand_rig.h"

#include "collect.h"
#include "muster/clock.h"
#include "muster/log.h"

#define NOW 1800000000000
static const struct mst_push_conf small = {.window = 16};

static struct rig *begin(struct mst_push_conf conf, uint32_t num_devices)
{
	struct rig *rig = rig_new(conf);

	mst_clock_fake(NOW);
	rig_enrol(rig, 0, num_devices, RIG_TOPIC);
	rig_cert(rig, RIG_TOPIC, NOW / 1000 + 300 * 86400);
	return rig;
}

static struct push_item seen;

static void see(struct push_item *item, uint32_t device)
{
	seen = *item;
}

Test(hand, done, .description = "a command's push: what is sent, and the look afterwards")
{
	struct rig *rig = begin(small, 2);
	struct mst_push_due due;

	fake.script = see;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_assert_eq(fake.sent[1], 1);
	cr_expect_eq(memcmp(seen.path, "/3/device/00000001", 18), 0);
	cr_expect_eq(seen.path_len, 10 + 64);
	cr_expect(mst_slice_eq(mst_slice(seen.payload, seen.payload_len), MST_S("{\"mdm\":\"0f1e2d3c\"}")));
	cr_expect(seen.priority == 10 && seen.expiry_s == 604800 && strlen(seen.apns_id) == 36);
	cr_expect_eq(fake.topics[0].num_worked, 1);
	cr_assert(rig_due(rig, &due, 1), "silence is looked at");
	cr_expect(due.cause == MST_PUSH_SILENT && due.due_ms == NOW + 3600000 && due.num_silent == 0 && due.pushed_ms == NOW);
	cr_expect_eq(rig_places(rig), 1);

	/* Nothing waits for it any more. */
	rig_jump(rig, 3600001);
	rig_rest(rig);
	cr_expect_eq(fake.sent[1], 1);
	cr_expect_not(rig_due(rig, &due, 1));
	cr_expect_eq(rig_places(rig), 0);
	rig_free(rig);
}

Test(hand, silent, .description = "a silent device is pushed again on the schedule, then let be")
{
	static const int64_t waits_ms[] = {3600000, 14400000, 86400000};
	struct rig *rig = begin(small, 2);
	struct mst_push_due due;
	uint8_t first[16];

	rig_command(rig, 1, "a");
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	for (uint32_t i = 0; i < MST_LEN(waits_ms); i++) {
		cr_assert(rig_due(rig, &due, 1));
		cr_expect_eq(due.num_silent, i);
		cr_expect_eq(due.due_ms, mst_clock_wall_ms() + waits_ms[i], "wait %u", i);
		memcpy(first, due.apns_id, 16);
		rig_jump(rig, waits_ms[i] - 10);
		rig_rest(rig);
		cr_expect_eq(fake.sent[1], 1 + i, "not before its time");
		rig_jump(rig, 10);
		rig_rest(rig);
		cr_expect_eq(fake.sent[1], 2 + i);
		cr_expect_eq(rig_due(rig, &due, 1), i + 1 < MST_LEN(waits_ms));
	}
	cr_expect_eq(rig_places(rig), 0);
	cr_expect_eq(rig->push->counts.num_given_up, 1);
	rig_free(rig);
}

Test(hand, not_now, .description = "the NotNow rule pushes only when something waits")
{
	struct rig *rig = begin(small, 4);
	struct mst_push_due due;

	rig_command(rig, 2, "a");
	rig_cause(rig, 1, MST_PUSH_NOT_NOW, NOW);
	rig_cause(rig, 2, MST_PUSH_NOT_NOW, NOW);
	rig_rest(rig);
	cr_expect_eq(fake.sent[1], 0);
	cr_expect_not(rig_due(rig, &due, 1));
	cr_expect_eq(fake.sent[2], 1);
	rig_free(rig);
}

Test(hand, needless, .description = "channels without a token: their pushes end")
{
	struct rig *rig = begin(small, 4);
	struct mst_push_due due;

	rig_channel(rig, 1, false, 5);
	rig_state(rig, 2, MST_DEVICE_CHECKED_OUT);
	for (uint32_t i = 0; i < 4; i++)
		rig_cause(rig, i, MST_PUSH_COMMAND, NOW);
	rig_cause(rig, 99, MST_PUSH_COMMAND, NOW); /* nobody */
	rig_rest(rig);
	cr_expect_eq(fake.num_sent, 2);
	cr_expect_eq(rig_places(rig), 2);
	cr_expect(!rig_due(rig, &due, 1) && !rig_due(rig, &due, 2) && !rig_due(rig, &due, 99));
	cr_expect_eq(rig->push->counts.num_needless, 3);
	rig_free(rig);
}

Test(hand, coalesced, .description = "many causes, one push; stale places go")
{
	struct rig *rig = begin(small, 4);

	fake.is_slow = true;
	for (uint32_t i = 0; i < 10; i++)
		rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_until(rig, fake.sent[1] == 1);
	rig_turn(rig, 5);
	cr_expect_eq(fake.sent[1], 1);
	cr_expect_eq(rig->push->counts.num_stale, 9);
	cr_expect_eq(rig_places(rig), 1);
	fake_answer();
	rig_rest(rig);
	cr_expect_eq(rig_places(rig), 1, "the look at silence");
	rig_free(rig);
}

Test(hand, overtaken, .description = "a cause between collect and settle is pushed again")
{
	struct rig *rig = begin(small, 4);
	struct mst_push_due due;

	fake.is_slow = true;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_until(rig, fake.sent[1] == 1);
	rig_cause(rig, 1, MST_PUSH_OPERATOR, NOW);
	rig_turn(rig, 4);
	cr_expect_eq(fake.sent[1], 1, "never twice at once");
	fake_answer();
	rig_until(rig, fake.sent[1] == 2);
	fake_answer();
	rig_rest(rig);
	cr_expect_eq(fake.sent[1], 2);
	cr_expect(rig_due(rig, &due, 1) && due.cause == MST_PUSH_SILENT);
	cr_expect_eq(rig_places(rig), 1);

	/* The same without a kick that came in time: the conflict alone must bring it back. */
	rig_jump(rig, 1000);
	rig_cause(rig, 2, MST_PUSH_COMMAND, NOW + 1000);
	rig_until(rig, fake.sent[2] == 1);
	rig->kick.is_out = true;
	rig_cause(rig, 2, MST_PUSH_COMMAND, NOW + 1000);
	rig->kick.is_out = rig->kick.is_waiting = false;
	fake_answer();
	rig_until(rig, fake.sent[2] == 2);
	fake_answer();
	rig_rest(rig);
	rig_free(rig);
}

static struct {
	int status;
	const char *reason;
	uint32_t retry_after_s;
	uint32_t num;
	enum push_end end;
	int64_t timestamp_ms;
} next_answer;

static void say(struct push_item *item, uint32_t device)
{
	if (next_answer.num == 0)
		return;
	next_answer.num--;
	fake_status(item, next_answer.status, next_answer.reason);
	item->answer.end = next_answer.end;
	item->answer.retry_after_s = next_answer.retry_after_s;
	item->answer.timestamp_ms = next_answer.timestamp_ms;
}

Test(hand, retry, .description = "5xx and lost links: back-off, counted by the breaker, apns-id kept")
{
	struct rig *rig = begin(small, 2);
	struct mst_push_due due;
	uint8_t id[16];
	int64_t wait_ms = 2000;

	fake.script = say;
	next_answer.status = 503;
	next_answer.reason = "ServiceUnavailable";
	next_answer.num = 6;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	for (uint32_t i = 1; i <= 6; i++) {
		cr_assert(rig_due(rig, &due, 1));
		if (i == 1)
			memcpy(id, due.apns_id, 16);
		cr_expect_arr_eq(due.apns_id, id, 16);
		cr_expect(due.num_failed == i && due.cause == MST_PUSH_COMMAND);
		int64_t in_ms = due.due_ms - mst_clock_wall_ms();
		cr_expect(in_ms >= wait_ms * 3 / 4 && in_ms <= wait_ms * 5 / 4, "try %u: %ld of %ld", i, (long)in_ms, (long)wait_ms);
		cr_expect_eq(fake.topics[0].num_failed, i);
		cr_expect_eq(rig_places(rig), 1);
		next_answer.end = i % 2 ? PUSH_LOST : PUSH_ANSWERED;
		rig_jump(rig, in_ms);
		rig_rest(rig);
		wait_ms *= 2;
	}
	cr_expect_eq(fake.sent[1], 7);
	cr_assert(rig_due(rig, &due, 1));
	cr_expect(due.cause == MST_PUSH_SILENT && due.num_failed == 0);
	rig_free(rig);
}

Test(hand, unsent, .description = "not taken: again at once, without a write; in the end a failure")
{
	struct rig *rig = begin(small, 2);
	struct mst_push_due due;

	fake.script = say;
	next_answer.reason = "";
	next_answer.end = PUSH_UNSENT;
	next_answer.num = 3;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect_eq(fake.sent[1], 4);
	cr_expect(rig_due(rig, &due, 1) && due.cause == MST_PUSH_SILENT);
	cr_expect_eq(fake.topics[0].num_failed, 0);
	next_answer.num = 6;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect_eq(fake.sent[1], 10);
	cr_expect(rig_due(rig, &due, 1) && due.num_failed == 1);
	cr_expect_eq(fake.topics[0].num_reopened, 0);
	rig_free(rig);
}

Test(hand, elsewhere, .description = "a link that takes no more, a provider token that has ended")
{
	struct rig *rig = begin(small, 4);

	fake.script = say;
	next_answer.status = 503;
	next_answer.reason = "Shutdown";
	next_answer.num = 1;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect(fake.sent[1] == 2 && fake.topics[0].num_reopened == 1);
	next_answer.status = 403;
	next_answer.reason = "ExpiredProviderToken";
	next_answer.num = 1;
	rig_cause(rig, 2, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect(fake.sent[2] == 2 && fake.topics[0].num_renewed == 1);
	cr_expect_eq(fake.topics[0].num_failed, 0);
	rig_free(rig);
}

Test(hand, hold, .description = "429: this token is left alone, others are not")
{
	struct rig *rig = begin(small, 4);
	struct mst_push_due due;

	fake.script = say;
	next_answer.status = 429;
	next_answer.reason = "TooManyRequests";
	next_answer.num = 2;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect(rig_due(rig, &due, 1) && due.due_ms == NOW + 60000 && due.num_failed == 0);
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect_eq(fake.sent[1], 1, "a new cause waits too");
	cr_expect(rig_due(rig, &due, 1) && due.due_ms == NOW + 60000);
	rig_jump(rig, 60000);
	rig_rest(rig);
	cr_expect_eq(fake.sent[1], 2);
	cr_expect(rig_due(rig, &due, 1) && due.due_ms == NOW + 180000, "twice as long");
	next_answer.num = 1;
	next_answer.retry_after_s = 7;
	rig_jump(rig, 120000);
	rig_rest(rig);
	cr_expect(rig_due(rig, &due, 1) && due.due_ms == NOW + 187000, "as long as it says");
	rig_jump(rig, 7000);
	rig_rest(rig);
	cr_expect(rig_due(rig, &due, 1) && due.cause == MST_PUSH_SILENT);
	rig_cause(rig, 2, MST_PUSH_COMMAND, NOW + 187000);
	rig_rest(rig);
	cr_expect_eq(fake.sent[2], 1);
	rig_free(rig);
}

Test(hand, gone, .description = "410: newer than the token, older than it, and a token that came meanwhile")
{
	struct rig *rig = begin(small, 4);
	struct mst_push_due due;

	fake.script = say;
	next_answer.status = 410;
	next_answer.reason = "Unregistered";
	next_answer.timestamp_ms = 1000001;
	next_answer.num = 1;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect(!rig_due(rig, &due, 1) && !rig_is_enabled(rig, 1));
	cr_expect_eq(rig_events(rig, 1, MST_EVENT_TOKEN_GONE), 1);
	cr_expect_eq(rig->push->counts.num_gone, 1);

	next_answer.timestamp_ms = 1000000;
	next_answer.num = 1;
	rig_cause(rig, 2, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect(rig_is_enabled(rig, 2) && rig_due(rig, &due, 2));
	cr_expect(due.num_failed == 1 && due.cause == MST_PUSH_COMMAND);
	cr_expect_eq(fake.topics[0].num_failed, 0, "the service works");

	fake.is_slow = true;
	rig_cause(rig, 3, MST_PUSH_COMMAND, NOW);
	rig_until(rig, fake.sent[3] == 1);
	rig_channel(rig, 3, true, 2000000);
	next_answer.timestamp_ms = 1000001;
	next_answer.num = 1;
	fake_answer();
	rig_until(rig, fake.sent[3] == 2);
	fake_answer();
	rig_rest(rig);
	cr_expect(rig_is_enabled(rig, 3) && rig_due(rig, &due, 3) && due.cause == MST_PUSH_SILENT);
	rig_free(rig);
}

Test(hand, gone_many, .description = "more at once than are taken away at once")
{
	struct rig *rig = begin((struct mst_push_conf){.window = 512}, 300);

	fake.script = say;
	next_answer.status = 410;
	next_answer.reason = "ExpiredToken";
	next_answer.timestamp_ms = 2000000;
	next_answer.num = 300;
	rig_causes(rig, 0, 300, NOW);
	rig_rest(rig);
	cr_expect_eq(rig->push->counts.num_gone, 300);
	cr_expect_eq(rig_places(rig), 0);
	rig_free(rig);
}

static uint32_t bad_from, bad_to;

static void say_bad(struct push_item *item, uint32_t device)
{
	if (device >= bad_from && device < bad_to)
		fake_status(item, 400, "BadDeviceToken");
}

Test(hand, bad_token, .description = "one bad token among good ones goes; alone it is only tried again")
{
	struct rig *rig = begin(small, 128);
	struct mst_push_due due;

	fake.script = say_bad;
	bad_from = 1;
	bad_to = 2;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect(rig_is_enabled(rig, 1) && rig_due(rig, &due, 1) && due.num_failed == 1);
	for (uint32_t i = 0; i < 30; i++) { /* hours alone say nothing */
		rig_jump(rig, 1200000);
		rig_rest(rig);
	}
	cr_expect_eq(fake.topics[0].num_stopped, 0);
	cr_expect_gt(fake.sent[1], 20);
	for (uint32_t i = 2; i < 40; i++)
		rig_cause(rig, i, MST_PUSH_COMMAND, mst_clock_wall_ms());
	rig_rest(rig);
	rig_jump(rig, 1200000);
	rig_rest(rig);
	cr_expect_not(rig_is_enabled(rig, 1));
	cr_expect_eq(rig_events(rig, 1, MST_EVENT_TOKEN_REFUSED), 1);
	cr_expect_not(rig_due(rig, &due, 1));
	cr_expect_eq(fake.topics[0].num_stopped, 0);
	rig_free(rig);
}

Test(hand, bad_tokens_at_once, .description = "all refused after many were taken: it is us, no token is dropped")
{
	struct rig *rig = begin((struct mst_push_conf){.window = 64}, 100);

	fake.script = say_bad;
	bad_from = bad_to = 0;
	for (int round = 0; round < 3; round++) {
		rig_causes(rig, 0, 100, mst_clock_wall_ms());
		rig_rest(rig);
		rig_jump(rig, 1000);
	}
	bad_to = 100;
	rig_causes(rig, 0, 100, mst_clock_wall_ms());
	rig_rest(rig);
	for (int i = 0; i < 5; i++) {
		rig_jump(rig, 60000);
		rig_rest(rig);
	}
	cr_expect_eq(rig->push->counts.num_gone, 0);
	cr_expect_eq(fake.topics[0].state, TOPIC_STOPPED);
	rig_free(rig);
}

Test(hand, bad_tokens, .description = "many bad ones: it is us; nothing is dropped, and a new credential starts again")
{
	struct rig *rig = begin((struct mst_push_conf){.window = 64}, 100);
	uint32_t num_sent;

	fake.script = say_bad;
	bad_from = 0;
	bad_to = 100;
	rig_causes(rig, 0, 100, NOW);
	rig_rest(rig);
	cr_expect_eq(fake.topics[0].num_stopped, 1);
	cr_expect_eq(fake.topics[0].state, TOPIC_STOPPED);
	cr_expect(strstr(fake.topics[0].why, "environment"));
	cr_expect_eq(rig_places(rig), 100);
	cr_expect_eq(rig->push->counts.num_gone, 0);
	num_sent = fake.num_sent;
	rig_jump(rig, 3600000);
	rig_rest(rig);
	cr_expect_eq(fake.num_sent, num_sent, "stopped");
	bad_to = 0;
	mst_clock_fake(mst_clock_wall_ms() + 1);
	rig_cert(rig, RIG_TOPIC, NOW / 1000 + 300 * 86400);
	rig_rest(rig);
	cr_expect_eq(fake.num_sent, num_sent + 100);
	rig_free(rig);
}

Test(hand, stop, .description = "what says that we are wrong stops the topic and keeps every push")
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = {{400, "BadTopic"}, {403, "BadCertificateEnvironment"}, {403, "InvalidProviderToken"}, {404, "BadPath"}, {413, "PayloadTooLarge"},
		    {400, "PayloadEmpty"}};
	struct rig *rig = begin(small, 40);

	fake.script = say;
	for (uint32_t i = 0; i < MST_LEN(rows); i++) {
		next_answer.status = rows[i].status;
		next_answer.reason = rows[i].reason;
		next_answer.num = UINT32_MAX;
		rig_causes(rig, 0, 40, mst_clock_wall_ms());
		rig_rest(rig);
		cr_expect_eq(fake.topics[0].state, TOPIC_STOPPED, "%s", rows[i].reason);
		cr_expect_str_eq(fake.topics[0].why, rows[i].reason);
		cr_expect_geq(rig_places(rig), 40, "%s", rows[i].reason);
		next_answer.num = 0;
		uint32_t num_sent = fake.num_sent;
		mst_clock_fake(mst_clock_wall_ms() + 1000);
		rig_cert(rig, RIG_TOPIC, NOW / 1000 + 300 * 86400);
		rig_rest(rig);
		cr_expect_eq(fake.num_sent - num_sent, 40, "%s", rows[i].reason);
	}
	rig_free(rig);
}

Test(hand, no_credential, .description = "pushes of a topic without a credential wait for it")
{
	struct rig *rig = begin(small, 4);
	struct mst_push_due due;

	rig_enrol(rig, 10, 40, "com.apple.mgmt.External.other");
	rig_causes(rig, 10, 40, NOW);
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect_eq(fake.num_sent, 1, "others are not held up");
	cr_expect_eq(fake.sent[1], 1);
	cr_expect(rig_due(rig, &due, 20) && due.due_ms == NOW && due.num_failed == 0);
	rig_cert(rig, "com.apple.mgmt.External.other", 0);
	rig_rest(rig);
	cr_expect_eq(fake.num_sent, 41);
	rig_free(rig);
}

Test(hand, resting, .description = "a topic that rests is asked again when it says so, not before")
{
	struct rig *rig = begin(small, 60);

	fake.topics[0].state = TOPIC_RESTING;
	fake.topics[0].until = mst_clock_ms() + 300;
	rig_causes(rig, 0, 60, NOW);
	rig_turn(rig, 10);
	cr_expect_eq(fake.num_sent, 0);
	cr_expect_leq(rig->push->counts.num_collected, 40, "not the whole outbox, again and again");
	rig_until(rig, fake.num_sent == 60);
	rig_rest(rig);
	cr_expect_eq(rig->push->counts.num_done, 60);
	rig_free(rig);
}

Test(hand, stop_late, .description = "what was said of an earlier credential: the push goes out with the new one")
{
	struct rig *rig = begin(small, 2);

	fake.script = say;
	fake.topics[0].is_replaced = true;
	next_answer.status = 403;
	next_answer.reason = "BadCertificate";
	next_answer.num = 1;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect_eq(fake.sent[1], 2);
	cr_expect_eq(rig->push->counts.num_stopped, 0);
	cr_expect_eq(rig->push->counts.num_done, 1);
	rig_free(rig);
}

Test(hand, key_topic, .description = "a device that names an application's topic sends nothing there")
{
	struct rig *rig = begin(small, 2);

	fake.topics[0].is_token = true;
	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect_eq(fake.num_sent, 0);
	cr_expect_eq(rig_places(rig), 1);
	rig_free(rig);
}

#define OTHER "com.apple.mgmt.External.other"

Test(hand, stopped_first, .description = "older pushes of a stopped topic do not keep one that rests from being asked")
{
	struct rig *rig = begin(small, 40);

	rig_enrol(rig, 40, 20, OTHER);
	rig_cert(rig, OTHER, NOW / 1000 + 300 * 86400);
	rig_rest(rig);
	fake.topics[0].state = TOPIC_STOPPED;
	fake.topics[1].state = TOPIC_RESTING;
	fake.topics[1].until = mst_clock_ms() + 200;
	rig_causes(rig, 0, 40, NOW - 1000);
	rig_causes(rig, 40, 20, NOW);
	rig_until(rig, fake.num_sent == 20);
	rig_rest(rig);
	cr_expect_eq(rig->push->counts.num_done, 20);
	cr_expect_leq(rig->push->counts.num_collected, 40 + 40 + 20 + 20, "the stopped topic's are looked at once or twice");
	rig_free(rig);
}

Test(hand, stopped_and_rested, .description = "a stopped topic's push alone pauses nothing while another topic rests")
{
	struct rig *rig = begin(small, 2);

	rig_enrol(rig, 2, 1, OTHER);
	rig_cert(rig, OTHER, NOW / 1000 + 300 * 86400);
	rig_rest(rig);
	fake.topics[0].state = TOPIC_STOPPED;
	fake.topics[1].state = TOPIC_RESTING;
	fake.topics[1].until = mst_clock_ms() + 50;
	rig_cause(rig, 0, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	rig_cause(rig, 2, MST_PUSH_COMMAND, NOW);
	rig_until(rig, fake.sent[2] == 1);
	rig_free(rig);
}

Test(hand, rests_on, .description = "a topic that rests on and on does not keep another's pushes, behind its own, from going")
{
	struct rig *rig = begin(small, 3000);

	rig_enrol(rig, 3000, 20, OTHER);
	rig_cert(rig, OTHER, NOW / 1000 + 300 * 86400);
	rig_rest(rig);
	fake.topics[0].state = TOPIC_RESTING;
	fake.topics[0].each_ms = 2;
	rig_causes(rig, 0, 3000, NOW - 1000);
	rig_causes(rig, 3000, 20, NOW);
	rig_until(rig, fake.num_sent == 20);
	fake.topics[0].each_ms = 0;
	fake.topics[0].until = 0;
	rig_until(rig, fake.num_sent == 3020);
	rig_free(rig);
}

Test(hand, restart, .description = "in-hand pushes are sent again once, nothing is lost")
{
	struct rig *rig = begin((struct mst_push_conf){.window = 32}, 120);

	fake.is_slow = true;
	rig_causes(rig, 0, 120, NOW);
	rig_until(rig, rig->push->num_items == 32);
	rig_turn(rig, 5);
	cr_expect_eq(fake.num_sent, 32);
	rig_restart(rig);
	fake.is_slow = false;
	rig_until(rig, fake.num_topics == 1);
	rig_rest(rig);
	for (uint32_t i = 0; i < 120; i++)
		cr_expect(fake.sent[i] == 1 || fake.sent[i] == 2, "device %u: %u", i, fake.sent[i]);
	cr_expect_eq(fake.num_sent, 120 + 32);
	cr_expect_eq(rig_places(rig), 120);
	rig_free(rig);
}

Test(hand, window, .timeout = 120, .description = "100,000 due, never more than the window in hand")
{
	struct rig *rig = begin((struct mst_push_conf){.window = 1000}, 100000);

	rig_causes(rig, 0, 100000, NOW);
	rig_until(rig, rig->push->counts.num_done >= 30000);
	rig_until(rig, rig->push->counts.num_done >= 70000);
	rig_until(rig, rig->push->counts.num_done == 100000);
	rig_rest(rig);
	cr_expect_eq(fake.num_sent, 100000);
	cr_expect_leq(fake.num_hand_most, 1000);
	for (uint32_t i = 0; i < RIG_DEVICES; i++)
		cr_expect_eq(fake.sent[i], 1);
	rig_free(rig);
}

Test(hand, rate, .description = "so many a second, no more")
{
	struct rig *rig = begin((struct mst_push_conf){.window = 1000, .rate = 500}, 1000);
	uint64_t began = mst_clock_ms();

	rig_causes(rig, 0, 1000, NOW);
	rig_until(rig, fake.num_sent >= 250);
	uint64_t took = mst_clock_ms() - began;
	cr_expect(took >= 350 && took < 1500, "250 in %lu ms", (unsigned long)took);
	rig_free(rig);
}

Test(hand, broken_store, .description = "a store that cannot write: no device is pushed over and over")
{
	struct rig *rig = begin((struct mst_push_conf){.window = 8}, 20);

	rig_causes(rig, 0, 20, NOW);
	mst_store_break(rig->kit->store, true);
	rig_until(rig, fake.num_sent == 8);
	rig_turn(rig, 30);
	cr_expect_eq(fake.num_sent, 8);
	mst_store_break(rig->kit->store, false);
	rig_until(rig, rig->push->counts.num_done == 20);
	rig_rest(rig);
	for (uint32_t i = 0; i < 20; i++)
		cr_expect_eq(fake.sent[i], 1);
	rig_free(rig);
}

Test(hand, magic, .description = "a device's magic cannot break the payload")
{
	struct rig *rig = begin(small, 1);
	struct mst_channel c = {.id = rig_id(500), .is_enabled = true, .epoch = 1, .topic = MST_S(RIG_TOPIC), .token = MST_S("\0\0\0\5xxxx"),
				.magic = MST_S("a\"b\\c"), .updated_ms = 5};
	struct mst_device d = {.id = c.id, .text = MST_S("x"), .state = MST_DEVICE_ENROLLED, .epoch = 1};
	struct mst_push_due due;
	struct mst_batch b;
	struct mst_err e;

	mst_batch_init(&b, &rig->arena, NULL, NULL);
	mst_device_put(&b, &d);
	cr_assert_eq(mst_channel_put(&b, &c, rig->seal, &e), 0);
	c.id = d.id = rig_id(501);
	c.magic = MST_S("a\nb");
	mst_device_put(&b, &d);
	cr_assert_eq(mst_channel_put(&b, &c, rig->seal, &e), 0);
	cr_assert_eq(mst_store_commit_here(rig->kit->store, &b), 0);
	fake.script = see;
	rig_cause(rig, 500, MST_PUSH_COMMAND, NOW);
	rig_cause(rig, 501, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	cr_expect_eq(fake.num_sent, 1);
	cr_expect(mst_slice_eq(mst_slice(seen.payload, seen.payload_len), MST_S("{\"mdm\":\"a\\\"b\\\\c\"}")));
	cr_expect_not(rig_due(rig, &due, 501));
	rig_free(rig);
}

#define STORM 100
static uint32_t caused_at[STORM];
static bool is_woken[STORM];
static uint64_t dice = 88172645463325252u;

static uint32_t roll(uint32_t most)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 20) % most;
}

static void say_anything(struct push_item *item, uint32_t device)
{
	uint32_t n = roll(100);

	if (n < 20)
		fake_status(item, 503, "ServiceUnavailable");
	else if (n < 25)
		item->answer.end = PUSH_LOST;
	else if (n < 40)
		item->answer.end = PUSH_UNSENT;
	else if (n < 42)
		fake_status(item, 503, "Shutdown");
	else if (n < 43)
		fake_status(item, 410, "Unregistered"), item->answer.timestamp_ms = 5; /* of an earlier token */
	else if (item->sent_ms > caused_at[device])
		is_woken[device] = true;
}

/* Everything at once: causes at any moment, every kind of trouble, restarts in the middle. */
Test(hand, storm, .timeout = 120)
{
	struct rig *rig = rig_new((struct mst_push_conf){.window = 24, .retry_ms = 16, .retry_max_ms = 60});
	struct mst_push_due due;

	rig_enrol(rig, 0, STORM, RIG_TOPIC);
	rig_cert(rig, RIG_TOPIC, 0);
	fake.script = say_anything;
	fake.each_turn = 5;
	for (uint32_t i = 0; i < 4000; i++) {
		uint32_t device = roll(STORM);
		/* Before the commit: what is sent from here on may or may not know of it, what is sent after it does. */
		rig_cause(rig, device, MST_PUSH_COMMAND, mst_clock_wall_ms() - roll(3));
		caused_at[device] = fake.num_sent;
		is_woken[device] = false;
		if (roll(3) == 0)
			rig_turn(rig, 1);
		if (roll(700) == 0) {
			rig_restart(rig);
			rig_until(rig, fake.num_topics == 1);
		}
	}
	for (uint32_t i = 0; i < STORM; i++)
		rig_until(rig, is_woken[i] || !caused_at[i]);
	rig_until(rig, rig->push->num_items == 0);
	rig_rest(rig);
	for (uint32_t i = 0; i < STORM; i++)
		cr_expect(!rig_due(rig, &due, i) || due.cause == MST_PUSH_SILENT, "device %u", i);
	rig_until(rig, rig_places_until(rig, mst_clock_wall_ms()) == 0); /* no place is left behind the cursor */
	rig_free(rig);
}

Test(hand, sweep, .description = "what nobody told of is found all the same")
{
	struct rig *rig = begin(small, 4);

	rig_cause(rig, 1, MST_PUSH_COMMAND, NOW);
	rig_rest(rig);
	rig_jump(rig, 1000);
	rig->kick.is_out = true; /* nothing is told */
	rig_cause(rig, 2, MST_PUSH_COMMAND, NOW - 5000);
	rig_rest(rig);
	cr_expect_eq(fake.sent[2], 0);
	fake.is_slow = true; /* an engine that always has something in hand does it too */
	rig->kick.is_out = rig->kick.is_waiting = false;
	rig_cause(rig, 3, MST_PUSH_COMMAND, mst_clock_wall_ms());
	rig_until(rig, fake.sent[3] == 1);
	rig->push->collect->swept_ms -= 900000;
	rig_jump(rig, 0);
	rig_until(rig, fake.sent[2] == 1);
	fake_answer();
	rig_rest(rig);
	cr_expect_eq(fake.sent[2], 1);
	cr_expect_eq(fake.sent[1], 1);
	rig_free(rig);
}

Test(hand, drain, .description = "an engine that ends collects no more, settles what is in hand and leaves the rest")
{
	struct rig *rig = begin((struct mst_push_conf){.window = 16}, 40);

	fake.is_slow = true;
	rig_causes(rig, 0, 40, NOW);
	rig_until(rig, fake.num_sent == 16);
	mst_push_drain(rig->push);
	rig_turn(rig, 5);
	cr_expect_not(mst_push_is_idle(rig->push));
	fake_answer();
	rig_until(rig, mst_push_is_idle(rig->push));
	cr_expect_eq(fake.num_sent, 16);
	cr_expect_eq(rig_places(rig), 40);
	rig_restart(rig);
	fake.is_slow = false;
	rig_until(rig, fake.num_sent == 40);
	rig_rest(rig);
	rig_free(rig);
}

Test(hand, creds, .description = "the end of a certificate is told ahead, each time once; only a change starts topics again")
{
	static const struct {
		int64_t days;
		uint32_t num;
	} rows[] = {{40, 0}, {29, 1}, {28, 1}, {14, 2}, {8, 2}, {7, 3}, {1, 4}, {0, 5}, {-3, 5}};
	struct rig *rig = rig_new(small);
	int64_t end_s = NOW / 1000;
	uint64_t first;

	mst_clock_fake(NOW - 40 * 86400000ll);
	rig_cert(rig, RIG_TOPIC, end_s);
	first = mst_log_count(MST_WARN);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		uint32_t num_loads = fake.num_loads;
		mst_clock_fake(NOW - rows[i].days * 86400000ll);
		mst_push_reload(rig->push);
		rig_until(rig, fake.num_loads > num_loads);
		cr_expect_eq(mst_log_count(MST_WARN) - first, rows[i].num, "%ld days", (long)rows[i].days);
	}
	rig_free(rig);
}

Test(hand, later, .description = "what is due later comes at its time, by itself")
{
	struct rig *rig = rig_new(small);
	int64_t now_ms = mst_clock_wall_ms();

	rig_enrol(rig, 0, 2, RIG_TOPIC);
	rig_cert(rig, RIG_TOPIC, 0);
	rig_cause(rig, 1, MST_PUSH_COMMAND, now_ms + 400);
	rig_turn(rig, 5);
	cr_expect_eq(fake.num_sent, 0);
	rig_until(rig, fake.num_sent == 1);
	cr_expect_geq(mst_clock_wall_ms(), now_ms + 400);
	rig_rest(rig);
	rig_free(rig);
}
