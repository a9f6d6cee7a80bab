/* SPDX-License-Identifier: Apache-2.0 */
/* enqueue, cancel, results. */
#include <stdio.h>
#include <unistd.h>

#include "ctl.h"
#include "muster/buf.h"
#include "muster/file.h"
#include "muster/plist.h"
#include "muster/text.h"
#include "table.h"

#define COMMAND_MAX (2u << 20) /* the engine's own limit is lower and told by it */
#define UUID_LEN    36

static int read_stdin(struct mst_slice *out, struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_buf in = {.limit = COMMAND_MAX};
	int rc = 0;

	for (;;) {
		uint8_t *room = mst_buf_room(&in, 4096, e);
		size_t n = room ? fread(room, 1, 4096, stdin) : 0;
		if (!room || n == 0) {
			rc = room ? 0 : -1;
			break;
		}
		mst_buf_put(&in, n);
	}
	if (rc == 0 && !mst_arena_copy(&ctl->arena, out, mst_buf_slice(&in)))
		rc = mst_fail(e, MST_E_BUSY, "no memory");
	mst_buf_done(&in);
	return rc;
}

/* RFC 9562 5.4: a random UUID, upper case as Apple writes them. */
static void fresh_uuid(char out[static UUID_LEN + 1])
{
	uint8_t r[16];

	mst_random(r, sizeof(r));
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	snprintf(out, UUID_LEN + 1,
		 "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", r[0], r[1],
		 r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
		 r[15]);
}

static int make_command(struct mst_slice *out, struct mst_ctl *ctl, struct mst_err *e)
{
	char uuid[UUID_LEN + 1];
	struct mst_plist_out w;

	fresh_uuid(uuid);
	mst_plist_begin(&w, &ctl->arena);
	mst_plist_open_dict(&w, NULL);
	mst_plist_open_dict(&w, "Command");
	mst_plist_put_text(&w, "RequestType", mst_slice_str(ctl->request_type));
	if (strcmp(ctl->request_type, "DeviceInformation") == 0) { /* Apple demands Queries here */
		mst_plist_open_array(&w, "Queries");
		mst_plist_put_text(&w, NULL, MST_S("DeviceName"));
		mst_plist_put_text(&w, NULL, MST_S("OSVersion"));
		mst_plist_put_text(&w, NULL, MST_S("SerialNumber"));
		mst_plist_close(&w);
	}
	mst_plist_close(&w);
	mst_plist_put_text(&w, "CommandUUID", mst_slice_str(uuid));
	mst_plist_close(&w);
	return mst_plist_end(&w, out, e);
}

static int take_command(struct mst_slice *out, struct mst_ctl *ctl, struct mst_err *e)
{
	if (ctl->request_type)
		return ctl->num_args == 1
			       ? make_command(out, ctl, e)
			       : mst_fail(e, MST_E_CONF,
					  "enqueue takes a file or --request-type, not both");
	if (ctl->num_args < 2)
		return mst_fail(e, MST_E_CONF,
				"enqueue needs a file, - for standard input, or --request-type");
	if (strcmp(ctl->args[1], "-") == 0)
		return read_stdin(out, ctl, e);
	return mst_file_read(out, &ctl->arena, ctl->args[1], COMMAND_MAX, e);
}

struct outcome {
	struct mst_table table;
	uint32_t num_failed;
};

/* What is queued and not pushed waits until the device comes by itself. */
static bool tell_push(struct mst_table *table, const struct mst_json_value *value)
{
	struct mst_slice words, text;

	if (mst_json_get_text0(value, &words, "push_error", NULL) <= 0) {
		mst_table_text(table, mst_json_get_text0(value, &words, "push_result", NULL) > 0 ? MST_S("queued, pushed")
												 : MST_S("queued"));
		return false;
	}
	if (!mst_arena_format(table->arena, &text, "queued, not pushed: %.*s", (int)words.len, (const char *)words.at))
		text = MST_S("queued, not pushed");
	mst_table_text(table, text);
	return true;
}

static bool on_status(void *context, struct mst_slice key, const struct mst_json_value *value)
{
	struct outcome *o = context;
	struct mst_slice words;
	bool is_bad = mst_json_get_text0(value, &words, "command_error", NULL) > 0;

	mst_table_text(&o->table, key);
	if (is_bad)
		mst_table_text(&o->table, words);
	else
		is_bad = tell_push(&o->table, value);
	o->num_failed += is_bad;
	return true;
}

static int show_outcome(struct mst_ctl *ctl, const struct mst_json_value *root, struct mst_err *e)
{
	static const char *const head[] = {"ID", "OUTCOME", NULL};
	const struct mst_json_value *list;
	struct mst_slice words;
	struct outcome o = {0};

	if (mst_json_get_text0(root, &words, "error", NULL) > 0 ||
	    mst_json_get_text0(root, &words, "command_error", NULL) > 0)
		return mst_fail(e, MST_E_DENIED, "%.*s", (int)words.len, (const char *)words.at);
	if (mst_json_get_object0(root, &list, "status", e) <= 0)
		return mst_fail(e, MST_E_SYNTAX, "the answer has no \"status\"");
	printf("command ");
	mst_table_safe(stdout, mst_ctl_get(ctl, root, "command_uuid"), false);
	printf(" (");
	mst_table_safe(stdout, mst_ctl_get(ctl, root, "request_type"), false);
	printf(")\n");
	mst_table_begin(&o.table, &ctl->arena, head);
	mst_json_each(list, &o, on_status);
	if (mst_table_print(&o.table, stdout) < 0)
		return mst_fail(e, MST_E_BUSY, "no memory");
	return o.num_failed ? MST_CTL_FAILED : MST_CTL_OK;
}

int mst_ctl_enqueue(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_json_value *root;
	struct mst_slice body, ids, target;
	int status, rc;

	if (take_command(&body, ctl, e) < 0 ||
	    mst_client_escape(&ids, &ctl->arena, mst_slice_str(ctl->args[0]), ":,", e) < 0)
		return -1;
	if (body.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "the command is empty");
	if (!mst_arena_format(&ctl->arena, &target, "/v1/enqueue/%.*s%s", (int)ids.len,
			      (const char *)ids.at, ctl->has_no_push ? "?nopush=1" : ""))
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_ctl_ask(&root, &status, ctl, "PUT", target, body, e) < 0)
		return -1;
	if (!root)
		return status == 200 ? MST_CTL_OK : MST_CTL_FAILED;
	rc = show_outcome(ctl, root, e);
	mst_json_free(&root);
	return rc;
}

static int command_target(struct mst_slice *out, struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice uuid, tail;

	if (mst_client_escape(&uuid, &ctl->arena, mst_slice_str(ctl->args[1]), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, &tail, "/commands/%.*s", (int)uuid.len,
			      (const char *)uuid.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return mst_ctl_target(out, ctl, ctl->args[0], (const char *)tail.at, e);
}

static const struct {
	const char *title, *key;
} command_rows[] = {{"command", "command_uuid"}, {"request type", "request_type"},
		    {"state", "state"},          {"queued", "queued_at"},
		    {"changed", "changed_at"},   {"NotNow", "not_now"}};

static void show_command(struct mst_ctl *ctl, const struct mst_json_value *command)
{
	for (size_t i = 0; i < MST_LEN(command_rows); i++) {
		printf("%-13s ", command_rows[i].title);
		mst_table_safe(stdout, mst_ctl_get(ctl, command, command_rows[i].key), false);
		putchar('\n');
	}
}

/* The device's own words: XML as it is, anything else by its length. */
static int show_result(struct mst_ctl *ctl, const struct mst_json_value *command, struct mst_err *e)
{
	const struct mst_json_value *result;
	struct mst_slice base64, bytes;
	uint8_t *at;

	if (mst_json_get_object0(command, &result, "result", e) <= 0)
		return MST_CTL_OK;
	printf("%-13s ", "status");
	mst_table_safe(stdout, mst_ctl_get(ctl, result, "status"), false);
	printf("\n%-13s ", "at");
	mst_table_safe(stdout, mst_ctl_get(ctl, result, "at"), false);
	printf("\n\n");
	if (mst_json_get_text0(result, &base64, "body", e) <= 0)
		return MST_CTL_OK;
	at = mst_arena_get(&ctl->arena, MST_BASE64_ROOM(base64.len));
	if (!at)
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_base64_get(at, &bytes.len, base64, e) < 0)
		return -1;
	bytes.at = at;
	if (mst_slice_starts(bytes, MST_S("bplist"))) {
		printf("(binary property list, %zu bytes; --json has it)\n", bytes.len);
	} else {
		mst_table_safe(stdout, bytes, true);
		putchar('\n');
	}
	return MST_CTL_OK;
}

static int one_command(struct mst_ctl *ctl, const char *method, struct mst_err *e)
{
	struct mst_json_value *root;
	struct mst_slice target;
	int status, rc;

	if (command_target(&target, ctl, e) < 0 ||
	    mst_ctl_ask(&root, &status, ctl, method, target, (struct mst_slice){NULL, 0}, e) < 0)
		return -1;
	if (!root)
		return MST_CTL_OK;
	show_command(ctl, root);
	rc = show_result(ctl, root, e);
	mst_json_free(&root);
	return rc;
}

int mst_ctl_cancel(struct mst_ctl *ctl, struct mst_err *e)
{
	return one_command(ctl, "DELETE", e);
}

struct listing {
	struct mst_ctl *ctl;
	struct mst_table table;
};

static void on_command(void *context, const struct mst_json_value *item)
{
	struct listing *l = context;

	for (size_t i = 0; i < MST_LEN(command_rows); i++)
		mst_table_text(&l->table, mst_ctl_get(l->ctl, item, command_rows[i].key));
}

int mst_ctl_results(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const head[] = {"COMMAND", "REQUEST TYPE", "STATE", "QUEUED",
					   "CHANGED", "NOTNOW",       NULL};
	struct listing l = {.ctl = ctl};
	struct mst_slice target, state = {NULL, 0};
	uint32_t most;

	if (ctl->num_args == 2)
		return one_command(ctl, "GET", e);
	mst_table_begin(&l.table, &ctl->arena, head);
	if (mst_ctl_u32(&most, "limit", ctl->limit, UINT32_MAX, 1, UINT32_MAX, e) < 0 ||
	    mst_client_escape(&state, &ctl->arena, mst_slice_str(ctl->state), "", e) < 0 ||
	    mst_ctl_target(&target, ctl, ctl->args[0], "/commands?", e) < 0)
		return -1;
	if (state.len &&
	    !mst_arena_format(&ctl->arena, &target, "%.*s&state=%.*s", (int)target.len,
			      (const char *)target.at, (int)state.len, (const char *)state.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_ctl_pages(ctl, target, "commands", most, &l, on_command, e) < 0)
		return -1;
	if (!ctl->is_json && mst_table_print(&l.table, stdout) < 0)
		return mst_fail(e, MST_E_BUSY, "no memory");
	return MST_CTL_OK;
}
