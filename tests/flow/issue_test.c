/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/certificates through whole pipelines: issued, recorded, refused. */
#include "muster/csr.h"
#include "muster/issued.h"
#include "muster/json.h"
#include "rig.h"

static struct rig *rig;
static struct link control;
static struct mst_issuers *live;

static void on_issuers_changed(struct mst_app *app)
{
	struct mst_err e;

	mst_issuers_free(&live);
	cr_assert_eq(mst_issuers_load(&live, app->store, app->seal, &e), 0, "%s", e.text);
	app->issuers = live;
}

static struct answer post(const char *target, const char *body)
{
	return rig_ask(rig, &control, (struct ask){.has_method = true, .method = MST_POST, .target = target, .body = body});
}

static void begin(void)
{
	rig = rig_new();
	control = rig_control();
	rig->app.on_issuers_changed = on_issuers_changed;
	cr_assert_eq(post("/v1/authorities", "{\"name\":\"phones\"}").status, 201);
}

static void end(void)
{
	mst_issuers_free(&live);
	rig_free(rig);
}

TestSuite(issue, .init = begin, .fini = end, .timeout = 120);

static char *member(struct answer a, const char *key)
{
	struct mst_json_value *root;
	struct mst_slice text;
	struct mst_err e;
	char *out = NULL;

	cr_assert_eq(mst_json_parse(&root, mst_slice(a.body, a.len), 1 << 20, 8, &e), 0, "%s: %s", e.text, a.body);
	if (mst_json_get_text0(root, &text, key, NULL) == 1)
		out = rig_text(rig, "%.*s", (int)text.len, (const char *)text.at);
	mst_json_free(&root);
	return out;
}

static struct mst_slice der_of(const char *pem_text)
{
	struct mst_slice label, der, pem = mst_slice_str(pem_text);
	struct mst_err e;

	cr_assert_eq(mst_pem_next(&label, &der, &pem, &rig->arena, &e), 1, "%s", e.text);
	return der;
}

/* A request that asks to be a CA, as a JSON string; `harm` spoils its signature. */
static char *csr_text(enum mst_key_kind kind, bool harm, struct mst_slice *spki)
{
	struct mst_issue what = {.common_name = "somebody else", .is_ca = true, .key_usage = MST_KU_CERT_SIGN,
				 .dns = (const char *const[]){"evil.example", NULL}};
	struct mst_slice der, pem, text;
	struct mst_key *key;
	struct mst_json j;
	struct mst_err e;

	cr_assert_eq(mst_key_new(&key, kind, &e), 0);
	cr_assert_eq(mst_csr_write(&der, &rig->arena, &what, key, NULL, &e), 0, "%s", e.text);
	if (spki)
		cr_assert_eq(mst_key_spki(spki, &rig->arena, key, &e), 0);
	mst_key_free(&key);
	if (harm)
		((uint8_t *)(uintptr_t)der.at)[der.len - 1] ^= 1;
	cr_assert_eq(mst_pem_put(&pem, &rig->arena, "CERTIFICATE REQUEST", der, &e), 0);
	mst_json_begin(&j, &rig->arena);
	mst_json_open_array(&j, NULL);
	mst_json_text(&j, NULL, pem);
	mst_json_close(&j);
	cr_assert_eq(mst_json_end(&j, &text, &e), 0);
	return rig_text(rig, "%.*s", (int)text.len - 2, (const char *)text.at + 1);
}

static struct answer issue(const char *authority, const char *more, const char *csr)
{
	return post("/v1/certificates", rig_text(rig, "{\"authority\":\"%s\"%s,\"csr\":%s}", authority, more, csr));
}

#define NAMED ",\"common_name\":\"phone 1\""

Test(issue, by_the_template_only)
{
	struct mst_slice spki;
	char *csr = csr_text(MST_KEY_P256, false, &spki);
	struct answer a = issue("phones", NAMED ",\"dns\":[\"a.example\"],\"organization\":\"Org\",\"device\":\"UDID1\"", csr), shown;
	struct mst_slice der, ca;
	struct mst_trust *trust;
	struct mst_cert cert;
	struct mst_peer peer;
	struct mst_err e;

	cr_assert_eq(a.status, 201, "%d %s", a.status, a.body);
	cr_expect_str_eq(member(a, "common_name"), "phone 1");
	der = der_of(member(a, "certificate"));
	cr_assert_eq(mst_cert_parse(&cert, der, &e), 0);
	cr_expect_not(cert.is_ca);
	cr_expect(mst_slice_eq(cert.spki, spki));
	cr_expect(mst_slice_eq(cert.common_name, MST_S("phone 1")));
	cr_expect_null(memmem(der.at, der.len, "evil", 4));
	cr_expect_null(memmem(der.at, der.len, "somebody", 8));
	cr_expect(memmem(der.at, der.len, "a.example", 9) && memmem(der.at, der.len, "Org", 3));
	ca = der_of(member(a, "chain"));
	cr_expect(mst_slice_eq(ca, mst_issuers_find0(live, MST_S("phones"))->record.cert));
	cr_assert_eq(mst_trust_new(&trust, mst_slice_str(member(a, "chain")), &e), 0);
	cr_expect_eq(mst_trust_verify(trust, &peer, &der, 1, cert.not_before + 7200, &e), 0, "%s", e.text);
	mst_trust_free(&trust);
	shown = rig_get(rig, rig_text(rig, "/v1/certificates/phones/%s", member(a, "serial")));
	cr_assert_eq(shown.status, 200);
	cr_expect_str_eq(member(shown, "source"), "api");
	cr_expect_str_eq(member(shown, "device"), "UDID1");
	cr_expect_str_eq(member(shown, "certificate"), member(a, "certificate"));
}

Test(issue, bad_input)
{
	static const char *const bodies[] = {"{", "[]", "{}", "{\"authority\":\"phones\",\"common_name\":\"a\"}"};
	static const char *const names[] = {
		"", ",\"common_name\":\"\"", ",\"common_name\":7", ",\"common_name\":\"a\\u0007\"",
		",\"common_name\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
		NAMED ",\"dns\":[\"a b\"]", NAMED ",\"dns\":[\"\"]", NAMED ",\"dns\":\"a\"", NAMED ",\"dns\":[null]",
		NAMED ",\"surprise\":1", NAMED ",\"organization\":\"\\n\"",
		NAMED ",\"dns\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]",
	};
	static const char *const csrs[] = {"\"\"", "7", "\"rubbish\"", "\"-----BEGIN CERTIFICATE REQUEST-----\\nAAAA\\n-----END CERTIFICATE REQUEST-----\\n\""};
	char *csr = csr_text(MST_KEY_P256, false, NULL);
	struct answer a;

	for (size_t i = 0; i < MST_LEN(bodies); i++)
		cr_expect_eq(post("/v1/certificates", bodies[i]).status, 400, "%s", bodies[i]);
	for (size_t i = 0; i < MST_LEN(names); i++) {
		a = issue("phones", names[i], csr);
		cr_expect_eq(a.status, 400, "%s: %d %s", names[i], a.status, a.body);
	}
	for (size_t i = 0; i < MST_LEN(csrs); i++) {
		a = issue("phones", NAMED, csrs[i]);
		cr_expect_eq(a.status, 400, "%s: %d %s", csrs[i], a.status, a.body);
	}
	a = issue("phones", NAMED, csr_text(MST_KEY_P256, true, NULL));
	cr_expect_eq(a.status, 400, "not its own signature: %d %s", a.status, a.body);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_CERT), 0);
}

Test(issue, authorities_that_do_not)
{
	char *csr = csr_text(MST_KEY_P256, false, NULL);

	cr_expect_eq(issue("nobody", NAMED, csr).status, 404);
	cr_assert_eq(post("/v1/authorities", "{\"name\":\"below\",\"intermediate\":true}").status, 201);
	cr_expect_eq(issue("below", NAMED, csr).status, 409);
	cr_assert_eq(post("/v1/authorities", "{\"name\":\"rsa\",\"kind\":\"rsa2048\",\"template\":{\"takes_ec\":false}}").status, 201);
	cr_expect_eq(issue("rsa", NAMED, csr).status, 403, "a key the template does not take");
	cr_expect_eq(issue("rsa", NAMED, csr_text(MST_KEY_RSA2048, false, NULL)).status, 201);
	cr_assert_eq(post("/v1/authorities/phones/retire", NULL).status, 200);
	cr_expect_eq(issue("phones", NAMED, csr).status, 409);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_CERT), 1);
}

Test(issue, broken_store)
{
	char *csr = csr_text(MST_KEY_P256, false, NULL);

	mst_store_break(rig->app.store, true);
	cr_expect_eq(issue("phones", NAMED, csr).status, 503);
	mst_store_break(rig->app.store, false);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_CERT), 0);
	cr_expect_eq(issue("phones", NAMED, csr).status, 201);
}

Test(issue, needs_a_key)
{
	struct link portal = {.gate = MST_GATE_PORTAL};
	struct ask wish = {.has_method = true, .method = MST_POST, .target = "/v1/certificates", .body = "{}"};

	cr_expect_eq(rig_ask(rig, &portal, wish).status, 401);
}
