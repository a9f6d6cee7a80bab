/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a reply into HTTP/1.1: head and body in one write, and so one TLS record, when they fit the loop's scratch. */
#include "own.h"

/* The head under construction. */
struct pen {
	uint8_t *from, *at, *end;
	bool is_bad;
};

static void put(struct pen *pen, struct mst_slice s)
{
	if (s.len > (size_t)(pen->end - pen->at)) {
		pen->is_bad = true;
		return;
	}
	memcpy(pen->at, s.at, s.len);
	pen->at += s.len;
}

static void put_u64(struct pen *pen, uint64_t n)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (uint8_t)('0' + n % 10);
		n /= 10;
	} while (n);
	put(pen, mst_slice(digits + at, sizeof(digits) - at));
}

static void put_header(struct pen *pen, struct mst_slice name, struct mst_slice value)
{
	pen->is_bad |= !mst_out_value_ok(value);
	put(pen, name);
	put(pen, MST_S(": "));
	if (value.len)
		put(pen, value);
	put(pen, MST_S("\r\n"));
}

static void put_head(struct pen *pen, struct mst_http *http, const struct http_answer *answer)
{
	const struct mst_reply *r = answer->reply;
	bool has_content = mst_out_has_content(r->status);
	put(pen, MST_S("HTTP/1.1 "));
	put_u64(pen, (uint64_t)r->status);
	put(pen, MST_S(" "));
	put(pen, mst_slice_str(mst_http_reason(r->status)));
	put(pen, MST_S("\r\nDate: "));
	put(pen, mst_out_date(http));
	put(pen, MST_S("\r\n"));
	if (r->type && has_content)
		put_header(pen, MST_S("Content-Type"), mst_slice_str(r->type));
	if (has_content) {
		put(pen, MST_S("Content-Length: "));
		put_u64(pen, r->body.len);
		put(pen, MST_S("\r\n"));
	}
	if (r->retry_after_s) {
		put(pen, MST_S("Retry-After: "));
		put_u64(pen, r->retry_after_s);
		put(pen, MST_S("\r\n"));
	}
	for (size_t i = 0; i < MST_LEN(r->extra) && r->extra[i].name.len; i++)
		put_header(pen, r->extra[i].name, r->extra[i].value);
	put(pen, answer->closes ? MST_S("Connection: close\r\n\r\n") : MST_S("\r\n"));
}

int mst_out_h1_more(struct http_edge *edge, struct mst_slice *rest, struct mst_err *e)
{
	struct mst_slice piece = mst_slice(rest->at, rest->len < HTTP_OUT_HIGH ? rest->len : HTTP_OUT_HIGH);
	*rest = mst_slice(rest->at + piece.len, rest->len - piece.len);
	return mst_out_write(edge, piece, e);
}

int mst_out_h1_put(struct http_edge *edge, struct mst_slice *rest, const struct http_answer *answer, struct mst_err *e)
{
	struct mst_http *http = edge->http;
	struct mst_slice body = answer->reply->body;
	struct pen pen = {.from = http->out, .at = http->out, .end = http->out + sizeof(http->out)};
	put_head(&pen, http, answer);
	if (pen.is_bad)
		return mst_fail(e, MST_E_BUG, "a reply's head cannot be written");
	mst_out_count(answer->reply->status);
	if (answer->is_head || !mst_out_has_content(answer->reply->status))
		body.len = 0;
	if (body.len <= (size_t)(pen.end - pen.at)) {
		if (body.len)
			put(&pen, body);
		body.len = 0;
	}
	if (mst_out_write(edge, mst_slice(pen.from, (size_t)(pen.at - pen.from)), e) < 0)
		return -1;
	*rest = body;
	return rest->len ? mst_out_h1_more(edge, rest, e) : 0;
}

int mst_out_h1_continue(struct http_edge *edge, struct mst_err *e)
{
	return mst_out_write(edge, MST_S("HTTP/1.1 100 Continue\r\n\r\n"), e);
}
