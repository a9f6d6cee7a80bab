/* SPDX-License-Identifier: Apache-2.0 */
/* The edge with TLS: a client session on a plain socket, in every cut, with and without a
 * certificate. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../crypt/pki.h"
#include "muster/clock.h"
#include "rig.h"

#define HOST      "Host: a\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

struct client {
	struct rig r;
	struct mst_arena arena;
	struct pki root, server, device;
	struct mst_tls_ctx *ctx;
	struct mst_tls *tls;
	struct mst_buf out, plain;
	size_t step; /* ciphertext bytes a write, 0: all */
	bool is_known, is_refused;
	const char *ours, *theirs; /* protocols, NULL none */
};

/* Any chain will do: verdicts are tested where they are made. */
static int verify(void *context, struct mst_peer *out, const struct mst_slice *chain, size_t num,
		  int64_t now_s, struct mst_err *e)
{
	struct client *c = context;
	memset(out, 0, sizeof(*out));
	out->not_after = INT64_MAX;
	snprintf(out->name, sizeof(out->name), "device-1");
	return c->is_refused ? mst_fail(e, MST_E_CRYPTO, "not one of ours") : 0;
}

static int verify_server(void *context, struct mst_peer *out, const struct mst_slice *chain,
			 size_t num, int64_t now_s, struct mst_err *e)
{
	memset(out, 0, sizeof(*out));
	out->not_after = INT64_MAX;
	return 0;
}

static int put(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct client *c = context;
	return mst_buf_add(&c->out, cipher, e);
}

static void on_ready(void *context)
{
}

static void start(struct client *c)
{
	struct mst_err e = {.text = ""};
	mst_clock_fake(PKI_NOW * 1000ll);
	c->root = pki_make(&c->arena, MST_KEY_P256, PKI_CA(.common_name = "CA"), NULL);
	c->server = pki_make(&c->arena, MST_KEY_P256,
			     (struct mst_issue){.common_name = "localhost",
						.key_usage = MST_KU_SIGN,
						.ext_key_usage = MST_EKU_SERVER},
			     &c->root);
	c->device =
		pki_make(&c->arena, MST_KEY_P256, PKI_LEAF(.common_name = "device-1"), &c->root);
	struct mst_tls_conf server = {
		.chain_pem = c->server.pem,
		.key_pem = c->server.key_pem,
		.client = MST_TLS_CLIENT_ASK,
		.verify = {c, verify, NULL},
		.known_max = 10,
		.alpn = c->ours,
	};
	struct mst_tls_conf client = {
		.is_client = true, .verify = {c, verify_server, NULL}, .host = "localhost", .alpn = c->theirs};
	if (c->is_known) {
		client.chain_pem = c->device.pem;
		client.key_pem = c->device.key_pem;
	}
	cr_assert_eq(mst_tls_ctx_new(&c->r.tls, &server, NULL, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(mst_tls_ctx_new(&c->ctx, &client, NULL, NULL, &e), 0, "%s", e.text);
	rig_start(&c->r);
}

static void dial(struct client *c)
{
	struct mst_tls_sink sink = {c, put, on_ready};
	struct mst_err e;
	mst_tls_free(&c->tls);
	mst_buf_done(&c->out);
	mst_buf_done(&c->plain);
	rig_dial(&c->r);
	cr_assert_eq(mst_tls_new(&c->tls, c->ctx, &sink, &e), 0);
}

static void done(struct client *c)
{
	mst_tls_free(&c->tls);
	mst_tls_ctx_free(&c->ctx);
	mst_buf_done(&c->out);
	mst_buf_done(&c->plain);
	rig_done(&c->r);
	mst_key_free(&c->root.key);
	mst_key_free(&c->server.key);
	mst_key_free(&c->device.key);
	mst_arena_done(&c->arena);
	mst_clock_fake(0);
}

/* One round: send what was put, take what came. False when TLS broke. */
static bool turn(struct client *c)
{
	uint8_t bytes[4096];
	struct mst_err e;
	int len;
	rig_turn(&c->r, 1);
	rig_read(&c->r);
	struct mst_slice cipher = mst_buf_slice(&c->r.got);
	if (cipher.len && mst_tls_feed(c->tls, cipher, &e) < 0)
		return false;
	while ((len = mst_tls_read(c->tls, bytes, sizeof(bytes), &e)) > 0)
		cr_assert_eq(mst_buf_add(&c->plain, mst_slice(bytes, (size_t)len), NULL), 0);
	mst_buf_drop(&c->r.got, cipher.len);
	rig_give(&c->r, mst_buf_slice(&c->out), c->step);
	mst_buf_done(&c->out);
	return len == 0;
}

static bool shake(struct client *c)
{
	for (int i = 0; i < 200 && !mst_tls_is_open(c->tls); i++)
		if (!turn(c))
			return false;
	return mst_tls_is_open(c->tls);
}

/* Says `text` and waits until the answers hold `want`. */
static bool ask(struct client *c, const char *text, const char *want)
{
	struct mst_err e;
	if (text)
		cr_assert_eq(mst_tls_write(c->tls, mst_slice_str(text), &e), 0);
	for (int i = 0; i < 1000; i++) {
		bool is_open = turn(c);
		struct mst_slice got = mst_buf_slice(&c->plain);
		if (got.len && memmem(got.at, got.len, want, strlen(want)))
			return true;
		if (!is_open || c->r.has_ended)
			return false;
	}
	return false;
}

Test(tls, requests_in_every_cut)
{
	static const size_t steps[] = {0, 1, 100};
	struct client c = {.is_known = true};
	start(&c);
	for (size_t i = 0; i < MST_LEN(steps); i++) {
		c.step = steps[i];
		dial(&c);
		cr_assert(shake(&c), "step %zu", steps[i]);
		cr_expect(ask(&c, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
			      "\r\n\r\nhello"));
		cr_expect_str_eq(c.r.last_peer, "device-1");
		cr_expect(ask(&c, GET("/echo") GET("/count") GET("/count"), "\r\n\r\n2"));
		UNTIL(&c.r, rig_edge(&c.r)->conn->state == MST_CONN_IDLE);
		cr_expect_null(rig_edge(&c.r)->left.data);
		cr_expect_null(rig_edge(&c.r)->conn->out);
	}
	struct mst_counts counts;
	mst_counts_sum(&counts);
	cr_expect_eq(counts.hists[MST_H_HANDSHAKE].total, MST_LEN(steps));
	done(&c);
}

Test(tls, without_a_certificate_there_is_no_peer)
{
	struct client c = {.is_known = false};
	start(&c);
	dial(&c);
	cr_assert(shake(&c));
	cr_expect(ask(&c, GET("/echo"), "200 OK"));
	cr_expect_str_eq(c.r.last_peer, "");
	done(&c);
}

Test(tls, a_refused_certificate_ends_the_connection)
{
	struct client c = {.is_known = true, .is_refused = true};
	start(&c);
	dial(&c);
	/* TLS 1.3: the client is done before the server has judged. */
	cr_expect(!shake(&c) || !ask(&c, GET("/echo"), "200 OK"));
	cr_expect_eq(c.r.num_heads, 0);
	done(&c);
}

Test(tls, plain_http_on_a_tls_port)
{
	struct client c = {.is_known = true};
	start(&c);
	dial(&c);
	GIVE(&c.r, GET("/echo"));
	for (int i = 0; i < 200 && !c.r.has_ended; i++) {
		rig_turn(&c.r, 5);
		rig_read(&c.r);
	}
	cr_expect(c.r.has_ended);
	cr_expect_eq(c.r.num_heads, 0);
	done(&c);
}

Test(tls, big_answers_and_a_close_notify)
{
	struct client c = {.is_known = true};
	start(&c);
	dial(&c);
	cr_assert(shake(&c));
	cr_assert_eq(mst_tls_write(c.tls,
				   MST_S("GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"),
				   NULL),
		     0);
	for (int i = 0; i < 1000 && !mst_tls_is_ended(c.tls); i++)
		cr_assert(turn(&c));
	cr_expect(mst_tls_is_ended(c.tls), "closed without a close_notify");
	cr_expect(mst_buf_slice(&c.plain).len > 200000);
	done(&c);
}

Test(tls, the_peer_dies_while_an_exchange_waits)
{
	struct client c = {.is_known = true};
	start(&c);
	dial(&c);
	cr_assert(shake(&c));
	cr_assert_eq(mst_tls_write(c.tls, MST_S(GET("/wait")), NULL), 0);
	for (int i = 0; i < 200 && !c.r.waiting; i++)
		cr_assert(turn(&c));
	struct linger now = {1, 0};
	setsockopt(c.r.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	rig_hang_up(&c.r);
	UNTIL(&c.r, mst_net_open(c.r.net) == 0);
	rig_wake(&c.r); /* looks at x->peer and x->keep */
	cr_expect(c.r.was_orphan);
	done(&c);
}

Test(tls, close_notify_from_the_peer_ends_it)
{
	struct client c = {.is_known = true};
	start(&c);
	dial(&c);
	cr_assert(shake(&c));
	cr_expect(ask(&c, GET("/echo"), "200 OK"));
	mst_tls_shut(c.tls);
	for (int i = 0; i < 200 && !c.r.has_ended; i++)
		turn(&c);
	cr_expect(c.r.has_ended);
	done(&c);
}

Test(tls, open_connections_outlive_a_new_context)
{
	struct client c = {.is_known = true};
	start(&c);
	dial(&c);
	cr_assert(shake(&c));
	struct mst_tls_conf conf = {.chain_pem = c.server.pem,
				    .key_pem = c.server.key_pem,
				    .client = MST_TLS_CLIENT_ASK,
				    .verify = {&c, verify, NULL}};
	struct mst_tls_ctx *next;
	cr_assert_eq(mst_tls_ctx_new(&next, &conf, NULL, NULL, NULL), 0);
	mst_http_set_tls(c.r.http, MST_GATE_PORTAL, next);
	cr_expect(ask(&c, GET("/echo"), "200 OK"));
	dial(&c);
	cr_assert(shake(&c));
	cr_expect(ask(&c, GET("/echo"), "200 OK"));
	done(&c);
}

/* A client of HTTP/2 that says one request and closes; frames of the answer are looked for by their heads. */
#define GET_ECHO_H2                                                                                \
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"                                        \
	"\0\0\x0c\1\5\0\0\0\1\x82\x87\x44\x05/echo\x41\x01" "a"

Test(tls, the_server_prefers_http2_where_both_are_known)
{
	static const struct {
		const char *ours, *theirs;
		bool is_h2;
	} alpns[] = {
		{"h2,http/1.1", "h2,http/1.1", true},   {"h2,http/1.1", "http/1.1,h2", true},
		{"h2,http/1.1", "h2", true},		{"h2,http/1.1", "http/1.1", false},
		{"h2,http/1.1", NULL, false},		{"h2,http/1.1", "spdy/3", false},
		{"http/1.1", "h2,http/1.1", false},	{NULL, "h2", false},
	};
	for (size_t i = 0; i < MST_LEN(alpns); i++) {
		struct client c = {.is_known = true, .ours = alpns[i].ours, .theirs = alpns[i].theirs};
		start(&c);
		dial(&c);
		cr_assert(shake(&c), "row %zu", i);
		if (alpns[i].is_h2) {
			cr_assert_eq(mst_tls_write(c.tls, MST_S(GET_ECHO_H2), NULL), 0);
			for (int n = 0; n < 200 && c.r.num_walks == 0; n++)
				cr_assert(turn(&c));
			cr_expect_eq(c.r.num_walks, 1, "row %zu", i);
			cr_expect_str_eq(c.r.last_peer, "device-1");
			cr_expect(rig_edge(&c.r)->framing == &mst_framing_h2);
		} else {
			cr_expect(ask(&c, GET("/echo"), "200 OK"), "row %zu", i);
		}
		done(&c);
	}
}

Test(tls, a_stream_taken_back_keeps_its_identity)
{
	struct client c = {.is_known = true, .ours = "h2,http/1.1", .theirs = "h2"};
	start(&c);
	dial(&c);
	cr_assert(shake(&c));
	cr_assert_eq(mst_tls_write(c.tls, MST_S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
						"\0\0\x0c\1\5\0\0\0\1\x82\x87\x44\x05/wait\x41\x01" "a"), NULL), 0);
	for (int i = 0; i < 200 && !c.r.waiting; i++)
		cr_assert(turn(&c));
	cr_assert_eq(mst_tls_write(c.tls, MST_S("\0\0\4\3\0\0\0\0\1\0\0\0\x08"), NULL), 0);
	for (int i = 0; i < 200 && !c.r.waiting->is_orphan; i++)
		cr_assert(turn(&c));
	cr_expect(c.r.waiting->is_orphan);
	rig_hang_up(&c.r);
	rig_wake(&c.r); /* looks at x->peer and x->keep */
	cr_expect(c.r.was_orphan);
	done(&c);
}
