/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes what a peer of HTTP/2 sends. The first byte says which side we are and how the rest is cut (server and client in the
 * lowest bit, a preface of ours in the next, then the piece); each stream must end once. */
#include "muster/h2.h"

#define INPUT_MAX 20000
#define NUM_ASKED 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct side {
	struct mst_h2 *h2;
	bool is_client;
	uint32_t num_begun, num_gone;
} side;
static const uint8_t body[40000];

static int on_put(void *context, struct mst_slice bytes, struct mst_err *e)
{
	BUG_ON(bytes.len == 0 || bytes.len > 16384);
	return 0;
}

static void *on_stream(void *context, uint32_t stream)
{
	side.num_begun++;
	return (void *)(uintptr_t)stream;
}

static int on_header(void *up, struct mst_slice name, struct mst_slice value)
{
	return value.len == 3 && value.at[0] == 'R' ? -1 : 0;
}

static void on_head(void *up, bool is_end)
{
}

static void on_body(void *up, struct mst_slice bytes)
{
	mst_h2_consume(side.h2, (uint32_t)(uintptr_t)up, bytes.len / 2);
}

static void on_end(void *up)
{
	const struct mst_h2_header status = {MST_S(":status"), MST_S("200"), false};
	uint32_t stream = (uint32_t)(uintptr_t)up;
	if (!side.is_client &&
	    mst_h2_reply(side.h2, stream, &status, 1, mst_slice(body, sizeof(body)), NULL) < 0)
		mst_h2_reset(side.h2, stream, true);
}

static void on_gone(void *up, bool is_done, bool may_retry)
{
	BUG_ON(is_done && may_retry);
	side.num_gone++;
}

static const struct mst_h2_hooks hooks = {.put = on_put, .on_stream = on_stream, .on_header = on_header,
	.on_head = on_head, .on_body = on_body, .on_end = on_end, .on_gone = on_gone};

/* A client's streams are 1, 3, 5. */
static void ask(void)
{
	const struct mst_h2_header path = {MST_S(":path"), MST_S("/"), true};
	uint32_t stream;
	for (uintptr_t i = 0; i < NUM_ASKED; i++)
		side.num_begun += mst_h2_ask(side.h2, &stream, &path, 1, mst_slice(body, i * 19999),
					     (void *)(i * 2 + 1), NULL) == 0;
}

static int feed(struct mst_slice bytes)
{
	int rc = mst_h2_feed(side.h2, bytes, NULL);
	return mst_h2_flush(side.h2, NULL) < 0 ? -1 : rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	struct mst_slice rest = mst_slice(data + 1, (len < INPUT_MAX ? len : INPUT_MAX) - 1);
	size_t step = data[0] >> 2 ? data[0] >> 2 : INPUT_MAX;
	side = (struct side){.is_client = data[0] & 1};
	BUG_ON(mst_h2_new(&side.h2, side.is_client, NULL, &hooks, NULL) < 0);
	if (side.is_client)
		ask();
	int rc = mst_h2_flush(side.h2, NULL);
	if (!side.is_client && data[0] & 2)
		rc = feed(MST_S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"));
	while (rc == 0 && rest.len) {
		size_t part = rest.len < step ? rest.len : step;
		rc = feed(mst_slice(rest.at, part));
		rest = mst_slice(rest.at + part, rest.len - part);
		BUG_ON(side.num_begun - side.num_gone != mst_h2_open(side.h2));
		BUG_ON(mst_h2_open(side.h2) == 0 && mst_h2_held(side.h2) != 0);
	}
	mst_h2_free(&side.h2);
	BUG_ON(side.num_begun != side.num_gone);
	return 0;
}
