/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options are rows: section, key, place in the struct, type, default as text, range, unit, whether a reload may change it,
 * and one line of help. The same rows parse a value, print the defaults and the manual, and are checked against docs.
 */
#ifndef MUSTER_OPT_H
#define MUSTER_OPT_H

#include "muster/arena.h"

enum mst_opt_type {
	MST_OPT_U32,  /* decimal; range applies */
	MST_OPT_BOOL, /* yes no true false on off 1 0; stored as bool */
	MST_OPT_TEXT, /* char pointer into the configuration's arena; range applies to its length */
	MST_OPT_PATH, /* as TEXT; must be absolute or relative to the configuration file's folder when non-empty */
	MST_OPT_ENUM, /* one of `words`, stored as the enum's number (uint32_t) */
};

struct mst_opt_row {
	const char *section, *key;
	size_t at; /* offsetof in the configuration struct */
	enum mst_opt_type type;
	const char *fallback; /* default, in the same text a file would hold */
	uint64_t least, most; /* both ends belong to it; a `most` of 0 is the largest the type holds */
	const char *unit; /* "ms", "bytes", "" ... for people */
	bool live;        /* a reload may change it; otherwise a restart is needed */
	const char *help;
	const char *const *words; /* ENUM: NULL-terminated */
};

/* mst_opt_find returns the row of section and key; NULL when unknown. */
const struct mst_opt_row *mst_opt_find(const struct mst_opt_row *rows, size_t num_rows, const char *section,
				       const char *key);
/* mst_opt_set parses `value` into `conf`. Text is copied into `arena`. Returns 0, -1 CONF naming section.key and the rule. */
int mst_opt_set(void *conf, struct mst_arena *arena, const struct mst_opt_row *row, const char *value,
		struct mst_err *e) MST_MUST;
/* mst_opt_defaults sets every row's default. */
int mst_opt_defaults(void *conf, struct mst_arena *arena, const struct mst_opt_row *rows, size_t num_rows,
		     struct mst_err *e) MST_MUST;
/* mst_opt_differs says whether the two structs differ in this row. */
bool mst_opt_differs(const struct mst_opt_row *row, const void *a, const void *b);
/* mst_opt_print writes the value of one row as text; returns its length (cut to room). */
size_t mst_opt_print(char *out, size_t room, const struct mst_opt_row *row, const void *conf);

#endif
