/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys (SubjectPublicKeyInfo): judges them, and verifies signatures with them. */
#include "muster/crypt.h"

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>

#include "spki_own.h"

#define RSA_BITS_MOST 8192 /* beyond it one verification takes longer than a peer waits */

/* clang-format off */
static const struct {
	const EVP_MD *(*md)(void);
	int key; /* 0: refused */
} alg_rows[MST_NUM_SIG_ALGS] = {
	[MST_SIG_RSA_SHA1]     = {EVP_sha1,   EVP_PKEY_RSA},
	[MST_SIG_RSA_SHA256]   = {EVP_sha256, EVP_PKEY_RSA},
	[MST_SIG_RSA_SHA384]   = {EVP_sha384, EVP_PKEY_RSA},
	[MST_SIG_RSA_SHA512]   = {EVP_sha512, EVP_PKEY_RSA},
	[MST_SIG_ECDSA_SHA256] = {EVP_sha256, EVP_PKEY_EC},
	[MST_SIG_ECDSA_SHA384] = {EVP_sha384, EVP_PKEY_EC},
	[MST_SIG_ECDSA_SHA512] = {EVP_sha512, EVP_PKEY_EC},
};
/* clang-format on */

static int refuse(struct mst_err *e, const char *what)
{
	ERR_clear_error();
	return mst_fail(e, MST_E_CRYPTO, "%s", what);
}

/* Given; the library checks that a point is on its curve and that RSA's numbers are odd. */
static EVP_PKEY *parse(struct mst_slice spki)
{
	CBS in;
	CBS_init(&in, spki.at, spki.len);
	EVP_PKEY *key = EVP_parse_public_key(&in);
	if (key && CBS_len(&in) == 0 &&
	    (EVP_PKEY_id(key) != EVP_PKEY_RSA || EVP_PKEY_bits(key) <= RSA_BITS_MOST))
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

int mst_key_check(uint32_t *rsa_bits, uint32_t *ec_bits, struct mst_slice spki, struct mst_err *e)
{
	EVP_PKEY *key = parse(spki);
	int curve = NID_undef;
	*rsa_bits = *ec_bits = 0;
	if (!key)
		return refuse(e, "the public key is broken or of a kind not known here");
	if (EVP_PKEY_id(key) == EVP_PKEY_RSA)
		*rsa_bits = (uint32_t)EVP_PKEY_bits(key);
	else if (EVP_PKEY_id(key) == EVP_PKEY_EC)
		curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
	if (curve == NID_X9_62_prime256v1)
		*ec_bits = 256;
	if (curve == NID_secp384r1)
		*ec_bits = 384;
	EVP_PKEY_free(key);
	if (*rsa_bits == 0 && *ec_bits == 0)
		return refuse(e, "the public key is neither RSA nor P-256 or P-384");
	return 0;
}

int mst_spki_verify(struct mst_slice spki, enum mst_sig_alg alg, struct mst_slice bytes,
		    struct mst_slice signature, struct mst_err *e)
{
	EVP_PKEY *key = parse(spki);
	EVP_MD_CTX ctx;
	if (!key)
		return refuse(e, "the public key is broken or of a kind not known here");
	EVP_MD_CTX_init(&ctx);
	bool is_good = alg_rows[alg].key == EVP_PKEY_id(key) &&
		       EVP_DigestVerifyInit(&ctx, NULL, alg_rows[alg].md(), NULL, key) &&
		       EVP_DigestVerify(&ctx, signature.at, signature.len, bytes.at, bytes.len);
	EVP_MD_CTX_cleanup(&ctx);
	EVP_PKEY_free(key);
	return is_good ? 0 : refuse(e, "the signature is not right");
}

int mst_key_verify(struct mst_slice spki, enum mst_sig_alg alg, struct mst_slice bytes,
		   struct mst_slice signature, struct mst_err *e)
{
	if (alg == MST_SIG_RSA_SHA1)
		return refuse(e, "SHA-1 proves nothing");
	return mst_spki_verify(spki, alg, bytes, signature, e);
}
