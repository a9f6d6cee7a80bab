/* SPDX-License-Identifier: Apache-2.0 */
/* push campaign start, list, status, pause, resume, cancel, rate: one command for many devices. */
#include <stdio.h>

#include "ctl.h"
#include "muster/file.h"
#include "table.h"

#define COMMAND_MAX (2u << 20)  /* the engine's own limit is lower and told by it */
#define IDS_LEN_MAX (64u << 20) /* a million ids of 64 bytes */
#define TARGET      "/v1/campaigns"

static const struct mst_slice nothing = {NULL, 0};

static void print_row(struct mst_ctl *ctl, const struct mst_json_value *object, const char *key, const char *title)
{
	struct mst_slice text = mst_ctl_get(ctl, object, key);

	if (mst_slice_eq(text, MST_S("-")))
		return;
	printf("%-16s ", title);
	mst_table_safe(stdout, text, false);
	putchar('\n');
}

/* Inner objects follow indented by their name. */
static void print_part(struct mst_ctl *ctl, const struct mst_json_value *root, const char *part, const char *const *keys, size_t num)
{
	const struct mst_json_value *object;

	if (mst_json_get_object0(root, &object, part, NULL) != 1)
		return;
	printf("%s\n", part);
	for (size_t i = 0; i < num; i++) {
		char title[32];
		snprintf(title, sizeof(title), "  %s", keys[i]);
		print_row(ctl, object, keys[i], title);
	}
}

static void print_campaign(struct mst_ctl *ctl, const struct mst_json_value *root)
{
	static const char *const keys[] = {"campaign",     "name",       "state",  "error",     "command_uuid", "request_type",
					   "source",       "nopush",     "who",    "created_at", "starts_at",   "changed_at",
					   "rate",         "pace",       "rate_now", "seconds_left", "targets", "looked_at",
					   "queued",       "withdrawn",  "withdrawing"};
	static const char *const filter[] = {"model_prefix", "os_version_prefix", "topic"};
	static const char *const skipped[] = {"unknown", "checked_out", "uuid_used", "changed"};
	static const char *const answers[] = {"waiting", "push_due", "not_now", "acknowledged", "error", "cancelled", "cleared", "counted_at"};

	for (size_t i = 0; i < MST_LEN(keys); i++)
		print_row(ctl, root, keys[i], keys[i]);
	print_part(ctl, root, "filter", filter, MST_LEN(filter));
	print_part(ctl, root, "skipped", skipped, MST_LEN(skipped));
	print_part(ctl, root, "answers", answers, MST_LEN(answers));
}

static int ask_campaign(struct mst_ctl *ctl, const char *method, struct mst_slice target, struct mst_slice body, struct mst_err *e)
{
	struct mst_json_value *root;
	int status;

	if (mst_ctl_ask(&root, &status, ctl, method, target, body, e) < 0)
		return -1;
	if (root)
		print_campaign(ctl, root);
	mst_json_free(&root);
	return MST_CTL_OK;
}

static int put_rate(struct mst_json *j, const char *text, struct mst_err *e)
{
	uint64_t n;

	if (!text)
		return 0;
	if (strcmp(text, "auto") == 0) {
		mst_json_text(j, "rate", mst_slice_str(text));
		return 0;
	}
	if (mst_slice_u64(&n, mst_slice_str(text), NULL) < 0)
		return mst_fail(e, MST_E_CONF, "a rate is a number of pushes a second, or auto");
	mst_json_u64(j, "rate", n);
	return 0;
}

static int put_command(struct mst_ctl *ctl, struct mst_json *j, struct mst_err *e)
{
	struct mst_slice plist;

	if ((ctl->num_args == 2) == (ctl->request_type != NULL))
		return mst_fail(e, MST_E_CONF, "push campaign start takes a command's file or --request-type");
	if (ctl->request_type) {
		mst_json_text(j, "request_type", mst_slice_str(ctl->request_type));
		return 0;
	}
	if (mst_file_read(&plist, &ctl->arena, ctl->args[1], COMMAND_MAX, e) < 0)
		return -1;
	mst_json_base64(j, "command", plist);
	return 0;
}

/* One id in each line; empty lines are nothing. */
static int put_ids(struct mst_ctl *ctl, struct mst_json *j, struct mst_err *e)
{
	struct mst_slice text, line;
	bool is_more = true;

	if (mst_file_read(&text, &ctl->arena, ctl->ids, IDS_LEN_MAX, e) < 0)
		return -1;
	mst_json_open_array(j, "ids");
	while (is_more) {
		is_more = mst_slice_cut(&line, &text, text, '\n');
		if (line.len && line.at[line.len - 1] == '\r')
			line.len--;
		line = mst_slice_trim(line);
		if (line.len)
			mst_json_text(j, NULL, line);
	}
	mst_json_close(j);
	return 0;
}

static void put_filter(const struct mst_ctl *ctl, struct mst_json *j)
{
	const struct {
		const char *key, *text;
	} rows[] = {{"model_prefix", ctl->model}, {"os_version_prefix", ctl->os_version}, {"topic", ctl->topic}};

	mst_json_open(j, "filter");
	for (size_t i = 0; i < MST_LEN(rows); i++)
		if (rows[i].text)
			mst_json_text(j, rows[i].key, mst_slice_str(rows[i].text));
	mst_json_close(j);
}

static int put_devices(struct mst_ctl *ctl, struct mst_json *j, struct mst_err *e)
{
	bool has_filter = ctl->model || ctl->os_version || ctl->topic;

	if (ctl->is_all + (ctl->ids != NULL) + has_filter != 1)
		return mst_fail(e, MST_E_CONF, "push campaign start needs --all, --ids, or some of --model, --os-version and --topic");
	if (ctl->ids)
		return put_ids(ctl, j, e);
	if (has_filter)
		put_filter(ctl, j);
	else
		mst_json_bool(j, "all", true);
	return 0;
}

static int run_start(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice body;
	struct mst_json j;

	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	if (put_command(ctl, &j, e) < 0 || put_devices(ctl, &j, e) < 0 || put_rate(&j, ctl->rate, e) < 0)
		return -1;
	if (ctl->name)
		mst_json_text(&j, "name", mst_slice_str(ctl->name));
	if (ctl->start_time)
		mst_json_text(&j, "starts_at", mst_slice_str(ctl->start_time));
	if (ctl->has_no_push)
		mst_json_bool(&j, "nopush", true);
	mst_json_close(&j);
	return mst_json_end(&j, &body, e) < 0 ? -1 : ask_campaign(ctl, "POST", MST_S(TARGET), body, e);
}

struct list {
	struct mst_ctl *ctl;
	struct mst_table table;
};

static void on_campaign(void *context, const struct mst_json_value *campaign)
{
	static const char *const keys[] = {"campaign", "name", "state", "request_type", "queued", "targets", "rate", "created_at"};
	struct list *list = context;

	for (size_t i = 0; i < MST_LEN(keys); i++)
		mst_table_text(&list->table, mst_ctl_get(list->ctl, campaign, keys[i]));
}

static int run_list(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const head[] = {"CAMPAIGN", "NAME", "STATE", "REQUEST TYPE", "QUEUED", "TARGETS", "RATE", "CREATED", NULL};
	struct list list = {.ctl = ctl};
	uint32_t most;

	mst_table_begin(&list.table, &ctl->arena, head);
	if (mst_ctl_u32(&most, "limit", ctl->limit, UINT32_MAX, 1, UINT32_MAX, e) < 0 ||
	    mst_ctl_pages(ctl, MST_S(TARGET "?"), "campaigns", most, &list, on_campaign, e) < 0)
		return -1;
	if (!ctl->is_json && mst_table_print(&list.table, stdout) < 0)
		return mst_fail(e, MST_E_BUSY, "no memory");
	return MST_CTL_OK;
}

static int ask_one(struct mst_ctl *ctl, const char *method, const char *tail, struct mst_slice body, struct mst_err *e)
{
	struct mst_slice number, target;

	if (mst_client_escape(&number, &ctl->arena, mst_slice_str(ctl->args[1]), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, &target, TARGET "/%.*s%s", (int)number.len, (const char *)number.at, tail))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return ask_campaign(ctl, method, target, body, e);
}

static int run_status(struct mst_ctl *ctl, struct mst_err *e)
{
	return ask_one(ctl, "GET", "", nothing, e);
}

static int run_pause(struct mst_ctl *ctl, struct mst_err *e)
{
	return ask_one(ctl, "POST", "/pause", nothing, e);
}

static int run_resume(struct mst_ctl *ctl, struct mst_err *e)
{
	return ask_one(ctl, "POST", "/resume", nothing, e);
}

static int run_cancel(struct mst_ctl *ctl, struct mst_err *e)
{
	return ask_one(ctl, "POST", ctl->keeps ? "/cancel?keep=1" : "/cancel", nothing, e);
}

static int run_rate(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice body;
	struct mst_json j;

	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	if (put_rate(&j, ctl->args[2], e) < 0)
		return -1;
	mst_json_close(&j);
	return mst_json_end(&j, &body, e) < 0 ? -1 : ask_one(ctl, "POST", "/rate", body, e);
}

static const struct {
	const char *word, *wants;
	size_t least, most; /* arguments, with the word */
	int (*run)(struct mst_ctl *ctl, struct mst_err *e);
} rows[] = {
	{"start",  "[FILE]",      1, 2, run_start},
	{"list",   "nothing",     1, 1, run_list},
	{"status", "NUMBER",      2, 2, run_status},
	{"pause",  "NUMBER",      2, 2, run_pause},
	{"resume", "NUMBER",      2, 2, run_resume},
	{"cancel", "NUMBER",      2, 2, run_cancel},
	{"rate",   "NUMBER RATE", 3, 3, run_rate},
};

int mst_ctl_push_campaign(struct mst_ctl *ctl, struct mst_err *e)
{
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		if (strcmp(ctl->args[0], rows[i].word) != 0)
			continue;
		if (ctl->num_args < rows[i].least || ctl->num_args > rows[i].most)
			return mst_fail(e, MST_E_CONF, "push campaign %s wants %s", rows[i].word, rows[i].wants);
		return rows[i].run(ctl, e);
	}
	return mst_fail(e, MST_E_CONF, "push campaign is start, list, status, pause, resume, cancel or rate");
}
