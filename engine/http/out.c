/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a reply into bytes: head and body in one write, and so one TLS record, when they fit the
 * loop's scratch. */
#include <stdio.h>
#include <time.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "own.h"

#define DATE_KEEP_MS 200 /* the loop's clock moves this far before the wall clock is asked again   \
			  */

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

/* One header; a value with a control character would become a header of its own, so it is no value.
 */
static void put_header(struct pen *pen, struct mst_slice name, struct mst_slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] == 0x7f)
			pen->is_bad = true;
	put(pen, name);
	put(pen, MST_S(": "));
	if (value.len)
		put(pen, value);
	put(pen, MST_S("\r\n"));
}

/* IMF-fixdate, RFC 9110 5.6.7, made anew when the second may have changed. */
static struct mst_slice date(struct mst_http *http)
{
	uint64_t now_ms = mst_loop_now_ms(http->loop);
	if (http->date_len == 0 || now_ms - http->date_ms >= DATE_KEEP_MS) {
		static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
		static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
						 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
		time_t s = mst_clock_wall_ms() / 1000;
		struct tm t;
		gmtime_r(&s, &t);
		int len =
			snprintf(http->date, sizeof(http->date),
				 "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t.tm_wday], t.tm_mday,
				 months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
		http->date_len = len > 0 && (size_t)len < sizeof(http->date) ? (uint8_t)len : 0;
		http->date_ms = now_ms;
	}
	return mst_slice(http->date, http->date_len);
}

/* 1xx, 204 and 304 have no content and say no length (RFC 9110 8.6). */
static bool has_content(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

static void put_head(struct pen *pen, struct mst_http *http, const struct http_answer *answer)
{
	const struct mst_reply *r = answer->reply;
	put(pen, MST_S("HTTP/1.1 "));
	put_u64(pen, (uint64_t)r->status);
	put(pen, MST_S(" "));
	put(pen, mst_slice_str(mst_http_reason(r->status)));
	put(pen, MST_S("\r\nDate: "));
	put(pen, date(http));
	put(pen, MST_S("\r\n"));
	if (r->type && has_content(r->status))
		put_header(pen, MST_S("Content-Type"), mst_slice_str(r->type));
	if (has_content(r->status)) {
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

static void count(int status)
{
	mst_count(status < 400   ? MST_C_HTTP_2XX
		  : status < 500 ? MST_C_HTTP_4XX
				 : MST_C_HTTP_5XX,
		  1);
}

static int write_bytes(struct http_edge *edge, struct mst_slice bytes, struct mst_err *e)
{
	return edge->tls ? mst_tls_write(edge->tls, bytes, e) : mst_conn_put(edge->conn, bytes, e);
}

int mst_out_more(struct http_edge *edge, struct mst_slice *rest, struct mst_err *e)
{
	struct mst_slice piece = mst_slice(rest->at, rest->len < HTTP_OUT_HIGH ? rest->len : HTTP_OUT_HIGH);
	*rest = mst_slice(rest->at + piece.len, rest->len - piece.len);
	return write_bytes(edge, piece, e);
}

int mst_out_put(struct http_edge *edge, struct mst_slice *rest, const struct http_answer *answer, struct mst_err *e)
{
	struct mst_http *http = edge->http;
	struct mst_slice body = answer->reply->body;
	struct pen pen = {.from = http->out, .at = http->out, .end = http->out + sizeof(http->out)};
	put_head(&pen, http, answer);
	if (pen.is_bad)
		return mst_fail(e, MST_E_BUG, "a reply's head cannot be written");
	count(answer->reply->status);
	if (answer->is_head || !has_content(answer->reply->status))
		body.len = 0;
	if (body.len <= (size_t)(pen.end - pen.at)) {
		if (body.len)
			put(&pen, body);
		body.len = 0;
	}
	if (write_bytes(edge, mst_slice(pen.from, (size_t)(pen.at - pen.from)), e) < 0)
		return -1;
	*rest = body;
	return rest->len ? mst_out_more(edge, rest, e) : 0;
}

int mst_out_continue(struct http_edge *edge, struct mst_err *e)
{
	return write_bytes(edge, MST_S("HTTP/1.1 100 Continue\r\n\r\n"), e);
}
