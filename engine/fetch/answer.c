/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an answer of HTTP/1.1 as its bytes come: its head, and a body that ends by length, by chunks, or with the connection. */
#include "own.h"

static const struct mst_http1_limits limits = {.line_max = 16384, .head_max = HEAD_MAX, .headers_max = HEADERS_MAX};

static int too_big(const struct fetch_answer *answer, struct mst_err *e)
{
	return mst_fail(e, MST_E_TOO_BIG, "the server's answer is over %u bytes", answer->max);
}

static int add(struct fetch_answer *answer, struct mst_slice bytes, struct mst_err *e)
{
	size_t have = mst_buf_slice(&answer->body).len;

	if (bytes.len > answer->max || have > answer->max - bytes.len)
		return too_big(answer, e);
	return bytes.len ? mst_buf_add(&answer->body, bytes, e) : 0;
}

static int take_chunks(struct fetch_answer *answer, struct mst_slice bytes, struct mst_err *e)
{
	struct mst_slice data;
	size_t used;
	int rc = 0;

	while (rc == 0 && bytes.len) {
		data = mst_slice(NULL, 0);
		rc = mst_http1_chunks_take(&answer->chunks, &data, &used, bytes, e);
		if (rc < 0 || add(answer, data, e) < 0)
			return -1;
		bytes = mst_slice(bytes.at + used, bytes.len - used);
	}
	return rc;
}

static int take_body(struct fetch_answer *answer, struct mst_slice bytes, struct mst_err *e)
{
	switch (answer->head.framing) {
	case MST_HTTP1_NO_BODY:
		return 1;
	case MST_HTTP1_LENGTH:
		if (bytes.len > answer->left)
			bytes.len = (size_t)answer->left;
		answer->left -= bytes.len;
		return add(answer, bytes, e) < 0 ? -1 : answer->left == 0;
	case MST_HTTP1_CHUNKED:
		return take_chunks(answer, bytes, e);
	case MST_HTTP1_TO_END:
		return add(answer, bytes, e);
	}
	return -1;
}

/* The server's mistakes are no header limits or versions of ours. */
static int syntax(struct mst_err *e)
{
	if (e->code != MST_E_BUSY)
		e->code = MST_E_SYNTAX;
	return -1;
}

static int begin_body(struct fetch_answer *answer, struct mst_err *e)
{
	if (answer->head.status == 101)
		return mst_fail(e, MST_E_SYNTAX, "the server wants to speak another protocol");
	if (answer->head.framing == MST_HTTP1_LENGTH && answer->head.body_len > answer->max)
		return too_big(answer, e);
	answer->left = answer->head.body_len;
	answer->has_head = true;
	return 0;
}

/* 1: the head is read; 0: more. */
static int take_head(struct fetch_answer *answer, enum mst_method method, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_slice head;
	size_t used;
	int rc;

	for (;;) {
		rc = mst_http1_scan(&answer->scan, &head, &used, mst_buf_slice(&answer->in), &limits, e);
		if (rc <= 0)
			return rc < 0 ? syntax(e) : 0;
		if (mst_http1_reply(&answer->head, head, method, &limits, arena, e) < 0)
			return syntax(e);
		mst_buf_drop(&answer->in, used);
		answer->scan = (struct mst_http1_scan){.seen = 0};
		if (answer->head.status >= 200 || answer->head.status == 101)
			return begin_body(answer, e) < 0 ? -1 : 1;
		if (++answer->num_interim > INTERIM_MAX)
			return mst_fail(e, MST_E_SYNTAX, "the server does not come to its answer");
	}
}

int mst_answer_take(struct fetch_answer *answer, struct mst_slice bytes, enum mst_method method, struct mst_arena *arena,
		    struct mst_err *e)
{
	struct mst_slice rest;
	int rc;

	if (answer->has_head)
		return take_body(answer, bytes, e);
	if (mst_buf_add(&answer->in, bytes, e) < 0)
		return -1;
	rc = take_head(answer, method, arena, e);
	if (rc <= 0)
		return rc;
	rest = mst_buf_slice(&answer->in);
	rc = take_body(answer, rest, e);
	mst_buf_done(&answer->in);
	return rc;
}

int mst_answer_end(const struct fetch_answer *answer, bool is_whole, struct mst_err *e)
{
	if (!answer->has_head)
		return mst_fail(e, MST_E_GONE, "the server closed the connection before it answered");
	if (answer->head.framing != MST_HTTP1_TO_END || !is_whole)
		return mst_fail(e, MST_E_GONE, "the server's answer is cut short");
	return 1;
}

void mst_answer_done(struct fetch_answer *answer)
{
	mst_buf_done(&answer->in);
	mst_buf_done(&answer->body);
}
