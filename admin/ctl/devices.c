/* SPDX-License-Identifier: Apache-2.0 */
/* devices list, devices show. */
#include <stdio.h>

#include "ctl.h"
#include "muster/text.h"
#include "table.h"

struct column {
	const char *title, *key;
};

static const struct column list_columns[] = {
	{"ID", "id"},
	{"TYPE", "type"},
	{"STATE", "state"},
	{"SERIAL", "serial"},
	{"OS", "os_version"},
	{"NAME", "device_name"},
	{"LAST SEEN", "last_seen"},
};
static const struct column channel_columns[] = {
	{"CHANNEL", "id"},           {"TYPE", "type"},
	{"ENABLED", "enabled"},      {"USER", "user_short_name"},
	{"TOKENS", "token_updates"}, {"QUEUED", "queued"},
	{"UPDATED", "updated_at"},
};
static const struct column device_rows[] = {
	{"id", "id"},
	{"type", "type"},
	{"state", "state"},
	{"serial", "serial"},
	{"device name", "device_name"},
	{"product", "product_name"},
	{"model", "model"},
	{"model name", "model_name"},
	{"OS version", "os_version"},
	{"build", "build_version"},
	{"IMEI", "imei"},
	{"MEID", "meid"},
	{"topic", "topic"},
	{"enrolled", "enrolled_at"},
	{"updated", "updated_at"},
	{"last seen", "last_seen"},
	{"token updates", "token_updates"},
	{"queued", "queued"},
};

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

/* Filters as a query; the page's limit comes behind. */
static int filters(struct mst_slice *out, struct mst_ctl *ctl, struct mst_err *e)
{
	const struct column rows[] = {{"state", ctl->state},
				      {"serial", ctl->serial},
				      {"name", ctl->name},
				      {"type", ctl->type}};
	struct mst_slice escaped;

	*out = MST_S("/v1/devices?");
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		if (!rows[i].key)
			continue;
		if (mst_client_escape(&escaped, &ctl->arena, mst_slice_str(rows[i].key), "", e) < 0)
			return -1;
		if (!mst_arena_format(&ctl->arena, out, "%.*s&%s=%.*s", (int)out->len,
				      (const char *)out->at, rows[i].title, (int)escaped.len,
				      (const char *)escaped.at))
			return mst_fail(e, MST_E_BUSY, "no memory");
	}
	return 0;
}

int mst_ctl_devices_list(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;
	struct listing l;
	uint32_t most;

	begin(&l, ctl, list_columns, MST_LEN(list_columns));
	if (mst_ctl_u32(&most, "limit", ctl->limit, UINT32_MAX, 1, UINT32_MAX, e) < 0 ||
	    filters(&target, ctl, e) < 0 ||
	    mst_ctl_pages(ctl, target, "devices", most, &l, on_item, e) < 0)
		return -1;
	if (!ctl->is_json && mst_table_print(&l.table, stdout) < 0)
		return mst_fail(e, MST_E_BUSY, "no memory");
	return MST_CTL_OK;
}

int mst_ctl_devices_show(struct mst_ctl *ctl, struct mst_err *e)
{
	const struct mst_json_value *channels;
	struct mst_json_value *root;
	struct mst_slice target;
	struct listing l;
	int status, rc = 0;

	if (mst_ctl_target(&target, ctl, ctl->args[0], "", e) < 0 ||
	    mst_ctl_ask(&root, &status, ctl, "GET", target, (struct mst_slice){NULL, 0}, e) < 0)
		return -1;
	if (!root)
		return MST_CTL_OK;
	for (size_t i = 0; i < MST_LEN(device_rows); i++) {
		printf("%-14s ", device_rows[i].title);
		mst_table_safe(stdout, mst_ctl_get(ctl, root, device_rows[i].key), false);
		putchar('\n');
	}
	if (mst_json_get_array0(root, &channels, "channels", e) > 0 && mst_json_num(channels)) {
		putchar('\n');
		begin(&l, ctl, channel_columns, MST_LEN(channel_columns));
		for (size_t i = 0; i < mst_json_num(channels); i++)
			on_item(&l, mst_json_at0(channels, i));
		rc = mst_table_print(&l.table, stdout);
	}
	mst_json_free(&root);
	return rc < 0 ? mst_fail(e, MST_E_BUSY, "no memory") : MST_CTL_OK;
}
