/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials: read from the store at the start, after each change, and every hour (another process of a cluster, or a
 * restored copy, may have changed them); certificates that end soon are told 30, 14, 7 and 1 days ahead and when they did.
 */
#include "hand.h"

#include <stdlib.h>

#include "muster/clock.h"
#include "muster/log.h"
#include "muster/map.h"
#include "muster/text.h"

#define CREDS_MAX  1024    /* one for each topic; an organisation has one, a provider some hundreds */
#define LOOK_MS    3600000
#define AGAIN_MS   5000    /* after a store that cannot be read */
#define DAY_S      86400

static const int64_t alarm_days[] = {30, 14, 7, 1, 0};

struct push_creds {
	struct mst_push *push;
	struct mst_mail mail;       /* of whoever asks for a reload, at most one on its way */
	bool is_mailed;             /* shared by threads */
	bool is_loaded, is_reading;
	bool is_asked, is_asked_again; /* somebody changed something: not only a look */
	struct mst_timer timer;
	struct mst_read r;
	struct mst_arena arena;
	struct mst_pushcert *certs;
	size_t num;
	uint64_t mark;              /* of what was loaded last */
	struct mst_map *told;       /* SHA-256 of a certificate -> 1 + which alarm was given last */
};

static void begin(struct push_creds *c);

static void wipe_keys(struct push_creds *c)
{
	for (size_t i = 0; i < c->num; i++)
		if (c->certs[i].key_pem.len)
			mst_wipe((void *)(uintptr_t)c->certs[i].key_pem.at, c->certs[i].key_pem.len);
	c->num = 0;
}

static void forget(struct push_creds *c)
{
	wipe_keys(c);
	mst_arena_done(&c->arena);
}

static int plan(struct mst_read *r)
{
	struct push_creds *c = MST_HOME(r, struct push_creds, r);
	struct mst_walk w = {.r = NULL};
	int rc = 1;

	wipe_keys(c); /* of a plan that found the store cold half-way */
	while (rc == 1 && c->num < CREDS_MAX) {
		rc = mst_pushcert_next(&w, r, &c->certs[c->num], c->push->seal);
		c->num += rc == 1;
	}
	mst_walk_done(&w);
	return rc == 1 ? 0 : rc;
}

/* The last threshold that is past: 0 none, else 1 + its row. */
static uint64_t alarm_of(const struct mst_pushcert *cert, int64_t now_s)
{
	uint64_t which = 0;

	for (size_t i = 0; i < MST_LEN(alarm_days) && cert->not_after; i++)
		if (now_s >= cert->not_after - alarm_days[i] * DAY_S)
			which = i + 1;
	return which;
}

static void tell_ends(struct push_creds *c)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;

	for (size_t i = 0; i < c->num; i++) {
		const struct mst_pushcert *cert = &c->certs[i];
		uint64_t which = alarm_of(cert, now_s), *told = mst_map_set(c->told, cert->sha256);
		char until[MST_TIME_ROOM];
		if (!which || !told || which <= *told)
			continue;
		*told = which;
		mst_time_put(until, cert->not_after * 1000);
		mst_log(WARN, alarm_days[which - 1] ? "a push certificate ends soon: renew it with the same Apple Account"
						    : "a push certificate has ended: devices of its topic cannot be woken",
			mst_f_slice("topic", cert->topic), mst_f_str("until", until),
			mst_f_i64("days", (cert->not_after - now_s) / DAY_S));
	}
}

/* FNV-1a over what makes a credential another one; when it was put counts: an operator who sends the same again means it. */
static uint64_t mark_of(const struct push_creds *c)
{
	uint64_t mark = 0xcbf29ce484222325u;

	for (size_t i = 0; i < c->num; i++) {
		const struct mst_pushcert *cert = &c->certs[i];
		const struct mst_slice parts[] = {cert->topic, mst_slice(cert->sha256, sizeof cert->sha256),
						  mst_slice(&cert->put_ms, sizeof cert->put_ms)};
		for (size_t k = 0; k < MST_LEN(parts); k++)
			for (size_t at = 0; at < parts[k].len; at++)
				mark = (mark ^ parts[k].at[at]) * 0x100000001b3u;
	}
	return mark;
}

static void load(struct push_creds *c)
{
	struct mst_push *push = c->push;
	uint64_t mark = mark_of(c);

	tell_ends(c);
	if (c->is_loaded && !c->is_asked && mark == c->mark)
		return;
	c->is_asked = false;
	c->mark = mark;
	c->is_loaded = true;
	push->counts.num_loads++;
	mst_topics_load(push->topics, c->certs, c->num);
	mst_settle_forgive(push->settle);
	mst_collect_start(push->collect);
}

static void on_read(struct mst_read *r)
{
	struct push_creds *c = MST_HOME(r, struct push_creds, r);
	struct mst_push *push = c->push;

	c->is_reading = false;
	if (r->rc < 0)
		mst_log(ERROR, "push credentials cannot be read", mst_f_err(&r->err));
	if (r->rc == 0 && !push->is_draining)
		load(c);
	forget(c);
	mst_timer_set(push->loop, &c->timer, c->is_asked_again ? 1 : r->rc < 0 ? AGAIN_MS : LOOK_MS);
}

/* The store is walked on a worker when it is cold; few records. */
static void begin(struct push_creds *c)
{
	struct mst_err err;

	c->is_asked_again = c->is_reading;
	if (c->is_reading || c->push->is_draining)
		return;
	c->is_reading = true;
	c->r = (struct mst_read){.arena = &c->arena, .plan = plan, .on_read = on_read};
	int rc = mst_store_read(c->push->store, &c->r, c->push->loop, &err);
	if (rc == 1) {
		on_read(&c->r);
	} else if (rc < 0) {
		forget(c);
		c->is_reading = false;
		mst_timer_set(c->push->loop, &c->timer, AGAIN_MS);
	}
}

static void on_due(struct mst_timer *timer)
{
	begin(MST_HOME(timer, struct push_creds, timer));
}

static void on_mail(struct mst_mail *mail)
{
	struct push_creds *c = MST_HOME(mail, struct push_creds, mail);

	/* Given back before the store is read: who asks from now on is heard again. */
	__atomic_store_n(&c->is_mailed, false, __ATOMIC_SEQ_CST);
	c->is_asked = true;
	begin(c);
}

void mst_creds_reload(struct push_creds *c)
{
	if (__atomic_exchange_n(&c->is_mailed, true, __ATOMIC_SEQ_CST))
		return;
	c->mail.on_mail = on_mail;
	mst_loop_post(c->push->loop, &c->mail);
}

bool mst_creds_is_loaded(const struct push_creds *c)
{
	return c->is_loaded;
}

bool mst_creds_is_idle(const struct push_creds *c)
{
	return !c->is_reading;
}

int mst_creds_new(struct push_creds **out, struct mst_push *push, struct mst_err *e)
{
	struct push_creds *c = calloc(1, sizeof *c);

	*out = c;
	if (!c)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	c->push = push;
	c->timer.on_due = on_due;
	mst_arena_init(&c->arena, &push->chunks, 0);
	c->certs = calloc(CREDS_MAX, sizeof *c->certs);
	c->told = mst_map_new(32, sizeof(uint64_t), CREDS_MAX, true);
	if (!c->certs || !c->told)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	mst_timer_set(push->loop, &c->timer, 0);
	return 0;
}

void mst_creds_free(struct push_creds **at)
{
	struct push_creds *c = *at;

	if (!c)
		return;
	mst_timer_end(c->push->loop, &c->timer);
	forget(c);
	mst_map_free(&c->told);
	free(c->certs);
	free(c);
	*at = NULL;
}
