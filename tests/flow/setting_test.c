/* SPDX-License-Identifier: Apache-2.0 */
/* Settings by their endpoints: what they refer to must be there and may be referred to by their type. */
#include "../fake/rig.h"

static struct answer put(struct rig *rig, const char *target, const char *body)
{
	struct link link = rig_control();
	return rig_ask(rig, &link, (struct ask){.target = target, .body = body});
}

static struct answer drop(struct rig *rig, const char *target)
{
	struct link link = rig_control();
	return rig_ask(rig, &link, (struct ask){.method = MST_DELETE, .has_method = true, .target = target});
}

static void enrollments_make(struct rig *rig)
{
	struct answer a = put(rig, "/v1/enrollments/Derived",
			      "{\"name\":\"Derived\",\"type\":\"client-provided\",\"fields\":{\"purpose\":\"signing\",\"provider\":\"Entrust\"}}");

	cr_assert_eq(a.status, 201, "%s", a.body);
	a = put(rig, "/v1/enrollments/Own",
		"{\"name\":\"Own\",\"type\":\"local\",\"fields\":{\"authority\":\"a\",\"common_name\":\"$USERID$\"}}");
	cr_assert_eq(a.status, 201, "%s", a.body);
}

Test(setting, refers_as_its_type_may)
{
	static const struct {
		const char *type, *fields;
		int status;
	} rows[] = {
		{"wifi", "\"ssid\":\"a\",\"eap_types\":[\"tls\"],\"identity\":\"Own\"", 201},
		{"wifi", "\"ssid\":\"a\",\"eap_types\":[\"tls\"],\"identity\":\"Derived\"", 400},
		{"wifi", "\"ssid\":\"a\",\"eap_types\":[\"tls\"],\"identity\":\"Nobody\"", 400},
		{"wifi", "\"ssid\":\"a\",\"labels\":[\"Nobody\"]", 400},
		{"vpn", "\"kind\":\"ipsec\",\"server\":\"v\",\"authentication\":\"certificate\",\"identity\":\"Derived\"", 400},
		{"exchange", "\"server\":\"v\",\"email\":\"a\",\"identity\":\"Derived\"", 400},
		{"exchange", "\"server\":\"v\",\"email\":\"a\",\"smime_signing_identity\":\"Derived\"", 400},
		{"email", "\"server\":\"v\",\"out_server\":\"v\",\"email\":\"a\",\"smime_encryption_identity\":\"Derived\"", 400},
		{"scep", "\"identity\":\"Derived\"", 400},
		{"scep", "\"identity\":\"Own\"", 201},
		{"appconnect", "\"app\":\"a\",\"identities\":[{\"key\":\"k\",\"value\":\"Derived\"}]", 201},
		{"appconnect", "\"app\":\"a\",\"identities\":[{\"key\":\"k\",\"value\":\"Nobody\"}]", 400},
		{"docs", "\"tunnels\":[{\"key\":\"h\",\"value\":\"s\"}],\"tunnel_identity\":\"Derived\"", 201},
		{"web", "\"identities\":[{\"key\":\"k\",\"value\":\"Derived\"},{\"key\":\"l\",\"value\":\"Own\"}]", 201},
	};
	struct rig *rig = rig_new();
	struct answer a;

	enrollments_make(rig);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		a = put(rig, rig_text(rig, "/v1/settings/s%zu", i),
			rig_text(rig, "{\"name\":\"s%zu\",\"type\":\"%s\",\"fields\":{%s}}", i, rows[i].type, rows[i].fields));
		cr_expect_eq(a.status, rows[i].status, "%s {%s}: %s", rows[i].type, rows[i].fields, a.body);
	}
	rig_free(rig);
}

Test(setting, keeps_what_its_pairs_refer_to)
{
	struct rig *rig = rig_new();
	struct answer a;

	enrollments_make(rig);
	a = put(rig, "/v1/settings/app",
		"{\"name\":\"app\",\"type\":\"appconnect\",\"fields\":{\"app\":\"a\",\"identities\":[{\"key\":\"k\",\"value\":\"Derived\"}]}}");
	cr_assert_eq(a.status, 201, "%s", a.body);
	a = drop(rig, "/v1/enrollments/Derived");
	cr_expect(a.status == 409 && strstr(a.body, "app"), "%s", a.body);
	cr_expect_eq(drop(rig, "/v1/enrollments/Own").status, 204);
	/* An edit of the enrolment setting says in its history which settings it touched. */
	a = put(rig, "/v1/enrollments/Derived", "{\"fields\":{\"purpose\":\"encryption\"}}");
	cr_expect_eq(a.status, 200, "%s", a.body);
	a = rig_get(rig, "/v1/enrollments/Derived/history");
	cr_expect(strstr(a.body, "[\\\"app\\\"]"), "%s", a.body);
	cr_expect_eq(drop(rig, "/v1/settings/app").status, 204);
	cr_expect_eq(drop(rig, "/v1/enrollments/Derived").status, 204);
	rig_free(rig);
}

Test(setting, never_tells_its_secrets)
{
	struct rig *rig = rig_new();
	struct answer a = put(rig, "/v1/settings/w",
			      "{\"name\":\"w\",\"type\":\"wifi\",\"fields\":{\"ssid\":\"a\",\"password\":\"long word\"}}");

	cr_assert_eq(a.status, 201, "%s", a.body);
	a = rig_get(rig, "/v1/settings/w");
	cr_expect(!strstr(a.body, "long word") && strstr(a.body, "\"password\":{\"set\":true}"), "%s", a.body);
	a = put(rig, "/v1/settings/w", "{\"fields\":{\"password\":\"new word\"}}");
	cr_expect_eq(a.status, 200, "%s", a.body);
	a = rig_get(rig, "/v1/settings/w/history");
	cr_expect(!strstr(a.body, "new word") && !strstr(a.body, "long word") && strstr(a.body, "password"), "%s", a.body);
	rig_free(rig);
}
