/* SPDX-License-Identifier: Apache-2.0 */
/* cert list, cert show, cert revoke: certificates that the engine's authorities issued. */
#include <stdio.h>

#include "ctl.h"
#include "table.h"

static const struct {
	const char *title, *key;
} columns[] = {
	{"AUTHORITY", "authority"}, {"SERIAL", "serial"}, {"STATE", "state"}, {"NAME", "name"}, {"DEVICE", "device"},
	{"SOURCE", "source"}, {"NOT AFTER", "not_after"},
}, rows[] = {
	{"authority", "authority"}, {"serial", "serial"}, {"state", "state"}, {"name", "name"}, {"device", "device"},
	{"source", "source"}, {"issued", "issued_at"}, {"not after", "not_after"}, {"revoked", "revoked_at"}, {"reason", "reason"},
	{"SHA-256", "sha256"},
};

struct listing {
	struct mst_ctl *ctl;
	struct mst_table table;
};

static void on_item(void *context, const struct mst_json_value *item)
{
	struct listing *l = context;

	for (size_t i = 0; i < MST_LEN(columns); i++)
		mst_table_text(&l->table, mst_ctl_get(l->ctl, item, columns[i].key));
}

/* Adds "&name=value" with the value escaped. */
static int filter(struct mst_slice *target, struct mst_ctl *ctl, const char *name, const char *value, struct mst_err *e)
{
	struct mst_slice escaped;

	if (!value)
		return 0;
	if (mst_client_escape(&escaped, &ctl->arena, mst_slice_str(value), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, target, "%.*s&%s=%.*s", (int)target->len, (const char *)target->at, name, (int)escaped.len,
			      (const char *)escaped.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

int mst_ctl_cert_list(struct mst_ctl *ctl, struct mst_err *e)
{
	const char *head[MST_LEN(columns) + 1] = {NULL};
	struct mst_slice target = MST_S("/v1/certificates?");
	struct listing l = {.ctl = ctl};
	uint32_t most;

	for (size_t i = 0; i < MST_LEN(columns); i++)
		head[i] = columns[i].title;
	mst_table_begin(&l.table, &ctl->arena, head);
	if (mst_ctl_u32(&most, "limit", ctl->limit, UINT32_MAX, 1, UINT32_MAX, e) < 0 ||
	    filter(&target, ctl, "authority", ctl->num_args ? ctl->args[0] : NULL, e) < 0 ||
	    filter(&target, ctl, "state", ctl->state, e) < 0 ||
	    mst_ctl_pages(ctl, target, "certificates", most, &l, on_item, e) < 0)
		return -1;
	if (!ctl->is_json && mst_table_print(&l.table, stdout) < 0)
		return mst_fail(e, MST_E_BUSY, "no memory");
	return MST_CTL_OK;
}

/* /v1/certificates/AUTHORITY/SERIAL and a tail. */
static int target_of(struct mst_slice *out, struct mst_ctl *ctl, const char *tail, struct mst_err *e)
{
	struct mst_slice authority, serial;

	if (mst_client_escape(&authority, &ctl->arena, mst_slice_str(ctl->args[0]), "", e) < 0 ||
	    mst_client_escape(&serial, &ctl->arena, mst_slice_str(ctl->args[1]), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, out, "/v1/certificates/%.*s/%.*s%s", (int)authority.len, (const char *)authority.at,
			      (int)serial.len, (const char *)serial.at, tail))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

static int ask(struct mst_ctl *ctl, const char *method, struct mst_slice target, struct mst_err *e)
{
	const struct mst_slice none = {NULL, 0};
	struct mst_json_value *root;
	struct mst_slice pem;
	int status;

	if (mst_ctl_ask(&root, &status, ctl, method, target, none, e) < 0)
		return -1;
	if (!root)
		return MST_CTL_OK;
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		printf("%-10s ", rows[i].title);
		mst_table_safe(stdout, mst_ctl_get(ctl, root, rows[i].key), false);
		putchar('\n');
	}
	if (mst_json_get_text0(root, &pem, "certificate", NULL) > 0)
		mst_table_safe(stdout, pem, true);
	mst_json_free(&root);
	return MST_CTL_OK;
}

int mst_ctl_cert_show(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	return target_of(&target, ctl, "", e) < 0 ? -1 : ask(ctl, "GET", target, e);
}

int mst_ctl_cert_revoke(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	if (target_of(&target, ctl, "/revoke?", e) < 0 || filter(&target, ctl, "reason", ctl->reason, e) < 0)
		return -1;
	return ask(ctl, "POST", target, e);
}
