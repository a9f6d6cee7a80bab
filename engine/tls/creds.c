/* SPDX-License-Identifier: Apache-2.0 */
/* Our own certificate chain and private key: PEM into the library's context, without X509 objects.
 */
#include "tls_own.h"

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/rsa.h>

#include "muster/cert.h"
#include "muster/text.h"

struct creds {
	CRYPTO_BUFFER *chain[MST_TLS_CHAIN_MAX];
	size_t num_chain;
	EVP_PKEY *key;
};

static EVP_PKEY *parse_pkcs8(CBS *in)
{
	return EVP_parse_private_key(in);
}

static EVP_PKEY *parse_ec(CBS *in)
{
	EVP_PKEY *key = EVP_PKEY_new();
	EC_KEY *ec = EC_KEY_parse_private_key(in, NULL);
	bool is_taken = key && ec && EVP_PKEY_set1_EC_KEY(key, ec);
	EC_KEY_free(ec);
	if (is_taken)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static EVP_PKEY *parse_rsa(CBS *in)
{
	EVP_PKEY *key = EVP_PKEY_new();
	RSA *rsa = RSA_parse_private_key(in);
	bool is_taken = key && rsa && EVP_PKEY_set1_RSA(key, rsa);
	RSA_free(rsa);
	if (is_taken)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

/* RFC 7468 10, RFC 5915 4, RFC 8017 A.1.2 */
static const struct {
	struct mst_slice label;
	EVP_PKEY *(*parse)(CBS *in);
} key_rows[] = {
	{MST_S_INIT("PRIVATE KEY"), parse_pkcs8},
	{MST_S_INIT("EC PRIVATE KEY"), parse_ec},
	{MST_S_INIT("RSA PRIVATE KEY"), parse_rsa},
};

static int take_key(struct creds *creds, struct mst_slice label, struct mst_slice der,
		    struct mst_err *e)
{
	for (size_t i = 0; i < MST_LEN(key_rows); i++) {
		if (!mst_slice_eq(label, key_rows[i].label))
			continue;
		CBS in;
		CBS_init(&in, der.at, der.len);
		creds->key = key_rows[i].parse(&in);
		return creds->key ? 0 : mst_tls_refuse(e, "the private key cannot be read");
	}
	return 0;
}

static int read_key(struct creds *creds, struct mst_slice text, struct mst_err *e)
{
	struct mst_arena scratch;
	struct mst_slice label, der;
	int rc = 0;
	mst_arena_init(&scratch, NULL, 0);
	while (!creds->key && rc == 0) {
		rc = mst_pem_next(&label, &der, &text, &scratch, e);
		if (rc == 0)
			rc = mst_fail(e, MST_E_SYNTAX, "no private key in the PEM text");
		if (rc < 0)
			break;
		rc = take_key(creds, label, der, e);
		mst_wipe((void *)der.at, der.len);
	}
	mst_arena_done(&scratch);
	return rc;
}

static int read_chain(struct creds *creds, struct mst_slice text, struct mst_err *e)
{
	struct mst_arena scratch;
	struct mst_slice label, der;
	struct mst_cert cert;
	int rc;
	mst_arena_init(&scratch, NULL, 0);
	while ((rc = mst_pem_next(&label, &der, &text, &scratch, e)) == 1) {
		if (!mst_slice_eq(label, MST_S("CERTIFICATE")))
			continue;
		rc = -1;
		if (creds->num_chain == MST_TLS_CHAIN_MAX) {
			mst_fail(e, MST_E_TOO_BIG, "over %d certificates in the chain",
				 MST_TLS_CHAIN_MAX);
			break;
		}
		if (mst_cert_parse(&cert, der, e) < 0)
			break;
		CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_new(der.at, der.len, NULL);
		if (!buffer) {
			mst_tls_refuse(e, "no memory for the chain");
			break;
		}
		creds->chain[creds->num_chain++] = buffer;
	}
	mst_arena_done(&scratch);
	if (rc == 0 && creds->num_chain == 0)
		return mst_fail(e, MST_E_SYNTAX, "no certificate in the PEM text");
	return rc;
}

/* How we sign, best first (RFC 8446 4.2.3): never with SHA-1. The library takes what fits the key.
 */
static const uint16_t our_ways[] = {
	SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ECDSA_SECP384R1_SHA384,
	SSL_SIGN_RSA_PSS_RSAE_SHA256,    SSL_SIGN_RSA_PSS_RSAE_SHA384,
	SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA256,
	SSL_SIGN_RSA_PKCS1_SHA384,       SSL_SIGN_RSA_PKCS1_SHA512,
};

static int use(struct mst_tls_ctx *ctx, struct creds *creds, struct mst_err *e)
{
	/* The library compares key and certificate only when it holds the key: give it once. */
	if (!SSL_CTX_set_chain_and_key(ctx->ssl, creds->chain, creds->num_chain, creds->key,
				       NULL) ||
	    !SSL_CTX_set_signing_algorithm_prefs(ctx->ssl, our_ways, MST_LEN(our_ways)))
		return mst_tls_refuse(e, "certificate and key do not fit");
	if (EVP_PKEY_id(creds->key) != EVP_PKEY_RSA)
		return 0;
	ctx->rsa = creds->key;
	EVP_PKEY_up_ref(ctx->rsa);
	if (!SSL_CTX_set_chain_and_key(ctx->ssl, creds->chain, creds->num_chain, NULL,
				       &mst_tls_sign_method))
		return mst_tls_refuse(e, "the RSA key cannot be used");
	return 0;
}

int mst_tls_creds_load(struct mst_tls_ctx *ctx, struct mst_slice chain_pem,
		       struct mst_slice key_pem, struct mst_err *e)
{
	struct creds creds = {.num_chain = 0};
	int rc = read_chain(&creds, chain_pem, e);
	if (rc == 0)
		rc = read_key(&creds, key_pem, e);
	if (rc == 0)
		rc = use(ctx, &creds, e);
	for (size_t i = 0; i < creds.num_chain; i++)
		CRYPTO_BUFFER_free(creds.chain[i]);
	EVP_PKEY_free(creds.key);
	return rc;
}
