/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused when a setting is saved, and that every field goes somewhere. */
#include <string.h>

#include "render_kit.h"
#include "render_own.h"

static struct render_kit kit;

static void begin(void)
{
	render_kit_init(&kit);
}

static void end(void)
{
	render_kit_done(&kit);
}

TestSuite(setting, .init = begin, .fini = end, .timeout = 60);

/* clang-format off */
static const struct {
	const char *type, *fields, *error;
} bad[] = {
	{"wifi", "", "ssid is needed"},
	{"wifi", "\"ssid\":\"\"", "ssid: at least 1"},
	{"wifi", "\"ssid\":\"$NOSE$\"", "$NOSE$"},
	{"wifi", "\"ssid\":\"$CONFIG_UUID$\"", "subject alternative names only"},
	{"wifi", "\"ssid\":\"a\",\"security\":\"none\",\"password\":\"w\"", "open network"},
	{"wifi", "\"ssid\":\"a\",\"eap_types\":[\"tls\"]", "tls needs identity"},
	{"wifi", "\"ssid\":\"a\",\"eap_types\":[\"md5\"]", "eap_types: \"md5\""},
	{"wifi", "\"ssid\":\"a\",\"identity\":\"x\"", "enterprise"},
	{"wifi", "\"ssid\":\"a\",\"eap_types\":[\"peap\"],\"password\":\"w\"", "user_password"},
	{"wifi", "\"ssid\":\"a\",\"eap_types\":[\"peap\"],\"tls_minimum\":\"1.3\"", "needs outer_identity"},
	{"wifi", "\"ssid\":\"a\",\"proxy\":\"manual\"", "needs proxy_server"},
	{"wifi", "\"ssid\":\"a\",\"mcc_mncs\":[\"12345\"]", "six digits"},
	{"wifi", "\"ssid\":\"a\",\"ca\":\"nothing\"", "ca: no certificate"},
	{"wifi", "\"ssid\":\"a\",\"setup_modes\":[\"x\"]", "setup_modes"},
	{"vpn", "\"kind\":\"ikev2\"", "is needed"},
	{"vpn", "\"kind\":\"ikev2\",\"server\":\"v\",\"authentication\":\"password\"", "ikev2 does not know password"},
	{"vpn", "\"kind\":\"ikev2\",\"server\":\"v\",\"authentication\":\"certificate\"", "certificate needs identity"},
	{"vpn", "\"kind\":\"ikev2\",\"server\":\"v\",\"authentication\":\"none\"", "none only with eap"},
	{"vpn", "\"kind\":\"ikev2\",\"server\":\"v\",\"authentication\":\"certificate\",\"identity\":\"x\"", "ikev2 needs local_id"},
	{"vpn", "\"kind\":\"ipsec\",\"server\":\"v\",\"authentication\":\"shared-secret\"", "needs shared_secret"},
	{"vpn", "\"kind\":\"ipsec\",\"server\":\"v\",\"authentication\":\"shared-secret\",\"shared_secret\":\"s\",\"on_demand\":true", "on_demand"},
	{"vpn", "\"kind\":\"l2tp\",\"server\":\"v\",\"authentication\":\"password\"", "l2tp needs shared_secret"},
	{"vpn", "\"kind\":\"app\",\"server\":\"v\",\"authentication\":\"password\"", "needs app"},
	{"vpn", "\"kind\":\"ikev2\",\"server\":\"v\",\"authentication\":\"none\",\"eap\":true,\"local_id\":\"a\",\"remote_id\":\"b\",\"ike_group\":25", "ike_group: 14 to 21"},
	{"exchange", "\"server\":\"m\"", "email is needed"},
	{"exchange", "\"server\":\"m\",\"email\":\"a\",\"days\":2", "days: 0, 1, 3"},
	{"exchange", "\"server\":\"m\",\"email\":\"a\",\"oauth\":true,\"password\":\"w\"", "not with oauth"},
	{"exchange", "\"server\":\"m\",\"email\":\"a\",\"smime_signs\":true", "smime_signing_identity"},
	{"email", "\"server\":\"m\",\"email\":\"a\"", "out_server is needed"},
	{"scep", "", "identity is needed"},
	{"root", "\"certificates\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n\"", "certificates:"},
	{"appconnect", "", "app is needed"},
	{"appconnect", "\"app\":\"a\",\"tunnel_identity\":\"x\"", "needs tunnels"},
	{"appconnect", "\"app\":\"a\",\"identities\":[{\"key\":\"k\",\"value\":\"a/b\"}]", "slash"},
	{"docs", "\"configuration\":[{\"key\":\"k\",\"value\":\"1\"}],\"identities\":[{\"key\":\"k\",\"value\":\"x\"}]", "\"k\" is in configuration, too"},
	{"docs", "\"configuration\":[{\"key\":\"k\",\"value\":\"1\"},{\"key\":\"k\",\"value\":\"2\"}]", "\"k\" is there twice"},
	{"vpn", "\"kind\":\"app\",\"app\":\"a\",\"server\":\"v\",\"authentication\":\"password\",\"vendor\":[{\"key\":\"G\",\"value\":\"1\"},{\"key\":\"G\",\"value\":\"2\"}]", "vendor: the key"},
	{"web", "\"bookmarks\":[{\"key\":\"k\",\"value\":\"$NOSE$\"}]", "bookmarks: there is no variable"},
};
/* clang-format on */

Test(setting, is_refused_with_the_fields_name)
{
	for (size_t i = 0; i < MST_LEN(bad); i++) {
		cr_expect_eq(render_kit_read(&kit, bad[i].type, bad[i].fields), -1, "%s {%s}", bad[i].type, bad[i].fields);
		cr_expect(strstr(kit.e.text, bad[i].error), "%s {%s}: %s", bad[i].type, bad[i].fields, kit.e.text);
	}
}

Test(setting, of_every_type_is_taken)
{
	for (size_t i = 0; i < render_num_settings; i++)
		cr_expect_eq(render_kit_read(&kit, render_settings[i].type, render_settings[i].fields), 0, "%s {%s}: %s",
			     render_settings[i].type, render_settings[i].fields, kit.e.text);
}

/* Fields that need no row of their own: they are certificates, or part of what a CALL row puts together. */
static bool is_elsewhere(const char *name)
{
	static const char *const names[] = {
		"description", "labels", "ca", "certificates", "identity", "is_key_extractable", "allows_all_apps", "eap_types", "vendor",
		"on_demand_domains", "on_demand_never", "on_demand_trusted_ssids", "on_demand_trusted_domains", "on_demand_probe",
		"on_demand_otherwise"};

	for (size_t i = 0; i < MST_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool has_row(const struct render_table *t, const char *field)
{
	for (size_t i = 0; i < t->num_rows; i++)
		if (t->rows[i].field && strcmp(t->rows[i].field, field) == 0)
			return true;
	return false;
}

static bool has_field(const struct mst_shape *shape, const char *name)
{
	for (uint32_t i = 0; i < shape->num_fields; i++)
		if (strcmp(shape->fields[i].name, name) == 0)
			return true;
	return false;
}

Test(setting, fields_and_rows_agree)
{
	for (size_t i = 0; i < mst_render_num_tables; i++) {
		const struct render_table *t = mst_render_tables[i];
		const struct mst_shape *shape = mst_shape_find(MST_NOUN_SETTING, mst_slice_str(t->setting));
		cr_assert(shape, "%s", t->setting);
		for (uint32_t k = 0; k < shape->num_fields; k++)
			cr_expect(has_row(t, shape->fields[k].name) || is_elsewhere(shape->fields[k].name), "%s.%s goes nowhere",
				  t->setting, shape->fields[k].name);
		for (size_t k = 0; k < t->num_rows; k++) {
			const struct render_row *row = &t->rows[k];
			cr_expect(!row->field || has_field(shape, row->field), "%s has no %s", t->setting, row->field);
			cr_expect(!row->needs || has_field(shape, row->needs), "%s has no %s", t->setting, row->needs);
			cr_expect(!row->when || has_field(shape, row->when), "%s has no %s", t->setting, row->when);
		}
	}
}

Test(setting, every_field_is_in_the_tests)
{
	for (size_t i = 0; mst_shape_at(i); i++) {
		const struct mst_shape *shape = mst_shape_at(i);
		if (shape->noun != MST_NOUN_SETTING)
			continue;
		for (uint32_t k = 0; k < shape->num_fields; k++) {
			bool is_tried = false;
			char quoted[80] = "\"";
			strncat(quoted, shape->fields[k].name, 70);
			quoted[strlen(quoted) + 1] = 0;
			quoted[strlen(quoted)] = '"';
			for (size_t n = 0; n < render_num_settings && !is_tried; n++)
				is_tried = strcmp(render_settings[n].type, shape->type) == 0 && strstr(render_settings[n].fields, quoted);
			cr_expect(is_tried || k < 2 || shape->fields[k].fallback, "%s.%s is rendered by no test", shape->type,
				  shape->fields[k].name);
		}
	}
}

Test(setting, of_sealed_secrets_is_not_rendered)
{
	struct mst_value *value;

	render_kit_set(&kit, "wifi", "\"ssid\":\"a\",\"password\":\"w\"");
	value = (struct mst_value *)(uintptr_t)mst_object_value(&kit.setting, "password");
	*value = (struct mst_value){.is_set = true, .sealed = MST_S("sealed")};
	cr_expect_eq(mst_render(&kit.render, MST_RENDER_APPLE, &kit.e), -1);
	cr_expect(strstr(kit.e.text, "still sealed"), "%s", kit.e.text);
	cr_expect_eq(mst_render(&kit.render, MST_RENDER_CLIENT, &kit.e), -1);
}
