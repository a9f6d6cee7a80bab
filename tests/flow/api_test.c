/* SPDX-License-Identifier: Apache-2.0 */
/* The operator API through whole pipelines: who may, partial success, pages, filters, cancelling. */
#include "rig.h"

#include <stdio.h>

static struct rig *rig;

static void begin(void)
{
	rig = rig_new();
}

static void end(void)
{
	rig_free(rig);
}

TestSuite(api, .init = begin, .fini = end, .timeout = 60);

static struct answer get_on(enum mst_gate gate, const char *target, const char *authorization)
{
	struct link link = {.gate = gate};
	return rig_ask(rig, &link,
		       (struct ask){.has_method = true, .method = MST_GET, .target = target, .authorization = authorization});
}

Test(api, who_may)
{
	static const struct {
		enum mst_gate gate;
		const char *target, *authorization;
		int status;
	} rows[] = {
		{MST_GATE_CONTROL, "/version", NULL, 200},
		{MST_GATE_PORTAL, "/healthz", NULL, 200},
		{MST_GATE_PORTAL, "/version", NULL, 401},
		{MST_GATE_PORTAL, "/version", "Bearer secret", 200},
		{MST_GATE_PORTAL, "/version", "bearer  secret", 200},
		{MST_GATE_PORTAL, "/version", "Basic bmFub21kbTpzZWNyZXQ=", 200}, /* nanomdm:secret */
		{MST_GATE_PORTAL, "/version", "Basic OnNlY3JldA==", 200},	      /* :secret */
		{MST_GATE_PORTAL, "/version", "Basic bmFub21kbTpzZWNyZQ==", 401}, /* nanomdm:secre */
		{MST_GATE_PORTAL, "/version", "Basic c2VjcmV0", 401},	      /* secret */
		{MST_GATE_PORTAL, "/version", "Basic ####", 401},
		{MST_GATE_PORTAL, "/version", "Bearer ", 401},
		{MST_GATE_PORTAL, "/version", "Bearer", 401},
		{MST_GATE_PORTAL, "/version", "", 401},
		{MST_GATE_PORTAL, "/version", "Bearer secret2", 401},
		{MST_GATE_PORTAL, "/version", "Digest secret", 401},
		{MST_GATE_PORTAL, "/metrics", NULL, 401},
		{MST_GATE_PORTAL, "/v1/status", NULL, 401},
		{MST_GATE_PORTAL, "/v1/devices", NULL, 401},
		{MST_GATE_PORTAL, "/v1/devices/X", NULL, 401},
		{MST_GATE_PORTAL, "/v1/devices/X/history", NULL, 401},
		{MST_GATE_PORTAL, "/v1/devices/X/commands", NULL, 401},
		{MST_GATE_PORTAL, "/v1/devices/X/commands/Y", NULL, 401},
		{MST_GATE_PORTAL, "/v1/enqueue/X", NULL, 401}, /* before the method is talked of */
		{MST_GATE_PORTAL, "/v1/enqueue/X", "Bearer secret", 405},
		{MST_GATE_PORTAL, "/mdm", NULL, 403}, /* never 401 */
		{MST_GATE_PORTAL, "/checkin", NULL, 403},
		{MST_GATE_PORTAL, "/", NULL, 404},
		{MST_GATE_PORTAL, "/v1/devices/X/", NULL, 404},
		{MST_GATE_PORTAL, "/v1/nothing", "Bearer secret", 404},
		{MST_GATE_CONTROL, "/mdm", NULL, 404},
		{MST_GATE_SYNC, "/mdm", NULL, 404},
		{MST_GATE_SYNC, "/version", "Bearer secret", 404},
		{MST_GATE_PLAIN, "/healthz", NULL, 404},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct answer a = get_on(rows[i].gate, rows[i].target, rows[i].authorization);
		cr_expect_eq(a.status, rows[i].status, "row %zu: %d", i, a.status);
		cr_expect_eq(a.status == 401, strncmp(a.extra, "WWW-Authenticate: ", 18) == 0, "row %zu", i);
		cr_expect_eq(a.status == 405, strcmp(a.extra, "Allow: PUT, POST") == 0, "row %zu", i);
	}
}

Test(api, says_how_it_is)
{
	struct answer a = rig_get(rig, "/healthz");

	cr_expect_str_eq(a.body, "{\"status\":\"ok\"}");
	rig->app.is_draining = true;
	a = rig_get(rig, "/healthz");
	cr_expect_eq(a.status, 503);
	cr_expect_str_eq(a.body, "{\"status\":\"draining\"}");
	rig_enrol(rig, "UDID-0001");
	a = rig_get(rig, "/v1/status");
	cr_expect_eq(a.status, 200);
	cr_expect(strstr(a.body, "\"devices\":1,"), "%s", a.body);
	cr_expect(strstr(a.body, "\"checkins_total\":2"), "%s", a.body);
	a = rig_get(rig, "/metrics");
	cr_expect(strstr(a.body, "# TYPE muster_checkins_total counter\nmuster_checkins_total 2\n"));
	cr_expect(strstr(a.body, "# TYPE muster_connections_open gauge\n"));
	cr_expect(strstr(a.body, "muster_store_commit_seconds_bucket{le=\"+Inf\"} 2\n"), "%s", a.body);
	cr_expect(strstr(a.body, "muster_store_commit_seconds_count 2\n"));
}

/* NanoMDM's answers: all, some, none. */
Test(api, enqueues_with_true_partial_success)
{
	struct link one = rig_enrol(rig, "UDID-0001"), two = rig_enrol(rig, "UDID-0002");
	struct answer a = rig_enqueue(rig, "UDID-0001,UDID-0002", "C-1");

	cr_expect_eq(a.status, 200);
	cr_expect_str_eq(a.body, "{\"status\":{\"UDID-0001\":{},\"UDID-0002\":{}},\"command_uuid\":\"C-1\","
				 "\"request_type\":\"DeviceInformation\",\"no_push\":true}");
	a = rig_enqueue(rig, "UDID-0001,nobody,UDID-0002", "C-2");
	cr_expect_eq(a.status, 207);
	cr_expect(strstr(a.body, "\"nobody\":{\"command_error\":\"unknown enrollment\"}"), "%s", a.body);
	a = rig_enqueue(rig, "nobody,:x,,UDID-0001:NOUSER", "C-3");
	cr_expect_eq(a.status, 500);
	cr_expect(strstr(a.body, "\"UDID-0001:NOUSER\":{\"command_error\":\"unknown enrollment\"}"), "%s", a.body);
	cr_expect(strstr(a.body, "\":x\":{\"command_error\":\"not an enrollment id\"}"), "%s", a.body);
	a = rig_enqueue(rig, "UDID-0001", "C-1");
	cr_expect_eq(a.status, 500);
	cr_expect(strstr(a.body, "command uuid already used"), "%s", a.body);
	a = rig_enqueue(rig, "UDID-0001,UDID-0001,UDID%2D0001?nopush=1", "C-4");
	cr_expect_eq(a.status, 200, "named twice counts once: %s", a.body);
	cr_expect(strstr(a.body, "\"no_push\":true"));
	rig_reopen(rig);
	cr_expect(strstr(rig_idle(rig, &one, "UDID-0001").body, "C-1"));
	cr_expect(strstr(rig_idle(rig, &two, "UDID-0002").body, "C-1"));
	cr_expect(strstr(rig_status(rig, &one, "UDID-0001", "Acknowledged", "C-1").body, "C-2"));
	cr_expect(strstr(rig_status(rig, &one, "UDID-0001", "Acknowledged", "C-2").body, "C-4"));
	cr_expect_eq(rig_status(rig, &one, "UDID-0001", "Acknowledged", "C-4").len, 0);
}

/* The device's record changes between look and commit: the second round finds out, nothing is lost or lies in a dead epoch. */
Test(api, enqueue_meets_a_new_enrolment)
{
	struct link link = rig_enrol(rig, "UDID-0001"), control = rig_control();
	const char *auth = PLIST_HEAD "<key>MessageType</key><string>Authenticate</string><key>UDID</key><string>UDID-0001</string>"
				      "<key>Topic</key><string>t</string>" PLIST_TAIL;
	const char *command = PLIST_HEAD "<key>CommandUUID</key><string>C-1</string><key>Command</key><dict>"
					 "<key>RequestType</key><string>DeviceLock</string></dict>" PLIST_TAIL;
	struct deal *first = rig_begin(rig, &link, (struct ask){.type = "application/x-apple-aspen-mdm-checkin", .body = auth});
	struct deal *second = rig_begin(rig, &control, (struct ask){.target = "/v1/enqueue/UDID-0001", .body = command});

	cr_expect_eq(rig_end(rig, first).status, 200);
	cr_expect_eq(rig_end(rig, second).status, 200);
	cr_assert_eq(rig_token_update(rig, &link, "UDID-0001", ""), 200);
	cr_expect(strstr(rig_idle(rig, &link, "UDID-0001").body, "C-1"));
}

Test(api, enqueue_to_who_checked_out)
{
	struct link link = rig_enrol(rig, "UDID-0001");

	rig_checkin(rig, &link,
		    "<key>MessageType</key><string>CheckOut</string><key>UDID</key><string>UDID-0001</string>"
		    "<key>Topic</key><string>t</string>");
	struct answer a = rig_enqueue(rig, "UDID-0001", "C-1");
	cr_expect_eq(a.status, 500);
	cr_expect(strstr(a.body, "enrollment has checked out"));
}

#define COMMAND(items) PLIST_HEAD items PLIST_TAIL
#define TYPE "<key>RequestType</key><string>X</string>"
Test(api, enqueue_refuses_what_is_no_command)
{
	static const struct {
		const char *name, *body;
		int status;
	} rows[] = {
		{"empty", "", 400},
		{"rubbish", "hello", 400},
		{"not closed", PLIST_HEAD, 400},
		{"nothing in it", COMMAND(""), 400},
		{"no uuid", COMMAND("<key>Command</key><dict>" TYPE "</dict>"), 400},
		{"empty uuid", COMMAND("<key>CommandUUID</key><string></string><key>Command</key><dict>" TYPE "</dict>"), 400},
		{"uuid of another kind", COMMAND("<key>CommandUUID</key><integer>1</integer><key>Command</key><dict>" TYPE "</dict>"),
		 400},
		{"uuid with a line end",
		 COMMAND("<key>CommandUUID</key><string>a\nb</string><key>Command</key><dict>" TYPE "</dict>"), 400},
		{"no command", COMMAND("<key>CommandUUID</key><string>C</string>"), 400},
		{"command of another kind", COMMAND("<key>CommandUUID</key><string>C</string><key>Command</key><string/>"), 400},
		{"no type", COMMAND("<key>CommandUUID</key><string>C</string><key>Command</key><dict/>"), 400},
		{"a type nobody knows", COMMAND("<key>CommandUUID</key><string>C</string><key>Command</key><dict>" TYPE "</dict>"), 200},
	};
	struct link control = rig_control();

	rig_enrol(rig, "UDID-0001");
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct answer a = rig_ask(rig, &control, (struct ask){.target = "/v1/enqueue/UDID-0001", .body = rows[i].body});
		cr_expect_eq(a.status, rows[i].status, "%s: %d %s", rows[i].name, a.status, a.body);
		cr_expect_eq(a.status == 400, strncmp(a.body, "{\"error\": \"", 11) == 0, "%s: %s", rows[i].name, a.body);
	}
	cr_expect_eq(rig_num_records(rig, MST_SPACE_QUEUE), 1);
}

Test(api, enqueue_has_limits)
{
	struct link control = rig_control();
	size_t len = MST_COMMAND_MAX + 1;
	char *big = malloc(len + 1);

	memset(big, ' ', len);
	big[len] = '\0';
	struct answer a = rig_ask(rig, &control, (struct ask){.target = "/v1/enqueue/UDID-0001", .body = big});
	cr_expect_eq(a.status, 413);
	/* 40 ids for a command of 500 KB: 100 MB of batches */
	big[500000] = '\0';
	char *body = rig_text(rig, COMMAND("<key>CommandUUID</key><string>C</string><key>Command</key><dict>" TYPE "</dict>%s"), big);
	char ids[40 * 5 + 1] = "";
	for (int i = 0; i < 40; i++)
		snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s%d", i ? "," : "", i);
	a = rig_ask(rig, &control, (struct ask){.target = rig_text(rig, "/v1/enqueue/%s", ids), .body = body});
	cr_expect_eq(a.status, 413, "%d %s", a.status, a.body);
	rig_enrol(rig, "5");
	a = rig_ask(rig, &control, (struct ask){.target = "/v1/enqueue/5,6,7,8", .body = body});
	cr_expect_eq(a.status, 207, "%d %s", a.status, a.body);
	free(big);
}

Test(api, pages_of_devices)
{
	const char *target = "/v1/devices?limit=3";
	uint32_t num = 0, num_pages = 0;

	for (int i = 0; i < 10; i++)
		rig_enrol(rig, rig_text(rig, "UDID-%04d", i));
	for (;;) {
		struct answer a = rig_get(rig, target);
		cr_assert_eq(a.status, 200, "%s", a.body);
		num_pages++;
		for (char *at = a.body; (at = strstr(at, "\"id\":\"UDID-")) != NULL; at++)
			num++;
		char *next = strstr(a.body, "\"next\":\"");
		if (!next)
			break;
		target = rig_text(rig, "/v1/devices?limit=3&cursor=%.32s", next + strlen("\"next\":\""));
	}
	cr_expect_eq(num, 10);
	cr_expect_eq(num_pages, 4);
}

Test(api, filters_of_devices)
{
	static const struct {
		const char *query;
		int status;
		const char *has, *has_not;
	} rows[] = {
		{"", 200, "UDID-0001", NULL},
		{"?state=enrolled", 200, "UDID-0001", "UDID-0002"},
		{"?state=authenticated", 200, "UDID-0002", "UDID-0001"},
		{"?state=nothing", 400, "state", NULL},
		{"?serial=sn-udid-0001", 200, "UDID-0001", "UDID-0002"},
		{"?serial=SN-UDID-0001-LONGER", 200, "[]", "UDID"},
		{"?type=Device", 200, "UDID-0001", NULL},
		{"?type=User%20Enrollment%20(Device)", 200, "[]", "UDID"},
		{"?type=Toaster", 400, "type", NULL},
		{"?name=x", 200, "[]", "UDID"},
		{"?limit=0", 400, "limit", NULL},
		{"?limit=1001", 400, "limit", NULL},
		{"?limit=x", 400, "limit", NULL},
		{"?cursor=zz", 400, "cursor", NULL},
	};
	struct link link = rig_link("2", "2");

	rig_enrol(rig, "UDID-0001");
	cr_assert_eq(rig_authenticate(rig, &link, "UDID-0002"), 200);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct answer a = rig_get(rig, rig_text(rig, "/v1/devices%s", rows[i].query));
		cr_expect_eq(a.status, rows[i].status, "%s: %d %s", rows[i].query, a.status, a.body);
		cr_expect(strstr(a.body, rows[i].has), "%s: %s", rows[i].query, a.body);
		cr_expect(!rows[i].has_not || !strstr(a.body, rows[i].has_not), "%s: %s", rows[i].query, a.body);
	}
}

Test(api, one_device)
{
	struct link link = rig_enrol(rig, "UDID/00,01");
	struct answer a;

	cr_assert_eq(rig_token_update(rig, &link, "UDID/00,01",
				      "<key>UserID</key><string>ANN</string><key>UserShortName</key><string>ann</string>"),
		     200);
	a = rig_enqueue(rig, "UDID%2F00%2C01,UDID%2F00%2C01:ANN", "C-1");
	cr_expect_eq(a.status, 200, "%s", a.body);
	a = rig_get(rig, "/v1/devices/UDID%2F00%2C01");
	cr_expect_eq(a.status, 200);
	cr_expect(strstr(a.body, "{\"id\":\"UDID/00,01\",\"type\":\"Device\",\"state\":\"enrolled\""), "%s", a.body);
	cr_expect(strstr(a.body, "{\"id\":\"UDID/00,01:ANN\",\"type\":\"User\",\"enabled\":true,\"user_short_name\":\"ann\""), "%s",
		  a.body);
	cr_expect(strstr(a.body, "\"queued\":1}],\"queued\":1,"), "%s", a.body);
	cr_expect_eq(rig_get(rig, "/v1/devices/nobody").status, 404);
	cr_expect_eq(rig_get(rig, "/v1/devices/%ff").status, 400);
}

Test(api, history_in_pages)
{
	struct link link = rig_enrol(rig, "UDID-0001");
	struct answer a;

	cr_assert_eq(rig_enqueue(rig, "UDID-0001", "C-1").status, 200);
	rig_status(rig, &link, "UDID-0001", "Acknowledged", "C-1");
	a = rig_get(rig, "/v1/devices/UDID-0001/history?limit=2");
	cr_expect_eq(a.status, 200);
	cr_expect(strstr(a.body, "\"event\":\"authenticate\",\"who\":\"device\",\"detail\":\"17.4\""), "%s", a.body);
	cr_expect(strstr(a.body, "token-update"));
	cr_expect_null(strstr(a.body, "command-queued"));
	char *next = strstr(a.body, "\"next\":\"");
	cr_assert(next);
	a = rig_get(rig, rig_text(rig, "/v1/devices/UDID-0001/history?cursor=%.32s", next + strlen("\"next\":\"")));
	cr_expect(strstr(a.body, "\"event\":\"command-queued\",\"who\":\"control socket\",\"detail\":\"C-1 DeviceInformation\""), "%s",
		  a.body);
	cr_expect(strstr(a.body, "command-answered"));
	cr_expect_null(strstr(a.body, "token-update"));
	cr_expect(strstr(a.body, "\"next\":null"));
	cr_expect_eq(rig_get(rig, "/v1/devices/nobody/history").status, 404);
}

static int cancel(const char *id, const char *uuid)
{
	struct link control = rig_control();
	return rig_ask(rig, &control,
		       (struct ask){.has_method = true,
				    .method = MST_DELETE,
				    .target = rig_text(rig, "/v1/devices/%s/commands/%s", id, uuid)})
		.status;
}

Test(api, commands_and_cancelling)
{
	struct link link = rig_enrol(rig, "UDID-0001");
	struct answer a;

	for (int i = 1; i <= 5; i++)
		cr_assert_eq(rig_enqueue(rig, "UDID-0001", rig_text(rig, "C-%d", i)).status, 200);
	cr_expect_eq(cancel("UDID-0001", "C-2"), 200);
	cr_expect_eq(cancel("UDID-0001", "C-2"), 409);
	cr_expect_eq(cancel("UDID-0001", "C-9"), 404);
	cr_expect_eq(cancel("nobody", "C-1"), 404);
	cr_expect(strstr(rig_status(rig, &link, "UDID-0001", "Acknowledged", "C-1").body, "C-3"), "C-2 is not offered");
	cr_expect_eq(cancel("UDID-0001", "C-1"), 409);
	a = rig_get(rig, "/v1/devices/UDID-0001/commands?limit=2");
	cr_expect(strstr(a.body, "C-2") && !strstr(a.body, "C-3") && strstr(a.body, "\"next\":\"C-2\""), "%s", a.body);
	a = rig_get(rig, "/v1/devices/UDID-0001/commands?cursor=C-2");
	cr_expect(strstr(a.body, "C-3") && !strstr(a.body, "C-2") && strstr(a.body, "\"next\":null"), "%s", a.body);
	a = rig_get(rig, "/v1/devices/UDID-0001/commands?state=cancelled");
	cr_expect(strstr(a.body, "C-2") && !strstr(a.body, "C-3"), "%s", a.body);
	cr_expect_eq(rig_get(rig, "/v1/devices/UDID-0001/commands?state=gone").status, 400);
	a = rig_get(rig, "/v1/devices/UDID-0001/commands/C-3");
	cr_expect(strstr(a.body, "\"state\":\"queued\"") && strstr(a.body, "\"result\":null"), "%s", a.body);
	cr_expect_eq(rig_get(rig, "/v1/devices/UDID-0001/commands/C-9").status, 404);
	cr_expect_eq(rig_get(rig, "/v1/devices/nobody/commands").status, 404);
	/* A late report of a cancelled command is as one that comes twice. */
	cr_expect_eq(rig_status(rig, &link, "UDID-0001", "Acknowledged", "C-2").status, 200);
	cr_expect(strstr(rig_get(rig, "/v1/devices/UDID-0001/commands/C-2").body, "cancelled"));
}

/* What a device could report, an operator can read: line ends and deletes grow most in JSON. */
Test(api, tells_the_longest_report)
{
	struct link link = rig_enrol(rig, "UDID-0001");
	const size_t len = (4u << 20) - 4096;
	char *fill = mst_arena_get(&rig->arena, len + 1);

	cr_assert(fill);
	rig->app.report_max = 4 << 20;
	for (size_t i = 0; i < 2; i++) {
		char *uuid = rig_text(rig, "LONG-%zu", i);
		struct answer answer;
		memset(fill, i ? 0x7f : '\n', len);
		fill[len] = 0;
		cr_assert_eq(rig_enqueue(rig, "UDID-0001", uuid).status, 200);
		answer = rig_report(rig, &link,
				    rig_text(rig,
					     "<key>Status</key><string>Acknowledged</string><key>UDID</key><string>UDID-0001</string>"
					     "<key>CommandUUID</key><string>%s</string><key>X</key><string>%s</string>",
					     uuid, fill));
		cr_assert_eq(answer.status, 200, "%s", answer.body);
		answer = rig_get(rig, rig_text(rig, "/v1/devices/UDID-0001/commands/%s", uuid));
		cr_assert_eq(answer.status, 200, "%s", answer.body);
		cr_expect_gt(answer.len, len * (i ? 6 : 2));
	}
}
