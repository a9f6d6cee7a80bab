/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a label: a list kept by hand, or an expression that finds its devices. */
#include "muster/label.h"
#include "shape_own.h"

static const struct mst_shape_row fields[] = {
	{"description", MST_FIELD_TEXT, MST_FIELD_SHOWS, .most = 1024, .help = "What it is for"},
	{"expression", MST_FIELD_TEXT, MST_FIELD_SHOWS, .most = MST_EXPR_MAX,
	 .help = "Which devices have it; empty: those that were put in by hand"},
};

static int check(const struct mst_object *o, struct mst_err *e)
{
	struct mst_slice text = mst_object_text(o, "expression");
	struct mst_arena arena;
	struct mst_expr *expr;
	int rc;

	if (text.len == 0)
		return 0;
	mst_arena_init(&arena, NULL, 1u << 20);
	rc = mst_expr_parse(&expr, &arena, text, e);
	mst_arena_done(&arena);
	return rc;
}

const struct mst_shape mst_shape_label = SHAPE(LABEL, "label", "A group of devices that settings are applied to", fields, check);
