/* SPDX-License-Identifier: Apache-2.0 */
/* What nothing can go below: TLS when nothing else is there, both ends in this process, no sockets, only the server's side
 * timed, by our own layer and by the library as it comes; its primitives; durable writes. */
#include <stdio.h>

#include "commit.h"
#include "line.h"
#include "muster/buf.h"
#include "muster/cert.h"
#include "muster/clock.h"
#include "muster/crypt.h"
#include "muster/json.h"
#include "muster/log.h"
#include "muster/tls.h"
#include "stock.h"

#define DAY_S      86400
#define KNOWN_MAX  64
#define ROUNDS_MAX 8 /* flights of a handshake, with room */
#define REQUEST    600
#define REPLY      120
#define FLYING     200 /* writes on their way at once */
#define WRITES     10  /* of them for each round of the others */

struct limit_conf {
	struct mst_arena arena;
	const char *only, *folder;
	uint32_t count;
	bool is_json;
};

#define AT(field) offsetof(struct limit_conf, field)
static const struct mst_opt_row rows[] = {
	{"limit", "count", AT(count), MST_OPT_U32, "3000", 1, 10000000, "", false,
	 "rounds of each measurement"},
	{"limit", "only", AT(only), MST_OPT_TEXT, "", 0, 64, "", false,
	 "measure one of them alone: its JSON name"},
	{"limit", "folder", AT(folder), MST_OPT_PATH, "/tmp", 1, 200, "", false,
	 "where a store is made and dropped"},
	{"limit", "json", AT(is_json), MST_OPT_BOOL, "no", 0, 0, "", false, "print JSON"},
};

/* One authority, one server, one device. */
struct cast {
	struct mst_arena arena;
	struct mst_loop *loop;
	struct mst_trust *trust;
	struct mst_slice ca_pem, chain[2], key[2]; /* 0 server, 1 client */
	struct mst_tls_ctx *client, *known, *unknown;
	struct mst_stock *stock;
	const char *folder;
};

struct end {
	struct mst_tls *tls;
	struct mst_buf out;
};

static int put(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct end *end = context;

	return mst_buf_add(&end->out, cipher, e);
}

static void on_ready(void *context)
{
}

static int issue(struct cast *cast, int who, struct mst_slice ca_cert, const struct mst_key *ca_key,
		 struct mst_err *e)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_issue what = {.common_name = who ? "device" : "server",
				 .not_before = now_s - DAY_S,
				 .not_after = now_s + DAY_S,
				 .key_usage = MST_KU_SIGN,
				 .ext_key_usage = who ? MST_EKU_CLIENT : MST_EKU_SERVER};
	struct mst_key *key;
	struct mst_slice der;
	int rc = mst_key_new(&key, MST_KEY_P256, e);

	if (rc == 0)
		rc = mst_key_spki(&what.spki, &cast->arena, key, e);
	if (rc == 0)
		rc = mst_issue_write(&der, &cast->arena, &what, ca_cert, ca_key, NULL, e);
	if (rc == 0)
		rc = mst_pem_put(&cast->chain[who], &cast->arena, "CERTIFICATE", der, e);
	if (rc == 0)
		rc = mst_key_pem(&cast->key[who], &cast->arena, key, e);
	mst_key_free(&key);
	return rc;
}

static int make_certificates(struct cast *cast, struct mst_err *e)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_issue what = {.common_name = "limit",
				 .not_before = now_s - DAY_S,
				 .not_after = now_s + DAY_S,
				 .is_ca = true,
				 .key_usage = MST_KU_CERT_SIGN | MST_KU_CRL_SIGN};
	struct mst_key *key;
	struct mst_slice der;
	int rc = mst_key_new(&key, MST_KEY_P256, e);

	if (rc == 0)
		rc = mst_key_spki(&what.spki, &cast->arena, key, e);
	if (rc == 0)
		rc = mst_issue_write(&der, &cast->arena, &what, (struct mst_slice){NULL, 0}, key,
				     NULL, e);
	if (rc == 0)
		rc = mst_pem_put(&cast->ca_pem, &cast->arena, "CERTIFICATE", der, e);
	if (rc == 0)
		rc = mst_trust_new(&cast->trust, cast->ca_pem, e);
	for (int who = 0; rc == 0 && who < 2; who++)
		rc = issue(cast, who, der, key, e);
	mst_key_free(&key);
	return rc;
}

static int make_server(struct mst_tls_ctx **out, struct cast *cast, uint32_t known_max,
		       struct mst_err *e)
{
	struct mst_tls_conf conf = {.chain_pem = cast->chain[0],
				    .key_pem = cast->key[0],
				    .client = MST_TLS_CLIENT_ASK,
				    .allows_12 = true,
				    .verify = {.context = cast->trust, .verify = mst_trust_verify},
				    .known_max = known_max,
				    .ticket_s = DAY_S};

	memset(conf.ticket_secret, 7,
	       sizeof(conf.ticket_secret)); /* a measurement has no secrets */
	return mst_tls_ctx_new(out, &conf, NULL, cast->loop, e);
}

static int make_cast(struct cast *cast, struct mst_err *e)
{
	struct mst_loop_conf loop = {.cpu = -1, .name = "limit"};
	struct mst_tls_conf conf = {
		.is_client = true, .allows_12 = true, .known_max = KNOWN_MAX, .ticket_secret = {1}};

	if (mst_loop_new(&cast->loop, &loop, e) < 0 || make_certificates(cast, e) < 0)
		return -1;
	conf.chain_pem = cast->chain[1];
	conf.key_pem = cast->key[1];
	conf.verify =
		(struct mst_tls_verify){.context = cast->trust, .verify = mst_trust_verify_server};
	if (mst_tls_ctx_new(&cast->client, &conf, NULL, cast->loop, e) < 0 ||
	    make_server(&cast->known, cast, KNOWN_MAX, e) < 0)
		return -1;
	if (make_server(&cast->unknown, cast, 0, e) < 0)
		return -1;
	return mst_stock_new(&cast->stock, cast->ca_pem, cast->chain, cast->key, e);
}

static void free_cast(struct cast *cast)
{
	mst_tls_ctx_free(&cast->client);
	mst_tls_ctx_free(&cast->known);
	mst_tls_ctx_free(&cast->unknown);
	mst_stock_free(&cast->stock);
	mst_trust_free(&cast->trust);
	mst_loop_free(&cast->loop);
	mst_arena_done(&cast->arena);
}

/* Gives what `from` has put to `to` and lets it work; returns the plaintext bytes it read, -1
 * broken. */
static int pass(struct end *to, struct end *from, struct mst_err *e)
{
	static uint8_t plain[16384];
	int n, sum = 0;

	if (from && from->out.to > from->out.from &&
	    mst_tls_feed(to->tls, mst_buf_slice(&from->out), e) < 0)
		return -1;
	while ((n = mst_tls_read(to->tls, plain, sizeof(plain), e)) > 0)
		sum += n;
	if (from)
		mst_buf_drop(&from->out, mst_buf_slice(&from->out).len);
	return n < 0 ? -1 : sum;
}

struct bout {
	struct end server, client;
	uint64_t server_ns;
};

static int open_bout(struct bout *b, const struct cast *cast, struct mst_tls_ctx *server,
		     struct mst_tls_ticket *ticket, struct mst_err *e)
{
	const struct mst_tls_sink server_sink = {&b->server, put, on_ready},
				  client_sink = {&b->client, put, on_ready};
	uint64_t began;
	int rc;

	if (mst_tls_new(&b->client.tls, cast->client, &client_sink, e) < 0)
		return -1;
	if (ticket)
		mst_tls_ticket_set(b->client.tls, ticket);
	if (pass(&b->client, NULL, e) < 0)
		return -1;
	began = mst_stock_cpu_ns();
	rc = mst_tls_new(&b->server.tls, server, &server_sink, e);
	b->server_ns = mst_stock_cpu_ns() - began;
	for (int i = 0; rc == 0 && i < ROUNDS_MAX && b->client.out.to > b->client.out.from; i++) {
		began = mst_stock_cpu_ns();
		rc = pass(&b->server, &b->client, e) < 0 ? -1 : 0;
		b->server_ns += mst_stock_cpu_ns() - began;
		if (rc == 0)
			rc = pass(&b->client, &b->server, e) < 0 ? -1 : 0;
	}
	if (rc == 0 && !(mst_tls_is_open(b->server.tls) && mst_tls_is_open(b->client.tls)))
		rc = mst_fail(e, MST_E_CRYPTO, "the handshake did not end");
	return rc;
}

/* One request and its answer; the library sends its tickets with the first answer. */
static int talk(struct bout *b, struct mst_err *e)
{
	static const uint8_t bytes[REQUEST];
	uint64_t began;
	int rc = mst_tls_write(b->client.tls, mst_slice(bytes, REQUEST), e);

	began = mst_stock_cpu_ns();
	if (rc == 0 && pass(&b->server, &b->client, e) != REQUEST)
		rc = -1;
	if (rc == 0)
		rc = mst_tls_write(b->server.tls, mst_slice(bytes, REPLY), e);
	b->server_ns += mst_stock_cpu_ns() - began;
	if (rc == 0 && pass(&b->client, &b->server, e) != REPLY)
		rc = -1;
	return rc;
}

/* The server's end is part of its cost. */
static void close_bout(struct bout *b)
{
	uint64_t began = mst_stock_cpu_ns();

	mst_tls_free(&b->server.tls);
	b->server_ns += mst_stock_cpu_ns() - began;
	mst_tls_free(&b->client.tls);
	mst_buf_done(&b->server.out);
	mst_buf_done(&b->client.out);
}

static int time_handshakes(uint64_t *out, const struct cast *cast, struct mst_tls_ctx *server,
			   bool is_resuming, uint32_t count, struct mst_err *e)
{
	struct mst_tls_ticket *ticket = NULL;
	uint64_t sum = 0;
	int rc = 0;

	/* The first round warms up, and brings the first ticket. */
	for (uint32_t i = 0; rc == 0 && i <= count; i++) {
		struct bout b = {.server_ns = 0};
		rc = open_bout(&b, cast, server, is_resuming ? ticket : NULL, e);
		if (rc == 0)
			rc = talk(&b, e);
		if (rc == 0 && is_resuming) {
			struct mst_tls_ticket *fresh = mst_tls_ticket_get1(b.client.tls);
			if (i > 0 && !mst_tls_is_resumed(b.server.tls))
				rc = mst_fail(e, MST_E_CRYPTO, "the session was not resumed");
			if (fresh) {
				mst_tls_ticket_free(&ticket);
				ticket = fresh;
			}
		}
		close_bout(&b);
		sum += i ? b.server_ns : 0;
	}
	mst_tls_ticket_free(&ticket);
	*out = sum / count;
	return rc;
}

static int time_full(uint64_t *out, const struct cast *cast, uint32_t count, struct mst_err *e)
{
	return time_handshakes(out, cast, cast->known, false, count, e);
}

static int time_unknown(uint64_t *out, const struct cast *cast, uint32_t count, struct mst_err *e)
{
	return time_handshakes(out, cast, cast->unknown, false, count, e);
}

static int time_resumed(uint64_t *out, const struct cast *cast, uint32_t count, struct mst_err *e)
{
	return time_handshakes(out, cast, cast->known, true, count, e);
}

static int time_records(uint64_t *out, const struct cast *cast, uint32_t count, struct mst_err *e)
{
	struct bout b = {.server_ns = 0};
	int rc = open_bout(&b, cast, cast->known, NULL, e);

	if (rc == 0)
		rc = talk(&b, e); /* the tickets */
	b.server_ns = 0;
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = talk(&b, e);
	*out = b.server_ns / count;
	close_bout(&b);
	return rc;
}

static int time_stock(uint64_t *out, const struct cast *cast, uint32_t count, struct mst_err *e)
{
	return mst_stock_full(out, cast->stock, count, e);
}

static int time_stock_resumed(uint64_t *out, const struct cast *cast, uint32_t count,
			      struct mst_err *e)
{
	return mst_stock_resumed(out, cast->stock, count, e);
}

/* What a handshake with a known client cannot do without: its three operations. */
static int time_primitives(uint64_t *out, const struct cast *cast, uint32_t count,
			   struct mst_err *e)
{
	struct mst_stock_primitives p;
	int rc = mst_stock_primitives(&p, count, e);

	*out = p.agree_ns + p.sign_ns + p.verify_ns;
	return rc;
}

static int time_rsa_verify(uint64_t *out, const struct cast *cast, uint32_t count,
			   struct mst_err *e)
{
	struct mst_stock_primitives p;
	int rc = mst_stock_primitives(&p, count, e);

	*out = p.rsa_verify_ns;
	return rc;
}

static int time_commit(uint64_t *out, const struct cast *cast, uint32_t count, struct mst_err *e)
{
	struct mst_commit_cost cost;
	int rc = mst_commit_time(&cost, cast->folder, count * WRITES, FLYING, e);

	*out = cost.cpu_ns;
	return rc;
}

static const struct {
	const char *key, *words;
	int (*time)(uint64_t *out, const struct cast *cast, uint32_t count, struct mst_err *e);
} measures[] = {
	{"handshake_full_ns", "full mutual TLS 1.3 handshake and one request, client known",
	 time_full},
	{"handshake_unknown_ns", "the same with the client's chain verified", time_unknown},
	{"handshake_resumed_ns", "resumed handshake and one request", time_resumed},
	{"request_ns", "a request read and an answer written", time_records},
	{"stock_full_ns", "the library's own full mutual handshake, nothing else", time_stock},
	{"stock_resumed_ns", "the library's own resumed handshake, nothing else",
	 time_stock_resumed},
	{"primitives_ns", "X25519, a P-256 signature made and one verified", time_primitives},
	{"rsa_verify_ns", "an RSA-2048 signature verified", time_rsa_verify},
	{"commit_ns", "a durable write, 200 on their way at once, all threads", time_commit},
};

static bool is_wanted(const struct limit_conf *conf, size_t i)
{
	return !conf->only[0] || strcmp(conf->only, measures[i].key) == 0;
}

static int print(const struct limit_conf *conf, const uint64_t *ns, struct mst_arena *arena,
		 struct mst_err *e)
{
	struct mst_slice text;
	struct mst_json j;

	mst_json_begin(&j, arena);
	mst_json_open(&j, NULL);
	for (size_t i = 0; i < MST_LEN(measures); i++) {
		if (!is_wanted(conf, i))
			continue;
		mst_json_u64(&j, measures[i].key, ns[i]);
		if (!conf->is_json)
			printf("%-62s %8.1f us\n", measures[i].words, (double)ns[i] / 1e3);
	}
	mst_json_close(&j);
	if (mst_json_end(&j, &text, e) < 0)
		return -1;
	if (conf->is_json)
		printf("%.*s\n", (int)text.len, (const char *)text.at);
	return 0;
}

int mst_limit_main(int argc, char **argv)
{
	struct limit_conf conf = {.count = 0};
	struct cast cast = {.loop = NULL};
	uint64_t ns[MST_LEN(measures)];
	struct mst_err e = {0};
	int rc = mst_line_read(&conf, &conf.arena, rows, MST_LEN(rows), argc, argv, &e);

	mst_log_setup(MST_WARN, false);
	if (rc > 0)
		return 0;
	if (rc == 0)
		rc = make_cast(&cast, &e);
	cast.folder = conf.folder;
	for (size_t i = 0; rc == 0 && i < MST_LEN(measures); i++)
		if (is_wanted(&conf, i))
			rc = measures[i].time(&ns[i], &cast, conf.count, &e);
	if (rc == 0)
		rc = print(&conf, ns, &cast.arena, &e);
	if (rc < 0)
		fprintf(stderr, "muster-bench: %s\n", e.text);
	free_cast(&cast);
	mst_arena_done(&conf.arena);
	return rc < 0 ? (e.code == MST_E_CONF ? 2 : 1) : 0;
}
