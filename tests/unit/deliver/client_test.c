/* SPDX-License-Identifier: Apache-2.0 */
/* The document for our own clients, and which client can have what. */
#include <string.h>

#include "render_kit.h"

static struct render_kit kit;

static void begin(void)
{
	render_kit_init(&kit);
}

static void end(void)
{
	render_kit_done(&kit);
}

TestSuite(client, .init = begin, .fini = end, .timeout = 60);

Test(client, every_type_is_a_document)
{
	for (size_t i = 0; i < render_num_settings; i++) {
		struct mst_json_value *root;
		struct mst_slice type;
		render_kit_set(&kit, render_settings[i].type, render_settings[i].fields);
		cr_assert_eq(mst_render(&kit.render, MST_RENDER_CLIENT, &kit.e), 0, "%s: %s", render_settings[i].fields, kit.e.text);
		cr_assert_eq(mst_json_parse(&root, kit.render.body, 1 << 20, 10, &kit.e), 0, "%s", kit.e.text);
		cr_expect_eq(mst_json_get_text0(root, &type, "type", &kit.e), 1);
		cr_expect(mst_slice_eq(type, mst_slice_str(render_settings[i].type)));
		cr_expect(!memmem(kit.render.body.at, kit.render.body.len, "$USERID$", 8), "variables are filled");
		cr_expect(!memmem(kit.render.body.at, kit.render.body.len, "pass word", 9), "files are fetched, not sent along");
		mst_json_free(&root);
	}
}

static bool says(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}

Test(client, tells_identities_apart)
{
	const char *text;

	render_kit_set(&kit, "appconnect",
		       "\"app\":\"a\",\"configuration\":[{\"key\":\"m\",\"value\":\"$EMAIL$\"}],\"identities\":[{\"key\":\"x\",\"value\":\"Held\"},"
		       "{\"key\":\"y\",\"value\":\"Derived\"},{\"key\":\"z\",\"value\":\"Asked\"}]");
	text = render_kit_text(&kit, MST_RENDER_CLIENT);
	cr_expect(says(text, "{\"key\":\"m\",\"value\":\"jane@example.com\"}"), "%s", text);
	cr_expect(says(text, "{\"key\":\"x\",\"identity\":\"Held\"}"), "%s", text);
	cr_expect(says(text, "{\"name\":\"Held\",\"form\":\"file\",\"sha256\":\""), "%s", text);
	cr_expect(says(text, "{\"name\":\"Derived\",\"form\":\"client\",\"purpose\":\"signing\",\"provider\":\"Entrust\"}"), "%s", text);
	cr_expect(says(text, "\"form\":\"scep\"") && says(text, "\"challenge\":\"once\""), "%s", text);
	cr_expect(says(text, "\"left_out\":[]"), "%s", text);
	cr_expect(!says(text, "labels"), "%s", text);
}

/* The table of the guide: references to client-provided identities by client and version. */
Test(client, has_what_its_version_takes)
{
	static const struct {
		const char *platform, *client, *version;
		bool in_pairs, in_tunnels;
	} rows[] = {
		{"ios", "Mobile@Work", "", false, false},
		{"ios", "Mobile@Work", "8.4.9", false, false},
		{"ios", "Mobile@Work", "8.5", true, false},
		{"ios", "mobile@work", "8.6.0.3", true, false},
		{"ios", "Mobile@Work", "9.0", true, true},
		{"ios", "Mobile@Work", "10.1", true, true},
		{"iOS", "muster", "1.0", true, true},
		{"android", "Secure Apps Manager", "8.0", true, false},
		{"android", "Secure Apps Manager", "9.9", true, false},
		{"android", "muster", "1.0", true, false},
		{"windows", "muster", "1.0", false, false},
		{"macos", "Mobile@Work", "12.0", false, false},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		kit.device.platform = mst_slice_str(rows[i].platform);
		kit.device.client = mst_slice_str(rows[i].client);
		kit.device.client_version = mst_slice_str(rows[i].version);
		render_kit_set(&kit, "web",
			       "\"identities\":[{\"key\":\"y\",\"value\":\"Derived\"},{\"key\":\"x\",\"value\":\"Held\"}],"
			       "\"tunnels\":[{\"key\":\"h\",\"value\":\"s\"}],\"tunnel_identity\":\"Derived\"");
		const char *text = render_kit_text(&kit, MST_RENDER_CLIENT);
		cr_expect_eq(says(text, "{\"key\":\"y\",\"identity\":\"Derived\"}"), rows[i].in_pairs, "row %zu: %s", i, text);
		cr_expect_eq(says(text, "\"tunnel_identity\":\"Derived\""), rows[i].in_tunnels, "row %zu: %s", i, text);
		cr_expect_eq(kit.render.num_left, (uint32_t)!rows[i].in_pairs + !rows[i].in_tunnels, "row %zu", i);
		cr_expect(says(text, "{\"key\":\"x\",\"identity\":\"Held\"}"), "others are not touched");
		for (uint32_t k = 0; k < kit.render.num_left; k++)
			cr_expect(kit.render.left[k].reason.len > 0);
	}
}

Test(client, keeps_certificates_or_not)
{
	static const struct {
		const char *platform, *client, *version;
		bool keeps;
	} rows[] = {
		{"ios", "Mobile@Work", "9.1.0.0", false},
		{"ios", "Mobile@Work", "8.0", false},
		{"ios", "Mobile@Work", "9.5.0.0", true},
		{"ios", "Mobile@Work", "12", true},
		{"ios", "muster", "1.0", true},
		{"ios", "", "", true},
		{"android", "Secure Apps Manager", "8.0", true},
		{"linux", "", "", true},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		kit.device = (struct mst_detail){.platform = mst_slice_str(rows[i].platform), .client = mst_slice_str(rows[i].client),
						 .client_version = mst_slice_str(rows[i].version)};
		cr_expect_eq(mst_render_keeps_certificates(&kit.device), rows[i].keeps, "row %zu", i);
	}
}

Test(client, gets_what_apple_does_not_take)
{
	static const struct {
		const char *platform, *type, *fields;
		enum mst_render_way way;
		bool is_early;
	} rows[] = {
		{"ios", "wifi", "\"ssid\":\"a\"", MST_RENDER_APPLE, false},
		{"macOS", "root", "\"certificates\":\"%CA%\"", MST_RENDER_APPLE, false},
		{"android", "wifi", "\"ssid\":\"a\"", MST_RENDER_CLIENT, false},
		{"", "wifi", "\"ssid\":\"a\"", MST_RENDER_CLIENT, false},
		{"ios", "appconnect", "\"app\":\"a\"", MST_RENDER_CLIENT, true},
		{"ios", "docs", "", MST_RENDER_CLIENT, true},
		{"android", "web", "", MST_RENDER_CLIENT, true},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		kit.device.platform = mst_slice_str(rows[i].platform);
		render_kit_set(&kit, rows[i].type, rows[i].fields);
		cr_expect_eq(mst_render_way_of(&kit.setting, &kit.device), rows[i].way, "row %zu", i);
		cr_expect_eq(mst_render_is_early(&kit.setting), rows[i].is_early, "row %zu", i);
	}
}
