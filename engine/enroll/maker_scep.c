/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CA that speaks SCEP (RFC 8894).
 *
 *   start: GetCACaps ~> GetCACert ~> judged ~> challenge ~> written ~> PKIOperation ~> opened ~> done, or pending with a ticket
 *   tell:  challenge ~> told
 */
#include "maker_scep.h"

#include "muster/enroll.h"
#include "muster/grow.h"
#include "muster/text.h"
#include "own.h"

#define AGAIN_S 60 /* a CA's operator has to look */

static struct mst_slice field(const struct scep_make *s, const char *name)
{
	const struct mst_value *value = mst_make_field(s->make->enrollment, name);

	return value && value->is_set ? value->text : mst_slice(NULL, 0);
}

void mst_scep_end(struct scep_make *s, int rc, const struct mst_err *e)
{
	struct mst_make *make = s->make;

	mst_key_free(&s->key);
	mst_key_free(&s->older);
	if (rc < 0)
		mst_make_fail(make, e, false);
	else
		mst_make_done(make);
}

static void end_with(struct scep_make *s, enum mst_code code, const char *why)
{
	struct mst_err e;

	mst_fail(&e, code, "%s", why);
	mst_scep_end(s, -1, &e);
}

/* A worker's turn; `then` on the loop when it worked. */
static void turn(struct scep_make *s, int (*work)(struct mst_make *make, struct mst_err *e), void (*then)(struct mst_make *make))
{
	struct mst_err e;

	if (mst_make_turn(s->make, work, then, &e) < 0)
		mst_scep_end(s, -1, &e);
}

/* Requests */

static void on_fetched(struct mst_fetch *f)
{
	struct scep_make *s = MST_HOME(f, struct scep_make, fetch);
	struct mst_err e;

	if (f->rc < 0)
		mst_scep_end(s, -1, &f->err);
	else if (f->status != 200 && !s->takes_any) {
		mst_fail(&e, MST_E_GONE, "%s answers with status %d", s->asked, f->status);
		mst_scep_end(s, -1, &e);
	} else
		s->on_answer(s);
}

void mst_scep_fetch(struct scep_make *s, struct mst_slice url, const char *asked, void (*on_answer)(struct scep_make *s))
{
	const struct mst_value *timeout = mst_make_field(s->make->enrollment, "timeout_s");
	struct mst_err e;

	s->asked = asked;
	s->on_answer = on_answer;
	s->fetch.url = url;
	s->fetch.ca_pem = field(s, "ca");
	s->fetch.chain_pem = field(s, "client_certificate");
	s->fetch.key_pem = field(s, "client_key");
	s->fetch.timeout_ms = timeout && timeout->is_set ? (uint32_t)timeout->number * 1000 : 0;
	s->fetch.arena = s->make->arena;
	s->fetch.on_fetched = on_fetched;
	if (mst_fetch(s->make->app->fetcher, &s->fetch, &e) < 0)
		mst_scep_end(s, -1, &e);
}

/* RFC 3986 2.3. */
static void put_escaped(struct mst_grow *grow, struct mst_slice text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-._~", c)) {
			mst_grow_byte(grow, c);
			continue;
		}
		mst_grow_byte(grow, '%');
		mst_grow_byte(grow, (uint8_t)digits[c >> 4]);
		mst_grow_byte(grow, (uint8_t)digits[c & 15]);
	}
}

int mst_scep_url(struct mst_slice *out, struct mst_arena *arena, struct mst_slice url, struct mst_slice operation, struct mst_slice message,
		 struct mst_err *e)
{
	struct mst_grow grow;

	mst_grow_init(&grow, arena);
	mst_grow_put(&grow, url);
	mst_grow_byte(&grow, mst_slice_find(url, '?') < url.len ? '&' : '?');
	mst_grow_put(&grow, MST_S("operation="));
	mst_grow_put(&grow, operation);
	if (message.len) {
		mst_grow_put(&grow, MST_S("&message="));
		put_escaped(&grow, message);
	}
	return mst_grow_end(&grow, out, e);
}

static void ask(struct scep_make *s, struct mst_slice operation, struct mst_slice message, const char *asked,
		void (*on_answer)(struct scep_make *s))
{
	struct mst_slice url;
	struct mst_err e;

	if (mst_scep_url(&url, s->make->arena, field(s, "url"), operation, message, &e) < 0)
		mst_scep_end(s, -1, &e);
	else
		mst_scep_fetch(s, url, asked, on_answer);
}

/* The answer to our message */

static int read_work(struct mst_make *make, struct mst_err *e)
{
	struct scep_make *s = make->own;

	if (mst_scep_client_read(&s->reply, make->arena, &s->order, make->spki, s->body, e) < 0)
		return -1;
	if (s->reply.verdict == SCEP_GRANTED)
		return mst_make_fits(make, s->reply.cert, e);
	return 0;
}

static void begin_order(struct scep_make *s);

static void on_read(struct mst_make *make)
{
	struct scep_make *s = make->own;
	struct mst_err e;

	if (make->rc < 0) {
		mst_scep_end(s, -1, &make->err);
		return;
	}
	switch (s->reply.verdict) {
	case SCEP_GRANTED:
		make->cert = s->reply.cert;
		make->chain = s->reply.chain;
		mst_scep_end(s, 0, NULL);
		return;
	case SCEP_PENDING:
		make->rc = 1;
		make->again_s = AGAIN_S;
		make->new_ticket = s->order.transaction;
		mst_scep_end(s, 0, NULL);
		return;
	case SCEP_REFUSED:
		if (s->is_poll && s->reply.fail_info == 4 && !s->has_fallen_back) { /* it forgot the request: once more from the start */
			s->is_poll = false;
			s->has_fallen_back = true;
			begin_order(s);
			return;
		}
		mst_fail(&e, MST_E_DENIED, "the CA refuses: %s", mst_scep_client_refusal(s->reply.fail_info));
		mst_scep_end(s, -1, &e);
		return;
	}
}

static void on_operation(struct scep_make *s)
{
	s->body = s->fetch.answer;
	turn(s, read_work, on_read);
}

/* Our message */

static uint32_t usage_of(const struct scep_make *s)
{
	struct mst_slice word = field(s, "key_usage");

	if (mst_slice_eq(word, MST_S("signing")))
		return MST_KU_SIGN;
	if (mst_slice_eq(word, MST_S("encryption")))
		return MST_KU_ENCIPHER;
	return MST_KU_SIGN | MST_KU_ENCIPHER;
}

static int write_csr(struct scep_make *s, const struct mst_issue *issue, struct mst_err *e)
{
	struct mst_issue what = *issue;
	struct mst_slice challenge = {NULL, 0};
	struct mst_csr csr;

	what.key_usage = usage_of(s);
	if (s->challenge.len > MST_CSR_CHALLENGE_MAX)
		return mst_fail(e, MST_E_SYNTAX, "the challenge is over %d bytes", MST_CSR_CHALLENGE_MAX);
	if (s->challenge.len && !mst_arena_copy(s->make->arena, &challenge, s->challenge))
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_csr_write(&s->order.content, s->make->arena, &what, s->key, (const char *)challenge.at, e) < 0 ||
	    mst_csr_read(&csr, s->order.content, e) < 0)
		return -1;
	s->order.subject = csr.subject;
	return 0;
}

/* A renewal is signed by what is renewed, and opened with its key. */
static int choose_signer(struct scep_make *s, const struct mst_issue *issue, struct mst_err *e)
{
	struct mst_make *make = s->make;
	bool renews = !s->is_poll && s->caps.renews && make->older_cert.len && make->older_key.len;

	s->order.what = s->is_poll ? SCEP_POLL : renews ? SCEP_RENEWAL : SCEP_REQUEST;
	s->order.key = s->key;
	if (!renews)
		return mst_scep_client_self(&s->order.cert, make->arena, issue, s->key, make->now_ms / 1000, e);
	if (!s->older && mst_key_read(&s->older, make->older_key, e) < 0)
		return -1;
	s->order.key = s->older;
	s->order.cert = make->older_cert;
	return 0;
}

static int write_work(struct mst_make *make, struct mst_err *e)
{
	struct scep_make *s = make->own;
	struct mst_issue issue;

	if (!s->key && mst_key_read(&s->key, make->key, e) < 0)
		return -1;
	if (!mst_key_is_rsa(s->key))
		return mst_fail(e, MST_E_TYPE, "SCEP wants a key of RSA");
	if (mst_key_spki(&make->spki, make->arena, s->key, e) < 0 || mst_make_issue(&issue, make, e) < 0)
		return -1;
	s->order.caps = &s->caps;
	s->order.ca = &s->ca;
	mst_random(s->order.nonce, sizeof s->order.nonce);
	if (mst_scep_client_transaction(&s->order.transaction, make->arena, make->spki, e) < 0 || write_csr(s, &issue, e) < 0 ||
	    choose_signer(s, &issue, e) < 0)
		return -1;
	return mst_scep_client_write(&s->message, make->arena, &s->order, e);
}

static void on_written(struct mst_make *make)
{
	static const struct mst_header type = {MST_S_INIT("Content-Type"), MST_S_INIT("application/x-pki-message")};
	struct scep_make *s = make->own;
	struct mst_grow grow;
	struct mst_slice text;
	struct mst_err e;

	if (make->rc < 0) {
		mst_scep_end(s, -1, &make->err);
		return;
	}
	if (s->caps.posts) {
		s->fetch.method = MST_POST;
		s->fetch.body = s->message;
		s->fetch.headers = &type;
		s->fetch.num_headers = 1;
		ask(s, MST_S("PKIOperation"), mst_slice(NULL, 0), "the CA, asked for a certificate,", on_operation);
		return;
	}
	mst_grow_init(&grow, make->arena);
	mst_grow_base64(&grow, s->message);
	if (mst_grow_end(&grow, &text, &e) < 0)
		mst_scep_end(s, -1, &e);
	else
		ask(s, MST_S("PKIOperation"), text, "the CA, asked for a certificate,", on_operation);
}

static void on_challenge(struct scep_make *s)
{
	turn(s, write_work, on_written);
}

static void begin_order(struct scep_make *s)
{
	s->fetch.method = MST_GET;
	s->fetch.body = mst_slice(NULL, 0);
	s->fetch.num_headers = 0;
	if (s->is_poll)
		on_challenge(s);
	else
		mst_scep_challenge_get(s, on_challenge);
}

/* The CA */

static int ca_work(struct mst_make *make, struct mst_err *e)
{
	struct scep_make *s = make->own;
	uint8_t pin[SCEP_PIN_MAX];
	size_t len;

	if (mst_scep_client_pin(pin, &len, field(s, "ca_fingerprint"), e) < 0)
		return -1;
	return mst_scep_client_ca(&s->ca, make->arena, s->body, mst_slice(pin, len), e);
}

static void on_ca(struct mst_make *make)
{
	struct scep_make *s = make->own;

	if (make->rc < 0)
		mst_scep_end(s, -1, &make->err);
	else
		begin_order(s);
}

static void on_cert(struct scep_make *s)
{
	s->body = s->fetch.answer;
	turn(s, ca_work, on_ca);
}

/* A server that knows no GetCACaps has none of them. */
static void on_caps(struct scep_make *s)
{
	s->takes_any = false;
	if (s->fetch.status == 200)
		mst_scep_client_caps(&s->caps, s->fetch.answer);
	ask(s, MST_S("GetCACert"), field(s, "ca_name"), "the CA, asked for its certificate,", on_cert);
}

static struct scep_make *begin(struct mst_make *make, struct mst_slice challenge, struct mst_err *e)
{
	struct scep_make *s = mst_arena_zero(make->arena, sizeof *s);

	if (!s) {
		mst_fail(e, MST_E_BUSY, "out of memory");
		return NULL;
	}
	if (!make->app->fetcher) {
		mst_fail(e, MST_E_BUSY, "this loop asks no other servers");
		return NULL;
	}
	s->make = make;
	s->challenge = challenge;
	make->own = s;
	return s;
}

/* The first request may not be refused inside: then nothing has begun. */
static void on_begun(struct mst_make *make)
{
	struct scep_make *s = make->own;

	s->takes_any = true;
	ask(s, MST_S("GetCACaps"), field(s, "ca_name"), "the CA, asked for its capabilities,", on_caps);
}

static int nothing_work(struct mst_make *make, struct mst_err *e)
{
	return 0;
}

int mst_scep_start_with(struct mst_make *make, struct mst_slice challenge, struct mst_err *e)
{
	struct scep_make *s = begin(make, challenge, e);

	if (!s)
		return -1;
	s->is_poll = make->ticket.len > 0;
	return mst_make_turn(make, nothing_work, on_begun, e);
}

/* Decentralised */

static int told_work(struct mst_make *make, struct mst_err *e)
{
	static const uint8_t nobody[16];
	static const uint32_t bits[MST_NUM_KEY_KINDS] = {[MST_KEY_RSA2048] = 2048, [MST_KEY_RSA3072] = 3072, [MST_KEY_RSA4096] = 4096};
	struct scep_make *s = make->own;
	uint8_t *pin = mst_arena_get(make->arena, SCEP_PIN_MAX);
	const struct mst_value *is_proxied = mst_make_field(make->enrollment, "is_proxied");
	size_t len;

	if (!pin)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_scep_client_pin(pin, &len, field(s, "ca_fingerprint"), e) < 0)
		return -1;
	make->scep_fingerprint = mst_slice(pin, len);
	make->scep_url = field(s, "url");
	make->scep_name = field(s, "ca_name");
	make->scep_challenge = s->challenge;
	make->scep_key_bits = bits[make->kind] ? bits[make->kind] : 2048;
	make->scep_key_usage = usage_of(s);
	if (!is_proxied || !is_proxied->number)
		return 0;
	return mst_scep_proxy_url(&make->scep_url, make->arena, make->app->seal, s->portal, make->enrollment->id,
				  make->device ? make->device->id.device : nobody, make->now_ms, e);
}

static void on_told(struct mst_make *make)
{
	struct scep_make *s = make->own;

	if (make->rc < 0)
		mst_scep_end(s, -1, &make->err);
	else
		mst_scep_end(s, 0, NULL);
}

static void on_tell_challenge(struct scep_make *s)
{
	turn(s, told_work, on_told);
}

static void on_tell_begun(struct mst_make *make)
{
	struct scep_make *s = make->own;

	if (make->app->enroll && !mst_arena_copy(make->arena, &s->portal, make->app->enroll->scep_url)) {
		end_with(s, MST_E_BUSY, "out of memory");
		return;
	}
	mst_scep_challenge_get(s, on_tell_challenge);
}

int mst_scep_tell_with(struct mst_make *make, struct mst_slice challenge, struct mst_err *e)
{
	return begin(make, challenge, e) ? mst_make_turn(make, nothing_work, on_tell_begun, e) : -1;
}

static int start(struct mst_make *make, struct mst_err *e)
{
	return mst_scep_start_with(make, mst_slice(NULL, 0), e);
}

static int tell(struct mst_make *make, struct mst_err *e)
{
	return mst_scep_tell_with(make, mst_slice(NULL, 0), e);
}

const struct mst_maker mst_maker_scep = {.type = "scep", .form = MST_IDENTITY_FILE, .makes = true, .start = start, .tell = tell};
