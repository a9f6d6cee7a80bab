/* SPDX-License-Identifier: Apache-2.0 */
/* What look-ups of devices share about details and labels. */
#ifndef API_DETAIL_OWN_H
#define API_DETAIL_OWN_H

#include "muster/standing.h"
#include "own.h"

/* mst_detail_tell writes the member "detail", mst_labels_tell "labels": their names, as far as `c` (NULL: none) knows them. */
void mst_detail_tell(struct mst_json *j, const struct mst_detail *d);
void mst_labels_tell(struct mst_json *j, const struct mst_catalog *c, const struct mst_member *m);
/* mst_detail_list_filters reads user, platform, enrollment_id and label of the query; with one of them the list is
 * mst_detail_list_plan's. 0, -1 with x->err. */
int mst_detail_list_filters(struct api_query *q, bool *has_some) MST_MUST;
int mst_detail_list_plan(struct mst_read *r) MST_MUST;
/* devices.c: the filters over Apple's record. */
bool mst_device_is_wanted(const struct api_query *q, const struct mst_device *d);

#endif
