/* SPDX-License-Identifier: Apache-2.0 */
/* The command channel through whole pipelines: order, states, NotNow, repeats, sessions. */
#include "rig.h"

#include "muster/clock.h"

static struct rig *rig;
static struct link link_;

static void begin(void)
{
	rig = rig_new();
	link_ = rig_enrol(rig, "UDID-0001");
}

static void end(void)
{
	rig_free(rig);
}

TestSuite(command, .init = begin, .fini = end, .timeout = 60);

static void queue(const char *uuid)
{
	cr_assert_eq(rig_enqueue(rig, "UDID-0001", uuid).status, 200, "%s", uuid);
}

/* What was offered: the uuid in the answer, "" for the end of the session. */
static const char *offered(struct answer a)
{
	const char *from = strstr(a.body, "<key>CommandUUID</key><string>");

	cr_assert_eq(a.status, 200, "%s", a.body);
	cr_assert_eq(a.len == 0, from == NULL);
	return from ? rig_text(rig, "%.3s", from + strlen("<key>CommandUUID</key><string>")) : "";
}

static const char *idle(void)
{
	return offered(rig_idle(rig, &link_, "UDID-0001"));
}

static const char *report(const char *status, const char *uuid)
{
	return offered(rig_status(rig, &link_, "UDID-0001", status, uuid));
}

static bool is_state(const char *uuid, const char *state)
{
	struct answer a = rig_get(rig, rig_text(rig, "/v1/devices/UDID-0001/commands/%s", uuid));
	return a.status == 200 && strstr(a.body, rig_text(rig, "\"state\":\"%s\"", state));
}

Test(command, nothing_queued)
{
	struct answer a = rig_idle(rig, &link_, "UDID-0001");
	cr_expect_eq(a.status, 200);
	cr_expect_eq(a.len, 0);
	cr_expect_str_eq(a.type, "");
}

Test(command, in_order_until_answered)
{
	queue("C-1");
	queue("C-2");
	queue("C-3");
	cr_expect_str_eq(idle(), "C-1");
	cr_expect_str_eq(idle(), "C-1", "offered until it is answered");
	cr_expect_str_eq(report("Acknowledged", "C-1"), "C-2");
	cr_expect_str_eq(report("Error", "C-2"), "C-3");
	cr_expect_str_eq(report("CommandFormatError", "C-3"), "");
	cr_expect(is_state("C-1", "acknowledged"));
	cr_expect(is_state("C-2", "error"));
	cr_expect(is_state("C-3", "format-error"));
	cr_expect_eq(rig_num_records(rig, MST_SPACE_QUEUE), 0);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_RESULT), 3);
}

/* A reply that was lost: the device says it again, and nothing happens twice. */
Test(command, repeats_are_harmless)
{
	uint32_t num;
	uint64_t again = rig_count(MST_C_REPORTS_AGAIN);

	queue("C-1");
	queue("C-2");
	cr_expect_str_eq(idle(), "C-1");
	cr_expect_str_eq(report("Acknowledged", "C-1"), "C-2");
	num = rig_num_records(rig, MST_SPACE_HISTORY);
	cr_expect_str_eq(report("Acknowledged", "C-1"), "C-2");
	cr_expect_str_eq(report("Error", "C-1"), "C-2", "the first answer stays");
	cr_expect_str_eq(report("NotNow", "C-1"), "C-2");
	cr_expect_str_eq(report("Acknowledged", "never-was-here"), "C-2");
	cr_expect_eq(rig_num_records(rig, MST_SPACE_HISTORY), num);
	cr_expect_eq(rig_count(MST_C_REPORTS_AGAIN), again + 4);
	cr_expect(is_state("C-1", "acknowledged"));
	cr_expect_eq(rig_num_records(rig, MST_SPACE_RESULT), 1);
}

/* NanoMDM's queue order with NotNow: others go first, it comes again at the next Idle. */
Test(command, not_now)
{
	queue("C-1");
	queue("C-2");
	queue("C-3");
	cr_expect_str_eq(idle(), "C-1");
	cr_expect_str_eq(report("NotNow", "C-1"), "C-2");
	cr_expect(is_state("C-1", "not-now"));
	cr_expect_str_eq(report("NotNow", "C-2"), "C-3");
	cr_expect_str_eq(report("Acknowledged", "C-3"), "", "not again in this session");
	cr_expect_str_eq(idle(), "C-1", "a new session");
	cr_expect_str_eq(report("Acknowledged", "C-1"), "C-2", "C-2 said NotNow before this session");
	cr_expect_str_eq(report("NotNow", "C-2"), "");
	cr_expect_str_eq(idle(), "C-2");
	cr_expect_str_eq(report("Acknowledged", "C-2"), "");
	cr_expect_eq(rig_num_records(rig, MST_SPACE_QUEUE), 0);
}

/* A report on a connection that saw no Idle: what ever said NotNow waits. */
Test(command, unknown_session_skips_not_now)
{
	struct link fresh;

	queue("C-1");
	queue("C-2");
	queue("C-3");
	cr_expect_str_eq(idle(), "C-1");
	cr_expect_str_eq(report("NotNow", "C-1"), "C-2");
	fresh = link_;
	memset(fresh.keep, 0, sizeof(fresh.keep));
	cr_expect_str_eq(offered(rig_status(rig, &fresh, "UDID-0001", "Acknowledged", "C-2")), "C-3");
	cr_expect_str_eq(offered(rig_status(rig, &fresh, "UDID-0001", "Acknowledged", "C-3")), "");
	cr_expect_str_eq(offered(rig_idle(rig, &fresh, "UDID-0001")), "C-1");
}

/* The wall clock steps back in a session: still not offered again. */
Test(command, clock_steps_back)
{
	mst_clock_fake(2000000);
	queue("C-1");
	cr_expect_str_eq(idle(), "C-1");
	mst_clock_fake(2000000 - 5);
	cr_expect_str_eq(report("NotNow", "C-1"), "");
	mst_clock_fake(2000000);
	queue("C-2");
	cr_expect_str_eq(idle(), "C-1", "a new session, though the clock says it is older");
	cr_expect_str_eq(report("NotNow", "C-1"), "C-2");
	cr_expect_str_eq(report("Acknowledged", "C-2"), "");
	mst_clock_fake(2000010);
	cr_expect_str_eq(idle(), "C-1");
}

Test(command, user_channels_have_their_own_queue)
{
#define USER "<key>UserID</key><string>ANN</string>"
	struct answer a;

	cr_assert_eq(rig_token_update(rig, &link_, "UDID-0001", USER), 200);
	cr_assert_eq(rig_enqueue(rig, "UDID-0001:ANN", "U-1").status, 200);
	queue("C-1");
	cr_expect_str_eq(idle(), "C-1");
	a = rig_report(rig, &link_, "<key>Status</key><string>Idle</string><key>UDID</key><string>UDID-0001</string>" USER);
	cr_expect_str_eq(offered(a), "U-1");
	a = rig_report(rig, &link_,
		       "<key>Status</key><string>Acknowledged</string><key>CommandUUID</key><string>C-1</string>"
		       "<key>UDID</key><string>UDID-0001</string>" USER);
	cr_expect_str_eq(offered(a), "U-1", "another channel's command is unknown here");
	cr_expect(is_state("C-1", "queued"));
	a = rig_report(rig, &link_,
		       "<key>Status</key><string>Acknowledged</string><key>CommandUUID</key><string>U-1</string>"
		       "<key>UDID</key><string>UDID-0001</string>" USER);
	cr_expect_str_eq(offered(a), "");
}

/* Reports over 64 KiB are read by a worker; the whole is kept. */
Test(command, long_reports)
{
	size_t len = 3 << 20;
	char *filler = malloc(len + 1);
	struct answer a;

	memset(filler, 'x', len);
	filler[len] = '\0';
	queue("C-1");
	queue("C-2");
	cr_expect_str_eq(idle(), "C-1");
	a = rig_report(rig, &link_,
		       rig_text(rig,
				"<key>Status</key><string>Acknowledged</string><key>CommandUUID</key><string>C-1</string>"
				"<key>UDID</key><string>UDID-0001</string><key>List</key><string>%s</string>",
				filler));
	cr_expect_str_eq(offered(a), "C-2");
	a = rig_get(rig, "/v1/devices/UDID-0001/commands/C-1");
	cr_expect_eq(a.status, 200);
	cr_expect_gt(a.len, len * 4 / 3);
	/* A broken one is refused there, and the command stays. */
	a = rig_report(rig, &link_, rig_text(rig, "<key>Status</key><string>%s</string></array>", filler));
	cr_expect_eq(a.status, 400);
	cr_expect(is_state("C-2", "queued"));
	free(filler);
}

Test(command, results_tell_what_the_device_said)
{
	struct answer a;

	queue("C-1");
	cr_expect_str_eq(idle(), "C-1");
	a = rig_report(rig, &link_,
		       "<key>Status</key><string>Error</string><key>CommandUUID</key><string>C-1</string>"
		       "<key>UDID</key><string>UDID-0001</string><key>ErrorChain</key><array><dict><key>ErrorCode</key>"
		       "<integer>12021</integer><key>ErrorDomain</key><string>MCMDMErrorDomain</string></dict></array>");
	cr_expect_eq(a.status, 200);
	a = rig_get(rig, "/v1/devices/UDID-0001/commands/C-1");
	cr_expect(strstr(a.body, "\"result\":{\"status\":\"Error\""));
	cr_expect(strstr(a.body, "12021</integer>"), "%s", a.body);
	a = rig_get(rig, "/v1/devices/UDID-0001/history");
	cr_expect(strstr(a.body, "C-1 Error MCMDMErrorDomain 12021"), "%s", a.body);
}

/* Two connections say the same at once. Mostly one is told to come again (and would then hear the same as the other); when the
 * first is durable before the second looks, both are answered. Never are there two results. */
Test(command, reports_at_the_same_time)
{
	uint32_t num_conflicts = 0;

	for (uint32_t i = 0; i < 200 && num_conflicts < 3; i++) {
		const char *uuid = rig_text(rig, "C-%u", i);
		const char *body = rig_text(rig,
					    PLIST_HEAD "<key>Status</key><string>Acknowledged</string><key>CommandUUID</key>"
						       "<string>%s</string><key>UDID</key><string>UDID-0001</string>" PLIST_TAIL,
					    uuid);
		queue(uuid);
		struct deal *one = rig_begin(rig, &link_, (struct ask){.body = body});
		struct deal *two = rig_begin(rig, &link_, (struct ask){.body = body});
		struct answer a = rig_end(rig, one), b = rig_end(rig, two);
		cr_expect(a.status == 200 || b.status == 200, "%d %d", a.status, b.status);
		cr_expect_eq(a.retry_after_s + b.retry_after_s, a.status + b.status == 200 + 503, "%d %d", a.status, b.status);
		num_conflicts += a.status + b.status == 200 + 503;
		cr_expect_str_eq(report("Acknowledged", uuid), "");
		cr_expect_eq(rig_num_records(rig, MST_SPACE_RESULT), i + 1);
	}
	cr_expect_gt(num_conflicts, 0);
}

Test(command, binary_commands_go_as_they_came)
{
	/* {"CommandUUID": "C-9", "Command": {"RequestType": "DeviceLock"}} */
	static const char bytes[] =
		"bplist00\xd2\x01\x02\x03\x06WCommand[CommandUUID\xd1\x04\x05[RequestTypeZDeviceLockSC-9"
		"\x08\x0d\x15\x21\x24\x30\x3b\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x3f";
	struct link control = rig_control();
	struct answer a = rig_ask(rig, &control,
				  (struct ask){.target = "/v1/enqueue/UDID-0001", .body = bytes, .len = sizeof(bytes) - 1});

	cr_expect_eq(a.status, 200, "%s", a.body);
	cr_expect(strstr(a.body, "\"request_type\":\"DeviceLock\""), "%s", a.body);
	a = rig_idle(rig, &link_, "UDID-0001");
	cr_expect_str_eq(a.type, "application/x-plist");
	cr_assert_eq(a.len, sizeof(bytes) - 1);
	cr_expect_arr_eq(a.body, bytes, a.len);
}
