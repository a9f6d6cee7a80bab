/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of DER that every message is made of. */
#include "der_own.h"

#include <openssl/err.h>
#include <openssl/mem.h>

bool mst_der_alg(struct mst_slice *oid, CBS *params, CBS *from)
{
	CBS id;
	if (!CBS_get_asn1(from, params, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(params, &id, CBS_ASN1_OBJECT))
		return false;
	*oid = mst_der_slice(&id);
	return true;
}

bool mst_der_is_plain(CBS params)
{
	CBS null;
	if (CBS_len(&params) == 0)
		return true;
	return CBS_get_asn1(&params, &null, CBS_ASN1_NULL) && CBS_len(&null) == 0 &&
	       CBS_len(&params) == 0;
}

bool mst_der_content(struct mst_slice *type, CBS *content, CBS *from)
{
	CBS info, id;
	if (!CBS_get_asn1(from, &info, CBS_ASN1_SEQUENCE) ||
	    !CBS_get_asn1(&info, &id, CBS_ASN1_OBJECT) ||
	    !CBS_get_asn1(&info, content, DER_INSIDE(0)) || CBS_len(&info) != 0)
		return false;
	*type = mst_der_slice(&id);
	return true;
}

bool mst_der_add(CBB *to, struct mst_slice der)
{
	return der.len == 0 || CBB_add_bytes(to, der.at, der.len);
}

bool mst_der_put(CBB *to, unsigned tag, struct mst_slice contents)
{
	CBB element;
	return CBB_add_asn1(to, &element, tag) && mst_der_add(&element, contents) && CBB_flush(to);
}

bool mst_der_put_alg(CBB *to, struct mst_slice oid, bool has_null)
{
	CBB alg;
	return CBB_add_asn1(to, &alg, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&alg, CBS_ASN1_OBJECT, oid) &&
	       (!has_null || mst_der_put(&alg, CBS_ASN1_NULL, mst_slice(NULL, 0))) && CBB_flush(to);
}

int mst_der_done(struct mst_slice *out, struct mst_arena *arena, CBB *cbb, bool is_written,
		 struct mst_err *e)
{
	uint8_t *bytes = NULL;
	size_t len = 0;
	bool is_done = is_written && CBB_finish(cbb, &bytes, &len) &&
		       mst_arena_copy(arena, out, mst_slice(bytes, len));
	CBB_cleanup(cbb);
	OPENSSL_free(bytes); /* wipes */
	if (is_done)
		return 0;
	ERR_clear_error();
	return mst_fail(e, MST_E_BUSY, "DER cannot be written");
}
