/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of a look: into its batch, with one push for all of them. */
#ifndef DELIVER_SEND_OWN_H
#define DELIVER_SEND_OWN_H

#include "deliver_own.h"

/* mst_send_profile signs the profile where there is a signer, and queues it; row->to.uuid is the command's. 0, -1 with look->err. */
int mst_send_profile(struct look *look, struct look_row *row, struct mst_slice profile) MST_MUST;
/* mst_send_removal takes the profile of a setting away; failures make the batch short. */
void mst_send_removal(struct look *look, struct look_row *row, const uint8_t setting_uuid[static 16]);
int mst_send_remove(struct look *look, struct mst_slice uuid, struct mst_slice identifier) MST_MUST;
void mst_send_push(struct look *look);

#endif
