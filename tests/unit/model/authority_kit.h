/* SPDX-License-Identifier: Apache-2.0 */
/* A store with a master key and a folder of its own around it, and authorities in it. */
#ifndef MUSTER_TEST_AUTHORITY_KIT_H
#define MUSTER_TEST_AUTHORITY_KIT_H

#include "kit.h"
#include "muster/authority.h"

struct rig {
	struct kit *kit;
	struct mst_arena *arena; /* the kit's */
	struct mst_seal *seal;
	char folder[40], key_path[64]; /* the folder is where the test runs */
};
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);
/* rig_rotate adds a master key and loads both. */
void rig_rotate(struct rig *rig);

struct mst_authority_wish rig_wish(const char *name, enum mst_key_kind kind);
struct mst_authority rig_make(struct rig *rig, const char *name, enum mst_key_kind kind);
/* rig_put: 0 or the error's code. rig_get: 1, 0, -1. */
int rig_put(struct rig *rig, const struct mst_authority *a, const struct mst_seal *seal);
int rig_get(struct rig *rig, struct mst_authority *out, const char *name, const struct mst_seal *seal);

#endif
