/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of objects share: places of secrets, defaults, equality of values. */
#ifndef MUSTER_MODEL_OBJECT_OWN_H
#define MUSTER_MODEL_OBJECT_OWN_H

#include "muster/object.h"

#define OBJECT_KEY_LEN 17 /* noun, id */

void mst_object_key(uint8_t key[static OBJECT_KEY_LEN], enum mst_noun noun, const uint8_t id[static 16]);
/* mst_object_fallback fills every value that is not set and has a fallback. */
int mst_object_fallback(struct mst_object *o, struct mst_arena *arena, struct mst_err *e) MST_MUST;
bool mst_value_same(const struct mst_value *a, const struct mst_value *b, enum mst_field_kind kind);
/* mst_value_tell writes one value; secrets as {"set":true}. */
void mst_value_tell(struct mst_json *j, const char *key, const struct mst_value *value, const struct mst_shape_row *field);

/* object_field.c: one field out of JSON, or out of a text (fallbacks), checked by its row. */
int mst_value_read(struct mst_value *out, struct mst_arena *arena, const struct mst_json_value *json, const struct mst_shape_row *field,
		   struct mst_err *e) MST_MUST;
int mst_value_from_text(struct mst_value *out, const struct mst_shape_row *field, struct mst_slice text, struct mst_err *e) MST_MUST;

#endif
