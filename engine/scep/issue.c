/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issues and records. The certificate, the use of its challenge and the receipt of the transaction are one batch of the
 * authority's partition; it is delivered when that is durable.
 */
#include "muster/text.h"
#include "own.h"

#define RECEIPT_MS  (24 * 3600000ll) /* a client that heard no answer tries again within minutes */
#define NAME_BYTES  16               /* of the hash that is a name */

/* Who shares the static challenge is not known: the name says which transaction and key it was, no more. Unless the authority
 * wants the request's own: one that is no name (not printable) is refused when the certificate is made. */
static int subject_static(struct scep_state *s, struct mst_err *e)
{
	struct mst_xchg *x = s->x;
	struct mst_slice wish = s->message.csr.common_name;
	char *name = mst_arena_zero(&x->arena, MST_NAME_MAX + 1);

	if (!name)
		return mst_fail(e, MST_E_BUSY, "out of memory for names");
	if (s->issuer->record.template.takes_names && wish.len && wish.len <= MST_NAME_MAX && !memchr(wish.at, 0, wish.len)) {
		memcpy(name, wish.at, wish.len);
		s->subject = (struct mst_subject){.common_name = name};
		return 0;
	}
	mst_hex_put(name, mst_slice(s->receipt_key, NAME_BYTES));
	s->subject = (struct mst_subject){.common_name = name};
	return 0;
}

static int subject_challenge(struct scep_state *s, struct mst_err *e)
{
	struct mst_slice name;

	if (!mst_arena_copy(&s->x->arena, &name, s->facts.challenge.common_name))
		return mst_fail(e, MST_E_BUSY, "out of memory for names");
	s->subject = (struct mst_subject){.common_name = (const char *)name.at};
	return mst_parts_list(&s->subject.dns, &s->x->arena, s->facts.challenge.dns, e);
}

static int subject_make(struct scep_state *s, struct mst_err *e)
{
	if (s->facts.has_old)
		return mst_parts_subject(&s->subject, &s->x->arena, &s->message.signer, s->facts.old.name, e);
	return s->facts.is_static ? subject_static(s, e) : subject_challenge(s, e);
}

static void issue(struct scep_state *s, struct mst_arena *arena)
{
	s->rc = mst_issuer_issue(&s->cert, arena, s->issuer, &s->subject, s->message.csr.spki, s->now_ms / 1000, s->serial, &s->x->err);
}

enum mst_step mst_scep_issue(struct mst_xchg *x)
{
	struct scep_state *s = x->state;

	if (!s->has_read)
		return STEP_NEXT;
	if (s->read.rc < 0) {
		x->err = s->read.err;
		return mst_xchg_fail(x);
	}
	s->verdict = s->message.type->judge(s);
	s->cert = s->facts.found.cert;
	if (s->verdict != VERDICT_ISSUE)
		return STEP_NEXT;
	if (subject_make(s, &x->err) < 0)
		return mst_xchg_fail(x);
	if (mst_key_is_rsa(s->issuer->key))
		return mst_turn_take(s, issue);
	issue(s, &x->arena);
	return STEP_NEXT;
}

static void on_committed(struct mst_batch *b)
{
	mst_xchg_resume(MST_HOME(b, struct scep_state, batch)->x);
}

static enum mst_step commit(struct scep_state *s)
{
	s->has_batch = true;
	return mst_store_commit(s->app->store, &s->batch, &s->x->err) < 0 ? mst_xchg_fail(s->x) : STEP_WAIT;
}

static void put_use(struct scep_state *s, struct mst_challenge *c, const uint8_t key[static 32])
{
	c->transaction = s->message.transaction;
	mst_sha256(c->spki_sha256, s->message.csr.spki);
	memcpy(c->serial, s->serial, sizeof(c->serial));
	mst_challenge_put(&s->batch, c, key);
}

static int batch_fill(struct scep_state *s, struct mst_err *e)
{
	struct mst_issued issued = {.cert = s->cert, .device = s->device, .source = MST_S("scep"), .issued_ms = s->now_ms};
	struct mst_challenge receipt = s->facts.receipt;
	struct mst_cert cert;

	if (mst_cert_parse(&cert, s->cert, e) < 0)
		return -1;
	issued.name = mst_slice_str(s->subject.common_name);
	issued.not_after = cert.not_after;
	memcpy(issued.authority, s->issuer->record.id, sizeof(issued.authority));
	memcpy(issued.serial, s->serial, sizeof(issued.serial));
	if (mst_issued_put(&s->batch, &issued, NULL, e) < 0)
		return -1;
	if (s->facts.has_old)
		mst_issued_require(&s->batch, &s->facts.old);
	if (s->facts.has_challenge)
		put_use(s, &s->facts.challenge, s->challenge_key);
	memcpy(receipt.authority, issued.authority, sizeof(receipt.authority));
	receipt.device = s->device;
	receipt.common_name = issued.name;
	receipt.expires_ms = s->now_ms + RECEIPT_MS;
	put_use(s, &receipt, s->receipt_key);
	return 0;
}

/* A refusal that concerns a device stands in that device's history. */
static enum mst_step audit(struct scep_state *s)
{
	struct mst_id id;

	mst_id_make(&id, s->device, (struct mst_slice){NULL, 0});
	s->is_audit = true;
	mst_batch_init(&s->batch, &s->x->arena, s->app->loop, on_committed);
	mst_history_add(&s->batch, &id,
			&(struct mst_history){.at_ms = s->now_ms,
					      .event = MST_EVENT_CERTIFICATE_REFUSED,
					      .who = MST_S("scep"),
					      .detail = mst_slice_str(mst_pki_word(s->verdict))});
	return commit(s);
}

enum mst_step mst_scep_record(struct mst_xchg *x)
{
	struct scep_state *s = x->state;

	if (!s->has_read)
		return STEP_NEXT;
	if (s->verdict == VERDICT_ISSUE && s->rc < 0) {
		if (x->err.code == MST_E_BUSY || x->err.code == MST_E_BUG)
			return mst_xchg_fail(x);
		s->verdict = VERDICT_REFUSED;
		s->rc = 0;
	}
	if (s->verdict != VERDICT_ISSUE)
		return mst_pki_fail_info(s->verdict) == SCEP_BAD_REQUEST && s->device.len ? audit(s) : STEP_NEXT;
	mst_batch_init(&s->batch, &x->arena, s->app->loop, on_committed);
	return batch_fill(s, &x->err) < 0 ? mst_xchg_fail(x) : commit(s);
}
