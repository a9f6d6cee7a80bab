/* SPDX-License-Identifier: Apache-2.0 */
/* scep challenge: asks the engine for a one-time challenge of one device. */
#include <stdio.h>

#include "ctl.h"
#include "table.h"

static int write_wish(struct mst_slice *out, struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_json j;
	uint32_t minutes;

	if (!ctl->authority || !ctl->device)
		return mst_fail(e, MST_E_CONF, "scep challenge needs --authority and --device");
	if (mst_ctl_u32(&minutes, "minutes", ctl->minutes, 0, 1, UINT32_MAX, e) < 0)
		return -1;
	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "authority", mst_slice_str(ctl->authority));
	mst_json_text(&j, "device", mst_slice_str(ctl->device));
	if (ctl->name)
		mst_json_text(&j, "common_name", mst_slice_str(ctl->name));
	if (minutes)
		mst_json_u64(&j, "minutes", minutes);
	if (ctl->dns[0])
		mst_json_open_array(&j, "dns");
	for (size_t i = 0; ctl->dns[i]; i++)
		mst_json_text(&j, NULL, mst_slice_str(ctl->dns[i]));
	if (ctl->dns[0])
		mst_json_close(&j);
	mst_json_close(&j);
	return mst_json_end(&j, out, e);
}

int mst_ctl_scep_challenge(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const keys[] = {"challenge", "authority", "device", "common_name", "expires_at"};
	struct mst_json_value *root;
	struct mst_slice body;
	int status;

	if (strcmp(ctl->args[0], "new") != 0)
		return mst_fail(e, MST_E_CONF, "scep challenge can only make a new one");
	if (write_wish(&body, ctl, e) < 0 || mst_ctl_ask(&root, &status, ctl, "POST", MST_S("/v1/challenges"), body, e) < 0)
		return -1;
	for (size_t i = 0; root && i < MST_LEN(keys); i++) {
		printf("%-12s ", keys[i]);
		mst_table_safe(stdout, mst_ctl_get(ctl, root, keys[i]), false);
		putchar('\n');
	}
	mst_json_free(&root);
	return MST_CTL_OK;
}
