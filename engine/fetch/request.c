/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a request of HTTP/1.1 (RFC 9112 3): one for each connection. */
#include <stdio.h>

#include "own.h"

/* Ours to say. */
static const struct mst_slice reserved[] = {
	MST_S_INIT("host"), MST_S_INIT("content-length"), MST_S_INIT("transfer-encoding"), MST_S_INIT("connection"), MST_S_INIT("expect"),
};

static const struct mst_slice methods[] = {
	[MST_GET] = MST_S_INIT("GET"),   [MST_HEAD] = MST_S_INIT("HEAD"),     [MST_PUT] = MST_S_INIT("PUT"),
	[MST_POST] = MST_S_INIT("POST"), [MST_DELETE] = MST_S_INIT("DELETE"),
};

/* RFC 9110 5.6.2. */
static bool is_token(struct mst_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] >= 0x7f || memchr("\"(),/:;<=>?@[\\]{}", s.at[i], 17))
			return false;
	return s.len > 0;
}

static bool is_value(struct mst_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.at[i] < ' ' && s.at[i] != '\t') || s.at[i] == 0x7f)
			return false;
	return true;
}

static int check(const struct mst_fetch *f, struct mst_err *e)
{
	if (f->method >= MST_LEN(methods))
		return mst_fail(e, MST_E_SYNTAX, "a method that is not sent");
	for (size_t i = 0; i < f->num_headers; i++) {
		const struct mst_header *h = &f->headers[i];
		if (!is_token(h->name) || !is_value(h->value))
			return mst_fail(e, MST_E_SYNTAX, "a header that cannot be sent");
		for (size_t k = 0; k < MST_LEN(reserved); k++)
			if (mst_slice_case_eq(h->name, reserved[k]))
				return mst_fail(e, MST_E_SYNTAX, "header %s is the client's own", (const char *)reserved[k].at);
	}
	return 0;
}

/* Texts behind each other; the last one has no place. -1 as mst_buf_add. */
static int put(struct mst_buf *out, const struct mst_slice *texts, struct mst_err *e)
{
	for (; texts->at; texts++)
		if (mst_buf_add(out, *texts, e) < 0)
			return -1;
	return 0;
}
#define PUT(...) put(out, (const struct mst_slice[]){__VA_ARGS__, {NULL, 0}}, e)

int mst_request_write(struct mst_buf *out, const struct mst_fetch *f, const struct fetch_url *url, struct mst_err *e)
{
	bool is_rooted = url->target.len && url->target.at[0] == '/', has_body = f->body.len || f->method == MST_POST || f->method == MST_PUT;
	char length[24];

	if (check(f, e) < 0)
		return -1;
	if (PUT(methods[f->method], MST_S(" "), is_rooted ? MST_S("") : MST_S("/")) < 0 ||
	    PUT(url->target, MST_S(" HTTP/1.1\r\nHost: "), url->authority) < 0 ||
	    PUT(MST_S("\r\nUser-Agent: Muster\r\nConnection: close\r\n")) < 0)
		return -1;
	for (size_t i = 0; i < f->num_headers; i++)
		if (PUT(f->headers[i].name, MST_S(": ")) < 0 || mst_buf_add(out, f->headers[i].value, e) < 0 || PUT(MST_S("\r\n")) < 0)
			return -1;
	if (has_body) {
		snprintf(length, sizeof length, "%zu", f->body.len);
		if (PUT(MST_S("Content-Length: "), mst_slice_str(length), MST_S("\r\n")) < 0)
			return -1;
	}
	return PUT(MST_S("\r\n")) < 0 ? -1 : mst_buf_add(out, f->body, e);
}
