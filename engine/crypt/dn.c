/* SPDX-License-Identifier: Apache-2.0 */
/* Distinguished names from their text (RFC 4514) to DER: "OU=Sales,O=Example". */
#include "issue_own.h"
#include "muster/text.h"

#define RDNS_MAX  32
#define VALUE_MAX 256 /* RFC 5280 appendix A.1 allows 64 to 128 characters for most */

#define OID_AT(n) OID(0x55, 0x04, n)                                                 /* id-at, RFC 5280 appendix A.1 */
#define OID_PILOT(n) OID(0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, n)     /* RFC 4519 */

/* clang-format off */
static const struct {
	struct mst_slice word;
	struct mst_slice oid;
	unsigned tag;
} rows[] = {
	{MST_S_INIT("CN"),           OID_AT(0x03), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("OU"),           OID_AT(0x0b), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("O"),            OID_AT(0x0a), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("C"),            OID_AT(0x06), CBS_ASN1_PRINTABLESTRING},
	{MST_S_INIT("ST"),           OID_AT(0x08), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("L"),            OID_AT(0x07), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("STREET"),       OID_AT(0x09), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("SERIALNUMBER"), OID_AT(0x05), CBS_ASN1_PRINTABLESTRING},
	{MST_S_INIT("SN"),           OID_AT(0x04), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("GN"),           OID_AT(0x2a), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("givenName"),    OID_AT(0x2a), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("T"),            OID_AT(0x0c), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("title"),        OID_AT(0x0c), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("UID"),          OID_PILOT(0x01), CBS_ASN1_UTF8STRING},
	{MST_S_INIT("DC"),           OID_PILOT(0x19), CBS_ASN1_IA5STRING},
	{MST_S_INIT("E"),            OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01), CBS_ASN1_IA5STRING},
	{MST_S_INIT("emailAddress"), OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01), CBS_ASN1_IA5STRING},
};
/* clang-format on */

static int hex_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes up to the next `,`, `;` or `+` that is not escaped. */
static struct mst_slice next_part(struct mst_slice *rest, uint8_t *end)
{
	size_t i = 0;

	while (i < rest->len && rest->at[i] != ',' && rest->at[i] != ';' && rest->at[i] != '+')
		i += rest->at[i] == '\\' ? 2 : 1;
	if (i > rest->len)
		i = rest->len;
	struct mst_slice part = mst_slice(rest->at, i);
	*end = i < rest->len ? rest->at[i] : 0;
	*rest = i < rest->len ? mst_slice(rest->at + i + 1, rest->len - i - 1) : mst_slice(rest->at + i, 0);
	return part;
}

/* RFC 4514 2.4: a backslash and two digits, or the character itself. Blanks at the ends are none of the value's. */
static int unescape(uint8_t out[static VALUE_MAX], size_t *len, struct mst_slice in, struct mst_err *e)
{
	*len = 0;
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.at[i];
		if (c == '\\' && i + 1 < in.len) {
			int high = hex_of(in.at[i + 1]), low = i + 2 < in.len ? hex_of(in.at[i + 2]) : -1;
			bool is_hex = high >= 0 && low >= 0;
			c = is_hex ? (uint8_t)(high << 4 | low) : in.at[i + 1];
			i += is_hex ? 2 : 1;
		}
		if (*len == VALUE_MAX)
			return mst_fail(e, MST_E_SYNTAX, "a value of a name has %d bytes at the most", VALUE_MAX);
		out[(*len)++] = c;
	}
	if (*len == 0 || !mst_utf8_ok(mst_slice(out, *len)))
		return mst_fail(e, MST_E_SYNTAX, "a value of a name is empty, or no UTF-8");
	return 0;
}

static bool fits(unsigned tag, const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] == 0x7f)
			return false;
		if (tag != CBS_ASN1_UTF8STRING && text[i] >= 0x80)
			return false;
		if (tag == CBS_ASN1_PRINTABLESTRING && strchr("\"#$!%&*;<>@[\\]^_`{|}~", text[i]))
			return false;
	}
	return true;
}

/* One TYPE=value into an open SET. */
static int put_pair(CBB *set, struct mst_slice part, struct mst_err *e)
{
	struct mst_slice word, text;
	uint8_t value[VALUE_MAX];
	CBB pair, oid, bytes;
	size_t len, i = 0;

	if (!mst_slice_cut(&word, &text, part, '='))
		return mst_fail(e, MST_E_SYNTAX, "a part of a name is TYPE=value: \"%.*s\"", (int)(part.len < 60 ? part.len : 60),
				(const char *)part.at);
	word = mst_slice_trim(word);
	while (i < MST_LEN(rows) && !mst_slice_case_eq(rows[i].word, word))
		i++;
	if (i == MST_LEN(rows))
		return mst_fail(e, MST_E_SYNTAX, "a name has no part \"%.*s\"", (int)(word.len < 60 ? word.len : 60), (const char *)word.at);
	if (unescape(value, &len, mst_slice_trim(text), e) < 0)
		return -1;
	if (!fits(rows[i].tag, value, len) || (rows[i].oid.at[2] == 0x06 && rows[i].oid.len == 3 && len != 2))
		return mst_fail(e, MST_E_SYNTAX, "\"%.*s\" is no value for %s in a name", (int)(len < 60 ? len : 60), (const char *)value,
				(const char *)rows[i].word.at);
	if (!CBB_add_asn1(set, &pair, CBS_ASN1_SEQUENCE) || !CBB_add_asn1(&pair, &oid, CBS_ASN1_OBJECT) || !put(&oid, rows[i].oid) ||
	    !CBB_add_asn1(&pair, &bytes, rows[i].tag) || !CBB_add_bytes(&bytes, value, len) || !CBB_flush(set))
		return mst_issue_no_memory(e);
	return 0;
}

/* One RDN: pairs with `+` between them. */
static int put_rdn(CBB *to, struct mst_slice rdn, struct mst_err *e)
{
	uint8_t end = '+';
	CBB set;

	if (!CBB_add_asn1(to, &set, CBS_ASN1_SET))
		return mst_issue_no_memory(e);
	while (end == '+') {
		struct mst_slice part = next_part(&rdn, &end);
		if (put_pair(&set, part, e) < 0)
			return -1;
	}
	return CBB_flush_asn1_set_of(&set) && CBB_flush(to) ? 0 : mst_issue_no_memory(e);
}

/* The text has the last RDN of the sequence first (RFC 4514 2.1). */
static int put_rdns(CBB *to, struct mst_slice text, struct mst_err *e)
{
	struct mst_slice rdns[RDNS_MAX];
	size_t num = 0;
	uint8_t end;

	while (text.len) {
		const uint8_t *from = text.at;
		struct mst_slice part;
		if (num == RDNS_MAX)
			return mst_fail(e, MST_E_SYNTAX, "a name has %d parts at the most", RDNS_MAX);
		do
			part = next_part(&text, &end);
		while (end == '+');
		rdns[num++] = mst_slice(from, (size_t)(part.at + part.len - from));
		if (end && text.len == 0)
			return mst_fail(e, MST_E_SYNTAX, "a name ends with a comma");
	}
	while (num)
		if (put_rdn(to, rdns[--num], e) < 0)
			return -1;
	return 0;
}

int mst_dn_from(struct mst_slice *out, struct mst_arena *arena, struct mst_slice text, struct mst_err *e)
{
	int rc = -1;
	CBB cbb;

	CBB_zero(&cbb);
	*out = mst_slice(NULL, 0);
	if (!CBB_init(&cbb, 128))
		mst_issue_no_memory(e);
	else if (put_rdns(&cbb, mst_slice_trim(text), e) == 0)
		rc = CBB_flush(&cbb) && mst_arena_copy(arena, out, mst_slice(CBB_data(&cbb), CBB_len(&cbb))) ? 0 : mst_issue_no_memory(e);
	CBB_cleanup(&cbb);
	return rc;
}
