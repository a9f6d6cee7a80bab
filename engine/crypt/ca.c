/* SPDX-License-Identifier: Apache-2.0 */
/* A local certificate authority in a folder. */
#include "muster/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/file.h"
#include "muster/text.h"

#define FILE_MAX 65536
#define BACK_S                                                                                     \
	3600 /* a certificate is valid a little before it was made: clocks of devices are not      \
		exact */
#define DAY_S 86400

struct mst_ca {
	struct mst_arena arena;
	struct mst_cert cert;
	struct mst_key *key;
	int log_fd;
};

static int path_of(char out[static PATH_MAX], const char *folder, const char *name,
		   struct mst_err *e)
{
	int len = snprintf(out, PATH_MAX, "%s/%s", folder, name);
	if (len < 0 || len >= PATH_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "%.100s...: the path is too long", folder);
	return 0;
}

static int write_ca(struct mst_arena *arena, const char *folder, const struct mst_issue *what,
		    const struct mst_key *key, struct mst_err *e)
{
	char path[PATH_MAX];
	struct mst_slice der, pem, key_pem;
	if (mst_issue_write(&der, arena, what, mst_slice(NULL, 0), key, NULL, e) < 0 ||
	    mst_pem_put(&pem, arena, "CERTIFICATE", der, e) < 0 ||
	    mst_key_pem(&key_pem, arena, key, e) < 0)
		return -1;
	/* The key first: a folder with a certificate is a whole one. */
	int rc = path_of(path, folder, "ca.key", e);
	if (rc == 0)
		rc = mst_file_create(path, key_pem, 0600, e);
	mst_wipe((void *)key_pem.at, key_pem.len);
	if (rc == 0)
		rc = path_of(path, folder, "ca.pem", e);
	return rc < 0 ? -1 : mst_file_write(path, pem, 0644, e);
}

int mst_ca_init(const char *folder, const char *common_name, enum mst_key_kind kind, uint32_t days,
		struct mst_err *e)
{
	struct mst_arena arena;
	struct mst_key *key = NULL;
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_issue what = {
		.common_name = common_name,
		.not_before = now_s - BACK_S,
		.not_after = now_s + (int64_t)days * DAY_S,
		.is_ca = true,
		.has_path_len = true,
		.key_usage = MST_KU_SIGN | MST_KU_CERT_SIGN | MST_KU_CRL_SIGN,
	};
	int rc = -1;
	mst_arena_init(&arena, NULL, 0);
	if (mst_file_folder(folder, e) < 0 || mst_key_new(&key, kind, e) < 0 ||
	    mst_key_spki(&what.spki, &arena, key, e) < 0)
		goto out;
	rc = write_ca(&arena, folder, &what, key, e);
out:
	mst_key_free(&key);
	mst_arena_done(&arena);
	return rc;
}

static int read_cert(struct mst_ca *ca, const char *path, struct mst_err *e)
{
	struct mst_slice text, label, der;
	if (mst_file_read(&text, &ca->arena, path, FILE_MAX, e) < 0)
		return -1;
	int rc = mst_pem_next(&label, &der, &text, &ca->arena, e);
	if (rc < 0)
		return -1;
	if (rc == 0 || !mst_slice_eq(label, MST_S("CERTIFICATE")))
		return mst_fail(e, MST_E_CONF, "%s: no certificate", path);
	if (mst_cert_parse(&ca->cert, der, e) < 0)
		return -1;
	return ca->cert.is_ca ? 0 : mst_fail(e, MST_E_CONF, "%s: not a CA's certificate", path);
}

static int read_key(struct mst_ca *ca, const char *path, struct mst_err *e)
{
	struct stat st;
	struct mst_slice text, spki;
	if (stat(path, &st) < 0)
		return mst_fail_sys(e, errno, "%s", path);
	if (st.st_mode & 077)
		return mst_fail(e, MST_E_CONF, "%s: others may read it; chmod 600", path);
	if (mst_file_read(&text, &ca->arena, path, FILE_MAX, e) < 0)
		return -1;
	int rc = mst_key_read(&ca->key, text, e);
	mst_wipe((void *)text.at, text.len);
	if (rc < 0 || mst_key_spki(&spki, &ca->arena, ca->key, e) < 0)
		return -1;
	if (!mst_slice_eq(spki, ca->cert.spki))
		return mst_fail(e, MST_E_CONF, "%s: not the key of its certificate", path);
	return 0;
}

int mst_ca_load(struct mst_ca **out, const char *folder, struct mst_err *e)
{
	char path[PATH_MAX];
	struct mst_ca *ca = calloc(1, sizeof(*ca));
	if (!ca)
		return mst_fail(e, MST_E_BUSY, "no memory for a CA");
	ca->log_fd = -1;
	mst_arena_init(&ca->arena, NULL, 0);
	if (path_of(path, folder, "ca.pem", e) < 0 || read_cert(ca, path, e) < 0 ||
	    path_of(path, folder, "ca.key", e) < 0 || read_key(ca, path, e) < 0 ||
	    path_of(path, folder, "issued.log", e) < 0)
		goto fail;
	ca->log_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (ca->log_fd < 0) {
		mst_fail_sys(e, errno, "%s", path);
		goto fail;
	}
	*out = ca;
	return 0;
fail:
	mst_ca_free(&ca);
	return -1;
}

void mst_ca_free(struct mst_ca **ca)
{
	if (!*ca)
		return;
	if ((*ca)->log_fd >= 0)
		close((*ca)->log_fd);
	mst_key_free(&(*ca)->key);
	mst_arena_done(&(*ca)->arena);
	free(*ca);
	*ca = NULL;
}

struct mst_slice mst_ca_cert0(const struct mst_ca *ca)
{
	return ca->cert.der;
}

static int record(const struct mst_ca *ca, const uint8_t *serial, const struct mst_issue *what,
		  struct mst_err *e)
{
	char number[33], until[MST_TIME_ROOM], line[160];
	mst_hex_put(number, mst_slice(serial, 16));
	number[32] = '\0';
	mst_time_put(until, what->not_after * 1000);
	int len = snprintf(line, sizeof(line), "%s %s %s\n", number, until, what->common_name);
	BUG_ON(len < 0 || (size_t)len >= sizeof(line)); /* the name was checked: at most 64 bytes */
	ssize_t put = write(ca->log_fd, line, (size_t)len);
	if (put != len)
		return mst_fail_sys(e, put < 0 ? errno : ENOSPC, "issued.log");
	return fdatasync(ca->log_fd) < 0 ? mst_fail_sys(e, errno, "issued.log") : 0;
}

int mst_ca_issue(struct mst_slice *out, struct mst_arena *arena, struct mst_ca *ca,
		 struct mst_issue *what, uint32_t days, struct mst_err *e)
{
	uint8_t serial[16];
	int64_t now_s = mst_clock_wall_ms() / 1000;
	if (what->not_before == 0)
		what->not_before = now_s - BACK_S;
	if (what->not_after == 0)
		what->not_after = now_s + (int64_t)days * DAY_S;
	if (what->not_after > ca->cert.not_after)
		what->not_after = ca->cert.not_after;
	if (mst_issue_write(out, arena, what, ca->cert.der, ca->key, serial, e) < 0)
		return -1;
	return record(ca, serial, what, e);
}
