/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange: who may begin it, its turn on a worker, its batch. */
#include "muster/clock.h"
#include "muster/text.h"
#include "own.h"

struct mst_slice mst_enroll_part(const struct mst_xchg *x, size_t n)
{
	struct mst_slice part, rest = x->in.path;
	bool is_more = mst_slice_cut(&part, &rest, rest, '/'); /* what is before the first slash */

	for (size_t i = 0; is_more; i++) {
		is_more = mst_slice_cut(&part, &rest, rest, '/');
		if (i == n)
			return part;
	}
	return (struct mst_slice){NULL, 0};
}

void mst_enroll_token(char out[static TOKEN_LEN + 1], uint8_t key[static 32])
{
	uint8_t secret[TOKEN_BYTES];

	mst_random(secret, sizeof(secret));
	mst_hex_put(out, mst_slice(secret, sizeof(secret)));
	out[TOKEN_LEN] = '\0';
	mst_wipe(secret, sizeof(secret));
	mst_sha256(key, mst_slice(out, TOKEN_LEN));
}

static int admit(struct mst_xchg *x, struct mst_enroll *enroll, bool is_operator)
{
	if (!enroll || enroll->url.len == 0 || enroll->topic.len == 0)
		return mst_fail(&x->err, MST_E_ABSENT, "no enrolment here: [mdm] url and topic are not set");
	if (!is_operator && !mst_enroll_may(enroll, &x->addr, mst_clock_ms())) {
		x->out.retry_after_s = 60;
		return mst_fail(&x->err, MST_E_RATE, "too many requests from this address");
	}
	return 0;
}

struct enroll_state *mst_enroll_hold(struct mst_xchg *x, bool is_operator)
{
	struct mst_app *app = x->app;
	struct enroll_state *s;

	if (admit(x, app->enroll, is_operator) < 0)
		return NULL;
	if (x->arena.limit < ENROLL_ROOM)
		x->arena.limit = ENROLL_ROOM;
	s = mst_arena_zero(&x->arena, sizeof(*s));
	if (!s) {
		mst_fail(&x->err, MST_E_BUSY, "out of memory");
		return NULL;
	}
	s->x = x;
	s->app = app;
	s->enroll = app->enroll;
	s->enroll->num_users++;
	s->now_ms = mst_clock_wall_ms();
	x->state = s;
	return s;
}

/* Takes the next certificate off a row of them. */
static int next_cert(struct mst_slice *out, struct mst_slice *rest, struct mst_err *e)
{
	size_t at = 2, len = rest->len >= 2 ? rest->at[1] : 0;

	if (rest->len < 2 || rest->at[0] != 0x30 || len == 0x80 || len > 0x84)
		return mst_fail(e, MST_E_STORE, "a chain is broken");
	if (len > 0x80) {
		size_t num = len & 0x7f;
		for (len = 0; num > 0 && at < rest->len; num--)
			len = len << 8 | rest->at[at++];
	}
	if (len > rest->len - at)
		return mst_fail(e, MST_E_STORE, "a chain is broken");
	*out = mst_slice(rest->at, at + len);
	*rest = mst_slice(rest->at + at + len, rest->len - at - len);
	return 0;
}

/* The snapshot of issuers may be replaced while we wait: what is needed is copied. */
int mst_enroll_issuer(struct enroll_state *s, const struct mst_issuer *issuer)
{
	struct profile_facts *f = &s->facts;
	struct mst_xchg *x = s->x;
	struct mst_slice rest = issuer->record.chain;

	memcpy(s->authority, issuer->record.id, sizeof(s->authority));
	if (!mst_arena_copy(&x->arena, &f->authority, issuer->record.name) ||
	    !mst_arena_copy(&x->arena, &f->certs[0], issuer->record.cert) || !mst_arena_copy(&x->arena, &rest, rest))
		return mst_fail(&x->err, MST_E_BUSY, "out of memory");
	for (f->num_certs = 1; rest.len > 0 && f->num_certs < CERTS_MAX; f->num_certs++)
		if (next_cert(&f->certs[f->num_certs], &rest, &x->err) < 0)
			return -1;
	return 0;
}

int mst_enroll_authority(struct enroll_state *s, struct mst_slice name)
{
	const struct mst_issuer *issuer = s->app->issuers ? mst_issuers_find0(s->app->issuers, name) : NULL;

	if (!issuer || issuer->record.state != MST_AUTHORITY_ACTIVE)
		return mst_fail(&s->x->err, MST_E_ABSENT, "no such authority");
	return mst_enroll_issuer(s, issuer);
}

static void run(struct mst_job *job)
{
	struct enroll_state *s = MST_HOME(job, struct enroll_state, job);
	s->work(s);
}

static void on_ran(struct mst_job *job)
{
	struct enroll_state *s = MST_HOME(job, struct enroll_state, job);

	mst_arena_adopt(&s->x->arena, &s->arena);
	mst_xchg_resume(s->x);
}

enum mst_step mst_enroll_turn(struct enroll_state *s, void (*work)(struct enroll_state *s))
{
	mst_arena_init(&s->arena, NULL, ENROLL_ROOM / 2);
	s->work = work;
	s->job = (struct mst_job){.home = s->app->loop, .run = run, .on_ran = on_ran};
	return mst_work_post(s->app->work, MST_LANE_FAST, &s->job, &s->x->err) < 0 ? mst_enroll_fail(s) : STEP_WAIT;
}

static void on_committed(struct mst_batch *b)
{
	mst_xchg_resume(MST_HOME(b, struct enroll_state, batch)->x);
}

void mst_enroll_batch(struct enroll_state *s)
{
	mst_batch_init(&s->batch, &s->x->arena, s->app->loop, on_committed);
}

enum mst_step mst_enroll_commit(struct enroll_state *s)
{
	s->has_batch = true;
	return mst_store_commit(s->app->store, &s->batch, &s->x->err) < 0 ? mst_enroll_fail(s) : STEP_WAIT;
}
