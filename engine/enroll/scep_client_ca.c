/* SPDX-License-Identifier: Apache-2.0 */
/* What a SCEP server says about itself is judged: capabilities, certificates of CA and RA, and the password page of NDES. */
#include "muster/text.h"
#include "scep_client.h"

#define DEPTH_MAX 6     /* certificates between a pinned CA and its RA */
#define PAGE_MAX  65536 /* Microsoft's has 2 KiB */

void mst_scep_client_caps(struct scep_caps *out, struct mst_slice text)
{
	struct mst_slice line;

	*out = (struct scep_caps){.posts = false};
	while (text.len) {
		if (!mst_slice_cut(&line, &text, text, '\n'))
			text.len = 0;
		if (line.len && line.at[line.len - 1] == '\r')
			line.len--;
		line = mst_slice_trim(line);
		/* SCEPStandard: all that RFC 8894 makes mandatory. */
		bool is_standard = mst_slice_case_eq(line, MST_S("SCEPStandard"));
		out->posts = out->posts || is_standard || mst_slice_case_eq(line, MST_S("POSTPKIOperation"));
		out->takes_aes = out->takes_aes || is_standard || mst_slice_case_eq(line, MST_S("AES"));
		out->renews = out->renews || mst_slice_case_eq(line, MST_S("Renewal"));
	}
}

int mst_scep_client_pin(uint8_t out[static SCEP_PIN_MAX], size_t *len, struct mst_slice text, struct mst_err *e)
{
	uint8_t digits[2 * SCEP_PIN_MAX];
	size_t num = 0;

	*len = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == ':' || text.at[i] == ' ')
			continue;
		if (num == sizeof digits)
			return mst_fail(e, MST_E_SYNTAX, "ca_fingerprint: 64 digits of SHA-256 or 40 of SHA-1");
		digits[num++] = text.at[i];
	}
	if (num == 0)
		return 0;
	if ((num != 40 && num != 64) || mst_hex_get(out, num / 2, mst_slice(digits, num), NULL) < 0)
		return mst_fail(e, MST_E_SYNTAX, "ca_fingerprint: 64 digits of SHA-256 or 40 of SHA-1");
	*len = num / 2;
	return 0;
}

/* CA and RA */

static bool is_pinned(const struct mst_cert *cert, struct mst_slice pin)
{
	uint8_t hash[32];

	if (pin.len == 20)
		mst_sha1(hash, cert->der);
	else
		mst_sha256(hash, cert->der);
	return mst_slice_eq(mst_slice(hash, pin.len), pin);
}

static const struct mst_cert *issuer_of(const struct scep_ca *ca, const struct mst_cert *cert)
{
	for (size_t i = 0; i < ca->num; i++)
		if (ca->certs[i].is_ca && mst_slice_eq(ca->certs[i].subject, cert->issuer) &&
		    mst_key_verify(ca->certs[i].spki, cert->alg, cert->tbs, cert->signature, NULL) == 0)
			return &ca->certs[i];
	return NULL;
}

/* It is the pinned one, or certified by it. */
static bool leads_there(const struct scep_ca *ca, const struct mst_cert *cert, struct mst_slice pin)
{
	for (int depth = 0; cert && depth < DEPTH_MAX; depth++) {
		if (is_pinned(cert, pin))
			return true;
		if (mst_slice_eq(cert->subject, cert->issuer))
			return false;
		cert = issuer_of(ca, cert);
	}
	return false;
}

static int keep_pinned(struct scep_ca *ca, struct mst_slice pin, struct mst_err *e)
{
	bool keeps[MST_CMS_CERTS_MAX];
	size_t num = 0;

	for (size_t i = 0; i < ca->num; i++)
		keeps[i] = leads_there(ca, &ca->certs[i], pin);
	for (size_t i = 0; i < ca->num; i++)
		if (keeps[i])
			ca->certs[num++] = ca->certs[i];
	ca->num = num;
	ca->is_pinned = true;
	return num ? 0 : mst_fail(e, MST_E_CRYPTO, "the CA is another one than ca_fingerprint names");
}

/* CAs above others are not spoken with. */
static bool is_above(const struct scep_ca *ca, const struct mst_cert *cert)
{
	for (size_t i = 0; i < ca->num; i++)
		if (&ca->certs[i] != cert && ca->certs[i].is_ca && mst_slice_eq(ca->certs[i].issuer, cert->subject) &&
		    !mst_slice_eq(ca->certs[i].subject, cert->subject))
			return true;
	return false;
}

/* The RA whose key is for encryption; else the lowest CA. */
static int choose(struct scep_ca *ca, struct mst_err *e)
{
	uint32_t rsa_bits, ec_bits;

	for (size_t i = 0; i < ca->num; i++) {
		const struct mst_cert *cert = &ca->certs[i];
		if (!cert->is_ca && !ca->to && (!cert->has_ku || (cert->key_usage & MST_KU_ENCIPHER)))
			ca->to = cert;
		if (cert->is_ca && !ca->ca && !is_above(ca, cert))
			ca->ca = cert;
	}
	if (!ca->to)
		ca->to = ca->ca;
	if (!ca->ca)
		ca->ca = ca->to;
	if (!ca->to)
		return mst_fail(e, MST_E_SYNTAX, "the CA shows no certificate to encrypt to");
	if (mst_key_check(&rsa_bits, &ec_bits, ca->to->spki, e) < 0)
		return -1;
	return rsa_bits ? 0 : mst_fail(e, MST_E_CRYPTO, "the CA's key is not RSA: SCEP cannot encrypt to it");
}

int mst_scep_client_ca(struct scep_ca *out, struct mst_arena *arena, struct mst_slice body, struct mst_slice pin, struct mst_err *e)
{
	struct mst_cms_signed *bundle = mst_arena_zero(arena, sizeof *bundle);

	*out = (struct scep_ca){.num = 0};
	if (!bundle)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_cert_parse(&out->certs[0], body, NULL) == 0)
		out->num = 1;
	else if (mst_cms_signed_read(bundle, arena, body, NULL) < 0)
		return mst_fail(e, MST_E_SYNTAX, "the CA's answer to GetCACert is no certificate");
	for (size_t i = 0; i < bundle->num_certs; i++)
		if (mst_cert_parse(&out->certs[out->num++], bundle->certs[i], e) < 0)
			return -1;
	if (pin.len && keep_pinned(out, pin, e) < 0)
		return -1;
	return choose(out, e);
}

/* NDES */

/* Behind which words the password stands, in lower case. */
static const struct mst_slice markers[] = {
	MST_S_INIT("challenge password is:"),
	MST_S_INIT("challenge password is"),
	MST_S_INIT("challenge password:"),
};

static const struct {
	struct mst_slice words;
	enum mst_code code;
	const char *why;
} excuses[] = {
	{MST_S_INIT("password cache is full"), MST_E_BUSY, "the NDES page says that its password cache is full"},
	{MST_S_INIT("sufficient permission"), MST_E_DENIED, "the NDES page says that its user has not the permission"},
};

/* ASCII of either form; whatever is none becomes '?'. */
static int plain_of(struct mst_slice *out, struct mst_arena *arena, struct mst_slice page, struct mst_err *e)
{
	bool is_wide = page.len >= 2 && ((page.at[0] == 0xff && page.at[1] == 0xfe) || page.at[1] == 0);
	size_t step = is_wide ? 2 : 1, len = 0;
	uint8_t *at;

	if (page.len > PAGE_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "the NDES page is over %d bytes", PAGE_MAX);
	at = mst_arena_get(arena, page.len + 1);
	if (!at)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	for (size_t i = 0; i + step <= page.len; i += step) {
		bool is_ascii = page.at[i] < 0x80 && page.at[i] && (!is_wide || page.at[i + 1] == 0);
		at[len++] = is_ascii ? page.at[i] : '?';
	}
	*out = mst_slice(at, len);
	return 0;
}

static size_t find(struct mst_slice in, struct mst_slice words)
{
	for (size_t i = 0; i + words.len <= in.len; i++)
		if (mst_slice_case_eq(mst_slice(in.at + i, words.len), words))
			return i;
	return in.len;
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Blanks, tags and &nbsp; lie between. */
static struct mst_slice skip(struct mst_slice in)
{
	size_t i = 0;

	while (i < in.len && !is_word(in.at[i])) {
		struct mst_slice rest = mst_slice(in.at + i, in.len - i);
		if (in.at[i] == '<')
			i += mst_slice_find(rest, '>') + 1;
		else if (mst_slice_case_starts(rest, MST_S("&nbsp;")))
			i += 6;
		else if (strchr(" \t\r\n", in.at[i]))
			i++;
		else
			break;
	}
	return i < in.len ? mst_slice(in.at + i, in.len - i) : mst_slice(NULL, 0);
}

/* Alone in its place: a sentence that goes on is no password. */
static bool take_password(struct mst_slice *out, struct mst_slice in)
{
	size_t len = 0;

	in = skip(in);
	while (len < in.len && is_word(in.at[len]))
		len++;
	*out = mst_slice(in.at, len);
	if (len < 8 || len > 64)
		return false;
	in = mst_slice(in.at + len, in.len - len);
	in = mst_slice_trim(in);
	return in.len > 0 && (in.at[0] == '<' || in.at[0] == '\r' || in.at[0] == '\n');
}

int mst_scep_client_page(struct mst_slice *out, struct mst_arena *arena, struct mst_slice page, struct mst_err *e)
{
	struct mst_slice text;

	if (plain_of(&text, arena, page, e) < 0)
		return -1;
	for (size_t i = 0; i < MST_LEN(markers); i++) {
		size_t at = find(text, markers[i]);
		if (at < text.len && take_password(out, mst_slice(text.at + at + markers[i].len, text.len - at - markers[i].len)))
			return 0;
	}
	for (size_t i = 0; i < MST_LEN(excuses); i++)
		if (find(text, excuses[i].words) < text.len)
			return mst_fail(e, excuses[i].code, "%s", excuses[i].why);
	return mst_fail(e, MST_E_ABSENT, "the NDES page has no password");
}
