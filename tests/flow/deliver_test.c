/* SPDX-License-Identifier: Apache-2.0 */
/* Settings come to devices and go from them: labels, content, reports, failures, enrolments, retirement. */
#include "identity_kit.h"

#include "muster/clock.h"
#include "muster/deliver.h"
#include "muster/members.h"
#include "muster/plist.h"
#include "muster/render.h"

#define WAIT_MS 60000

struct field {
	struct identity_kit kit;
	struct rig *rig;
	struct mst_catalog *catalog;
};

static void settle(struct field *f)
{
	uint64_t until_ms = mst_clock_ms() + WAIT_MS;
	struct mst_app *app = &f->rig->app;
	uint32_t num_idle = 0; /* turns: what one tells another is on its way between them */
	struct mst_err e;

	while (num_idle < 12) {
		cr_assert_eq(mst_loop_turn(app->loop, 1, &e), 0, "%s", e.text);
		cr_assert_lt(mst_clock_ms(), until_ms, "deliveries are not settled");
		num_idle++;
		if (!mst_members_is_idle(app->members) || !mst_deliver_is_idle(app->deliver) || !mst_keeper_is_idle(app->keeper))
			num_idle = 0;
	}
}

/* What engine/main does after a change. */
static void follow(struct field *f)
{
	struct mst_catalog *older = f->catalog;
	struct mst_err e;

	cr_assert_eq(mst_catalog_load(&f->catalog, f->rig->app.store, &e), 0, "%s", e.text);
	f->rig->app.catalog = f->catalog;
	mst_members_follow(f->rig->app.members, older, f->catalog);
	mst_deliver_follow(f->rig->app.deliver, older, f->catalog);
	mst_catalog_free(&older);
	settle(f);
}

static void on_user(struct mst_app *app, const uint8_t user[static 16])
{
	mst_members_user(app, user);
	mst_deliver_user(app, user);
}

static void services_begin(struct field *f)
{
	struct mst_app *app = &f->rig->app;
	struct mst_err e;

	cr_assert_eq(mst_members_new(&app->members, app, &e), 0, "%s", e.text);
	cr_assert_eq(mst_deliver_new(&app->deliver, app, &e), 0, "%s", e.text);
	app->on_members = mst_deliver_devices;
	app->on_device = mst_deliver_device;
	app->on_user_changed = on_user;
	app->on_identity_changed = mst_deliver_identity;
	app->reports = &mst_deliver_reports;
	mst_catalog_free(&f->catalog);
	follow(f);
}

static void field_begin(struct field *f)
{
	*f = (struct field){.catalog = NULL};
	identity_begin(&f->kit);
	f->rig = f->kit.rig;
	services_begin(f);
}

static void services_end(struct field *f)
{
	mst_deliver_free(&f->rig->app.deliver);
	mst_members_free(&f->rig->app.members);
}

static void field_end(struct field *f)
{
	settle(f);
	services_end(f);
	mst_catalog_free(&f->catalog);
	identity_end(&f->kit);
}

static struct answer say(struct field *f, enum mst_method method, const char *target, const char *body)
{
	struct link link = rig_control();
	struct answer a = rig_ask(f->rig, &link, (struct ask){.has_method = true, .method = method, .target = target, .body = body});

	cr_assert(a.status >= 200 && a.status < 300, "%s: %d %s", target, a.status, a.body);
	return a;
}

/* An iPhone of jane, with a push token. */
static struct link enrol(struct field *f, const char *udid)
{
	struct link link = rig_enrol(f->rig, udid);
	char *uuid = rig_text(f->rig, "info-%s-%u", udid, (unsigned)f->rig->next_id);

	cr_assert_eq(rig_enqueue(f->rig, udid, uuid).status, 200);
	rig_report(f->rig, &link,
		   rig_text(f->rig,
			    "<key>Status</key><string>Acknowledged</string><key>UDID</key><string>%s</string>"
			    "<key>CommandUUID</key><string>%s</string><key>QueryResponses</key><dict>"
			    "<key>ProductName</key><string>iPhone15,2</string></dict>",
			    udid, uuid));
	settle(f);
	return link;
}

#define WIFI(more) "{\"name\":\"office\",\"type\":\"wifi\",\"fields\":{\"ssid\":\"Office\",\"eap_types\":[\"tls\"],\"identity\":\"id\"" more "}}"

static void office(struct field *f)
{
	say(f, MST_PUT, "/v1/users/jane", "{\"name\":\"jane\",\"fields\":{\"email\":\"jane@example.com\"}}");
	say(f, MST_PUT, "/v1/labels/staff", "{\"name\":\"staff\",\"fields\":{}}");
	say(f, MST_PUT, "/v1/enrollments/id",
	    "{\"name\":\"id\",\"type\":\"local\",\"fields\":{\"authority\":\"devices\",\"common_name\":\"$DEVICE_SN$\"}}");
	say(f, MST_PUT, "/v1/settings/office", WIFI(",\"labels\":[\"staff\"]"));
	follow(f);
}

static bool delivery(struct field *f, struct mst_delivery *out, const char *udid, const char *setting);

struct reading {
	struct mst_read r;
	struct mst_id id;
	uint8_t setting[16];
	struct mst_delivery *out;
	int found;
};

static int delivery_plan(struct mst_read *r)
{
	struct reading *reading = MST_HOME(r, struct reading, r);

	reading->found = mst_delivery_get(r, reading->out, reading->id.device, reading->setting);
	return reading->found < 0 ? -1 : 0;
}

static bool delivery(struct field *f, struct mst_delivery *out, const char *udid, const char *setting)
{
	struct reading reading = {.r = {.arena = &f->rig->arena, .plan = delivery_plan}, .out = out};

	mst_id_make(&reading.id, mst_slice_str(udid), mst_slice(NULL, 0));
	mst_object_id(reading.setting, MST_NOUN_SETTING, mst_slice_str(setting));
	cr_assert_eq(mst_store_read_here(f->rig->app.store, &reading.r), 0, "%s", reading.r.err.text);
	return reading.found == 1;
}

static void expect(struct field *f, const char *udid, const char *setting, enum mst_delivery_state state, int line)
{
	struct mst_delivery d;

	cr_assert(delivery(f, &d, udid, setting), "line %d: no row", line);
	cr_assert_eq(d.state, state, "line %d: %s %.*s", line, mst_delivery_state_word(d.state), (int)d.reason.len,
		     d.reason.len ? (const char *)d.reason.at : "");
}
#define EXPECT(udid, setting, word) expect(&f, udid, setting, MST_DELIVERY_##word, __LINE__)

/* The device polls and gets a command of this type: its uuid. Empty: nothing waits. */
static char *poll(struct field *f, struct link *link, const char *udid, const char *type)
{
	struct answer a = rig_idle(f->rig, link, udid);
	char *at;

	if (!type) {
		cr_expect_eq(a.len, 0, "%s", a.body);
		return NULL;
	}
	cr_assert(a.len && strstr(a.body, type), "%s: %s", type, a.body);
	at = strstr(a.body, "<key>CommandUUID</key>");
	at = strstr(at, "<string>") + 8;
	*strchr(at, '<') = 0;
	return at;
}

static void answer(struct field *f, struct link *link, const char *udid, const char *type, const char *status)
{
	char *uuid = poll(f, link, udid, type);

	cr_assert_eq(rig_status(f->rig, link, udid, status, uuid).status, 200);
	settle(f);
}

Test(deliver, comes_and_goes)
{
	struct field f;
	struct mst_delivery d;
	struct mst_held held;
	struct link link;

	field_begin(&f);
	office(&f);
	link = enrol(&f, "d1");
	cr_expect(!delivery(&f, &d, "d1", "office"));
	say(&f, MST_PUT, "/v1/devices/d1/detail", "{\"user\":\"jane\"}");
	say(&f, MST_PUT, "/v1/labels/staff/devices/d1", NULL);
	settle(&f);
	EXPECT("d1", "office", SENT);
	answer(&f, &link, "d1", "InstallProfile", "Acknowledged");
	EXPECT("d1", "office", APPLIED);
	cr_assert(identity_held(&f.kit, &held, "id", 1));
	cr_expect(held.state == MST_HELD_DELIVERED && held.num_made == 1 && held.key.len == 0);
	poll(&f, &link, "d1", NULL);
	/* What does not touch the content sends nothing. */
	say(&f, MST_PUT, "/v1/labels/more", "{\"name\":\"more\",\"fields\":{}}");
	say(&f, MST_PUT, "/v1/settings/office", "{\"fields\":{\"labels\":[\"staff\",\"more\"]}}");
	say(&f, MST_PUT, "/v1/enrollments/id", "{\"fields\":{\"description\":\"of all\"}}");
	follow(&f);
	poll(&f, &link, "d1", NULL);
	EXPECT("d1", "office", APPLIED);
	/* A change of the content is sent; the identity must be made anew, as its key was not stored. */
	say(&f, MST_PUT, "/v1/settings/office", "{\"fields\":{\"ssid\":\"Other\"}}");
	follow(&f);
	EXPECT("d1", "office", SENT);
	answer(&f, &link, "d1", "InstallProfile", "Acknowledged");
	EXPECT("d1", "office", APPLIED);
	poll(&f, &link, "d1", NULL);
	say(&f, MST_DELETE, "/v1/labels/staff/devices/d1", NULL);
	settle(&f);
	EXPECT("d1", "office", REMOVING);
	answer(&f, &link, "d1", "RemoveProfile", "Acknowledged");
	EXPECT("d1", "office", REMOVED);
	cr_assert(identity_held(&f.kit, &held, "id", 1));
	cr_expect_eq(held.state, MST_HELD_REMOVED);
	cr_expect_eq(identity_live(&f.kit, "d1"), 0);
	/* And once more. */
	say(&f, MST_PUT, "/v1/labels/staff/devices/d1", NULL);
	settle(&f);
	answer(&f, &link, "d1", "InstallProfile", "Acknowledged");
	EXPECT("d1", "office", APPLIED);
	poll(&f, &link, "d1", NULL);
	field_end(&f);
}

/* A device that says no is asked again later, or when an operator says so. */
Test(deliver, failures)
{
	struct answer a;
	struct field f;
	struct mst_delivery d;
	struct link link;
	char *uuid;

	field_begin(&f);
	office(&f);
	link = enrol(&f, "d1");
	say(&f, MST_PUT, "/v1/labels/staff/devices/d1", NULL);
	settle(&f);
	uuid = poll(&f, &link, "d1", "InstallProfile");
	rig_report(f.rig, &link,
		   rig_text(f.rig,
			    "<key>Status</key><string>Error</string><key>UDID</key><string>d1</string><key>CommandUUID</key><string>%s</string>"
			    "<key>ErrorChain</key><array><dict><key>ErrorDomain</key><string>MCInstallationErrorDomain</string>"
			    "<key>ErrorCode</key><integer>4001</integer></dict></array>",
			    uuid));
	settle(&f);
	EXPECT("d1", "office", FAILED);
	cr_assert(delivery(&f, &d, "d1", "office"));
	cr_expect(d.due_ms > mst_clock_wall_ms() && d.num_failed == 1);
	a = rig_get(f.rig, "/v1/devices/d1/settings");
	cr_expect(strstr(a.body, "\"state\":\"failed\"") && strstr(a.body, "MCInstallationErrorDomain"), "%s", a.body);
	a = rig_get(f.rig, "/v1/settings/office/devices?state=failed");
	cr_expect(strstr(a.body, "\"id\":\"d1\""), "%s", a.body);
	a = rig_get(f.rig, "/v1/settings/office/devices?state=applied");
	cr_expect(!strstr(a.body, "\"id\":\"d1\""), "%s", a.body);
	cr_expect_eq(rig_get(f.rig, "/v1/settings/office/devices?state=odd").status, 400);
	cr_expect_eq(rig_get(f.rig, "/v1/devices/Z/settings").status, 404);
	poll(&f, &link, "d1", NULL);
	say(&f, MST_POST, "/v1/devices/d1/settings/office/retry", NULL);
	settle(&f);
	EXPECT("d1", "office", SENT);
	answer(&f, &link, "d1", "InstallProfile", "Acknowledged");
	EXPECT("d1", "office", APPLIED);
	field_end(&f);
}

/* A variable that is empty for this device fails the setting, until it is not empty any more. */
Test(deliver, empty_variable)
{
	struct field f;
	struct link link;
	struct answer a;

	field_begin(&f);
	office(&f);
	say(&f, MST_PUT, "/v1/settings/office", "{\"fields\":{\"ssid\":\"Office of $EMAIL$\"}}");
	follow(&f);
	link = enrol(&f, "d1");
	say(&f, MST_PUT, "/v1/labels/staff/devices/d1", NULL);
	settle(&f);
	EXPECT("d1", "office", FAILED);
	a = rig_get(f.rig, "/v1/devices/d1/settings");
	cr_expect(strstr(a.body, "ssid") && strstr(a.body, "$EMAIL$"), "%s", a.body);
	a = rig_get(f.rig, "/v1/audit");
	cr_expect(strstr(a.body, "setting failed"), "%s", a.body);
	say(&f, MST_PUT, "/v1/devices/d1/detail", "{\"user\":\"jane\"}");
	settle(&f);
	EXPECT("d1", "office", SENT);
	answer(&f, &link, "d1", "InstallProfile", "Acknowledged");
	/* The user's address changes: so does the profile. */
	say(&f, MST_PUT, "/v1/users/jane", "{\"fields\":{\"email\":\"j@example.com\"}}");
	settle(&f);
	EXPECT("d1", "office", SENT);
	field_end(&f);
}

/* A device that enrols anew has nothing: everything is sent again. */
Test(deliver, enrols_anew)
{
	struct field f;
	struct link link;

	field_begin(&f);
	office(&f);
	link = enrol(&f, "d1");
	say(&f, MST_PUT, "/v1/labels/staff/devices/d1", NULL);
	settle(&f);
	answer(&f, &link, "d1", "InstallProfile", "Acknowledged");
	EXPECT("d1", "office", APPLIED);
	cr_assert_eq(rig_authenticate(f.rig, &link, "d1"), 200);
	cr_assert_eq(rig_token_update(f.rig, &link, "d1", ""), 200);
	settle(&f);
	EXPECT("d1", "office", SENT);
	answer(&f, &link, "d1", "InstallProfile", "Acknowledged");
	EXPECT("d1", "office", APPLIED);
	field_end(&f);
}

/* The whole is started anew: nothing is written, and what was left half done goes on. */
Test(deliver, restart)
{
	struct field f;
	struct link link;
	uint32_t num;

	field_begin(&f);
	office(&f);
	link = enrol(&f, "d1");
	say(&f, MST_PUT, "/v1/labels/staff/devices/d1", NULL);
	settle(&f);
	num = rig_num_records(f.rig, MST_SPACE_COMMAND);
	services_end(&f);
	services_begin(&f);
	cr_expect_eq(rig_num_records(f.rig, MST_SPACE_COMMAND), num);
	/* The label goes while nobody looks. */
	services_end(&f);
	f.rig->app.on_members = NULL;
	say(&f, MST_DELETE, "/v1/labels/staff/devices/d1", NULL);
	services_begin(&f);
	EXPECT("d1", "office", REMOVING);
	field_end(&f);
	(void)link;
}

Test(deliver, deleted_setting)
{
	struct field f;
	struct link link;

	field_begin(&f);
	office(&f);
	link = enrol(&f, "d1");
	say(&f, MST_PUT, "/v1/labels/staff/devices/d1", NULL);
	settle(&f);
	answer(&f, &link, "d1", "InstallProfile", "Acknowledged");
	say(&f, MST_DELETE, "/v1/settings/office", NULL);
	follow(&f);
	EXPECT("d1", "office", REMOVING);
	answer(&f, &link, "d1", "RemoveProfile", "Acknowledged");
	EXPECT("d1", "office", REMOVED);
	field_end(&f);
}

Test(deliver, retire)
{
	struct mst_held held;
	struct field f;
	struct link link;

	field_begin(&f);
	office(&f);
	link = enrol(&f, "d1");
	say(&f, MST_PUT, "/v1/labels/staff/devices/d1", NULL);
	settle(&f);
	answer(&f, &link, "d1", "InstallProfile", "Acknowledged");
	say(&f, MST_POST, "/v1/devices/d1/retire", NULL);
	settle(&f);
	EXPECT("d1", "office", REMOVING);
	cr_assert(identity_held(&f.kit, &held, "id", 1));
	cr_expect_eq(held.state, MST_HELD_REMOVED);
	answer(&f, &link, "d1", "RemoveProfile", "Acknowledged");
	EXPECT("d1", "office", REMOVED);
	answer(&f, &link, "d1", "muster.enroll", "Acknowledged");
	poll(&f, &link, "d1", NULL);
	say(&f, MST_POST, "/v1/devices/d1/retire", NULL);
	settle(&f);
	poll(&f, &link, "d1", NULL);
	field_end(&f);
}

/* What comes through a client waits for it; its identity is made ahead, once for all settings. */
Test(deliver, clients)
{
	struct mst_held held;
	struct field f;

	field_begin(&f);
	office(&f);
	identity_device(&f.kit, 1, "staff");
	for (int i = 0; i < 3; i++)
		say(&f, MST_PUT, rig_text(f.rig, "/v1/settings/app%d", i),
		    rig_text(f.rig,
			     "{\"name\":\"app%d\",\"type\":\"appconnect\",\"fields\":{\"app\":\"com.example.a%d\",\"labels\":[\"staff\"],"
			     "\"identities\":[{\"key\":\"k\",\"value\":\"id\"}]}}",
			     i, i));
	follow(&f);
	EXPECT("d1", "app0", PENDING);
	EXPECT("d1", "app2", PENDING);
	EXPECT("d1", "office", PENDING);
	cr_assert(identity_held(&f.kit, &held, "id", 1));
	cr_expect(held.state == MST_HELD_READY && held.is_early && held.num_made == 1);
	cr_expect_eq(identity_live(&f.kit, "d1"), 1);
	/* What never came is not taken back: the rows go, and the identity. */
	say(&f, MST_DELETE, "/v1/labels/staff/devices/d1", NULL);
	settle(&f);
	cr_expect_eq(rig_num_records(f.rig, MST_SPACE_DELIVERY), 0);
	cr_assert(identity_held(&f.kit, &held, "id", 1));
	cr_expect_eq(held.state, MST_HELD_REMOVED);
	field_end(&f);
}

/* More devices than a slice and more than the looks side by side: each gets its row, and loses it. */
Test(deliver, many)
{
	enum { DEVICES = 1200 };
	struct field f;

	field_begin(&f);
	office(&f);
	for (uint32_t i = 0; i < DEVICES; i++)
		identity_device(&f.kit, i, "staff");
	say(&f, MST_PUT, "/v1/settings/office", "{\"fields\":{\"ssid\":\"Other\"}}");
	follow(&f);
	cr_expect_eq(rig_num_records(f.rig, MST_SPACE_DELIVERY), DEVICES);
	say(&f, MST_PUT, "/v1/settings/office", "{\"fields\":{\"labels\":null}}");
	follow(&f);
	cr_expect_eq(rig_num_records(f.rig, MST_SPACE_DELIVERY), 0);
	field_end(&f);
}
