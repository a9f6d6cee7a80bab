/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many devices that enrol by SCEP at once: requests are prepared, sent over so many connections, and every answer is opened
 * afterwards. What the server used is printed beside what RSA alone costs in this process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "line.h"
#include "muster/clock.h"
#include "muster/json.h"
#include "muster/log.h"
#include "muster/text.h"
#include "parts.h"
#include "pkiclient.h"
#include "wire.h"

#define KEYS_MAX    64
#define BLOCK       256 /* bytes of an RSA-2048 number */
#define LIMIT_ROUND 300

struct bench_conf {
	struct mst_arena arena;
	const char *host, *path, *challenge, *control, *authority, *name, *keep;
	uint32_t port, server_pid, count, concurrency, num_keys;
	bool is_json, is_des3;
};

#define AT(field) offsetof(struct bench_conf, field)
/* clang-format off */
static const struct mst_opt_row rows[] = {
	{"scep", "host",        AT(host),        MST_OPT_TEXT, "127.0.0.1",    1, 64,      "", false, "IPv4 address of the server"},
	{"scep", "port",        AT(port),        MST_OPT_U32,  "18080",        1, 65535,   "", false, "its port, plain HTTP"},
	{"scep", "path",        AT(path),        MST_OPT_TEXT, "/scep/phones", 1, 256,     "", false, "where it speaks SCEP"},
	{"scep", "challenge",   AT(challenge),   MST_OPT_TEXT, "",             0, 256,     "", false, "static challenge"},
	{"scep", "control",     AT(control),     MST_OPT_TEXT, "",             0, 100,     "", false, "control socket: a one-time challenge for each device"},
	{"scep", "authority",   AT(authority),   MST_OPT_TEXT, "phones",       1, 64,      "", false, "authority of these challenges"},
	{"scep", "name",        AT(name),        MST_OPT_TEXT, "bench",        1, 32,      "", false, "beginning of the devices' names"},
	{"scep", "server-pid",  AT(server_pid),  MST_OPT_U32,  "0",            0, 4194304, "", false, "process whose CPU time is measured"},
	{"scep", "count",       AT(count),       MST_OPT_U32,  "2000",         1, 1000000, "", false, "enrolments"},
	{"scep", "concurrency", AT(concurrency), MST_OPT_U32,  "64",           1, 1024,    "", false, "at once"},
	{"scep", "keys",        AT(num_keys),    MST_OPT_U32,  "8",            1, KEYS_MAX, "", false, "RSA keys the devices share"},
	{"scep", "des3",        AT(is_des3),     MST_OPT_BOOL, "no",           0, 0,       "", false, "encrypt with 3DES instead of AES-128"},
	{"scep", "keep",        AT(keep),        MST_OPT_TEXT, "",             0, 256,     "", false, "folder that gets the first request, its answer and its key"},
	{"scep", "json",        AT(is_json),     MST_OPT_BOOL, "no",           0, 0,       "", false, "print JSON"},
};
/* clang-format on */

struct bench {
	struct bench_conf conf;
	struct mst_arena arena;
	struct mst_key *keys[KEYS_MAX];
	struct mst_pkiclient clients[KEYS_MAX];
	struct mst_slice ca[MST_CMS_CERTS_MAX];
	struct mst_cert server; /* what SCEP is spoken with */
	struct mst_wire_deal *deals;
	struct mst_wire wire;
	uint64_t cpu_ns, sign_ns, raw_ns;
	uint32_t num_good, num_refused, num_broken, num_twice;
	uint8_t (*serials)[32];
};

static int no_memory(struct mst_err *e)
{
	return mst_fail(e, MST_E_BUSY, "no memory");
}

static int get_one(struct bench *b, struct mst_slice *body, const char *operation, struct mst_err *e)
{
	struct mst_wire wire = {.arena = &b->arena, .host = b->conf.host, .port = (uint16_t)b->conf.port, .concurrency = 1};
	struct mst_wire_deal deal = {.status = 0};

	if (!mst_arena_format(&b->arena, &deal.request, "GET %s?operation=%s HTTP/1.1\r\nHost: bench\r\n\r\n", b->conf.path, operation))
		return no_memory(e);
	if (mst_wire_run(&wire, &deal, 1, e) < 0)
		return -1;
	if (deal.status != 200)
		return mst_fail(e, MST_E_DENIED, "%s was answered with status %d %s", operation, deal.status, wire.first_error);
	*body = deal.body;
	return 0;
}

/* The RA's certificate when there is one: RSA, and no CA; otherwise the authority's own. */
static int server_find(struct bench *b, struct mst_err *e)
{
	struct mst_cms_signed certs;
	struct mst_slice body;
	uint32_t rsa_bits, ec_bits;

	if (get_one(b, &body, "GetCACert", e) < 0)
		return -1;
	if (mst_cert_parse(&b->server, body, e) == 0)
		return 0;
	if (mst_cms_signed_read(&certs, &b->arena, body, e) < 0)
		return -1;
	for (size_t i = 0; i < certs.num_certs; i++)
		if (mst_cert_parse(&b->server, certs.certs[i], e) == 0 && !b->server.is_ca &&
		    mst_key_check(&rsa_bits, &ec_bits, b->server.spki, e) == 0 && rsa_bits)
			return 0;
	return mst_fail(e, MST_E_ABSENT, "the server has no certificate for RSA");
}

static int challenge_get(struct bench *b, const char **out, const char *name, struct mst_err *e)
{
	struct mst_call call = {.socket = b->conf.control, .method = "POST", .target = MST_S("/v1/challenges"), .type = MST_JSON_TYPE};
	struct mst_call_reply reply;
	struct mst_json_value *root;
	struct mst_slice text, copy;
	int rc;

	*out = b->conf.challenge;
	if (!b->conf.control[0])
		return 0;
	if (!mst_arena_format(&b->arena, &call.body, "{\"authority\":\"%s\",\"device\":\"%s\"}", b->conf.authority, name))
		return no_memory(e);
	if (mst_client_call(&reply, &b->arena, &call, e) < 0)
		return -1;
	if (reply.status != 201)
		return mst_fail(e, MST_E_DENIED, "a challenge was answered with status %d", reply.status);
	if (mst_json_parse(&root, reply.body, 65536, 4, e) < 0)
		return -1;
	rc = mst_json_get_text0(root, &text, "challenge", e) == 1 && mst_arena_copy(&b->arena, &copy, text) ? 0 : -1;
	mst_json_free(&root);
	*out = (const char *)copy.at;
	return rc;
}

static int request_make(struct bench *b, uint32_t n, struct mst_err *e)
{
	const struct mst_pkiclient *client = &b->clients[n % b->conf.num_keys];
	struct mst_pkiclient_ask ask = {.type = "19", .cipher = b->conf.is_des3 ? MST_CMS_DES3 : MST_CMS_AES128, .to = &b->server};
	struct mst_issue what = {.common_name = NULL};
	struct mst_slice name, message, *out = &b->deals[n].request, head;
	const char *challenge;
	uint8_t *whole;

	if (!mst_arena_format(&b->arena, &name, "%s-%u-%u", b->conf.name, (unsigned)getpid(), n))
		return no_memory(e);
	what.common_name = ask.transaction = (const char *)name.at;
	mst_random(ask.nonce, sizeof(ask.nonce));
	if (challenge_get(b, &challenge, what.common_name, e) < 0 ||
	    mst_pkiclient_request(&message, client, ask, client->key, &what, challenge, e) < 0)
		return -1;
	if (!mst_arena_format(&b->arena, &head,
			      "POST %s?operation=PKIOperation HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-pki-message\r\n"
			      "Content-Length: %zu\r\n\r\n",
			      b->conf.path, message.len))
		return no_memory(e);
	whole = mst_arena_get(&b->arena, head.len + message.len);
	if (!whole)
		return no_memory(e);
	memcpy(whole, head.at, head.len);
	memcpy(whole + head.len, message.at, message.len);
	*out = mst_slice(whole, head.len + message.len);
	return 0;
}

static int prepare(struct bench *b, struct mst_err *e)
{
	b->deals = mst_arena_zero(&b->arena, b->conf.count * sizeof(*b->deals));
	b->serials = mst_arena_zero(&b->arena, b->conf.count * sizeof(*b->serials));
	if (!b->deals || !b->serials)
		return no_memory(e);
	if (server_find(b, e) < 0)
		return -1;
	for (uint32_t i = 0; i < b->conf.num_keys; i++)
		if (mst_key_new(&b->keys[i], MST_KEY_RSA2048, e) < 0 ||
		    mst_pkiclient_init(&b->clients[i], &b->arena, b->keys[i], "bench", e) < 0)
			return -1;
	for (uint32_t i = 0; i < b->conf.count; i++)
		if (request_make(b, i, e) < 0)
			return -1;
	return 0;
}

static uint64_t thread_ns(void)
{
	struct timespec at;

	BUG_ON(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at) != 0);
	return (uint64_t)at.tv_sec * 1000000000ull + (uint64_t)at.tv_nsec;
}

/* What the two private operations of one enrolment cost, with nothing around them. */
static int limit_measure(struct bench *b, struct mst_err *e)
{
	uint8_t out[MST_CMS_RSA_MAX], block[BLOCK] = {0, 2, 3};
	struct mst_cms_key key;
	struct mst_arena arena;
	struct mst_slice signature;
	uint64_t began;

	mst_key_cms(&key, b->keys[0]);
	mst_arena_init(&arena, NULL, 0);
	began = thread_ns();
	for (int i = 0; i < LIMIT_ROUND; i++)
		if (key.sign(&signature, &arena, key.home, MST_CMS_SHA256, mst_slice(block, BLOCK), e) < 0)
			return -1;
	b->sign_ns = (thread_ns() - began) / LIMIT_ROUND;
	began = thread_ns();
	for (int i = 0; i < LIMIT_ROUND; i++)
		if (key.raw(out, key.home, mst_slice(block, BLOCK), e) < 0)
			return -1;
	b->raw_ns = (thread_ns() - began) / LIMIT_ROUND;
	mst_arena_done(&arena);
	return 0;
}

static void judge(struct bench *b, uint32_t n)
{
	const struct mst_pkiclient *client = &b->clients[n % b->conf.num_keys];
	struct mst_pkiclient_reply reply;
	struct mst_cert cert;
	struct mst_err e = {.text = ""};

	if (b->deals[n].status != 200 || mst_pkiclient_read(&reply, client, &b->server, b->deals[n].body, &e) < 0) {
		b->num_broken++;
		if (!b->wire.first_error[0])
			snprintf(b->wire.first_error, sizeof(b->wire.first_error), "status %d: %.150s", b->deals[n].status, e.text);
		return;
	}
	if (reply.status != 0 || reply.inside.num_certs < 1 || mst_cert_parse(&cert, reply.inside.certs[0], &e) < 0 ||
	    !mst_slice_eq(cert.spki, client->spki)) {
		b->num_refused++;
		return;
	}
	mst_sha256(b->serials[b->num_good++], cert.serial);
}

static int serial_cmp(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static void judge_all(struct bench *b)
{
	for (uint32_t i = 0; i < b->conf.count; i++)
		judge(b, i);
	qsort(b->serials, b->num_good, sizeof(b->serials[0]), serial_cmp);
	for (uint32_t i = 1; i < b->num_good; i++)
		b->num_twice += memcmp(b->serials[i - 1], b->serials[i], 32) == 0;
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static void print_text(const struct bench *b)
{
	uint64_t each = b->conf.count ? b->cpu_ns / b->conf.count : 0, floor = b->sign_ns + b->raw_ns;

	printf("%u enrolments over %u connections: %u certificates, %u refused, %u broken, %u serial numbers twice\n", b->conf.count,
	       b->conf.concurrency, b->num_good, b->num_refused, b->num_broken, b->num_twice);
	printf("%.0f a second, p50 %.1f ms, p99 %.1f ms\n", (double)b->conf.count * 1e9 / (double)b->wire.wall_ns,
	       us(mst_hist_at(&b->wire.latency, 0.5)) / 1e3, us(mst_hist_at(&b->wire.latency, 0.99)) / 1e3);
	if (b->cpu_ns)
		printf("server CPU %.0f us each: %.0f a second and core\n", us(each), 1e9 / (double)each);
	printf("RSA-2048 in this process: sign %.0f us, decrypt %.0f us: with nothing else %.0f a second and core\n", us(b->sign_ns),
	       us(b->raw_ns), 1e9 / (double)floor);
	if (b->wire.first_error[0])
		printf("first error: %s\n", b->wire.first_error);
}

static int print_json(struct bench *b, struct mst_err *e)
{
	struct mst_slice text;
	struct mst_json j;

	mst_json_begin(&j, &b->arena);
	mst_json_open(&j, NULL);
	mst_json_u64(&j, "count", b->conf.count);
	mst_json_u64(&j, "concurrency", b->conf.concurrency);
	mst_json_u64(&j, "certificates", b->num_good);
	mst_json_u64(&j, "refused", b->num_refused);
	mst_json_u64(&j, "broken", b->num_broken);
	mst_json_u64(&j, "serials_twice", b->num_twice);
	mst_json_u64(&j, "wall_ns", b->wire.wall_ns);
	mst_json_u64(&j, "p50_ns", mst_hist_at(&b->wire.latency, 0.5));
	mst_json_u64(&j, "p99_ns", mst_hist_at(&b->wire.latency, 0.99));
	mst_json_u64(&j, "cpu_ns_per_operation", b->cpu_ns / b->conf.count);
	mst_json_u64(&j, "rsa_sign_ns", b->sign_ns);
	mst_json_u64(&j, "rsa_decrypt_ns", b->raw_ns);
	mst_json_text(&j, "first_error", mst_slice_str(b->wire.first_error));
	mst_json_close(&j);
	if (mst_json_end(&j, &text, e) < 0)
		return -1;
	printf("%.*s\n", (int)text.len, (const char *)text.at);
	return 0;
}

static int keep_one(const struct bench *b, const char *name, struct mst_slice bytes, struct mst_err *e)
{
	char path[512];
	FILE *f;
	bool is_fine;

	snprintf(path, sizeof(path), "%s/%s", b->conf.keep, name);
	f = fopen(path, "wb");
	is_fine = f && fwrite(bytes.at, 1, bytes.len, f) == bytes.len;
	if (f && fclose(f) != 0)
		is_fine = false;
	return is_fine ? 0 : mst_fail(e, MST_E_IO, "cannot write %s", path);
}

/* So that others can judge it. */
static int keep_first(struct bench *b, struct mst_err *e)
{
	struct mst_slice request = b->deals[0].request, pem;
	const uint8_t *body = memmem(request.at, request.len, "\r\n\r\n", 4);

	if (mst_key_pem(&pem, &b->arena, b->keys[0], e) < 0 || keep_one(b, "key.pem", pem, e) < 0 ||
	    keep_one(b, "answer.der", b->deals[0].body, e) < 0)
		return -1;
	body += 4;
	return keep_one(b, "request.der", mst_slice(body, (size_t)(request.at + request.len - body)), e);
}

static int run(struct bench *b, struct mst_err *e)
{
	uint64_t before = 0, after = 0;

	mst_arena_init(&b->arena, NULL, 0);
	if (prepare(b, e) < 0 || limit_measure(b, e) < 0)
		return -1;
	b->wire = (struct mst_wire){.arena = &b->arena, .host = b->conf.host, .port = (uint16_t)b->conf.port,
				    .concurrency = b->conf.concurrency};
	if (b->conf.server_pid && mst_server_cpu_ns(&before, b->conf.server_pid, e) < 0)
		return -1;
	if (mst_wire_run(&b->wire, b->deals, b->conf.count, e) < 0)
		return -1;
	if (b->conf.server_pid && mst_server_cpu_ns(&after, b->conf.server_pid, e) < 0)
		return -1;
	b->cpu_ns = after - before;
	if (b->conf.keep[0] && keep_first(b, e) < 0)
		return -1;
	judge_all(b);
	if (b->conf.is_json)
		return print_json(b, e);
	print_text(b);
	return 0;
}

int mst_scep_main(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct mst_err e = {0};
	bool is_fine;
	int rc;

	if (!b)
		return 1;
	mst_log_setup(MST_WARN, false);
	rc = mst_line_read(&b->conf, &b->conf.arena, rows, MST_LEN(rows), argc, argv, &e);
	if (rc == 0)
		rc = run(b, &e);
	if (rc < 0)
		fprintf(stderr, "muster-bench: %s\n", e.text);
	is_fine = rc > 0 || (rc == 0 && b->num_good == b->conf.count && b->num_twice == 0);
	for (uint32_t i = 0; i < KEYS_MAX; i++)
		mst_key_free(&b->keys[i]);
	mst_arena_done(&b->arena);
	mst_arena_done(&b->conf.arena);
	free(b);
	return is_fine ? 0 : e.code == MST_E_CONF ? 2 : 1;
}
