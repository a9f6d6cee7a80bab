/* SPDX-License-Identifier: Apache-2.0 */
/* Writes certificate revocation lists, RFC 5280 5, version 2. */
#include "muster/crl.h"

#include "sig_own.h"

#define SERIAL_LEN 16
#define BODY_MORE  256 /* version, times, extensions, and the heads around them */

/* cRLReason up to its value: { { 2.5.29.21, { ENUMERATED */
static const uint8_t reason_head[] = {0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01};

static const struct mst_slice oid_number = OID(0x55, 0x1d, 0x14), oid_authority = OID(0x55, 0x1d, 0x23);

static const char *const reasons[] = {
	[0] = "unspecified", [1] = "keyCompromise",        [2] = "cACompromise",    [3] = "affiliationChanged",
	[4] = "superseded",  [5] = "cessationOfOperation", [6] = "certificateHold", [8] = "removeFromCRL",
	[9] = "privilegeWithdrawn", [10] = "aACompromise",
};

const char *mst_crl_reason_word(uint32_t reason)
{
	return reason < MST_LEN(reasons) ? reasons[reason] : NULL;
}

int mst_crl_reason_from(uint32_t *out, struct mst_slice word, struct mst_err *e)
{
	for (uint32_t i = 0; i < MST_LEN(reasons); i++) {
		if (!reasons[i] || !mst_slice_eq(word, mst_slice_str(reasons[i])))
			continue;
		*out = i;
		return 0;
	}
	return mst_fail(e, MST_E_SYNTAX, "no such reason to revoke");
}

/* INTEGER of a number without leading zeros. */
static size_t put_serial(uint8_t *out, const uint8_t *serial)
{
	size_t skip = 0, at = 2;
	while (skip < SERIAL_LEN - 1 && serial[skip] == 0)
		skip++;
	if (serial[skip] & 0x80)
		out[at++] = 0;
	memcpy(out + at, serial + skip, SERIAL_LEN - skip);
	at += SERIAL_LEN - skip;
	out[0] = CBS_ASN1_INTEGER;
	out[1] = (uint8_t)(at - 2);
	return at;
}

/* Every length is below 128: heads are two bytes. */
size_t mst_crl_entry_put(uint8_t out[static MST_CRL_ENTRY_ROOM], const uint8_t serial[static 16], int64_t at_s, uint32_t reason)
{
	uint8_t text[SIG_TIME_LEN];
	size_t at = 2 + put_serial(out + 2, serial);
	mst_sig_time(text, at_s);
	bool is_utc = memcmp(text, "2050", 4) < 0;
	size_t skip = is_utc ? 2 : 0;
	out[at++] = is_utc ? 0x17 : 0x18;
	out[at++] = (uint8_t)(SIG_TIME_LEN - skip);
	memcpy(out + at, text + skip, SIG_TIME_LEN - skip);
	at += SIG_TIME_LEN - skip;
	if (reason) {
		memcpy(out + at, reason_head, sizeof(reason_head));
		at += sizeof(reason_head);
		out[at++] = (uint8_t)reason;
	}
	out[0] = 0x30;
	out[1] = (uint8_t)(at - 2);
	return at;
}

/* An extension that is not critical; its value is opened by the caller. */
static bool open_extension(CBB *extension, CBB *value, CBB *list, struct mst_slice oid)
{
	return CBB_add_asn1(list, extension, CBS_ASN1_SEQUENCE) && mst_der_put(extension, CBS_ASN1_OBJECT, oid) &&
	       CBB_add_asn1(extension, value, CBS_ASN1_OCTETSTRING);
}

static bool put_extensions(CBB *to, const struct mst_crl *crl)
{
	CBB wrapped, list, extension, value, inside;
	if (!CBB_add_asn1(to, &wrapped, DER_INSIDE(0)) || !CBB_add_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE))
		return false;
	if (crl->key_id.len &&
	    (!open_extension(&extension, &value, &list, oid_authority) || !CBB_add_asn1(&value, &inside, CBS_ASN1_SEQUENCE) ||
	     !mst_der_put(&inside, DER_CONTEXT(0), crl->key_id)))
		return false;
	return open_extension(&extension, &value, &list, oid_number) && CBB_add_asn1_uint64(&value, crl->number) && CBB_flush(to);
}

/* What stands before the entries. */
static bool put_front(CBB *to, const struct mst_crl *crl)
{
	return CBB_add_asn1_uint64(to, 1) && mst_der_add(to, mst_sig_der(crl->alg)) && mst_der_add(to, crl->issuer) &&
	       mst_sig_put_time(to, crl->this_s, true) && mst_sig_put_time(to, crl->next_s, true) && CBB_flush(to);
}

static uint8_t *put(uint8_t *at, struct mst_slice bytes)
{
	if (bytes.len)
		memcpy(at, bytes.at, bytes.len);
	return at + bytes.len;
}

/* An element of parts that are ready: one copy. */
static int join(struct mst_slice *out, struct mst_arena *arena, const struct mst_slice *parts, size_t num, struct mst_err *e)
{
	uint8_t head[SIG_HEAD_ROOM];
	size_t len = 0, head_len;
	for (size_t i = 0; i < num; i++)
		len += parts[i].len;
	head_len = mst_sig_head(head, 0x30, len);
	uint8_t *from = mst_arena_get(arena, head_len + len), *at = from;
	if (!from)
		return mst_fail(e, MST_E_BUSY, "no memory for a CRL");
	at = put(at, mst_slice(head, head_len));
	for (size_t i = 0; i < num; i++)
		at = put(at, parts[i]);
	*out = mst_slice(from, head_len + len);
	return 0;
}

/* Written into memory of the arena by `write`. */
static int draft(struct mst_slice *out, struct mst_arena *arena, const struct mst_crl *crl, bool (*write)(CBB *to, const struct mst_crl *crl),
		 struct mst_err *e)
{
	size_t room = BODY_MORE + crl->issuer.len + crl->key_id.len;
	uint8_t *at = mst_arena_get(arena, room);
	CBB cbb;
	CBB_zero(&cbb);
	return mst_sig_end(out, at, &cbb, at && mst_sig_der(crl->alg).len && CBB_init_fixed(&cbb, at, room) && write(&cbb, crl), e);
}

int mst_crl_body(struct mst_slice *out, struct mst_arena *arena, const struct mst_crl *crl, struct mst_err *e)
{
	struct mst_slice front, tail;
	uint8_t head[SIG_HEAD_ROOM];
	if (draft(&front, arena, crl, put_front, e) < 0 || draft(&tail, arena, crl, put_extensions, e) < 0)
		return -1;
	/* A list without entries is absent, RFC 5280 5.1.2.6. */
	size_t head_len = crl->entries.len ? mst_sig_head(head, 0x30, crl->entries.len) : 0;
	const struct mst_slice parts[] = {front, mst_slice(head, head_len), crl->entries, tail};
	return join(out, arena, parts, MST_LEN(parts), e);
}

int mst_crl_whole(struct mst_slice *out, struct mst_arena *arena, struct mst_slice body, enum mst_sig_alg alg,
		  struct mst_slice signature, struct mst_err *e)
{
	uint8_t head[SIG_HEAD_ROOM + 1];
	size_t head_len = mst_sig_head(head, 0x03, signature.len + 1);
	head[head_len++] = 0; /* no unused bits */
	const struct mst_slice parts[] = {body, mst_sig_der(alg), mst_slice(head, head_len), signature};
	return join(out, arena, parts, MST_LEN(parts), e);
}
