/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs: what openssl and certtool say of them, how numbers and entries come and go, and how they reach every loop. */
#include "kit_revoke.h"

#include <stdio.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/crl.h"
#include "muster/lent.h"
#include "muster/text.h"

static const char openssl[] = "/usr/bin/openssl", certtool[] = "/usr/bin/certtool";

static struct mst_published make(struct world *w, const struct mst_published *before, int64_t now_s)
{
	struct mst_published out;
	struct mst_err e;

	cr_assert_eq(mst_publish_make(&out, w->rig.arena, w->rig.kit->store, w->rig.seal, w->authority.id, before, now_s, &e), 0, "%s",
		     e.text);
	write_file("crl.der", out.crl);
	return out;
}

static int judge(void)
{
	const char *const argv[] = {openssl, "crl", "-inform", "DER", "-in", "crl.der", "-CAfile", "ca.pem", "-noout", "-text", NULL};
	return pki_run(argv, "out");
}

static int verify(const char *cert)
{
	const char *const pem[] = {openssl, "crl", "-inform", "DER", "-in", "crl.der", "-out", "crl.pem", NULL};
	const char *const argv[] = {openssl, "verify", "-CAfile", "ca.pem", "-CRLfile", "crl.pem", "-crl_check", cert, NULL};
	cr_assert_eq(pki_run(pem, "out"), 0);
	return pki_run(argv, "out");
}

Test(publish, judged, .timeout = 120)
{
	static const enum mst_key_kind kinds[] = {MST_KEY_P256, MST_KEY_P384, MST_KEY_RSA2048};
	int64_t now_s = mst_clock_wall_ms() / 1000;

	for (size_t i = 0; i < MST_LEN(kinds); i++) {
		const char *const tool[] = {certtool, "--verify-crl", "--load-ca-certificate", "ca.pem", "--infile", "crl.pem", NULL};
		struct mst_published first, second;
		struct mst_issued bad;
		struct world w;
		world_open(&w, kinds[i]);
		(void)world_issue(&w, "good", 0);
		bad = world_issue(&w, "bad", 0);
		first = make(&w, NULL, now_s);
		cr_expect_eq(judge(), 0);
		cr_expect(said(&w, "verify OK") && said(&w, "No Revoked Certificates") && said(&w, "X509v3 CRL Number"));
		cr_expect(said(&w, "X509v3 Authority Key Identifier"));
		cr_expect_eq(verify("good.pem"), 0);
		cr_expect_eq(verify("bad.pem"), 0);
		world_revoke(&w, &bad, 1, now_s * 1000);
		second = make(&w, &first, now_s);
		cr_expect_gt(second.number, first.number);
		cr_expect_eq(second.next_s, now_s + 24 * 3600);
		cr_expect_eq(judge(), 0);
		cr_expect(said(&w, "verify OK") && said(&w, "Key Compromise"));
		cr_expect_eq(verify("good.pem"), 0);
		cr_expect_neq(verify("bad.pem"), 0);
		cr_expect(said(&w, "certificate revoked"));
		cr_expect_eq(pki_run(tool, "out"), 0, "%s", (const char *)read_file(&w, "out").at);
		world_close(&w);
	}
}

static uint32_t entries(struct world *w)
{
	static const char word[] = "Serial Number: ";
	uint32_t num = 0;

	cr_expect_eq(judge(), 0);
	const char *at = (const char *)read_file(w, "out").at;
	while ((at = strstr(at, word)) != NULL) {
		num++;
		at++;
	}
	return num;
}

/* An entry stays until a CRL named it that is younger than the certificate's end. */
Test(publish, expiry, .timeout = 60)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_published crl;
	struct mst_issued old, young;
	struct world w;

	world_open(&w, MST_KEY_P256);
	old = world_issue(&w, "old", now_s + 100);
	young = world_issue(&w, "young", 0);
	world_revoke(&w, &old, 0, now_s * 1000);
	world_revoke(&w, &young, 4, now_s * 1000);
	crl = make(&w, NULL, now_s + 50);
	cr_expect_eq(entries(&w), 2);
	crl = make(&w, &crl, now_s + 200); /* over, but the CRL before was made earlier */
	cr_expect_eq(entries(&w), 2);
	crl = make(&w, &crl, now_s + 300);
	cr_expect_eq(entries(&w), 1, "off the list");
	crl = make(&w, &crl, now_s + 400);
	judge();
	cr_expect(said(&w, "verify OK") && said(&w, "Superseded"));
	world_close(&w);
}

static bool has_crl(struct world *w)
{
	struct visit v = {.is_over = false};

	visit(&v, w, 1, &way_crl, MST_GET, "/crl/devices.crl", mst_slice(NULL, 0));
	bool is_there = v.x.out.status == 200;
	if (is_there)
		write_file("crl.der", v.x.out.body);
	else
		cr_expect_eq(v.x.out.status, 503);
	visit_end(&v);
	return is_there;
}

static void wait_for(struct world *w, const char *text)
{
	uint64_t end_ms = mst_clock_ms() + 20000;
	bool is_there = false;

	while (!is_there) {
		cr_assert_lt(mst_clock_ms(), end_ms, "no CRL says %s", text);
		for (uint32_t i = 0; i < LOOPS; i++)
			(void)!mst_loop_turn(w->loops[i], 20, NULL);
		is_there = has_crl(w) && judge() == 0 && said(w, text);
	}
}

/* The first CRL comes by itself; the next one with a revocation, in every loop; after a restart it is there at once. */
Test(publish, lives, .timeout = 120)
{
	struct visit v = {.is_over = false};
	struct mst_issued i;
	struct world w;
	char target[200], hex[33] = "";

	world_open(&w, MST_KEY_P256);
	i = world_issue(&w, "device", 0);
	world_start(&w);
	wait_for(&w, "No Revoked Certificates");
	cr_expect_not(mst_barred_has(w.apps[0].barred, w.own_sha256));
	for (size_t n = 0; n < 16; n++)
		snprintf(hex + 2 * n, 3, "%02x", i.serial[n]);
	snprintf(target, sizeof target, "/v1/certificates/devices/%s/revoke?reason=keyCompromise", hex);
	visit(&v, &w, 1, &way_revoke, MST_POST, target, mst_slice(NULL, 0));
	cr_expect_eq(v.x.out.status, 200, "%s", v.x.err.text);
	cr_expect(memmem(v.x.out.body.at, v.x.out.body.len, "\"keyCompromise\"", 15));
	visit_end(&v);
	mst_sha256(w.own_sha256, i.cert);
	for (uint32_t n = 0; n < LOOPS; n++)
		cr_expect(mst_barred_has(w.apps[n].barred, w.own_sha256), "loop %u knows before the operator", n);
	wait_for(&w, "Key Compromise");
	/* Once more changes nothing. */
	visit(&v, &w, 0, &way_revoke, MST_POST, target, mst_slice(NULL, 0));
	cr_expect_eq(v.x.out.status, 200);
	visit_end(&v);
	world_stop(&w);
	w.rig.kit->conf.path = w.rig.kit->path;
	cr_assert_eq(mst_work_new(&w.rig.kit->work, 2, 64, NULL), 0);
	cr_assert_eq(mst_store_open(&w.rig.kit->store, &w.rig.kit->conf, w.rig.kit->work, NULL), 0);
	world_start(&w);
	cr_expect(mst_barred_has(w.apps[1].barred, w.own_sha256), "known from the start");
	cr_expect(has_crl(&w), "served from the start");
	cr_expect(judge() == 0 && said(&w, "Key Compromise"));
	world_close(&w);
}

/* A list that somebody still sends outlives its successor, and no longer. */
Test(publish, lent, .timeout = 60)
{
	struct visit v = {.is_over = false};
	struct mst_issued i;
	struct mst_lent *lent;
	struct world w;
	char target[100] = "/v1/certificates/devices/";

	world_open(&w, MST_KEY_P256);
	i = world_issue(&w, "device", 0);
	(void)make(&w, NULL, mst_clock_wall_ms() / 1000);
	world_start(&w);
	visit(&v, &w, 1, &way_crl, MST_GET, "/crl/devices.crl", mst_slice(NULL, 0));
	cr_assert_eq(v.x.out.status, 200);
	lent = v.x.out.lent;
	cr_assert(lent && mst_slice_eq(lent->bytes, v.x.out.body));
	mst_lent_take(lent);
	visit_end(&v);
	mst_hex_put(target + 25, mst_slice(i.serial, 16));
	memcpy(target + 57, "/revoke", 8);
	visit(&v, &w, 0, &way_revoke, MST_POST, target, mst_slice(NULL, 0));
	cr_assert_eq(v.x.out.status, 200);
	visit_end(&v);
	wait_for(&w, "Serial Number");
	write_file("crl.der", lent->bytes);
	cr_expect(judge() == 0 && said(&w, "No Revoked Certificates"), "the older one is whole");
	mst_lent_give(lent);
	for (int n = 0; n < 20; n++)
		for (uint32_t k = 0; k < LOOPS; k++)
			(void)!mst_loop_turn(w.loops[k], 2, NULL);
	world_close(&w);
}

/* 304 by tag and by date; unknown names. */
Test(publish, http, .timeout = 60)
{
	struct visit v = {.is_over = false};
	char etag[64], modified[64];
	struct world w;

	world_open(&w, MST_KEY_P256);
	(void)make(&w, NULL, mst_clock_wall_ms() / 1000);
	world_start(&w);
	visit(&v, &w, 0, &way_crl, MST_GET, "/crl/devices.crl", mst_slice(NULL, 0));
	cr_assert_eq(v.x.out.status, 200);
	cr_expect_str_eq(v.x.out.type, "application/pkix-crl");
	snprintf(etag, sizeof etag, "%s", visit_extra(&v, "ETag"));
	snprintf(modified, sizeof modified, "%s", visit_extra(&v, "Last-Modified"));
	visit_end(&v);
	const struct {
		const char *name, *value;
		int status;
	} rows[] = {
		{"if-none-match", etag, 304},
		{"if-none-match", "*", 304},
		{"if-none-match", "\"other\", \"another\"", 200},
		{"if-modified-since", modified, 304},
		{"if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT", 200},
		{"if-modified-since", "yesterday", 200},
		{"if-modified-since", "Fri, 06 Nov 2099 08:49:37 GMT", 304},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		v.headers[0] = (struct mst_header){mst_slice_str(rows[i].name), mst_slice_str(rows[i].value)};
		visit(&v, &w, 0, &way_crl, MST_GET, "/crl/devices.crl", mst_slice(NULL, 0));
		cr_expect_eq(v.x.out.status, rows[i].status, "%s: %s", rows[i].name, rows[i].value);
		visit_end(&v);
	}
	v.headers[0] = (struct mst_header){{NULL, 0}, {NULL, 0}};
	static const char *const absent[] = {"/crl/nobody.crl", "/crl/devices", "/crl/.crl", "/crl/devices.crl.crl"};
	for (size_t i = 0; i < MST_LEN(absent); i++) {
		visit(&v, &w, 0, &way_crl, MST_GET, absent[i], mst_slice(NULL, 0));
		cr_expect_eq(v.x.out.status, 404, "%s", absent[i]);
		visit_end(&v);
	}
	world_close(&w);
}
