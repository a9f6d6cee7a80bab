/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of each command, and its way out of the queue.
 *
 *   | device 16 | channel 8 | uuid |
 */
#include "command.h"

#include "record.h"

#define VERSION 1

static const char *const state_words[MST_NUM_COMMAND_STATES] = {
#define X(name, word) [MST_COMMAND_##name] = word,
	MST_COMMAND_STATES(X)
#undef X
};

const char *mst_command_state_word(enum mst_command_state state)
{
	return state_words[state];
}

struct mst_slice mst_command_key(uint8_t room[static MST_COMMAND_KEY_MAX], const struct mst_id *id,
				 struct mst_slice uuid)
{
	BUG_ON(uuid.len > MST_UUID_MAX);
	memcpy(room, id, sizeof *id);
	if (uuid.len)
		memcpy(room + sizeof *id, uuid.at, uuid.len);
	return mst_slice(room, sizeof *id + uuid.len);
}

static int decode(struct mst_command *out, struct mst_slice key, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	*out = (struct mst_command){.raw = value};
	if (key.len <= sizeof out->id || key.len > MST_COMMAND_KEY_MAX)
		return mst_fail(e, MST_E_STORE, "the key of a command record has %zu bytes", key.len);
	memcpy(&out->id, key.at, sizeof out->id);
	out->uuid = mst_slice(key.at + sizeof out->id, key.len - sizeof out->id);
	mst_unpack_begin(&u, value, VERSION);
	out->state = (enum mst_command_state)mst_unpack_max(&u, MST_NUM_COMMAND_STATES - 1);
	out->epoch = mst_unpack_u32(&u);
	mst_unpack_fixed(&u, out->queue_key, sizeof out->queue_key);
	out->queued_ms = mst_unpack_i64(&u);
	out->changed_ms = mst_unpack_i64(&u);
	out->not_now_ms = mst_unpack_i64(&u);
	out->num_not_now = mst_unpack_u32(&u);
	out->request_type = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "command", e);
}

void mst_command_put(struct mst_batch *b, const struct mst_command *c)
{
	uint8_t room[MST_COMMAND_KEY_MAX];
	struct mst_slice key = mst_command_key(room, &c->id, c->uuid);
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_u64(&p, c->state);
	mst_pack_u64(&p, c->epoch);
	mst_pack_fixed(&p, c->queue_key, sizeof c->queue_key);
	mst_pack_i64(&p, c->queued_ms);
	mst_pack_i64(&p, c->changed_ms);
	mst_pack_i64(&p, c->not_now_ms);
	mst_pack_u64(&p, c->num_not_now);
	mst_pack_bytes(&p, c->request_type);
	mst_record_require(b, MST_SPACE_COMMAND, key, c->raw);
	mst_record_put(b, MST_SPACE_COMMAND, key, &p);
}

int mst_command_get(struct mst_read *r, struct mst_command *out, const struct mst_id *id, struct mst_slice uuid)
{
	struct mst_slice key, value;
	uint8_t room[MST_COMMAND_KEY_MAX];

	if (uuid.len == 0 || uuid.len > MST_UUID_MAX)
		return 0;
	int rc = mst_read_get(r, &value, MST_SPACE_COMMAND, mst_command_key(room, id, uuid));
	if (rc != 1)
		return rc;
	if (!mst_arena_copy(r->arena, &key, mst_slice(room, sizeof *id + uuid.len)))
		return mst_fail(&r->err, MST_E_BUSY, "a record does not fit the memory of this request");
	return decode(out, key, value, &r->err) < 0 ? -1 : 1;
}

int mst_command_next(struct mst_walk *w, struct mst_read *r, struct mst_command *out, const struct mst_id *id,
		     struct mst_slice from)
{
	struct mst_slice key, value, start = {NULL, 0};
	uint8_t room[MST_COMMAND_KEY_MAX + 1];

	if (!w->r) {
		if (from.len > MST_UUID_MAX)
			return mst_fail(&r->err, MST_E_SYNTAX, "a command uuid has at most %d bytes", MST_UUID_MAX);
		if (from.len) {
			/* The first key behind a key is that key with a zero byte more. */
			start = mst_command_key(room, id, from);
			room[start.len++] = 0;
		}
		if (mst_walk_init(w, r, MST_SPACE_COMMAND, mst_id_key(id), start) < 0)
			return -1;
	}
	int rc = mst_record_next(w, &key, &value);
	if (rc != 1)
		return rc;
	return decode(out, key, value, &r->err) < 0 ? -1 : 1;
}

void mst_queue_end(struct mst_batch *b, const struct mst_command *c, enum mst_command_state state, int64_t now_ms)
{
	struct mst_command ended = *c;

	BUG_ON(!mst_command_is_over(state));
	if (!mst_command_is_over(c->state))
		mst_batch_drop(b, MST_SPACE_QUEUE, mst_slice(c->queue_key, sizeof c->queue_key));
	ended.state = state;
	ended.changed_ms = now_ms;
	memset(ended.queue_key, 0, sizeof ended.queue_key);
	mst_command_put(b, &ended);
}

void mst_queue_not_now(struct mst_batch *b, const struct mst_command *c, int64_t now_ms)
{
	struct mst_command marked = *c;

	BUG_ON(mst_command_is_over(c->state));
	marked.state = MST_COMMAND_NOT_NOW;
	marked.changed_ms = now_ms;
	marked.not_now_ms = now_ms;
	marked.num_not_now++;
	mst_command_put(b, &marked);
}
