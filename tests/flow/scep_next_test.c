/* SPDX-License-Identifier: Apache-2.0 */
/* GetNextCACert through whole pipelines: who is shown, and who signs that. */
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "muster/text.h"
#include "scep_kit.h"

#define CAPS      "AES\nDES3\nPOSTPKIOperation\nRenewal\nSHA-1\nSHA-256\nSHA-512\nSCEPStandard\n"
#define CAPS_NEXT "AES\nDES3\nGetNextCACert\nPOSTPKIOperation\nRenewal\nSHA-1\nSHA-256\nSHA-512\nSCEPStandard\n"

extern char **environ;
static uint8_t other_id[16];

static void name_others(struct mst_authority *a)
{
	mst_authority_id(other_id, MST_S("others"));
	a->successor = mst_slice(other_id, sizeof(other_id));
}

static void name_nobody(struct mst_authority *a)
{
	a->successor = mst_slice(NULL, 0);
}

/* One that is not there, as after a restored backup. */
static void name_stranger(struct mst_authority *a)
{
	a->successor = MST_S("0123456789abcdef");
}

static struct answer get(struct scep_kit *kit, const char *operation)
{
	return rig_ask(kit->rig, &kit->link,
		       (struct ask){.has_method = true, .method = MST_GET, .target = rig_text(kit->rig, "/scep/phones?operation=%s", operation)});
}

static void write_all(const char *path, struct mst_slice bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert(fd >= 0 && write(fd, bytes.at, bytes.len) == (ssize_t)bytes.len);
	close(fd);
}

/* Another implementation takes it as well. */
static void expect_openssl(struct scep_kit *kit, struct mst_slice answer)
{
	char folder[] = "/tmp/muster-next-XXXXXX", *in, *ca;
	struct mst_slice pem;
	struct mst_err e;
	int status;
	pid_t pid;

	cr_assert(mkdtemp(folder));
	in = rig_text(kit->rig, "%s/in", folder);
	ca = rig_text(kit->rig, "%s/ca", folder);
	cr_assert_eq(mst_pem_put(&pem, &kit->rig->arena, "CERTIFICATE", kit->issuer->cert.der, &e), 0);
	write_all(in, answer);
	write_all(ca, pem);
	const char *const words[] = {"openssl", "cms", "-verify", "-inform", "DER", "-in", in, "-CAfile", ca, "-purpose", "any", "-out", "/dev/null",
			       NULL};
	cr_assert_eq(posix_spawnp(&pid, "openssl", NULL, NULL, (char *const *)words, environ), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0, "openssl says no");
	unlink(in);
	unlink(ca);
	rmdir(folder);
}

static void expect_others(struct scep_kit *kit)
{
	const struct mst_issuer *others = mst_issuers_find0(kit->issuers, MST_S("others"));
	struct answer a = get(kit, "GetNextCACert");
	struct mst_cms_signed outer, inner;
	bool has_ca = false, has_ra = false;
	struct mst_err e;

	cr_assert_eq(a.status, 200, "%d %s", a.status, a.body);
	cr_expect_str_eq(a.type, "application/x-x509-next-ca-cert");
	cr_assert_eq(mst_cms_signed_read(&outer, &kit->rig->arena, mst_slice(a.body, a.len), &e), 0, "%s", e.text);
	cr_assert_eq(outer.num_signers, 1);
	cr_expect(mst_cms_signer_is(&outer.signers[0], &kit->issuer->cert), "by the CA, not its RA");
	cr_expect_eq(mst_cms_verify(&outer, &outer.signers[0], kit->issuer->cert.spki, NULL, 0, &e), 0, "%s", e.text);
	cr_assert_eq(mst_cms_signed_read(&inner, &kit->rig->arena, outer.content, &e), 0, "%s", e.text);
	cr_expect(inner.num_certs == 2 && inner.num_signers == 0 && !inner.has_content);
	for (size_t i = 0; i < inner.num_certs; i++) {
		has_ca = has_ca || mst_slice_eq(inner.certs[i], others->cert.der);
		has_ra = has_ra || mst_slice_eq(inner.certs[i], others->ra_cert.der);
	}
	cr_expect(has_ca && has_ra);
	expect_openssl(kit, mst_slice(a.body, a.len));
}

static void check(enum mst_key_kind kind)
{
	struct link control = rig_control();
	struct scep_kit kit;

	scep_kit_begin(&kit, kind, NULL);
	cr_expect_eq(get(&kit, "GetNextCACert").status, 404);
	cr_expect_str_eq(get(&kit, "GetCACaps").body, CAPS);
	scep_kit_change(&kit, name_others);
	cr_expect_str_eq(get(&kit, "GetCACaps").body, CAPS_NEXT);
	expect_others(&kit);
	cr_expect_eq(rig_ask(kit.rig, &control,
			     (struct ask){.has_method = true, .method = MST_POST, .target = "/v1/authorities/others/retire"})
			     .status,
		     200);
	scep_kit_change(&kit, name_others);
	cr_expect_str_eq(get(&kit, "GetCACaps").body, CAPS, "a retired one takes nothing over");
	cr_expect_eq(get(&kit, "GetNextCACert").status, 404);
	scep_kit_change(&kit, name_stranger);
	cr_expect_eq(get(&kit, "GetNextCACert").status, 404);
	scep_kit_change(&kit, name_nobody);
	cr_expect_eq(get(&kit, "GetNextCACert").status, 404);
	cr_expect_str_eq(get(&kit, "GetCACaps").body, CAPS);
	scep_kit_end(&kit);
}

Test(scep_next, an_ec_authority_shows_its_successor, .timeout = 120)
{
	check(MST_KEY_P256);
}

Test(scep_next, an_rsa_authority_shows_its_successor, .timeout = 120)
{
	check(MST_KEY_RSA2048);
}
