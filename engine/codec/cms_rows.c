/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms and types of CMS by OID (RFC 5652, 5754, 3370, 3565, 4055). */
#include "cms_own.h"

#define PKCS(...) OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, __VA_ARGS__)
#define NIST(...) OID(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, __VA_ARGS__)
#define X962(...) OID(0x2a, 0x86, 0x48, 0xce, 0x3d, __VA_ARGS__)

/* clang-format off */
const struct mst_cms_digest_row mst_cms_digest_rows[MST_CMS_NUM_DIGESTS] = {
	[MST_CMS_SHA1]   = {OID(0x2b, 0x0e, 0x03, 0x02, 0x1a), PKCS(0x01, 0x05), X962(0x04, 0x01),       EVP_sha1},
	[MST_CMS_SHA256] = {NIST(0x02, 0x01),                  PKCS(0x01, 0x0b), X962(0x04, 0x03, 0x02), EVP_sha256},
	[MST_CMS_SHA384] = {NIST(0x02, 0x02),                  PKCS(0x01, 0x0c), X962(0x04, 0x03, 0x03), EVP_sha384},
	[MST_CMS_SHA512] = {NIST(0x02, 0x03),                  PKCS(0x01, 0x0d), X962(0x04, 0x03, 0x04), EVP_sha512},
};

const struct mst_cms_cipher_row mst_cms_cipher_rows[MST_CMS_NUM_CIPHERS] = {
	[MST_CMS_AES128] = {NIST(0x01, 0x02),                                     EVP_aes_128_cbc,  16, 16},
	[MST_CMS_AES192] = {NIST(0x01, 0x16),                                     EVP_aes_192_cbc,  24, 16},
	[MST_CMS_AES256] = {NIST(0x01, 0x2a),                                     EVP_aes_256_cbc,  32, 16},
	[MST_CMS_DES3]   = {OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07),  EVP_des_ede3_cbc, 24, 8},
	[MST_CMS_DES]    = {OID(0x2b, 0x0e, 0x03, 0x02, 0x07),                    EVP_des_cbc,      8,  8},
};
/* clang-format on */

const struct mst_slice mst_cms_oid_data = PKCS(0x07, 0x01);
const struct mst_slice mst_cms_oid_signed = PKCS(0x07, 0x02);
const struct mst_slice mst_cms_oid_enveloped = PKCS(0x07, 0x03);
const struct mst_slice mst_cms_oid_rsa = PKCS(0x01, 0x01);
const struct mst_slice mst_cms_oid_content_type = PKCS(0x09, 0x03);
const struct mst_slice mst_cms_oid_message_digest = PKCS(0x09, 0x04);
const struct mst_slice mst_cms_oid_signing_time = PKCS(0x09, 0x05);

enum mst_cms_digest mst_cms_digest_of(struct mst_slice oid)
{
	size_t i = 0;
	while (i < MST_CMS_NUM_DIGESTS && !mst_slice_eq(oid, mst_cms_digest_rows[i].oid))
		i++;
	return (enum mst_cms_digest)i;
}

enum mst_cms_cipher mst_cms_cipher_of(struct mst_slice oid)
{
	size_t i = 0;
	while (i < MST_CMS_NUM_CIPHERS && !mst_slice_eq(oid, mst_cms_cipher_rows[i].oid))
		i++;
	return (enum mst_cms_cipher)i;
}
