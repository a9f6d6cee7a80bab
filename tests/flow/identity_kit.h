/* SPDX-License-Identifier: Apache-2.0 */
/* A rig with an authority, enrolment settings, devices with users and labels, and a keeper. */
#ifndef MUSTER_TEST_IDENTITY_KIT_H
#define MUSTER_TEST_IDENTITY_KIT_H

#include "muster/identity.h"
#include "rig.h"

struct identity_kit {
	struct rig *rig;
	struct mst_keeper *keeper;
	uint32_t num_told; /* on_identity_changed */
};
void identity_begin(struct identity_kit *kit);
void identity_end(struct identity_kit *kit);
/* identity_restart drops the keeper in the middle of its work, and makes another on the same store. */
void identity_restart(struct identity_kit *kit);
/* identity_turn turns the loop for some milliseconds; identity_settle until the keeper has nothing to do. */
void identity_turn(struct identity_kit *kit, uint32_t ms);
void identity_settle(struct identity_kit *kit);
/* identity_put expects 200 or 201. */
void identity_put(struct identity_kit *kit, const char *target, const char *body);
struct answer identity_post(struct identity_kit *kit, const char *target, const char *body);
/* identity_device makes a device "dN" with serial number "SN" of user "uN" (made too, with an address) in a label. */
void identity_device(struct identity_kit *kit, uint32_t n, const char *label);

/* identity_devices makes many at once: "d0" on, of no user. */
void identity_devices(struct identity_kit *kit, uint32_t num, const char *label);

/* An ask on its way. */
struct asked {
	struct mst_identity_ask ask;
	struct mst_arena arena;
	struct mst_object enrollment, user;
	struct mst_detail detail;
	uint8_t setting[16];
	bool is_told;
};
/* identity_ask begins; `device` is read from the store. False: refused, BUSY. */
bool identity_ask(struct identity_kit *kit, struct asked *asked, const char *enrollment, uint32_t device);
/* identity_wait turns the loop until it is told. */
void identity_wait(struct identity_kit *kit, struct asked *asked);
void identity_done(struct asked *asked);
/* identity_get asks and waits, again while the answer is "later". */
void identity_get(struct identity_kit *kit, struct asked *asked, const char *enrollment, uint32_t device);

/* identity_held reads the record: false when there is none. */
bool identity_held(struct identity_kit *kit, struct mst_held *out, const char *enrollment, uint32_t device);
/* identity_live counts the authority's certificates that are not revoked, for one device (its text) or all (NULL). */
uint32_t identity_live(struct identity_kit *kit, const char *device);

#endif
