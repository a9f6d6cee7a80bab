/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that SignedData and EnvelopedData have in common: the outer layer, and how certificates
 * are named. */
#include "cms_own.h"

#include <openssl/err.h>
#include <openssl/x509.h>

int mst_cms_start(CBS *out, struct mst_arena *arena, struct mst_slice in, struct mst_slice type,
		  struct mst_err *e)
{
	struct mst_slice der, is;
	CBS all, content;
	if (in.len > MST_CMS_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "CMS: over %u bytes", MST_CMS_MAX);
	if (mst_ber_to_der(&der, arena, in, e) < 0)
		return -1;
	all = mst_der_cbs(der);
	if (!mst_der_content(&is, &content, &all) || !mst_slice_eq(is, type) ||
	    !CBS_get_asn1(&content, out, CBS_ASN1_SEQUENCE) || CBS_len(&content) != 0)
		return mst_fail(e, MST_E_SYNTAX, "CMS: not the type of message that is wanted");
	return 0;
}

bool mst_cms_put_issuer(CBB *to, const struct mst_cert *cert)
{
	CBB pair;
	return CBB_add_asn1(to, &pair, CBS_ASN1_SEQUENCE) && mst_der_add(&pair, cert->issuer) &&
	       mst_der_put(&pair, CBS_ASN1_INTEGER, cert->serial) && CBB_flush(to);
}

bool mst_cms_name_same(struct mst_slice a, struct mst_slice b)
{
	if (mst_slice_eq(a, b))
		return true;
	if (a.len > MST_CERT_MAX || b.len > MST_CERT_MAX)
		return false;
	const uint8_t *at_a = a.at, *at_b = b.at;
	X509_NAME *name_a = d2i_X509_NAME(NULL, &at_a, (long)a.len);
	X509_NAME *name_b = d2i_X509_NAME(NULL, &at_b, (long)b.len);
	bool is_same = name_a && name_b && X509_NAME_cmp(name_a, name_b) == 0;
	X509_NAME_free(name_a);
	X509_NAME_free(name_b);
	ERR_clear_error();
	return is_same;
}
