/* SPDX-License-Identifier: Apache-2.0 */
/* Copies the keys a table names out of a property list, with kind, length and presence checked by row. */
#include "own.h"

#define AT(field) offsetof(struct mdm_message, field)

const struct mdm_item_row mst_item_ids[] = {
	{"UDID", AT(ids.udid), ITEM_TEXT, 0, MST_ID_TEXT_MAX},
	{"EnrollmentID", AT(ids.enrollment_id), ITEM_TEXT, 0, MST_ID_TEXT_MAX},
	{"UserID", AT(ids.user_id), ITEM_TEXT, 0, MST_ID_TEXT_MAX},
	{"EnrollmentUserID", AT(ids.enrollment_user_id), ITEM_TEXT, 0, MST_ID_TEXT_MAX},
	{"UserShortName", AT(ids.short_name), ITEM_TEXT, 0, MST_ID_TEXT_MAX},
	{"UserLongName", AT(ids.long_name), ITEM_TEXT, 0, 1024},
};
const size_t mst_item_num_ids = MST_LEN(mst_item_ids);

static int bytes_read(struct mst_slice *out, struct mst_arena *arena, const struct mst_plist *root,
		      const struct mdm_item_row *row, struct mst_err *e)
{
	struct mst_slice lent;
	int rc = row->kind == ITEM_TEXT ? mst_plist_text0(root, &lent, row->key, e)
					: mst_plist_data0(root, &lent, row->key, e);

	if (rc <= 0)
		return rc;
	if (lent.len > row->len_max)
		return mst_fail(e, MST_E_SYNTAX, "%s is longer than %zu bytes", row->key, row->len_max);
	if (!mst_arena_copy(arena, out, lent))
		return mst_fail(e, MST_E_BUSY, "out of memory for a message");
	return lent.len > 0;
}

int mst_item_read(struct mdm_message *out, struct mst_arena *arena, const struct mst_plist *root,
		  const struct mdm_item_row *rows, size_t num_rows, uint32_t which, struct mst_err *e)
{
	for (const struct mdm_item_row *row = rows; row < rows + num_rows; row++) {
		void *place = (char *)out + row->at;
		int rc = row->kind == ITEM_BOOL ? mst_plist_bool(root, place, row->key, e)
						: bytes_read(place, arena, root, row, e);

		if (rc < 0)
			return -1;
		if (rc == 0 && row->needed_by & which)
			return mst_fail(e, MST_E_SYNTAX, "no %s", row->key);
	}
	return 0;
}
