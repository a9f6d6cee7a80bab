/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a user: what variables speak of, and how he registers devices. */
#include "shape_own.h"

/* clang-format off */
static const struct mst_shape_row fields[] = {
	{"email", MST_FIELD_TEXT, MST_FIELD_SHOWS, .most = 254, .help = "Address for mail"},
	{"first_name", MST_FIELD_TEXT, MST_FIELD_SHOWS, .most = 128, .help = "Given name"},
	{"last_name", MST_FIELD_TEXT, MST_FIELD_SHOWS, .most = 128, .help = "Family name"},
	{"display_name", MST_FIELD_TEXT, MST_FIELD_SHOWS, .most = 256, .help = "Name as shown"},
	{"dn", MST_FIELD_TEXT, 0, .most = 1024, .help = "Distinguished name in the directory"},
	{"sid", MST_FIELD_TEXT, 0, .most = 256, .help = "Security identifier in the directory"},
	{"upn", MST_FIELD_TEXT, 0, .most = 256, .help = "User principal name"},
	{"locale", MST_FIELD_TEXT, 0, .most = 32, .help = "Language and country, as en-US"},
	{"realm", MST_FIELD_TEXT, 0, .most = 256, .help = "Kerberos realm"},
	{"custom1", MST_FIELD_TEXT, 0, .most = 1024, .help = "For own use"},
	{"custom2", MST_FIELD_TEXT, 0, .most = 1024, .help = "For own use"},
	{"custom3", MST_FIELD_TEXT, 0, .most = 1024, .help = "For own use"},
	{"custom4", MST_FIELD_TEXT, 0, .most = 1024, .help = "For own use"},
	{"groups", MST_FIELD_TEXTS, 0, .help = "Groups, for expressions of labels"},
	{"is_disabled", MST_FIELD_BOOL, MST_FIELD_SHOWS, .fallback = "false", .help = "Registers no devices"},
	{"devices_max", MST_FIELD_NUMBER, 0, .least = 0, .most = 10000, .fallback = "10", .help = "Devices he may register"},
	{"password", MST_FIELD_SECRET, 0, .most = 256, .help = "Password for registration; kept as a scrypt hash"},
	{"pin", MST_FIELD_SECRET, MST_FIELD_OURS, .most = 256, .help = "One-time PIN for registration, as a scrypt hash; POST .../pin makes one"},
	{"pin_until_ms", MST_FIELD_NUMBER, MST_FIELD_OURS, .least = 0, .most = INT64_MAX, .help = "When the PIN ends; milliseconds since 1970"},
};
/* clang-format on */

/* A password that is open here was given just now. */
static int finish(struct mst_object *o, const struct mst_object *older, struct mst_arena *arena, struct mst_err *e)
{
	(void)older;
	for (size_t i = 0; i < MST_LEN(fields); i++)
		if (strcmp(fields[i].name, "password") == 0 && o->values[i].text.len)
			return mst_password_hash(&o->values[i].text, arena, o->values[i].text, e);
	return 0;
}

const struct mst_shape mst_shape_user = {
	.noun = MST_NOUN_USER,
	.type = "user",
	.help = "A person whose devices are managed",
	.fields = fields,
	.num_fields = MST_LEN(fields),
	.finish = finish,
};

static struct mst_value *value_of(struct mst_object *user, const char *name)
{
	size_t i = 0;

	while (strcmp(fields[i].name, name) != 0)
		i++;
	return &user->values[i];
}

void mst_user_set_pin(struct mst_object *user, struct mst_slice hash, int64_t until_ms)
{
	*value_of(user, "pin") = (struct mst_value){.is_set = hash.len > 0, .text = hash};
	*value_of(user, "pin_until_ms") = (struct mst_value){.is_set = hash.len > 0, .number = until_ms};
}

struct mst_slice mst_user_pin0(const struct mst_object *user, int64_t now_ms)
{
	return now_ms < mst_object_number(user, "pin_until_ms") ? mst_object_text(user, "pin") : mst_slice(NULL, 0);
}
