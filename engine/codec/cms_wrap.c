/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content keys under RSA: PKCS#1 v1.5 and OAEP (RFC 8017 7.1, 7.2). Taking a padding off says
 * nothing about what was wrong with it: the length of the key is known before, so every byte has
 * one place, all are looked at, and random bytes take the place of a key that is not right (RFC
 * 3218 2.3.2).
 */
#include "cms_own.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "muster/text.h"

#define PKCS(...)     OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, __VA_ARGS__)
#define RSA_LEN_LEAST 128 /* bytes of a modulus: 1024 bits */

static const struct mst_slice oid_oaep = PKCS(0x07), oid_mgf1 = PKCS(0x08), oid_label = PKCS(0x09);

static const EVP_MD *oaep_md(enum mst_cms_wrap how)
{
	return how == MST_CMS_OAEP_SHA256 ? EVP_sha256() : EVP_sha1();
}

/* RSAES-OAEP-params, RFC 4055 4.1. SHA-1 is the default of all fields, which DER leaves out. */
static bool put_oaep_params(CBB *to, enum mst_cms_wrap how)
{
	const struct mst_cms_digest_row *row = &mst_cms_digest_rows[MST_CMS_SHA256];
	CBB params, digest, mask, mgf1;
	if (!CBB_add_asn1(to, &params, CBS_ASN1_SEQUENCE))
		return false;
	if (how == MST_CMS_OAEP_SHA1)
		return CBB_flush(to);
	return CBB_add_asn1(&params, &digest, DER_INSIDE(0)) &&
	       mst_der_put_alg(&digest, row->oid, true) &&
	       CBB_add_asn1(&params, &mask, DER_INSIDE(1)) &&
	       CBB_add_asn1(&mask, &mgf1, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&mgf1, CBS_ASN1_OBJECT, oid_mgf1) &&
	       mst_der_put_alg(&mgf1, row->oid, true) && CBB_flush(to);
}

static bool put_wrap_alg(CBB *to, enum mst_cms_wrap how)
{
	CBB alg;
	if (how == MST_CMS_RSA_V15)
		return mst_der_put_alg(to, mst_cms_oid_rsa, true);
	return CBB_add_asn1(to, &alg, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&alg, CBS_ASN1_OBJECT, oid_oaep) && put_oaep_params(&alg, how) &&
	       CBB_flush(to);
}

static bool encrypt(uint8_t out[static MST_CMS_RSA_MAX], size_t *len, enum mst_cms_wrap how,
		    struct mst_slice content_key, EVP_PKEY *key)
{
	int padding = how == MST_CMS_RSA_V15 ? RSA_PKCS1_PADDING : RSA_PKCS1_OAEP_PADDING;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	*len = MST_CMS_RSA_MAX;
	bool is_done =
		ctx && EVP_PKEY_encrypt_init(ctx) && EVP_PKEY_CTX_set_rsa_padding(ctx, padding) &&
		(how == MST_CMS_RSA_V15 || (EVP_PKEY_CTX_set_rsa_oaep_md(ctx, oaep_md(how)) &&
					    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, oaep_md(how)))) &&
		EVP_PKEY_encrypt(ctx, out, len, content_key.at, content_key.len);
	EVP_PKEY_CTX_free(ctx);
	return is_done;
}

int mst_cms_wrap(CBB *to, enum mst_cms_wrap how, struct mst_slice content_key,
		 struct mst_slice spki, struct mst_err *e)
{
	uint8_t wrapped[MST_CMS_RSA_MAX];
	size_t len;
	CBS in = mst_der_cbs(spki);
	EVP_PKEY *key = EVP_parse_public_key(&in);
	bool is_done = key && EVP_PKEY_id(key) == EVP_PKEY_RSA &&
		       EVP_PKEY_size(key) >= RSA_LEN_LEAST &&
		       EVP_PKEY_size(key) <= MST_CMS_RSA_MAX &&
		       encrypt(wrapped, &len, how, content_key, key) && put_wrap_alg(to, how) &&
		       mst_der_put(to, CBS_ASN1_OCTETSTRING, mst_slice(wrapped, len));
	EVP_PKEY_free(key);
	ERR_clear_error();
	return is_done ? 0
		       : mst_fail(e, MST_E_CRYPTO,
				  "EnvelopedData: the recipient has no RSA key to seal with");
}

/* [n] EXPLICIT AlgorithmIdentifier of a digest, SHA-1 when absent. */
static bool read_digest(enum mst_cms_digest *out, CBS *from, unsigned n)
{
	CBS wrapped, params;
	struct mst_slice oid;
	int is_there;
	*out = MST_CMS_SHA1;
	if (!CBS_get_optional_asn1(from, &wrapped, &is_there, DER_INSIDE(n)))
		return false;
	if (!is_there)
		return true;
	if (!mst_der_alg(&oid, &params, &wrapped) || CBS_len(&wrapped) != 0)
		return false;
	/* The mask function is MGF1, and its parameter the digest. */
	if (n == 1) {
		if (!mst_slice_eq(oid, oid_mgf1))
			return false;
		wrapped = params;
		if (!mst_der_alg(&oid, &params, &wrapped) || CBS_len(&wrapped) != 0)
			return false;
	}
	*out = mst_cms_digest_of(oid);
	return mst_der_is_plain(params) && *out != MST_CMS_NUM_DIGESTS;
}

/* A label other than the empty default is in use nowhere; it is not taken. */
static bool read_label(CBS *from)
{
	CBS wrapped, params, label;
	struct mst_slice oid;
	int is_there;
	if (!CBS_get_optional_asn1(from, &wrapped, &is_there, DER_INSIDE(2)))
		return false;
	return !is_there ||
	       (mst_der_alg(&oid, &params, &wrapped) && mst_slice_eq(oid, oid_label) &&
		CBS_get_asn1(&params, &label, CBS_ASN1_OCTETSTRING) && CBS_len(&label) == 0);
}

bool mst_cms_wrap_read(struct mst_cms_wrapped *out, CBS *from)
{
	CBS params, fields, bytes;
	struct mst_slice oid;
	if (!mst_der_alg(&oid, &params, from) || !CBS_get_asn1(from, &bytes, CBS_ASN1_OCTETSTRING))
		return false;
	*out = (struct mst_cms_wrapped){.bytes = mst_der_slice(&bytes)};
	if (mst_slice_eq(oid, mst_cms_oid_rsa))
		return mst_der_is_plain(params);
	if (!mst_slice_eq(oid, oid_oaep))
		return false;
	out->is_oaep = true;
	if (CBS_len(&params) == 0)
		return true;
	return CBS_get_asn1(&params, &fields, CBS_ASN1_SEQUENCE) &&
	       read_digest(&out->digest, &fields, 0) && read_digest(&out->mask, &fields, 1) &&
	       read_label(&fields) && CBS_len(&fields) == 0;
}

/* 0xff when `bad` is 0, else 0, without a branch the compiler could see. */
static uint8_t mask_of(uint32_t bad)
{
	__asm__("" : "+r"(bad));
	return (uint8_t)(((uint64_t)bad - 1) >> 32);
}

/* Nonzero when `byte` is 0. */
static uint32_t is_zero(uint8_t byte)
{
	return ((uint32_t)byte - 1) >> 8;
}

/* 00 02, bytes that are not zero, 00, key. Returns 0 when it is so. */
static uint32_t check_v15(const uint8_t *block, size_t block_len, size_t len)
{
	size_t end = block_len - len - 1;
	uint32_t bad = block[0] | (uint32_t)(block[1] ^ 2) | block[end];
	for (size_t i = 2; i < end; i++)
		bad |= is_zero(block[i]);
	return bad;
}

/* MGF1 of RFC 8017 B.2.1, XORed over `to`. */
static bool mask(uint8_t *to, size_t len, const uint8_t *seed, size_t seed_len, const EVP_MD *md)
{
	uint8_t digest[EVP_MAX_MD_SIZE], count[4] = {0};
	unsigned digest_len = 0;
	EVP_MD_CTX ctx;
	bool is_done = true;
	EVP_MD_CTX_init(&ctx);
	for (size_t at = 0; at < len && is_done; at += digest_len) {
		is_done = EVP_DigestInit_ex(&ctx, md, NULL) &&
			  EVP_DigestUpdate(&ctx, seed, seed_len) &&
			  EVP_DigestUpdate(&ctx, count, sizeof(count)) &&
			  EVP_DigestFinal_ex(&ctx, digest, &digest_len);
		for (size_t i = 0; is_done && i < digest_len && at + i < len; i++)
			to[at + i] ^= digest[i];
		count[3]++; /* at most 1024 / 20 rounds */
	}
	EVP_MD_CTX_cleanup(&ctx);
	mst_wipe(digest, sizeof(digest));
	return is_done;
}

/* 00, masked seed, masked (digest of the label, zeros, 01, key). Unmasks in place. Returns 0 when
 * it is so. */
static uint32_t check_oaep(uint8_t *block, size_t block_len, size_t len,
			   const struct mst_cms_wrapped *how)
{
	const EVP_MD *md = mst_cms_digest_rows[how->digest].md();
	const EVP_MD *mask_md = mst_cms_digest_rows[how->mask].md();
	uint8_t label[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	size_t h = EVP_MD_size(md), end = block_len - len - 1;
	uint8_t *seed = block + 1, *data = block + 1 + h;
	if (block_len < 2 * h + 2 + len || !mask(seed, h, data, block_len - 1 - h, mask_md) ||
	    !mask(data, block_len - 1 - h, seed, h, mask_md) ||
	    !EVP_Digest(NULL, 0, label, &digest_len, md, NULL))
		return 1;
	uint32_t bad = block[0] | (uint32_t)(block[end] ^ 1);
	for (size_t i = 0; i < h; i++)
		bad |= data[i] ^ label[i];
	for (size_t i = 1 + 2 * h; i < end; i++)
		bad |= block[i];
	return bad;
}

void mst_cms_unwrap(uint8_t out[static CMS_KEY_LEN_MAX], size_t len,
		    const struct mst_cms_wrapped *wrapped, const struct mst_cms_key *key)
{
	uint8_t block[MST_CMS_RSA_MAX] = {0};
	size_t block_len = wrapped->bytes.len;
	mst_random(out, len);
	if (!key->raw || block_len < RSA_LEN_LEAST || block_len > sizeof(block) ||
	    key->raw(block, key->home, wrapped->bytes, NULL) < 0)
		return;
	uint32_t bad = wrapped->is_oaep ? check_oaep(block, block_len, len, wrapped)
					: check_v15(block, block_len, len);
	uint8_t keep = mask_of(bad);
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((block[block_len - len + i] & keep) | (out[i] & ~keep));
	mst_wipe(block, sizeof(block));
}
