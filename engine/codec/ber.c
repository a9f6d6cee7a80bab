/* SPDX-License-Identifier: Apache-2.0 */
/* Makes DER framing of BER (X.690 8 and 10): Apple sends open lengths and strings in pieces. */
#include "der_own.h"

#define DEPTH_MAX 24 /* a SignedData's deepest string is at 12 */

/* Universal string types, which BER may cut in pieces. BIT STRING is not taken so: nobody does it
 * and its pieces differ. */
static bool is_string(unsigned tag)
{
	static const uint8_t numbers[] = {4, 12, 18, 19, 20, 21, 22, 25, 26, 27, 28, 30};
	for (size_t i = 0; i < sizeof(numbers); i++)
		if (tag == numbers[i])
			return true;
	return false;
}

/* Whether the framing below `in` is DER. False ends the search early; what does not parse is left
 * to convert(). */
static bool is_der(CBS in, unsigned depth)
{
	CBS element;
	unsigned tag;
	size_t head;
	int is_odd, is_open;
	if (depth > DEPTH_MAX)
		return false;
	while (CBS_len(&in)) {
		if (!CBS_get_any_ber_asn1_element(&in, &element, &tag, &head, &is_odd, &is_open) ||
		    is_odd)
			return false;
		if (!(tag & CBS_ASN1_CONSTRUCTED))
			continue;
		if (is_string(tag & ~CBS_ASN1_CONSTRUCTED) || !CBS_skip(&element, head) ||
		    !is_der(element, depth + 1))
			return false;
	}
	return true;
}

static bool take_end(CBS *in)
{
	if (CBS_len(in) < 2 || CBS_data(in)[0] != 0 || CBS_data(in)[1] != 0)
		return false;
	return CBS_skip(in, 2);
}

/* Copies the elements of `in` up to its end, or up to the end mark when `is_open`. `string` is the
 * tag of the string whose pieces these are, which lose their heads; 0 otherwise. */
static bool convert(CBB *out, CBS *in, unsigned string, bool is_open, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return false;
	while (CBS_len(in)) {
		CBS element;
		CBB child, *to = out;
		unsigned tag;
		size_t head;
		int is_odd, is_below_open;
		if (is_open && take_end(in))
			return true;
		if (!CBS_get_any_ber_asn1_element(in, &element, &tag, &head, &is_odd,
						  &is_below_open))
			return false;
		unsigned plain = tag & ~CBS_ASN1_CONSTRUCTED;
		bool is_cut = tag != plain && is_string(plain);
		if (string ? plain != string : !CBB_add_asn1(out, &child, is_cut ? plain : tag))
			return false;
		if (!string)
			to = &child;
		unsigned below = is_cut ? plain : 0;
		if (is_below_open) {
			if (!convert(to, in, below, true, depth + 1))
				return false;
		} else if (!CBS_skip(&element, head)) {
			return false;
		} else if (tag == plain) {
			if (!mst_der_add(to, mst_der_slice(&element)))
				return false;
		} else if (!convert(to, &element, below, false, depth + 1)) {
			return false;
		}
		if (!CBB_flush(out))
			return false;
	}
	return !is_open;
}

int mst_ber_to_der(struct mst_slice *out, struct mst_arena *arena, struct mst_slice in,
		   struct mst_err *e)
{
	CBS all = mst_der_cbs(in), der;
	CBB cbb;
	if (is_der(all, 0)) {
		*out = in;
	} else {
		CBB_zero(&cbb);
		if (!CBB_init(&cbb, in.len + 16) || !convert(&cbb, &all, 0, false, 0)) {
			CBB_cleanup(&cbb);
			return mst_fail(e, MST_E_SYNTAX, "no BER");
		}
		if (mst_der_done(out, arena, &cbb, true, e) < 0)
			return -1;
	}
	der = mst_der_cbs(*out);
	if (!CBS_get_any_asn1_element(&der, NULL, NULL, NULL) || CBS_len(&der) != 0)
		return mst_fail(e, MST_E_SYNTAX, "not one element of BER");
	return 0;
}

int mst_ber_implicit(struct mst_slice *out, struct mst_arena *arena, CBS *from, unsigned n,
		     struct mst_err *e)
{
	CBS whole, pieces, piece;
	if (CBS_peek_asn1_tag(from, DER_CONTEXT(n))) {
		if (!CBS_get_asn1(from, &whole, DER_CONTEXT(n)))
			return mst_fail(e, MST_E_SYNTAX, "a string is broken");
		*out = mst_der_slice(&whole);
		return 0;
	}
	if (!CBS_get_asn1(from, &whole, DER_INSIDE(n)))
		return mst_fail(e, MST_E_SYNTAX, "a string is missing");
	uint8_t *bytes = mst_arena_get(arena, CBS_len(&whole));
	if (!bytes)
		return mst_fail(e, MST_E_BUSY, "no memory for a string in pieces");
	*out = mst_slice(bytes, 0);
	for (pieces = whole; CBS_len(&pieces); out->len += CBS_len(&piece)) {
		if (!CBS_get_asn1(&pieces, &piece, CBS_ASN1_OCTETSTRING))
			return mst_fail(e, MST_E_SYNTAX, "a piece of a string is broken");
		memcpy(bytes + out->len, CBS_data(&piece), CBS_len(&piece));
	}
	return 0;
}
