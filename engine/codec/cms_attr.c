/* SPDX-License-Identifier: Apache-2.0 */
/* Values of signed attributes, read and written; SCEP keeps its whole conversation there (RFC
 * 8894 3.2.1). */
#include "cms_own.h"

#include "muster/text.h"

static bool is_kind(unsigned tag, enum mst_cms_kind kind)
{
	if (kind == MST_CMS_BYTES)
		return tag == CBS_ASN1_OCTETSTRING;
	return tag == CBS_ASN1_PRINTABLESTRING || tag == CBS_ASN1_IA5STRING ||
	       tag == CBS_ASN1_UTF8STRING;
}

int mst_cms_attr_get(struct mst_slice *out, const struct mst_cms_signer *signer,
		     struct mst_slice oid, enum mst_cms_kind kind, struct mst_err *e)
{
	int num = 0;
	for (size_t i = 0; i < signer->num_attrs; i++) {
		if (!mst_slice_eq(signer->attrs[i].oid, oid))
			continue;
		CBS values = mst_der_cbs(signer->attrs[i].values), value;
		unsigned tag;
		if (num++ || !CBS_get_any_asn1(&values, &value, &tag) || CBS_len(&values) != 0 ||
		    !is_kind(tag, kind))
			return mst_fail(e, MST_E_SYNTAX,
					"SignedData: an attribute has not one value of its kind");
		*out = mst_der_slice(&value);
	}
	return num;
}

/* PrintableString, X.680 41.4. */
static bool is_printable(struct mst_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i], letter = c | 0x20;
		if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') &&
		    !memchr(" '()+,-./:=?", c, 12))
			return false;
	}
	return true;
}

int mst_cms_attr_make(struct mst_cms_attr *out, struct mst_arena *arena, struct mst_slice oid,
		      enum mst_cms_kind kind, struct mst_slice value, struct mst_err *e)
{
	CBB cbb;
	unsigned tag = CBS_ASN1_OCTETSTRING;
	if (kind == MST_CMS_TEXT)
		tag = is_printable(value) ? CBS_ASN1_PRINTABLESTRING : CBS_ASN1_UTF8STRING;
	if (tag == CBS_ASN1_UTF8STRING && !mst_utf8_ok(value))
		return mst_fail(e, MST_E_SYNTAX,
				"SignedData: the text of an attribute is no UTF-8");
	out->oid = oid;
	CBB_zero(&cbb);
	bool is_written = CBB_init(&cbb, value.len + 16) && mst_der_put(&cbb, tag, value);
	return mst_der_done(&out->values, arena, &cbb, is_written, e);
}
