/* SPDX-License-Identifier: Apache-2.0 */
/* Campaigns through whole pipelines on the real store: whom they reach, how fast, and what interrupts them. */
#include "campaign_kit.h"
#include "campaign_live.h"
#include "muster/clock.h"
#include "muster/text.h"

static struct campaign_kit kit;

static void begin(void)
{
	campaign_begin(&kit);
}

static void end(void)
{
	campaign_end(&kit);
}

TestSuite(campaign, .init = begin, .fini = end, .timeout = 120);

#define INFO "\"request_type\":\"DeviceInformation\""

static char *start_text(const char *more)
{
	return rig_text(kit.rig, "{" INFO ",%s}", more);
}

static struct answer change(uint64_t number, const char *verb, const char *body)
{
	return campaign_post(&kit, rig_text(kit.rig, "/v1/campaigns/%llu/%s", (unsigned long long)number, verb), body);
}

/* Each device exactly once: its command, its line of history, its push. */
static void expect_reached(uint32_t num, uint32_t pushes)
{
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_QUEUE), num, "%u queued", rig_num_records(kit.rig, MST_SPACE_QUEUE));
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_COMMAND), num);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_HISTORY), num);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_PUSH), pushes);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_OUTBOX), pushes);
}

Test(campaign, reaches_a_list)
{
	uint64_t number, sent = rig_count(MST_C_COMMANDS_QUEUED);
	struct answer a;

	campaign_devices(&kit, "D", 300, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	campaign_devices(&kit, "GONE", 2, "iPhone14,2", "17.4", MST_DEVICE_CHECKED_OUT);
	number = campaign_start(&kit, start_text(rig_text(kit.rig, "\"name\":\"spring\",\"rate\":5000,%.*s,\"D-0007\",\"GONE-0000\",\"GONE-0001\",\"nobody\"]",
							  (int)strlen(campaign_ids(&kit, "D", 300)) - 1, campaign_ids(&kit, "D", 300))));
	cr_expect_eq(number, 1);
	campaign_wait(&kit, number, "done");
	expect_reached(300, 300);
	cr_expect_eq(campaign_number(&kit, number, "targets"), 303);
	cr_expect_eq(campaign_number(&kit, number, "queued"), 300);
	cr_expect_eq(campaign_number(&kit, number, "skipped.unknown"), 1);
	cr_expect_eq(campaign_number(&kit, number, "skipped.checked_out"), 2);
	cr_expect_eq(campaign_number(&kit, number, "answers.waiting"), 300);
	cr_expect_eq(campaign_number(&kit, number, "answers.push_due"), 300);
	cr_expect_str_eq(campaign_text(&kit, number, "name"), "spring");
	cr_expect_gt(kit.num_kicks, 0);
	cr_expect_eq(rig_count(MST_C_COMMANDS_QUEUED) - sent, 300);
	a = rig_get(kit.rig, "/v1/campaigns");
	cr_expect(strstr(a.body, "\"campaign\":1,\"name\":\"spring\",\"state\":\"done\""), "%s", a.body);
	cr_expect(strstr(a.body, "\"next\":null"), "%s", a.body);
}

/* Due times lie as far apart as the rate says, and never more than a second ahead of the clock. */
Test(campaign, paces_its_pushes)
{
	int64_t due[160], began = mst_clock_wall_ms();
	uint64_t number;
	uint32_t num = 0;

	campaign_devices(&kit, "D", 150, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	number = campaign_start(&kit, start_text("\"rate\":100,\"all\":true"));
	while (num < 150) {
		num = campaign_places(&kit, due, MST_LEN(due));
		if (num > 0)
			cr_expect_leq(due[num - 1], mst_clock_wall_ms() + 1050, "%lld ms ahead", (long long)(due[num - 1] - mst_clock_wall_ms()));
		cr_assert_lt(mst_clock_wall_ms(), began + 20000);
		campaign_turn(&kit, 20);
	}
	for (uint32_t i = 1; i < num; i++)
		cr_expect_geq(due[i] - due[i - 1], 8, "place %u: %lld ms", i, (long long)(due[i] - due[i - 1]));
	cr_expect_lt(due[num - 1] - due[0], 4000);
	campaign_wait(&kit, number, "done");
	cr_expect_eq(campaign_number(&kit, number, "targets"), 150);
}

Test(campaign, filters)
{
	static const struct {
		const char *filter;
		uint32_t num;
	} rows[] = {
		{"{\"model_prefix\":\"iphone\"}", 30},
		{"{\"model_prefix\":\"iPad\",\"os_version_prefix\":\"17\"}", 0},
		{"{\"os_version_prefix\":\"16.\"}", 20},
		{"{\"topic\":\"com.apple.mgmt.x\"}", 50},
		{"{\"topic\":\"com.apple.mgmt\"}", 0},
		{"{\"model_prefix\":\"iPad13,1\"}", 20},
	};
	uint64_t number;

	campaign_devices(&kit, "PHONE", 30, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	campaign_devices(&kit, "PAD", 20, "iPad13,16", "16.5.1", MST_DEVICE_ENROLLED);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		number = campaign_start(&kit, start_text(rig_text(kit.rig, "\"rate\":5000,\"nopush\":true,\"filter\":%s", rows[i].filter)));
		campaign_wait(&kit, number, "done");
		cr_expect_eq(campaign_number(&kit, number, "queued"), rows[i].num, "%s", rows[i].filter);
		cr_expect_eq(campaign_number(&kit, number, "answers.waiting"), rows[i].num, "%s", rows[i].filter);
	}
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_PUSH), 0, "nopush");
}

Test(campaign, pauses_and_goes_on)
{
	uint64_t number, queued;

	campaign_devices(&kit, "D", 200, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	number = campaign_start(&kit, start_text("\"rate\":40,\"all\":true"));
	campaign_wait_for(&kit, number, "queued", 10);
	cr_expect_eq(change(number, "pause", NULL).status, 200);
	cr_expect_eq(change(number, "pause", NULL).status, 200, "again changes nothing");
	campaign_turn(&kit, 100);
	queued = campaign_number(&kit, number, "queued");
	cr_expect_lt(queued, 200);
	campaign_turn(&kit, 800);
	cr_expect_eq(campaign_number(&kit, number, "queued"), queued, "it rests");
	campaign_restart(&kit);
	campaign_turn(&kit, 300);
	cr_expect_str_eq(campaign_text(&kit, number, "state"), "paused");
	cr_expect_eq(campaign_number(&kit, number, "queued"), queued, "also after a restart");
	cr_expect_eq(change(number, "rate", "{\"rate\":5000}").status, 200);
	cr_expect_eq(change(number, "resume", NULL).status, 200);
	campaign_wait(&kit, number, "done");
	expect_reached(200, 200);
	cr_expect_eq(campaign_number(&kit, number, "queued"), 200);
	cr_expect_eq(campaign_number(&kit, number, "rate"), 5000);
	cr_expect_eq(change(number, "pause", NULL).status, 409, "over");
	cr_expect_eq(change(number, "cancel", NULL).status, 409);
	cr_expect_eq(change(99, "pause", NULL).status, 404);
}

static uint32_t num_due(uint64_t number)
{
	return (uint32_t)campaign_number(&kit, number, "answers.push_due");
}

Test(campaign, withdraws_what_waits)
{
	uint64_t number;
	uint32_t queued;

	campaign_devices(&kit, "D", 150, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	cr_assert_eq(rig_enqueue(kit.rig, "D-0000,D-0001,D-0002", "EARLIER").status, 200);
	number = campaign_start(&kit, start_text("\"rate\":60,\"all\":true"));
	campaign_wait_for(&kit, number, "queued", 50);
	cr_expect_gt(num_due(number), 0);
	cr_expect_eq(change(number, "cancel", NULL).status, 200);
	while (campaign_number(&kit, number, "withdrawn") < campaign_number(&kit, number, "queued"))
		campaign_turn(&kit, 20);
	queued = (uint32_t)campaign_number(&kit, number, "queued");
	cr_expect_lt(queued, 150);
	cr_expect_str_eq(campaign_text(&kit, number, "state"), "cancelled");
	cr_expect_eq(campaign_number(&kit, number, "answers.cancelled"), queued);
	cr_expect_eq(campaign_number(&kit, number, "answers.waiting"), 0);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_QUEUE), 3, "the earlier ones wait on");
	cr_expect_leq(rig_num_records(kit.rig, MST_SPACE_PUSH), 3, "and only for them somebody is pushed");
}

Test(campaign, keeps_what_waits)
{
	uint64_t number;
	uint32_t queued;

	campaign_devices(&kit, "D", 150, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	number = campaign_start(&kit, start_text("\"rate\":60,\"all\":true"));
	campaign_wait_for(&kit, number, "queued", 50);
	cr_expect_eq(change(number, "cancel?keep=1", NULL).status, 200);
	campaign_turn(&kit, 300);
	queued = (uint32_t)campaign_number(&kit, number, "queued");
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_QUEUE), queued);
	cr_expect_eq(campaign_number(&kit, number, "answers.waiting"), queued);
	cr_expect_eq(change(number, "cancel", NULL).status, 409);
}

/* Killed again and again at any moment: each device once, none lost, the counts right. */
Test(campaign, survives_kills)
{
	uint64_t number;

	campaign_devices(&kit, "D", 2500, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	number = campaign_start(&kit, start_text(rig_text(kit.rig, "\"rate\":2000,%s", campaign_ids(&kit, "D", 2500))));
	for (int i = 0; i < 8; i++) {
		campaign_turn(&kit, (uint32_t)(i * 37 % 60));
		campaign_restart(&kit);
	}
	campaign_wait(&kit, number, "done");
	expect_reached(2500, 2500);
	cr_expect_eq(campaign_number(&kit, number, "queued"), 2500);
	number = campaign_start(&kit, start_text("\"rate\":1000,\"all\":true,\"nopush\":true"));
	campaign_turn(&kit, 60);
	campaign_restart(&kit);
	cr_expect_eq(change(number, "cancel", NULL).status, 200);
	for (int i = 0; i < 4; i++) {
		campaign_turn(&kit, 20);
		campaign_restart(&kit);
	}
	while (rig_num_records(kit.rig, MST_SPACE_QUEUE) > 2500)
		campaign_turn(&kit, 50);
	campaign_wait_for(&kit, number, "withdrawn", campaign_number(&kit, number, "answers.cancelled"));
	cr_expect_eq(campaign_number(&kit, number, "withdrawn"), campaign_number(&kit, number, "answers.cancelled"));
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_QUEUE), 2500);
}

/* A device enrols anew between the slice's look and its commit: it gets the command in its new life. */
Test(campaign, meets_a_new_enrolment)
{
	const char *auth = PLIST_HEAD "<key>MessageType</key><string>Authenticate</string><key>UDID</key><string>UDID-0001</string>"
				      "<key>Topic</key><string>t</string>" PLIST_TAIL;
	struct link link = rig_enrol(kit.rig, "UDID-0001"), control = rig_control();

	for (int i = 0; i < 10; i++) {
		struct deal *start = rig_begin(kit.rig, &control,
					       (struct ask){.has_method = true,
							    .method = MST_POST,
							    .target = "/v1/campaigns",
							    .body = start_text("\"rate\":5000,\"ids\":[\"UDID-0001\"]")});
		uint64_t number = (uint64_t)i + 1;
		cr_assert_eq(rig_end(kit.rig, start).status, 201);
		struct deal *checkin = rig_begin(kit.rig, &link, (struct ask){.type = "application/x-apple-aspen-mdm-checkin", .body = auth});
		cr_expect_eq(rig_end(kit.rig, checkin).status, 200);
		campaign_wait(&kit, number, "done");
		cr_expect_eq(campaign_number(&kit, number, "queued"), 1, "%s",
			     rig_get(kit.rig, rig_text(kit.rig, "/v1/campaigns/%llu", (unsigned long long)number)).body);
		cr_assert_eq(rig_token_update(kit.rig, &link, "UDID-0001", ""), 200);
		/* Either it was queued before and is cleared, or it waits in the new enrolment. */
		cr_expect_eq(campaign_number(&kit, number, "answers.waiting") + campaign_number(&kit, number, "answers.cleared"), 1);
	}
}

Test(campaign, counts_what_was_answered)
{
	static const char *const words[] = {"Acknowledged", "Error", "NotNow", "CommandFormatError"};
	struct link links[6];
	uint64_t number;
	char *uuid;

	for (unsigned i = 0; i < MST_LEN(links); i++)
		links[i] = rig_enrol(kit.rig, rig_text(kit.rig, "UDID-%u", i));
	number = campaign_start(&kit, start_text("\"rate\":5000,\"all\":true"));
	campaign_wait(&kit, number, "done");
	uuid = campaign_text(&kit, number, "command_uuid");
	for (unsigned i = 0; i < MST_LEN(words); i++) {
		char *udid = rig_text(kit.rig, "UDID-%u", i);
		struct answer a = rig_idle(kit.rig, &links[i], udid);
		cr_expect(strstr(a.body, uuid) && strstr(a.body, "Queries"), "%s", a.body);
		cr_expect_eq(rig_status(kit.rig, &links[i], udid, words[i], uuid).status, 200);
	}
	cr_assert_eq(rig_authenticate(kit.rig, &links[4], "UDID-4"), 200);
	campaign_turn(&kit, 250);
	cr_expect_eq(campaign_number(&kit, number, "answers.acknowledged"), 1);
	cr_expect_eq(campaign_number(&kit, number, "answers.error"), 2);
	cr_expect_eq(campaign_number(&kit, number, "answers.not_now"), 1);
	cr_expect_eq(campaign_number(&kit, number, "answers.cleared"), 1);
	cr_expect_eq(campaign_number(&kit, number, "answers.waiting"), 1);
}

Test(campaign, takes_a_command_and_a_user)
{
	const char *plist = PLIST_HEAD "<key>CommandUUID</key><string>C-1</string><key>Command</key><dict>"
				       "<key>RequestType</key><string>DeviceLock</string></dict>" PLIST_TAIL;
	char base64[1024], *body;
	struct link link = rig_enrol(kit.rig, "UDID-0001");
	uint64_t number;

	mst_base64_put(base64, mst_slice_str(plist));
	cr_assert_eq(rig_token_update(kit.rig, &link, "UDID-0001", "<key>UserID</key><string>U</string><key>UserLongName</key><string>L</string>"
								   "<key>UserShortName</key><string>S</string>"),
		     200);
	body = rig_text(kit.rig, "{\"command\":\"%.*s\",\"ids\":[\"UDID-0001:U\",\"UDID-0001\",\"UDID-0001:NOBODY\"]}",
			(int)MST_BASE64_LEN(strlen(plist)), base64);
	number = campaign_start(&kit, body);
	campaign_wait(&kit, number, "done");
	cr_expect_eq(campaign_number(&kit, number, "queued"), 2);
	cr_expect_eq(campaign_number(&kit, number, "skipped.unknown"), 1);
	cr_expect_str_eq(campaign_text(&kit, number, "command_uuid"), "C-1");
	cr_expect_str_eq(rig_idle(kit.rig, &link, "UDID-0001").body, plist);
	cr_expect_eq(campaign_post(&kit, "/v1/campaigns", body).status, 409, "one uuid, one campaign");
	cr_assert_eq(rig_enqueue(kit.rig, "UDID-0001", "C-2").status, 200);
	campaign_turn(&kit, 20);
}

Test(campaign, leaves_a_used_uuid_alone)
{
	uint64_t number;
	char base64[1024];
	const char *plist = PLIST_HEAD "<key>CommandUUID</key><string>C-1</string><key>Command</key><dict>"
				       "<key>RequestType</key><string>DeviceLock</string></dict>" PLIST_TAIL;

	rig_enrol(kit.rig, "UDID-0001");
	cr_assert_eq(rig_enqueue(kit.rig, "UDID-0001", "C-1").status, 200);
	campaign_turn(&kit, 20);
	mst_base64_put(base64, mst_slice_str(plist));
	number = campaign_start(&kit, rig_text(kit.rig, "{\"command\":\"%.*s\",\"all\":true}", (int)MST_BASE64_LEN(strlen(plist)), base64));
	campaign_wait(&kit, number, "done");
	cr_expect_eq(campaign_number(&kit, number, "skipped.uuid_used"), 1);
	cr_expect_eq(campaign_number(&kit, number, "answers.waiting"), 0, "not the campaign's");
}

Test(campaign, refuses)
{
	static const struct {
		const char *body;
		int status;
	} rows[] = {
		{"", 400},
		{"[]", 400},
		{"{}", 400},
		{"{" INFO "}", 400},
		{"{\"all\":true}", 400},
		{"{" INFO ",\"all\":false}", 400},
		{"{" INFO ",\"all\":1}", 400},
		{"{" INFO ",\"all\":true,\"ids\":[\"X\"]}", 400},
		{"{" INFO ",\"all\":true,\"command\":\"AAAA\"}", 400},
		{"{" INFO ",\"ids\":[]}", 400},
		{"{" INFO ",\"ids\":[\"X\",5]}", 400},
		{"{" INFO ",\"ids\":[\"X\",\":x\"]}", 400},
		{"{" INFO ",\"ids\":\"X\"}", 400},
		{"{" INFO ",\"filter\":{}}", 400},
		{"{" INFO ",\"filter\":{\"colour\":\"red\"}}", 400},
		{"{" INFO ",\"filter\":{\"topic\":5}}", 400},
		{"{" INFO ",\"all\":true,\"rate\":0}", 400},
		{"{" INFO ",\"all\":true,\"rate\":5001}", 400},
		{"{" INFO ",\"all\":true,\"rate\":\"fast\"}", 400},
		{"{" INFO ",\"all\":true,\"rate\":1.5}", 400},
		{"{" INFO ",\"all\":true,\"rate\":-1}", 400},
		{"{" INFO ",\"all\":true,\"speed\":5}", 400},
		{"{" INFO ",\"all\":true,\"name\":\"a\\nb\"}", 400},
		{"{" INFO ",\"all\":true,\"nopush\":\"yes\"}", 400},
		{"{" INFO ",\"all\":true,\"starts_at\":\"tomorrow\"}", 400},
		{"{" INFO ",\"all\":true,\"starts_at\":\"2026-06-31T00:00:00Z\"}", 400},
		{"{" INFO ",\"all\":true,\"starts_at\":\"2026-06-30T00:00:00+01:00\"}", 400},
		{"{" INFO ",\"all\":true,\"starts_at\":1}", 400},
		{"{\"request_type\":\"\",\"all\":true}", 400},
		{"{\"command\":\"****\",\"all\":true}", 400},
		{"{\"command\":\"\",\"all\":true}", 400},
		{"{\"command\":\"AAAA\",\"all\":true}", 400},
	};
	struct answer a;

	campaign_devices(&kit, "D", 3, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		a = campaign_post(&kit, "/v1/campaigns", rows[i].body);
		cr_expect_eq(a.status, rows[i].status, "%s: %d %s", rows[i].body, a.status, a.body);
	}
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CAMPAIGN), 0);
	cr_expect_eq(rig_get(kit.rig, "/v1/campaigns/1").status, 404);
	cr_expect_eq(rig_get(kit.rig, "/v1/campaigns/x").status, 404);
	cr_expect_eq(rig_get(kit.rig, "/v1/campaigns?limit=0").status, 400);
	cr_expect_eq(rig_get(kit.rig, "/v1/campaigns?cursor=x").status, 400);
	cr_expect_eq(change(1, "stop", NULL).status, 404);
	cr_expect_eq(change(1, "rate", "{}").status, 400);
	cr_expect_eq(change(1, "rate", "{\"rate\":0}").status, 400);
	cr_expect_eq(change(1, "rate", "").status, 400);
	kit.rig->app.campaigns = NULL;
	a = campaign_post(&kit, "/v1/campaigns", "{}");
	cr_expect_eq(a.status, 404, "no push engine");
	campaign_restart(&kit);
}

Test(campaign, has_limits)
{
	for (int i = 0; i < 4; i++)
		campaign_start(&kit, start_text("\"all\":true,\"starts_at\":\"2100-01-01T00:00:00.000Z\""));
	struct answer a = campaign_post(&kit, "/v1/campaigns", start_text("\"all\":true"));
	cr_expect_eq(a.status, 409, "%s", a.body);
	cr_expect(strstr(a.body, "4 campaigns are open"), "%s", a.body);
	a = rig_get(kit.rig, "/v1/campaigns?limit=3");
	cr_expect(strstr(a.body, "\"next\":\"3\""), "%s", a.body);
	cr_expect(strstr(a.body, "\"state\":\"scheduled\""), "%s", a.body);
	a = rig_get(kit.rig, "/v1/campaigns?limit=3&cursor=3");
	cr_expect(strstr(a.body, "\"campaign\":4") && !strstr(a.body, "\"campaign\":3"), "%s", a.body);
	for (uint64_t i = 1; i <= 4; i++)
		cr_expect_eq(change(i, "cancel", NULL).status, 200);
	campaign_turn(&kit, 100);
	cr_expect_eq(campaign_start(&kit, start_text("\"all\":true")), 5);
}

Test(campaign, starts_when_told)
{
	char at[MST_TIME_ROOM];
	uint64_t number;

	campaign_devices(&kit, "D", 3, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	mst_time_put(at, mst_clock_wall_ms() + 2500);
	number = campaign_start(&kit, start_text(rig_text(kit.rig, "\"all\":true,\"starts_at\":\"%s\"", at)));
	cr_expect_str_eq(campaign_text(&kit, number, "state"), "scheduled");
	campaign_turn(&kit, 300);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_QUEUE), 0);
	campaign_wait(&kit, number, "done");
	expect_reached(3, 3);
}

/* The engine's own rate grows while there is room and is halved when there is none. */
Test(campaign, adapts)
{
	uint64_t number, pace;

	campaign_devices(&kit, "D", 2000, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	number = campaign_start(&kit, start_text("\"rate\":\"auto\",\"all\":true,\"nopush\":true"));
	cr_expect_str_eq(campaign_text(&kit, number, "rate"), "auto");
	cr_expect_eq(campaign_number(&kit, number, "pace"), 50);
	campaign_turn(&kit, 3500);
	pace = campaign_number(&kit, number, "pace");
	cr_expect(pace > 55 && pace < 80, "%llu", (unsigned long long)pace);
	kit.busy = 80;
	campaign_turn(&kit, 1500);
	cr_expect_leq(campaign_number(&kit, number, "pace"), pace + 10, "between goal and goal + 15 it stays");
	pace = campaign_number(&kit, number, "pace");
	kit.busy = 100;
	campaign_turn(&kit, 2200);
	cr_expect_leq(campaign_number(&kit, number, "pace"), pace / 2);
	cr_expect_eq(change(number, "rate", "{\"rate\":5000}").status, 200);
	kit.busy = 100;
	campaign_wait(&kit, number, "done");
}

Test(campaign, rests_while_the_store_cannot_write)
{
	uint64_t number;

	campaign_devices(&kit, "D", 400, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	number = campaign_start(&kit, start_text("\"rate\":300,\"all\":true"));
	campaign_wait_for(&kit, number, "queued", 20);
	mst_store_break(kit.rig->app.store, true);
	struct answer a = campaign_post(&kit, "/v1/campaigns", start_text("\"all\":true"));
	cr_expect_eq(a.status, 503, "%d %s", a.status, a.body);
	campaign_turn(&kit, 1500);
	cr_expect(campaign_text(&kit, number, "error"), "it says why it rests");
	cr_expect_eq(change(number, "pause", NULL).status, 503);
	mst_store_break(kit.rig->app.store, false);
	cr_expect_eq(change(number, "resume", NULL).status, 200);
	campaign_wait(&kit, number, "done");
	expect_reached(400, 400);
	cr_expect_eq(campaign_number(&kit, number, "queued"), 400);
}

/* Old ones go with all they had; the newest stays; what was never finished goes. */
Test(campaign, forgets)
{
	struct mst_batch b;
	struct mst_id ids[3] = {{.device = {1}}};
	uint64_t number;

	campaign_devices(&kit, "D", 5, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	for (int i = 0; i < 3; i++) {
		number = campaign_start(&kit, start_text(rig_text(kit.rig, "\"rate\":5000,%s", campaign_ids(&kit, "D", 5))));
		campaign_wait(&kit, number, "done");
	}
	campaign_turn(&kit, 50);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CAMPAIGN), 6, "records and lists; commands are dropped at the end");
	mst_batch_init(&b, &kit.rig->arena, NULL, NULL);
	mst_campaign_ids_put(&b, 2, 1, ids, 3);
	mst_campaign_ids_put(&b, 77, 0, ids, 3);
	cr_assert_eq(mst_store_commit_here(kit.rig->app.store, &b), 0);
	campaign_restart(&kit);
	cr_expect_eq(rig_get(kit.rig, "/v1/campaigns/3").status, 200);
	mst_campaign_sweep(kit.rig->app.campaigns);
	campaign_turn(&kit, 300);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CAMPAIGN), 7, "the lost list went");
	mst_clock_fake(mst_clock_wall_ms() + 31ll * 86400 * 1000);
	number = campaign_start(&kit, start_text("\"rate\":5000,\"all\":true"));
	cr_expect_eq(number, 78);
	mst_campaign_sweep(kit.rig->app.campaigns);
	campaign_turn(&kit, 300);
	cr_expect_eq(rig_get(kit.rig, "/v1/campaigns/1").status, 404);
	cr_expect_eq(rig_get(kit.rig, "/v1/campaigns/3").status, 404);
	cr_expect_eq(rig_get(kit.rig, "/v1/campaigns/78").status, 200);
}

/* The asker is gone before its answer: the campaign is there all the same. */
Test(campaign, orphans)
{
	campaign_devices(&kit, "D", 5, "iPhone14,2", "17.4", MST_DEVICE_ENROLLED);
	kit.rig->makes_orphans = true;
	uint64_t number = campaign_start(&kit, start_text("\"rate\":5000,\"all\":true"));
	campaign_wait(&kit, number, "done");
	cr_expect_eq(change(number, "pause", NULL).status, 409);
}
