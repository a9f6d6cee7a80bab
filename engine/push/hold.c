/* SPDX-License-Identifier: Apache-2.0 */
/* Pushes the service asked to leave alone for a while (429). In memory: after a restart the service asks again. */
#include "hand.h"

#include <stdlib.h>

#include "muster/map.h"

#define HOLDS_MAX    65536 /* beyond: the one used longest ago is forgotten, and asked for again */
#define FIRST_S      60u
#define DOUBLINGS_MAX 4    /* 16 minutes */
#define LONGEST_S    86400 /* whatever the service says */

struct hold {
	int64_t until_ms; /* wall */
	uint32_t num;     /* times in a row */
};

struct push_hold {
	struct mst_map *holds; /* id -> hold */
};

int64_t mst_hold_set(struct push_hold *h, const struct mst_id *id, uint32_t retry_after_s, int64_t now_ms)
{
	struct hold *hold = mst_map_set(h->holds, id), lone = {.num = 0};
	int64_t wait_s;

	hold = hold ? hold : &lone;
	wait_s = retry_after_s ? retry_after_s : FIRST_S << (hold->num < DOUBLINGS_MAX ? hold->num : DOUBLINGS_MAX);
	wait_s = wait_s < LONGEST_S ? wait_s : LONGEST_S;
	hold->num++;
	hold->until_ms = now_ms + wait_s * 1000;
	return hold->until_ms;
}

int64_t mst_hold_until(struct push_hold *h, const struct mst_id *id)
{
	const struct hold *hold = mst_map_used(h->holds) ? mst_map_get0(h->holds, id) : NULL;

	return hold ? hold->until_ms : 0;
}

void mst_hold_drop(struct push_hold *h, const struct mst_id *id)
{
	if (mst_map_used(h->holds))
		mst_map_drop(h->holds, id);
}

int mst_hold_new(struct push_hold **out, struct mst_err *e)
{
	struct push_hold *h = calloc(1, sizeof *h);

	*out = h;
	if (!h)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	h->holds = mst_map_new(sizeof(struct mst_id), sizeof(struct hold), HOLDS_MAX, true);
	return h->holds ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

void mst_hold_free(struct push_hold **at)
{
	if (!*at)
		return;
	mst_map_free(&(*at)->holds);
	free(*at);
	*at = NULL;
}
