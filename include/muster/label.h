/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions of dynamic labels: a condition over fields of user and device.
 *
 *   expr  := and { "or" and }      and := not { "and" not }      not := [ "not" ] test | "(" expr ")"
 *   test  := field op value        op := "=" "!=" "<" "<=" ">" ">=" contains starts ends in
 *   field := user.NAME | device.NAME (rows in model/label_fields.c)      value := "text" | number | ( value, ... )
 *
 * Texts compare without regard to case (ASCII); < and > compare versions part by part ("9.10" > "9.2"), and numbers as such.
 */
#ifndef MUSTER_LABEL_H
#define MUSTER_LABEL_H

#include "muster/detail.h"
#include "muster/object.h"

#define MST_EXPR_MAX   4096 /* bytes */
#define MST_EXPR_DEPTH 16

struct mst_expr; /* opaque: in an arena */
/* mst_expr_parse: -1 SYNTAX says at which byte and what was expected. */
int mst_expr_parse(struct mst_expr **out, struct mst_arena *arena, struct mst_slice text, struct mst_err *e) MST_MUST;
/* mst_expr_holds judges one device; `user` NULL: the device has none (its fields are empty). */
bool mst_expr_holds(const struct mst_expr *expr, const struct mst_detail *device, const struct mst_object *user);
/* mst_expr_needs_user: whether a user's fields matter: recomputing can leave users unread otherwise. */
bool mst_expr_needs_user(const struct mst_expr *expr);

#endif
