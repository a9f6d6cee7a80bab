/* SPDX-License-Identifier: Apache-2.0 */
/* The makers: one row for each type of enrolment setting. */
#include "maker.h"

const struct mst_maker *const mst_maker_list[] = {
	&mst_maker_local,
	&mst_maker_file,
	&mst_maker_user,
	&mst_maker_client,
	&mst_maker_scep,
	/* of an outside CA, by SCEP with a passcode: symantec-mpki */
	/* of an outside CA, by its own interface: symantec-mpki-ws, globalsign, entrust, opentrust, blue-coat */
};
const size_t mst_maker_num = MST_LEN(mst_maker_list);

static int start(struct mst_make *make, struct mst_err *e)
{
	return mst_fail(e, MST_E_TYPE, "this engine has no connector for enrolment settings of type %s", make->enrollment->shape->type);
}

static const struct mst_maker none = {.type = "", .form = MST_IDENTITY_FILE, .makes = true, .start = start, .tell = start};

const struct mst_maker *mst_maker_find(const struct mst_object *enrollment)
{
	for (size_t i = 0; i < mst_maker_num; i++)
		if (strcmp(mst_maker_list[i]->type, enrollment->shape->type) == 0)
			return mst_maker_list[i];
	return &none;
}
