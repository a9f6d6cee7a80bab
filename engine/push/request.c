/* SPDX-License-Identifier: Apache-2.0 */
/* A push as a request of HTTP/2, and the service's answer to it. Apple, "Sending notification requests to APNs". */
#include "muster/count.h"
#include "muster/json.h"
#include "link.h"

#define HEADERS_MAX     12
#define BODY_DEPTH      4
#define RETRY_AFTER_MAX 86400 /* a service that says more than a day means something else */
#define APNS_ID_LEN     (MST_APNS_ID_ROOM - 1)

#define NAMED(text) .name = MST_S_INIT(text)

static struct mst_slice priority_text(uint8_t priority)
{
	switch (priority) {
	case 1:
		return MST_S("1");
	case 5:
		return MST_S("5");
	default: /* a number of Apple's, not an enum of ours; 10 is what wakes a device */
		return MST_S("10");
	}
}

/* Seconds since 1970 when the service may forget the push; "0": it tries once and keeps nothing. */
static struct mst_slice put_expiration(struct push_item *item, int64_t now_s)
{
	char *end = item->expiration + sizeof(item->expiration), *at = end;
	uint64_t n = item->expiry_s ? (uint64_t)now_s + item->expiry_s : 0;

	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	return mst_slice(at, (size_t)(end - at));
}

/* Apple's advice on HPACK: path and credential are never indexed; id, expiration and collapse id only the first time, which
 * teaches the other side their names; the rest comes again and again. */
static size_t fill(struct mst_h2_header *headers, struct push_link *link, struct push_item *item, const struct push_batch *batch)
{
	const struct push_topic *topic = link->topic;
	const struct push_note *note = item->note;
	const bool is_known = link->num_sent > 0;
	struct mst_h2_header *at = headers;

	*at++ = (struct mst_h2_header){NAMED(":method"), MST_S("POST"), false};
	*at++ = (struct mst_h2_header){NAMED(":scheme"), MST_S("https"), false};
	*at++ = (struct mst_h2_header){NAMED(":path"), mst_slice(item->path, item->path_len), true};
	*at++ = (struct mst_h2_header){NAMED(":authority"), mst_slice_str(topic->topics->doors[topic->env].authority), false};
	*at++ = (struct mst_h2_header){NAMED("apns-topic"), mst_slice(topic->name, topic->name_len), false};
	*at++ = (struct mst_h2_header){NAMED("apns-push-type"), note ? mst_slice_str(note->push_type) : MST_S("mdm"), false};
	*at++ = (struct mst_h2_header){NAMED("apns-priority"), priority_text(item->priority), false};
	*at++ = (struct mst_h2_header){NAMED("apns-expiration"), put_expiration(item, batch->now_s), is_known};
	*at++ = (struct mst_h2_header){NAMED("apns-id"), mst_slice(item->apns_id, APNS_ID_LEN), is_known};
	if (batch->bearer.len)
		*at++ = (struct mst_h2_header){NAMED("authorization"), batch->bearer, true};
	if (note && note->collapse_id)
		*at++ = (struct mst_h2_header){NAMED("apns-collapse-id"), mst_slice_str(note->collapse_id), is_known};
	return (size_t)(at - headers);
}

bool mst_request_ask(struct push_link *link, struct push_item *item, const struct push_batch *batch)
{
	struct mst_slice body = item->note ? item->note->payload : mst_slice(item->payload, item->payload_len);
	struct mst_h2_header headers[HEADERS_MAX];
	size_t num = fill(headers, link, item, batch);

	if (mst_h2_ask(link->h2, &item->stream, headers, num, body, item, NULL) < 0)
		return false;
	item->on = link;
	item->sent_ms = batch->now_ms;
	item->answer = (struct push_answer){.end = PUSH_LOST};
	item->body_len = 0;
	mst_list_add(&link->sent, &item->link);
	link->num_sent++;
	link->worked_ms = batch->now_ms;
	link->topic->num_sent++;
	mst_count(MST_C_PUSH_SENT, 1);
	return true;
}

static int read_status(struct push_answer *answer, struct mst_slice value)
{
	int status = 0;

	if (value.len != 3)
		return -1;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return -1;
		status = status * 10 + (value.at[i] - '0');
	}
	answer->status = status;
	return 0;
}

/* The one we sent, or the service's own. */
static void read_id(struct push_item *item, struct mst_slice value)
{
	if (value.len != APNS_ID_LEN)
		return;
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] <= ' ' || value.at[i] >= 0x7f || value.at[i] == '"' || value.at[i] == '\\')
			return;
	memcpy(item->apns_id, value.at, value.len);
}

/* Seconds; a date (RFC 9110 10.2.3) is not understood: the usual wait then. */
static void read_retry_after(struct push_answer *answer, struct mst_slice value)
{
	uint64_t s;

	if (mst_slice_u64(&s, value, NULL) == 0)
		answer->retry_after_s = s < RETRY_AFTER_MAX ? (uint32_t)s : RETRY_AFTER_MAX;
}

static int on_header(void *up, struct mst_slice name, struct mst_slice value)
{
	struct push_item *item = up;

	if (mst_slice_eq(name, MST_S(":status")))
		return read_status(&item->answer, value);
	if (mst_slice_eq(name, MST_S("apns-id")))
		read_id(item, value);
	else if (mst_slice_eq(name, MST_S("retry-after")))
		read_retry_after(&item->answer, value);
	return 0;
}

static void on_head(void *up, bool is_end)
{
}

/* What is longer than any answer of the service is cut, and then means nothing. */
static void on_body(void *up, struct mst_slice bytes)
{
	struct push_item *item = up;
	size_t room = sizeof(item->body) - item->body_len, len = bytes.len < room ? bytes.len : room;

	memcpy(item->body + item->body_len, bytes.at, len);
	item->body_len = (uint16_t)(item->body_len + len);
}

static void on_end(void *up)
{
}

/* {"reason":"Unregistered","timestamp":1454402113000} */
static void read_body(struct push_item *item)
{
	struct push_answer *answer = &item->answer;
	struct mst_json_value *root;
	struct mst_slice reason;
	int64_t timestamp_ms;

	if (item->body_len == 0 ||
	    mst_json_parse(&root, mst_slice(item->body, item->body_len), sizeof(item->body), BODY_DEPTH, NULL) < 0)
		return;
	if (mst_json_get_text0(root, &reason, "reason", NULL) == 1 && reason.len < sizeof(answer->reason)) {
		memcpy(answer->reason, reason.at, reason.len);
		answer->reason[reason.len] = '\0';
	}
	if (mst_json_get_i64(root, &timestamp_ms, "timestamp", NULL) == 1 && timestamp_ms > 0)
		answer->timestamp_ms = timestamp_ms;
	mst_json_free(&root);
}

/* Any answer of these says that the service works. What else an answer says of the topic, its push's owner tells. */
static void judge(struct push_topic *topic, const struct push_item *item)
{
	switch (mst_answer_judge(&item->answer)) {
	case VERDICT_DONE:
	case VERDICT_HOLD:
	case VERDICT_GONE:
	case VERDICT_BAD_TOKEN:
	case VERDICT_BUG:
		mst_topic_worked(topic);
		break;
	case VERDICT_RETRY:
	case VERDICT_RETRY_ELSEWHERE:
	case VERDICT_RETRY_TOKEN:
	case VERDICT_STOP_TOPIC:
	case NUM_PUSH_VERDICTS:
		break;
	}
}

/* Tells the item's owner. */
static void deliver(struct push_item *item)
{
	struct push_topic *topic = item->topic;

	if (topic->probe == item)
		topic->probe = NULL;
	topic->answering = item->on;
	topic->answering_sent_ms = item->sent_ms;
	item->on = NULL;
	mst_topic_ready(topic);
	if (!topic->topics->is_ending) {
		judge(topic, item);
		item->on_answer(item);
	}
	topic->answering = NULL;
}

/* 200 is said with the head alone; what else was cut short may mean anything. */
static enum push_end end_of(const struct push_item *item, bool is_done, bool may_retry)
{
	if (item->answer.status && (is_done || item->answer.status == 200))
		return PUSH_ANSWERED;
	return may_retry ? PUSH_UNSENT : PUSH_LOST;
}

static void on_gone(void *up, bool is_done, bool may_retry)
{
	struct push_item *item = up;
	struct push_link *link = item->on;
	struct push_topic *topic = item->topic;
	uint64_t now_ms = mst_loop_now_ms(topic->topics->loop);

	mst_list_drop(&item->link);
	item->answer.end = end_of(item, is_done, may_retry);
	switch (item->answer.end) {
	case PUSH_ANSWERED:
		if (item->answer.status != 200)
			read_body(item);
		topic->num_answered++;
		topic->open_wait_ms = 0;
		topic->num_refused = 0;
		link->num_answered++;
		link->is_known |= item->answer.status != 403;
		mst_count_time(MST_H_PUSH, (now_ms - item->sent_ms) * 1000000u);
		break;
	case PUSH_LOST:
		topic->num_lost++;
		break;
	case PUSH_UNSENT:
	case NUM_PUSH_ENDS:
		break;
	}
	link->worked_ms = now_ms;
	mst_link_soil(link);
	deliver(item);
}

const struct mst_h2_hooks mst_request_hooks = {
	.on_header = on_header,
	.on_head = on_head,
	.on_body = on_body,
	.on_end = on_end,
	.on_gone = on_gone,
};
