/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of messages become enrolments. */
#include <criterion/criterion.h>

#include "own.h"

#define ALL_F "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"

struct row {
	const char *name, *udid, *enrollment, *user, *enrollment_user, *short_name;
	int rc;
	enum mst_channel_kind kind;
	const char *device, *channel;
};

static const struct row rows[] = {
	{"device", "U", "", "", "", "", 0, MST_CHANNEL_DEVICE, "U", ""},
	{"a short name alone is the device's", "U", "", "", "", "ann", 0, MST_CHANNEL_DEVICE, "U", ""},
	{"user", "U", "", "A", "", "ann", 0, MST_CHANNEL_USER, "U", "A"},
	{"shared iPad", "U", "", ALL_F, "", "ann", 0, MST_CHANNEL_SHARED_IPAD, "U", "ann"},
	{"shared iPad without a name", "U", "", ALL_F, "", "", -1, 0, NULL, NULL},
	{"user enrollment", "", "E", "", "", "", 0, MST_CHANNEL_ENROLLMENT_DEVICE, "E", ""},
	{"its user", "", "E", "", "X", "", 0, MST_CHANNEL_ENROLLMENT_USER, "E", "X"},
	{"a UDID goes first", "U", "E", "", "X", "", 0, MST_CHANNEL_DEVICE, "U", ""},
	{"nobody", "", "", "A", "X", "ann", -1, 0, NULL, NULL},
	{"a colon in a device", "U:V", "", "", "", "", -1, 0, NULL, NULL},
	{"a colon in a user", "U", "", "A:B", "", "", 0, MST_CHANNEL_USER, "U", "A:B"},
	{"a line end", "U\n", "", "", "", "", -1, 0, NULL, NULL},
	{"no UTF-8", "U\xff", "", "", "", "", -1, 0, NULL, NULL},
	{"UTF-8", "\xc3\xa9", "", "", "", "", 0, MST_CHANNEL_DEVICE, "\xc3\xa9", ""},
};

Test(enrolment, rows)
{
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct mdm_ids ids = {
			.udid = mst_slice_str(row->udid),
			.enrollment_id = mst_slice_str(row->enrollment),
			.user_id = mst_slice_str(row->user),
			.enrollment_user_id = mst_slice_str(row->enrollment_user),
			.short_name = mst_slice_str(row->short_name),
		};
		struct mdm_enrolment who;
		struct mst_err e = {0};
		cr_assert_eq(mst_enrolment_find(&who, &ids, &e), row->rc, "%s", row->name);
		if (row->rc < 0) {
			cr_expect_eq(e.code, MST_E_SYNTAX, "%s", row->name);
			continue;
		}
		struct mst_id id, device_id;
		mst_id_make(&id, mst_slice_str(row->device), mst_slice_str(row->channel));
		mst_id_make(&device_id, mst_slice_str(row->device), mst_slice(NULL, 0));
		cr_expect_eq(who.kind, row->kind, "%s", row->name);
		cr_expect_arr_eq(&who.id, &id, sizeof(id), "%s", row->name);
		cr_expect_arr_eq(&who.device_id, &device_id, sizeof(id), "%s", row->name);
		cr_expect_eq(mst_enrolment_is_device(&who), row->channel[0] == '\0', "%s", row->name);
	}
}

Test(enrolment, lengths)
{
	char text[MST_ID_TEXT_MAX + 2];
	struct mdm_enrolment who;

	memset(text, 'x', sizeof(text));
	for (size_t len = MST_ID_TEXT_MAX; len <= MST_ID_TEXT_MAX + 1; len++) {
		struct mdm_ids ids = {.udid = mst_slice(text, len)};
		cr_expect_eq(mst_enrolment_find(&who, &ids, NULL), len > MST_ID_TEXT_MAX ? -1 : 0, "%zu", len);
	}
}
