/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time and memory of the server's process. */
#include <errno.h>
#include <time.h>

#include "parts.h"

#define TICKS_PER_S 100 /* USER_HZ, the unit of /proc/PID/stat on every Linux */

/* utime and stime, fields 14 and 15 behind the name in parentheses; ten milliseconds fine. */
static int cpu_from_stat(uint64_t *out, uint32_t pid, struct mst_err *e)
{
	char path[64], line[1024], *at;
	unsigned long long user, system;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "r");
	if (!f || !fgets(line, sizeof(line), f)) {
		if (f)
			fclose(f);
		return mst_fail(e, MST_E_IO, "cannot read %s", path);
	}
	fclose(f);
	at = strrchr(line, ')');
	if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
			  &system) != 2)
		return mst_fail(e, MST_E_IO, "%s is not as expected", path);
	*out = (user + system) * (1000000000ull / TICKS_PER_S);
	return 0;
}

int mst_server_cpu_ns(uint64_t *out, uint32_t pid, struct mst_err *e)
{
	clockid_t clock;
	struct timespec at;

	/* The process's CPU clock counts the same time as /proc/PID/stat, in nanoseconds. */
	if (clock_getcpuclockid((pid_t)pid, &clock) != 0 || clock_gettime(clock, &at) != 0)
		return cpu_from_stat(out, pid, e);
	*out = (uint64_t)at.tv_sec * 1000000000ull + (uint64_t)at.tv_nsec;
	return 0;
}

static int find_kib(uint64_t *out, const char *path, const char *key)
{
	char line[256];
	unsigned long long kib;
	FILE *f = fopen(path, "r");
	int rc = -1;

	if (!f)
		return -1;
	while (rc < 0 && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0 &&
		    sscanf(line + strlen(key), " %llu", &kib) == 1) {
			*out = kib;
			rc = 0;
		}
	fclose(f);
	return rc;
}

int mst_server_rss_kib(uint64_t *out, uint32_t pid, struct mst_err *e)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/smaps_rollup", pid);
	if (find_kib(out, path, "Rss:") == 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if (find_kib(out, path, "VmRSS:") == 0)
		return 0;
	return mst_fail(e, MST_E_IO, "cannot read the memory of process %u", pid);
}
