/* SPDX-License-Identifier: Apache-2.0 */
/* The OCSP responder (RFC 6960, RFC 5019): a question is read, looked up, answered under the authority's delegated key. */
#include "muster/clock.h"
#include "muster/text.h"
#include "own.h"

#define TYPE_OCSP "application/ocsp-response"
#define ETAG_FROM 16 /* the last bytes of a signature are as good as random */

struct respond {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_ocsp_request request;
	struct mst_ocsp_single singles[MST_OCSP_IDS_MAX];
	uint8_t serials[MST_OCSP_IDS_MAX][16];
	bool is_possible[MST_OCSP_IDS_MAX]; /* a number we could have given */
	bool is_helper[MST_OCSP_IDS_MAX];   /* one of the authority's own certificates: not in the list of issued ones */
	uint8_t authority[16];
	struct mst_read read;
	uint64_t num_news; /* when it was asked */
	int64_t now_s;
};

static enum mst_step refuse(struct mst_xchg *x, enum mst_ocsp_refusal why)
{
	return mst_xchg_answer(x, 200, TYPE_OCSP, mst_ocsp_refusal(why));
}

/* GET carries base64, of which a '/' may be one of the path's (RFC 6960 A.1). */
static int body_of(struct mst_slice *out, struct mst_xchg *x)
{
	struct mst_slice text = mst_parts_behind(x, 2);
	uint8_t *place;
	size_t len;

	*out = x->in.body;
	if (x->in.method == MST_POST)
		return 0;
	if (text.len == 0 || text.len > MST_BASE64_LEN(MST_OCSP_REQUEST_MAX))
		return mst_fail(&x->err, MST_E_SYNTAX, "no request in the path");
	place = mst_arena_get(&x->arena, MST_BASE64_ROOM(text.len));
	if (!place)
		return mst_fail(&x->err, MST_E_BUSY, "out of memory");
	if (mst_base64_get(place, &len, text, &x->err) < 0)
		return -1;
	*out = mst_slice(place, len);
	return 0;
}

/* A CertID names the issuer by hashes of its name and its key. */
static bool is_issuer(const struct mst_cert *cert, const struct mst_ocsp_id *id)
{
	uint8_t name[32], key[32];
	struct mst_slice bits;
	size_t len = id->hash == MST_OCSP_SHA1 ? 20 : 32;

	if (id->hash == MST_OCSP_OTHER_HASH || mst_ocsp_key_bits(&bits, cert->spki, NULL) < 0)
		return false;
	if (id->hash == MST_OCSP_SHA1) {
		mst_sha1(name, cert->subject);
		mst_sha1(key, bits);
	} else {
		mst_sha256(name, cert->subject);
		mst_sha256(key, bits);
	}
	return mst_slice_eq(id->issuer_name, mst_slice(name, len)) && mst_slice_eq(id->issuer_key, mst_slice(key, len));
}

static bool has_number(const struct mst_cert *cert, const uint8_t *serial)
{
	uint8_t own[16];

	return cert->serial.len && mst_issued_serial(own, cert->serial, NULL) == 0 && memcmp(own, serial, 16) == 0;
}

/* False when a question is not about this issuer's certificates. */
static bool take_ids(struct respond *s, const struct mst_issuer *issuer)
{
	for (size_t i = 0; i < s->request.num_ids; i++) {
		const struct mst_ocsp_id *id = &s->request.ids[i];
		if (!is_issuer(&issuer->cert, id))
			return false;
		s->singles[i].id = id->der;
		s->is_possible[i] = !(id->serial.at[0] & 0x80) && mst_issued_serial(s->serials[i], id->serial, NULL) == 0;
		s->is_helper[i] = s->is_possible[i] &&
				  (has_number(&issuer->ocsp_cert, s->serials[i]) || has_number(&issuer->ra_cert, s->serials[i]));
	}
	return true;
}

static int look_up(struct mst_read *r, struct respond *s, size_t i)
{
	struct mst_ocsp_single *single = &s->singles[i];
	struct mst_revoked revoked;
	struct mst_issued issued;
	int rc;

	single->status = s->is_helper[i] ? MST_OCSP_GOOD : MST_OCSP_UNKNOWN;
	if (!s->is_possible[i])
		return 0;
	rc = mst_revoked_get(r, &revoked, s->authority, s->serials[i]);
	if (rc == 1) {
		single->status = MST_OCSP_REVOKED;
		single->revoked_s = revoked.at_ms / 1000;
		single->reason = revoked.reason;
		return 0;
	}
	if (rc != 0)
		return rc;
	/* What has expired is off the list, but the record remembers. */
	rc = mst_issued_get(r, &issued, s->authority, s->serials[i], NULL);
	if (rc != 1)
		return rc;
	single->status = issued.revoked_ms ? MST_OCSP_REVOKED : MST_OCSP_GOOD;
	single->revoked_s = issued.revoked_ms / 1000;
	single->reason = issued.reason;
	return 0;
}

static int plan(struct mst_read *r)
{
	struct respond *s = MST_HOME(r, struct respond, read);

	for (size_t i = 0; i < s->request.num_ids; i++) {
		int rc = look_up(r, s, i);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static void on_read(struct mst_read *r)
{
	mst_xchg_resume(MST_HOME(r, struct respond, read)->x);
}

/* RFC 5019 6.2: what a GET is answered may be kept by everybody until it ends. A nonce is for one asker. */
static bool put_headers(struct mst_xchg *x, int64_t this_s, int64_t next_s, int64_t now_s, struct mst_slice signature)
{
	char *dates = mst_arena_get(&x->arena, 2 * REVOKE_DATE_ROOM);
	char *etag = mst_arena_get(&x->arena, 2 * ETAG_FROM + 3);
	struct mst_slice control;

	if (!dates || !etag || signature.len < ETAG_FROM ||
	    !mst_arena_format(&x->arena, &control, "public, no-transform, must-revalidate, max-age=%lld", (long long)(next_s - now_s)))
		return false;
	mst_date_put(dates, this_s);
	mst_date_put(dates + REVOKE_DATE_ROOM, next_s);
	etag[0] = etag[2 * ETAG_FROM + 1] = '"';
	mst_hex_put(etag + 1, mst_slice(signature.at + signature.len - ETAG_FROM, ETAG_FROM));
	etag[2 * ETAG_FROM + 2] = '\0';
	x->out.extra[0] = (struct mst_header){MST_S("ETag"), mst_slice_str(etag)};
	x->out.extra[1] = (struct mst_header){MST_S("Last-Modified"), mst_slice_str(dates)};
	x->out.extra[2] = (struct mst_header){MST_S("Expires"), mst_slice_str(dates + REVOKE_DATE_ROOM)};
	x->out.extra[3] = (struct mst_header){MST_S("Cache-Control"), control};
	return mst_date_is_fresh(x, etag, this_s);
}

static enum mst_step answer(struct mst_xchg *x, const struct mst_issuer *issuer, const struct mst_ocsp_body *what, int64_t now_s,
			    struct mst_slice body, struct mst_slice signature)
{
	struct mst_slice whole;
	bool is_get = x->in.method != MST_POST;

	if (is_get && what->nonce.len == 0 && put_headers(x, what->this_s, what->next_s, now_s, signature))
		return mst_xchg_answer(x, 304, NULL, (struct mst_slice){NULL, 0});
	if (is_get && what->nonce.len)
		x->out.extra[0] = (struct mst_header){MST_S("Cache-Control"), MST_S("no-store")};
	if (mst_ocsp_whole(&whole, &x->arena, body, mst_key_alg(issuer->ocsp_key), signature, issuer->ocsp_cert.der, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_xchg_answer(x, 200, TYPE_OCSP, whole);
}

/* The one question most clients ask, when it was answered a short while ago. */
static const struct revoke_answer *find_answer(struct respond *s)
{
	if (s->request.num_ids != 1 || s->request.nonce.len || !s->is_possible[0])
		return NULL;
	return mst_answers_find0(s->app->revoke, s->authority, &s->request.ids[0], s->serials[0], s->now_s);
}

static enum mst_step give_again(struct respond *s, const struct mst_issuer *issuer, const struct revoke_answer *known)
{
	const struct mst_ocsp_body what = {.this_s = known->this_s, .next_s = known->next_s};

	return answer(s->x, issuer, &what, s->now_s, mst_slice(known->bytes, known->body_len),
		      mst_slice(known->bytes + known->body_len, known->signature_len));
}

static enum mst_step look(struct respond *s)
{
	s->read = (struct mst_read){.arena = &s->x->arena, .plan = plan, .on_read = on_read};
	switch (mst_store_read(s->app->store, &s->read, s->app->loop, &s->x->err)) {
	case 1:
		return STEP_NEXT;
	case 0:
		return STEP_WAIT;
	default:
		return refuse(s->x, MST_OCSP_TRY_LATER);
	}
}

enum mst_step mst_respond_take(struct mst_xchg *x)
{
	struct respond *s = mst_arena_zero(&x->arena, sizeof(*s));
	struct mst_app *app = x->app;
	const struct mst_issuer *issuer;
	const struct revoke_answer *known;
	struct mst_slice der;

	if (!s)
		return refuse(x, MST_OCSP_TRY_LATER);
	s->x = x;
	s->app = app;
	s->now_s = mst_clock_wall_ms() / 1000;
	s->num_news = app->revoke->num_news;
	x->state = s;
	if (body_of(&der, x) < 0 || mst_ocsp_read(&s->request, der, &x->err) < 0) {
		bool is_ours = x->err.code == MST_E_BUSY;
		x->err.code = MST_E_NONE;
		return refuse(x, is_ours ? MST_OCSP_TRY_LATER : MST_OCSP_MALFORMED);
	}
	issuer = app->issuers ? mst_issuers_find0(app->issuers, mst_parts_at(x, 1)) : NULL;
	if (!issuer || !issuer->ocsp_key || !take_ids(s, issuer))
		return refuse(x, MST_OCSP_UNAUTHORIZED);
	memcpy(s->authority, issuer->record.id, sizeof(s->authority));
	known = find_answer(s);
	return known ? give_again(s, issuer, known) : look(s);
}

static enum mst_step sign(struct respond *s, const struct mst_issuer *issuer)
{
	struct mst_xchg *x = s->x;
	struct mst_ocsp_body what = {
		.this_s = s->now_s,
		.next_s = s->now_s + MST_REVOKE_ANSWER_S,
		.singles = s->singles,
		.num_singles = s->request.num_ids,
		.nonce = s->request.nonce,
	};
	struct mst_slice bits, body, signature;

	if (mst_ocsp_key_bits(&bits, issuer->ocsp_cert.spki, &x->err) < 0)
		return mst_xchg_fail(x);
	mst_sha1(what.responder, bits);
	if (mst_ocsp_body(&body, &x->arena, &what, &x->err) < 0 ||
	    mst_key_sign(&signature, &x->arena, issuer->ocsp_key, body, &x->err) < 0)
		return mst_xchg_fail(x);
	/* What is unknown today may be issued in a moment; what was read may have been revoked since. */
	if (what.num_singles == 1 && what.nonce.len == 0 && s->singles[0].status != MST_OCSP_UNKNOWN &&
	    s->num_news == s->app->revoke->num_news)
		mst_answers_keep(s->app->revoke, s->authority, &s->request.ids[0], s->serials[0], &what, body, signature);
	return answer(x, issuer, &what, s->now_s, body, signature);
}

enum mst_step mst_respond_answer(struct mst_xchg *x)
{
	struct respond *s = x->state;
	/* The snapshot may be a newer one after a wait. */
	const struct mst_issuer *issuer = s->app->issuers ? mst_issuers_find_id0(s->app->issuers, s->authority) : NULL;

	if (s->read.rc < 0)
		return refuse(x, MST_OCSP_TRY_LATER);
	if (!issuer || !issuer->ocsp_key)
		return refuse(x, MST_OCSP_UNAUTHORIZED);
	return sign(s, issuer);
}
