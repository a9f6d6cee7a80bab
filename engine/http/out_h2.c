/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a reply into the headers and the body of a stream (RFC 9113 8.3.2). */
#include "own.h"

#define HEADERS_MOST (5 + MST_LEN(((struct mst_reply *)NULL)->extra))

/* The headers under construction. */
struct pen {
	struct mst_arena *arena;
	uint8_t *digits, *digits_end; /* room for the numbers, written from its end */
	struct mst_h2_header headers[HEADERS_MOST];
	size_t num;
	bool is_bad;
};

static void put(struct pen *pen, struct mst_slice name, struct mst_slice value)
{
	pen->is_bad |= !mst_out_value_ok(value);
	pen->headers[pen->num++] = (struct mst_h2_header){.name = name, .value = value};
}

static void put_u64(struct pen *pen, struct mst_slice name, uint64_t n)
{
	uint8_t *end = pen->digits_end;
	do {
		if (pen->digits_end == pen->digits) {
			pen->is_bad = true;
			return;
		}
		*--pen->digits_end = (uint8_t)('0' + n % 10);
		n /= 10;
	} while (n);
	put(pen, name, mst_slice(pen->digits_end, (size_t)(end - pen->digits_end)));
}

/* A name of ours, in lower case as HTTP/2 wants it. */
static void put_extra(struct pen *pen, const struct mst_header *header)
{
	uint8_t *name = mst_arena_get(pen->arena, header->name.len);
	if (!name) {
		pen->is_bad = true;
		return;
	}
	for (size_t i = 0; i < header->name.len; i++) {
		uint8_t c = header->name.at[i];
		name[i] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	}
	put(pen, mst_slice(name, header->name.len), header->value);
}

static void put_head(struct pen *pen, struct mst_http *http, const struct mst_reply *r)
{
	bool has_content = mst_out_has_content(r->status);
	put_u64(pen, MST_S(":status"), (uint64_t)r->status);
	put(pen, MST_S("date"), mst_out_date(http));
	if (r->type && has_content)
		put(pen, MST_S("content-type"), mst_slice_str(r->type));
	if (has_content)
		put_u64(pen, MST_S("content-length"), r->body.len);
	if (r->retry_after_s)
		put_u64(pen, MST_S("retry-after"), r->retry_after_s);
	for (size_t i = 0; i < MST_LEN(r->extra) && r->extra[i].name.len; i++)
		put_extra(pen, &r->extra[i]);
}

int mst_out_h2_reply(struct http_deal *deal, const struct http_answer *answer, struct mst_err *e)
{
	const struct mst_reply *r = answer->reply;
	struct mst_slice body = r->body;
	struct pen pen = {.arena = &deal->x.arena, .digits = deal->digits, .digits_end = deal->digits + sizeof(deal->digits)};
	put_head(&pen, deal->edge->http, r);
	if (pen.is_bad)
		return mst_fail(e, MST_E_BUG, "a reply's head cannot be written");
	mst_out_count(r->status);
	if (answer->is_head || !mst_out_has_content(r->status))
		body.len = 0;
	if (mst_h2_reply(deal->edge->h2.session, deal->stream, pen.headers, pen.num, body, e) < 0)
		return -1;
	if (r->lent && body.len)
		mst_deal_lend(deal);
	else
		mst_framing_hold(deal, body.len);
	return 0;
}
