/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that labels' expressions may name. */
#include "expr_own.h"

const struct expr_field mst_expr_fields[] = {
#define X(member, name) {"device." name, EXPR_DETAIL, .at = offsetof(struct mst_detail, member)},
	MST_DETAIL_TEXTS(X)
#undef X
	{"device.mode", EXPR_MODE},
	{"device.retired", EXPR_IS_RETIRED},
	{"device.has_client", EXPR_HAS_CLIENT},
	{"user.name", EXPR_USER},
	{"user.email", EXPR_USER, .user_field = "email"},
	{"user.first_name", EXPR_USER, .user_field = "first_name"},
	{"user.last_name", EXPR_USER, .user_field = "last_name"},
	{"user.display_name", EXPR_USER, .user_field = "display_name"},
	{"user.dn", EXPR_USER, .user_field = "dn"},
	{"user.sid", EXPR_USER, .user_field = "sid"},
	{"user.upn", EXPR_USER, .user_field = "upn"},
	{"user.locale", EXPR_USER, .user_field = "locale"},
	{"user.realm", EXPR_USER, .user_field = "realm"},
	{"user.custom1", EXPR_USER, .user_field = "custom1"},
	{"user.custom2", EXPR_USER, .user_field = "custom2"},
	{"user.custom3", EXPR_USER, .user_field = "custom3"},
	{"user.custom4", EXPR_USER, .user_field = "custom4"},
	{"user.group", EXPR_USER_LIST, .user_field = "groups"},
};
const size_t mst_expr_num_fields = MST_LEN(mst_expr_fields);
