/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of campaigns, in order of their numbers:
 *
 *   | 1 | number 8 |             what it does and how far it is
 *   | 2 | number 8 |             its command, as devices get it
 *   | 3 | number 8 | chunk 4 |   ids of its list, sorted
 */
#include "campaign_own.h"
#include "muster/pack.h"

#define VERSION 1
#define KEY_MAX 13

enum kind { RECORD = 1, COMMAND = 2, IDS = 3 };
#define RECORD_LEN 9
#define IDS_LEN    13
#define DROPS_MAX  256 /* keys in one batch */

static const char *const state_words[MST_NUM_CAMPAIGN_STATES] = {
#define X(name, word) [MST_CAMPAIGN_##name] = word,
	MST_CAMPAIGN_STATES(X)
#undef X
};
static const char *const source_words[NUM_CAMPAIGN_SOURCES] = {
#define X(name, word) [CAMPAIGN_##name] = word,
	CAMPAIGN_SOURCES(X)
#undef X
};
static const char *const skip_words[NUM_CAMPAIGN_SKIPS] = {
#define X(name, word) [CAMPAIGN_SKIP_##name] = word,
	CAMPAIGN_SKIPS(X)
#undef X
};

const char *mst_campaign_state_word(enum mst_campaign_state state)
{
	return state_words[state];
}

const char *mst_campaign_source_word(enum campaign_source source)
{
	return source_words[source];
}

const char *mst_campaign_skip_word(enum campaign_skip skip)
{
	return skip_words[skip];
}

static void put_number(uint8_t *at, uint64_t n, int len)
{
	for (int i = 0; i < len; i++)
		at[i] = (uint8_t)(n >> (8 * (len - 1 - i)));
}

static uint64_t number_of(const uint8_t *at)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | at[i];
	return n;
}

static struct mst_slice key_make(uint8_t room[static KEY_MAX], enum kind kind, uint64_t number, uint32_t chunk)
{
	room[0] = (uint8_t)kind;
	put_number(room + 1, number, 8);
	put_number(room + RECORD_LEN, chunk, 4);
	return mst_slice(room, kind == IDS ? IDS_LEN : RECORD_LEN);
}

/* Without memory the batch is short, which its commit tells. */
static void put(struct mst_batch *b, struct mst_slice key, struct mst_pack *p)
{
	struct mst_slice value;

	if (mst_pack_end(p, &value, NULL) < 0)
		b->is_short = true;
	else
		mst_batch_put(b, MST_SPACE_CAMPAIGN, key, value);
}

static void put_cursor(struct mst_pack *p, const struct campaign_cursor *cursor)
{
	mst_pack_u64(p, cursor->index);
	mst_pack_bool(p, cursor->is_begun);
	mst_pack_fixed(p, cursor->device, sizeof(cursor->device));
}

static void get_cursor(struct mst_unpack *u, struct campaign_cursor *cursor)
{
	cursor->index = mst_unpack_u64(u);
	cursor->is_begun = mst_unpack_bool(u);
	mst_unpack_fixed(u, cursor->device, sizeof(cursor->device));
}

#define NUM_TEXTS 7
static void texts_of(struct mst_slice *texts[static NUM_TEXTS], struct campaign_record *c)
{
	struct mst_slice *const all[NUM_TEXTS] = {&c->name,  &c->who,        &c->uuid, &c->request_type,
						  &c->model, &c->os_version, &c->topic};

	memcpy(texts, all, sizeof(all));
}

#define NUM_COUNTS (4 + NUM_CAMPAIGN_SKIPS)
static void counts_of(uint64_t *counts[static NUM_COUNTS], struct campaign_record *c)
{
	uint64_t *const all[4] = {&c->num_ids, &c->num_targets, &c->num_queued, &c->num_withdrawn};

	memcpy(counts, all, sizeof(all));
	for (size_t i = 0; i < NUM_CAMPAIGN_SKIPS; i++)
		counts[4 + i] = &c->num_skipped[i];
}

void mst_campaign_record_put(struct mst_batch *b, const struct campaign_record *c)
{
	struct campaign_record copy = *c;
	struct mst_slice *texts[NUM_TEXTS];
	uint64_t *counts[NUM_COUNTS];
	uint8_t key[KEY_MAX];
	struct mst_pack p;

	texts_of(texts, &copy);
	counts_of(counts, &copy);
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_u64(&p, c->state);
	mst_pack_u64(&p, c->source);
	mst_pack_bool(&p, c->is_nopush);
	mst_pack_bool(&p, c->is_withdrawing);
	mst_pack_u64(&p, c->rate);
	mst_pack_i64(&p, c->created_ms);
	mst_pack_i64(&p, c->starts_ms);
	mst_pack_i64(&p, c->changed_ms);
	put_cursor(&p, &c->cursor);
	put_cursor(&p, &c->withdrawn);
	for (size_t i = 0; i < NUM_TEXTS; i++)
		mst_pack_bytes(&p, *texts[i]);
	for (size_t i = 0; i < NUM_COUNTS; i++)
		mst_pack_u64(&p, *counts[i]);
	put(b, key_make(key, RECORD, c->number, 0), &p);
}

static int decode(struct campaign_record *out, uint64_t number, struct mst_slice value, struct mst_err *e)
{
	struct mst_slice *texts[NUM_TEXTS];
	uint64_t *counts[NUM_COUNTS];
	struct mst_unpack u;

	*out = (struct campaign_record){.number = number};
	texts_of(texts, out);
	counts_of(counts, out);
	mst_unpack_begin(&u, value, VERSION);
	out->state = (enum mst_campaign_state)mst_unpack_max(&u, MST_NUM_CAMPAIGN_STATES - 1);
	out->source = (enum campaign_source)mst_unpack_max(&u, NUM_CAMPAIGN_SOURCES - 1);
	out->is_nopush = mst_unpack_bool(&u);
	out->is_withdrawing = mst_unpack_bool(&u);
	out->rate = mst_unpack_u32(&u);
	out->created_ms = mst_unpack_i64(&u);
	out->starts_ms = mst_unpack_i64(&u);
	out->changed_ms = mst_unpack_i64(&u);
	get_cursor(&u, &out->cursor);
	get_cursor(&u, &out->withdrawn);
	for (size_t i = 0; i < NUM_TEXTS; i++)
		*texts[i] = mst_unpack_bytes(&u);
	for (size_t i = 0; i < NUM_COUNTS; i++)
		*counts[i] = mst_unpack_u64(&u);
	if (out->uuid.len == 0 || out->uuid.len > MST_UUID_MAX)
		u.is_bad = true;
	return mst_unpack_end(&u, "campaign", e);
}

int mst_campaign_record_get(struct mst_read *r, struct campaign_record *out, uint64_t number)
{
	struct mst_slice value;
	uint8_t key[KEY_MAX];
	int rc = mst_read_get(r, &value, MST_SPACE_CAMPAIGN, key_make(key, RECORD, number, 0));

	if (rc != 1)
		return rc;
	return decode(out, number, value, &r->err) < 0 ? -1 : 1;
}

/* The first key of `kind` whose number is `from` or more: 1 with the value copied when `value` is not NULL. */
static int find(struct mst_read *r, enum kind kind, uint64_t *number, struct mst_slice *value, uint64_t from)
{
	const uint8_t prefix = (uint8_t)kind;
	struct mst_walk w = {.r = NULL};
	uint8_t key[KEY_MAX];
	int rc = mst_walk_init(&w, r, MST_SPACE_CAMPAIGN, mst_slice(&prefix, 1),
			       mst_slice(key_make(key, kind, from, 0).at, RECORD_LEN));

	if (rc == 0)
		rc = mst_walk_next(&w);
	if (rc == 1 && w.key.len < RECORD_LEN)
		rc = mst_fail(&r->err, MST_E_STORE, "the key of a campaign has %zu bytes", w.key.len);
	if (rc == 1)
		*number = number_of(w.key.at + 1);
	if (rc == 1 && value && !mst_arena_copy(r->arena, value, w.value))
		rc = mst_fail(&r->err, MST_E_BUSY, "no memory for a campaign");
	mst_walk_done(&w);
	return rc;
}

int mst_campaign_record_next(struct mst_read *r, struct campaign_record *out, uint64_t from)
{
	struct mst_slice value;
	uint64_t number;
	int rc = find(r, RECORD, &number, &value, from);

	if (rc != 1)
		return rc;
	return decode(out, number, value, &r->err) < 0 ? -1 : 1;
}

int mst_campaign_record_copy(struct campaign_record *out, struct mst_arena *arena, const struct campaign_record *c,
			     struct mst_err *e)
{
	struct mst_slice *texts[NUM_TEXTS];

	*out = *c;
	texts_of(texts, out);
	for (size_t i = 0; i < NUM_TEXTS; i++)
		if (!mst_arena_copy(arena, texts[i], *texts[i]))
			return mst_fail(e, MST_E_BUSY, "no memory for a campaign");
	return 0;
}

void mst_campaign_plist_put(struct mst_batch *b, uint64_t number, struct mst_slice plist)
{
	uint8_t key[KEY_MAX];
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_bytes(&p, plist);
	put(b, key_make(key, COMMAND, number, 0), &p);
}

void mst_campaign_plist_drop(struct mst_batch *b, uint64_t number)
{
	uint8_t key[KEY_MAX];

	mst_batch_drop(b, MST_SPACE_CAMPAIGN, key_make(key, COMMAND, number, 0));
}

int mst_campaign_plist_get(struct mst_read *r, struct mst_slice *out, uint64_t number)
{
	struct mst_slice value;
	struct mst_unpack u;
	uint8_t key[KEY_MAX];
	int rc = mst_read_get(r, &value, MST_SPACE_CAMPAIGN, key_make(key, COMMAND, number, 0));

	if (rc != 1)
		return rc;
	mst_unpack_begin(&u, value, VERSION);
	*out = mst_unpack_bytes(&u);
	if (out->len == 0 || out->len > MST_COMMAND_MAX)
		u.is_bad = true;
	return mst_unpack_end(&u, "campaign's command", &r->err) < 0 ? -1 : 1;
}

void mst_campaign_ids_put(struct mst_batch *b, uint64_t number, uint32_t chunk, const struct mst_id *ids, size_t num)
{
	uint8_t key[KEY_MAX];
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_bytes(&p, mst_slice(ids, num * sizeof(*ids)));
	put(b, key_make(key, IDS, number, chunk), &p);
}

int mst_campaign_ids_get(struct mst_read *r, struct mst_slice *out, uint64_t number, uint32_t chunk)
{
	struct mst_slice value;
	struct mst_unpack u;
	uint8_t key[KEY_MAX];
	int rc = mst_read_get(r, &value, MST_SPACE_CAMPAIGN, key_make(key, IDS, number, chunk));

	if (rc != 1)
		return rc;
	mst_unpack_begin(&u, value, VERSION);
	*out = mst_unpack_bytes(&u);
	if (out->len % sizeof(struct mst_id))
		u.is_bad = true;
	return mst_unpack_end(&u, "campaign's list", &r->err) < 0 ? -1 : 1;
}

int mst_campaign_left_next(struct mst_read *r, uint64_t *number, uint64_t from)
{
	uint64_t other;
	int rc = find(r, IDS, number, NULL, from), more;

	if (rc < 0)
		return rc;
	more = find(r, COMMAND, &other, NULL, from);
	if (more != 1)
		return more < 0 ? more : rc;
	if (rc == 0 || other < *number)
		*number = other;
	return 1;
}

/* Drops chunks in steps; the record goes first of all: a campaign without one is what the next sweep looks for. */
struct drop {
	struct mst_read read;
	struct mst_batch *batch;
	uint64_t number;
	uint32_t num;
};

static int drop_plan(struct mst_read *r)
{
	struct drop *d = MST_HOME(r, struct drop, read);
	struct mst_walk w = {.r = NULL};
	uint8_t key[KEY_MAX];
	struct mst_slice prefix = mst_slice(key_make(key, IDS, d->number, 0).at, RECORD_LEN);
	int rc = mst_walk_init(&w, r, MST_SPACE_CAMPAIGN, prefix, mst_slice(NULL, 0));

	d->num = 0;
	while (rc == 0 && d->num < DROPS_MAX) {
		rc = mst_walk_next(&w);
		if (rc != 1)
			break;
		mst_batch_drop(d->batch, MST_SPACE_CAMPAIGN, w.key);
		d->num++;
		rc = 0;
	}
	mst_walk_done(&w);
	return rc;
}

static int drop_some(struct drop *d, struct mst_store *store, struct mst_err *e)
{
	struct mst_arena arena;
	struct mst_batch b;
	uint8_t key[KEY_MAX];
	int rc;

	mst_arena_init(&arena, NULL, 0);
	mst_batch_init(&b, &arena, NULL, NULL);
	d->batch = &b;
	d->read = (struct mst_read){.arena = &arena, .plan = drop_plan};
	mst_batch_drop(&b, MST_SPACE_CAMPAIGN, key_make(key, RECORD, d->number, 0));
	rc = mst_store_read_here(store, &d->read);
	if (rc < 0)
		*e = d->read.err;
	if (rc == 0 && d->num < DROPS_MAX)
		mst_batch_drop(&b, MST_SPACE_CAMPAIGN, key_make(key, COMMAND, d->number, 0));
	if (rc == 0 && mst_store_commit_here(store, &b) < 0) {
		*e = b.err;
		rc = -1;
	}
	mst_arena_done(&arena);
	return rc;
}

int mst_campaign_drop(struct mst_store *store, uint64_t number, struct mst_err *e)
{
	struct drop d = {.number = number};

	do
		if (drop_some(&d, store, e) < 0)
			return -1;
	while (d.num == DROPS_MAX);
	return 0;
}
