/* SPDX-License-Identifier: Apache-2.0 */
/* SCEP through whole pipelines: what every operation and message type is answered, and what a device can and cannot get. */
#include "muster/clock.h"
#include "muster/published.h"
#include "muster/text.h"
#include "scep_kit.h"

static struct scep_kit kit;

static void begin(void)
{
	scep_kit_begin(&kit, MST_KEY_P256, NULL);
}

static void end(void)
{
	scep_kit_end(&kit);
}

TestSuite(scep, .init = begin, .fini = end, .timeout = 120);

static struct answer get(const char *target)
{
	return rig_ask(kit.rig, &kit.link, (struct ask){.has_method = true, .method = MST_GET, .target = target});
}

Test(scep, answers_what_needs_no_message)
{
	struct answer a = get("/scep/phones?operation=GetCACaps&message=any");
	struct mst_cms_signed certs;
	struct mst_err e;

	cr_expect_eq(a.status, 200);
	cr_expect_str_eq(a.type, "text/plain");
	cr_expect_str_eq(a.body, "AES\nDES3\nPOSTPKIOperation\nRenewal\nSHA-1\nSHA-256\nSHA-512\nSCEPStandard\n");
	a = get("/scep/phones/pkiclient.exe/deeper?operation=GetCACert");
	cr_expect_eq(a.status, 200);
	cr_expect_str_eq(a.type, "application/x-x509-ca-ra-cert", "an EC authority has an RA");
	cr_assert_eq(mst_cms_signed_read(&certs, &kit.rig->arena, mst_slice(a.body, a.len), &e), 0, "%s", e.text);
	cr_expect_eq(certs.num_certs, 2);
	cr_expect_eq(certs.num_signers, 0);
	cr_expect_eq(get("/scep/phones?operation=GetNextCACert").status, 404);
	cr_expect_eq(get("/scep/phones?operation=Nonsense").status, 400);
	cr_expect_eq(get("/scep/phones").status, 400);
	cr_expect_eq(get("/scep/nobody?operation=GetCACaps").status, 404);
	cr_expect_eq(get("/scep").status, 404);
	cr_expect_eq(rig_ask(kit.rig, &kit.link, (struct ask){.target = "/scep/phones"}).status, 405);
	cr_expect_eq(get("/scep/phones?operation=PKIOperation").status, 400);
	cr_expect_eq(get("/scep/phones?operation=PKIOperation&message=%%%").status, 400);
	cr_expect_eq(get("/scep/phones?operation=PKIOperation&message=AAAA").status, 400);
	cr_expect_eq(scep_kit_post(&kit, MST_S("rubbish")).status, 400);
}

/* Of the request only its key counts. */
static void check_cert(const struct mst_cert *cert, const struct mst_pkiclient *client, const char *name)
{
	char text[MST_NAME_MAX + 1];
	struct mst_issued issued;

	mst_cert_name(text, sizeof(text), cert);
	cr_expect_str_eq(text, name);
	cr_expect(mst_slice_eq(cert->spki, client->spki));
	cr_expect_not(cert->is_ca);
	cr_expect_eq(cert->key_usage, MST_KU_SIGN | MST_KU_ENCIPHER);
	cr_expect_eq(cert->ext_key_usage, MST_EKU_CLIENT);
	cr_expect(mst_slice_eq(cert->issuer, kit.issuer->cert.subject));
	cr_expect_null(memmem(cert->der.at, cert->der.len, "evil", 4), "a name of the request is in the certificate");
	cr_assert(scep_kit_issued(&kit, cert, &issued));
	cr_expect(mst_slice_eq(issued.cert, cert->der));
	cr_expect(mst_slice_eq(issued.name, mst_slice_str(name)));
	cr_expect(mst_slice_eq(issued.source, MST_S("scep")));
	cr_expect_eq(issued.not_after, cert->not_after);
}

Test(scep, issues_for_a_challenge)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0);
	char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", ",\"common_name\":\"phone 1\",\"dns\":[\"a.example\",\"b.example\"]");
	struct mst_slice message = scep_kit_csr(&kit, &client, "19", "TX-1", challenge);
	struct mst_pkiclient_reply reply;
	struct mst_issued issued;
	struct mst_cert cert;

	reply = scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), &cert);
	cr_expect(mst_slice_eq(reply.transaction, MST_S("TX-1")));
	cr_expect_eq(reply.cipher, MST_CMS_AES128);
	check_cert(&cert, &client, "phone 1");
	cr_expect(memmem(cert.san.at, cert.san.len, "a.example", 9) && memmem(cert.san.at, cert.san.len, "b.example", 9));
	rig_reopen(kit.rig);
	cr_assert(scep_kit_issued(&kit, &cert, &issued));
	cr_expect(mst_slice_eq(issued.device, MST_S("UDID-0001")));
	cr_expect_eq(rig_count(MST_C_SCEP_ISSUED), 1);
}

Test(scep, gives_the_same_again_to_the_same)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0), other = scep_kit_device(&kit, 1);
	char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", "");
	struct mst_slice message = scep_kit_csr(&kit, &client, "19", "TX-1", challenge);
	struct mst_pkiclient_reply reply;
	struct mst_cert first, again;

	scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), &first);
	scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), &again);
	cr_expect(mst_slice_eq(first.der, again.der));
	message = scep_kit_csr(&kit, &client, "19", "TX-1", challenge);
	scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), &again);
	cr_expect(mst_slice_eq(first.der, again.der), "the same transaction in a new message");
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), 1);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_HISTORY), 0);
	message = scep_kit_csr(&kit, &other, "19", "TX-1", challenge);
	reply = scep_kit_reply(&kit, &other, scep_kit_post(&kit, message), NULL);
	cr_expect(reply.status == 2 && reply.fail == 2, "another key");
	message = scep_kit_csr(&kit, &client, "19", "TX-2", challenge);
	reply = scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), NULL);
	cr_expect(reply.status == 2 && reply.fail == 2, "another transaction");
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), 1);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_HISTORY), 2, "the device's history tells of both");
	scep_kit_revoke(&kit, &first);
	reply = scep_kit_reply(&kit, &client, scep_kit_post(&kit, scep_kit_csr(&kit, &client, "19", "TX-1", challenge)), NULL);
	cr_expect(reply.status == 2 && reply.fail == 2, "a revoked certificate is not delivered again");
}

Test(scep, refuses_challenges_that_are_not_good)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0);
	const struct {
		const char *name, *challenge;
		int64_t later_ms;
	} rows[] = {
		{"none", NULL, 0},
		{"unknown", "00112233445566778899aabbccddeeff", 0},
		{"another authority's", scep_kit_challenge(&kit, "others", "UDID-0001", ""), 0},
		{"expired", scep_kit_challenge(&kit, "phones", "UDID-0001", ",\"minutes\":5"), 5 * 60000},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_slice message = scep_kit_csr(&kit, &client, "19", "TX-1", rows[i].challenge);
		struct mst_pkiclient_reply reply;
		mst_clock_fake(rows[i].later_ms ? mst_clock_wall_ms() + rows[i].later_ms : 0);
		reply = scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), NULL);
		mst_clock_fake(0);
		cr_expect(reply.status == 2 && reply.fail == 2, "%s: %d %d", rows[i].name, reply.status, reply.fail);
	}
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), 0);
	cr_expect_eq(rig_count(MST_C_SCEP_REFUSED), MST_LEN(rows));
}

/* The types that are no one's, and those of others: nothing of them is opened, nothing is signed for them. */
Test(scep, refuses_other_message_types)
{
	static const char *const types[] = {"0", "3", "18", "23", "1", "190", "19 ", "x", "017"};
	struct mst_pkiclient client = scep_kit_device(&kit, 0);
	char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", "");

	for (size_t i = 0; i < MST_LEN(types); i++) {
		struct answer a = scep_kit_post(&kit, scep_kit_csr(&kit, &client, types[i], "TX-1", challenge));
		cr_expect_eq(a.status, 403, "%s: %d", types[i], a.status);
		cr_expect_str_eq(a.body, "this messageType is not taken\n");
	}
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), 0);
}

static struct answer get_message(struct mst_slice message, bool is_escaped)
{
	char *base64 = mst_arena_zero(&kit.rig->arena, MST_BASE64_LEN(message.len) + 1);
	char *out = mst_arena_zero(&kit.rig->arena, 3 * MST_BASE64_LEN(message.len) + 1), *at = out;

	mst_base64_put(base64, message);
	for (const char *c = base64; *c; c++) {
		bool is_special = *c == '=' || (is_escaped && (*c == '+' || *c == '/'));
		*at++ = is_special ? '%' : *c;
		if (is_special)
			mst_hex_put(at, mst_slice(c, 1));
		at += is_special ? 2 : 0;
	}
	return get(rig_text(kit.rig, "/scep/phones?operation=PKIOperation&message=%s", out));
}

Test(scep, takes_messages_by_get)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0);
	struct mst_cert cert;

	for (int is_escaped = 0; is_escaped < 2; is_escaped++) {
		char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", "");
		struct mst_slice message = scep_kit_csr(&kit, &client, "19", is_escaped ? "TX-1" : "TX-2", challenge);
		scep_kit_reply(&kit, &client, get_message(message, is_escaped), &cert);
		check_cert(&cert, &client, "UDID-0001");
	}
}

Test(scep, answers_in_the_clients_cipher)
{
	static const struct {
		enum mst_cms_cipher cipher;
		const char *transaction;
	} rows[] = {{MST_CMS_AES128, "TX-A"}, {MST_CMS_AES192, "TX-B"}, {MST_CMS_AES256, "TX-C"}, {MST_CMS_DES3, "TX-D"}};
	struct mst_pkiclient client = scep_kit_device(&kit, 0);
	const struct mst_issue what = {.common_name = "x"};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_pkiclient_ask ask = {.type = "19", .transaction = rows[i].transaction, .cipher = rows[i].cipher, .to = kit.ra,
						.nonce = {1, 2, 3}};
		struct mst_pkiclient_reply reply;
		struct mst_slice message;
		struct mst_cert cert;
		struct mst_err e;
		cr_assert_eq(mst_pkiclient_request(&message, &client, ask, client.key, &what,
						   scep_kit_challenge(&kit, "phones", "UDID-0001", ""), &e),
			     0);
		reply = scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), &cert);
		cr_expect_eq(reply.cipher, rows[i].cipher);
	}
}

/* What a certificate of ours signs, renews it: names stay, the key is the new one. */
Test(scep, renews)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0), fresh = scep_kit_device(&kit, 1);
	char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", ",\"common_name\":\"phone 1\",\"dns\":[\"a.example\"]");
	struct mst_pkiclient_ask ask = {.type = "17", .transaction = "TX-2", .cipher = MST_CMS_AES256, .to = kit.ra, .nonce = {1, 2, 3}};
	const struct mst_issue what = {.common_name = "evil"};
	struct mst_pkiclient_reply reply;
	struct mst_slice message;
	struct mst_issued issued;
	struct mst_cert old, cert, again;
	struct mst_err e;

	message = scep_kit_csr(&kit, &client, "17", "TX-0", challenge);
	reply = scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), NULL);
	cr_expect(reply.status == 2 && reply.fail == 2, "a self-signed certificate renews nothing");
	scep_kit_reply(&kit, &client, scep_kit_post(&kit, scep_kit_csr(&kit, &client, "19", "TX-1", challenge)), &old);
	cr_assert_eq(mst_pkiclient_adopt(&client, old.der, &e), 0);
	cr_assert_eq(mst_pkiclient_request(&message, &client, ask, fresh.key, &what, NULL, &e), 0, "%s", e.text);
	scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), &cert);
	check_cert(&cert, &fresh, "phone 1");
	cr_expect(memmem(cert.san.at, cert.san.len, "a.example", 9));
	cr_expect(mst_slice_eq(cert.subject, old.subject));
	cr_expect_not(mst_slice_eq(cert.serial, old.serial));
	cr_assert(scep_kit_issued(&kit, &cert, &issued));
	cr_expect(mst_slice_eq(issued.device, MST_S("UDID-0001")));
	scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), &again);
	cr_expect(mst_slice_eq(cert.der, again.der), "asked twice, renewed once");

	ask.transaction = "TX-3";
	cr_assert_eq(mst_pkiclient_request(&message, &client, ask, fresh.key, &what, NULL, &e), 0);
	mst_clock_fake((old.not_after + 1) * 1000);
	reply = scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), NULL);
	mst_clock_fake(0);
	cr_expect(reply.status == 2 && reply.fail == 2, "an expired certificate renews nothing");
	scep_kit_revoke(&kit, &old);
	reply = scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), NULL);
	cr_expect(reply.status == 2 && reply.fail == 2, "a revoked certificate renews nothing");
}

static struct mst_pkiclient_reply ask_one(const struct mst_pkiclient *client, const char *type, const char *transaction,
					  struct mst_slice content, struct mst_cert *cert)
{
	struct mst_pkiclient_ask ask = {.type = type, .transaction = transaction, .content = content, .cipher = MST_CMS_AES128,
					.to = kit.ra, .nonce = {1, 2, 3}};
	struct mst_slice message;
	struct mst_err e;

	cr_assert_eq(mst_pkiclient_ask(&message, client, &ask, &e), 0, "%s", e.text);
	return scep_kit_reply(&kit, client, scep_kit_post(&kit, message), cert);
}

/* SEQUENCE of two elements. */
static struct mst_slice pair(struct mst_slice a, struct mst_slice b)
{
	uint8_t *out = mst_arena_zero(&kit.rig->arena, a.len + b.len + 2);
	size_t len = a.len + b.len;

	cr_assert_lt(len, 128);
	out[0] = 0x30;
	out[1] = (uint8_t)len;
	memcpy(out + 2, a.at, a.len);
	memcpy(out + 2 + a.len, b.at, b.len);
	return mst_slice(out, len + 2);
}

static struct mst_slice integer(struct mst_slice number)
{
	uint8_t *out = mst_arena_zero(&kit.rig->arena, number.len + 2);

	out[0] = 2;
	out[1] = (uint8_t)number.len;
	memcpy(out + 2, number.at, number.len);
	return mst_slice(out, number.len + 2);
}

static void publish(struct mst_slice crl)
{
	const struct mst_published p = {.number = 1, .this_s = 1, .next_s = 2, .crl = crl};
	struct mst_batch b;

	mst_batch_init(&b, &kit.rig->arena, NULL, NULL);
	mst_published_put(&b, &p, kit.issuer->record.id);
	cr_assert_eq(mst_store_commit_here(kit.rig->app.store, &b), 0, "%s", b.err.text);
}

Test(scep, finds_certificates_and_lists)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0), other = scep_kit_device(&kit, 1);
	char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", "");
	struct mst_pkiclient_reply reply;
	struct mst_cert cert, found;
	struct mst_slice name, poll, crl;

	poll = pair(kit.issuer->cert.subject, client.parsed.subject);
	reply = ask_one(&client, "20", "TX-1", poll, NULL);
	cr_expect(reply.status == 2 && reply.fail == 4, "nothing to poll yet");
	scep_kit_reply(&kit, &client, scep_kit_post(&kit, scep_kit_csr(&kit, &client, "19", "TX-1", challenge)), &cert);
	ask_one(&client, "20", "TX-1", poll, &found);
	cr_expect(mst_slice_eq(found.der, cert.der));
	reply = ask_one(&other, "20", "TX-1", poll, NULL);
	cr_expect(reply.status == 2 && reply.fail == 4, "another key polls nothing");

	name = pair(cert.issuer, integer(cert.serial));
	ask_one(&other, "21", "TX-9", name, &found);
	cr_expect(mst_slice_eq(found.der, cert.der));
	reply = ask_one(&other, "21", "TX-9", pair(cert.issuer, integer(MST_S("\x01\x02"))), NULL);
	cr_expect(reply.status == 2 && reply.fail == 4);
	reply = ask_one(&other, "21", "TX-9", pair(cert.subject, integer(cert.serial)), NULL);
	cr_expect(reply.status == 2 && reply.fail == 4, "another issuer");
	reply = ask_one(&other, "21", "TX-9", MST_S("\x30\x03\x02\x01\x01"), NULL);
	cr_expect(reply.status == 2 && reply.fail == 1, "rubbish in the envelope");

	reply = ask_one(&client, "22", "TX-9", name, NULL);
	cr_expect(reply.status == 2 && reply.fail == 4, "no list yet");
	crl = pair(kit.issuer->cert.subject, kit.issuer->cert.subject); /* what is inside is not looked at */
	publish(crl);
	reply = ask_one(&client, "22", "TX-9", name, NULL);
	cr_assert(reply.status == 0 && reply.inside.num_certs == 0 && reply.inside.num_crls == 1);
	cr_expect(mst_slice_eq(reply.inside.crls[0], crl));
}

/* Where an envelope for a 2048 bit key has its wrapped key, and its content. */
enum { KEY_FROM = 100, KEY_TO = 345, CONTENT_FROM = 410 };

static struct mst_slice flipped(struct mst_slice bytes, size_t at)
{
	uint8_t *copy = mst_arena_get(&kit.rig->arena, bytes.len);

	memcpy(copy, bytes.at, bytes.len);
	copy[at] ^= 0x55;
	return mst_slice(copy, bytes.len);
}

static void expect_broken(struct mst_slice message, const struct mst_pkiclient *client, const char *where, size_t at)
{
	struct answer a = scep_kit_post(&kit, message);
	struct mst_pkiclient_reply reply;
	struct mst_err e;

	if (a.status == 400) /* the outside does not parse any more: whose transaction it was is not known */
		return;
	cr_assert_eq(a.status, 200, "%s %zu: %d", where, at, a.status);
	cr_assert_eq(mst_pkiclient_read(&reply, client, kit.ra, mst_slice(a.body, a.len), &e), 0, "%s %zu: %s", where, at, e.text);
	cr_expect(reply.status == 2 && reply.fail == 1, "%s %zu: %d %d", where, at, reply.status, reply.fail);
}

/* Whatever is wrong with a message, it is the same failure; and nothing is issued. */
Test(scep, says_one_thing_about_broken_messages)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0);
	char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", "");
	struct mst_slice message = scep_kit_csr(&kit, &client, "19", "TX-1", challenge);
	struct mst_cms_signed outer;
	struct mst_err e;

	cr_assert_eq(mst_cms_signed_read(&outer, &kit.rig->arena, message, &e), 0);
	struct mst_slice parts[] = {outer.content, outer.signers[0].signature};
	for (size_t i = 0; i < MST_LEN(parts); i++) {
		size_t from = (size_t)(parts[i].at - message.at);
		cr_assert_lt(from, message.len);
		for (size_t n = 0; n < parts[i].len; n += 13)
			expect_broken(flipped(message, from + n), &client, "outside", from + n);
	}
	/* An envelope whose key or content was changed, and is signed as it should be. */
	for (size_t n = KEY_FROM; n < outer.content.len; n += n + 5 < KEY_TO || n >= CONTENT_FROM ? 5 : CONTENT_FROM - n) {
		struct mst_pkiclient_ask ask = {.type = "19", .transaction = "TX-1", .content = flipped(outer.content, n),
						.nonce = {1, 2, 3}};
		struct mst_slice forged;
		cr_assert_eq(mst_pkiclient_ask(&forged, &client, &ask, &e), 0, "%s", e.text);
		expect_broken(forged, &client, "envelope", n);
	}
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), 0);
}

Test(scep, keeps_two_at_once_apart)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0), other = scep_kit_device(&kit, 1);
	char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", "");
	struct mst_slice first = scep_kit_csr(&kit, &client, "19", "TX-1", challenge);
	struct mst_slice second = scep_kit_csr(&kit, &other, "19", "TX-1", challenge);
	const struct ask ask = {.has_method = true, .method = MST_POST, .target = "/scep/phones?operation=PKIOperation"};
	struct ask asks[3] = {ask, ask, ask};
	struct deal *deals[3];
	struct mst_pkiclient_reply replies[3];
	uint32_t num_issued = 0;
	struct mst_err e;

	asks[0].body = asks[1].body = first.at;
	asks[0].len = asks[1].len = first.len;
	asks[2].body = second.at;
	asks[2].len = second.len;
	for (size_t i = 0; i < 3; i++)
		deals[i] = rig_begin(kit.rig, &kit.link, asks[i]);
	for (size_t i = 0; i < 3; i++) {
		struct answer a = rig_end(kit.rig, deals[i]);
		cr_assert_eq(a.status, 200, "%s", a.body);
		cr_assert_eq(mst_pkiclient_read(&replies[i], i < 2 ? &client : &other, kit.ra, mst_slice(a.body, a.len), &e), 0, "%s", e.text);
		num_issued += replies[i].status == 0;
	}
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), 1);
	cr_expect(num_issued == 1 || num_issued == 2);
	cr_expect_eq(replies[0].status, replies[1].status);
	if (replies[0].status == 0)
		cr_expect(mst_slice_eq(replies[0].inside.certs[0], replies[1].inside.certs[0]));
}

Test(scep, outlives_its_client)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0);
	char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", "");
	struct mst_slice message = scep_kit_csr(&kit, &client, "19", "TX-1", challenge);
	struct mst_cert cert;

	kit.rig->makes_orphans = true;
	cr_expect_eq(scep_kit_post(&kit, message).status, 200);
	kit.rig->makes_orphans = false;
	scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), &cert);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), 1);
}

Test(scep, answers_503_when_nothing_can_be_written)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0);
	char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", "");
	struct mst_slice message = scep_kit_csr(&kit, &client, "19", "TX-1", challenge);
	struct mst_cert cert;
	struct answer a;

	mst_store_break(kit.rig->app.store, true);
	a = scep_kit_post(&kit, message);
	cr_expect_eq(a.status, 503);
	cr_expect_gt(a.retry_after_s, 0);
	mst_store_break(kit.rig->app.store, false);
	scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), &cert);
}

static void retire(struct mst_authority *a)
{
	a->state = MST_AUTHORITY_RETIRED;
}

Test(scep, issues_nothing_for_a_retired_authority)
{
	struct mst_pkiclient client = scep_kit_device(&kit, 0);
	char *challenge = scep_kit_challenge(&kit, "phones", "UDID-0001", "");
	struct mst_slice message = scep_kit_csr(&kit, &client, "19", "TX-1", challenge);
	struct link control = rig_control();
	struct mst_pkiclient_reply reply;

	scep_kit_change(&kit, retire);
	reply = scep_kit_reply(&kit, &client, scep_kit_post(&kit, message), NULL);
	cr_expect(reply.status == 2 && reply.fail == 2);
	cr_expect_eq(rig_ask(kit.rig, &control,
			     (struct ask){.has_method = true, .method = MST_POST, .target = "/v1/challenges",
					  .body = "{\"authority\":\"phones\",\"device\":\"U\"}"})
			     .status,
		     409);
}

Test(scep, checks_what_operators_ask)
{
	static const struct {
		const char *body;
		int status;
	} rows[] = {
		{"{\"authority\":\"phones\",\"device\":\"U\"}", 201},
		{"{\"authority\":\"nobody\",\"device\":\"U\"}", 404},
		{"{\"authority\":\"phones\"}", 400},
		{"{\"device\":\"U\"}", 400},
		{"{\"authority\":\"phones\",\"device\":\"\"}", 400},
		{"{\"authority\":\"phones\",\"device\":\"U\\u0007\"}", 400},
		{"{\"authority\":\"phones\",\"device\":\"U\",\"minutes\":0}", 400},
		{"{\"authority\":\"phones\",\"device\":\"U\",\"minutes\":1000000}", 400},
		{"{\"authority\":\"phones\",\"device\":\"U\",\"dns\":\"a\"}", 400},
		{"{\"authority\":\"phones\",\"device\":\"U\",\"dns\":[1]}", 400},
		{"{\"authority\":\"phones\",\"device\":\"U\",\"dns\":[]}", 201},
		{"{\"authority\":\"phones\",\"device\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}", 400},
		{"[]", 400},
		{"", 400},
	};
	struct link control = rig_control(), portal = {.gate = MST_GATE_PORTAL};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct answer a = rig_ask(kit.rig, &control,
					  (struct ask){.has_method = true, .method = MST_POST, .target = "/v1/challenges",
						       .body = rows[i].body});
		cr_expect_eq(a.status, rows[i].status, "%s: %d %s", rows[i].body, a.status, a.body);
	}
	cr_expect_eq(rig_ask(kit.rig, &portal, (struct ask){.has_method = true, .method = MST_POST, .target = "/v1/challenges"}).status, 401);
}
