/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects what is due, in order of time, as far as the window has room.
 *
 *        places, by time  . . . . . . x x x x | . . . . . . .        | . . .
 *                         stale, settled      cursor           now   not yet due
 *
 * The cursor goes forward only. A place that became visible behind it brings it back (a kick): what it meets again is in
 * hand, which costs a look into a map, or dropped, which costs RocksDB a step; going back is paced so that it never takes more
 * than a fifth of the time. What is left in the store because its topic cannot send brings it back when the topic can, or wants
 * to be asked; other topics' pushes ahead are reached first, and what waits for a new credential brings nothing back.
 */
#include "collect.h"

#include <stdlib.h>

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"

#define NONE INT64_MAX
#define REST_MAX_MS  60000   /* the wall clock may step: look at it now and then */
#define SWEEP_MS     900000  /* from the start again, when nothing is due: whatever was missed is found */
#define BACK_LEAST_NS 10000000 /* between two ways back, when much is going on */
#define BACK_SHARE   4       /* of the time between two ways back, what walking may take */
#define PROBES_MOST  8       /* read while no topic is open */
#define MISSING_MAX  1024    /* topics without a credential that are remembered as told */
#define BUCKET_MS    100     /* of pushes that may leave at once under a rate */

static void step(struct push_collect *c);
static void on_again(struct mst_mail *mail);

/* Soon, and once, however many reasons there are. */
static void want(struct push_collect *c)
{
	if (c->is_mailed || c->state == COLLECT_OFF)
		return;
	c->is_mailed = true;
	c->mail.on_mail = on_again;
	mst_loop_post(c->push->loop, &c->mail);
}

static void on_again(struct mst_mail *mail)
{
	struct push_collect *c = MST_HOME(mail, struct push_collect, mail);

	c->is_mailed = false;
	step(c);
}

static void on_due(struct mst_timer *timer)
{
	step(MST_HOME(timer, struct push_collect, timer));
}

void mst_collect_look(struct push_collect *c, int64_t due_ms)
{
	if (due_ms < c->back_ms)
		c->back_ms = due_ms;
	want(c);
}

static void go_back(struct push_collect *c, int64_t due_ms)
{
	uint64_t key = __builtin_bswap64(due_ms > 0 ? (uint64_t)due_ms : 0);

	if (c->cursor_len == 0 || memcmp(&key, c->cursor, sizeof key) > 0) {
		c->next_ms = due_ms < c->next_ms ? due_ms : c->next_ms;
		return;
	}
	memset(c->cursor, 0, sizeof c->cursor);
	memcpy(c->cursor, &key, sizeof key);
	c->cursor_len = sizeof key;
	c->is_end = false;
	c->went_back_ns = mst_clock_ns();
	c->spent_ns = 0;
}

/* Whatever became visible behind the cursor: now, or when going back is affordable. */
static void look_back(struct push_collect *c)
{
	uint64_t pause_ns = c->spent_ns * BACK_SHARE;
	uint64_t may_ns = c->went_back_ns + (pause_ns > BACK_LEAST_NS ? pause_ns : BACK_LEAST_NS), now_ns;

	c->back_at = 0;
	if (c->back_ms == NONE)
		return;
	now_ns = mst_clock_ns();
	if (now_ns < may_ns) {
		c->back_at = mst_loop_now_ms(c->push->loop) + (may_ns - now_ns) / 1000000 + 1;
		return;
	}
	go_back(c, c->back_ms);
	c->back_ms = NONE;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Where the cursor was when it turned, it goes on for a while: what is behind again and again keeps nobody else waiting. */
static void catch_up(struct push_collect *c)
{
	uint64_t now = mst_loop_now_ms(c->push->loop);

	if (!c->is_behind || (!c->is_end && memcmp(c->cursor, c->turned, sizeof c->turned) < 0))
		return;
	c->is_behind = false;
	c->stay_until = now + sooner(BACK_SHARE * (now - c->turned_ms), REST_MAX_MS);
}

/* When the cursor may go back to what was left for a while; UINT64_MAX: no reason, or not yet. */
static uint64_t turn_at(const struct push_collect *c)
{
	if (c->timed_ms == NONE || (c->is_behind && !c->is_paused))
		return UINT64_MAX;
	return c->is_paused || c->timed_until > c->stay_until ? c->timed_until : c->stay_until;
}

static void turn(struct push_collect *c, uint64_t now)
{
	if (c->is_paused || !c->is_behind)
		c->turned_ms = now;
	if (!c->is_behind)
		memcpy(c->turned, c->cursor, sizeof c->turned);
	c->is_behind = true;
	c->is_paused = false;
	c->back_ms = c->timed_ms < c->back_ms ? c->timed_ms : c->back_ms;
	c->went_back_ns = 0;
	c->timed_ms = NONE;
	c->timed_until = 0;
}

/* False: no topic can send. What was left is looked at again when there may be one that can. */
static bool may_collect(struct push_collect *c, uint64_t now)
{
	bool is_open = c->is_paused && mst_take_hope(c) == HOPE_NOW;

	if (c->timed_ms != NONE && (is_open || now >= turn_at(c)))
		turn(c, now);
	c->is_paused = c->is_paused && !is_open;
	return !c->is_paused;
}

/* How many may be taken in hand now by the configured rate. */
static uint32_t rate_room(struct push_collect *c, uint64_t now, uint32_t room)
{
	uint64_t rate = c->push->conf.rate, most = rate * BUCKET_MS + 1000;

	if (rate == 0)
		return room;
	c->tokens += (now - c->tokens_ms) * rate;
	c->tokens = c->tokens < most ? c->tokens : most;
	c->tokens_ms = now;
	return c->tokens / 1000 < room ? (uint32_t)(c->tokens / 1000) : room;
}

static uint32_t room_of(struct push_collect *c, uint64_t now)
{
	uint32_t window = c->push->conf.window < c->window ? c->push->conf.window : c->window;
	uint32_t in_hand = c->push->num_items, least = window / 2 < DUE_MOST ? window / 2 : DUE_MOST;
	uint32_t room = in_hand < window ? window - in_hand : 0;

	/* A plan for a handful would cost more than it brings: more room comes. */
	if (in_hand && room < least)
		return 0;
	room = room < DUE_MOST ? room : DUE_MOST;
	if (mst_take_hope(c) != HOPE_NOW && room > PROBES_MOST)
		room = PROBES_MOST;
	return rate_room(c, now, room);
}

/* Nothing to do now: when is there? */
static void rest(struct push_collect *c, uint64_t now, int64_t now_ms)
{
	uint64_t in_ms = REST_MAX_MS, turn_ms = turn_at(c);

	if (c->is_end && c->next_ms != NONE && !c->is_paused)
		in_ms = sooner(in_ms, c->next_ms > now_ms ? (uint64_t)(c->next_ms - now_ms) : 1);
	in_ms = sooner(in_ms, turn_ms > now ? turn_ms - now : 1);
	if (c->back_at && !c->is_paused)
		in_ms = sooner(in_ms, c->back_at > now ? c->back_at - now : 1);
	if (c->push->conf.rate && c->tokens < 1000 && !c->is_end)
		in_ms = sooner(in_ms, 1000 / c->push->conf.rate + 1);
	mst_timer_set(c->push->loop, &c->timer, in_ms);
}

static void read_rows(struct push_collect *c);

static void on_dropped(struct mst_batch *b)
{
	struct push_collect *c = MST_HOME(b, struct push_collect, drops);

	/* Places that could not be dropped are found by the next sweep. */
	mst_arena_done(&c->drop_arena);
	c->state = COLLECT_IDLE;
	want(c);
}

/* What rests must have been asked before: somebody knows then when to ask again. */
static void pause(struct push_collect *c)
{
	if (c->timed_ms != NONE)
		c->is_paused = mst_take_hope(c) != HOPE_NOW;
	else if (c->left_ms != NONE)
		c->is_paused = mst_take_hope(c) == HOPE_NONE;
}

static void end_read(struct push_collect *c)
{
	struct mst_err err;

	mst_take_rows(c);
	mst_arena_done(&c->read_arena);
	pause(c);
	c->state = COLLECT_IDLE;
	if (c->num_stale) {
		c->drops.is_lazy = true;
		if (mst_store_commit(c->push->store, &c->drops, &err) == 0) {
			c->state = COLLECT_DROP;
			return;
		}
		mst_arena_done(&c->drop_arena);
	}
	want(c);
}

static void on_read(struct mst_read *r)
{
	end_read(MST_HOME(r, struct push_collect, read.r));
}

/* The workers' queue is full, or the store cannot be read: a little later. */
static void fail(struct push_collect *c, const struct mst_err *err)
{
	mst_log_peer(WARN, "what is due cannot be read", mst_f_err(err));
	mst_arena_done(&c->read_arena);
	mst_arena_done(&c->walk_arena);
	c->state = COLLECT_IDLE;
	mst_timer_set(c->push->loop, &c->timer, 1000);
}

static void read_rows(struct push_collect *c)
{
	struct mst_err err;

	c->state = COLLECT_READ;
	c->read.r = (struct mst_read){.arena = &c->read_arena, .plan = mst_due_read_plan, .on_read = on_read};
	c->read.seal = c->push->seal;
	c->read.now_ms = mst_clock_wall_ms();
	int rc = mst_store_read(c->push->store, &c->read.r, c->push->loop, &err);
	if (rc == 1) {
		end_read(c);
		return;
	}
	if (rc == 0)
		return;
	/* Nothing is lost: those read again stay in their list, the others are behind the cursor. */
	for (uint32_t i = 0; i < c->read.num; i++) {
		struct due_row *row = &c->read.rows[i];
		struct push_item *item;
		if (!row->is_again) {
			c->back_ms = row->place.due_ms < c->back_ms ? row->place.due_ms : c->back_ms;
			continue;
		}
		item = mst_slab_at(c->push->items, row->slot, mst_slab_gen(c->push->items, row->slot));
		mst_list_add(&c->again, &item->link);
		c->num_again++;
	}
	fail(c, &err);
}

static void read_again(struct push_collect *c)
{
	c->read.num = 0;
	MST_LIST_EACH(link, keep, &c->again) {
		struct push_item *item = MST_HOME(link, struct push_item, link);
		if (c->read.num == DUE_MOST)
			break;
		mst_list_drop(link);
		c->num_again--;
		c->read.rows[c->read.num++] = (struct due_row){.place.id = item->due.id, .slot = item->slot, .is_again = true};
	}
	read_rows(c);
}

/* Those in hand need no reading, but a newer cause's place must be known for what it is. */
static void add_row(struct push_collect *c, const struct mst_outbox_place *place)
{
	const uint32_t *slot = mst_map_get0(c->in_hand, &place->id);
	const struct push_item *item;

	if (slot) {
		item = mst_slab_at(c->push->items, *slot, mst_slab_gen(c->push->items, *slot));
		if (item->due.sequence == place->sequence || (item->is_overtaken && item->passed.sequence == place->sequence))
			return;
	}
	struct due_row *row = &c->read.rows[c->read.num++];
	row->place = *place;
	row->is_again = false;
	row->is_in_hand = slot != NULL;
	row->due.raw = mst_slice(NULL, 0);
}

static void end_walk(struct push_collect *c)
{
	const struct due_walk *walk = &c->walk;

	mst_arena_done(&c->walk_arena);
	if (c->walk.r.rc < 0) {
		fail(c, &walk->r.err);
		return;
	}
	if (walk->num) {
		memcpy(c->cursor, walk->places[walk->num - 1].key, MST_OUTBOX_KEY_LEN);
		c->cursor[MST_OUTBOX_KEY_LEN] = 0; /* the least key behind it */
		c->cursor_len = DUE_FROM_LEN;
	}
	c->is_end = walk->is_end;
	c->next_ms = walk->next_ms ? walk->next_ms : NONE;
	catch_up(c);
	c->read.num = 0;
	for (uint32_t i = 0; i < walk->num; i++)
		add_row(c, &walk->places[i]);
	if (c->read.num) {
		read_rows(c);
		return;
	}
	c->state = COLLECT_IDLE;
	want(c);
}

static void on_walked(struct mst_read *r)
{
	end_walk(MST_HOME(r, struct push_collect, walk.r));
}

static void walk(struct push_collect *c, uint32_t most, int64_t now_ms)
{
	uint64_t began_ns = mst_clock_ns();
	struct mst_err err;

	if (c->cursor_len == 0)
		c->swept_ms = mst_loop_now_ms(c->push->loop);
	c->state = COLLECT_WALK;
	memcpy(c->walk.from, c->cursor, c->cursor_len);
	c->walk.from_len = c->cursor_len;
	c->walk.until_ms = now_ms;
	c->walk.most = most;
	c->walk.r = (struct mst_read){.arena = &c->walk_arena, .plan = mst_due_walk_plan, .on_read = on_walked};
	int rc = mst_store_read(c->push->store, &c->walk.r, c->push->loop, &err);
	c->spent_ns += mst_clock_ns() - began_ns;
	if (rc == 1)
		end_walk(c);
	else if (rc < 0)
		fail(c, &err);
}

/* The engine ends: the store has them. */
static void leave_again(struct push_collect *c)
{
	MST_LIST_EACH(link, keep, &c->again) {
		mst_list_drop(link);
		c->num_again--;
		mst_collect_release(MST_HOME(link, struct push_item, link), COLLECT_LEFT);
	}
}

static void step(struct push_collect *c)
{
	uint64_t now = mst_loop_now_ms(c->push->loop);
	int64_t now_ms = mst_clock_wall_ms();
	uint32_t room;

	if (c->push->is_draining)
		leave_again(c);
	if (c->state != COLLECT_IDLE || c->push->is_draining)
		return;
	if (c->num_again) {
		read_again(c);
		return;
	}
	if (may_collect(c, now)) {
		look_back(c);
		if (c->is_end && now - c->swept_ms >= SWEEP_MS) {
			c->cursor_len = 0;
			c->is_end = false;
		}
		if (c->is_end && c->next_ms <= now_ms)
			c->is_end = false;
		room = c->is_end ? 0 : room_of(c, now);
		if (room) {
			walk(c, room, now_ms);
			return;
		}
	}
	rest(c, now, now_ms);
}

void mst_collect_release(struct push_item *item, enum collect_end end)
{
	struct push_collect *c = item->push->collect;
	struct mst_push *push = c->push;

	if ((item->is_overtaken || end == COLLECT_AGAIN) && !push->is_draining) {
		push->counts.num_overtaken += item->is_overtaken;
		item->num_again = end == COLLECT_AGAIN ? item->num_again : 0;
		mst_list_add(&c->again, &item->link);
		c->num_again++;
		want(c);
		return;
	}
	if (end == COLLECT_LEFT && !push->is_draining)
		mst_take_left(c, item->due.due_ms, 0);
	mst_map_drop(c->in_hand, &item->due.id);
	mst_slab_put(push->items, item->slot);
	push->num_items--;
	mst_count(MST_C_PUSH_IN_HAND, -1);
	want(c);
}

void mst_collect_start(struct push_collect *c)
{
	if (c->state == COLLECT_OFF)
		c->state = COLLECT_IDLE;
	c->is_paused = c->is_behind = false;
	c->timed_until = c->stay_until = 0;
	c->left_ms = c->timed_ms = NONE;
	c->went_back_ns = 0;
	mst_map_clear(c->missing);
	mst_collect_look(c, 0);
}

bool mst_collect_is_idle(const struct push_collect *c)
{
	return c->state == COLLECT_IDLE || c->state == COLLECT_OFF;
}

int64_t mst_collect_next_ms(const struct push_collect *c)
{
	int64_t next_ms = c->is_end ? c->next_ms : 0;

	next_ms = c->left_ms < next_ms ? c->left_ms : next_ms;
	next_ms = c->timed_ms < next_ms ? c->timed_ms : next_ms;
	return next_ms == NONE ? 0 : next_ms;
}

int mst_collect_new(struct push_collect **out, struct mst_push *push, struct mst_err *e)
{
	struct push_collect *c = calloc(1, sizeof *c);

	*out = c;
	if (!c)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	c->push = push;
	c->window = push->conf.window;
	c->timer.on_due = on_due;
	c->next_ms = c->back_ms = c->left_ms = c->timed_ms = NONE;
	mst_list_init(&c->again);
	mst_arena_init(&c->walk_arena, &push->chunks, 0);
	mst_arena_init(&c->read_arena, &push->chunks, 0);
	mst_arena_init(&c->drop_arena, &push->chunks, 0);
	c->drops.on_committed = on_dropped;
	c->in_hand = mst_map_new(sizeof(struct mst_id), sizeof(uint64_t), push->conf.window, false);
	c->missing = mst_map_new(32, sizeof(uint64_t), MISSING_MAX, true);
	return c->in_hand && c->missing ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

void mst_collect_free(struct push_collect **at)
{
	struct push_collect *c = *at;

	if (!c)
		return;
	mst_timer_end(c->push->loop, &c->timer);
	mst_arena_done(&c->walk_arena);
	mst_arena_done(&c->read_arena);
	mst_arena_done(&c->drop_arena);
	mst_map_free(&c->in_hand);
	mst_map_free(&c->missing);
	free(c);
	*at = NULL;
}
