/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standing of a device: its detail, its user and its labels, and how its labels are judged anew in the batch of whatever
 * changed it. Read it in the plan, change a copy of the detail, put: what the labels were judged by is required to be as it was
 * read, so a change of device, user or membership in between is a CONFLICT and never a wrong label.
 */
#ifndef MUSTER_STANDING_H
#define MUSTER_STANDING_H

#include "muster/catalog.h"
#include "muster/label.h"

struct mst_standing {
	struct mst_id id;
	struct mst_detail detail; /* has_detail false: only id is set */
	struct mst_member member;
	struct mst_object user;   /* the detail's, or the one that was asked for */
	bool has_detail, has_member, has_user;
	bool is_user_read;
	uint8_t user_id[16];      /* is_user_read: of whose record, there or not */
};
/* mst_standing_read, in a plan. `user`: whose fields will matter, NULL: those of the detail's user. Users are read only when
 * `questions` (NULL: none are asked) need them. 0, -1, MST_LATER. */
int mst_standing_read(struct mst_read *r, struct mst_standing *out, const struct mst_id *id, const struct mst_slice *user,
		      const struct mst_questions *questions) MST_MUST;
/* mst_standing_fill is the same when the detail is at hand already. */
int mst_standing_fill(struct mst_read *r, struct mst_standing *out, const struct mst_detail *detail,
		      const struct mst_questions *questions) MST_MUST;
/* mst_standing_put writes `detail` (NULL: it stays as it is) and the labels the device has by `questions` (NULL: they stay).
 * *has_changed: the labels differ. Writes nothing when nothing differs; what was judged is required all the same. -1 no memory. */
int mst_standing_put(bool *has_changed, struct mst_batch *b, const struct mst_standing *standing, const struct mst_detail *detail,
		     const struct mst_questions *questions, struct mst_err *e) MST_MUST;
/* mst_standing_set_static puts the device into a static label or takes it out; *has_changed: it was not so before. -1 CONFLICT:
 * too many labels. */
int mst_standing_set_static(bool *has_changed, struct mst_batch *b, const struct mst_standing *standing,
			    const uint8_t label[static 16], bool is_member, struct mst_err *e) MST_MUST;

/* mst_questions_differ: what must be asked of every device when `older` (NULL: everything) becomes `newer`; lends from `newer`
 * and from the arena. out->num 0 and not is_all: nothing. */
int mst_questions_differ(struct mst_questions *out, struct mst_arena *arena, const struct mst_catalog *older,
			 const struct mst_catalog *newer, struct mst_err *e) MST_MUST;

#endif
