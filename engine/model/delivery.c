/* SPDX-License-Identifier: Apache-2.0 */
/* What a device has of each setting, and how it went. */
#include "muster/delivery.h"

#include "record.h"

#define VERSION 1
#define KEY_LEN 32

static const char *const state_words[MST_NUM_DELIVERY_STATES] = {
#define X(name, word) [MST_DELIVERY_##name] = word,
	MST_DELIVERY_STATES(X)
#undef X
};

const char *mst_delivery_state_word(enum mst_delivery_state state)
{
	return state_words[state];
}

static void key_make(uint8_t key[static KEY_LEN], const uint8_t device[static 16], const uint8_t setting[static 16])
{
	memcpy(key, device, 16);
	memcpy(key + 16, setting, 16);
}

static int decode(struct mst_delivery *out, struct mst_slice key, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	*out = (struct mst_delivery){.raw = value};
	if (key.len != KEY_LEN)
		return mst_fail(e, MST_E_STORE, "the key of a delivery record has %zu bytes", key.len);
	memcpy(out->device, key.at, 16);
	memcpy(out->setting, key.at + 16, 16);
	mst_unpack_begin(&u, value, VERSION);
	out->state = (enum mst_delivery_state)mst_unpack_max(&u, MST_NUM_DELIVERY_STATES - 1);
	out->wanted = mst_unpack_u64(&u);
	out->sent = mst_unpack_u64(&u);
	out->applied = mst_unpack_u64(&u);
	mst_unpack_fixed(&u, out->content, sizeof out->content);
	out->uuid = mst_unpack_bytes(&u);
	out->reason = mst_unpack_bytes(&u);
	out->num_failed = mst_unpack_u32(&u);
	out->changed_ms = mst_unpack_i64(&u);
	out->due_ms = mst_unpack_i64(&u);
	return mst_unpack_end(&u, "delivery", e);
}

int mst_delivery_get(struct mst_read *r, struct mst_delivery *out, const uint8_t device[static 16],
		     const uint8_t setting[static 16])
{
	struct mst_slice value, at;
	uint8_t key[KEY_LEN];
	int rc;

	key_make(key, device, setting);
	at = mst_slice(key, sizeof key);
	rc = mst_read_get(r, &value, MST_SPACE_DELIVERY, at);
	if (rc != 1)
		return rc;
	return decode(out, at, value, &r->err) < 0 ? -1 : 1;
}

int mst_delivery_next(struct mst_walk *w, struct mst_read *r, struct mst_delivery *out, const uint8_t device[static 16])
{
	struct mst_slice key, value;
	int rc;

	if (!w->r && mst_walk_init(w, r, MST_SPACE_DELIVERY, mst_slice(device, 16), mst_slice(NULL, 0)) < 0)
		return -1;
	rc = mst_record_next(w, &key, &value);
	if (rc != 1)
		return rc;
	return decode(out, key, value, &r->err) < 0 ? -1 : 1;
}

void mst_delivery_put(struct mst_batch *b, const struct mst_delivery *d)
{
	uint8_t key[KEY_LEN];
	struct mst_pack p;

	key_make(key, d->device, d->setting);
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_u64(&p, d->state);
	mst_pack_u64(&p, d->wanted);
	mst_pack_u64(&p, d->sent);
	mst_pack_u64(&p, d->applied);
	mst_pack_fixed(&p, d->content, sizeof d->content);
	mst_pack_bytes(&p, d->uuid);
	mst_pack_bytes(&p, d->reason);
	mst_pack_u64(&p, d->num_failed);
	mst_pack_i64(&p, d->changed_ms);
	mst_pack_i64(&p, d->due_ms);
	mst_record_require(b, MST_SPACE_DELIVERY, mst_slice(key, sizeof key), d->raw);
	mst_record_put(b, MST_SPACE_DELIVERY, mst_slice(key, sizeof key), &p);
}

void mst_delivery_drop(struct mst_batch *b, const struct mst_delivery *d)
{
	uint8_t key[KEY_LEN];

	key_make(key, d->device, d->setting);
	mst_record_require(b, MST_SPACE_DELIVERY, mst_slice(key, sizeof key), d->raw);
	mst_batch_drop(b, MST_SPACE_DELIVERY, mst_slice(key, sizeof key));
}
