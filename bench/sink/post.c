/* SPDX-License-Identifier: Apache-2.0 */
/* What a loop took travels to the desk once a turn, in one mail that comes back when it has been read. */
#include "parts.h"

#include <stdlib.h>

#define BATCHES_MAX 64       /* on their way; beyond that notes are lost, and counted */
#define BATCH_MAX   (4u << 20) /* bytes of notes in one turn */

struct sink_batch {
	struct mst_mail mail; /* first */
	struct sink *from;
	struct sink_tally tally;
	struct mst_buf notes; /* struct sink_note and payload, one after the other */
};

static void on_home(struct mst_mail *mail)
{
	struct sink_batch *batch = MST_HOME(mail, struct sink_batch, mail);

	batch->from->num_batches_out--;
	mst_buf_done(&batch->notes);
	free(batch);
}

static void on_desk(struct mst_mail *mail)
{
	struct sink_batch *batch = MST_HOME(mail, struct sink_batch, mail);
	struct sink_desk *desk = batch->from->first->desk;
	struct mst_slice left = mst_buf_slice(&batch->notes);
	struct sink_note note;

	mst_desk_count(desk, &batch->tally);
	while (left.len) {
		memcpy(&note, left.at, sizeof(note));
		mst_desk_take(desk, &note, mst_slice(left.at + sizeof(note), note.payload_len));
		left = mst_slice(left.at + sizeof(note) + note.payload_len, left.len - sizeof(note) - note.payload_len);
	}
	batch->mail.on_mail = on_home;
	mst_loop_post(batch->from->loop, &batch->mail);
}

static struct sink_batch *open_batch(struct sink *sink)
{
	if (!sink->batch && sink->num_batches_out < BATCHES_MAX) {
		sink->batch = calloc(1, sizeof(*sink->batch));
		if (sink->batch) {
			sink->batch->from = sink;
			sink->batch->notes.limit = BATCH_MAX;
		}
	}
	return sink->batch;
}

void mst_post_note(struct sink *sink, const struct sink_note *note, struct mst_slice payload)
{
	struct sink_batch *batch;
	uint8_t *place;

	if (sink->desk) {
		mst_desk_take(sink->desk, note, payload);
		return;
	}
	batch = open_batch(sink);
	place = batch ? mst_buf_room(&batch->notes, sizeof(*note) + payload.len, NULL) : NULL;
	if (!place) {
		sink->tally.num_lost++;
		return;
	}
	memcpy(place, note, sizeof(*note));
	memcpy(place + sizeof(*note), payload.at, payload.len);
	mst_buf_put(&batch->notes, sizeof(*note) + payload.len);
}

void mst_post_send(struct sink *sink)
{
	static const struct sink_tally nothing;
	struct sink_batch *batch;

	if (!sink->batch && memcmp(&sink->tally, &nothing, sizeof(nothing)) == 0)
		return;
	if (sink->desk) {
		mst_desk_count(sink->desk, &sink->tally);
		sink->tally = nothing;
		return;
	}
	batch = open_batch(sink);
	if (!batch)
		return; /* the next turn tells it */
	batch->tally = sink->tally;
	sink->tally = nothing;
	sink->batch = NULL;
	sink->num_batches_out++;
	batch->mail.on_mail = on_desk;
	mst_loop_post(sink->first->loop, &batch->mail);
}

void mst_post_free(struct sink *sink)
{
	if (sink->batch)
		mst_buf_done(&sink->batch->notes);
	free(sink->batch);
	sink->batch = NULL;
}
