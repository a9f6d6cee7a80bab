/* SPDX-License-Identifier: Apache-2.0 */
/* Opens an enrolment profile as a device does: the signature, the signer's chain, then the payloads. */
#include "join.h"

#include "muster/clock.h"
#include "muster/cms.h"
#include "muster/plist.h"

static int check_signer(const struct mst_cms_signed *in, struct mst_trust *trust, struct mst_err *e)
{
	struct mst_slice chain[MST_CMS_CERTS_MAX];
	struct mst_cert cert;
	struct mst_peer peer;
	size_t num = 1;

	if (in->num_signers != 1)
		return mst_fail(e, MST_E_SYNTAX, "the profile is not signed by one signer");
	if (mst_cms_signer_cert(&cert, in, &in->signers[0], e) < 0 || mst_cms_verify(in, &in->signers[0], cert.spki, NULL, 0, e) < 0)
		return -1;
	chain[0] = cert.der;
	for (size_t i = 0; i < in->num_certs; i++)
		if (!mst_slice_eq(in->certs[i], cert.der) && num < MST_CMS_CERTS_MAX)
			chain[num++] = in->certs[i];
	/* The portal's certificate signs when no other one is configured. */
	if (mst_trust_verify_server(trust, &peer, chain, num, mst_clock_wall_ms() / 1000, e) == 0)
		return 0;
	return mst_trust_verify(trust, &peer, chain, num, mst_clock_wall_ms() / 1000, e);
}

static int keep(struct mst_slice *out, struct mst_arena *arena, struct mst_slice s, struct mst_err *e)
{
	return mst_arena_copy(arena, out, s) ? 0 : mst_fail(e, MST_E_BUSY, "no memory");
}

static int text_of(struct mst_slice *out, struct mst_arena *arena, const struct mst_plist *dict, const char *key, struct mst_err *e)
{
	int rc = mst_plist_text0(dict, out, key, e);

	if (rc == 0)
		return mst_fail(e, MST_E_SYNTAX, "the profile has no %s", key ? key : "common name");
	return rc < 0 ? -1 : keep(out, arena, *out, e);
}

/* [[["CN", name]]] */
static int take_subject(struct mst_join_profile *out, struct mst_arena *arena, const struct mst_plist *scep, struct mst_err *e)
{
	const struct mst_plist *list;

	if (mst_plist_array0(scep, &list, "Subject", e) != 1)
		return mst_fail(e, MST_E_SYNTAX, "the profile has no Subject");
	list = mst_plist_num(list) ? mst_plist_at0(mst_plist_at0(list, 0), 0) : NULL;
	if (!list || mst_plist_kind(list) != MST_PLIST_ARRAY || mst_plist_num(list) != 2)
		return mst_fail(e, MST_E_SYNTAX, "the profile's Subject is not understood");
	return text_of(&out->common_name, arena, mst_plist_at0(list, 1), NULL, e);
}

static int take_path(struct mst_slice *out, struct mst_slice url, struct mst_err *e)
{
	const struct mst_slice https = MST_S("https://");
	struct mst_slice rest;
	size_t slash;

	if (!mst_slice_starts(url, https))
		return mst_fail(e, MST_E_SYNTAX, "the SCEP URL is not https");
	rest = mst_slice(url.at + https.len, url.len - https.len);
	slash = mst_slice_find(rest, '/');
	*out = mst_slice(rest.at + slash, rest.len - slash);
	return 0;
}

static int take_scep(struct mst_join_profile *out, struct mst_arena *arena, const struct mst_plist *payload, struct mst_err *e)
{
	const struct mst_plist *scep;
	struct mst_slice url;
	uint64_t bits = 0;

	if (mst_plist_dict0(payload, &scep, "PayloadContent", e) != 1)
		return mst_fail(e, MST_E_SYNTAX, "the SCEP payload is empty");
	if (mst_plist_u64(scep, &bits, "Keysize", e) != 1 || bits != 2048)
		return mst_fail(e, MST_E_SYNTAX, "the profile wants keys of %u bits", (unsigned)bits);
	if (mst_plist_data0(scep, &out->fingerprint, "CAFingerprint", e) != 1)
		return mst_fail(e, MST_E_SYNTAX, "the profile does not name its CA");
	if (keep(&out->fingerprint, arena, out->fingerprint, e) < 0 || text_of(&url, arena, scep, "URL", e) < 0 ||
	    text_of(&out->challenge, arena, scep, "Challenge", e) < 0 || take_subject(out, arena, scep, e) < 0)
		return -1;
	return take_path(&out->scep_path, url, e);
}

static int take_payloads(struct mst_join_profile *out, struct mst_arena *arena, const struct mst_plist *root, struct mst_err *e)
{
	const struct mst_plist *list, *payload;
	struct mst_slice type;

	if (mst_plist_array0(root, &list, "PayloadContent", e) != 1)
		return mst_fail(e, MST_E_SYNTAX, "the profile has no payloads");
	for (size_t i = 0; i < mst_plist_num(list); i++) {
		payload = mst_plist_at0(list, i);
		if (mst_plist_text0(payload, &type, "PayloadType", e) != 1)
			return mst_fail(e, MST_E_SYNTAX, "a payload without a type");
		if (mst_slice_eq(type, MST_S("com.apple.security.scep")) && take_scep(out, arena, payload, e) < 0)
			return -1;
		if (mst_slice_eq(type, MST_S("com.apple.mdm")) && (text_of(&out->server_url, arena, payload, "ServerURL", e) < 0 ||
								   text_of(&out->topic, arena, payload, "Topic", e) < 0))
			return -1;
	}
	return out->challenge.len && out->server_url.len ? 0 : mst_fail(e, MST_E_SYNTAX, "the profile lacks SCEP or com.apple.mdm");
}

int mst_join_open(struct mst_join_profile *out, struct mst_arena *arena, struct mst_slice signed_profile, struct mst_trust *trust,
		  struct mst_err *e)
{
	struct mst_cms_signed *in = mst_arena_zero(arena, sizeof(*in));
	const struct mst_plist *root;

	*out = (struct mst_join_profile){.challenge = {NULL, 0}};
	if (!in)
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_cms_signed_read(in, arena, signed_profile, e) < 0 || check_signer(in, trust, e) < 0 ||
	    mst_plist_parse(&root, arena, in->content, &mst_plist_limits_device, e) < 0)
		return -1;
	return take_payloads(out, arena, root, e);
}
