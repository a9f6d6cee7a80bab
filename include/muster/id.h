/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment ids. Apple's text ids (a UDID, an EnrollmentID, with a user after a colon) become fixed keys: the first 16 bytes of
 * SHA-256 of the device's text name the device and its partition, 8 bytes of SHA-256 of the user's text name the channel;
 * the device channel is all zeroes.
 *
 *   | device 16 | channel 8 |
 */
#ifndef MUSTER_ID_H
#define MUSTER_ID_H

#include "muster/slice.h"

#define MST_ID_TEXT_MAX 256 /* of a device's or user's part */

struct mst_id {
	uint8_t device[16];
	uint8_t channel[8];
};

/* mst_id_make: `user` empty for the device channel. */
void mst_id_make(struct mst_id *out, struct mst_slice device, struct mst_slice user);
/* mst_id_from reads an operator's "DEVICE" or "DEVICE:USER". -1 SYNTAX when empty, too long or not printable UTF-8. */
int mst_id_from(struct mst_id *out, struct mst_slice text, struct mst_err *e) MST_MUST;
bool mst_id_is_device(const struct mst_id *id);
static inline struct mst_slice mst_id_key(const struct mst_id *id)
{
	return mst_slice(id, sizeof *id);
}
static inline struct mst_slice mst_id_device_key(const struct mst_id *id)
{
	return mst_slice(id->device, sizeof id->device);
}

#endif
