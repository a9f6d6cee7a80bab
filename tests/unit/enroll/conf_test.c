/* SPDX-License-Identifier: Apache-2.0 */
/* What a signer and its texts may be; and that openssl agrees with what is signed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/file.h"
#include "own.h"
#include "pki.h"

static struct mst_arena arena;
static struct pki root, above, signer;
static struct mst_enroll_conf good;

static void begin(void)
{
	mst_arena_init(&arena, NULL, 0);
	root = pki_make(&arena, MST_KEY_P256, PKI_CA(.common_name = "Root"), NULL);
	above = pki_make(&arena, MST_KEY_P256, PKI_CA(.common_name = "Above"), &root);
	signer = pki_make(&arena, MST_KEY_RSA2048, (struct mst_issue){.common_name = "iOS Enrollment", .key_usage = MST_KU_SIGN}, &above);
	good = (struct mst_enroll_conf){
		.url = "https://mdm.example",
		.scep_url = "http://mdm.example:8080",
		.topic = "com.apple.mgmt.x",
		.name = "Name",
		.organization = "Org",
		.cert_pem = signer.pem,
		.key_pem = signer.key_pem,
		.chain_pem = above.pem,
		.roots_pem = root.pem,
		.link_s = 60,
		.challenge_s = 60,
		.renew_s = 60,
	};
}

static void end(void)
{
	mst_key_free(&root.key);
	mst_key_free(&above.key);
	mst_key_free(&signer.key);
	mst_arena_done(&arena);
}

TestSuite(conf, .init = begin, .fini = end, .timeout = 60);

static void refuse(struct mst_enroll_conf conf, const char *what)
{
	struct mst_enroll *enroll = NULL;
	struct mst_err e;

	cr_expect_eq(mst_enroll_new(&enroll, &conf, &e), -1, "%s", what);
	cr_expect_eq(e.code, MST_E_CONF, "%s: %s", what, e.text);
	cr_expect_null(enroll);
}

Test(conf, mistakes_are_told)
{
	struct mst_enroll_conf c;

	c = good, c.url = "http://mdm.example", refuse(c, "plain http");
	c = good, c.url = "https://mdm.example/", refuse(c, "a slash at the end");
	c = good, c.url = "mdm.example", refuse(c, "no scheme");
	c = good, c.url = "https://a b", refuse(c, "a space");
	c = good, c.scep_url = "ftp://x", refuse(c, "another scheme");
	c = good, c.topic = "com.example", refuse(c, "another topic");
	c = good, c.key_pem = above.key_pem, refuse(c, "another key");
	c = good, c.key_pem = MST_S("rubbish"), refuse(c, "no key");
	c = good, c.cert_pem = MST_S("rubbish"), c.chain_pem = MST_S(""), refuse(c, "no certificate");
	c = good, c.cert_pem = above.pem, refuse(c, "the chain first");
	c = good, c.roots_pem = MST_S("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), refuse(c, "a broken root");
	c = good, c.apple_pem = MST_S("-----BEGIN CERTIFICATE-----\n#\n"), refuse(c, "a broken CA of Apple's");
}

Test(conf, counts_by_source)
{
	struct mst_addr v4 = {.ip = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}}, other = v4, v6 = {.ip = {0x20, 1, 0xd, 0xb8}}, near = v6;
	struct mst_enroll *enroll;
	struct mst_err e;

	other.ip[15] = 2;
	near.ip[15] = 9;
	good.per_minute = 2;
	cr_assert_eq(mst_enroll_new(&enroll, &good, &e), 0, "%s", e.text);
	cr_expect(mst_enroll_may(enroll, &v4, 1000) && mst_enroll_may(enroll, &v4, 1001));
	cr_expect_not(mst_enroll_may(enroll, &v4, 1002));
	cr_expect(mst_enroll_may(enroll, &other, 1002));
	cr_expect(mst_enroll_may(enroll, &v4, 61000));
	cr_expect(mst_enroll_may(enroll, &v6, 1000) && mst_enroll_may(enroll, &near, 1000));
	cr_expect_not(mst_enroll_may(enroll, &v6, 1000), "one site");
	mst_enroll_free(&enroll);
	cr_expect_null(enroll);
	mst_enroll_free(&enroll);
}

static void write_file(const char *folder, const char *name, struct mst_slice bytes)
{
	char path[128];
	struct mst_err e;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	cr_assert_eq(mst_file_write(path, bytes, 0600, &e), 0, "%s", e.text);
}

/* openssl verifies the chain to the root and gives back what was written. */
Test(conf, openssl_verifies_a_profile)
{
	struct profile_facts facts = {
		.authority = MST_S("phones"),
		.device = MST_S("D"),
		.common_name = MST_S("<D> & \"co\""),
		.certs = {above.der, root.der},
		.num_certs = 2,
		.challenge = "secret",
	};
	char folder[] = "/tmp/muster-enroll-XXXXXX", in[64], ca[64], out[64];
	const char *const argv[] = {"/usr/bin/openssl", "cms", "-verify", "-inform", "DER", "-in", in, "-CAfile", ca, "-purpose", "any",
				    "-attime", "1800000000", "-out", out, NULL};
	struct mst_slice plain, sealed, back;
	struct mst_enroll *enroll;
	struct mst_err e;

	cr_assert(mkdtemp(folder));
	snprintf(in, sizeof(in), "%s/in.der", folder);
	snprintf(ca, sizeof(ca), "%s/ca.pem", folder);
	snprintf(out, sizeof(out), "%s/out.xml", folder);
	cr_assert_eq(mst_enroll_new(&enroll, &good, &e), 0, "%s", e.text);
	cr_assert_eq(mst_profile_write(&plain, &arena, enroll, PROFILE_MDM, &facts, &e), 0, "%s", e.text);
	cr_assert_eq(mst_profile_sign(&sealed, &arena, enroll, PROFILE_MDM, &facts, PKI_NOW, &e), 0, "%s", e.text);
	write_file(folder, "in.der", sealed);
	write_file(folder, "ca.pem", root.pem);
	cr_assert_eq(pki_run(argv, "/dev/null"), 0);
	cr_assert_eq(mst_file_read(&back, &arena, out, 1 << 20, &e), 0, "%s", e.text);
	cr_expect(mst_slice_eq(back, plain));
	cr_expect(memmem(plain.at, plain.len, "http://mdm.example:8080/scep/phones", 35));
	cr_expect(memmem(plain.at, plain.len, "com.apple.security.pkcs1", 24), "the intermediate is no root");
	unlink(in), unlink(ca), unlink(out), rmdir(folder);
	mst_enroll_free(&enroll);
}
