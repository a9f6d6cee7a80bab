/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides by the answer what becomes of a push, and writes it, one batch for each. A write requires the record to be as it was
 * read: a newer cause wins, and what it asks for is read afterwards. A store that cannot write keeps its pushes in hand, or
 * they would be sent over and over.
 */
#include "hand.h"

#include <stdlib.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"
#include "muster/map.h"
#include "muster/text.h"

#define WRITE_ROOM   1280     /* requirement, place dropped, record and place put: some 900 bytes */
#define WRITE_AGAIN_MS 1000   /* when the store could not */
#define AGAIN_MOST   5        /* tries that ended before the service took it; then it is a failure like others */
#define DOUBLINGS_MAX 20
#define TALLIES_MAX  256      /* topics whose recent answers are counted */
#define TALLY_LEAST  20       /* bad answers, of as many tokens, that say something about us */
#define TALLY_MOST   400      /* answers; then the older half is forgotten */
#define GOOD_SHARE   4        /* good ones for each bad one: then it is the token's fault */

enum write_kind { WRITE_MOVE, WRITE_END };

struct write {
	struct mst_batch b; /* first */
	struct mst_link link; /* waits for the store to write again */
	struct push_item *item;
	enum write_kind kind;
	struct mst_push_due next;
	struct mst_arena arena;
	uint32_t slot;
	_Alignas(16) uint8_t room[WRITE_ROOM];
};

/* What a topic's tokens were worth lately. */
struct tally {
	uint32_t num_good, num_bad;
	uint32_t num_in_row; /* tokens refused since the last good answer: many at once are hardly the tokens' fault */
	uint64_t seen[4]; /* a small filter of these: one that is bad again says nothing new */
};

struct push_settle {
	struct mst_push *push;
	struct mst_slab *writes;
	struct mst_link waiting;
	uint32_t num_waiting;
	struct mst_timer timer;
	struct mst_map *tallies; /* the topic's address -> tally; forgotten when credentials change */
	uint64_t dice;
};

static uint64_t roll(struct push_settle *s)
{
	/* xorshift64* (Vigna); jitter needs no secrets. */
	s->dice ^= s->dice >> 12;
	s->dice ^= s->dice << 25;
	s->dice ^= s->dice >> 27;
	return s->dice * 0x2545f4914f6cdd1du;
}

static void post(struct write *w);

static void wait_for_store(struct push_settle *s, struct write *w, const struct mst_err *err)
{
	mst_log_peer(WARN, "a push cannot be settled yet", mst_f_err(err));
	mst_list_add(&s->waiting, &w->link);
	if (s->num_waiting++ == 0)
		mst_timer_set(s->push->loop, &s->timer, WRITE_AGAIN_MS);
}

static void on_due(struct mst_timer *timer)
{
	struct push_settle *s = MST_HOME(timer, struct push_settle, timer);
	uint32_t num = s->num_waiting;
	struct mst_link *link;

	for (; num && (link = mst_list_first(&s->waiting)) != NULL; num--) {
		mst_list_drop(link);
		s->num_waiting--;
		post(MST_HOME(link, struct write, link));
	}
}

static void on_committed(struct mst_batch *b)
{
	struct write *w = (struct write *)b;
	struct push_item *item = w->item;
	int64_t next_ms = w->kind == WRITE_MOVE ? w->next.due_ms : 0;
	bool is_written = b->rc == 0;

	if (!is_written && b->err.code != MST_E_CONFLICT) {
		wait_for_store(item->push->settle, w, &b->err);
		return;
	}
	item->is_written = is_written;
	mst_slab_put(item->push->settle->writes, w->slot);
	if (is_written && next_ms)
		mst_collect_look(item->push->collect, next_ms);
	/* A conflict: a newer cause wrote its own place. */
	mst_collect_release(item, is_written ? COLLECT_SETTLED : COLLECT_AGAIN);
}

/* A write's memory is its own: it is filled anew for every try. */
static void post(struct write *w)
{
	struct push_item *item = w->item;
	struct mst_err err;

	w->arena = (struct mst_arena){.at = w->room, .end = w->room + WRITE_ROOM, .limit = WRITE_ROOM};
	mst_batch_init(&w->b, &w->arena, item->push->loop, on_committed);
	if (w->kind == WRITE_MOVE)
		mst_outbox_move(&w->b, &item->due, &w->next);
	else
		mst_outbox_end(&w->b, &item->due);
	BUG_ON(w->b.is_short);
	if (mst_store_commit(item->push->store, &w->b, &err) < 0)
		wait_for_store(item->push->settle, w, &err);
}

static struct write *begin(struct push_item *item, enum write_kind kind)
{
	uint32_t slot;
	struct write *w = mst_slab_get(item->push->settle->writes, &slot);

	BUG_ON(!w); /* as many as the window */
	w->slot = slot;
	w->item = item;
	w->kind = kind;
	return w;
}

static void end(struct push_item *item)
{
	post(begin(item, WRITE_END));
}

void mst_settle_end(struct push_item *item)
{
	item->push->counts.num_needless++;
	mst_count(MST_C_PUSH_NEEDLESS, 1);
	end(item);
}

void mst_settle_move(struct push_item *item, const struct mst_push_due *next)
{
	struct write *w = begin(item, WRITE_MOVE);

	w->next = *next;
	post(w);
}

void mst_settle_later(struct push_item *item, int64_t due_ms)
{
	struct mst_push_due next = item->due;

	next.due_ms = due_ms;
	mst_settle_move(item, &next);
}

/* The wait after the n-th failure in a row, with jitter: three quarters to five quarters of it. */
static int64_t backoff_ms(struct push_settle *s, uint32_t num_failed)
{
	const struct mst_push_conf *conf = &s->push->conf;
	uint64_t ms = (uint64_t)conf->retry_ms << (num_failed < DOUBLINGS_MAX ? num_failed : DOUBLINGS_MAX);

	ms = ms < conf->retry_max_ms ? ms : conf->retry_max_ms;
	return (int64_t)(ms * 3 / 4 + roll(s) % (ms / 2 + 1));
}

static void retry(struct push_settle *s, struct push_item *item)
{
	struct mst_push_due next = item->due;
	int64_t wait_ms = backoff_ms(s, next.num_failed), asked_ms = item->answer.retry_after_s * 1000ll;

	s->push->counts.num_retried++;
	mst_count(MST_C_PUSH_RETRIED, 1);
	next.num_failed++;
	next.due_ms = mst_clock_wall_ms() + (asked_ms > wait_ms ? asked_ms : wait_ms);
	mst_settle_move(item, &next);
}

/* Again at once; it costs no try, unless that ended nowhere several times. */
static void again(struct push_settle *s, struct push_item *item)
{
	if (item->num_again++ < AGAIN_MOST)
		mst_collect_release(item, COLLECT_AGAIN);
	else
		retry(s, item);
}

static struct tally *tally_of(struct push_settle *s, const struct push_topic *topic)
{
	uintptr_t key = (uintptr_t)topic;
	struct tally *tally = mst_map_set(s->tallies, &key);

	if (tally && tally->num_good + tally->num_bad >= TALLY_MOST)
		*tally = (struct tally){
			.num_good = tally->num_good / 2, .num_bad = tally->num_bad / 2, .num_in_row = tally->num_in_row};
	return tally;
}

/* When the n-th silent wait is over, seconds; the last configured one repeats. 0: none is configured. */
static uint32_t silent_s(const struct mst_push_conf *conf, uint32_t n)
{
	size_t last = MST_LEN(conf->silent_s);

	while (last > 0 && conf->silent_s[last - 1] == 0)
		last--;
	return last == 0 ? 0 : conf->silent_s[n < last ? n : last - 1];
}

static void on_done(struct push_settle *s, struct push_item *item)
{
	const struct mst_push_conf *conf = &s->push->conf;
	struct mst_push_due next = item->due;
	struct tally *tally = tally_of(s, item->topic);

	mst_topic_worked(item->topic);
	mst_hold_drop(s->push->hold, &item->due.id);
	if (tally) {
		tally->num_good++;
		tally->num_in_row = 0;
		memset(tally->seen, 0, sizeof tally->seen);
	}
	s->push->counts.num_done++;
	mst_count(MST_C_PUSH_DONE, 1);
	next.num_silent = item->due.cause == MST_PUSH_SILENT ? item->due.num_silent + 1 : 0;
	if (next.num_silent >= conf->silent_max || !silent_s(conf, next.num_silent)) {
		s->push->counts.num_given_up += next.num_silent > 0;
		end(item);
		return;
	}
	next.cause = MST_PUSH_SILENT;
	next.num_failed = 0;
	next.pushed_ms = mst_clock_wall_ms();
	next.due_ms = next.pushed_ms + silent_s(conf, next.num_silent) * 1000ll;
	next.apns_id[15]++; /* another push, told apart */
	mst_settle_move(item, &next);
}

static void on_retry(struct push_settle *s, struct push_item *item)
{
	mst_topic_failed(item->topic);
	retry(s, item);
}

static void on_elsewhere(struct push_settle *s, struct push_item *item)
{
	if (item->answer.end == PUSH_ANSWERED)
		mst_topic_reopen(item->topic, item);
	again(s, item);
}

static void on_retry_token(struct push_settle *s, struct push_item *item)
{
	mst_topic_renew_token(item->topic);
	again(s, item);
}

static void on_hold(struct push_settle *s, struct push_item *item)
{
	s->push->counts.num_held++;
	mst_count(MST_C_PUSH_HELD, 1);
	mst_settle_later(item, mst_hold_set(s->push->hold, &item->due.id, item->answer.retry_after_s, mst_clock_wall_ms()));
}

static void on_gone(struct push_settle *s, struct push_item *item)
{
	mst_topic_worked(item->topic);
	/* Said of an earlier token: what the device brought since may be good. */
	if (item->answer.timestamp_ms && item->answer.timestamp_ms <= item->token_ms)
		retry(s, item);
	else
		mst_gone_take(item, GONE_UNREGISTERED);
}

/* False: said of an earlier credential; the push goes out with the present one. */
static bool stop(struct push_settle *s, struct push_item *item, const char *why)
{
	if (!mst_topic_stop(item->topic, why)) {
		again(s, item);
		return false;
	}
	s->push->counts.num_stopped++;
	mst_collect_release(item, COLLECT_LEFT);
	return true;
}

/* True when this token was not counted since the last good answer. */
static bool is_new(struct tally *tally, const struct mst_id *id)
{
	uint64_t bit = 1ull << (id->device[1] & 63), *word = &tally->seen[id->device[0] & 3];
	bool was = *word & bit;

	*word |= bit;
	return !was;
}

/* It was refused before, no other was since the last good answer, and good ones are many. */
static bool is_its_fault(const struct tally *tally, const struct push_item *item)
{
	return item->due.num_failed > 0 && tally->num_in_row <= 1 && tally->num_good + tally->num_bad >= TALLY_LEAST &&
	       tally->num_good >= GOOD_SHARE * tally->num_bad;
}

static bool is_ours(const struct tally *tally)
{
	return tally->num_in_row >= TALLY_LEAST ||
	       (tally->num_bad >= TALLY_LEAST && tally->num_good < GOOD_SHARE * tally->num_bad);
}

/* A token that is not of this topic: is it the token, or are it our credential and environment? The others' answers tell. */
static void on_bad_token(struct push_settle *s, struct push_item *item)
{
	struct tally *tally = tally_of(s, item->topic);

	s->push->counts.num_bad++;
	mst_count(MST_C_PUSH_BAD, 1);
	if (tally && is_new(tally, &item->due.id)) {
		tally->num_bad++;
		tally->num_in_row++;
	}
	if (tally && is_its_fault(tally, item)) {
		mst_topic_worked(item->topic);
		mst_gone_take(item, GONE_REFUSED);
	} else if (tally && is_ours(tally)) {
		if (!stop(s, item, "tokens are not of this topic or environment"))
			*tally = (struct tally){.num_good = 0};
	} else {
		retry(s, item);
	}
}

static void on_stop(struct push_settle *s, struct push_item *item)
{
	char why[96] = "the push service refuses our requests";

	/* Apple's word; whatever else it may be is not put into logs and pages as it is. */
	if (item->answer.reason[0] && mst_utf8_ok(mst_slice_str(item->answer.reason)))
		memcpy(why, item->answer.reason, sizeof item->answer.reason);
	stop(s, item, why);
}

static void (*const acts[NUM_PUSH_VERDICTS])(struct push_settle *s, struct push_item *item) = {
	[VERDICT_DONE] = on_done,
	[VERDICT_RETRY] = on_retry,
	[VERDICT_RETRY_ELSEWHERE] = on_elsewhere,
	[VERDICT_RETRY_TOKEN] = on_retry_token,
	[VERDICT_HOLD] = on_hold,
	[VERDICT_GONE] = on_gone,
	[VERDICT_BAD_TOKEN] = on_bad_token,
	[VERDICT_STOP_TOPIC] = on_stop,
	[VERDICT_BUG] = on_stop,
};

void mst_settle(struct push_item *item)
{
	if (item->push->is_ending)
		return;
	acts[mst_answer_judge(&item->answer)](item->push->settle, item);
}

void mst_settle_forgive(struct push_settle *s)
{
	mst_map_clear(s->tallies);
}

uint32_t mst_settle_unwritten(const struct push_settle *s)
{
	return mst_slab_used(s->writes);
}

int mst_settle_new(struct push_settle **out, struct mst_push *push, struct mst_err *e)
{
	struct push_settle *s = calloc(1, sizeof *s);

	*out = s;
	if (!s)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	s->push = push;
	s->timer.on_due = on_due;
	mst_list_init(&s->waiting);
	mst_random(&s->dice, sizeof s->dice);
	s->dice |= 1;
	s->writes = mst_slab_new(sizeof(struct write), push->conf.window);
	s->tallies = mst_map_new(sizeof(uintptr_t), sizeof(struct tally), TALLIES_MAX, true);
	return s->writes && s->tallies ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

void mst_settle_free(struct push_settle **at)
{
	struct push_settle *s = *at;

	if (!s)
		return;
	mst_timer_end(s->push->loop, &s->timer);
	mst_slab_free(&s->writes);
	mst_map_free(&s->tallies);
	free(s);
	*at = NULL;
}
