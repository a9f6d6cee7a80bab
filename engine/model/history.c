/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of a device: what happened, oldest first.
 *
 *   | device 16 | at 8 | sequence 8 |  big-endian
 */
#include "muster/device.h"

#include "record.h"

#define VERSION 1
#define KEY_LEN 32

static const char *const event_words[MST_NUM_EVENTS] = {
#define X(name, word) [MST_EVENT_##name] = word,
	MST_EVENTS(X)
#undef X
};

const char *mst_event_word(enum mst_event event)
{
	return event_words[event];
}

static int decode(struct mst_history *out, struct mst_slice key, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	*out = (struct mst_history){.at_ms = 0};
	if (key.len != KEY_LEN)
		return mst_fail(e, MST_E_STORE, "the key of a history record has %zu bytes", key.len);
	memcpy(out->id.device, key.at, sizeof out->id.device);
	out->at_ms = (int64_t)mst_record_u64_of(key.at + 16);
	mst_unpack_begin(&u, value, VERSION);
	out->event = (enum mst_event)mst_unpack_max(&u, MST_NUM_EVENTS - 1);
	mst_unpack_fixed(&u, out->id.channel, sizeof out->id.channel);
	out->who = mst_unpack_bytes(&u);
	out->detail = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "history", e);
}

void mst_history_add(struct mst_batch *b, const struct mst_id *id, const struct mst_history *h)
{
	uint8_t key[KEY_LEN];
	struct mst_pack p;

	memcpy(key, id->device, sizeof id->device);
	mst_record_key_u64(key + 16, (uint64_t)h->at_ms);
	mst_record_key_u64(key + 24, mst_sequence());
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_u64(&p, h->event);
	mst_pack_fixed(&p, id->channel, sizeof id->channel);
	mst_pack_bytes(&p, h->who);
	mst_pack_bytes(&p, h->detail);
	mst_record_put(b, MST_SPACE_HISTORY, mst_slice(key, sizeof key), &p);
}

int mst_history_next(struct mst_walk *w, struct mst_read *r, struct mst_history *out, const struct mst_id *device)
{
	struct mst_slice key, value;

	if (!w->r && mst_walk_init(w, r, MST_SPACE_HISTORY, mst_id_device_key(device), mst_slice(NULL, 0)) < 0)
		return -1;
	int rc = mst_record_next(w, &key, &value);
	if (rc != 1)
		return rc;
	return decode(out, key, value, &r->err) < 0 ? -1 : 1;
}
