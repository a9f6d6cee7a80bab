/* SPDX-License-Identifier: Apache-2.0 */
/* Operators' calls that reach the push engine: credentials, how it is doing, notifications. The engine is on the rig's own loop. */
#include "rig.h"

#include "muster/clock.h"
#include "muster/json.h"
#include "muster/net.h"
#include "muster/push.h"
#include "muster/pushcert.h"

#define TOPIC "com.apple.mgmt.External.1"
#define DAY 86400

static struct rig *rig;
static struct mst_net *net;
static struct mst_push *push;

/* A certificate with its key, PEM: a push certificate when it has a user id, else a CA. */
static struct mst_slice pem_of(const char *user_id, int64_t not_after, struct mst_key *other)
{
	struct mst_issue what = {.common_name = "APSP", .user_id = user_id, .is_ca = !user_id, .not_before = 1000, .not_after = not_after};
	struct mst_slice der, cert, key_pem;
	struct mst_key *key;
	struct mst_err e;

	what.key_usage = user_id ? MST_KU_SIGN : MST_KU_CERT_SIGN;
	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0, "%s", e.text);
	cr_assert(mst_key_spki(&what.spki, &rig->arena, key, &e) == 0 &&
			  mst_issue_write(&der, &rig->arena, &what, (struct mst_slice){NULL, 0}, key, NULL, &e) == 0 &&
			  mst_pem_put(&cert, &rig->arena, "CERTIFICATE", der, &e) == 0 &&
			  mst_key_pem(&key_pem, &rig->arena, other ? other : key, &e) == 0,
		  "%s", e.text);
	mst_key_free(&key);
	return mst_slice_str(rig_text(rig, "%s%s", (const char *)cert.at, user_id ? (const char *)key_pem.at : ""));
}

static void begin(void)
{
	const struct mst_net_conf net_conf = {.num_conns_max = 16, .out_bytes_max = 1 << 20};
	struct mst_push_conf conf = {.host = "127.0.0.1", .sandbox_host = "127.0.0.1", .port = 1, .links_max = 1, .window = 16,
				     .ping_s = 60, .idle_s = 60, .expiry_s = 60, .priority = 10, .retry_ms = 100,
				     .retry_max_ms = 1000, .silent_s = {60, 60, 60, 60}, .silent_max = 1};
	struct mst_err e;

	rig = rig_new();
	conf.ca_pem = pem_of(NULL, (int64_t)1 << 33, NULL);
	cr_assert_eq(mst_net_new(&net, rig->app.loop, &net_conf, &e), 0, "%s", e.text);
	cr_assert_eq(mst_push_new(&push, rig->app.loop, net, rig->app.store, rig->app.work, rig->seal, &conf, &e), 0, "%s", e.text);
	rig->app.push = push;
}

/* What the workers and the store may still hold comes home before the engine goes. */
static void end(void)
{
	mst_store_close(&rig->app.store);
	mst_work_free(&rig->app.work);
	mst_push_free(&push);
	mst_net_free(&net);
	rig_free(rig);
}

TestSuite(pushcall, .init = begin, .fini = end, .timeout = 60);

static struct answer ask(enum mst_method method, const char *target, struct mst_slice body)
{
	struct link control = rig_control();

	return rig_ask(rig, &control,
		       (struct ask){.has_method = true, .method = method, .target = target, .body = body.at, .len = body.len});
}

/* A body may be wiped: it is a copy. */
static struct answer ask_text(enum mst_method method, const char *target, const char *body)
{
	return ask(method, target, mst_slice_str(rig_text(rig, "%s", body)));
}

static struct answer get(const char *target)
{
	return ask(MST_GET, target, (struct mst_slice){NULL, 0});
}

Test(pushcall, a_certificate_is_put_shown_and_dropped)
{
	int64_t not_after = mst_clock_wall_ms() / 1000 + 300 * DAY;
	struct mst_slice pem = pem_of(TOPIC, not_after, NULL);
	const char *key = strstr(rig_text(rig, "%.*s", (int)pem.len, (const char *)pem.at), "PRIVATE KEY");
	struct answer a = ask(MST_PUT, "/v1/pushcert", pem);

	cr_assert(key);
	cr_assert_eq(a.status, 200, "%s", a.body);
	cr_expect(strstr(a.body, "\"topic\":\"" TOPIC "\""), "%s", a.body);
	cr_expect(strstr(a.body, "\"kind\":\"certificate\"") && strstr(a.body, "\"environment\":\"production\""), "%s", a.body);
	a = get("/v1/pushcert");
	cr_expect(a.status == 200 && strstr(a.body, "{\"pushcerts\":[{\"topic\":\"" TOPIC "\""), "%s", a.body);
	cr_expect_not(strstr(a.body, "PRIVATE"));
	a = get("/v1/pushcert?topic=" TOPIC);
	cr_expect(a.status == 200 && strstr(a.body, TOPIC) && !strstr(a.body, "pushcerts"), "%s", a.body);
	cr_expect_eq(get("/v1/pushcert?topic=another").status, 404);
	cr_expect_eq(ask_text(MST_DELETE, "/v1/pushcert", "").status, 400, "which one?");
	cr_expect_eq(ask_text(MST_DELETE, "/v1/pushcert?topic=another", "").status, 404);
	cr_expect_eq(ask_text(MST_DELETE, "/v1/pushcert?topic=" TOPIC, "").status, 200);
	cr_expect_str_eq(get("/v1/pushcert").body, "{\"pushcerts\":[]}");
}

Test(pushcall, certificates_that_are_refused)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_key *other;
	struct mst_err e;

	cr_assert_eq(mst_key_new(&other, MST_KEY_P256, &e), 0);
	const struct {
		const char *name;
		struct mst_slice pem;
	} rows[] = {
		{"nothing", MST_S("")},
		{"rubbish", mst_slice_str(rig_text(rig, "rubbish"))},
		{"expired", pem_of(TOPIC, now_s - 1, NULL)},
		{"another's key", pem_of(TOPIC, now_s + DAY, other)},
		{"a CA without key", pem_of(NULL, now_s + DAY, NULL)},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct answer a = ask(MST_PUT, "/v1/pushcert", rows[i].pem);
		cr_expect_eq(a.status, 400, "%s: %d %s", rows[i].name, a.status, a.body);
	}
	cr_expect_eq(ask(MST_PUT, "/v1/pushcert?environment=moon", pem_of(TOPIC, now_s + DAY, NULL)).status, 400);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_PUSHCERT), 0);
	mst_key_free(&other);
}

/* The body of PUT /v1/pushkey; members that are NULL are left out. */
static char *key_wish(const char *topic, const char *key_id, const char *environment, enum mst_key_kind kind)
{
	struct mst_slice pem, body;
	struct mst_key *key;
	struct mst_json j;
	struct mst_err e;

	cr_assert(mst_key_new(&key, kind, &e) == 0 && mst_key_pem(&pem, &rig->arena, key, &e) == 0, "%s", e.text);
	mst_key_free(&key);
	mst_json_begin(&j, &rig->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "topic", mst_slice_str(topic));
	mst_json_text(&j, "key_id", mst_slice_str(key_id));
	mst_json_text(&j, "team_id", MST_S("DEF123GHIJ"));
	if (environment)
		mst_json_text(&j, "environment", mst_slice_str(environment));
	mst_json_text(&j, "key", pem);
	mst_json_close(&j);
	cr_assert_eq(mst_json_end(&j, &body, &e), 0, "%s", e.text);
	return rig_text(rig, "%.*s", (int)body.len, (const char *)body.at);
}

Test(pushcall, keys)
{
	const struct {
		const char *name, *body;
		int status;
	} rows[] = {
		{"good", key_wish("com.example.app", "ABC123DEFG", "sandbox", MST_KEY_P256), 200},
		{"an MDM topic", key_wish(TOPIC, "ABC123DEFG", NULL, MST_KEY_P256), 400},
		{"no topic", key_wish("", "ABC123DEFG", NULL, MST_KEY_P256), 400},
		{"a topic with a space", key_wish("com example", "ABC123DEFG", NULL, MST_KEY_P256), 400},
		{"a short identifier", key_wish("com.example.b", "ABC", NULL, MST_KEY_P256), 400},
		{"a small letter", key_wish("com.example.b", "abc123DEFG", NULL, MST_KEY_P256), 400},
		{"another environment", key_wish("com.example.b", "ABC123DEFG", "moon", MST_KEY_P256), 400},
		{"another curve", key_wish("com.example.b", "ABC123DEFG", NULL, MST_KEY_P384), 400},
		{"no JSON", "{", 400},
	};
	struct answer a;

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		a = ask_text(MST_PUT, "/v1/pushkey", rows[i].body);
		cr_expect_eq(a.status, rows[i].status, "%s: %d %s", rows[i].name, a.status, a.body);
	}
	a = get("/v1/pushcert?topic=com.example.app");
	cr_expect(strstr(a.body, "\"kind\":\"key\"") && strstr(a.body, "\"environment\":\"sandbox\"") &&
			  strstr(a.body, "\"not_after\":null") && strstr(a.body, "\"key_id\":\"ABC123DEFG\""),
		  "%s", a.body);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_PUSHCERT), 1);
}

/* A credential that is stored is known to the engine soon, and gone when it is dropped. */
Test(pushcall, stats)
{
	struct answer a;
	int i;

	cr_assert_eq(ask_text(MST_PUT, "/v1/pushkey", key_wish("com.example.app", "ABC123DEFG", NULL, MST_KEY_P256)).status, 200);
	for (i = 0; i < 200 && !strstr((a = get("/v1/push")).body, "com.example.app"); i++)
		cr_assert_eq(a.status, 200, "%s", a.body);
	cr_expect(strstr(a.body, "\"topic\":\"com.example.app\",\"state\":\"open\",\"why\":null,\"kind\":\"key\""), "%s", a.body);
	cr_expect(strstr(a.body, "\"enabled\":true") && strstr(a.body, "\"window\":16") && strstr(a.body, "\"counts\":{\"collected\":0,"),
		  "%s", a.body);
	cr_assert_eq(ask_text(MST_DELETE, "/v1/pushcert?topic=com.example.app", "").status, 200);
	for (i = 0; i < 200 && strstr((a = get("/v1/push")).body, "com.example.app"); i++)
		;
	cr_expect_not(strstr(a.body, "com.example.app"), "%s", a.body);
	rig->app.push = NULL;
	a = get("/v1/push");
	cr_expect(a.status == 200 && strstr(a.body, "\"enabled\":false"), "%s", a.body);
}

#define NOTE(more) "{\"topic\":\"com.example.app\",\"token\":\"00ff\",\"payload\":\"{}\"" more "}"

Test(pushcall, notifications_that_are_refused)
{
	static const struct {
		const char *body;
		int status;
	} rows[] = {
		{NOTE(""), 404},
		{NOTE(",\"push_type\":\"voip\",\"priority\":5,\"expiration_s\":60,\"collapse_id\":\"x\""), 404},
		{"{\"topic\":\"" TOPIC "\",\"token\":\"00ff\",\"payload\":\"{}\"}", 400},
		{"{\"token\":\"00ff\",\"payload\":\"{}\"}", 400},
		{"{\"topic\":\"com.example.app\",\"token\":\"0\",\"payload\":\"{}\"}", 400},
		{"{\"topic\":\"com.example.app\",\"token\":\"zz\",\"payload\":\"{}\"}", 400},
		{"{\"topic\":\"com.example.app\",\"token\":\"00ff\"}", 400},
		{"{\"topic\":\"com.example.app\",\"token\":\"00ff\",\"payload\":\"no JSON\"}", 400},
		{NOTE(",\"push_type\":\"mdm\""), 400},
		{NOTE(",\"priority\":7"), 400},
		{NOTE(",\"expiration_s\":99999999"), 400},
		{NOTE(",\"collapse_id\":\"0123456789012345678901234567890123456789012345678901234567890123456789\""), 400},
		{"[]", 400},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct answer a = ask_text(MST_POST, "/v1/notify", rows[i].body);
		cr_expect_eq(a.status, rows[i].status, "row %zu: %d %s", i, a.status, a.body);
	}
	rig->app.push = NULL;
	cr_expect_eq(ask_text(MST_POST, "/v1/notify", NOTE("")).status, 409);
}

/* The sender hears of it, and the notification is not kept. */
Test(pushcall, a_service_that_is_not_there)
{
	struct answer a = {.status = 404};

	cr_assert_eq(ask_text(MST_PUT, "/v1/pushkey", key_wish("com.example.app", "ABC123DEFG", NULL, MST_KEY_P256)).status, 200);
	for (int i = 0; i < 200 && a.status == 404; i++)
		a = ask_text(MST_POST, "/v1/notify", NOTE(""));
	cr_expect_eq(a.status, 503, "%d %s", a.status, a.body);
	a = get("/v1/push");
	cr_expect(strstr(a.body, "\"state\":\"resting\""), "%s", a.body);
	cr_expect(strstr(a.body, "\"in_hand\":0,") && strstr(a.body, "\"waiting\":0,"), "%s", a.body);
	a = ask_text(MST_POST, "/v1/notify", NOTE(""));
	cr_expect_eq(a.status, 503, "it rests: %s", a.body);
}

/* Whoever asked is gone before the push engine answers. */
Test(pushcall, an_orphan)
{
	rig->makes_orphans = true;
	cr_expect_eq(get("/v1/push").status, 200);
	cr_expect_eq(ask_text(MST_POST, "/v1/notify", NOTE("")).status, 404);
	cr_expect_eq(ask(MST_PUT, "/v1/pushcert", pem_of(TOPIC, mst_clock_wall_ms() / 1000 + DAY, NULL)).status, 200);
}
