/* SPDX-License-Identifier: Apache-2.0 */
/* What the store knows about a message: its challenge, what its transaction got before, the certificate it names. */
#include "muster/published.h"
#include "own.h"

#define ROOM_FOR_CRL (16u << 20) /* 100,000 entries have 4 MiB */

/* A receipt is found by what makes a repeated request the same one: authority, key, transaction. */
static void receipt_key(uint8_t out[static 32], const struct scep_state *s, struct mst_slice spki)
{
	static const char word[8] = "receipt";
	uint8_t text[sizeof(word) + 16 + 32 + TRANSACTION_MAX];
	size_t len = s->message.transaction.len;

	memcpy(text, word, sizeof(word));
	memcpy(text + 8, s->issuer->record.id, 16);
	mst_sha256(text + 24, spki);
	memcpy(text + 56, s->message.transaction.at, len);
	mst_sha256(out, mst_slice(text, 56 + len));
}

static int found(struct scep_state *s, struct mst_read *r, const uint8_t serial[static 16])
{
	int rc = mst_issued_get(r, &s->facts.found, s->issuer->record.id, serial, NULL);

	if (rc < 0 || rc == MST_LATER)
		return rc;
	s->facts.has_found = rc > 0;
	return 0;
}

/* What this transaction got for this key, if anything. */
static int receipt(struct scep_state *s, struct mst_read *r, struct mst_slice spki)
{
	struct scep_facts *f = &s->facts;
	int rc;

	receipt_key(s->receipt_key, s, spki);
	rc = mst_challenge_get(r, &f->receipt, s->receipt_key);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	f->has_receipt = rc > 0;
	return f->has_receipt ? found(s, r, f->receipt.serial) : 0;
}

int mst_look_request(struct scep_state *s, struct mst_read *r)
{
	struct scep_facts *f = &s->facts;
	struct mst_slice challenge = s->message.csr.challenge, fixed = s->issuer->record.challenge_sha256;
	int rc;

	if (challenge.len == 0)
		return 0;
	mst_sha256(s->challenge_key, challenge);
	f->is_static = fixed.len && mst_slice_same_secret(fixed, mst_slice(s->challenge_key, sizeof(s->challenge_key)));
	rc = f->is_static ? 0 : mst_challenge_get(r, &f->challenge, s->challenge_key);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	f->has_challenge = rc > 0;
	return f->is_static || f->has_challenge ? receipt(s, r, s->message.csr.spki) : 0;
}

int mst_look_renewal(struct scep_state *s, struct mst_read *r)
{
	uint8_t serial[16];
	int rc;

	if (mst_issued_serial(serial, s->message.signer.serial, NULL) < 0)
		return 0;
	rc = mst_issued_get(r, &s->facts.old, s->issuer->record.id, serial, NULL);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	s->facts.has_old = rc > 0;
	return s->facts.has_old ? receipt(s, r, s->message.csr.spki) : 0;
}

int mst_look_poll(struct scep_state *s, struct mst_read *r)
{
	return receipt(s, r, s->message.signer.spki);
}

int mst_look_cert(struct scep_state *s, struct mst_read *r)
{
	uint8_t serial[16];

	if (!mst_slice_eq(s->message.issuer, s->issuer->cert.subject) || mst_issued_serial(serial, s->message.serial, NULL) < 0)
		return 0;
	return found(s, r, serial);
}

int mst_look_crl(struct scep_state *s, struct mst_read *r)
{
	int rc;

	if (!mst_slice_eq(s->message.issuer, s->issuer->cert.subject))
		return 0;
	rc = mst_published_crl(r, &s->facts.crl, s->issuer->record.id);
	return rc < 0 || rc == MST_LATER ? rc : 0;
}

static int plan(struct mst_read *r)
{
	struct scep_state *s = MST_HOME(r, struct scep_state, read);

	memset(&s->facts, 0, sizeof(s->facts));
	return s->message.type->look(s, r);
}

static void on_read(struct mst_read *r)
{
	mst_xchg_resume(MST_HOME(r, struct scep_state, read)->x);
}

/* Somebody wrote in between: what was decided does not hold any more. */
static bool is_outdated(const struct scep_state *s)
{
	return s->has_batch && !s->is_audit && s->batch.rc < 0 && s->batch.err.code == MST_E_CONFLICT;
}

enum mst_step mst_scep_look(struct mst_xchg *x)
{
	struct scep_state *s = x->state;

	if (s->rc < 0)
		return mst_xchg_fail(x);
	if (is_outdated(s)) {
		s->has_batch = false;
		s->verdict = VERDICT_OPEN;
	}
	s->has_read = s->verdict == VERDICT_OPEN;
	if (!s->has_read)
		return STEP_NEXT;
	if (s->message.type == &mst_type_rows[TYPE_GET_CRL] && x->arena.limit < ROOM_FOR_CRL)
		x->arena.limit = ROOM_FOR_CRL;
	s->read = (struct mst_read){.arena = &x->arena, .plan = plan, .on_read = on_read};
	switch (mst_store_read(s->app->store, &s->read, s->app->loop, &x->err)) {
	case 1:
		return STEP_NEXT;
	case 0:
		return STEP_WAIT;
	default:
		return mst_xchg_fail(x);
	}
}
