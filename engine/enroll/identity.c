/* SPDX-License-Identifier: Apache-2.0 */
/* An identity is asked for: the way of one making over loop and workers, and what the asker is told. */
#include "muster/identity.h"

#include <stdlib.h>

#include "identity_own.h"
#include "muster/clock.h"
#include "muster/p12.h"
#include "muster/text.h"

#define PASSWORD_LEN 24 /* characters: 144 random bits */

struct mst_making *mst_making_new(struct mst_app *app)
{
	struct mst_making *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->app = app;
	mst_arena_init(&m->arena, NULL, MAKING_ROOM);
	return m;
}

static void wipe(struct mst_slice secret)
{
	if (secret.len)
		mst_wipe((void *)(uintptr_t)secret.at, secret.len);
}

void mst_making_free(struct mst_making *m)
{
	wipe(m->held.key);
	wipe(m->make.key);
	for (uint32_t i = 0; m->object.shape && i < m->object.shape->num_fields; i++)
		if (m->object.shape->fields[i].kind == MST_FIELD_SECRET)
			wipe(m->object.values[i].text);
	mst_arena_done(&m->arena);
	free(m);
}

static void over(struct mst_making *m)
{
	m->on_over(m);
}

static void go_on(struct mst_making *m);

/* What needs no network is made on the worker that opened it. */
static void make_here(struct mst_making *m)
{
	for (int i = 0; i < MAKING_TRIES && m->verdict == VERDICT_MAKE && m->maker->here; i++) {
		if (m->make.cert.len == 0)
			m->make.rc = m->maker->here(&m->make, &m->make.err);
		mst_making_close(m);
		if (m->verdict == VERDICT_FAIL && m->err.code == MST_E_CONFLICT)
			mst_making_open(m);
	}
}

static void on_open(struct mst_job *job)
{
	struct mst_making *m = MST_HOME(job, struct mst_making, job);

	mst_making_open(m);
	make_here(m);
}

/* A race that was lost after an outside CA answered: what the winner made is read. */
static void on_close(struct mst_job *job)
{
	struct mst_making *m = MST_HOME(job, struct mst_making, job);

	mst_making_close(m);
	if (m->verdict == VERDICT_FAIL && m->err.code == MST_E_CONFLICT && m->held.state != MST_HELD_FAILED) {
		mst_making_open(m);
		make_here(m);
	}
}

static void on_ran(struct mst_job *job)
{
	go_on(MST_HOME(job, struct mst_making, job));
}

static int post(struct mst_making *m, void (*run)(struct mst_job *job), enum mst_lane lane, struct mst_err *e)
{
	m->job = (struct mst_job){.home = m->app->loop, .run = run, .on_ran = on_ran};
	return mst_work_post(m->app->work, lane, &m->job, e);
}

/* The workers are full: what the CA said is lost with this try; its claim ends by itself, and the same key is asked for again. */
static void on_made(struct mst_make *make)
{
	struct mst_making *m = MST_HOME(make, struct mst_making, make);

	if (post(m, on_close, MST_LANE_FAST, &m->err) == 0)
		return;
	m->verdict = VERDICT_WAIT;
	m->held.due_ms = m->now_ms + AGAIN_MS;
	over(m);
}

static void on_told(struct mst_make *make)
{
	struct mst_making *m = MST_HOME(make, struct mst_making, make);

	if (make->rc < 0) {
		m->verdict = VERDICT_FAIL;
		m->err = make->err;
	}
	over(m);
}

static void begin(struct mst_making *m, int (*what)(struct mst_make *make, struct mst_err *e), void (*on_end)(struct mst_make *make))
{
	struct mst_err err;

	m->make.on_made = on_end;
	if (!what)
		mst_fail(&err, MST_E_TYPE, "enrolment settings of type %s cannot do this", m->object.shape->type);
	else if (what(&m->make, &err) == 0)
		return;
	m->make.rc = -1;
	m->make.err = err;
	on_end(&m->make);
}

static void go_on(struct mst_making *m)
{
	if (m->verdict == VERDICT_MAKE)
		begin(m, m->maker->start, on_made);
	else if (m->verdict == VERDICT_TELL)
		begin(m, m->maker->tell, on_told);
	else
		over(m);
}

int mst_making_start(struct mst_making *m, enum mst_lane lane, struct mst_err *e)
{
	return post(m, on_open, lane, e);
}

/* The answer outlives what it was made in. */
static bool keep(struct mst_slice *const *all, size_t num, struct mst_arena *arena)
{
	bool is_kept = true;

	for (size_t i = 0; i < num; i++)
		is_kept = is_kept && mst_arena_copy(arena, all[i], *all[i]);
	return is_kept;
}

static bool keep_held(struct mst_identity_ask *ask, const struct mst_held *held)
{
	struct mst_held *h = &ask->held;
	struct mst_slice *const all[] = {&h->cert, &h->chain, &h->key, &h->ticket, &h->reason, &h->sealed, &h->raw, &h->older_cert,
					 &h->older_ticket};

	*h = *held;
	return keep(all, MST_LEN(all), ask->arena);
}

static bool keep_scep(struct mst_identity_ask *ask, struct mst_making *m)
{
	struct mst_slice *const all[] = {&ask->scep_url, &ask->scep_name, &ask->scep_challenge, &ask->scep_subject, &ask->scep_san,
					 &ask->ca_fingerprint};

	ask->scep_url = m->make.scep_url;
	ask->scep_name = m->make.scep_name;
	ask->scep_challenge = m->make.scep_challenge;
	ask->ca_fingerprint = m->make.scep_fingerprint;
	ask->scep_key_bits = m->make.scep_key_bits;
	ask->scep_key_usage = m->make.scep_key_usage;
	if (mst_make_dn(&ask->scep_subject, &m->make, &ask->err) < 0 || mst_make_san(&ask->scep_san, &m->make, &ask->err) < 0)
		return false;
	return keep(all, MST_LEN(all), ask->arena);
}

/* Trouble of our own is no verdict on the identity. */
static bool is_passing(enum mst_code code)
{
	return code == MST_E_STORE || code == MST_E_BUSY || code == MST_E_IO || code == MST_E_NONE;
}

static void tell(struct mst_identity_ask *ask, struct mst_making *m)
{
	bool is_kept = keep_held(ask, &m->held);

	ask->err = m->err;
	ask->form = m->maker ? m->maker->form : MST_IDENTITY_FILE;
	switch (m->verdict) {
	case VERDICT_HAVE:
	case VERDICT_CLIENT:
		ask->rc = 1;
		break;
	case VERDICT_TELL:
		ask->form = MST_IDENTITY_SCEP;
		ask->rc = 1;
		is_kept = keep_scep(ask, m);
		break;
	case VERDICT_FAIL:
		ask->rc = is_passing(m->err.code) || (m->err.code == MST_E_CONFLICT && m->held.state != MST_HELD_FAILED) ? 0 : -1;
		if (ask->rc == 0)
			ask->held.due_ms = m->now_ms + AGAIN_MS;
		break;
	case VERDICT_WAIT:
	case VERDICT_MAKE:
		ask->rc = 0;
		break;
	}
	if (!is_kept)
		ask->rc = ask->err.code == MST_E_SYNTAX ? -1 : 0;
}

/* An outside CA made one for nothing: it is taken back there, and nobody waits for it. */
static void on_taken_back(struct mst_make *make)
{
	mst_making_free(MST_HOME(make, struct mst_making, make));
}

static void end(struct mst_making *m)
{
	struct mst_err err;

	if (!m->has_lost || !m->maker || !m->maker->revoke) {
		mst_making_free(m);
		return;
	}
	m->make.on_made = on_taken_back;
	if (m->maker->revoke(&m->make, &m->lost, &err) < 0)
		mst_making_free(m);
}

static void on_ask_over(struct mst_making *m)
{
	struct mst_identity_ask *ask = m->context;

	tell(ask, m);
	end(m);
	ask->own = NULL;
	ask->on_told(ask);
}

int mst_identity_ask(struct mst_identity_ask *ask, struct mst_err *e)
{
	struct mst_making *m = mst_making_new(ask->app);

	if (!m)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	memcpy(m->enrollment, ask->enrollment->id, sizeof m->enrollment);
	if (ask->is_per_setting)
		memcpy(m->setting, ask->setting, sizeof m->setting);
	m->config_uuid = ask->is_per_setting ? ask->setting_uuid : NULL;
	m->device = ask->device;
	m->user = ask->user;
	m->is_early = ask->is_early;
	m->needs_key = ask->needs_key;
	m->on_over = on_ask_over;
	m->context = ask;
	ask->own = m;
	if (mst_making_start(m, ask->is_early ? MST_LANE_BULK : MST_LANE_FAST, e) == 0)
		return 0;
	mst_making_free(m);
	ask->own = NULL;
	return -1;
}

void mst_identity_delivered(struct mst_batch *b, const struct mst_held *held, bool stores_keys, const struct mst_seal *seal, int64_t now_ms)
{
	struct mst_held h = *held;
	bool forgets = !stores_keys && (h.key.len || h.sealed.len);

	if (h.is_user || (h.state != MST_HELD_READY && !(h.state == MST_HELD_DELIVERED && forgets)))
		return;
	if (h.state == MST_HELD_READY)
		h.delivered_ms = now_ms;
	h.state = MST_HELD_DELIVERED;
	h.is_early = false;
	h.changed_ms = now_ms;
	h.key = mst_slice(NULL, 0); /* as stored: it is not sealed anew for this */
	if (forgets)
		h.sealed = mst_slice(NULL, 0);
	if (mst_held_put(b, &h, seal, &b->err) < 0)
		b->is_short = true;
}

static int chain_of(struct mst_p12_identity *out, struct mst_slice chain, struct mst_err *e)
{
	while (chain.len && out->num_chain < MST_P12_CERTS_MAX) {
		size_t at = 2, len = chain.len >= 2 ? chain.at[1] : 0;

		if (chain.len < 2 || chain.at[0] != 0x30 || len == 0x80 || len > 0x84)
			return mst_fail(e, MST_E_STORE, "a chain is broken");
		if (len > 0x80) {
			size_t num = len & 0x7f;
			for (len = 0; num > 0 && at < chain.len; num--)
				len = len << 8 | chain.at[at++];
		}
		if (len > chain.len - at)
			return mst_fail(e, MST_E_STORE, "a chain is broken");
		out->chain[out->num_chain++] = mst_slice(chain.at, at + len);
		chain = mst_slice(chain.at + at + len, chain.len - at - len);
	}
	return 0;
}

int mst_identity_pack(struct mst_slice *p12, struct mst_slice *password, struct mst_arena *arena, const struct mst_held *held,
		      struct mst_slice name, struct mst_err *e)
{
	struct mst_p12_identity *identity = mst_arena_zero(arena, sizeof *identity);
	char *text = mst_arena_get(arena, PASSWORD_LEN);
	uint8_t secret[PASSWORD_LEN / 4 * 3];

	if (!identity || !text)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (held->key.len == 0)
		return mst_fail(e, MST_E_GONE, "the identity's key was not stored");
	identity->key = held->key;
	identity->cert = held->cert;
	identity->name = name;
	if (chain_of(identity, held->chain, e) < 0)
		return -1;
	mst_random(secret, sizeof secret);
	mst_base64_put(text, mst_slice(secret, sizeof secret));
	mst_wipe(secret, sizeof secret);
	*password = mst_slice(text, PASSWORD_LEN);
	return mst_p12_write(p12, arena, identity, *password, MST_P12_ROUNDS, e);
}
