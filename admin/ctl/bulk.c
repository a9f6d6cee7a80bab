/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk jobs and the running engine's master key: bulk start, status, cancel; key rotate, status. */
#include <stdio.h>

#include "ctl.h"
#include "muster/file.h"
#include "table.h"

#define NAMES_LEN_MAX (1u << 20) /* what the API takes at once */

static const struct mst_slice nothing = {NULL, 0};

static void print_job(struct mst_ctl *ctl, const struct mst_json_value *root)
{
	static const char *const keys[] = {
		"id",   "state",        "authority",  "kind",       "pkcs12",     "total", "done",
		"rate", "seconds_left", "created_at", "started_at", "changed_at", "error"};

	for (size_t i = 0; i < MST_LEN(keys); i++) {
		struct mst_slice text = mst_ctl_get(ctl, root, keys[i]);
		if (strcmp(keys[i], "error") == 0 && mst_slice_eq(text, MST_S("-")))
			continue;
		printf("%-13s ", keys[i]);
		mst_table_safe(stdout, text, false);
		putchar('\n');
	}
}

static int ask_job(struct mst_ctl *ctl, const char *method, struct mst_slice target,
		   struct mst_slice body, struct mst_err *e)
{
	struct mst_json_value *root;
	int status;

	if (mst_ctl_ask(&root, &status, ctl, method, target, body, e) < 0)
		return -1;
	if (root)
		print_job(ctl, root);
	mst_json_free(&root);
	return MST_CTL_OK;
}

static int put_number(struct mst_json *j, const char *key, const char *text, uint64_t most,
		      struct mst_err *e)
{
	uint64_t n;

	if (!text)
		return 0;
	if (mst_slice_u64(&n, mst_slice_str(text), e) < 0 || n > most)
		return mst_fail(e, MST_E_CONF, "--%s wants a number up to %llu", key,
				(unsigned long long)most);
	mst_json_u64(j, key, n);
	return 0;
}

/* One name in each line; empty lines are nothing. */
static int put_names(struct mst_ctl *ctl, struct mst_json *j, struct mst_err *e)
{
	struct mst_slice text, line;
	bool is_more = true;

	if (mst_file_read(&text, &ctl->arena, ctl->names, NAMES_LEN_MAX, e) < 0)
		return -1;
	mst_json_open_array(j, "names");
	while (is_more) {
		is_more = mst_slice_cut(&line, &text, text, '\n');
		line = mst_slice_trim(line);
		if (line.len && line.at[line.len - 1] == '\r')
			line.len--;
		if (line.len)
			mst_json_text(j, NULL, line);
	}
	mst_json_close(j);
	return 0;
}

static int put_pattern(struct mst_ctl *ctl, struct mst_json *j, struct mst_err *e)
{
	mst_json_text(j, "prefix", mst_slice_str(ctl->prefix));
	if (put_number(j, "count", ctl->count, UINT32_MAX, e) < 0 ||
	    put_number(j, "first", ctl->first, 999999999999999ull, e) < 0)
		return -1;
	return put_number(j, "digits", ctl->digits, 20, e);
}

int mst_ctl_bulk_start(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice body;
	struct mst_json j;

	if (!ctl->authority || !(ctl->names || (ctl->prefix && ctl->count)))
		return mst_fail(
			e, MST_E_CONF,
			"bulk start needs --authority, and --prefix with --count or --names");
	if (ctl->names && (ctl->prefix || ctl->count))
		return mst_fail(
			e, MST_E_CONF,
			"names come from --names or from --prefix with --count, not from both");
	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "authority", mst_slice_str(ctl->authority));
	if (ctl->kind)
		mst_json_text(&j, "kind", mst_slice_str(ctl->kind));
	if (ctl->organization)
		mst_json_text(&j, "organization", mst_slice_str(ctl->organization));
	mst_json_bool(&j, "pkcs12", ctl->wants_p12);
	if ((ctl->names ? put_names(ctl, &j, e) : put_pattern(ctl, &j, e)) < 0)
		return -1;
	mst_json_close(&j);
	return mst_json_end(&j, &body, e) < 0 ? -1
					      : ask_job(ctl, "POST", MST_S("/v1/bulk"), body, e);
}

static int job_target(struct mst_slice *out, struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice id;

	if (mst_client_escape(&id, &ctl->arena, mst_slice_str(ctl->args[0]), "", e) < 0)
		return -1;
	return mst_arena_format(&ctl->arena, out, "/v1/bulk/%.*s", (int)id.len, (const char *)id.at)
		       ? 0
		       : mst_fail(e, MST_E_BUSY, "no memory");
}

struct list {
	struct mst_ctl *ctl;
	struct mst_table table;
};

static void on_job(void *context, const struct mst_json_value *job)
{
	static const char *const keys[] = {"id",    "state", "kind",      "done",
					   "total", "rate",  "created_at"};
	struct list *list = context;

	for (size_t i = 0; i < MST_LEN(keys); i++)
		mst_table_text(&list->table, mst_ctl_get(list->ctl, job, keys[i]));
}

int mst_ctl_bulk_status(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const head[] = {"ID",    "STATE", "KIND",    "DONE",
					   "TOTAL", "RATE",  "CREATED", NULL};
	struct list list = {.ctl = ctl};
	struct mst_slice target;
	uint32_t most;

	if (ctl->num_args)
		return job_target(&target, ctl, e) < 0 ? -1
						       : ask_job(ctl, "GET", target, nothing, e);
	mst_table_begin(&list.table, &ctl->arena, head);
	if (mst_ctl_u32(&most, "limit", ctl->limit, UINT32_MAX, 1, UINT32_MAX, e) < 0 ||
	    mst_ctl_pages(ctl, MST_S("/v1/bulk?"), "jobs", most, &list, on_job, e) < 0)
		return -1;
	if (!ctl->is_json && mst_table_print(&list.table, stdout) < 0)
		return mst_fail(e, MST_E_BUSY, "no memory");
	return MST_CTL_OK;
}

int mst_ctl_bulk_cancel(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	return job_target(&target, ctl, e) < 0 ? -1 : ask_job(ctl, "DELETE", target, nothing, e);
}

static int ask_key(struct mst_ctl *ctl, const char *method, struct mst_slice target,
		   struct mst_err *e)
{
	static const char *const keys[] = {"key", "state", "sealed_anew"};
	struct mst_json_value *root;
	int status;

	if (mst_ctl_ask(&root, &status, ctl, method, target, nothing, e) < 0)
		return -1;
	for (size_t i = 0; i < MST_LEN(keys) && root; i++) {
		struct mst_slice text = mst_ctl_get(ctl, root, keys[i]);
		printf("%-13s %.*s\n", keys[i], (int)text.len, (const char *)text.at);
	}
	mst_json_free(&root);
	return MST_CTL_OK;
}

int mst_ctl_key_rotate(struct mst_ctl *ctl, struct mst_err *e)
{
	return ask_key(ctl, "POST", MST_S("/v1/key/rotate"), e);
}

int mst_ctl_key_status(struct mst_ctl *ctl, struct mst_err *e)
{
	return ask_key(ctl, "GET", MST_S("/v1/key"), e);
}
