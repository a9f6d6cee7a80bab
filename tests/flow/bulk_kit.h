/* SPDX-License-Identifier: Apache-2.0 */
/* A rig with authorities and a queue of bulk jobs. */
#ifndef MUSTER_TEST_BULK_KIT_H
#define MUSTER_TEST_BULK_KIT_H

#include "muster/bulk.h"
#include "muster/issued.h"
#include "muster/json.h"
#include "rig.h"

struct bulk_kit {
	struct rig *rig;
	struct mst_bulk_conf conf;
	char key_path[96];
};
/* bulk_begin: authorities "devices" (P-256) and "strict" (takes RSA keys of 3072 bits only); five
 * open jobs at most. */
void bulk_begin(struct bulk_kit *kit);
void bulk_end(struct bulk_kit *kit);
/* bulk_restart drops the queue in the middle of its work, and makes another on the same store. */
void bulk_restart(struct bulk_kit *kit);
/* bulk_turn turns the loop for some milliseconds. */
void bulk_turn(struct bulk_kit *kit, uint32_t ms);

/* bulk_post asks POST /v1/bulk; bulk_start expects 202 and gives the id. */
struct answer bulk_post(struct bulk_kit *kit, const char *body);
char *bulk_start(struct bulk_kit *kit, const char *body);
struct answer bulk_delete(struct bulk_kit *kit, const char *id);
/* bulk_state is a job's state; bulk_number one of its numbers; bulk_wait waits for a state. */
char *bulk_state(struct bulk_kit *kit, const char *id);
uint64_t bulk_number(struct bulk_kit *kit, const char *id, const char *key);
void bulk_wait(struct bulk_kit *kit, const char *id, const char *state);
/* bulk_check reads all pages: indexes 0 to num - 1 once each, numbers unique, each certificate of
 * its name (prefix and number from 1 when `prefix` is not NULL); as many certificates in the store
 * as `stored`. */
void bulk_check(struct bulk_kit *kit, const char *id, uint32_t num, const char *prefix,
		uint32_t stored);
/* bulk_change changes the authority's record. */
void bulk_change(struct bulk_kit *kit, const char *name, void (*change)(struct mst_authority *a));

#endif
