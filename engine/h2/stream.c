/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a stream on our side: its record, its headers and body on their way out, its end. */
#include "own.h"

#include <stdlib.h>

#define BLOCK_FIRST 4 /* a device's connection never needs more */
#define BLOCK_MOST  256
#define HEADERS_MAX 64 /* we send; ours to keep */

/* Records of the next block, doubled each time. */
static bool grow(struct mst_h2 *h2)
{
	uint32_t num = h2->block_len ? h2->block_len : BLOCK_FIRST;
	struct h2_block *block = malloc(sizeof(*block) + num * sizeof(block->streams[0]));
	if (!block)
		return false;
	block->next = h2->blocks;
	h2->blocks = block;
	h2->block_len = num < BLOCK_MOST ? num * 2 : BLOCK_MOST;
	for (uint32_t i = 0; i < num; i++) {
		block->streams[i].link.next = h2->free ? &h2->free->link : NULL;
		h2->free = &block->streams[i];
	}
	return true;
}

struct h2_stream *mst_stream_new(struct mst_h2 *h2, void *up)
{
	if (!h2->free && !grow(h2))
		return NULL;
	struct h2_stream *stream = h2->free;
	h2->free = stream->link.next ? MST_HOME(stream->link.next, struct h2_stream, link) : NULL;
	*stream = (struct h2_stream){.up = up};
	mst_list_add(&h2->streams, &stream->link);
	h2->num_open++;
	return stream;
}

void mst_stream_gone(struct mst_h2 *h2, struct h2_stream *stream, bool is_done, bool may_retry)
{
	mst_list_drop(&stream->link);
	h2->num_open--;
	h2->held -= stream->body.len;
	stream->body.len = 0;
	h2->hooks.on_gone(stream->up, is_done, may_retry);
	stream->link.next = h2->free ? &h2->free->link : NULL;
	h2->free = stream;
}

void mst_stream_done(struct mst_h2 *h2)
{
	struct mst_link *first;
	while ((first = mst_list_first(&h2->streams)) != NULL)
		mst_stream_gone(h2, MST_HOME(first, struct h2_stream, link), false, false);
	while (h2->blocks) {
		struct h2_block *block = h2->blocks;
		h2->blocks = block->next;
		free(block);
	}
	h2->free = NULL;
}

struct h2_stream *mst_stream_find0(struct mst_h2 *h2, int32_t id)
{
	return id > 0 && !h2->is_dead ? nghttp2_session_get_stream_user_data(h2->session, id)
				      : NULL;
}

/* nghttp2 keeps what it cannot send yet, with headers that are ours only until this flush ends. So
 * it is told to forget them. */
bool mst_stream_cancel_unsent(struct mst_h2 *h2)
{
	bool is_any = false;
	while (h2->is_client && !mst_list_empty(&h2->streams)) {
		struct h2_stream *last = MST_HOME(h2->streams.prev, struct h2_stream, link);
		if (last->id <= h2->last_sent)
			break;
		nghttp2_session_set_stream_user_data(h2->session, last->id, NULL);
		nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, last->id, NGHTTP2_CANCEL);
		mst_stream_gone(h2, last, false, true);
		is_any = true;
	}
	return is_any;
}

/* nghttp2 asks for the next bytes of a body. */
static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *into, size_t room,
		       uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct mst_h2 *h2 = context;
	struct h2_stream *stream = source->ptr;
	/* Heads go on, bodies wait: nghttp2 sends all heads first, and their bytes are lent for
	 * this flush only. */
	if (h2->is_full)
		return NGHTTP2_ERR_PAUSE;
	size_t len = stream->body.len < room ? stream->body.len : room;
	memcpy(into, stream->body.at, len);
	stream->body.at += len;
	stream->body.len -= len;
	h2->held -= len;
	mst_budget_earn(h2, CONTROLS_OF_DATA + (uint32_t)(len / BYTES_OF_CONTROL));
	if (stream->body.len == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

/* Names and values stay ours until the flush, so nghttp2 need not copy them. */
static void fill(nghttp2_nv *nva, const struct mst_h2_header *headers, size_t num)
{
	BUG_ON(num > HEADERS_MAX);
	for (size_t i = 0; i < num; i++)
		nva[i] = (nghttp2_nv){
			.name = (uint8_t *)(uintptr_t)headers[i].name.at,
			.namelen = headers[i].name.len,
			.value = (uint8_t *)(uintptr_t)headers[i].value.at,
			.valuelen = headers[i].value.len,
			.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE |
				 (headers[i].is_unindexed ? NGHTTP2_NV_FLAG_NO_INDEX : 0),
		};
}

int mst_h2_ask(struct mst_h2 *h2, uint32_t *id, const struct mst_h2_header *headers,
	       size_t num_headers, struct mst_slice body, void *up, struct mst_err *e)
{
	nghttp2_nv nva[HEADERS_MAX];
	BUG_ON(!h2->is_client);
	if (mst_h2_room(h2) == 0)
		return mst_fail(e, MST_E_BUSY, "no room for a stream");
	struct h2_stream *stream = mst_stream_new(h2, up);
	if (!stream)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	fill(nva, headers, num_headers);
	const nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = on_read};
	stream->id = nghttp2_submit_request(h2->session, NULL, nva, num_headers,
					    body.len ? &provider : NULL, stream);
	if (stream->id < 0) {
		h2->is_leaving |= stream->id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE;
		mst_list_drop(&stream->link);
		h2->num_open--;
		stream->link.next = h2->free ? &h2->free->link : NULL;
		h2->free = stream;
		return mst_fail(e, MST_E_BUSY, "no number for a stream");
	}
	stream->body = body;
	h2->held += body.len;
	*id = (uint32_t)stream->id;
	return 0;
}

int mst_h2_reply(struct mst_h2 *h2, uint32_t id, const struct mst_h2_header *headers,
		 size_t num_headers, struct mst_slice body, struct mst_err *e)
{
	nghttp2_nv nva[HEADERS_MAX];
	struct h2_stream *stream = mst_stream_find0(h2, (int32_t)id);
	if (!stream || stream->is_reset || h2->is_dead)
		return mst_fail(e, MST_E_GONE, "the stream is gone");
	BUG_ON(h2->is_client || stream->is_answered);
	fill(nva, headers, num_headers);
	const nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = on_read};
	if (nghttp2_submit_response(h2->session, (int32_t)id, nva, num_headers,
				    body.len ? &provider : NULL) < 0)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	stream->is_answered = true;
	stream->body = body;
	h2->held += body.len;
	return 0;
}

void mst_h2_continue(struct mst_h2 *h2, uint32_t id)
{
	const struct mst_h2_header status = {MST_S(":status"), MST_S("100"), false};
	nghttp2_nv nv;
	struct h2_stream *stream = mst_stream_find0(h2, (int32_t)id);
	if (!stream || stream->is_answered)
		return;
	fill(&nv, &status, 1);
	nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, (int32_t)id, NULL, &nv, 1, NULL);
}

void mst_h2_reset(struct mst_h2 *h2, uint32_t id, bool is_calm)
{
	struct h2_stream *stream = mst_stream_find0(h2, (int32_t)id);
	if (!stream || stream->is_reset)
		return;
	stream->is_calm = is_calm && stream->is_answered;
	if (stream->is_calm && !stream->is_whole)
		return;
	uint32_t code = stream->is_calm ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR;
	stream->is_reset = true;
	nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, (int32_t)id,
				  h2->is_client ? NGHTTP2_CANCEL : code);
}

void mst_h2_consume(struct mst_h2 *h2, uint32_t id, size_t len)
{
	struct h2_stream *stream = mst_stream_find0(h2, (int32_t)id);
	if (!stream)
		return;
	BUG_ON(len > stream->unread);
	stream->unread -= len;
	nghttp2_session_consume(h2->session, (int32_t)id, len);
}
