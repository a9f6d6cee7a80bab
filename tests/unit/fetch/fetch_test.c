/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a server on the same loop: plain and TLS, with a switch for each fault. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "../crypt/pki.h"
#include "muster/buf.h"
#include "muster/clock.h"
#include "muster/fetch.h"

#define ANSWER_MAX 4096
#define OK(text) "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Word: " text "\r\n\r\nhello"

struct rig {
	struct mst_loop *loop;
	struct mst_net *net;
	struct mst_work *work;
	struct mst_arena arena;
	struct mst_fetcher *fetcher;
	struct pki root, other, server, foreign, client;
	struct mst_tls_ctx *tls;
	uint16_t port, plain_port;
	/* the server's switches */
	const char *answer;
	bool ends, is_silent, is_cut, has_silent_tls;
	/* what it heard */
	char heard[8192];
	size_t heard_len;
	bool saw_client;
	uint32_t num_conns;
	/* the asker */
	struct mst_fetch f;
	uint32_t num_done;
	char url[128];
};

struct server_conn {
	struct rig *rig;
	struct mst_conn *conn;
	struct mst_tls *tls;
	bool is_answered;
};

static void say(struct server_conn *sc)
{
	struct mst_slice text = mst_slice_str(sc->rig->answer);
	struct mst_err e;

	sc->is_answered = true;
	if (sc->rig->is_silent)
		return;
	if (sc->tls)
		cr_assert_eq(mst_tls_write(sc->tls, text, &e), 0);
	else
		cr_assert_eq(mst_conn_put(sc->conn, text, &e), 0);
	if (sc->rig->ends && sc->tls && !sc->rig->is_cut)
		mst_tls_shut(sc->tls);
	mst_conn_flush(sc->conn);
	if (sc->rig->ends)
		mst_conn_finish(sc->conn, "done");
}

static void hear(struct server_conn *sc, struct mst_slice bytes)
{
	struct rig *r = sc->rig;

	cr_assert_lt(r->heard_len + bytes.len, sizeof r->heard);
	memcpy(r->heard + r->heard_len, bytes.at, bytes.len);
	r->heard_len += bytes.len;
	r->heard[r->heard_len] = '\0';
	if (!sc->is_answered && strstr(r->heard, "\r\n\r\n"))
		say(sc);
}

static int put_cipher(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct server_conn *sc = context;
	return mst_conn_put(sc->conn, cipher, e);
}

static void on_ready(void *context)
{
	(void)context;
}

static int on_open(struct mst_conn *c)
{
	struct rig *r = c->listener_up;
	struct server_conn *sc = calloc(1, sizeof *sc);
	const struct mst_tls_sink sink = {.context = sc, .put = put_cipher, .on_ready = on_ready};

	cr_assert(sc);
	sc->rig = r;
	sc->conn = c;
	c->up = sc;
	r->num_conns++;
	return c->state == MST_CONN_HELLO ? mst_tls_new(&sc->tls, r->tls, &sink, NULL) : 0;
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	static uint8_t plain[17000];
	struct server_conn *sc = c->up;
	struct mst_err e;
	int len;

	if (!sc->tls) {
		hear(sc, bytes);
		return;
	}
	if (sc->rig->has_silent_tls || mst_tls_feed(sc->tls, bytes, &e) < 0)
		return;
	while ((len = mst_tls_read(sc->tls, plain, sizeof plain, &e)) > 0) {
		if (c->state == MST_CONN_HELLO)
			mst_conn_set(c, MST_CONN_IDLE);
		sc->rig->saw_client = mst_tls_peer0(sc->tls) != NULL;
		hear(sc, mst_slice(plain, (size_t)len));
		if (c->state == MST_CONN_CLOSING || c->state == MST_CONN_DRAIN)
			return;
	}
	mst_conn_flush(c);
	if (len < 0)
		mst_conn_finish(c, "TLS failed");
}

static void on_gone(struct mst_conn *c)
{
	struct server_conn *sc = c->up;

	if (sc)
		mst_tls_free(&sc->tls);
	free(sc);
}

static const struct mst_edge edge = {.on_open = on_open, .on_bytes = on_bytes, .on_gone = on_gone};

static int verify_client(void *context, struct mst_peer *out, const struct mst_slice *chain, size_t num, int64_t now_s, struct mst_err *e)
{
	struct rig *r = context;

	*out = (struct mst_peer){.not_after = INT64_MAX};
	if (!mst_slice_eq(chain[0], r->client.der))
		return mst_fail(e, MST_E_ABSENT, "another client");
	return 0;
}

static struct pki server_cert(struct rig *r, const char *name, const struct pki *issuer)
{
	const char *const dns[] = {name, NULL}, *const ips[] = {"127.0.0.1", NULL};

	return pki_make(&r->arena, MST_KEY_P256,
			(struct mst_issue){.common_name = name, .key_usage = MST_KU_SIGN, .ext_key_usage = MST_EKU_SERVER, .dns = dns,
					   .ips = strcmp(name, "localhost") == 0 ? ips : NULL},
			issuer);
}

static void make_tls(struct rig *r, const struct pki *server, bool demands)
{
	const struct mst_tls_conf conf = {
		.chain_pem = server->pem, .key_pem = server->key_pem, .client = demands ? MST_TLS_CLIENT_DEMAND : MST_TLS_CLIENT_NONE,
		.verify = {.context = r, .verify = verify_client}, .allows_12 = true, .alpn = "http/1.1",
	};
	struct mst_err e;

	mst_tls_ctx_free(&r->tls);
	cr_assert_eq(mst_tls_ctx_new(&r->tls, &conf, NULL, NULL, &e), 0, "%s", e.text);
}

static void make_fetcher(struct rig *r, struct mst_slice ca_pem)
{
	const struct mst_fetcher_conf conf = {.at_once_max = 4, .answer_max = ANSWER_MAX, .ca_pem = ca_pem};
	struct mst_err e;

	mst_fetcher_free(&r->fetcher);
	cr_assert_eq(mst_fetcher_new(&r->fetcher, r->loop, r->net, r->work, &conf, &e), 0, "%s", e.text);
}

static void begin(struct rig *r)
{
	const struct mst_loop_conf loop = {.num_files = 256, .num_buffers = 128, .cpu = -1, .name = "rig"};
	struct mst_net_conf net = {.num_conns_max = 64, .out_bytes_max = 1u << 20};
	struct mst_listen_conf listen = {.address = "127.0.0.1", .first = MST_CONN_HELLO, .edge = &edge, .up = r};
	struct mst_err e;

	mst_clock_fake(PKI_NOW * 1000ll);
	*r = (struct rig){.answer = OK("one")};
	mst_arena_init(&r->arena, NULL, 0);
	r->root = pki_make(&r->arena, MST_KEY_P256, PKI_CA(.common_name = "Root"), NULL);
	r->other = pki_make(&r->arena, MST_KEY_P256, PKI_CA(.common_name = "Other"), NULL);
	r->server = server_cert(r, "localhost", &r->root);
	r->client = pki_make(&r->arena, MST_KEY_P256, PKI_LEAF(.common_name = "client"), NULL);
	net.state_ms[MST_CONN_DIAL] = net.state_ms[MST_CONN_HELLO] = 5000;
	net.state_ms[MST_CONN_DRAIN] = 500;
	cr_assert_eq(mst_loop_new(&r->loop, &loop, &e), 0, "%s", e.text);
	cr_assert_eq(mst_net_new(&r->net, r->loop, &net, &e), 0, "%s", e.text);
	cr_assert_eq(mst_work_new(&r->work, 1, 64, &e), 0, "%s", e.text);
	cr_assert_eq(mst_net_listen(r->net, &listen, &e), 0, "%s", e.text);
	listen.first = MST_CONN_IDLE;
	cr_assert_eq(mst_net_listen(r->net, &listen, &e), 0, "%s", e.text);
	r->port = mst_net_port(r->net, 0);
	r->plain_port = mst_net_port(r->net, 1);
	make_tls(r, &r->server, false);
	make_fetcher(r, r->root.pem);
}

static void turn(struct rig *r, uint32_t ms)
{
	struct mst_err e;

	for (uint64_t until = mst_clock_ms() + ms; mst_clock_ms() < until;)
		cr_assert_eq(mst_loop_turn(r->loop, 20, &e), 0, "%s", e.text);
}

static void finish(struct rig *r)
{
	turn(r, 60);
	mst_fetcher_free(&r->fetcher);
	mst_work_free(&r->work);
	mst_net_free(&r->net);
	mst_loop_free(&r->loop);
	mst_tls_ctx_free(&r->tls);
	mst_key_free(&r->root.key);
	mst_key_free(&r->other.key);
	mst_key_free(&r->server.key);
	mst_key_free(&r->client.key);
	mst_key_free(&r->foreign.key);
	mst_arena_done(&r->arena);
	mst_clock_fake(0);
}

static void on_fetched(struct mst_fetch *f)
{
	MST_HOME(f, struct rig, f)->num_done++;
}

static void url(struct rig *r, const char *server, uint16_t port)
{
	snprintf(r->url, sizeof r->url, "%s:%u/a?b=c", server, port);
	r->f = (struct mst_fetch){.method = MST_GET, .url = mst_slice_str(r->url), .arena = &r->arena, .on_fetched = on_fetched,
				  .timeout_ms = 3000};
}

/* Asks, waits. */
static void ask(struct rig *r)
{
	struct mst_err e;

	r->num_done = 0;
	r->heard_len = 0;
	r->heard[0] = '\0';
	cr_assert_eq(mst_fetch(r->fetcher, &r->f, &e), 0, "%s", e.text);
	cr_assert_eq(r->num_done, 0, "never inside");
	for (uint64_t until = mst_clock_ms() + 8000; r->num_done == 0 && mst_clock_ms() < until;)
		cr_assert_eq(mst_loop_turn(r->loop, 20, &e), 0, "%s", e.text);
	cr_assert_eq(r->num_done, 1);
}

static void expect_hello(struct rig *r)
{
	cr_assert_eq(r->f.rc, 0, "%s", r->f.err.text);
	cr_expect_eq(r->f.status, 200);
	cr_expect(mst_slice_eq(r->f.answer, MST_S("hello")));
}

static void expect_fail(struct rig *r, enum mst_code code, const char *part)
{
	cr_expect_eq(r->f.rc, -1);
	cr_expect_eq(r->f.err.code, code, "%d %s", r->f.err.code, r->f.err.text);
	cr_expect(strstr(r->f.err.text, part), "%s", r->f.err.text);
}

Test(fetch, good)
{
	static const char *const forms[] = {"http://127.0.0.1", "https://localhost", "https://127.0.0.1"};
	const struct mst_header more[] = {{MST_S("X-More"), MST_S("yes")}};
	struct rig r;

	begin(&r);
	for (size_t i = 0; i < MST_LEN(forms); i++) {
		url(&r, forms[i], i == 0 ? r.plain_port : r.port);
		r.f.method = MST_POST;
		r.f.body = MST_S("the body");
		r.f.headers = more;
		r.f.num_headers = 1;
		ask(&r);
		expect_hello(&r);
		cr_expect(mst_slice_eq(mst_header_find(r.f.answer_headers, r.f.num_answer_headers, MST_S("x-word")), MST_S("one")));
		cr_expect(strstr(r.heard, "POST /a?b=c HTTP/1.1\r\nHost: "), "%s", r.heard);
		cr_expect(strstr(r.heard, "\r\nX-More: yes\r\nContent-Length: 8\r\n\r\nthe body"), "%s", r.heard);
	}
	finish(&r);
}

Test(fetch, bodies)
{
	static const struct {
		const char *answer;
		bool ends;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", true},
		{"HTTP/1.1 200 OK\r\n\r\nhello", true},
		{"HTTP/1.0 200 OK\r\n\r\nhello", true},
		{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false},
	};
	struct rig r;

	begin(&r);
	for (size_t i = 0; i < 2 * MST_LEN(rows); i++) {
		r.answer = rows[i / 2].answer;
		r.ends = rows[i / 2].ends;
		url(&r, i & 1 ? "https://localhost" : "http://localhost", i & 1 ? r.port : r.plain_port);
		ask(&r);
		expect_hello(&r);
	}
	finish(&r);
}

Test(fetch, broken_answers)
{
	static const struct {
		const char *answer;
		bool ends, is_cut, is_secure;
		enum mst_code code;
		const char *part;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n", false, false, true, MST_E_TOO_BIG, "over 4096 bytes"},
		{"rubbish\r\n\r\n", false, false, true, MST_E_SYNTAX, "localhost: "},
		{"rubbish\r\n\r\n", false, false, false, MST_E_SYNTAX, "localhost: "},
		{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", true, false, true, MST_E_GONE, "cut short"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", true, false, false, MST_E_GONE, "cut short"},
		{"HTTP/1.1 200 OK\r\n\r\nhello", true, true, true, MST_E_GONE, "cut short"},
		{"HTTP/1.1 200 O", true, false, true, MST_E_GONE, "before it answered"},
	};
	struct rig r;

	begin(&r);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		r.answer = rows[i].answer;
		r.ends = rows[i].ends;
		r.is_cut = rows[i].is_cut;
		url(&r, rows[i].is_secure ? "https://localhost" : "http://localhost", rows[i].is_secure ? r.port : r.plain_port);
		ask(&r);
		expect_fail(&r, rows[i].code, rows[i].part);
	}
	finish(&r);
}

Test(fetch, slow)
{
	struct rig r;

	begin(&r);
	r.is_silent = true;
	url(&r, "https://localhost", r.port);
	r.f.timeout_ms = 200;
	ask(&r);
	expect_fail(&r, MST_E_TIMEOUT, "it does not answer");
	r.has_silent_tls = true;
	url(&r, "https://localhost", r.port);
	r.f.timeout_ms = 200;
	ask(&r);
	expect_fail(&r, MST_E_TIMEOUT, "TLS handshake");
	finish(&r);
}

Test(fetch, certificates)
{
	uint8_t pin[32];
	struct rig r;

	begin(&r);
	/* of another CA */
	r.foreign = server_cert(&r, "localhost", &r.other);
	make_tls(&r, &r.foreign, false);
	url(&r, "https://localhost", r.port);
	ask(&r);
	expect_fail(&r, MST_E_CRYPTO, "localhost: ");
	cr_expect_eq(r.heard_len, 0, "nothing was said");
	/* its CA is given with the request */
	url(&r, "https://localhost", r.port);
	r.f.ca_pem = r.other.pem;
	ask(&r);
	expect_hello(&r);
	/* pinned, no CA known */
	mst_sha256(pin, r.foreign.der);
	url(&r, "https://localhost", r.port);
	r.f.pin_sha256 = pin;
	ask(&r);
	expect_hello(&r);
	pin[31] ^= 1;
	url(&r, "https://localhost", r.port);
	r.f.pin_sha256 = pin;
	ask(&r);
	expect_fail(&r, MST_E_CRYPTO, "pinned");
	/* no CA at all */
	make_fetcher(&r, mst_slice(NULL, 0));
	make_tls(&r, &r.server, false);
	url(&r, "https://localhost", r.port);
	ask(&r);
	expect_fail(&r, MST_E_CRYPTO, "no CA");
	/* CAs that are none */
	url(&r, "https://localhost", r.port);
	r.f.ca_pem = MST_S("no PEM");
	ask(&r);
	cr_expect_eq(r.f.rc, -1);
	finish(&r);
}

Test(fetch, wrong_name)
{
	struct rig r;

	begin(&r);
	r.foreign = server_cert(&r, "elsewhere.example", &r.root);
	make_tls(&r, &r.foreign, false);
	url(&r, "https://localhost", r.port);
	ask(&r);
	expect_fail(&r, MST_E_CRYPTO, "localhost");
	url(&r, "https://127.0.0.1", r.port);
	ask(&r);
	expect_fail(&r, MST_E_CRYPTO, "127.0.0.1");
	cr_expect_eq(r.heard_len, 0);
	finish(&r);
}

Test(fetch, client_certificate)
{
	struct rig r;
	struct mst_err e;

	begin(&r);
	make_tls(&r, &r.server, true);
	url(&r, "https://localhost", r.port);
	r.f.chain_pem = r.client.pem;
	r.f.key_pem = r.client.key_pem;
	ask(&r);
	expect_hello(&r);
	cr_expect(r.saw_client);
	/* none, and another */
	url(&r, "https://localhost", r.port);
	ask(&r);
	expect_fail(&r, MST_E_CRYPTO, "certificate");
	url(&r, "https://localhost", r.port);
	r.f.chain_pem = r.server.pem;
	r.f.key_pem = r.server.key_pem;
	ask(&r);
	expect_fail(&r, MST_E_CRYPTO, "our certificate");
	/* one that does not fit its key */
	url(&r, "https://localhost", r.port);
	r.f.chain_pem = r.client.pem;
	r.f.key_pem = r.server.key_pem;
	cr_expect_eq(mst_fetch(r.fetcher, &r.f, &e), -1);
	finish(&r);
}

Test(fetch, nobody_there)
{
	struct rig r;

	begin(&r);
	url(&r, "http://127.0.0.1", 1);
	ask(&r);
	expect_fail(&r, MST_E_GONE, "refused");
	url(&r, "http://no-such-name.invalid", 1);
	ask(&r);
	expect_fail(&r, MST_E_ABSENT, "no-such-name.invalid");
	finish(&r);
}

Test(fetch, refused_at_once)
{
	static const struct mst_header bad[] = {
		{MST_S_INIT("Host"), MST_S_INIT("x")}, {MST_S_INIT("X Y"), MST_S_INIT("x")}, {MST_S_INIT("X"), MST_S_INIT("a\r\nb: c")},
		{MST_S_INIT(""), MST_S_INIT("x")}, {MST_S_INIT("content-length"), MST_S_INIT("1")},
	};
	struct mst_fetch many[4];
	struct rig r;
	struct mst_err e;

	begin(&r);
	for (size_t i = 0; i < MST_LEN(bad); i++) {
		url(&r, "http://127.0.0.1", r.plain_port);
		r.f.headers = &bad[i];
		r.f.num_headers = 1;
		cr_expect_eq(mst_fetch(r.fetcher, &r.f, &e), -1);
		cr_expect_eq(e.code, MST_E_SYNTAX);
	}
	url(&r, "gopher://127.0.0.1", r.plain_port);
	cr_expect_eq(mst_fetch(r.fetcher, &r.f, &e), -1);
	/* too many */
	url(&r, "http://127.0.0.1", r.plain_port);
	for (size_t i = 0; i < 4; i++) {
		many[i] = r.f;
		cr_assert_eq(mst_fetch(r.fetcher, &many[i], &e), 0);
	}
	cr_expect_eq(mst_fetch(r.fetcher, &r.f, &e), -1);
	cr_expect_eq(e.code, MST_E_BUSY);
	for (size_t i = 0; i < 4; i++)
		mst_fetch_cancel(r.fetcher, &many[i]);
	turn(&r, 200);
	ask(&r);
	expect_hello(&r);
	finish(&r);
}

Test(fetch, cancelled_at_every_moment)
{
	struct rig r;
	struct mst_err e;

	begin(&r);
	for (int turns = 0; turns < 24; turns++) {
		url(&r, "https://localhost", r.port);
		r.num_done = 0;
		r.heard_len = 0;
		cr_assert_eq(mst_fetch(r.fetcher, &r.f, &e), 0);
		for (int i = 0; i < turns && r.num_done == 0; i++)
			cr_assert_eq(mst_loop_turn(r.loop, 5, &e), 0);
		if (r.num_done)
			continue;
		mst_fetch_cancel(r.fetcher, &r.f);
		memset(&r.f, 0xff, sizeof r.f);
		turn(&r, 30);
		cr_assert_eq(r.num_done, 0);
	}
	finish(&r);
}

Test(fetch, the_engine_stops)
{
	struct rig r;
	struct mst_err e;

	begin(&r);
	for (int turns = 0; turns < 24; turns++) {
		url(&r, "https://localhost", r.port);
		r.num_done = 0;
		r.heard_len = 0;
		r.is_silent = true;
		cr_assert_eq(mst_fetch(r.fetcher, &r.f, &e), 0);
		for (int i = 0; i < turns; i++)
			cr_assert_eq(mst_loop_turn(r.loop, 5, &e), 0);
		if (turns & 1) {
			mst_fetcher_stop(r.fetcher);
			cr_assert_eq(r.num_done, 1);
			expect_fail(&r, MST_E_GONE, "stops");
			cr_expect_eq(mst_fetch(r.fetcher, &r.f, &e), -1);
		}
		mst_fetcher_free(&r.fetcher);
		cr_assert_eq(r.num_done, turns & 1);
		turn(&r, 30);
		make_fetcher(&r, r.root.pem);
	}
	finish(&r);
}
