/* SPDX-License-Identifier: Apache-2.0 */
/* What Apple refuses, looked at in order; the first that is wrong is the answer. */
#include "parts.h"

#include "muster/text.h"

#define PATH_HEAD    "/3/device/"
#define TOKEN_TEXT   (2 * (size_t)SINK_TOKEN_LEN)
#define COLLAPSE_MAX 64
#define MDM_TOPICS   "com.apple.mgmt."

static const char *const push_types[] = {"mdm",       "alert",        "background",  "voip",    "location", "complication",
					 "fileprovider", "liveactivity", "pushtotalk", "widgets", "controls"};
static const char *const priorities[] = {"10", "5", "1"};

static bool is_one_of(struct mst_slice s, const char *const *words, size_t num)
{
	for (size_t i = 0; i < num; i++)
		if (mst_slice_eq(s, mst_slice_str(words[i])))
			return true;
	return false;
}

static enum sink_reason check_method(struct sink_push *push)
{
	return mst_slice_eq(mst_push_field(push, FIELD_METHOD), MST_S("POST")) ? SINK_NONE : SINK_BAD_METHOD;
}

static enum sink_reason check_path(struct sink_push *push)
{
	return mst_slice_starts(mst_push_field(push, FIELD_PATH), MST_S(PATH_HEAD)) ? SINK_NONE : SINK_BAD_PATH;
}

static enum sink_reason check_double(struct sink_push *push)
{
	return push->is_double ? SINK_DUPLICATE : SINK_NONE;
}

static enum sink_reason check_token(struct sink_push *push)
{
	struct mst_slice path = mst_push_field(push, FIELD_PATH), text;

	text = mst_slice(path.at + sizeof(PATH_HEAD) - 1, path.len - (sizeof(PATH_HEAD) - 1));
	if (text.len == 0)
		return SINK_NO_DEVICE_TOKEN;
	if (text.len != TOKEN_TEXT || mst_hex_get(push->token, sizeof(push->token), text, NULL) < 0)
		return SINK_BAD_DEVICE_TOKEN;
	return SINK_NONE;
}

/* A connection without certificate must show a provider token. */
static enum sink_reason check_sender(struct sink_push *push)
{
	if (push->on->topic[0])
		return SINK_NONE;
	return mst_bearer_check(push->on, mst_push_field(push, FIELD_BEARER));
}

static enum sink_reason check_topic(struct sink_push *push)
{
	struct mst_slice topic = mst_push_field(push, FIELD_TOPIC), ours = mst_slice_str(push->on->topic);

	/* A certificate of one topic says it already. */
	if (topic.len == 0)
		return ours.len ? SINK_NONE : SINK_NO_TOPIC;
	if (topic.len > SINK_TOPIC_MAX)
		return SINK_BAD_TOPIC;
	if (ours.len)
		return mst_slice_eq(topic, ours) ? SINK_NONE : SINK_BAD_TOPIC;
	/* MDM takes push certificates only. */
	return mst_slice_starts(topic, MST_S(MDM_TOPICS)) ? SINK_TOPIC_DISALLOWED : SINK_NONE;
}

static enum sink_reason check_id(struct sink_push *push)
{
	return push->has_bad_id ? SINK_BAD_MESSAGE_ID : SINK_NONE;
}

static enum sink_reason check_expiration(struct sink_push *push)
{
	uint64_t s = UINT32_MAX;

	if (push->seen[FIELD_EXPIRATION] &&
	    (mst_slice_u64(&s, mst_push_field(push, FIELD_EXPIRATION), NULL) < 0 || s > UINT32_MAX))
		return SINK_BAD_EXPIRATION;
	push->expiration_s = (uint32_t)s;
	return SINK_NONE;
}

static enum sink_reason check_priority(struct sink_push *push)
{
	if (push->seen[FIELD_PRIORITY] &&
	    !is_one_of(mst_push_field(push, FIELD_PRIORITY), priorities, MST_LEN(priorities)))
		return SINK_BAD_PRIORITY;
	return SINK_NONE;
}

static enum sink_reason check_collapse(struct sink_push *push)
{
	struct mst_slice id = mst_push_field(push, FIELD_COLLAPSE);

	return push->seen[FIELD_COLLAPSE] && (id.len == 0 || id.len > COLLAPSE_MAX) ? SINK_BAD_COLLAPSE_ID : SINK_NONE;
}

static enum sink_reason check_type(struct sink_push *push)
{
	struct mst_slice type = mst_push_field(push, FIELD_TYPE), topic = mst_push_field(push, FIELD_TOPIC);

	if (!push->seen[FIELD_TYPE])
		return SINK_NONE;
	if (topic.len == 0)
		topic = mst_slice_str(push->on->topic);
	if (!is_one_of(type, push_types, MST_LEN(push_types)) ||
	    mst_slice_eq(type, MST_S("mdm")) != mst_slice_starts(topic, MST_S(MDM_TOPICS)))
		return SINK_BAD_PUSH_TYPE;
	return SINK_NONE;
}

static enum sink_reason check_payload(struct sink_push *push)
{
	if (push->is_too_large)
		return SINK_TOO_LARGE;
	return push->body_len ? SINK_NONE : SINK_EMPTY;
}

static enum sink_reason (*const checks[])(struct sink_push *push) = {
	check_method,     check_path,     check_double,   check_sender, check_token,   check_topic,
	check_id,         check_expiration, check_priority, check_collapse, check_type, check_payload,
};

/* A lower-case UUID, 8-4-4-4-12. */
static bool read_id(uint8_t out[static 16], struct mst_slice id)
{
	if (id.len != SINK_ID_LEN)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (id.at[i] != '-')
				return false;
			continue;
		}
		if (mst_hex_get(out++, 1, mst_slice(id.at + i, 2), NULL) < 0)
			return false;
		i++;
	}
	for (size_t i = 0; i < id.len; i++)
		if (id.at[i] >= 'A' && id.at[i] <= 'F')
			return false;
	return true;
}

/* An answer carries an apns-id whatever is wrong: the request's, or a new one. */
static void find_id(struct sink_push *push)
{
	if (read_id(push->id, mst_push_field(push, FIELD_ID)))
		return;
	push->has_bad_id = push->seen[FIELD_ID];
	mst_random(push->id, sizeof(push->id));
	push->id[6] = (push->id[6] & 0x0f) | 0x40;
	push->id[8] = (push->id[8] & 0x3f) | 0x80;
}

enum sink_reason mst_check(struct sink_push *push)
{
	enum sink_reason reason = SINK_NONE;

	find_id(push);
	for (size_t i = 0; i < MST_LEN(checks) && reason == SINK_NONE; i++)
		reason = checks[i](push);
	return reason;
}
