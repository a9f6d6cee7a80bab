/* SPDX-License-Identifier: Apache-2.0 */
/* Which client can do what: references to client-provided identities, and keeping certificates. */
#include "render_own.h"

/* Where a reference stands. */
enum reference { IN_PAIRS, IN_TUNNELS, NUM_REFERENCES };

/* The first row that fits counts; `client` NULL: any other, which is as new as we are. `least` NULL: no version can. */
static const struct {
	const char *platform, *client;
	const char *least[NUM_REFERENCES];
	const char *keeps; /* the first version that keeps certificates */
} rows[] = {
	{"ios", "Mobile@Work", {[IN_PAIRS] = "8.5", [IN_TUNNELS] = "9.0"}, "9.2"},
	{"ios", NULL, {[IN_PAIRS] = "0", [IN_TUNNELS] = "0"}, "0"},
	{"android", NULL, {[IN_PAIRS] = "0", [IN_TUNNELS] = NULL}, "0"},
	{NULL, NULL, {NULL}, "0"}, /* derived credentials are for iOS and Android only */
};

static uint64_t next_part(struct mst_slice *rest)
{
	uint64_t number = 0;
	size_t i = 0;

	while (i < rest->len && rest->at[i] >= '0' && rest->at[i] <= '9') {
		if (number < UINT32_MAX)
			number = 10 * number + (uint64_t)(rest->at[i] - '0');
		i++;
	}
	while (i < rest->len && rest->at[i++] != '.')
		;
	*rest = mst_slice(rest->at + i, rest->len - i);
	return number;
}

static bool is_least(struct mst_slice version, struct mst_slice least)
{
	while (version.len || least.len) {
		uint64_t a = next_part(&version), b = next_part(&least);
		if (a != b)
			return a > b;
	}
	return true;
}

static bool fits(const char *word, struct mst_slice text)
{
	return !word || mst_slice_case_eq(mst_slice_str(word), text);
}

static size_t row_of(const struct mst_detail *d)
{
	size_t i = 0;

	while (!fits(rows[i].platform, d->platform) || !fits(rows[i].client, d->client))
		i++;
	return i;
}

const char *mst_render_why_not(const struct mst_shape_row *row, const struct mst_detail *device)
{
	enum reference reference = row->kind == MST_FIELD_PAIRS ? IN_PAIRS : IN_TUNNELS;
	const char *least = rows[row_of(device)].least[reference];

	if (least && is_least(device->client_version, mst_slice_str(least)))
		return NULL;
	if (least)
		return reference == IN_PAIRS ? "this version of the client takes no client-provided identities in key-value pairs"
					     : "this version of the client takes no client-provided identities in AppTunnel rules";
	return reference == IN_PAIRS ? "clients on this platform take no client-provided identities"
				     : "clients on this platform take no client-provided identities in AppTunnel rules";
}

bool mst_render_keeps_certificates(const struct mst_detail *device)
{
	return is_least(device->client_version, mst_slice_str(rows[row_of(device)].keeps));
}

static const char *const early_types[] = {"appconnect", "docs", "web"};
static const char *const apple_platforms[] = {"ios", "ipados", "macos", "tvos", "visionos", "watchos"};

bool mst_render_is_early(const struct mst_object *setting)
{
	for (size_t i = 0; i < MST_LEN(early_types); i++)
		if (mst_slice_eq(mst_slice_str(setting->shape->type), mst_slice_str(early_types[i])))
			return true;
	return false;
}

enum mst_render_way mst_render_way_of(const struct mst_object *setting, const struct mst_detail *device)
{
	if (mst_render_is_early(setting))
		return MST_RENDER_CLIENT;
	for (size_t i = 0; i < MST_LEN(apple_platforms); i++)
		if (mst_slice_case_eq(mst_slice_str(apple_platforms[i]), device->platform))
			return MST_RENDER_APPLE;
	return MST_RENDER_CLIENT;
}
