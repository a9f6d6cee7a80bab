/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes a connection's bytes: heads and bodies one after another, at once and byte by byte, which
 * must agree. */
#include "muster/http1.h"

#define INPUT_MAX 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mst_http1_limits limits = {
	.line_max = 16384, .head_max = 65536, .headers_max = 64};

/* The body behind a head: how many bytes it takes, SIZE_MAX when it is broken or not complete. */
static size_t take_body(const struct mst_http1_head *head, struct mst_slice bytes)
{
	struct mst_http1_chunks chunks = {.left = 0};
	size_t at = 0, used;
	if (head->framing != MST_HTTP1_CHUNKED)
		return head->body_len <= bytes.len ? (size_t)head->body_len : SIZE_MAX;
	while (at < bytes.len) {
		struct mst_slice data;
		int done = mst_http1_chunks_take(&chunks, &data, &used,
						 mst_slice(bytes.at + at, bytes.len - at), NULL);
		if (done < 0)
			return SIZE_MAX;
		at += used;
		if (done)
			return at;
	}
	return SIZE_MAX;
}

/* Scanned byte by byte a head is found at the same place, or refused. */
static void check_growth(struct mst_slice bytes, int want, size_t want_used)
{
	struct mst_http1_scan scan = {.seen = 0};
	struct mst_slice head;
	size_t used = 0;
	int done = 0;
	for (size_t len = 1; len <= bytes.len && done == 0; len++)
		done = mst_http1_scan(&scan, &head, &used, mst_slice(bytes.at, len), &limits, NULL);
	BUG_ON(done != want || (done == 1 && used != want_used));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mst_slice bytes = mst_slice(data, len < INPUT_MAX ? len : INPUT_MAX);
	while (bytes.len) {
		struct mst_http1_scan scan = {.seen = 0};
		struct mst_http1_head out = {.status = 0};
		struct mst_arena arena = {.pool = NULL};
		struct mst_slice head;
		struct mst_err e;
		size_t used = 0, body = SIZE_MAX;
		int done = mst_http1_scan(&scan, &head, &used, bytes, &limits, &e);
		check_growth(bytes, done, used);
		if (done == 1 && mst_http1_request(&out, head, &limits, &arena, &e) == 0)
			body = take_body(&out, mst_slice(bytes.at + used, bytes.len - used));
		else if (done == 1 &&
			 mst_http1_reply(&out, head, MST_GET, &limits, &arena, &e) == 0)
			body = take_body(&out, mst_slice(bytes.at + used, bytes.len - used));
		mst_arena_done(&arena);
		if (body == SIZE_MAX)
			return 0;
		bytes = mst_slice(bytes.at + used + body, bytes.len - used - body);
	}
	return 0;
}
