/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and signs X.509 version 3 certificates (RFC 5280). */
#include "issue_own.h"

#include <openssl/err.h>

static bool put_tbs(CBB *to, const struct draft *d)
{
	CBB tbs, version, wrapped, list;
	return CBB_add_asn1(to, &tbs, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&tbs, &version, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) &&
	       CBB_add_asn1_uint64(&version, 2) && mst_issue_put_serial(&tbs, d->serial) &&
	       mst_issue_put_alg(&tbs, d->alg) &&
	       (d->ca.subject.len ? put(&tbs, d->ca.subject) : mst_issue_put_subject(&tbs, d->what)) &&
	       mst_issue_put_validity(&tbs, d->what) && mst_issue_put_subject(&tbs, d->what) &&
	       put(&tbs, d->what->spki) &&
	       CBB_add_asn1(&tbs, &wrapped, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 3) &&
	       CBB_add_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE) &&
	       mst_issue_put_extensions(&list, d, MST_ISSUE_ALL) && CBB_flush(to);
}

int mst_issue_no_memory(struct mst_err *e)
{
	ERR_clear_error();
	return mst_fail(e, MST_E_BUSY, "no memory for a certificate");
}

int mst_issue_authority(struct draft *d, struct mst_slice ca_cert, struct mst_err *e)
{
	if (mst_cert_parse(&d->ca, ca_cert, e) < 0)
		return -1;
	d->authority = d->ca.key_id;
	if (d->authority.len)
		return 0;
	if (mst_issue_key_id(d->ca_key_id, d->ca.spki, e) < 0)
		return -1;
	d->authority = mst_slice(d->ca_key_id, KEY_ID_LEN);
	return 0;
}

static int prepare(struct draft *d, struct mst_slice ca_cert, struct mst_err *e)
{
	if (d->alg == MST_SIG_UNKNOWN)
		return mst_fail(e, MST_E_SYNTAX, "no hash of %u bits", d->what->hash_bits);
	if (d->what->not_after <= d->what->not_before)
		return mst_fail(e, MST_E_SYNTAX, "the certificate would end before it begins");
	if (mst_issue_check(d->what, e) < 0 || mst_issue_check_urls(d->what, e) < 0 ||
	    mst_issue_key_id(d->key_id, d->what->spki, e) < 0)
		return -1;
	d->authority = mst_slice(d->key_id, KEY_ID_LEN);
	if (ca_cert.len && mst_issue_authority(d, ca_cert, e) < 0)
		return -1;
	mst_issue_serial(d->serial);
	return 0;
}

int mst_issue_write(struct mst_slice *out, struct mst_arena *arena, const struct mst_issue *what,
		    struct mst_slice ca_cert, const struct mst_key *ca_key, uint8_t *serial,
		    struct mst_err *e)
{
	struct draft d = {.what = what, .alg = mst_key_alg_for(ca_key, what->hash_bits)};
	struct mst_slice signature;
	CBB tbs, cert;
	int rc = -1;
	if (prepare(&d, ca_cert, e) < 0)
		return -1;
	CBB_zero(&tbs);
	CBB_zero(&cert);
	if (!CBB_init(&tbs, 1024) || !put_tbs(&tbs, &d)) {
		mst_issue_no_memory(e);
		goto out;
	}
	struct mst_slice tbs_bytes = mst_slice(CBB_data(&tbs), CBB_len(&tbs));
	if (mst_key_sign_as(&signature, arena, ca_key, d.alg, tbs_bytes, e) < 0)
		goto out;
	if (!CBB_init(&cert, 1024) || !mst_issue_put_signed(&cert, tbs_bytes, d.alg, signature) ||
	    !mst_arena_copy(arena, out, mst_slice(CBB_data(&cert), CBB_len(&cert)))) {
		mst_issue_no_memory(e);
		goto out;
	}
	if (serial)
		memcpy(serial, d.serial, sizeof(d.serial));
	rc = 0;
out:
	CBB_cleanup(&tbs);
	CBB_cleanup(&cert);
	return rc;
}
