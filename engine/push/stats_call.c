/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/push: how the push engine is doing. The question goes to its loop by mail, which fills in what it has and sends it back. */
#include "muster/json.h"
#include "own.h"

#define TOPICS_MAX 256 /* that are told of; who has more looks at the metrics */
#define ROOM       ((size_t)1 << 20)

struct stats {
	struct mst_mail mail; /* to the push engine's loop and back */
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_push *push;
	struct mst_push_counts counts;
	uint32_t window;
	bool is_draining;
	size_t num_topics;
	struct push_topic_facts topics[TOPICS_MAX];
	char names[TOPICS_MAX][MST_TOPIC_MAX];
};

static void on_back(struct mst_mail *mail)
{
	mst_xchg_resume(MST_HOME(mail, struct stats, mail)->x);
}

/* A topic's name is the push loop's: it is copied while we are there. */
static void on_there(struct mst_mail *mail)
{
	struct stats *s = MST_HOME(mail, struct stats, mail);

	mst_push_tell(s->push, &s->counts);
	s->window = s->push->conf.window;
	s->is_draining = s->push->is_draining;
	s->num_topics = mst_topics_tell(s->push->topics, s->topics, TOPICS_MAX);
	for (size_t i = 0; i < s->num_topics; i++) {
		struct mst_slice *topic = &s->topics[i].topic;
		if (topic->len > MST_TOPIC_MAX)
			topic->len = MST_TOPIC_MAX;
		memcpy(s->names[i], topic->at, topic->len);
		topic->at = (const uint8_t *)s->names[i];
	}
	mail->on_mail = on_back;
	mst_loop_post(s->app->loop, mail);
}

enum mst_step mst_push_stats_ask(struct mst_xchg *x)
{
	struct stats *s;

	if (x->arena.limit < ROOM)
		x->arena.limit = ROOM;
	s = mst_arena_zero(&x->arena, sizeof(*s));
	if (!s)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	s->x = x;
	s->app = x->app;
	s->push = s->app->push;
	x->state = s;
	if (!s->push)
		return STEP_NEXT;
	s->mail.on_mail = on_there;
	mst_loop_post(s->push->loop, &s->mail);
	return STEP_WAIT;
}

static void tell_topic(struct mst_json *j, const struct push_topic_facts *t)
{
	mst_json_open(j, NULL);
	mst_json_text(j, "topic", t->topic);
	mst_json_text(j, "state", mst_slice_str(mst_topic_state_word(t->state)));
	if (t->why[0])
		mst_json_text(j, "why", mst_slice_str(t->why));
	else
		mst_json_null(j, "why");
	mst_json_text(j, "kind", t->is_token ? MST_S("key") : MST_S("certificate"));
	mst_json_text(j, "environment", t->is_sandbox ? MST_S("sandbox") : MST_S("production"));
	mst_json_time(j, "not_after", t->not_after * 1000);
	mst_json_u64(j, "links", t->num_links);
	mst_json_u64(j, "streams", t->num_open_streams);
	mst_json_u64(j, "waiting", t->num_waiting);
	mst_json_u64(j, "sent", t->num_sent);
	mst_json_u64(j, "answered", t->num_answered);
	mst_json_u64(j, "lost", t->num_lost);
	mst_json_close(j);
}

#define AT(field) offsetof(struct mst_push_counts, field)
static const struct {
	const char *name;
	size_t at;
} counts[] = {
	{"collected", AT(num_collected)}, {"accepted", AT(num_done)},        {"retried", AT(num_retried)},   {"held", AT(num_held)},
	{"gone", AT(num_gone)},           {"bad", AT(num_bad)},              {"stopped", AT(num_stopped)},   {"needless", AT(num_needless)},
	{"coalesced", AT(num_stale)},     {"overtaken", AT(num_overtaken)},  {"given_up", AT(num_given_up)},
};

/* Since the start, by what the answers meant. */
static void tell_counts(struct mst_json *j, const struct mst_push_counts *all)
{
	mst_json_open(j, "counts");
	for (size_t i = 0; i < MST_LEN(counts); i++)
		mst_json_u64(j, counts[i].name, *(const uint64_t *)(const void *)((const char *)all + counts[i].at));
	mst_json_close(j);
}

enum mst_step mst_push_stats_tell(struct mst_xchg *x)
{
	const struct stats *s = x->state;
	struct mst_slice body;
	struct mst_json j;

	mst_json_begin(&j, &x->arena);
	mst_json_open(&j, NULL);
	mst_json_bool(&j, "enabled", s->push != NULL);
	mst_json_bool(&j, "draining", s->is_draining);
	mst_json_bool(&j, "credentials_read", s->counts.is_loaded);
	mst_json_u64(&j, "in_hand", s->counts.num_in_hand);
	mst_json_u64(&j, "unwritten", s->counts.num_unwritten);
	mst_json_u64(&j, "window", s->window);
	mst_json_time(&j, "next_at", s->counts.next_ms);
	mst_json_open_array(&j, "topics");
	for (size_t i = 0; i < s->num_topics; i++)
		tell_topic(&j, &s->topics[i]);
	mst_json_close(&j);
	tell_counts(&j, &s->counts);
	mst_json_close(&j);
	return mst_json_end(&j, &body, &x->err) < 0 ? mst_xchg_fail(x) : mst_xchg_answer(x, 200, MST_JSON_TYPE, body);
}
