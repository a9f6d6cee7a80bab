/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what a peer makes us do: every frame by its head, and streams that died unanswered. */
#include "own.h"

#include "muster/clock.h"

/* What a frame costs in units of a PING; types beyond the rows cost 1. HEADERS earn when they begin
 * something. */
static const uint8_t costs[] = {
	[NGHTTP2_DATA] = 1,
	[NGHTTP2_HEADERS] = 1,
	[NGHTTP2_PRIORITY] = 1,
	[NGHTTP2_RST_STREAM] = 1,
	[NGHTTP2_SETTINGS] = CONTROL_SETTINGS,
	[NGHTTP2_PUSH_PROMISE] = 1,
	[NGHTTP2_PING] = 1,
	[NGHTTP2_GOAWAY] = CONTROL_SETTINGS,
	[NGHTTP2_WINDOW_UPDATE] = 1,
	[NGHTTP2_CONTINUATION] = 0,
};

void mst_budget_fill(struct mst_h2_limits *limits, bool is_client)
{
	const struct {
		uint32_t *field, value;
	} rows[] = {
		{&limits->streams_max, is_client ? STREAMS_MAX_CLIENT : STREAMS_MAX_SERVER},
		{&limits->head_max, HEAD_MAX},
		{&limits->window, WINDOW},
		{&limits->resets_max, RESETS_MAX},
		{&limits->controls_max, CONTROLS_MAX},
		{&limits->continuations_max, CONTINUATIONS_MAX},
		{&limits->held_max, HELD_MAX},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++)
		if (*rows[i].field == 0)
			*rows[i].field = rows[i].value;
}

void mst_budget_earn(struct mst_h2 *h2, uint32_t num)
{
	h2->controls -= num < h2->controls ? num : h2->controls;
}

/* Over the budget only time helps, and the clock is asked only then. */
static int spend(struct mst_h2 *h2, uint32_t cost)
{
	h2->controls += cost;
	if (MST_LIKELY(h2->controls <= h2->limits.controls_max))
		return 0;
	uint64_t now = mst_clock_ms(), earned = (now - h2->controls_ms) / MS_OF_CONTROL;
	h2->controls_ms = now;
	mst_budget_earn(h2, earned < UINT32_MAX ? (uint32_t)earned : UINT32_MAX);
	if (h2->controls <= h2->limits.controls_max)
		return 0;
	return mst_session_break(h2, NGHTTP2_ENHANCE_YOUR_CALM, MST_E_TOO_BIG,
				 "too many frames that bring nothing");
}

/* A header block is judged by its frames before anything of it is unpacked. */
static int on_block(struct mst_h2 *h2, uint32_t len, bool is_first)
{
	struct h2_walk *walk = &h2->walk;
	walk->num_continuations = is_first ? 0 : walk->num_continuations + 1;
	walk->block_len = is_first ? len : walk->block_len + len;
	if (walk->num_continuations > h2->limits.continuations_max)
		return mst_session_break(h2, NGHTTP2_ENHANCE_YOUR_CALM, MST_E_TOO_BIG,
					 "too many CONTINUATION frames");
	if (walk->block_len > h2->limits.head_max)
		return mst_session_break(h2, NGHTTP2_ENHANCE_YOUR_CALM, MST_E_TOO_BIG,
					 "header block too long");
	return 0;
}

static int on_frame(struct mst_h2 *h2)
{
	struct h2_walk *walk = &h2->walk;
	uint32_t len = (uint32_t)walk->head[0] << 16 | (uint32_t)walk->head[1] << 8 | walk->head[2];
	uint8_t type = walk->head[3];
	walk->head_len = 0;
	walk->skip = len;
	if ((type == NGHTTP2_HEADERS || type == NGHTTP2_PUSH_PROMISE ||
	     type == NGHTTP2_CONTINUATION) &&
	    on_block(h2, len, type != NGHTTP2_CONTINUATION) < 0)
		return -1;
	return spend(h2, type < MST_LEN(costs) ? costs[type] : 1);
}

int mst_budget_walk(struct mst_h2 *h2, struct mst_slice piece)
{
	struct h2_walk *walk = &h2->walk;
	const uint8_t *at = piece.at, *end = piece.at + piece.len;
	while (at < end) {
		size_t left = (size_t)(end - at), len;
		if (walk->skip) {
			len = left < walk->skip ? left : walk->skip;
			walk->skip -= (uint32_t)len;
			at += len;
			continue;
		}
		len = sizeof(walk->head) - walk->head_len;
		if (len > left)
			len = left;
		memcpy(walk->head + walk->head_len, at, len);
		walk->head_len = (uint8_t)(walk->head_len + len);
		at += len;
		if (walk->head_len == sizeof(walk->head) && on_frame(h2) < 0)
			return -1;
	}
	return 0;
}

void mst_budget_begun(struct mst_h2 *h2)
{
	mst_budget_earn(h2, CONTROLS_OF_HEAD);
	if (++h2->num_begun < RESETS_SPAN)
		return;
	h2->num_begun /= 2;
	h2->num_lost /= 2;
}

void mst_budget_lost(struct mst_h2 *h2)
{
	h2->num_lost++;
	if (h2->num_lost > RESETS_LEAST &&
	    (uint64_t)h2->num_lost * 1000 > (uint64_t)h2->limits.resets_max * h2->num_begun)
		mst_session_break(h2, NGHTTP2_ENHANCE_YOUR_CALM, MST_E_TOO_BIG,
				  "too many requests taken back");
}
