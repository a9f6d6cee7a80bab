/* SPDX-License-Identifier: Apache-2.0 */
/* The checks a property list passes before the tree builder sees it. */
#ifndef CODEC_PLIST_OWN_H
#define CODEC_PLIST_OWN_H

#include "muster/plist.h"

/* Each returns 0, or -1 SYNTAX or TOO_BIG. `depth_max` of the limits is at most
 * MST_PLIST_DEPTH_MOST. */
#define MST_PLIST_DEPTH_MOST 60
int mst_plist_xml_check(struct mst_slice bytes, const struct mst_plist_limits *limits,
			struct mst_err *e) MST_MUST;
int mst_plist_bin_check(struct mst_slice bytes, const struct mst_plist_limits *limits,
			struct mst_err *e) MST_MUST;

#endif
