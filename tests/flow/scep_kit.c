/* SPDX-License-Identifier: Apache-2.0 */
/* An authority in the rig's store, and devices that speak SCEP with it. */
#include "scep_kit.h"

#include <stdlib.h>

#include "muster/clock.h"
#include "muster/json.h"

static void commit(struct scep_kit *kit, struct mst_batch *b)
{
	cr_assert_eq(mst_store_commit_here(kit->rig->app.store, b), 0, "%s", b->err.text);
}

static void load(struct scep_kit *kit)
{
	struct mst_err e;

	mst_issuers_free(&kit->issuers);
	cr_assert_eq(mst_issuers_load(&kit->issuers, kit->rig->app.store, kit->rig->seal, &e), 0, "%s", e.text);
	kit->rig->app.issuers = kit->issuers;
	kit->issuer = mst_issuers_find0(kit->issuers, MST_S("phones"));
	cr_assert(kit->issuer);
	kit->ra = kit->issuer->ra_key ? &kit->issuer->ra_cert : &kit->issuer->cert;
}

static void add(struct scep_kit *kit, const char *name, enum mst_key_kind kind, const char *fixed)
{
	struct mst_authority_wish wish = {
		.name = mst_slice_str(name),
		.common_name = name,
		.kind = kind,
		.days = 3650,
		.template = {.days = 365, .key_usage = MST_KU_SIGN | MST_KU_ENCIPHER, .ext_key_usage = MST_EKU_CLIENT, .rsa_bits_min = 2048,
			     .takes_ec = true, .hash_bits = 256},
		.crl_hours = 24,
	};
	struct mst_authority a;
	struct mst_batch b;
	struct mst_err e;
	uint8_t hash[32];

	cr_assert_eq(mst_authority_make(&a, &kit->rig->arena, &wish, &e), 0, "%s", e.text);
	if (fixed) {
		mst_sha256(hash, mst_slice_str(fixed));
		a.challenge_sha256 = mst_slice(hash, sizeof(hash));
	}
	mst_batch_init(&b, &kit->rig->arena, NULL, NULL);
	cr_assert_eq(mst_authority_put(&b, &a, kit->rig->seal, &e), 0, "%s", e.text);
	commit(kit, &b);
}

void scep_kit_begin(struct scep_kit *kit, enum mst_key_kind kind, const char *fixed_challenge)
{
	struct mst_err e;

	*kit = (struct scep_kit){.rig = rig_new(), .link = {.gate = MST_GATE_PLAIN}};
	add(kit, "phones", kind, fixed_challenge);
	add(kit, "others", MST_KEY_P256, NULL);
	load(kit);
	for (size_t i = 0; i < SCEP_NUM_KEYS; i++)
		cr_assert_eq(mst_key_read(&kit->keys[i], mst_slice_str(scep_keys[i]), &e), 0, "%s", e.text);
}

void scep_kit_end(struct scep_kit *kit)
{
	for (size_t i = 0; i < SCEP_NUM_KEYS; i++)
		mst_key_free(&kit->keys[i]);
	mst_issuers_free(&kit->issuers);
	rig_free(kit->rig);
}

struct look {
	struct mst_read read;
	struct scep_kit *kit;
	const struct mst_cert *cert;
	struct mst_issued *issued;
	struct mst_authority authority;
	int found;
};

static int authority_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, read);
	look->found = mst_authority_get(r, &look->authority, look->kit->issuer->record.id, look->kit->rig->seal);
	return look->found < 0 ? -1 : 0;
}

void scep_kit_change(struct scep_kit *kit, void (*change)(struct mst_authority *a))
{
	struct look look = {.read = {.arena = &kit->rig->arena, .plan = authority_plan}, .kit = kit};
	struct mst_batch b;
	struct mst_err e;

	cr_assert_eq(mst_store_read_here(kit->rig->app.store, &look.read), 0, "%s", look.read.err.text);
	cr_assert_eq(look.found, 1);
	change(&look.authority);
	mst_batch_init(&b, &kit->rig->arena, NULL, NULL);
	cr_assert_eq(mst_authority_put(&b, &look.authority, kit->rig->seal, &e), 0, "%s", e.text);
	commit(kit, &b);
	load(kit);
}

struct mst_pkiclient scep_kit_device(struct scep_kit *kit, size_t key)
{
	struct mst_pkiclient client;
	struct mst_err e;

	cr_assert_eq(mst_pkiclient_init(&client, &kit->rig->arena, kit->keys[key], "any name", &e), 0, "%s", e.text);
	return client;
}

char *scep_kit_challenge(struct scep_kit *kit, const char *authority, const char *device, const char *more)
{
	struct link control = rig_control();
	struct answer answer = rig_ask(kit->rig, &control,
				       (struct ask){.has_method = true,
						    .method = MST_POST,
						    .target = "/v1/challenges",
						    .body = rig_text(kit->rig, "{\"authority\":\"%s\",\"device\":\"%s\"%s}", authority,
								     device, more)});
	struct mst_json_value *root;
	struct mst_slice text;
	struct mst_err e;
	char *out;

	cr_assert_eq(answer.status, 201, "%s", answer.body);
	cr_assert_eq(mst_json_parse(&root, mst_slice(answer.body, answer.len), 65536, 4, &e), 0, "%s", e.text);
	cr_assert_eq(mst_json_get_text0(root, &text, "challenge", &e), 1);
	cr_expect_eq(text.len, 32);
	out = rig_text(kit->rig, "%.*s", (int)text.len, (const char *)text.at);
	mst_json_free(&root);
	return out;
}

struct mst_slice scep_kit_csr(struct scep_kit *kit, const struct mst_pkiclient *client, const char *type, const char *transaction,
			      const char *challenge)
{
	static const char *const dns[] = {"evil.example", NULL};
	const struct mst_issue what = {.common_name = "evil", .organization = "evil", .dns = dns, .is_ca = true,
				       .key_usage = MST_KU_CERT_SIGN, .ext_key_usage = MST_EKU_SERVER | MST_EKU_OCSP};
	const struct mst_pkiclient_ask ask = {.type = type, .transaction = transaction, .cipher = MST_CMS_AES128, .to = kit->ra,
					      .nonce = {1, 2, 3}};
	struct mst_slice message;
	struct mst_err e;

	cr_assert_eq(mst_pkiclient_request(&message, client, ask, client->key, &what, challenge, &e), 0, "%s", e.text);
	return message;
}

struct answer scep_kit_post(struct scep_kit *kit, struct mst_slice message)
{
	return rig_ask(kit->rig, &kit->link,
		       (struct ask){.has_method = true,
				    .method = MST_POST,
				    .target = "/scep/phones/pkiclient.exe?operation=PKIOperation",
				    .type = "application/x-pki-message",
				    .body = message.at,
				    .len = message.len});
}

struct mst_pkiclient_reply scep_kit_reply(struct scep_kit *kit, const struct mst_pkiclient *client, struct answer answer,
					  struct mst_cert *cert)
{
	struct mst_pkiclient_reply reply;
	struct mst_err e;

	cr_assert_eq(answer.status, 200, "%s", answer.body);
	cr_assert_str_eq(answer.type, "application/x-pki-message");
	cr_assert_eq(mst_pkiclient_read(&reply, client, kit->ra, mst_slice(answer.body, answer.len), &e), 0, "%s", e.text);
	cr_expect_eq(reply.digest, MST_CMS_SHA256);
	cr_assert_eq(reply.recipient_nonce.len, 16);
	cr_expect_eq(reply.recipient_nonce.at[2], 3);
	if (cert) {
		cr_assert_eq(reply.status, 0, "failInfo %d", reply.fail);
		cr_assert_eq(reply.inside.num_certs, 1, "only the certificate that was issued");
		cr_assert_eq(mst_cert_parse(cert, reply.inside.certs[0], &e), 0, "%s", e.text);
	}
	return reply;
}

static int issued_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, read);
	uint8_t serial[16];
	struct mst_err e;

	cr_assert_eq(mst_issued_serial(serial, look->cert->serial, &e), 0, "%s", e.text);
	look->found = mst_issued_get(r, look->issued, look->kit->issuer->record.id, serial, NULL);
	return look->found < 0 ? -1 : 0;
}

bool scep_kit_issued(struct scep_kit *kit, const struct mst_cert *cert, struct mst_issued *out)
{
	struct look look = {.read = {.arena = &kit->rig->arena, .plan = issued_plan}, .kit = kit, .cert = cert, .issued = out};

	cr_assert_eq(mst_store_read_here(kit->rig->app.store, &look.read), 0, "%s", look.read.err.text);
	return look.found == 1;
}

void scep_kit_revoke(struct scep_kit *kit, const struct mst_cert *cert)
{
	struct mst_issued issued;
	struct mst_batch b;
	struct mst_err e;

	cr_assert(scep_kit_issued(kit, cert, &issued));
	mst_batch_init(&b, &kit->rig->arena, NULL, NULL);
	cr_assert_eq(mst_issued_revoke(&b, &issued, 4, mst_clock_wall_ms(), NULL, &e), 0, "%s", e.text);
	commit(kit, &b);
}
