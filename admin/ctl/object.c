/* SPDX-License-Identifier: Apache-2.0 */
/* user, label, setting, enrollment: list, show, set, delete, history; members of labels; audit; shapes. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "muster/file.h"
#include "muster/text.h"
#include "table.h"

#define FILE_MAX_LEN (1u << 20) /* what the engine takes */

struct column {
	const char *title, *key;
};
static const struct column list_columns[] = {
	{"NAME", "name"}, {"TYPE", "type"}, {"VERSION", "version"}, {"CHANGED", "changed_at"},
};
static const struct column history_columns[] = {
	{"VERSION", "version"}, {"AT", "at"}, {"WHO", "who"}, {"CHANGES", "changes"}, {"TOUCHED", "touched"},
};
static const struct column audit_columns[] = {
	{"AT", "at"}, {"WHO", "who"}, {"ACTION", "action"}, {"WHAT", "what"}, {"DETAIL", "detail"},
};
static const struct column member_columns[] = {
	{"ID", "id"}, {"USER", "user"}, {"PLATFORM", "platform"},
};
static const struct column shape_columns[] = {
	{"OF", "of"}, {"TYPE", "type"}, {"HELP", "help"},
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

/* All pages of a list. */
static int list_pages(struct mst_ctl *ctl, struct mst_slice target, const char *list, const struct column *columns, size_t num,
		      struct mst_err *e)
{
	struct listing l;
	uint32_t most;

	if (mst_ctl_u32(&most, "limit", ctl->limit, UINT32_MAX, 1, UINT32_MAX, e) < 0)
		return -1;
	begin(&l, ctl, columns, num);
	return mst_ctl_pages(ctl, target, list, most, &l, on_item, e) < 0 ? -1 : print(&l, e);
}

/* The one list of an answer without pages. */
static int list_once(struct mst_ctl *ctl, struct mst_slice target, const char *list, const struct column *columns, size_t num,
		     struct mst_err *e)
{
	const struct mst_json_value *items;
	struct mst_json_value *root;
	struct listing l;
	int status, rc;

	if (mst_ctl_ask(&root, &status, ctl, "GET", target, none, e) < 0)
		return -1;
	if (!root)
		return MST_CTL_OK;
	begin(&l, ctl, columns, num);
	rc = mst_json_get_array0(root, &items, list, e);
	for (size_t i = 0; rc > 0 && i < mst_json_num(items); i++)
		on_item(&l, mst_json_at0(items, i));
	mst_json_free(&root);
	return rc < 0 ? -1 : print(&l, e);
}

/* /v1/PLURAL[/NAME][TAIL] of the verb's noun. */
static int target_of(struct mst_slice *out, struct mst_ctl *ctl, const char *name, const char *tail, struct mst_err *e)
{
	struct mst_slice escaped = none;

	if (name && mst_client_escape(&escaped, &ctl->arena, mst_slice_str(name), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, out, "/v1/%ss%s%.*s%s", ctl->noun, name ? "/" : "", (int)escaped.len,
			      escaped.at ? (const char *)escaped.at : "", tail))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

struct telling {
	struct mst_ctl *ctl;
	int depth;
};

static void tell_list(struct mst_ctl *ctl, const struct mst_json_value *list)
{
	for (size_t i = 0; i < mst_json_num(list); i++) {
		const struct mst_json_value *item = mst_json_at0(list, i);
		struct mst_slice text;
		struct mst_err e;

		fputs(i ? ", " : "", stdout);
		if (mst_json_get_text0(item, &text, NULL, &e) > 0) {
			mst_table_safe(stdout, text, false);
			continue;
		}
		mst_table_safe(stdout, mst_ctl_get(ctl, item, "key"), false);
		putchar('=');
		mst_table_safe(stdout, mst_ctl_get(ctl, item, "value"), false);
	}
}

static bool on_member(void *context, struct mst_slice key, const struct mst_json_value *json)
{
	struct telling *t = context;
	const struct mst_json_value *inner;
	struct mst_err e;

	printf("%*s", 2 * t->depth, "");
	mst_table_safe(stdout, key, false);
	fputs(": ", stdout);
	if (mst_json_get_array0(json, &inner, NULL, &e) > 0) {
		tell_list(t->ctl, inner);
	} else if (mst_json_get_object0(json, &inner, NULL, &e) > 0) {
		struct telling deeper = {.ctl = t->ctl, .depth = t->depth + 1};
		putchar('\n');
		mst_json_each(inner, &deeper, on_member);
		return true;
	} else {
		mst_table_safe(stdout, mst_ctl_get(t->ctl, json, NULL), false);
	}
	putchar('\n');
	return true;
}

static int ask(struct mst_ctl *ctl, const char *method, struct mst_slice target, struct mst_slice body, struct mst_err *e)
{
	struct telling t = {.ctl = ctl};
	struct mst_call call = {.socket = ctl->socket, .method = method, .target = target, .body = body};
	struct mst_json_value *root = NULL;
	int status;

	/* 204 has nothing to read. */
	if (strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0 && body.len == 0) {
		struct mst_call_reply reply = {0};
		if (mst_client_call(&reply, &ctl->arena, &call, e) < 0)
			return -1;
		if (reply.status == 204)
			return MST_CTL_OK;
	}
	if (mst_ctl_ask(&root, &status, ctl, method, target, body, e) < 0)
		return -1;
	if (root)
		mst_json_each(root, &t, on_member);
	mst_json_free(&root);
	return MST_CTL_OK;
}

int mst_ctl_object_list(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target, type = none;

	if (ctl->type && mst_client_escape(&type, &ctl->arena, mst_slice_str(ctl->type), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, &target, "/v1/%ss?%s%.*s", ctl->noun, ctl->type ? "type=" : "", (int)type.len,
			      type.at ? (const char *)type.at : ""))
		return mst_fail(e, MST_E_BUSY, "no memory");
	char plural[32];
	snprintf(plural, sizeof plural, "%ss", ctl->noun);
	return list_pages(ctl, target, plural, list_columns, MST_LEN(list_columns), e);
}

int mst_ctl_object_show(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	return target_of(&target, ctl, ctl->args[0], "", e) < 0 ? -1 : ask(ctl, "GET", target, none, e);
}

int mst_ctl_object_set(struct mst_ctl *ctl, struct mst_err *e)
{
	const char *path = strcmp(ctl->args[1], "-") == 0 ? "/dev/stdin" : ctl->args[1];
	struct mst_slice target, body;

	if (target_of(&target, ctl, ctl->args[0], "", e) < 0 || mst_file_read(&body, &ctl->arena, path, FILE_MAX_LEN, e) < 0)
		return -1;
	return ask(ctl, "PUT", target, body, e);
}

int mst_ctl_object_delete(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	return target_of(&target, ctl, ctl->args[0], "", e) < 0 ? -1 : ask(ctl, "DELETE", target, none, e);
}

int mst_ctl_object_history(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	if (target_of(&target, ctl, ctl->args[0], "/history", e) < 0)
		return -1;
	return list_once(ctl, target, "history", history_columns, MST_LEN(history_columns), e);
}

int mst_ctl_user_pin(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	return target_of(&target, ctl, ctl->args[0], "/pin", e) < 0 ? -1 : ask(ctl, "POST", target, none, e);
}

int mst_ctl_label_members(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	if (target_of(&target, ctl, ctl->args[0], "/devices?", e) < 0)
		return -1;
	return list_pages(ctl, target, "devices", member_columns, MST_LEN(member_columns), e);
}

static int member_change(struct mst_ctl *ctl, const char *method, struct mst_err *e)
{
	struct mst_slice target, device;

	if (target_of(&target, ctl, ctl->args[0], "/devices/", e) < 0 ||
	    mst_client_escape(&device, &ctl->arena, mst_slice_str(ctl->args[1]), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, &target, "%.*s%.*s", (int)target.len, (const char *)target.at, (int)device.len,
			      (const char *)device.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return ask(ctl, method, target, none, e);
}

int mst_ctl_label_add(struct mst_ctl *ctl, struct mst_err *e)
{
	return member_change(ctl, "PUT", e);
}

int mst_ctl_label_remove(struct mst_ctl *ctl, struct mst_err *e)
{
	return member_change(ctl, "DELETE", e);
}

int mst_ctl_audit(struct mst_ctl *ctl, struct mst_err *e)
{
	return list_pages(ctl, MST_S("/v1/audit?"), "audit", audit_columns, MST_LEN(audit_columns), e);
}

int mst_ctl_shapes(struct mst_ctl *ctl, struct mst_err *e)
{
	return list_once(ctl, MST_S("/v1/shapes"), "shapes", shape_columns, MST_LEN(shape_columns), e);
}
