/* SPDX-License-Identifier: Apache-2.0 */
/* Labels kept current: what is asked of whom, one sweep at a time, and single devices beside it. */
#include "muster/members.h"

#include <stdlib.h>

#include "members_own.h"
#include "muster/clock.h"
#include "muster/log.h"

#define TRIES       8    /* of a device that changes each time we look */
#define FAILED_MS   5000 /* until a sweep that met a failing store begins anew */
#define TELL_MOST   256  /* devices told at once */

/* The expressions are read again: trees lend from the catalog. */
struct asked *mst_asked_new(const struct mst_questions *questions, const struct mst_catalog *catalog)
{
	struct asked *asked = calloc(1, sizeof *asked);
	struct mst_question *rows;
	struct mst_err e;

	BUG_ON(!asked);
	mst_arena_init(&asked->arena, NULL, 0);
	rows = mst_arena_get(&asked->arena, (questions->num + 1) * sizeof *rows);
	BUG_ON(!rows);
	for (uint32_t i = 0; i < questions->num; i++) {
		const struct mst_catalog_label *label = mst_catalog_label0(catalog, questions->rows[i].label);
		struct mst_slice text = label ? mst_object_text(&label->object, "expression") : mst_slice(NULL, 0);
		struct mst_expr *expr = NULL;

		rows[i] = questions->rows[i];
		rows[i].expr = NULL;
		if (questions->rows[i].expr && mst_arena_copy(&asked->arena, &text, text) &&
		    mst_expr_parse(&expr, &asked->arena, text, &e) == 0)
			rows[i].expr = expr;
	}
	asked->questions = *questions;
	asked->questions.rows = rows;
	asked->num_users = 1;
	return asked;
}

struct asked *mst_asked_take(struct asked *asked)
{
	asked->num_users++;
	return asked;
}

void mst_asked_let_go(struct asked **asked)
{
	if (*asked && --(*asked)->num_users == 0) {
		mst_arena_done(&(*asked)->arena);
		free(*asked);
	}
	*asked = NULL;
}

/* Single devices, and those of a user: one turn on a worker, begun and ended on the members' loop. */
struct member_ask {
	struct mst_mail mail;
	struct mst_job job;
	struct mst_timer timer;
	struct mst_members *members;
	struct member_ask *next, **place; /* NULL place: not on the list yet */
	struct asked *asked;
	struct mst_store *store;
	bool is_user;
	uint8_t id[16];
	struct mst_arena arena;
	struct mst_read read;
	struct mst_standing standing;
	struct mst_id *devices; /* of the user */
	uint32_t num, num_changed; /* those that changed come first */
	int rc;
	struct mst_err err;
};

static void ask_free(struct member_ask *ask)
{
	mst_timer_end(ask->members->app->loop, &ask->timer);
	if (ask->place) {
		*ask->place = ask->next;
		if (ask->next)
			ask->next->place = ask->place;
	}
	mst_asked_let_go(&ask->asked);
	mst_arena_done(&ask->arena);
	free(ask);
}

static int owned_plan(struct mst_read *r)
{
	struct member_ask *ask = MST_HOME(r, struct member_ask, read);
	struct mst_walk w = {.r = NULL};
	uint32_t room = 0;
	struct mst_id id;
	int rc;

	ask->num = 0;
	while ((rc = mst_owned_next(&w, r, &id, ask->id, mst_slice(NULL, 0))) == 1) {
		if (ask->num == room) {
			struct mst_id *more = mst_arena_get(r->arena, (room * 2 + 16) * sizeof *more);
			if (!more) {
				rc = mst_fail(&r->err, MST_E_BUSY, "out of memory for the devices of a user");
				break;
			}
			if (ask->num)
				memcpy(more, ask->devices, ask->num * sizeof *more);
			ask->devices = more;
			room = room * 2 + 16;
		}
		ask->devices[ask->num++] = id;
	}
	mst_walk_done(&w);
	return rc;
}

static int read_here(struct member_ask *ask, struct mst_arena *arena, int (*plan)(struct mst_read *r))
{
	ask->read = (struct mst_read){.arena = arena, .plan = plan};
	if (mst_store_read_here(ask->store, &ask->read) == 0)
		return 0;
	ask->err = ask->read.err;
	return -1;
}

static int standing_plan(struct mst_read *r)
{
	struct member_ask *ask = MST_HOME(r, struct member_ask, read);

	return mst_standing_read(r, &ask->standing, &ask->standing.id, NULL, &ask->asked->questions);
}

/* 1 its labels changed, 0 they did not, -1. */
static int judge_once(struct member_ask *ask, struct mst_arena *arena)
{
	bool has_changed;
	struct mst_batch b;

	if (read_here(ask, arena, standing_plan) < 0)
		return -1;
	mst_batch_init(&b, arena, NULL, NULL);
	b.is_lazy = true;
	if (mst_standing_put(&has_changed, &b, &ask->standing, NULL, &ask->asked->questions, &ask->err) < 0)
		return -1;
	if (!has_changed)
		return 0;
	if (mst_store_commit_here(ask->store, &b) == 0)
		return 1;
	ask->err = b.err;
	return -1;
}

static int judge(struct member_ask *ask, const struct mst_id *id)
{
	int rc = -1;

	for (int i = 0; i < TRIES && rc < 0; i++) {
		struct mst_arena arena;

		ask->err = (struct mst_err){.code = MST_E_NONE};
		ask->standing.id = *id;
		mst_arena_init(&arena, NULL, 0);
		rc = judge_once(ask, &arena);
		mst_arena_done(&arena);
		if (rc < 0 && ask->err.code != MST_E_CONFLICT)
			break;
	}
	return rc;
}

static void run_ask(struct mst_job *job)
{
	struct member_ask *ask = MST_HOME(job, struct member_ask, job);

	ask->rc = 0;
	ask->num_changed = 0;
	if (ask->is_user && read_here(ask, &ask->arena, owned_plan) < 0) {
		ask->rc = -1;
		return;
	}
	for (uint32_t i = 0; i < ask->num; i++) {
		int rc = judge(ask, &ask->devices[i]);
		if (rc < 0)
			ask->rc = -1;
		else if (rc > 0)
			ask->devices[ask->num_changed++] = ask->devices[i];
	}
}

static void tell(struct mst_app *app, const struct mst_id *devices, uint32_t num)
{
	if (!app->on_members)
		return;
	for (uint32_t at = 0; at < num; at += TELL_MOST)
		app->on_members(app, devices + at, num - at < TELL_MOST ? num - at : TELL_MOST);
}

static void post_ask(struct member_ask *ask);

static void on_ask_due(struct mst_timer *timer)
{
	post_ask(MST_HOME(timer, struct member_ask, timer));
}

static void on_asked(struct mst_job *job)
{
	struct member_ask *ask = MST_HOME(job, struct member_ask, job);

	tell(ask->members->app, ask->devices, ask->num_changed);
	if (ask->rc < 0) {
		mst_log(WARN, "labels are judged again later", mst_f_code(&ask->err), mst_f_err(&ask->err));
		ask->num = 0; /* the next sweep is soon */
		ask->members->has_failed = true;
		mst_timer_set(ask->members->app->loop, &ask->members->timer, FAILED_MS);
	}
	ask_free(ask);
}

static void post_ask(struct member_ask *ask)
{
	struct mst_members *m = ask->members;

	mst_asked_let_go(&ask->asked);
	ask->asked = mst_asked_take(m->full);
	ask->job = (struct mst_job){.home = m->app->loop, .run = run_ask, .on_ran = on_asked};
	if (mst_work_post(m->app->work, MST_LANE_FAST, &ask->job, &ask->err) == 0)
		return;
	ask->timer.on_due = on_ask_due;
	mst_timer_set(m->app->loop, &ask->timer, MEMBERS_AGAIN_MS);
}

/* On the members' loop. */
static void on_ask(struct mst_mail *mail)
{
	struct member_ask *ask = MST_HOME(mail, struct member_ask, mail);
	struct mst_members *m = ask->members;

	ask->next = m->asks;
	if (m->asks)
		m->asks->place = &ask->next;
	m->asks = ask;
	ask->place = &m->asks;
	if (m->full)
		post_ask(ask);
	else
		ask_free(ask); /* no catalog was here yet: the first sweep sees everything */
}

static void ask_send(struct mst_app *app, const uint8_t id[static 16], bool is_user)
{
	struct member_ask *ask;

	if (!app->members)
		return;
	ask = calloc(1, sizeof *ask);
	BUG_ON(!ask);
	ask->mail.on_mail = on_ask;
	ask->members = app->members;
	ask->store = app->store;
	ask->is_user = is_user;
	mst_arena_init(&ask->arena, NULL, 0);
	memcpy(ask->id, id, sizeof ask->id);
	if (!is_user) {
		ask->devices = mst_arena_zero(&ask->arena, sizeof *ask->devices);
		BUG_ON(!ask->devices);
		memcpy(ask->devices->device, id, sizeof ask->devices->device);
		ask->num = 1;
	}
	mst_loop_post(app->members->app->loop, &ask->mail);
}

void mst_members_device(struct mst_app *app, const struct mst_id *id)
{
	ask_send(app, id->device, false);
}

void mst_members_user(struct mst_app *app, const uint8_t user[static 16])
{
	ask_send(app, user, true);
}

/* The sweeps. */

static void sweep(struct mst_members *m, struct asked **asked)
{
	m->now = *asked;
	*asked = NULL;
	m->num_looked = m->num_changed = 0;
	m->began_ms = mst_clock_ms();
	m->has_failed = false;
	mst_sweep_begin(m);
}

static void on_due(struct mst_timer *timer)
{
	struct mst_members *m = MST_HOME(timer, struct mst_members, timer);

	if (!m->full)
		return;
	mst_asked_let_go(&m->next);
	m->next = mst_asked_take(m->full);
	if (!m->now)
		sweep(m, &m->next);
}

void mst_sweep_ended(struct mst_members *m)
{
	mst_log(INFO, "labels are current", mst_f_u64("labels", m->now->questions.num), mst_f_u64("devices", m->num_looked),
		mst_f_u64("changed", m->num_changed), mst_f_u64("ms", mst_clock_ms() - m->began_ms));
	mst_asked_let_go(&m->now);
	if (m->has_failed)
		mst_timer_set(m->app->loop, &m->timer, FAILED_MS);
	else if (m->next)
		sweep(m, &m->next);
}

void mst_members_follow(struct mst_members *m, const struct mst_catalog *older, const struct mst_catalog *newer)
{
	struct mst_questions questions;
	struct mst_arena arena;
	struct asked *asked = NULL;
	struct mst_err e;

	mst_asked_let_go(&m->full);
	m->full = mst_asked_new(&newer->questions, newer);
	mst_arena_init(&arena, NULL, 0);
	if (mst_questions_differ(&questions, &arena, older, newer, &e) < 0)
		questions = newer->questions;
	if (questions.num || questions.is_all)
		asked = mst_asked_new(&questions, newer);
	mst_arena_done(&arena);
	if (!asked)
		return;
	if (!m->now) {
		sweep(m, &asked);
		return;
	}
	/* What is under way may ask an expression that is no more: everything is asked after it. */
	mst_asked_let_go(&asked);
	mst_asked_let_go(&m->next);
	m->next = mst_asked_take(m->full);
}

bool mst_members_is_idle(const struct mst_members *m)
{
	return !m->now && !m->next && !m->asks;
}

int mst_members_new(struct mst_members **out, struct mst_app *app, struct mst_err *e)
{
	struct mst_members *m = calloc(1, sizeof *m);

	if (!m)
		return mst_fail(e, MST_E_BUSY, "out of memory for the labels of devices");
	m->app = app;
	m->timer.on_due = on_due;
	*out = m;
	return 0;
}

void mst_members_free(struct mst_members **members)
{
	struct mst_members *m = *members;

	if (!m)
		return;
	while (m->asks)
		ask_free(m->asks);
	mst_timer_end(m->app->loop, &m->timer);
	mst_sweep_done(m);
	mst_asked_let_go(&m->now);
	mst_asked_let_go(&m->next);
	mst_asked_let_go(&m->full);
	free(m);
	*members = NULL;
}
