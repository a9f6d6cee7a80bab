/* SPDX-License-Identifier: Apache-2.0 */
/* The tables that shape_rows.c gathers: one file each. */
#ifndef MUSTER_MODEL_SHAPE_OWN_H
#define MUSTER_MODEL_SHAPE_OWN_H

#include "muster/object.h"

#define SHAPE(noun_, type_, help_, fields_, check_)                                                \
	{.noun = MST_NOUN_##noun_, .type = type_, .help = help_, .fields = fields_,                \
	 .num_fields = MST_LEN(fields_), .check = check_}

#define MST_NUM_ENROLLMENT_TYPES 11

#define MST_NUM_APP_TYPES 3

extern const struct mst_shape mst_shape_user, mst_shape_label;
extern const struct mst_shape mst_shape_wifi, mst_shape_vpn, mst_shape_exchange, mst_shape_email, mst_shape_scep, mst_shape_root;
extern const struct mst_shape mst_shape_apps[MST_NUM_APP_TYPES];
extern const struct mst_shape mst_shape_enrollments[MST_NUM_ENROLLMENT_TYPES];

#endif
