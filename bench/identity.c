/* SPDX-License-Identifier: Apache-2.0 */
/* Who the simulated devices are: UDIDs from a seed, P-256 identities issued under a local
 * authority. */
#include "parts.h"
#include "muster/cert.h"
#include "muster/clock.h"
#include "muster/file.h"
#include "muster/text.h"

#define IDENTITY_DAYS 365
#define IDENTITY_MAX  65536 /* a certificate with its key */
#define PATH_ROOM     4300
#define RSA_KEYS      8 /* that devices share: they take long to make */

/* The authority's files, read once: issuing through mst_ca_issue would sync a log line for each
 * device. */
struct issuer {
	struct mst_slice cert;
	struct mst_key *key;
	struct mst_key *shared[RSA_KEYS];
};

void mst_identity_udid(char out[static UDID_LEN + 1], uint32_t seed, uint32_t index)
{
	uint8_t number[8], h[32];

	for (int i = 0; i < 4; i++) {
		number[i] = (uint8_t)(seed >> (8 * i));
		number[4 + i] = (uint8_t)(index >> (8 * i));
	}
	mst_sha256(h, mst_slice(number, sizeof(number)));
	snprintf(out, UDID_LEN + 1,
		 "%02X%02X%02X%02X-%02X%02X-4%01X%02X-8%01X%02X-%02X%02X%02X%02X%02X%02X", h[0],
		 h[1], h[2], h[3], h[4], h[5], h[6] & 15, h[7], h[8] & 15, h[9], h[10], h[11],
		 h[12], h[13], h[14], h[15]);
}

static int load_issuer(struct issuer *out, struct mst_arena *arena, const char *folder,
		       struct mst_err *e)
{
	char path[PATH_ROOM];
	struct mst_slice text, label;

	snprintf(path, sizeof(path), "%s/ca.pem", folder);
	if (mst_file_read(&text, arena, path, IDENTITY_MAX, e) < 0)
		return -1;
	if (mst_pem_next(&label, &out->cert, &text, arena, e) <= 0)
		return mst_fail(e, MST_E_CONF, "%s holds no certificate", path);
	snprintf(path, sizeof(path), "%s/ca.key", folder);
	if (mst_file_read(&text, arena, path, IDENTITY_MAX, e) < 0)
		return -1;
	return mst_key_read(&out->key, text, e);
}

/* A key of its own; or one of those shared, which stay the issuer's. */
static int find_key(struct mst_key **out, struct issuer *issuer, const struct mst_device_sim *dev, bool is_shared, struct mst_err *e)
{
	struct mst_key **shared = &issuer->shared[dev->index % RSA_KEYS];

	if (!is_shared)
		return mst_key_new(out, MST_KEY_P256, e);
	if (!*shared && mst_key_new(shared, MST_KEY_RSA2048, e) < 0)
		return -1;
	*out = *shared;
	return 0;
}

static int issue(struct mst_device_sim *dev, struct mst_arena *arena, struct issuer *issuer, bool is_shared,
		 struct mst_err *e)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_issue what = {.common_name = dev->udid,
				 .not_before = now_s - 3600,
				 .not_after = now_s + IDENTITY_DAYS * 86400LL,
				 .key_usage = MST_KU_SIGN,
				 .ext_key_usage = MST_EKU_CLIENT};
	struct mst_key *key;
	struct mst_slice der;
	int rc = find_key(&key, issuer, dev, is_shared, e);

	if (rc < 0)
		return -1;
	rc = mst_key_spki(&what.spki, arena, key, e);
	if (rc == 0)
		rc = mst_issue_write(&der, arena, &what, issuer->cert, issuer->key, NULL, e);
	if (rc == 0)
		rc = mst_pem_put(&dev->chain_pem, arena, "CERTIFICATE", der, e);
	if (rc == 0)
		rc = mst_key_pem(&dev->key_pem, arena, key, e);
	if (!is_shared)
		mst_key_free(&key);
	return rc;
}

/* One file holds certificate and key; both readers skip what is not theirs. */
static int load(struct mst_device_sim *dev, struct mst_arena *arena, const char *path,
		struct mst_err *e)
{
	struct mst_slice text, label, der, at;

	if (mst_file_read(&text, arena, path, IDENTITY_MAX, e) < 0)
		return -1;
	at = text;
	if (mst_pem_next(&label, &der, &at, arena, e) <= 0 ||
	    !mst_slice_eq(label, MST_S("CERTIFICATE")))
		return mst_fail(e, MST_E_CONF, "%s does not begin with a certificate", path);
	dev->chain_pem = mst_slice(text.at, (size_t)(at.at - text.at));
	dev->key_pem = at;
	return 0;
}

static int save(const struct mst_device_sim *dev, struct mst_arena *arena, const char *path,
		struct mst_err *e)
{
	struct mst_slice both;
	FILE *f;

	if (!mst_arena_format(arena, &both, "%.*s%.*s", (int)dev->chain_pem.len,
			      (const char *)dev->chain_pem.at, (int)dev->key_pem.len,
			      (const char *)dev->key_pem.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	/* Not mst_file_write: identities of a test may be lost in a crash, and a sync for each of
	 * many takes long. */
	f = fopen(path, "w");
	if (!f || fwrite(both.at, 1, both.len, f) != both.len || fclose(f) != 0)
		return mst_fail(e, MST_E_IO, "cannot write %s", path);
	return 0;
}

static int make_one(struct mst_device_sim *dev, struct mst_arena *arena,
		    const struct mst_fleet_conf *conf, struct issuer *issuer, struct mst_err *e)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s.pem", conf->certs, dev->udid);
	if (conf->certs[0]) {
		if (load(dev, arena, path, e) == 0)
			return 0;
		if (e->code != MST_E_ABSENT)
			return -1;
	}
	if (!conf->ca[0])
		return mst_fail(e, MST_E_CONF, "%s: no such identity, and no --ca to issue one",
				path);
	if ((!issuer->key && load_issuer(issuer, arena, conf->ca, e) < 0) ||
	    issue(dev, arena, issuer, conf->is_signed, e) < 0)
		return -1;
	return conf->certs[0] ? save(dev, arena, path, e) : 0;
}

int mst_identity_make(struct mst_device_sim *devices, uint32_t num, struct mst_arena *arena,
		      const struct mst_fleet_conf *conf, struct mst_err *e)
{
	struct issuer issuer = {.key = NULL};
	int rc = 0;

	if (!conf->certs[0] && !conf->ca[0])
		return mst_fail(e, MST_E_CONF, "--ca or --certs is needed");
	if (conf->certs[0] && mst_file_folder(conf->certs, e) < 0)
		return -1;
	for (uint32_t i = 0; rc == 0 && i < num; i++) {
		mst_identity_udid(devices[i].udid, conf->seed, devices[i].index);
		rc = make_one(&devices[i], arena, conf, &issuer, e);
	}
	mst_key_free(&issuer.key);
	for (int i = 0; i < RSA_KEYS; i++)
		mst_key_free(&issuer.shared[i]);
	return rc;
}
