/* SPDX-License-Identifier: Apache-2.0 */
/* The identity an owner holds under an enrolment setting. The key is sealed, bound to the record's place. */
#include "muster/held.h"

#include "record.h"

#define VERSION 2
#define KEY_LEN 48

static const char *const state_words[MST_NUM_HELD_STATES] = {
#define X(name, word) [MST_HELD_##name] = word,
	MST_HELD_STATES(X)
#undef X
};

const char *mst_held_state_word(enum mst_held_state state)
{
	return state_words[state];
}

static void key_make(uint8_t key[static KEY_LEN], const uint8_t owner[static 16], const uint8_t enrollment[static 16],
		     const uint8_t setting[static 16])
{
	memcpy(key, owner, 16);
	memcpy(key + 16, enrollment, 16);
	memcpy(key + 32, setting, 16);
}

static int fields_read(struct mst_held *out, struct mst_slice *sealed, struct mst_slice value, struct mst_err *e)
{
	struct mst_slice *const texts[] = {&out->cert, &out->chain, &out->ticket, &out->reason, sealed};
	int64_t *const times[] = {&out->not_before, &out->not_after, &out->due_ms, &out->made_ms, &out->delivered_ms, &out->changed_ms};
	struct mst_unpack u;

	mst_unpack_begin(&u, value, VERSION);
	out->is_user = mst_unpack_bool(&u);
	out->is_early = mst_unpack_bool(&u);
	out->state = (enum mst_held_state)mst_unpack_max(&u, MST_NUM_HELD_STATES - 1);
	out->num_made = mst_unpack_u32(&u);
	out->num_failed = mst_unpack_u32(&u);
	mst_unpack_fixed(&u, out->authority, sizeof out->authority);
	mst_unpack_fixed(&u, out->serial, sizeof out->serial);
	mst_unpack_fixed(&u, out->inputs, sizeof out->inputs);
	for (size_t i = 0; i < MST_LEN(times); i++)
		*times[i] = mst_unpack_i64(&u);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		*texts[i] = mst_unpack_bytes(&u);
	if (u.version >= 2) {
		mst_unpack_fixed(&u, out->older_authority, sizeof out->older_authority);
		mst_unpack_fixed(&u, out->older_serial, sizeof out->older_serial);
		out->older_cert = mst_unpack_bytes(&u);
		out->older_ticket = mst_unpack_bytes(&u);
		out->older_waits = mst_unpack_bool(&u);
	}
	return mst_unpack_end(&u, "held", e);
}

static int decode(struct mst_read *r, struct mst_held *out, struct mst_slice key, struct mst_slice value, const struct mst_seal *seal)
{
	struct mst_slice sealed;

	*out = (struct mst_held){.raw = value};
	if (key.len != KEY_LEN)
		return mst_fail(&r->err, MST_E_STORE, "the key of a held record has %zu bytes", key.len);
	memcpy(out->owner, key.at, 16);
	memcpy(out->enrollment, key.at + 16, 16);
	memcpy(out->setting, key.at + 32, 16);
	if (fields_read(out, &sealed, value, &r->err) < 0)
		return -1;
	out->sealed = sealed;
	if (!seal || sealed.len == 0)
		return 1;
	out->is_old = mst_seal_is_old(seal, sealed);
	return mst_seal_open(&out->key, r->arena, seal, key, sealed, &r->err) < 0 ? -1 : 1;
}

int mst_held_get(struct mst_read *r, struct mst_held *out, const uint8_t owner[static 16], const uint8_t enrollment[static 16],
		 const uint8_t setting[static 16], const struct mst_seal *seal)
{
	struct mst_slice value, at;
	uint8_t key[KEY_LEN];
	int rc;

	key_make(key, owner, enrollment, setting);
	at = mst_slice(key, sizeof key);
	rc = mst_read_get(r, &value, MST_SPACE_HELD, at);
	return rc == 1 ? decode(r, out, at, value, seal) : rc;
}

int mst_held_next(struct mst_walk *w, struct mst_read *r, struct mst_held *out, struct mst_slice owner, struct mst_slice from,
		  const struct mst_seal *seal)
{
	struct mst_slice key, value;
	int rc;

	if (!w->r && mst_walk_init(w, r, MST_SPACE_HELD, owner, from) < 0)
		return -1;
	rc = mst_record_next(w, &key, &value);
	return rc == 1 ? decode(r, out, key, value, seal) : rc;
}

/* An open key is sealed anew; one that stayed closed keeps its bytes. */
static int seal_key(struct mst_slice *out, const struct mst_held *h, struct mst_slice place, struct mst_arena *arena,
		    const struct mst_seal *seal, struct mst_err *e)
{
	*out = h->sealed;
	if (h->key.len == 0)
		return 0;
	return mst_seal_close(out, arena, seal, place, h->key, e);
}

static int write(struct mst_slice *value, struct mst_slice *sealed, struct mst_batch *b, const struct mst_held *h,
		 const struct mst_seal *seal, struct mst_err *e)
{
	const int64_t times[] = {h->not_before, h->not_after, h->due_ms, h->made_ms, h->delivered_ms, h->changed_ms};
	const struct mst_slice texts[] = {h->cert, h->chain, h->ticket, h->reason};
	uint8_t key[KEY_LEN];
	struct mst_slice at = mst_slice(key, sizeof key);
	struct mst_pack p;

	key_make(key, h->owner, h->enrollment, h->setting);
	if (seal_key(sealed, h, at, b->arena, seal, e) < 0)
		return -1;
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_bool(&p, h->is_user);
	mst_pack_bool(&p, h->is_early);
	mst_pack_u64(&p, h->state);
	mst_pack_u64(&p, h->num_made);
	mst_pack_u64(&p, h->num_failed);
	mst_pack_fixed(&p, h->authority, sizeof h->authority);
	mst_pack_fixed(&p, h->serial, sizeof h->serial);
	mst_pack_fixed(&p, h->inputs, sizeof h->inputs);
	for (size_t i = 0; i < MST_LEN(times); i++)
		mst_pack_i64(&p, times[i]);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		mst_pack_bytes(&p, texts[i]);
	mst_pack_bytes(&p, *sealed);
	mst_pack_fixed(&p, h->older_authority, sizeof h->older_authority);
	mst_pack_fixed(&p, h->older_serial, sizeof h->older_serial);
	mst_pack_bytes(&p, h->older_cert);
	mst_pack_bytes(&p, h->older_ticket);
	mst_pack_bool(&p, h->older_waits);
	mst_record_require(b, MST_SPACE_HELD, at, h->raw);
	if (mst_pack_end(&p, value, e) < 0) {
		b->is_short = true;
		return -1;
	}
	mst_batch_put(b, MST_SPACE_HELD, at, *value);
	return 0;
}

int mst_held_put(struct mst_batch *b, const struct mst_held *h, const struct mst_seal *seal, struct mst_err *e)
{
	struct mst_slice value, sealed;

	return write(&value, &sealed, b, h, seal, e);
}

int mst_held_move(struct mst_batch *b, struct mst_held *h, const struct mst_seal *seal, struct mst_err *e)
{
	struct mst_slice value, sealed;

	if (write(&value, &sealed, b, h, seal, e) < 0)
		return -1;
	h->raw = value;
	h->sealed = sealed;
	h->is_old = false;
	return 0;
}

void mst_held_drop(struct mst_batch *b, const struct mst_held *h)
{
	uint8_t key[KEY_LEN];

	key_make(key, h->owner, h->enrollment, h->setting);
	mst_record_require(b, MST_SPACE_HELD, mst_slice(key, sizeof key), h->raw);
	mst_batch_drop(b, MST_SPACE_HELD, mst_slice(key, sizeof key));
}
