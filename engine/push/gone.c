/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a token that is no good any more from its channel, in one batch with the end of its push and a line in the device's
 * history. The channel is read first: a token that came meanwhile stays. Rare, so a few at a time; the others wait.
 */
#include "hand.h"

#include <stdlib.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/device.h"
#include "muster/log.h"

#define TAKES_MOST 64
#define AGAIN_MS   1000 /* when the store cannot be read or written */

struct take {
	struct mst_read r;
	struct mst_batch b;
	struct mst_arena arena;
	struct mst_timer timer;
	struct push_item *item;
	struct mst_channel channel;
	enum gone_why why;
	uint32_t slot;
	bool is_there;
};

struct push_gone {
	struct mst_push *push;
	struct mst_slab *takes;
	struct mst_link waiting[GONE_REFUSED + 1]; /* items */
};

static const struct {
	enum mst_event event;
	const char *text;
} rows[] = {
	[GONE_UNREGISTERED] = {MST_EVENT_TOKEN_GONE, "a push token is no longer good"},
	[GONE_REFUSED] = {MST_EVENT_TOKEN_REFUSED, "a push token is not of its topic or environment"},
};

static void begin(struct take *t);

static int plan(struct mst_read *r)
{
	struct take *t = MST_HOME(r, struct take, r);
	int rc = mst_channel_get(r, &t->channel, &t->item->due.id, t->item->push->seal);

	t->is_there = rc == 1;
	return rc == 1 ? 0 : rc;
}

static void next(struct push_gone *g)
{
	for (int why = 0; why <= GONE_REFUSED; why++) {
		struct mst_link *link = mst_list_first(&g->waiting[why]);
		if (!link)
			continue;
		mst_list_drop(link);
		mst_gone_take(MST_HOME(link, struct push_item, link), (enum gone_why)why);
		return;
	}
}

static void end(struct take *t, enum collect_end how)
{
	struct push_item *item = t->item;
	struct push_gone *g = item->push->gone;

	mst_arena_done(&t->arena);
	mst_slab_put(g->takes, t->slot);
	mst_collect_release(item, how);
	next(g);
}

static void on_due(struct mst_timer *timer)
{
	begin(MST_HOME(timer, struct take, timer));
}

static void wait_for_store(struct take *t, const struct mst_err *err)
{
	mst_log_peer(WARN, "a push token cannot be taken away yet", mst_f_err(err));
	mst_arena_done(&t->arena);
	t->timer.on_due = on_due;
	mst_timer_set(t->item->push->loop, &t->timer, AGAIN_MS);
}

static void on_committed(struct mst_batch *b)
{
	struct take *t = MST_HOME(b, struct take, b);

	if (b->rc < 0 && b->err.code != MST_E_CONFLICT) {
		wait_for_store(t, &b->err);
		return;
	}
	t->item->is_written = b->rc == 0;
	if (b->rc == 0) {
		t->item->push->counts.num_gone++;
		mst_count(MST_C_PUSH_GONE, 1);
		mst_log_peer(INFO, rows[t->why].text, mst_f_hex("id", mst_id_key(&t->item->due.id)),
			     mst_f_slice("topic", t->channel.topic));
	}
	end(t, b->rc == 0 ? COLLECT_SETTLED : COLLECT_AGAIN);
}

/* What the device said since the push was read is newer than the service's word about its earlier token. */
static bool is_same_token(const struct take *t)
{
	return t->is_there && t->channel.is_enabled && t->channel.updated_ms == t->item->token_ms;
}

static void write_end(struct take *t)
{
	const struct push_item *item = t->item;
	const struct mst_history history = {
		.at_ms = mst_clock_wall_ms(),
		.event = rows[t->why].event,
		.who = MST_S("push service"),
		.detail = mst_slice_str(item->answer.reason),
	};
	struct mst_err err;

	t->channel.is_enabled = false;
	mst_batch_init(&t->b, &t->arena, item->push->loop, on_committed);
	if (mst_channel_put(&t->b, &t->channel, item->push->seal, &err) < 0) {
		wait_for_store(t, &err);
		return;
	}
	mst_history_add(&t->b, &item->due.id, &history);
	mst_outbox_end(&t->b, &item->due);
	if (mst_store_commit(item->push->store, &t->b, &err) < 0)
		wait_for_store(t, &err);
}

static void on_read(struct mst_read *r)
{
	struct take *t = MST_HOME(r, struct take, r);

	if (r->rc < 0)
		wait_for_store(t, &r->err);
	else if (is_same_token(t))
		write_end(t);
	else
		end(t, COLLECT_AGAIN);
}

static void begin(struct take *t)
{
	struct mst_push *push = t->item->push;
	struct mst_err err;

	t->r = (struct mst_read){.arena = &t->arena, .plan = plan, .on_read = on_read};
	int rc = mst_store_read(push->store, &t->r, push->loop, &err);
	if (rc == 1)
		on_read(&t->r);
	else if (rc < 0)
		wait_for_store(t, &err);
}

void mst_gone_take(struct push_item *item, enum gone_why why)
{
	struct push_gone *g = item->push->gone;
	uint32_t slot;
	struct take *t = mst_slab_get(g->takes, &slot);

	if (!t) {
		mst_list_add(&g->waiting[why], &item->link);
		return;
	}
	t->slot = slot;
	t->item = item;
	t->why = why;
	mst_arena_init(&t->arena, &item->push->chunks, 0);
	begin(t);
}

int mst_gone_new(struct push_gone **out, struct mst_push *push, struct mst_err *e)
{
	struct push_gone *g = calloc(1, sizeof *g);

	*out = g;
	if (!g)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	g->push = push;
	for (size_t i = 0; i < MST_LEN(g->waiting); i++)
		mst_list_init(&g->waiting[i]);
	g->takes = mst_slab_new(sizeof(struct take), TAKES_MOST);
	return g->takes ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static void drop_take(void *context, void *at, uint32_t slot)
{
	struct take *t = at;
	struct push_gone *g = context;

	mst_timer_end(g->push->loop, &t->timer);
	mst_arena_done(&t->arena);
}

void mst_gone_free(struct push_gone **at)
{
	struct push_gone *g = *at;

	if (!g)
		return;
	if (g->takes)
		mst_slab_each(g->takes, g, drop_take);
	mst_slab_free(&g->takes);
	free(g);
	*at = NULL;
}
