/* SPDX-License-Identifier: Apache-2.0 */
/* One request: its head and body come in, it is looked at once it is whole, its answer leaves when it is due. */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "muster/clock.h"
#include "muster/text.h"

#define EXPIRY_MAX_MS (30 * 86400 * (int64_t)1000) /* Apple keeps nothing longer */

static const struct {
	struct mst_slice name;
} fields[NUM_FIELDS] = {
#define X(name, word) [FIELD_##name] = {MST_S_INIT(word)},
	SINK_FIELDS(X)
#undef X
};

static void *on_stream(void *context, uint32_t stream)
{
	struct sink_link *link = context;
	struct sink *sink = link->sink;
	struct sink_push *push = sink->spare;

	if (push)
		sink->spare = push->next;
	else
		push = malloc(sizeof(*push));
	if (!push)
		return NULL;
	memset(push, 0, offsetof(struct sink_push, reply));
	push->on = link;
	push->stream = link->top_stream = stream;
	return push;
}

static int on_header(void *up, struct mst_slice name, struct mst_slice value)
{
	struct sink_push *push = up;
	int field = 0;

	while (field < NUM_FIELDS && !mst_slice_eq(name, fields[field].name))
		field++;
	if (field == NUM_FIELDS)
		return 0;
	push->is_double |= push->seen[field];
	if (value.len > sizeof(push->text) - push->used) {
		push->is_overfull = true;
		return 0;
	}
	memcpy(push->text + push->used, value.at, value.len);
	push->seen[field] = true;
	push->at[field] = push->used;
	push->len[field] = (uint16_t)value.len;
	push->used = (uint16_t)(push->used + value.len);
	return 0;
}

static void on_head(void *up, bool is_end)
{
}

static void on_body(void *up, struct mst_slice bytes)
{
	struct sink_push *push = up;

	if (bytes.len > sizeof(push->body) - push->body_len || push->is_too_large) {
		push->is_too_large = true;
	} else {
		memcpy(push->body + push->body_len, bytes.at, bytes.len);
		push->body_len += (uint32_t)bytes.len;
	}
	mst_h2_consume(push->on->h2, push->stream, bytes.len);
}

void mst_push_id_put(char out[static SINK_ID_LEN + 1], const uint8_t id[static 16])
{
	static const uint8_t groups[] = {4, 2, 2, 2, 6};

	for (size_t i = 0; i < sizeof(groups); i++) {
		mst_hex_put(out, mst_slice(id, groups[i]));
		id += groups[i];
		out += 2 * groups[i];
		*out++ = '-';
	}
	out[-1] = 0;
}

static void put_words(struct sink_push *push)
{
	const char *word = mst_reason_word(push->reason);
	char *body = push->reply.body;

	if (push->reason == SINK_NONE)
		body[0] = 0;
	else if (mst_reason_status(push->reason) == 410)
		snprintf(body, sizeof(push->reply.body), "{\"reason\":\"%s\",\"timestamp\":%lld}", word,
			 (long long)push->timestamp_ms);
	else
		snprintf(body, sizeof(push->reply.body), "{\"reason\":\"%s\"}", word);
}

/* Its answer leaves now. */
static void answer(struct sink_push *push)
{
	struct sink_link *link = push->on;
	struct sink_reply *reply = &push->reply; /* lent until the flush */
	uint8_t random[16];
	struct mst_h2_header headers[4] = {{MST_S(":status"), {NULL, 0}, false}};
	size_t num = 1;
	struct mst_err e;

	snprintf(reply->status, sizeof(reply->status), "%d", mst_reason_status(push->reason));
	headers[0].value = mst_slice_str(reply->status);
	mst_push_id_put(reply->id, push->id);
	headers[num++] = (struct mst_h2_header){MST_S("apns-id"), mst_slice_str(reply->id), true};
	if (link->sink->conf.is_sandbox) {
		mst_random(random, sizeof(random));
		mst_push_id_put(reply->unique, random);
		headers[num++] = (struct mst_h2_header){MST_S("apns-unique-id"), mst_slice_str(reply->unique), true};
	}
	if (push->retry_after_s) {
		snprintf(reply->retry, sizeof(reply->retry), "%u", push->retry_after_s);
		headers[num++] = (struct mst_h2_header){MST_S("retry-after"), mst_slice_str(reply->retry), false};
	}
	put_words(push);
	if (link->is_over || link->is_dropping || mst_h2_reply(link->h2, push->stream, headers, num, mst_slice_str(reply->body), &e) < 0)
		return;
	push->is_answered = true;
	mst_link_dirty(link);
}

static uint64_t due_ms(const struct sink *sink)
{
	uint64_t now_ms = mst_loop_now_ms(sink->loop);

	return sink->conf.delay_ms ? now_ms + sink->conf.delay_ms : 0;
}

static void put_off(struct sink_push *push)
{
	struct sink *sink = push->on->sink;

	push->due_ms = due_ms(sink);
	push->is_waiting = true;
	mst_list_add(&sink->waiting, &push->link);
	mst_push_answer_due(sink);
}

/* The desk hears of what was taken; what was refused is only written down. */
static void note(const struct sink_push *push, struct mst_slice topic)
{
	struct sink *sink = push->on->sink;
	int64_t now_ms = mst_clock_wall_ms(), expires_ms = (int64_t)push->expiration_s * 1000;
	struct sink_note n = {.topic = topic.len ? mst_topic_hash(topic) : 0,
			      .reason = push->reason,
			      .payload_len = push->reason == SINK_NONE ? push->body_len : 0};

	if (push->reason != SINK_NONE && !sink->conf.journal[0])
		return;
	memcpy(n.token, push->token, sizeof(n.token));
	memcpy(n.id, push->id, sizeof(n.id));
	n.expires_ms = expires_ms > now_ms + EXPIRY_MAX_MS ? now_ms + EXPIRY_MAX_MS : expires_ms;
	mst_post_note(sink, &n, mst_slice(push->body, n.payload_len));
}

static void on_end(void *up)
{
	struct sink_push *push = up;
	struct sink *sink = push->on->sink;
	struct mst_slice topic = mst_push_field(push, FIELD_TOPIC);

	if (!mst_link_counted(push->on, push->stream)) {
		sink->tally.num_left += push->on->last_stream != 0;
		return;
	}
	push->reason = push->is_overfull ? SINK_BAD_PATH : mst_check(push);
	if (topic.len == 0)
		topic = mst_slice_str(push->on->topic);
	if (push->reason == SINK_NONE)
		mst_rules_judge(sink, push, topic);
	push->is_judged = true;
	note(push, topic);
	if (sink->conf.delay_ms || sink->stalled_until_ms || !mst_list_empty(&sink->waiting))
		put_off(push);
	else
		answer(push);
}

static void on_gone(void *up, bool is_done, bool may_retry)
{
	struct sink_push *push = up;
	struct sink *sink = push->on->sink;

	if (push->is_waiting)
		mst_list_drop(&push->link);
	if (push->is_answered && is_done)
		sink->tally.answers[push->reason]++;
	else
		sink->tally.num_mute += push->is_judged;
	push->next = sink->spare;
	sink->spare = push;
}

static int put(void *context, struct mst_slice bytes, struct mst_err *e)
{
	struct sink_link *link = context;

	return mst_tls_write(link->tls, bytes, e);
}

const struct mst_h2_hooks mst_push_hooks = {.put = put,
					    .on_stream = on_stream,
					    .on_header = on_header,
					    .on_head = on_head,
					    .on_body = on_body,
					    .on_end = on_end,
					    .on_gone = on_gone};

static void on_due(struct mst_timer *timer)
{
	mst_push_answer_due(MST_HOME(timer, struct sink, timer));
}

void mst_push_answer_due(struct sink *sink)
{
	uint64_t now_ms = mst_loop_now_ms(sink->loop), next_ms = 0;

	sink->timer.on_due = on_due;
	if (sink->stalled_until_ms && sink->stalled_until_ms <= now_ms)
		sink->stalled_until_ms = 0;
	MST_LIST_EACH(at, keep, &sink->waiting) {
		struct sink_push *push = MST_HOME(at, struct sink_push, link);
		next_ms = push->due_ms > sink->stalled_until_ms ? push->due_ms : sink->stalled_until_ms;
		if (next_ms > now_ms)
			break;
		next_ms = 0;
		mst_list_drop(&push->link);
		push->is_waiting = false;
		answer(push);
	}
	if (next_ms == 0 || next_ms == UINT64_MAX)
		mst_timer_end(sink->loop, &sink->timer);
	else
		mst_timer_set(sink->loop, &sink->timer, next_ms - now_ms);
}

void mst_push_spares_free(struct sink *sink)
{
	for (struct sink_push *next; sink->spare; sink->spare = next) {
		next = sink->spare->next;
		free(sink->spare);
	}
}
