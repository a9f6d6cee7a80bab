/* SPDX-License-Identifier: Apache-2.0 */
/* What the CMS files share: algorithms by OID, and the wrapping of content keys. */
#ifndef MUSTER_CMS_OWN_H
#define MUSTER_CMS_OWN_H

#include <openssl/evp.h>

#include "muster/cms.h"
#include "der_own.h"

#define CMS_KEY_LEN_MAX 32 /* AES-256 */

struct mst_cms_digest_row {
	struct mst_slice oid, rsa, ecdsa; /* the digest; the signature algorithms with it */
	const EVP_MD *(*md)(void);
};
extern const struct mst_cms_digest_row mst_cms_digest_rows[MST_CMS_NUM_DIGESTS];
/* mst_cms_digest_of returns MST_CMS_NUM_DIGESTS when the OID is not in the table. */
enum mst_cms_digest mst_cms_digest_of(struct mst_slice oid);

struct mst_cms_cipher_row {
	struct mst_slice oid;
	const EVP_CIPHER *(*cipher)(void);
	size_t key_len, block;
};
extern const struct mst_cms_cipher_row mst_cms_cipher_rows[MST_CMS_NUM_CIPHERS];
enum mst_cms_cipher mst_cms_cipher_of(struct mst_slice oid);

extern const struct mst_slice mst_cms_oid_data, mst_cms_oid_signed, mst_cms_oid_enveloped;
extern const struct mst_slice mst_cms_oid_rsa; /* rsaEncryption, RFC 8017 C */
extern const struct mst_slice mst_cms_oid_content_type, mst_cms_oid_message_digest,
	mst_cms_oid_signing_time;

/* mst_cms_start checks size and framing and returns what stands inside of the ContentInfo of type
 * `type`. */
int mst_cms_start(CBS *out, struct mst_arena *arena, struct mst_slice in, struct mst_slice type,
		  struct mst_err *e);
/* issuerAndSerialNumber, written. */
bool mst_cms_put_issuer(CBB *to, const struct mst_cert *cert);
/* mst_cms_name_same compares Names as RFC 5280 7.1 does: without case and kind of string. */
bool mst_cms_name_same(struct mst_slice a, struct mst_slice b);

/* mst_cms_wrap writes keyEncryptionAlgorithm and encryptedKey (RFC 5652 6.2.1) for the RSA key
 * `spki`. */
int mst_cms_wrap(CBB *to, enum mst_cms_wrap how, struct mst_slice content_key,
		 struct mst_slice spki, struct mst_err *e);

/* How a content key was wrapped: as the message says it, nothing secret. */
struct mst_cms_wrapped {
	struct mst_slice bytes;
	bool is_oaep;
	enum mst_cms_digest digest, mask; /* OAEP: of the label, of the mask */
};
/* mst_cms_wrap_read reads keyEncryptionAlgorithm and encryptedKey off `from`. False when it is
 * nothing we take. */
bool mst_cms_wrap_read(struct mst_cms_wrapped *out, CBS *from);
/* mst_cms_unwrap always gives `len` bytes: the content key, or random ones when anything at all is
 * wrong, in the same time. */
void mst_cms_unwrap(uint8_t out[static CMS_KEY_LEN_MAX], size_t len,
		    const struct mst_cms_wrapped *wrapped, const struct mst_cms_key *key);

#endif
