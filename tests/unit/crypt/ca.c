/* SPDX-License-Identifier: Apache-2.0 */
/* The CA in a folder: made once, loaded, issues, records; refuses what is not its own or open to
 * others. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "muster/clock.h"
#include "muster/file.h"
#include "muster/text.h"
#include "pki.h"

static char folder[] = "/tmp/muster-ca-XXXXXX", inside[64];

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(inside, sizeof(inside), "%s/a/ca", folder);
	cr_assert_eq(chdir(folder), 0);
}

static void tear_down(void)
{
	static const char *const names[] = {"a/ca/ca.pem", "a/ca/ca.key", "a/ca/issued.log"};
	for (size_t i = 0; i < MST_LEN(names); i++)
		unlink(names[i]);
	rmdir("a/ca");
	rmdir("a");
	cr_expect_eq(rmdir(folder), 0, "something else is left in %s", folder);
}

TestSuite(ca, .init = set_up, .fini = tear_down);

Test(ca, init_load_issue)
{
	struct mst_arena a = {0};
	struct mst_err e;
	struct mst_ca *ca = NULL;
	struct mst_key *key = NULL;
	struct mst_cert cert;
	struct mst_trust *trust = NULL;
	struct mst_peer peer;
	struct mst_slice der, log, pem;
	struct stat st;
	int64_t now_s = mst_clock_wall_ms() / 1000;
	cr_assert_eq(mst_ca_init(inside, "Muster Devices", MST_KEY_P256, 30, &e), 0, "%s", e.text);
	cr_assert_eq(stat("a/ca/ca.key", &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	cr_expect_eq(mst_ca_init(inside, "Again", MST_KEY_P256, 30, &e), -1);
	cr_expect_eq(e.code, MST_E_CONFLICT);
	cr_assert_eq(mst_ca_load(&ca, inside, &e), 0, "%s", e.text);

	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0);
	struct mst_issue what = PKI_LEAF(.common_name = "device-1");
	cr_assert_eq(mst_key_spki(&what.spki, &a, key, &e), 0);
	cr_assert_eq(mst_ca_issue(&der, &a, ca, &what, 7, &e), 0, "%s", e.text);
	cr_assert_eq(mst_cert_parse(&cert, der, &e), 0);
	cr_expect(cert.not_before <= now_s - 3600 && cert.not_before > now_s - 3700);
	cr_expect(cert.not_after >= now_s + 7 * 86400 && cert.not_after < now_s + 7 * 86400 + 100);
	what.not_before = what.not_after = 0;
	cr_assert_eq(mst_ca_issue(&der, &a, ca, &what, 365, &e), 0, "%s", e.text);
	cr_assert_eq(mst_cert_parse(&cert, der, &e), 0);
	cr_expect(cert.not_after <= now_s + 30 * 86400 + 100, "not beyond its CA");

	cr_assert_eq(mst_file_read(&log, &a, "a/ca/issued.log", 4096, &e), 0);
	char serial[33];
	mst_hex_put(serial, cert.serial);
	struct mst_slice line, rest;
	cr_expect(mst_slice_cut(&line, &rest, log, '\n'));
	cr_expect(mst_slice_cut(&line, &rest, rest, '\n'));
	cr_expect_eq(rest.len, 0, "two lines");
	cr_expect(memmem(line.at, line.len, serial, 2 * cert.serial.len));
	cr_expect(memmem(line.at, line.len, " device-1", 9));

	cr_assert_eq(mst_file_read(&pem, &a, "a/ca/ca.pem", 4096, &e), 0);
	cr_assert_eq(mst_trust_new(&trust, pem, &e), 0, "%s", e.text);
	cr_expect_eq(mst_trust_verify(trust, &peer, &der, 1, now_s, &e), 0, "%s", e.text);
	cr_expect_str_eq(peer.name, "device-1");
	mst_trust_free(&trust);
	mst_ca_free(&ca);
	mst_ca_free(&ca);
	mst_key_free(&key);
	mst_arena_done(&a);
}

Test(ca, refused)
{
	struct mst_arena a = {0};
	struct mst_err e;
	struct mst_ca *ca = NULL;
	cr_expect_eq(mst_ca_load(&ca, inside, &e), -1);
	cr_assert_eq(mst_ca_init(inside, "One", MST_KEY_P256, 30, &e), 0, "%s", e.text);
	cr_assert_eq(chmod("a/ca/ca.key", 0640), 0);
	cr_expect_eq(mst_ca_load(&ca, inside, &e), -1);
	cr_expect(strstr(e.text, "others may read"));
	struct pki other = pki_make(&a, MST_KEY_P256, PKI_CA(.common_name = "x"), NULL);
	cr_assert_eq(mst_file_write("a/ca/ca.key", other.key_pem, 0600, &e), 0);
	cr_expect_eq(mst_ca_load(&ca, inside, &e), -1);
	cr_expect(strstr(e.text, "not the key"), "%s", e.text);
	cr_expect_null(ca);
	mst_key_free(&other.key);
	mst_arena_done(&a);
}
