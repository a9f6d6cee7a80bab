/* SPDX-License-Identifier: Apache-2.0 */
/* Seals an EnvelopedData (RFC 5652 6.1) in DER. */
#include "cms_own.h"

#include <openssl/err.h>

#include "muster/text.h"

struct sealing {
	const struct mst_cert *to;
	size_t num_to;
	struct mst_slice content, content_key, iv;
	const struct mst_cms_cipher_row *row;
	enum mst_cms_wrap wrap;
};

static int put_recipients(CBB *to, const struct sealing *s, struct mst_err *e)
{
	CBB set, recipient;
	if (!CBB_add_asn1(to, &set, CBS_ASN1_SET))
		return mst_fail(e, MST_E_BUSY, "no memory to write DER");
	for (size_t i = 0; i < s->num_to; i++) {
		if (!CBB_add_asn1(&set, &recipient, CBS_ASN1_SEQUENCE) ||
		    !CBB_add_asn1_uint64(&recipient, 0) ||
		    !mst_cms_put_issuer(&recipient, &s->to[i]))
			return mst_fail(e, MST_E_BUSY, "no memory to write DER");
		if (mst_cms_wrap(&recipient, s->wrap, s->content_key, s->to[i].spki, e) < 0)
			return -1;
	}
	if (!CBB_flush_asn1_set_of(&set) || !CBB_flush(to))
		return mst_fail(e, MST_E_BUSY, "no memory to write DER");
	return 0;
}

/* The content encrypted, straight into its place. */
static bool put_encrypted(CBB *to, const struct sealing *s)
{
	EVP_CIPHER_CTX ctx;
	CBB bytes;
	uint8_t *place;
	int len = 0, more = 0;
	size_t pad = s->row->block - s->content.len % s->row->block;
	EVP_CIPHER_CTX_init(&ctx);
	bool is_done =
		CBB_add_asn1(to, &bytes, DER_CONTEXT(0)) &&
		CBB_add_space(&bytes, &place, s->content.len + pad) &&
		EVP_EncryptInit_ex(&ctx, s->row->cipher(), NULL, s->content_key.at, s->iv.at) &&
		EVP_EncryptUpdate(&ctx, place, &len, s->content.at, (int)s->content.len) &&
		EVP_EncryptFinal_ex(&ctx, place + len, &more);
	EVP_CIPHER_CTX_cleanup(&ctx);
	return is_done && CBB_flush(to);
}

static bool put_content(CBB *to, const struct sealing *s)
{
	CBB info, alg;
	return CBB_add_asn1(to, &info, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&info, CBS_ASN1_OBJECT, mst_cms_oid_data) &&
	       CBB_add_asn1(&info, &alg, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&alg, CBS_ASN1_OBJECT, s->row->oid) &&
	       mst_der_put(&alg, CBS_ASN1_OCTETSTRING, s->iv) && CBB_flush(&info) &&
	       put_encrypted(&info, s) && CBB_flush(to);
}

static int write_all(struct mst_slice *out, struct mst_arena *arena, const struct sealing *s,
		     struct mst_err *e)
{
	CBB cbb, info, wrapped, inside;
	CBB_zero(&cbb);
	bool is_begun = CBB_init(&cbb, s->content.len + 1024) &&
			CBB_add_asn1(&cbb, &info, CBS_ASN1_SEQUENCE) &&
			mst_der_put(&info, CBS_ASN1_OBJECT, mst_cms_oid_enveloped) &&
			CBB_add_asn1(&info, &wrapped, DER_INSIDE(0)) &&
			CBB_add_asn1(&wrapped, &inside, CBS_ASN1_SEQUENCE) &&
			CBB_add_asn1_uint64(&inside, 0);
	if (is_begun && put_recipients(&inside, s, e) < 0) {
		CBB_cleanup(&cbb);
		return -1;
	}
	bool is_written = is_begun && put_content(&inside, s) && CBB_flush(&cbb);
	return mst_der_done(out, arena, &cbb, is_written, e);
}

int mst_cms_seal(struct mst_slice *out, struct mst_arena *arena, struct mst_slice content,
		 const struct mst_cert *to, size_t num_to, enum mst_cms_cipher cipher,
		 enum mst_cms_wrap wrap, struct mst_err *e)
{
	uint8_t content_key[CMS_KEY_LEN_MAX], iv[EVP_MAX_IV_LENGTH];
	BUG_ON(cipher >= MST_CMS_DES || num_to == 0 || num_to > MST_CMS_RECIPIENTS_MAX);
	if (content.len > MST_CMS_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "EnvelopedData: over %u bytes", MST_CMS_MAX);
	const struct mst_cms_cipher_row *row = &mst_cms_cipher_rows[cipher];
	struct sealing s = {
		.to = to,
		.num_to = num_to,
		.content = content,
		.content_key = mst_slice(content_key, row->key_len),
		.iv = mst_slice(iv, row->block),
		.row = row,
		.wrap = wrap,
	};
	mst_random(content_key, sizeof(content_key));
	mst_random(iv, sizeof(iv));
	int rc = write_all(out, arena, &s, e);
	mst_wipe(content_key, sizeof(content_key));
	return rc;
}
