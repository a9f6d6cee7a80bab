/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a pkiMessage (RFC 8894 3.1): first the outside, as far as its type; then who signed; then what is in the envelope.
 * Everything that can be wrong within the envelope is one failure, so that nobody learns from it how far a forged one came.
 */
#include "own.h"

#define OID_TYPE        MST_S(MST_CMS_OID_SCEP "\x02")
#define OID_NONCE       MST_S(MST_CMS_OID_SCEP "\x05")
#define OID_TRANSACTION MST_S(MST_CMS_OID_SCEP "\x07")

/* An attribute that must be there, of 1 to `len_max` bytes. */
static int need(struct mst_slice *out, const struct mst_cms_signer *signer, struct mst_slice oid, enum mst_cms_kind kind, size_t len_max,
		const char *name, struct mst_err *e)
{
	int rc = mst_cms_attr_get(out, signer, oid, kind, e);

	if (rc < 0)
		return -1;
	if (rc == 0 || out->len == 0 || out->len > len_max)
		return mst_fail(e, MST_E_SYNTAX, "no %s of 1 to %zu bytes", name, len_max);
	return 0;
}

static const struct scep_type_row *type_find(struct mst_slice number)
{
	for (size_t i = 0; i < NUM_TYPES; i++)
		if (mst_slice_eq(mst_slice_str(mst_type_rows[i].number), number))
			return &mst_type_rows[i];
	return NULL;
}

int mst_pki_read(struct scep_message *out, struct mst_arena *arena, struct mst_slice bytes, struct mst_err *e)
{
	const struct mst_cms_signer *signer = &out->outer.signers[0];
	struct mst_slice number;

	if (mst_cms_signed_read(&out->outer, arena, bytes, e) < 0)
		return -1;
	if (out->outer.num_signers != 1)
		return mst_fail(e, MST_E_SYNTAX, "a message has one signer");
	if (need(&number, signer, OID_TYPE, MST_CMS_TEXT, 8, "messageType", e) < 0)
		return -1;
	out->type = type_find(number);
	if (!out->type)
		return mst_fail(e, MST_E_DENIED, "this messageType is not taken");
	if (need(&out->transaction, signer, OID_TRANSACTION, MST_CMS_TEXT, TRANSACTION_MAX, "transactionID", e) < 0)
		return -1;
	return need(&out->nonce, signer, OID_NONCE, MST_CMS_BYTES, NONCE_MAX, "senderNonce", e);
}

/* The answer is encrypted to the signer's certificate, so its key is RSA. */
static enum scep_verdict check_signer(struct scep_message *m, struct mst_err *e)
{
	const struct mst_cms_signer *signer = &m->outer.signers[0];
	uint32_t rsa_bits, ec_bits;

	if (mst_cms_signer_cert(&m->signer, &m->outer, signer, e) < 0 || mst_key_check(&rsa_bits, &ec_bits, m->signer.spki, e) < 0)
		return VERDICT_BROKEN;
	if (rsa_bits == 0) {
		mst_fail(e, MST_E_DENIED, "the signer's key is not RSA: it cannot decrypt an answer");
		return VERDICT_CIPHER;
	}
	if (mst_cms_verify(&m->outer, signer, m->signer.spki, NULL, MST_CMS_ALLOW_SHA1, e) < 0)
		return e->code == MST_E_DENIED ? VERDICT_CIPHER : VERDICT_BROKEN;
	return VERDICT_OPEN;
}

enum scep_verdict mst_pki_open(struct scep_message *m, struct mst_arena *arena, const struct mst_cert *own,
			       const struct mst_cms_key *key, uint32_t allow, struct mst_err *e)
{
	struct mst_cms_opened opened;
	enum scep_verdict verdict = check_signer(m, e);

	if (verdict != VERDICT_OPEN)
		return verdict;
	if (!mst_slice_eq(m->outer.content_type, MST_S(MST_CMS_OID_DATA))) {
		mst_fail(e, MST_E_SYNTAX, "what is signed is not of type data");
		return VERDICT_BROKEN;
	}
	if (mst_cms_open(&opened, arena, m->outer.content, own, key, allow, e) < 0)
		return e->code == MST_E_DENIED ? VERDICT_CIPHER : VERDICT_BROKEN;
	m->cipher = opened.cipher == MST_CMS_DES ? MST_CMS_DES3 : opened.cipher;
	return m->type->read(m, opened.content, e) < 0 ? VERDICT_BROKEN : VERDICT_OPEN;
}

/* PKCS#10; old clients sign it with SHA-1, which proves the possession of the key as well. */
int mst_pki_request(struct scep_message *m, struct mst_slice content, struct mst_err *e)
{
	if (mst_csr_read(&m->csr, content, e) < 0)
		return -1;
	return mst_csr_verify(&m->csr, true, e);
}

/* SEQUENCE of two elements: IssuerAndSubject (3.3.3) and IssuerAndSerialNumber (RFC 5652 10.2.4) */
static int pair_read(struct mst_slice *first, uint8_t *tag, struct mst_slice *second, struct mst_slice content, struct mst_err *e)
{
	struct mst_slice inside, unused;
	uint8_t outer, name;

	if (!mst_parts_next(&content, &outer, &inside, NULL) || outer != 0x30 || content.len ||
	    !mst_parts_next(&inside, &name, &unused, first) || name != 0x30 || !mst_parts_next(&inside, tag, second, NULL) || inside.len)
		return mst_fail(e, MST_E_SYNTAX, "a broken name of a certificate");
	return 0;
}

/* Who polls is known by its key and transaction; the names add nothing. */
int mst_pki_subject(struct scep_message *m, struct mst_slice content, struct mst_err *e)
{
	struct mst_slice subject;
	uint8_t tag;

	if (pair_read(&m->issuer, &tag, &subject, content, e) < 0)
		return -1;
	return tag == 0x30 ? 0 : mst_fail(e, MST_E_SYNTAX, "a broken name of a certificate");
}

int mst_pki_number(struct scep_message *m, struct mst_slice content, struct mst_err *e)
{
	uint8_t tag;

	if (pair_read(&m->issuer, &tag, &m->serial, content, e) < 0)
		return -1;
	return tag == 0x02 ? 0 : mst_fail(e, MST_E_SYNTAX, "a broken name of a certificate");
}
