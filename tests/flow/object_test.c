/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of objects on a real store: make, edit, refuse, history, delete, audit. */
#include "../fake/rig.h"

static uint32_t num_told;

static void on_changed(struct mst_app *app)
{
	(void)app;
	num_told++;
}

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

Test(object, life)
{
	struct rig *rig = rig_new();
	struct answer a;

	num_told = 0;
	rig->app.on_catalog_changed = on_changed;
	a = rig_get(rig, "/v1/labels/Sales");
	cr_expect_eq(a.status, 404);
	a = put(rig, "/v1/labels/Sales", "{\"name\":\"Sales\",\"fields\":{\"expression\":\"user.group = \\\"Sales\\\"\"}}");
	cr_assert_eq(a.status, 201, "%s", a.body);
	cr_expect_eq(num_told, 1);
	a = put(rig, "/v1/labels/Sales", "{\"fields\":{\"description\":\"all of them\"}}");
	cr_assert_eq(a.status, 200, "%s", a.body);
	cr_expect(strstr(a.body, "\"version\":2") && strstr(a.body, "user.group"), "%s", a.body);
	/* The same again changes nothing. */
	a = put(rig, "/v1/labels/Sales", "{\"fields\":{\"description\":\"all of them\"}}");
	cr_expect(a.status == 200 && strstr(a.body, "\"version\":2") && num_told == 2, "%s", a.body);
	a = rig_get(rig, "/v1/labels/Sales/history");
	cr_expect(strstr(a.body, "all of them") && strstr(a.body, "\"version\":1"), "%s", a.body);
	a = rig_get(rig, "/v1/labels");
	cr_expect(strstr(a.body, "\"name\":\"Sales\"") && strstr(a.body, "\"next\":null"), "%s", a.body);
	rig_reopen(rig);
	a = rig_get(rig, "/v1/labels/Sales");
	cr_expect_eq(a.status, 200);
	cr_expect_eq(drop(rig, "/v1/labels/Sales").status, 204);
	cr_expect_eq(drop(rig, "/v1/labels/Sales").status, 404);
	a = rig_get(rig, "/v1/audit");
	cr_expect(strstr(a.body, "label made") && strstr(a.body, "label changed") && strstr(a.body, "label deleted"), "%s", a.body);
	rig_free(rig);
}

Test(object, refuses)
{
	struct rig *rig = rig_new();

	cr_expect_eq(put(rig, "/v1/labels/a", "{\"name\":\"b\"}").status, 400);
	cr_expect_eq(put(rig, "/v1/labels/a", "[]").status, 400);
	cr_expect_eq(put(rig, "/v1/labels/a", "{").status, 400);
	cr_expect_eq(put(rig, "/v1/labels/a", "{\"name\":\"a\",\"fields\":{\"expression\":\"device.nose = 1\"}}").status, 400);
	cr_expect_eq(put(rig, "/v1/users/%2e%2e%2fa", "{\"name\":\"../a\"}").status, 400);
	cr_expect_eq(rig_get(rig, "/v1/labels?limit=0").status, 400);
	cr_expect_eq(rig_get(rig, "/v1/audit?cursor=zz").status, 400);
	cr_expect_eq(rig_get(rig, "/v1/robots").status, 404);
	cr_expect(strstr(rig_get(rig, "/v1/shapes").body, "\"expression\""));
	rig_free(rig);
}

Test(object, pages)
{
	struct rig *rig = rig_new();
	char *cursor, *end;
	uint32_t num = 0;
	struct answer a;

	for (int i = 0; i < 25; i++)
		cr_assert_eq(put(rig, rig_text(rig, "/v1/users/u%d", i), rig_text(rig, "{\"name\":\"u%d\"}", i)).status, 201);
	a = rig_get(rig, "/v1/users?limit=10");
	for (;;) {
		for (char *at = a.body; (at = strstr(at, "{\"name\"")); at++)
			num++;
		cursor = strstr(a.body, "\"next\":\"");
		if (!cursor)
			break;
		cursor += 8;
		end = strchr(cursor, '"');
		a = rig_get(rig, rig_text(rig, "/v1/users?limit=10&cursor=%.*s", (int)(end - cursor), cursor));
	}
	cr_expect_eq(num, 25, "%u", num);
	rig_free(rig);
}
