/* SPDX-License-Identifier: Apache-2.0 */
/* Makes an authority: its keys, its own certificate or the request for one, and those of its two helpers (RA, OCSP). */
#include <stdio.h>

#include "authority_own.h"
#include "muster/clock.h"
#include "muster/csr.h"

#define BACK_S 3600 /* a certificate is valid a little before it was made: clocks of devices are not exact */
#define DAY_S 86400
#define HELPER_DAYS 366
#define REFRESH_DAYS 30 /* before a helper's end: time for an operator who has to look why it failed */
#define DAYS_MAX 36500
#define CRL_HOURS_MAX 8784 /* a year */
#define URL_MAX 1024
#define RSA_BITS_LEAST 2048
#define RSA_BITS_MOST 8192

#define KU_DEVICE (MST_KU_SIGN | MST_KU_NON_REPUDIATION | MST_KU_ENCIPHER | MST_KU_DATA | MST_KU_AGREE)
#define KU_NOT_EC (MST_KU_ENCIPHER | MST_KU_DATA)
#define EKU_DEVICE (MST_EKU_SERVER | MST_EKU_CLIENT | MST_EKU_EMAIL)
#define KU_CA (MST_KU_SIGN | MST_KU_CERT_SIGN | MST_KU_CRL_SIGN)

/* The certificates an authority issues to its own helpers. */
static const struct helper {
	const char *words; /* behind the CA's common name */
	enum mst_key_kind kind;
	uint32_t key_usage, ext_key_usage;
	bool has_ocsp_nocheck;
	size_t key_at, cert_at;
} helper_rows[] = {
	{"SCEP RA", MST_KEY_RSA2048, MST_KU_SCEP, 0, false, offsetof(struct mst_authority, ra_key),
	 offsetof(struct mst_authority, ra_cert)},
	{"OCSP", MST_KEY_P256, MST_KU_SIGN, MST_EKU_OCSP, true, offsetof(struct mst_authority, ocsp_key),
	 offsetof(struct mst_authority, ocsp_cert)},
};

static struct mst_slice *field(struct mst_authority *a, size_t at)
{
	return (struct mst_slice *)((char *)a + at);
}

static bool is_url(struct mst_slice url)
{
	bool is_fine = url.len <= URL_MAX && (url.len == 0 || mst_slice_starts(url, MST_S("http://")) ||
					      mst_slice_starts(url, MST_S("https://")));

	for (size_t i = 0; i < url.len && is_fine; i++)
		is_fine = url.at[i] > 0x20 && url.at[i] < 0x7f;
	return is_fine;
}

static bool is_hash(uint32_t bits)
{
	return bits == 256 || bits == 384 || bits == 512;
}

int mst_authority_check(const struct mst_template *template, uint32_t crl_hours, struct mst_slice crl_url,
			struct mst_slice ocsp_url, struct mst_err *e)
{
	uint32_t usage = template->key_usage;

	if (template->days < 1 || template->days > DAYS_MAX)
		return mst_fail(e, MST_E_SYNTAX, "a certificate lives 1 to %d days", DAYS_MAX);
	if (usage == 0 || usage & ~(uint32_t)KU_DEVICE || template->ext_key_usage & ~(uint32_t)EKU_DEVICE)
		return mst_fail(e, MST_E_SYNTAX, "a device's key may not be used so");
	if (template->takes_ec && !(usage & ~(uint32_t)KU_NOT_EC))
		return mst_fail(e, MST_E_SYNTAX, "an EC key cannot encipher: its certificates would have no use");
	if (template->rsa_bits_min < RSA_BITS_LEAST || template->rsa_bits_min > RSA_BITS_MOST)
		return mst_fail(e, MST_E_SYNTAX, "the smallest RSA key has %d to %d bits", RSA_BITS_LEAST, RSA_BITS_MOST);
	if (!is_hash(template->hash_bits))
		return mst_fail(e, MST_E_SYNTAX, "the hash has 256, 384 or 512 bits");
	if (crl_hours < 1 || crl_hours > CRL_HOURS_MAX)
		return mst_fail(e, MST_E_SYNTAX, "a CRL lives 1 to %d hours", CRL_HOURS_MAX);
	if (!is_url(crl_url) || !is_url(ocsp_url))
		return mst_fail(e, MST_E_SYNTAX, "a URL for CRL or OCSP begins with http:// or https://");
	return 0;
}

static bool is_name(struct mst_slice name)
{
	bool is_fine = name.len >= 1 && name.len <= MST_AUTHORITY_NAME_MAX;

	for (size_t i = 0; i < name.len && is_fine; i++)
		is_fine = (name.at[i] >= 'a' && name.at[i] <= 'z') || (name.at[i] >= '0' && name.at[i] <= '9') ||
			  name.at[i] == '-';
	return is_fine;
}

static bool is_rsa(enum mst_key_kind kind)
{
	return kind == MST_KEY_RSA2048 || kind == MST_KEY_RSA3072 || kind == MST_KEY_RSA4096;
}

int mst_authority_key(struct mst_slice *out, struct mst_arena *arena, enum mst_key_kind kind, struct mst_err *e)
{
	struct mst_slice spki;

	return mst_key_pair(out, &spki, arena, kind, e);
}

/* A helper's name is the CA's with its words behind, cut where 64 bytes (and whole characters) end. */
static void name_helper(char out[static MST_NAME_MAX + 1], const struct mst_cert *ca, const char *words)
{
	size_t room = MST_NAME_MAX - strlen(words) - 1, len;
	char name[MST_NAME_MAX + 1];

	mst_cert_name(name, sizeof name, ca);
	len = strlen(name);
	if (len > room)
		len = room;
	while (len && ((uint8_t)name[len] & 0xc0) == 0x80)
		len--;
	snprintf(out, MST_NAME_MAX + 1, "%.*s%s%s", (int)len, name, len ? " " : "", words);
}

static int issue_helper(struct mst_authority *a, struct mst_arena *arena, const struct helper *row, const struct mst_cert *ca,
			const struct mst_key *ca_key, int64_t now_s, struct mst_err *e)
{
	char name[MST_NAME_MAX + 1];
	struct mst_key *key = NULL;
	struct mst_issue what = {
		.common_name = name,
		.not_before = now_s - BACK_S,
		.not_after = now_s + (int64_t)HELPER_DAYS * DAY_S,
		.key_usage = row->key_usage,
		.ext_key_usage = row->ext_key_usage,
		.has_ocsp_nocheck = row->has_ocsp_nocheck,
		.hash_bits = a->template.hash_bits,
	};
	int rc = -1;

	name_helper(name, ca, row->words);
	if (what.not_after > ca->not_after)
		what.not_after = ca->not_after;
	if (mst_key_read(&key, *field(a, row->key_at), e) == 0 && mst_key_spki(&what.spki, arena, key, e) == 0)
		rc = mst_issue_write(field(a, row->cert_at), arena, &what, a->cert, ca_key, NULL, e);
	mst_key_free(&key);
	return rc;
}

/* 1 it is time, 0 not yet, -1. */
static int is_due(struct mst_slice der, const struct mst_cert *ca, int64_t now_s, struct mst_err *e)
{
	struct mst_cert cert;

	if (der.len == 0)
		return 1;
	if (mst_cert_parse(&cert, der, e) < 0)
		return -1;
	return cert.not_after - now_s < (int64_t)REFRESH_DAYS * DAY_S && cert.not_after < ca->not_after;
}

int mst_authority_refresh(struct mst_authority *a, struct mst_arena *arena, int64_t now_s, struct mst_err *e)
{
	struct mst_key *key = NULL;
	struct mst_cert ca;
	int rc = 0, due = 0;

	if (mst_cert_parse(&ca, a->cert, e) < 0 || mst_key_read(&key, a->key, e) < 0)
		return -1;
	for (size_t i = 0; i < MST_LEN(helper_rows) && rc >= 0; i++) {
		if (field(a, helper_rows[i].key_at)->len == 0)
			continue;
		due = is_due(*field(a, helper_rows[i].cert_at), &ca, now_s, e);
		if (due == 1 && issue_helper(a, arena, &helper_rows[i], &ca, key, now_s, e) < 0)
			due = -1;
		rc = due < 0 ? -1 : rc | due;
	}
	mst_key_free(&key);
	return rc;
}

/* The self-signed certificate, or the request for another CA's. */
static int make_own(struct mst_authority *out, struct mst_arena *arena, const struct mst_authority_wish *wish, struct mst_err *e)
{
	int64_t now_s = out->created_ms / 1000;
	struct mst_key *key = NULL;
	struct mst_issue what = {
		.common_name = wish->common_name,
		.organization = wish->organization,
		.not_before = now_s - BACK_S,
		.not_after = now_s + (int64_t)wish->days * DAY_S,
		.is_ca = true,
		.has_path_len = true,
		.path_len = wish->path_len,
		.key_usage = KU_CA | (is_rsa(wish->kind) ? MST_KU_ENCIPHER : 0u),
		.hash_bits = wish->template.hash_bits,
	};
	int rc = mst_key_read(&key, out->key, e);

	if (rc == 0 && wish->is_intermediate)
		rc = mst_csr_write(&out->csr, arena, &what, key, NULL, e);
	else if (rc == 0 && (rc = mst_key_spki(&what.spki, arena, key, e)) == 0)
		rc = mst_issue_write(&out->cert, arena, &what, mst_slice(NULL, 0), key, NULL, e);
	mst_key_free(&key);
	return rc;
}

static int check_wish(const struct mst_authority_wish *wish, struct mst_err *e)
{
	if (!is_name(wish->name))
		return mst_fail(e, MST_E_SYNTAX, "an authority's name has 1 to 64 of a-z, 0-9 and -");
	if (wish->days < 1 || wish->days > DAYS_MAX)
		return mst_fail(e, MST_E_SYNTAX, "an authority lives 1 to %d days", DAYS_MAX);
	return mst_authority_check(&wish->template, wish->crl_hours, wish->crl_url, wish->ocsp_url, e);
}

int mst_authority_make(struct mst_authority *out, struct mst_arena *arena, const struct mst_authority_wish *wish,
		       struct mst_err *e)
{
	*out = (struct mst_authority){
		.name = wish->name,
		.state = wish->is_intermediate ? MST_AUTHORITY_PENDING : MST_AUTHORITY_ACTIVE,
		.kind = wish->kind,
		.template = wish->template,
		.crl_hours = wish->crl_hours,
		.crl_url = wish->crl_url,
		.ocsp_url = wish->ocsp_url,
		.created_ms = mst_clock_wall_ms(),
	};
	out->changed_ms = out->created_ms;
	mst_authority_id(out->id, wish->name);
	if (check_wish(wish, e) < 0 || mst_authority_key(&out->key, arena, wish->kind, e) < 0 ||
	    mst_authority_key(&out->ocsp_key, arena, MST_KEY_P256, e) < 0 ||
	    (!is_rsa(wish->kind) && mst_authority_key(&out->ra_key, arena, MST_KEY_RSA2048, e) < 0) ||
	    make_own(out, arena, wish, e) < 0 ||
	    (!wish->is_intermediate && mst_authority_refresh(out, arena, out->created_ms / 1000, e) < 0)) {
		mst_authority_wipe(out);
		return -1;
	}
	return 0;
}
