/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's SCEP client against the engine's SCEP server: every message and answer, CAs that are not the pinned one, answers that
 * were changed on their way; and the password page of NDES. */
#include <time.h>

#include "muster/text.h"
#include "scep_client.h"
#include "scep_kit.h"

#define SECRET "a fixed word"

static struct scep_kit kit;
static struct scep_caps caps;
static struct scep_ca ca;

static struct answer get(const char *operation)
{
	return rig_ask(kit.rig, &kit.link,
		       (struct ask){.has_method = true, .method = MST_GET, .target = rig_text(kit.rig, "/scep/phones?operation=%s", operation)});
}

static struct mst_slice body_of(struct answer a)
{
	return mst_slice(a.body, a.len);
}

static void begin(enum mst_key_kind kind)
{
	struct mst_err e;

	scep_kit_begin(&kit, kind, SECRET);
	mst_scep_client_caps(&caps, body_of(get("GetCACaps")));
	cr_assert_eq(mst_scep_client_ca(&ca, &kit.rig->arena, body_of(get("GetCACert")), mst_slice(NULL, 0), &e), 0, "%s", e.text);
}

static struct scep_order order_of(enum scep_what what, const struct mst_key *key, const char *challenge)
{
	static const char *const dns[] = {"phone.example", NULL};
	const struct mst_issue issue = {.common_name = "jane", .dns = dns, .key_usage = MST_KU_SIGN};
	struct scep_order order = {.what = what, .caps = &caps, .ca = &ca, .key = key, .nonce = {7, 7, 7}};
	struct mst_arena *arena = &kit.rig->arena;
	struct mst_slice spki;
	struct mst_csr csr;
	struct mst_err e;

	cr_assert_eq(mst_key_spki(&spki, arena, key, &e), 0);
	cr_assert_eq(mst_scep_client_transaction(&order.transaction, arena, spki, &e), 0);
	cr_assert_eq(mst_csr_write(&order.content, arena, &issue, key, challenge, &e), 0, "%s", e.text);
	cr_assert_eq(mst_csr_read(&csr, order.content, &e), 0);
	order.subject = csr.subject;
	cr_assert_eq(mst_scep_client_self(&order.cert, arena, &issue, key, (int64_t)time(NULL), &e), 0, "%s", e.text);
	return order;
}

static struct mst_slice post(const struct scep_order *order)
{
	struct mst_slice message;
	struct mst_err e;
	struct answer a;

	cr_assert_eq(mst_scep_client_write(&message, &kit.rig->arena, order, &e), 0, "%s", e.text);
	a = scep_kit_post(&kit, message);
	cr_assert_eq(a.status, 200, "%s", a.body);
	return body_of(a);
}

static int take(struct scep_reply *reply, const struct scep_order *order, const struct mst_key *key, struct mst_slice body, struct mst_err *e)
{
	struct mst_slice spki;

	cr_assert_eq(mst_key_spki(&spki, &kit.rig->arena, key, e), 0);
	return mst_scep_client_read(reply, &kit.rig->arena, order, spki, body, e);
}

static struct scep_reply ask(enum scep_what what, size_t key, const char *challenge)
{
	struct scep_order order = order_of(what, kit.keys[key], challenge);
	struct scep_reply reply;
	struct mst_err e;

	cr_assert_eq(take(&reply, &order, kit.keys[key], post(&order), &e), 0, "%s", e.text);
	return reply;
}

static void expect_cert(const struct scep_reply *reply, size_t key)
{
	struct mst_cert cert;
	struct mst_slice spki;
	struct mst_err e;

	cr_assert_eq(reply->verdict, SCEP_GRANTED, "%s", mst_scep_client_refusal(reply->fail_info));
	cr_assert_eq(mst_cert_parse(&cert, reply->cert, &e), 0);
	cr_assert_eq(mst_key_spki(&spki, &kit.rig->arena, kit.keys[key], &e), 0);
	cr_expect(mst_slice_eq(cert.spki, spki));
	cr_expect(mst_slice_eq(reply->chain, kit.issuer->cert.der), "the chain is the CA");
}

static void all_messages(enum mst_key_kind kind)
{
	struct scep_reply reply, newer;
	struct scep_order order;
	struct mst_err e;

	begin(kind);
	cr_expect(caps.posts && caps.takes_aes && caps.renews);
	cr_expect(mst_slice_eq(ca.to->der, kit.ra->der), "encrypted to whom it is meant for");
	cr_expect(mst_slice_eq(ca.ca->der, kit.issuer->cert.der));
	reply = ask(SCEP_POLL, 0, NULL);
	cr_expect_eq(reply.verdict, SCEP_REFUSED);
	cr_expect_eq(reply.fail_info, 4, "it does not know the transaction");
	reply = ask(SCEP_REQUEST, 0, "another word");
	cr_expect_eq(reply.verdict, SCEP_REFUSED);
	cr_expect_eq(reply.fail_info, 2);
	reply = ask(SCEP_REQUEST, 0, SECRET);
	expect_cert(&reply, 0);
	newer = ask(SCEP_POLL, 0, NULL);
	expect_cert(&newer, 0);
	cr_expect(mst_slice_eq(newer.cert, reply.cert), "the same one");
	/* renewed with another key: signed and opened with the older one */
	order = order_of(SCEP_RENEWAL, kit.keys[1], NULL);
	order.key = kit.keys[0];
	order.cert = reply.cert;
	cr_assert_eq(take(&newer, &order, kit.keys[1], post(&order), &e), 0, "%s", e.text);
	expect_cert(&newer, 1);
	caps.takes_aes = false;
	reply = ask(SCEP_REQUEST, 2, SECRET);
	expect_cert(&reply, 2);
	scep_kit_end(&kit);
}

Test(scep_client, all_messages_with_an_ra, .timeout = 120)
{
	all_messages(MST_KEY_P256);
}

Test(scep_client, all_messages_with_a_ca_of_rsa, .timeout = 120)
{
	all_messages(MST_KEY_RSA2048);
}

Test(scep_client, pins, .timeout = 120)
{
	static const char *const bad[] = {"00", "zz", "0123456789012345678901234567890123456789012345678901234567890123456789", "012345678901234567890123456789012345678g"};
	struct mst_slice body;
	uint8_t pin[SCEP_PIN_MAX], hash[32];
	char hex[2 * 32 + 32];
	struct mst_err e;
	size_t len;

	begin(MST_KEY_P256);
	body = body_of(get("GetCACert"));
	for (int is_sha1 = 0; is_sha1 < 2; is_sha1++) {
		size_t hash_len = is_sha1 ? 20 : 32;
		if (is_sha1)
			mst_sha1(hash, kit.issuer->cert.der);
		else
			mst_sha256(hash, kit.issuer->cert.der);
		for (size_t i = 0; i < hash_len; i++) {
			mst_hex_put(hex + 3 * i, mst_slice(hash + i, 1));
			hex[3 * i + 2] = ':';
		}
		cr_assert_eq(mst_scep_client_pin(pin, &len, mst_slice(hex, 3 * hash_len - 1), &e), 0, "%s", e.text);
		cr_expect_eq(len, hash_len);
		cr_assert_eq(mst_scep_client_ca(&ca, &kit.rig->arena, body, mst_slice(pin, len), &e), 0, "%s", e.text);
		cr_expect_eq(ca.num, 2, "the CA, and the RA that it certified");
		cr_expect(ca.is_pinned);
		pin[3] ^= 1;
		cr_expect_eq(mst_scep_client_ca(&ca, &kit.rig->arena, body, mst_slice(pin, len), &e), -1);
		cr_expect_eq(e.code, MST_E_CRYPTO);
	}
	cr_expect_eq(mst_scep_client_pin(pin, &len, MST_S(""), &e), 0);
	cr_expect_eq(len, 0);
	for (size_t i = 0; i < MST_LEN(bad); i++)
		cr_expect_eq(mst_scep_client_pin(pin, &len, mst_slice_str(bad[i]), &e), -1, "%s", bad[i]);
	cr_expect_eq(mst_scep_client_ca(&ca, &kit.rig->arena, MST_S("rubbish"), mst_slice(NULL, 0), &e), -1);
	cr_expect_eq(e.code, MST_E_SYNTAX);
	scep_kit_end(&kit);
}

/* The right certificate of the CA beside somebody else's RA. */
Test(scep_client, a_foreign_ra, .timeout = 120)
{
	const struct mst_issuer *others;
	struct mst_slice certs[2], body;
	uint8_t pin[32];
	struct mst_err e;

	begin(MST_KEY_P256);
	others = mst_issuers_find0(kit.issuers, MST_S("others"));
	certs[0] = others->ra_cert.der;
	certs[1] = kit.issuer->cert.der;
	cr_assert_eq(mst_cms_bundle(&body, &kit.rig->arena, certs, 2, NULL, 0, &e), 0);
	mst_sha256(pin, kit.issuer->cert.der);
	cr_expect_eq(mst_scep_client_ca(&ca, &kit.rig->arena, body, mst_slice(pin, 32), &e), -1, "an EC key alone cannot decrypt");
	cr_expect_eq(e.code, MST_E_CRYPTO);
	scep_kit_end(&kit);
}

Test(scep_client, changed_answers, .timeout = 240)
{
	struct scep_order order, other;
	struct scep_reply reply, changed;
	struct mst_slice body, copy, cert;
	struct mst_err e;

	begin(MST_KEY_P256);
	order = order_of(SCEP_REQUEST, kit.keys[0], SECRET);
	body = post(&order);
	other = order;
	other.nonce[0] ^= 1;
	cr_expect_eq(take(&reply, &other, kit.keys[0], body, &e), -1, "an old answer");
	other = order;
	other.transaction = MST_S("another");
	cr_expect_eq(take(&reply, &other, kit.keys[0], body, &e), -1, "another's answer");
	cr_expect_eq(take(&reply, &order, kit.keys[1], body, &e), -1, "not our key");
	ca.num = 1; /* the RA or the CA alone: one of them did not sign */
	other = order;
	ca.certs[0] = kit.issuer->cert;
	cr_expect_eq(take(&reply, &other, kit.keys[0], body, &e), -1, "the signer is not known");
	ca.certs[0] = *kit.ra;
	cr_expect_eq(take(&reply, &order, kit.keys[0], body, &e), 0, "%s", e.text);
	cert = reply.cert;
	ca.is_pinned = true;
	cr_expect_eq(take(&reply, &order, kit.keys[0], body, &e), -1, "nobody who was pinned certified it");
	ca.is_pinned = false;
	/* Certificates on the way are not signed; what is granted is. */
	for (size_t i = 0; i < body.len; i += 7) {
		cr_assert(mst_arena_copy(&kit.rig->arena, &copy, body));
		((uint8_t *)(uintptr_t)copy.at)[i] ^= 0x20;
		if (take(&changed, &order, kit.keys[0], copy, &e) == 0)
			cr_expect(mst_slice_eq(changed.cert, cert), "changed at %zu", i);
		cr_expect_eq(take(&changed, &order, kit.keys[0], mst_slice(body.at, i), &e), -1, "cut at %zu", i);
	}
	scep_kit_end(&kit);
}

/* A CertRep of the kit's RA without content: what servers with an operator say. */
static struct mst_slice say(const struct scep_order *order, struct mst_slice status, struct mst_slice fail)
{
	const struct {
		struct mst_slice oid;
		enum mst_cms_kind kind;
		struct mst_slice value;
	} items[] = {
		{MST_S(MST_CMS_OID_SCEP "\x02"), MST_CMS_TEXT, MST_S("3")},
		{MST_S(MST_CMS_OID_SCEP "\x03"), MST_CMS_TEXT, status},
		{MST_S(MST_CMS_OID_SCEP "\x07"), MST_CMS_TEXT, order->transaction},
		{MST_S(MST_CMS_OID_SCEP "\x06"), MST_CMS_BYTES, mst_slice(order->nonce, sizeof order->nonce)},
		{MST_S(MST_CMS_OID_SCEP "\x04"), MST_CMS_TEXT, fail},
	};
	struct mst_cms_attr attrs[MST_LEN(items)];
	struct mst_cms_key key;
	struct mst_cms_sign what = {.key = &key, .cert = kit.ra->der, .digest = MST_CMS_SHA256, .attrs = attrs, .is_detached = true};
	struct mst_slice out;
	struct mst_err e;

	mst_key_cms(&key, kit.issuer->ra_key);
	for (; what.num_attrs < MST_LEN(items) && items[what.num_attrs].value.len; what.num_attrs++)
		cr_assert_eq(mst_cms_attr_make(&attrs[what.num_attrs], &kit.rig->arena, items[what.num_attrs].oid, items[what.num_attrs].kind,
					       items[what.num_attrs].value, &e), 0);
	cr_assert_eq(mst_cms_sign(&out, &kit.rig->arena, &what, &e), 0, "%s", e.text);
	return out;
}

Test(scep_client, pending_and_refused, .timeout = 120)
{
	struct scep_order order;
	struct scep_reply reply;
	struct mst_err e;

	begin(MST_KEY_P256);
	order = order_of(SCEP_REQUEST, kit.keys[0], NULL);
	cr_assert_eq(take(&reply, &order, kit.keys[0], say(&order, MST_S("3"), MST_S("")), &e), 0, "%s", e.text);
	cr_expect_eq(reply.verdict, SCEP_PENDING);
	cr_assert_eq(take(&reply, &order, kit.keys[0], say(&order, MST_S("2"), MST_S("3")), &e), 0, "%s", e.text);
	cr_expect_eq(reply.verdict, SCEP_REFUSED);
	cr_expect_eq(reply.fail_info, 3);
	cr_assert_eq(take(&reply, &order, kit.keys[0], say(&order, MST_S("2"), MST_S("")), &e), 0, "%s", e.text);
	cr_expect_eq(reply.fail_info, -1);
	cr_expect_eq(take(&reply, &order, kit.keys[0], say(&order, MST_S("0"), MST_S("")), &e), -1, "granted, and nothing inside");
	cr_expect_eq(take(&reply, &order, kit.keys[0], say(&order, MST_S("7"), MST_S("")), &e), -1);
	cr_expect_eq(take(&reply, &order, kit.keys[0], say(&order, MST_S(""), MST_S("")), &e), -1);
	scep_kit_end(&kit);
}

Test(scep_client, caps)
{
	struct scep_caps c;

	mst_scep_client_caps(&c, MST_S("POSTPKIOperation\r\nRenewal\r\nSHA-512\r\nSHA-256\r\nSHA-1\r\nDES3"));
	cr_expect(c.posts && c.renews && !c.takes_aes);
	mst_scep_client_caps(&c, MST_S("scepstandard"));
	cr_expect(c.posts && !c.renews && c.takes_aes);
	mst_scep_client_caps(&c, MST_S("<html>not found, POSTPKIOperation</html>"));
	cr_expect(!c.posts && !c.renews && !c.takes_aes);
	mst_scep_client_caps(&c, MST_S(""));
	cr_expect(!c.posts);
}

static const struct {
	const char *page, *want; /* NULL: none */
	enum mst_code code;
} pages[] = {
	{"<HTML><Body><P> The enrollment challenge password is: <B> 15D5B2BE3A95F85F </B> <P> This password can be used only once",
	 "15D5B2BE3A95F85F", 0},
	{"<p>The Enrollment Challenge Password Is:&nbsp;<b>\r\n  abcdEF0123456789  </b>", "abcdEF0123456789", 0},
	{"<P> challenge password: <B>0123456789ABCDEF0123456789ABCDEF</B>", "0123456789ABCDEF0123456789ABCDEF", 0},
	{"The enrollment challenge password is: <B> 1234567 </B>", NULL, MST_E_ABSENT},
	{"The enrollment challenge password is: <B> 12345678 and more </B>", NULL, MST_E_ABSENT},
	{"The enrollment challenge password is: <B> 1234-5678 </B>", NULL, MST_E_ABSENT},
	{"The enrollment challenge password is: <B> "
	 "01234567890123456789012345678901234567890123456789012345678901234 </B>", NULL, MST_E_ABSENT},
	{"The enrollment challenge password is: ", NULL, MST_E_ABSENT},
	{"The enrollment challenge password is: <B", NULL, MST_E_ABSENT},
	{"The enrollment challenge password is: 1234567890ABCDEF", NULL, MST_E_ABSENT},
	{"<P> The password cache is full. ", NULL, MST_E_BUSY},
	{"<P> You do not have sufficient permission to enroll with SCEP.", NULL, MST_E_DENIED},
	{"<HTML>Welcome</HTML>", NULL, MST_E_ABSENT},
	{"", NULL, MST_E_ABSENT},
};

Test(scep_client, pages)
{
	struct mst_arena arena;
	struct mst_slice out;
	uint8_t wide[1024];
	struct mst_err e;

	mst_arena_init(&arena, NULL, 0);
	for (size_t i = 0; i < MST_LEN(pages); i++)
		for (int form = 0; form < 3; form++) { /* UTF-8, UTF-16LE, the same with its mark */
			struct mst_slice page = mst_slice_str(pages[i].page);
			size_t at = 0;
			if (form == 2) {
				wide[at++] = 0xff;
				wide[at++] = 0xfe;
			}
			for (size_t k = 0; form && k < page.len; k++) {
				wide[at++] = page.at[k];
				wide[at++] = 0;
			}
			if (form)
				page = mst_slice(wide, at);
			int rc = mst_scep_client_page(&out, &arena, page, &e);
			cr_expect_eq(rc, pages[i].want ? 0 : -1, "%s", pages[i].page);
			if (pages[i].want)
				cr_expect(mst_slice_eq(out, mst_slice_str(pages[i].want)), "%s", pages[i].page);
			else
				cr_expect_eq(e.code, pages[i].code, "%s: %s", pages[i].page, e.text);
		}
	mst_arena_done(&arena);
}
