/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of every type against Apple's schemas (tests/data/setting-payload-keys.txt), and as libplist reads them. */
#include <plist/plist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/file.h"
#include "muster/plist.h"
#include "render_kit.h"

static struct render_kit kit;
static struct mst_slice schema;

static void begin(void)
{
	render_kit_init(&kit);
	cr_assert_eq(mst_file_read(&schema, &kit.arena, DATA "/setting-payload-keys.txt", 1 << 20, &kit.e), 0, "%s", kit.e.text);
}

static void end(void)
{
	render_kit_done(&kit);
}

TestSuite(profile, .init = begin, .fini = end, .timeout = 60);

struct line {
	struct mst_slice payload, path, type, need, words;
};

static bool next_line(struct line *out, struct mst_slice *text)
{
	struct mst_slice line;

	while (text->len) {
		if (!mst_slice_cut(&line, text, *text, '\n'))
			*text = mst_slice(NULL, 0);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		cr_assert(mst_slice_cut(&out->payload, &line, line, '\t') && mst_slice_cut(&out->path, &line, line, '\t') &&
			  mst_slice_cut(&out->type, &line, line, '\t') && mst_slice_cut(&out->need, &out->words, line, '\t'));
		return true;
	}
	return false;
}

/* What network extensions read though the schema does not say so. */
static bool is_extension_key(const char *path)
{
	static const char *const paths[] = {"VPN.RemoteAddress", "VPN.AuthName", "TransparentProxy.RemoteAddress", "TransparentProxy.AuthName"};

	for (size_t i = 0; i < MST_LEN(paths); i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

static bool find(struct line *out, struct mst_slice payload, const char *path)
{
	struct mst_slice rest = schema;

	while (next_line(out, &rest))
		if (mst_slice_eq(out->payload, payload) && mst_slice_eq(out->path, mst_slice_str(path)))
			return true;
	return false;
}

static const char *const kinds[] = {
	[MST_PLIST_DICT] = "dictionary", [MST_PLIST_ARRAY] = "array", [MST_PLIST_TEXT] = "string", [MST_PLIST_DATA] = "data",
	[MST_PLIST_BOOL] = "boolean", [MST_PLIST_INT] = "integer", [MST_PLIST_REAL] = "real", [MST_PLIST_DATE] = "date"};

static void check_words(const struct line *line, const char *path, const struct mst_plist *value)
{
	struct mst_slice rest = line->words, word, text;
	char number[24];
	int64_t n;

	if (rest.len == 0)
		return;
	if (mst_plist_kind(value) == MST_PLIST_INT) {
		cr_assert_eq(mst_plist_i64(value, &n, NULL, &kit.e), 1);
		snprintf(number, sizeof number, "%lld", (long long)n);
		text = mst_slice_str(number);
	} else {
		cr_assert_eq(mst_plist_text0(value, &text, NULL, &kit.e), 1);
	}
	while (rest.len) {
		if (!mst_slice_cut(&word, &rest, rest, '|'))
			rest = mst_slice(NULL, 0);
		if (mst_slice_eq(word, text))
			return;
	}
	cr_expect(false, "%s: \"%.*s\" is none of %.*s", path, (int)text.len, (const char *)text.at, (int)line->words.len,
		  (const char *)line->words.at);
}

struct visit {
	struct mst_slice payload;
	const char *path; /* of what is visited */
	bool is_array;
};

static void check_needs(const struct visit *v, const struct mst_plist *dict)
{
	struct mst_slice rest = schema;
	size_t len = strlen(v->path);
	struct line line;
	char key[128];

	while (next_line(&line, &rest)) {
		if (!mst_slice_eq(line.payload, v->payload) || !mst_slice_eq(line.need, MST_S("required")) ||
		    line.path.len <= len || memcmp(line.path.at, v->path, len) != 0 ||
		    (len && line.path.at[len] != '.'))
			continue;
		snprintf(key, sizeof key, "%.*s", (int)(line.path.len - len - (len > 0)), (const char *)line.path.at + len + (len > 0));
		const struct mst_plist *node = NULL;
		struct mst_err e;
		bool has = strchr(key, '.') || strchr(key, '[') || mst_plist_dict0(dict, &node, key, &e) != 0;
		cr_expect(has, "%.*s needs %.*s", (int)v->payload.len, (const char *)v->payload.at, (int)line.path.len,
			  (const char *)line.path.at);
	}
}

static bool on_item(void *context, struct mst_slice key, const struct mst_plist *value)
{
	const struct visit *v = context;
	enum mst_plist_kind kind = mst_plist_kind(value);
	struct line line;
	char path[256];
	struct visit inner = {.payload = v->payload, .path = path, .is_array = kind == MST_PLIST_ARRAY};

	snprintf(path, sizeof path, "%s%s%.*s%s", v->path, v->path[0] && !v->is_array ? "." : "", (int)key.len, (const char *)key.at,
		 v->is_array ? "[]" : "");
	if (is_extension_key(path))
		return true;
	if (!find(&line, v->payload, path)) {
		cr_expect(false, "%.*s has no %s", (int)v->payload.len, (const char *)v->payload.at, path);
		return true;
	}
	cr_expect(mst_slice_eq(line.type, mst_slice_str(kinds[kind])), "%s is %s, not %.*s", path, kinds[kind], (int)line.type.len,
		  (const char *)line.type.at);
	check_words(&line, path, value);
	if (kind == MST_PLIST_DICT)
		check_needs(&inner, value);
	if (kind == MST_PLIST_DICT || kind == MST_PLIST_ARRAY)
		mst_plist_each(value, &inner, on_item);
	return true;
}

static void check_payload(const struct mst_plist *payload)
{
	struct visit v = {.path = ""};

	cr_assert_eq(mst_plist_text0(payload, &v.payload, "PayloadType", &kit.e), 1);
	check_needs(&v, payload);
	mst_plist_each(payload, &v, on_item);
}

/* Every UUID that a payload points to is another payload's of the same profile. */
static bool on_reference(void *context, struct mst_slice key, const struct mst_plist *value)
{
	const struct mst_plist *payloads = context;
	struct mst_slice text, uuid;
	struct mst_err e;

	if (mst_plist_kind(value) == MST_PLIST_DICT || mst_plist_kind(value) == MST_PLIST_ARRAY)
		mst_plist_each(value, context, on_reference);
	if (mst_plist_kind(value) != MST_PLIST_TEXT || mst_slice_eq(key, MST_S("PayloadUUID")))
		return true;
	cr_assert_eq(mst_plist_text0(value, &text, NULL, &e), 1);
	if (text.len != 36 || text.at[8] != '-')
		return true;
	for (size_t i = 0; i < mst_plist_num(payloads); i++)
		if (mst_plist_text0(mst_plist_at0(payloads, i), &uuid, "PayloadUUID", &e) == 1 && mst_slice_eq(uuid, text))
			return true;
	cr_expect(false, "%.*s points nowhere", (int)key.len, (const char *)key.at);
	return true;
}

static void judge(struct mst_slice body)
{
	plist_t root = NULL;

	plist_from_xml((const char *)body.at, (uint32_t)body.len, &root);
	cr_assert(root, "libplist cannot read it");
	cr_expect_eq(plist_get_node_type(plist_dict_get_item(root, "PayloadContent")), PLIST_ARRAY);
	plist_free(root);
}

Test(profile, is_as_the_schemas_say)
{
	for (size_t i = 0; i < render_num_settings; i++) {
		const struct mst_plist *root, *payloads;
		render_kit_set(&kit, render_settings[i].type, render_settings[i].fields);
		if (mst_render_way_of(&kit.setting, &kit.device) != MST_RENDER_APPLE)
			continue;
		cr_assert_eq(mst_render(&kit.render, MST_RENDER_APPLE, &kit.e), 0, "%s: %s", render_settings[i].fields, kit.e.text);
		cr_assert_eq(mst_plist_parse(&root, &kit.arena, kit.render.body, &mst_plist_limits_device, &kit.e), 0, "%s: %s",
			     render_settings[i].fields, kit.e.text);
		cr_assert_eq(mst_plist_array0(root, &payloads, "PayloadContent", &kit.e), 1);
		cr_expect(mst_plist_num(payloads) > 0, "%s", render_settings[i].fields);
		for (size_t k = 0; k < mst_plist_num(payloads); k++) {
			check_payload(mst_plist_at0(payloads, k));
			mst_plist_each(mst_plist_at0(payloads, k), (void *)(uintptr_t)payloads, on_reference);
		}
		judge(kit.render.body);
	}
}

Test(profile, fills_variables_and_brings_certificates)
{
	const char *text;

	render_kit_set(&kit, "wifi", "\"ssid\":\"Corp\",\"eap_types\":[\"tls\"],\"identity\":\"Held\",\"username\":\"$USERID$@$DEVICE_SN$\",\"ca\":\"%CA%\"");
	text = render_kit_text(&kit, MST_RENDER_APPLE);
	cr_expect(strstr(text, "<string>jane@C02</string>"), "%s", text);
	cr_expect(strstr(text, "com.apple.security.root") && strstr(text, "com.apple.security.pkcs1"), "root, and what is below");
	cr_expect(strstr(text, "com.apple.security.pkcs12") && strstr(text, "pass word"), "%s", text);
	cr_expect(strstr(text, "<integer>13</integer>"), "EAP-TLS");
}

Test(profile, says_which_variable_is_empty)
{
	kit.device.serial = mst_slice(NULL, 0);
	render_kit_set(&kit, "wifi", "\"ssid\":\"$DEVICE_SN$\"");
	cr_assert_eq(mst_render(&kit.render, MST_RENDER_APPLE, &kit.e), -1);
	cr_expect(kit.e.code == MST_E_ABSENT && strstr(kit.e.text, "ssid") && strstr(kit.e.text, "$DEVICE_SN$"), "%s", kit.e.text);
	cr_assert_eq(mst_render(&kit.render, MST_RENDER_CLIENT, &kit.e), -1);
	cr_expect(strstr(kit.e.text, "ssid") && strstr(kit.e.text, "$DEVICE_SN$"), "%s", kit.e.text);
	kit.render.user = NULL;
	render_kit_set(&kit, "exchange", "\"server\":\"m\",\"email\":\"$EMAIL$\"");
	cr_assert_eq(mst_render_content(&kit.render, MST_RENDER_APPLE, &kit.e), -1);
	cr_expect(strstr(kit.e.text, "email: $EMAIL$"), "%s", kit.e.text);
}

Test(profile, refuses_what_cannot_be)
{
	static const struct {
		const char *platform, *type, *fields, *error;
	} rows[] = {
		{"macos", "exchange", "\"server\":\"m\",\"email\":\"a\"", "macos has no exchange"},
		{"tvos", "email", "\"server\":\"m\",\"out_server\":\"m\",\"email\":\"a\"", "tvos has no email"},
		{"ios", "appconnect", "\"app\":\"a\"", "come through a client"},
		{"ios", "scep", "\"identity\":\"Nobody\"", "no identity of \"Nobody\""},
		{"ios", "scep", "\"identity\":\"Derived\"", "client-provided"},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		kit.device.platform = mst_slice_str(rows[i].platform);
		render_kit_set(&kit, rows[i].type, rows[i].fields);
		cr_expect_eq(mst_render(&kit.render, MST_RENDER_APPLE, &kit.e), -1, "%s", rows[i].fields);
		cr_expect(strstr(kit.e.text, rows[i].error), "%s", kit.e.text);
	}
	kit.device.platform = MST_S("ios");
	render_kit_set(&kit, "scep", "\"identity\":\"Held\"");
	kit.identities[0].p12 = mst_slice(NULL, 0);
	cr_expect_eq(mst_render_content(&kit.render, MST_RENDER_APPLE, &kit.e), 0, "the content needs no file");
	cr_expect_eq(mst_render(&kit.render, MST_RENDER_APPLE, &kit.e), -1);
	kit.asks[0].held.cert = mst_slice(NULL, 0);
	cr_expect_eq(mst_render_content(&kit.render, MST_RENDER_APPLE, &kit.e), -1, "not made yet");
}

/* libplist says what is at a place of nested arrays. */
static void expect_at(plist_t subject, uint32_t rdn, uint32_t pair, const char *type, const char *value)
{
	plist_t at = plist_array_get_item(plist_array_get_item(subject, rdn), pair);
	char *text = NULL;

	cr_assert(at);
	plist_get_string_val(plist_array_get_item(at, 0), &text);
	cr_expect_str_eq(text, type);
	free(text);
	plist_get_string_val(plist_array_get_item(at, 1), &text);
	cr_expect_str_eq(text, value);
	free(text);
}

Test(profile, names_of_scep_have_the_widest_part_first)
{
	plist_t root = NULL, content, subject, names;

	kit.asks[1].scep_san = MST_S("dns=a\ndns=b\nrfc822=j@e\ndn=CN=x");
	render_kit_set(&kit, "scep", "\"identity\":\"Asked\"");
	cr_assert_eq(mst_render(&kit.render, MST_RENDER_APPLE, &kit.e), 0, "%s", kit.e.text);
	plist_from_xml((const char *)kit.render.body.at, (uint32_t)kit.render.body.len, &root);
	content = plist_access_path(root, 3, "PayloadContent", 0, "PayloadContent");
	subject = plist_dict_get_item(content, "Subject");
	cr_assert_eq(plist_array_get_size(subject), 3);
	expect_at(subject, 0, 0, "O", "Example");
	expect_at(subject, 1, 0, "OU", "Sales");
	expect_at(subject, 2, 0, "CN", "jane, doe");
	expect_at(subject, 2, 1, "0.9.2342.19200300.100.1.1", "7");
	names = plist_dict_get_item(content, "SubjectAltName");
	cr_expect_eq(plist_array_get_size(plist_dict_get_item(names, "dNSName")), 2, "several are an array");
	cr_expect_eq(plist_get_node_type(plist_dict_get_item(names, "rfc822Name")), PLIST_STRING);
	plist_free(root);
}

Test(profile, refuses_a_broken_chain)
{
	static const struct mst_slice chains[] = {MST_S_INIT("\x30"), MST_S_INIT("\x30\x83\x01\x00\x00"), MST_S_INIT("\x30\x82\xff\xff"),
						  MST_S_INIT("\x30\x02\x05\x00")};

	render_kit_set(&kit, "scep", "\"identity\":\"Held\"");
	for (size_t i = 0; i < MST_LEN(chains); i++) {
		kit.asks[0].held.chain = chains[i];
		cr_expect_eq(mst_render(&kit.render, MST_RENDER_APPLE, &kit.e), -1, "row %zu", i);
		cr_expect(strstr(kit.e.text, "chain is broken"), "%s", kit.e.text);
	}
}
