/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/campaigns: the body becomes a campaign, or says what is wrong with it. On a worker: a list may be long. */
#include <stdio.h>
#include <stdlib.h>

#include "campaign_ask.h"
#include "muster/plist.h"
#include "muster/text.h"

#define DEPTH_MAX 3
#define WORD_MAX  128 /* of a RequestType */
#define UUID_LEN  36

static const struct mst_plist_limits plist_limits = {MST_COMMAND_MAX, 32, 200000};
static const char *const start_keys[] = {"command", "request_type", "ids",       "all",    "filter",
					 "rate",    "name",         "starts_at", "nopush", NULL};
static const char *const filter_keys[] = {"model_prefix", "os_version_prefix", "topic", NULL};
static const char *const rate_keys[] = {"rate", NULL};

/* A word we do not know would be a wish that silently is not met. */
struct unknown {
	const char *const *keys;
	struct mst_slice found;
};

static bool on_member(void *context, struct mst_slice key, const struct mst_json_value *value)
{
	struct unknown *u = context;

	for (const char *const *known = u->keys; *known; known++)
		if (mst_slice_eq(key, mst_slice_str(*known)))
			return true;
	u->found = key;
	return false;
}

static int check_keys(const struct mst_json_value *object, const char *const *keys, struct mst_err *e)
{
	struct unknown u = {.keys = keys};

	mst_json_each(object, &u, on_member);
	if (!u.found.at)
		return 0;
	return mst_fail(e, MST_E_SYNTAX, "\"%.*s\" is not known here", (int)(u.found.len < 40 ? u.found.len : 40),
			(const char *)u.found.at);
}

static bool is_printable(struct mst_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < 0x20 || s.at[i] == 0x7f)
			return false;
	return mst_utf8_ok(s);
}

/* 1 with the text copied, 0 absent, -1. */
static int take_text(struct mst_slice *out, struct campaign_ask *ask, const struct mst_json_value *root, const char *key,
		     struct mst_err *e)
{
	struct mst_slice text;
	int rc = mst_json_get_text0(root, &text, key, e);

	*out = mst_slice(NULL, 0);
	if (rc <= 0)
		return rc;
	if (text.len > CAMPAIGN_TEXT_MAX || !is_printable(text))
		return mst_fail(e, MST_E_SYNTAX, "\"%s\" wants at most %d printable bytes", key, CAMPAIGN_TEXT_MAX);
	return mst_arena_copy(&ask->arena, out, text) ? 1 : mst_fail(e, MST_E_BUSY, "out of memory");
}

/* The command. */

static int take_name(struct mst_slice *out, struct campaign_ask *ask, const struct mst_plist *dict, const char *key,
		     size_t len_max, struct mst_err *e)
{
	struct mst_slice text;

	if (mst_plist_text0(dict, &text, key, e) < 0)
		return -1;
	if (text.len == 0 || text.len > len_max || !is_printable(text))
		return mst_fail(e, MST_E_SYNTAX, "a command needs a %s of 1 to %zu printable bytes", key, len_max);
	return mst_arena_copy(&ask->arena, out, text) ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static int take_plist(struct campaign_ask *ask, struct mst_slice base64, struct mst_err *e)
{
	const struct mst_plist *root, *command;
	uint8_t *bytes = mst_arena_get(&ask->arena, MST_BASE64_ROOM(base64.len));
	size_t len;

	if (!bytes)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_base64_get(bytes, &len, base64, e) < 0)
		return mst_fail(e, MST_E_SYNTAX, "\"command\" wants a property list as base64");
	ask->call.plist = mst_slice(bytes, len);
	if (len == 0 || len > MST_COMMAND_MAX)
		return mst_fail(e, MST_E_SYNTAX, "a command has 1 to %u bytes", MST_COMMAND_MAX);
	if (mst_plist_parse(&root, &ask->arena, ask->call.plist, &plist_limits, e) < 0 ||
	    take_name(&ask->one.uuid, ask, root, "CommandUUID", MST_UUID_MAX, e) < 0 ||
	    mst_plist_dict0(root, &command, "Command", e) < 0)
		return -1;
	if (!command)
		return mst_fail(e, MST_E_SYNTAX, "a command needs a Command dictionary");
	return take_name(&ask->one.request_type, ask, command, "RequestType", WORD_MAX, e);
}

/* RFC 9562 5.4: a random UUID, upper case as Apple writes them. */
static int make_uuid(struct campaign_ask *ask, struct mst_err *e)
{
	char text[UUID_LEN + 1];
	uint8_t r[16];

	mst_random(r, sizeof(r));
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	snprintf(text, sizeof(text), "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", r[0], r[1], r[2], r[3],
		 r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
	return mst_arena_copy(&ask->arena, &ask->one.uuid, mst_slice(text, UUID_LEN)) ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

/* A command that has no parameters, but that Apple demands queries of DeviceInformation. */
static int make_plist(struct campaign_ask *ask, struct mst_err *e)
{
	static const char *const queries[] = {"DeviceName", "OSVersion", "SerialNumber"};
	struct mst_plist_out w;

	if (make_uuid(ask, e) < 0)
		return -1;
	mst_plist_begin(&w, &ask->arena);
	mst_plist_open_dict(&w, NULL);
	mst_plist_open_dict(&w, "Command");
	mst_plist_put_text(&w, "RequestType", ask->one.request_type);
	if (mst_slice_eq(ask->one.request_type, MST_S("DeviceInformation"))) {
		mst_plist_open_array(&w, "Queries");
		for (size_t i = 0; i < MST_LEN(queries); i++)
			mst_plist_put_text(&w, NULL, mst_slice_str(queries[i]));
		mst_plist_close(&w);
	}
	mst_plist_close(&w);
	mst_plist_put_text(&w, "CommandUUID", ask->one.uuid);
	mst_plist_close(&w);
	return mst_plist_end(&w, &ask->call.plist, e);
}

static int take_command(struct campaign_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_slice base64;
	int has_plist = mst_json_get_text0(root, &base64, "command", e);
	int has_type = has_plist < 0 ? -1 : take_text(&ask->one.request_type, ask, root, "request_type", e);

	if (has_type < 0)
		return -1;
	if (has_plist == has_type)
		return mst_fail(e, MST_E_SYNTAX, "a campaign needs \"command\" or \"request_type\", and not both");
	if (has_plist)
		return take_plist(ask, base64, e);
	if (ask->one.request_type.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "\"request_type\" is empty");
	return make_plist(ask, e);
}

/* The devices: a row for each kind of source. */

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mst_id));
}

/* Sorted, so that one that is named twice counts once. */
static int take_ids(struct campaign_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	const struct mst_json_value *list;
	struct mst_slice text;
	struct mst_id *ids;
	size_t num, kept = 0;
	int rc = mst_json_get_array0(root, &list, "ids", e);

	if (rc <= 0)
		return rc;
	num = mst_json_num(list);
	if (num == 0 || num > MST_CAMPAIGN_IDS_MAX)
		return mst_fail(e, MST_E_SYNTAX, "\"ids\" wants 1 to %d ids; for more there is \"all\" and \"filter\"",
				MST_CAMPAIGN_IDS_MAX);
	ids = mst_arena_get(&ask->arena, num * sizeof(*ids));
	if (!ids)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	for (size_t i = 0; i < num; i++)
		if (mst_json_get_text0(mst_json_at0(list, i), &text, NULL, NULL) != 1 || mst_id_from(&ids[i], text, NULL) < 0)
			return mst_fail(e, MST_E_SYNTAX, "item %zu of \"ids\" is not an enrolment id", i);
	qsort(ids, num, sizeof(*ids), by_bytes);
	for (size_t i = 0; i < num; i++)
		if (i == 0 || by_bytes(&ids[i], &ids[i - 1]) != 0)
			ids[kept++] = ids[i];
	ask->call.ids = ids;
	ask->one.num_ids = kept;
	return 1;
}

static int take_all(struct campaign_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	bool is_all;
	int rc = mst_json_get_bool(root, &is_all, "all", e);

	return rc < 0 ? -1 : is_all;
}

static int take_filter(struct campaign_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	const struct mst_json_value *filter;
	struct campaign_record *what = &ask->one;
	int rc = mst_json_get_object0(root, &filter, "filter", e);

	if (rc <= 0)
		return rc;
	if (check_keys(filter, filter_keys, e) < 0 || take_text(&what->model, ask, filter, "model_prefix", e) < 0 ||
	    take_text(&what->os_version, ask, filter, "os_version_prefix", e) < 0 ||
	    take_text(&what->topic, ask, filter, "topic", e) < 0)
		return -1;
	if (what->model.len + what->os_version.len + what->topic.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "\"filter\" is empty; every device is {\"all\":true}");
	return 1;
}

/* 1 the source is said, 0 it is not, -1. */
static int (*const rows[NUM_CAMPAIGN_SOURCES])(struct campaign_ask *ask, const struct mst_json_value *root, struct mst_err *e) = {
	[CAMPAIGN_LIST] = take_ids,
	[CAMPAIGN_ALL] = take_all,
	[CAMPAIGN_FILTER] = take_filter,
};

static int take_source(struct campaign_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	uint32_t num = 0;

	for (unsigned i = 0; i < NUM_CAMPAIGN_SOURCES; i++) {
		int rc = rows[i](ask, root, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		ask->one.source = (enum campaign_source)i;
		num++;
	}
	return num == 1 ? 0 : mst_fail(e, MST_E_SYNTAX, "a campaign needs one of \"ids\", \"all\" and \"filter\"");
}

/* How fast, and when. */

static int take_rate(uint32_t *out, const struct campaign_ask *ask, const struct mst_json_value *root, bool is_needed,
		     struct mst_err *e)
{
	uint32_t most = mst_campaign_rate_max(ask->app->campaigns);
	struct mst_slice word;
	uint64_t n = 0;
	int rc = mst_json_get_text0(root, &word, "rate", NULL);

	*out = 0;
	if (rc == 1 && mst_slice_eq(word, MST_S("auto")))
		return 0;
	if (rc == 0 && !is_needed)
		return 0;
	if (rc >= 0 || mst_json_get_u64(root, &n, "rate", NULL) != 1 || n == 0 || n > most)
		return mst_fail(e, MST_E_SYNTAX, "\"rate\" wants 1 to %u pushes a second, or \"auto\"", most);
	*out = (uint32_t)n;
	return 0;
}

static int64_t days_of(int year, int month, int day)
{
	/* Days from 1970-01-01 in the Gregorian calendar; a year begins in March. */
	int64_t y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* RFC 3339 in UTC, as we write it: 2026-01-02T03:04:05Z, with or without a fraction, which is dropped. Written again it must be
 * the same: so there is no 31st of June. */
static bool time_get(int64_t *out, struct mst_slice text)
{
	int year, month, day, hour, minute, second, len = 0;
	char in[MST_TIME_ROOM], again[MST_TIME_ROOM];

	if (text.len < 20 || text.len >= sizeof(in) || text.at[text.len - 1] != 'Z')
		return false;
	memcpy(in, text.at, text.len);
	in[text.len] = '\0';
	if (sscanf(in, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &len) != 6 || len != 19 ||
	    year < 1970 || month < 1 || month > 12)
		return false;
	*out = (((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000;
	mst_time_put(again, *out);
	if (memcmp(in, again, 19) != 0)
		return false;
	return text.len == 20 || (in[19] == '.' && text.len > 21 && strspn(in + 20, "0123456789") == text.len - 21);
}

static int take_start(struct campaign_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_slice text;
	int rc = mst_json_get_text0(root, &text, "starts_at", e);

	if (rc == 1 && !time_get(&ask->one.starts_ms, text))
		return mst_fail(e, MST_E_SYNTAX, "\"starts_at\" wants a time like 2026-01-02T03:04:05Z");
	return rc < 0 ? -1 : 0;
}

static int take(struct campaign_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	struct campaign_record *what = &ask->one;

	if (check_keys(root, start_keys, e) < 0 || take_text(&what->name, ask, root, "name", e) < 0 ||
	    take_rate(&what->rate, ask, root, false, e) < 0 || take_start(ask, root, e) < 0 ||
	    mst_json_get_bool(root, &what->is_nopush, "nopush", e) < 0 || take_command(ask, root, e) < 0)
		return -1;
	return take_source(ask, root, e);
}

int mst_campaign_wish_read(struct campaign_ask *ask, struct mst_err *e)
{
	struct mst_json_value *root = NULL;
	int rc = mst_json_parse(&root, ask->x->in.body, MST_CAMPAIGN_BODY_MAX, DEPTH_MAX, e);

	if (rc == 0)
		rc = take(ask, root, e);
	mst_json_free(&root);
	return rc;
}

int mst_campaign_wish_rate(struct campaign_ask *ask, struct mst_err *e)
{
	struct mst_json_value *root = NULL;
	int rc = mst_json_parse(&root, ask->x->in.body, MST_CAMPAIGN_RATE_BODY_MAX, DEPTH_MAX, e);

	if (rc == 0 && (check_keys(root, rate_keys, e) < 0 || take_rate(&ask->call.rate, ask, root, true, e) < 0))
		rc = -1;
	mst_json_free(&root);
	return rc;
}
