/* SPDX-License-Identifier: Apache-2.0 */
/* apns-sink issue: a push certificate with its key, as Apple's portal would give it, by a local authority. */
#include "parts.h"

#include <stdio.h>

#include "../line.h"
#include "muster/cert.h"
#include "muster/clock.h"
#include "muster/file.h"

#define FILE_MAX  65536
#define PATH_ROOM 4300
#define HOUR_S    3600
#define DAY_S     86400

struct issue_conf {
	struct mst_arena arena;
	const char *ca, *topic, *out;
	uint32_t days;
};

#define AT(field) offsetof(struct issue_conf, field)
/* clang-format off */
static const struct mst_opt_row rows[] = {
	{ "apns-sink issue", "ca",    AT(ca),    MST_OPT_TEXT, "",    1, 4096,  "", false, "folder of the authority: ca.pem, ca.key" },
	{ "apns-sink issue", "topic", AT(topic), MST_OPT_TEXT, "",    1, 256,   "", false, "the topic: the UID of its subject" },
	{ "apns-sink issue", "out",   AT(out),   MST_OPT_TEXT, "",    1, 4096,  "", false, "file that gets certificate and key, PEM" },
	{ "apns-sink issue", "days",  AT(days),  MST_OPT_U32,  "365", 1, 36500, "", false, "how long it is valid" },
};
/* clang-format on */

static int read_file(struct mst_slice *out, struct issue_conf *conf, const char *name, struct mst_err *e)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", conf->ca, name);
	return mst_file_read(out, &conf->arena, path, FILE_MAX, e);
}

static int sign(struct mst_slice *out, struct issue_conf *conf, const struct mst_key *ca_key, struct mst_slice ca_cert,
		const struct mst_key *key, struct mst_err *e)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_issue what = {.common_name = "APSP: local stand-in",
				 .user_id = conf->topic,
				 .not_before = now_s - HOUR_S,
				 .not_after = now_s + (int64_t)conf->days * DAY_S,
				 .key_usage = MST_KU_SIGN,
				 .ext_key_usage = MST_EKU_CLIENT};
	struct mst_slice der, chain, secret;

	if (mst_key_spki(&what.spki, &conf->arena, key, e) < 0 ||
	    mst_issue_write(&der, &conf->arena, &what, ca_cert, ca_key, NULL, e) < 0 ||
	    mst_pem_put(&chain, &conf->arena, "CERTIFICATE", der, e) < 0 || mst_key_pem(&secret, &conf->arena, key, e) < 0)
		return -1;
	if (!mst_arena_format(&conf->arena, out, "%.*s%.*s", (int)chain.len, (const char *)chain.at, (int)secret.len,
			      (const char *)secret.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

static int issue(struct issue_conf *conf, struct mst_err *e)
{
	struct mst_slice text, label, ca_cert, both;
	struct mst_key *ca_key = NULL, *key = NULL;
	int rc = read_file(&text, conf, "ca.pem", e);

	if (rc == 0 && mst_pem_next(&label, &ca_cert, &text, &conf->arena, e) <= 0)
		rc = mst_fail(e, MST_E_CONF, "%s/ca.pem holds no certificate", conf->ca);
	if (rc == 0)
		rc = read_file(&text, conf, "ca.key", e);
	if (rc == 0)
		rc = mst_key_read(&ca_key, text, e);
	if (rc == 0)
		rc = mst_key_new(&key, MST_KEY_P256, e);
	if (rc == 0)
		rc = sign(&both, conf, ca_key, ca_cert, key, e);
	if (rc == 0)
		rc = mst_file_write(conf->out, both, 0600, e);
	mst_key_free(&ca_key);
	mst_key_free(&key);
	return rc;
}

int mst_sink_issue(int argc, char **argv)
{
	struct issue_conf conf = {.days = 0};
	struct mst_err e = {0};
	int rc = 0;

	/* Every text is needed, so there are no defaults that could be set. */
	for (int i = 0; rc == 0 && i + 1 < argc; i += 2) {
		const struct mst_opt_row *row =
			strncmp(argv[i], "--", 2) == 0 ? mst_opt_find(rows, MST_LEN(rows), rows[0].section, argv[i] + 2) : NULL;
		rc = row ? mst_opt_set(&conf, &conf.arena, row, argv[i + 1], &e)
			 : mst_fail(&e, MST_E_CONF, "unknown option %s", argv[i]);
	}
	if (!conf.days)
		conf.days = 365;
	if (argc == 0 || argc % 2 || (rc == 0 && (!conf.ca || !conf.topic || !conf.out))) {
		mst_line_help(rows[0].section, rows, MST_LEN(rows));
		return 2;
	}
	if (rc == 0)
		rc = issue(&conf, &e);
	if (rc < 0)
		fprintf(stderr, "apns-sink: %s\n", e.text);
	mst_arena_done(&conf.arena);
	return rc < 0 ? (e.code == MST_E_CONF ? 2 : 1) : 0;
}
