/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: one connection's side and its streams. */
#ifndef MUSTER_H2_OWN_H
#define MUSTER_H2_OWN_H

#include <nghttp2/nghttp2.h>

#include "budget.h"
#include "muster/h2.h"
#include "muster/list.h"

#define FRAME_HEAD_LEN 9 /* RFC 9113 4.1 */

/* A stream from its begin (mst_h2_ask, on_stream) to on_gone. */
struct h2_stream {
	struct mst_link link; /* in mst_h2.streams, oldest first; of a free record: `next` is the next free one */
	void *up;
	struct mst_slice body; /* of ours, what has not left yet */
	size_t unread;         /* body bytes given to on_body that were not consumed */
	uint32_t head_len;     /* of the block being read, RFC 9113 6.5.2's way */
	int32_t id;
	bool is_interim;  /* client: the block being read is a 1xx answer, which nobody is told */
	bool has_head;    /* on_head was called; blocks behind it are trailers, which nobody is told */
	bool has_end;     /* on_end was called */
	bool is_answered; /* server: mst_h2_reply was called */
	bool is_whole;    /* server: the answer has left completely */
	bool is_reset;    /* by mst_h2_reset */
	bool is_calm;     /* to be reset when our side has left */
};

/* Records come in blocks that live as long as the connection. */
struct h2_block {
	struct h2_block *next;
	struct h2_stream streams[];
};

/* Where the incoming bytes are between two frames, seen without nghttp2: it does not tell of frames that it ignores. */
struct h2_walk {
	uint8_t head[FRAME_HEAD_LEN];
	uint8_t head_len;
	uint32_t skip;      /* payload bytes (a server: first the preface's) until the next head */
	uint32_t block_len; /* bytes of the header block so far */
	uint32_t num_continuations;
};

struct mst_h2 {
	nghttp2_session *session;
	struct mst_h2_hooks hooks;
	struct mst_h2_limits limits;
	bool is_client;
	bool has_settings;
	bool is_leaving;  /* no new streams: a GOAWAY came or went, or the numbers are used up */
	bool is_departed; /* a GOAWAY of ours with a code of the owner's */
	bool is_broken;   /* `why` is filled; a GOAWAY may still leave */
	bool is_dead;     /* nothing may leave any more */
	bool is_full;     /* in this flush the sink takes no more bodies */
	struct mst_err why;

	struct mst_link streams;
	uint32_t num_open;
	uint32_t peer_streams_max;
	int32_t last_sent; /* client: highest stream whose head has left */
	size_t held;
	struct h2_stream *free;
	struct h2_block *blocks;
	uint32_t block_len; /* records in the next block */

	struct h2_walk walk;
	uint32_t controls; /* spent and not earned back */
	uint64_t controls_ms;
	uint32_t num_begun, num_lost; /* streams of late, and those of them that died unanswered by the peer's doing */
};

/* budget.c */
/* mst_budget_fill puts defaults where `limits` has zeroes. */
void mst_budget_fill(struct mst_h2_limits *limits, bool is_client);
/* mst_budget_walk judges the frames of `piece`. 0, -1 with h2 broken. */
int mst_budget_walk(struct mst_h2 *h2, struct mst_slice piece) MST_MUST;
/* mst_budget_earn gives controls back. */
void mst_budget_earn(struct mst_h2 *h2, uint32_t num);
/* mst_budget_begun and mst_budget_lost count streams; h2 is broken when too many are lost. */
void mst_budget_begun(struct mst_h2 *h2);
void mst_budget_lost(struct mst_h2 *h2);

/* callbacks.c */
int mst_callbacks_new(nghttp2_session_callbacks **out) MST_MUST;

/* stream.c */
struct h2_stream *mst_stream_new(struct mst_h2 *h2, void *up) MST_MUST;
/* mst_stream_gone tells the owner and takes the record back. */
void mst_stream_gone(struct mst_h2 *h2, struct h2_stream *stream, bool is_done, bool may_retry);
struct h2_stream *mst_stream_find0(struct mst_h2 *h2, int32_t id);
/* mst_stream_cancel_unsent ends streams whose head may not leave because the peer's limit fell; true when there were some. */
bool mst_stream_cancel_unsent(struct mst_h2 *h2);
void mst_stream_done(struct mst_h2 *h2);

/* session.c */
/* mst_session_break marks the end: `code` for the GOAWAY, then as mst_fail. Always -1. */
int mst_session_break(struct mst_h2 *h2, uint32_t code, enum mst_code why, const char *text);
void mst_session_pong(struct mst_h2 *h2, const uint8_t opaque[static 8]);
void mst_session_goaway_left(struct mst_h2 *h2, const nghttp2_frame *frame);

#endif
