/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The campaigns' service, on the push engine's loop. Each campaign goes through its devices in slices, never further ahead of
 * the clock than a second's worth of pushes; its record follows behind.
 */
#include "muster/campaign.h"

#include <stdlib.h>

#include "campaign_live.h"
#include "muster/clock.h"
#include "muster/log.h"

#define TICK_MS      1000
#define NS_S         1000000000u
#define NS_MS        1000000u
#define AHEAD_MAX_NS NS_S             /* pushes lie in the outbox for so long at most: a pause is felt within it */
#define AHEAD_MIN_NS (NS_S / 4 * 3)   /* below it a slice is worth its commit */
#define REST_MS      1000             /* after the store could not */
#define REST_MAX_MS  30000
#define AUTO_BEGIN   50               /* the engine's own rate: where it begins, ... */
#define AUTO_STEP    10               /* ... per cent it grows in a second, ... */
#define AUTO_OVER    15               /* ... and how far above the goal it is halved */
#define AUTO_USED    80               /* per cent that must have been used for it to grow: else it is not what limits us */
#define WITHDRAW_MOST 64              /* commands taken back in a slice: in the background */

struct campaign *mst_campaign_find(struct mst_campaigns *all, uint64_t number)
{
	MST_LIST_EACH(link, keep, &all->open) {
		struct campaign *c = MST_HOME(link, struct campaign, link);
		if (c->record.number == number)
			return c;
	}
	return NULL;
}

void mst_campaign_pace(struct campaign *c)
{
	const struct mst_campaigns *all = c->all;

	if (c->record.rate)
		c->pace = c->record.rate;
	else if (c->pace == 0 || c->pace > all->conf.rate_max)
		c->pace = AUTO_BEGIN < all->conf.rate_max ? AUTO_BEGIN : all->conf.rate_max;
}

int64_t mst_campaign_due(struct campaign *c)
{
	uint64_t now = mst_clock_ns(), at = c->next_ns > now ? c->next_ns : now;

	c->next_ns = at + NS_S / c->pace;
	c->num_tick++;
	return mst_clock_wall_ms() + (int64_t)((at - now) / NS_MS);
}

static void wake(struct campaign *c, uint64_t in_ms)
{
	mst_timer_set(c->all->loop, &c->timer, in_ms);
}

/* The next slice, when there is room in the second ahead of us. */
static void queue_some(struct campaign *c)
{
	uint64_t now = mst_clock_ns(), step = NS_S / c->pace, ahead = c->next_ns > now ? c->next_ns - now : 0;
	uint64_t most = (AHEAD_MAX_NS - (ahead < AHEAD_MAX_NS ? ahead : AHEAD_MAX_NS)) / step;
	int64_t wait_ms = c->record.starts_ms - mst_clock_wall_ms();

	if (wait_ms > 0) {
		wake(c, wait_ms < TICK_MS ? (uint64_t)wait_ms : TICK_MS);
		return;
	}
	if (ahead > 0 && (ahead > AHEAD_MIN_NS || most == 0)) {
		uint64_t until = ahead > AHEAD_MIN_NS ? ahead - AHEAD_MIN_NS : ahead;
		wake(c, until / NS_MS + 1);
		return;
	}
	if (most > mst_campaign_slice_most(c))
		most = mst_campaign_slice_most(c);
	mst_campaign_slice_begin(c, CAMPAIGN_QUEUE, most ? (uint32_t)most : 1);
}

void mst_campaign_go(struct campaign *c)
{
	if (c->is_entering || c->all->is_draining || c->slice.state != SLICE_IDLE || c->err.code != MST_E_NONE)
		return;
	if (c->record.state == MST_CAMPAIGN_RUNNING)
		queue_some(c);
	else if (c->record.is_withdrawing)
		mst_campaign_slice_begin(c, CAMPAIGN_WITHDRAW, WITHDRAW_MOST);
}

static void on_again(struct mst_mail *mail)
{
	struct campaign *c = MST_HOME(mail, struct campaign, again);

	c->is_again = false;
	mst_campaign_go(c);
	mst_campaign_after(c);
}

void mst_campaign_again(struct campaign *c)
{
	if (c->is_again)
		return;
	c->is_again = true;
	c->again.on_mail = on_again;
	mst_loop_post(c->all->loop, &c->again);
}

/* Also the end of a rest. */
static void on_due(struct mst_timer *timer)
{
	struct campaign *c = MST_HOME(timer, struct campaign, timer);

	c->err.code = MST_E_NONE;
	mst_campaign_go(c);
}

void mst_campaign_rest(struct campaign *c, const struct mst_err *why)
{
	c->err = *why;
	c->rest_ms = c->rest_ms ? c->rest_ms * 2 : REST_MS;
	if (c->rest_ms > REST_MAX_MS)
		c->rest_ms = REST_MAX_MS;
	mst_log(WARN, "campaign rests", mst_f_u64("campaign", c->record.number), mst_f_u64("ms", c->rest_ms), mst_f_err(why));
	wake(c, c->rest_ms);
}

/* The record. */

static void on_written(struct mst_batch *b)
{
	struct campaign *c = MST_HOME(b, struct campaign, batch);

	c->is_writing = false;
	mst_arena_done(&c->batch_arena);
	mst_campaign_settle(&c->writing, b->rc < 0 ? &b->err : NULL);
	if (b->rc < 0) {
		c->is_dirty = true; /* the tick tries again */
		mst_log_peer(WARN, "campaign's record not written", mst_f_u64("campaign", c->record.number), mst_f_err(&b->err));
	} else if (c->waiting || (c->is_dirty && mst_campaign_is_over(&c->record))) {
		mst_campaign_write(c);
	}
	mst_campaign_after(c);
}

void mst_campaign_write(struct campaign *c)
{
	c->is_dirty = true;
	if (c->is_writing || c->is_entering)
		return;
	mst_arena_init(&c->batch_arena, NULL, 0);
	mst_batch_init(&c->batch, &c->batch_arena, c->all->loop, on_written);
	mst_campaign_record_put(&c->batch, &c->record);
	if (mst_campaign_is_over(&c->record)) /* it may hold secrets, and nobody needs it any more */
		mst_campaign_plist_drop(&c->batch, c->record.number);
	c->is_dirty = false;
	c->is_writing = true;
	c->writing = c->waiting;
	c->waiting = NULL;
	if (mst_store_commit(c->all->store, &c->batch, &c->batch.err) == 0)
		return;
	c->batch.rc = -1;
	on_written(&c->batch);
}

/* The life of one. */

struct campaign *mst_campaign_add(struct mst_campaigns *all, const struct campaign_record *record, struct mst_slice plist)
{
	struct campaign *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->all = all;
	c->timer.on_due = on_due;
	mst_arena_init(&c->arena, NULL, 0);
	if (mst_campaign_record_copy(&c->record, &c->arena, record, NULL) < 0 || !mst_arena_copy(&c->arena, &c->plist, plist)) {
		mst_arena_done(&c->arena);
		free(c);
		return NULL;
	}
	mst_campaign_pace(c);
	mst_list_add(&all->open, &c->link);
	if (all->num_open++ == 0)
		mst_timer_set(all->loop, &all->tick, TICK_MS);
	return c;
}

void mst_campaign_end(struct campaign *c)
{
	struct mst_campaigns *all = c->all;

	mst_list_drop(&c->link);
	mst_timer_end(all->loop, &c->timer);
	mst_arena_done(&c->slice.arena);
	mst_arena_done(&c->slice.read.cold); /* a read that never came home: the loop has ended */
	mst_arena_done(&c->batch_arena);
	mst_arena_done(&c->arena);
	free(c);
	if (--all->num_open == 0)
		mst_timer_end(all->loop, &all->tick);
}

void mst_campaign_after(struct campaign *c)
{
	if (!mst_campaign_is_over(&c->record) || c->is_entering || c->slice.state != SLICE_IDLE || c->is_dirty || c->is_writing ||
	    c->waiting || c->is_again)
		return;
	mst_log(INFO, "campaign over", mst_f_u64("campaign", c->record.number),
		mst_f_str("state", mst_campaign_state_word(c->record.state)), mst_f_u64("targets", c->record.num_targets),
		mst_f_u64("queued", c->record.num_queued), mst_f_u64("withdrawn", c->record.num_withdrawn));
	mst_campaign_end(c);
}

/* Grows slowly while there is room, falls fast: as congestion is avoided elsewhere (RFC 5681 3.1). */
static void adapt(struct campaign *c, uint32_t busy)
{
	const struct mst_campaigns_conf *conf = &c->all->conf;
	uint64_t pace = c->pace;

	if (busy < conf->busy_goal && (uint64_t)c->rate * 100 >= pace * AUTO_USED)
		pace += pace * AUTO_STEP / 100 + 1;
	else if (busy > conf->busy_goal + AUTO_OVER)
		pace /= 2;
	if (pace > conf->rate_max)
		pace = conf->rate_max;
	c->pace = pace ? (uint32_t)pace : 1;
}

static void on_tick(struct mst_timer *timer)
{
	struct mst_campaigns *all = MST_HOME(timer, struct mst_campaigns, tick);
	uint32_t busy = all->busy ? all->busy(all->context) : 0;

	mst_timer_set(all->loop, timer, TICK_MS);
	MST_LIST_EACH(link, keep, &all->open) {
		struct campaign *c = MST_HOME(link, struct campaign, link);
		c->rate = c->num_tick;
		c->num_tick = 0;
		if (c->record.rate == 0 && c->record.state == MST_CAMPAIGN_RUNNING)
			adapt(c, busy);
		if (c->is_dirty)
			mst_campaign_write(c);
	}
}

/* The service. */

int mst_campaigns_new(struct mst_campaigns **out, struct mst_loop *loop, struct mst_store *store, struct mst_work *work,
		      struct mst_kick *kick, const struct mst_campaigns_conf *conf, void *context,
		      uint32_t (*busy)(void *context), struct mst_err *e)
{
	struct mst_campaigns *all = calloc(1, sizeof(*all));

	if (!all)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	all->loop = loop;
	all->store = store;
	all->work = work;
	all->kick = kick;
	all->conf = *conf;
	all->context = context;
	all->busy = busy;
	all->tick.on_due = on_tick;
	mst_list_init(&all->open);
	if (mst_campaign_load_new(all, e) < 0 || mst_campaign_tally_new(all, e) < 0) {
		mst_campaigns_free(&all);
		return -1;
	}
	*out = all;
	return 0;
}

void mst_campaigns_free(struct mst_campaigns **at)
{
	struct mst_campaigns *all = *at;

	if (!all)
		return;
	MST_LIST_EACH(link, keep, &all->open)
		mst_campaign_end(MST_HOME(link, struct campaign, link));
	mst_campaign_load_free(all);
	mst_campaign_tally_free(all);
	mst_chunks_done(&all->chunks);
	free(all);
	*at = NULL;
}

void mst_campaigns_tune(struct mst_campaigns *all, const struct mst_campaigns_conf *conf)
{
	all->conf.open_max = conf->open_max;
	all->conf.busy_goal = conf->busy_goal;
	__atomic_store_n(&all->conf.rate_max, conf->rate_max, __ATOMIC_RELAXED); /* exchanges of other loops read it */
}

uint32_t mst_campaign_rate_max(const struct mst_campaigns *all)
{
	return __atomic_load_n(&all->conf.rate_max, __ATOMIC_RELAXED);
}

void mst_campaigns_drain(struct mst_campaigns *all)
{
	all->is_draining = true;
	MST_LIST_EACH(link, keep, &all->open) {
		struct campaign *c = MST_HOME(link, struct campaign, link);
		if (c->is_dirty)
			mst_campaign_write(c);
	}
}

bool mst_campaigns_is_idle(const struct mst_campaigns *all)
{
	if (all->num_jobs > 0)
		return false;
	for (const struct mst_link *link = all->open.next; link != &all->open; link = link->next) {
		const struct campaign *c = MST_HOME(link, struct campaign, link);
		if (c->slice.state != SLICE_IDLE || c->is_writing || c->is_entering || (c->is_dirty && c->batch.rc == 0))
			return false;
	}
	return true;
}
