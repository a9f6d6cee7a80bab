/* SPDX-License-Identifier: Apache-2.0 */
/* One connection's side: made, fed, flushed, ended. */
#include "own.h"

#include <stdio.h>
#include <stdlib.h>

#include "muster/clock.h"

#define PREFACE_LEN NGHTTP2_CLIENT_MAGIC_LEN /* RFC 9113 3.4 */

/* The PINGs of ours: one asks whether the peer lives, one marks the end of a graceful GOAWAY's
 * first half. */
static const uint8_t ping_alive[8] = "alive", ping_drain[8] = "drain";

static void fill_options(nghttp2_option *option, const struct mst_h2_limits *limits)
{
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_max_reserved_remote_streams(option, 0);
	/* Space around a value is trimmed above, as it is in HTTP/1.1: curl passes on what it was told to say. */
	nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1);
	nghttp2_option_set_peer_max_concurrent_streams(option, STREAMS_BEFORE_SETTINGS);
	nghttp2_option_set_max_settings(option, SETTINGS_ENTRIES_MAX);
	nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
	/* The exact count is ours: nghttp2 counts a frame again for each byte of its head that
	 * comes alone. */
	nghttp2_option_set_max_continuations(option,
					     (size_t)limits->continuations_max * FRAME_HEAD_LEN);
}

/* Our SETTINGS and the connection's window. */
static int greet(struct mst_h2 *h2)
{
	const struct mst_h2_limits *limits = &h2->limits;
	const nghttp2_settings_entry rows[] = {
		{h2->is_client ? NGHTTP2_SETTINGS_ENABLE_PUSH
			       : NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
		 h2->is_client ? 0 : limits->streams_max},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->window},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->head_max},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};
	uint64_t window = (uint64_t)limits->window * WINDOW_TIMES;
	int32_t most = window < INT32_MAX ? (int32_t)window : INT32_MAX;
	if (nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, rows, MST_LEN(rows)) != 0)
		return -1;
	return nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, most);
}

static int start(struct mst_h2 *h2)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option = NULL;
	if (mst_callbacks_new(&callbacks) < 0)
		return -1;
	int rc = nghttp2_option_new(&option);
	if (rc == 0) {
		fill_options(option, &h2->limits);
		rc = h2->is_client
			     ? nghttp2_session_client_new2(&h2->session, callbacks, h2, option)
			     : nghttp2_session_server_new2(&h2->session, callbacks, h2, option);
	}
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return rc == 0 ? greet(h2) : -1;
}

int mst_h2_new(struct mst_h2 **out, bool is_client, const struct mst_h2_limits *limits,
	       const struct mst_h2_hooks *hooks, struct mst_err *e)
{
	struct mst_h2 *h2 = calloc(1, sizeof(*h2));
	if (!h2)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	h2->hooks = *hooks;
	if (limits)
		h2->limits = *limits;
	h2->is_client = is_client;
	h2->peer_streams_max = STREAMS_BEFORE_SETTINGS;
	h2->walk.skip = is_client ? 0 : PREFACE_LEN;
	h2->controls_ms = mst_clock_ms();
	mst_budget_fill(&h2->limits, is_client);
	mst_list_init(&h2->streams);
	if (start(h2) < 0) {
		mst_h2_free(&h2);
		return mst_fail(e, MST_E_BUSY, "out of memory");
	}
	*out = h2;
	return 0;
}

void mst_h2_free(struct mst_h2 **h2)
{
	struct mst_h2 *gone = *h2;
	if (!gone)
		return;
	gone->is_dead = gone->is_leaving = true;
	mst_stream_done(gone);
	*h2 = NULL;
	nghttp2_session_del(gone->session);
	free(gone);
}

int mst_session_break(struct mst_h2 *h2, uint32_t code, enum mst_code why, const char *text)
{
	if (h2->is_broken)
		return -1;
	h2->is_broken = h2->is_leaving = true;
	if (nghttp2_session_terminate_session(h2->session, code) != 0)
		h2->is_dead = true;
	return mst_fail(&h2->why, why, "%s", text);
}

/* What nghttp2's failures mean; others are want of memory. */
static int broke(struct mst_h2 *h2, ssize_t rc)
{
	if (h2->is_broken)
		return -1;
	if (rc == NGHTTP2_ERR_FLOODED || rc == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
		return mst_session_break(h2, NGHTTP2_ENHANCE_YOUR_CALM, MST_E_TOO_BIG,
					 "too many frames that want an answer");
	if (rc == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
		return mst_session_break(h2, NGHTTP2_PROTOCOL_ERROR, MST_E_SYNTAX, "not HTTP/2");
	h2->is_dead = true;
	return mst_session_break(h2, NGHTTP2_INTERNAL_ERROR, MST_E_BUSY, "out of memory");
}

static int feed_piece(struct mst_h2 *h2, struct mst_slice piece)
{
	if (mst_budget_walk(h2, piece) < 0)
		return -1;
	ssize_t rc = nghttp2_session_mem_recv(h2->session, piece.at, piece.len);
	if (rc < 0)
		return broke(h2, rc);
	return h2->is_broken ? -1 : 0;
}

int mst_h2_feed(struct mst_h2 *h2, struct mst_slice bytes, struct mst_err *e)
{
	int rc = h2->is_broken ? -1 : 0;
	while (rc == 0 && bytes.len) {
		size_t len = bytes.len < PIECE_LEN ? bytes.len : PIECE_LEN;
		rc = feed_piece(h2, mst_slice(bytes.at, len));
		bytes = mst_slice(bytes.at + len, bytes.len - len);
	}
	if (rc < 0 && e)
		*e = h2->why;
	return rc;
}

/* What is gathered on its way to the sink. */
struct piece {
	struct mst_h2 *h2;
	size_t len;
	uint8_t bytes[PIECE_LEN];
};

static int put(struct piece *piece, struct mst_err *e)
{
	struct mst_h2 *h2 = piece->h2;
	struct mst_err why = {.code = MST_E_IO};
	size_t len = piece->len;
	piece->len = 0;
	if (len == 0)
		return 0;
	int rc = h2->hooks.put(h2->hooks.context, mst_slice(piece->bytes, len), &why);
	h2->is_full |= rc > 0;
	if (rc >= 0)
		return 0;
	h2->is_dead = h2->is_leaving = h2->is_broken = true;
	h2->why = why;
	if (e)
		*e = why;
	return -1;
}

static int gather(struct piece *piece, const uint8_t *bytes, size_t len, struct mst_err *e)
{
	while (len) {
		size_t room = PIECE_LEN - piece->len, part = len < room ? len : room;
		memcpy(piece->bytes + piece->len, bytes, part);
		piece->len += part;
		bytes += part;
		len -= part;
		if (piece->len == PIECE_LEN && put(piece, e) < 0)
			return -1;
	}
	return 0;
}

int mst_h2_flush(struct mst_h2 *h2, struct mst_err *e)
{
	struct piece piece;
	const uint8_t *bytes;
	bool was_broken = h2->is_broken;
	piece.h2 = h2;
	h2->is_full = false;
	piece.len = 0;
	if (h2->is_dead)
		return mst_fail(e, MST_E_GONE, "the connection is over");
	do {
		ssize_t len;
		while ((len = nghttp2_session_mem_send(h2->session, &bytes)) > 0)
			if (gather(&piece, bytes, (size_t)len, e) < 0)
				return -1;
		if (len < 0)
			broke(h2, len);
	} while (!h2->is_dead && mst_stream_cancel_unsent(h2));
	if (put(&piece, e) < 0)
		return -1;
	if (h2->is_broken && !was_broken) {
		if (e)
			*e = h2->why;
		return -1;
	}
	return 0;
}

bool mst_h2_is_over(const struct mst_h2 *h2)
{
	return h2->is_dead || (!nghttp2_session_want_read(h2->session) &&
			       !nghttp2_session_want_write(h2->session));
}

/* A GOAWAY that nobody here asked for is nghttp2's own: the peer broke the protocol; its debug data
 * says how. */
void mst_session_goaway_left(struct mst_h2 *h2, const nghttp2_frame *frame)
{
	const nghttp2_goaway *goaway = &frame->goaway;
	if (goaway->error_code == NGHTTP2_NO_ERROR || h2->is_departed || h2->is_broken)
		return;
	h2->is_broken = h2->is_leaving = true;
	mst_err_fill(&h2->why,
		     goaway->error_code == NGHTTP2_ENHANCE_YOUR_CALM ? MST_E_TOO_BIG : MST_E_SYNTAX,
		     "%s %.*s", mst_h2_code_word(goaway->error_code), (int)goaway->opaque_data_len,
		     (const char *)goaway->opaque_data);
}

/* RFC 9113 6.8: a server first says that it will go, and one round trip later what it took last. */
void mst_h2_goaway(struct mst_h2 *h2)
{
	if (h2->is_leaving)
		return;
	h2->is_leaving = true;
	if (h2->is_client) {
		nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
		return;
	}
	nghttp2_submit_shutdown_notice(h2->session);
	nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, ping_drain);
}

void mst_session_pong(struct mst_h2 *h2, const uint8_t opaque[static 8])
{
	if (memcmp(opaque, ping_drain, sizeof(ping_drain)) == 0 && h2->is_leaving && !h2->is_client)
		nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
				      nghttp2_session_get_last_proc_stream_id(h2->session),
				      NGHTTP2_NO_ERROR, NULL, 0);
	else if (h2->hooks.on_pong && memcmp(opaque, ping_alive, sizeof(ping_alive)) == 0)
		h2->hooks.on_pong(h2->hooks.context);
}

void mst_h2_ping(struct mst_h2 *h2)
{
	nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, ping_alive);
}

void mst_h2_settle(struct mst_h2 *h2, uint32_t streams_max)
{
	const nghttp2_settings_entry row = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max};
	h2->limits.streams_max = streams_max;
	nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, &row, 1);
}

void mst_h2_depart(struct mst_h2 *h2, uint32_t last_stream, uint32_t code, struct mst_slice debug)
{
	/* Clients' streams are odd (RFC 9113 5.1.1). */
	uint32_t last = last_stream && last_stream % 2 == 0 ? last_stream - 1 : last_stream;
	h2->is_departed = h2->is_leaving = true;
	nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, (int32_t)last, code, debug.at,
			      debug.len);
}

uint32_t mst_h2_room(const struct mst_h2 *h2)
{
	uint32_t most = h2->peer_streams_max < h2->limits.streams_max ? h2->peer_streams_max
								      : h2->limits.streams_max;
	return h2->is_leaving || h2->num_open >= most ? 0 : most - h2->num_open;
}

bool mst_h2_has_settings(const struct mst_h2 *h2)
{
	return h2->has_settings;
}

uint32_t mst_h2_open(const struct mst_h2 *h2)
{
	return h2->num_open;
}

size_t mst_h2_held(const struct mst_h2 *h2)
{
	return h2->held;
}
