/* SPDX-License-Identifier: Apache-2.0 */
/* The channel's record: who is on it and how to push to it. Token, magic, unlock and bootstrap token are one sealed field. */
#include "muster/device.h"

#include "record.h"

#define VERSION 1
#define SECRETS_VERSION 2 /* 2: bootstrap token */

static const char *const kind_words[MST_NUM_CHANNEL_KINDS] = {
#define X(name, word) [MST_CHANNEL_##name] = word,
	MST_CHANNEL_KINDS(X)
#undef X
};

const char *mst_channel_kind_word(enum mst_channel_kind kind)
{
	return kind_words[kind];
}

static int open_secrets(struct mst_channel *out, struct mst_slice sealed, struct mst_arena *arena,
			const struct mst_seal *seal, struct mst_err *e)
{
	struct mst_slice plain;
	struct mst_unpack u;

	if (sealed.len == 0)
		return 0;
	if (mst_seal_open(&plain, arena, seal, mst_id_key(&out->id), sealed, e) < 0)
		return -1;
	mst_unpack_begin(&u, plain, SECRETS_VERSION);
	out->token = mst_unpack_bytes(&u);
	out->magic = mst_unpack_bytes(&u);
	out->unlock_token = mst_unpack_bytes(&u);
	if (u.version >= 2)
		out->bootstrap_token = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "channel's secrets", e);
}

static int close_secrets(struct mst_slice *out, const struct mst_channel *c, struct mst_arena *arena,
			 const struct mst_seal *seal, struct mst_err *e)
{
	struct mst_slice plain;
	struct mst_pack p;

	*out = mst_slice(NULL, 0);
	if (c->token.len + c->magic.len + c->unlock_token.len + c->bootstrap_token.len == 0)
		return 0;
	mst_pack_begin(&p, arena, SECRETS_VERSION);
	mst_pack_bytes(&p, c->token);
	mst_pack_bytes(&p, c->magic);
	mst_pack_bytes(&p, c->unlock_token);
	mst_pack_bytes(&p, c->bootstrap_token);
	if (mst_pack_end(&p, &plain, e) < 0)
		return -1;
	return mst_seal_close(out, arena, seal, mst_id_key(&c->id), plain, e);
}

static int decode(struct mst_channel *out, struct mst_slice *sealed, struct mst_slice key, struct mst_slice value,
		  struct mst_err *e)
{
	struct mst_slice *const texts[] = {&out->user, &out->short_name, &out->long_name, &out->topic, sealed};
	struct mst_unpack u;

	*out = (struct mst_channel){.raw = value};
	if (key.len != sizeof out->id)
		return mst_fail(e, MST_E_STORE, "the key of a channel record has %zu bytes", key.len);
	memcpy(&out->id, key.at, key.len);
	mst_unpack_begin(&u, value, VERSION);
	out->kind = (enum mst_channel_kind)mst_unpack_max(&u, MST_NUM_CHANNEL_KINDS - 1);
	out->is_enabled = mst_unpack_bool(&u);
	out->is_awaiting_configuration = mst_unpack_bool(&u);
	out->epoch = mst_unpack_u32(&u);
	out->num_token_updates = mst_unpack_u32(&u);
	out->updated_ms = mst_unpack_i64(&u);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		*texts[i] = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "channel", e);
}

static int read_record(struct mst_read *r, struct mst_channel *out, struct mst_slice key, struct mst_slice value,
		       const struct mst_seal *seal)
{
	struct mst_slice sealed;

	if (decode(out, &sealed, key, value, &r->err) < 0)
		return -1;
	if (!seal)
		return 1;
	out->is_old = mst_seal_is_old(seal, sealed);
	return open_secrets(out, sealed, r->arena, seal, &r->err) < 0 ? -1 : 1;
}

int mst_channel_get(struct mst_read *r, struct mst_channel *out, const struct mst_id *id, const struct mst_seal *seal)
{
	struct mst_slice value;
	int rc = mst_read_get(r, &value, MST_SPACE_CHANNEL, mst_id_key(id));

	return rc == 1 ? read_record(r, out, mst_id_key(id), value, seal) : rc;
}

int mst_channel_next(struct mst_walk *w, struct mst_read *r, struct mst_channel *out, const struct mst_id *device,
		     const struct mst_seal *seal)
{
	struct mst_slice key, value;

	if (!w->r && mst_walk_init(w, r, MST_SPACE_CHANNEL, mst_id_device_key(device), mst_slice(NULL, 0)) < 0)
		return -1;
	int rc = mst_record_next(w, &key, &value);
	return rc == 1 ? read_record(r, out, key, value, seal) : rc;
}

int mst_channel_put(struct mst_batch *b, const struct mst_channel *c, const struct mst_seal *seal, struct mst_err *e)
{
	struct mst_slice sealed;
	struct mst_pack p;

	if (close_secrets(&sealed, c, b->arena, seal, e) < 0)
		return -1;
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_u64(&p, c->kind);
	mst_pack_bool(&p, c->is_enabled);
	mst_pack_bool(&p, c->is_awaiting_configuration);
	mst_pack_u64(&p, c->epoch);
	mst_pack_u64(&p, c->num_token_updates);
	mst_pack_i64(&p, c->updated_ms);
	mst_pack_bytes(&p, c->user);
	mst_pack_bytes(&p, c->short_name);
	mst_pack_bytes(&p, c->long_name);
	mst_pack_bytes(&p, c->topic);
	mst_pack_bytes(&p, sealed);
	mst_record_require(b, MST_SPACE_CHANNEL, mst_id_key(&c->id), c->raw);
	mst_record_put(b, MST_SPACE_CHANNEL, mst_id_key(&c->id), &p);
	return 0;
}
