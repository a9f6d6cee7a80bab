/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a device's certificate comes from: TLS; else the signature of its message (Mdm-Signature); else the Client-Cert header
 * (RFC 9440) of a front end that ended TLS for us. Which of these count is the operator's choice. A front end is who
 * authenticated by mutual TLS with a certificate of a CA that is for front ends only; everybody else's header is not looked at.
 */
#include "muster/cms.h"
#include "muster/text.h"
#include "muster/vouched.h"
#include "own.h"

#define HEADER_MAX 65536 /* base64: a signature with its chain has some 4 KiB */
#define CHAIN_MAX  4

/* Everything but the session is over with the request: slices lend its arena. */
struct proof {
	struct mst_slice chain[CHAIN_MAX]; /* the device's first */
	size_t num;
};

static bool is_named(const char *names, const char *name)
{
	struct mst_slice part, rest = mst_slice_str(names);
	bool is_more = rest.len > 0;

	if (!is_more)
		return true;
	while (is_more) {
		is_more = mst_slice_cut(&part, &rest, rest, ',');
		if (mst_slice_eq(mst_slice_trim(part), mst_slice_str(name)))
			return true;
	}
	return false;
}

/* CAs of devices that are authorities of our own; NULL: none. */
static struct mst_trust *stored0(const struct mst_app *app)
{
	return app->issuers ? app->issuers->trust : NULL;
}

static bool has(const struct mst_trust *trust, const struct mst_peer *peer)
{
	return trust && mst_trust_has(trust, peer->ca);
}

/* An authority of ours certifies devices, so it is no CA of front ends, whatever a file says. */
static bool is_front_end(const struct mst_xchg *x)
{
	const struct mst_app *app = x->app;

	return x->peer && has(app->front_ends, x->peer) && !has(stored0(app), x->peer);
}

/* A connection may be older than the list of CAs: one that is not in it any more vouches for nobody. */
static bool is_device(const struct mst_xchg *x)
{
	const struct mst_app *app = x->app;

	if (!x->peer)
		return false;
	return has(app->trust, x->peer) || has(stored0(app), x->peer) || (!app->trust && !app->is_trust_stored);
}

/* The value of a header that may come once: a front end that lets a client's own one through would otherwise speak with two
 * voices. -1 twice; 0 none. */
static int header_once(struct mst_slice *out, const struct mst_xchg *x, struct mst_slice name)
{
	int num = 0;

	for (size_t i = 0; i < x->in.num_headers; i++)
		if (mst_slice_eq(x->in.headers[i].name, name)) {
			*out = x->in.headers[i].value;
			num++;
		}
	return num > 1 ? -1 : num;
}

enum mdm_source mst_source_of(const struct mst_xchg *x)
{
	const struct mst_app *app = x->app;
	struct mst_slice value;

	if ((app->identity_sources & MST_FROM_TLS) && is_device(x))
		return SOURCE_TLS;
	if ((app->identity_sources & MST_FROM_SIGNATURE) && header_once(&value, x, MST_S("mdm-signature")) == 1)
		return SOURCE_SIGNATURE;
	if ((app->identity_sources & MST_FROM_HEADER) && is_front_end(x) && is_named(app->front_end_names, x->peer->name) &&
	    header_once(&value, x, MST_S("client-cert")) == 1)
		return SOURCE_HEADER;
	return SOURCE_NONE;
}

static int decode(struct mst_slice *out, struct mst_xchg *x, struct mst_slice base64, const char *what)
{
	uint8_t *bytes;
	size_t len;

	if (base64.len == 0 || base64.len > HEADER_MAX)
		return mst_fail(&x->err, MST_E_DENIED, "%s is empty or too long", what);
	bytes = mst_arena_get(&x->arena, MST_BASE64_ROOM(base64.len));
	if (!bytes)
		return mst_fail(&x->err, MST_E_BUSY, "out of memory for a certificate");
	if (mst_base64_get(bytes, &len, base64, &x->err) < 0)
		return mst_fail(&x->err, MST_E_DENIED, "%s is not base64", what);
	*out = mst_slice(bytes, len);
	return 0;
}

/* A CMS signature without content over the body as it came, with the certificate inside. Apple still signs with SHA-1. */
static int signature_open(struct proof *out, struct mst_xchg *x)
{
	struct mst_cms_signed *in = mst_arena_zero(&x->arena, sizeof(*in));
	const struct mst_cms_signer *signer;
	struct mst_slice bytes;
	struct mst_cert cert;

	if (!in)
		return mst_fail(&x->err, MST_E_BUSY, "out of memory for a signature");
	signer = &in->signers[0];
	if (decode(&bytes, x, mst_xchg_header(x, MST_S("mdm-signature")), "Mdm-Signature") < 0)
		return -1;
	if (mst_cms_signed_read(in, &x->arena, bytes, &x->err) < 0 || in->num_signers != 1 ||
	    mst_cms_signer_cert(&cert, in, signer, &x->err) < 0 ||
	    mst_cms_verify(in, signer, cert.spki, &x->in.body, MST_CMS_ALLOW_SHA1, &x->err) < 0)
		return mst_fail(&x->err, MST_E_DENIED, "Mdm-Signature does not sign this message");
	out->chain[out->num++] = cert.der;
	for (size_t i = 0; i < in->num_certs && out->num < CHAIN_MAX; i++)
		if (!mst_slice_eq(in->certs[i], cert.der))
			out->chain[out->num++] = in->certs[i];
	return 0;
}

/* A byte sequence of RFC 8941 3.3.5, ":base64:". */
static int sequence_open(struct proof *out, struct mst_xchg *x, struct mst_slice value)
{
	value = mst_slice_trim(value);
	if (value.len < 2 || value.at[0] != ':' || value.at[value.len - 1] != ':')
		return mst_fail(&x->err, MST_E_DENIED, "Client-Cert is no byte sequence");
	if (decode(&out->chain[out->num], x, mst_slice(value.at + 1, value.len - 2), "Client-Cert") < 0)
		return -1;
	out->num++;
	return 0;
}

/* RFC 9440 2.2 and 2.3: the device's certificate, and perhaps those above it. */
static int header_open(struct proof *out, struct mst_xchg *x)
{
	struct mst_slice part, rest;
	int rc;

	if (sequence_open(out, x, mst_xchg_header(x, MST_S("client-cert"))) < 0)
		return -1;
	rc = header_once(&rest, x, MST_S("client-cert-chain"));
	if (rc < 0)
		return mst_fail(&x->err, MST_E_DENIED, "Client-Cert-Chain comes twice");
	for (bool is_more = rc == 1; is_more && out->num < CHAIN_MAX;) {
		is_more = mst_slice_cut(&part, &rest, rest, ',');
		if (sequence_open(out, x, part) < 0)
			return -1;
	}
	return 0;
}

/* A connection may outlive the certificate it began with, a device's as well as a front end's: it ends here. */
static int check_link(struct mst_xchg *x, int64_t now_ms)
{
	if (now_ms / 1000 <= x->peer->not_after)
		return 0;
	x->out.closes = true;
	return mst_fail(&x->err, MST_E_DENIED, "the certificate has expired");
}

/* Whose certificate it is: as it was found within the day, or by its chain. */
static int vouch(struct mst_peer *out, struct mst_xchg *x, const struct proof *proof, int64_t now_s)
{
	const struct mst_app *app = x->app;
	const struct mst_peer *known;
	uint8_t sha256[32];

	mst_sha256(sha256, proof->chain[0]);
	known = mst_vouched_find0(app->vouched, sha256, now_s);
	if (known && now_s >= known->not_before && now_s <= known->not_after) {
		*out = *known;
		return 0;
	}
	if (mst_trust_verify_any((struct mst_trust *const[]){app->trust, stored0(app)}, 2, out, proof->chain, proof->num, now_s,
				 &x->err) < 0)
		return mst_fail(&x->err, MST_E_DENIED, "the certificate is not of a device of ours");
	mst_vouched_add(app->vouched, out, now_s);
	return 0;
}

int mst_source_peer(struct mst_peer *out, struct mst_xchg *x, int64_t now_ms)
{
	struct proof proof = {.num = 0};
	int rc = -1;

	switch (mst_source_of(x)) {
	case SOURCE_TLS:
		*out = *x->peer;
		return check_link(x, now_ms);
	case SOURCE_SIGNATURE:
		rc = signature_open(&proof, x);
		break;
	case SOURCE_HEADER:
		rc = check_link(x, now_ms) < 0 ? -1 : header_open(&proof, x);
		break;
	case SOURCE_NONE:
		return mst_fail(&x->err, MST_E_DENIED, "no certificate of a device");
	}
	return rc < 0 ? -1 : vouch(out, x, &proof, now_ms / 1000);
}
