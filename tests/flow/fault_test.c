/* SPDX-License-Identifier: Apache-2.0 */
/* What bad input gets, and what happens when the store is cold, broken, busy, or the connection dies while we wait. */
#include "rig.h"

static struct rig *rig;

static void begin(void)
{
	rig = rig_new();
}

static void end(void)
{
	rig_free(rig);
}

TestSuite(fault, .init = begin, .fini = end, .timeout = 120);

#define KEY(key, value) "<key>" key "</key><string>" value "</string>"
#define TOKEN_UPDATE KEY("MessageType", "TokenUpdate") KEY("UDID", "UDID-0001")
#define DATA(key) "<key>" key "</key><data>AAEC</data>"

static uint32_t num_stored(void)
{
	uint32_t num = 0;
	for (unsigned i = 0; i < MST_NUM_SPACES; i++)
		num += i != MST_SPACE_SEEN ? rig_num_records(rig, (enum mst_space)i) : 0;
	return num;
}

/* One bad message each; nothing may be stored. */
Test(fault, bad_checkins)
{
	static const struct {
		const char *name, *items;
	} rows[] = {
		{"no type", KEY("UDID", "UDID-0001")},
		{"unknown type", KEY("MessageType", "Hello") KEY("UDID", "UDID-0001")},
		{"type in lower case", KEY("MessageType", "checkout") KEY("UDID", "UDID-0001") KEY("Topic", "t")},
		{"type of another kind", "<key>MessageType</key><integer>1</integer>" KEY("UDID", "UDID-0001")},
		{"no id", KEY("MessageType", "CheckOut") KEY("Topic", "t")},
		{"empty id", KEY("MessageType", "CheckOut") KEY("Topic", "t") KEY("UDID", "")},
		{"id with a colon", KEY("MessageType", "CheckOut") KEY("Topic", "t") KEY("UDID", "UDID-0001:X")},
		{"id of another kind", KEY("MessageType", "CheckOut") KEY("Topic", "t") "<key>UDID</key><true/>"},
		{"no topic", KEY("MessageType", "CheckOut") KEY("UDID", "UDID-0001")},
		{"check-out of a user", KEY("MessageType", "CheckOut") KEY("Topic", "t") KEY("UDID", "UDID-0001") KEY("UserID", "U")},
		{"authenticate of a user",
		 KEY("MessageType", "Authenticate") KEY("Topic", "t") KEY("UDID", "UDID-0001") KEY("UserID", "U")},
		{"shared iPad without a name", TOKEN_UPDATE KEY("Topic", "t") DATA("Token") KEY("PushMagic", "m")
						       KEY("UserID", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF")},
		{"no token", TOKEN_UPDATE KEY("Topic", "t") KEY("PushMagic", "m")},
		{"empty token", TOKEN_UPDATE KEY("Topic", "t") KEY("PushMagic", "m") "<key>Token</key><data></data>"},
		{"token as text", TOKEN_UPDATE KEY("Topic", "t") KEY("PushMagic", "m") KEY("Token", "AAEC")},
		{"no magic", TOKEN_UPDATE KEY("Topic", "t") DATA("Token")},
		{"magic as data", TOKEN_UPDATE KEY("Topic", "t") DATA("Token") DATA("PushMagic")},
		{"awaiting as text", TOKEN_UPDATE KEY("Topic", "t") DATA("Token") KEY("PushMagic", "m")
					     KEY("AwaitingConfiguration", "true")},
		{"not closed", TOKEN_UPDATE "<dict>"},
		{"an entity", TOKEN_UPDATE "<key>Topic</key><string>&x;</string>"},
	};
	struct link link = rig_enrol(rig, "UDID-0001");
	uint32_t num = num_stored();

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct answer a = rig_checkin(rig, &link, rows[i].items);
		cr_expect_eq(a.status, 400, "%s: %d %s", rows[i].name, a.status, a.body);
		cr_expect_str_eq(a.type, "text/plain; charset=utf-8", "%s", rows[i].name);
	}
	cr_expect_eq(num_stored(), num, "nothing stored");
	cr_expect_eq(rig_idle(rig, &link, "UDID-0001").status, 200, "and the device goes on");
}

Test(fault, bad_reports)
{
	static const struct {
		const char *name, *items;
	} rows[] = {
		{"no status", KEY("UDID", "UDID-0001")},
		{"unknown status", KEY("UDID", "UDID-0001") KEY("Status", "Fine") KEY("CommandUUID", "C-1")},
		{"no uuid", KEY("UDID", "UDID-0001") KEY("Status", "Acknowledged")},
		{"empty uuid", KEY("UDID", "UDID-0001") KEY("Status", "Acknowledged") KEY("CommandUUID", "")},
		{"uuid of another kind", KEY("UDID", "UDID-0001") KEY("Status", "Acknowledged") "<key>CommandUUID</key><real>1</real>"},
		{"chain of another kind", KEY("UDID", "UDID-0001") KEY("Status", "Error") KEY("CommandUUID", "C-1")
						 KEY("ErrorChain", "x")},
		{"no id", KEY("Status", "Idle")},
		{"status of another kind", KEY("UDID", "UDID-0001") "<key>Status</key><dict/>"},
	};
	struct link link = rig_enrol(rig, "UDID-0001");
	uint32_t num;

	cr_assert_eq(rig_enqueue(rig, "UDID-0001", "C-1").status, 200);
	num = num_stored();
	for (size_t i = 0; i < MST_LEN(rows); i++)
		cr_expect_eq(rig_report(rig, &link, rows[i].items).status, 400, "%s", rows[i].name);
	cr_expect_eq(rig_report(rig, &link,
				rig_text(rig, KEY("UDID", "UDID-0001") KEY("Status", "NotNow") KEY("CommandUUID", "%0129d"), 1))
			     .status,
		     400);
	cr_expect_eq(num_stored(), num, "nothing stored");
}

/* Every prefix of a good message is refused. */
Test(fault, truncated)
{
	static const char good[] = PLIST_HEAD TOKEN_UPDATE KEY("Topic", "t") DATA("Token") KEY("PushMagic", "m") PLIST_TAIL;
	struct link link = rig_enrol(rig, "UDID-0001");
	uint32_t num = num_stored();

	for (size_t len = 0; len < sizeof(good) - 1; len++) {
		struct answer a = rig_ask(rig, &link,
					  (struct ask){.type = "application/x-apple-aspen-mdm-checkin", .body = rig_text(rig, "%.*s", (int)len, good)});
		cr_expect_eq(a.status, 400, "%zu bytes: %d", len, a.status);
	}
	cr_expect_eq(num_stored(), num, "nothing stored");
}

Test(fault, oversized)
{
	struct link link = rig_enrol(rig, "UDID-0001");
	uint32_t num = num_stored();
	char *filler = malloc(70001);

	memset(filler, 'x', 70000);
	filler[70000] = '\0';
	cr_expect_eq(rig_checkin(rig, &link, rig_text(rig, TOKEN_UPDATE KEY("Topic", "t") DATA("Token") KEY("PushMagic", "%s"), filler)).status,
		     413);
	filler[2000] = '\0';
	cr_expect_eq(rig_checkin(rig, &link, rig_text(rig, TOKEN_UPDATE KEY("Topic", "t") DATA("Token") KEY("PushMagic", "%s"), filler)).status,
		     400);
	cr_expect_eq(rig_checkin(rig, &link, rig_text(rig, KEY("MessageType", "CheckOut") KEY("Topic", "t") KEY("UDID", "%s"), filler)).status,
		     400);
	rig->app.report_max = 1000;
	cr_expect_eq(rig_report(rig, &link, rig_text(rig, KEY("Status", "Idle") KEY("UDID", "UDID-0001") KEY("X", "%s"), filler)).status, 413);
	cr_expect_eq(num_stored(), num, "nothing stored");
	free(filler);
}

Test(fault, methods)
{
	static const enum mst_method methods[] = {MST_GET, MST_HEAD, MST_POST, MST_DELETE, MST_OTHER_METHOD};
	struct link link = rig_enrol(rig, "UDID-0001");

	for (size_t i = 0; i < MST_LEN(methods); i++) {
		struct answer a = rig_ask(rig, &link, (struct ask){.has_method = true, .method = methods[i]});
		cr_expect_eq(a.status, 405, "%zu", i);
		cr_expect_str_eq(a.extra, "Allow: PUT");
	}
	struct answer a = rig_ask(rig, &link, (struct ask){.target = "/checkin", .body = PLIST_HEAD TOKEN_UPDATE KEY("Topic", "t") DATA("Token")
											     KEY("PushMagic", "m") PLIST_TAIL});
	cr_expect_eq(a.status, 200, "a CheckInURL of its own needs no content type: %s", a.body);
}

/* The whole life of a device and a command; `what` names the circumstances. */
static void life(const char *what)
{
	struct link link = rig_enrol(rig, "UDID-0001");
	struct answer a;

	cr_expect_eq(rig_enqueue(rig, "UDID-0001,nobody", "C-1").status, 207, "%s", what);
	cr_expect_eq(rig_enqueue(rig, "UDID-0001", "C-2").status, 200, "%s", what);
	cr_expect(strstr(rig_idle(rig, &link, "UDID-0001").body, "C-1"), "%s", what);
	cr_expect(strstr(rig_status(rig, &link, "UDID-0001", "NotNow", "C-1").body, "C-2"), "%s", what);
	cr_expect_eq(rig_status(rig, &link, "UDID-0001", "Acknowledged", "C-2").len, 0, "%s", what);
	a = rig_get(rig, "/v1/devices/UDID-0001/commands");
	cr_expect(strstr(a.body, "not-now") && strstr(a.body, "acknowledged"), "%s: %s", what, a.body);
	cr_expect_eq(rig_get(rig, "/v1/devices").status, 200, "%s", what);
	cr_expect_eq(rig_idle(rig, &link, "UDID-0002").status, 403, "%s", what);
}

/* Nothing is in memory: every read is done on a worker. */
Test(fault, cold_reads)
{
	rig->is_cold = true;
	life("cold");
}

/* The device is gone before its answer: what it said is stored all the same. */
Test(fault, orphans)
{
	rig->makes_orphans = true;
	struct link link = rig_enrol(rig, "UDID-0001");
	cr_expect_eq(rig_enqueue(rig, "UDID-0001", "C-1").status, 200);
	cr_expect_eq(rig_idle(rig, &link, "UDID-0001").status, 200);
	cr_expect_eq(rig_status(rig, &link, "UDID-0001", "NotNow", "C-1").status, 200);
	rig->is_cold = true;
	cr_expect_eq(rig_status(rig, &link, "UDID-0001", "Acknowledged", "C-1").status, 200);
	cr_expect_eq(rig_get(rig, "/v1/devices").status, 200);
}

/* The disk is full: nothing is acknowledged, nothing changes, and it goes on once there is room. */
Test(fault, store_cannot_write)
{
	struct link link = rig_enrol(rig, "UDID-0001"), new = rig_link("new", "new");
	struct answer a;
	uint32_t num;

	cr_assert_eq(rig_enqueue(rig, "UDID-0001", "C-1").status, 200);
	num = num_stored();
	mst_store_break(rig->app.store, true);
	cr_expect_eq(rig_authenticate(rig, &new, "UDID-0002"), 503);
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", ""), 503);
	a = rig_status(rig, &link, "UDID-0001", "Acknowledged", "C-1");
	cr_expect_eq(a.status, 503);
	cr_expect_gt(a.retry_after_s, 0);
	cr_expect_null(strstr(a.body, "C-1"));
	a = rig_enqueue(rig, "UDID-0001,nobody", "C-2");
	cr_expect_eq(a.status, 503);
	cr_expect_gt(a.retry_after_s, 0);
	cr_expect(strstr(a.body, "the store is not available"), "%s", a.body);
	a = rig_idle(rig, &link, "UDID-0001");
	cr_expect(a.status == 200 && strstr(a.body, "C-1"), "reads go on");
	cr_expect_eq(num_stored(), num);
	mst_store_break(rig->app.store, false);
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", ""), 200);
	cr_expect_eq(rig_status(rig, &link, "UDID-0001", "Acknowledged", "C-1").status, 200);
}

/* No batch may wait: everything that writes is told to come again. */
Test(fault, store_is_busy)
{
	struct link link = rig_enrol(rig, "UDID-0001");
	struct deal *deals[3];
	int num_busy = 0;
	const char *body = PLIST_HEAD TOKEN_UPDATE KEY("Topic", "t") DATA("Token") KEY("PushMagic", "m") PLIST_TAIL;

	rig->conf.queue_max = 1;
	rig_reopen(rig);
	cr_assert_eq(rig_idle(rig, &link, "UDID-0001").status, 200, "warm");
	for (size_t i = 0; i < MST_LEN(deals); i++)
		deals[i] = rig_begin(rig, &link, (struct ask){.type = "application/x-apple-aspen-mdm-checkin", .body = body});
	for (size_t i = 0; i < MST_LEN(deals); i++) {
		struct answer a = rig_end(rig, deals[i]);
		cr_expect(a.status == 200 || (a.status == 503 && a.retry_after_s == 1), "%zu: %d", i, a.status);
		num_busy += a.status == 503;
	}
	cr_expect_geq(num_busy, 1);
}
