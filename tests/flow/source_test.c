/* SPDX-License-Identifier: Apache-2.0 */
/* Where a device's certificate comes from: TLS, the signature of its message, the header of a front end; and from nowhere else. */
#include "muster/clock.h"
#include "muster/cms.h"
#include "muster/text.h"
#include "muster/vouched.h"
#include "rig.h"

#define DAY_S 86400

struct actor {
	struct mst_key *key;
	struct mst_slice der;
	struct mst_cert cert;
};

static struct rig *rig;
static struct actor ca, front_ca, device, other, stranger, proxy;

static void make(struct actor *out, const char *name, const struct actor *issuer)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_issue what = {.common_name = name, .not_before = now_s - DAY_S, .not_after = now_s + DAY_S, .is_ca = !issuer,
				 .key_usage = issuer ? MST_KU_SIGN : MST_KU_CERT_SIGN, .ext_key_usage = issuer ? MST_EKU_CLIENT : 0};
	struct mst_err e;

	cr_assert_eq(mst_key_new(&out->key, MST_KEY_P256, &e), 0);
	cr_assert_eq(mst_key_spki(&what.spki, &rig->arena, out->key, &e), 0);
	cr_assert_eq(mst_issue_write(&out->der, &rig->arena, &what, issuer ? issuer->der : mst_slice(NULL, 0),
				     issuer ? issuer->key : out->key, NULL, &e),
		     0, "%s", e.text);
	cr_assert_eq(mst_cert_parse(&out->cert, out->der, &e), 0);
}

static struct mst_trust *trust_of(const struct actor *actor)
{
	struct mst_trust *trust;
	struct mst_slice pem;
	struct mst_err e;

	cr_assert_eq(mst_pem_put(&pem, &rig->arena, "CERTIFICATE", actor->der, &e), 0);
	cr_assert_eq(mst_trust_new(&trust, pem, &e), 0, "%s", e.text);
	return trust;
}

static void begin(void)
{
	rig = rig_new();
	make(&ca, "devices", NULL);
	make(&front_ca, "front ends", NULL);
	make(&device, "UDID-0001", &ca);
	make(&other, "UDID-0002", &ca);
	make(&stranger, "UDID-0001", &front_ca);
	make(&proxy, "proxy", &front_ca);
	rig->app.trust = trust_of(&ca);
	rig->app.front_ends = trust_of(&front_ca);
}

static void end(void)
{
	struct actor *all[] = {&ca, &front_ca, &device, &other, &stranger, &proxy};

	for (size_t i = 0; i < MST_LEN(all); i++)
		mst_key_free(&all[i]->key);
	mst_trust_free(&rig->app.trust);
	mst_trust_free(&rig->app.front_ends);
	rig_free(rig);
}

TestSuite(source, .init = begin, .fini = end, .timeout = 60);

static char *base64(struct mst_slice bytes)
{
	char *text = mst_arena_zero(&rig->arena, MST_BASE64_LEN(bytes.len) + 1);

	mst_base64_put(text, bytes);
	return text;
}

static char *signature(const struct actor *who, const char *body, bool is_bare)
{
	struct mst_cms_key key;
	struct mst_cms_sign what = {.key = &key, .cert = who->der, .digest = MST_CMS_SHA256, .content = mst_slice_str(body),
				    .is_detached = true, .is_bare = is_bare};
	struct mst_slice out;
	struct mst_err e;

	mst_key_cms(&key, who->key);
	cr_assert_eq(mst_cms_sign(&out, &rig->arena, &what, &e), 0, "%s", e.text);
	return base64(out);
}

static struct link tls_of(const struct actor *who, struct mst_trust *trust)
{
	struct link link = {.has_peer = who != NULL, .gate = MST_GATE_PORTAL};
	struct mst_err e;

	if (who)
		cr_assert_eq(mst_trust_verify(trust, &link.peer, &who->der, 1, mst_clock_wall_ms() / 1000, &e), 0, "%s", e.text);
	return link;
}

static const char *message(void)
{
	return rig_text(rig, PLIST_HEAD "<key>MessageType</key><string>Authenticate</string><key>UDID</key><string>UDID-0001</string>"
					"<key>Topic</key><string>t</string>" PLIST_TAIL);
}

static int say(struct link link, const char *body, const char *name, const char *value, const char *name2, const char *value2)
{
	return rig_ask(rig, &link,
		       (struct ask){.type = "application/x-apple-aspen-mdm-checkin",
				    .body = body,
				    .more = {{name, value}, {name2, value2}}})
		.status;
}

static int signed_by(const struct actor *who, bool is_bare)
{
	return say(tls_of(NULL, NULL), message(), "mdm-signature", signature(who, message(), is_bare), "x", NULL);
}

Test(source, takes_signatures_when_told_to)
{
	struct mst_device d;

	cr_expect_eq(signed_by(&device, false), 403, "only TLS counts");
	rig->app.identity_sources = MST_FROM_TLS | MST_FROM_SIGNATURE;
	cr_expect_eq(signed_by(&device, false), 200);
	cr_assert(rig_device(rig, "UDID-0001", &d));
	uint8_t sha256[32];
	mst_sha256(sha256, device.der);
	cr_expect_arr_eq(d.sha256, sha256, 32);
	cr_expect_eq(signed_by(&device, true), 200, "without signed attributes");
	cr_expect_eq(signed_by(&stranger, false), 403, "another CA");
	cr_expect_eq(say(tls_of(NULL, NULL), message(), "mdm-signature", signature(&device, "another body", false), "x", NULL), 403);
	cr_expect_eq(say(tls_of(NULL, NULL), message(), "mdm-signature", "AAAA", "x", NULL), 403);
	cr_expect_eq(say(tls_of(NULL, NULL), message(), "mdm-signature", "%", "x", NULL), 403);
	cr_expect_eq(say(tls_of(NULL, NULL), message(), "mdm-signature", "", "x", NULL), 403);
	cr_expect_eq(say(tls_of(NULL, NULL), message(), "mdm-signature", signature(&device, message(), false), "mdm-signature",
			 signature(&device, message(), false)),
		     403, "twice");
	cr_expect_eq(say(tls_of(NULL, NULL), message(), "x", NULL, "x", NULL), 403);
	cr_expect_eq(say(tls_of(&device, rig->app.trust), message(), "mdm-signature", "%", "x", NULL), 200, "TLS comes first");
}

/* What was verified once is known for a day, and not longer than its CA is trusted; a signature is verified every time. */
Test(source, remembers_who_was_vouched_for)
{
	struct mst_trust *trust = rig->app.trust;

	rig->app.identity_sources = MST_FROM_TLS | MST_FROM_SIGNATURE;
	rig->app.vouched = mst_vouched_new(16);
	cr_assert(rig->app.vouched);
	cr_expect_eq(signed_by(&device, false), 200);
	cr_expect_eq(signed_by(&stranger, false), 403, "who was refused is not known");
	rig->app.trust = rig->app.front_ends;
	cr_expect_eq(signed_by(&device, false), 200, "known");
	cr_expect_eq(say(tls_of(NULL, NULL), message(), "mdm-signature", signature(&device, "another body", false), "x", NULL), 403);
	mst_vouched_forget(rig->app.vouched);
	cr_expect_eq(signed_by(&device, false), 403, "another CA is trusted now");
	rig->app.trust = trust;
	cr_expect_eq(signed_by(&device, false), 200);
	mst_vouched_free(&rig->app.vouched);
}

Test(source, takes_headers_of_front_ends_only)
{
	const char *header = rig_text(rig, ":%s:", base64(device.der)), *forged = rig_text(rig, ":%s:", base64(stranger.der));
	struct link front = tls_of(&proxy, rig->app.front_ends), none = tls_of(NULL, NULL), peer = tls_of(&other, rig->app.trust);
	struct mst_device d;

	cr_expect_eq(say(front, message(), "client-cert", header, "x", NULL), 403, "headers do not count");
	rig->app.identity_sources = MST_FROM_TLS | MST_FROM_HEADER;
	cr_expect_eq(say(front, message(), "client-cert", header, "x", NULL), 200);
	cr_expect_eq(say(front, message(), "client-cert", header, "client-cert-chain", rig_text(rig, ":%s:", base64(ca.der))), 200);
	cr_expect_eq(say(front, message(), "client-cert", header, "client-cert", header), 403, "twice");
	cr_expect_eq(say(front, message(), "client-cert", forged, "x", NULL), 403, "a certificate of another CA");
	cr_expect_eq(say(front, message(), "client-cert", base64(device.der), "x", NULL), 403, "no byte sequence");
	cr_expect_eq(say(front, message(), "client-cert", ":", "x", NULL), 403);
	cr_expect_eq(say(front, message(), "client-cert", "::", "x", NULL), 403);
	cr_expect_eq(say(front, message(), "client-cert", ":AAAA:", "x", NULL), 403);
	cr_expect_eq(say(front, message(), "x", NULL, "x", NULL), 403, "a front end is no device");
	cr_expect_eq(say(none, message(), "client-cert", header, "x", NULL), 403, "nobody is no front end");
	struct link late = front;
	late.peer.not_after = mst_clock_wall_ms() / 1000 - 1;
	cr_expect_eq(say(late, message(), "client-cert", header, "x", NULL), 403, "a front end that is over");
	cr_expect_eq(say(peer, message(), "client-cert", header, "x", NULL), 200, "a device is no front end: it is itself");
	cr_assert(rig_device(rig, "UDID-0001", &d));
	cr_expect_arr_eq(d.sha256, peer.peer.sha256, 32);
	rig->app.front_end_names = "gate, proxy";
	cr_expect_eq(say(front, message(), "client-cert", header, "x", NULL), 200);
	rig->app.front_end_names = "gate,prox";
	cr_expect_eq(say(front, message(), "client-cert", header, "x", NULL), 403, "a name that no front end has");
	rig->app.front_ends = NULL;
	cr_expect_eq(say(front, message(), "client-cert", header, "x", NULL), 403);
	rig->app.front_ends = trust_of(&front_ca);
}

Test(source, takes_tls_only_when_told_to)
{
	rig->app.identity_sources = MST_FROM_SIGNATURE;
	cr_expect_eq(say(tls_of(&device, rig->app.trust), message(), "x", NULL, "x", NULL), 403);
	cr_expect_eq(say(tls_of(&other, rig->app.trust), message(), "mdm-signature", signature(&device, message(), false), "x", NULL), 200,
		     "the signer is who speaks");
}
