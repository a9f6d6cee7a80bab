/* SPDX-License-Identifier: Apache-2.0 */
/* What a device may say on the command channel: one row for each Status, one for each key that is looked at. */
#include "own.h"

/* clang-format off */
const struct mdm_status_row mst_command_rows[] = {
	/* Status              kind            the command becomes */
	{"Idle",               STATUS_IDLE,    MST_COMMAND_QUEUED},
	{"Acknowledged",       STATUS_OVER,    MST_COMMAND_ACKNOWLEDGED},
	{"Error",              STATUS_OVER,    MST_COMMAND_ERROR},
	{"CommandFormatError", STATUS_OVER,    MST_COMMAND_FORMAT_ERROR},
	{"NotNow",             STATUS_NOT_NOW, MST_COMMAND_NOT_NOW},
};
const size_t mst_command_num_rows = MST_LEN(mst_command_rows);

const struct mdm_item_row mst_command_items[] = {
	{"Status",      offsetof(struct mdm_message, status), ITEM_TEXT, 1, 64},
	{"CommandUUID", offsetof(struct mdm_message, uuid),   ITEM_TEXT, 0, MST_UUID_MAX},
};

/* Answers to DeviceInformation (Apple's schema of that name): facts that variables and labels speak of. */
const struct mdm_item_row mst_command_answers[] = {
	{"OSVersion",    offsetof(struct mdm_message, os_version), ITEM_TEXT, 0, 64},
	{"ProductName",  offsetof(struct mdm_message, product),    ITEM_TEXT, 0, 128},
	{"SerialNumber", offsetof(struct mdm_message, serial),     ITEM_TEXT, 0, 128},
	{"IMEI",         offsetof(struct mdm_message, imei),       ITEM_TEXT, 0, 64},
	{"Model",        offsetof(struct mdm_message, model),      ITEM_TEXT, 0, 128},
	{"WiFiMAC",      offsetof(struct mdm_message, mac),        ITEM_TEXT, 0, 64},
};
const size_t mst_command_num_answers = MST_LEN(mst_command_answers);
/* clang-format on */
const size_t mst_command_num_items = MST_LEN(mst_command_items);
