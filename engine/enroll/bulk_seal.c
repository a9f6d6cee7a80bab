/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new master key, and the walk that seals anew what lies under older ones: page by page on a
 * worker, each record a batch of its own partition. Passes go over the store until one that began
 * when the key was old enough finds nothing: only then do the older keys' lines become dispensable.
 *
 *   CHECK ~> IDLE > (rotate) NEW ~> PAGE ~> COMMIT ~> PAGE ... > WAIT ~> PAGE ... > SETTLE ~> IDLE
 */
#include "bulk_seal.h"

#include <stdlib.h>

#include "keypool_own.h"
#include "muster/clock.h"
#include "muster/count.h"
#include "muster/held.h"
#include "muster/log.h"
#include "muster/master.h"
#include "muster/object.h"
#include "muster/pushcert.h"
#include "muster/text.h"

#define FIRST_MS 60000 /* after the start: devices come first */
#define QUIET_MS 60000 /* what was sealed under the key before is in the store by then */
#define AGAIN_MS 1000  /* between two passes */
#define REST_MS  30000 /* after the store could not be read or written */
#define PAGE_MAX 2000  /* records of a page: some milliseconds */
#define PAGE_LEN (1u << 20)

static void wipe(struct mst_slice secret)
{
	if (secret.len)
		mst_wipe((void *)(uintptr_t)secret.at, secret.len);
}

static int seal_authority(struct mst_sealer *s, struct mst_read *r, struct mst_slice key,
			  struct mst_slice value)
{
	struct mst_authority a;
	int rc = mst_authority_get(r, &a, key.at, s->conf->seal);

	if (rc == 1)
		rc = a.is_old ? mst_authority_put(mst_sealer_batch(s), &a, s->conf->seal, &r->err)
			      : 0;
	mst_authority_wipe(&a);
	return rc;
}

static int seal_cert(struct mst_sealer *s, struct mst_read *r, struct mst_slice key,
		     struct mst_slice value)
{
	struct mst_issued issued;
	int rc = mst_issued_get(r, &issued, key.at, key.at + 16, NULL);

	if (rc != 1 || !mst_seal_is_old(s->conf->seal, issued.sealed))
		return rc < 0 ? -1 : 0;
	rc = mst_issued_get(r, &issued, key.at, key.at + 16, s->conf->seal);
	if (rc != 1)
		return rc;
	rc = mst_issued_put(mst_sealer_batch(s), &issued, s->conf->seal, &r->err);
	wipe(issued.key);
	return rc;
}

static int seal_channel(struct mst_sealer *s, struct mst_read *r, struct mst_slice key,
			struct mst_slice value)
{
	struct mst_channel channel;
	struct mst_id id;

	if (key.len != sizeof(id))
		return mst_fail(&r->err, MST_E_STORE, "the key of a channel record has %zu bytes",
				key.len);
	memcpy(&id, key.at, sizeof(id));
	int rc = mst_channel_get(r, &channel, &id, s->conf->seal);
	return rc == 1 ? channel.is_old ? mst_channel_put(mst_sealer_batch(s), &channel,
							  s->conf->seal, &r->err)
					: 0
		       : rc;
}

/* Records of the pool are put once: the key moves to a new one. */
static int seal_pool(struct mst_sealer *s, struct mst_read *r, struct mst_slice key,
		     struct mst_slice value)
{
	struct pool_row row = {.key = key};
	struct mst_batch *b;
	int rc = 0;

	if (!mst_arena_copy(r->arena, &row.value, value))
		return mst_fail(&r->err, MST_E_BUSY, "no memory for the pool's keys");
	if (mst_pool_open(&row, r->arena, s->conf->seal, &r->err) < 0)
		return -1;
	if (row.is_old) {
		b = mst_sealer_batch(s);
		mst_batch_require_same(b, MST_SPACE_KEYPOOL, row.key, row.value);
		mst_batch_drop(b, MST_SPACE_KEYPOOL, row.key);
		rc = mst_pool_put(b, &row.pair, s->conf->seal, (enum mst_key_kind)key.at[0],
				  &r->err);
	}
	wipe(row.pair.der);
	return rc;
}

static int seal_identity(struct mst_sealer *s, struct mst_read *r, struct mst_slice key,
			 struct mst_slice value)
{
	struct bulk_chunk *chunk = mst_arena_get(r->arena, sizeof(*chunk));
	struct mst_batch *b;
	struct bulk_p12 p12;
	bool is_old = false;

	if (!chunk || !mst_arena_copy(r->arena, &value, value))
		return mst_fail(&r->err, MST_E_BUSY, "no memory for a slice of identities");
	if (mst_bulk_chunk_read(chunk, key, value, &r->err) < 0)
		return -1;
	for (uint32_t i = 0; i < chunk->num; i++)
		is_old = is_old || mst_seal_is_old(s->conf->seal, chunk->sealed[i]);
	if (!is_old)
		return 0;
	b = mst_sealer_batch(s);
	for (uint32_t i = 0; i < chunk->num; i++)
		if (mst_bulk_chunk_open(&p12, r->arena, s->conf->seal, chunk, chunk->first + i,
					&r->err) < 0 ||
		    mst_bulk_chunk_close(&chunk->sealed[i], r->arena, s->conf->seal, chunk,
					 chunk->first + i, &p12, &r->err) < 0)
			return -1;
	mst_bulk_chunk_put(b, chunk);
	return 0;
}

static int seal_pushcert(struct mst_sealer *s, struct mst_read *r, struct mst_slice key,
			 struct mst_slice value)
{
	struct mst_pushcert c = {.key_pem = {NULL, 0}};

	if (key.len != 32)
		return mst_fail(&r->err, MST_E_STORE, "the key of a push credential has %zu bytes",
				key.len);
	int rc = mst_pushcert_get_key(r, &c, key.at, s->conf->seal);
	if (rc == 1)
		rc = c.is_old ? mst_pushcert_put(mst_sealer_batch(s), &c, s->conf->seal, &r->err)
			      : 0;
	wipe(c.key_pem);
	return rc;
}

static int seal_held(struct mst_sealer *s, struct mst_read *r, struct mst_slice key, struct mst_slice value)
{
	struct mst_held held;
	int rc;

	if (key.len != 48)
		return mst_fail(&r->err, MST_E_STORE, "the key of a held record has %zu bytes", key.len);
	rc = mst_held_get(r, &held, key.at, key.at + 16, key.at + 32, NULL);
	if (rc != 1 || held.sealed.len == 0 || !mst_seal_is_old(s->conf->seal, held.sealed))
		return rc < 0 ? -1 : 0;
	rc = mst_held_get(r, &held, key.at, key.at + 16, key.at + 32, s->conf->seal);
	if (rc != 1)
		return rc;
	rc = mst_held_put(mst_sealer_batch(s), &held, s->conf->seal, &r->err);
	wipe(held.key);
	return rc;
}

static int seal_object(struct mst_sealer *s, struct mst_read *r, struct mst_slice key, struct mst_slice value)
{
	struct mst_object o;
	int rc;

	if (key.len != 17 || key.at[0] >= MST_NUM_NOUNS)
		return mst_fail(&r->err, MST_E_STORE, "the key of an object has %zu bytes", key.len);
	rc = mst_object_get(r, &o, (enum mst_noun)key.at[0], key.at + 1, s->conf->seal);
	if (rc != 1)
		return rc;
	rc = o.is_old ? mst_object_put(mst_sealer_batch(s), &o, s->conf->seal, &r->err) : 0;
	for (uint32_t i = 0; i < o.shape->num_fields; i++)
		if (o.shape->fields[i].kind == MST_FIELD_SECRET)
			wipe(o.values[i].text);
	return rc;
}

/* The key spaces that hold sealed values. */
static const struct {
	enum mst_space space;
	int (*seal)(struct mst_sealer *s, struct mst_read *r, struct mst_slice key,
		    struct mst_slice value);
} rows[] = {
	{MST_SPACE_AUTHORITY, seal_authority}, {MST_SPACE_CHANNEL, seal_channel},
	{MST_SPACE_CERT, seal_cert},           {MST_SPACE_IDENTITY, seal_identity},
	{MST_SPACE_KEYPOOL, seal_pool},        {MST_SPACE_PUSHCERT, seal_pushcert},
	{MST_SPACE_HELD, seal_held},           {MST_SPACE_OBJECT, seal_object},
};

static void on_committed(struct mst_batch *b);

struct mst_batch *mst_sealer_batch(struct mst_sealer *s)
{
	struct mst_batch *b = &s->batches[s->num_batches++];

	mst_batch_init(b, &s->arena, s->app->loop, on_committed);
	return b;
}

static bool is_full(const struct mst_sealer *s)
{
	return s->num_batches == SEALER_BATCHES || s->arena.used > PAGE_LEN;
}

/* Starts behind s->from; a failed record ends the page and is told. */
static int plan(struct mst_read *r)
{
	struct mst_sealer *s = MST_HOME(r, struct mst_sealer, read);
	const struct mst_slice all = {NULL, 0};
	struct mst_walk w = {.r = NULL};
	int rc = mst_walk_init(&w, r, rows[s->row].space, all, mst_slice(s->from, s->from_len));
	uint32_t num = 0;

	s->is_row_over = false;
	while (rc == 0 && num++ < PAGE_MAX && !is_full(s)) {
		rc = mst_walk_next(&w);
		s->is_row_over = rc == 0;
		if (rc != 1)
			break;
		if (w.key.len >= sizeof(s->from)) {
			rc = mst_fail(&r->err, MST_E_STORE, "a key of %zu bytes", w.key.len);
			break;
		}
		/* The least key behind this one. */
		memcpy(s->from, w.key.at, w.key.len);
		s->from[w.key.len] = 0;
		s->from_len = w.key.len + 1;
		rc = rows[s->row].seal(s, r, mst_slice(s->from, w.key.len), w.value);
	}
	mst_walk_done(&w);
	return rc < 0 ? -1 : 0;
}

static void step(struct mst_sealer *s, enum seal_step to)
{
	s->step = to;
}

static void begin_pass(struct mst_sealer *s);

static void fail(struct mst_sealer *s)
{
	mst_log(WARN, "sealing anew pauses", mst_f_err(&s->err));
	step(s, SEAL_WAIT);
	mst_timer_set(s->app->loop, &s->timer, REST_MS);
}

static void give(struct mst_sealer *s, void (*run)(struct mst_job *work),
		 void (*on_ran)(struct mst_job *work), enum seal_step to)
{
	s->work = (struct mst_job){.home = s->app->loop, .run = run, .on_ran = on_ran};
	s->rc = 0;
	if (mst_work_post(s->app->work, MST_LANE_BULK, &s->work, &s->err) < 0)
		fail(s);
	else
		step(s, to);
}

static void on_settle_worker(struct mst_job *work)
{
	struct mst_sealer *s = MST_HOME(work, struct mst_sealer, work);
	s->rc = mst_master_settle(s->app->store, s->conf->seal, &s->err);
}

static void on_settled(struct mst_job *work)
{
	struct mst_sealer *s = MST_HOME(work, struct mst_sealer, work);

	if (s->rc < 0) {
		fail(s);
		return;
	}
	s->is_behind = false;
	step(s, SEAL_IDLE);
	mst_log(INFO, "everything is sealed under the newest master key",
		mst_f_u64("key", mst_seal_number(s->conf->seal)),
		mst_f_u64("sealed_anew", s->num_sealed));
}

static void end_pass(struct mst_sealer *s)
{
	uint32_t quiet_ms = s->conf->quiet_ms ? s->conf->quiet_ms : QUIET_MS;

	if (!s->is_unclean && s->pass_ms >= s->new_ms + quiet_ms) {
		give(s, on_settle_worker, on_settled, SEAL_SETTLE);
		return;
	}
	step(s, SEAL_WAIT);
	mst_timer_set(s->app->loop, &s->timer, quiet_ms < AGAIN_MS ? quiet_ms : AGAIN_MS);
}

static void on_page_worker(struct mst_job *work)
{
	struct mst_sealer *s = MST_HOME(work, struct mst_sealer, work);

	s->num_batches = 0;
	mst_arena_init(&s->arena, NULL, 0);
	s->read = (struct mst_read){.arena = &s->arena, .plan = plan};
	s->rc = mst_store_read_here(s->app->store, &s->read);
	if (s->rc < 0)
		s->err = s->read.err;
}

static void on_page(struct mst_job *work);

static void next_page(struct mst_sealer *s)
{
	mst_arena_done(&s->arena);
	if (s->is_row_over) {
		s->row++;
		s->from_len = 0;
	}
	if (s->app->is_draining)
		return;
	if (s->row == MST_LEN(rows))
		end_pass(s);
	else
		give(s, on_page_worker, on_page, SEAL_PAGE);
}

static void on_committed(struct mst_batch *b)
{
	struct mst_sealer *s = MST_HOME(b->arena, struct mst_sealer, arena);

	/* What changed meanwhile is looked at by the next pass. */
	s->num_sealed += b->rc == 0;
	mst_count(MST_C_SEALED_ANEW, b->rc == 0);
	if (--s->num_out == 0)
		next_page(s);
}

static void on_page(struct mst_job *work)
{
	struct mst_sealer *s = MST_HOME(work, struct mst_sealer, work);
	struct mst_err err;

	if (s->rc < 0) {
		mst_arena_done(&s->arena);
		fail(s);
		return;
	}
	step(s, SEAL_COMMIT);
	s->is_unclean = s->is_unclean || s->num_batches > 0;
	for (uint32_t i = 0; i < s->num_batches; i++)
		s->num_out += mst_store_commit(s->app->store, &s->batches[i], &err) == 0;
	if (s->num_out == 0)
		next_page(s);
}

static void begin_pass(struct mst_sealer *s)
{
	s->row = 0;
	s->from_len = 0;
	s->is_unclean = false;
	s->is_row_over = false;
	s->pass_ms = mst_clock_ms();
	give(s, on_page_worker, on_page, SEAL_PAGE);
}

/* At the start: does the store still need older keys? */
static void on_check_worker(struct mst_job *work)
{
	struct mst_sealer *s = MST_HOME(work, struct mst_sealer, work);
	s->rc = mst_master_needs(&s->num_needed, s->app->store, &s->err);
}

static void on_checked(struct mst_job *work)
{
	struct mst_sealer *s = MST_HOME(work, struct mst_sealer, work);

	if (s->rc < 0) {
		step(s, SEAL_CHECK);
		mst_timer_set(s->app->loop, &s->timer, REST_MS);
		return;
	}
	s->is_behind = s->num_needed > 1;
	step(s, s->is_behind ? SEAL_WAIT : SEAL_IDLE);
	if (s->is_behind)
		mst_timer_set(s->app->loop, &s->timer,
			      s->conf->first_ms ? s->conf->first_ms : FIRST_MS);
}

static void on_due(struct mst_timer *timer)
{
	struct mst_sealer *s = MST_HOME(timer, struct mst_sealer, timer);

	if (s->app->is_draining)
		return;
	if (s->step == SEAL_CHECK)
		give(s, on_check_worker, on_checked, SEAL_CHECK);
	else if (s->step == SEAL_WAIT)
		begin_pass(s);
}

/* Durable in the file first; then it seals, then the store knows its number. */
static void on_new_worker(struct mst_job *work)
{
	struct mst_sealer *s = MST_HOME(work, struct mst_sealer, work);

	s->rc = mst_seal_rotate(s->conf->seal_path, &s->err);
	if (s->rc == 0)
		s->rc = mst_seal_learn(s->conf->seal, s->conf->seal_path, &s->err);
	if (s->rc == 0)
		s->rc = mst_master_check(s->app->store, s->conf->seal, &s->err);
}

static void on_new(struct mst_job *work)
{
	struct mst_sealer *s = MST_HOME(work, struct mst_sealer, work);

	mst_sealer_answer(s);
	if (s->rc < 0) {
		mst_log(ERROR, "no new master key", mst_f_err(&s->err));
		step(s, SEAL_IDLE);
		return;
	}
	mst_log(INFO, "new master key", mst_f_u64("key", mst_seal_number(s->conf->seal)));
	s->is_behind = true;
	s->num_sealed = 0;
	s->new_ms = mst_clock_ms();
	begin_pass(s);
}

void mst_sealer_rotate(struct mst_sealer *s)
{
	give(s, on_new_worker, on_new, SEAL_NEW);
}

int mst_sealer_new(struct mst_sealer **out, struct mst_app *app, const struct mst_bulk_conf *conf,
		   struct mst_err *e)
{
	struct mst_sealer *s = calloc(1, sizeof(*s));

	if (!s)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	s->app = app;
	s->conf = conf;
	s->timer.on_due = on_due;
	if (conf->seal)
		mst_timer_set(app->loop, &s->timer, 0);
	*out = s;
	return 0;
}

void mst_sealer_free(struct mst_sealer **at)
{
	if (!*at)
		return;
	mst_timer_end((*at)->app->loop, &(*at)->timer);
	mst_arena_done(&(*at)->arena);
	free(*at);
	*at = NULL;
}
