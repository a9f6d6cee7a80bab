/* SPDX-License-Identifier: Apache-2.0 */
/* Revokes at an outside CA what a record holds as older, then clears it there. */
#include "keeper_own.h"
#include "muster/clock.h"
#include "muster/log.h"

static void clear_older(struct mst_held *h)
{
	memset(h->older_authority, 0, sizeof h->older_authority);
	memset(h->older_serial, 0, sizeof h->older_serial);
	h->older_cert = h->older_ticket = mst_slice(NULL, 0);
	h->older_waits = false;
}

/* rc 0: it is revoked there; else nobody can, and the audit trail says why. */
static void on_worker(struct mst_job *job)
{
	struct mst_making *m = MST_HOME(job, struct mst_making, job);
	struct mst_err err = {.code = MST_E_NONE};
	struct mst_slice detail;
	struct mst_batch b;

	if (mst_record_older(m->app, &m->arena, &m->held, &err) <= 0) /* it was ours */
		return;
	clear_older(&m->held);
	mst_batch_init(&b, &m->arena, NULL, NULL);
	if (mst_arena_format(&m->arena, &detail, "%.*s%s%s", (int)m->object.name.len, (const char *)m->object.name.at,
			     m->make.rc < 0 ? ": " : "", m->make.rc < 0 ? m->make.err.text : ""))
		mst_audit_add(&b, &(struct mst_audit){.at_ms = mst_clock_wall_ms(), .who = MST_S("engine"),
						      .action = m->make.rc < 0 ? MST_S("identity not revoked at its CA")
									       : MST_S("identity revoked at its CA"),
						      .what = m->is_user ? m->user->name : m->device ? m->device->text : MST_S(""),
						      .detail = detail});
	if (mst_held_move(&b, &m->held, m->app->seal, &err) < 0 || mst_store_commit_here(m->app->store, &b) < 0)
		mst_log(WARN, "a revocation was not noted: it is tried again", mst_f_err(b.rc < 0 ? &b.err : &err));
}

static void on_ran(struct mst_job *job)
{
	struct mst_making *m = MST_HOME(job, struct mst_making, job);
	struct mst_keeper *keeper = m->context;

	mst_keeper_unlink(m);
	mst_keeper_go(keeper);
}

static void again(struct mst_making *m)
{
	struct mst_keeper *keeper = m->context;
	struct due due = {.why = WHY_DUE, .at_ms = mst_clock_wall_ms() + BACK_OFF_MS};

	memcpy(due.owner, m->owner, sizeof due.owner);
	memcpy(due.enrollment, m->enrollment, sizeof due.enrollment);
	memcpy(due.setting, m->setting, sizeof due.setting);
	mst_keeper_push(keeper, &due);
	mst_keeper_unlink(m);
	mst_keeper_go(keeper);
}

static void write_down(struct mst_making *m)
{
	struct mst_err err;

	m->job = (struct mst_job){.home = m->app->loop, .run = on_worker, .on_ran = on_ran};
	if (mst_work_post(m->app->work, MST_LANE_BULK, &m->job, &err) < 0)
		again(m);
}

static void on_revoked(struct mst_make *make)
{
	struct mst_making *m = MST_HOME(make, struct mst_making, make);

	if (make->rc < 0 && !make->is_final) {
		mst_log(WARN, "a certificate is not revoked at its CA yet", mst_f_slice("enrollment", m->object.name), mst_f_err(&make->err));
		again(m);
		return;
	}
	write_down(m);
}

void mst_keeper_revoke(struct mst_making *m)
{
	struct mst_make *make = &m->make;
	struct mst_err err;

	make->on_made = on_revoked;
	make->is_final = false;
	make->rc = 0;
	if (mst_record_is_ours(m->held.older_authority)) {
		write_down(m);
		return;
	}
	m->lost = m->held;
	m->lost.cert = m->held.older_cert;
	m->lost.ticket = m->held.older_ticket;
	if (!m->maker->revoke) {
		make->rc = m->maker->makes ? mst_fail(&make->err, MST_E_TYPE, "this CA cannot be told") : 0;
		write_down(m);
	} else if (m->maker->revoke(make, &m->lost, &err) < 0) {
		make->rc = -1;
		make->err = err;
		on_revoked(make);
	}
}
