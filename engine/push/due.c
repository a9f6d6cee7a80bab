/* SPDX-License-Identifier: Apache-2.0 */
/* The plans that read what is due. */
#include "due.h"

#include "muster/device.h"
#include "muster/queue.h"

int mst_due_walk_plan(struct mst_read *r)
{
	struct due_walk *walk = MST_HOME(r, struct due_walk, r);
	struct mst_walk w = {.r = NULL};
	int rc = 1;

	walk->num = 0;
	walk->next_ms = 0;
	while (rc == 1 && walk->num < walk->most) {
		struct mst_outbox_place *place = &walk->places[walk->num];
		rc = mst_outbox_next(&w, r, place, mst_slice(walk->from, walk->from_len), walk->until_ms);
		walk->num += rc == 1;
		if (rc == 0)
			walk->next_ms = place->due_ms;
	}
	walk->is_end = rc == 0;
	mst_walk_done(&w);
	return rc == 1 ? 0 : rc;
}

/* Whether the device is to be woken at all: causes that only suspect so look at what waits for it. */
static int has_reason(struct mst_read *r, const struct mst_push_due *due, uint32_t epoch)
{
	uint32_t num;

	if (due->cause != MST_PUSH_SILENT && due->cause != MST_PUSH_NOT_NOW)
		return 1;
	int rc = mst_queue_count(r, &num, &due->id, epoch, 1);
	return rc < 0 || rc == MST_LATER ? rc : num > 0;
}

/* 1 to be pushed, 0 not, -1, MST_LATER. */
static int read_channel(struct mst_read *r, struct due_row *row, const struct mst_seal *seal)
{
	struct mst_channel channel;
	struct mst_device device;
	int rc = mst_device_get(r, &device, &row->due.id);

	if (rc == 1)
		rc = mst_channel_get(r, &channel, &row->due.id, seal);
	if (rc != 1)
		return rc;
	if (device.state == MST_DEVICE_CHECKED_OUT || !mst_channel_is_live(&channel, &device) || channel.token.len == 0)
		return 0;
	row->topic = channel.topic;
	row->token = channel.token;
	row->magic = channel.magic;
	row->token_ms = channel.updated_ms;
	return has_reason(r, &row->due, device.epoch);
}

static bool is_its_place(const struct due_row *row)
{
	return row->due.due_ms == row->place.due_ms && row->due.sequence == row->place.sequence;
}

static int read_row(struct mst_read *r, struct due_row *row, const struct due_read *read)
{
	int rc = mst_outbox_get(r, &row->due, &row->place.id);

	if (rc != 0 && rc != 1)
		return rc;
	row->kind = row->is_again ? DUE_NOTHING : DUE_STALE;
	if (rc == 0)
		row->due = (struct mst_push_due){.due_ms = 0};
	if (rc == 0 || (row->is_again ? row->due.due_ms > read->now_ms : !is_its_place(row)))
		return 0;
	row->kind = DUE_OVERTAKEN;
	if (row->is_in_hand)
		return 0;
	rc = read_channel(r, row, read->seal);
	row->kind = rc == 1 ? DUE_LIVE : DUE_NEEDLESS;
	return rc < 0 || rc == MST_LATER ? rc : 0;
}

/* A record that cannot be read is nobody else's trouble. */
int mst_due_read_plan(struct mst_read *r)
{
	struct due_read *read = MST_HOME(r, struct due_read, r);

	for (uint32_t i = 0; i < read->num; i++) {
		struct due_row *row = &read->rows[i];
		int rc = read_row(r, row, read);
		if (rc == MST_LATER)
			return rc;
		if (rc == 0)
			continue;
		row->kind = DUE_BROKEN;
		row->err = r->err;
	}
	return 0;
}
