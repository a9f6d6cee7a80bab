/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 against OpenSSL, NSS and GnuTLS, modern and old schemes. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "cms_kit.h"
#include "muster/p12.h"

static const struct mst_slice secret = MST_S_INIT("p4ss-word");

static void start(struct kit *kit)
{
	if (!kit_has("openssl"))
		cr_skip_test("no openssl program here");
	kit_init(kit);
}

/* Every scheme that openssl writes; -legacy alone is RC2-40 for certificates and 3DES for the key.
 */
static const char *const ways[] = {
	"",
	"-legacy",
	"-legacy -descert",
	"-legacy -keypbe PBE-SHA1-2DES -certpbe PBE-SHA1-RC2-128",
	"-legacy -keypbe PBE-SHA1-RC2-40 -certpbe PBE-SHA1-RC2-40",
	"-macalg sha1",
	"-macalg sha384",
	"-macalg sha512",
	"-keypbe AES-128-CBC -certpbe AES-192-CBC",
	"-keypbe DES-EDE3-CBC -certpbe AES-256-CBC",
	"-keypbe NONE -certpbe NONE",
	"-keypbe AES-256-CBC -certpbe NONE",
	"-iter 1",
	"-iter 1 -nomaciter",
};

Test(p12_cross, openssl_writes)
{
	struct kit kit;
	struct mst_p12 in;
	struct mst_p12_identity out;
	struct mst_err e;
	start(&kit);
	for (int kind = 0; kind < KIT_NUM_KINDS; kind++) {
		struct kit_id id = kit_id(&kit, (enum kit_kind)kind, "id"),
			      ca = kit_id(&kit, KIT_P256, "ca");
		for (size_t i = 0; i < MST_LEN(ways) * 2; i++) {
			const char *way = ways[i / 2];
			struct mst_slice password = i % 2 ? mst_slice(NULL, 0) : secret;
			cr_assert_eq(
				kit_openssl(&kit,
					    "pkcs12 -export -in id.pem -inkey id.key -certfile "
					    "ca.pem -name phone -out p12 -passout pass:%.*s %s",
					    (int)password.len, (const char *)password.at, way),
				0, "%s: %s", way, kit_said(&kit));
			struct mst_slice der = kit_get(&kit, "p12");
			cr_assert_eq(mst_p12_read(&in, &kit.arena, der, password, 0, &e), 0,
				     "%s: %s", way, e.text);
			cr_assert_eq(mst_p12_identity(&out, &in, &e), 0, "%s: %s", way, e.text);
			cr_expect(mst_slice_eq(out.cert, id.der), "%s", way);
			cr_expect(mst_slice_eq(out.name, MST_S("phone")), "%s", way);
			cr_assert_eq(out.num_chain, 1, "%s", way);
			cr_expect(mst_slice_eq(out.chain[0], ca.der), "%s", way);
			/* Openssl encodes an RSA key as we do; EC with a little more. */
			cr_expect(kind != KIT_RSA || mst_slice_eq(out.key, id.pkcs8), "%s", way);
			cr_expect_eq(mst_p12_read(&in, &kit.arena, der, MST_S("wrong"), 0, &e), -1);
			cr_expect_eq(e.code, MST_E_CRYPTO);
		}
		EVP_PKEY_free(id.pkey);
		EVP_PKEY_free(ca.pkey);
	}
	kit_done(&kit);
}

Test(p12_cross, refused)
{
	struct kit kit;
	struct mst_p12 in;
	struct mst_err e;
	start(&kit);
	struct kit_id id = kit_id(&kit, KIT_P256, "id");
	cr_assert_eq(
		kit_openssl(
			&kit,
			"pkcs12 -export -in id.pem -inkey id.key -out p12 -passout pass:x -nomac"),
		0);
	cr_expect_eq(mst_p12_read(&in, &kit.arena, kit_get(&kit, "p12"), MST_S("x"), 0, &e), -1);
	cr_expect_eq(e.code, MST_E_DENIED);
	cr_assert_eq(kit_openssl(&kit, "pkcs12 -export -in id.pem -inkey id.key -out p12 -passout "
				       "pass:x -legacy -iter 100000"),
		     0);
	cr_expect_eq(mst_p12_read(&in, &kit.arena, kit_get(&kit, "p12"), MST_S("x"), 50000, &e),
		     -1);
	cr_expect_eq(e.code, MST_E_SYNTAX);
	EVP_PKEY_free(id.pkey);
	kit_done(&kit);
}

/* Certificates without a key are read; they are no identity. */
Test(p12_cross, certificates_only)
{
	struct kit kit;
	struct mst_p12 in;
	struct mst_p12_identity out;
	struct mst_err e;
	start(&kit);
	struct kit_id id = kit_id(&kit, KIT_P256, "id");
	cr_assert_eq(
		kit_openssl(&kit, "pkcs12 -export -in id.pem -nokeys -out p12 -passout pass:x"), 0,
		"%s", kit_said(&kit));
	cr_expect_eq(mst_p12_read(&in, &kit.arena, kit_get(&kit, "p12"), MST_S("x"), 0, &e), 0,
		     "%s", e.text);
	cr_expect_eq(in.num_certs, 1);
	cr_expect_eq(in.num_keys, 0);
	cr_expect_eq(mst_p12_identity(&out, &in, &e), -1);
	EVP_PKEY_free(id.pkey);
	kit_done(&kit);
}

Test(p12_cross, we_write)
{
	struct kit kit;
	struct mst_slice der, key, label, text;
	struct mst_err e;
	start(&kit);
	for (int kind = 0; kind < KIT_NUM_KINDS; kind++) {
		struct kit_id id = kit_id(&kit, (enum kit_kind)kind, "id"),
			      ca = kit_id(&kit, KIT_P256, "ca");
		for (unsigned n = 0; n < 4; n++) {
			struct mst_p12_identity what = {.key = id.pkcs8, .cert = id.der};
			struct mst_slice password = n & 2 ? mst_slice(NULL, 0) : secret;
			what.name = n & 1 ? MST_S("Anna's phone") : mst_slice(NULL, 0);
			what.chain[0] = ca.der;
			what.num_chain = n & 1;
			cr_assert_eq(mst_p12_write(&der, &kit.arena, &what, password,
						   MST_P12_ROUNDS, &e),
				     0, "%s", e.text);
			kit_put(&kit, "p12", der);
			cr_expect_eq(
				kit_openssl(
					&kit,
					"pkcs12 -in p12 -nodes -nocerts -out out -passin pass:%.*s",
					(int)password.len, (const char *)password.at),
				0, "%s", kit_said(&kit));
			text = kit_get(&kit, "out");
			cr_assert_eq(mst_pem_next(&label, &key, &text, &kit.arena, &e), 1, "%s",
				     e.text);
			cr_expect(kind != KIT_RSA || mst_slice_eq(key, id.pkcs8));
			cr_expect_eq(kit_openssl(&kit,
						 "pkcs12 -in p12 -info -nokeys -passin pass:%.*s",
						 (int)password.len, (const char *)password.at),
				     0);
			const char *said = kit_said(&kit);
			cr_expect(strstr(said, "MAC: sha256, Iteration 2048") &&
					  strstr(said, "PBES2, PBKDF2, AES-256-CBC"),
				  "%s", said);
			cr_expect_eq(strstr(said, "friendlyName: Anna's phone") != NULL, n & 1);
			cr_expect_eq(strstr(said, "subject=CN = ca") != NULL, n & 1);
		}
		EVP_PKEY_free(id.pkey);
		EVP_PKEY_free(ca.pkey);
	}
	kit_done(&kit);
}

static struct mst_slice written(struct kit *kit, const struct kit_id *id)
{
	struct mst_p12_identity what = {.key = id->pkcs8, .cert = id->der, .name = MST_S("phone")};
	struct mst_slice der;
	struct mst_err e;
	cr_assert_eq(mst_p12_write(&der, &kit->arena, &what, secret, MST_P12_ROUNDS, &e), 0, "%s",
		     e.text);
	return der;
}

static void expect_identity(struct kit *kit, const char *file, const struct kit_id *id,
			    const char *what)
{
	struct mst_p12 in;
	struct mst_p12_identity out;
	struct mst_err e;
	cr_assert_eq(mst_p12_read(&in, &kit->arena, kit_get(kit, file), secret, 0, &e), 0, "%s: %s",
		     what, e.text);
	cr_assert_eq(mst_p12_identity(&out, &in, &e), 0, "%s: %s", what, e.text);
	cr_expect(mst_slice_eq(out.cert, id->der), "%s", what);
}

/* NSS reads what we write and we read what it writes, in all of its schemes. */
Test(p12_cross, nss)
{
	static const char *const schemes[] = {
		"",
		" -c AES-256-CBC -C AES-128-CBC",
		" -c DES-EDE3-CBC -C DES-EDE3-CBC",
		" -M SHA-1",
	};
	struct kit kit;
	if (!kit_has("pk12util") || !kit_has("certutil"))
		cr_skip_test("no NSS tools here");
	for (int kind = 0; kind < KIT_NUM_KINDS; kind++) {
		kit_init(&kit);
		struct kit_id id = kit_id(&kit, (enum kit_kind)kind, "id");
		kit_put(&kit, "p12", written(&kit, &id));
		cr_assert_eq(kit_run(&kit, "certutil", "-N -d sql:. --empty-password"), 0, "%s",
			     kit_said(&kit));
		cr_assert_eq(kit_run(&kit, "pk12util", "-i p12 -d sql:. -W p4ss-word"), 0, "%s",
			     kit_said(&kit));
		/* Slow by its count of rounds: one kind of key will do. */
		for (size_t i = 0; kind == KIT_P256 && i < MST_LEN(schemes); i++) {
			cr_assert_eq(kit_run(&kit, "pk12util",
					     "-o out%zu -n phone -d sql:. -W p4ss-word%s", i,
					     schemes[i]),
				     0, "%s: %s", schemes[i], kit_said(&kit));
			char file[16];
			snprintf(file, sizeof(file), "out%zu", i);
			expect_identity(&kit, file, &id, schemes[i]);
		}
		EVP_PKEY_free(id.pkey);
		kit_done(&kit);
	}
}

Test(p12_cross, certtool)
{
	static const char *const schemes[] = {"3des-pkcs12", "aes-128", "aes-192", "aes-256",
					      "rc2-40"};
	struct kit kit;
	if (!kit_has("certtool"))
		cr_skip_test("no certtool here");
	kit_init(&kit);
	for (int kind = 0; kind < KIT_NUM_KINDS; kind++) {
		struct kit_id id = kit_id(&kit, (enum kit_kind)kind, "id");
		kit_put(&kit, "p12", written(&kit, &id));
		cr_expect_eq(kit_run(&kit, "certtool",
				     "--p12-info --inder --infile p12 --password p4ss-word"),
			     0, "%s", kit_said(&kit));
		cr_expect(strstr(kit_said(&kit), "Friendly name: phone"), "%s", kit_said(&kit));
		/* It counts to 600,000 for each: one kind of key will do. */
		for (size_t i = 0; kind == KIT_P256 && i < MST_LEN(schemes); i++) {
			cr_assert_eq(kit_run(&kit, "certtool",
					     "--to-p12 --load-certificate id.pem --load-privkey "
					     "id.key --p12-name phone "
					     "--password p4ss-word --pkcs-cipher %s --outder "
					     "--outfile out",
					     schemes[i]),
				     0, "%s: %s", schemes[i], kit_said(&kit));
			expect_identity(&kit, "out", &id, schemes[i]);
		}
		EVP_PKEY_free(id.pkey);
	}
	kit_done(&kit);
}
