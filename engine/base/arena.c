/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas over chunks, and the pool that keeps chunks between exchanges. */
#include "muster/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "muster/poison.h"

#define CHUNK_DATA   (MST_CHUNK_LEN - sizeof(struct mst_chunk))
#define KEEP_DEFAULT 256

_Static_assert(sizeof(struct mst_chunk) % 16 == 0, "the bytes behind the head are aligned to 16");

static uint8_t *chunk_data(struct mst_chunk *chunk)
{
	return (uint8_t *)(chunk + 1);
}

static struct mst_chunk *chunk_get(struct mst_chunks *pool, size_t len)
{
	struct mst_chunk *chunk;
	if (pool && pool->free && len == CHUNK_DATA) {
		chunk = pool->free;
		pool->free = chunk->next;
		pool->num_free--;
		mst_unpoison(chunk_data(chunk), chunk->len);
		return chunk;
	}
	chunk = malloc(sizeof(*chunk) + len);
	if (chunk)
		chunk->len = len;
	return chunk;
}

static void chunk_put(struct mst_chunks *pool, struct mst_chunk *chunk)
{
	if (!pool || chunk->len != CHUNK_DATA ||
	    pool->num_free >= (pool->keep ? pool->keep : KEEP_DEFAULT)) {
		free(chunk);
		return;
	}
	mst_poison(chunk_data(chunk), chunk->len);
	chunk->next = pool->free;
	pool->free = chunk;
	pool->num_free++;
}

void mst_chunks_done(struct mst_chunks *pool)
{
	while (pool->free) {
		struct mst_chunk *chunk = pool->free;
		pool->free = chunk->next;
		free(chunk);
	}
	pool->num_free = 0;
}

void mst_arena_init(struct mst_arena *a, struct mst_chunks *pool, size_t limit)
{
	*a = (struct mst_arena){.pool = pool, .limit = limit ? limit : SIZE_MAX};
}

void mst_arena_done(struct mst_arena *a)
{
	struct mst_chunk *next;
	for (struct mst_chunk *chunk = a->chunks; chunk; chunk = next) {
		next = chunk->next;
		chunk_put(a->pool, chunk);
	}
	mst_arena_init(a, a->pool, a->limit);
}

void mst_arena_adopt(struct mst_arena *into, struct mst_arena *from)
{
	struct mst_chunk **end = &into->chunks;
	BUG_ON(from->pool);
	if (into->limit == 0) /* a zeroed arena, never initialised */
		into->limit = SIZE_MAX;
	while (*end)
		end = &(*end)->next;
	*end = from->chunks;
	if (__builtin_add_overflow(into->used, from->used, &into->used) || into->used > into->limit)
		into->used = into->limit;
	mst_arena_init(from, NULL, from->limit);
}

void *mst_arena_get_slow(struct mst_arena *a, size_t len)
{
	if (a->limit == 0) /* a zeroed arena, never initialised */
		a->limit = SIZE_MAX;
	size_t need = len ? len : 1;
	if (__builtin_add_overflow(need, (size_t)15, &need))
		return NULL;
	need &= ~(size_t)15;
	if (need > a->limit - a->used || need > SIZE_MAX - sizeof(struct mst_chunk))
		return NULL;
	if (need <= (size_t)(a->end - a->at)) {
		void *place = a->at;
		a->at += need;
		a->used += need;
		return place;
	}
	struct mst_chunk *chunk = chunk_get(a->pool, need > CHUNK_DATA ? need : CHUNK_DATA);
	if (!chunk)
		return NULL;
	chunk->next = a->chunks;
	a->chunks = chunk;
	a->used += need;
	/* A block of its own leaves the present chunk in use: small requests go on there. */
	if (need <= CHUNK_DATA) {
		a->at = chunk_data(chunk) + need;
		a->end = chunk_data(chunk) + chunk->len;
	}
	return chunk_data(chunk);
}

void *mst_arena_zero(struct mst_arena *a, size_t len)
{
	void *place = mst_arena_get(a, len);
	return place ? memset(place, 0, len) : NULL;
}

bool mst_arena_copy(struct mst_arena *a, struct mst_slice *out, struct mst_slice s)
{
	uint8_t *place = s.len < SIZE_MAX ? mst_arena_get(a, s.len + 1) : NULL;
	if (!place)
		return false;
	if (s.len)
		memcpy(place, s.at, s.len);
	place[s.len] = '\0';
	*out = mst_slice(place, s.len);
	return true;
}

bool mst_arena_format(struct mst_arena *a, struct mst_slice *out, const char *format, ...)
{
	/* Printed in place when the present chunk has the room; measured and printed again
	 * otherwise. */
	va_list args;
	size_t room = (size_t)(a->end - a->at);
	va_start(args, format);
	int len = vsnprintf((char *)a->at, room, format, args);
	va_end(args);
	if (len < 0)
		return false;
	bool fits = (size_t)len < room;
	char *place = mst_arena_get(a, (size_t)len + 1);
	if (!place)
		return false;
	if (!fits) {
		va_start(args, format);
		vsnprintf(place, (size_t)len + 1, format, args);
		va_end(args);
	}
	*out = mst_slice(place, (size_t)len);
	return true;
}
