/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a message and seals its answer, CertRep (RFC 8894 3.3.2), both on a worker; and tells the log what became of it. */
#include "muster/count.h"
#include "muster/log.h"
#include "muster/text.h"
#include "own.h"

#define NONCE_LEN 16
#define OID(n)    MST_S(MST_CMS_OID_SCEP n)

static void open_work(struct scep_state *s, struct mst_arena *arena)
{
	struct mst_cms_key key;

	s->rc = mst_pki_read(&s->message, arena, s->bytes, &s->x->err);
	if (s->rc < 0)
		return;
	mst_key_cms(&key, mst_scep_key0(s->issuer));
	s->verdict = mst_pki_open(&s->message, arena, mst_scep_cert0(s->issuer), &key, s->allow, &s->x->err);
}

enum mst_step mst_scep_open(struct mst_xchg *x)
{
	struct scep_state *s = x->state;

	return s->next ? mst_next_answer(s) : mst_turn_take(s, open_work);
}

/* One attribute of the answer. */
struct item {
	struct mst_slice oid;
	enum mst_cms_kind kind;
	struct mst_slice value;
};
#define ITEMS_MAX 6

/* Those of RFC 8894 3.2.1; clients have crashed for the lack of one. */
static size_t items_fill(struct item items[static ITEMS_MAX], const struct scep_state *s, const uint8_t nonce[static NONCE_LEN])
{
	static const char digits[] = "01234";
	int fail = mst_pki_fail_info(s->verdict);
	size_t num = 0;

	items[num++] = (struct item){OID("\x02"), MST_CMS_TEXT, MST_S("3")};
	items[num++] = (struct item){OID("\x03"), MST_CMS_TEXT, fail == SCEP_FAIL_NONE ? MST_S("0") : MST_S("2")};
	items[num++] = (struct item){OID("\x07"), MST_CMS_TEXT, s->message.transaction};
	items[num++] = (struct item){OID("\x05"), MST_CMS_BYTES, mst_slice(nonce, NONCE_LEN)};
	items[num++] = (struct item){OID("\x06"), MST_CMS_BYTES, s->message.nonce};
	if (fail != SCEP_FAIL_NONE)
		items[num++] = (struct item){OID("\x04"), MST_CMS_TEXT, mst_slice(digits + fail, 1)};
	return num;
}

/* The certificate alone: some clients take the first one of the set, which is sorted. */
static int content_make(struct mst_slice *out, struct mst_arena *arena, const struct scep_state *s, struct mst_err *e)
{
	struct mst_slice plain;
	bool is_crl = s->verdict == VERDICT_CRL;
	int rc = is_crl ? mst_cms_bundle(&plain, arena, NULL, 0, &s->facts.crl, 1, e)
			: mst_cms_bundle(&plain, arena, &s->cert, 1, NULL, 0, e);

	if (rc < 0)
		return -1;
	return mst_cms_seal(out, arena, plain, &s->message.signer, 1, s->message.cipher, MST_CMS_RSA_V15, e);
}

static int reply_make(struct scep_state *s, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_cms_attr attrs[ITEMS_MAX];
	struct mst_cms_key key;
	struct mst_cms_sign what = {.key = &key, .cert = mst_scep_cert0(s->issuer)->der, .digest = MST_CMS_SHA256, .attrs = attrs};
	struct item items[ITEMS_MAX];
	uint8_t nonce[NONCE_LEN];

	mst_random(nonce, sizeof(nonce));
	mst_key_cms(&key, mst_scep_key0(s->issuer));
	what.num_attrs = items_fill(items, s, nonce);
	for (size_t i = 0; i < what.num_attrs; i++)
		if (mst_cms_attr_make(&attrs[i], arena, items[i].oid, items[i].kind, items[i].value, e) < 0)
			return -1;
	what.is_detached = mst_pki_fail_info(s->verdict) != SCEP_FAIL_NONE;
	if (!what.is_detached && content_make(&what.content, arena, s, e) < 0)
		return -1;
	return mst_cms_sign(&s->reply, arena, &what, e);
}

static void seal_work(struct scep_state *s, struct mst_arena *arena)
{
	s->rc = reply_make(s, arena, &s->x->err);
}

/* Names what was presented, never the challenge itself. */
static void tell(struct scep_state *s)
{
	char addr[MST_ADDR_ROOM];
	const char *type = s->message.type->name, *word = mst_pki_word(s->verdict);
	struct mst_slice authority = s->issuer->record.name;

	mst_addr_put(addr, &s->x->addr);
	if (mst_pki_fail_info(s->verdict) != SCEP_FAIL_NONE) {
		mst_count(MST_C_SCEP_REFUSED, 1);
		mst_log_peer(WARN, "SCEP refused", mst_f_u64("exchange", s->x->id), mst_f_str("type", type), mst_f_str("why", word),
			     mst_f_slice("authority", authority), mst_f_slice("device", s->device), mst_f_str("peer", addr),
			     mst_f_err(&s->x->err));
		return;
	}
	mst_count(s->verdict == VERDICT_ISSUE ? MST_C_SCEP_ISSUED : MST_C_SCEP_AGAIN, 1);
	if (s->verdict == VERDICT_ISSUE)
		mst_log_peer(INFO, "certificate issued", mst_f_u64("exchange", s->x->id), mst_f_str("type", type),
			     mst_f_slice("authority", authority), mst_f_hex("serial", mst_slice(s->serial, sizeof(s->serial))),
			     mst_f_str("name", s->subject.common_name), mst_f_slice("device", s->device), mst_f_str("peer", addr));
}

enum mst_step mst_scep_seal(struct mst_xchg *x)
{
	struct scep_state *s = x->state;

	if (s->has_batch && !s->is_audit && s->batch.rc < 0) {
		x->err = s->batch.err;
		if (x->err.code == MST_E_CONFLICT)
			mst_fail(&x->err, MST_E_BUSY, "the records changed meanwhile");
		return mst_xchg_fail(x);
	}
	tell(s);
	x->err = (struct mst_err){.code = MST_E_NONE};
	return mst_turn_take(s, seal_work);
}

enum mst_step mst_scep_answer(struct mst_xchg *x)
{
	struct scep_state *s = x->state;

	if (s->rc < 0)
		return mst_xchg_fail(x);
	return mst_xchg_answer(x, 200, "application/x-pki-message", s->reply);
}
