/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: made ahead, deleted after 14 days, renewed, taken away; and the endpoints of operators. */
#include <stdlib.h>
#include <time.h>

#include "identity_kit.h"
#include "maker.h"
#include "muster/cert.h"
#include "muster/clock.h"
#include "muster/p12.h"
#include "muster/text.h"

#define DAY     86400000ll
#define DEVICES 150
#define LOCAL   "{\"name\":\"id\",\"type\":\"local\",\"fields\":{\"authority\":\"devices\",\"common_name\":\"$DEVICE_SN$\"}}"

static void early(struct identity_kit *kit)
{
	uint8_t enrollment[16], label[16];

	mst_object_id(enrollment, MST_NOUN_ENROLLMENT, MST_S("id"));
	mst_object_id(label, MST_NOUN_LABEL, MST_S("all"));
	mst_keeper_early(kit->keeper, enrollment, label);
}

Test(identity_keep, early, .timeout = 100)
{
	struct asked one = {.is_told = false};
	struct identity_kit kit;
	struct mst_held held;

	identity_begin(&kit);
	for (uint32_t i = 0; i < DEVICES; i++)
		identity_device(&kit, i, "all");
	identity_device(&kit, DEVICES, NULL); /* not in the label */
	identity_put(&kit, "/v1/enrollments/id", LOCAL);
	early(&kit);
	early(&kit);
	identity_get(&kit, &one, "id", DEVICES - 1); /* in the middle of it */
	identity_settle(&kit);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), DEVICES);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_HELD), DEVICES);
	early(&kit);
	identity_settle(&kit);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), DEVICES, "made ahead twice");
	cr_assert(identity_held(&kit, &held, "id", 0));
	cr_expect(held.is_early && held.state == MST_HELD_READY && held.num_made == 1 && held.key.len);
	/* One is delivered; after 14 days the others go, and are made on demand. */
	struct mst_batch b;
	mst_batch_init(&b, &kit.rig->arena, NULL, NULL);
	mst_identity_delivered(&b, &held, true, kit.rig->seal, mst_clock_wall_ms());
	cr_assert_eq(mst_store_commit_here(kit.rig->app.store, &b), 0);
	mst_keeper_daily(kit.keeper, mst_clock_wall_ms() + 13 * DAY);
	identity_settle(&kit);
	cr_expect_eq(identity_live(&kit, NULL), DEVICES);
	mst_keeper_daily(kit.keeper, mst_clock_wall_ms() + 14 * DAY + 60000);
	identity_settle(&kit);
	uint32_t left = identity_live(&kit, NULL);
	cr_expect(left == 1 || left == 2, "%u are left", left); /* the one that was asked for may not have been an early one */
	cr_assert(identity_held(&kit, &held, "id", 1));
	cr_expect(held.state == MST_HELD_REMOVED && held.key.len == 0 && held.older_cert.len == 0);
	identity_get(&kit, &one, "id", 1);
	cr_expect(one.ask.rc == 1 && one.ask.held.num_made == 2, "%s", one.ask.err.text);
	/* The delivered one's key was stored too long: the setting does not say so. */
	cr_assert(identity_held(&kit, &held, "id", 0));
	cr_expect(held.state == MST_HELD_DELIVERED && held.key.len == 0);
	identity_done(&one);
	identity_end(&kit);
}

/* How fast: MUSTER_EARLY=100000 flow_identity --filter identity_keep/many. */
Test(identity_keep, many, .timeout = 600)
{
	uint32_t num = getenv("MUSTER_EARLY") ? (uint32_t)atoi(getenv("MUSTER_EARLY")) : 300;
	struct identity_kit kit;
	uint64_t from_ms;

	identity_begin(&kit);
	identity_devices(&kit, num, "all");
	identity_put(&kit, "/v1/enrollments/id", LOCAL);
	from_ms = mst_clock_ms();
	early(&kit);
	identity_settle(&kit);
	cr_log_info("%u identities in %llu ms", num, (unsigned long long)(mst_clock_ms() - from_ms));
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), num);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_HELD), num);
	identity_end(&kit);
}

Test(identity_keep, next_daily)
{
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	/* 2026-01-10 02:00 and 04:00 UTC are 03:00 and 05:00 there. */
	cr_expect_eq(mst_keeper_next(1768010400000), 1768013100000);
	cr_expect_eq(mst_keeper_next(1768017600000), 1768013100000 + DAY);
	/* The night before summer time: an hour earlier in UTC. */
	cr_expect_eq(mst_keeper_next(1774666800000), 1774748700000, "%lld", (long long)mst_keeper_next(1774666800000));
	cr_expect_eq(mst_keeper_next(1768013100000), 1768013100000 + DAY);
}

Test(identity_keep, daily)
{
	struct asked one = {.is_told = false};
	struct identity_kit kit;
	struct mst_held held, before;
	struct mst_batch b;

	identity_begin(&kit);
	identity_device(&kit, 1, NULL);
	identity_put(&kit, "/v1/enrollments/id", LOCAL);
	identity_get(&kit, &one, "id", 1);
	mst_keeper_daily(kit.keeper, mst_clock_wall_ms() + 300 * DAY);
	identity_settle(&kit);
	cr_assert(identity_held(&kit, &before, "id", 1));
	cr_expect_eq(before.num_made, 1);
	mst_keeper_daily(kit.keeper, mst_clock_wall_ms() + 306 * DAY);
	identity_settle(&kit);
	cr_assert(identity_held(&kit, &held, "id", 1));
	cr_expect(held.num_made == 2 && held.state == MST_HELD_READY && held.older_waits, "%u", held.num_made);
	cr_expect(mst_slice_eq(held.older_cert, before.cert));
	cr_expect_eq(identity_live(&kit, NULL), 2, "the older one is good until the newer is delivered");
	cr_expect(kit.num_told > 0);
	mst_batch_init(&b, &kit.rig->arena, NULL, NULL);
	mst_identity_delivered(&b, &held, false, kit.rig->seal, mst_clock_wall_ms());
	cr_assert_eq(mst_store_commit_here(kit.rig->app.store, &b), 0);
	mst_keeper_daily(kit.keeper, mst_clock_wall_ms());
	identity_settle(&kit);
	cr_expect_eq(identity_live(&kit, NULL), 1);
	cr_assert(identity_held(&kit, &held, "id", 1));
	cr_expect(held.older_cert.len == 0 && held.num_made == 2);
	/* Without renewal it is only told. */
	identity_put(&kit, "/v1/enrollments/id", "{\"fields\":{\"renews\":false}}");
	mst_keeper_daily(kit.keeper, mst_clock_wall_ms() + 305 * DAY + DAY / 2);
	identity_settle(&kit);
	cr_expect(strstr(rig_get(kit.rig, "/v1/audit").body, "identity expires soon"));
	cr_assert(identity_held(&kit, &held, "id", 1));
	cr_expect_eq(held.num_made, 2);
	identity_done(&one);
	identity_end(&kit);
}

Test(identity_keep, taken_away)
{
	struct asked one = {.is_told = false};
	struct identity_kit kit;
	struct mst_held held;
	struct mst_id id;

	identity_begin(&kit);
	identity_device(&kit, 1, NULL);
	identity_put(&kit, "/v1/enrollments/id", LOCAL);
	identity_get(&kit, &one, "id", 1);
	mst_id_make(&id, MST_S("d1"), mst_slice(NULL, 0));
	mst_keeper_remove(kit.keeper, &id, NULL, "retired");
	identity_settle(&kit);
	cr_expect_eq(identity_live(&kit, NULL), 0);
	cr_assert(identity_held(&kit, &held, "id", 1));
	cr_expect(held.state == MST_HELD_REMOVED && held.num_made == 1 && held.key.len == 0);
	cr_expect(strstr(rig_get(kit.rig, "/v1/audit").body, "identity removed"));
	/* What was removed is purged when its certificate has expired. */
	mst_keeper_daily(kit.keeper, mst_clock_wall_ms() + 300 * DAY);
	identity_settle(&kit);
	cr_expect(identity_held(&kit, &held, "id", 1));
	mst_keeper_daily(kit.keeper, mst_clock_wall_ms() + 400 * DAY);
	identity_settle(&kit);
	cr_expect(!identity_held(&kit, &held, "id", 1));
	/* In a batch of who retires. */
	identity_get(&kit, &one, "id", 1);
	cr_assert(identity_held(&kit, &held, "id", 1));
	struct mst_batch b;
	mst_identity_remove(&held, mst_clock_wall_ms());
	mst_batch_init(&b, &kit.rig->arena, NULL, NULL);
	cr_assert_eq(mst_held_put(&b, &held, kit.rig->seal, &b.err), 0);
	cr_assert_eq(mst_store_commit_here(kit.rig->app.store, &b), 0);
	mst_keeper_look(kit.keeper, &held);
	identity_settle(&kit);
	cr_expect_eq(identity_live(&kit, NULL), 0);
	identity_done(&one);
	identity_end(&kit);
}

Test(identity_keep, operators)
{
	struct asked one = {.is_told = false};
	struct identity_kit kit;
	struct mst_held held;
	struct answer a;

	identity_begin(&kit);
	identity_device(&kit, 1, NULL);
	identity_device(&kit, 2, NULL);
	identity_put(&kit, "/v1/enrollments/id", LOCAL);
	identity_get(&kit, &one, "id", 1);
	identity_get(&kit, &one, "id", 2);
	a = rig_get(kit.rig, "/v1/identities");
	cr_expect(a.status == 200 && strstr(a.body, "\"device\":\"d1\"") && strstr(a.body, "\"device\":\"d2\"") && strstr(a.body, "\"next\":null"),
		  "%s", a.body);
	a = rig_get(kit.rig, "/v1/identities?limit=1");
	cr_expect(strstr(a.body, "\"next\":\""), "%s", a.body);
	char *next = strstr(a.body, "\"next\":\"") + 8;
	a = rig_get(kit.rig, rig_text(kit.rig, "/v1/identities?limit=1&cursor=%.96s", next));
	cr_expect(a.status == 200 && strstr(a.body, "\"next\":null"), "%s", a.body);
	a = rig_get(kit.rig, "/v1/identities?device=d2&enrollment=id&state=ready&expires_after=2026-01-01&expires_before=2100-01-01T00:00:00Z");
	cr_expect(strstr(a.body, "\"d2\"") && !strstr(a.body, "\"d1\""), "%s", a.body);
	cr_expect(!strstr(rig_get(kit.rig, "/v1/identities?expires_before=2001-01-01").body, "\"d1\""));
	static const char *const bad[] = {"expires_after=2027-01-01&expires_before=2026-01-01", "expires_after=soon", "state=lost", "limit=0",
					  "cursor=x", "device=a&user=b"};
	for (size_t i = 0; i < MST_LEN(bad); i++)
		cr_expect_eq(rig_get(kit.rig, rig_text(kit.rig, "/v1/identities?%s", bad[i])).status, 400, "%s", bad[i]);
	a = identity_post(&kit, "/v1/identities/d1/id/revoke", "");
	cr_expect(a.status == 200 && strstr(a.body, "\"revoked\":\"yes\""), "%s", a.body);
	cr_expect_eq(identity_live(&kit, "d1"), 0);
	a = identity_post(&kit, "/v1/identities/d2/id/reenroll", "");
	cr_expect_eq(a.status, 200);
	identity_settle(&kit);
	cr_assert(identity_held(&kit, &held, "id", 2));
	cr_expect(held.num_made == 2 && held.state == MST_HELD_READY, "%u", held.num_made);
	cr_expect_eq(identity_live(&kit, "d2"), 1);
	cr_expect_eq(identity_post(&kit, "/v1/identities/d3/id/revoke", "").status, 404);
	cr_expect_eq(identity_post(&kit, "/v1/identities/d1/id/polish", "").status, 404);
	a = identity_post(&kit, "/v1/enrollments/id/test", "");
	cr_expect(a.status == 200 && strstr(a.body, "BEGIN CERTIFICATE") && strstr(a.body, "\"revoked\":\"yes\""), "%s", a.body);
	a = identity_post(&kit, "/v1/enrollments/id/test", "{\"device\":\"d1\"}");
	cr_expect_eq(a.status, 200, "%s", a.body);
	cr_expect_eq(identity_live(&kit, NULL), 1);
	cr_expect_eq(identity_post(&kit, "/v1/enrollments/none/test", "").status, 409);
	a = rig_get(kit.rig, "/v1/audit");
	cr_expect(strstr(a.body, "identity revoked") && strstr(a.body, "identity wanted anew") && strstr(a.body, "test certificate issued"), "%s",
		  a.body);
	identity_done(&one);
	identity_end(&kit);
}

/* A PKCS#12 of somebody's own, in base64. */
static char *file_of(struct identity_kit *kit, const char *password)
{
	struct mst_issue issue = {.common_name = "somebody", .not_before = mst_clock_wall_ms() / 1000 - 60,
				  .not_after = mst_clock_wall_ms() / 1000 + 86400, .key_usage = MST_KU_SIGN};
	struct mst_p12_identity identity = {.name = MST_S("mine")};
	struct mst_arena *arena = &kit->rig->arena;
	struct mst_key *key;
	struct mst_slice p12;
	struct mst_err e;
	char *text;

	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0);
	cr_assert_eq(mst_key_spki(&issue.spki, arena, key, &e), 0);
	cr_assert_eq(mst_key_der(&identity.key, arena, key, &e), 0);
	cr_assert_eq(mst_issue_write(&identity.cert, arena, &issue, mst_slice(NULL, 0), key, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(mst_p12_write(&p12, arena, &identity, mst_slice_str(password), 100, &e), 0, "%s", e.text);
	mst_key_free(&key);
	text = mst_arena_zero(arena, MST_BASE64_LEN(p12.len) + 1);
	mst_base64_put(text, p12);
	return text;
}

Test(identity_keep, files)
{
	struct asked one = {.is_told = false};
	struct identity_kit kit;
	struct link link = rig_control();
	struct answer a;
	char *file;

	identity_begin(&kit);
	identity_device(&kit, 1, NULL);
	file = file_of(&kit, "secret");
	/* Single-file: opened when it is saved. */
	a = rig_ask(kit.rig, &link, (struct ask){.target = "/v1/enrollments/file", .body = rig_text(kit.rig,
		"{\"name\":\"file\",\"type\":\"single-file\",\"fields\":{\"file\":\"%s\",\"password\":\"wrong\"}}", file)});
	cr_expect_eq(a.status, 400, "%s", a.body);
	identity_put(&kit, "/v1/enrollments/file", rig_text(kit.rig,
		"{\"name\":\"file\",\"type\":\"single-file\",\"fields\":{\"file\":\"%s\",\"password\":\"secret\"}}", file));
	identity_get(&kit, &one, "file", 1);
	cr_assert_eq(one.ask.rc, 1, "%s", one.ask.err.text);
	cr_expect(one.ask.held.key.len && one.ask.held.num_made == 0 && one.ask.held.sealed.len == 0);
	identity_get(&kit, &one, "file", 1);
	cr_expect(one.ask.rc == 1 && one.ask.held.key.len);
	/* User-provided: by its user, with the password or later. */
	identity_put(&kit, "/v1/enrollments/own", "{\"name\":\"own\",\"type\":\"user-provided\",\"fields\":{\"display_name\":\"Mail\"}}");
	identity_get(&kit, &one, "own", 1);
	cr_expect(one.ask.rc == -1 && strstr(one.ask.err.text, "u1"), "%s", one.ask.err.text);
	a = rig_ask(kit.rig, &link, (struct ask){.target = "/v1/users/u1/certificates/own", .body = rig_text(kit.rig, "{\"file\":\"%s\"}", file)});
	cr_expect(a.status == 200 && strstr(a.body, "\"needs_password\":true"), "%s", a.body);
	identity_get(&kit, &one, "own", 1);
	cr_expect(one.ask.rc == -1 && strstr(one.ask.err.text, "password"), "%s", one.ask.err.text);
	a = rig_ask(kit.rig, &link, (struct ask){.target = "/v1/users/u1/certificates/own", .body = "{\"password\":\"wrong\"}"});
	cr_expect_eq(a.status, 400);
	a = rig_ask(kit.rig, &link, (struct ask){.target = "/v1/users/u1/certificates/own", .body = "{\"password\":\"secret\"}"});
	cr_expect(a.status == 200 && strstr(a.body, "\"needs_password\":false"), "%s", a.body);
	identity_get(&kit, &one, "own", 1);
	cr_expect(one.ask.rc == 1 && one.ask.held.key.len && one.ask.held.is_user, "%s", one.ask.err.text);
	static const struct {
		const char *target, *body;
		int status;
	} rows[] = {
		{"/v1/users/u1/certificates/own", "{}", 400},
		{"/v1/users/u1/certificates/own", "{\"file\":\"AAAA\",\"password\":\"\"}", 400},
		{"/v1/users/u1/certificates/own", "{\"file\":\"?\"}", 400},
		{"/v1/users/u9/certificates/own", "{\"file\":\"AAAA\"}", 404},
		{"/v1/users/u1/certificates/none", "{\"file\":\"AAAA\"}", 404},
		{"/v1/users/u1/certificates/file", "{\"file\":\"AAAA\"}", 409},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		a = rig_ask(kit.rig, &link, (struct ask){.target = rows[i].target, .body = rows[i].body});
		cr_expect_eq(a.status, rows[i].status, "%zu: %d %s", i, a.status, a.body);
	}
	identity_done(&one);
	identity_end(&kit);
}

/* Every type has its maker; those that are still to come are named here. */
Test(identity_keep, makers)
{
	static const char *const to_come[] = {"symantec-mpki", "symantec-mpki-ws", "globalsign", "entrust", "opentrust", "blue-coat"};
	const struct mst_shape *shape;

	for (size_t i = 0; (shape = mst_shape_at(i)); i++) {
		struct mst_object o = {.shape = shape};
		bool is_to_come = false;
		if (shape->noun != MST_NOUN_ENROLLMENT)
			continue;
		for (size_t n = 0; n < MST_LEN(to_come); n++)
			is_to_come = is_to_come || strcmp(to_come[n], shape->type) == 0;
		if (!is_to_come)
			cr_expect_str_eq(mst_maker_find(&o)->type, shape->type);
	}
	for (size_t i = 0; i < mst_maker_num; i++)
		cr_expect(mst_shape_find(MST_NOUN_ENROLLMENT, mst_slice_str(mst_maker_list[i]->type)), "%s", mst_maker_list[i]->type);
}

/* One row for each type: what an ask says without any network. */
#define SERVER "\"url\":\"https://ca.example.com/x\",\"common_name\":\"$USERID$\""
#define MUTUAL ",\"client_certificate\":\"x\",\"client_key\":\"y\""
Test(identity_keep, types)
{
	static const struct {
		const char *type, *fields;
		enum mst_identity_form form;
		bool needs_network;
	} rows[] = {
		{"local", "\"authority\":\"devices\",\"common_name\":\"$USERID$\"", MST_IDENTITY_FILE, false},
		{"client-provided", "\"purpose\":\"signing\",\"provider\":\"Entrust\"", MST_IDENTITY_CLIENT, false},
		{"scep", SERVER, MST_IDENTITY_FILE, true},
		{"symantec-mpki", SERVER ",\"passcode_url\":\"https://a.b/c\",\"profile\":\"1.2\",\"seat_id\":\"$EMAIL$\"" MUTUAL, MST_IDENTITY_FILE, true},
		{"symantec-mpki-ws", SERVER ",\"profile\":\"1.2\",\"seat_id\":\"$EMAIL$\"" MUTUAL, MST_IDENTITY_FILE, true},
		{"globalsign", SERVER ",\"user\":\"u\",\"password\":\"p\"", MST_IDENTITY_FILE, true},
		{"entrust", SERVER ",\"admin_id\":\"a\",\"admin_password\":\"p\",\"profile\":\"p\"", MST_IDENTITY_FILE, true},
		{"opentrust", SERVER ",\"profile\":\"p\"" MUTUAL, MST_IDENTITY_FILE, true},
		{"blue-coat", SERVER ",\"customer_id\":\"c\"", MST_IDENTITY_FILE, true},
	};
	struct asked one = {.is_told = false};
	struct identity_kit kit;
	struct mst_held held;

	identity_begin(&kit);
	identity_device(&kit, 1, NULL);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		identity_put(&kit, rig_text(kit.rig, "/v1/enrollments/e%zu", i),
			     rig_text(kit.rig, "{\"name\":\"e%zu\",\"type\":\"%s\",\"fields\":{%s}}", i, rows[i].type, rows[i].fields));
		identity_get(&kit, &one, rig_text(kit.rig, "e%zu", i), 1);
		cr_expect_eq(one.ask.form, rows[i].form, "%s", rows[i].type);
		cr_expect_eq(one.ask.rc, rows[i].needs_network ? -1 : 1, "%s: %s", rows[i].type, one.ask.err.text);
		if (!rows[i].needs_network)
			continue;
		/* Nobody fetches in this rig: the reason is said, kept, and the pair stays retryable. */
		cr_assert(identity_held(&kit, &held, rig_text(kit.rig, "e%zu", i), 1), "%s", rows[i].type);
		cr_expect(held.state == MST_HELD_FAILED && held.reason.len && one.ask.err.text[0], "%s", rows[i].type);
		cr_expect_eq(held.num_made, 0);
	}
	identity_done(&one);
	identity_end(&kit);
}
