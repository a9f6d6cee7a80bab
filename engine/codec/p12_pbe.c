/* SPDX-License-Identifier: Apache-2.0 */
/* Encryption under a password: PBES2 (RFC 8018 6.2) both ways; the old schemes of RFC 7292 C are
 * read only. */
#include "p12_own.h"

#include <openssl/err.h>

#include "muster/text.h"

#define PKCS5(...)  OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, __VA_ARGS__)
#define PKCS12(...) OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, __VA_ARGS__)
#define RSADSI(...) OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, __VA_ARGS__)
#define SALT_LEN    16

static const struct mst_slice oid_pbes2 = PKCS5(0x0d), oid_pbkdf2 = PKCS5(0x0c);

/* clang-format off */
static const struct {
	struct mst_slice oid;
	const EVP_CIPHER *(*cipher)(void);
	size_t key_len;
} old_rows[] = {
	{PKCS12(0x01, 0x03), EVP_des_ede3_cbc, 24}, /* pbeWithSHAAnd3-KeyTripleDES-CBC */
	{PKCS12(0x01, 0x04), EVP_des_ede_cbc,  16}, /* pbeWithSHAAnd2-KeyTripleDES-CBC */
	{PKCS12(0x01, 0x05), EVP_rc2_cbc,      16}, /* pbeWithSHAAnd128BitRC2-CBC */
	{PKCS12(0x01, 0x06), EVP_rc2_40_cbc,   5},  /* pbeWithSHAAnd40BitRC2-CBC: certificates in most old files */
};
/* Pseudo-random functions of PBKDF2, RFC 8018 B.1. */
static const struct {
	struct mst_slice oid;
	const EVP_MD *(*md)(void);
} prf_rows[] = {
	{RSADSI(0x07), EVP_sha1},
	{RSADSI(0x09), EVP_sha256},
	{RSADSI(0x0a), EVP_sha384},
	{RSADSI(0x0b), EVP_sha512},
};
/* clang-format on */
static const struct mst_slice oid_hmac_sha256 = RSADSI(0x09);

/* Everything that a decryption needs. */
struct scheme {
	const EVP_CIPHER *cipher;
	size_t key_len;
	uint8_t key[P12_KEY_MAX], iv[EVP_MAX_IV_LENGTH];
};

static int broken(struct mst_err *e)
{
	return mst_fail(e, MST_E_SYNTAX,
			"PKCS#12: the parameters of an encryption are broken or too costly");
}

static int denied(struct mst_err *e)
{
	return mst_fail(e, MST_E_DENIED, "PKCS#12: an encryption that is not taken");
}

static int derive_failed(struct mst_err *e)
{
	ERR_clear_error();
	return mst_fail(e, MST_E_BUSY, "PKCS#12: no memory to derive a key");
}

/* pkcs-12PbeParams ::= SEQUENCE {salt, iterations} */
static int read_old(struct scheme *s, CBS params, struct mst_p12_pass *pass, struct mst_err *e)
{
	CBS fields, salt;
	uint64_t rounds;
	size_t iv_len = EVP_CIPHER_iv_length(s->cipher);
	if (!CBS_get_asn1(&params, &fields, CBS_ASN1_SEQUENCE) || CBS_len(&params) != 0 ||
	    !CBS_get_asn1(&fields, &salt, CBS_ASN1_OCTETSTRING) ||
	    !CBS_get_asn1_uint64(&fields, &rounds) || CBS_len(&fields) != 0 ||
	    CBS_len(&salt) == 0 || CBS_len(&salt) > P12_SALT_MAX ||
	    !mst_p12_pass_spend(pass, rounds) || !mst_p12_pass_spend(pass, rounds))
		return broken(e);
	struct mst_slice wide = mst_slice(pass->wide, pass->wide_len),
			 salt_bytes = mst_der_slice(&salt);
	if (!mst_p12_derive(s->key, s->key_len, MST_P12_ID_KEY, EVP_sha1(), wide, salt_bytes,
			    (uint32_t)rounds) ||
	    !mst_p12_derive(s->iv, iv_len, MST_P12_ID_IV, EVP_sha1(), wide, salt_bytes,
			    (uint32_t)rounds))
		return derive_failed(e);
	return 0;
}

/* prf AlgorithmIdentifier DEFAULT hmacWithSHA1. NULL when it is not taken. */
static const EVP_MD *read_prf(CBS *fields)
{
	struct mst_slice oid;
	CBS params;
	if (CBS_len(fields) == 0)
		return EVP_sha1();
	if (!mst_der_alg(&oid, &params, fields) || !mst_der_is_plain(params) ||
	    CBS_len(fields) != 0)
		return NULL;
	for (size_t i = 0; i < MST_LEN(prf_rows); i++)
		if (mst_slice_eq(oid, prf_rows[i].oid))
			return prf_rows[i].md();
	return NULL;
}

/* PBKDF2-params ::= SEQUENCE {salt, iterations, keyLength OPTIONAL, prf} */
static int read_pbkdf2(struct scheme *s, CBS params, struct mst_p12_pass *pass, struct mst_err *e)
{
	CBS fields, salt;
	uint64_t rounds, key_len = s->key_len;
	if (!CBS_get_asn1(&params, &fields, CBS_ASN1_SEQUENCE) || CBS_len(&params) != 0 ||
	    !CBS_get_asn1(&fields, &salt, CBS_ASN1_OCTETSTRING) ||
	    !CBS_get_asn1_uint64(&fields, &rounds) ||
	    (CBS_peek_asn1_tag(&fields, CBS_ASN1_INTEGER) &&
	     !CBS_get_asn1_uint64(&fields, &key_len)) ||
	    CBS_len(&salt) == 0 || CBS_len(&salt) > P12_SALT_MAX || key_len != s->key_len)
		return broken(e);
	const EVP_MD *prf = read_prf(&fields);
	if (!prf)
		return denied(e);
	/* An output longer than the digest costs the rounds once more. */
	size_t blocks = (s->key_len + EVP_MD_size(prf) - 1) / EVP_MD_size(prf);
	if (rounds > MST_P12_ROUNDS_MAX || !mst_p12_pass_spend(pass, rounds * blocks))
		return broken(e);
	if (!PKCS5_PBKDF2_HMAC((const char *)pass->text.at, pass->text.len, CBS_data(&salt),
			       CBS_len(&salt), (unsigned)rounds, prf, s->key_len, s->key))
		return derive_failed(e);
	return 0;
}

/* PBES2-params ::= SEQUENCE {keyDerivationFunc, encryptionScheme} */
static int read_pbes2(struct scheme *s, CBS params, struct mst_p12_pass *pass, struct mst_err *e)
{
	CBS fields, kdf_params, iv_params, iv;
	struct mst_slice kdf, cipher;
	if (!CBS_get_asn1(&params, &fields, CBS_ASN1_SEQUENCE) || CBS_len(&params) != 0 ||
	    !mst_der_alg(&kdf, &kdf_params, &fields) ||
	    !mst_der_alg(&cipher, &iv_params, &fields) || CBS_len(&fields) != 0)
		return broken(e);
	enum mst_cms_cipher n = mst_cms_cipher_of(cipher);
	if (!mst_slice_eq(kdf, oid_pbkdf2) || n >= MST_CMS_DES)
		return denied(e);
	const struct mst_cms_cipher_row *row = &mst_cms_cipher_rows[n];
	s->cipher = row->cipher();
	s->key_len = row->key_len;
	if (!CBS_get_asn1(&iv_params, &iv, CBS_ASN1_OCTETSTRING) || CBS_len(&iv_params) != 0 ||
	    CBS_len(&iv) != row->block)
		return broken(e);
	memcpy(s->iv, CBS_data(&iv), CBS_len(&iv));
	return read_pbkdf2(s, kdf_params, pass, e);
}

static int read_scheme(struct scheme *s, struct mst_slice oid, CBS params,
		       struct mst_p12_pass *pass, struct mst_err *e)
{
	if (mst_slice_eq(oid, oid_pbes2))
		return read_pbes2(s, params, pass, e);
	for (size_t i = 0; i < MST_LEN(old_rows); i++) {
		if (!mst_slice_eq(oid, old_rows[i].oid))
			continue;
		s->cipher = old_rows[i].cipher();
		s->key_len = old_rows[i].key_len;
		return read_old(s, params, pass, e);
	}
	return denied(e);
}

static bool run(uint8_t *out, size_t *out_len, const struct scheme *s, struct mst_slice in,
		bool is_encrypting)
{
	EVP_CIPHER_CTX ctx;
	int len = 0, more = 0;
	EVP_CIPHER_CTX_init(&ctx);
	/* RC2 keys have the length of the scheme, other ciphers their own. */
	bool is_done = EVP_CipherInit_ex(&ctx, s->cipher, NULL, NULL, NULL, is_encrypting) &&
		       EVP_CIPHER_CTX_set_key_length(&ctx, (unsigned)s->key_len) &&
		       EVP_CipherInit_ex(&ctx, NULL, NULL, s->key, s->iv, is_encrypting) &&
		       EVP_CipherUpdate(&ctx, out, &len, in.at, (int)in.len) &&
		       EVP_CipherFinal_ex(&ctx, out + len, &more);
	EVP_CIPHER_CTX_cleanup(&ctx);
	ERR_clear_error();
	*out_len = (size_t)len + (size_t)more;
	return is_done;
}

int mst_p12_decrypt(struct mst_slice *out, struct mst_arena *arena, struct mst_slice oid,
		    CBS params, struct mst_slice encrypted, struct mst_p12_pass *pass,
		    struct mst_err *e)
{
	struct scheme s = {0};
	if (read_scheme(&s, oid, params, pass, e) < 0)
		return -1;
	uint8_t *plain = mst_arena_get(arena, encrypted.len + EVP_MAX_BLOCK_LENGTH);
	bool is_done = plain && run(plain, &out->len, &s, encrypted, false);
	mst_wipe(&s, sizeof(s));
	if (!plain)
		return mst_fail(e, MST_E_BUSY, "no memory to open a PKCS#12 file");
	if (!is_done)
		return mst_fail(e, MST_E_CRYPTO, "PKCS#12: cannot be opened");
	out->at = plain;
	return 0;
}

static bool put_pbkdf2(CBB *to, struct mst_slice salt, uint32_t rounds)
{
	CBB kdf, params;
	return CBB_add_asn1(to, &kdf, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&kdf, CBS_ASN1_OBJECT, oid_pbkdf2) &&
	       CBB_add_asn1(&kdf, &params, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&params, CBS_ASN1_OCTETSTRING, salt) &&
	       CBB_add_asn1_uint64(&params, rounds) &&
	       mst_der_put_alg(&params, oid_hmac_sha256, true) && CBB_flush(to);
}

static bool put_pbes2(CBB *to, struct mst_slice salt, struct mst_slice iv, uint32_t rounds)
{
	CBB alg, params, cipher;
	return CBB_add_asn1(to, &alg, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&alg, CBS_ASN1_OBJECT, oid_pbes2) &&
	       CBB_add_asn1(&alg, &params, CBS_ASN1_SEQUENCE) &&
	       put_pbkdf2(&params, salt, rounds) &&
	       CBB_add_asn1(&params, &cipher, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&cipher, CBS_ASN1_OBJECT, mst_cms_cipher_rows[MST_CMS_AES256].oid) &&
	       mst_der_put(&cipher, CBS_ASN1_OCTETSTRING, iv) && CBB_flush(to);
}

bool mst_p12_encrypt(CBB *to, unsigned tag, struct mst_slice plain, struct mst_slice password,
		     uint32_t rounds)
{
	const struct mst_cms_cipher_row *row = &mst_cms_cipher_rows[MST_CMS_AES256];
	struct scheme s = {.cipher = row->cipher(), .key_len = row->key_len};
	uint8_t salt[SALT_LEN], *place;
	size_t len = plain.len / row->block * row->block + row->block, done;
	CBB bytes;
	mst_random(salt, sizeof(salt));
	mst_random(s.iv, row->block);
	bool is_done =
		put_pbes2(to, mst_slice(salt, sizeof(salt)), mst_slice(s.iv, row->block), rounds) &&
		PKCS5_PBKDF2_HMAC((const char *)password.at, password.len, salt, sizeof(salt),
				  rounds, EVP_sha256(), s.key_len, s.key) &&
		CBB_add_asn1(to, &bytes, tag) && CBB_add_space(&bytes, &place, len) &&
		run(place, &done, &s, plain, true) && done == len && CBB_flush(to);
	mst_wipe(&s, sizeof(s));
	return is_done;
}
