/* SPDX-License-Identifier: Apache-2.0 */
/* What one identity costs: the two primitives alone, with the certificate, and as a bulk job with
 * its records in the store. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "line.h"
#include "muster/bulk.h"
#include "muster/clock.h"
#include "muster/json.h"
#include "muster/log.h"

#define PATH_ROOM  256
#define WORDS_ROOM 256
#define SIGNED_LEN 600 /* of a certificate's body */
#define LEAF_DAYS  365
#define CA_DAYS    3650

struct bulk_line {
	struct mst_arena arena;
	const char *folder;
	uint32_t count, num_workers, num_rsa;
	bool is_json, is_primitives;
};

#define AT(field) offsetof(struct bulk_line, field)
static const struct mst_opt_row rows[] = {
	{"bulk", "count", AT(count), MST_OPT_U32, "50000", 100, 10000000, "", false,
	 "identities of the job"},
	{"bulk", "workers", AT(num_workers), MST_OPT_U32, "1", 1, 256, "", false,
	 "threads that make them"},
	{"bulk", "rsa", AT(num_rsa), MST_OPT_U32, "16", 0, 100000, "", false,
	 "RSA keys made to tell their share"},
	{"bulk", "folder", AT(folder), MST_OPT_PATH, "/tmp", 1, 200, "", false,
	 "where the store is made and dropped"},
	{"bulk", "primitives", AT(is_primitives), MST_OPT_BOOL, "no", 0, 0, "", false,
	 "no job: primitives alone"},
	{"bulk", "json", AT(is_json), MST_OPT_BOOL, "no", 0, 0, "", false, "print JSON"},
};

/* An engine of store, workers and one loop. */
struct shop {
	char path[PATH_ROOM];
	struct mst_arena arena;
	struct mst_seal *seal;
	struct mst_issuers *issuers;
	struct mst_app app;
};

/* Microseconds of CPU for each identity. */
struct result {
	double keygen, sign, pair, issue, whole, wall, rsa_ms;
};

static double cpu_us(void)
{
	return (double)mst_clock_cpu_ns() / 1000;
}

static int add_authority(struct shop *shop, struct mst_err *e)
{
	struct mst_authority_wish wish = {
		.name = MST_S("bench"),
		.common_name = "Bench CA",
		.kind = MST_KEY_P256,
		.days = CA_DAYS,
		.template = {.days = LEAF_DAYS,
			     .key_usage = MST_KU_SIGN,
			     .ext_key_usage = MST_EKU_CLIENT,
			     .rsa_bits_min = 2048,
			     .takes_ec = true,
			     .hash_bits = 256},
		.crl_hours = 24,
		.crl_url = MST_S("http://localhost:8080/crl/bench.crl"),
		.ocsp_url = MST_S("http://localhost:8080/ocsp/bench"),
	};
	struct mst_authority a;
	struct mst_batch b;

	if (mst_authority_make(&a, &shop->arena, &wish, e) < 0)
		return -1;
	mst_batch_init(&b, &shop->arena, NULL, NULL);
	if (mst_authority_put(&b, &a, shop->seal, e) < 0)
		return -1;
	if (mst_store_commit_here(shop->app.store, &b) < 0) {
		*e = b.err;
		return -1;
	}
	return mst_issuers_load(&shop->issuers, shop->app.store, shop->seal, e);
}

static int open_shop(struct shop *shop, const struct bulk_line *line, struct mst_err *e)
{
	struct mst_loop_conf loop = {
		.num_entries = 64, .num_files = 16, .num_buffers = 16, .cpu = -1, .name = "bulk"};
	struct mst_store_conf store = {.path = shop->path, .cache_mib = 64, .memtable_mib = 64};
	char key[PATH_ROOM + 16];

	mst_arena_init(&shop->arena, NULL, 0);
	snprintf(shop->path, sizeof(shop->path), "%s/muster-bulk-XXXXXX", line->folder);
	if (!mkdtemp(shop->path))
		return mst_fail(e, MST_E_IO, "cannot make a folder in %s", line->folder);
	snprintf(key, sizeof(key), "%s/master.key", shop->path);
	if (mst_seal_init(key, e) < 0 || mst_seal_load(&shop->seal, key, e) < 0 ||
	    mst_work_new(&shop->app.work, line->num_workers, 64, e) < 0 ||
	    mst_loop_new(&shop->app.loop, &loop, e) < 0 ||
	    mst_store_open(&shop->app.store, &store, shop->app.work, e) < 0)
		return -1;
	shop->app.seal = shop->seal;
	return add_authority(shop, e);
}

static int drop_file(const char *path, const struct stat *at, int kind, struct FTW *where)
{
	(void)at, (void)kind, (void)where;
	return remove(path);
}

static void close_shop(struct shop *shop)
{
	mst_work_free(&shop->app.work);
	mst_store_close(&shop->app.store);
	mst_bulk_free(&shop->app.bulk);
	mst_loop_free(&shop->app.loop);
	mst_issuers_free(&shop->issuers);
	mst_seal_free(&shop->seal);
	mst_arena_done(&shop->arena);
	nftw(shop->path, drop_file, 16, FTW_DEPTH | FTW_PHYS);
}

/* The primitives: keys are made and bodies signed, nothing is written. */
static int time_primitives(struct result *out, const struct shop *shop, uint32_t count,
			   struct mst_err *e)
{
	static const uint8_t body[SIGNED_LEN];
	struct mst_arena arena;
	struct mst_slice signature;
	struct mst_key *key;
	double began = cpu_us();
	int rc = 0;

	mst_arena_init(&arena, NULL, 0);
	for (uint32_t i = 0; i < count && rc == 0; i++) {
		rc = mst_key_new(&key, MST_KEY_P256, e);
		if (rc == 0)
			mst_key_free(&key);
	}
	out->keygen = (cpu_us() - began) / count;
	began = cpu_us();
	for (uint32_t i = 0; i < count && rc == 0; i++) {
		rc = mst_key_sign(&signature, &arena, shop->issuers->rows[0]->key,
				  mst_slice(body, sizeof(body)), e);
		mst_arena_done(&arena);
	}
	out->sign = (cpu_us() - began) / count;
	return rc;
}

/* A key in both written forms, and the certificate for it. */
static int time_issue(struct result *out, const struct shop *shop, uint32_t count,
		      struct mst_err *e)
{
	struct mst_subject subject = {.common_name = "phone-000001"};
	struct mst_slice der, spki, cert;
	struct mst_arena arena;
	double began = cpu_us();
	int rc = 0;

	mst_arena_init(&arena, NULL, 0);
	for (uint32_t i = 0; i < count && rc == 0; i++) {
		mst_arena_done(&arena);
		rc = mst_key_pair(&der, &spki, &arena, MST_KEY_P256, e);
	}
	out->pair = (cpu_us() - began) / count;
	began = cpu_us();
	for (uint32_t i = 0; i < count && rc == 0; i++) {
		struct mst_arena scratch;
		mst_arena_init(&scratch, NULL, 0);
		rc = mst_issuer_issue(&cert, &scratch, shop->issuers->rows[0], &subject, spki,
				      mst_clock_wall_ms() / 1000, NULL, e);
		mst_arena_done(&scratch);
	}
	out->issue = (cpu_us() - began) / count;
	mst_arena_done(&arena);
	return rc;
}

static int time_rsa(struct result *out, uint32_t count, struct mst_err *e)
{
	double began = cpu_us();
	struct mst_key *key;

	for (uint32_t i = 0; i < count; i++) {
		if (mst_key_new(&key, MST_KEY_RSA2048, e) < 0)
			return -1;
		mst_key_free(&key);
	}
	out->rsa_ms = count ? (cpu_us() - began) / count / 1000 : 0;
	return 0;
}

static enum mst_step end_of_way(struct mst_xchg *x)
{
	(void)x;
	return STEP_NEXT;
}

static const struct mst_stage start_stages[] = {
	{"start", mst_bulk_start},
	{"ask", mst_bulk_ask},
	{"answer", mst_bulk_answer},
	{"end", end_of_way},
};
static const struct mst_stage show_stages[] = {
	{"show", mst_bulk_show},
	{"ask", mst_bulk_ask},
	{"answer", mst_bulk_answer},
	{"end", end_of_way},
};
static const struct mst_way ways[] = {
	{"start", start_stages, MST_LEN(start_stages), false},
	{"show", show_stages, MST_LEN(show_stages), false},
};

struct asked {
	struct mst_xchg x;
	bool is_over;
};

static void on_finished(struct mst_xchg *x, bool drop)
{
	(void)drop;
	MST_HOME(x, struct asked, x)->is_over = true;
}

/* An exchange without an edge; the answer's text member `key`, terminated. */
static int ask(char *out, size_t room, struct shop *shop, const struct mst_way *way,
	       const char *path, const char *body, const char *key, struct mst_err *e)
{
	struct asked asked = {
		.x = {.way = way, .app = &shop->app, .on_finished = on_finished, .who = "bench"}};
	struct mst_xchg *x = &asked.x;
	struct mst_json_value *root = NULL;
	struct mst_slice text = {NULL, 0};
	int rc = 0;

	mst_arena_init(&x->arena, NULL, 64u << 20);
	x->in.path = mst_slice_str(path);
	x->in.body = mst_slice_str(body);
	mst_xchg_walk(x);
	while (!asked.is_over && rc == 0)
		rc = mst_loop_turn(shop->app.loop, 10, e);
	if (rc == 0 && x->out.status >= 300)
		rc = mst_fail(e, MST_E_BUSY, "%d %.*s", x->out.status, (int)x->out.body.len,
			      (const char *)x->out.body.at);
	if (rc == 0 && mst_json_parse(&root, x->out.body, 65536, 8, e) == 0 &&
	    mst_json_get_text0(root, &text, key, e) == 1)
		snprintf(out, room, "%.*s", (int)text.len, (const char *)text.at);
	mst_json_free(&root);
	mst_arena_done(&x->arena);
	return rc;
}

/* The whole: a job of `count` identities, from the request until the store has the last one. */
static int time_job(struct result *out, struct shop *shop, const struct bulk_line *line,
		    struct mst_err *e)
{
	const struct mst_bulk_conf conf = {
		.slices_max = line->num_workers + 1, .jobs_max = 4, .identities_max = line->count};
	char id[WORDS_ROOM] = "", path[WORDS_ROOM + 16], state[WORDS_ROOM] = "", body[WORDS_ROOM];
	uint64_t began_ns;
	double began;

	if (mst_bulk_new(&shop->app.bulk, &shop->app, &conf, e) < 0 ||
	    mst_loop_turn(shop->app.loop, 100, e) < 0 || mst_loop_turn(shop->app.loop, 100, e) < 0)
		return -1;
	snprintf(body, sizeof(body),
		 "{\"authority\":\"bench\",\"prefix\":\"phone-\",\"digits\":6,\"count\":%u}",
		 line->count);
	began = cpu_us();
	began_ns = mst_clock_ns();
	if (ask(id, sizeof(id), shop, &ways[0], "/v1/bulk", body, "id", e) < 0)
		return -1;
	snprintf(path, sizeof(path), "/v1/bulk/%s", id);
	while (strcmp(state, "done") != 0) {
		for (int i = 0; i < 20; i++)
			if (mst_loop_turn(shop->app.loop, 5, e) < 0)
				return -1;
		if (ask(state, sizeof(state), shop, &ways[1], path, "", "state", e) < 0)
			return -1;
		if (strcmp(state, "failed") == 0)
			return mst_fail(e, MST_E_BUG, "the job failed");
	}
	out->whole = (cpu_us() - began) / line->count;
	out->wall = (double)(mst_clock_ns() - began_ns) / 1000 / line->count;
	return 0;
}

static void print(const struct bulk_line *line, const struct result *r)
{
	const double both = r->keygen + r->sign;

	if (line->is_json) {
		printf("{\"count\":%u,\"keygen_us\":%.2f,\"sign_us\":%.2f,\"primitives_us\":%.2f,"
		       "\"key_pair_us\":%.2f,"
		       "\"issue_us\":%.2f,\"identity_us\":%.2f,\"wall_us\":%.2f,\"ratio\":%.3f,"
		       "\"rsa2048_ms\":%.1f}\n",
		       line->count, r->keygen, r->sign, both, r->pair, r->issue, r->whole, r->wall,
		       r->whole / both, r->rsa_ms);
		return;
	}
	printf("P-256 key                         %8.2f us of CPU\n", r->keygen);
	printf("P-256 signature                   %8.2f us\n", r->sign);
	printf("both: what no program can go below %7.2f us\n", both);
	printf("key, written as PKCS#8 and SPKI   %8.2f us\n", r->pair);
	printf("certificate for a key             %8.2f us\n", r->issue);
	printf("identity in the store             %8.2f us   %.2f of both; %.0f/s\n", r->whole,
	       r->whole / both, 1e6 / r->wall);
	if (line->num_rsa)
		printf("RSA-2048 key                      %8.1f ms   %.2f %% of an identity with "
		       "one\n",
		       r->rsa_ms,
		       100 * r->rsa_ms * 1000 / (r->rsa_ms * 1000 + r->whole - r->keygen));
}

int mst_bulk_main(int argc, char **argv)
{
	struct bulk_line line = {0};
	struct shop shop = {0};
	struct result result = {0};
	struct mst_err e = {0};
	int rc;

	mst_arena_init(&line.arena, NULL, 0);
	rc = mst_line_read(&line, &line.arena, rows, MST_LEN(rows), argc, argv, &e);
	if (rc != 0) {
		if (rc < 0)
			fprintf(stderr, "muster-bench bulk: %s\n", e.text);
		mst_arena_done(&line.arena);
		return rc > 0 ? 0 : 2;
	}
	mst_log_setup(MST_WARN, false);
	rc = open_shop(&shop, &line, &e);
	if (rc == 0 &&
	    time_primitives(&result, &shop, line.count < 20000 ? line.count : 20000, &e) == 0 &&
	    (line.is_primitives ||
	     (time_issue(&result, &shop, line.count < 20000 ? line.count : 20000, &e) == 0 &&
	      time_job(&result, &shop, &line, &e) == 0)) &&
	    time_rsa(&result, line.num_rsa, &e) == 0)
		print(&line, &result);
	close_shop(&shop);
	mst_arena_done(&line.arena);
	if (e.code == MST_E_NONE)
		return 0;
	fprintf(stderr, "muster-bench bulk: %s\n", e.text);
	return 1;
}
