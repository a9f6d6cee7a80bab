/* SPDX-License-Identifier: Apache-2.0 */
/* status, version. */
#include <stdio.h>

#include "ctl.h"
#include "table.h"

static bool on_counter(void *context, struct mst_slice key, const struct mst_json_value *value)
{
	struct mst_table *t = context;
	uint64_t n;

	if (mst_json_get_u64(value, &n, NULL, NULL) > 0 && n > 0) {
		mst_table_text(t, key);
		mst_table_u64(t, n);
	}
	return true;
}

static int show_lists(struct mst_ctl *ctl, const struct mst_json_value *root, struct mst_err *e)
{
	static const char *const counter_head[] = {"COUNTER", "VALUE", NULL};
	static const char *const certificate_head[] = {"CERTIFICATE", "SUBJECT", "NOT AFTER", NULL};
	const struct mst_json_value *list;
	struct mst_table t;

	if (mst_json_get_array0(root, &list, "certificates", NULL) > 0) {
		mst_table_begin(&t, &ctl->arena, certificate_head);
		for (size_t i = 0; i < mst_json_num(list); i++) {
			const struct mst_json_value *c = mst_json_at0(list, i);
			mst_table_text(&t, mst_ctl_get(ctl, c, "role"));
			mst_table_text(&t, mst_ctl_get(ctl, c, "subject"));
			mst_table_text(&t, mst_ctl_get(ctl, c, "not_after"));
		}
		putchar('\n');
		if (mst_table_print(&t, stdout) < 0)
			return mst_fail(e, MST_E_BUSY, "no memory");
	}
	if (mst_json_get_object0(root, &list, "counters", NULL) > 0) {
		mst_table_begin(&t, &ctl->arena, counter_head);
		mst_json_each(list, &t, on_counter);
		putchar('\n');
		if (mst_table_print(&t, stdout) < 0)
			return mst_fail(e, MST_E_BUSY, "no memory");
	}
	return MST_CTL_OK;
}

int mst_ctl_status(struct mst_ctl *ctl, struct mst_err *e)
{
	static const char *const rows[] = {"version", "started", "uptime_s", "devices",
					   "connections"};
	struct mst_json_value *root;
	int status, rc;

	if (mst_ctl_ask(&root, &status, ctl, "GET", MST_S("/v1/status"),
			(struct mst_slice){NULL, 0}, e) < 0)
		return -1;
	if (!root)
		return MST_CTL_OK;
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		printf("%-12s ", rows[i]);
		mst_table_safe(stdout, mst_ctl_get(ctl, root, rows[i]), false);
		putchar('\n');
	}
	rc = show_lists(ctl, root, e);
	mst_json_free(&root);
	return rc;
}

int mst_ctl_version(struct mst_ctl *ctl, struct mst_err *e)
{
	bool is_json = ctl->is_json;
	struct mst_json_value *root = NULL;
	struct mst_slice engine = MST_S("not reachable"), text;
	struct mst_json j;
	int status;

	ctl->is_json = false;
	if (mst_ctl_ask(&root, &status, ctl, "GET", MST_S("/version"), (struct mst_slice){NULL, 0},
			e) == 0)
		engine = mst_ctl_get(ctl, root, "version");
	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "musterctl", MST_S(MUSTER_VERSION));
	mst_json_text(&j, "musterd", engine);
	mst_json_close(&j);
	if (mst_json_end(&j, &text, e) < 0) {
		mst_json_free(&root);
		return -1;
	}
	if (is_json)
		mst_ctl_print(text);
	else
		printf("musterctl %s, musterd %.*s\n", MUSTER_VERSION, (int)engine.len,
		       (const char *)engine.at);
	mst_json_free(&root);
	return MST_CTL_OK;
}
