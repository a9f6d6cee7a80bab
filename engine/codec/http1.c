/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses a complete head twice: libhttp-parser says what the common reading is, our own strict
 * reading of the same bytes refuses what is ambiguous, and where the two differ the message is
 * refused.
 */
#include "muster/http1.h"

#include <http_parser.h>

#include "http1_own.h"

/* clang-format off */
const uint8_t mst_http1_token_chars[256] = {
	['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*', ['+'] = '+',
	['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`', ['|'] = '|', ['~'] = '~',
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',
	['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r',
	['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i',
	['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
	['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
};
/* clang-format on */

static const struct {
	struct mst_slice text;
	enum mst_method method;
} methods[] = {
	{MST_S_INIT("PUT"), MST_PUT},
	{MST_S_INIT("GET"), MST_GET},
	{MST_S_INIT("POST"), MST_POST},
	{MST_S_INIT("HEAD"), MST_HEAD},
	{MST_S_INIT("DELETE"), MST_DELETE},
	{MST_S_INIT("PATCH"), MST_OTHER_METHOD},
	{MST_S_INIT("OPTIONS"), MST_OTHER_METHOD},
};

/* What one parse gathers. */
struct parse {
	struct mst_http1_head *out;
	struct mst_header *headers;
	size_t num, room;
	const struct mst_http1_limits *limits;
	struct mst_err *e;
	struct mst_slice length, coding, expect, host; /* `at` NULL: header absent */
	struct mst_slice authority;                    /* of the absolute form */
	bool is_reply, is_over;       /* is_over: the second parser saw the end of the head */
	bool is_chunked, keeps_alive; /* its reading */
	uint64_t body_len;
};

static int bad(struct parse *p, const char *text)
{
	return mst_fail(p->e, MST_E_SYNTAX, "%s", text);
}

/* "HTTP/1.1" or "HTTP/1.0"; the major digit of other versions gives 505. */
static int read_version(struct parse *p, struct mst_slice text)
{
	static const struct mst_slice name = MST_S_INIT("HTTP/");
	if (text.len != 8 || !mst_slice_starts(text, name) || text.at[6] != '.' ||
	    text.at[5] < '0' || text.at[5] > '9' || text.at[7] < '0' || text.at[7] > '9')
		return bad(p, "the HTTP version is malformed");
	if (text.at[5] != '1' || text.at[7] > '1')
		return mst_fail(p->e, MST_E_VERSION, "HTTP version %c.%c", text.at[5], text.at[7]);
	p->out->minor = (uint8_t)(text.at[7] - '0');
	return 0;
}

int mst_http1_method(enum mst_method *out, struct mst_slice text, struct mst_err *e)
{
	for (size_t i = 0; i < text.len; i++)
		if (!token_chars[text.at[i]])
			return mst_fail(e, MST_E_SYNTAX, "the method is no token");
	for (size_t i = 0; i < MST_LEN(methods); i++) {
		if (mst_slice_eq(methods[i].text, text)) {
			*out = methods[i].method;
			return 0;
		}
	}
	return text.len ? mst_fail(e, MST_E_METHOD_UNKNOWN, "method not known")
			: mst_fail(e, MST_E_SYNTAX, "no method");
}

static int read_method(struct parse *p, struct mst_slice text)
{
	p->out->method_text = text;
	return mst_http1_method(&p->out->method, text, p->e);
}

static int check_target_bytes(struct mst_slice text, struct mst_err *e)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] >= 0x7f || text.at[i] == '#')
			return mst_fail(e, MST_E_SYNTAX, "the target holds a byte that may not be there");
	return 0;
}

static bool is_path(struct mst_slice text, struct mst_slice method)
{
	return (text.len && text.at[0] == '/') ||
	       (mst_slice_eq(text, MST_S("*")) && mst_slice_eq(method, MST_S("OPTIONS")));
}

int mst_http1_target(struct mst_slice text, struct mst_slice method, struct mst_err *e)
{
	if (check_target_bytes(text, e) < 0)
		return -1;
	return is_path(text, method) ? 0 : mst_fail(e, MST_E_SYNTAX, "the target is no path");
}

/* Origin form, "*" with OPTIONS, or absolute form, of which the authority is kept for the
 * comparison with Host. */
static int read_target(struct parse *p, struct mst_slice text)
{
	static const struct mst_slice forms[] = {MST_S_INIT("http://"), MST_S_INIT("https://")};
	if (check_target_bytes(text, p->e) < 0)
		return -1;
	p->out->target = text;
	if (is_path(text, p->out->method_text))
		return 0;
	for (size_t i = 0; i < MST_LEN(forms); i++) {
		if (!mst_slice_case_starts(text, forms[i]))
			continue;
		struct mst_slice rest = mst_slice(text.at + forms[i].len, text.len - forms[i].len);
		size_t path = mst_slice_find(rest, '/');
		if (path == 0 || path == rest.len)
			return bad(p, "the absolute target lacks host or path");
		p->authority = mst_slice(rest.at, path);
		p->out->target = mst_slice(rest.at + path, rest.len - path);
		return 0;
	}
	return bad(p, "the target is no path");
}

static int read_request_line(struct parse *p, struct mst_slice line)
{
	struct mst_slice method, target, version;
	if (!mst_slice_cut(&method, &line, line, ' ') ||
	    !mst_slice_cut(&target, &version, line, ' '))
		return bad(p, "the request line has not three parts");
	if (read_version(p, version) < 0 || read_method(p, method) < 0)
		return -1;
	return read_target(p, target);
}

static int read_status_line(struct parse *p, struct mst_slice line)
{
	if (line.len < 12 || line.at[8] != ' ' || (line.len > 12 && line.at[12] != ' '))
		return bad(p, "the status line is malformed");
	int status = 0;
	for (size_t i = 9; i < 12; i++) {
		if (line.at[i] < '0' || line.at[i] > '9')
			return bad(p, "the status is no number");
		status = status * 10 + (line.at[i] - '0');
	}
	p->out->status = status;
	return status < 100 ? bad(p, "the status is under 100")
			    : read_version(p, mst_slice(line.at, 8));
}

/* Headers that may come once only, and where each is kept. */
static int keep_once(struct parse *p, const struct mst_header *h)
{
	struct mst_slice *place;
	if (mst_slice_eq(h->name, MST_S("host")))
		place = &p->host;
	else if (mst_slice_eq(h->name, MST_S("content-length")))
		place = &p->length;
	else if (mst_slice_eq(h->name, MST_S("transfer-encoding")))
		place = &p->coding;
	else if (mst_slice_eq(h->name, MST_S("expect")))
		place = &p->expect;
	else
		return 0;
	if (place->at)
		return mst_fail(p->e, MST_E_SYNTAX, "two %.*s headers", (int)h->name.len,
				(const char *)h->name.at);
	*place = h->value;
	return 0;
}

/* One header line; its name is turned to lower case where it stands. */
static int read_header(struct parse *p, uint8_t *line, size_t len)
{
	size_t colon = 0;
	for (uint8_t c; colon < len && (c = token_chars[line[colon]]) != 0; colon++)
		line[colon] = c;
	if (colon == len || line[colon] != ':' || colon == 0)
		return bad(p, "a header's name is malformed");
	for (size_t i = colon + 1; i < len; i++)
		if ((line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return bad(p, "a header's value holds a control character");
	if (p->num == p->room)
		return mst_fail(p->e, MST_E_HEADERS, "more than %zu headers", p->room);
	struct mst_header *h = &p->headers[p->num++];
	h->name = mst_slice(line, colon);
	h->value = mst_slice_trim(mst_slice(line + colon + 1, len - colon - 1));
	return keep_once(p, h);
}

/* Our own reading, line by line. The scan saw to it that the head ends with an empty line. */
static int read_lines(struct parse *p, uint8_t *at, size_t len)
{
	uint8_t *end = at + len;
	for (bool is_first = true; at < end; is_first = false) {
		uint8_t *lf = memchr(at, '\n', (size_t)(end - at));
		if (!lf)
			return bad(p, "the head does not end");
		size_t line_len = (size_t)(lf - at);
		if (line_len && at[line_len - 1] == '\r')
			line_len--;
		int failed = 0;
		if (is_first && p->is_reply)
			failed = read_status_line(p, mst_slice(at, line_len));
		else if (is_first)
			failed = read_request_line(p, mst_slice(at, line_len));
		else if (line_len)
			failed = read_header(p, at, line_len);
		if (failed)
			return -1;
		at = lf + 1;
	}
	return 0;
}

static int on_head(http_parser *parser)
{
	struct parse *p = parser->data;
	p->is_over = true;
	p->is_chunked = parser->flags & F_CHUNKED;
	p->body_len = parser->content_length;
	p->keeps_alive = http_should_keep_alive(parser);
	/* 2: nothing behind the head is this parser's business. */
	return 2;
}

/* The common reading: it must accept the head too, up to its last byte. */
static int read_again(struct parse *p, struct mst_slice head)
{
	http_parser_settings settings;
	http_parser parser;
	http_parser_settings_init(&settings);
	settings.on_headers_complete = on_head;
	http_parser_init(&parser, p->is_reply ? HTTP_RESPONSE : HTTP_REQUEST);
	parser.data = p;
	http_parser_execute(&parser, &settings, (const char *)head.at, head.len);
	enum http_errno code = HTTP_PARSER_ERRNO(&parser);
	if (code != HPE_OK || !p->is_over)
		return bad(p,
			   code != HPE_OK ? http_errno_description(code) : "the head does not end");
	return 0;
}

int mst_http1_host(struct mst_slice host, struct mst_err *e)
{
	for (size_t i = 0; i < host.len; i++) {
		uint8_t c = host.at[i];
		if (!token_chars[c] && c != ':' && c != '[' && c != ']')
			return mst_fail(e, MST_E_SYNTAX, "Host is malformed");
	}
	return 0;
}

static int check_host(struct parse *p)
{
	if (!p->host.at && p->out->minor == 1)
		return bad(p, "no Host");
	if (mst_http1_host(p->host, p->e) < 0)
		return -1;
	if (p->authority.at && p->host.at && !mst_slice_case_eq(p->authority, p->host))
		return bad(p, "Host differs from the target");
	p->out->host = p->host.at ? p->host : p->authority;
	return 0;
}

static int check_expect(struct parse *p)
{
	if (!p->expect.at || p->out->minor == 0)
		return 0;
	if (!mst_slice_case_eq(p->expect, MST_S("100-continue")))
		return mst_fail(p->e, MST_E_EXPECT, "an Expect other than 100-continue");
	p->out->expects_continue = true;
	return 0;
}

/* RFC 9112 6.3, without its tolerance. */
static int check_framing(struct parse *p)
{
	struct mst_http1_head *out = p->out;
	if (p->coding.at && p->length.at)
		return bad(p, "both Content-Length and Transfer-Encoding");
	if (p->coding.at) {
		if (!mst_slice_case_eq(p->coding, MST_S("chunked")) || out->minor == 0)
			return bad(p, "a Transfer-Encoding other than chunked");
		out->framing = MST_HTTP1_CHUNKED;
	}
	if (p->length.at) {
		/* 19 digits always fit. */
		if (p->length.len > 19 || mst_slice_u64(&out->body_len, p->length, NULL) < 0)
			return bad(p, "Content-Length is malformed");
		out->framing = out->body_len ? MST_HTTP1_LENGTH : MST_HTTP1_NO_BODY;
	}
	bool is_agreed = p->is_chunked == (p->coding.at != NULL) &&
			 (!p->length.at || p->body_len == out->body_len);
	return is_agreed ? 0 : bad(p, "the body's length can be read in two ways");
}

static int parse_head(struct parse *p, struct mst_slice head, struct mst_arena *arena)
{
	struct mst_slice copy;
	size_t num_lines = 0;
	for (const uint8_t *at = head.at, *end = head.at + head.len;
	     (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
		num_lines++;
	p->room = num_lines < p->limits->headers_max ? num_lines : p->limits->headers_max;
	p->headers = mst_arena_get(arena, (p->room ? p->room : 1) * sizeof(*p->headers));
	if (!p->headers || !mst_arena_copy(arena, &copy, head))
		return mst_fail(p->e, MST_E_BUSY, "no room in the exchange's memory for the head");
	*p->out = (struct mst_http1_head){.headers = p->headers};
	if (read_lines(p, (uint8_t *)(uintptr_t)copy.at, copy.len) < 0 || read_again(p, head) < 0 ||
	    check_framing(p) < 0)
		return -1;
	p->out->num_headers = p->num;
	p->out->keeps_alive = p->keeps_alive;
	return 0;
}

int mst_http1_request(struct mst_http1_head *out, struct mst_slice head,
		      const struct mst_http1_limits *limits, struct mst_arena *arena,
		      struct mst_err *e)
{
	struct parse p = {.out = out, .limits = limits, .e = e};
	if (parse_head(&p, head, arena) < 0 || check_host(&p) < 0)
		return -1;
	return check_expect(&p);
}

int mst_http1_reply(struct mst_http1_head *out, struct mst_slice head, enum mst_method to,
		    const struct mst_http1_limits *limits, struct mst_arena *arena,
		    struct mst_err *e)
{
	struct parse p = {.out = out, .limits = limits, .e = e, .is_reply = true};
	if (parse_head(&p, head, arena) < 0)
		return -1;
	bool is_bare =
		to == MST_HEAD || out->status < 200 || out->status == 204 || out->status == 304;
	if (is_bare)
		out->framing = MST_HTTP1_NO_BODY;
	else if (!p.coding.at && !p.length.at)
		out->framing = MST_HTTP1_TO_END;
	if (out->framing == MST_HTTP1_TO_END)
		out->keeps_alive = false;
	return 0;
}
