/* SPDX-License-Identifier: Apache-2.0 */
/* device settings, device retry, device retire; setting devices. */
#include <stdio.h>

#include "ctl.h"
#include "table.h"

struct column {
	const char *title, *key;
};
static const struct column setting_columns[] = {
	{"NAME", "name"}, {"TYPE", "type"}, {"STATE", "state"}, {"VERSION", "wanted"}, {"CHANGED", "changed_at"}, {"REASON", "reason"},
};
static const struct column device_columns[] = {
	{"ID", "id"}, {"USER", "user"}, {"STATE", "state"}, {"VERSION", "wanted"}, {"CHANGED", "changed_at"}, {"REASON", "reason"},
};

static const struct mst_slice none;

struct listing {
	struct mst_ctl *ctl;
	struct mst_table table;
	const struct column *columns;
	size_t num_columns;
};

static void begin(struct listing *l, struct mst_ctl *ctl, const struct column *columns, size_t num)
{
	const char *head[MST_TABLE_COLUMNS_MAX + 1] = {NULL};

	for (size_t i = 0; i < num; i++)
		head[i] = columns[i].title;
	*l = (struct listing){.ctl = ctl, .columns = columns, .num_columns = num};
	mst_table_begin(&l->table, &ctl->arena, head);
}

static void on_item(void *context, const struct mst_json_value *item)
{
	struct listing *l = context;

	for (size_t i = 0; i < l->num_columns; i++)
		mst_table_text(&l->table, mst_ctl_get(l->ctl, item, l->columns[i].key));
}

static int print(struct listing *l, struct mst_err *e)
{
	if (!l->ctl->is_json && mst_table_print(&l->table, stdout) < 0)
		return mst_fail(e, MST_E_BUSY, "no memory");
	return MST_CTL_OK;
}

int mst_ctl_device_settings(struct mst_ctl *ctl, struct mst_err *e)
{
	const struct mst_json_value *items;
	struct mst_json_value *root;
	struct mst_slice target;
	struct listing l;
	int status, rc;

	if (mst_ctl_target(&target, ctl, ctl->args[0], "/settings", e) < 0 ||
	    mst_ctl_ask(&root, &status, ctl, "GET", target, none, e) < 0)
		return -1;
	if (!root)
		return MST_CTL_OK;
	begin(&l, ctl, setting_columns, MST_LEN(setting_columns));
	rc = mst_json_get_array0(root, &items, "settings", e);
	for (size_t i = 0; rc > 0 && i < mst_json_num(items); i++)
		on_item(&l, mst_json_at0(items, i));
	mst_json_free(&root);
	return rc < 0 ? -1 : print(&l, e);
}

static int post(struct mst_ctl *ctl, struct mst_slice target, const char *said, struct mst_err *e)
{
	struct mst_json_value *root;
	int status;

	if (mst_ctl_ask(&root, &status, ctl, "POST", target, none, e) < 0)
		return -1;
	if (root)
		printf("%s %s\n", ctl->args[0], said);
	mst_json_free(&root);
	return MST_CTL_OK;
}

int mst_ctl_device_retry(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target, name, tail;

	if (mst_client_escape(&name, &ctl->arena, mst_slice_str(ctl->args[1]), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, &tail, "/settings/%.*s/retry", (int)name.len, (const char *)name.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_ctl_target(&target, ctl, ctl->args[0], (const char *)tail.at, e) < 0)
		return -1;
	return post(ctl, target, "is tried again", e);
}

int mst_ctl_device_retire(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	if (mst_ctl_target(&target, ctl, ctl->args[0], "/retire", e) < 0)
		return -1;
	return post(ctl, target, "is retired: its settings, identities and enrolment are being taken away", e);
}

int mst_ctl_setting_devices(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target, name, state = none;
	struct listing l;
	uint32_t most;

	if (mst_ctl_u32(&most, "limit", ctl->limit, UINT32_MAX, 1, UINT32_MAX, e) < 0 ||
	    mst_client_escape(&name, &ctl->arena, mst_slice_str(ctl->args[0]), "", e) < 0 ||
	    (ctl->state && mst_client_escape(&state, &ctl->arena, mst_slice_str(ctl->state), "", e) < 0))
		return -1;
	if (!mst_arena_format(&ctl->arena, &target, "/v1/settings/%.*s/devices?%s%.*s", (int)name.len, (const char *)name.at,
			      state.len ? "state=" : "", (int)state.len, state.len ? (const char *)state.at : ""))
		return mst_fail(e, MST_E_BUSY, "no memory");
	begin(&l, ctl, device_columns, MST_LEN(device_columns));
	return mst_ctl_pages(ctl, target, "devices", most, &l, on_item, e) < 0 ? -1 : print(&l, e);
}
