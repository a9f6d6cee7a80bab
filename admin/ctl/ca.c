/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that work on files: the local authority, certificates with their keys, the master key,
 * API keys. */
#include <stdio.h>
#include <time.h>

#include "ctl.h"
#include "muster/cert.h"
#include "muster/crypt.h"
#include "muster/file.h"
#include "muster/text.h"

#define CA_DAYS       3650
#define LEAF_DAYS     397 /* what browsers and Apple accept for servers */
#define DAYS_MAX      36500
#define ISSUED_MAX    (256u << 20)
#define API_KEYS_MAX  65536
#define API_KEY_BYTES 32

static int path_of(const char **out, struct mst_ctl *ctl, const char *front, const char *tail,
		   struct mst_err *e)
{
	struct mst_slice path;

	if (!mst_arena_format(&ctl->arena, &path, "%s%s", front, tail))
		return mst_fail(e, MST_E_BUSY, "no memory");
	*out = (const char *)path.at;
	return 0;
}

static int kind_of(enum mst_key_kind *out, const struct mst_ctl *ctl, struct mst_err *e)
{
	return mst_key_kind_from(out, ctl->kind ? ctl->kind : "p256", e);
}

/* What a certificate says, as a table row each or as JSON. */
static int show_cert(struct mst_ctl *ctl, struct mst_slice der, const char *path,
		     const char *key_path, int64_t num_issued, struct mst_err *e)
{
	char from[MST_TIME_ROOM], to[MST_TIME_ROOM];
	uint8_t sha256[32], *digits = mst_arena_get(&ctl->arena, 2 * (sizeof(sha256) + der.len));
	struct mst_cert cert;
	struct mst_slice hash, serial, text;
	struct mst_json j;

	if (!digits)
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_cert_parse(&cert, der, e) < 0)
		return -1;
	mst_sha256(sha256, der);
	mst_hex_put((char *)digits, mst_slice(sha256, sizeof(sha256)));
	hash = mst_slice(digits, 2 * sizeof(sha256));
	mst_hex_put((char *)digits + hash.len, cert.serial);
	serial = mst_slice(digits + hash.len, 2 * cert.serial.len);
	mst_time_put(from, cert.not_before * 1000);
	mst_time_put(to, cert.not_after * 1000);
	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "name", cert.common_name);
	mst_json_text(&j, "serial", serial);
	mst_json_text(&j, "not_before", mst_slice_str(from));
	mst_json_text(&j, "not_after", mst_slice_str(to));
	mst_json_text(&j, "sha256", hash);
	mst_json_text(&j, "certificate", mst_slice_str(path));
	if (key_path)
		mst_json_text(&j, "key", mst_slice_str(key_path));
	if (num_issued >= 0)
		mst_json_i64(&j, "issued", num_issued);
	mst_json_close(&j);
	if (mst_json_end(&j, &text, e) < 0)
		return -1;
	if (ctl->is_json) {
		mst_ctl_print(text);
		return MST_CTL_OK;
	}
	printf("name         %.*s\nserial       %.*s\nvalid        %s to %s\nsha256       "
	       "%.*s\ncertificate  %s\n",
	       (int)cert.common_name.len, (const char *)cert.common_name.at, (int)serial.len,
	       (const char *)serial.at, from, to, (int)hash.len, (const char *)hash.at, path);
	if (key_path)
		printf("key          %s\n", key_path);
	if (num_issued >= 0)
		printf("issued       %lld certificates\n", (long long)num_issued);
	return MST_CTL_OK;
}

/* Lines of the authority's log. */
static int count_issued(int64_t *out, struct mst_ctl *ctl, struct mst_err *e)
{
	const char *path;
	struct mst_slice log;

	*out = 0;
	if (path_of(&path, ctl, ctl->ca, "/issued.log", e) < 0)
		return -1;
	if (mst_file_read(&log, &ctl->arena, path, ISSUED_MAX, e) < 0)
		return e->code == MST_E_ABSENT ? 0 : -1;
	for (size_t i = 0; i < log.len; i++)
		*out += log.at[i] == '\n';
	return 0;
}

int mst_ctl_ca_show(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_ca *ca;
	const char *path;
	int64_t num = 0;
	int rc = mst_ca_load(&ca, ctl->ca, e);

	if (rc < 0)
		return -1;
	rc = path_of(&path, ctl, ctl->ca, "/ca.pem", e);
	if (rc == 0)
		rc = count_issued(&num, ctl, e);
	if (rc == 0)
		rc = show_cert(ctl, mst_ca_cert0(ca), path, NULL, num, e);
	mst_ca_free(&ca);
	return rc;
}

int mst_ctl_ca_init(struct mst_ctl *ctl, struct mst_err *e)
{
	enum mst_key_kind kind;
	uint32_t days;

	if (mst_ctl_u32(&days, "days", ctl->days, CA_DAYS, 1, DAYS_MAX, e) < 0 ||
	    kind_of(&kind, ctl, e) < 0 || mst_file_folder(ctl->ca, e) < 0 ||
	    mst_ca_init(ctl->ca, ctl->name ? ctl->name : "Muster device CA", kind, days, e) < 0)
		return -1;
	return mst_ctl_ca_show(ctl, e);
}

static int write_pem(struct mst_ctl *ctl, const char *path, struct mst_slice pem, mode_t mode,
		     struct mst_err *e)
{
	return mst_file_create(path, pem, mode, e);
}

static int issue(struct mst_ctl *ctl, struct mst_ca *ca, const struct mst_key *key,
		 enum mst_key_kind kind, uint32_t days, struct mst_err *e)
{
	struct mst_issue what = {.common_name = ctl->name, .key_usage = MST_KU_SIGN};
	struct mst_slice der, cert_pem, key_pem;
	const char *cert_path, *key_path;
	int rc;

	what.ext_key_usage = ctl->is_server ? MST_EKU_SERVER : MST_EKU_CLIENT;
	if (kind >= MST_KEY_RSA2048)
		what.key_usage |= MST_KU_ENCIPHER;
	what.dns = ctl->dns[0] ? ctl->dns : NULL;
	what.ips = ctl->ips[0] ? ctl->ips : NULL;
	if (path_of(&cert_path, ctl, ctl->out, ".pem", e) < 0 ||
	    path_of(&key_path, ctl, ctl->out, ".key", e) < 0 ||
	    mst_key_spki(&what.spki, &ctl->arena, key, e) < 0 ||
	    mst_key_pem(&key_pem, &ctl->arena, key, e) < 0)
		return -1;
	rc = write_pem(ctl, key_path, key_pem, 0600, e);
	mst_wipe((void *)(uintptr_t)key_pem.at, key_pem.len);
	if (rc < 0 || mst_ca_issue(&der, &ctl->arena, ca, &what, days, e) < 0 ||
	    mst_pem_put(&cert_pem, &ctl->arena, "CERTIFICATE", der, e) < 0 ||
	    write_pem(ctl, cert_path, cert_pem, 0644, e) < 0)
		return -1;
	return show_cert(ctl, der, cert_path, key_path, -1, e);
}

int mst_ctl_ca_issue(struct mst_ctl *ctl, struct mst_err *e)
{
	enum mst_key_kind kind;
	struct mst_key *key = NULL;
	struct mst_ca *ca;
	uint32_t days;
	int rc;

	if (!ctl->name || !ctl->out)
		return mst_fail(e, MST_E_CONF, "ca issue needs --name and --out");
	if (ctl->is_server && !ctl->dns[0] && !ctl->ips[0])
		return mst_fail(e, MST_E_CONF, "a server's certificate needs --dns or --ip");
	if (mst_ctl_u32(&days, "days", ctl->days, LEAF_DAYS, 1, DAYS_MAX, e) < 0 ||
	    kind_of(&kind, ctl, e) < 0 || mst_ca_load(&ca, ctl->ca, e) < 0)
		return -1;
	rc = mst_key_new(&key, kind, e);
	if (rc == 0)
		rc = issue(ctl, ca, key, kind, days, e);
	mst_key_free(&key);
	mst_ca_free(&ca);
	return rc;
}

/* Tells in either form that a file is there. */
static int told(struct mst_ctl *ctl, const char *what, const char *path, struct mst_slice secret,
		struct mst_err *e)
{
	struct mst_json j;
	struct mst_slice text;

	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "file", mst_slice_str(path));
	if (secret.len)
		mst_json_text(&j, "key", secret);
	mst_json_close(&j);
	if (mst_json_end(&j, &text, e) < 0)
		return -1;
	if (ctl->is_json)
		mst_ctl_print(text);
	else
		printf("%s %s\n", what, secret.len ? (const char *)secret.at : path);
	return MST_CTL_OK;
}

int mst_ctl_key_init(struct mst_ctl *ctl, struct mst_err *e)
{
	if (mst_seal_init(ctl->args[0], e) < 0)
		return -1;
	return told(ctl, "master key written to", ctl->args[0], (struct mst_slice){NULL, 0}, e);
}

int mst_ctl_key_api(struct mst_ctl *ctl, struct mst_err *e)
{
	uint8_t secret[API_KEY_BYTES], hash[32];
	char key[2 * API_KEY_BYTES + 1] = "", line[2 * sizeof(hash) + 1];
	struct mst_slice old = {NULL, 0}, whole;

	if (mst_file_read(&old, &ctl->arena, ctl->args[0], API_KEYS_MAX, e) < 0 &&
	    e->code != MST_E_ABSENT)
		return -1;
	mst_random(secret, sizeof(secret));
	mst_hex_put(key, mst_slice(secret, sizeof(secret)));
	mst_sha256(hash, mst_slice(key, 2 * sizeof(secret)));
	mst_hex_put(line, mst_slice(hash, sizeof(hash)));
	line[sizeof(line) - 1] = '\n';
	if (!mst_arena_format(&ctl->arena, &whole, "%.*s%s%.*s", (int)old.len, (const char *)old.at,
			      old.len && old.at[old.len - 1] != '\n' ? "\n" : "", (int)sizeof(line),
			      line))
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_file_write(ctl->args[0], whole, 0600, e) < 0)
		return -1;
	return told(ctl, "API key, shown once:", ctl->args[0], mst_slice(key, 2 * sizeof(secret)),
		    e);
}
