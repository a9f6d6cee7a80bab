/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of identities and certificates: com.apple.security.pkcs12, .scep, .root and .pkcs1. */
#include <string.h>

#include "muster/text.h"
#include "render_own.h"

/* clang-format off */
/* Kinds of subject alternative names in Apple's words; there are none for others. */
static const struct {
	const char *kind, *key;
} san_rows[] = {
	{"rfc822", "rfc822Name"},
	{"dns",    "dNSName"},
	{"uri",    "uniformResourceIdentifier"},
	{"upn",    "ntPrincipalName"},
};
/* clang-format on */

static bool next_san(struct mst_slice *rest, struct mst_slice *kind, struct mst_slice *value)
{
	struct mst_slice line;

	while (rest->len) {
		if (!mst_slice_cut(&line, rest, *rest, '\n'))
			*rest = mst_slice(NULL, 0);
		if (mst_slice_cut(kind, value, line, '=') && value->len)
			return true;
	}
	return false;
}

static uint32_t num_sans(struct mst_slice all, const char *wanted)
{
	struct mst_slice kind, value;
	uint32_t num = 0;

	while (next_san(&all, &kind, &value))
		num += mst_slice_eq(kind, mst_slice_str(wanted));
	return num;
}

/* One name is a text, several are an array. */
static void put_san(struct making *m, const char *wanted, const char *key, struct mst_slice all, uint32_t num)
{
	struct mst_slice kind, value;

	if (num > 1)
		mst_plist_open_array(&m->plist, key);
	while (next_san(&all, &kind, &value))
		if (mst_slice_eq(kind, mst_slice_str(wanted)))
			mst_plist_put_text(&m->plist, num > 1 ? NULL : key, value);
	if (num > 1)
		mst_plist_close(&m->plist);
}

static void put_sans(struct making *m, struct mst_slice all)
{
	uint32_t nums[MST_LEN(san_rows)], total = 0;

	for (size_t i = 0; i < MST_LEN(san_rows); i++)
		total += nums[i] = num_sans(all, san_rows[i].kind);
	if (total == 0)
		return;
	mst_plist_open_dict(&m->plist, "SubjectAltName");
	for (size_t i = 0; i < MST_LEN(san_rows); i++)
		if (nums[i])
			put_san(m, san_rows[i].kind, san_rows[i].key, all, nums[i]);
	mst_plist_close(&m->plist);
}

/* What a SCEP setting says of the key; other settings leave it in the key chain. */
static void put_key_flags(struct making *m)
{
	const struct mst_object *o = m->r->setting;
	bool is_scep = strcmp(o->shape->type, "scep") == 0;

	mst_plist_put_bool(&m->plist, "KeyIsExtractable", is_scep && mst_object_bool(o, "is_key_extractable"));
	if (is_scep && mst_object_bool(o, "allows_all_apps"))
		mst_plist_put_bool(&m->plist, "AllowAllAppsAccess", true);
}

static void put_scep(struct making *m, const struct mst_identity_ask *told)
{
	mst_plist_open_dict(&m->plist, "PayloadContent");
	if (!m->is_stable)
		mst_plist_put_text(&m->plist, "URL", told->scep_url);
	if (told->scep_name.len)
		mst_plist_put_text(&m->plist, "Name", told->scep_name);
	if (told->scep_subject.len)
		mst_render_put_subject(m, "Subject", told->scep_subject);
	put_sans(m, told->scep_san);
	if (told->scep_challenge.len && !m->is_stable)
		mst_plist_put_text(&m->plist, "Challenge", told->scep_challenge);
	mst_plist_put_i64(&m->plist, "Keysize", told->scep_key_bits ? told->scep_key_bits : 2048);
	mst_plist_put_text(&m->plist, "Key Type", MST_S("RSA"));
	mst_plist_put_i64(&m->plist, "Key Usage", told->scep_key_usage ? told->scep_key_usage : 5);
	/* Devices know MD5 and SHA-1 of the CA's certificate, nothing longer. */
	if (told->ca_fingerprint.len == 20 || told->ca_fingerprint.len == 16)
		mst_plist_put_data(&m->plist, "CAFingerprint", told->ca_fingerprint);
	mst_plist_put_i64(&m->plist, "Retries", 3);
	mst_plist_put_i64(&m->plist, "RetryDelay", 10);
	put_key_flags(m);
	mst_plist_close(&m->plist);
}

static void put_p12(struct making *m, const struct render_use *use)
{
	mst_plist_put_text(&m->plist, "PayloadCertificateFileName", MST_S("identity.p12"));
	if (m->is_stable) {
		mst_plist_put_data(&m->plist, "PayloadContent", mst_slice(use->print, sizeof use->print));
		put_key_flags(m);
		return;
	}
	if (use->identity->p12.len == 0 && !m->is_bad)
		m->is_bad = mst_fail(m->e, MST_E_BUG, "an identity was not packed") < 0;
	mst_plist_put_data(&m->plist, "PayloadContent", use->identity->p12);
	mst_plist_put_text(&m->plist, "Password", use->identity->password);
	put_key_flags(m);
}

/* The place of an identity in its setting stays the same when it is made anew. */
static struct mst_slice use_part(struct making *m, const char *word, const struct mst_object *enrollment)
{
	char uuid[RENDER_UUID_LEN + 1];
	struct mst_slice part = {NULL, 0};

	mst_render_uuid_text(uuid, enrollment->uuid);
	if (!mst_arena_format(m->r->arena, &part, "%s.%s", word, uuid))
		mst_render_fail_memory(m);
	return part;
}

void mst_render_put_use(struct making *m, const struct render_use *use)
{
	bool is_scep = use->told->form == MST_IDENTITY_SCEP;
	struct mst_slice part = use_part(m, "identity", use->identity->enrollment);

	mst_plist_open_dict(&m->plist, NULL);
	mst_render_put_head(m, is_scep ? "com.apple.security.scep" : "com.apple.security.pkcs12", part, use->uuid,
			    use->identity->enrollment->name);
	if (is_scep)
		put_scep(m, use->told);
	else
		put_p12(m, use);
	mst_plist_close(&m->plist);
}

void mst_render_put_cert(struct making *m, const struct render_cert *cert)
{
	char name[257];
	struct mst_cert parsed;
	struct mst_slice part;
	bool is_root;

	if (m->is_bad)
		return;
	if (mst_cert_parse(&parsed, cert->der, m->e) < 0 ||
	    !mst_arena_format(m->r->arena, &part, "ca.%.8s", cert->uuid)) {
		m->is_bad = true;
		return;
	}
	is_root = cert->is_anchor && mst_slice_eq(parsed.issuer, parsed.subject);
	mst_cert_name(name, sizeof name, &parsed);
	mst_plist_open_dict(&m->plist, NULL);
	mst_render_put_head(m, is_root ? "com.apple.security.root" : "com.apple.security.pkcs1", part, cert->uuid,
			    mst_slice_str(name[0] ? name : "Certificate authority"));
	mst_plist_put_text(&m->plist, "PayloadCertificateFileName", MST_S("ca.cer"));
	mst_plist_put_data(&m->plist, "PayloadContent", cert->der);
	mst_plist_close(&m->plist);
}
