/* SPDX-License-Identifier: Apache-2.0 */
/* The OCSP responder against the clients of openssl and GnuTLS. */
#include "kit_revoke.h"

#include <stdio.h>
#include <stdlib.h>

#include "muster/clock.h"
#include "muster/text.h"

static const char openssl[] = "/usr/bin/openssl", ocsptool[] = "/usr/bin/ocsptool";

/* Asks by the openssl client's request; the answer is in resp.der. */
static void ask(struct world *w, struct visit *v, enum mst_method method, const char *name)
{
	struct mst_slice request = read_file(w, "req.der");
	char target[12000];

	if (method == MST_POST) {
		snprintf(target, sizeof target, "/ocsp/%s", name);
		visit(v, w, 0, &way_ocsp, MST_POST, target, request);
	} else {
		size_t at = (size_t)snprintf(target, sizeof target, "/ocsp/%s/", name);
		mst_base64_put(target + at, request);
		target[at + MST_BASE64_LEN(request.len)] = '\0';
		visit(v, w, 0, &way_ocsp, MST_GET, target, mst_slice(NULL, 0));
	}
	cr_expect(v->x.out.status == 200 || v->x.out.status == 304);
	cr_expect(v->x.out.status == 304 || strcmp(v->x.out.type, "application/ocsp-response") == 0);
	write_file("resp.der", v->x.out.body);
}

static void write_request(const char *hash, bool has_nonce, const char *const *certs)
{
	const char *argv[20] = {openssl, "ocsp", "-reqout", "req.der", "-issuer", "ca.pem", hash, has_nonce ? "-nonce" : "-no_nonce"};
	size_t n = 8;

	for (; *certs; certs++) {
		argv[n++] = "-cert";
		argv[n++] = *certs;
	}
	cr_assert_eq(pki_run(argv, "out"), 0);
}

/* The client checks signature, delegation, times, the nonce, and says the states. */
static void judge(struct world *w, const char *hash, const char *const *certs)
{
	const char *argv[20] = {openssl, "ocsp", "-reqin", "req.der", "-respin", "resp.der", "-no_nonce", "-issuer", "ca.pem", "-CAfile", "ca.pem", hash};
	size_t n = 12;

	for (; *certs; certs++) {
		argv[n++] = "-cert";
		argv[n++] = *certs;
	}
	cr_expect_eq(pki_run(argv, "out"), 0, "%s", (const char *)read_file(w, "out").at);
	cr_expect(said(w, "Response verify OK"), "%s", (const char *)read_file(w, "out").at);
}

Test(respond, judged, .timeout = 120)
{
	static const enum mst_key_kind kinds[] = {MST_KEY_P256, MST_KEY_RSA2048};
	static const char *const hashes[] = {"-sha1", "-sha256"};
	static const char *const good[] = {"good.pem", NULL}, *const all[] = {"good.pem", "bad.pem", "lost.pem", NULL};
	struct visit v = {.is_over = false};
	struct world w;

	for (size_t i = 0; i < MST_LEN(kinds) * MST_LEN(hashes) * 2; i++) {
		const char *hash = hashes[i / 2 % 2];
		bool has_nonce = i % 2;
		struct mst_issued bad;
		world_open(&w, kinds[i / 4]);
		(void)world_issue(&w, "good", 0);
		bad = world_issue(&w, "bad", 0);
		(void)world_issue(&w, "lost", 0);
		world_revoke(&w, &bad, 1, mst_clock_wall_ms());
		world_start(&w);
		write_request(hash, has_nonce, good);
		for (int again = 0; again < 2; again++) {
			ask(&w, &v, again ? MST_GET : MST_POST, "devices");
			judge(&w, hash, good);
			cr_expect(said(&w, "good.pem: good"));
			cr_expect_eq(visit_extra(&v, "ETag") != NULL, again && !has_nonce, "only a GET without nonce may be kept");
			visit_end(&v);
		}
		write_request(hash, has_nonce, all);
		ask(&w, &v, MST_POST, "devices");
		judge(&w, hash, all);
		cr_expect(said(&w, "good.pem: good") && said(&w, "bad.pem: revoked") && said(&w, "Reason: keyCompromise"));
		visit_end(&v);
		world_close(&w);
	}
}

Test(respond, gnutls, .timeout = 60)
{
	const char *const make[] = {ocsptool, "--generate-request", "--load-issuer", "ca.pem", "--load-cert", "bad.pem", "--outfile", "req.der", NULL};
	const char *const check[] = {ocsptool, "--verify-response", "--load-issuer", "ca.pem", "--load-trust", "ca.pem", "--load-response", "resp.der", NULL};
	const char *const show[] = {ocsptool, "--response-info", "--load-response", "resp.der", NULL};
	struct visit v = {.is_over = false};
	struct mst_issued bad;
	struct world w;

	world_open(&w, MST_KEY_P256);
	bad = world_issue(&w, "bad", 0);
	world_revoke(&w, &bad, 4, mst_clock_wall_ms());
	world_start(&w);
	cr_assert_eq(pki_run(make, "out"), 0);
	ask(&w, &v, MST_POST, "devices");
	visit_end(&v);
	cr_expect_eq(pki_run(check, "out"), 0);
	cr_expect_eq(pki_run(show, "out"), 0);
	cr_expect(said(&w, "Certificate Status: revoked"));
	world_close(&w);
}

/* Never issued: unknown. Then a certificate is revoked: no older answer comes any more. */
Test(respond, states, .timeout = 60)
{
	const char *const unknown[] = {openssl, "ocsp", "-reqout", "req.der", "-issuer", "ca.pem", "-no_nonce", "-serial", "0x1234", NULL};
	const char *const told[] = {openssl, "ocsp", "-respin", "resp.der", "-issuer", "ca.pem", "-CAfile", "ca.pem", "-serial", "0x1234", NULL};
	static const char *const device[] = {"device.pem", NULL};
	struct visit v = {.is_over = false}, r = {.is_over = false};
	struct mst_issued i;
	struct world w;
	char target[200], etag[64];

	world_open(&w, MST_KEY_P256);
	i = world_issue(&w, "device", 0);
	world_start(&w);
	cr_assert_eq(pki_run(unknown, "out"), 0);
	ask(&w, &v, MST_POST, "devices");
	visit_end(&v);
	pki_run(told, "out");
	cr_expect(said(&w, "0x1234: unknown"));
	write_request("-sha1", false, device);
	ask(&w, &v, MST_GET, "devices");
	judge(&w, "-sha1", device);
	cr_expect(said(&w, "device.pem: good"));
	snprintf(etag, sizeof etag, "%s", visit_extra(&v, "ETag"));
	cr_expect(strstr(visit_extra(&v, "Cache-Control"), "max-age=3600"));
	visit_end(&v);
	v.headers[0] = (struct mst_header){MST_S("if-none-match"), mst_slice_str(etag)};
	ask(&w, &v, MST_GET, "devices");
	cr_expect_eq(v.x.out.status, 304, "kept, signed once");
	visit_end(&v);
	int at = snprintf(target, sizeof target, "/v1/certificates/devices/");
	for (size_t n = 0; n < 16; n++)
		at += snprintf(target + at, 3, "%02X", i.serial[n]);
	snprintf(target + at, sizeof target - (size_t)at, "/revoke");
	visit(&r, &w, 1, &way_revoke, MST_POST, target, mst_slice(NULL, 0));
	cr_expect_eq(r.x.out.status, 200);
	visit_end(&r);
	ask(&w, &v, MST_GET, "devices");
	cr_expect_eq(v.x.out.status, 200);
	judge(&w, "-sha1", device);
	cr_expect(said(&w, "device.pem: revoked"));
	visit_end(&v);
	world_close(&w);
}

Test(respond, refuses, .timeout = 60)
{
	static const char *const device[] = {"device.pem", NULL};
	struct visit v = {.is_over = false};
	struct mst_slice request;
	struct world w;

	world_open(&w, MST_KEY_P256);
	(void)world_issue(&w, "device", 0);
	world_start(&w);
	write_request("-sha1", true, device);
	request = read_file(&w, "req.der");
	for (size_t len = 0; len < request.len; len++) {
		visit(&v, &w, 0, &way_ocsp, MST_POST, "/ocsp/devices", mst_slice(request.at, len));
		cr_expect(mst_slice_eq(v.x.out.body, mst_ocsp_refusal(MST_OCSP_MALFORMED)), "%zu bytes", len);
		visit_end(&v);
	}
	static const struct {
		const char *target;
		enum mst_ocsp_refusal want;
	} rows[] = {
		{"/ocsp/devices/", MST_OCSP_MALFORMED},
		{"/ocsp/devices", MST_OCSP_MALFORMED},
		{"/ocsp/devices/!!!!", MST_OCSP_MALFORMED},
		{"/ocsp/devices/AAAA/AAAA", MST_OCSP_MALFORMED},
		{"/ocsp//", MST_OCSP_MALFORMED},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		visit(&v, &w, 0, &way_ocsp, MST_GET, rows[i].target, mst_slice(NULL, 0));
		cr_expect(mst_slice_eq(v.x.out.body, mst_ocsp_refusal(rows[i].want)), "%s", rows[i].target);
		visit_end(&v);
	}
	ask(&w, &v, MST_POST, "nobody");
	cr_expect(mst_slice_eq(v.x.out.body, mst_ocsp_refusal(MST_OCSP_UNAUTHORIZED)), "no such authority");
	visit_end(&v);
	/* A hash of the issuer's name that is another's. */
	uint8_t *copy = malloc(request.len);
	memcpy(copy, request.at, request.len);
	copy[30] ^= 1;
	visit(&v, &w, 0, &way_ocsp, MST_POST, "/ocsp/devices", mst_slice(copy, request.len));
	cr_expect(mst_slice_eq(v.x.out.body, mst_ocsp_refusal(MST_OCSP_UNAUTHORIZED)), "another issuer");
	visit_end(&v);
	free(copy);
	world_close(&w);
}
