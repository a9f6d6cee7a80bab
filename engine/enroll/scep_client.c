/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a SCEP client: written, and their answers opened (RFC 8894 3). */
#include "scep_client.h"

#include "muster/text.h"

#define DAY_S     86400
#define OID(n)    MST_S(MST_CMS_OID_SCEP n)
#define CHAIN_MAX 6

static const char *const numbers[] = {[SCEP_REQUEST] = "19", [SCEP_RENEWAL] = "17", [SCEP_POLL] = "20"};

/* RFC 8894 3.2.1.4.5. */
static const char *const refusals[] = {
	"badAlg: it does not know an algorithm", "badMessageCheck: the message's signature is wrong for it",
	"badRequest: it does not permit this", "badTime: the time is wrong for it", "badCertId: it does not know this request",
};

const char *mst_scep_client_refusal(int fail_info)
{
	return fail_info >= 0 && fail_info < (int)MST_LEN(refusals) ? refusals[fail_info] : "no reason is given";
}

int mst_scep_client_transaction(struct mst_slice *out, struct mst_arena *arena, struct mst_slice spki, struct mst_err *e)
{
	char *text = mst_arena_get(arena, 64);
	uint8_t hash[32];

	if (!text)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	mst_sha256(hash, spki);
	mst_hex_put(text, mst_slice(hash, sizeof hash));
	*out = mst_slice(text, 64);
	return 0;
}

int mst_scep_client_self(struct mst_slice *out, struct mst_arena *arena, const struct mst_issue *what, const struct mst_key *key,
			 int64_t now_s, struct mst_err *e)
{
	struct mst_issue self = {.common_name = what->common_name, .organization = what->organization, .more_subject = what->more_subject,
				 .not_before = now_s - DAY_S, .not_after = now_s + 7 * DAY_S,
				 .key_usage = MST_KU_SIGN | MST_KU_ENCIPHER};

	if (mst_key_spki(&self.spki, arena, key, e) < 0)
		return -1;
	return mst_issue_write(out, arena, &self, mst_slice(NULL, 0), key, NULL, e);
}

/* A SEQUENCE around two elements: IssuerAndSubject, 3.3.3. */
static int pair_write(struct mst_slice *out, struct mst_arena *arena, struct mst_slice first, struct mst_slice second, struct mst_err *e)
{
	size_t len = first.len + second.len, head = len < 128 ? 2 : len < 256 ? 3 : 4;
	uint8_t *at;

	if (len > UINT16_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "names are too long");
	at = mst_arena_get(arena, head + len);
	if (!at)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	at[0] = 0x30;
	at[1] = head == 2 ? (uint8_t)len : (uint8_t)(0x80 + head - 2);
	if (head == 3)
		at[2] = (uint8_t)len;
	if (head == 4) {
		at[2] = (uint8_t)(len >> 8);
		at[3] = (uint8_t)len;
	}
	memcpy(at + head, first.at, first.len);
	memcpy(at + head + first.len, second.at, second.len);
	*out = mst_slice(at, head + len);
	return 0;
}

int mst_scep_client_write(struct mst_slice *out, struct mst_arena *arena, const struct scep_order *order, struct mst_err *e)
{
	struct mst_slice content = order->content;
	struct mst_cms_attr attrs[3];
	struct mst_cms_key key;
	struct mst_cms_sign what = {.key = &key, .cert = order->cert, .digest = MST_CMS_SHA256, .attrs = attrs, .num_attrs = 3};

	mst_key_cms(&key, order->key);
	if (order->what == SCEP_POLL && pair_write(&content, arena, order->ca->ca->subject, order->subject, e) < 0)
		return -1;
	if (mst_cms_attr_make(&attrs[0], arena, OID("\x02"), MST_CMS_TEXT, mst_slice_str(numbers[order->what]), e) < 0 ||
	    mst_cms_attr_make(&attrs[1], arena, OID("\x07"), MST_CMS_TEXT, order->transaction, e) < 0 ||
	    mst_cms_attr_make(&attrs[2], arena, OID("\x05"), MST_CMS_BYTES, mst_slice(order->nonce, sizeof order->nonce), e) < 0 ||
	    mst_cms_seal(&what.content, arena, content, order->ca->to, 1, order->caps->takes_aes ? MST_CMS_AES128 : MST_CMS_DES3,
			 MST_CMS_RSA_V15, e) < 0)
		return -1;
	return mst_cms_sign(out, arena, &what, e);
}

/* The answer's outside */

/* A number of one digit in PrintableString; -1: not there. */
static int digit(int *out, const struct mst_cms_signer *signer, struct mst_slice oid, struct mst_err *e)
{
	struct mst_slice text;
	int rc = mst_cms_attr_get(&text, signer, oid, MST_CMS_TEXT, e);

	*out = rc > 0 && text.len == 1 && text.at[0] >= '0' && text.at[0] <= '9' ? text.at[0] - '0' : -1;
	return rc < 0 ? -1 : 0;
}

static const struct mst_cert *signer_of(const struct scep_ca *ca, const struct mst_cms_signer *signer)
{
	for (size_t i = 0; i < ca->num; i++)
		if (mst_cms_signer_is(signer, &ca->certs[i]))
			return &ca->certs[i];
	return NULL;
}

/* It is the CA's. */
static int check_signer(const struct mst_cms_signed *in, const struct scep_ca *ca, struct mst_err *e)
{
	const struct mst_slice empty = {NULL, 0};
	const struct mst_cert *from = in->num_signers == 1 ? signer_of(ca, &in->signers[0]) : NULL;

	if (!from)
		return mst_fail(e, MST_E_CRYPTO, "the answer is not signed by the CA");
	return mst_cms_verify(in, &in->signers[0], from->spki, in->has_content ? NULL : &empty, MST_CMS_ALLOW_SHA1, e);
}

/* It answers this order. */
static int check_order(const struct mst_cms_signer *signer, const struct scep_order *order, struct mst_err *e)
{
	struct mst_slice type, transaction, nonce;

	if (mst_cms_attr_get(&type, signer, OID("\x02"), MST_CMS_TEXT, e) != 1 || !mst_slice_eq(type, MST_S("3")))
		return mst_fail(e, MST_E_SYNTAX, "the answer is no CertRep");
	if (mst_cms_attr_get(&transaction, signer, OID("\x07"), MST_CMS_TEXT, e) != 1 || !mst_slice_eq(transaction, order->transaction))
		return mst_fail(e, MST_E_SYNTAX, "the answer is of another transaction");
	if (mst_cms_attr_get(&nonce, signer, OID("\x06"), MST_CMS_BYTES, e) != 1 ||
	    !mst_slice_eq(nonce, mst_slice(order->nonce, sizeof order->nonce)))
		return mst_fail(e, MST_E_CRYPTO, "the answer has not our nonce: it is an old one");
	return 0;
}

/* The certificates inside */

struct found {
	struct mst_cert certs[2 * MST_CMS_CERTS_MAX];
	size_t num;
};

static const struct mst_cert *issuer_of(const struct found *all, const struct mst_cert *cert)
{
	for (size_t i = 0; i < all->num; i++)
		if (mst_slice_eq(all->certs[i].subject, cert->issuer) &&
		    mst_key_verify(all->certs[i].spki, cert->alg, cert->tbs, cert->signature, NULL) == 0)
			return &all->certs[i];
	return NULL;
}

static bool is_one_of(const struct scep_ca *ca, const struct mst_cert *cert)
{
	for (size_t i = 0; i < ca->num; i++)
		if (mst_slice_eq(ca->certs[i].der, cert->der))
			return true;
	return false;
}

/* Up to the root, or as far as is known. With a pin one of them must be of what it vouches for. */
static int chain_of(struct mst_slice *out, struct mst_arena *arena, const struct found *all, const struct scep_ca *ca,
		    const struct mst_cert *cert, struct mst_err *e)
{
	const struct mst_cert *chain[CHAIN_MAX], *at = cert;
	bool is_known = false;
	size_t num = 0, len = 0;
	uint8_t *to;

	while (num < CHAIN_MAX && (at = issuer_of(all, at)) != NULL) {
		chain[num++] = at;
		len += at->der.len;
		is_known = is_known || is_one_of(ca, at);
		if (mst_slice_eq(at->subject, at->issuer))
			break;
	}
	if (ca->is_pinned && !is_known)
		return mst_fail(e, MST_E_CRYPTO, "the certificate is of another CA than ca_fingerprint names");
	to = mst_arena_get(arena, len);
	if (!to)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	*out = mst_slice(to, len);
	for (size_t i = 0; i < num; i++) {
		memcpy(to, chain[i]->der.at, chain[i]->der.len);
		to += chain[i]->der.len;
	}
	return 0;
}

static int take_certs(struct scep_reply *out, struct mst_arena *arena, const struct scep_ca *ca, const struct mst_cms_signed *inside,
		      struct mst_slice spki, struct mst_err *e)
{
	struct found *all = mst_arena_zero(arena, sizeof *all);
	const struct mst_cert *mine = NULL;

	if (!all)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	for (size_t i = 0; i < ca->num; i++)
		all->certs[all->num++] = ca->certs[i];
	for (size_t i = 0; i < inside->num_certs; i++) {
		if (mst_cert_parse(&all->certs[all->num], inside->certs[i], e) < 0)
			return -1;
		if (mst_slice_eq(all->certs[all->num].spki, spki))
			mine = &all->certs[all->num];
		all->num++;
	}
	if (!mine)
		return mst_fail(e, MST_E_CRYPTO, "the CA's answer has no certificate for our key");
	out->cert = mine->der;
	return chain_of(&out->chain, arena, all, ca, mine, e);
}

static int open_answer(struct scep_reply *out, struct mst_arena *arena, const struct scep_order *order, struct mst_slice spki,
		       struct mst_slice content, struct mst_err *e)
{
	struct mst_cms_signed *inside = mst_arena_zero(arena, sizeof *inside);
	struct mst_cms_opened opened;
	struct mst_cms_key key;
	struct mst_cert own;

	if (!inside)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	mst_key_cms(&key, order->key);
	if (mst_cert_parse(&own, order->cert, e) < 0 || mst_cms_open(&opened, arena, content, &own, &key, MST_CMS_ALLOW_DES, e) < 0)
		return -1;
	if (mst_cms_signed_read(inside, arena, opened.content, e) < 0)
		return mst_fail(e, MST_E_CRYPTO, "the CA's answer cannot be opened");
	return take_certs(out, arena, order->ca, inside, spki, e);
}

int mst_scep_client_read(struct scep_reply *out, struct mst_arena *arena, const struct scep_order *order, struct mst_slice spki,
			 struct mst_slice body, struct mst_err *e)
{
	struct mst_cms_signed *in = mst_arena_zero(arena, sizeof *in);
	int status;

	*out = (struct scep_reply){.fail_info = -1};
	if (!in)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_cms_signed_read(in, arena, body, e) < 0)
		return mst_fail(e, MST_E_SYNTAX, "the CA's answer is no message of SCEP");
	if (check_signer(in, order->ca, e) < 0 || check_order(&in->signers[0], order, e) < 0 ||
	    digit(&status, &in->signers[0], OID("\x03"), e) < 0 || digit(&out->fail_info, &in->signers[0], OID("\x04"), e) < 0)
		return -1;
	switch (status) { /* RFC 8894 3.2.1.3 */
	case 0:
		out->verdict = SCEP_GRANTED;
		return open_answer(out, arena, order, spki, in->content, e);
	case 2:
		out->verdict = SCEP_REFUSED;
		return 0;
	case 3:
		out->verdict = SCEP_PENDING;
		return 0;
	default:
		return mst_fail(e, MST_E_SYNTAX, "the answer has no pkiStatus");
	}
}
