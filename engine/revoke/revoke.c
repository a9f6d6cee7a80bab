/* SPDX-License-Identifier: Apache-2.0 */
/* What each loop has for revocation: made, filled from the store before the loops run, freed after them. */
#include "muster/revoke.h"

#include <stdlib.h>

#include "muster/barred.h"
#include "muster/clock.h"
#include "own.h"

#define LOOPS_MAX 256

int mst_revoke_new(struct mst_revoke **out, struct mst_app *app, struct mst_err *e)
{
	struct mst_revoke *revoke = calloc(1, sizeof(*revoke));

	if (!revoke)
		return mst_fail(e, MST_E_BUSY, "no memory for revocation");
	revoke->app = app;
	if (mst_answers_new(revoke, e) < 0) {
		mst_revoke_free(&revoke);
		return -1;
	}
	*out = revoke;
	return 0;
}

void mst_revoke_end(struct mst_revoke *revoke)
{
	if (revoke)
		revoke->is_over = true;
}

void mst_revoke_free(struct mst_revoke **revoke)
{
	struct mst_revoke *gone = *revoke;
	struct revoke_list *next;

	if (!gone)
		return;
	*revoke = NULL;
	for (struct revoke_list *list = gone->publisher.lists; list; list = next) {
		next = list->next;
		mst_publish_list_free(list);
	}
	mst_publish_list_free(gone->publisher.made);
	mst_answers_free(gone);
	if (gone->index == 0)
		free((void *)(uintptr_t)gone->all); /* the table of all is the first one's */
	free(gone);
}

struct load {
	struct mst_read read;
	struct mst_revoke *first;
};

/* The CRL an authority published last, served at once by every loop. */
static int load_list(struct mst_read *r, struct mst_revoke *first, const uint8_t *authority)
{
	struct revoke_list *list = mst_publish_list_new(authority, first->num_all);
	struct mst_arena *arena = r->arena;
	int rc;

	if (!list)
		return mst_fail(&r->err, MST_E_BUSY, "no memory for a CRL");
	r->arena = &list->arena;
	rc = mst_published_get(r, &list->what, authority);
	r->arena = arena;
	if (rc != 1) {
		mst_publish_list_free(list);
		return rc;
	}
	mst_publish_list_fill(list);
	list->next = first->publisher.lists;
	first->publisher.lists = list;
	for (uint32_t i = 0; i < first->num_all; i++) {
		list->users[i].list = list;
		list->users[i].revoke = first->all[i];
		mst_publish_list_adopt(&list->users[i]);
	}
	/* What was revoked just before the end is not on it. */
	mst_publish_soon(first, authority);
	return 0;
}

static int plan(struct mst_read *r)
{
	struct load *l = MST_HOME(r, struct load, read);
	struct mst_walk walk = {.r = NULL};
	struct mst_authority authority;
	int rc;

	while ((rc = mst_authority_next(&walk, r, &authority, NULL)) == 1)
		if ((rc = load_list(r, l->first, authority.id)) != 0)
			break;
	mst_walk_done(&walk);
	return rc;
}

static int load(struct mst_revoke *first, struct mst_err *e)
{
	struct mst_barred *sets[LOOPS_MAX];
	struct mst_arena arena;
	struct load l = {.read = {.arena = &arena, .plan = plan}, .first = first};

	for (uint32_t i = 0; i < first->num_all; i++)
		sets[i] = first->all[i]->app->barred;
	if (mst_barred_load(sets, first->num_all, first->app->store, mst_clock_wall_ms() / 1000, e) < 0)
		return -1;
	mst_arena_init(&arena, NULL, 0);
	int rc = mst_store_read_here(first->app->store, &l.read);
	mst_arena_done(&arena);
	if (rc < 0 && e)
		*e = l.read.err;
	return rc < 0 ? -1 : 0;
}

int mst_revoke_start(struct mst_revoke *const *all, uint32_t num, struct mst_err *e)
{
	struct mst_revoke **kept;

	if (num == 0 || num > LOOPS_MAX)
		return mst_fail(e, MST_E_BUG, "%u loops", num);
	kept = calloc(num, sizeof(struct mst_revoke *));
	if (!kept)
		return mst_fail(e, MST_E_BUSY, "no memory for revocation");
	for (uint32_t i = 0; i < num; i++) {
		kept[i] = all[i];
		all[i]->all = kept;
		all[i]->num_all = num;
		all[i]->index = i;
	}
	if (load(all[0], e) < 0)
		return -1;
	mst_publish_begin(all[0]);
	return 0;
}
