/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: what is due when, in a heap; the clock of the daily job; and what other threads tell it. */
#include "keeper_own.h"

#include <stdlib.h>
#include <time.h>

#include "muster/clock.h"
#include "muster/log.h"

#define DAILY_HOUR   3
#define DAILY_MINUTE 45
#define DAILY_LOOK_MS 600000 /* the clock may be set */

int64_t mst_keeper_next(int64_t now_ms)
{
	time_t now_s = (time_t)(now_ms / 1000), at_s;
	struct tm tm;

	localtime_r(&now_s, &tm);
	tm.tm_hour = DAILY_HOUR;
	tm.tm_min = DAILY_MINUTE;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	at_s = mktime(&tm);
	if (at_s <= now_s) {
		localtime_r(&now_s, &tm);
		tm.tm_mday++;
		tm.tm_hour = DAILY_HOUR;
		tm.tm_min = DAILY_MINUTE;
		tm.tm_sec = 0;
		tm.tm_isdst = -1;
		at_s = mktime(&tm);
	}
	return (int64_t)at_s * 1000;
}

static void heap_up(struct mst_keeper *keeper, uint32_t at)
{
	struct due *dues = keeper->dues;

	while (at && dues[at].at_ms < dues[(at - 1) / 2].at_ms) {
		struct due moved = dues[at];
		dues[at] = dues[(at - 1) / 2];
		dues[(at - 1) / 2] = moved;
		at = (at - 1) / 2;
	}
}

static void heap_down(struct mst_keeper *keeper)
{
	struct due *dues = keeper->dues;
	uint32_t at = 0;

	for (;;) {
		uint32_t least = at;
		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < keeper->num_dues; child++)
			if (dues[child].at_ms < dues[least].at_ms)
				least = child;
		if (least == at)
			return;
		struct due moved = dues[at];
		dues[at] = dues[least];
		dues[least] = moved;
		at = least;
	}
}

static bool grow(struct mst_keeper *keeper)
{
	uint32_t room = keeper->room_dues ? keeper->room_dues * 2 : 64;
	struct due *dues;

	if (keeper->num_dues < keeper->room_dues)
		return true;
	dues = room <= DUES_MAX ? realloc(keeper->dues, room * sizeof *dues) : NULL;
	if (!dues)
		return false;
	keeper->dues = dues;
	keeper->room_dues = room;
	return true;
}

void mst_keeper_push(struct mst_keeper *keeper, const struct due *due)
{
	if (!grow(keeper)) {
		keeper->has_overflowed = true;
		return;
	}
	keeper->dues[keeper->num_dues] = *due;
	heap_up(keeper, keeper->num_dues++);
}

static void pop(struct mst_keeper *keeper, struct due *out)
{
	*out = keeper->dues[0];
	keeper->dues[0] = keeper->dues[--keeper->num_dues];
	heap_down(keeper);
}

void mst_keeper_unlink(struct mst_making *m)
{
	struct mst_keeper *keeper = m->context;
	struct mst_making **at = &keeper->live;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	keeper->num_live--;
	mst_making_free(m);
}

static bool is_passing(enum mst_code code)
{
	return code == MST_E_STORE || code == MST_E_BUSY || code == MST_E_IO || code == MST_E_CONFLICT;
}

static void push_again(struct mst_making *m, int64_t at_ms)
{
	struct due due = {.why = m->why, .is_early = m->is_early, .at_ms = at_ms};

	memcpy(due.owner, m->owner, sizeof due.owner);
	memcpy(due.enrollment, m->enrollment, sizeof due.enrollment);
	memcpy(due.setting, m->setting, sizeof due.setting);
	if (m->why == WHY_ASKED && m->is_user)
		return; /* its owner is the user by now; whoever delivers asks again */
	mst_keeper_push(m->context, &due);
}

static void tell(struct mst_making *m)
{
	struct mst_app *app = m->app;

	if ((m->was_changed || m->tells) && app->on_identity_changed)
		app->on_identity_changed(app, m->owner, m->is_user, m->enrollment);
}

static void on_over(struct mst_making *m)
{
	struct mst_keeper *keeper = m->context;
	int64_t now_ms = mst_clock_wall_ms(), at_ms = m->held.due_ms > now_ms ? m->held.due_ms : now_ms + AGAIN_MS;

	tell(m);
	if (m->verdict == VERDICT_WAIT && !m->is_noted)
		push_again(m, at_ms);
	else if (m->verdict == VERDICT_FAIL && is_passing(m->err.code) && m->held.state != MST_HELD_FAILED)
		push_again(m, now_ms + AGAIN_MS);
	if (m->held.older_cert.len && !m->held.older_waits && m->verdict != VERDICT_WAIT &&
	    (m->maker || mst_record_is_ours(m->held.older_authority)))
		mst_keeper_revoke(m);
	else
		mst_keeper_unlink(m);
	mst_keeper_go(keeper);
}

/* False: the workers are full. */
static bool begin(struct mst_keeper *keeper, const struct due *due)
{
	struct mst_making *m = mst_making_new(keeper->app);
	struct mst_err err;

	if (!m)
		return false;
	memcpy(m->owner, due->owner, sizeof m->owner);
	memcpy(m->enrollment, due->enrollment, sizeof m->enrollment);
	memcpy(m->setting, due->setting, sizeof m->setting);
	m->why = due->why;
	m->is_early = due->is_early;
	m->is_boot = due->is_boot;
	m->tells = due->tells;
	m->reads_owner = true;
	m->keeps = keeper->keeps;
	m->on_over = on_over;
	m->context = keeper;
	if (mst_making_start(m, MST_LANE_BULK, &err) < 0) {
		mst_making_free(m);
		return false;
	}
	m->next = keeper->live;
	keeper->live = m;
	keeper->num_live++;
	return true;
}

static void run_dues(struct mst_keeper *keeper)
{
	int64_t now_ms = mst_clock_wall_ms();
	struct due due;

	while (keeper->num_live < LIVE_MAX && keeper->num_dues && keeper->dues[0].at_ms <= now_ms) {
		pop(keeper, &due);
		if (begin(keeper, &due))
			continue;
		due.at_ms = now_ms + AGAIN_MS;
		mst_keeper_push(keeper, &due);
		return;
	}
	if (keeper->num_dues == 0 && keeper->has_overflowed && !keeper->scan) {
		keeper->has_overflowed = false;
		keeper->scans_boot = true;
	}
}

static void run_scans(struct mst_keeper *keeper)
{
	bool is_boot = keeper->scans_boot, is_daily = keeper->scans_daily;

	if (keeper->scan || (!is_boot && !is_daily))
		return;
	keeper->scans_boot = keeper->scans_daily = false;
	mst_keeper_scan(keeper, is_boot, is_daily, is_daily && keeper->scan_now_ms ? keeper->scan_now_ms : mst_clock_wall_ms());
}

void mst_keeper_go(struct mst_keeper *keeper)
{
	if (keeper->app->is_draining)
		return;
	mst_keeper_removals(keeper);
	run_scans(keeper);
	run_dues(keeper);
	mst_keeper_ahead(keeper);
}

static void on_tick(struct mst_timer *timer)
{
	struct mst_keeper *keeper = MST_HOME(timer, struct mst_keeper, tick);

	mst_keeper_go(keeper);
	mst_timer_set(keeper->app->loop, &keeper->tick, TICK_MS);
}

void mst_keeper_daily(struct mst_keeper *keeper, int64_t now_ms)
{
	keeper->scans_daily = true;
	keeper->scan_now_ms = now_ms;
	mst_keeper_go(keeper);
}

static void on_daily(struct mst_timer *timer)
{
	struct mst_keeper *keeper = MST_HOME(timer, struct mst_keeper, daily);
	int64_t now_ms = mst_clock_wall_ms(), in_ms;

	if (now_ms >= keeper->next_daily_ms) {
		mst_keeper_daily(keeper, 0);
		keeper->next_daily_ms = mst_keeper_next(now_ms);
	}
	in_ms = keeper->next_daily_ms - now_ms;
	mst_timer_set(keeper->app->loop, timer, (uint64_t)(in_ms < DAILY_LOOK_MS ? (in_ms > 0 ? in_ms : 1) : DAILY_LOOK_MS));
}

int mst_keeper_new(struct mst_keeper **out, struct mst_app *app, struct mst_err *e)
{
	struct mst_keeper *keeper = calloc(1, sizeof *keeper);

	if (!keeper)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	keeper->app = app;
	keeper->scans_boot = true;
	keeper->next_daily_ms = mst_keeper_next(mst_clock_wall_ms());
	keeper->tick.on_due = on_tick;
	keeper->daily.on_due = on_daily;
	mst_timer_set(app->loop, &keeper->tick, 0);
	mst_timer_set(app->loop, &keeper->daily, DAILY_LOOK_MS);
	*out = keeper;
	return 0;
}

void mst_keeper_rule(struct mst_keeper *keeper, bool (*keeps)(const struct mst_detail *device))
{
	keeper->keeps = keeps;
}

void mst_keeper_free(struct mst_keeper **at)
{
	struct mst_keeper *keeper = *at;

	if (!keeper)
		return;
	mst_timer_end(keeper->app->loop, &keeper->tick);
	mst_timer_end(keeper->app->loop, &keeper->daily);
	while (keeper->live)
		mst_keeper_unlink(keeper->live);
	mst_keeper_ahead_free(keeper);
	mst_keeper_scan_free(keeper);
	mst_keeper_removals_free(keeper);
	free(keeper->dues);
	free(keeper);
	*at = NULL;
}

bool mst_keeper_is_idle(const struct mst_keeper *keeper)
{
	return !keeper->live && !keeper->scan && !keeper->ahead && !keeper->earlies && !keeper->removals && !keeper->scans_boot &&
	       !keeper->scans_daily && !keeper->has_overflowed &&
	       (keeper->num_dues == 0 || keeper->dues[0].at_ms > mst_clock_wall_ms());
}

/* What other threads tell: a mail that is freed when it was read. */
enum note_kind { NOTE_DUE, NOTE_EARLY, NOTE_REMOVE };
struct note {
	struct mst_mail mail;
	struct mst_keeper *keeper;
	enum note_kind kind;
	struct due due;
	struct early *early;
	struct removal *removal;
};

static void early_add(struct mst_keeper *keeper, struct early *early)
{
	struct early **at = &keeper->earlies;

	for (; *at; at = &(*at)->next)
		if (memcmp((*at)->enrollment, early->enrollment, sizeof early->enrollment) == 0 &&
		    memcmp((*at)->label, early->label, sizeof early->label) == 0) {
			free(early);
			return;
		}
	*at = early;
}

static void on_note(struct mst_mail *mail)
{
	struct note *note = MST_HOME(mail, struct note, mail);
	struct mst_keeper *keeper = note->keeper;

	switch (note->kind) {
	case NOTE_DUE:
		mst_keeper_push(keeper, &note->due);
		break;
	case NOTE_EARLY:
		early_add(keeper, note->early);
		break;
	case NOTE_REMOVE:
		note->removal->keeper = keeper;
		note->removal->next = keeper->removals;
		keeper->removals = note->removal;
		break;
	}
	free(note);
	mst_keeper_go(keeper);
}

/* Without memory nothing is told: the records say it at the next walk. */
static void post(struct mst_keeper *keeper, const struct note *what)
{
	struct note *note = malloc(sizeof *note);

	if (!note) {
		free(what->early);
		free(what->removal);
		return;
	}
	*note = *what;
	note->keeper = keeper;
	note->mail.on_mail = on_note;
	mst_loop_post(keeper->app->loop, &note->mail);
}

void mst_keeper_due(struct mst_keeper *keeper, const uint8_t owner[static 16], const uint8_t enrollment[static 16],
		    const uint8_t setting[static 16], int64_t due_ms)
{
	struct note note = {.kind = NOTE_DUE, .due = {.why = WHY_DUE, .at_ms = due_ms}};

	if (!keeper)
		return;
	memcpy(note.due.owner, owner, sizeof note.due.owner);
	memcpy(note.due.enrollment, enrollment, sizeof note.due.enrollment);
	memcpy(note.due.setting, setting, sizeof note.due.setting);
	post(keeper, &note);
}

void mst_keeper_anew(struct mst_keeper *keeper, const struct mst_held *held)
{
	struct note note = {.kind = NOTE_DUE, .due = {.why = WHY_ANEW}};

	if (!keeper)
		return;
	memcpy(note.due.owner, held->owner, sizeof note.due.owner);
	memcpy(note.due.enrollment, held->enrollment, sizeof note.due.enrollment);
	memcpy(note.due.setting, held->setting, sizeof note.due.setting);
	post(keeper, &note);
}

void mst_keeper_look(struct mst_keeper *keeper, const struct mst_held *held)
{
	struct note note = {.kind = NOTE_DUE, .due = {.why = WHY_DUE, .tells = true}};

	if (!keeper)
		return;
	memcpy(note.due.owner, held->owner, sizeof note.due.owner);
	memcpy(note.due.enrollment, held->enrollment, sizeof note.due.enrollment);
	memcpy(note.due.setting, held->setting, sizeof note.due.setting);
	post(keeper, &note);
}

void mst_keeper_early(struct mst_keeper *keeper, const uint8_t enrollment[static 16], const uint8_t label[static 16])
{
	struct note note = {.kind = NOTE_EARLY};

	note.early = keeper ? calloc(1, sizeof *note.early) : NULL;
	if (!note.early)
		return;
	memcpy(note.early->enrollment, enrollment, sizeof note.early->enrollment);
	memcpy(note.early->label, label, sizeof note.early->label);
	post(keeper, &note);
}

void mst_keeper_remove(struct mst_keeper *keeper, const struct mst_id *device, const uint8_t *enrollment, const char *who)
{
	struct note note = {.kind = NOTE_REMOVE};
	struct mst_slice name = mst_slice_str(who);

	note.removal = keeper ? calloc(1, sizeof *note.removal) : NULL;
	if (!note.removal)
		return;
	memcpy(note.removal->device, device->device, sizeof note.removal->device);
	note.removal->has_enrollment = enrollment != NULL;
	if (enrollment)
		memcpy(note.removal->enrollment, enrollment, sizeof note.removal->enrollment);
	if (name.len >= sizeof note.removal->who)
		name.len = sizeof note.removal->who - 1;
	if (name.len)
		memcpy(note.removal->who, name.at, name.len);
	post(keeper, &note);
}
