/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command queue of a channel, the state of each command, and the reports of devices, in spaces of their own: the cost of
 * "next command" does not depend on how much was answered before.
 *
 * queue   | device 16 | channel 8 | epoch 4 | ready at 8 | sequence 8 |  big-endian, so keys are in order
 * command | device 16 | channel 8 | uuid |   a command's uuid is the operator's text, 1 to 128 bytes
 * result  | device 16 | channel 8 | uuid |
 */
#ifndef MUSTER_QUEUE_H
#define MUSTER_QUEUE_H

#include "muster/id.h"
#include "muster/store.h"

#define MST_UUID_MAX 128
#define MST_COMMAND_MAX (1u << 20) /* bytes of one command; a profile with large payloads fits */
#define MST_QUEUE_KEY_LEN 44

/* X(name, word): the life of a command */
#define MST_COMMAND_STATES(X)                                                                      \
	X(QUEUED, "queued")            /* waits for the device */                                  \
	X(NOT_NOW, "not-now")          /* waits; the device answered NotNow */                     \
	X(ACKNOWLEDGED, "acknowledged")                                                            \
	X(ERROR, "error")                                                                          \
	X(FORMAT_ERROR, "format-error")                                                            \
	X(CANCELLED, "cancelled")
enum mst_command_state {
#define X(name, word) MST_COMMAND_##name,
	MST_COMMAND_STATES(X)
#undef X
	MST_NUM_COMMAND_STATES
};
const char *mst_command_state_word(enum mst_command_state state);
static inline bool mst_command_is_over(enum mst_command_state state)
{
	return state >= MST_COMMAND_ACKNOWLEDGED;
}

struct mst_command {
	struct mst_id id;
	struct mst_slice uuid, request_type;
	enum mst_command_state state;
	uint32_t epoch;
	uint8_t queue_key[MST_QUEUE_KEY_LEN]; /* where it waits, while it waits */
	int64_t queued_ms, changed_ms;
	int64_t not_now_ms; /* when the device last answered NotNow, 0 never */
	uint32_t num_not_now;
	struct mst_slice raw;
};
/* mst_command_get: 1, 0 unknown, -1, MST_LATER. */
int mst_command_get(struct mst_read *r, struct mst_command *out, const struct mst_id *id, struct mst_slice uuid) MST_MUST;
/* mst_command_next walks a channel's commands in order of uuid; zero `w` first, mst_walk_done(w) after the last call; `from`
 * continues after an earlier uuid; `id` stays until the end. */
int mst_command_next(struct mst_walk *w, struct mst_read *r, struct mst_command *out, const struct mst_id *id,
		     struct mst_slice from) MST_MUST;

/* mst_queue_add queues `plist` (the whole command as the device will get it) in the device's `epoch`, and requires the uuid to
 * be new for this channel (CONFLICT otherwise). */
void mst_queue_add(struct mst_batch *b, const struct mst_id *id, uint32_t epoch, struct mst_slice uuid,
		   struct mst_slice request_type, struct mst_slice plist, int64_t now_ms);
/* mst_queue_peek finds the oldest ready command of the channel in `epoch` that did not answer NotNow at or after
 * `skip_since_ms` (INT64_MAX: skips none; 0: skips every one that ever did). `uuid` and `plist` are in the arena. 1, 0, -1, MST_LATER. */
int mst_queue_peek(struct mst_read *r, struct mst_slice *uuid, struct mst_slice *plist, const struct mst_id *id, uint32_t epoch,
		   int64_t now_ms, int64_t skip_since_ms) MST_MUST;
/* mst_queue_count counts up to `most` waiting commands of the channel in `epoch`. */
int mst_queue_count(struct mst_read *r, uint32_t *out, const struct mst_id *id, uint32_t epoch, uint32_t most) MST_MUST;
/* mst_queue_end takes `c` (as read) out of the queue with a final state. mst_queue_not_now marks it. Both require the
 * command to be as read. */
void mst_queue_end(struct mst_batch *b, const struct mst_command *c, enum mst_command_state state, int64_t now_ms);
void mst_queue_not_now(struct mst_batch *b, const struct mst_command *c, int64_t now_ms);

/* What the device reported for a command: the body as it came. */
struct mst_result {
	struct mst_slice uuid, status; /* Acknowledged, Error, ... */
	int64_t at_ms;
	struct mst_slice body;
};
void mst_result_put(struct mst_batch *b, const struct mst_id *id, const struct mst_result *result);
int mst_result_get(struct mst_read *r, struct mst_result *out, const struct mst_id *id, struct mst_slice uuid) MST_MUST;

#endif
