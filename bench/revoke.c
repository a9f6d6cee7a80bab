/* SPDX-License-Identifier: Apache-2.0 */
/* What revocation costs: a CRL built from the store, OCSP answers signed and given again; in this process, without sockets. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "line.h"
#include "muster/barred.h"
#include "muster/clock.h"
#include "muster/issued.h"
#include "muster/json.h"
#include "muster/log.h"
#include "muster/revoke.h"

#define SLICE     500  /* certificates in one batch */
#define ASKED     1000 /* certificates that are asked about, in turn */
#define CRLS_MAX  1000
#define REQUEST   160  /* room of a request */
#define NAME      "bench"

struct bench_conf {
	struct mst_arena arena;
	uint32_t entries, crls, count;
	bool is_json;
};

#define AT(field) offsetof(struct bench_conf, field)
static const struct mst_opt_row rows[] = {
	{"revoke", "entries", AT(entries), MST_OPT_U32, "100000", ASKED, 10000000, "", false, "certificates revoked"},
	{"revoke", "crls", AT(crls), MST_OPT_U32, "15", 1, CRLS_MAX, "", false, "CRLs made; the median counts"},
	{"revoke", "count", AT(count), MST_OPT_U32, "50000", 1000, 100000000, "", false, "OCSP questions of each kind"},
	{"revoke", "json", AT(is_json), MST_OPT_BOOL, "no", 0, 0, "", false, "print JSON"},
};

struct scene {
	char folder[40], key_path[64], store_path[64];
	struct mst_arena arena;
	struct mst_seal *seal;
	struct mst_work *work;
	struct mst_store *store;
	struct mst_loop *loop;
	struct mst_issuers *issuers;
	struct mst_app app;
	uint8_t authority[16];
	struct mst_slice spki;
	uint8_t requests[2][ASKED][REQUEST]; /* without and with a nonce */
	size_t lens[2][ASKED];
};

struct result {
	uint64_t crl_cpu_ns, crl_worker_ns, crl_wall_ns, crl_bytes, sign_ns, signed_ns, cached_ns, barred_ns;
};

static uint64_t cpu_ns(void)
{
	struct timespec at;

	BUG_ON(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at) != 0);
	return (uint64_t)at.tv_sec * 1000000000ull + (uint64_t)at.tv_nsec;
}

static int make_authority(struct scene *s, struct mst_err *e)
{
	const struct mst_authority_wish wish = {
		.name = MST_S(NAME),
		.common_name = "Bench CA",
		.kind = MST_KEY_P256,
		.days = 3650,
		.template = {.days = 365, .key_usage = MST_KU_SIGN, .ext_key_usage = MST_EKU_CLIENT, .rsa_bits_min = 2048,
			     .takes_ec = true, .hash_bits = 256},
		.crl_hours = 24,
	};
	struct mst_authority authority;
	struct mst_batch batch;

	mst_batch_init(&batch, &s->arena, NULL, NULL);
	if (mst_authority_make(&authority, &s->arena, &wish, e) < 0 || mst_authority_put(&batch, &authority, s->seal, e) < 0)
		return -1;
	mst_authority_id(s->authority, wish.name);
	if (mst_store_commit_here(s->store, &batch) == 0)
		return mst_issuers_load(&s->issuers, s->store, s->seal, e);
	*e = batch.err;
	return -1;
}

static int open_scene(struct scene *s, struct mst_err *e)
{
	const struct mst_loop_conf loop = {.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1, .name = "bench"};
	struct mst_store_conf store = {.path = s->store_path, .cache_mib = 256, .memtable_mib = 64, .skips_sync = true};
	struct mst_key *key;

	snprintf(s->folder, sizeof(s->folder), "/tmp/muster-bench-XXXXXX");
	if (!mkdtemp(s->folder))
		return mst_fail(e, MST_E_IO, "no folder in /tmp");
	snprintf(s->key_path, sizeof(s->key_path), "%s/key", s->folder);
	snprintf(s->store_path, sizeof(s->store_path), "%s/store", s->folder);
	if (mst_seal_init(s->key_path, e) < 0 || mst_seal_load(&s->seal, s->key_path, e) < 0 || mst_work_new(&s->work, 1, 64, e) < 0 ||
	    mst_store_open(&s->store, &store, s->work, e) < 0 || mst_loop_new(&s->loop, &loop, e) < 0 || make_authority(s, e) < 0 ||
	    mst_key_new(&key, MST_KEY_P256, e) < 0)
		return -1;
	int rc = mst_key_spki(&s->spki, &s->arena, key, e);
	mst_key_free(&key);
	return rc;
}

static int drop_file(const char *path, const struct stat *at, int kind, struct FTW *where)
{
	return remove(path);
}

static void close_scene(struct scene *s)
{
	mst_store_close(&s->store);
	mst_work_free(&s->work);
	mst_revoke_end(s->app.revoke);
	mst_revoke_free(&s->app.revoke);
	mst_barred_free(&s->app.barred);
	mst_issuers_free(&s->issuers);
	mst_loop_free(&s->loop);
	mst_seal_free(&s->seal);
	mst_arena_done(&s->arena);
	if (s->folder[0])
		nftw(s->folder, drop_file, 16, FTW_DEPTH | FTW_PHYS);
}

/* A request about one certificate, by SHA-1; every length is below 128. */
static size_t write_request(uint8_t *out, const struct mst_issuer *issuer, const uint8_t *serial, bool has_nonce)
{
	static const uint8_t head[] = {0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0};
	static const uint8_t nonce[] = {0xa2, 0x1f, 0x30, 0x1d, 0x30, 0x1b, 6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2, 4, 0x0e,
					4, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	struct mst_slice bits = {NULL, 0};
	size_t at = sizeof(head), list;

	BUG_ON(mst_ocsp_key_bits(&bits, issuer->cert.spki, NULL) < 0);
	memcpy(out, head, sizeof(head));
	out[at++] = 4;
	out[at++] = 20;
	mst_sha1(out + at, issuer->cert.subject);
	at += 20;
	out[at++] = 4;
	out[at++] = 20;
	mst_sha1(out + at, bits);
	at += 20;
	out[at++] = 2;
	out[at++] = 16;
	memcpy(out + at, serial, 16);
	at += 16;
	list = at;
	if (has_nonce) {
		memcpy(out + at, nonce, sizeof(nonce));
		at += sizeof(nonce);
	}
	out[1] = (uint8_t)(at - 2);
	out[3] = (uint8_t)(at - 4);
	for (size_t i = 5; i < 10; i += 2)
		out[i] = (uint8_t)(list - i - 1);
	return at;
}

/* Certificates revoked as they are recorded; of some of them requests are kept. */
static int fill_slice(struct scene *s, uint32_t from, uint32_t num, struct mst_err *e)
{
	const struct mst_issuer *issuer = s->issuers->rows[0];
	const struct mst_subject subject = {.common_name = "device"};
	int64_t now_ms = mst_clock_wall_ms();
	struct mst_arena arena;
	struct mst_batch batch;
	int rc = 0;

	mst_arena_init(&arena, NULL, 0);
	mst_batch_init(&batch, &arena, NULL, NULL);
	for (uint32_t i = from; rc == 0 && i < from + num; i++) {
		struct mst_issued one = {.name = MST_S("device"), .source = MST_S("bench"), .not_after = now_ms / 1000 + 86400 * 365};
		memcpy(one.authority, s->authority, 16);
		rc = mst_issuer_issue(&one.cert, &arena, issuer, &subject, s->spki, now_ms / 1000, one.serial, e);
		if (rc == 0)
			rc = mst_issued_revoke(&batch, &one, i % 2 ? 1 : 4, now_ms - i, NULL, e);
		for (int k = 0; rc == 0 && i < ASKED && k < 2; k++)
			s->lens[k][i] = write_request(s->requests[k][i], issuer, one.serial, k);
	}
	if (rc == 0 && mst_store_commit_here(s->store, &batch) < 0) {
		*e = batch.err;
		rc = -1;
	}
	mst_arena_done(&arena);
	return rc;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* CPU of all threads: the committer writes the list, too. */
static int time_crl(struct result *out, struct scene *s, uint32_t num, struct mst_err *e)
{
	struct mst_published before = {.number = 0};
	uint64_t cpu[CRLS_MAX], worker[CRLS_MAX], wall[CRLS_MAX];

	for (uint32_t i = 0; i < num; i++) {
		struct mst_published made;
		struct mst_arena arena;
		uint64_t cpu_at = mst_clock_cpu_ns(), worker_at = cpu_ns(), wall_at = mst_clock_ns();
		mst_arena_init(&arena, NULL, 0);
		int rc = mst_publish_make(&made, &arena, s->store, s->seal, s->authority, i ? &before : NULL,
					  mst_clock_wall_ms() / 1000, e);
		cpu[i] = mst_clock_cpu_ns() - cpu_at;
		worker[i] = cpu_ns() - worker_at;
		wall[i] = mst_clock_ns() - wall_at;
		before = made;
		out->crl_bytes = rc == 0 ? made.crl.len : 0;
		mst_arena_done(&arena);
		if (rc < 0)
			return -1;
	}
	qsort(cpu, num, sizeof(cpu[0]), by_value);
	qsort(worker, num, sizeof(worker[0]), by_value);
	qsort(wall, num, sizeof(wall[0]), by_value);
	out->crl_cpu_ns = cpu[num / 2];
	out->crl_worker_ns = worker[num / 2];
	out->crl_wall_ns = wall[num / 2];
	return 0;
}

struct ask {
	struct mst_xchg x;
	bool is_over;
};

static void on_finished(struct mst_xchg *x, bool drop)
{
	MST_HOME(x, struct ask, x)->is_over = true;
}

static enum mst_step no_reply(struct mst_xchg *x)
{
	return STEP_NEXT;
}

static const struct mst_stage stages[] = {{"take", mst_respond_take}, {"answer", mst_respond_answer}, {"reply", no_reply}};
static const struct mst_way way = {"ocsp", stages, MST_LEN(stages), true};

static int ask_once(struct scene *s, struct mst_chunks *pool, bool has_nonce, uint32_t n, struct mst_err *e)
{
	struct ask ask = {.is_over = false};

	mst_arena_init(&ask.x.arena, pool, 1u << 20);
	ask.x.in = (struct mst_request){.method = MST_POST, .path = MST_S("/ocsp/" NAME),
					.body = mst_slice(s->requests[has_nonce][n % ASKED], s->lens[has_nonce][n % ASKED])};
	ask.x.way = &way;
	ask.x.app = &s->app;
	ask.x.on_finished = on_finished;
	mst_xchg_walk(&ask.x);
	while (!ask.is_over)
		if (mst_loop_turn(s->loop, 100, e) < 0)
			return -1;
	bool is_good = ask.x.out.status == 200 && ask.x.out.body.len > 200;
	mst_arena_done(&ask.x.arena);
	return is_good ? 0 : mst_fail(e, MST_E_BUG, "a question was not answered");
}

static int time_ocsp(uint64_t *out, struct scene *s, bool has_nonce, uint32_t count, struct mst_err *e)
{
	struct mst_chunks pool = {.keep = 0};
	uint64_t at = 0;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < ASKED + count; i++) { /* once around before it counts */
		if (i == ASKED)
			at = cpu_ns();
		rc = ask_once(s, &pool, has_nonce, i, e);
	}
	*out = (cpu_ns() - at) / count;
	mst_chunks_done(&pool);
	return rc;
}

/* The signature alone: the limit. */
static int time_sign(uint64_t *out, struct scene *s, uint32_t count, struct mst_err *e)
{
	struct mst_chunks pool = {.keep = 0};
	static const uint8_t body[180];
	uint64_t at = cpu_ns();
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		struct mst_arena arena;
		struct mst_slice signature;
		mst_arena_init(&arena, &pool, 0);
		rc = mst_key_sign(&signature, &arena, s->issuers->rows[0]->ocsp_key, mst_slice(body, sizeof(body)), e);
		mst_arena_done(&arena);
	}
	*out = (cpu_ns() - at) / count;
	mst_chunks_done(&pool);
	return rc;
}

static void time_barred(uint64_t *out, struct scene *s, uint32_t count)
{
	uint8_t sha256[32] = {0};
	uint32_t num = 0;
	uint64_t at = cpu_ns();

	for (uint32_t i = 0; i < count; i++) {
		memcpy(sha256, &i, sizeof(i));
		num += mst_barred_has(s->app.barred, sha256);
	}
	*out = (cpu_ns() - at) / count;
	BUG_ON(num);
}

static int measure(struct result *out, struct scene *s, const struct bench_conf *conf, struct mst_err *e)
{
	struct mst_revoke *all[1];

	for (uint32_t i = 0; i < conf->entries; i += SLICE)
		if (fill_slice(s, i, conf->entries - i < SLICE ? conf->entries - i : SLICE, e) < 0)
			return -1;
	s->app = (struct mst_app){.loop = s->loop, .store = s->store, .work = s->work, .seal = s->seal, .issuers = s->issuers};
	if (time_crl(out, s, conf->crls, e) < 0 || mst_barred_new(&s->app.barred, e) < 0 || mst_revoke_new(&s->app.revoke, &s->app, e) < 0)
		return -1;
	all[0] = s->app.revoke;
	if (mst_revoke_start(all, 1, e) < 0 || time_sign(&out->sign_ns, s, conf->count, e) < 0 ||
	    time_ocsp(&out->signed_ns, s, true, conf->count, e) < 0 || time_ocsp(&out->cached_ns, s, false, conf->count, e) < 0)
		return -1;
	time_barred(&out->barred_ns, s, conf->count);
	return 0;
}

static int print(const struct bench_conf *conf, const struct result *r, struct mst_err *e)
{
	const struct {
		const char *key, *words;
		uint64_t n;
		double scale;
		const char *unit;
	} lines[] = {
		{"entries", "certificates revoked", conf->entries, 1, ""},
		{"crl_bytes", "size of their CRL", r->crl_bytes, 1, "bytes"},
		{"crl_cpu_ns", "CRL read, written, signed and stored: CPU of all threads", r->crl_cpu_ns, 1e6, "ms"},
		{"crl_worker_ns", "of that the worker alone, without the store's threads", r->crl_worker_ns, 1e6, "ms"},
		{"crl_wall_ns", "the same, by the clock", r->crl_wall_ns, 1e6, "ms"},
		{"p256_sign_ns", "limit: a P-256 signature alone", r->sign_ns, 1e3, "us"},
		{"ocsp_signed_ns", "OCSP question read, looked up, answer signed", r->signed_ns, 1e3, "us"},
		{"ocsp_cached_ns", "OCSP question read, answer given again", r->cached_ns, 1e3, "us"},
		{"barred_ns", "whether a certificate is revoked, at a handshake or check-in", r->barred_ns, 1, "ns"},
	};
	struct mst_arena arena;
	struct mst_slice text;
	struct mst_json j;

	mst_arena_init(&arena, NULL, 0);
	mst_json_begin(&j, &arena);
	mst_json_open(&j, NULL);
	for (size_t i = 0; i < MST_LEN(lines); i++) {
		mst_json_u64(&j, lines[i].key, lines[i].n);
		if (!conf->is_json)
			printf("%-62s %10.1f %s\n", lines[i].words, (double)lines[i].n / lines[i].scale, lines[i].unit);
	}
	mst_json_u64(&j, "ocsp_signed_per_s", 1000000000ull / (r->signed_ns ? r->signed_ns : 1));
	mst_json_close(&j);
	int rc = mst_json_end(&j, &text, e);
	if (rc == 0 && conf->is_json)
		printf("%.*s\n", (int)text.len, (const char *)text.at);
	mst_arena_done(&arena);
	return rc;
}

int mst_revoke_main(int argc, char **argv)
{
	struct bench_conf conf = {.entries = 0};
	struct result result = {.crl_bytes = 0};
	struct scene *s = calloc(1, sizeof(*s));
	struct mst_err e = {0};
	int rc;

	if (!s)
		return 1;
	mst_arena_init(&s->arena, NULL, 0);
	rc = mst_line_read(&conf, &conf.arena, rows, MST_LEN(rows), argc, argv, &e);
	mst_log_setup(MST_WARN, false);
	if (rc == 0) {
		rc = open_scene(s, &e);
		if (rc == 0)
			rc = measure(&result, s, &conf, &e);
		if (rc == 0)
			rc = print(&conf, &result, &e);
		close_scene(s);
	}
	if (rc < 0)
		fprintf(stderr, "muster-bench: %s\n", e.text);
	mst_arena_done(&conf.arena);
	free(s);
	return rc < 0 ? (e.code == MST_E_CONF ? 2 : 1) : 0;
}
