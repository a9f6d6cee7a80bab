/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables in the texts of settings: $EMAIL$ and its like, replaced for each device. One row each (model/variable_rows.c): name,
 * where the value comes from, where it is allowed.
 */
#ifndef MUSTER_VARIABLES_H
#define MUSTER_VARIABLES_H

#include "muster/detail.h"
#include "muster/object.h"

/* Of whom a text speaks. */
struct mst_of {
	const struct mst_detail *device; /* NULL only in checks and tests of certificates */
	const struct mst_object *user;   /* NULL: the device has none */
	const uint8_t *config_uuid;      /* 16 bytes: of the setting; NULL: not allowed here */
	int64_t now_ms;
	bool is_still;                   /* $RANDOM_*$ and $TIMESTAMP_MS$ become "*": to compare, not to use */
	bool is_sample;                  /* what is empty becomes the variable's name: for a certificate that nobody will have */
};
/* mst_variables_check: every variable is known and allowed in a field with `flags` (MST_FIELD_*). "$$" is a dollar. -1 SYNTAX
 * naming `field` and the variable. */
int mst_variables_check(const char *field, struct mst_slice text, uint32_t flags, struct mst_err *e) MST_MUST;
/* mst_variables_fill replaces; an empty value is an error naming field and variable (ABSENT). Random ones differ each time. */
int mst_variables_fill(struct mst_slice *out, struct mst_arena *arena, const char *field, struct mst_slice text,
		       const struct mst_of *of, struct mst_err *e) MST_MUST;
/* mst_variables_is_fixed: no $RANDOM_*$ and no $TIMESTAMP_MS$ in it: filling it again gives the same. */
bool mst_variables_is_fixed(struct mst_slice text);

#endif
