/* SPDX-License-Identifier: Apache-2.0 */
/* What both framings ask of a request: whether it is taken at all, and room for its body. */
#include "own.h"

int mst_in_admit(struct http_deal *deal)
{
	struct mst_http *http = deal->edge->http;
	struct mst_xchg *x = &deal->x;
	if (mst_target_parse(&x->in, &x->arena, &x->err) < 0)
		return -1;
	if (http->num_busy >= http->conf.exchanges_max)
		return mst_fail(&x->err, MST_E_BUSY, "%u exchanges at work", http->num_busy);
	if (http->hooks.on_head(x) < 0)
		return -1;
	BUG_ON(!x->way);
	if (deal->head.framing == MST_HTTP1_LENGTH && deal->head.body_len > x->body_max)
		return mst_fail(&x->err, MST_E_TOO_BIG, "a body over %zu bytes", x->body_max);
	return 0;
}

void mst_in_ready(struct http_deal *deal)
{
	const struct mst_http1_head *head = &deal->head;
	deal->body.limit = deal->x.body_max;
	/* A head alone may claim a small piece of memory, not a large one. */
	if (head->framing == MST_HTTP1_LENGTH && head->body_len <= HTTP_BODY_ARENA)
		deal->place = mst_arena_get(&deal->x.arena, (size_t)head->body_len);
}

int mst_in_add(struct http_deal *deal, struct mst_slice data)
{
	struct mst_xchg *x = &deal->x;
	if (data.len > x->body_max - deal->body_len)
		return mst_fail(&x->err, MST_E_TOO_BIG, "a body over %zu bytes", x->body_max);
	if (deal->place)
		memcpy(deal->place + deal->body_len, data.at, data.len);
	else if (mst_buf_add(&deal->body, data, &x->err) < 0)
		return -1;
	deal->body_len += data.len;
	return 0;
}
