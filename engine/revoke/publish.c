/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The publisher, on the first loop: whose CRL is due, one at a time on a worker, and then to every loop.
 *
 *   look around > make (worker) > adopt in each loop ... the older one comes back from each loop > free
 */
#include <stdlib.h>

#include "muster/barred.h"
#include "muster/clock.h"
#include "muster/log.h"
#include "muster/text.h"
#include "own.h"

#define LOOK_MS  250    /* how often it looks whose CRL is due */
#define RETRY_MS 10000  /* after a CRL could not be made */
#define SWEEP_MS 3600000 /* expired certificates leave a loop's set so often; 100,000 of them are looked at in a millisecond */

static void lent_on_idle(struct mst_lent *lent);

struct revoke_list *mst_publish_list_new(const uint8_t *authority, uint32_t num_users)
{
	struct revoke_list *list = calloc(1, sizeof(*list) + num_users * sizeof(list->users[0]));

	if (!list)
		return NULL;
	memcpy(list->authority, authority, sizeof(list->authority));
	mst_arena_init(&list->arena, NULL, 0);
	list->num_users = num_users;
	return list;
}

void mst_publish_list_fill(struct revoke_list *list)
{
	uint8_t sha256[32];
	char *at = list->etag;

	mst_sha256(sha256, list->what.crl);
	*at++ = '"';
	mst_hex_put(at, mst_slice(sha256, 16));
	at[32] = '"';
	at[33] = '\0';
	mst_date_put(list->modified, list->what.this_s);
	for (uint32_t i = 0; i < list->num_users; i++)
		list->users[i].lent = (struct mst_lent){.bytes = list->what.crl, .on_idle = lent_on_idle};
}

void mst_publish_list_free(struct revoke_list *list)
{
	if (!list)
		return;
	mst_arena_done(&list->arena);
	free(list);
}

struct revoke_user *mst_publish_find0(const struct mst_revoke *revoke, const uint8_t *authority)
{
	for (uint32_t i = 0; i < revoke->num_lists; i++)
		if (memcmp(revoke->lists[i]->list->authority, authority, 16) == 0)
			return revoke->lists[i];
	return NULL;
}

/* On the first loop: a loop has let go. */
static void on_left(struct mst_mail *mail)
{
	struct revoke_user *user = MST_HOME(mail, struct revoke_user, mail);
	struct revoke_list *list = user->list, **at = &user->revoke->all[0]->publisher.lists;

	if (--list->num_users)
		return;
	while (*at != list)
		at = &(*at)->next;
	*at = list->next;
	mst_publish_list_free(list);
}

static void leave(struct revoke_user *user)
{
	user->mail.on_mail = on_left;
	mst_loop_post(user->revoke->all[0]->app->loop, &user->mail);
}

static void lent_on_idle(struct mst_lent *lent)
{
	struct revoke_user *user = MST_HOME(lent, struct revoke_user, lent);

	if (user->is_left && !user->revoke->is_over)
		leave(user);
}

void mst_publish_list_adopt(struct revoke_user *user)
{
	struct mst_revoke *revoke = user->revoke;
	uint32_t i = 0;

	while (i < revoke->num_lists && memcmp(revoke->lists[i]->list->authority, user->list->authority, 16) != 0)
		i++;
	if (i == MST_AUTHORITIES_MAX) { /* the snapshot of authorities has no more */
		user->is_left = true;
		leave(user);
		return;
	}
	if (i < revoke->num_lists) {
		revoke->lists[i]->is_left = true;
		if (revoke->lists[i]->lent.num_uses == 0)
			leave(revoke->lists[i]);
	} else {
		revoke->num_lists++;
	}
	revoke->lists[i] = user;
}

static void on_adopt(struct mst_mail *mail)
{
	struct revoke_user *user = MST_HOME(mail, struct revoke_user, mail);
	struct mst_revoke *revoke = user->revoke;
	uint64_t now_ms = mst_clock_ms();

	mst_publish_list_adopt(user);
	if (now_ms - revoke->swept_ms < SWEEP_MS)
		return;
	revoke->swept_ms = now_ms;
	mst_barred_sweep(revoke->app->barred, mst_clock_wall_ms() / 1000);
}

static void spread(struct mst_revoke *first, struct revoke_list *list)
{
	for (uint32_t i = 0; i < first->num_all; i++) {
		struct revoke_user *user = &list->users[i];
		user->list = list;
		user->revoke = first->all[i];
		user->mail.on_mail = on_adopt;
		mst_loop_post(first->all[i]->app->loop, &user->mail);
	}
}

/* NULL when there are too many to remember one more. */
static struct revoke_turn *turn_of(struct revoke_publisher *p, const uint8_t *authority)
{
	for (uint32_t i = 0; i < p->num_turns; i++)
		if (memcmp(p->turns[i].authority, authority, 16) == 0)
			return &p->turns[i];
	if (p->num_turns == MST_AUTHORITIES_MAX)
		return NULL;
	memcpy(p->turns[p->num_turns].authority, authority, 16);
	return &p->turns[p->num_turns++];
}

void mst_publish_soon(struct mst_revoke *first, const uint8_t *authority)
{
	struct revoke_turn *turn = turn_of(&first->publisher, authority);

	if (!turn || turn->is_dirty)
		return;
	turn->is_dirty = true;
	turn->dirty_ms = mst_clock_ms();
}

/* On a worker. */
static void run(struct mst_job *job)
{
	struct revoke_publisher *p = MST_HOME(job, struct revoke_publisher, job);
	struct mst_revoke *first = MST_HOME(p, struct mst_revoke, publisher);
	const struct mst_app *app = first->app;

	p->err.code = MST_E_NONE;
	if (mst_publish_make(&p->made->what, &p->made->arena, app->store, app->seal, p->authority, p->has_before ? &p->before : NULL,
			     mst_clock_wall_ms() / 1000, &p->err) < 0)
		return;
	mst_publish_list_fill(p->made);
}

static void failed(struct revoke_publisher *p)
{
	struct revoke_turn *turn = turn_of(p, p->authority);

	mst_log(ERROR, "a CRL could not be made", mst_f_hex("authority", mst_slice(p->authority, 16)), mst_f_err(&p->err));
	mst_publish_list_free(p->made);
	p->made = NULL;
	if (!turn)
		return;
	turn->is_dirty = true;
	turn->not_before_ms = mst_clock_ms() + RETRY_MS;
}

static void on_ran(struct mst_job *job)
{
	struct revoke_publisher *p = MST_HOME(job, struct revoke_publisher, job);
	struct mst_revoke *first = MST_HOME(p, struct mst_revoke, publisher);
	struct revoke_list *list = p->made;

	p->is_busy = false;
	if (p->err.code != MST_E_NONE) {
		failed(p);
		return;
	}
	p->made = NULL;
	list->next = p->lists;
	p->lists = list;
	mst_log(INFO, "CRL published", mst_f_hex("authority", mst_slice(list->authority, 16)),
		mst_f_u64("number", list->what.number), mst_f_u64("bytes", list->what.crl.len));
	spread(first, list);
}

static void begin(struct mst_revoke *first, const uint8_t *authority, struct revoke_turn *turn)
{
	struct revoke_publisher *p = &first->publisher;
	const struct revoke_user *user = mst_publish_find0(first, authority);

	p->made = mst_publish_list_new(authority, first->num_all);
	if (!p->made)
		return;
	memcpy(p->authority, authority, sizeof(p->authority));
	p->has_before = user != NULL;
	if (user)
		p->before = user->list->what;
	p->job = (struct mst_job){.home = first->app->loop, .run = run, .on_ran = on_ran};
	if (mst_work_post(first->app->work, MST_LANE_BULK, &p->job, NULL) < 0) {
		mst_publish_list_free(p->made); /* the workers are busy: the next look tries again */
		p->made = NULL;
		return;
	}
	p->is_busy = true;
	/* What is revoked from here on may not be in it. */
	turn->is_dirty = false;
}

static bool is_due(const struct mst_revoke *first, const struct mst_issuer *issuer, const struct revoke_turn *turn, uint64_t now_ms,
		   int64_t now_s)
{
	const struct revoke_user *user = mst_publish_find0(first, issuer->record.id);
	const struct mst_published *what = user ? &user->list->what : NULL;

	if (now_ms < turn->not_before_ms || issuer->cert.not_after < now_s)
		return false;
	if (!what || (turn->is_dirty && now_ms - turn->dirty_ms >= MST_REVOKE_DELAY_MS))
		return true;
	return now_s >= what->this_s + (what->next_s - what->this_s) / 2;
}

static void look_around(struct mst_revoke *first)
{
	const struct mst_issuers *issuers = first->app->issuers;
	uint64_t now_ms = mst_clock_ms();
	int64_t now_s = mst_clock_wall_ms() / 1000;

	if (first->publisher.is_busy || first->app->is_draining || !issuers)
		return;
	for (uint32_t i = 0; i < issuers->num; i++) {
		struct revoke_turn *turn = turn_of(&first->publisher, issuers->rows[i]->record.id);
		if (!turn || !is_due(first, issuers->rows[i], turn, now_ms, now_s))
			continue;
		begin(first, issuers->rows[i]->record.id, turn);
		return;
	}
}

static void on_look(struct mst_timer *timer)
{
	struct revoke_publisher *p = MST_HOME(timer, struct revoke_publisher, timer);
	struct mst_revoke *first = MST_HOME(p, struct mst_revoke, publisher);

	look_around(first);
	mst_timer_set(first->app->loop, timer, LOOK_MS);
}

void mst_publish_begin(struct mst_revoke *first)
{
	first->publisher.timer.on_due = on_look;
	mst_timer_set(first->app->loop, &first->publisher.timer, LOOK_MS);
}
