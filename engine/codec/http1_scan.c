/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the end of a message head as bytes arrive, holds the limits, refuses early what cannot be a
 * head. */
#include "muster/http1.h"

#include "http1_own.h"

static const struct mst_slice http2_preface = MST_S_INIT("PRI * HTTP/2.0");

/* A line that may still grow: `len` bytes of it are here. One more than the limit may be its CR. */
static int check_growing(const struct mst_http1_scan *scan, struct mst_slice bytes,
			 const struct mst_http1_limits *limits, struct mst_err *e)
{
	size_t len = bytes.len - scan->line;
	bool may_end = len == (size_t)limits->line_max + 1 && bytes.at[bytes.len - 1] == '\r';
	if (len > limits->line_max && !may_end)
		return mst_fail(e, MST_E_HEADERS, "a line of the head is over %u bytes",
				limits->line_max);
	if (bytes.len - scan->start >= head_max(limits))
		return mst_fail(e, MST_E_HEADERS, "the head is over %zu bytes", head_max(limits));
	return 0;
}

/* What the first byte of a line tells already. */
static int check_begin(const struct mst_http1_scan *scan, struct mst_slice bytes, struct mst_err *e)
{
	if (bytes.len <= scan->line)
		return 0;
	uint8_t c = bytes.at[scan->line];
	if (c == '\r' || c == '\n')
		return 0;
	if (scan->num_lines == 0 && !token_chars[c])
		return mst_fail(e, MST_E_SYNTAX, "not an HTTP message: it begins with byte 0x%02x",
				c);
	if (scan->num_lines && (c == ' ' || c == '\t'))
		return mst_fail(e, MST_E_SYNTAX, "a header is folded over two lines");
	return 0;
}

/* A complete line of `len` bytes. Returns 1 when it ends the head. */
static int end_line(struct mst_http1_scan *scan, const uint8_t *line, size_t len, size_t next,
		    const struct mst_http1_limits *limits, struct mst_err *e)
{
	if (len == 0 && scan->num_lines == 0) {
		/* Each empty line in front is two bytes at most, so the offset counts them. */
		if (next > 2 * MST_HTTP1_BLANKS_MAX)
			return mst_fail(e, MST_E_SYNTAX,
					"more than %d empty lines before a message",
					MST_HTTP1_BLANKS_MAX);
		scan->start = (uint32_t)next;
		return 0;
	}
	if (next - scan->start > head_max(limits))
		return mst_fail(e, MST_E_HEADERS, "the head is over %zu bytes", head_max(limits));
	if (len == 0)
		return 1;
	if (len > limits->line_max)
		return mst_fail(e, MST_E_HEADERS, "a line of the head is over %u bytes",
				limits->line_max);
	if (scan->num_lines == 0 && mst_slice_starts(mst_slice(line, len), http2_preface))
		return mst_fail(e, MST_E_VERSION, "HTTP/2 without negotiation");
	/* The first line is no header. */
	if (scan->num_lines++ > limits->headers_max)
		return mst_fail(e, MST_E_HEADERS, "more than %u headers", limits->headers_max);
	return 0;
}

int mst_http1_scan(struct mst_http1_scan *scan, struct mst_slice *head, size_t *used,
		   struct mst_slice bytes, const struct mst_http1_limits *limits, struct mst_err *e)
{
	while (scan->seen < bytes.len) {
		const uint8_t *from = bytes.at + scan->seen;
		const uint8_t *lf = memchr(from, '\n', bytes.len - scan->seen);
		if (scan->seen == scan->line && check_begin(scan, bytes, e) < 0)
			return -1;
		if (!lf) {
			if (check_growing(scan, bytes, limits, e) < 0)
				return -1;
			scan->seen = (uint32_t)bytes.len;
			return 0;
		}
		size_t next = (size_t)(lf - bytes.at) + 1, len = next - 1 - scan->line;
		const uint8_t *line = bytes.at + scan->line;
		if (len && line[len - 1] == '\r')
			len--;
		else if (!limits->takes_bare_lf)
			return mst_fail(e, MST_E_SYNTAX, "a line ends without CR");
		int done = end_line(scan, line, len, next, limits, e);
		if (done < 0)
			return -1;
		if (done) {
			*head = mst_slice(bytes.at + scan->start, next - scan->start);
			*used = next;
			return 1;
		}
		scan->seen = scan->line = (uint32_t)next;
	}
	return 0;
}
