/* SPDX-License-Identifier: Apache-2.0 */
/* The set of revoked certificates of one loop. */
#include "muster/barred.h"

#include <stdlib.h>

#include "muster/issued.h"
#include "muster/map.h"

#define NUM_MAX 16000000u /* 1 GiB in each loop: more than anybody revoked; beyond it a revocation is refused */

struct mst_barred {
	struct mst_map *map; /* SHA-256 -> not after */
};

int mst_barred_new(struct mst_barred **out, struct mst_err *e)
{
	struct mst_barred *set = calloc(1, sizeof *set);

	if (set)
		set->map = mst_map_new(32, sizeof(int64_t), NUM_MAX, false);
	*out = set;
	if (set && set->map)
		return 0;
	mst_barred_free(out);
	return mst_fail(e, MST_E_BUSY, "no memory for the revoked certificates");
}

void mst_barred_free(struct mst_barred **set)
{
	if (!*set)
		return;
	mst_map_free(&(*set)->map);
	free(*set);
	*set = NULL;
}

int mst_barred_add(struct mst_barred *set, const uint8_t sha256[static 32], int64_t not_after, struct mst_err *e)
{
	int64_t *at = mst_map_set(set->map, sha256);

	if (!at)
		return mst_fail(e, MST_E_BUSY, "no memory for one more revoked certificate");
	*at = not_after;
	return 0;
}

bool mst_barred_has(struct mst_barred *set, const uint8_t sha256[static 32])
{
	return set && mst_map_used(set->map) && mst_map_get0(set->map, sha256);
}

int mst_barred_recheck(void *set, const struct mst_peer *peer, struct mst_err *e)
{
	return mst_barred_has(set, peer->sha256) ? mst_fail(e, MST_E_DENIED, "the certificate is revoked") : 0;
}

static bool is_over(void *context, const void *key, void *value)
{
	return *(int64_t *)value < *(int64_t *)context;
}

void mst_barred_sweep(struct mst_barred *set, int64_t now_s)
{
	mst_map_each(set->map, &now_s, is_over);
}

uint32_t mst_barred_num(const struct mst_barred *set)
{
	return mst_map_used(set->map);
}

struct load {
	struct mst_read read;
	struct mst_barred *const *sets;
	size_t num_sets;
	int64_t now_s;
};

static int load_one(struct load *l, const struct mst_revoked *revoked)
{
	if (revoked->not_after < l->now_s)
		return 0;
	for (size_t i = 0; i < l->num_sets; i++)
		if (mst_barred_add(l->sets[i], revoked->sha256, revoked->not_after, &l->read.err) < 0)
			return -1;
	return 0;
}

static int load_authority(struct load *l, const uint8_t *authority)
{
	struct mst_walk walk = {.r = NULL};
	struct mst_revoked revoked;
	int rc;

	while ((rc = mst_revoked_next(&walk, &l->read, &revoked, authority)) == 1)
		if (load_one(l, &revoked) < 0) {
			rc = -1;
			break;
		}
	mst_walk_done(&walk);
	return rc;
}

static int plan(struct mst_read *r)
{
	struct load *l = MST_HOME(r, struct load, read);
	struct mst_walk walk = {.r = NULL};
	struct mst_authority authority;
	int rc;

	while ((rc = mst_authority_next(&walk, r, &authority, NULL)) == 1)
		if ((rc = load_authority(l, authority.id)) != 0)
			break;
	mst_walk_done(&walk);
	return rc;
}

int mst_barred_load(struct mst_barred *const *sets, size_t num_sets, struct mst_store *store, int64_t now_s, struct mst_err *e)
{
	struct mst_arena arena;
	struct load l = {.read = {.arena = &arena, .plan = plan}, .sets = sets, .num_sets = num_sets, .now_s = now_s};

	mst_arena_init(&arena, NULL, 0);
	int rc = mst_store_read_here(store, &l.read);
	mst_arena_done(&arena);
	if (rc < 0 && e)
		*e = l.read.err;
	return rc < 0 ? -1 : 0;
}
