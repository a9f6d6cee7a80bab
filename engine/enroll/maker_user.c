/* SPDX-License-Identifier: Apache-2.0 */
/* User-provided: what the user uploaded is held already (identity_upload.c). There is nothing to make. */
#include "maker.h"

static int here(struct mst_make *make, struct mst_err *e)
{
	struct mst_slice name = make->user ? make->user->name : mst_slice(NULL, 0);

	if (name.len == 0)
		return mst_fail(e, MST_E_ABSENT, "the device has no user, who could provide a certificate");
	return mst_fail(e, MST_E_ABSENT, "user %.*s has not provided a certificate", (int)name.len, (const char *)name.at);
}

const struct mst_maker mst_maker_user = {.type = "user-provided", .form = MST_IDENTITY_FILE, .makes = false, .here = here};
