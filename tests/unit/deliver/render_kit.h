/* SPDX-License-Identifier: Apache-2.0 */
/* A device, its user and settings to render for it, with identities that are there already. */
#ifndef MUSTER_TEST_RENDER_KIT_H
#define MUSTER_TEST_RENDER_KIT_H

#include <criterion/criterion.h>

#include "muster/render.h"

#define KIT_IDENTITIES 3 /* "Held" (a file), "Asked" (SCEP by the device), "Derived" (client-provided) */

struct render_kit {
	struct mst_arena arena;
	struct mst_detail device;
	struct mst_object user, setting, enrollments[KIT_IDENTITIES];
	struct mst_identity_ask asks[KIT_IDENTITIES];
	struct mst_render_identity identities[KIT_IDENTITIES];
	struct mst_render render;
	struct mst_slice ca_pem, ca_der, leaf_der, middle_der;
	struct mst_err e;
};
void render_kit_init(struct render_kit *kit);
void render_kit_done(struct render_kit *kit);
/* render_kit_read reads a setting as it would be saved: 0, -1 with kit->e. `%CA%` in `fields` becomes a certificate in PEM. */
int render_kit_read(struct render_kit *kit, const char *type, const char *fields);
/* render_kit_set does so, or fails the test. */
void render_kit_set(struct render_kit *kit, const char *type, const char *fields);
/* render_kit_text renders the setting, or fails the test, and lends its terminated text. */
const char *render_kit_text(struct render_kit *kit, enum mst_render_way way);
/* The same setting for each payload's tests: every field of its type at least once over all rows. */
struct setting_row {
	const char *type, *fields;
};
extern const struct setting_row render_settings[];
extern const size_t render_num_settings;

#endif
