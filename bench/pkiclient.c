/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of SCEP: a pkiMessage is a CSR in an envelope for the server, signed by the
 * client. */
#include "pkiclient.h"

#include "muster/clock.h"

#define DAY_S  86400
#define OID(n) MST_S(MST_CMS_OID_SCEP n)

int mst_pkiclient_adopt(struct mst_pkiclient *client, struct mst_slice cert, struct mst_err *e)
{
	client->cert = cert;
	return mst_cert_parse(&client->parsed, cert, e);
}

int mst_pkiclient_init(struct mst_pkiclient *out, struct mst_arena *arena, struct mst_key *key,
		       const char *name, struct mst_err *e)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_issue what = {.common_name = name,
				 .not_before = now_s - DAY_S,
				 .not_after = now_s + DAY_S,
				 .key_usage = MST_KU_SIGN | MST_KU_ENCIPHER};

	*out = (struct mst_pkiclient){.arena = arena, .key = key};
	if (mst_key_spki(&what.spki, arena, key, e) < 0 ||
	    mst_issue_write(&out->cert, arena, &what, (struct mst_slice){NULL, 0}, key, NULL, e) <
		    0)
		return -1;
	out->spki = what.spki;
	return mst_cert_parse(&out->parsed, out->cert, e);
}

int mst_pkiclient_ask(struct mst_slice *out, const struct mst_pkiclient *client,
		      const struct mst_pkiclient_ask *ask, struct mst_err *e)
{
	struct mst_cms_attr attrs[3];
	struct mst_cms_key key;
	struct mst_cms_sign what = {.key = &key,
				    .cert = client->cert,
				    .digest = MST_CMS_SHA256,
				    .attrs = attrs,
				    .num_attrs = 3};

	mst_key_cms(&key, client->key);
	if (mst_cms_attr_make(&attrs[0], client->arena, OID("\x02"), MST_CMS_TEXT,
			      mst_slice_str(ask->type), e) < 0 ||
	    mst_cms_attr_make(&attrs[1], client->arena, OID("\x07"), MST_CMS_TEXT,
			      mst_slice_str(ask->transaction), e) < 0 ||
	    mst_cms_attr_make(&attrs[2], client->arena, OID("\x05"), MST_CMS_BYTES,
			      mst_slice(ask->nonce, sizeof(ask->nonce)), e) < 0)
		return -1;
	what.content = ask->content;
	if (ask->to && mst_cms_seal(&what.content, client->arena, ask->content, ask->to, 1, ask->cipher,
			 MST_CMS_RSA_V15, e) < 0)
		return -1;
	return mst_cms_sign(out, client->arena, &what, e);
}

int mst_pkiclient_request(struct mst_slice *out, const struct mst_pkiclient *client,
			  struct mst_pkiclient_ask ask, const struct mst_key *key,
			  const struct mst_issue *what, const char *challenge, struct mst_err *e)
{
	if (mst_csr_write(&ask.content, client->arena, what, key, challenge, e) < 0)
		return -1;
	return mst_pkiclient_ask(out, client, &ask, e);
}

/* A single digit in PrintableString. */
static int digit(int *out, const struct mst_cms_signer *signer, struct mst_slice oid,
		 struct mst_err *e)
{
	struct mst_slice text;
	int rc = mst_cms_attr_get(&text, signer, oid, MST_CMS_TEXT, e);

	*out = rc > 0 && text.len == 1 ? text.at[0] - '0' : -1;
	return rc < 0 ? -1 : 0;
}

static int outside(struct mst_pkiclient_reply *out, const struct mst_cms_signed *in,
		   const struct mst_cert *from, struct mst_err *e)
{
	const struct mst_cms_signer *signer = &in->signers[0];
	struct mst_slice empty = {NULL, 0}, type;

	out->digest = signer->digest;
	if (in->num_signers != 1 || !mst_cms_signer_is(signer, from))
		return mst_fail(e, MST_E_CRYPTO, "the answer is signed by somebody else");
	if (mst_cms_verify(in, signer, from->spki, in->has_content ? NULL : &empty,
			   MST_CMS_ALLOW_SHA1, e) < 0)
		return -1;
	if (mst_cms_attr_get(&type, signer, OID("\x02"), MST_CMS_TEXT, e) != 1 ||
	    !mst_slice_eq(type, MST_S("3")))
		return mst_fail(e, MST_E_SYNTAX, "the answer is no CertRep");
	if (digit(&out->status, signer, OID("\x03"), e) < 0 ||
	    digit(&out->fail, signer, OID("\x04"), e) < 0)
		return -1;
	if (mst_cms_attr_get(&out->transaction, signer, OID("\x07"), MST_CMS_TEXT, e) != 1 ||
	    mst_cms_attr_get(&out->recipient_nonce, signer, OID("\x06"), MST_CMS_BYTES, e) != 1)
		return mst_fail(e, MST_E_SYNTAX,
				"the answer has no transactionID or recipientNonce");
	return 0;
}

int mst_pkiclient_read(struct mst_pkiclient_reply *out, const struct mst_pkiclient *client,
		       const struct mst_cert *from, struct mst_slice bytes, struct mst_err *e)
{
	struct mst_cms_signed *in = mst_arena_zero(client->arena, sizeof(*in));
	struct mst_cms_opened opened;
	struct mst_cms_key key;

	*out = (struct mst_pkiclient_reply){.fail = -1};
	if (!in)
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_cms_signed_read(in, client->arena, bytes, e) < 0 || outside(out, in, from, e) < 0)
		return -1;
	if (out->status != 0)
		return in->has_content ? mst_fail(e, MST_E_SYNTAX, "a failure with content") : 0;
	mst_key_cms(&key, client->key);
	if (mst_cms_open(&opened, client->arena, in->content, &client->parsed, &key,
			 MST_CMS_ALLOW_DES, e) < 0)
		return -1;
	out->cipher = opened.cipher;
	return mst_cms_signed_read(&out->inside, client->arena, opened.content, e);
}
