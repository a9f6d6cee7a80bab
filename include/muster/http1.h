/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 message framing without sockets (RFC 9112), for servers (requests) and for our own
 * clients (replies).
 *
 * Bytes are scanned until a head is complete (nothing is consumed before that, no byte is looked at
 * twice), then the head is parsed once, strictly: what two readers could take differently is
 * refused, so that nothing can be smuggled through a proxy in front. Limits and refusals fill `e`
 * with the code that becomes the status.
 */
#ifndef MUSTER_HTTP1_H
#define MUSTER_HTTP1_H

#include "muster/arena.h"
#include "muster/header.h"

#define MST_HTTP1_HEAD_MAX                                                                         \
	65536 /* a head's upper bound whatever the limits say; the parser's own is 80 KiB */
#define MST_HTTP1_BLANKS_MAX     2   /* empty lines before a request, RFC 9112 2.2 */
#define MST_HTTP1_CHUNK_LINE_MAX 256 /* chunk size with extensions; trailer lines as well */
#define MST_HTTP1_TRAILERS_MAX   16

struct mst_http1_limits {
	uint32_t line_max;    /* request line or one header, bytes without its line end */
	uint32_t head_max;    /* whole head, bytes */
	uint32_t headers_max; /* count */
	bool takes_bare_lf;   /* a lone LF ends a line; otherwise SYNTAX */
};

/* Where a scan stands; zero state begins a head. Offsets count from the same first byte in every
 * call. */
struct mst_http1_scan {
	uint32_t seen;      /* bytes looked at */
	uint32_t line;      /* where the present line begins */
	uint32_t start;     /* where the head begins, behind empty lines */
	uint32_t num_lines; /* complete lines of the head */
};

/* mst_http1_scan looks for the end of a head at the front of `bytes`, which has grown since the
 * last call. Returns 1 with *head (lending from bytes, without the empty lines before it) and *used
 * (bytes to consume), 0 when it needs more, -1 HEADERS over a limit, SYNTAX for what cannot be a
 * head, VERSION for HTTP/2's preface. */
int mst_http1_scan(struct mst_http1_scan *scan, struct mst_slice *head, size_t *used,
		   struct mst_slice bytes, const struct mst_http1_limits *limits,
		   struct mst_err *e) MST_MUST;

enum mst_http1_framing {
	MST_HTTP1_NO_BODY,
	MST_HTTP1_LENGTH,  /* body_len bytes follow */
	MST_HTTP1_CHUNKED, /* chunks follow */
	MST_HTTP1_TO_END,  /* replies only: until the connection ends */
};

struct mst_http1_head {
	enum mst_method method;
	int status;    /* of a reply */
	uint8_t minor; /* HTTP/1.minor: 0 or 1 */
	struct mst_slice method_text;
	struct mst_slice target; /* origin form "/path?query", or "*"; of an absolute form the part
				    behind the authority */
	struct mst_slice host;   /* of Host, or of the absolute form's authority; empty when none */
	const struct mst_header *headers;
	size_t num_headers;
	enum mst_http1_framing framing;
	uint64_t body_len; /* MST_HTTP1_LENGTH only */
	bool keeps_alive;
	bool expects_continue; /* Expect: 100-continue */
};

/* mst_http1_request parses the head that mst_http1_scan found. Everything lends from a copy in
 * `arena`. Returns 0, or -1: SYNTAX; METHOD_UNKNOWN; VERSION; HEADERS; EXPECT for another Expect;
 * BUSY when the arena has no room. */
int mst_http1_request(struct mst_http1_head *out, struct mst_slice head,
		      const struct mst_http1_limits *limits, struct mst_arena *arena,
		      struct mst_err *e) MST_MUST;
/* mst_http1_reply does the same for a reply's head; `to` is the method of the request (HEAD has no
 * body). */
int mst_http1_reply(struct mst_http1_head *out, struct mst_slice head, enum mst_method to,
		    const struct mst_http1_limits *limits, struct mst_arena *arena,
		    struct mst_err *e) MST_MUST;

/* The same readings for parts that came by themselves (HTTP/2): a method; a target in origin form, or "*" with OPTIONS; what
 * Host may hold. Return 0, or -1 SYNTAX, METHOD_UNKNOWN. */
int mst_http1_method(enum mst_method *out, struct mst_slice text, struct mst_err *e) MST_MUST;
int mst_http1_target(struct mst_slice text, struct mst_slice method, struct mst_err *e) MST_MUST;
int mst_http1_host(struct mst_slice host, struct mst_err *e) MST_MUST;

/* Decodes a chunked body (RFC 9112 7.1). Zero state begins one. */
struct mst_http1_chunks {
	enum {
		MST_CHUNK_SIZE, /* the digits */
		MST_CHUNK_EXT,  /* an extension, ignored */
		MST_CHUNK_SIZE_LF,
		MST_CHUNK_DATA,
		MST_CHUNK_DATA_CR,
		MST_CHUNK_DATA_LF,
		MST_CHUNK_TRAILER,    /* at the begin of a trailer line */
		MST_CHUNK_TRAILER_IN, /* inside one */
		MST_CHUNK_TRAILER_LF,
		MST_CHUNK_LAST_LF,
		MST_CHUNK_END,
	} state;
	uint8_t num_digits, num_trailers;
	uint16_t line_len;
	uint64_t left; /* of this chunk */
};

/* mst_http1_chunks_take consumes *used bytes and lends the data among them, one piece a call: call
 * again with the rest while it returns 0 and bytes are left. Returns 1 when the body is complete, 0
 * for more, -1 SYNTAX. Trailers are dropped. */
int mst_http1_chunks_take(struct mst_http1_chunks *c, struct mst_slice *data, size_t *used,
			  struct mst_slice bytes, struct mst_err *e) MST_MUST;

#endif
