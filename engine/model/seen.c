/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each device last spoke: kept by its loop in memory, written in slices of lazy batches, one batch for each device.
 *
 *     mark -> waiting (ring of ids, each once) + map id -> time -> slice of up to 256 batches -> committer
 */
#include <stdlib.h>

#include "muster/clock.h"
#include "muster/device.h"
#include "muster/map.h"
#include "record.h"

#define VERSION 1
#define WAITING_MAX 131072u /* devices between two flushes; half full, the flush comes early; a power of two */
#define SLICE_MAX 256u      /* batches a loop makes in one turn: about 100 us */
#define FLUSH_MS_DEFAULT 10000

struct seen_slice {
	struct seen_slice *next; /* all slices, for the end */
	struct mst_seen *seen;
	struct mst_arena arena;
	uint32_t num_out;
	struct mst_batch batches[SLICE_MAX];
};

struct mst_seen {
	struct mst_store *store;
	struct mst_loop *home;
	struct mst_timer timer;
	uint32_t flush_ms;
	struct mst_map *times; /* id -> int64_t */
	struct mst_chunks chunks;
	struct seen_slice *slices;
	uint32_t from, to;       /* of the ring; free running */
	uint32_t flush_to;       /* the flush that runs ends here */
	uint8_t waiting[WAITING_MAX][16];
};

static void put(struct mst_batch *b, const uint8_t *device, int64_t at_ms)
{
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_i64(&p, at_ms);
	mst_record_put(b, MST_SPACE_SEEN, mst_slice(device, 16), &p);
}

static void send_slice(struct mst_seen *seen);

static void slice_came_home(struct seen_slice *slice)
{
	mst_arena_done(&slice->arena);
	send_slice(slice->seen);
}

static void on_committed(struct mst_batch *b)
{
	struct seen_slice *slice = MST_HOME(b->arena, struct seen_slice, arena);

	/* A time that was not written is lost: the device's next word brings a newer one. */
	if (--slice->num_out == 0)
		slice_came_home(slice);
}

static struct seen_slice *slice_get(struct mst_seen *seen)
{
	struct seen_slice *slice = seen->slices;

	while (slice && slice->num_out)
		slice = slice->next;
	if (slice)
		return slice;
	slice = calloc(1, sizeof *slice);
	if (!slice)
		return NULL;
	slice->seen = seen;
	slice->next = seen->slices;
	seen->slices = slice;
	mst_arena_init(&slice->arena, &seen->chunks, 0);
	return slice;
}

/* Commits what the ring holds, up to one slice. False when nothing could be sent. */
static bool fill(struct mst_seen *seen, struct seen_slice *slice)
{
	for (uint32_t i = 0; i < SLICE_MAX && seen->from != seen->flush_to; i++, seen->from++) {
		const uint8_t *device = seen->waiting[seen->from % WAITING_MAX];
		const int64_t *at_ms = mst_map_get0(seen->times, device);
		struct mst_batch *b = &slice->batches[i];
		if (!at_ms)
			continue;
		mst_batch_init(b, &slice->arena, seen->home, on_committed);
		b->is_lazy = true;
		put(b, device, *at_ms);
		if (mst_store_commit(seen->store, b, NULL) < 0)
			break; /* the store is busy: they stay for the following flush */
		slice->num_out++;
		mst_map_drop(seen->times, device);
	}
	if (slice->num_out == 0)
		mst_arena_done(&slice->arena);
	return slice->num_out > 0;
}

static void send_slice(struct mst_seen *seen)
{
	struct seen_slice *slice = seen->from != seen->flush_to ? slice_get(seen) : NULL;

	if (!slice || !fill(seen, slice))
		seen->flush_to = seen->from;
}

/* One slice is out at a time; the last of its batches to come home sends the following one. */
static void start_flush(struct mst_seen *seen)
{
	bool is_running = seen->flush_to != seen->from;

	for (struct seen_slice *slice = seen->slices; slice; slice = slice->next)
		is_running = is_running || slice->num_out;
	seen->flush_to = seen->to;
	if (!is_running)
		send_slice(seen);
}

static void on_due(struct mst_timer *timer)
{
	struct mst_seen *seen = MST_HOME(timer, struct mst_seen, timer);

	start_flush(seen);
	mst_timer_set(seen->home, &seen->timer, seen->flush_ms);
}

int mst_seen_new(struct mst_seen **out, struct mst_store *store, struct mst_loop *home, uint32_t flush_ms,
		 struct mst_err *e)
{
	struct mst_seen *seen = *out = calloc(1, sizeof *seen);

	if (seen)
		seen->times = mst_map_new(16, sizeof(int64_t), WAITING_MAX, false);
	if (!seen || !seen->times) {
		mst_seen_free(out);
		return mst_fail(e, MST_E_BUSY, "out of memory");
	}
	seen->store = store;
	seen->home = home;
	seen->flush_ms = flush_ms ? flush_ms : FLUSH_MS_DEFAULT;
	seen->timer.on_due = on_due;
	mst_timer_set(home, &seen->timer, seen->flush_ms);
	return 0;
}

void mst_seen_free(struct mst_seen **seen)
{
	struct seen_slice *next;

	if (!*seen)
		return;
	if ((*seen)->home)
		mst_timer_end((*seen)->home, &(*seen)->timer);
	for (struct seen_slice *slice = (*seen)->slices; slice; slice = next) {
		next = slice->next;
		mst_arena_done(&slice->arena);
		free(slice);
	}
	mst_chunks_done(&(*seen)->chunks);
	mst_map_free(&(*seen)->times);
	free(*seen);
	*seen = NULL;
}

void mst_seen_mark(struct mst_seen *seen, const struct mst_id *id)
{
	int64_t *at_ms = mst_map_get0(seen->times, id->device);

	if (!at_ms) {
		if (seen->to - seen->from == WAITING_MAX)
			return; /* the store does not keep up: this one is forgotten */
		at_ms = mst_map_set(seen->times, id->device);
		if (!at_ms)
			return;
		memcpy(seen->waiting[seen->to++ % WAITING_MAX], id->device, sizeof id->device);
		if (seen->to - seen->from >= WAITING_MAX / 2)
			start_flush(seen);
	}
	*at_ms = mst_clock_wall_ms();
}

/* Everything at once: this is the end. */
void mst_seen_flush(struct mst_seen *seen)
{
	do {
		seen->flush_to = seen->to;
		send_slice(seen);
	} while (seen->from != seen->flush_to);
}

int mst_seen_get(struct mst_read *r, int64_t *out_ms, const struct mst_id *device)
{
	struct mst_slice value;
	struct mst_unpack u;
	int rc = mst_read_get(r, &value, MST_SPACE_SEEN, mst_id_device_key(device));

	if (rc != 1)
		return rc;
	mst_unpack_begin(&u, value, VERSION);
	*out_ms = mst_unpack_i64(&u);
	return mst_unpack_end(&u, "seen", &r->err) < 0 ? -1 : 1;
}
