/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slice of a campaign: some devices are read, each gets a batch of its own, and when all are home the cursor moves behind
 * them. What could not be written, or met a change, is gone through again from the same cursor: who has the command by then
 * is known by its uuid.
 *
 *   IDLE > READ ~> OUT ~> IDLE
 */
#include "campaign_live.h"
#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"

#define SLICE_MOST  256         /* devices: a read of that many takes the loop a millisecond */
#define SCAN_MOST   256         /* records looked at for them */
#define SLICE_BYTES (16u << 20) /* of memory that the commands of a slice take */
#define COPIES      5           /* of the command, on its way into a batch */
#define BATCH_ROOM  8192        /* beside it, with the device's record */
#define ROUNDS_MAX  5           /* a device that changes each time we look is left out */

uint32_t mst_campaign_slice_most(const struct campaign *c)
{
	size_t most = SLICE_BYTES / (COPIES * c->plist.len + BATCH_ROOM);

	return most > SLICE_MOST ? SLICE_MOST : most ? (uint32_t)most : 1;
}

static void skip(struct campaign_item *item, enum campaign_skip why)
{
	item->state = ITEM_SKIPPED;
	item->skip = why;
}

/* QUEUE: what the device gets. */

static int queue_look(struct mst_read *r, struct campaign_item *item)
{
	const struct campaign_record *what = &item->campaign->record;
	struct mst_command command;
	int rc;

	if (!item->target.is_known) {
		skip(item, CAMPAIGN_SKIP_UNKNOWN);
		return 0;
	}
	rc = mst_command_get(r, &command, &item->target.id, what->uuid);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	if (rc == 1 && command.queued_ms >= what->created_ms)
		item->state = ITEM_HAS;
	else if (rc == 1)
		skip(item, CAMPAIGN_SKIP_USED);
	else if (item->target.device.state == MST_DEVICE_CHECKED_OUT)
		skip(item, CAMPAIGN_SKIP_CHECKED_OUT);
	return 0;
}

static void add_history(struct campaign_item *item, enum mst_event event, struct mst_slice detail, int64_t now_ms)
{
	mst_history_add(&item->batch, &item->target.id,
			&(struct mst_history){
				.at_ms = now_ms, .event = event, .who = item->campaign->record.who, .detail = detail});
}

static void queue_fill(struct campaign_item *item, int64_t now_ms)
{
	struct campaign *c = item->campaign;
	const struct mst_device *d = &item->target.device;
	const struct campaign_record *what = &c->record;
	struct mst_slice detail = what->uuid;
	int64_t due_ms = mst_campaign_due(c);
	struct mst_push_due due;

	/* An enrolment that begins anew in between would never see the command. */
	mst_batch_require_same(&item->batch, MST_SPACE_DEVICE, mst_id_device_key(&d->id), d->raw);
	mst_queue_add(&item->batch, &item->target.id, d->epoch, what->uuid, what->request_type, c->plist, now_ms);
	if (!what->is_nopush) {
		mst_push_due_make(&due, &item->target.id, MST_PUSH_CAMPAIGN, due_ms);
		mst_outbox_put(&item->batch, &due);
		if (c->slice.first_due_ms == 0)
			c->slice.first_due_ms = due_ms;
	}
	if (!mst_arena_format(item->batch.arena, &detail, "%.*s %.*s", (int)what->uuid.len, (const char *)what->uuid.at,
			      (int)what->request_type.len, (const char *)what->request_type.at))
		item->batch.is_short = true;
	add_history(item, MST_EVENT_QUEUED, detail, now_ms);
}

static void queue_count(struct campaign_record *what, const struct campaign_item *item)
{
	what->num_targets++;
	what->num_queued += item->state == ITEM_HAS;
	if (item->state == ITEM_SKIPPED)
		what->num_skipped[item->skip]++;
}

/* WITHDRAW: what still waits is taken back, with its push when nothing else waits for it. */

static int due_look(struct mst_read *r, struct campaign_item *item)
{
	uint32_t num;
	int rc = mst_outbox_get(r, &item->due, &item->target.id);

	if (rc != 1 || item->due.cause != MST_PUSH_CAMPAIGN)
		return rc < 0 || rc == MST_LATER ? rc : 0;
	rc = mst_queue_count(r, &num, &item->target.id, item->command.epoch, 2);
	item->ends_due = rc == 0 && num == 1;
	return rc;
}

static int withdraw_look(struct mst_read *r, struct campaign_item *item)
{
	const struct campaign_record *what = &item->campaign->record;
	int rc = mst_command_get(r, &item->command, &item->target.id, what->uuid);

	item->state = ITEM_NOTHING;
	if (rc != 1)
		return rc < 0 || rc == MST_LATER ? rc : 0;
	if (item->command.queued_ms < what->created_ms)
		return 0;
	/* Cancelled since: by us, in a slice that is gone through again. */
	if (item->command.state == MST_COMMAND_CANCELLED && item->command.changed_ms >= what->changed_ms)
		item->state = ITEM_HAS;
	if (mst_command_is_over(item->command.state))
		return 0;
	item->state = ITEM_OPEN;
	return due_look(r, item);
}

static void withdraw_fill(struct campaign_item *item, int64_t now_ms)
{
	mst_queue_end(&item->batch, &item->command, MST_COMMAND_CANCELLED, now_ms);
	if (item->ends_due)
		mst_outbox_end(&item->batch, &item->due);
	add_history(item, MST_EVENT_CANCELLED, item->campaign->record.uuid, now_ms);
}

static void withdraw_count(struct campaign_record *what, const struct campaign_item *item)
{
	what->num_withdrawn += item->state == ITEM_HAS;
}

static const struct {
	int (*look)(struct mst_read *r, struct campaign_item *item); /* 0, -1, MST_LATER */
	void (*fill)(struct campaign_item *item, int64_t now_ms);
	void (*count)(struct campaign_record *what, const struct campaign_item *item);
	size_t cursor;
	bool is_wide;
} rows[] = {
	[CAMPAIGN_QUEUE] = {queue_look, queue_fill, queue_count, offsetof(struct campaign_record, cursor), false},
	[CAMPAIGN_WITHDRAW] = {withdraw_look, withdraw_fill, withdraw_count, offsetof(struct campaign_record, withdrawn), true},
};

static struct campaign_cursor *cursor_of(struct campaign *c)
{
	return (struct campaign_cursor *)(void *)((char *)&c->record + rows[c->slice.work].cursor);
}

/* The read: it may run twice, on the loop and then on a worker. */

static int take(struct campaign *c, struct campaign_pass *pass)
{
	struct campaign_slice *s = &c->slice;
	int rc = 1;

	for (uint32_t scanned = 0; s->num < s->most && scanned < SCAN_MOST; scanned++) {
		struct campaign_item *item = &s->items[s->num];
		*item = (struct campaign_item){.campaign = c};
		rc = mst_campaign_source_next(pass, &item->target);
		if (rc != 1)
			break;
		if (!item->target.is_target)
			continue;
		rc = rows[s->work].look(pass->r, item);
		if (rc != 0)
			return rc;
		s->num++;
		rc = 1;
	}
	s->is_last = rc == 0;
	return rc == 1 ? 0 : rc;
}

static int plan(struct mst_read *r)
{
	struct campaign *c = MST_HOME(r, struct campaign, slice.read);
	struct campaign_slice *s = &c->slice;
	struct campaign_pass pass = {.what = &c->record, .r = r, .cursor = *cursor_of(c), .is_wide = rows[s->work].is_wide};
	int rc;

	s->num = 0;
	s->items = mst_arena_get(r->arena, s->most * sizeof(*s->items));
	if (!s->items)
		return mst_fail(&r->err, MST_E_BUSY, "no memory for a campaign's slice");
	rc = take(c, &pass);
	mst_campaign_source_done(&pass);
	s->end = pass.cursor;
	return rc;
}

static void end(struct campaign *c)
{
	c->slice.state = SLICE_IDLE;
	mst_arena_done(&c->slice.arena);
}

static void give_up(struct campaign *c, const struct mst_err *why)
{
	struct mst_err err = *why;

	end(c);
	mst_campaign_rest(c, &err);
	mst_campaign_after(c);
}

/* All are home and fine: the cursor moves. */
static void advance(struct campaign *c)
{
	struct campaign_slice *s = &c->slice;

	for (uint32_t i = 0; i < s->num; i++)
		rows[s->work].count(&c->record, &s->items[i]);
	*cursor_of(c) = s->end;
	s->num_rounds = 0;
	c->rest_ms = 0;
	c->is_dirty = true;
	if (s->is_last && s->work == CAMPAIGN_WITHDRAW)
		c->record.is_withdrawing = false;
	if (s->is_last && s->work == CAMPAIGN_QUEUE && c->record.state == MST_CAMPAIGN_RUNNING) {
		c->record.state = MST_CAMPAIGN_DONE;
		c->record.changed_ms = mst_clock_wall_ms();
	}
	end(c);
	if (mst_campaign_is_over(&c->record) || c->all->is_draining)
		mst_campaign_write(c);
	else
		mst_campaign_again(c);
}

/* True when the slice must be gone through again; *why says whether the store is the reason. */
static bool judge(struct campaign_slice *s, struct mst_err *why)
{
	bool is_last_round = s->num_rounds + 1 >= ROUNDS_MAX, has_conflict = false;

	for (uint32_t i = 0; i < s->num; i++) {
		struct campaign_item *item = &s->items[i];
		if (item->state == ITEM_OPEN || (item->state == ITEM_POSTED && item->batch.rc < 0 &&
						 item->batch.err.code != MST_E_CONFLICT)) {
			*why = item->batch.err;
			return true;
		}
		if (item->state != ITEM_POSTED)
			continue;
		if (item->batch.rc == 0)
			item->state = ITEM_HAS;
		else if (is_last_round)
			skip(item, CAMPAIGN_SKIP_CHANGED);
		else
			has_conflict = true;
	}
	return has_conflict;
}

static uint32_t num_written(const struct campaign_slice *s)
{
	uint32_t num = 0;

	for (uint32_t i = 0; i < s->num; i++)
		num += s->items[i].batch.on_committed && s->items[i].batch.rc == 0 && s->items[i].state != ITEM_OPEN;
	return num;
}

static void settle(struct campaign *c)
{
	struct campaign_slice *s = &c->slice;
	struct mst_err why = {.code = MST_E_NONE};
	uint32_t num = num_written(s);

	if (s->work == CAMPAIGN_QUEUE)
		mst_count(MST_C_COMMANDS_QUEUED, num);
	if (num > 0 && s->first_due_ms)
		mst_kick(c->all->kick, s->first_due_ms);
	if (!judge(s, &why)) {
		advance(c);
		return;
	}
	if (why.code != MST_E_NONE) {
		give_up(c, &why);
		return;
	}
	s->num_rounds++;
	end(c);
	mst_campaign_again(c);
}

static void on_committed(struct mst_batch *b)
{
	struct campaign *c = MST_HOME(b, struct campaign_item, batch)->campaign;

	if (--c->slice.num_out == 0)
		settle(c);
}

/* What the store does not take is left OPEN; settle sees it. */
static void post(struct campaign *c)
{
	struct campaign_slice *s = &c->slice;
	int64_t now_ms = mst_clock_wall_ms();

	s->state = SLICE_OUT;
	s->first_due_ms = 0;
	s->num_out = 1; /* until all are posted */
	for (uint32_t i = 0; i < s->num; i++) {
		struct campaign_item *item = &s->items[i];
		if (item->state != ITEM_OPEN)
			continue;
		mst_batch_init(&item->batch, &s->arena, c->all->loop, on_committed);
		rows[s->work].fill(item, now_ms);
		if (mst_store_commit(c->all->store, &item->batch, &item->batch.err) < 0)
			break;
		item->state = ITEM_POSTED;
		s->num_out++;
	}
	if (--s->num_out == 0)
		settle(c);
}

static void on_read(struct mst_read *r)
{
	struct campaign *c = MST_HOME(r, struct campaign, slice.read);

	if (r->rc < 0)
		give_up(c, &r->err);
	else
		post(c);
}

void mst_campaign_slice_begin(struct campaign *c, enum campaign_work work, uint32_t most)
{
	struct campaign_slice *s = &c->slice;
	struct mst_err err;
	int rc;

	BUG_ON(s->state != SLICE_IDLE || most == 0);
	s->state = SLICE_READ;
	s->work = work;
	s->most = most;
	mst_arena_init(&s->arena, &c->all->chunks, 0);
	s->read = (struct mst_read){.arena = &s->arena, .plan = plan, .on_read = on_read};
	rc = mst_store_read(c->all->store, &s->read, c->all->loop, &err);
	if (rc < 0)
		give_up(c, &err);
	else if (rc == 1)
		on_read(&s->read);
}
