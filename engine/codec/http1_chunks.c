/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes chunked bodies strictly: CR LF everywhere, no space in a size, bounded extensions and
 * trailers. The common parser is not asked here: it lets a lone LF hide in an extension, which is
 * how requests get smuggled.
 */
#include "muster/http1.h"

#include "http1_own.h"

#define SIZE_DIGITS_MAX 8 /* 4 GiB a chunk; bodies are far smaller */

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_text(uint8_t c)
{
	return (c >= ' ' && c != 0x7f) || c == '\t';
}

/* The digits, then CR or an extension. */
static int take_size(struct mst_http1_chunks *c, uint8_t byte)
{
	int digit = hex_digit(byte);
	if (digit >= 0) {
		c->left = c->left << 4 | (uint64_t)digit;
		return ++c->num_digits > SIZE_DIGITS_MAX ? -1 : 0;
	}
	if (c->num_digits == 0)
		return -1;
	if (byte != '\r' && byte != ';')
		return -1;
	c->state = byte == '\r' ? MST_CHUNK_SIZE_LF : MST_CHUNK_EXT;
	return 0;
}

/* A line's bytes that are ignored, up to its CR. */
static int take_ignored(struct mst_http1_chunks *c, uint8_t byte, int behind)
{
	if (byte == '\r')
		c->state = behind;
	else if (!is_text(byte) || ++c->line_len > MST_HTTP1_CHUNK_LINE_MAX)
		return -1;
	return 0;
}

static int take_lf(struct mst_http1_chunks *c, uint8_t byte, int behind)
{
	c->state = behind;
	c->line_len = 0;
	return byte == '\n' ? 0 : -1;
}

/* Every byte that is not data. Returns -1 where the grammar ends. */
static int take_byte(struct mst_http1_chunks *c, uint8_t byte)
{
	switch (c->state) {
	case MST_CHUNK_SIZE:
		return take_size(c, byte);
	case MST_CHUNK_EXT:
		return take_ignored(c, byte, MST_CHUNK_SIZE_LF);
	case MST_CHUNK_SIZE_LF:
		return take_lf(c, byte, c->left ? MST_CHUNK_DATA : MST_CHUNK_TRAILER);
	case MST_CHUNK_DATA_CR:
		c->state = MST_CHUNK_DATA_LF;
		return byte == '\r' ? 0 : -1;
	case MST_CHUNK_DATA_LF:
		c->num_digits = 0;
		return take_lf(c, byte, MST_CHUNK_SIZE);
	case MST_CHUNK_TRAILER:
		if (byte == '\r') {
			c->state = MST_CHUNK_LAST_LF;
			return 0;
		}
		c->state = MST_CHUNK_TRAILER_IN;
		return token_chars[byte] && ++c->num_trailers <= MST_HTTP1_TRAILERS_MAX ? 0 : -1;
	case MST_CHUNK_TRAILER_IN:
		return take_ignored(c, byte, MST_CHUNK_TRAILER_LF);
	case MST_CHUNK_TRAILER_LF:
		return take_lf(c, byte, MST_CHUNK_TRAILER);
	case MST_CHUNK_LAST_LF:
		return take_lf(c, byte, MST_CHUNK_END);
	case MST_CHUNK_DATA:
	case MST_CHUNK_END:
		break;
	}
	return -1;
}

int mst_http1_chunks_take(struct mst_http1_chunks *c, struct mst_slice *data, size_t *used,
			  struct mst_slice bytes, struct mst_err *e)
{
	size_t at = 0;
	*data = (struct mst_slice){NULL, 0};
	while (at < bytes.len && c->state != MST_CHUNK_END) {
		if (c->state == MST_CHUNK_DATA) {
			size_t len = bytes.len - at < c->left ? bytes.len - at : (size_t)c->left;
			*data = mst_slice(bytes.at + at, len);
			at += len;
			c->left -= len;
			if (c->left == 0)
				c->state = MST_CHUNK_DATA_CR;
			break;
		}
		if (take_byte(c, bytes.at[at++]) < 0)
			return mst_fail(e, MST_E_SYNTAX, "a chunk of the body is malformed");
	}
	*used = at;
	return c->state == MST_CHUNK_END;
}
