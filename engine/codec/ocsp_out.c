/* SPDX-License-Identifier: Apache-2.0 */
/* Writes OCSP answers, RFC 6960 4.2. All times are GeneralizedTime. */
#include "muster/ocsp.h"
#include "sig_own.h"

#define BODY_MORE   160 /* responder, times, extensions and the heads around them */
#define SINGLE_MORE 96  /* status, times and heads */
#define WHOLE_MORE  128 /* the heads around body and certificate */

static const struct mst_slice basic = /* id-pkix-ocsp-basic */
	OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01);
static const struct mst_slice oid_nonce = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02);

/* CertStatus ::= good [0] NULL | revoked [1] {time, reason [0] OPTIONAL} | unknown [2] NULL */
static bool put_status(CBB *to, const struct mst_ocsp_single *single)
{
	CBB revoked, reason;
	const struct mst_slice none = {NULL, 0};
	switch (single->status) {
	case MST_OCSP_GOOD:
		return mst_der_put(to, DER_CONTEXT(0), none);
	case MST_OCSP_UNKNOWN:
		return mst_der_put(to, DER_CONTEXT(2), none);
	case MST_OCSP_REVOKED:
		break;
	}
	if (!CBB_add_asn1(to, &revoked, DER_INSIDE(1)) || !mst_sig_put_time(&revoked, single->revoked_s, false))
		return false;
	if (single->reason) {
		uint8_t code = (uint8_t)single->reason;
		if (!CBB_add_asn1(&revoked, &reason, DER_INSIDE(0)) ||
		    !mst_der_put(&reason, CBS_ASN1_ENUMERATED, mst_slice(&code, 1)))
			return false;
	}
	return CBB_flush(to);
}

static bool put_single(CBB *list, const struct mst_ocsp_single *single, const struct mst_ocsp_body *body)
{
	CBB one, next;
	return CBB_add_asn1(list, &one, CBS_ASN1_SEQUENCE) && mst_der_add(&one, single->id) && put_status(&one, single) &&
	       mst_sig_put_time(&one, body->this_s, false) && CBB_add_asn1(&one, &next, DER_INSIDE(0)) &&
	       mst_sig_put_time(&next, body->next_s, false) && CBB_flush(list);
}

static bool put_nonce(CBB *to, struct mst_slice nonce)
{
	CBB wrapped, list, extension, value;
	return CBB_add_asn1(to, &wrapped, DER_INSIDE(1)) && CBB_add_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE) &&
	       CBB_add_asn1(&list, &extension, CBS_ASN1_SEQUENCE) && mst_der_put(&extension, CBS_ASN1_OBJECT, oid_nonce) &&
	       CBB_add_asn1(&extension, &value, CBS_ASN1_OCTETSTRING) && mst_der_put(&value, CBS_ASN1_OCTETSTRING, nonce) &&
	       CBB_flush(to);
}

static bool put_body(CBB *to, const struct mst_ocsp_body *body)
{
	CBB data, responder, list;
	if (!CBB_add_asn1(to, &data, CBS_ASN1_SEQUENCE) || !CBB_add_asn1(&data, &responder, DER_INSIDE(2)) ||
	    !mst_der_put(&responder, CBS_ASN1_OCTETSTRING, mst_slice(body->responder, sizeof(body->responder))) ||
	    !mst_sig_put_time(&data, body->this_s, false) || !CBB_add_asn1(&data, &list, CBS_ASN1_SEQUENCE))
		return false;
	for (size_t i = 0; i < body->num_singles; i++)
		if (!put_single(&list, &body->singles[i], body))
			return false;
	return CBB_flush(&data) && (body->nonce.len == 0 || put_nonce(&data, body->nonce)) && CBB_flush(to);
}

int mst_ocsp_body(struct mst_slice *out, struct mst_arena *arena, const struct mst_ocsp_body *body, struct mst_err *e)
{
	size_t room = BODY_MORE + body->nonce.len;
	CBB cbb;
	for (size_t i = 0; i < body->num_singles; i++)
		room += SINGLE_MORE + body->singles[i].id.len;
	uint8_t *at = mst_arena_get(arena, room);
	CBB_zero(&cbb);
	return mst_sig_end(out, at, &cbb, at && CBB_init_fixed(&cbb, at, room) && put_body(&cbb, body), e);
}

/* OCSPResponse ::= { successful, [0] { basic, OCTET STRING { { body, algorithm, signature, certs [0] } } } } */
static bool put_whole(CBB *to, struct mst_slice body, enum mst_sig_alg alg, struct mst_slice signature, struct mst_slice cert)
{
	static const uint8_t successful = 0;
	CBB answer, bytes, pair, text, inside, certs, list;
	return CBB_add_asn1(to, &answer, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&answer, CBS_ASN1_ENUMERATED, mst_slice(&successful, 1)) &&
	       CBB_add_asn1(&answer, &bytes, DER_INSIDE(0)) && CBB_add_asn1(&bytes, &pair, CBS_ASN1_SEQUENCE) &&
	       mst_der_put(&pair, CBS_ASN1_OBJECT, basic) && CBB_add_asn1(&pair, &text, CBS_ASN1_OCTETSTRING) &&
	       CBB_add_asn1(&text, &inside, CBS_ASN1_SEQUENCE) && mst_sig_put(&inside, body, alg, signature) &&
	       CBB_add_asn1(&inside, &certs, DER_INSIDE(0)) && CBB_add_asn1(&certs, &list, CBS_ASN1_SEQUENCE) &&
	       mst_der_add(&list, cert) && CBB_flush(to);
}

int mst_ocsp_whole(struct mst_slice *out, struct mst_arena *arena, struct mst_slice body, enum mst_sig_alg alg,
		   struct mst_slice signature, struct mst_slice cert, struct mst_err *e)
{
	size_t room = WHOLE_MORE + SIG_MORE + body.len + signature.len + cert.len;
	uint8_t *at = mst_arena_get(arena, room);
	CBB cbb;
	CBB_zero(&cbb);
	return mst_sig_end(out, at, &cbb, at && CBB_init_fixed(&cbb, at, room) && put_whole(&cbb, body, alg, signature, cert), e);
}

struct mst_slice mst_ocsp_refusal(enum mst_ocsp_refusal why)
{
	static const uint8_t answers[][5] = {
		[MST_OCSP_MALFORMED] = {0x30, 0x03, 0x0a, 0x01, MST_OCSP_MALFORMED},
		[MST_OCSP_INTERNAL] = {0x30, 0x03, 0x0a, 0x01, MST_OCSP_INTERNAL},
		[MST_OCSP_TRY_LATER] = {0x30, 0x03, 0x0a, 0x01, MST_OCSP_TRY_LATER},
		[MST_OCSP_UNAUTHORIZED] = {0x30, 0x03, 0x0a, 0x01, MST_OCSP_UNAUTHORIZED},
	};
	return mst_slice(answers[why], sizeof(answers[why]));
}
