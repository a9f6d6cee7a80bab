/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/notify: what an application wants to say to its own users, over a topic that takes tokens. It is sent once and not kept: the
 * answer of the service is the answer. By mail to the push engine's loop and back; its item is part of the exchange, which waits.
 */
#include "muster/json.h"
#include "muster/log.h"
#include "muster/text.h"
#include "own.h"

#define BODY_DEPTH   24 /* the payload is the application's */
#define COLLAPSE_MAX 64 /* Apple's limit */
#define EXPIRY_MAX_S (30 * 86400)
#define PATH         "/3/device/"

struct notify {
	struct mst_mail mail; /* to the push engine's loop and back */
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_push *push;
	struct push_item item;  /* the push engine's while the mail is there */
	struct push_note note;
	char topic[MST_TOPIC_MAX + 1], collapse_id[COLLAPSE_MAX + 1];
	uint8_t token[PUSH_TOKEN_MAX];
	size_t topic_len, token_len;
	uint32_t expiry_s, priority;
	/* how it ended */
	enum mst_code code; /* NONE: answered */
	const char *why;    /* constant */
};

static const char *const push_types[] = {"alert",     "background", "location",     "voip",
					 "complication", "fileprovider", "liveactivity", "pushtotalk", "widgets", "controls"};

static int text_copy(char *out, size_t room, struct mst_slice text, const char *key, struct mst_err *e)
{
	if (text.len >= room)
		return mst_fail(e, MST_E_SYNTAX, "%s has at most %zu bytes", key, room - 1);
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] >= 0x7f)
			return mst_fail(e, MST_E_SYNTAX, "%s has visible ASCII characters only", key);
	if (text.len)
		memcpy(out, text.at, text.len);
	out[text.len] = '\0';
	return 0;
}

static int read_token(struct notify *n, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_slice text;

	if (mst_json_get_text0(root, &text, "token", e) < 0)
		return -1;
	n->token_len = text.len / 2;
	if (text.len == 0 || text.len % 2 || n->token_len > sizeof(n->token) ||
	    mst_hex_get(n->token, n->token_len, text, NULL) < 0)
		return mst_fail(e, MST_E_SYNTAX, "token is a device token in hex");
	return 0;
}

static int read_type(struct notify *n, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_slice word;

	if (mst_json_get_text0(root, &word, "push_type", e) < 0)
		return -1;
	if (word.len == 0)
		word = MST_S("alert");
	for (size_t i = 0; i < MST_LEN(push_types); i++)
		if (mst_slice_eq(word, mst_slice_str(push_types[i])))
			n->note.push_type = push_types[i];
	return n->note.push_type ? 0 : mst_fail(e, MST_E_SYNTAX, "push_type is none of Apple's");
}

/* Priority 10 is the rule; of a background push the service takes 5 and 1 only. */
static int read_numbers(struct notify *n, const struct mst_json_value *root, struct mst_err *e)
{
	uint64_t expiry_s = 0, priority = strcmp(n->note.push_type, "background") == 0 ? 5 : 10;
	uint64_t wanted;
	int rc = mst_json_get_u64(root, &wanted, "priority", e);

	if (rc < 0 || mst_json_get_u64(root, &expiry_s, "expiration_s", e) < 0)
		return -1;
	priority = rc == 1 ? wanted : priority;
	if (priority != 10 && priority != 5 && priority != 1)
		return mst_fail(e, MST_E_SYNTAX, "priority is 10, 5 or 1");
	if (expiry_s > EXPIRY_MAX_S)
		return mst_fail(e, MST_E_SYNTAX, "expiration_s is 0 to %d", EXPIRY_MAX_S);
	n->priority = (uint32_t)priority;
	n->expiry_s = (uint32_t)expiry_s;
	return 0;
}

/* The payload goes out as it came: a text that holds JSON. */
static int read_payload(struct notify *n, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_json_value *check;
	struct mst_slice text;

	if (mst_json_get_text0(root, &text, "payload", e) < 0)
		return -1;
	if (text.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "no payload: JSON as a text");
	if (text.len > PUSH_NOTE_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "a payload has at most %d bytes", PUSH_NOTE_MAX);
	if (mst_json_parse(&check, text, text.len, BODY_DEPTH, e) < 0)
		return -1;
	mst_json_free(&check);
	return mst_arena_copy(&n->x->arena, &n->note.payload, text) ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static int read_wish(struct notify *n, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_slice topic, collapse;

	if (mst_json_get_text0(root, &topic, "topic", e) < 0 || mst_json_get_text0(root, &collapse, "collapse_id", e) < 0)
		return -1;
	if (topic.len == 0 || mst_slice_starts(topic, MST_S("com.apple.mgmt.")))
		return mst_fail(e, MST_E_SYNTAX, "topic is that of an application; devices are woken by /v1/push");
	if (text_copy(n->topic, sizeof(n->topic), topic, "topic", e) < 0 ||
	    text_copy(n->collapse_id, sizeof(n->collapse_id), collapse, "collapse_id", e) < 0 || read_token(n, root, e) < 0 ||
	    read_type(n, root, e) < 0 || read_numbers(n, root, e) < 0 || read_payload(n, root, e) < 0)
		return -1;
	n->topic_len = topic.len;
	n->note.collapse_id = collapse.len ? n->collapse_id : NULL;
	return 0;
}

static void on_back(struct mst_mail *mail)
{
	mst_xchg_resume(MST_HOME(mail, struct notify, mail)->x);
}

static void go_home(struct notify *n, enum mst_code code, const char *why)
{
	n->code = code;
	n->why = why;
	n->mail.on_mail = on_back;
	mst_loop_post(n->app->loop, &n->mail);
}

/* What the answer says of the topic; what it says of the notification is its sender's business. */
static void judge(struct push_item *item)
{
	switch (mst_answer_judge(&item->answer)) {
	case VERDICT_DONE:
	case VERDICT_HOLD:
	case VERDICT_GONE:
	case VERDICT_BAD_TOKEN:
	case VERDICT_BUG: /* the application's */
		mst_topic_worked(item->topic);
		return;
	case VERDICT_RETRY:
		mst_topic_failed(item->topic);
		return;
	case VERDICT_RETRY_ELSEWHERE:
		if (item->answer.end == PUSH_ANSWERED)
			mst_topic_reopen(item->topic, item);
		return;
	case VERDICT_RETRY_TOKEN:
		mst_topic_renew_token(item->topic);
		return;
	case VERDICT_STOP_TOPIC:
		mst_topic_stop(item->topic, mst_utf8_ok(mst_slice_str(item->answer.reason)) ? item->answer.reason : "refused");
		return;
	case NUM_PUSH_VERDICTS:
		return;
	}
}

static void on_answer(struct push_item *item)
{
	struct notify *n = MST_HOME(item, struct notify, item);

	judge(item);

	switch (item->answer.end) {
	case PUSH_ANSWERED:
		go_home(n, MST_E_NONE, NULL);
		return;
	case PUSH_LOST:
		go_home(n, MST_E_BUSY, "the connection broke: it may have been delivered");
		return;
	case PUSH_UNSENT:
	case NUM_PUSH_ENDS:
		go_home(n, MST_E_BUSY, "the service could not be reached");
		return;
	}
}

static void fill(struct push_item *item, struct notify *n)
{
	mst_push_due_make(&item->due, &(struct mst_id){.device = {0}}, MST_PUSH_OPERATOR, 0);
	mst_apns_id_put(item->apns_id, item->due.apns_id);
	item->note = &n->note;
	item->push = n->push;
	item->priority = (uint8_t)n->priority;
	item->expiry_s = n->expiry_s;
	memcpy(item->path, PATH, sizeof(PATH) - 1);
	mst_hex_put(item->path + sizeof(PATH) - 1, mst_slice(n->token, n->token_len));
	item->path_len = (uint16_t)(sizeof(PATH) - 1 + 2 * n->token_len);
	item->on_answer = on_answer;
}

/* On the push engine's loop. */
static void on_there(struct mst_mail *mail)
{
	struct notify *n = MST_HOME(mail, struct notify, mail);
	struct push_topic *topic = mst_topic_find(n->push->topics, mst_slice(n->topic, n->topic_len));
	uint64_t again_ms = 0;

	if (!topic)
		go_home(n, MST_E_ABSENT, "no credential for this topic");
	else if (n->push->is_draining)
		go_home(n, MST_E_BUSY, "the engine is draining");
	else if (!mst_topic_send(topic, &n->item, &again_ms))
		go_home(n, MST_E_BUSY, again_ms ? "the topic rests after failures" : "the topic is stopped: see GET /v1/push");
}

static int read_body(struct notify *n)
{
	struct mst_xchg *x = n->x;
	struct mst_json_value *root;
	int rc;

	if (mst_json_parse(&root, x->in.body, x->in.body.len, BODY_DEPTH, &x->err) < 0)
		return -1;
	rc = read_wish(n, root, &x->err);
	mst_json_free(&root);
	return rc;
}

enum mst_step mst_push_notify_ask(struct mst_xchg *x)
{
	struct notify *n = mst_arena_zero(&x->arena, sizeof(*n));

	if (!n)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	n->x = x;
	n->app = x->app;
	n->push = n->app->push;
	x->state = n;
	if (!n->push)
		return mst_xchg_refuse(x, MST_E_CONFLICT, "pushes are switched off ([push] enabled)");
	if (read_body(n) < 0)
		return mst_xchg_fail(x);
	fill(&n->item, n);
	n->mail.on_mail = on_there;
	mst_loop_post(n->push->loop, &n->mail);
	return STEP_WAIT;
}

/* What the service said, as it said it; only the outside is ours. */
enum mst_step mst_push_notify_tell(struct mst_xchg *x)
{
	const struct notify *n = x->state;
	const struct push_answer *answer = &n->item.answer;
	struct mst_slice body;
	struct mst_json j;

	if (n->code != MST_E_NONE)
		return mst_xchg_refuse(x, n->code, n->why);
	mst_json_begin(&j, &x->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "apns_id", mst_slice_str(n->item.apns_id));
	mst_json_i64(&j, "status", answer->status);
	if (answer->reason[0])
		mst_json_text(&j, "reason", mst_slice_str(answer->reason));
	else
		mst_json_null(&j, "reason");
	mst_json_time(&j, "timestamp", answer->timestamp_ms);
	mst_json_close(&j);
	mst_log(INFO, "notification sent", mst_f_u64("exchange", x->id), mst_f_str("who", x->who), mst_f_str("topic", n->topic),
		mst_f_str("apns_id", n->item.apns_id), mst_f_i64("status", answer->status), mst_f_str("reason", answer->reason));
	return mst_json_end(&j, &body, &x->err) < 0
		       ? mst_xchg_fail(x)
		       : mst_xchg_answer(x, answer->status == 200 ? 200 : 502, MST_JSON_TYPE, body);
}
