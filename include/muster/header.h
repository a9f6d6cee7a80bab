/* SPDX-License-Identifier: Apache-2.0 */
/* What the head of an HTTP message is made of: a method and named values. Shared by the codec and
 * the exchange. */
#ifndef MUSTER_HEADER_H
#define MUSTER_HEADER_H

#include "muster/slice.h"

enum mst_method { MST_GET, MST_HEAD, MST_PUT, MST_POST, MST_DELETE, MST_OTHER_METHOD };

struct mst_header {
	struct mst_slice name, value; /* name in lower case, value trimmed */
};

/* mst_header_find returns the value of the first header called `name` (lower case); `at` is NULL
 * when there is none. */
static inline struct mst_slice mst_header_find(const struct mst_header *headers, size_t num,
					       struct mst_slice name)
{
	for (size_t i = 0; i < num; i++)
		if (mst_slice_eq(headers[i].name, name))
			return headers[i].value;
	return (struct mst_slice){NULL, 0};
}

#endif
