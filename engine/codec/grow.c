/* SPDX-License-Identifier: Apache-2.0 */
/* The byte string that grows inside an arena, and the digits and base64 every writer needs. */
#include "muster/grow.h"

#include "muster/text.h"

#define ROOM_LEAST   256
#define ALIGNED(len) (((len) + 15) & ~(size_t)15)

/* The block is the arena's latest and the chunk behind it is free: grow in place. Blocks are
 * multiples of 16. */
static bool stretch(struct mst_grow *g, size_t more)
{
	size_t room = (size_t)(g->end - g->from);
	if (!g->from || g->end != g->arena->at || room != ALIGNED(room))
		return false;
	if (ALIGNED(more) > (size_t)(g->arena->end - g->arena->at))
		return false;
	if (!mst_arena_get(g->arena, more))
		return false;
	g->end += ALIGNED(more);
	return true;
}

bool mst_grow_more(struct mst_grow *g, size_t len)
{
	size_t have = (size_t)(g->at - g->from), room = (size_t)(g->end - g->from), need;
	if (g->is_bad)
		return false;
	if (stretch(g, len > room ? len : room) || stretch(g, len))
		return true;
	if (__builtin_add_overflow(have, len, &need) || need > SIZE_MAX / 4)
		goto bad;
	size_t want = need > 2 * room ? need : 2 * room;
	want = ALIGNED(want < ROOM_LEAST ? ROOM_LEAST : want);
	uint8_t *block = mst_arena_get(g->arena, want);
	if (!block && want > ALIGNED(need)) {
		want = ALIGNED(need);
		block = mst_arena_get(g->arena, want);
	}
	if (!block)
		goto bad;
	if (have)
		memcpy(block, g->from, have);
	g->from = block;
	g->at = block + have;
	g->end = block + want;
	return true;
bad:
	/* No room from now on, so that nothing behind the hole is written. */
	g->is_bad = true;
	g->end = g->at;
	return false;
}

void mst_grow_u64(struct mst_grow *g, uint64_t n)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (uint8_t)('0' + n % 10);
		n /= 10;
	} while (n);
	mst_grow_put(g, mst_slice(digits + at, sizeof(digits) - at));
}

void mst_grow_i64(struct mst_grow *g, int64_t n)
{
	if (n < 0)
		mst_grow_byte(g, '-');
	mst_grow_u64(g, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

void mst_grow_base64(struct mst_grow *g, struct mst_slice bytes)
{
	size_t len = MST_BASE64_LEN(bytes.len);
	uint8_t *place = len ? mst_grow_room(g, len) : NULL;
	if (!place)
		return;
	mst_base64_put((char *)place, bytes);
	mst_grow_took(g, len);
}

int mst_grow_end(struct mst_grow *g, struct mst_slice *out, struct mst_err *e)
{
	if (g->is_bad)
		return mst_fail(e, MST_E_TOO_BIG, "no room in the exchange's memory");
	*out = mst_slice(g->from, (size_t)(g->at - g->from));
	return 0;
}
