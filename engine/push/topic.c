/* SPDX-License-Identifier: Apache-2.0 */
/* One topic: its line of waiting pushes, its breaker, and when its connections open and end. */
#include <stdio.h>
#include <stdlib.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"
#include "link.h"

#define FAILURES_MAX 8    /* in a row, then the topic rests */
#define REFUSED_MAX  3    /* handshakes in a row in which the service refuses the credential */
#define BATCH_MAX    1024 /* pushes one link is given in one go */
#define RETIRING_MAX 4    /* links that finish what they have, beside those of [push] links_max */
#define WORKED_LEAST 100  /* answers of a link that did its work: a service that sends away sooner is not asked so fast */
#define PROBE_MS     1000 /* while a probe is out, others ask again so often */

static const char *const words[NUM_TOPIC_STATES] = {
#define X(name, word) [TOPIC_##name] = (word),
	PUSH_TOPIC_STATES(X)
#undef X
};

static const uint8_t next_states[NUM_TOPIC_STATES] = {
	[TOPIC_OPEN] = MST_B(TOPIC_OPEN) | MST_B(TOPIC_RESTING) | MST_B(TOPIC_STOPPED),
	[TOPIC_PROBING] = MST_B(TOPIC_OPEN) | MST_B(TOPIC_RESTING) | MST_B(TOPIC_STOPPED),
	[TOPIC_RESTING] = MST_B(TOPIC_OPEN) | MST_B(TOPIC_PROBING) | MST_B(TOPIC_STOPPED),
	[TOPIC_STOPPED] = MST_B(TOPIC_OPEN),
};

const char *mst_topic_state_word(enum push_topic_state state)
{
	return words[state];
}

static void set(struct push_topic *topic, enum push_topic_state to)
{
	BUG_ON(!(next_states[topic->state] & MST_B(to)));
	if (topic->state == TOPIC_STOPPED || to == TOPIC_STOPPED)
		mst_count(MST_C_PUSH_STOPPED, to == TOPIC_STOPPED ? 1 : -1);
	topic->state = to;
	mst_topic_ready(topic);
}

static uint64_t now_ms_of(const struct push_topic *topic)
{
	return mst_loop_now_ms(topic->topics->loop);
}

static struct mst_field f_topic(const struct push_topic *topic)
{
	return mst_f_slice("topic", mst_slice(topic->name, topic->name_len));
}

static struct push_link *link_of(struct mst_link *at)
{
	return MST_HOME(at, struct push_link, in_topic);
}

struct push_topic *mst_topic_new(struct push_topics *topics, struct mst_slice name)
{
	struct push_topic *topic = calloc(1, sizeof(*topic));

	if (!topic)
		return NULL;
	topic->topics = topics;
	memcpy(topic->name, name.at, name.len);
	topic->name_len = name.len;
	mst_list_init(&topic->line);
	mst_list_init(&topic->links);
	mst_list_add(&topics->all, &topic->in_all);
	return topic;
}

void mst_topic_free(struct push_topic *topic)
{
	struct mst_link *at;

	while ((at = mst_list_first(&topic->links)) != NULL)
		mst_link_free(link_of(at));
	if (topic->state == TOPIC_STOPPED)
		mst_count(MST_C_PUSH_STOPPED, -1);
	mst_list_drop(&topic->in_all);
	mst_list_drop(&topic->in_ready);
	mst_tls_ctx_free(&topic->tls);
	mst_token_free(&topic->token);
	free(topic);
}

void mst_topic_ready(struct push_topic *topic)
{
	if (!topic->in_ready.next || mst_list_empty(&topic->in_ready))
		mst_list_add(&topic->topics->ready, &topic->in_ready);
}

void mst_topic_start(struct push_topic *topic)
{
	topic->num_failures = topic->num_refused = 0;
	topic->rest_ms = topic->open_wait_ms = topic->open_at = 0;
	topic->probe = NULL;
	topic->why[0] = '\0';
	set(topic, TOPIC_OPEN);
}

void mst_topic_retire_links(struct push_topic *topic)
{
	MST_LIST_EACH(at, keep, &topic->links)
		mst_link_abandon(link_of(at));
}

/* Breaker */

uint64_t mst_topic_jitter(struct push_topics *topics, uint64_t ms)
{
	/* xorshift64* (Vigna); jitter needs no secrets. */
	topics->dice ^= topics->dice >> 12;
	topics->dice ^= topics->dice << 25;
	topics->dice ^= topics->dice >> 27;
	return ms / 2 + (topics->dice * 0x2545f4914f6cdd1du >> 11) % (ms / 2 + 1);
}

static uint64_t longer(const struct push_topic *topic, uint64_t ms)
{
	const struct push_times *times = &topic->topics->times;

	if (ms == 0)
		return times->rest_ms;
	return ms * 2 < times->rest_max_ms ? ms * 2 : times->rest_max_ms;
}

void mst_topic_rest(struct push_topic *topic, uint64_t until, const char *why)
{
	if (topic->state == TOPIC_STOPPED)
		return;
	topic->rest_until = until;
	snprintf(topic->why, sizeof(topic->why), "%.*s", TOPIC_WHY_ROOM - 1, why);
	topic->num_failures = 0;
	if (topic->state == TOPIC_RESTING)
		return;
	if (until != UINT64_MAX)
		mst_log_peer(WARN, "a push topic rests", f_topic(topic), mst_f_str("why", why),
			     mst_f_u64("for_ms", until - now_ms_of(topic)));
	set(topic, TOPIC_RESTING);
}

static void trip(struct push_topic *topic, const char *why)
{
	topic->rest_ms = longer(topic, topic->rest_ms);
	mst_topic_rest(topic, now_ms_of(topic) + mst_topic_jitter(topic->topics, topic->rest_ms), why);
}

void mst_topic_failed(struct push_topic *topic)
{
	static const char failing[] = "the push service fails or breaks connections";

	if (topic->loss == LOSS_COUNTED)
		return;
	if (topic->loss == LOSS_NEW)
		topic->loss = LOSS_COUNTED;
	switch (topic->state) {
	case TOPIC_OPEN:
		if (++topic->num_failures >= FAILURES_MAX)
			trip(topic, failing);
		break;
	case TOPIC_PROBING:
		trip(topic, failing);
		break;
	case TOPIC_RESTING:
	case TOPIC_STOPPED:
	case NUM_TOPIC_STATES:
		break;
	}
}

void mst_topic_worked(struct push_topic *topic)
{
	topic->num_failures = 0;
	if (topic->state != TOPIC_PROBING)
		return;
	topic->rest_ms = 0;
	topic->why[0] = '\0';
	mst_log_peer(INFO, "a push topic works again", f_topic(topic));
	set(topic, TOPIC_OPEN);
}

bool mst_topic_is_mdm(const struct push_topic *topic)
{
	return !topic->is_token;
}

bool mst_topic_stop(struct push_topic *topic, const char *why)
{
	if (topic->answering && topic->answering->credential != topic->credential)
		return false;
	if (topic->state == TOPIC_STOPPED)
		return true;
	snprintf(topic->why, sizeof(topic->why), "%.*s", TOPIC_WHY_ROOM - 1, why);
	mst_log(WARN, "a push topic is stopped until its credential is changed", f_topic(topic), mst_f_str("why", why));
	set(topic, TOPIC_STOPPED);
	mst_topic_retire_links(topic);
	return true;
}

void mst_topic_renew_token(struct push_topic *topic)
{
	uint64_t may_ms;

	if (topic->token && !mst_token_renew(topic->token, topic->answering_sent_ms, now_ms_of(topic), &may_ms))
		mst_topic_rest(topic, may_ms, "the service calls a new token expired: is the clock right?");
}

void mst_topic_reopen(struct push_topic *topic, struct push_item *item)
{
	if (!topic->answering)
		return;
	mst_topic_sent_away(topic, topic->answering);
	mst_link_retire(topic->answering);
}

/* Links */

void mst_topic_opened(struct push_topic *topic, struct push_link *link)
{
	char addr[MST_ADDR_ROOM];

	if (topic->opening == link)
		topic->opening = NULL;
	mst_addr_put(addr, &link->conn->addr);
	mst_log_peer(INFO, "a connection to the push service is open", f_topic(topic), mst_f_str("address", addr));
}

static bool has_open_link(const struct push_topic *topic)
{
	MST_LIST_EACH(at, keep, &topic->links)
		if (link_of(at)->state == LINK_OPEN)
			return true;
	return false;
}

void mst_topic_open_failed(struct push_topic *topic, const struct push_link *link)
{
	uint64_t now_ms = now_ms_of(topic);

	topic->open_wait_ms = longer(topic, topic->open_wait_ms);
	topic->open_at = now_ms + mst_topic_jitter(topic->topics, topic->open_wait_ms);
	if (link->is_refused && ++topic->num_refused >= REFUSED_MAX) {
		mst_topic_stop(topic, link->why);
		return;
	}
	if (link->has_opened)
		return;
	mst_log_peer(WARN, "no connection to the push service", f_topic(topic), mst_f_str("why", link->why),
		     mst_f_u64("again_ms", topic->open_at - now_ms));
	if (!has_open_link(topic))
		mst_topic_rest(topic, topic->open_at, link->why);
}

/* Who did its work and is sent away may be replaced sooner. */
void mst_topic_sent_away(struct push_topic *topic, const struct push_link *link)
{
	uint64_t soon_ms = topic->opened_ms + topic->topics->times.replace_ms;

	if (link->num_answered >= WORKED_LEAST && topic->open_wait_ms == 0 && topic->open_at > soon_ms)
		topic->open_at = soon_ms;
}

static bool may_open(const struct push_topic *topic, uint64_t now_ms)
{
	uint32_t num_open = 0, num = 0;

	if (topic->opening || !topic->tls || now_ms < topic->open_at)
		return false;
	MST_LIST_EACH(at, keep, &topic->links) {
		num++;
		num_open += link_of(at)->state == LINK_OPEN;
	}
	return num_open < topic->topics->push->conf.links_max && num < topic->topics->push->conf.links_max + RETIRING_MAX;
}

static void open_one(struct push_topic *topic)
{
	uint64_t now_ms = now_ms_of(topic);
	struct mst_err e;

	if (!may_open(topic, now_ms))
		return;
	topic->opened_ms = now_ms;
	topic->open_at = now_ms + topic->topics->times.apart_ms;
	if (mst_wire_open(topic, &e) < 0)
		mst_log_peer(WARN, "no connection to the push service", f_topic(topic), mst_f_err(&e));
}

/* The line */

static void give_back(struct push_topic *topic)
{
	struct mst_link *at;

	/* What is given back may come again, not now: the topic refuses. */
	while ((at = mst_list_first(&topic->line)) != NULL) {
		struct push_item *item = MST_HOME(at, struct push_item, link);
		mst_list_drop(at);
		topic->num_waiting--;
		if (topic->probe == item)
			topic->probe = NULL;
		if (!topic->topics->is_ending)
			mst_push_given_back(topic->topics->push, item);
	}
}

static void fill_link(struct push_topic *topic, struct push_link *link, const struct push_batch *batch)
{
	struct mst_link *at;

	for (uint32_t num = 0; num < BATCH_MAX && (at = mst_list_first(&topic->line)) != NULL && mst_link_room(link); num++) {
		struct push_item *item = MST_HOME(at, struct push_item, link);
		mst_list_drop(at);
		if (!mst_request_ask(link, item, batch)) {
			/* Its numbers are used up, or memory is: another link. */
			mst_list_add(topic->line.next, at); /* at the front again */
			mst_link_retire(link);
			return;
		}
		topic->num_waiting--;
		topic->moved_ms = batch->now_ms;
		mst_link_soil(link);
	}
	/* The rest of a large batch, once this one has left. */
	if (mst_list_first(&topic->line) && mst_link_room(link))
		mst_topic_ready(topic);
}

static int begin_batch(struct push_topic *topic, struct push_batch *out, struct mst_err *e)
{
	*out = (struct push_batch){.now_s = mst_clock_wall_ms() / 1000, .now_ms = now_ms_of(topic)};
	return topic->token ? mst_token_bearer(topic->token, &out->bearer, out->now_ms, e) : 0;
}

static void send_line(struct push_topic *topic)
{
	struct push_batch batch;
	struct mst_err e;

	if (begin_batch(topic, &batch, &e) < 0) {
		mst_topic_stop(topic, e.text);
		return;
	}
	MST_LIST_EACH(at, keep, &topic->links)
		fill_link(topic, link_of(at), &batch);
	if (topic->num_waiting == 0)
		return;
	mst_topics_wake(topic->topics);
	open_one(topic);
}

/* Nothing waits, and nothing will. */
static void end_links(struct push_topic *topic)
{
	MST_LIST_EACH(at, keep, &topic->links) {
		struct push_link *link = link_of(at);
		if (mst_list_empty(&link->sent))
			mst_link_abandon(link);
	}
}

void mst_topic_pump(struct push_topic *topic)
{
	switch (topic->state) {
	case TOPIC_OPEN:
	case TOPIC_PROBING:
		if (topic->topics->is_draining && !has_open_link(topic))
			give_back(topic); /* the store has them: nobody waits for a service that may not answer */
		else if (topic->num_waiting)
			send_line(topic);
		break;
	case TOPIC_RESTING:
	case TOPIC_STOPPED:
		give_back(topic);
		break;
	case NUM_TOPIC_STATES:
		break;
	}
	if (topic->topics->is_draining && topic->num_waiting == 0)
		end_links(topic);
}

/* A spare one closes after a while without work; one stays. */
static void tick_idle(struct push_topic *topic, uint64_t now_ms)
{
	uint32_t num_open = 0;

	MST_LIST_EACH(at, keep, &topic->links)
		num_open += link_of(at)->state == LINK_OPEN;
	MST_LIST_EACH(at, keep, &topic->links) {
		struct push_link *link = link_of(at);
		if (num_open <= 1)
			return;
		if (link->state != LINK_OPEN || !mst_list_empty(&link->sent) ||
		    now_ms - link->worked_ms < topic->topics->push->conf.idle_s * 1000ull)
			continue;
		mst_link_retire(link);
		num_open--;
	}
}

void mst_topic_tick(struct push_topic *topic, uint64_t now_ms)
{
	MST_LIST_EACH(at, keep, &topic->links)
		mst_link_tick(link_of(at), now_ms);
	tick_idle(topic, now_ms);
	if (topic->num_waiting == 0)
		return;
	if (now_ms - topic->moved_ms >= topic->topics->times.line_ms)
		trip(topic, "the push service takes no pushes");
	mst_topic_ready(topic);
}

bool mst_topic_send(struct push_topic *topic, struct push_item *item, uint64_t *again_ms)
{
	uint64_t now_ms = now_ms_of(topic);

	if (topic->state == TOPIC_RESTING && now_ms >= topic->rest_until) {
		set(topic, TOPIC_PROBING);
		topic->rest_until = now_ms + PROBE_MS;
	}
	switch (topic->state) {
	case TOPIC_OPEN:
		break;
	case TOPIC_PROBING:
		if (!topic->probe) {
			topic->probe = item;
			break;
		}
		if (now_ms >= topic->rest_until)
			topic->rest_until = now_ms + PROBE_MS;
		*again_ms = topic->rest_until;
		return false;
	case TOPIC_RESTING:
		*again_ms = topic->rest_until;
		return false;
	case TOPIC_STOPPED:
	case NUM_TOPIC_STATES:
		*again_ms = 0;
		return false;
	}
	item->topic = topic;
	item->on = NULL;
	item->answer = (struct push_answer){.end = PUSH_UNSENT};
	mst_list_add(&topic->line, &item->link);
	if (topic->num_waiting++ == 0)
		topic->moved_ms = now_ms;
	mst_topic_ready(topic);
	return true;
}

void mst_topic_tell(const struct push_topic *topic, struct push_topic_facts *out)
{
	*out = (struct push_topic_facts){
		.topic = mst_slice(topic->name, topic->name_len),
		.state = topic->state,
		.num_waiting = topic->num_waiting,
		.num_sent = topic->num_sent,
		.num_answered = topic->num_answered,
		.num_lost = topic->num_lost,
		.not_after = topic->not_after,
		.is_token = topic->is_token,
		.is_sandbox = topic->env == MST_PUSH_SANDBOX,
	};
	memcpy(out->why, topic->why, sizeof(out->why));
	MST_LIST_EACH(at, keep, &topic->links) {
		const struct push_link *link = link_of(at);
		out->num_links += link->state != LINK_RESOLVING;
		out->num_open_streams += link->h2 ? mst_h2_open(link->h2) : 0;
	}
}
