/* SPDX-License-Identifier: Apache-2.0 */
/* The command record, for the queue and the results beside it. */
#ifndef MUSTER_MODEL_COMMAND_H
#define MUSTER_MODEL_COMMAND_H

#include "muster/queue.h"

#define MST_COMMAND_KEY_MAX (sizeof(struct mst_id) + MST_UUID_MAX)

/* mst_command_key writes id and uuid into `room` and lends it. */
struct mst_slice mst_command_key(uint8_t room[static MST_COMMAND_KEY_MAX], const struct mst_id *id,
				 struct mst_slice uuid);
/* mst_command_put requires the record to be as read, or absent for a new one. */
void mst_command_put(struct mst_batch *b, const struct mst_command *c);

#endif
