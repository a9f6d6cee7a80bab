/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service of delivery: a bounded line of devices to look at, fed by changes, by sweeps over labels, users or all, and by
 * what is due again. What does not fit into the line is found again by a sweep over all.
 */
#include "muster/deliver.h"

#include <stdlib.h>

#include "deliver_own.h"
#include "muster/clock.h"
#include "muster/log.h"

#define DUE_LOOK_MS 1000

static void turn(struct mst_deliver *d);

static void sweep_add(struct mst_deliver *d, enum sweep_kind kind, const uint8_t *id)
{
	struct sweep **place = &d->sweeps, *sweep;

	/* The first is under way: what it passed is to be seen again. */
	for (bool is_first = d->is_sweeping; *place; place = &(*place)->next, is_first = false)
		if (!is_first && (*place)->kind == kind && (!id || memcmp((*place)->id, id, 16) == 0))
			return;
	sweep = calloc(1, sizeof *sweep);
	BUG_ON(!sweep);
	sweep->kind = kind;
	if (id)
		memcpy(sweep->id, id, sizeof sweep->id);
	*place = sweep;
}

static struct look *look_of(struct mst_deliver *d, const struct mst_id *id)
{
	for (size_t i = 0; i < DELIVER_LOOKS; i++)
		if (d->looks[i].state != LOOK_FREE && memcmp(&d->looks[i].id, id, sizeof *id) == 0)
			return &d->looks[i];
	return NULL;
}

static void line_add(struct mst_deliver *d, const struct mst_id *id)
{
	struct look *look = look_of(d, id);

	if (look)
		look->is_again = true;
	else if (d->line_num == LINE_MAX)
		sweep_add(d, SWEEP_ALL, NULL);
	else if (d->line_num == 0 || memcmp(&d->line[(d->line_at + d->line_num - 1) % LINE_MAX], id, sizeof *id) != 0)
		d->line[(d->line_at + d->line_num++) % LINE_MAX] = *id;
}

/* Sweeps. */

static int sweep_next(struct mst_deliver *d, struct mst_walk *w, struct mst_read *r, struct mst_id *id)
{
	struct mst_slice from = mst_slice(d->cursor, d->cursor_len);
	struct mst_detail detail;
	int rc;

	switch (d->sweeps->kind) {
	case SWEEP_ALL:
		rc = mst_detail_next(w, r, &detail, from);
		if (rc == 1)
			*id = detail.id;
		return rc;
	case SWEEP_LABEL:
		return mst_labeled_next(w, r, id, d->sweeps->id, from);
	case SWEEP_USER:
		return mst_owned_next(w, r, id, d->sweeps->id, from);
	}
	return 0;
}

static int sweep_plan(struct mst_read *r)
{
	struct mst_deliver *d = MST_HOME(r, struct mst_deliver, read);
	struct mst_walk w = {.r = NULL};
	int rc = 1;

	d->num_found = 0;
	while (d->num_found < SWEEP_SLICE && (rc = sweep_next(d, &w, r, &d->found[d->num_found])) == 1)
		d->num_found++;
	mst_walk_done(&w);
	d->is_last = rc == 0;
	return rc == 1 ? 0 : rc;
}

static void run_sweep(struct mst_job *job)
{
	struct mst_deliver *d = MST_HOME(job, struct mst_deliver, job);

	d->read = (struct mst_read){.arena = &d->arena, .plan = sweep_plan};
	(void)!mst_store_read_here(d->app->store, &d->read);
}

static void sweep_end(struct mst_deliver *d)
{
	struct sweep *sweep = d->sweeps;

	d->sweeps = sweep->next;
	d->cursor_len = 0;
	free(sweep);
}

/* Where the next slice begins: keys of labels and users have the device's id behind their own. */
static void cursor_set(struct mst_deliver *d, const struct mst_id *id)
{
	size_t at = d->sweeps->kind == SWEEP_ALL ? 0 : 16;

	memcpy(d->cursor, d->sweeps->id, at);
	memcpy(d->cursor + at, id->device, 16);
	d->cursor[at + 16] = 0;
	d->cursor_len = (uint32_t)at + 17;
}

static void on_swept(struct mst_job *job)
{
	struct mst_deliver *d = MST_HOME(job, struct mst_deliver, job);

	d->is_sweeping = false;
	mst_arena_done(&d->arena);
	if (d->read.rc < 0) {
		mst_log(ERROR, "devices cannot be looked at", mst_f_code(&d->read.err), mst_f_err(&d->read.err));
		mst_timer_set(d->app->loop, &d->timer, DELIVER_AGAIN_MS * 10);
		return;
	}
	for (uint32_t i = 0; i < d->num_found; i++)
		line_add(d, &d->found[i]);
	if (d->num_found)
		cursor_set(d, &d->found[d->num_found - 1]);
	if (d->is_last)
		sweep_end(d);
	turn(d);
}

static void sweep(struct mst_deliver *d)
{
	struct mst_err e;

	if (!d->sweeps || d->is_sweeping || d->line_num > LINE_MAX / 2)
		return;
	d->job = (struct mst_job){.home = d->app->loop, .run = run_sweep, .on_ran = on_swept};
	mst_arena_init(&d->arena, NULL, 0);
	if (mst_work_post(d->app->work, MST_LANE_BULK, &d->job, &e) == 0)
		d->is_sweeping = true;
	else
		mst_timer_set(d->app->loop, &d->timer, DELIVER_AGAIN_MS);
}

/* Devices that are due again. */

static void due_add(struct mst_deliver *d, const struct mst_id *id, int64_t due_ms)
{
	if (d->num_due == LINE_MAX) {
		sweep_add(d, SWEEP_ALL, NULL);
		return;
	}
	if (d->num_due == d->room_due) {
		uint32_t room = d->room_due * 2 + 64;
		struct due_row *more = realloc(d->due, room * sizeof *more);

		BUG_ON(!more);
		d->due = more;
		d->room_due = room;
	}
	if (d->num_due == 0)
		mst_timer_set(d->app->loop, &d->due_timer, DUE_LOOK_MS);
	d->due[d->num_due++] = (struct due_row){due_ms, *id};
}

static void on_due(struct mst_timer *timer)
{
	struct mst_deliver *d = MST_HOME(timer, struct mst_deliver, due_timer);
	int64_t now_ms = mst_clock_wall_ms();

	for (uint32_t i = 0; i < d->num_due;) {
		if (d->due[i].due_ms > now_ms) {
			i++;
			continue;
		}
		line_add(d, &d->due[i].id);
		d->due[i] = d->due[--d->num_due];
	}
	if (d->num_due)
		mst_timer_set(d->app->loop, &d->due_timer, DUE_LOOK_MS);
	turn(d);
}

/* Looks. */

/* A look that cannot begin ends at once and is due again: its end is no reason to begin the next one inside this. */
static void turn(struct mst_deliver *d)
{
	if (d->is_turning)
		return;
	d->is_turning = true;
	for (size_t i = 0; i < DELIVER_LOOKS && d->line_num && d->index; i++) {
		struct look *look = &d->looks[i];

		if (look->state != LOOK_FREE)
			continue;
		look->id = d->line[d->line_at];
		d->line_at = (d->line_at + 1) % LINE_MAX;
		d->line_num--;
		if (look_of(d, &look->id)) {
			look_of(d, &look->id)->is_again = true;
			i--;
			continue;
		}
		d->num_looks++;
		mst_look_begin(look);
	}
	if (d->index)
		sweep(d);
	d->is_turning = false;
}

static void on_timer(struct mst_timer *timer)
{
	turn(MST_HOME(timer, struct mst_deliver, timer));
}

void mst_look_again_at(struct look *look, int64_t due_ms)
{
	if (due_ms && (look->due_ms == 0 || due_ms < look->due_ms))
		look->due_ms = due_ms;
}

void mst_look_ended(struct look *look)
{
	struct mst_deliver *d = look->deliver;

	look->state = LOOK_FREE;
	d->num_looks--;
	if (look->due_ms)
		due_add(d, &look->id, look->due_ms);
	if (look->is_again)
		line_add(d, &look->id);
	turn(d);
}

bool mst_deliver_is_idle(const struct mst_deliver *d)
{
	return !d->num_looks && !d->line_num && !d->sweeps;
}

/* What comes in. */

struct news {
	struct mst_mail mail;
	struct mst_deliver *deliver;
	bool is_user;
	uint32_t num;
	struct mst_id ids[];
};

static void on_news(struct mst_mail *mail)
{
	struct news *news = MST_HOME(mail, struct news, mail);
	struct mst_deliver *d = news->deliver;

	for (uint32_t i = 0; i < news->num && !news->is_user; i++)
		line_add(d, &news->ids[i]);
	if (news->is_user)
		sweep_add(d, SWEEP_USER, news->ids[0].device);
	free(news);
	turn(d);
}

static struct news *news_new(struct mst_app *app, uint32_t num)
{
	struct news *news = calloc(1, sizeof *news + num * sizeof news->ids[0]);

	BUG_ON(!news);
	news->mail.on_mail = on_news;
	news->deliver = app->deliver;
	news->num = num;
	return news;
}

static void news_post(struct news *news)
{
	mst_loop_post(news->deliver->app->loop, &news->mail);
}

void mst_deliver_devices(struct mst_app *app, const struct mst_id *devices, uint32_t num)
{
	struct news *news;

	if (!app->deliver || num == 0)
		return;
	news = news_new(app, num);
	for (uint32_t i = 0; i < num; i++)
		memcpy(news->ids[i].device, devices[i].device, 16); /* channel zero */
	news_post(news);
}

void mst_deliver_device(struct mst_app *app, const struct mst_id *device)
{
	mst_deliver_devices(app, device, 1);
}

void mst_deliver_user(struct mst_app *app, const uint8_t user[static 16])
{
	struct news *news;

	if (!app->deliver)
		return;
	news = news_new(app, 1);
	news->is_user = true;
	memcpy(news->ids[0].device, user, 16);
	news_post(news);
}

void mst_deliver_identity(struct mst_app *app, const uint8_t owner[static 16], bool is_user, const uint8_t enrollment[static 16])
{
	struct mst_id id = {.device = {0}};

	(void)enrollment;
	memcpy(id.device, owner, 16);
	if (is_user)
		mst_deliver_user(app, owner);
	else
		mst_deliver_device(app, &id);
}

static void labels_sweep(struct mst_deliver *d, const struct index_row *row)
{
	for (uint32_t i = 0; row && i < row->num_labels; i++)
		sweep_add(d, SWEEP_LABEL, row->labels[i]);
}

/* Many devices at once: the keeper makes what they will need, in slices. */
static void early(struct mst_deliver *d, const struct index_row *row)
{
	for (uint32_t i = 0; i < row->num_labels; i++)
		for (uint32_t k = 0; k < row->num_uses; k++)
			mst_keeper_early(d->app->keeper, row->uses[k].id, row->labels[i]);
}

void mst_deliver_follow(struct mst_deliver *d, const struct mst_catalog *older, const struct mst_catalog *newer)
{
	struct deliver_index *before = d->index;

	d->index = mst_index_new(newer);
	if (!older || !before)
		sweep_add(d, SWEEP_ALL, NULL);
	for (uint32_t i = 0; before && i < before->num; i++)
		if (!mst_index_same(&before->rows[i], mst_index_find(d->index, before->rows[i].id)))
			labels_sweep(d, &before->rows[i]);
	for (uint32_t i = 0; before && i < d->index->num; i++) {
		const struct index_row *row = &d->index->rows[i];

		if (mst_index_same(row, mst_index_find(before, row->id)))
			continue;
		if (row->is_early)
			early(d, row);
		labels_sweep(d, row);
	}
	mst_index_let_go(&before);
	turn(d);
}

int mst_deliver_new(struct mst_deliver **out, struct mst_app *app, struct mst_err *e)
{
	struct mst_deliver *d = calloc(1, sizeof *d);

	if (d)
		d->line = calloc(LINE_MAX, sizeof *d->line);
	if (!d || !d->line) {
		free(d);
		return mst_fail(e, MST_E_BUSY, "out of memory for the settings of devices");
	}
	d->app = app;
	d->timer.on_due = on_timer;
	d->due_timer.on_due = on_due;
	for (size_t i = 0; i < DELIVER_LOOKS; i++)
		d->looks[i].deliver = d;
	*out = d;
	return 0;
}

void mst_deliver_free(struct mst_deliver **deliver)
{
	struct mst_deliver *d = *deliver;

	if (!d)
		return;
	mst_timer_end(d->app->loop, &d->timer);
	mst_timer_end(d->app->loop, &d->due_timer);
	while (d->sweeps)
		sweep_end(d);
	for (size_t i = 0; i < DELIVER_LOOKS; i++)
		mst_look_done(&d->looks[i]);
	mst_index_let_go(&d->index);
	mst_arena_done(&d->arena);
	free(d->line);
	free(d->due);
	free(d);
	*deliver = NULL;
}
