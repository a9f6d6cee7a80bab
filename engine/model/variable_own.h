/* SPDX-License-Identifier: Apache-2.0 */
/* The table of variables, for variable.c. */
#ifndef MUSTER_MODEL_VARIABLE_OWN_H
#define MUSTER_MODEL_VARIABLE_OWN_H

#include <stddef.h>

#include "muster/variables.h"

enum variable_source {
	VARIABLE_USER,        /* a text field of the user */
	VARIABLE_USER_NAME,
	VARIABLE_DEVICE,      /* a text of the detail */
	VARIABLE_UUID,        /* of the device: made of its id, the same for ever; number 1: without dashes */
	VARIABLE_TIME,        /* milliseconds since 1970 */
	VARIABLE_RANDOM,      /* `number` hex digits */
	VARIABLE_CONFIG_UUID, /* of the setting */
};

struct variable_row {
	const char *name;
	enum variable_source source;
	const char *field;
	size_t at;
	uint32_t number, needs; /* needs: a flag that the field must have */
	bool is_fresh;          /* another value each time */
};
extern const struct variable_row mst_variable_rows[];
extern const size_t mst_variable_num_rows;

#endif
