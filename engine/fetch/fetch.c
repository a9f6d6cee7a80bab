/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request from its beginning to its end: prepared on a worker, dialled, TLS, sent, answered. A connection for each.
 *
 *   PREPARING ~> DIALLING ~> GREETING ~> WAITING ~> OVER      OVER: told, or given up; net or the worker has to let go first
 */
#include <stdio.h>
#include <stdlib.h>

#include "muster/text.h"
#include "own.h"

#define TIMEOUT_MS 30000

enum fetch_state {
	FETCH_PREPARING, /* a worker: names, CAs */
	FETCH_DIALLING,  /* the server's kernel */
	FETCH_GREETING,  /* the server's TLS handshake */
	FETCH_WAITING,   /* the server's answer */
	FETCH_OVER,      /* net's last call, or the worker's return */
	NUM_FETCH_STATES
};

static const char *const waits[NUM_FETCH_STATES] = {
	[FETCH_PREPARING] = "its name is not resolved",
	[FETCH_DIALLING] = "it does not take the connection",
	[FETCH_GREETING] = "it does not finish the TLS handshake",
	[FETCH_WAITING] = "it does not answer",
};

static const uint8_t next_states[NUM_FETCH_STATES] = {
	[FETCH_PREPARING] = MST_B(FETCH_DIALLING) | MST_B(FETCH_OVER),
	[FETCH_DIALLING] = MST_B(FETCH_GREETING) | MST_B(FETCH_WAITING) | MST_B(FETCH_OVER),
	[FETCH_GREETING] = MST_B(FETCH_WAITING) | MST_B(FETCH_OVER),
	[FETCH_WAITING] = MST_B(FETCH_OVER),
};

struct mst_fetcher {
	struct mst_loop *loop;
	struct mst_net *net;
	struct mst_work *work;
	struct mst_trust *own, *trust; /* of its configuration, NULL none; used: NULL, every request brings its own */
	uint32_t at_once_max, answer_max, num;
	struct mst_link all;
	uint8_t plain[16384];
};

struct fetch {
	struct mst_link link;        /* of the fetcher's */
	struct mst_fetcher *fetcher; /* NULL: gone before the worker came home */
	struct mst_fetch *f;         /* NULL: told or cancelled */
	enum fetch_state state;
	bool is_out;                 /* a worker has it */
	struct fetch_url url;
	struct fetch_prepare prepare;
	uint32_t at;                 /* the next address to dial */
	uint8_t pin[32];
	bool has_pin;
	struct mst_timer timer;
	struct mst_conn *conn;
	struct mst_tls_ctx *ctx;
	struct mst_tls *tls;
	struct mst_buf out;
	struct fetch_answer answer;
};

/* Alerts that say that our certificate is no good (RFC 8446 6.2). */
static const struct {
	uint8_t alert;
	const char *why;
} refusals[] = {
	{40, "the server refuses the TLS handshake"},
	{42, "the server says that our certificate is bad"},
	{43, "the server does not support our certificate"},
	{44, "the server says that our certificate was revoked"},
	{45, "the server says that our certificate has expired"},
	{46, "the server refuses our certificate"},
	{48, "the server does not know who issued our certificate"},
	{49, "the server denies access"},
	{116, "the server demands a certificate"},
};

static void set(struct fetch *fetch, enum fetch_state to)
{
	BUG_ON(!(next_states[fetch->state] & MST_B(to)));
	fetch->state = to;
}

/* Nothing refers to it any more. */
static void finish(struct fetch *fetch)
{
	if (fetch->conn || fetch->is_out)
		return;
	if (fetch->fetcher) {
		mst_timer_end(fetch->fetcher->loop, &fetch->timer);
		mst_list_drop(&fetch->link);
		fetch->fetcher->num--;
	}
	mst_tls_free(&fetch->tls);
	mst_tls_ctx_free(&fetch->ctx);
	mst_trust_free(&fetch->prepare.trust);
	mst_buf_done(&fetch->prepare.ca_pem);
	if (fetch->out.data)
		mst_wipe(fetch->out.data, fetch->out.room);
	mst_buf_done(&fetch->out);
	if (fetch->answer.body.data)
		mst_wipe(fetch->answer.body.data, fetch->answer.body.room);
	mst_answer_done(&fetch->answer);
	free(fetch);
}

/* The one place where it ends; the asker's call is the last thing that happens here. */
static void end(struct fetch *fetch, int rc, const struct mst_err *e)
{
	struct mst_fetch *f = fetch->f;

	fetch->f = NULL;
	set(fetch, FETCH_OVER);
	mst_timer_end(fetch->fetcher->loop, &fetch->timer);
	if (fetch->conn)
		mst_conn_close(fetch->conn, rc < 0 ? "the request failed" : "the request is done");
	if (f) {
		f->own = NULL;
		f->rc = rc;
		if (rc < 0)
			f->err = *e;
	}
	finish(fetch);
	if (f)
		f->on_fetched(f);
}

static void fail(struct fetch *fetch, const struct mst_err *e)
{
	end(fetch, -1, e);
}

/* Names the server first: several may be asked for one thing. */
static void fail_saying(struct fetch *fetch, enum mst_code code, const char *why)
{
	struct mst_err e;

	mst_fail(&e, code, "%.80s: %s", fetch->url.host, why);
	fail(fetch, &e);
}

static void answer(struct fetch *fetch)
{
	const struct mst_http1_head *head = &fetch->answer.head;
	struct mst_fetch *f = fetch->f;
	struct mst_err e;

	f->status = head->status;
	f->answer_headers = head->headers;
	f->num_answer_headers = head->num_headers;
	if (!mst_arena_copy(f->arena, &f->answer, mst_buf_slice(&fetch->answer.body))) {
		mst_fail(&e, MST_E_BUSY, "no memory for the server's answer");
		fail(fetch, &e);
		return;
	}
	end(fetch, 0, NULL);
}

/* Bytes of the answer; ends it when it is complete or broken. */
static void take(struct fetch *fetch, struct mst_slice bytes)
{
	struct mst_err e;
	int rc = mst_answer_take(&fetch->answer, bytes, fetch->f->method, fetch->f->arena, &e);

	if (rc < 0)
		fail_saying(fetch, e.code, e.text);
	else if (rc > 0)
		answer(fetch);
}

static void take_end(struct fetch *fetch, bool is_whole)
{
	struct mst_err e;

	if (fetch->state != FETCH_WAITING)
		fail_saying(fetch, MST_E_GONE, "the server closed the connection");
	else if (mst_answer_end(&fetch->answer, is_whole, &e) < 0)
		fail_saying(fetch, e.code, e.text);
	else
		answer(fetch);
}

/* The connection */

static void say(struct fetch *fetch)
{
	struct mst_slice bytes = mst_buf_slice(&fetch->out);
	struct mst_err e;
	int rc;

	mst_conn_set(fetch->conn, MST_CONN_IDLE);
	mst_conn_set(fetch->conn, MST_CONN_WORK); /* our own timer is the deadline */
	set(fetch, FETCH_WAITING);
	rc = fetch->tls ? mst_tls_write(fetch->tls, bytes, &e) : mst_conn_put(fetch->conn, bytes, &e);
	if (rc < 0)
		fail(fetch, &e);
	else
		mst_conn_flush(fetch->conn);
}

static void fail_tls(struct fetch *fetch, const struct mst_err *e)
{
	uint8_t alert = mst_tls_alert(fetch->tls);
	const char *why = e->text;

	for (size_t i = 0; i < MST_LEN(refusals); i++)
		if (refusals[i].alert == alert)
			why = refusals[i].why;
	fail_saying(fetch, MST_E_CRYPTO, why);
}

/* Reads the session dry. */
static void pump(struct fetch *fetch)
{
	struct mst_fetcher *fetcher = fetch->fetcher;
	struct mst_conn *conn = fetch->conn;
	uint32_t slot = conn->slot, gen = conn->gen;
	struct mst_net *net = fetcher->net;
	struct mst_err e;
	int len;

	do {
		len = mst_tls_read(fetch->tls, fetcher->plain, sizeof fetcher->plain, &e);
		if (len < 0) {
			fail_tls(fetch, &e);
			return;
		}
		if (fetch->state == FETCH_GREETING && mst_tls_is_open(fetch->tls))
			say(fetch);
		if (len > 0 && fetch->state == FETCH_WAITING)
			take(fetch, mst_slice(fetcher->plain, (size_t)len));
		/* The asker's call may have freed everything but the connection's slot. */
		if (!mst_conn_at(net, slot, gen))
			return;
	} while (len > 0);
	if (mst_tls_is_ended(fetch->tls))
		take_end(fetch, true);
	else
		mst_conn_flush(conn);
}

static int put_cipher(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct fetch *fetch = context;
	return mst_conn_put(fetch->conn, cipher, e);
}

static void on_ready(void *context)
{
	struct fetch *fetch = context;

	if (fetch->state != FETCH_OVER)
		pump(fetch);
}

static int on_open(struct mst_conn *c)
{
	struct fetch *fetch = c->up;
	struct mst_tls_sink sink = {.context = fetch, .put = put_cipher, .on_ready = on_ready};
	struct mst_err e;

	if (!fetch || fetch->state == FETCH_OVER)
		return -1;
	if (!fetch->url.is_secure) {
		say(fetch);
		return 0;
	}
	set(fetch, FETCH_GREETING);
	if (mst_tls_new(&fetch->tls, fetch->ctx, &sink, &e) < 0)
		fail(fetch, &e);
	else
		pump(fetch);
	return 0;
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	struct fetch *fetch = c->up;
	struct mst_err e;

	if (!fetch || fetch->state == FETCH_OVER)
		return;
	if (!fetch->tls)
		take(fetch, bytes);
	else if (mst_tls_feed(fetch->tls, bytes, &e) < 0)
		fail_tls(fetch, &e);
	else
		pump(fetch);
}

static void on_sent(struct mst_conn *c)
{
	(void)c;
}

/* Only the handshake has a deadline of net's. */
static void on_late(struct mst_conn *c)
{
	struct fetch *fetch = c->up;

	if (fetch && fetch->state != FETCH_OVER)
		fail_saying(fetch, MST_E_TIMEOUT, waits[fetch->state]);
}

static void on_end(struct mst_conn *c)
{
	struct fetch *fetch = c->up;

	if (fetch && fetch->state != FETCH_OVER)
		take_end(fetch, !fetch->url.is_secure);
	else
		mst_conn_close(c, "closed by the server");
}

static void dial(struct fetch *fetch, const char *why);

static void on_gone(struct mst_conn *c)
{
	struct fetch *fetch = c->up;

	if (!fetch)
		return;
	fetch->conn = NULL;
	if (fetch->state == FETCH_DIALLING)
		dial(fetch, c->why ? c->why : "connect failed");
	else if (fetch->state != FETCH_OVER)
		fail_saying(fetch, MST_E_GONE, c->why ? c->why : "closed");
	else
		finish(fetch);
}

static const struct mst_edge edge = {
	.on_open = on_open, .on_bytes = on_bytes, .on_sent = on_sent, .on_late = on_late, .on_end = on_end, .on_gone = on_gone,
};

/* The next address; `why` the one before failed. */
static void dial(struct fetch *fetch, const char *why)
{
	struct mst_err e;

	while (fetch->at < fetch->prepare.num_found) {
		if (mst_net_dial(&fetch->conn, fetch->fetcher->net, &fetch->prepare.found[fetch->at++], &edge, fetch, &e) == 0)
			return;
		why = e.text;
	}
	fail_saying(fetch, MST_E_GONE, why);
}

/* TLS */

/* A pinned certificate needs nobody to vouch for it, nor a name. */
static int check_pin(const struct fetch *fetch, struct mst_peer *out, struct mst_slice leaf, struct mst_err *e)
{
	struct mst_cert cert;

	if (mst_cert_parse(&cert, leaf, e) < 0)
		return -1;
	*out = (struct mst_peer){.not_before = cert.not_before, .not_after = cert.not_after};
	mst_sha256(out->sha256, leaf);
	mst_sha256(out->subject, cert.subject);
	mst_cert_name(out->name, sizeof out->name, &cert);
	if (memcmp(out->sha256, fetch->pin, sizeof fetch->pin) != 0)
		return mst_fail(e, MST_E_CRYPTO, "the server shows another certificate than the pinned one");
	return 0;
}

static int verify(void *context, struct mst_peer *out, const struct mst_slice *chain, size_t num_chain, int64_t now_s,
		  struct mst_err *e)
{
	struct fetch *fetch = context;
	struct mst_trust *trust = fetch->prepare.trust ? fetch->prepare.trust : fetch->fetcher->trust;

	if (fetch->has_pin)
		return check_pin(fetch, out, chain[0], e);
	if (!trust)
		return mst_fail(e, MST_E_ABSENT, "there is no CA to verify the server with");
	if (mst_trust_verify_server(trust, out, chain, num_chain, now_s, e) < 0)
		return -1;
	return mst_host_check(chain[0], fetch->url.host, e);
}

/* While the asker's slices are there: on the loop, before the worker's turn. */
static int make_context(struct fetch *fetch, const struct mst_fetch *f, struct mst_err *e)
{
	struct mst_fetcher *fetcher = fetch->fetcher;
	const struct mst_tls_conf conf = {
		.is_client = true,
		.chain_pem = f->chain_pem,
		.key_pem = f->key_pem,
		.verify = {.context = fetch, .verify = verify},
		.allows_12 = true,
		.host = fetch->url.is_address ? NULL : fetch->url.host,
		.alpn = "http/1.1",
	};

	return mst_tls_ctx_new(&fetch->ctx, &conf, fetcher->work, fetcher->loop, e);
}

/* The worker's turn */

static void on_prepared(struct mst_job *job)
{
	struct fetch_prepare *prepare = MST_HOME(job, struct fetch_prepare, job);
	struct fetch *fetch = MST_HOME(prepare, struct fetch, prepare);

	fetch->is_out = false;
	if (fetch->state == FETCH_OVER) {
		finish(fetch);
		return;
	}
	if (prepare->rc < 0) {
		fail(fetch, &prepare->err);
		return;
	}
	set(fetch, FETCH_DIALLING);
	dial(fetch, "no address");
}

static void on_due(struct mst_timer *timer)
{
	struct fetch *fetch = MST_HOME(timer, struct fetch, timer);

	fail_saying(fetch, MST_E_TIMEOUT, waits[fetch->state]);
}

static int begin(struct fetch *fetch, const struct mst_fetch *f, struct mst_err *e)
{
	struct fetch_prepare *prepare = &fetch->prepare;

	if (mst_url_parse(&fetch->url, f->url, e) < 0 || mst_request_write(&fetch->out, f, &fetch->url, e) < 0)
		return -1;
	if (f->ca_pem.len > CA_MAX)
		return mst_fail(e, MST_E_SYNTAX, "over %u bytes of CA certificates", CA_MAX);
	if (f->ca_pem.len && mst_buf_add(&prepare->ca_pem, f->ca_pem, e) < 0)
		return -1;
	if (f->pin_sha256) {
		memcpy(fetch->pin, f->pin_sha256, sizeof fetch->pin);
		fetch->has_pin = true;
	}
	if (fetch->url.is_secure && make_context(fetch, f, e) < 0)
		return -1;
	memcpy(prepare->host, fetch->url.host, sizeof prepare->host);
	prepare->port = fetch->url.port;
	prepare->job = (struct mst_job){.home = fetch->fetcher->loop, .run = mst_prepare_run, .on_ran = on_prepared};
	return mst_work_post(fetch->fetcher->work, MST_LANE_BULK, &prepare->job, e);
}

int mst_fetch(struct mst_fetcher *fetcher, struct mst_fetch *f, struct mst_err *e)
{
	struct fetch *fetch;

	if (fetcher->num >= fetcher->at_once_max)
		return mst_fail(e, MST_E_BUSY, "too many requests to other servers are on their way");
	fetch = calloc(1, sizeof(*fetch));
	if (!fetch)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	fetch->fetcher = fetcher;
	fetch->f = f;
	fetch->answer.max = fetcher->answer_max;
	mst_list_add(&fetcher->all, &fetch->link);
	fetcher->num++;
	f->own = NULL;
	if (begin(fetch, f, e) < 0) {
		finish(fetch);
		return -1;
	}
	fetch->is_out = true;
	fetch->timer.on_due = on_due;
	mst_timer_set(fetcher->loop, &fetch->timer, f->timeout_ms ? f->timeout_ms : TIMEOUT_MS);
	f->own = fetch;
	f->rc = 0;
	f->status = 0;
	f->answer = (struct mst_slice){NULL, 0};
	f->answer_headers = NULL;
	f->num_answer_headers = 0;
	return 0;
}

void mst_fetch_cancel(struct mst_fetcher *fetcher, struct mst_fetch *f)
{
	struct fetch *fetch = f->own;
	struct mst_err e;

	(void)fetcher;
	if (!fetch)
		return;
	f->own = NULL;
	fetch->f = NULL;
	mst_fail(&e, MST_E_GONE, "cancelled");
	fail(fetch, &e);
}

/* The fetcher */

int mst_fetcher_new(struct mst_fetcher **out, struct mst_loop *loop, struct mst_net *net, struct mst_work *work,
		    const struct mst_fetcher_conf *conf, struct mst_err *e)
{
	struct mst_fetcher *fetcher = calloc(1, sizeof(*fetcher));

	if (!fetcher)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	fetcher->loop = loop;
	fetcher->net = net;
	fetcher->work = work;
	fetcher->at_once_max = conf->at_once_max;
	fetcher->answer_max = conf->answer_max;
	mst_list_init(&fetcher->all);
	if (conf->ca_pem.len && mst_trust_new(&fetcher->own, conf->ca_pem, e) < 0) {
		free(fetcher);
		return -1;
	}
	fetcher->trust = fetcher->own;
	*out = fetcher;
	return 0;
}

void mst_fetcher_trust(struct mst_fetcher *fetcher, struct mst_trust *trust)
{
	fetcher->trust = trust;
}

void mst_fetcher_stop(struct mst_fetcher *fetcher)
{
	struct mst_err e;

	fetcher->at_once_max = 0; /* who is told now asks nothing new */
	mst_fail(&e, MST_E_GONE, "the engine stops");
	for (bool is_more = true; is_more;) {
		is_more = false;
		MST_LIST_EACH(at, keep, &fetcher->all) {
			struct fetch *fetch = MST_HOME(at, struct fetch, link);
			if (fetch->state == FETCH_OVER)
				continue;
			fail(fetch, &e);
			is_more = true; /* the asker may have cancelled others: from the start again */
			break;
		}
	}
}

/* Net tells nobody any more; an orphan on a worker frees itself when it comes home. */
static void abandon(struct fetch *fetch)
{
	struct mst_fetcher *fetcher = fetch->fetcher;

	if (fetch->f)
		fetch->f->own = NULL;
	mst_timer_end(fetcher->loop, &fetch->timer);
	if (fetch->conn) {
		fetch->conn->up = NULL;
		mst_conn_close(fetch->conn, "the engine stops");
		fetch->conn = NULL;
	}
	fetch->f = NULL;
	fetch->state = FETCH_OVER;
	if (!fetch->is_out) {
		finish(fetch);
		return;
	}
	mst_list_drop(&fetch->link);
	fetcher->num--;
	fetch->fetcher = NULL;
}

void mst_fetcher_free(struct mst_fetcher **at)
{
	struct mst_fetcher *fetcher = *at;
	struct mst_link *first;

	*at = NULL;
	if (!fetcher)
		return;
	while ((first = mst_list_first(&fetcher->all)) != NULL)
		abandon(MST_HOME(first, struct fetch, link));
	mst_trust_free(&fetcher->own);
	free(fetcher);
}
