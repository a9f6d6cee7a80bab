/* SPDX-License-Identifier: Apache-2.0 */
/* Revokes one certificate: one batch, then every loop hears of it, and only then the operator. */
#include "muster/clock.h"
#include "muster/crl.h"
#include "muster/log.h"
#include "own.h"

enum { REASON_HOLD = 6, REASON_REMOVE = 8 };

struct withdraw {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_slice name;
	uint32_t reason;
	struct mst_read read;
	struct mst_batch batch;
	struct mst_issued issued;
	struct revoke_news news;
	int64_t now_ms;
};

static int plan(struct mst_read *r)
{
	struct withdraw *w = MST_HOME(r, struct withdraw, read);
	int rc = mst_issued_get(r, &w->issued, w->news.authority, w->news.serial, NULL);

	return rc == 1 ? 0 : rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "unknown certificate") : rc;
}

static void on_read(struct mst_read *r)
{
	mst_xchg_resume(MST_HOME(r, struct withdraw, read)->x);
}

static void on_committed(struct mst_batch *b)
{
	mst_xchg_resume(MST_HOME(b, struct withdraw, batch)->x);
}

/* A hold could not be taken back here, so it is none of the reasons. */
static int read_reason(struct mst_xchg *x, uint32_t *reason)
{
	struct mst_slice word;

	*reason = 0;
	if (!mst_xchg_query(x, &word, MST_S("reason")))
		return 0;
	if (mst_crl_reason_from(reason, word, &x->err) < 0)
		return -1;
	if (*reason == REASON_HOLD || *reason == REASON_REMOVE)
		return mst_fail(&x->err, MST_E_SYNTAX, "certificates are not put on hold here");
	return 0;
}

enum mst_step mst_withdraw_look(struct mst_xchg *x)
{
	struct withdraw *w = mst_arena_zero(&x->arena, sizeof(*w));
	int rc;

	if (!w)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	w->x = x;
	w->app = x->app;
	w->now_ms = mst_clock_wall_ms();
	x->state = w;
	if (mst_parts_cert(x, &w->name, w->news.authority, w->news.serial) < 0 || read_reason(x, &w->reason) < 0)
		return mst_xchg_fail(x);
	w->read = (struct mst_read){.arena = &x->arena, .plan = plan, .on_read = on_read};
	rc = mst_store_read(w->app->store, &w->read, w->app->loop, &x->err);
	return rc < 0 ? mst_xchg_fail(x) : rc ? STEP_NEXT : STEP_WAIT;
}

enum mst_step mst_withdraw_apply(struct mst_xchg *x)
{
	struct withdraw *w = x->state;

	if (w->read.rc < 0) {
		x->err = w->read.err;
		return mst_xchg_fail(x);
	}
	mst_batch_init(&w->batch, &x->arena, w->app->loop, on_committed);
	if (mst_issued_revoke(&w->batch, &w->issued, w->reason, w->now_ms, NULL, &x->err) < 0)
		return mst_xchg_fail(x);
	if (w->batch.num_changes == 0) /* revoked already */
		return STEP_NEXT;
	w->issued.revoked_ms = w->now_ms;
	w->issued.reason = w->reason;
	return mst_store_commit(w->app->store, &w->batch, &x->err) < 0 ? mst_xchg_fail(x) : STEP_WAIT;
}

enum mst_step mst_withdraw_tell(struct mst_xchg *x)
{
	struct withdraw *w = x->state;

	if (w->batch.rc < 0) {
		x->err = w->batch.err;
		return mst_xchg_fail(x);
	}
	mst_log(INFO, "certificate revoked", mst_f_u64("id", x->id), mst_f_str("who", x->who), mst_f_slice("authority", w->name),
		mst_f_hex("serial", mst_slice(w->issued.serial, sizeof(w->issued.serial))),
		mst_f_str("reason", mst_crl_reason_word(w->issued.reason)));
	mst_sha256(w->news.sha256, w->issued.cert);
	w->news.not_after = w->issued.not_after;
	w->news.x = x;
	return mst_news_tell(&w->news, w->app->revoke) ? STEP_NEXT : STEP_WAIT;
}

enum mst_step mst_withdraw_answer(struct mst_xchg *x)
{
	struct withdraw *w = x->state;
	struct mst_json j;
	struct mst_slice body;

	mst_json_begin(&j, &x->arena);
	mst_json_open(&j, NULL);
	mst_parts_put(&j, &w->issued, w->name, w->now_ms / 1000);
	mst_json_close(&j);
	if (mst_json_end(&j, &body, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_xchg_answer(x, 200, MST_JSON_TYPE, body);
}
