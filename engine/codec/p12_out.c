/* SPDX-License-Identifier: Apache-2.0 */
/* Writes PKCS#12 files (RFC 7292 4): certificates and key under PBES2, all under a MAC with
 * SHA-256. */
#include "p12_own.h"

#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "muster/text.h"

#define SALT_LEN   16
#define BMP_STRING 30

struct writing {
	const struct mst_p12_identity *what;
	struct mst_p12_pass pass;
	uint32_t rounds;
	uint8_t local_id[SHA_DIGEST_LENGTH]; /* ties key and certificate together */
	uint8_t name[2 * MST_P12_NAME_MAX];
	size_t name_len;
};

static bool put_attr(CBB *to, struct mst_slice oid, unsigned tag, struct mst_slice contents)
{
	CBB attr, values;
	return CBB_add_asn1(to, &attr, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&attr, CBS_ASN1_OBJECT, oid) &&
	       CBB_add_asn1(&attr, &values, CBS_ASN1_SET) && mst_der_put(&values, tag, contents) &&
	       CBB_flush(to);
}

static bool put_attrs(CBB *to, const struct writing *w)
{
	CBB set;
	return CBB_add_asn1(to, &set, CBS_ASN1_SET) &&
	       (w->name_len == 0 ||
		put_attr(&set, mst_p12_oid_name, BMP_STRING, mst_slice(w->name, w->name_len))) &&
	       put_attr(&set, mst_p12_oid_local_id, CBS_ASN1_OCTETSTRING,
			mst_slice(w->local_id, sizeof(w->local_id))) &&
	       CBB_flush_asn1_set_of(&set) && CBB_flush(to);
}

static bool put_cert(CBB *to, const struct writing *w, struct mst_slice der, bool is_own)
{
	CBB bag, value, cert, wrapped;
	return CBB_add_asn1(to, &bag, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&bag, CBS_ASN1_OBJECT, mst_p12_oid_cert) &&
	       CBB_add_asn1(&bag, &value, DER_INSIDE(0)) &&
	       CBB_add_asn1(&value, &cert, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&cert, CBS_ASN1_OBJECT, mst_p12_oid_x509) &&
	       CBB_add_asn1(&cert, &wrapped, DER_INSIDE(0)) &&
	       mst_der_put(&wrapped, CBS_ASN1_OCTETSTRING, der) && CBB_flush(&bag) &&
	       (!is_own || put_attrs(&bag, w)) && CBB_flush(to);
}

static bool put_certs(CBB *to, const struct writing *w)
{
	CBB list;
	if (!CBB_add_asn1(to, &list, CBS_ASN1_SEQUENCE) || !put_cert(&list, w, w->what->cert, true))
		return false;
	for (size_t i = 0; i < w->what->num_chain; i++)
		if (!put_cert(&list, w, w->what->chain[i], false))
			return false;
	return CBB_flush(to);
}

/* ContentInfo of EncryptedData around the certificates. */
static bool put_cert_safe(CBB *to, const struct writing *w)
{
	CBB plain, info, wrapped, data, content;
	CBB_zero(&plain);
	bool is_done = CBB_init(&plain, 4096) && put_certs(&plain, w) &&
		       CBB_add_asn1(to, &info, CBS_ASN1_SEQUENCE) &&
		       mst_der_put(&info, CBS_ASN1_OBJECT, mst_p12_oid_encrypted) &&
		       CBB_add_asn1(&info, &wrapped, DER_INSIDE(0)) &&
		       CBB_add_asn1(&wrapped, &data, CBS_ASN1_SEQUENCE) &&
		       CBB_add_asn1_uint64(&data, 0) &&
		       CBB_add_asn1(&data, &content, CBS_ASN1_SEQUENCE) &&
		       mst_der_put(&content, CBS_ASN1_OBJECT, mst_cms_oid_data) &&
		       mst_p12_encrypt(&content, DER_CONTEXT(0),
				       mst_slice(CBB_data(&plain), CBB_len(&plain)), w->pass.text,
				       w->rounds) &&
		       CBB_flush(to);
	CBB_cleanup(&plain);
	return is_done;
}

/* ContentInfo of data around the key, whose bag is encrypted by itself. */
static bool put_key_safe(CBB *to, const struct writing *w)
{
	CBB info, wrapped, bytes, list, bag, value, shrouded;
	return CBB_add_asn1(to, &info, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&info, CBS_ASN1_OBJECT, mst_cms_oid_data) &&
	       CBB_add_asn1(&info, &wrapped, DER_INSIDE(0)) &&
	       CBB_add_asn1(&wrapped, &bytes, CBS_ASN1_OCTETSTRING) &&
	       CBB_add_asn1(&bytes, &list, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&list, &bag, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&bag, CBS_ASN1_OBJECT, mst_p12_oid_shrouded) &&
	       CBB_add_asn1(&bag, &value, DER_INSIDE(0)) &&
	       CBB_add_asn1(&value, &shrouded, CBS_ASN1_SEQUENCE) &&
	       mst_p12_encrypt(&shrouded, CBS_ASN1_OCTETSTRING, w->what->key, w->pass.text,
			       w->rounds) &&
	       CBB_flush(&bag) && put_attrs(&bag, w) && CBB_flush(to);
}

static bool put_safes(CBB *to, const struct writing *w)
{
	CBB list;
	return CBB_init(to, 8192) && CBB_add_asn1(to, &list, CBS_ASN1_SEQUENCE) &&
	       put_cert_safe(&list, w) && put_key_safe(&list, w) && CBB_flush(to);
}

static bool put_mac(CBB *to, const struct writing *w, struct mst_slice content)
{
	uint8_t salt[SALT_LEN], key[SHA256_DIGEST_LENGTH], mac[EVP_MAX_MD_SIZE];
	struct mst_slice salt_bytes = mst_slice(salt, sizeof(salt));
	unsigned len = 0;
	CBB data, info;
	mst_random(salt, sizeof(salt));
	bool is_done =
		mst_p12_derive(key, sizeof(key), MST_P12_ID_MAC, EVP_sha256(),
			       mst_slice(w->pass.wide, w->pass.wide_len), salt_bytes, w->rounds) &&
		HMAC(EVP_sha256(), key, sizeof(key), content.at, content.len, mac, &len);
	mst_wipe(key, sizeof(key));
	return is_done && CBB_add_asn1(to, &data, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&data, &info, CBS_ASN1_SEQUENCE) &&
	       mst_der_put_alg(&info, mst_cms_digest_rows[MST_CMS_SHA256].oid, true) &&
	       mst_der_put(&info, CBS_ASN1_OCTETSTRING, mst_slice(mac, len)) && CBB_flush(&data) &&
	       mst_der_put(&data, CBS_ASN1_OCTETSTRING, salt_bytes) &&
	       CBB_add_asn1_uint64(&data, w->rounds) && CBB_flush(to);
}

static bool put_file(CBB *to, const struct writing *w)
{
	CBB safes, file, info, wrapped;
	CBB_zero(&safes);
	bool is_done = put_safes(&safes, w);
	struct mst_slice content =
		is_done ? mst_slice(CBB_data(&safes), CBB_len(&safes)) : mst_slice(NULL, 0);
	is_done = is_done && CBB_init(to, content.len + 512) &&
		  CBB_add_asn1(to, &file, CBS_ASN1_SEQUENCE) && CBB_add_asn1_uint64(&file, 3) &&
		  CBB_add_asn1(&file, &info, CBS_ASN1_SEQUENCE) &&
		  mst_der_put(&info, CBS_ASN1_OBJECT, mst_cms_oid_data) &&
		  CBB_add_asn1(&info, &wrapped, DER_INSIDE(0)) &&
		  mst_der_put(&wrapped, CBS_ASN1_OCTETSTRING, content) && CBB_flush(&file) &&
		  put_mac(&file, w, content) && CBB_flush(to);
	CBB_cleanup(&safes);
	return is_done;
}

int mst_p12_write(struct mst_slice *out, struct mst_arena *arena,
		  const struct mst_p12_identity *what, struct mst_slice password, uint32_t rounds,
		  struct mst_err *e)
{
	struct writing w = {.what = what, .rounds = rounds};
	CBB cbb;
	BUG_ON(rounds == 0 || rounds > MST_P12_ROUNDS_MAX || what->num_chain > MST_P12_CERTS_MAX);
	if (mst_p12_pass_init(&w.pass, password, 0, e) < 0)
		return -1;
	if (what->name.len > MST_P12_NAME_MAX || !mst_p12_wide(w.name, &w.name_len, what->name))
		return mst_fail(e, MST_E_SYNTAX, "PKCS#12: the name is too long or no UTF-8");
	SHA1(what->cert.at, what->cert.len, w.local_id);
	CBB_zero(&cbb);
	int rc = mst_der_done(out, arena, &cbb, put_file(&cbb, &w), e);
	mst_wipe(&w.pass, sizeof(w.pass));
	return rc;
}
