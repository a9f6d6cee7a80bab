/* SPDX-License-Identifier: Apache-2.0 */
/* identity list, revoke, remove, reenroll, test, upload: who holds which certificate under an enrolment setting. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "muster/file.h"
#include "muster/text.h"
#include "table.h"

#define FILE_MAX_LEN (256u << 10) /* what the engine takes */

static const struct {
	const char *title, *key;
} columns[] = {
	{"DEVICE", "device"}, {"USER", "user"}, {"ENROLLMENT", "enrollment"}, {"SETTING", "setting"}, {"STATE", "state"},
	{"SERIAL", "serial"}, {"NOT AFTER", "not_after"}, {"MADE", "made"}, {"REASON", "reason"},
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

int mst_ctl_identity_list(struct mst_ctl *ctl, struct mst_err *e)
{
	const struct {
		const char *name, *value;
	} filters[] = {
		{"device", ctl->device}, {"user", ctl->user}, {"enrollment", ctl->enrollment}, {"state", ctl->state},
		{"expires_before", ctl->expires_before}, {"expires_after", ctl->expires_after},
	};
	const char *head[MST_LEN(columns) + 1] = {NULL};
	struct mst_slice target = MST_S("/v1/identities?");
	struct listing l = {.ctl = ctl};
	uint32_t most;

	for (size_t i = 0; i < MST_LEN(columns); i++)
		head[i] = columns[i].title;
	mst_table_begin(&l.table, &ctl->arena, head);
	if (mst_ctl_u32(&most, "limit", ctl->limit, UINT32_MAX, 1, UINT32_MAX, e) < 0)
		return -1;
	for (size_t i = 0; i < MST_LEN(filters); i++)
		if (filter(&target, ctl, filters[i].name, filters[i].value, e) < 0)
			return -1;
	if (mst_ctl_pages(ctl, target, "identities", most, &l, on_item, e) < 0)
		return -1;
	if (!ctl->is_json && mst_table_print(&l.table, stdout) < 0)
		return mst_fail(e, MST_E_BUSY, "no memory");
	return MST_CTL_OK;
}

static int ask(struct mst_ctl *ctl, const char *method, struct mst_slice target, struct mst_slice body, const char *const *keys,
	       struct mst_err *e)
{
	struct mst_json_value *root;
	struct mst_slice pem;
	int status;

	if (mst_ctl_ask(&root, &status, ctl, method, target, body, e) < 0)
		return -1;
	if (!root)
		return MST_CTL_OK;
	for (size_t i = 0; keys[i]; i++) {
		struct mst_slice text = mst_ctl_get(ctl, root, keys[i]);
		if (mst_slice_eq(text, MST_S("-")))
			continue;
		printf("%-14s ", keys[i]);
		mst_table_safe(stdout, text, false);
		putchar('\n');
	}
	if (mst_json_get_text0(root, &pem, "certificate", NULL) > 0)
		mst_table_safe(stdout, pem, true);
	mst_json_free(&root);
	return MST_CTL_OK;
}

/* A path of two escaped parts around constant ones. */
static int path(struct mst_slice *out, struct mst_ctl *ctl, const char *head, const char *middle, const char *tail, struct mst_err *e)
{
	struct mst_slice a, b = {NULL, 0};

	if (mst_client_escape(&a, &ctl->arena, mst_slice_str(ctl->args[0]), ":", e) < 0 ||
	    (middle && mst_client_escape(&b, &ctl->arena, mst_slice_str(ctl->args[1]), "", e) < 0))
		return -1;
	if (!mst_arena_format(&ctl->arena, out, "%s%.*s%s%.*s%s", head, (int)a.len, (const char *)a.at, middle ? middle : "", (int)b.len,
			      b.at ? (const char *)b.at : "", tail))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

static int end(struct mst_ctl *ctl, const char *tail, struct mst_err *e)
{
	static const char *const keys[] = {"owner", "enrollment", "state", "revoked", NULL};
	struct mst_slice target, none = {NULL, 0};

	return path(&target, ctl, "/v1/identities/", "/", tail, e) < 0 ? -1 : ask(ctl, "POST", target, none, keys, e);
}

int mst_ctl_identity_revoke(struct mst_ctl *ctl, struct mst_err *e)
{
	return end(ctl, "/revoke", e);
}

int mst_ctl_identity_remove(struct mst_ctl *ctl, struct mst_err *e)
{
	return end(ctl, "/remove", e);
}

int mst_ctl_identity_reenroll(struct mst_ctl *ctl, struct mst_err *e)
{
	return end(ctl, "/reenroll", e);
}

int mst_ctl_identity_test(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const keys[] = {"enrollment", "serial", "not_before", "not_after", "scep_url", "scep_name", "subject", "revoked", NULL};
	struct mst_slice target, body;
	struct mst_json j;

	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	if (ctl->device)
		mst_json_text(&j, "device", mst_slice_str(ctl->device));
	if (ctl->user)
		mst_json_text(&j, "user", mst_slice_str(ctl->user));
	mst_json_close(&j);
	if (mst_json_end(&j, &body, e) < 0 || path(&target, ctl, "/v1/enrollments/", NULL, "/test", e) < 0)
		return -1;
	return ask(ctl, "POST", target, body, keys, e);
}

/* A line of a file: passwords do not belong on command lines. */
static int password_of(struct mst_slice *out, struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice rest;

	if (mst_file_read(out, &ctl->arena, ctl->password_file, 4096, e) < 0)
		return -1;
	(void)mst_slice_cut(out, &rest, *out, '\n');
	return 0;
}

int mst_ctl_identity_upload(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const keys[] = {"user", "enrollment", "state", "needs_password", "serial", "not_after", NULL};
	struct mst_slice target, body, file = {NULL, 0}, password;
	struct mst_json j;

	if (ctl->num_args < 3 && !ctl->password_file)
		return mst_fail(e, MST_E_CONF, "identity upload needs a file, or --password-file for one that waits");
	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	if (ctl->num_args == 3) {
		if (mst_file_read(&file, &ctl->arena, ctl->args[2], FILE_MAX_LEN, e) < 0)
			return -1;
		mst_json_base64(&j, "file", file);
	}
	if (ctl->password_file) {
		if (password_of(&password, ctl, e) < 0)
			return -1;
		mst_json_text(&j, "password", password);
	}
	mst_json_close(&j);
	if (mst_json_end(&j, &body, e) < 0 || path(&target, ctl, "/v1/users/", "/certificates/", "", e) < 0)
		return -1;
	return ask(ctl, "PUT", target, body, keys, e);
}
