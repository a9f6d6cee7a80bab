/* SPDX-License-Identifier: Apache-2.0 */
/* push: credentials for the push service, pushes by hand, how the push engine is doing. */
#include <stdio.h>

#include "ctl.h"
#include "muster/file.h"
#include "muster/text.h"
#include "table.h"

#define PEM_MAX (64u << 10) /* the engine's own limit */

static void wipe(struct mst_slice secret)
{
	if (secret.len)
		mst_wipe((void *)(uintptr_t)secret.at, secret.len);
}

static void print_keys(struct mst_ctl *ctl, const struct mst_json_value *root, const char *const *keys, size_t num)
{
	for (size_t i = 0; root && i < num; i++) {
		printf("%-12s ", keys[i]);
		mst_table_safe(stdout, mst_ctl_get(ctl, root, keys[i]), false);
		putchar('\n');
	}
}

/* Asks, and prints the credential that is the answer. */
static int ask_one(struct mst_ctl *ctl, const char *method, struct mst_slice target, struct mst_slice body, struct mst_err *e)
{
	static const char *const keys[] = {"topic", "kind", "environment", "not_before", "not_after", "sha256", "put_at"};
	struct mst_json_value *root;
	int status;

	if (mst_ctl_ask(&root, &status, ctl, method, target, body, e) < 0)
		return -1;
	print_keys(ctl, root, keys, MST_LEN(keys));
	mst_json_free(&root);
	return MST_CTL_OK;
}

static int list(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const head[] = {"TOPIC", "KIND", "ENVIRONMENT", "NOT AFTER", NULL};
	const struct mst_json_value *certs;
	struct mst_json_value *root;
	struct mst_table table;
	int status, rc;

	if (mst_ctl_ask(&root, &status, ctl, "GET", MST_S("/v1/pushcert"), MST_S(""), e) < 0)
		return -1;
	if (!root)
		return MST_CTL_OK;
	rc = mst_json_get_array0(root, &certs, "pushcerts", e);
	mst_table_begin(&table, &ctl->arena, head);
	for (size_t i = 0; rc > 0 && i < mst_json_num(certs); i++) {
		const struct mst_json_value *c = mst_json_at0(certs, i);
		mst_table_text(&table, mst_ctl_get(ctl, c, "topic"));
		mst_table_text(&table, mst_ctl_get(ctl, c, "kind"));
		mst_table_text(&table, mst_ctl_get(ctl, c, "environment"));
		mst_table_text(&table, mst_ctl_get(ctl, c, "not_after"));
	}
	if (rc >= 0)
		rc = mst_table_print(&table, stdout);
	mst_json_free(&root);
	return rc < 0 ? -1 : MST_CTL_OK;
}

static int topic_target(struct mst_slice *out, struct mst_ctl *ctl, const char *topic, struct mst_err *e)
{
	struct mst_slice escaped;

	if (mst_client_escape(&escaped, &ctl->arena, mst_slice_str(topic), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, out, "/v1/pushcert?topic=%.*s", (int)escaped.len, (const char *)escaped.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

static int show(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	if (ctl->num_args == 1)
		return list(ctl, e);
	return topic_target(&target, ctl, ctl->args[1], e) < 0 ? -1 : ask_one(ctl, "GET", target, MST_S(""), e);
}

static int drop(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	if (ctl->num_args != 2)
		return mst_fail(e, MST_E_CONF, "push cert drop needs a topic");
	return topic_target(&target, ctl, ctl->args[1], e) < 0 ? -1 : ask_one(ctl, "DELETE", target, MST_S(""), e);
}

/* Certificate and key may be in one file or in two. */
static int put(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice cert, key = MST_S(""), both;
	int rc;

	if (ctl->num_args < 2)
		return mst_fail(e, MST_E_CONF, "push cert put needs a file with certificate and key, or one for each");
	if (mst_file_read(&cert, &ctl->arena, ctl->args[1], PEM_MAX, e) < 0 ||
	    (ctl->num_args == 3 && mst_file_read(&key, &ctl->arena, ctl->args[2], PEM_MAX, e) < 0))
		return -1;
	if (!mst_arena_format(&ctl->arena, &both, "%.*s\n%.*s", (int)cert.len, (const char *)cert.at, (int)key.len,
			      (const char *)key.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	rc = ask_one(ctl, "PUT", ctl->is_sandbox ? MST_S("/v1/pushcert?environment=sandbox") : MST_S("/v1/pushcert"), both, e);
	wipe(cert);
	wipe(key);
	wipe(both);
	return rc;
}

int mst_ctl_push_cert(struct mst_ctl *ctl, struct mst_err *e)
{
	static const struct {
		const char *word;
		int (*run)(struct mst_ctl *ctl, struct mst_err *e);
	} rows[] = {{"put", put}, {"show", show}, {"drop", drop}};

	for (size_t i = 0; i < MST_LEN(rows); i++)
		if (strcmp(ctl->args[0], rows[i].word) == 0)
			return rows[i].run(ctl, e);
	return mst_fail(e, MST_E_CONF, "push cert: put, show or drop");
}

static int write_key(struct mst_slice *out, struct mst_ctl *ctl, struct mst_slice pem, struct mst_err *e)
{
	struct mst_json j;

	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "topic", mst_slice_str(ctl->topic));
	mst_json_text(&j, "key_id", mst_slice_str(ctl->key_id));
	mst_json_text(&j, "team_id", mst_slice_str(ctl->team_id));
	mst_json_text(&j, "environment", ctl->is_sandbox ? MST_S("sandbox") : MST_S("production"));
	mst_json_text(&j, "key", pem);
	mst_json_close(&j);
	return mst_json_end(&j, out, e);
}

int mst_ctl_push_key(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice pem, body;
	int rc;

	if (strcmp(ctl->args[0], "put") != 0)
		return mst_fail(e, MST_E_CONF, "push key can only put one; push cert shows and drops it");
	if (ctl->num_args != 2 || !ctl->topic || !ctl->key_id || !ctl->team_id)
		return mst_fail(e, MST_E_CONF, "push key put needs the .p8 file, --topic, --key-id and --team-id");
	if (mst_file_read(&pem, &ctl->arena, ctl->args[1], PEM_MAX, e) < 0 || write_key(&body, ctl, pem, e) < 0)
		return -1;
	rc = ask_one(ctl, "PUT", MST_S("/v1/pushkey"), body, e);
	wipe(pem);
	wipe(body);
	return rc;
}

struct outcome {
	struct mst_table table;
	uint32_t num_failed;
};

static bool on_status(void *context, struct mst_slice key, const struct mst_json_value *value)
{
	struct outcome *o = context;
	struct mst_slice words;
	bool is_bad = mst_json_get_text0(value, &words, "push_error", NULL) > 0;

	if (!is_bad && mst_json_get_text0(value, &words, "push_result", NULL) <= 0)
		words = MST_S("-");
	mst_table_text(&o->table, key);
	mst_table_text(&o->table, words);
	o->num_failed += is_bad;
	return true;
}

int mst_ctl_push_send(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const head[] = {"ID", "OUTCOME", NULL};
	const struct mst_json_value *ids_told;
	struct mst_json_value *root;
	struct mst_slice ids, target;
	struct outcome o = {.num_failed = 0};
	int status, rc;

	if (mst_client_escape(&ids, &ctl->arena, mst_slice_str(ctl->args[0]), ":,", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, &target, "/v1/push/%.*s", (int)ids.len, (const char *)ids.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_ctl_ask(&root, &status, ctl, "PUT", target, MST_S(""), e) < 0)
		return -1;
	if (!root)
		return status == 200 ? MST_CTL_OK : MST_CTL_FAILED;
	mst_table_begin(&o.table, &ctl->arena, head);
	rc = mst_json_get_object0(root, &ids_told, "status", e);
	if (rc > 0)
		mst_json_each(ids_told, &o, on_status);
	if (rc >= 0)
		rc = mst_table_print(&o.table, stdout);
	mst_json_free(&root);
	if (rc < 0)
		return -1;
	return o.num_failed ? MST_CTL_FAILED : MST_CTL_OK;
}

static void put_topic(struct mst_ctl *ctl, struct mst_table *table, const struct mst_json_value *t)
{
	static const char *const keys[] = {"topic", "state", "why", "links", "streams", "waiting", "sent", "not_after"};

	for (size_t i = 0; i < MST_LEN(keys); i++)
		mst_table_text(table, mst_ctl_get(ctl, t, keys[i]));
}

static int print_stats(struct mst_ctl *ctl, const struct mst_json_value *root, struct mst_err *e)
{
	static const char *const keys[] = {"enabled", "in_hand", "window", "unwritten", "next_at"};
	static const char *const counts[] = {"collected", "accepted", "retried",   "held",      "gone",    "bad",
					     "stopped",   "needless", "coalesced", "overtaken", "given_up"};
	static const char *const head[] = {"TOPIC", "STATE", "WHY", "LINKS", "STREAMS", "WAITING", "SENT", "NOT AFTER", NULL};
	const struct mst_json_value *topics, *all;
	struct mst_table table;

	print_keys(ctl, root, keys, MST_LEN(keys));
	if (mst_json_get_object0(root, &all, "counts", e) < 0 || mst_json_get_array0(root, &topics, "topics", e) < 0)
		return -1;
	print_keys(ctl, all, counts, MST_LEN(counts));
	putchar('\n');
	mst_table_begin(&table, &ctl->arena, head);
	for (size_t i = 0; topics && i < mst_json_num(topics); i++)
		put_topic(ctl, &table, mst_json_at0(topics, i));
	return mst_table_print(&table, stdout);
}

int mst_ctl_push_stats(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_json_value *root;
	int status, rc;

	if (mst_ctl_ask(&root, &status, ctl, "GET", MST_S("/v1/push"), MST_S(""), e) < 0)
		return -1;
	rc = root ? print_stats(ctl, root, e) : 0;
	mst_json_free(&root);
	return rc < 0 ? -1 : MST_CTL_OK;
}
