/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies: rows, every prefix, every split. */
#include <criterion/criterion.h>

#include "muster/http1.h"

/* Takes one piece after another, as the edge does. Returns what the decoder said last; data goes to
 * `out`. */
static int take_all(struct mst_http1_chunks *c, char *out, size_t *len, size_t *used_all,
		    struct mst_slice bytes)
{
	struct mst_slice data;
	struct mst_err e;
	size_t used;
	int done = 0;
	while (bytes.len && done == 0) {
		done = mst_http1_chunks_take(c, &data, &used, bytes, &e);
		if (done < 0)
			return -1;
		if (data.len)
			memcpy(out + *len, data.at, data.len);
		*len += data.len;
		*used_all += used;
		bytes = mst_slice(bytes.at + used, bytes.len - used);
	}
	return done;
}

static const struct {
	const char *text, *data; /* NULL: refused */
	size_t behind;           /* bytes not of this body */
} rows[] = {
	{"0\r\n\r\n", "", 0},
	{"3\r\nabc\r\n0\r\n\r\n", "abc", 0},
	{"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET", "abcde", 3},
	{"00000003\r\nabc\r\n000\r\n\r\n", "abc", 0},
	{"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0},
	{"a;name=value;x=\"y\"\r\n0123456789\r\n0;z\r\n\r\n", "0123456789", 0},
	{"0\r\nTrailer: x\r\nOther: y\r\n\r\n", "", 0},
	{"5\r\n\r\n\r\n\r\r\n0\r\n\r\n", "\r\n\r\n\r", 0},
	{"\r\n\r\n", NULL, 0},
	{"g\r\n", NULL, 0},
	{"-1\r\n", NULL, 0},
	{"0x3\r\nabc\r\n", NULL, 0},
	{" 3\r\nabc\r\n", NULL, 0},
	{"3 \r\nabc\r\n", NULL, 0},
	{"3\nabc\r\n", NULL, 0},
	{"3\r\nabc\n0\r\n\r\n", NULL, 0},
	{"3\r\nabcd\r\n0\r\n\r\n", NULL, 0},
	{"3\r\nab\r\n0\r\n\r\n", NULL, 0},
	{"3\r\rabc\r\n", NULL, 0},
	{"3;a\nb\r\nabc\r\n0\r\n\r\n", NULL, 0},
	{"3;a\rb\r\nabc\r\n0\r\n\r\n", NULL, 0},
	{"100000003\r\nabc", NULL, 0},
	{"ffffffffffffffff\r\nabc", NULL, 0},
	{"0\r\n: x\r\n\r\n", NULL, 0},
	{"0\r\n x\r\n\r\n", NULL, 0},
	{"0\r\nA: b\n\r\n", NULL, 0},
	{"0\r\n\rX", NULL, 0},
};

Test(http1_chunks, rows)
{
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_http1_chunks c = {.left = 0};
		struct mst_slice bytes = mst_slice_str(rows[i].text);
		char out[64];
		size_t len = 0, used = 0;
		int done = take_all(&c, out, &len, &used, bytes);
		cr_expect_eq(done, rows[i].data ? 1 : -1, "row %zu gives %d", i, done);
		if (done != 1 || !rows[i].data)
			continue;
		cr_expect(mst_slice_eq(mst_slice(out, len), mst_slice_str(rows[i].data)), "row %zu",
			  i);
		cr_expect_eq(used, bytes.len - rows[i].behind, "row %zu", i);
	}
}

Test(http1_chunks, every_split_and_prefix)
{
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_slice bytes = mst_slice_str(rows[i].text);
		bytes.len -= rows[i].behind;
		for (size_t split = 0; split < bytes.len; split++) {
			struct mst_http1_chunks c = {.left = 0};
			char out[64];
			size_t len = 0, used = 0;
			int done = take_all(&c, out, &len, &used, mst_slice(bytes.at, split));
			if (rows[i].data)
				cr_assert_eq(done, 0, "row %zu, prefix %zu", i, split);
			if (done == 0)
				done = take_all(&c, out, &len, &used,
						mst_slice(bytes.at + split, bytes.len - split));
			cr_assert_eq(done, rows[i].data ? 1 : -1, "row %zu at %zu", i, split);
			if (rows[i].data)
				cr_assert(mst_slice_eq(mst_slice(out, len),
						       mst_slice_str(rows[i].data)));
		}
	}
}

Test(http1_chunks, extensions_and_trailers_are_bounded)
{
	static const struct {
		const char *name, *head;
		size_t num; /* of bytes 'x' behind the head */
		int done;
	} lines[] = {
		{"extension at", "0;", MST_HTTP1_CHUNK_LINE_MAX, 1},
		{"extension over", "0;", MST_HTTP1_CHUNK_LINE_MAX + 1, -1},
		{"trailer at", "0\r\nA", MST_HTTP1_CHUNK_LINE_MAX, 1},
		{"trailer over", "0\r\nA", MST_HTTP1_CHUNK_LINE_MAX + 1, -1},
	};
	char text[1024], out[8];
	for (size_t i = 0; i < MST_LEN(lines); i++) {
		size_t at = strlen(lines[i].head), len = 0, used = 0;
		struct mst_http1_chunks c = {.left = 0};
		memcpy(text, lines[i].head, at);
		memset(text + at, 'x', lines[i].num);
		memcpy(text + at + lines[i].num, "\r\n\r\n", 4);
		cr_expect_eq(take_all(&c, out, &len, &used, mst_slice(text, at + lines[i].num + 4)),
			     lines[i].done, "%s", lines[i].name);
	}
	struct mst_http1_chunks c = {.left = 0};
	size_t at = 3, len = 0, used = 0;
	memcpy(text, "0\r\n", 3);
	for (size_t i = 0; i <= MST_HTTP1_TRAILERS_MAX; i++, at += 5)
		memcpy(text + at, "A: \r\n", 5);
	cr_expect_eq(take_all(&c, out, &len, &used, mst_slice(text, at)), -1);
}
