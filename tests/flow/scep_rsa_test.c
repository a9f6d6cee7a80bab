/* SPDX-License-Identifier: Apache-2.0 */
/* SCEP with an RSA authority, which needs no RA: its static challenge, names of requests, revocation in the middle of a renewal. */
#include "scep_kit.h"

static struct scep_kit rsa;

static void begin_rsa(void)
{
	scep_kit_begin(&rsa, MST_KEY_RSA2048, "a fixed word");
}

static void end_rsa(void)
{
	scep_kit_end(&rsa);
}

TestSuite(scep_rsa, .init = begin_rsa, .fini = end_rsa, .timeout = 120);

/* An RSA authority speaks SCEP itself; with its static challenge a name is made from transaction and key. */
Test(scep_rsa, issues_for_the_static_challenge)
{
	struct mst_pkiclient client = scep_kit_device(&rsa, 0);
	struct mst_pkiclient_reply reply;
	struct mst_cert cert, again;
	char name[MST_NAME_MAX + 1];
	struct answer a;

	a = rig_ask(rsa.rig, &rsa.link, (struct ask){.has_method = true, .method = MST_GET, .target = "/scep/phones?operation=GetCACert"});
	cr_expect_str_eq(a.type, "application/x-x509-ca-cert");
	cr_expect(mst_slice_eq(mst_slice(a.body, a.len), rsa.issuer->cert.der));
	scep_kit_reply(&rsa, &client, scep_kit_post(&rsa, scep_kit_csr(&rsa, &client, "19", "TX-1", "a fixed word")), &cert);
	mst_cert_name(name, sizeof(name), &cert);
	cr_expect_eq(strlen(name), 32);
	cr_expect_null(memmem(cert.der.at, cert.der.len, "evil", 4));
	scep_kit_reply(&rsa, &client, scep_kit_post(&rsa, scep_kit_csr(&rsa, &client, "19", "TX-1", "a fixed word")), &again);
	cr_expect(mst_slice_eq(cert.der, again.der));
	scep_kit_reply(&rsa, &client, scep_kit_post(&rsa, scep_kit_csr(&rsa, &client, "19", "TX-2", "a fixed word")), &again);
	cr_expect_not(mst_slice_eq(cert.der, again.der));
	reply = scep_kit_reply(&rsa, &client, scep_kit_post(&rsa, scep_kit_csr(&rsa, &client, "19", "TX-3", "a fixed work")), NULL);
	cr_expect(reply.status == 2 && reply.fail == 2);
}

static void take_names(struct mst_authority *a)
{
	a->template.takes_names = true;
}

static struct mst_pkiclient_reply ask_named(const struct mst_pkiclient *client, const char *transaction, const char *name)
{
	const struct mst_issue what = {.common_name = name, .is_ca = true};
	const struct mst_pkiclient_ask ask = {.type = "19", .transaction = transaction, .cipher = MST_CMS_AES128, .to = rsa.ra,
					      .nonce = {1, 2, 3}};
	struct mst_slice message;
	struct mst_err e;

	cr_assert_eq(mst_pkiclient_request(&message, client, ask, client->key, &what, "a fixed word", &e), 0, "%s", e.text);
	return scep_kit_reply(&rsa, client, scep_kit_post(&rsa, message), NULL);
}

/* An authority may want the names of requests; never more of them than the common name. */
Test(scep_rsa, takes_the_requests_name_when_told_to)
{
	struct mst_pkiclient client = scep_kit_device(&rsa, 0);
	struct mst_pkiclient_reply reply;
	char name[MST_NAME_MAX + 1];
	struct mst_cert cert;
	struct mst_err e;

	scep_kit_change(&rsa, take_names);
	reply = ask_named(&client, "TX-1", "phone 7");
	cr_assert_eq(reply.status, 0);
	cr_assert_eq(mst_cert_parse(&cert, reply.inside.certs[0], &e), 0);
	mst_cert_name(name, sizeof(name), &cert);
	cr_expect_str_eq(name, "phone 7");
	cr_expect_not(cert.is_ca);
}

/* Wherever a renewal is when its certificate is revoked: nothing is recorded behind the revocation. */
Test(scep_rsa, a_revocation_stops_a_renewal_that_is_under_way)
{
	for (unsigned turns = 0; turns < 4; turns++) {
		struct mst_pkiclient client = scep_kit_device(&rsa, 0), fresh = scep_kit_device(&rsa, 1);
		char *name = rig_text(rsa.rig, "UDID-%u", turns), *first = rig_text(rsa.rig, "TX-%u", turns);
		char *challenge = scep_kit_challenge(&rsa, "phones", name, "");
		struct mst_pkiclient_ask ask = {.type = "17", .transaction = rig_text(rsa.rig, "TY-%u", turns), .cipher = MST_CMS_AES256,
						.to = rsa.ra, .nonce = {1, 2, 3}};
		const struct mst_issue what = {.common_name = "x"};
		struct mst_slice message;
		struct mst_cert old;
		struct deal *deal;
		uint32_t num;
		struct mst_err e;

		scep_kit_reply(&rsa, &client, scep_kit_post(&rsa, scep_kit_csr(&rsa, &client, "19", first, challenge)), &old);
		cr_assert_eq(mst_pkiclient_adopt(&client, old.der, &e), 0);
		cr_assert_eq(mst_pkiclient_request(&message, &client, ask, fresh.key, &what, NULL, &e), 0, "%s", e.text);
		deal = rig_begin(rsa.rig, &rsa.link,
				 (struct ask){.has_method = true, .method = MST_POST, .target = "/scep/phones?operation=PKIOperation",
					      .body = message.at, .len = message.len});
		for (unsigned i = 0; i < turns; i++)
			cr_assert_eq(mst_loop_turn(rsa.rig->app.loop, 50, &e), 0);
		scep_kit_revoke(&rsa, &old);
		num = rig_num_records(rsa.rig, MST_SPACE_CERT);
		cr_expect_eq(rig_end(rsa.rig, deal).status, 200);
		cr_expect_eq(rig_num_records(rsa.rig, MST_SPACE_CERT), num, "%u turns", turns);
	}
}
