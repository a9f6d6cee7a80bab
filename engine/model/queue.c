/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for a channel, oldest first. A waiting record is written once and dropped once; whether the device said NotNow is
 * told by the command's own record, which peek reads only when it is asked to skip such commands.
 */
#include "command.h"
#include "muster/device.h"
#include "record.h"

#define VERSION 1
#define PREFIX_LEN 28 /* device, channel, epoch */
#define READY_AT PREFIX_LEN
#define SEQUENCE_AT 36

static void prefix_make(uint8_t prefix[static PREFIX_LEN], const struct mst_id *id, uint32_t epoch)
{
	memcpy(prefix, id, sizeof *id);
	mst_record_key_u32(prefix + sizeof *id, epoch);
}

void mst_queue_add(struct mst_batch *b, const struct mst_id *id, uint32_t epoch, struct mst_slice uuid,
		   struct mst_slice request_type, struct mst_slice plist, int64_t now_ms)
{
	struct mst_command c = {.id = *id, .uuid = uuid, .request_type = request_type, .state = MST_COMMAND_QUEUED,
				.epoch = epoch, .queued_ms = now_ms, .changed_ms = now_ms};
	struct mst_pack p;

	BUG_ON(uuid.len == 0 || uuid.len > MST_UUID_MAX || plist.len > MST_COMMAND_MAX);
	prefix_make(c.queue_key, id, epoch);
	mst_record_key_u64(c.queue_key + READY_AT, (uint64_t)now_ms);
	mst_record_key_u64(c.queue_key + SEQUENCE_AT, mst_sequence());
	mst_command_put(b, &c);
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_bytes(&p, uuid);
	mst_pack_bytes(&p, plist);
	mst_record_put(b, MST_SPACE_QUEUE, mst_slice(c.queue_key, sizeof c.queue_key), &p);
}

static int decode(struct mst_slice *uuid, struct mst_slice *plist, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	mst_unpack_begin(&u, value, VERSION);
	*uuid = mst_unpack_bytes(&u);
	*plist = mst_unpack_bytes(&u);
	if (uuid->len == 0 || uuid->len > MST_UUID_MAX)
		u.is_bad = true;
	return mst_unpack_end(&u, "queue", e);
}

/* 1: the device said NotNow at or after `since_ms`; 0: it did not; -1, MST_LATER. */
static int is_skipped(struct mst_read *r, const struct mst_id *id, struct mst_slice uuid, int64_t since_ms)
{
	struct mst_command c;

	if (since_ms == INT64_MAX)
		return 0;
	int rc = mst_command_get(r, &c, id, uuid);
	return rc == 1 ? c.state == MST_COMMAND_NOT_NOW && c.not_now_ms >= since_ms : rc;
}

static int find(struct mst_walk *w, struct mst_slice *uuid, struct mst_slice *plist, const struct mst_id *id,
		int64_t now_ms, int64_t skip_since_ms)
{
	struct mst_read *r = w->r;
	struct mst_slice value;
	int rc;

	while ((rc = mst_walk_next(w)) == 1) {
		if (w->key.len != MST_QUEUE_KEY_LEN)
			return mst_fail(&r->err, MST_E_STORE, "the key of a queue record has %zu bytes", w->key.len);
		if ((int64_t)mst_record_u64_of(w->key.at + READY_AT) > now_ms)
			return 0; /* nor is any behind it */
		if (decode(uuid, plist, w->value, &r->err) < 0)
			return -1;
		int skip = is_skipped(r, id, *uuid, skip_since_ms);
		if (skip == 1)
			continue;
		if (skip != 0)
			return skip;
		if (!mst_arena_copy(r->arena, &value, w->value))
			return mst_fail(&r->err, MST_E_BUSY, "the command does not fit the memory of this request");
		return decode(uuid, plist, value, &r->err) < 0 ? -1 : 1;
	}
	return rc;
}

int mst_queue_peek(struct mst_read *r, struct mst_slice *uuid, struct mst_slice *plist, const struct mst_id *id,
		   uint32_t epoch, int64_t now_ms, int64_t skip_since_ms)
{
	uint8_t prefix[PREFIX_LEN];
	struct mst_walk w;

	prefix_make(prefix, id, epoch);
	int rc = mst_walk_init(&w, r, MST_SPACE_QUEUE, mst_slice(prefix, sizeof prefix), mst_slice(NULL, 0));
	if (rc == 0)
		rc = find(&w, uuid, plist, id, now_ms, skip_since_ms);
	mst_walk_done(&w);
	return rc;
}

int mst_queue_count(struct mst_read *r, uint32_t *out, const struct mst_id *id, uint32_t epoch, uint32_t most)
{
	uint8_t prefix[PREFIX_LEN];
	struct mst_walk w;

	*out = 0;
	prefix_make(prefix, id, epoch);
	int rc = mst_walk_init(&w, r, MST_SPACE_QUEUE, mst_slice(prefix, sizeof prefix), mst_slice(NULL, 0));
	while (rc == 0 && *out < most) {
		rc = mst_walk_next(&w);
		if (rc != 1)
			break;
		++*out;
		rc = 0;
	}
	mst_walk_done(&w);
	return rc;
}
