/* SPDX-License-Identifier: Apache-2.0 */
/* A label's expression as a tree, for expr_parse.c and expr.c; and the table of fields it may name. */
#ifndef MUSTER_MODEL_EXPR_OWN_H
#define MUSTER_MODEL_EXPR_OWN_H

#include <stddef.h>

#include "muster/label.h"

/* X(name, word): tests; words before symbols that begin alike do not exist, longer symbols come first */
#define EXPR_OPS(X)                                                                                \
	X(NE, "!=") X(LE, "<=") X(GE, ">=") X(EQ, "=") X(LT, "<") X(GT, ">")                       \
	X(CONTAINS, "contains") X(STARTS, "starts") X(ENDS, "ends") X(IN, "in")
enum expr_op {
#define X(name, word) EXPR_##name,
	EXPR_OPS(X)
#undef X
	NUM_EXPR_OPS
};

/* Where a field's text comes from: a text of the detail, a fact of it, or a field of the user. */
enum expr_source { EXPR_DETAIL, EXPR_MODE, EXPR_IS_RETIRED, EXPR_HAS_CLIENT, EXPR_USER, EXPR_USER_LIST };
struct expr_field {
	const char *name;
	enum expr_source source;
	size_t at;
	const char *user_field;
};
extern const struct expr_field mst_expr_fields[];
extern const size_t mst_expr_num_fields;

enum expr_kind { EXPR_OR, EXPR_AND, EXPR_NOT, EXPR_TEST };
struct mst_expr {
	enum expr_kind kind;
	struct mst_expr *left, *right; /* NOT: left only */
	const struct expr_field *field;
	enum expr_op op;
	const struct mst_slice *values;
	uint32_t num_values;
};

#endif
