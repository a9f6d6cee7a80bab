/* SPDX-License-Identifier: Apache-2.0 */
/* Turns what nghttp2 tells into the owner's hooks. */
#include "own.h"

/* A head begins: of a request a stream begins with it, of an answer the stream is known. */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct mst_h2 *h2 = context;
	int32_t id = frame->hd.stream_id;
	struct h2_stream *stream = mst_stream_find0(h2, id);
	if (stream) {
		stream->head_len = 0;
		return 0;
	}
	if (h2->is_client || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	mst_budget_begun(h2);
	void *up = h2->hooks.on_stream(h2->hooks.context, (uint32_t)id);
	stream = up ? mst_stream_new(h2, up) : NULL;
	if (up && !stream)
		h2->hooks.on_gone(up, false, false);
	if (!stream)
		return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id,
						 NGHTTP2_REFUSED_STREAM);
	stream->id = id;
	return nghttp2_session_set_stream_user_data(session, id, stream);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *context)
{
	struct mst_h2 *h2 = context;
	struct h2_stream *stream =
		nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (!stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* refused: look at no more of it */
	stream->head_len += (uint32_t)(name_len + value_len + 32);
	if (stream->head_len > h2->limits.head_max)
		return mst_session_break(h2, NGHTTP2_ENHANCE_YOUR_CALM, MST_E_TOO_BIG,
					 "header block too long");
	if (stream->has_head || stream->is_interim)
		return 0;
	if (h2->is_client && name[0] == ':' && value_len == 3 && value[0] == '1') {
		stream->is_interim = true;
		return 0;
	}
	if (h2->hooks.on_header(stream->up, mst_slice(name, name_len),
				mst_slice(value, value_len)) < 0) {
		stream->is_reset = true;
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	return 0;
}

static int on_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
		    size_t len, void *context)
{
	struct mst_h2 *h2 = context;
	struct h2_stream *stream = mst_stream_find0(h2, id);
	if (!stream)
		return nghttp2_session_consume(session, id, len);
	mst_budget_earn(h2, CONTROLS_OF_DATA + (uint32_t)(len / BYTES_OF_CONTROL));
	stream->unread += len;
	h2->hooks.on_body(stream->up, mst_slice(bytes, len));
	return 0;
}

/* A block is complete: a head, an interim answer or trailers. */
static void on_block(struct mst_h2 *h2, struct h2_stream *stream, bool is_end)
{
	bool is_interim = stream->is_interim;
	stream->is_interim = false;
	if (is_interim || stream->has_head)
		return;
	stream->has_head = true;
	if (h2->is_client)
		mst_budget_earn(h2, CONTROLS_OF_HEAD);
	h2->hooks.on_head(stream->up, is_end);
}

static void on_stream_frame(struct mst_h2 *h2, const nghttp2_frame *frame)
{
	int32_t id = frame->hd.stream_id;
	bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	struct h2_stream *stream = mst_stream_find0(h2, id);
	if (stream && frame->hd.type == NGHTTP2_HEADERS)
		on_block(h2, stream, is_end);
	if (!stream || !is_end || stream->has_end || !stream->has_head)
		return;
	stream->has_end = true;
	h2->hooks.on_end(stream->up);
}

static void on_settings(struct mst_h2 *h2, const nghttp2_frame *frame)
{
	if (frame->hd.flags & NGHTTP2_FLAG_ACK)
		return;
	h2->has_settings = true;
	h2->peer_streams_max = nghttp2_session_get_remote_settings(
		h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
	if (h2->hooks.on_settings)
		h2->hooks.on_settings(h2->hooks.context);
}

static void on_goaway(struct mst_h2 *h2, const nghttp2_frame *frame)
{
	h2->is_leaving = true;
	if (h2->hooks.on_goaway)
		h2->hooks.on_goaway(
			h2->hooks.context, frame->goaway.error_code,
			mst_slice(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct mst_h2 *h2 = context;
	switch (frame->hd.type) {
	case NGHTTP2_DATA:
	case NGHTTP2_HEADERS:
		on_stream_frame(h2, frame);
		break;
	case NGHTTP2_SETTINGS:
		on_settings(h2, frame);
		break;
	case NGHTTP2_GOAWAY:
		on_goaway(h2, frame);
		break;
	case NGHTTP2_PING:
		if (frame->hd.flags & NGHTTP2_FLAG_ACK)
			mst_session_pong(h2, frame->ping.opaque_data);
		break;
	default:
		break;
	}
	return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct mst_h2 *h2 = context;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		mst_session_goaway_left(h2, frame);
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	if (h2->is_client) {
		if (frame->hd.type == NGHTTP2_HEADERS)
			h2->last_sent = frame->hd.stream_id;
		return 0;
	}
	struct h2_stream *stream = frame->hd.flags & NGHTTP2_FLAG_END_STREAM
					   ? mst_stream_find0(h2, frame->hd.stream_id)
					   : NULL;
	if (!stream)
		return 0;
	stream->is_whole = true;
	/* A peer that closed its side too ends the stream without more words. */
	if (stream->is_calm && !stream->has_end)
		mst_h2_reset(h2, (uint32_t)frame->hd.stream_id, true);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
	struct mst_h2 *h2 = context;
	struct h2_stream *stream = mst_stream_find0(h2, id);
	if (!stream)
		return 0;
	bool is_done =
		h2->is_client ? stream->has_end : stream->is_whole && code == NGHTTP2_NO_ERROR;
	bool is_lost = !h2->is_client && !stream->is_answered && !stream->is_reset;
	size_t unread = stream->unread;
	nghttp2_session_set_stream_user_data(session, id, NULL);
	mst_stream_gone(h2, stream, is_done,
			h2->is_client && !is_done && code == NGHTTP2_REFUSED_STREAM);
	if (unread && nghttp2_session_consume_connection(session, unread) != 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	/* Streams end while frames leave too, and then the GOAWAY must follow: no failure here,
	 * feed and flush look. */
	if (is_lost)
		mst_budget_lost(h2);
	return 0;
}

int mst_callbacks_new(nghttp2_session_callbacks **out)
{
	nghttp2_session_callbacks *set;
	if (nghttp2_session_callbacks_new(&set) != 0)
		return -1;
	nghttp2_session_callbacks_set_on_begin_headers_callback(set, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(set, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(set, on_chunk);
	nghttp2_session_callbacks_set_on_frame_recv_callback(set, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(set, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(set, on_close);
	*out = set;
	return 0;
}
