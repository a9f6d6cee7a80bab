/* SPDX-License-Identifier: Apache-2.0 */
/* The list of certificates, one of them, and its end, as an operator sees them. */
#include "kit_revoke.h"

#include <stdio.h>

#include "muster/clock.h"
#include "muster/json.h"
#include "muster/text.h"

/* Pages through; returns how many there are. */
static uint32_t count(struct world *w, const char *query)
{
	struct visit v = {.is_over = false};
	struct mst_json_value *root;
	const struct mst_json_value *list;
	struct mst_slice next;
	char target[300];
	uint32_t num = 0;
	int rc = 0;

	snprintf(target, sizeof target, "/v1/certificates?%s", query);
	do {
		visit(&v, w, 0, &way_list, MST_GET, target, mst_slice(NULL, 0));
		cr_assert_eq(v.x.out.status, 200, "%s: %s", target, v.x.err.text);
		cr_assert_eq(mst_json_parse(&root, v.x.out.body, 1u << 20, 8, NULL), 0);
		cr_assert_eq(mst_json_get_array0(root, &list, "certificates", NULL), 1);
		num += (uint32_t)mst_json_num(list);
		rc = mst_json_get_text0(root, &next, "next", NULL);
		if (rc == 1)
			snprintf(target, sizeof target, "/v1/certificates?%s&cursor=%.*s", query, (int)next.len, (const char *)next.at);
		mst_json_free(&root);
		visit_end(&v);
	} while (rc == 1);
	return num;
}

Test(certs, list, .timeout = 60)
{
	struct mst_issued first;
	struct mst_authority other;
	struct world w;

	world_open(&w, MST_KEY_P256);
	other = rig_make(&w.rig, "another", MST_KEY_P256);
	cr_assert_eq(rig_put(&w.rig, &other, w.rig.seal), 0);
	first = world_issue(&w, "a0", 0);
	(void)world_issue(&w, "a1", 0);
	(void)world_issue(&w, "a2", 1000);
	(void)world_issue(&w, "a3", 0);
	(void)world_issue(&w, "a4", 0);
	world_revoke(&w, &first, 0, mst_clock_wall_ms());
	world_start(&w);
	static const struct {
		const char *query;
		uint32_t want;
	} rows[] = {
		{"", 5},
		{"limit=1", 5},
		{"limit=2", 5},
		{"limit=5", 5},
		{"authority=devices", 5},
		{"authority=devices&limit=2", 5},
		{"authority=another", 0},
		{"state=revoked", 1},
		{"state=revoked&limit=1", 1},
		{"state=expired", 1},
		{"state=valid&limit=2&authority=devices", 3},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++)
		cr_expect_eq(count(&w, rows[i].query), rows[i].want, "%s", rows[i].query);
	world_close(&w);
}

Test(certs, refuses, .timeout = 60)
{
	static const struct {
		const struct mst_way *way;
		const char *target;
		int status;
	} rows[] = {
		{&way_list, "/v1/certificates?limit=0", 400},
		{&way_list, "/v1/certificates?limit=1001", 400},
		{&way_list, "/v1/certificates?state=odd", 400},
		{&way_list, "/v1/certificates?cursor=odd", 400},
		{&way_list, "/v1/certificates?cursor=a:gg", 400},
		{&way_list, "/v1/certificates?authority=nobody", 404},
		{&way_show, "/v1/certificates/devices/12", 404},
		{&way_show, "/v1/certificates/devices/xyz", 400},
		{&way_show, "/v1/certificates/devices/123456789012345678901234567890123", 400},
		{&way_show, "/v1/certificates/nobody/12", 404},
		{&way_revoke, "/v1/certificates/devices/12/revoke", 404},
		{&way_revoke, "/v1/certificates/devices/12/revoke?reason=bored", 400},
		{&way_revoke, "/v1/certificates/devices/12/revoke?reason=certificateHold", 400},
		{&way_revoke, "/v1/certificates/devices/12/revoke?reason=removeFromCRL", 400},
	};
	struct visit v = {.is_over = false};
	struct world w;

	world_open(&w, MST_KEY_P256);
	world_start(&w);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		visit(&v, &w, 0, rows[i].way, MST_GET, rows[i].target, mst_slice(NULL, 0));
		cr_expect_eq(v.x.out.status, rows[i].status, "%s: %d", rows[i].target, v.x.out.status);
		visit_end(&v);
	}
	world_close(&w);
}

Test(certs, show, .timeout = 60)
{
	struct visit v = {.is_over = false};
	struct mst_json_value *root;
	struct mst_slice text;
	struct mst_issued i;
	struct world w;
	char target[100] = "/v1/certificates/devices/";

	world_open(&w, MST_KEY_P256);
	i = world_issue(&w, "device", 0);
	world_start(&w);
	mst_hex_put(target + 25, mst_slice(i.serial, 16));
	visit(&v, &w, 0, &way_show, MST_GET, target, mst_slice(NULL, 0));
	cr_assert_eq(v.x.out.status, 200);
	cr_assert_eq(mst_json_parse(&root, v.x.out.body, 1u << 20, 8, NULL), 0);
	cr_expect(mst_json_get_text0(root, &text, "state", NULL) == 1 && mst_slice_eq(text, MST_S("valid")));
	cr_expect(mst_json_get_text0(root, &text, "name", NULL) == 1 && mst_slice_eq(text, MST_S("device")));
	cr_expect(mst_json_get_text0(root, &text, "certificate", NULL) == 1 && mst_slice_starts(text, MST_S("-----BEGIN")));
	cr_expect(mst_json_get_text0(root, &text, "reason", NULL) == 0);
	mst_json_free(&root);
	visit_end(&v);
	world_close(&w);
}

/* A store that cannot write: the certificate is not revoked, and the operator hears so. */
Test(certs, broken_store, .timeout = 60)
{
	struct visit v = {.is_over = false};
	struct mst_issued i;
	struct world w;
	char target[100] = "/v1/certificates/devices/";

	world_open(&w, MST_KEY_P256);
	i = world_issue(&w, "device", 0);
	world_start(&w);
	mst_hex_put(target + 25, mst_slice(i.serial, 16));
	memcpy(target + 57, "/revoke", 8);
	mst_store_break(w.rig.kit->store, true);
	visit(&v, &w, 0, &way_revoke, MST_POST, target, mst_slice(NULL, 0));
	cr_expect_eq(v.x.out.status, 503);
	visit_end(&v);
	mst_store_break(w.rig.kit->store, false);
	visit(&v, &w, 0, &way_revoke, MST_POST, target, mst_slice(NULL, 0));
	cr_expect_eq(v.x.out.status, 200);
	visit_end(&v);
	world_close(&w);
}
