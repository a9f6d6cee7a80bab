/* SPDX-License-Identifier: Apache-2.0 */
/* Small files, whole: read with a bound, written so that a crash leaves the old or the new one (write, sync, rename, sync). */
#ifndef MUSTER_FILE_H
#define MUSTER_FILE_H

#include <sys/types.h>

#include "muster/arena.h"

/* mst_file_read reads all of `path`, at most `most` bytes. Returns 0, -1 naming the path: ABSENT when there is none,
 * TOO_BIG over `most`, else IO. The result is terminated, the terminator not counted. Blocks. */
int mst_file_read(struct mst_slice *out, struct mst_arena *arena, const char *path, size_t most, struct mst_err *e) MST_MUST;
/* mst_file_write replaces `path` durably with mode `mode`, whatever the umask. One writer of a path at a time. */
int mst_file_write(const char *path, struct mst_slice bytes, mode_t mode, struct mst_err *e) MST_MUST;
/* mst_file_create is mst_file_write for a path that must not exist yet: -1 CONFLICT when it does. */
int mst_file_create(const char *path, struct mst_slice bytes, mode_t mode, struct mst_err *e) MST_MUST;
/* mst_file_folder makes `path` and its parents (mode 0700 for new ones). */
int mst_file_folder(const char *path, struct mst_err *e) MST_MUST;

#endif
