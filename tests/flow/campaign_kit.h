/* SPDX-License-Identifier: Apache-2.0 */
/* A rig with campaigns on its loop, and devices that are only records. */
#ifndef MUSTER_TEST_CAMPAIGN_KIT_H
#define MUSTER_TEST_CAMPAIGN_KIT_H

#include "muster/campaign.h"
#include "muster/json.h"
#include "rig.h"

struct campaign_kit {
	struct rig *rig;
	struct mst_campaigns_conf conf;
	struct mst_kick kick;
	uint32_t num_kicks, busy;
};
/* campaign_begin: four open campaigns at most, 5,000 pushes a second at most, busy goal 70. */
void campaign_begin(struct campaign_kit *kit);
void campaign_end(struct campaign_kit *kit);
/* campaign_restart drops the campaigns in the middle of their work, and makes them again on the same store. */
void campaign_restart(struct campaign_kit *kit);
void campaign_turn(struct campaign_kit *kit, uint32_t ms);

/* campaign_devices makes enrolled devices D-0000 ... with a product and a version. */
void campaign_devices(struct campaign_kit *kit, const char *prefix, uint32_t num, const char *product, const char *os_version,
		      enum mst_device_state state);
/* campaign_ids: "ids":["D-0000",...] */
char *campaign_ids(struct campaign_kit *kit, const char *prefix, uint32_t num);

struct answer campaign_post(struct campaign_kit *kit, const char *target, const char *body);
/* campaign_start expects 201 and gives the number. */
uint64_t campaign_start(struct campaign_kit *kit, const char *body);
/* campaign_show: its object; free it. campaign_number, campaign_text: a member, or "object.member" one deeper. */
struct mst_json_value *campaign_show(struct campaign_kit *kit, uint64_t number);
uint64_t campaign_number(struct campaign_kit *kit, uint64_t number, const char *key);
char *campaign_text(struct campaign_kit *kit, uint64_t number, const char *key);
/* campaign_wait waits until the state is `state`, or until `key` is at least `least`. */
void campaign_wait(struct campaign_kit *kit, uint64_t number, const char *state);
void campaign_wait_for(struct campaign_kit *kit, uint64_t number, const char *key, uint64_t least);
/* campaign_places reads the due times of the outbox, in order. */
uint32_t campaign_places(struct campaign_kit *kit, int64_t *due_ms, uint32_t room);

#endif
