/* SPDX-License-Identifier: Apache-2.0 */
/* When the content counts as the same, and what stays the same on a device. */
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

TestSuite(content, .init = begin, .fini = end, .timeout = 60);

struct content {
	uint8_t bytes[32];
};

static struct content look(enum mst_render_way way)
{
	struct content out;

	cr_assert_eq(mst_render(&kit.render, way, &kit.e), 0, "%s", kit.e.text);
	memcpy(out.bytes, kit.render.content, sizeof out.bytes);
	cr_assert_eq(mst_render_content(&kit.render, way, &kit.e), 0);
	cr_expect_eq(memcmp(out.bytes, kit.render.content, sizeof out.bytes), 0, "both ways of asking agree");
	return out;
}

static bool same(struct content a, struct content b)
{
	return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static const char wifi[] = "\"ssid\":\"Corp\",\"eap_types\":[\"tls\"],\"identity\":\"Held\"";

Test(content, is_the_same_with_another_password)
{
	static const enum mst_render_way ways[] = {MST_RENDER_APPLE, MST_RENDER_CLIENT};

	for (size_t i = 0; i < MST_LEN(ways); i++) {
		render_kit_set(&kit, "wifi", wifi);
		struct content first = look(ways[i]);
		kit.identities[0].p12 = MST_S("packed anew");
		kit.identities[0].password = MST_S("another");
		kit.setting.version++;
		kit.setting.changed_ms++;
		cr_expect(same(first, look(ways[i])), "way %zu", i);
		render_kit_set(&kit, "wifi", "\"ssid\":\"Corp\",\"eap_types\":[\"tls\"],\"identity\":\"Held\",\"labels\":[\"All\"]");
		cr_expect(same(first, look(ways[i])), "labels are not content");
		kit.asks[0].held.cert = kit.middle_der;
		cr_expect(!same(first, look(ways[i])), "another certificate");
		kit.asks[0].held.cert = kit.leaf_der;
		render_kit_set(&kit, "wifi", "\"ssid\":\"Corp2\",\"eap_types\":[\"tls\"],\"identity\":\"Held\"");
		cr_expect(!same(first, look(ways[i])), "another network");
	}
}

Test(content, is_the_same_with_another_challenge)
{
	static const enum mst_render_way ways[] = {MST_RENDER_APPLE, MST_RENDER_CLIENT};

	for (size_t i = 0; i < MST_LEN(ways); i++) {
		render_kit_set(&kit, "scep", "\"identity\":\"Asked\"");
		kit.asks[1].scep_challenge = MST_S("once");
		struct content first = look(ways[i]);
		kit.asks[1].scep_challenge = MST_S("twice");
		kit.asks[1].scep_url = MST_S("https://proxy/scepproxy/token");
		cr_expect(same(first, look(ways[i])));
		kit.asks[1].held.inputs[0] ^= 1;
		cr_expect(!same(first, look(ways[i])), "the certificate would say something else");
		kit.asks[1].held.inputs[0] ^= 1;
		kit.asks[1].held.not_after++;
		cr_expect(!same(first, look(ways[i])), "it was made anew");
	}
}

Test(content, leaves_random_variables_alone)
{
	const char *text;

	render_kit_set(&kit, "appconnect", "\"app\":\"a\",\"configuration\":[{\"key\":\"k\",\"value\":\"$RANDOM_16$\"}]");
	struct content first = look(MST_RENDER_CLIENT);
	cr_expect(same(first, look(MST_RENDER_CLIENT)));
	text = render_kit_text(&kit, MST_RENDER_CLIENT);
	cr_expect(!strstr(text, "RANDOM"), "%s", text);
}

static void payload_uuids(const char *text, char out[static 4][37])
{
	size_t num = 0;

	for (const char *at = text; num < 4 && (at = strstr(at, "<key>PayloadUUID</key>")); num++) {
		at = strstr(at, "<string>") + 8;
		memcpy(out[num], at, 36);
		out[num][36] = 0;
	}
}

Test(content, gives_uuids_and_identifiers)
{
	char first[4][37] = {{0}}, second[4][37] = {{0}}, third[4][37] = {{0}}, identifier[MST_RENDER_IDENTIFIER_LEN + 1];
	const char *text;

	render_kit_set(&kit, "wifi", wifi);
	payload_uuids(render_kit_text(&kit, MST_RENDER_APPLE), first);
	kit.identities[0].password = MST_S("another");
	payload_uuids(render_kit_text(&kit, MST_RENDER_APPLE), second);
	cr_expect_eq(memcmp(first, second, sizeof first), 0, "the same content has the same UUIDs");
	render_kit_set(&kit, "wifi", "\"ssid\":\"Corp2\",\"eap_types\":[\"tls\"],\"identity\":\"Held\"");
	text = render_kit_text(&kit, MST_RENDER_APPLE);
	payload_uuids(text, third);
	/* Profile, chain, identity, network: what did not change keeps its own. */
	cr_expect_str_neq(first[0], third[0]);
	cr_expect_str_eq(first[1], third[1]);
	cr_expect_str_eq(first[2], third[2]);
	cr_expect_str_neq(first[3], third[3]);
	mst_render_identifier(identifier, kit.setting.uuid);
	cr_expect(strstr(text, identifier) && strlen(identifier) + 1 <= sizeof identifier, "%s", identifier);
}

Test(content, fails_cleanly_without_memory)
{
	static const enum mst_render_way ways[] = {MST_RENDER_APPLE, MST_RENDER_CLIENT};

	for (size_t i = 0; i < render_num_settings; i++) {
		render_kit_set(&kit, render_settings[i].type, render_settings[i].fields);
		for (size_t k = 0; k < MST_LEN(ways); k++) {
			int rc = -1;
			if (ways[k] == MST_RENDER_APPLE && mst_render_is_early(&kit.setting))
				continue;
			for (size_t limit = 256; rc < 0 && limit < (1u << 20); limit += 509) {
				struct mst_arena small;
				mst_arena_init(&small, NULL, limit);
				kit.render.arena = &small;
				rc = mst_render(&kit.render, ways[k], &kit.e);
				cr_expect(rc == 0 || kit.e.code == MST_E_BUSY || kit.e.code == MST_E_TOO_BIG || kit.e.code == MST_E_SYNTAX,
					  "%s: %s", render_settings[i].type, kit.e.text);
				mst_arena_done(&small);
			}
			cr_expect_eq(rc, 0, "%s: %s", render_settings[i].type, kit.e.text);
		}
	}
	kit.render.arena = &kit.arena;
}
