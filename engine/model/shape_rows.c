/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of all types of objects, gathered. */
#include "shape_own.h"

static const struct {
	const struct mst_shape *shapes;
	size_t num;
} groups[] = {
	{&mst_shape_user, 1},
	{&mst_shape_label, 1},
	{&mst_shape_wifi, 1},
	{&mst_shape_vpn, 1},
	{&mst_shape_exchange, 1},
	{&mst_shape_email, 1},
	{mst_shape_apps, MST_NUM_APP_TYPES},
	{&mst_shape_scep, 1},
	{&mst_shape_root, 1},
	{mst_shape_enrollments, MST_NUM_ENROLLMENT_TYPES},
};

const struct mst_shape *mst_shape_at(size_t i)
{
	for (size_t k = 0; k < MST_LEN(groups); k++) {
		if (i < groups[k].num)
			return &groups[k].shapes[i];
		i -= groups[k].num;
	}
	return NULL;
}

const struct mst_shape *mst_shape_find(enum mst_noun noun, struct mst_slice type)
{
	const struct mst_shape *shape;

	for (size_t i = 0; (shape = mst_shape_at(i)); i++)
		if (shape->noun == noun && mst_slice_eq(mst_slice_str(shape->type), type))
			return shape;
	return NULL;
}
