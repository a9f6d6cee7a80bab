/* SPDX-License-Identifier: Apache-2.0 */
/* What writes pushes: commands, operators, the NotNow rule. And credentials for the push service. */
#include "rig.h"

#include "muster/clock.h"
#include "muster/outbox.h"

static struct rig *rig;
static struct link link_;
static struct mst_kick kick;
static uint32_t num_kicks;
static int64_t kicked_ms;

static void on_kick(void *context, int64_t due_ms)
{
	num_kicks++;
	kicked_ms = due_ms;
}

static void begin(void)
{
	rig = rig_new();
	kick = (struct mst_kick){.home = rig->app.loop, .push_loop = rig->app.loop, .on_kick = on_kick};
	rig->app.kick = &kick;
	rig->app.not_now_s = 60;
	num_kicks = 0;
	link_ = rig_enrol(rig, "UDID-0001");
}

static void end(void)
{
	rig_free(rig);
}

TestSuite(push, .init = begin, .fini = end, .timeout = 60);

struct look {
	struct mst_read read;
	struct mst_id id;
	struct mst_push_due *out;
	int found;
};

static int look_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, read);

	look->found = mst_outbox_get(r, look->out, &look->id);
	return look->found < 0 ? -1 : 0;
}

static bool due_of(struct mst_push_due *out, const char *udid, const char *user)
{
	struct look look = {.read = {.arena = &rig->arena, .plan = look_plan}, .out = out};

	mst_id_make(&look.id, mst_slice_str(udid), mst_slice_str(user));
	cr_assert_eq(mst_store_read_here(rig->app.store, &look.read), 0, "%s", look.read.err.text);
	return look.found == 1;
}

/* Mail of the loop to itself: a kick arrives a turn later. */
static void settle(void)
{
	struct mst_err e;

	for (int i = 0; i < 4; i++)
		cr_assert_eq(mst_loop_turn(rig->app.loop, 1, &e), 0, "%s", e.text);
}

static struct answer ask_push(enum mst_method method, const char *ids)
{
	struct link control = rig_control();
	return rig_ask(rig, &control, (struct ask){.has_method = true, .method = method, .target = rig_text(rig, "/v1/push/%s", ids)});
}

static bool has_apns_id(const struct answer *a, const struct mst_push_due *due)
{
	char text[MST_APNS_ID_ROOM];

	mst_apns_id_put(text, due->apns_id);
	return strstr(a->body, rig_text(rig, "\"push_result\":\"%s\"", text)) != NULL;
}

Test(push, a_command_is_pushed_in_its_own_batch)
{
	struct mst_push_due due;
	struct answer a;

	mst_clock_fake(5000000);
	a = rig_enqueue(rig, "UDID-0001", "C-1");
	cr_assert_eq(a.status, 200, "%s", a.body);
	cr_assert(due_of(&due, "UDID-0001", ""));
	cr_expect_eq(due.cause, MST_PUSH_COMMAND);
	cr_expect_eq(due.due_ms, 5000000);
	cr_expect(has_apns_id(&a, &due), "%s", a.body);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_OUTBOX), 1);
	settle();
	cr_expect_eq(num_kicks, 1);
	cr_expect_eq(kicked_ms, 5000000);
}

Test(push, commands_are_coalesced)
{
	struct mst_push_due due;
	struct answer a;

	rig_enqueue(rig, "UDID-0001", "C-1");
	a = rig_enqueue(rig, "UDID-0001", "C-2");
	cr_assert_eq(a.status, 200);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_PUSH), 1);
	cr_expect(due_of(&due, "UDID-0001", "") && has_apns_id(&a, &due), "the newest counts");
}

Test(push, nopush)
{
	struct link control = rig_control();
	struct answer a = rig_ask(rig, &control,
				  (struct ask){.target = "/v1/enqueue/UDID-0001?nopush=1",
					       .body = PLIST_HEAD "<key>CommandUUID</key><string>C-1</string><key>Command</key><dict>"
								  "<key>RequestType</key><string>DeviceInformation</string></dict>"
								  PLIST_TAIL});

	cr_assert_eq(a.status, 200, "%s", a.body);
	cr_expect(strstr(a.body, "\"no_push\":true"));
	cr_expect_not(strstr(a.body, "push_result"));
	cr_expect_eq(rig_num_records(rig, MST_SPACE_PUSH), 0);
	settle();
	cr_expect_eq(num_kicks, 0);
	rig->app.kick = NULL;
	a = rig_enqueue(rig, "UDID-0001", "C-2");
	cr_expect(a.status == 200 && strstr(a.body, "\"no_push\":true"), "pushes are switched off: %s", a.body);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_PUSH), 0, "nobody would ever collect it");
}

/* A device that has not sent a token yet gets its command when it comes by itself. */
Test(push, no_token)
{
	struct link fresh = rig_link("UDID-0002", "UDID-0002");
	struct answer a;

	cr_assert_eq(rig_authenticate(rig, &fresh, "UDID-0002"), 200);
	a = rig_enqueue(rig, "UDID-0001,UDID-0002,UDID-0003", "C-1");
	cr_expect_eq(a.status, 207, "%s", a.body);
	cr_expect(strstr(a.body, "\"UDID-0002\":{\"push_error\":\"no push token\"}"), "%s", a.body);
	cr_expect(strstr(a.body, "\"UDID-0003\":{\"command_error\":\"unknown enrollment\"}"), "%s", a.body);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_QUEUE), 2);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_PUSH), 1);
	a = ask_push(MST_PUT, "UDID-0002");
	cr_expect_eq(a.status, 500);
	cr_expect(strstr(a.body, "\"UDID-0002\":{\"push_error\":\"no push token\"}"), "%s", a.body);
	/* Enrolled anew: the token of before is no good. */
	cr_assert_eq(rig_authenticate(rig, &link_, "UDID-0001"), 200);
	cr_expect(strstr(rig_enqueue(rig, "UDID-0001", "C-2").body, "no push token"));
}

Test(push, by_an_operator)
{
	static const enum mst_method methods[] = {MST_GET, MST_PUT, MST_POST};
	struct mst_push_due due;
	struct answer a;

	for (size_t i = 0; i < MST_LEN(methods); i++) {
		a = ask_push(methods[i], "UDID-0001");
		cr_expect_eq(a.status, 200, "%s", a.body);
		cr_assert(due_of(&due, "UDID-0001", ""));
		cr_expect_eq(due.cause, MST_PUSH_OPERATOR);
		cr_expect(has_apns_id(&a, &due));
	}
	cr_expect_eq(rig_num_records(rig, MST_SPACE_PUSH), 1);
	a = ask_push(MST_PUT, "UDID-0001,nobody,%ff,UDID-0001");
	cr_expect_eq(a.status, 207);
	cr_expect(strstr(a.body, "\"nobody\":{\"push_error\":\"unknown enrollment\"}"), "%s", a.body);
	cr_expect(strstr(a.body, "{\"push_error\":\"not an enrollment id\"}"), "%s", a.body);
	cr_expect_not(strstr(a.body, "command"), "%s", a.body);
	cr_expect_eq(ask_push(MST_PUT, "nobody").status, 500);
	settle();
	cr_expect_geq(num_kicks, 1);
	rig->app.kick = NULL;
	cr_expect_eq(ask_push(MST_PUT, "UDID-0001").status, 409);
}

Test(push, a_users_channel)
{
	struct mst_push_due due;

	cr_assert_eq(rig_checkin(rig, &link_,
				 "<key>MessageType</key><string>TokenUpdate</string><key>UDID</key><string>UDID-0001</string>"
				 "<key>UserID</key><string>U-1</string><key>UserShortName</key><string>anna</string>"
				 "<key>Topic</key><string>com.apple.mgmt.x</string><key>Token</key><data>BAUG</data>"
				 "<key>PushMagic</key><string>user magic</string>")
			     .status,
		     200);
	cr_assert_eq(rig_enqueue(rig, "UDID-0001:U-1", "C-1").status, 200);
	cr_expect(due_of(&due, "UDID-0001", "U-1"));
	cr_expect_not(due_of(&due, "UDID-0001", ""));
}

Test(push, the_store_is_down)
{
	mst_store_break(rig->app.store, true);
	cr_expect_eq(ask_push(MST_PUT, "UDID-0001").status, 503);
	mst_store_break(rig->app.store, false);
	settle();
	cr_expect_eq(num_kicks, 0);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_PUSH), 0);
}

static const char *status(const char *word, const char *uuid)
{
	struct answer a = rig_status(rig, &link_, "UDID-0001", word, uuid);

	cr_assert_eq(a.status, 200, "%s", a.body);
	return a.body;
}

/* Apple: a device polls again by itself only when NotNow was the last thing it said. */
Test(push, not_now_and_then_something_else)
{
	struct mst_push_due due;

	mst_clock_fake(5000000);
	for (int i = 1; i <= 3; i++)
		cr_assert_eq(rig_enqueue(rig, "UDID-0001", rig_text(rig, "C-%d", i)).status, 200);
	settle();
	num_kicks = 0;
	rig_idle(rig, &link_, "UDID-0001");
	cr_expect(strstr(status("NotNow", "C-1"), "C-2"));
	cr_assert(due_of(&due, "UDID-0001", ""));
	cr_expect_eq(due.cause, MST_PUSH_COMMAND, "NotNow alone writes nothing");
	mst_clock_fake(5001000);
	cr_expect(strstr(status("Acknowledged", "C-2"), "C-3"));
	cr_assert(due_of(&due, "UDID-0001", ""));
	cr_expect_eq(due.cause, MST_PUSH_NOT_NOW);
	cr_expect_eq(due.due_ms, 5061000);
	settle();
	cr_expect_eq(num_kicks, 1);
	cr_expect_eq(kicked_ms, 5061000);
	mst_clock_fake(5002000);
	cr_expect_str_eq(status("Error", "C-3"), "");
	cr_assert(due_of(&due, "UDID-0001", ""));
	cr_expect_eq(due.due_ms, 5061000, "one push for a NotNow");
}

Test(push, without_not_now_nothing_is_owed)
{
	struct mst_push_due due;

	for (int i = 1; i <= 2; i++)
		cr_assert_eq(rig_enqueue(rig, "UDID-0001", rig_text(rig, "C-%d", i)).status, 200);
	rig_idle(rig, &link_, "UDID-0001");
	status("Acknowledged", "C-1");
	status("NotNow", "C-2");
	cr_expect(due_of(&due, "UDID-0001", "") && due.cause == MST_PUSH_COMMAND, "NotNow was last: it comes by itself");
	rig_idle(rig, &link_, "UDID-0001");
	status("Acknowledged", "C-2");
	cr_expect(due_of(&due, "UDID-0001", "") && due.cause == MST_PUSH_COMMAND, "a new session");
}

/* A batch that failed owes its push still when the device says it again. */
Test(push, not_now_survives_a_broken_store)
{
	struct mst_push_due due;

	for (int i = 1; i <= 2; i++)
		cr_assert_eq(rig_enqueue(rig, "UDID-0001", rig_text(rig, "C-%d", i)).status, 200);
	rig_idle(rig, &link_, "UDID-0001");
	status("NotNow", "C-1");
	mst_store_break(rig->app.store, true);
	cr_assert_eq(rig_status(rig, &link_, "UDID-0001", "Acknowledged", "C-2").status, 503);
	mst_store_break(rig->app.store, false);
	status("Acknowledged", "C-2");
	cr_expect(due_of(&due, "UDID-0001", "") && due.cause == MST_PUSH_NOT_NOW);
}
