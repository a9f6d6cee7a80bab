/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of settings for apps: AppConnect app configurations, Docs@Work, Web@Work. Only they may refer to client-provided
 * certificates: in key-value pairs and as the identity of AppTunnel rules.
 */
#include "shape_setting_own.h"

/* clang-format off */
#define PAIRS(name_, flags_, most_, help_) {name_, MST_FIELD_PAIRS, flags_, .most = most_, .help = help_}
#define APP_ROWS                                                                                                                 \
	PAIRS("configuration", VAR, 128, "Key-value pairs for the app"),                                                         \
	{"identities", MST_FIELD_PAIRS, MST_FIELD_REFERS, .most = 32, .ref = MST_NOUN_ENROLLMENT,                                \
	 .help = "Key-value pairs whose value is an identity: key, and certificate enrolment setting"},                         \
	PAIRS("tunnels", VAR, 128, "AppTunnel rules: host (with * for any part, and a port) and the Sentry service it goes to"), \
	IDENTITY("tunnel_identity", SHOWS, "AppTunnel: certificate enrolment setting of the identity that apps show")

static const struct mst_shape_row appconnect_rows[] = {
	SETTING_ROWS,
	TEXT("app", REQ | SHOWS, 256, "Bundle identifier or package name of the app"),
	APP_ROWS,
};
static const struct mst_shape_row docs_rows[] = {
	SETTING_ROWS,
	TEXT("app", 0, 256, "Bundle identifier or package name, where it is not the usual one"),
	PAIRS("sites", VAR, 128, "Content sites: name and address"),
	APP_ROWS,
};
static const struct mst_shape_row web_rows[] = {
	SETTING_ROWS,
	TEXT("app", 0, 256, "Bundle identifier or package name, where it is not the usual one"),
	TEXT("home_page", VAR, 1024, "Address of the first page"),
	PAIRS("bookmarks", VAR, 128, "Bookmarks: name and address"),
	APP_ROWS,
};
/* clang-format on */

/* A key says one thing: a text or an identity. */
static int keys_check(const struct mst_object *o, struct mst_err *e)
{
	const struct mst_value *texts = mst_object_value(o, "configuration"), *identities = mst_object_value(o, "identities");

	if (mst_setting_keys_check(o, "configuration", e) < 0 || mst_setting_keys_check(o, "identities", e) < 0)
		return -1;
	for (uint32_t i = 0; i < texts->num_pairs; i++)
		for (uint32_t k = 0; k < identities->num_pairs; k++) {
			struct mst_slice key = texts->pairs[i].key;
			if (mst_slice_eq(key, identities->pairs[k].key))
				return mst_fail(e, MST_E_SYNTAX, "identities: the key \"%.*s\" is in configuration, too",
						(int)(key.len < 64 ? key.len : 64), (const char *)key.at);
		}
	return 0;
}

static int check(const struct mst_object *o, struct mst_err *e)
{
	if (mst_setting_has(o, "tunnel_identity") && mst_setting_needs(o, "tunnels", "tunnel_identity", e) < 0)
		return -1;
	return keys_check(o, e);
}

const struct mst_shape mst_shape_apps[MST_NUM_APP_TYPES] = {
	SHAPE(SETTING, "appconnect", "Configuration of an AppConnect app", appconnect_rows, check),
	SHAPE(SETTING, "docs", "Docs@Work", docs_rows, check),
	SHAPE(SETTING, "web", "Web@Work", web_rows, check),
};
