/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to the push service: whom it waits for, what it takes, its deadlines, its end. */
#include <stdio.h>
#include <stdlib.h>

#include "muster/count.h"
#include "link.h"

#define OUT_HIGH (256 * 1024) /* not taken by the kernel or the service: no further pushes until it is */

static const uint8_t next_states[NUM_LINK_STATES] = {
	[LINK_RESOLVING] = MST_B(LINK_CONNECTING) | MST_B(LINK_CLOSING),
	[LINK_CONNECTING] = MST_B(LINK_GREETING) | MST_B(LINK_CLOSING),
	[LINK_GREETING] = MST_B(LINK_OPEN) | MST_B(LINK_CLOSING),
	[LINK_OPEN] = MST_B(LINK_RETIRING) | MST_B(LINK_CLOSING),
	[LINK_RETIRING] = MST_B(LINK_CLOSING),
	[LINK_CLOSING] = MST_B(LINK_CONNECTING), /* the next address */
};

void mst_link_set(struct push_link *link, enum link_state to)
{
	BUG_ON(!(next_states[link->state] & MST_B(to)));
	link->state = to;
}

static struct push_topics *topics_of(const struct push_link *link)
{
	return link->topic->topics;
}

/* Cut where it is too long. */
void mst_link_say_why(struct push_link *link, const char *why)
{
	snprintf(link->why, sizeof(link->why), "%.*s", TOPIC_WHY_ROOM - 1, why);
}

static bool speaks(const struct push_link *link)
{
	return link->state == LINK_GREETING || link->state == LINK_OPEN || link->state == LINK_RETIRING;
}

void mst_link_soil(struct push_link *link)
{
	if (!link->in_dirty.next || mst_list_empty(&link->in_dirty))
		if (speaks(link))
			mst_list_add(&topics_of(link)->dirty, &link->in_dirty);
}

/* Not by our will. `why` of the first call stays. False: it was over already. */
static bool lost(struct push_link *link, const char *why)
{
	if (link->state == LINK_CLOSING)
		return false;
	link->is_lost = link->state != LINK_RETIRING || mst_h2_open(link->h2) > 0;
	mst_link_say_why(link, why);
	mst_link_set(link, LINK_CLOSING);
	return true;
}

void mst_link_lose(struct push_link *link, const char *why)
{
	if (lost(link, why))
		mst_conn_close(link->conn, "link lost");
}

/* The same, with last words: an alert, a GOAWAY. */
void mst_link_lose_saying(struct push_link *link, const char *why)
{
	if (lost(link, why))
		mst_conn_finish(link->conn, "link lost");
}

/* Nothing is in hand: the other side is told that this was the end. */
static void part(struct push_link *link, const char *why)
{
	struct mst_err e;

	mst_h2_goaway(link->h2);
	if (mst_h2_flush(link->h2, &e) == 0)
		mst_tls_shut(link->tls);
	mst_link_say_why(link, why);
	mst_link_set(link, LINK_CLOSING);
	mst_conn_finish(link->conn, why);
}

uint32_t mst_link_room(const struct push_link *link)
{
	uint32_t room;

	if (link->state != LINK_OPEN || link->is_suspect || mst_conn_unsent(link->conn) + mst_h2_held(link->h2) >= OUT_HIGH)
		return 0;
	room = mst_h2_room(link->h2);
	/* Apple: one stream until the first token was accepted. */
	if (link->topic->is_token && !link->is_known)
		return room && mst_h2_open(link->h2) == 0 ? 1 : 0;
	return room;
}

void mst_link_retire(struct push_link *link)
{
	if (link->state != LINK_OPEN)
		return;
	mst_link_set(link, LINK_RETIRING);
	mst_link_soil(link);
}

void mst_link_abandon(struct push_link *link)
{
	link->is_abandoned = true;
	if (link->topic->opening == link)
		link->topic->opening = NULL;
	switch (link->state) {
	case LINK_CONNECTING:
	case LINK_GREETING:
		mst_link_set(link, LINK_CLOSING);
		mst_conn_close(link->conn, "not needed any more");
		break;
	case LINK_OPEN:
		mst_link_retire(link);
		break;
	case LINK_RESOLVING: /* the worker comes home first */
	case LINK_RETIRING:
	case LINK_CLOSING:
	case NUM_LINK_STATES:
		break;
	}
}

void mst_link_flush(struct push_link *link)
{
	struct mst_err e;

	if (!speaks(link))
		return;
	if (mst_h2_flush(link->h2, &e) < 0)
		mst_link_lose(link, e.text);
	else if (link->state == LINK_RETIRING && mst_h2_open(link->h2) == 0)
		part(link, "done");
	else if (mst_h2_is_over(link->h2))
		mst_link_lose(link, "the session is over");
	else
		mst_conn_flush(link->conn);
}

static void ping(struct push_link *link, uint64_t now_ms)
{
	if (link->ping_ms)
		return;
	link->ping_ms = now_ms;
	mst_h2_ping(link->h2);
	mst_link_soil(link);
}

static void tick_sent(struct push_link *link, uint64_t now_ms)
{
	const struct push_times *times = &topics_of(link)->times;
	const struct mst_link *first = mst_list_first(&link->sent);
	uint64_t since_ms;

	MST_LIST_EACH(at, keep, &link->sent) {
		const struct push_item *item = MST_HOME(at, struct push_item, link);
		if (now_ms - item->sent_ms < times->give_up_ms)
			break;
		mst_h2_reset(link->h2, item->stream, false);
		mst_link_soil(link);
	}
	if (!first)
		return;
	since_ms = MST_HOME(first, struct push_item, link)->sent_ms;
	since_ms = since_ms > link->asked_ms ? since_ms : link->asked_ms;
	if (now_ms - since_ms >= times->stall_ms) {
		link->asked_ms = now_ms;
		link->is_suspect = true;
		ping(link, now_ms);
	}
}

static void tick_open(struct push_link *link, uint64_t now_ms)
{
	const struct push_topics *topics = topics_of(link);

	if (link->ping_ms && now_ms - link->ping_ms >= topics->times.pong_ms) {
		mst_link_lose(link, "no answer to a PING");
		return;
	}
	tick_sent(link, now_ms);
	if (topics->push->conf.ping_s && now_ms - link->heard_ms >= topics->push->conf.ping_s * 1000ull)
		ping(link, now_ms);
}

void mst_link_tick(struct push_link *link, uint64_t now_ms)
{
	switch (link->state) {
	case LINK_CONNECTING:
	case LINK_GREETING:
		if (now_ms - link->begun_ms >= topics_of(link)->times.open_late_ms)
			mst_link_lose(link, "opening took too long");
		break;
	case LINK_OPEN:
	case LINK_RETIRING:
		tick_open(link, now_ms);
		break;
	case LINK_RESOLVING: /* the resolver has its own deadline */
	case LINK_CLOSING:
	case NUM_LINK_STATES:
		break;
	}
}

void mst_link_free(struct push_link *link)
{
	mst_list_drop(&link->in_topic);
	mst_list_drop(&link->in_dirty);
	if (link->conn)
		link->conn->up = NULL; /* net tells nobody */
	link->conn = NULL;
	link->state = LINK_CLOSING;
	if (link->has_opened)
		mst_count(MST_C_PUSH_LINKS, -1);
	mst_h2_free(&link->h2);
	mst_tls_free(&link->tls);
	free(link);
}
