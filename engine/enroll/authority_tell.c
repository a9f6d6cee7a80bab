/* SPDX-License-Identifier: Apache-2.0 */
/* An authority as JSON, and its certificate as it is published. */
#include "authority_ask.h"
#include "bulk_ask.h"

#define PEM_TYPE  "application/x-pem-file"
#define DER_TYPE  "application/pkix-cert" /* RFC 2585 4.1 */
#define CHAIN_MAX 16                      /* an import takes eight certificates */

static void put_words(struct mst_json *j, const char *key, const struct authority_word *words, uint32_t bits)
{
	mst_json_open_array(j, key);
	for (const struct authority_word *word = words; word->text; word++)
		if (bits & word->bit)
			mst_json_text(j, NULL, mst_slice_str(word->text));
	mst_json_close(j);
}

static void put_template(struct mst_json *j, const struct mst_template *t)
{
	mst_json_open(j, "template");
	mst_json_u64(j, "days", t->days);
	put_words(j, "key_usage", mst_authority_wish_usages, t->key_usage);
	put_words(j, "ext_key_usage", mst_authority_wish_ext_usages, t->ext_key_usage);
	mst_json_u64(j, "rsa_bits_min", t->rsa_bits_min);
	mst_json_bool(j, "takes_ec", t->takes_ec);
	mst_json_u64(j, "hash_bits", t->hash_bits);
	mst_json_bool(j, "takes_names", t->takes_names);
	mst_json_close(j);
}

/* A pending one has no certificate yet. */
static int put_certificate(struct mst_json *j, const struct mst_authority *a, struct mst_err *e)
{
	static const char *const absent[] = {"common_name", "serial", "not_before", "not_after", "sha256"};
	char name[MST_NAME_MAX + 1];
	struct mst_cert cert;
	uint8_t hash[32];

	for (size_t i = 0; a->cert.len == 0 && i < MST_LEN(absent); i++)
		mst_json_null(j, absent[i]);
	if (a->cert.len == 0)
		return 0;
	if (mst_cert_parse(&cert, a->cert, e) < 0)
		return -1;
	mst_cert_name(name, sizeof(name), &cert);
	mst_sha256(hash, a->cert);
	mst_json_text(j, "common_name", mst_slice_str(name));
	mst_json_hex(j, "serial", cert.serial);
	mst_json_time(j, "not_before", cert.not_before * 1000);
	mst_json_time(j, "not_after", cert.not_after * 1000);
	mst_json_hex(j, "sha256", mst_slice(hash, sizeof(hash)));
	return 0;
}

int mst_authority_tell_put(struct mst_json *j, const struct mst_authority *a, struct mst_slice successor, struct mst_err *e)
{
	mst_json_text(j, "name", a->name);
	mst_json_text(j, "state", mst_slice_str(mst_authority_state_word(a->state)));
	mst_json_text(j, "kind", mst_slice_str(mst_bulk_kind_word(a->kind)));
	if (put_certificate(j, a, e) < 0)
		return -1;
	put_template(j, &a->template);
	mst_json_u64(j, "crl_hours", a->crl_hours);
	mst_json_text(j, "crl_url", a->crl_url);
	mst_json_text(j, "ocsp_url", a->ocsp_url);
	mst_json_bool(j, "static_challenge", a->challenge_sha256.len > 0);
	if (successor.len)
		mst_json_text(j, "successor", successor);
	else
		mst_json_null(j, "successor");
	mst_json_time(j, "created_at", a->created_ms);
	mst_json_time(j, "changed_at", a->changed_ms);
	return 0;
}

static int put_pem(struct mst_json *j, struct mst_arena *arena, const char *key, const char *label, struct mst_slice der,
		   struct mst_err *e)
{
	struct mst_slice pem;

	if (der.len == 0) {
		mst_json_null(j, key);
		return 0;
	}
	if (mst_pem_put(&pem, arena, label, der, e) < 0)
		return -1;
	mst_json_text(j, key, pem);
	return 0;
}

/* The chain's certificates stand one after the other: each one's length is in its own head (X.690 8.1.3). */
static size_t whole_len(struct mst_slice row)
{
	size_t num = row.len >= 2 && row.at[1] > 0x80 ? row.at[1] & 0x7fu : 0, len = row.len >= 2 ? row.at[1] : 0;

	if (row.len < 2 || row.at[0] != 0x30 || num > 3 || len == 0x80 || row.len < 2 + num)
		return 0;
	for (size_t i = 0; i < num; i++)
		len = (i ? len << 8 : 0) | row.at[2 + i];
	return len <= row.len - 2 - num ? 2 + num + len : 0;
}

/* The certificate and those above it. */
int mst_authority_tell_pems(struct mst_slice *out, struct mst_arena *arena, struct mst_slice cert, struct mst_slice chain,
			    struct mst_err *e)
{
	struct mst_slice pem, der = cert;
	struct mst_grow g;

	mst_grow_init(&g, arena);
	for (size_t i = 0; der.len && i < CHAIN_MAX; i++) {
		size_t len;
		if (mst_pem_put(&pem, arena, "CERTIFICATE", der, e) < 0)
			return -1;
		mst_grow_put(&g, pem);
		len = chain.len ? whole_len(chain) : 0;
		if (chain.len && len == 0)
			return mst_fail(e, MST_E_STORE, "a chain is broken");
		der = mst_slice(chain.at, len);
		chain = mst_slice(chain.len ? chain.at + len : NULL, chain.len - len);
	}
	return mst_grow_end(&g, out, e);
}

int mst_authority_tell_one(struct authority_ask *ask, struct mst_err *e)
{
	struct mst_authority *a = &ask->one;
	struct mst_json *j = &ask->json;
	struct mst_slice pems;

	mst_json_begin(j, &ask->arena);
	mst_json_open(j, NULL);
	if (mst_authority_tell_put(j, a, ask->next.name, e) < 0 ||
	    mst_authority_tell_pems(&pems, &ask->arena, a->cert, a->chain, e) < 0 ||
	    put_pem(j, &ask->arena, "csr", "CERTIFICATE REQUEST", a->csr, e) < 0)
		return -1;
	if (pems.len)
		mst_json_text(j, "certificate", pems);
	else
		mst_json_null(j, "certificate");
	if (ask->secret[0])
		mst_json_text(j, "challenge", mst_slice_str(ask->secret));
	mst_json_close(j);
	ask->type = MST_JSON_TYPE;
	return mst_json_end(j, &ask->body, e);
}

int mst_authority_tell_certificate(struct authority_ask *ask, struct mst_err *e)
{
	if (ask->one.cert.len == 0)
		return mst_fail(e, MST_E_CONFLICT, "this authority has no certificate yet");
	ask->type = ask->wants_der ? DER_TYPE : PEM_TYPE;
	ask->body = ask->one.cert;
	return ask->wants_der ? 0 : mst_authority_tell_pems(&ask->body, &ask->arena, ask->one.cert, ask->one.chain, e);
}
