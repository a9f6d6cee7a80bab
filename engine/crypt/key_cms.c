/* SPDX-License-Identifier: Apache-2.0 */
/* Lends a private key to CMS: it signs with a chosen digest, and undoes RSA without any padding. */
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "key_own.h"
#include "muster/cms.h"

/* SHA-1 is read, never written. */
static const uint32_t bits_rows[MST_CMS_NUM_DIGESTS] = {
	[MST_CMS_SHA256] = 256,
	[MST_CMS_SHA384] = 384,
	[MST_CMS_SHA512] = 512,
};

static int sign(struct mst_slice *out, struct mst_arena *arena, const void *home,
		enum mst_cms_digest digest, struct mst_slice bytes, struct mst_err *e)
{
	uint32_t bits = digest < MST_CMS_NUM_DIGESTS ? bits_rows[digest] : 0;
	if (bits == 0)
		return mst_fail(e, MST_E_DENIED, "nothing is signed with this digest");
	return mst_key_sign_as(out, arena, home, mst_key_alg_for(home, bits), bytes, e);
}

/* The library blinds the operation, and writes the result with all its leading zeroes. */
static int raw(uint8_t out[static MST_CMS_RSA_MAX], const void *home, struct mst_slice in,
	       struct mst_err *e)
{
	const struct mst_key *key = home;
	RSA *rsa = EVP_PKEY_get0_RSA(key->pkey);
	size_t len = 0;
	bool is_done = rsa && in.len == RSA_size(rsa) && in.len <= MST_CMS_RSA_MAX &&
		       RSA_decrypt(rsa, &len, out, MST_CMS_RSA_MAX, in.at, in.len, RSA_NO_PADDING);
	ERR_clear_error();
	return is_done ? 0 : mst_fail(e, MST_E_CRYPTO, "not a number of this RSA key");
}

void mst_key_cms(struct mst_cms_key *out, const struct mst_key *key)
{
	*out = (struct mst_cms_key){
		.home = key,
		.sign = sign,
		.raw = mst_key_is_rsa(key) ? raw : NULL,
	};
}
