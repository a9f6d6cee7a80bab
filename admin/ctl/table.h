/* SPDX-License-Identifier: Apache-2.0 */
/* A table for people: cells are collected, then printed in aligned columns. */
#ifndef MUSTER_TABLE_H
#define MUSTER_TABLE_H

#include <stdio.h>

#include "muster/arena.h"

#define MST_TABLE_COLUMNS_MAX 12

struct mst_table {
	struct mst_arena *arena;
	size_t num_columns, num_cells, num_room;
	struct mst_slice *cells; /* row by row, the head first */
	bool is_bad;
};

/* mst_table_begin starts with the head's words, ended by NULL. */
void mst_table_begin(struct mst_table *t, struct mst_arena *arena, const char *const *head);
/* The next cell, from left to right; text is copied, and what a terminal could take as an order
 * becomes '?'. */
void mst_table_text(struct mst_table *t, struct mst_slice text);
void mst_table_u64(struct mst_table *t, uint64_t n);
/* mst_table_print writes all rows. -1 when memory ran out on the way. */
int mst_table_print(const struct mst_table *t, FILE *to);
/* mst_table_safe writes text without control characters. */
void mst_table_safe(FILE *to, struct mst_slice text, bool keeps_lines);

#endif
