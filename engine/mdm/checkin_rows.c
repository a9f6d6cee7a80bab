/* SPDX-License-Identifier: Apache-2.0 */
/* The check-in messages: one row for each MessageType of Apple's schemas, and one for each key that is kept. */
#include "own.h"

#define B(name) MST_B(CHECKIN_##name)
#define BOTH (ON_DEVICE | ON_USER)
#define AUTH OCCASION_AUTHENTICATE
#define OUT OCCASION_CHECK_OUT
#define OTHER OCCASION_OTHER

/* clang-format off */
const struct mdm_checkin_row mst_checkin_rows[NUM_CHECKINS] = {
	/*                                 MessageType              channels   occasion detail channel */
	[CHECKIN_AUTHENTICATE]           = {"Authenticate",          ON_DEVICE, AUTH,  true,  false, mst_apply_authenticate},
	[CHECKIN_TOKEN_UPDATE]           = {"TokenUpdate",           BOTH,      OTHER, true,  true,  mst_apply_token_update},
	[CHECKIN_CHECK_OUT]              = {"CheckOut",              ON_DEVICE, OUT,   false, false, mst_apply_check_out},
	[CHECKIN_USER_AUTHENTICATE]      = {"UserAuthenticate",      ON_USER,   OTHER, false, false, mst_apply_user_authenticate},
	[CHECKIN_SET_BOOTSTRAP_TOKEN]    = {"SetBootstrapToken",     ON_DEVICE, OTHER, false, true,  mst_apply_set_bootstrap_token},
	[CHECKIN_GET_BOOTSTRAP_TOKEN]    = {"GetBootstrapToken",     ON_DEVICE, OTHER, false, true,  mst_apply_get_bootstrap_token},
	[CHECKIN_DECLARATIVE_MANAGEMENT] = {"DeclarativeManagement", BOTH,      OTHER, false, false, mst_apply_declarative_management},
	[CHECKIN_GET_TOKEN]              = {"GetToken",              BOTH,      OTHER, false, false, mst_apply_get_token},
};

#define AT(field) offsetof(struct mdm_message, field)
#define ALL_TOPIC (B(AUTHENTICATE) | B(TOKEN_UPDATE) | B(CHECK_OUT))

/* Lengths: an APNs token is 32 bytes today, an unlock token some 3 KiB, a bootstrap token some hundred bytes; names are people's. */
const struct mdm_item_row mst_checkin_items[] = {
	/* key                     where                          kind       needed by         at most */
	{"Topic",                 AT(topic),                     ITEM_TEXT, ALL_TOPIC,        256},
	{"Token",                 AT(token),                     ITEM_DATA, B(TOKEN_UPDATE),  256},
	{"PushMagic",             AT(magic),                     ITEM_TEXT, B(TOKEN_UPDATE),  256},
	{"UnlockToken",           AT(unlock_token),              ITEM_DATA, 0,                32768},
	{"BootstrapToken",        AT(bootstrap_token),           ITEM_DATA, 0,                4096},
	{"AwaitingConfiguration", AT(is_awaiting_configuration), ITEM_BOOL, 0,                0},
	{"OSVersion",             AT(os_version),                ITEM_TEXT, 0,                64},
	{"BuildVersion",          AT(build),                     ITEM_TEXT, 0,                64},
	{"ProductName",           AT(product),                   ITEM_TEXT, 0,                128},
	{"SerialNumber",          AT(serial),                    ITEM_TEXT, 0,                128},
	{"IMEI",                  AT(imei),                      ITEM_TEXT, 0,                64},
	{"MEID",                  AT(meid),                      ITEM_TEXT, 0,                64},
	{"DeviceName",            AT(device_name),               ITEM_TEXT, 0,                1024},
	{"Model",                 AT(model),                     ITEM_TEXT, 0,                128},
	{"ModelName",             AT(model_name),                ITEM_TEXT, 0,                256},
};
/* clang-format on */
const size_t mst_checkin_num_items = MST_LEN(mst_checkin_items);

const struct mdm_checkin_row *mst_checkin_find(struct mst_slice name)
{
	for (size_t i = 0; i < MST_LEN(mst_checkin_rows); i++)
		if (mst_slice_eq(mst_slice_str(mst_checkin_rows[i].name), name))
			return &mst_checkin_rows[i];
	return NULL;
}
