/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and durably replaces small files. */
#include "muster/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_FIRST 4096 /* for files that do not tell their size, as those in /proc */

/* Reads until the end or until `room` is full. Returns the bytes read, -1 with errno. */
static ssize_t read_full(int fd, uint8_t *to, size_t room)
{
	size_t have = 0;
	while (have < room) {
		ssize_t got = read(fd, to + have, room - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

static int read_open(struct mst_slice *out, struct mst_arena *arena, int fd, const char *path,
		     size_t most, struct mst_err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return mst_fail_sys(e, errno, "%s", path);
	size_t room = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : READ_FIRST;
	uint8_t *bytes = NULL;
	size_t have = 0;
	for (;; room *= 2) {
		if (room > most)
			room = most;
		/* One byte more than asked for shows that there is more; it becomes the terminator.
		 */
		uint8_t *grown = mst_arena_get(arena, room + 1);
		if (!grown)
			return mst_fail(e, MST_E_BUSY, "%s: no memory to read it", path);
		if (have)
			memcpy(grown, bytes, have);
		bytes = grown;
		ssize_t got = read_full(fd, bytes + have, room + 1 - have);
		if (got < 0)
			return mst_fail_sys(e, errno, "%s", path);
		have += (size_t)got;
		if (have <= room)
			break;
		if (room == most)
			return mst_fail(e, MST_E_TOO_BIG, "%s: over %zu bytes", path, most);
	}
	bytes[have] = '\0';
	*out = mst_slice(bytes, have);
	return 0;
}

int mst_file_read(struct mst_slice *out, struct mst_arena *arena, const char *path, size_t most,
		  struct mst_err *e)
{
	BUG_ON(most == 0 || most > SSIZE_MAX / 2);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return mst_fail(e, MST_E_ABSENT, "%s: no such file", path);
	if (fd < 0)
		return mst_fail_sys(e, errno, "%s", path);
	int rc = read_open(out, arena, fd, path, most, e);
	close(fd);
	return rc;
}

/* Writes and syncs a new file. Returns 0, -1 with errno; nothing is left behind then. */
static int write_new(const char *path, struct mst_slice bytes, mode_t mode)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return -1;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	int sys = 0;
	while (bytes.len && !sys) {
		ssize_t put = write(fd, bytes.at, bytes.len);
		if (put < 0 && errno != EINTR)
			sys = errno;
		if (put > 0)
			bytes = mst_slice(bytes.at + put, bytes.len - (size_t)put);
	}
	if (!sys && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		sys = errno;
	if (close(fd) < 0 && !sys)
		sys = errno;
	if (!sys)
		return 0;
	unlink(path);
	errno = sys;
	return -1;
}

/* A new name is durable when its folder is. */
static int sync_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	if (len >= sizeof(folder))
		len = sizeof(folder) - 1;
	memcpy(folder, path, len);
	folder[len] = '\0';
	int fd = open(len ? folder : slash ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int rc = fsync(fd), sys = errno;
	close(fd);
	errno = sys;
	return rc;
}

static int place(const char *path, struct mst_slice bytes, mode_t mode, bool is_first,
		 struct mst_err *e)
{
	char draft[PATH_MAX];
	int len = snprintf(draft, sizeof(draft), "%s.new", path);
	if (len < 0 || (size_t)len >= sizeof(draft))
		return mst_fail(e, MST_E_TOO_BIG, "%.100s...: the path is too long", path);
	if (write_new(draft, bytes, mode) < 0)
		return mst_fail_sys(e, errno, "%s", draft);
	/* link() refuses an existing name, which rename() would replace. */
	int rc = is_first ? link(draft, path) : rename(draft, path), sys = errno;
	if (rc < 0 || is_first)
		unlink(draft);
	if (rc < 0 && sys == EEXIST)
		return mst_fail(e, MST_E_CONFLICT, "%s: exists already", path);
	if (rc < 0)
		return mst_fail_sys(e, sys, "%s", path);
	return sync_folder_of(path) < 0 ? mst_fail_sys(e, errno, "%s", path) : 0;
}

int mst_file_write(const char *path, struct mst_slice bytes, mode_t mode, struct mst_err *e)
{
	return place(path, bytes, mode, false, e);
}

int mst_file_create(const char *path, struct mst_slice bytes, mode_t mode, struct mst_err *e)
{
	return place(path, bytes, mode, true, e);
}

int mst_file_folder(const char *path, struct mst_err *e)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	if (len >= sizeof(part))
		return mst_fail(e, MST_E_TOO_BIG, "%.100s...: the path is too long", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return mst_fail_sys(e, errno, "%s", part);
	}
	struct stat st;
	if (stat(path, &st) < 0)
		return mst_fail_sys(e, errno, "%s", path);
	return S_ISDIR(st.st_mode) ? 0 : mst_fail_sys(e, ENOTDIR, "%s", path);
}
