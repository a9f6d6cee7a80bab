/* SPDX-License-Identifier: Apache-2.0 */
/* The variables: one row each, with where its value comes from. */
#include "variable_own.h"

/* Of the user: the field of a user object. Of the device: a member of its detail. */
#define USER(name_) .source = VARIABLE_USER, .field = name_
#define DEVICE(member) .source = VARIABLE_DEVICE, .at = offsetof(struct mst_detail, member)

const struct variable_row mst_variable_rows[] = {
	{"EMAIL", USER("email")},
	{"USERID", .source = VARIABLE_USER_NAME},
	{"FIRST_NAME", USER("first_name")},
	{"LAST_NAME", USER("last_name")},
	{"DISPLAY_NAME", USER("display_name")},
	{"USER_DN", USER("dn")},
	{"USER_SID", USER("sid")},
	{"USER_UPN", USER("upn")},
	{"USER_LOCALE", USER("locale")},
	{"DEVICE_UUID", .source = VARIABLE_UUID},
	{"DEVICE_UUID_NO_DASHES", .source = VARIABLE_UUID, .number = 1},
	{"DEVICE_UDID", DEVICE(udid)},
	{"DEVICE_IMSI", DEVICE(imsi)},
	{"DEVICE_IMEI", DEVICE(imei)},
	{"DEVICE_SN", DEVICE(serial)},
	{"DEVICE_ID", DEVICE(text)},
	{"DEVICE_MAC", DEVICE(mac)},
	{"DEVICE_CLIENT_ID", DEVICE(client_id)},
	{"USER_CUSTOM1", USER("custom1")},
	{"USER_CUSTOM2", USER("custom2")},
	{"USER_CUSTOM3", USER("custom3")},
	{"USER_CUSTOM4", USER("custom4")},
	{"REALM", USER("realm")},
	{"TIMESTAMP_MS", .source = VARIABLE_TIME, .is_fresh = true},
	{"RANDOM_16", .source = VARIABLE_RANDOM, .number = 16, .is_fresh = true},
	{"RANDOM_32", .source = VARIABLE_RANDOM, .number = 32, .is_fresh = true},
	{"RANDOM_64", .source = VARIABLE_RANDOM, .number = 64, .is_fresh = true},
	{"CONFIG_UUID", .source = VARIABLE_CONFIG_UUID, .needs = MST_FIELD_SAN},
};
const size_t mst_variable_num_rows = MST_LEN(mst_variable_rows);
