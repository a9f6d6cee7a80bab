/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers verdicts on device certificates for a day. */
#include "muster/vouched.h"

#include <stdlib.h>

#include "muster/map.h"

#define LIFE_S 86400 /* meanwhile a CA between leaf and root may have expired */

struct mst_vouched {
	struct mst_map *known;
};
struct verdict {
	struct mst_peer peer;
	int64_t until_s;
};

struct mst_vouched *mst_vouched_new(uint32_t num_max)
{
	struct mst_vouched *vouched = calloc(1, sizeof(*vouched));

	if (!vouched)
		return NULL;
	vouched->known = mst_map_new(sizeof(((struct mst_peer *)0)->sha256), sizeof(struct verdict), num_max, true);
	if (!vouched->known)
		mst_vouched_free(&vouched);
	return vouched;
}

void mst_vouched_free(struct mst_vouched **vouched)
{
	if (!*vouched)
		return;
	mst_map_free(&(*vouched)->known);
	free(*vouched);
	*vouched = NULL;
}

void mst_vouched_forget(struct mst_vouched *vouched)
{
	if (vouched)
		mst_map_clear(vouched->known);
}

const struct mst_peer *mst_vouched_find0(struct mst_vouched *vouched, const uint8_t sha256[static 32], int64_t now_s)
{
	const struct verdict *verdict = vouched ? mst_map_get0(vouched->known, sha256) : NULL;

	return verdict && now_s < verdict->until_s ? &verdict->peer : NULL;
}

void mst_vouched_add(struct mst_vouched *vouched, const struct mst_peer *peer, int64_t now_s)
{
	struct verdict *verdict = vouched ? mst_map_set(vouched->known, peer->sha256) : NULL;

	if (verdict)
		*verdict = (struct verdict){*peer, now_s + LIFE_S};
}
