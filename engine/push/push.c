/* SPDX-License-Identifier: Apache-2.0 */
/* The push service of the process: puts its parts together, ends them, tells how it is. */
#include "collect.h"

#include <stdlib.h>

#define WINDOW_LEAST 1
#define LINKS_LOOK   64 /* topics whose links are waited for at a drain */

void mst_push_free(struct mst_push **at)
{
	struct mst_push *push = *at;

	if (!push)
		return;
	push->is_ending = true;
	mst_topics_free(&push->topics);
	mst_creds_free(&push->creds);
	mst_gone_free(&push->gone);
	mst_settle_free(&push->settle);
	mst_collect_free(&push->collect);
	mst_hold_free(&push->hold);
	mst_slab_free(&push->items);
	mst_chunks_done(&push->chunks);
	free(push);
	*at = NULL;
}

static int make(struct mst_push *push, struct mst_err *e)
{
	push->items = mst_slab_new(sizeof(struct push_item), push->conf.window);
	if (!push->items)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_hold_new(&push->hold, e) < 0 || mst_settle_new(&push->settle, push, e) < 0 || mst_gone_new(&push->gone, push, e) < 0 ||
	    mst_collect_new(&push->collect, push, e) < 0 || mst_topics_new(&push->topics, push, e) < 0)
		return -1;
	return mst_creds_new(&push->creds, push, e);
}

static void take_conf(struct mst_push *push, const struct mst_push_conf *conf)
{
	push->conf = *conf;
	if (push->conf.window < WINDOW_LEAST)
		push->conf.window = WINDOW_LEAST;
}

int mst_push_new(struct mst_push **out, struct mst_loop *loop, struct mst_net *net, struct mst_store *store, struct mst_work *work,
		 const struct mst_seal *seal, const struct mst_push_conf *conf, struct mst_err *e)
{
	struct mst_push *push = calloc(1, sizeof *push);

	*out = NULL;
	if (!push)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	push->loop = loop;
	push->net = net;
	push->store = store;
	push->work = work;
	push->seal = seal;
	take_conf(push, conf);
	if (make(push, e) < 0) {
		mst_push_free(&push);
		return -1;
	}
	*out = push;
	return 0;
}

void mst_push_tune(struct mst_push *push, const struct mst_push_conf *conf)
{
	take_conf(push, conf);
	mst_topics_tune(push->topics);
	mst_collect_look(push->collect, INT64_MAX);
}

void mst_push_drain(struct mst_push *push)
{
	push->is_draining = true;
	mst_topics_drain(push->topics);
	mst_collect_look(push->collect, INT64_MAX);
}

static bool has_links(const struct mst_push *push)
{
	struct push_topic_facts facts[LINKS_LOOK];
	size_t num = mst_topics_tell(push->topics, facts, LINKS_LOOK);

	for (size_t i = 0; i < num; i++)
		if (facts[i].num_links)
			return true;
	return false;
}

bool mst_push_is_idle(const struct mst_push *push)
{
	return push->num_items == 0 && mst_collect_is_idle(push->collect) && mst_creds_is_idle(push->creds) && !has_links(push);
}

void mst_push_reload(struct mst_push *push)
{
	mst_creds_reload(push->creds);
}

/* A topic that rests or is stopped: looked at again soon, its answer then says when. */
void mst_push_given_back(struct mst_push *push, struct push_item *item)
{
	if (push->is_ending)
		return;
	if (item->note) { /* an application waits for it: it is not kept */
		item->answer.end = PUSH_UNSENT;
		item->on_answer(item);
		return;
	}
	mst_take_left(push->collect, item->due.due_ms, mst_loop_now_ms(push->loop) + 100);
	mst_collect_release(item, COLLECT_LEFT);
}

void mst_push_tell(const struct mst_push *push, struct mst_push_counts *out)
{
	*out = push->counts;
	out->num_in_hand = push->num_items;
	out->num_unwritten = mst_settle_unwritten(push->settle);
	out->next_ms = mst_collect_next_ms(push->collect);
	out->is_loaded = mst_creds_is_loaded(push->creds);
}

static void on_kick(void *context, int64_t due_ms)
{
	const struct mst_push *push = context;

	mst_collect_look(push->collect, due_ms);
}

void mst_push_kick_init(struct mst_kick *kick, struct mst_push *push, struct mst_loop *home)
{
	*kick = (struct mst_kick){.home = home, .push_loop = push->loop, .context = push, .on_kick = on_kick};
}
