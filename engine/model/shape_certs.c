/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of settings that are certificates themselves: an identity, and CA certificates to trust. */
#include "shape_setting_own.h"

/* clang-format off */
static const struct mst_shape_row scep_rows[] = {
	SETTING_ROWS,
	IDENTITY("identity", REQ | SHOWS, "Certificate enrolment setting of the identity"),
	BOOL("is_key_extractable", "macOS: the private key may leave the key chain"),
	BOOL("allows_all_apps", "macOS: all apps may use the key"),
};
static const struct mst_shape_row root_rows[] = {
	SETTING_ROWS,
	{"certificates", MST_FIELD_TEXT, REQ, .least = 1, .most = 65536, .help = "CA certificates to trust, PEM"},
};
/* clang-format on */

static int root_check(const struct mst_object *o, struct mst_err *e)
{
	return mst_setting_pem_check(o, "certificates", e);
}

const struct mst_shape mst_shape_scep = SHAPE(SETTING, "scep", "An identity, made here or by the device with SCEP", scep_rows, NULL);
const struct mst_shape mst_shape_root = SHAPE(SETTING, "root", "CA certificates that devices trust", root_rows, root_check);
