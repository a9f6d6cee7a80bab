/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apple's profile service, phases 2 and 3: the device posts its attributes, signed; first with the certificate it was made
 * with, then with the identity it has just been given.
 */
#include "muster/log.h"
#include "own.h"

#define DEPTH_MAX 4 /* certificates between a device and a CA of Apple's */
#define TEXT_LEN  256

static const struct mst_plist_limits limits = {32768, 6, 256}; /* a dozen attributes */

/* What signs certificates, X.509's names to CMS's. Old factory CAs used SHA-1. */
static const struct {
	enum mst_sig_alg alg;
	enum mst_cms_digest digest;
	struct mst_slice oid; /* contents */
} alg_rows[] = {
#define RSA MST_S_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")       /* rsaEncryption, RFC 8017 */
#define ECDSA(n) MST_S_INIT("\x2a\x86\x48\xce\x3d\x04\x03" n)        /* ecdsa-with-SHA2, RFC 5758 3.2 */
	{MST_SIG_RSA_SHA1, MST_CMS_SHA1, RSA},
	{MST_SIG_RSA_SHA256, MST_CMS_SHA256, RSA},
	{MST_SIG_RSA_SHA384, MST_CMS_SHA384, RSA},
	{MST_SIG_RSA_SHA512, MST_CMS_SHA512, RSA},
	{MST_SIG_ECDSA_SHA256, MST_CMS_SHA256, ECDSA("\x02")},
	{MST_SIG_ECDSA_SHA384, MST_CMS_SHA384, ECDSA("\x03")},
	{MST_SIG_ECDSA_SHA512, MST_CMS_SHA512, ECDSA("\x04")},
};

/* A certificate's signature is one over bare content, as CMS makes it without attributes: small keys and SHA-1, which a factory
 * certificate may have, are judged there. */
static bool is_issued_by(const struct mst_cert *cert, const struct mst_cert *ca, uint32_t allow)
{
	struct mst_cms_signed bare = {.content_type = MST_S(MST_CMS_OID_DATA), .content = cert->tbs, .has_content = true};
	struct mst_cms_signer signer = {.signature = cert->signature};

	if (!ca->is_ca || !mst_slice_eq(cert->issuer, ca->subject))
		return false;
	for (size_t i = 0; i < MST_LEN(alg_rows); i++) {
		if (alg_rows[i].alg != cert->alg)
			continue;
		signer.digest = alg_rows[i].digest;
		signer.alg = alg_rows[i].oid;
		return mst_cms_verify(&bare, &signer, ca->spki, NULL, allow, NULL) == 0;
	}
	return false;
}

static bool find_issuer(struct mst_cert *out, const struct mst_cert *cert, const struct mst_slice *list, size_t num)
{
	for (size_t i = 0; i < num; i++)
		if (mst_cert_parse(out, list[i], NULL) == 0 && is_issued_by(cert, out, MST_CMS_ALLOW_SHA1))
			return true;
	return false;
}

/* When a factory certificate ends is not asked: devices keep theirs for life. */
static int check_factory(const struct mst_cert *leaf, const struct mst_cms_signed *in, const struct mst_slice *apple,
			 size_t num_apple, struct mst_err *e)
{
	struct mst_cert cert = *leaf, above;

	if (num_apple == 0)
		return 0;
	for (size_t depth = 0; depth < DEPTH_MAX && !leaf->is_ca; depth++) {
		if (find_issuer(&above, &cert, apple, num_apple))
			return 0;
		if (!find_issuer(&above, &cert, in->certs, in->num_certs))
			break;
		cert = above;
	}
	return mst_fail(e, MST_E_DENIED, "the signer is no device of Apple's");
}

static int check_own(struct ota_message *out, const struct mst_cert *signer, const struct mst_cert *ca, int64_t now_s,
		     struct mst_err *e)
{
	if (signer->is_ca || !is_issued_by(signer, ca, 0))
		return mst_fail(e, MST_E_DENIED, "the signer is not certified by this authority");
	if (now_s < signer->not_before || now_s > signer->not_after)
		return mst_fail(e, MST_E_DENIED, "the signer's certificate is not valid now");
	out->is_ours = true;
	return mst_issued_serial(out->serial_key, signer->serial, e);
}

static int take_text(struct mst_slice *out, struct mst_arena *arena, const struct mst_plist *root, const char *key, struct mst_err *e)
{
	struct mst_slice text;

	if (mst_plist_text0(root, &text, key, e) < 0)
		return -1;
	if (text.len > TEXT_LEN)
		return mst_fail(e, MST_E_SYNTAX, "%s is too long", key);
	return mst_arena_copy(arena, out, text) ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static int read_attributes(struct ota_message *out, struct mst_arena *arena, struct mst_slice content, struct mst_err *e)
{
	const struct mst_plist *root;

	if (mst_plist_parse(&root, arena, content, &limits, e) < 0 ||
	    take_text(&out->udid, arena, root, "UDID", e) < 0 ||
	    take_text(&out->challenge, arena, root, "CHALLENGE", e) < 0 ||
	    take_text(&out->serial, arena, root, "SERIAL", e) < 0 ||
	    take_text(&out->product, arena, root, "PRODUCT", e) < 0 ||
	    take_text(&out->version, arena, root, "VERSION", e) < 0)
		return -1;
	return 0;
}

/* It becomes a common name. */
static bool is_udid(struct mst_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] >= 0x7f)
			return false;
	return text.len > 0 && text.len <= MST_NAME_MAX;
}

int mst_ota_read(struct ota_message *out, struct mst_arena *arena, struct mst_slice body, struct mst_slice ca_der,
		 const struct mst_slice *apple, size_t num_apple, int64_t now_s, struct mst_err *e)
{
	struct mst_cms_signed *in = mst_arena_zero(arena, sizeof(*in));
	struct mst_cert signer, ca;

	*out = (struct ota_message){.is_ours = false};
	if (!in)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_cms_signed_read(in, arena, body, e) < 0)
		return -1;
	if (in->num_signers != 1 || !in->has_content)
		return mst_fail(e, MST_E_SYNTAX, "device attributes have one signer and their content");
	if (mst_cms_signer_cert(&signer, in, &in->signers[0], e) < 0 ||
	    mst_cms_verify(in, &in->signers[0], signer.spki, NULL, MST_CMS_ALLOW_SHA1, e) < 0 || mst_cert_parse(&ca, ca_der, e) < 0)
		return -1;
	if (mst_slice_eq(signer.issuer, ca.subject) ? check_own(out, &signer, &ca, now_s, e) < 0
						    : check_factory(&signer, in, apple, num_apple, e) < 0)
		return -1;
	if (read_attributes(out, arena, in->content, e) < 0)
		return -1;
	return is_udid(out->udid) ? 0 : mst_fail(e, MST_E_SYNTAX, "device attributes without a UDID");
}

static void read_message(struct enroll_state *s)
{
	s->rc = mst_ota_read(&s->message, &s->arena, s->x->in.body, s->facts.certs[0], s->enroll->apple, s->enroll->num_apple,
			     s->now_ms / 1000, &s->x->err);
}

enum mst_step mst_ota_receive(struct mst_xchg *x)
{
	struct enroll_state *s = mst_enroll_hold(x, false);

	if (!s)
		return mst_xchg_fail(x);
	if (mst_enroll_authority(s, mst_enroll_part(x, 1)) < 0)
		return mst_enroll_fail(s);
	if (x->in.body.len == 0) {
		mst_fail(&x->err, MST_E_SYNTAX, "no device attributes in the body");
		return mst_enroll_fail(s);
	}
	return mst_enroll_turn(s, read_message);
}

enum mst_step mst_ota_sort(struct mst_xchg *x)
{
	struct enroll_state *s = x->state;

	if (s->rc < 0) {
		mst_log_peer(INFO, "device attributes refused", mst_f_u64("exchange", x->id), mst_f_err(&x->err));
		return mst_enroll_fail(s);
	}
	if (s->message.is_ours) {
		s->source = SOURCE_ISSUED;
		s->kind = PROFILE_MDM;
		return STEP_NEXT;
	}
	s->source = SOURCE_LINK;
	s->kind = PROFILE_SCEP;
	if (s->message.challenge.len != TOKEN_LEN) {
		mst_fail(&x->err, MST_E_DENIED, "device attributes without a challenge of ours");
		return mst_enroll_fail(s);
	}
	mst_sha256(s->link_key, s->message.challenge);
	return STEP_NEXT;
}
