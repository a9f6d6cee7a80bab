/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys: makes, reads, writes and signs with them; and the SHA-256 everybody uses. */
#include "muster/crypt.h"

#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "key_own.h"
#include "muster/text.h"

#define RSA_BITS_LEAST 2048
#define RSA_BITS_MOST  8192 /* beyond it one signature takes longer than a peer waits */

/* clang-format off */
static const struct {
	const char *word;
	int curve;     /* NID, 0 for RSA */
	unsigned bits; /* RSA */
} kind_rows[MST_NUM_KEY_KINDS] = {
	[MST_KEY_P256]    = {"p256",    NID_X9_62_prime256v1, 0},
	[MST_KEY_P384]    = {"p384",    NID_secp384r1,        0},
	[MST_KEY_RSA2048] = {"rsa2048", 0,                    2048},
	[MST_KEY_RSA3072] = {"rsa3072", 0,                    3072},
	[MST_KEY_RSA4096] = {"rsa4096", 0,                    4096},
};
/* clang-format on */

/* The library's queue of errors ends here. */
static int refuse(struct mst_err *e, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_error());
	mst_fail(e, MST_E_CRYPTO, "%s%s%s", what, why ? ": " : "", why ? why : "");
	ERR_clear_error();
	return -1;
}

void mst_sha256(uint8_t out[static 32], struct mst_slice in)
{
	SHA256(in.at, in.len, out);
}

void mst_sha1(uint8_t out[static 20], struct mst_slice in)
{
	SHA1(in.at, in.len, out);
}

int mst_key_kind_from(enum mst_key_kind *out, const char *word, struct mst_err *e)
{
	for (size_t i = 0; i < MST_LEN(kind_rows); i++) {
		if (strcmp(word, kind_rows[i].word) == 0) {
			*out = (enum mst_key_kind)i;
			return 0;
		}
	}
	return mst_fail(e, MST_E_SYNTAX,
			"no kind of key \"%.40s\": p256, p384, rsa2048, rsa3072 or rsa4096", word);
}

/* Takes `pkey`, also when it fails. */
static int wrap(struct mst_key **out, EVP_PKEY *pkey, struct mst_err *e)
{
	struct mst_key *key = calloc(1, sizeof(*key));
	if (!key) {
		EVP_PKEY_free(pkey);
		return mst_fail(e, MST_E_BUSY, "no memory for a key");
	}
	key->pkey = pkey;
	*out = key;
	return 0;
}

static bool make_rsa(EVP_PKEY *pkey, unsigned bits)
{
	RSA *rsa = RSA_new();
	BIGNUM *exponent = BN_new();
	bool is_made = rsa && exponent && BN_set_word(exponent, RSA_F4) &&
		       RSA_generate_key_ex(rsa, (int)bits, exponent, NULL) &&
		       EVP_PKEY_set1_RSA(pkey, rsa);
	BN_free(exponent);
	RSA_free(rsa);
	return is_made;
}

static bool make_ec(EVP_PKEY *pkey, int curve)
{
	EC_KEY *ec = EC_KEY_new_by_curve_name(curve);
	bool is_made = ec && EC_KEY_generate_key(ec) && EVP_PKEY_set1_EC_KEY(pkey, ec);
	EC_KEY_free(ec);
	return is_made;
}

int mst_key_new(struct mst_key **out, enum mst_key_kind kind, struct mst_err *e)
{
	EVP_PKEY *pkey = EVP_PKEY_new();
	if (!pkey)
		return refuse(e, "no memory for a key");
	bool is_made = kind_rows[kind].curve ? make_ec(pkey, kind_rows[kind].curve)
					     : make_rsa(pkey, kind_rows[kind].bits);
	if (!is_made) {
		EVP_PKEY_free(pkey);
		return refuse(e, "a key could not be made");
	}
	return wrap(out, pkey, e);
}

void mst_key_free(struct mst_key **key)
{
	if (!*key)
		return;
	EVP_PKEY_free((*key)->pkey); /* wipes what is inside */
	free(*key);
	*key = NULL;
}

/* SEC 1 and PKCS#1 keys come without the wrapping of PKCS#8. NULL when it is not one. */
static EVP_PKEY *parse_bare(struct mst_slice der)
{
	CBS in;
	EVP_PKEY *pkey = EVP_PKEY_new();
	CBS_init(&in, der.at, der.len);
	EC_KEY *ec = EC_KEY_parse_private_key(&in, NULL);
	bool is_taken = pkey && ec && CBS_len(&in) == 0 && EVP_PKEY_set1_EC_KEY(pkey, ec);
	EC_KEY_free(ec);
	if (!is_taken) {
		CBS_init(&in, der.at, der.len);
		RSA *rsa = RSA_parse_private_key(&in);
		is_taken = pkey && rsa && CBS_len(&in) == 0 && EVP_PKEY_set1_RSA(pkey, rsa);
		RSA_free(rsa);
	}
	if (is_taken)
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

static bool is_kind_taken(const EVP_PKEY *pkey)
{
	if (EVP_PKEY_id(pkey) == EVP_PKEY_RSA)
		return EVP_PKEY_bits(pkey) >= RSA_BITS_LEAST &&
		       EVP_PKEY_bits(pkey) <= RSA_BITS_MOST;
	if (EVP_PKEY_id(pkey) != EVP_PKEY_EC)
		return false;
	const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(pkey);
	int curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(ec));
	return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1;
}

static int read_der(struct mst_key **out, struct mst_slice der, struct mst_err *e)
{
	CBS in;
	CBS_init(&in, der.at, der.len);
	EVP_PKEY *pkey = EVP_parse_private_key(&in);
	if (pkey && CBS_len(&in) != 0) {
		EVP_PKEY_free(pkey);
		return refuse(e, "something stands behind the private key");
	}
	if (!pkey)
		pkey = parse_bare(der);
	ERR_clear_error();
	if (!pkey)
		return refuse(e, "no private key in PKCS#8, SEC 1 or PKCS#1");
	if (!is_kind_taken(pkey)) {
		EVP_PKEY_free(pkey);
		return refuse(e, "the private key is no P-256, P-384 or RSA of 2048 to 8192 bits");
	}
	return wrap(out, pkey, e);
}

/* The first block whose label ends in PRIVATE KEY; other blocks (EC PARAMETERS, certificates) are
 * passed over. */
static int read_pem(struct mst_key **out, struct mst_slice text, struct mst_err *e)
{
	struct mst_arena scratch;
	struct mst_slice label, der;
	const struct mst_slice ending = MST_S("PRIVATE KEY");
	int rc;
	mst_arena_init(&scratch, NULL, 0);
	while ((rc = mst_pem_next(&label, &der, &text, &scratch, e)) == 1) {
		bool is_key = label.len >= ending.len &&
			      memcmp(label.at + label.len - ending.len, ending.at, ending.len) == 0;
		if (is_key && mst_slice_starts(label, MST_S("ENCRYPTED")))
			rc = mst_fail(e, MST_E_CRYPTO,
				      "the private key is encrypted; give a plain one");
		else if (is_key)
			rc = read_der(out, der, e);
		mst_wipe((void *)der.at, der.len);
		if (is_key)
			goto out;
	}
	if (rc == 0)
		rc = mst_fail(e, MST_E_SYNTAX, "no private key in the PEM text");
out:
	mst_arena_done(&scratch);
	return rc;
}

int mst_key_read(struct mst_key **out, struct mst_slice text, struct mst_err *e)
{
	return text.len && text.at[0] == 0x30 ? read_der(out, text, e) : read_pem(out, text, e);
}

/* Copies what `cbb` holds into the arena and ends it. The library wipes what it frees. */
static int keep(struct mst_slice *out, struct mst_arena *arena, CBB *cbb, bool is_written,
		struct mst_err *e)
{
	int rc = -1;
	if (!is_written || !CBB_flush(cbb))
		refuse(e, "a key could not be written");
	else if (!mst_arena_copy(arena, out, mst_slice(CBB_data(cbb), CBB_len(cbb))))
		mst_fail(e, MST_E_BUSY, "no memory for a key");
	else
		rc = 0;
	CBB_cleanup(cbb);
	return rc;
}

int mst_key_der(struct mst_slice *out, struct mst_arena *arena, const struct mst_key *key,
		struct mst_err *e)
{
	CBB cbb;
	CBB_zero(&cbb);
	bool is_written = CBB_init(&cbb, 512) && EVP_marshal_private_key(&cbb, key->pkey);
	return keep(out, arena, &cbb, is_written, e);
}

int mst_key_pem(struct mst_slice *out, struct mst_arena *arena, const struct mst_key *key,
		struct mst_err *e)
{
	struct mst_slice der;
	struct mst_arena scratch;
	mst_arena_init(&scratch, NULL, 0);
	int rc = mst_key_der(&der, &scratch, key, e);
	if (rc == 0) {
		rc = mst_pem_put(out, arena, "PRIVATE KEY", der, e);
		mst_wipe((void *)der.at, der.len);
	}
	mst_arena_done(&scratch);
	return rc;
}

int mst_key_spki(struct mst_slice *out, struct mst_arena *arena, const struct mst_key *key,
		 struct mst_err *e)
{
	CBB cbb;
	CBB_zero(&cbb);
	bool is_written = CBB_init(&cbb, 512) && EVP_marshal_public_key(&cbb, key->pkey);
	return keep(out, arena, &cbb, is_written, e);
}

/* clang-format off */
static const struct {
	uint32_t bits;
	enum mst_sig_alg rsa, ecdsa;
	const EVP_MD *(*md)(void);
} hash_rows[] = {
	{256, MST_SIG_RSA_SHA256, MST_SIG_ECDSA_SHA256, EVP_sha256},
	{384, MST_SIG_RSA_SHA384, MST_SIG_ECDSA_SHA384, EVP_sha384},
	{512, MST_SIG_RSA_SHA512, MST_SIG_ECDSA_SHA512, EVP_sha512},
};
/* clang-format on */

bool mst_key_is_rsa(const struct mst_key *key)
{
	return EVP_PKEY_id(key->pkey) == EVP_PKEY_RSA;
}

enum mst_sig_alg mst_key_alg_for(const struct mst_key *key, uint32_t hash_bits)
{
	bool is_rsa = mst_key_is_rsa(key);
	if (hash_bits == 0)
		hash_bits = !is_rsa && EVP_PKEY_bits(key->pkey) == 384 ? 384 : 256;
	for (size_t i = 0; i < MST_LEN(hash_rows); i++)
		if (hash_rows[i].bits == hash_bits)
			return is_rsa ? hash_rows[i].rsa : hash_rows[i].ecdsa;
	return MST_SIG_UNKNOWN;
}

enum mst_sig_alg mst_key_alg(const struct mst_key *key)
{
	return mst_key_alg_for(key, 0);
}

/* NULL when the key cannot make such a signature. */
static const EVP_MD *md_of(const struct mst_key *key, enum mst_sig_alg alg)
{
	bool is_rsa = mst_key_is_rsa(key);
	for (size_t i = 0; i < MST_LEN(hash_rows); i++)
		if (alg == (is_rsa ? hash_rows[i].rsa : hash_rows[i].ecdsa))
			return hash_rows[i].md();
	return NULL;
}

int mst_key_sign(struct mst_slice *out, struct mst_arena *arena, const struct mst_key *key,
		 struct mst_slice bytes, struct mst_err *e)
{
	return mst_key_sign_as(out, arena, key, mst_key_alg(key), bytes, e);
}

int mst_key_sign_as(struct mst_slice *out, struct mst_arena *arena, const struct mst_key *key,
		    enum mst_sig_alg alg, struct mst_slice bytes, struct mst_err *e)
{
	size_t len = (size_t)EVP_PKEY_size(key->pkey);
	const EVP_MD *md = md_of(key, alg);
	uint8_t *signature = mst_arena_get(arena, len);
	if (!md)
		return mst_fail(e, MST_E_CRYPTO, "the key does not make signatures of this kind");
	if (!signature)
		return mst_fail(e, MST_E_BUSY, "no memory for a signature");
	EVP_MD_CTX ctx;
	EVP_MD_CTX_init(&ctx);
	bool is_signed = EVP_DigestSignInit(&ctx, NULL, md, NULL, key->pkey) &&
			 EVP_DigestSign(&ctx, signature, &len, bytes.at, bytes.len);
	EVP_MD_CTX_cleanup(&ctx);
	if (!is_signed)
		return refuse(e, "signing failed");
	*out = mst_slice(signature, len);
	return 0;
}
