/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/authorities through whole pipelines: made, listed, shown, imported, retired, refused. */
#include "muster/csr.h"
#include "muster/json.h"
#include "muster/text.h"
#include "rig.h"

static struct rig *rig;
static struct link control;
static struct mst_issuers *live;
static uint32_t num_changes;

/* What main does: another snapshot. */
static void on_issuers_changed(struct mst_app *app)
{
	struct mst_err e;

	mst_issuers_free(&live);
	cr_assert_eq(mst_issuers_load(&live, app->store, app->seal, &e), 0, "%s", e.text);
	app->issuers = live;
	num_changes++;
}

static void begin(void)
{
	rig = rig_new();
	control = rig_control();
	num_changes = 0;
	rig->app.on_issuers_changed = on_issuers_changed;
}

static void end(void)
{
	mst_issuers_free(&live);
	rig_free(rig);
}

TestSuite(authority, .init = begin, .fini = end, .timeout = 120);

static struct answer ask(enum mst_method method, const char *target, const char *body)
{
	return rig_ask(rig, &control, (struct ask){.has_method = true, .method = method, .target = target, .body = body});
}

static struct answer make(const char *body)
{
	return ask(MST_POST, "/v1/authorities", body);
}

/* A member of a JSON answer as text; NULL when absent. */
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

static void expect_text(struct answer a, const char *key, const char *want)
{
	char *text = member(a, key);
	cr_expect(text && strcmp(text, want) == 0, "%s is %s, not %s", key, text ? text : "absent", want);
}

static struct mst_slice der_of(const char *pem_text)
{
	struct mst_slice label, der, pem = mst_slice_str(pem_text);
	struct mst_err e;

	cr_assert_eq(mst_pem_next(&label, &der, &pem, &rig->arena, &e), 1, "%s", e.text);
	return der;
}

Test(authority, p256_is_made_and_shown)
{
	struct answer a = make("{\"name\":\"phones\",\"common_name\":\"Phones CA\",\"organization\":\"Org\",\"days\":100,\"makes_challenge\":true,"
			       "\"template\":{\"days\":30,\"takes_ec\":false,\"key_usage\":[\"digitalSignature\"],\"hash_bits\":384},"
			       "\"crl_hours\":48,\"crl_url\":\"http://crl.example/phones.crl\"}");
	const struct mst_issuer *issuer;
	struct answer shown, list;
	struct mst_cert cert;
	char *challenge;
	uint8_t hash[32];

	cr_assert_eq(a.status, 201, "%d %s", a.status, a.body);
	expect_text(a, "state", "active");
	expect_text(a, "kind", "p256");
	expect_text(a, "common_name", "Phones CA");
	challenge = member(a, "challenge");
	cr_assert(challenge && strlen(challenge) == 32);
	cr_assert_eq(mst_cert_parse(&cert, der_of(member(a, "certificate")), NULL), 0);
	cr_expect(cert.is_ca);
	cr_expect_eq(num_changes, 1);
	issuer = mst_issuers_find0(live, MST_S("phones"));
	cr_assert(issuer && live->trust);
	mst_sha256(hash, mst_slice_str(challenge));
	cr_expect(mst_slice_eq(issuer->record.challenge_sha256, mst_slice(hash, 32)));
	cr_expect_eq(issuer->record.template.days, 30);
	cr_expect_eq(issuer->record.template.key_usage, MST_KU_SIGN);
	cr_expect_eq(issuer->record.template.hash_bits, 384);
	cr_expect_not(issuer->record.template.takes_ec);
	cr_expect(issuer->ra_key && issuer->ocsp_key);

	shown = rig_get(rig, "/v1/authorities/phones");
	cr_assert_eq(shown.status, 200);
	cr_expect_str_eq(member(shown, "certificate"), member(a, "certificate"));
	cr_expect_null(member(shown, "challenge"), "shown once");
	cr_expect_null(strstr(shown.body, "PRIVATE"));
	list = rig_get(rig, "/v1/authorities");
	cr_expect(list.status == 200 && strstr(list.body, "\"phones\"") && !strstr(list.body, "BEGIN"), "%s", list.body);
	cr_expect_eq(make("{\"name\":\"phones\"}").status, 409);
	cr_expect_eq(rig_get(rig, "/v1/authorities/nobody").status, 404);
}

Test(authority, rsa_is_made_and_published)
{
	struct answer a = make("{\"name\":\"rsa\",\"kind\":\"rsa2048\",\"challenge_sha256\":"
			       "\"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\"}");
	struct answer pem, der;

	cr_assert_eq(a.status, 201, "%d %s", a.status, a.body);
	cr_expect_null(member(a, "challenge"));
	cr_expect_null(mst_issuers_find0(live, MST_S("rsa"))->ra_key);
	pem = rig_get(rig, "/v1/authorities/rsa/certificate");
	cr_expect(pem.status == 200 && strcmp(pem.type, "application/x-pem-file") == 0);
	der = rig_get(rig, "/v1/authorities/rsa/certificate?format=der");
	cr_expect(der.status == 200 && strcmp(der.type, "application/pkix-cert") == 0);
	cr_expect(mst_slice_eq(der_of(pem.body), mst_slice(der.body, der.len)));
	cr_expect_eq(rig_get(rig, "/v1/authorities/rsa/certificate?format=xml").status, 400);
	cr_expect_eq(rig_get(rig, "/v1/authorities/nobody/certificate").status, 404);
}

/* The certificate a CA of the test's own makes for the request, and that CA's behind it. */
static char *certify(const char *csr_pem, bool is_ca)
{
	struct mst_issue root = {.common_name = "Root", .not_before = 1000, .not_after = 4000000000, .is_ca = true,
				 .key_usage = MST_KU_CERT_SIGN | MST_KU_CRL_SIGN};
	struct mst_issue below = {.common_name = "Below", .not_before = 1000, .not_after = 3900000000, .is_ca = is_ca,
				  .key_usage = MST_KU_CERT_SIGN | MST_KU_CRL_SIGN | MST_KU_SIGN};
	struct mst_slice root_der, der, a, b;
	struct mst_csr csr;
	struct mst_key *key;
	struct mst_err e;

	cr_assert_eq(mst_csr_read(&csr, der_of(csr_pem), &e), 0, "%s", e.text);
	below.spki = csr.spki;
	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0);
	cr_assert_eq(mst_key_spki(&root.spki, &rig->arena, key, &e), 0);
	cr_assert_eq(mst_issue_write(&root_der, &rig->arena, &root, mst_slice(NULL, 0), key, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(mst_issue_write(&der, &rig->arena, &below, root_der, key, NULL, &e), 0, "%s", e.text);
	mst_key_free(&key);
	cr_assert_eq(mst_pem_put(&a, &rig->arena, "CERTIFICATE", der, &e), 0);
	cr_assert_eq(mst_pem_put(&b, &rig->arena, "CERTIFICATE", root_der, &e), 0);
	return rig_text(rig, "%.*s%.*s", (int)a.len, (const char *)a.at, (int)b.len, (const char *)b.at);
}

Test(authority, pending_is_imported)
{
	struct answer a = make("{\"name\":\"below\",\"intermediate\":true}"), b;
	char *csr;

	cr_assert_eq(a.status, 201, "%d %s", a.status, a.body);
	expect_text(a, "state", "pending");
	csr = member(a, "csr");
	cr_assert_not_null(csr);
	cr_expect_null(member(a, "certificate"));
	cr_expect_eq(rig_get(rig, "/v1/authorities/below/certificate").status, 409);
	cr_expect_eq(ask(MST_PUT, "/v1/authorities/below/certificate", "rubbish").status / 100, 4);
	cr_expect_eq(ask(MST_PUT, "/v1/authorities/below/certificate", certify(csr, false)).status, 403, "no CA's");
	cr_expect_eq(ask(MST_PUT, "/v1/authorities/other/certificate", certify(csr, true)).status, 404);
	cr_expect_eq(make("{\"name\":\"another\",\"intermediate\":true}").status, 201);
	cr_expect_eq(ask(MST_PUT, "/v1/authorities/another/certificate", certify(csr, true)).status, 403, "another's key");
	cr_expect_null(live->trust, "pending ones vouch for nobody");
	b = ask(MST_PUT, "/v1/authorities/below/certificate", certify(csr, true));
	cr_assert_eq(b.status, 200, "%d %s", b.status, b.body);
	expect_text(b, "state", "active");
	cr_expect_null(member(b, "csr"));
	b = rig_get(rig, "/v1/authorities/below/certificate");
	cr_expect(strstr(strstr(b.body, "BEGIN") + 1, "BEGIN"), "with its chain");
	cr_assert(mst_issuers_find0(live, MST_S("below")));
	cr_expect(live->trust);
	b = ask(MST_PUT, "/v1/authorities/below/certificate", certify(csr, true));
	cr_expect_eq(b.status, 200, "a newer one: %s", b.body);
	/* A pending one leaves no trace. */
	cr_expect_eq(ask(MST_POST, "/v1/authorities/another/retire", NULL).status, 200);
	cr_expect_eq(rig_get(rig, "/v1/authorities/another").status, 404);
}

Test(authority, retired_is_for_good)
{
	struct answer a;

	cr_assert_eq(make("{\"name\":\"phones\"}").status, 201);
	a = ask(MST_POST, "/v1/authorities/phones/retire", NULL);
	cr_assert_eq(a.status, 200, "%d %s", a.status, a.body);
	expect_text(a, "state", "retired");
	cr_expect_eq(mst_issuers_find0(live, MST_S("phones"))->record.state, MST_AUTHORITY_RETIRED);
	cr_expect(live->trust, "what it certified is still ours");
	cr_expect_eq(ask(MST_POST, "/v1/authorities/phones/retire", NULL).status, 200);
	cr_expect_eq(num_changes, 2, "nothing changed the second time");
	cr_expect_eq(ask(MST_PUT, "/v1/authorities/phones/certificate", member(a, "certificate")).status, 409);
	cr_expect_eq(ask(MST_POST, "/v1/authorities/nobody/retire", NULL).status, 404);
}

Test(authority, names_its_successor)
{
	static const struct {
		const char *name, *body;
		int status;
	} rows[] = {
		{"old", "{\"successor\":\"nobody\"}", 404}, {"nobody", "{\"successor\":\"new\"}", 404},
		{"old", "{\"successor\":\"old\"}", 400},    {"old", "{\"successor\":\"\"}", 400},
		{"old", "{}", 400},                          {"old", "[]", 400},
		{"old", "{\"successor\":7}", 400},          {"old", "{\"successor\":null,\"surprise\":1}", 400},
		{"old", "{\"successor\":\"below\"}", 409},  {"below", "{\"successor\":\"new\"}", 409},
		{"old", "{\"successor\":null}", 200},
	};
	struct answer a;

	cr_assert_eq(make("{\"name\":\"old\"}").status, 201);
	cr_assert_eq(make("{\"name\":\"new\"}").status, 201);
	cr_assert_eq(make("{\"name\":\"below\",\"intermediate\":true}").status, 201);
	num_changes = 0;
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		a = ask(MST_PUT, rig_text(rig, "/v1/authorities/%s/successor", rows[i].name), rows[i].body);
		cr_expect_eq(a.status, rows[i].status, "%s %s: %d %s", rows[i].name, rows[i].body, a.status, a.body);
	}
	cr_expect_eq(num_changes, 0);
	for (int i = 0; i < 2; i++) {
		a = ask(MST_PUT, "/v1/authorities/old/successor", "{\"successor\":\"new\"}");
		cr_assert_eq(a.status, 200, "%d %s", a.status, a.body);
		expect_text(a, "successor", "new");
	}
	cr_expect_eq(num_changes, 1, "nothing changed the second time");
	expect_text(rig_get(rig, "/v1/authorities/old"), "successor", "new");
	cr_expect(strstr(rig_get(rig, "/v1/authorities").body, "\"successor\":\"new\""));
	cr_expect_null(member(rig_get(rig, "/v1/authorities/new"), "successor"));
	a = ask(MST_PUT, "/v1/authorities/old/successor", "{\"successor\":null}");
	cr_expect(a.status == 200 && !member(a, "successor"), "%d %s", a.status, a.body);
	cr_expect_eq(mst_issuers_find0(live, MST_S("old"))->record.successor.len, 0);
	cr_expect_eq(ask(MST_POST, "/v1/authorities/new/retire", NULL).status, 200);
	cr_expect_eq(ask(MST_PUT, "/v1/authorities/old/successor", "{\"successor\":\"new\"}").status, 409);
}

Test(authority, bad_input)
{
	static const char *const rows[] = {
		"{", "[]", "{}", "{\"name\":\"UPPER\"}", "{\"name\":\"\"}", "{\"name\":7}", "{\"name\":\"a b\"}",
		"{\"name\":\"a\",\"kind\":\"dsa\"}", "{\"name\":\"a\",\"days\":0}", "{\"name\":\"a\",\"days\":-1}",
		"{\"name\":\"a\",\"days\":4294967297}", "{\"name\":\"a\",\"crl_hours\":0}", "{\"name\":\"a\",\"crl_url\":\"ftp://x\"}",
		"{\"name\":\"a\",\"surprise\":1}", "{\"name\":\"a\",\"template\":{\"takes-ec\":false}}",
		"{\"name\":\"a\",\"template\":{\"key_usage\":[\"keyCertSign\"]}}", "{\"name\":\"a\",\"template\":{\"rsa_bits_min\":1024}}",
		"{\"name\":\"a\",\"template\":{\"hash_bits\":160}}", "{\"name\":\"a\",\"template\":{\"days\":0}}",
		"{\"name\":\"a\",\"template\":{\"ext_key_usage\":[\"any\"]}}", "{\"name\":\"a\",\"challenge_sha256\":\"00\"}",
		"{\"name\":\"a\",\"common_name\":\"a\\u0007\"}", "{\"name\":\"a\",\"path_len\":9}",
		"{\"name\":\"a\",\"makes_challenge\":true,\"challenge_sha256\":\"00\"}",
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct answer a = make(rows[i]);
		cr_expect_eq(a.status, 400, "%s: %d %s", rows[i], a.status, a.body);
	}
	cr_expect_eq(rig_num_records(rig, MST_SPACE_AUTHORITY), 0);
	cr_expect_eq(num_changes, 0);
}

Test(authority, broken_store)
{
	cr_assert_eq(make("{\"name\":\"first\"}").status, 201);
	cr_assert_eq(make("{\"name\":\"second\"}").status, 201);
	mst_store_break(rig->app.store, true);
	cr_expect_eq(make("{\"name\":\"phones\"}").status, 503);
	cr_expect_eq(ask(MST_POST, "/v1/authorities/first/retire", NULL).status, 503);
	cr_expect_eq(ask(MST_PUT, "/v1/authorities/first/successor", "{\"successor\":\"second\"}").status, 503);
	cr_expect_eq(rig_get(rig, "/v1/authorities").status, 200);
	cr_expect_eq(num_changes, 2);
	mst_store_break(rig->app.store, false);
	cr_expect_eq(make("{\"name\":\"phones\"}").status, 201);
}

/* Two at once with one name: one is made. Two names: both are, though each saw the same number before. */
Test(authority, made_at_once)
{
	static const char *const bodies[] = {"{\"name\":\"one\"}", "{\"name\":\"two\"}", "{\"name\":\"one\"}"};
	struct deal *deals[MST_LEN(bodies)];
	struct link links[MST_LEN(bodies)];
	int made = 0, refused = 0;

	for (size_t i = 0; i < MST_LEN(bodies); i++) {
		links[i] = rig_control();
		deals[i] = rig_begin(rig, &links[i],
				     (struct ask){.has_method = true, .method = MST_POST, .target = "/v1/authorities", .body = bodies[i]});
	}
	for (size_t i = 0; i < MST_LEN(bodies); i++) {
		int status = rig_end(rig, deals[i]).status;
		made += status == 201;
		refused += status == 409;
	}
	cr_expect(made == 2 && refused == 1, "%d made, %d refused", made, refused);
}

Test(authority, needs_a_key)
{
	struct link portal = {.gate = MST_GATE_PORTAL};
	struct ask wish = {.has_method = true, .method = MST_POST, .target = "/v1/authorities", .body = "{}"};

	cr_expect_eq(rig_ask(rig, &portal, wish).status, 401);
}
