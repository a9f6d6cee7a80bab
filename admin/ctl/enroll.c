/* SPDX-License-Identifier: Apache-2.0 */
/* enroll link, enroll renew: a device's first profile and the ones that follow. */
#include <stdio.h>

#include "ctl.h"
#include "table.h"

static void put_text(struct mst_json *j, const char *key, const char *text)
{
	if (text)
		mst_json_text(j, key, mst_slice_str(text));
}

static int write_wish(struct mst_slice *out, struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_json j;
	uint32_t minutes;

	if (!ctl->authority || !ctl->device)
		return mst_fail(e, MST_E_CONF, "enroll link needs --authority and --device");
	if (mst_ctl_u32(&minutes, "minutes", ctl->minutes, 0, 1, UINT32_MAX, e) < 0)
		return -1;
	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	put_text(&j, "authority", ctl->authority);
	put_text(&j, "device", ctl->device);
	put_text(&j, "common_name", ctl->name);
	if (minutes)
		mst_json_u64(&j, "minutes", minutes);
	mst_json_open_array(&j, "dns");
	for (size_t i = 0; ctl->dns[i]; i++)
		put_text(&j, NULL, ctl->dns[i]);
	mst_json_close(&j);
	mst_json_close(&j);
	return mst_json_end(&j, out, e);
}

static int ask(struct mst_ctl *ctl, struct mst_slice target, struct mst_slice body, const char *const *keys, struct mst_err *e)
{
	struct mst_json_value *root;
	int status;

	if (mst_ctl_ask(&root, &status, ctl, "POST", target, body, e) < 0)
		return -1;
	for (size_t i = 0; root && keys[i]; i++) {
		printf("%-13s ", keys[i]);
		mst_table_safe(stdout, mst_ctl_get(ctl, root, keys[i]), false);
		putchar('\n');
	}
	mst_json_free(&root);
	return MST_CTL_OK;
}

int mst_ctl_enroll_link(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const keys[] = {"url", "ota_url", "authority", "device", "common_name", "expires_at", NULL};
	struct mst_slice body;

	return write_wish(&body, ctl, e) < 0 ? -1 : ask(ctl, MST_S("/v1/enroll/links"), body, keys, e);
}

int mst_ctl_enroll_renew(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const keys[] = {"command_uuid", "request_type", "authority", "common_name", "expires_at", NULL};
	struct mst_slice id, target, body;
	struct mst_json j;

	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	put_text(&j, "common_name", ctl->name);
	mst_json_close(&j);
	if (mst_json_end(&j, &body, e) < 0 || mst_client_escape(&id, &ctl->arena, mst_slice_str(ctl->args[0]), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, &target, "/v1/enroll/renew/%.*s", (int)id.len, (const char *)id.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return ask(ctl, target, body, keys, e);
}
