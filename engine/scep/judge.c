/* SPDX-License-Identifier: Apache-2.0 */
/* Decides by what the store says. Names of a certificate come from here: the challenge, or the certificate that is renewed. */
#include "muster/text.h"
#include "own.h"

static bool is_same_use(const struct scep_state *s, const struct mst_challenge *c)
{
	uint8_t key[32];

	mst_sha256(key, s->message.csr.spki);
	return memcmp(key, c->spki_sha256, sizeof(key)) == 0 && mst_slice_eq(c->transaction, s->message.transaction);
}

/* What exists is delivered again, unless it was revoked meanwhile. */
static enum scep_verdict again(const struct scep_state *s)
{
	return s->facts.found.revoked_ms ? VERDICT_REVOKED : VERDICT_AGAIN;
}

enum scep_verdict mst_judge_request(struct scep_state *s)
{
	const struct mst_challenge *c = &s->facts.challenge;

	if (s->message.csr.challenge.len == 0)
		return VERDICT_NO_CHALLENGE;
	if (s->facts.is_static)
		return s->facts.has_found ? again(s) : VERDICT_ISSUE;
	if (!s->facts.has_challenge)
		return VERDICT_UNKNOWN;
	s->device = c->device;
	if (memcmp(c->authority, s->issuer->record.id, sizeof(c->authority)) != 0)
		return VERDICT_ELSEWHERE;
	if (c->transaction.len)
		return is_same_use(s, c) && s->facts.has_found ? again(s) : VERDICT_USED;
	return c->expires_ms <= s->now_ms ? VERDICT_EXPIRED : VERDICT_ISSUE;
}

/* The signer's certificate must be the very one that was issued, byte for byte: no chain has to be built. */
enum scep_verdict mst_judge_renewal(struct scep_state *s)
{
	const struct mst_issued *old = &s->facts.old;
	const struct mst_cert *signer = &s->message.signer;
	int64_t now_s = s->now_ms / 1000;

	if (!s->facts.has_old || !mst_slice_eq(old->cert, signer->der))
		return VERDICT_STRANGER;
	s->device = old->device;
	if (old->revoked_ms)
		return VERDICT_REVOKED;
	if (now_s < signer->not_before || now_s > signer->not_after)
		return VERDICT_ENDED;
	return s->facts.has_found ? again(s) : VERDICT_ISSUE;
}

enum scep_verdict mst_judge_found(struct scep_state *s)
{
	return s->facts.has_found ? VERDICT_AGAIN : VERDICT_NO_CERT;
}

enum scep_verdict mst_judge_crl(struct scep_state *s)
{
	return s->facts.crl.len ? VERDICT_CRL : VERDICT_NO_CERT;
}
