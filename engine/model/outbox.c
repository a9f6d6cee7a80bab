/* SPDX-License-Identifier: Apache-2.0 */
/* Pushes that are due: the record of each, its place in time, and the word to the push engine that there is one. */
#include "muster/outbox.h"

#include "muster/clock.h"
#include "muster/device.h"
#include "muster/text.h"
#include "record.h"

#define VERSION 1
#define SEQUENCE_AT 8
#define ID_AT 16

static const char *const cause_words[MST_NUM_PUSH_CAUSES] = {
#define X(name, word) [MST_PUSH_##name] = word,
	MST_PUSH_CAUSES(X)
#undef X
};

const char *mst_push_cause_word(enum mst_push_cause cause)
{
	return cause_words[cause];
}

void mst_push_due_make(struct mst_push_due *out, const struct mst_id *id, enum mst_push_cause cause, int64_t due_ms)
{
	*out = (struct mst_push_due){.id = *id, .due_ms = due_ms, .cause = cause, .since_ms = mst_clock_wall_ms()};
	mst_random(out->apns_id, sizeof out->apns_id);
	/* A random UUID: RFC 9562 5.4. */
	out->apns_id[6] = (uint8_t)((out->apns_id[6] & 0x0f) | 0x40);
	out->apns_id[8] = (uint8_t)((out->apns_id[8] & 0x3f) | 0x80);
}

void mst_apns_id_put(char out[static MST_APNS_ID_ROOM], const uint8_t apns_id[static 16])
{
	static const uint8_t parts[] = {4, 2, 2, 2, 6};

	for (size_t i = 0; i < MST_LEN(parts); i++) {
		mst_hex_put(out, mst_slice(apns_id, parts[i]));
		apns_id += parts[i];
		out += 2 * parts[i];
		*out++ = '-';
	}
	out[-1] = '\0';
}

static void make_key(uint8_t key[static MST_OUTBOX_KEY_LEN], int64_t due_ms, uint64_t sequence, const struct mst_id *id)
{
	mst_record_key_u64(key, due_ms > 0 ? (uint64_t)due_ms : 0);
	mst_record_key_u64(key + SEQUENCE_AT, sequence);
	memcpy(key + ID_AT, id, sizeof *id);
}

static void drop_key(struct mst_batch *b, const struct mst_push_due *due)
{
	uint8_t key[MST_OUTBOX_KEY_LEN];

	make_key(key, due->due_ms, due->sequence, &due->id);
	mst_batch_drop(b, MST_SPACE_OUTBOX, mst_slice(key, sizeof key));
}

void mst_outbox_put(struct mst_batch *b, struct mst_push_due *due)
{
	uint8_t key[MST_OUTBOX_KEY_LEN];
	struct mst_pack p;

	due->due_ms = due->due_ms > 0 ? due->due_ms : 0;
	due->sequence = mst_sequence();
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_i64(&p, due->due_ms);
	mst_pack_u64(&p, due->sequence);
	mst_pack_u64(&p, due->cause);
	mst_pack_i64(&p, due->since_ms);
	mst_pack_u64(&p, due->num_failed);
	mst_pack_u64(&p, due->num_silent);
	mst_pack_i64(&p, due->pushed_ms);
	mst_pack_u64(&p, due->expiry_s);
	mst_pack_u64(&p, due->priority);
	mst_pack_fixed(&p, due->apns_id, sizeof due->apns_id);
	mst_record_put(b, MST_SPACE_PUSH, mst_id_key(&due->id), &p);
	make_key(key, due->due_ms, due->sequence, &due->id);
	mst_batch_put(b, MST_SPACE_OUTBOX, mst_slice(key, sizeof key), mst_slice(NULL, 0));
}

void mst_outbox_move(struct mst_batch *b, const struct mst_push_due *old, struct mst_push_due *due)
{
	mst_record_require(b, MST_SPACE_PUSH, mst_id_key(&old->id), old->raw);
	drop_key(b, old);
	mst_outbox_put(b, due);
}

void mst_outbox_end(struct mst_batch *b, const struct mst_push_due *old)
{
	mst_record_require(b, MST_SPACE_PUSH, mst_id_key(&old->id), old->raw);
	drop_key(b, old);
	mst_batch_drop(b, MST_SPACE_PUSH, mst_id_key(&old->id));
}

static int decode(struct mst_push_due *out, const struct mst_id *id, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	*out = (struct mst_push_due){.id = *id, .raw = value};
	mst_unpack_begin(&u, value, VERSION);
	out->due_ms = mst_unpack_i64(&u);
	out->sequence = mst_unpack_u64(&u);
	out->cause = (enum mst_push_cause)mst_unpack_max(&u, MST_NUM_PUSH_CAUSES - 1);
	out->since_ms = mst_unpack_i64(&u);
	out->num_failed = mst_unpack_u32(&u);
	out->num_silent = mst_unpack_u32(&u);
	out->pushed_ms = mst_unpack_i64(&u);
	out->expiry_s = mst_unpack_u32(&u);
	out->priority = (uint8_t)mst_unpack_max(&u, UINT8_MAX);
	mst_unpack_fixed(&u, out->apns_id, sizeof out->apns_id);
	return mst_unpack_end(&u, "push", e);
}

int mst_outbox_get(struct mst_read *r, struct mst_push_due *out, const struct mst_id *id)
{
	struct mst_slice value;
	int rc = mst_read_get(r, &value, MST_SPACE_PUSH, mst_id_key(id));

	if (rc != 1)
		return rc;
	return decode(out, id, value, &r->err) < 0 ? -1 : 1;
}

int mst_outbox_next(struct mst_walk *w, struct mst_read *r, struct mst_outbox_place *out, struct mst_slice from, int64_t until_ms)
{
	const struct mst_slice all = {NULL, 0};

	out->due_ms = 0;
	if (!w->r && mst_walk_init(w, r, MST_SPACE_OUTBOX, all, from) < 0)
		return -1;
	int rc = mst_walk_next(w);
	if (rc != 1)
		return rc;
	if (w->key.len != MST_OUTBOX_KEY_LEN)
		return mst_fail(&r->err, MST_E_STORE, "the key of a push's place has %zu bytes", w->key.len);
	memcpy(out->key, w->key.at, w->key.len);
	out->due_ms = (int64_t)mst_record_u64_of(w->key.at);
	out->sequence = mst_record_u64_of(w->key.at + SEQUENCE_AT);
	memcpy(&out->id, w->key.at + ID_AT, sizeof out->id);
	return out->due_ms <= until_ms;
}

void mst_outbox_place_of(struct mst_outbox_place *out, const struct mst_push_due *due)
{
	*out = (struct mst_outbox_place){.due_ms = due->due_ms, .sequence = due->sequence, .id = due->id};
	make_key(out->key, due->due_ms, due->sequence, &due->id);
}

void mst_outbox_drop_place(struct mst_batch *b, const struct mst_outbox_place *place)
{
	mst_batch_drop(b, MST_SPACE_OUTBOX, mst_slice(place->key, sizeof place->key));
}

static void on_back(struct mst_mail *mail)
{
	struct mst_kick *kick = MST_HOME(mail, struct mst_kick, mail);

	kick->is_out = false;
	if (!kick->is_waiting)
		return;
	kick->is_waiting = false;
	mst_kick(kick, kick->waiting_ms);
}

static void on_there(struct mst_mail *mail)
{
	struct mst_kick *kick = MST_HOME(mail, struct mst_kick, mail);

	kick->on_kick(kick->context, kick->out_ms);
	mail->on_mail = on_back;
	mst_loop_post(kick->home, mail);
}

void mst_kick(struct mst_kick *kick, int64_t due_ms)
{
	if (!kick)
		return;
	if (kick->is_out) {
		kick->waiting_ms = kick->is_waiting && kick->waiting_ms < due_ms ? kick->waiting_ms : due_ms;
		kick->is_waiting = true;
		return;
	}
	kick->is_out = true;
	kick->out_ms = due_ms;
	kick->mail.on_mail = on_there;
	mst_loop_post(kick->push_loop, &kick->mail);
}
