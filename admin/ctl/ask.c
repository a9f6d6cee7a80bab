/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the operator API and reads its answers. */
#include <stdio.h>

#include "ctl.h"
#include "table.h"

#define PAGE_MAX 1000 /* what the API gives at once */

void mst_ctl_print(struct mst_slice text)
{
	fwrite(text.at, 1, text.len, stdout);
	if (text.len == 0 || text.at[text.len - 1] != '\n')
		putchar('\n');
}

/* The server's own words when it gave any. */
static int refused(const struct mst_call_reply *reply, struct mst_err *e)
{
	struct mst_json_value *root;
	struct mst_slice words;
	int rc;

	if (reply->body.len &&
	    mst_json_parse(&root, reply->body, MST_CLIENT_REPLY_MAX, MST_JSON_DEPTH, NULL) == 0) {
		rc = mst_json_get_text0(root, &words, "error", NULL);
		if (rc <= 0)
			rc = mst_json_get_text0(root, &words, "command_error", NULL);
		if (rc > 0)
			rc = mst_fail(e, MST_E_DENIED, "%.*s (status %d)", (int)words.len,
				      (const char *)words.at, reply->status);
		mst_json_free(&root);
		if (rc < 0)
			return -1;
	}
	return mst_fail(e, MST_E_DENIED, "musterd answered with status %d", reply->status);
}

/* An enqueue that queued nothing says of each id why. */
static bool tells_ids(const struct mst_call_reply *reply)
{
	const struct mst_json_value *ids;
	struct mst_json_value *root;
	bool is_told;

	if (reply->body.len == 0 || mst_json_parse(&root, reply->body, MST_CLIENT_REPLY_MAX, MST_JSON_DEPTH, NULL) < 0)
		return false;
	is_told = mst_json_get_object0(root, &ids, "status", NULL) > 0;
	mst_json_free(&root);
	return is_told;
}

int mst_ctl_ask(struct mst_json_value **root, int *status, struct mst_ctl *ctl, const char *method,
		struct mst_slice target, struct mst_slice body, struct mst_err *e)
{
	struct mst_call call = {
		.socket = ctl->socket, .method = method, .target = target, .body = body};
	struct mst_call_reply reply = {0};

	*root = NULL;
	if (body.len)
		call.type = "application/xml";
	if (mst_client_call(&reply, &ctl->arena, &call, e) < 0)
		return -1;
	*status = reply.status;
	/* A partial or refused enqueue says which id failed and why. */
	if (ctl->is_json && reply.body.len) {
		mst_ctl_print(reply.body);
		return reply.status < 300 ? 0 : refused(&reply, e);
	}
	if (reply.status >= 300 && !tells_ids(&reply))
		return refused(&reply, e);
	return mst_json_parse(root, reply.body, MST_CLIENT_REPLY_MAX, MST_JSON_DEPTH, e);
}

static int next_target(struct mst_slice *out, struct mst_ctl *ctl, struct mst_slice target,
		       struct mst_slice cursor, uint32_t limit, struct mst_err *e)
{
	struct mst_slice escaped = {NULL, 0};

	if (cursor.len && mst_client_escape(&escaped, &ctl->arena, cursor, "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, out, "%.*s&limit=%u%s%.*s", (int)target.len,
			      (const char *)target.at, limit, cursor.len ? "&cursor=" : "",
			      (int)escaped.len, (const char *)escaped.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

/* Hands out one page's items; *seen grows. 1 when there is a further page, its cursor in `next`. */
static int take_page(struct mst_ctl *ctl, struct mst_slice *next, uint32_t *seen,
		     const struct mst_json_value *root, const char *list, uint32_t most,
		     void *context, void (*on_item)(void *, const struct mst_json_value *),
		     struct mst_err *e)
{
	const struct mst_json_value *items;
	struct mst_slice cursor;
	int rc = mst_json_get_array0(root, &items, list, e);

	if (rc <= 0)
		return rc < 0 ? -1 : mst_fail(e, MST_E_SYNTAX, "the answer has no \"%s\"", list);
	for (size_t i = 0; i < mst_json_num(items) && *seen < most; i++, (*seen)++)
		on_item(context, mst_json_at0(items, i));
	rc = mst_json_get_text0(root, &cursor, "next", e);
	if (rc > 0 && !mst_arena_copy(&ctl->arena, next, cursor))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return rc > 0 && *seen < most;
}

int mst_ctl_pages(struct mst_ctl *ctl, struct mst_slice target, const char *list, uint32_t most,
		  void *context, void (*on_item)(void *context, const struct mst_json_value *item),
		  struct mst_err *e)
{
	struct mst_slice cursor = {NULL, 0}, page;
	uint32_t seen = 0;
	int rc = 1, status;

	while (rc > 0) {
		struct mst_json_value *root;
		uint32_t left = most - seen;
		if (next_target(&page, ctl, target, cursor, left < PAGE_MAX ? left : PAGE_MAX, e) <
			    0 ||
		    mst_ctl_ask(&root, &status, ctl, "GET", page, (struct mst_slice){NULL, 0}, e) <
			    0)
			return -1;
		if (!root) /* --json: one page as the server gives it, with its cursor */
			return 0;
		rc = take_page(ctl, &cursor, &seen, root, list, most, context, on_item, e);
		mst_json_free(&root);
	}
	return rc;
}

int mst_ctl_target(struct mst_slice *out, struct mst_ctl *ctl, const char *id, const char *tail,
		   struct mst_err *e)
{
	struct mst_slice escaped;

	if (mst_client_escape(&escaped, &ctl->arena, mst_slice_str(id), ":", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, out, "/v1/devices/%.*s%s", (int)escaped.len,
			      (const char *)escaped.at, tail))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

struct mst_slice mst_ctl_get(struct mst_ctl *ctl, const struct mst_json_value *object,
			     const char *key)
{
	struct mst_slice text;
	uint64_t n;
	bool is_set;

	if (mst_json_get_text0(object, &text, key, NULL) > 0)
		return text.len ? text : MST_S("-");
	if (mst_json_get_bool(object, &is_set, key, NULL) > 0)
		return is_set ? MST_S("yes") : MST_S("no");
	if (mst_json_get_u64(object, &n, key, NULL) > 0 &&
	    mst_arena_format(&ctl->arena, &text, "%llu", (unsigned long long)n))
		return text;
	return MST_S("-");
}
