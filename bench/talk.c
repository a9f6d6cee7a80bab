/* SPDX-License-Identifier: Apache-2.0 */
/* A device's requests over HTTP/2, one at a time on one connection. */
#include <stdlib.h>

#include "parts.h"
#include "muster/h2.h"

#define AUTHORITY_ROOM 80
#define LENGTH_ROOM    16

struct mst_talk {
	struct mst_h2 *h2;
	const struct mst_fleet_conf *conf;
	char body[MESSAGE_ROOM], authority[AUTHORITY_ROOM];
	struct mst_buf in; /* the answer's body */
	int status;
	bool is_over, is_done; /* of the last request */
};

static int on_header(void *up, struct mst_slice name, struct mst_slice value)
{
	struct mst_talk *s = up;
	uint64_t status;
	struct mst_err e;

	if (!mst_slice_eq(name, MST_S(":status")))
		return 0;
	if (mst_slice_u64(&status, value, &e) < 0)
		return -1;
	s->status = (int)status;
	return 0;
}

static void on_head(void *up, bool is_end)
{
}

static void on_body(void *up, struct mst_slice bytes)
{
	struct mst_talk *s = up;
	struct mst_err e;

	if (mst_buf_add(&s->in, bytes, &e) < 0)
		s->status = 0;
}

static void on_end(void *up)
{
}

static void on_gone(void *up, bool is_done, bool may_retry)
{
	struct mst_talk *s = up;

	s->is_over = true;
	s->is_done = is_done;
}

int mst_talk_new(struct mst_talk **out, const struct mst_fleet_conf *conf, void *context,
		   int (*put)(void *context, struct mst_slice bytes, struct mst_err *e), struct mst_err *e)
{
	const struct mst_h2_hooks hooks = {.context = context,
					   .put = put,
					   .on_header = on_header,
					   .on_head = on_head,
					   .on_body = on_body,
					   .on_end = on_end,
					   .on_gone = on_gone};
	struct mst_talk *s = calloc(1, sizeof(*s));

	if (!s)
		return mst_fail(e, MST_E_BUSY, "no memory");
	s->conf = conf;
	snprintf(s->authority, sizeof(s->authority), "%s:%u", conf->host, conf->port);
	if (mst_h2_new(&s->h2, true, NULL, &hooks, e) < 0) {
		free(s);
		return -1;
	}
	*out = s;
	return 0;
}

void mst_talk_free(struct mst_talk **s)
{
	if (!*s)
		return;
	mst_h2_free(&(*s)->h2);
	mst_buf_done(&(*s)->in);
	free(*s);
	*s = NULL;
}

int mst_talk_ask(struct mst_talk *s, const struct mst_request *request, struct mst_err *e)
{
	char length[LENGTH_ROOM];
	int length_len = snprintf(length, sizeof(length), "%zu", request->body.len);
	const struct mst_h2_header headers[] = {
		{.name = MST_S(":method"), .value = MST_S("PUT")},
		{.name = MST_S(":scheme"), .value = MST_S("https")},
		{.name = MST_S(":authority"), .value = mst_slice_str(s->authority)},
		{.name = MST_S(":path"), .value = mst_slice_str(s->conf->path)},
		{.name = MST_S("content-type"), .value = request->type},
		{.name = MST_S("user-agent"), .value = MST_S("MDM/1.0")},
		{.name = MST_S("accept"), .value = MST_S("*/*")},
		{.name = MST_S("content-length"), .value = mst_slice(length, (size_t)length_len)},
		{.name = MST_S("mdm-signature"), .value = request->signature, .is_unindexed = true},
	};
	size_t num = MST_LEN(headers) - (request->signature.len == 0);
	uint32_t stream;

	memcpy(s->body, request->body.at, request->body.len);
	mst_buf_drop(&s->in, mst_buf_slice(&s->in).len);
	s->status = 0;
	s->is_over = s->is_done = false;
	if (mst_h2_ask(s->h2, &stream, headers, num, mst_slice(s->body, request->body.len), s, e) < 0)
		return -1;
	return mst_h2_flush(s->h2, e);
}

int mst_talk_feed(struct mst_talk *s, struct mst_slice bytes, struct mst_err *e)
{
	bool was_over = s->is_over;

	if (mst_h2_feed(s->h2, bytes, e) < 0 || mst_h2_flush(s->h2, e) < 0)
		return -1;
	if (s->is_over && !was_over)
		return s->is_done && s->status ? 1 : mst_fail(e, MST_E_SYNTAX, "the stream ended without an answer");
	if (mst_h2_is_over(s->h2))
		return mst_fail(e, MST_E_GONE, "the server goes away");
	return 0;
}

struct mst_slice mst_talk_answer(const struct mst_talk *s, int *status)
{
	*status = s->status;
	return mst_buf_slice(&s->in);
}
