/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what became of a claim: made, asked, or failed with its reason. On a worker. */
#include "identity_own.h"
#include "muster/clock.h"
#include "muster/log.h"

int mst_making_commit(struct mst_making *m, struct mst_batch *b, struct mst_err *e)
{
	if (mst_store_commit_here(m->app->store, b) == 0) {
		m->was_changed = true;
		return 0;
	}
	*e = b->err;
	return -1;
}

static struct mst_slice owner_name(const struct mst_making *m)
{
	if (m->is_user)
		return m->user ? m->user->name : mst_slice(NULL, 0);
	return m->device ? m->device->text : mst_slice(NULL, 0);
}

static void audit(struct mst_making *m, struct mst_batch *b, const char *action, const char *detail)
{
	struct mst_slice text;

	if (!mst_arena_format(&m->arena, &text, "%.*s%s%s", (int)m->object.name.len, (const char *)m->object.name.at, *detail ? ": " : "",
			      detail))
		return;
	mst_audit_add(b, &(struct mst_audit){.at_ms = m->now_ms, .who = MST_S("engine"), .action = mst_slice_str(action),
					     .what = owner_name(m), .detail = text});
}

void mst_making_note(struct mst_making *m, int64_t due_ms)
{
	m->is_noted = true;
	mst_keeper_due(m->app->keeper, m->owner, m->enrollment, m->setting, due_ms);
}

static void wait(struct mst_making *m)
{
	m->verdict = VERDICT_WAIT;
	m->held.due_ms = m->now_ms + AGAIN_MS;
	mst_making_note(m, m->held.due_ms);
}

static int64_t back_off(uint32_t num_failed)
{
	int64_t ms = BACK_OFF_MS;

	for (uint32_t i = 1; i < num_failed && ms < DAY_MS; i++)
		ms *= 2;
	return ms < DAY_MS ? ms : DAY_MS;
}

void mst_making_fail(struct mst_making *m, bool is_final)
{
	struct mst_held *h = &m->held;
	struct mst_err why = m->err;
	struct mst_batch b;
	bool is_news;

	m->verdict = VERDICT_FAIL;
	is_news = h->state != MST_HELD_FAILED || !mst_slice_eq(h->reason, mst_slice_str(why.text));
	h->state = MST_HELD_FAILED;
	h->num_failed++;
	h->changed_ms = m->now_ms;
	h->due_ms = is_final ? 0 : m->now_ms + (m->make.again_s ? (int64_t)m->make.again_s * 1000 : back_off(h->num_failed));
	if (!mst_arena_copy(&m->arena, &h->reason, mst_slice_str(why.text)))
		return;
	mst_batch_init(&b, &m->arena, NULL, NULL);
	if (is_news)
		audit(m, &b, "identity failed", why.text);
	if (mst_held_move(&b, h, m->app->seal, &m->err) < 0 || mst_making_commit(m, &b, &m->err) < 0) {
		if (m->err.code == MST_E_CONFLICT)
			h->state = MST_HELD_WANTED; /* somebody else was faster: look again */
		return;
	}
	m->err = why;
	if (h->due_ms)
		mst_making_note(m, h->due_ms);
	mst_log(WARN, "identity not made", mst_f_slice("owner", owner_name(m)), mst_f_slice("enrollment", m->object.name), mst_f_err(&why));
}

static void pending(struct mst_making *m)
{
	struct mst_held *h = &m->held;
	struct mst_batch b;

	h->state = MST_HELD_ASKED;
	h->ticket = m->make.new_ticket;
	h->changed_ms = m->now_ms;
	h->due_ms = m->now_ms + (m->make.again_s ? (int64_t)m->make.again_s : 60) * 1000;
	m->verdict = VERDICT_WAIT;
	mst_batch_init(&b, &m->arena, NULL, NULL);
	if (mst_held_move(&b, h, m->app->seal, &m->err) < 0 || mst_making_commit(m, &b, &m->err) < 0) {
		wait(m);
		return;
	}
	mst_making_note(m, h->due_ms);
}

static void take(struct mst_making *m, const struct mst_cert *cert)
{
	struct mst_held *h = &m->held;

	h->state = MST_HELD_READY;
	h->cert = m->make.cert;
	h->chain = m->make.chain;
	h->key = m->maker->makes ? m->make.key : mst_slice(NULL, 0); /* a file's stays in its setting */
	h->sealed = mst_slice(NULL, 0);
	h->ticket = m->make.new_ticket;
	memcpy(h->authority, m->make.authority, sizeof h->authority);
	memcpy(h->serial, m->make.serial, sizeof h->serial);
	h->reason = mst_slice(NULL, 0);
	h->not_before = cert->not_before;
	h->not_after = cert->not_after;
	h->num_failed = 0;
	h->num_made += m->maker->makes;
	h->due_ms = 0;
	h->made_ms = h->changed_ms = m->now_ms;
	h->delivered_ms = 0;
	if (m->is_user && m->why == WHY_ASKED && !m->is_early) { /* told right away; see note_told in identity_open.c */
		h->state = MST_HELD_DELIVERED;
		h->delivered_ms = m->now_ms;
	}
}

/* An outside CA has made it, and somebody else's record won: it is to be taken back there. */
static void lose(struct mst_making *m)
{
	if (!m->maker->revoke)
		return;
	m->lost = m->held;
	m->has_lost = true;
}

static void settle_older(struct mst_making *m)
{
	struct mst_held *h = &m->held;
	struct mst_err err;

	if (h->older_cert.len == 0 || h->older_waits)
		return;
	if (mst_record_older(m->app, &m->arena, h, &err) != 0)
		mst_making_note(m, m->now_ms);
}

int mst_making_put(struct mst_making *m, struct mst_batch *b)
{
	struct mst_cert cert;

	if (mst_cert_parse(&cert, m->make.cert, &m->err) < 0)
		return -1;
	take(m, &cert);
	return mst_held_move(b, &m->held, m->app->seal, &m->err);
}

static void made(struct mst_making *m)
{
	struct mst_slice key = m->make.key;
	struct mst_cert cert;
	struct mst_batch b;

	if (mst_cert_parse(&cert, m->make.cert, &m->err) < 0) {
		mst_making_fail(m, false);
		return;
	}
	take(m, &cert);
	mst_batch_init(&b, &m->arena, NULL, NULL);
	if (m->maker->makes)
		audit(m, &b, m->held.num_made > 1 ? "identity made anew" : "identity made", "");
	if (mst_held_move(&b, &m->held, m->app->seal, &m->err) < 0 || mst_making_commit(m, &b, &m->err) < 0) {
		m->verdict = VERDICT_FAIL;
		if (m->err.code == MST_E_CONFLICT)
			lose(m);
		else
			wait(m);
		return;
	}
	m->was_made = m->maker->makes;
	m->held.key = key;
	if (mst_record_is_ours(m->held.authority) &&
	    mst_record_cert(m->app, &m->arena, &m->held, m->make.common_name, owner_name(m), &m->err) < 0) {
		wait(m);
		return;
	}
	m->verdict = VERDICT_HAVE;
	settle_older(m);
}

/* Issued, recorded, revoked: nobody holds it. */
static void tested(struct mst_making *m)
{
	struct mst_cert cert;
	struct mst_batch b;

	m->verdict = VERDICT_FAIL;
	if (m->make.rc > 0)
		mst_fail(&m->err, MST_E_BUSY, "the CA took the request, and has not decided yet");
	else if (m->make.rc < 0)
		m->err = m->make.err;
	if (m->make.rc != 0 || mst_cert_parse(&cert, m->make.cert, &m->err) < 0)
		return;
	take(m, &cert);
	mst_batch_init(&b, &m->arena, NULL, NULL);
	audit(m, &b, "test certificate issued", "");
	if (mst_making_commit(m, &b, &m->err) < 0)
		return;
	if (mst_record_is_ours(m->held.authority) &&
	    (mst_record_cert(m->app, &m->arena, &m->held, m->make.common_name, MST_S("test"), &m->err) < 0 ||
	     mst_record_revoke(m->app, &m->arena, m->held.authority, m->held.serial, 0, &m->err) < 0))
		return;
	m->verdict = VERDICT_HAVE;
}

void mst_making_close(struct mst_making *m)
{
	m->now_ms = mst_clock_wall_ms();
	if (m->is_test) {
		tested(m);
		return;
	}
	if (m->make.rc == 0) {
		made(m);
	} else if (m->make.rc > 0) {
		pending(m);
	} else {
		m->err = m->make.err;
		mst_making_fail(m, m->make.is_final);
	}
}
