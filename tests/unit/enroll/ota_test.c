/* SPDX-License-Identifier: Apache-2.0 */
/* Device attributes: who may have signed them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/file.h"
#include "own.h"
#include "pki.h"

#define PLIST "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>UDID</key><string>U-1</string>" \
	      "<key>CHALLENGE</key><string>c</string></dict></plist>"

static struct mst_arena arena;
static struct pki apple, middle, factory, other, ours, device;
static struct mst_err e;

static void begin(void)
{
	mst_arena_init(&arena, NULL, 0);
	apple = pki_make(&arena, MST_KEY_P256, PKI_CA(.common_name = "Apple"), NULL);
	middle = pki_make(&arena, MST_KEY_P256, PKI_CA(.common_name = "iPhone Device CA"), &apple);
	factory = pki_make(&arena, MST_KEY_P256, PKI_LEAF(.common_name = "factory"), &middle);
	other = pki_make(&arena, MST_KEY_P256, PKI_CA(.common_name = "iPhone Device CA"), NULL);
	ours = pki_make(&arena, MST_KEY_P256, PKI_CA(.common_name = "Ours"), NULL);
	device = pki_make(&arena, MST_KEY_P256, PKI_LEAF(.common_name = "device"), &ours);
}

static void end(void)
{
	struct pki *all[] = {&apple, &middle, &factory, &other, &ours, &device};

	for (size_t i = 0; i < MST_LEN(all); i++)
		mst_key_free(&all[i]->key);
	mst_arena_done(&arena);
}

TestSuite(ota, .init = begin, .fini = end, .timeout = 60);

static struct mst_slice sign(const struct pki *by, const struct pki *chain, struct mst_slice content)
{
	struct mst_cms_key key;
	struct mst_cms_sign what = {.key = &key, .cert = by->der, .digest = MST_CMS_SHA256, .content = content};
	struct mst_slice out;

	if (chain) {
		what.chain = &chain->der;
		what.num_chain = 1;
	}
	mst_key_cms(&key, by->key);
	cr_assert_eq(mst_cms_sign(&out, &arena, &what, &e), 0, "%s", e.text);
	return out;
}

static int read_by(struct ota_message *out, struct mst_slice body, const struct pki *ca)
{
	return mst_ota_read(out, &arena, body, ours.der, ca ? &ca->der : NULL, ca != NULL, PKI_NOW, &e);
}

Test(ota, factories)
{
	const struct {
		const char *name;
		const struct pki *by, *chain, *apple;
		int rc;
	} rows[] = {
		{"nobody asks", &factory, NULL, NULL, 0},
		{"by the one that issued it", &factory, NULL, &middle, 0},
		{"by the root, with what is between", &factory, &middle, &apple, 0},
		{"by the root, without it", &factory, NULL, &apple, -1},
		{"a CA of the same name", &factory, NULL, &other, -1},
		{"a CA itself", &middle, NULL, &apple, -1},
		{"another root", &factory, &middle, &ours, -1},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct ota_message m;
		int rc = read_by(&m, sign(rows[i].by, rows[i].chain, MST_S(PLIST)), rows[i].apple);
		cr_expect_eq(rc, rows[i].rc, "%s: %s", rows[i].name, e.text);
		if (rc < 0)
			continue;
		cr_expect_not(m.is_ours);
		cr_expect(mst_slice_eq(m.udid, MST_S("U-1")) && mst_slice_eq(m.challenge, MST_S("c")));
	}
}

Test(ota, our_own)
{
	struct pki late = pki_make(&arena, MST_KEY_P256, PKI_LEAF(.common_name = "late", .not_before = 1000, .not_after = 2000), &ours);
	struct pki false_ca = pki_make(&arena, MST_KEY_P256, PKI_CA(.common_name = "Ours"), NULL);
	struct pki forged = pki_make(&arena, MST_KEY_P256, PKI_LEAF(.common_name = "forged"), &false_ca);
	struct ota_message m;

	cr_expect_eq(read_by(&m, sign(&device, NULL, MST_S(PLIST)), &middle), 0, "%s", e.text);
	cr_expect(m.is_ours);
	cr_expect_eq(read_by(&m, sign(&late, NULL, MST_S(PLIST)), NULL), -1);
	cr_expect_eq(read_by(&m, sign(&forged, &false_ca, MST_S(PLIST)), NULL), -1, "a name proves nothing");
	cr_expect_eq(read_by(&m, sign(&ours, NULL, MST_S(PLIST)), NULL), -1, "the CA is no device");
	mst_key_free(&late.key);
	mst_key_free(&false_ca.key);
	mst_key_free(&forged.key);
}

Test(ota, contents)
{
	static const struct {
		const char *name, *content;
	} rows[] = {
		{"nothing", ""},
		{"no property list", "rubbish"},
		{"no UDID", "<plist version=\"1.0\"><dict><key>SERIAL</key><string>x</string></dict></plist>"},
		{"an empty UDID", "<plist version=\"1.0\"><dict><key>UDID</key><string></string></dict></plist>"},
		{"a UDID of another kind", "<plist version=\"1.0\"><dict><key>UDID</key><integer>1</integer></dict></plist>"},
		{"a UDID with a space", "<plist version=\"1.0\"><dict><key>UDID</key><string>a b</string></dict></plist>"},
		{"a UDID too long", "<plist version=\"1.0\"><dict><key>UDID</key><string>"
				    "01234567890123456789012345678901234567890123456789012345678901234</string></dict></plist>"},
	};
	struct ota_message m;

	for (size_t i = 0; i < MST_LEN(rows); i++)
		cr_expect_eq(read_by(&m, sign(&factory, NULL, mst_slice_str(rows[i].content)), NULL), -1, "%s", rows[i].name);
}

/* As old devices have it: RSA with 1024 bits, SHA-1 in certificate and message. */
Test(ota, openssl_makes_an_old_device)
{
	char folder[] = "/tmp/muster-ota-XXXXXX", paths[7][64];
	static const char *const names[] = {"ca.key", "ca.pem", "dev.key", "dev.csr", "dev.pem", "in.xml", "out.der"};
	const char *const ca[] = {"/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha1", "-keyout", paths[0], "-out",
				  paths[1], "-days", "9000", "-subj", "/CN=iPhone Device CA", NULL};
	const char *const csr[] = {"/usr/bin/openssl", "req", "-newkey", "rsa:1024", "-nodes", "-keyout", paths[2], "-out", paths[3], "-subj",
				   "/CN=old", NULL};
	const char *const leaf[] = {"/usr/bin/openssl", "x509", "-req", "-sha1", "-in", paths[3], "-CA", paths[1], "-CAkey", paths[0],
				    "-set_serial", "77", "-days", "1", "-out", paths[4], NULL};
	const char *const cms[] = {"/usr/bin/openssl", "cms", "-sign", "-binary", "-nodetach", "-md", "sha1", "-in", paths[5], "-signer", paths[4],
				   "-inkey", paths[2], "-outform", "DER", "-out", paths[6], NULL};
	struct mst_slice pem, label, der, body;
	struct ota_message m;

	cr_assert(mkdtemp(folder));
	for (size_t i = 0; i < MST_LEN(names); i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, names[i]);
	cr_assert_eq(mst_file_write(paths[5], MST_S(PLIST), 0600, &e), 0);
	cr_assert(pki_run(ca, "/dev/null") == 0 && pki_run(csr, "/dev/null") == 0 && pki_run(leaf, "/dev/null") == 0 &&
		  pki_run(cms, "/dev/null") == 0);
	cr_assert_eq(mst_file_read(&pem, &arena, paths[1], 65536, &e), 0, "%s", e.text);
	cr_assert_eq(mst_pem_next(&label, &der, &pem, &arena, &e), 1);
	cr_assert_eq(mst_file_read(&body, &arena, paths[6], 65536, &e), 0, "%s", e.text);
	cr_expect_eq(mst_ota_read(&m, &arena, body, ours.der, &der, 1, PKI_NOW * 2ll, &e), 0, "%s", e.text);
	cr_expect_eq(mst_ota_read(&m, &arena, body, ours.der, &apple.der, 1, PKI_NOW, &e), -1);
	for (size_t i = 0; i < MST_LEN(names); i++)
		unlink(paths[i]);
	rmdir(folder);
}
