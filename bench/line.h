/* SPDX-License-Identifier: Apache-2.0 */
/* The programs of muster-bench and their command lines. */
#ifndef MUSTER_LINE_H
#define MUSTER_LINE_H

#include "muster/opt.h"

/* The programs of muster-bench: exit codes. */
int mst_fleet_main(int argc, char **argv);
int mst_limit_main(int argc, char **argv);
int mst_bare_main(int argc, char **argv);
int mst_scep_main(int argc, char **argv);
int mst_revoke_main(int argc, char **argv);
int mst_bulk_main(int argc, char **argv);
int mst_push_main(int argc, char **argv);
int mst_join_main(int argc, char **argv);
int mst_fill_main(int argc, char **argv);
int mst_labels_main(int argc, char **argv);
int mst_micro_main(int argc, char **argv);
/* line.c: reads "--name value" by option rows. 0; 1 help was asked for and printed; -1. */
int mst_line_read(void *conf, struct mst_arena *arena, const struct mst_opt_row *rows,
		  size_t num_rows, int argc, char **argv, struct mst_err *e) MST_MUST;
extern const char *mst_line_before; /* words before a program's name in its usage */
void mst_line_help(const char *program, const struct mst_opt_row *rows, size_t num_rows);

#endif
