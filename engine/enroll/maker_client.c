/* SPDX-License-Identifier: Apache-2.0 */
/* Client-provided: the client has the derived credential. Only purpose and provider are told, by whoever renders the setting. */
#include "maker.h"

static int here(struct mst_make *make, struct mst_err *e)
{
	(void)make;
	return mst_fail(e, MST_E_TYPE, "client-provided: the client has the certificate, nothing is made here");
}

const struct mst_maker mst_maker_client = {.type = "client-provided", .form = MST_IDENTITY_CLIENT, .makes = false, .here = here};
