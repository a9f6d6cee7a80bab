/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of devices are current after each kind of change, after a kill in the middle, and for many devices. */
#include "../fake/rig.h"

#include <stdio.h>

#include "muster/clock.h"
#include "muster/members.h"
#include "muster/plist.h"

#define WAIT_MS 60000

struct park {
	struct rig *rig;
	struct mst_members *members;
	struct mst_catalog *catalog;
};

static uint32_t num_told;

static void on_members(struct mst_app *app, const struct mst_id *devices, uint32_t num)
{
	(void)app;
	(void)devices;
	num_told += num;
}

static void settle(struct park *park)
{
	uint64_t until_ms = mst_clock_ms() + WAIT_MS;
	struct mst_err e;

	do {
		cr_assert_eq(mst_loop_turn(park->rig->app.loop, 5, &e), 0, "%s", e.text);
		cr_assert_lt(mst_clock_ms(), until_ms, "labels are not settled");
	} while (!mst_members_is_idle(park->members));
}

/* What engine/main does after a change. */
static void begin_follow(struct park *park)
{
	struct mst_catalog *older = park->catalog;
	struct mst_err e;

	cr_assert_eq(mst_catalog_load(&park->catalog, park->rig->app.store, &e), 0, "%s", e.text);
	park->rig->app.catalog = park->catalog;
	mst_members_follow(park->members, older, park->catalog);
	mst_catalog_free(&older);
}

static void follow(struct park *park)
{
	begin_follow(park);
	settle(park);
}

static void members_begin(struct park *park)
{
	struct mst_err e;

	cr_assert_eq(mst_members_new(&park->members, &park->rig->app, &e), 0, "%s", e.text);
	park->rig->app.members = park->members;
	park->rig->app.on_members = on_members;
	park->rig->app.on_user_changed = mst_members_user;
	mst_catalog_free(&park->catalog);
	num_told = 0;
	follow(park);
}

static void park_begin(struct park *park)
{
	*park = (struct park){.rig = rig_new()};
	members_begin(park);
}

static void park_end(struct park *park)
{
	mst_members_free(&park->members);
	mst_catalog_free(&park->catalog);
	rig_free(park->rig);
}

static struct answer say(struct rig *rig, enum mst_method method, const char *target, const char *body)
{
	struct link link = rig_control();
	return rig_ask(rig, &link, (struct ask){.has_method = true, .method = method, .target = target, .body = body});
}

static void put(struct park *park, const char *target, const char *body)
{
	struct answer a = say(park->rig, MST_PUT, target, body);
	cr_assert(a.status == 200 || a.status == 201 || a.status == 204, "%s: %d %s", target, a.status, a.body);
}

static void label(struct park *park, const char *name, const char *expression)
{
	put(park, rig_text(park->rig, "/v1/labels/%s", name),
	    rig_text(park->rig, "{\"name\":\"%s\",\"fields\":{\"expression\":\"%s\"}}", name, expression));
	follow(park);
}

static bool has(struct park *park, const char *device, const char *name)
{
	struct answer a = rig_get(park->rig, rig_text(park->rig, "/v1/devices/%s", device));
	char *labels = strstr(a.body, "\"labels\":[");

	cr_assert(a.status == 200 && labels, "%d %s", a.status, a.body);
	*strchr(labels, ']') = 0;
	return strstr(labels, rig_text(park->rig, "\"%s\"", name)) != NULL;
}

Test(label, each_kind_of_change)
{
	struct park park;

	park_begin(&park);
	rig_enrol(park.rig, "A");
	rig_enrol(park.rig, "B");
	label(&park, "new", "device.os_version >= \\\"17\\\"");
	cr_expect(has(&park, "A", "new") && has(&park, "B", "new"));
	cr_expect_eq(num_told, 2, "%u", num_told);
	/* A device that enrols later is judged in its own check-in. */
	rig_enrol(park.rig, "C");
	cr_expect(has(&park, "C", "new"));
	cr_expect_eq(num_told, 3);
	/* The expression changes, and goes. */
	label(&park, "new", "device.serial = \\\"SN-B\\\"");
	cr_expect(!has(&park, "A", "new") && has(&park, "B", "new") && !has(&park, "C", "new"));
	cr_assert_eq(say(park.rig, MST_DELETE, "/v1/labels/new", NULL).status, 204);
	follow(&park);
	cr_expect_eq(rig_num_records(park.rig, MST_SPACE_LABELED), 0);
	park_end(&park);
}

Test(label, users)
{
	struct park park;
	struct answer a;

	park_begin(&park);
	rig_enrol(park.rig, "A");
	rig_enrol(park.rig, "B");
	label(&park, "sales", "user.group = \\\"Sales\\\" and device.ownership = \\\"company\\\"");
	put(&park, "/v1/users/eva", "{\"name\":\"eva\",\"fields\":{\"groups\":[\"Sales\"]}}");
	cr_expect_eq(say(park.rig, MST_PUT, "/v1/devices/A/detail", "{\"user\":\"adam\"}").status, 400);
	cr_expect_eq(say(park.rig, MST_PUT, "/v1/devices/A/detail", "{\"serial\":\"1\"}").status, 400);
	cr_expect_eq(say(park.rig, MST_PUT, "/v1/devices/A/detail", "{\"ownership\":\"mine\"}").status, 400);
	cr_expect_eq(say(park.rig, MST_PUT, "/v1/devices/Z/detail", "{\"user\":\"eva\"}").status, 404);
	put(&park, "/v1/devices/A/detail", "{\"user\":\"eva\",\"ownership\":\"company\",\"custom1\":\"x\"}");
	cr_expect(has(&park, "A", "sales") && !has(&park, "B", "sales"));
	/* The user changes: his devices follow. */
	put(&park, "/v1/users/eva", "{\"fields\":{\"groups\":[\"Support\"]}}");
	settle(&park);
	cr_expect(!has(&park, "A", "sales"));
	put(&park, "/v1/users/eva", "{\"fields\":{\"groups\":[\"support\",\"sales\"]}}");
	settle(&park);
	cr_expect(has(&park, "A", "sales"));
	a = rig_get(park.rig, "/v1/devices?user=eva");
	cr_expect(strstr(a.body, "\"id\":\"A\"") && !strstr(a.body, "\"id\":\"B\""), "%s", a.body);
	a = rig_get(park.rig, "/v1/devices?label=sales");
	cr_expect(strstr(a.body, "\"id\":\"A\"") && !strstr(a.body, "\"id\":\"B\""), "%s", a.body);
	a = rig_get(park.rig, "/v1/devices?platform=ios");
	cr_expect(!strstr(a.body, "\"id\""), "%s", a.body);
	put(&park, "/v1/devices/A/detail", "{\"user\":null}");
	cr_expect(!has(&park, "A", "sales"));
	cr_expect_eq(rig_num_records(park.rig, MST_SPACE_OWNED), 0);
	cr_assert_eq(say(park.rig, MST_DELETE, "/v1/users/eva", NULL).status, 204);
	settle(&park);
	park_end(&park);
}

Test(label, by_hand)
{
	struct park park;
	struct answer a;

	park_begin(&park);
	rig_enrol(park.rig, "A");
	rig_enrol(park.rig, "B");
	label(&park, "some", "");
	label(&park, "all", "device.os_version starts \\\"1\\\"");
	cr_expect_eq(say(park.rig, MST_PUT, "/v1/labels/none/devices/A", NULL).status, 404);
	cr_expect_eq(say(park.rig, MST_PUT, "/v1/labels/some/devices/Z", NULL).status, 404);
	cr_expect_eq(say(park.rig, MST_PUT, "/v1/labels/all/devices/A", NULL).status, 409);
	put(&park, "/v1/labels/some/devices/A", NULL);
	put(&park, "/v1/labels/some/devices/A", NULL);
	a = rig_get(park.rig, "/v1/labels/some/devices");
	cr_expect(strstr(a.body, "\"id\":\"A\"") && !strstr(a.body, "\"id\":\"B\""), "%s", a.body);
	a = rig_get(park.rig, "/v1/labels/all/devices?limit=1");
	cr_expect(strstr(a.body, "\"next\":\""), "%s", a.body);
	/* A change of other labels leaves it. */
	label(&park, "all", "device.os_version starts \\\"9\\\"");
	cr_expect(has(&park, "A", "some") && !has(&park, "A", "all"));
	cr_expect_eq(say(park.rig, MST_DELETE, "/v1/labels/some/devices/A", NULL).status, 204);
	cr_expect(!has(&park, "A", "some"));
	put(&park, "/v1/labels/some/devices/A", NULL);
	/* A label that gets an expression forgets whom it was given to. */
	label(&park, "some", "device.serial = \\\"SN-B\\\"");
	cr_expect(!has(&park, "A", "some") && has(&park, "B", "some"));
	a = rig_get(park.rig, "/v1/audit");
	cr_expect(strstr(a.body, "label given") && strstr(a.body, "label taken"), "%s", a.body);
	park_end(&park);
}

Test(label, tests_of_expressions)
{
	struct park park;
	struct answer a;

	park_begin(&park);
	rig_enrol(park.rig, "A");
	a = say(park.rig, MST_POST, "/v1/labels/test", "{\"expression\":\"device.serial = \\\"sn-a\\\"\",\"device\":\"A\"}");
	cr_expect(a.status == 200 && strstr(a.body, "\"holds\":true"), "%s", a.body);
	a = say(park.rig, MST_POST, "/v1/labels/test", "{\"expression\":\"device.serial = \\\"b\\\"\",\"device\":\"A\"}");
	cr_expect(a.status == 200 && strstr(a.body, "\"holds\":false"), "%s", a.body);
	a = say(park.rig, MST_POST, "/v1/labels/test", "{\"expression\":\"device.serial = \\\"b\\\"\"}");
	cr_expect(a.status == 200 && strstr(a.body, "\"holds\":null"), "%s", a.body);
	cr_expect_eq(say(park.rig, MST_POST, "/v1/labels/test", "{\"expression\":\"device.nose = 1\"}").status, 400);
	cr_expect_eq(say(park.rig, MST_POST, "/v1/labels/test", "{\"expression\":\"\",\"device\":\"A\"}").status, 400);
	cr_expect_eq(say(park.rig, MST_POST, "/v1/labels/test", "{\"expression\":\"device.serial = 1\",\"device\":\"Z\"}").status, 404);
	cr_expect_eq(say(park.rig, MST_POST, "/v1/labels/test", "[").status, 400);
	park_end(&park);
}

Test(label, what_devices_report)
{
	struct park park;
	struct link link;
	struct answer a;

	park_begin(&park);
	link = rig_enrol(park.rig, "A");
	label(&park, "iphone", "device.platform = \\\"ios\\\" and device.os_version >= \\\"18.1\\\"");
	cr_expect(!has(&park, "A", "iphone"));
	cr_assert_eq(rig_enqueue(park.rig, "A", "u1").status, 200);
	a = rig_report(park.rig, &link,
		       "<key>Status</key><string>Acknowledged</string><key>UDID</key><string>A</string>"
		       "<key>CommandUUID</key><string>u1</string><key>QueryResponses</key><dict>"
		       "<key>OSVersion</key><string>18.10</string><key>ProductName</key><string>iPhone15,2</string>"
		       "<key>ServiceSubscriptions</key><array><dict><key>IMEI</key><string>35 1</string></dict></array></dict>");
	cr_expect_eq(a.status, 200);
	a = rig_get(park.rig, "/v1/devices/A");
	cr_expect(strstr(a.body, "\"imei\":\"35 1\"") && strstr(a.body, "iPhone15,2") && strstr(a.body, "\"serial\":\"SN-A\""), "%s",
		  a.body);
	cr_expect(has(&park, "A", "iphone"));
	/* A report with answers that are not as they should be is a report all the same. */
	cr_assert_eq(rig_enqueue(park.rig, "A", "u2").status, 200);
	a = rig_report(park.rig, &link,
		       "<key>Status</key><string>Acknowledged</string><key>UDID</key><string>A</string>"
		       "<key>CommandUUID</key><string>u2</string><key>QueryResponses</key><dict>"
		       "<key>OSVersion</key><integer>3</integer></dict>");
	cr_expect_eq(a.status, 200);
	cr_expect(has(&park, "A", "iphone"));
	park_end(&park);
}

Test(label, pin)
{
	struct rig *rig = rig_new();
	struct answer a;
	char *pin;

	a = say(rig, MST_PUT, "/v1/users/eva", "{\"name\":\"eva\",\"fields\":{\"password\":\"secret\",\"pin\":\"1\"}}");
	cr_assert_eq(a.status, 201, "%s", a.body);
	cr_expect(strstr(a.body, "\"password\":{\"set\":true}") && !strstr(a.body, "\"pin\"") && !strstr(a.body, "scrypt"), "%s", a.body);
	cr_expect_eq(say(rig, MST_POST, "/v1/users/adam/pin", NULL).status, 404);
	cr_expect_eq(say(rig, MST_POST, "/v1/users/eva/pin?hours=0", NULL).status, 400);
	a = say(rig, MST_POST, "/v1/users/eva/pin", NULL);
	pin = strstr(a.body, "\"pin\":\"");
	cr_assert(a.status == 201 && pin, "%s", a.body);
	pin[17] = 0;
	a = rig_get(rig, "/v1/users/eva");
	cr_expect(strstr(a.body, "\"pin\":{\"set\":true}") && !strstr(a.body, pin + 7), "%s", a.body);
	/* An edit leaves the PIN and the password. */
	a = say(rig, MST_PUT, "/v1/users/eva", "{\"fields\":{\"email\":\"e@x\",\"pin\":null}}");
	cr_expect(strstr(a.body, "\"pin\":{\"set\":true}") && strstr(a.body, "\"password\":{\"set\":true}"), "%s", a.body);
	rig_free(rig);
}

static void fill(struct rig *rig, uint32_t num)
{
	for (uint32_t i = 0; i < num; i++) {
		struct mst_arena arena;
		struct mst_batch b;
		struct mst_detail d = {.os_version = i % 2 ? MST_S("17.1") : MST_S("16.0")};
		char text[32];

		snprintf(text, sizeof text, "device-%06u", i);
		d.text = mst_slice_str(text);
		mst_id_make(&d.id, d.text, mst_slice(NULL, 0));
		mst_arena_init(&arena, NULL, 0);
		mst_batch_init(&b, &arena, NULL, NULL);
		b.is_lazy = true;
		mst_detail_put(&b, &d, NULL);
		cr_assert_eq(mst_store_commit_here(rig->app.store, &b), 0, "%s", b.err.text);
		mst_arena_done(&arena);
	}
}

Test(label, a_kill_in_the_middle)
{
	enum { DEVICES = 9000 };
	struct park park;
	struct mst_err e;
	uint32_t num;

	park_begin(&park);
	fill(park.rig, DEVICES);
	put(&park, "/v1/labels/new", "{\"name\":\"new\",\"fields\":{\"expression\":\"device.os_version >= \\\"17\\\"\"}}");
	begin_follow(&park);
	do {
		cr_assert_eq(mst_loop_turn(park.rig->app.loop, 5, &e), 0, "%s", e.text);
		num = rig_num_records(park.rig, MST_SPACE_LABELED);
	} while (num == 0);
	mst_store_break(park.rig->app.store, true);
	settle(&park); /* it gives up for a while */
	mst_members_free(&park.members);
	mst_store_break(park.rig->app.store, false);
	park.rig->app.on_user_changed = NULL;
	put(&park, "/v1/users/eva", "{\"name\":\"eva\"}"); /* a write that works: the store closes as it should */
	rig_reopen(park.rig);
	num = rig_num_records(park.rig, MST_SPACE_LABELED);
	cr_expect(num < DEVICES / 2, "nothing was left to do: %u", num);
	members_begin(&park);
	cr_expect_eq(rig_num_records(park.rig, MST_SPACE_LABELED), DEVICES / 2);
	cr_expect_eq(num_told, DEVICES / 2 - num, "%u told, %u were there", num_told, num);
	/* Once more: nothing is left. */
	num_told = 0;
	mst_members_free(&park.members);
	members_begin(&park);
	cr_expect_eq(num_told, 0);
	park_end(&park);
}

Test(label, many, .timeout = 120)
{
	enum { DEVICES = 20000 };
	struct park park;
	uint64_t began_ms;

	park_begin(&park);
	fill(park.rig, DEVICES);
	began_ms = mst_clock_ms();
	label(&park, "new", "device.os_version >= \\\"17\\\"");
	fprintf(stderr, "# %d devices in %llu ms\n", DEVICES, (unsigned long long)(mst_clock_ms() - began_ms));
	cr_expect_eq(rig_num_records(park.rig, MST_SPACE_LABELED), DEVICES / 2);
	label(&park, "new", "device.os_version < \\\"17\\\"");
	cr_expect_eq(rig_num_records(park.rig, MST_SPACE_LABELED), DEVICES / 2);
	cr_expect_eq(num_told, DEVICES / 2 + DEVICES, "%u", num_told);
	/* Two changes, the second one while the first is being worked through. */
	put(&park, "/v1/labels/new", "{\"fields\":{\"expression\":\"device.device_id = \\\"device-000001\\\"\"}}");
	begin_follow(&park);
	put(&park, "/v1/labels/new", "{\"fields\":{\"expression\":\"device.device_id = \\\"device-000002\\\"\"}}");
	follow(&park);
	cr_expect_eq(rig_num_records(park.rig, MST_SPACE_LABELED), 1);
	cr_expect(has(&park, "device-000002", "new"));
	park_end(&park);
}
