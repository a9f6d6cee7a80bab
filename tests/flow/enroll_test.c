/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment profiles through whole pipelines: who gets one, what is in it, and that its challenge makes an identity. */
#include "muster/enroll.h"

#include <stdio.h>

#include "muster/clock.h"
#include "muster/json.h"
#include "muster/plist.h"
#include "muster/text.h"
#include "scep_kit.h"

#define NOW_MS 1800000000000 /* in 2027 */

static struct scep_kit kit;
static struct mst_enroll_conf conf;
static struct link portal = {.gate = MST_GATE_PORTAL};

static struct mst_slice make_signer(struct mst_slice *key_pem)
{
	const struct mst_issue what = {.common_name = "iOS Enrollment", .not_before = 1000, .not_after = 4000000000, .key_usage = MST_KU_SIGN};
	struct mst_issue self = what;
	struct mst_slice der, pem;
	struct mst_key *key;
	struct mst_err e;

	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0, "%s", e.text);
	cr_assert_eq(mst_key_spki(&self.spki, &kit.rig->arena, key, &e), 0, "%s", e.text);
	cr_assert_eq(mst_issue_write(&der, &kit.rig->arena, &self, mst_slice(NULL, 0), key, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(mst_pem_put(&pem, &kit.rig->arena, "CERTIFICATE", der, &e), 0, "%s", e.text);
	cr_assert_eq(mst_key_pem(key_pem, &kit.rig->arena, key, &e), 0, "%s", e.text);
	mst_key_free(&key);
	return pem;
}

static void tune(void)
{
	struct mst_err e;

	mst_enroll_free(&kit.rig->app.enroll);
	cr_assert_eq(mst_enroll_new(&kit.rig->app.enroll, &conf, &e), 0, "%s", e.text);
}

static void begin(void)
{
	scep_kit_begin(&kit, MST_KEY_P256, NULL);
	conf = (struct mst_enroll_conf){
		.url = "https://mdm.example:10443",
		.scep_url = "",
		.topic = "com.apple.mgmt.External.test",
		.name = "Device management",
		.organization = "",
		.link_s = 3600,
		.challenge_s = 600,
		.renew_s = 7200,
	};
	conf.cert_pem = make_signer(&conf.key_pem);
	tune();
}

static void end(void)
{
	mst_enroll_free(&kit.rig->app.enroll);
	scep_kit_end(&kit);
}

TestSuite(enroll, .init = begin, .fini = end, .timeout = 120);

static struct answer get(const char *target)
{
	return rig_ask(kit.rig, &portal, (struct ask){.has_method = true, .method = MST_GET, .target = target});
}

static struct answer post(struct link *link, const char *target, const void *body, size_t len)
{
	return rig_ask(kit.rig, link, (struct ask){.has_method = true, .method = MST_POST, .target = target, .body = body, .len = len});
}

static struct answer operate(const char *target, const char *body)
{
	struct link control = rig_control();
	return post(&control, target, body, strlen(body));
}

/* A member of a JSON answer. */
static char *member(struct answer a, const char *key)
{
	struct mst_json_value *root;
	struct mst_slice text;
	struct mst_err e;
	char *out;

	cr_assert_eq(mst_json_parse(&root, mst_slice(a.body, a.len), 65536, 4, &e), 0, "%s: %s", e.text, a.body);
	cr_assert_eq(mst_json_get_text0(root, &text, key, &e), 1, "%s: %s", key, a.body);
	out = rig_text(kit.rig, "%.*s", (int)text.len, (const char *)text.at);
	mst_json_free(&root);
	return out;
}

/* The path of a new link. */
static char *new_link(const char *device, const char *more, const char *which)
{
	struct answer a = operate("/v1/enroll/links", rig_text(kit.rig, "{\"authority\":\"phones\",\"device\":\"%s\"%s}", device, more));

	cr_assert_eq(a.status, 201, "%s", a.body);
	return member(a, which) + strlen("https://mdm.example:10443");
}

/* Opens a signed profile and hands out its plist. */
static const struct mst_plist *open_profile(struct answer a)
{
	struct mst_cms_signed *in = mst_arena_zero(&kit.rig->arena, sizeof(*in));
	const struct mst_plist *root;
	struct mst_cert cert;
	struct mst_err e;

	cr_assert_eq(a.status, 200, "%s", a.body);
	cr_expect_str_eq(a.type, "application/x-apple-aspen-config");
	cr_expect_str_eq(a.extra, "Cache-Control: no-store");
	cr_assert_eq(mst_cms_signed_read(in, &kit.rig->arena, mst_slice(a.body, a.len), &e), 0, "%s", e.text);
	cr_assert_eq(mst_cms_signer_cert(&cert, in, &in->signers[0], &e), 0, "%s", e.text);
	cr_expect_gt(in->signers[0].num_attrs, 0);
	cr_assert_eq(mst_cms_verify(in, &in->signers[0], cert.spki, NULL, 0, &e), 0, "%s", e.text);
	cr_assert_eq(mst_plist_parse(&root, &kit.rig->arena, in->content, &mst_plist_limits_device, &e), 0, "%s", e.text);
	return root;
}

static const struct mst_plist *payload(const struct mst_plist *root, const char *type)
{
	const struct mst_plist *list;
	struct mst_slice text;
	struct mst_err e;

	cr_assert_eq(mst_plist_array0(root, &list, "PayloadContent", &e), 1);
	for (size_t i = 0; i < mst_plist_num(list); i++)
		if (mst_plist_text0(mst_plist_at0(list, i), &text, "PayloadType", &e) == 1 && mst_slice_eq(text, mst_slice_str(type)))
			return mst_plist_at0(list, i);
	return NULL;
}

static char *text_of(const struct mst_plist *dict, const char *key)
{
	struct mst_slice text;
	struct mst_err e;

	cr_assert_eq(mst_plist_text0(dict, &text, key, &e), 1, "%s", key);
	return rig_text(kit.rig, "%.*s", (int)text.len, (const char *)text.at);
}

/* The challenge in a profile's SCEP payload, or in a profile service's. */
static char *challenge_of(const struct mst_plist *root)
{
	const struct mst_plist *scep, *content;
	struct mst_err e;
	char *out;

	scep = mst_plist_array0(root, &content, "PayloadContent", &e) == 1 ? payload(root, "com.apple.security.scep") : root;
	cr_assert_eq(mst_plist_dict0(scep, &content, "PayloadContent", &e), 1);
	out = text_of(content, "Challenge");
	return out;
}

/* One of the keys gets a certificate for a challenge; NULL when it is refused. */
static struct mst_cert *certify(size_t key, const char *transaction, const char *challenge)
{
	struct mst_pkiclient client = scep_kit_device(&kit, key);
	struct answer a = scep_kit_post(&kit, scep_kit_csr(&kit, &client, "19", transaction, challenge));
	struct mst_cert *cert = mst_arena_zero(&kit.rig->arena, sizeof(*cert));
	struct mst_err e;
	struct mst_slice der;

	if (scep_kit_reply(&kit, &client, a, NULL).status != 0)
		return NULL;
	scep_kit_reply(&kit, &client, a, cert);
	cr_assert(mst_arena_copy(&kit.rig->arena, &der, cert->der));
	cr_assert_eq(mst_cert_parse(cert, der, &e), 0);
	return cert;
}

static char *name_of(const struct mst_cert *cert)
{
	char name[MST_NAME_MAX + 1];

	mst_cert_name(name, sizeof(name), cert);
	return rig_text(kit.rig, "%s", name);
}

Test(enroll, who_may)
{
	static const struct {
		const char *target;
		int status;
	} rows[] = {
		{"/enroll/phones", 403}, /* default deny, whether the authority exists or not */
		{"/enroll/nobody", 403},
		{"/ota/phones", 403},
		{"/enroll/phones/short", 404},
		{"/enroll/phones/000000000000000000000000000000000000000000000000", 404},
		{"/ota/phones/000000000000000000000000000000000000000000000000", 404},
		{"/enroll", 404},
		{"/enroll/phones/a/b", 404},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++)
		cr_expect_eq(get(rows[i].target).status, rows[i].status, "%s", rows[i].target);
	cr_expect_eq(post(&portal, "/v1/enroll/links", "{}", 2).status, 401);
	cr_expect_eq(post(&portal, "/v1/enroll/renew/X", "", 0).status, 401);
	cr_expect_eq(post(&portal, "/enroll/phones", "", 0).status, 405);
	cr_expect_eq(rig_ask(kit.rig, &(struct link){.gate = MST_GATE_PLAIN},
			     (struct ask){.has_method = true, .method = MST_GET, .target = "/enroll/phones"}).status, 404);
	conf.topic = "";
	tune();
	cr_expect_eq(get("/enroll/phones").status, 404, "not configured");
	cr_expect_eq(operate("/v1/enroll/links", "{}").status, 404);
}

Test(enroll, refuses_links_it_cannot_make)
{
	static const struct {
		const char *body;
		int status;
	} rows[] = {
		{"", 400},
		{"[]", 404},
		{"{\"device\":\"D\"}", 404},
		{"{\"authority\":\"nobody\",\"device\":\"D\"}", 404},
		{"{\"authority\":\"phones\"}", 400},
		{"{\"authority\":\"phones\",\"device\":\"\"}", 400},
		{"{\"authority\":\"phones\",\"device\":7}", 400},
		{"{\"authority\":\"phones\",\"device\":\"a\\nb\"}", 400},
		{"{\"authority\":\"phones\",\"device\":\"0123456789012345678901234567890123456789012345678901234567890123x\"}", 400},
		{"{\"authority\":\"phones\",\"device\":\"D\",\"dns\":[\"a b\"]}", 400},
		{"{\"authority\":\"phones\",\"device\":\"D\",\"dns\":[\"\"]}", 400},
		{"{\"authority\":\"phones\",\"device\":\"D\",\"dns\":\"a\"}", 400},
		{"{\"authority\":\"phones\",\"device\":\"D\",\"minutes\":0}", 400},
		{"{\"authority\":\"phones\",\"device\":\"D\",\"minutes\":99999999999}", 400},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct answer a = operate("/v1/enroll/links", rows[i].body);
		cr_expect_eq(a.status, rows[i].status, "%s: %d %s", rows[i].body, a.status, a.body);
	}
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_LINK), 0);
}

Test(enroll, a_profile_says_all_a_device_needs)
{
	char *link = new_link("UDID-0001", ",\"common_name\":\"phone 1\",\"dns\":[\"a.example\",\"b.example\"]", "url");
	const struct mst_plist *root = open_profile(get(link));
	const struct mst_plist *ca = payload(root, "com.apple.security.root"), *scep = payload(root, "com.apple.security.scep"),
			       *mdm = payload(root, "com.apple.mdm"), *content, *names, *list;
	struct mst_slice bytes;
	uint8_t sha1[20];
	uint64_t n;
	bool is_set;
	struct mst_err e;

	cr_expect_str_eq(text_of(root, "PayloadType"), "Configuration");
	cr_assert(ca && scep && mdm);
	cr_assert_eq(mst_plist_data0(ca, &bytes, "PayloadContent", &e), 1);
	cr_expect(mst_slice_eq(bytes, kit.issuer->record.cert));
	cr_assert_eq(mst_plist_dict0(scep, &content, "PayloadContent", &e), 1);
	cr_expect_str_eq(text_of(content, "URL"), "https://mdm.example:10443/scep/phones");
	cr_expect_str_eq(text_of(content, "Key Type"), "RSA");
	cr_expect(mst_plist_u64(content, &n, "Keysize", &e) == 1 && n == 2048);
	cr_expect(mst_plist_u64(content, &n, "Key Usage", &e) == 1 && n == 5);
	cr_assert_eq(mst_plist_data0(content, &bytes, "CAFingerprint", &e), 1);
	mst_sha1(sha1, kit.issuer->record.cert);
	cr_expect(mst_slice_eq(bytes, mst_slice(sha1, sizeof(sha1))));
	cr_assert_eq(mst_plist_dict0(content, &names, "SubjectAltName", &e), 1);
	cr_assert_eq(mst_plist_array0(names, &list, "dNSName", &e), 1);
	cr_expect_eq(mst_plist_num(list), 2);
	cr_expect_str_eq(text_of(mdm, "IdentityCertificateUUID"), text_of(scep, "PayloadUUID"));
	cr_expect_str_eq(text_of(mdm, "Topic"), "com.apple.mgmt.External.test");
	cr_expect_str_eq(text_of(mdm, "ServerURL"), "https://mdm.example:10443/mdm");
	cr_expect_str_eq(text_of(mdm, "CheckInURL"), "https://mdm.example:10443/checkin");
	cr_expect(mst_plist_u64(mdm, &n, "AccessRights", &e) == 1 && n == 8191);
	cr_expect(mst_plist_bool(mdm, &is_set, "CheckOutWhenRemoved", &e) == 1 && is_set);
	cr_expect(mst_plist_bool(mdm, &is_set, "SignMessage", &e) == 1 && !is_set);
	cr_expect_eq(mst_plist_array0(mdm, &list, "ServerCapabilities", &e), 1);
}

Test(enroll, a_link_makes_one_identity)
{
	char *link = new_link("UDID-0001", ",\"common_name\":\"phone 1\",\"dns\":[\"a.example\"]", "url");
	char *first = challenge_of(open_profile(get(link))), *second = challenge_of(open_profile(get(link)));
	struct mst_issued issued;
	struct mst_cert *cert;

	cr_expect_str_neq(first, second, "fresh each time");
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CHALLENGE), 1, "the one before is taken back");
	cr_expect_null(certify(0, "TX-1", first), "it was replaced");
	cert = certify(0, "TX-2", second);
	cr_assert(cert);
	cr_expect_str_eq(name_of(cert), "phone 1");
	cr_expect(memmem(cert->san.at, cert->san.len, "a.example", 9));
	cr_assert(scep_kit_issued(&kit, cert, &issued));
	cr_expect(mst_slice_eq(issued.device, MST_S("UDID-0001")));
	cr_expect_eq(get(link).status, 410, "it was used");
	cr_expect_null(certify(1, "TX-3", second), "and so was its challenge");
}

Test(enroll, a_link_ends)
{
	char *link, *challenge;

	mst_clock_fake(NOW_MS);
	link = new_link("UDID-0001", ",\"minutes\":1", "url");
	challenge = challenge_of(open_profile(get(link)));
	mst_clock_fake(NOW_MS + 60001);
	cr_expect_eq(get(link).status, 410);
	cr_expect_null(certify(0, "TX-1", challenge), "its challenge ends with it");
	for (int i = 0; i < 3; i++)
		new_link(rig_text(kit.rig, "UDID-%d", i), "", "url");
	cr_expect_lt(rig_num_records(kit.rig, MST_SPACE_LINK), 5);
}

Test(enroll, links_belong_to_their_authority)
{
	char *link = new_link("UDID-0001", "", "url");
	char *token = strrchr(link, '/');

	cr_expect_eq(get(rig_text(kit.rig, "/enroll/others%s", token)).status, 404);
	cr_expect_eq(get(rig_text(kit.rig, "/enroll/phones%s", token)).status, 200);
	cr_expect_eq(get(rig_text(kit.rig, "/enroll/phones%.*s%c", (int)strlen(token) - 1, token, token[strlen(token) - 1] == '0' ? '1' : '0')).status, 404);
}

/* Two at once: the second finds the link changed. */
Test(enroll, two_at_once_get_one_challenge)
{
	char *link = new_link("UDID-0001", "", "url");
	const struct ask ask = {.has_method = true, .method = MST_GET, .target = link};
	struct deal *one = rig_begin(kit.rig, &portal, ask), *two = rig_begin(kit.rig, &portal, ask);
	int a = rig_end(kit.rig, one).status, b = rig_end(kit.rig, two).status;

	cr_expect(a == 200 ? b == 409 || b == 200 : a == 409 && b == 200, "%d %d", a, b);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CHALLENGE), 1);
}

Test(enroll, open_is_for_anybody)
{
	struct mst_cert *cert;
	char *one, *two;

	conf.is_open = true;
	tune();
	one = challenge_of(open_profile(get("/enroll/phones")));
	two = challenge_of(open_profile(get("/enroll/phones")));
	cr_expect_str_neq(one, two);
	cert = certify(0, "TX-1", one);
	cr_assert(cert);
	cr_expect_eq(strncmp(name_of(cert), "enroll-", 7), 0);
	cr_assert(certify(1, "TX-2", two));
	cr_expect_eq(get("/enroll/nobody").status, 404);
}

Test(enroll, counts_each_source)
{
	struct answer a;

	conf.per_minute = 3;
	tune();
	for (int i = 0; i < 3; i++)
		cr_expect_eq(get("/enroll/phones").status, 403);
	a = get("/enroll/phones");
	cr_expect_eq(a.status, 429);
	cr_expect_eq(a.retry_after_s, 60);
	cr_expect_eq(post(&portal, "/ota/phones", "x", 1).status, 429);
	cr_expect_eq(operate("/v1/enroll/links", "{}").status, 404, "operators are not counted");
}

/* A device's attributes, signed with `client`'s certificate. */
static struct mst_slice attributes(const struct mst_pkiclient *client, const char *udid, const char *challenge)
{
	struct mst_cms_key key;
	struct mst_cms_sign what = {.key = &key, .cert = client->cert, .digest = MST_CMS_SHA256};
	struct mst_slice out;
	struct mst_err e;

	mst_key_cms(&key, client->key);
	what.content = mst_slice_str(rig_text(kit.rig,
					      PLIST_HEAD "<key>UDID</key><string>%s</string><key>CHALLENGE</key><string>%s</string>"
							 "<key>SERIAL</key><string>C0FFEE</string><key>PRODUCT</key><string>iPhone12,1"
							 "</string><key>VERSION</key><string>20A362</string>" PLIST_TAIL,
					      udid, challenge));
	cr_assert_eq(mst_cms_sign(&out, &kit.rig->arena, &what, &e), 0, "%s", e.text);
	return out;
}

static struct answer send_attributes(const struct mst_pkiclient *client, const char *udid, const char *challenge)
{
	struct mst_slice body = attributes(client, udid, challenge);
	return post(&portal, "/ota/phones", body.at, body.len);
}

Test(enroll, the_profile_service_has_three_phases)
{
	struct mst_pkiclient factory = scep_kit_device(&kit, 0), device = scep_kit_device(&kit, 1);
	const struct mst_plist *root = open_profile(get(new_link("ipad", ",\"dns\":[\"ipad.example\"]", "ota_url")));
	const struct mst_plist *content;
	struct mst_cert *cert;
	struct mst_err e;
	char *challenge;

	cr_expect_str_eq(text_of(root, "PayloadType"), "Profile Service");
	cr_assert_eq(mst_plist_dict0(root, &content, "PayloadContent", &e), 1);
	cr_expect_str_eq(text_of(content, "URL"), "https://mdm.example:10443/ota/phones");
	challenge = challenge_of(root);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CHALLENGE), 0, "phase 1 promises nothing");

	root = open_profile(send_attributes(&factory, "UDID-0001", challenge));
	cr_expect_null(payload(root, "com.apple.mdm"));
	cert = certify(1, "TX-1", challenge_of(root));
	cr_assert(cert);
	cr_expect_str_eq(name_of(cert), "ipad", "the link says who");
	cr_expect_eq(send_attributes(&factory, "UDID-0001", challenge).status, 410);

	cr_assert_eq(mst_pkiclient_adopt(&device, cert->der, &e), 0);
	root = open_profile(send_attributes(&device, "UDID-0001", ""));
	cr_expect(payload(root, "com.apple.mdm"));
	cert = certify(2, "TX-2", challenge_of(root));
	cr_assert(cert);
	cr_expect_str_eq(name_of(cert), "ipad");
	cr_expect(memmem(cert->san.at, cert->san.len, "ipad.example", 12));

	scep_kit_revoke(&kit, &device.parsed);
	cr_expect_eq(send_attributes(&device, "UDID-0001", "").status, 403, "revoked");
}

Test(enroll, the_profile_service_refuses)
{
	struct mst_pkiclient factory = scep_kit_device(&kit, 0);
	char *challenge = challenge_of(open_profile(get(new_link("ipad", "", "ota_url"))));
	struct mst_slice good = attributes(&factory, "UDID-0001", challenge);
	uint8_t *bad = mst_arena_get(&kit.rig->arena, good.len);

	memcpy(bad, good.at, good.len);
	bad[good.len - 1] ^= 1;
	cr_expect_eq(post(&portal, "/ota/phones", bad, good.len).status, 403, "another signature");
	cr_expect_eq(post(&portal, "/ota/phones", good.at, good.len - 1).status, 400);
	cr_expect_eq(post(&portal, "/ota/phones", "", 0).status, 400);
	cr_expect_eq(post(&portal, "/ota/phones", "<plist/>", 8).status, 400);
	cr_expect_eq(post(&portal, "/ota/nobody", good.at, good.len).status, 404);
	cr_expect_eq(send_attributes(&factory, "UDID-0001", "").status, 403);
	cr_expect_eq(send_attributes(&factory, "UDID-0001", "000000000000000000000000000000000000000000000000").status, 404);
	cr_expect_eq(send_attributes(&factory, "", challenge).status, 400);
	conf.apple_pem = conf.cert_pem;
	tune();
	cr_expect_eq(send_attributes(&factory, "UDID-0001", challenge).status, 403, "not of the factory");
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CHALLENGE), 0);
}

Test(enroll, an_open_service_gives_its_challenge_to_one_device)
{
	struct mst_pkiclient factory = scep_kit_device(&kit, 0);
	struct mst_cert *cert;
	char *challenge;

	conf.is_open = true;
	tune();
	challenge = challenge_of(open_profile(get("/ota/phones")));
	cr_expect_eq(get(rig_text(kit.rig, "/enroll/phones/%s", challenge)).status, 404, "not before it said who it is");
	cr_expect_not_null(open_profile(send_attributes(&factory, "UDID-0001", challenge)));
	cr_expect_eq(send_attributes(&factory, "UDID-0002", challenge).status, 403);
	cert = certify(1, "TX-1", challenge_of(open_profile(send_attributes(&factory, "UDID-0001", challenge))));
	cr_assert(cert);
	cr_expect_str_eq(name_of(cert), "UDID-0001");
}

/* The peer that TLS makes of a certificate of ours. */
static struct link link_of(const struct mst_cert *cert)
{
	struct link link = {.has_peer = true, .gate = MST_GATE_PORTAL};

	mst_sha256(link.peer.sha256, cert->der);
	mst_sha256(link.peer.ca, kit.issuer->cert.spki);
	mst_sha256(link.peer.subject, cert->subject);
	link.peer.not_before = cert->not_before;
	link.peer.not_after = cert->not_after;
	mst_cert_name(link.peer.name, sizeof(link.peer.name), cert);
	return link;
}

static struct mst_slice installed(struct answer a)
{
	const struct mst_plist *command;
	const struct mst_plist *root;
	struct mst_slice bytes, out;
	struct mst_err e;

	cr_assert_eq(a.status, 200);
	cr_assert_eq(mst_plist_parse(&root, &kit.rig->arena, mst_slice(a.body, a.len), &mst_plist_limits_device, &e), 0, "%s", e.text);
	cr_assert_eq(mst_plist_dict0(root, &command, "Command", &e), 1);
	cr_expect_str_eq(text_of(command, "RequestType"), "InstallProfile");
	cr_assert_eq(mst_plist_data0(command, &bytes, "Payload", &e), 1);
	cr_assert(mst_arena_copy(&kit.rig->arena, &out, bytes));
	return out;
}

Test(enroll, renews_an_enrolled_device)
{
	struct mst_cert *cert = certify(0, "TX-1", challenge_of(open_profile(get(new_link("UDID-0001", "", "url"))))), *next;
	struct link link, renewed;
	struct mst_slice profile;
	struct answer a;
	char *uuid;

	cr_assert(cert);
	link = link_of(cert);
	cr_expect_eq(operate("/v1/enroll/renew/UDID-0001", "").status, 404);
	cr_assert_eq(rig_authenticate(kit.rig, &link, "UDID-0001"), 200);
	cr_expect_eq(operate("/v1/enroll/renew/UDID-0001", "").status, 409, "not enrolled yet");
	cr_assert_eq(rig_token_update(kit.rig, &link, "UDID-0001", ""), 200);
	mst_clock_fake(mst_clock_wall_ms() + 86400000);
	a = operate("/v1/enroll/renew/UDID-0001", "");
	cr_assert_eq(a.status, 200, "%s", a.body);
	uuid = member(a, "command_uuid");
	cr_expect_str_eq(member(a, "common_name"), "UDID-0001");
	profile = installed(rig_idle(kit.rig, &link, "UDID-0001"));
	next = certify(1, "TX-2", challenge_of(open_profile((struct answer){.status = 200, .type = "application/x-apple-aspen-config",
									    .extra = "Cache-Control: no-store",
									    .body = (char *)(uintptr_t)profile.at, .len = profile.len})));
	cr_assert(next);
	renewed = link_of(next);
	cr_expect_eq(rig_status(kit.rig, &renewed, "UDID-0001", "Acknowledged", uuid).status, 200, "the new identity is taken");
	cr_expect_eq(rig_idle(kit.rig, &link, "UDID-0001").status, 403, "the old one no more");
	cr_expect_eq(operate("/v1/enroll/renew/UDID-0001", "{\"common_name\":\"other\"}").status, 200, "only a name that fits");
	cr_expect_eq(operate("/v1/enroll/renew/UDID-0001:USER", "").status, 400);
	cr_expect_eq(operate("/v1/enroll/renew/UDID-0001", "[").status, 400);
	cr_expect_eq(operate("/v1/enroll/renew/UDID-0001%2Fx", "").status, 404);
}

Test(enroll, does_not_lock_a_device_out)
{
	struct mst_cert *cert = certify(0, "TX-1", challenge_of(open_profile(get(new_link("UDID-0002", ",\"common_name\":\"Ann\"", "url")))));
	struct link link = link_of(cert), other = rig_enrol(kit.rig, "UDID-0003");
	struct answer a;

	cr_assert_eq(rig_authenticate(kit.rig, &link, "UDID-0002"), 200);
	cr_assert_eq(rig_token_update(kit.rig, &link, "UDID-0002", ""), 200);
	a = operate("/v1/enroll/renew/UDID-0002", "");
	cr_expect_eq(a.status, 409, "%s", a.body);
	a = operate("/v1/enroll/renew/UDID-0003", "");
	cr_expect_eq(a.status, 409, "another CA's: %s", a.body);
	cr_expect(other.has_peer);
}

Test(enroll, a_broken_store_promises_nothing)
{
	char *link = new_link("UDID-0001", "", "url");

	mst_store_break(kit.rig->app.store, true);
	cr_expect_eq(get(link).status, 503);
	cr_expect_eq(operate("/v1/enroll/links", "{\"authority\":\"phones\",\"device\":\"D\"}").status, 503);
	mst_store_break(kit.rig->app.store, false);
	cr_expect_eq(get(link).status, 200);
	kit.rig->is_cold = true;
	cr_expect_eq(get(link).status, 200, "from disk");
	kit.rig->is_cold = false;
	kit.rig->makes_orphans = true;
	cr_expect_eq(get(link).status, 200, "nobody waits for it any more");
	kit.rig->makes_orphans = false;
	tune();
	cr_expect_eq(get(link).status, 200);
}

/* A reload in the middle: what began goes on with what it had. */
Test(enroll, survives_a_reload)
{
	char *link = new_link("UDID-0001", "", "url");
	struct deal *deal = rig_begin(kit.rig, &portal, (struct ask){.has_method = true, .method = MST_GET, .target = link});

	tune();
	cr_expect_eq(rig_end(kit.rig, deal).status, 200);
}
