/* SPDX-License-Identifier: Apache-2.0 */
/* Takes in hand what was read: fills the push, gives it to its topic; what is not to be pushed is settled at once. */
#include "collect.h"

#include "muster/count.h"
#include "muster/log.h"
#include "muster/text.h"

#define TOPICS_LOOK 64 /* with more of them, one is taken to be open */
#define PATH "/3/device/"

enum take_hope mst_take_hope(const struct push_collect *c)
{
	struct push_topic_facts facts[TOPICS_LOOK];
	size_t num = mst_topics_tell(c->push->topics, facts, TOPICS_LOOK);
	enum take_hope hope = num < TOPICS_LOOK ? HOPE_NONE : HOPE_NOW;

	for (size_t i = 0; i < num && hope != HOPE_NOW; i++)
		if (facts[i].state != TOPIC_STOPPED)
			hope = facts[i].state == TOPIC_OPEN ? HOPE_NOW : HOPE_LATER;
	return hope;
}

void mst_take_left(struct push_collect *c, int64_t due_ms, uint64_t until)
{
	int64_t *first_ms = until ? &c->timed_ms : &c->left_ms;

	*first_ms = due_ms < *first_ms ? due_ms : *first_ms;
	if (until && (!c->timed_until || until < c->timed_until))
		c->timed_until = until;
}

/* {"mdm":"MAGIC"}: the magic is the device's text. False: it is none that JSON can carry, or too long. */
static bool put_payload(struct push_item *item, struct mst_slice magic)
{
	static const struct mst_slice head = MST_S_INIT("{\"mdm\":\""), tail = MST_S_INIT("\"}");
	char *at = item->payload;

	if (magic.len > PUSH_MAGIC_MAX || !mst_utf8_ok(magic))
		return false;
	memcpy(at, head.at, head.len);
	at += head.len;
	for (size_t i = 0; i < magic.len; i++) {
		if (magic.at[i] < 0x20 || magic.at[i] == 0x7f)
			return false;
		if (magic.at[i] == '"' || magic.at[i] == '\\')
			*at++ = '\\';
		*at++ = (char)magic.at[i];
	}
	memcpy(at, tail.at, tail.len);
	item->payload_len = (uint16_t)(at + tail.len - item->payload);
	return true;
}

static bool put_path(struct push_item *item, struct mst_slice token)
{
	if (token.len == 0 || token.len > PUSH_TOKEN_MAX)
		return false;
	memcpy(item->path, PATH, sizeof PATH - 1);
	mst_hex_put(item->path + sizeof PATH - 1, token);
	item->path_len = (uint16_t)(sizeof PATH - 1 + 2 * token.len);
	return true;
}

static void fill(struct push_item *item, const struct due_row *row)
{
	const struct mst_push_conf *conf = &item->push->conf;

	item->due = row->due;
	item->raw_len = (uint16_t)row->due.raw.len;
	memcpy(item->raw, row->due.raw.at, row->due.raw.len);
	item->due.raw = mst_slice(item->raw, item->raw_len);
	item->token_ms = row->token_ms;
	item->topic = NULL;
	item->on = NULL;
	item->body_len = 0;
	item->answer = (struct push_answer){.end = PUSH_ANSWERED};
	item->priority = row->due.priority ? row->due.priority : (uint8_t)conf->priority;
	item->expiry_s = row->due.expiry_s ? row->due.expiry_s : conf->expiry_s;
	item->on_answer = mst_settle;
	mst_apns_id_put(item->apns_id, row->due.apns_id);
}

static void drop_place(struct push_collect *c, const struct mst_outbox_place *place)
{
	if (c->num_stale++ == 0)
		mst_batch_init(&c->drops, &c->drop_arena, c->push->loop, c->drops.on_committed);
	mst_outbox_drop_place(&c->drops, place);
}

static void take_stale(struct push_collect *c, const struct due_row *row)
{
	drop_place(c, &row->place);
	c->push->counts.num_stale++;
	mst_count(MST_C_PUSH_STALE, 1);
}

/* Before an item takes what its record says now: places it stands for that are no longer the record's are behind the cursor,
 * and nobody else would drop them. */
static void drop_passed(struct push_collect *c, struct push_item *item, const struct mst_push_due *now)
{
	struct mst_outbox_place own;

	if (!item->is_written && item->due.sequence != now->sequence) {
		mst_outbox_place_of(&own, &item->due);
		drop_place(c, &own);
	}
	if (item->is_overtaken && item->passed.sequence != now->sequence)
		drop_place(c, &item->passed);
	item->is_written = false;
}

static struct push_item *hold_of(struct push_collect *c, const struct due_row *row)
{
	struct mst_push *push = c->push;
	struct push_item *item;
	uint32_t slot, *place;

	if (row->is_again) {
		item = mst_slab_at(push->items, row->slot, mst_slab_gen(push->items, row->slot));
		if (row->kind != DUE_BROKEN)
			drop_passed(c, item, &row->due);
		item->is_overtaken = false;
		return item;
	}
	item = mst_slab_get(push->items, &slot);
	BUG_ON(!item); /* no more are read than there is room for */
	place = mst_map_set(c->in_hand, &row->place.id);
	BUG_ON(!place);
	*place = slot;
	item->slot = slot;
	item->push = push;
	push->num_items++;
	push->counts.num_collected++;
	mst_count(MST_C_PUSH_IN_HAND, 1);
	return item;
}

/* Once for each topic: a device chooses what it says, so they are told at a bounded rate. */
static void tell_missing(struct push_collect *c, struct mst_slice topic)
{
	uint8_t sha256[32];
	bool *is_told;

	mst_sha256(sha256, topic);
	is_told = mst_map_set(c->missing, sha256);
	if (is_told && *is_told)
		return;
	mst_log_peer(WARN, "pushes wait: their topic has no credential", mst_f_slice("topic", topic));
	if (is_told)
		*is_told = true;
}

static void send_on(struct push_collect *c, struct push_item *item, struct push_topic *topic)
{
	uint64_t until = 0;

	item->topic = topic;
	if (c->push->is_draining) {
		mst_collect_release(item, COLLECT_LEFT);
		return;
	}
	if (!mst_topic_send(topic, item, &until)) {
		mst_take_left(c, item->due.due_ms, until);
		mst_collect_release(item, COLLECT_LEFT);
		return;
	}
	if (c->push->conf.rate)
		c->tokens -= c->tokens >= 1000 ? 1000 : c->tokens;
}

static void take_live(struct push_collect *c, const struct due_row *row, struct push_topic *topic)
{
	struct push_item *item = hold_of(c, row);
	int64_t until;

	fill(item, row);
	if (!put_path(item, row->token) || !put_payload(item, row->magic)) {
		mst_log_peer(WARN, "a push token or magic that cannot be sent: no pushes until the device brings another",
			     mst_f_hex("id", mst_id_key(&row->due.id)));
		mst_settle_end(item);
		return;
	}
	until = mst_hold_until(c->push->hold, &row->due.id);
	if (until > c->read.now_ms) {
		c->push->counts.num_held++;
		mst_count(MST_C_PUSH_HELD, 1);
		mst_settle_later(item, until);
	} else if (topic) {
		send_on(c, item, topic);
	} else {
		tell_missing(c, row->topic);
		mst_collect_release(item, COLLECT_LEFT);
	}
}


static void take_needless(struct push_collect *c, const struct due_row *row)
{
	struct push_item *item = hold_of(c, row);

	fill(item, row);
	mst_settle_end(item);
}

static void take_overtaken(struct push_collect *c, const struct due_row *row)
{
	uint32_t *slot = mst_map_get0(c->in_hand, &row->place.id);
	struct push_item *item = slot ? mst_slab_at(c->push->items, *slot, mst_slab_gen(c->push->items, *slot)) : NULL;

	if (item) {
		if (item->is_overtaken && item->passed.sequence != row->place.sequence)
			drop_place(c, &item->passed);
		item->is_overtaken = true;
		item->passed = row->place;
	} else { /* it was settled while the records were read */
		mst_collect_look(c, row->place.due_ms);
	}
}

static void take_nothing(struct push_collect *c, const struct due_row *row)
{
	struct push_item *item = hold_of(c, row);

	mst_collect_release(item, COLLECT_SETTLED);
	if (row->due.due_ms)
		mst_collect_look(c, row->due.due_ms);
}

#define BROKEN_AGAIN_MS 60000

static void take_broken(struct push_collect *c, const struct due_row *row)
{
	struct push_item *item = row->is_again ? hold_of(c, row) : NULL;

	mst_log_peer(ERROR, "a push cannot be read", mst_f_hex("id", mst_id_key(&row->place.id)), mst_f_err(&row->err));
	mst_take_left(c, item ? item->due.due_ms : row->place.due_ms, mst_loop_now_ms(c->push->loop) + BROKEN_AGAIN_MS);
	if (item)
		mst_collect_release(item, COLLECT_LEFT);
}

/* Neighbours are mostly of one topic. */
struct last {
	struct mst_slice name;
	struct push_topic *topic;
};

static struct push_topic *find_topic(struct push_collect *c, struct last *last, struct mst_slice name)
{
	if (!last->name.at || !mst_slice_eq(last->name, name)) {
		*last = (struct last){name, mst_topic_find(c->push->topics, name)};
		if (last->topic && !mst_topic_is_mdm(last->topic))
			last->topic = NULL;
	}
	return last->topic;
}

void mst_take_rows(struct push_collect *c)
{
	struct last last = {.topic = NULL};

	c->num_stale = 0;
	for (uint32_t i = 0; i < c->read.num; i++) {
		struct due_row *row = &c->read.rows[i];
		if (row->due.raw.len > PUSH_RAW_MAX && row->kind != DUE_STALE) {
			mst_fail(&row->err, MST_E_STORE, "the record has %zu bytes", row->due.raw.len);
			row->kind = DUE_BROKEN;
		}
		switch (row->kind) {
		case DUE_LIVE:
			take_live(c, row, find_topic(c, &last, row->topic));
			break;
		case DUE_STALE:
			take_stale(c, row);
			break;
		case DUE_OVERTAKEN:
			take_overtaken(c, row);
			break;
		case DUE_NEEDLESS:
			take_needless(c, row);
			break;
		case DUE_NOTHING:
			take_nothing(c, row);
			break;
		case DUE_BROKEN:
			take_broken(c, row);
			break;
		case NUM_DUE_KINDS:
			BUG_ON(true);
		}
	}
}
