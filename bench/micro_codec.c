/* SPDX-License-Identifier: Apache-2.0 */
/* Micro benchmarks of parsers and writers: HTTP heads, property lists, DER, CMS, base64, JSON. */
#include <stdio.h>

#include "micro.h"
#include "muster/clock.h"
#include "muster/cms.h"
#include "muster/crypt.h"
#include "muster/http1.h"
#include "muster/json.h"
#include "muster/plist.h"
#include "muster/text.h"

#define DAY_S      86400
#define DATA_LEN   4096
#define TEXT_ROOM  256

static const char head_text[] = "PUT /mdm HTTP/1.1\r\nHost: mdm.example.com\r\nContent-Type: application/x-apple-aspen-mdm; charset=UTF-8\r\n"
				"User-Agent: MDM/1.0\r\nAccept: */*\r\nAccept-Language: en-GB,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\n"
				"Content-Length: 412\r\nConnection: keep-alive\r\n\r\n";
static const char idle_text[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n\t<key>Status</key>\n\t<string>Idle</string>\n"
	"\t<key>UDID</key>\n\t<string>0F3B21A7-9E11-4C02-8D3A-77A21B0C55E1</string>\n</dict>\n</plist>\n";

static int run_head(struct mst_micro *m, struct mst_err *e)
{
	static const struct mst_http1_limits limits = {.line_max = 16384, .head_max = 32768, .headers_max = 64};
	struct mst_chunks pool = {.keep = 0};
	struct mst_http1_head out;
	struct mst_arena arena;
	struct mst_slice head;
	size_t used;
	int rc = 0;

	mst_micro_begin(m);
	for (uint32_t i = 0; rc == 0 && i < m->n; i++) {
		struct mst_http1_scan scan = {0};
		mst_arena_init(&arena, &pool, 0);
		rc = mst_http1_scan(&scan, &head, &used, MST_S(head_text), &limits, e) == 1 ? 0 : -1;
		if (rc == 0)
			rc = mst_http1_request(&out, head, &limits, &arena, e);
		m->sink += out.num_headers;
		mst_arena_done(&arena);
	}
	mst_micro_end(m);
	m->bytes = sizeof(head_text) - 1;
	mst_chunks_done(&pool);
	return rc;
}

static int read_plist(struct mst_micro *m, struct mst_slice bytes, const char *key, struct mst_err *e)
{
	struct mst_chunks pool = {.keep = 0};
	const struct mst_plist *root;
	struct mst_arena arena;
	struct mst_slice text;
	int rc = 0;

	mst_micro_begin(m);
	for (uint32_t i = 0; rc == 0 && i < m->n; i++) {
		mst_arena_init(&arena, &pool, 0);
		rc = mst_plist_parse(&root, &arena, bytes, &mst_plist_limits_device, e);
		if (rc == 0)
			rc = mst_plist_text0(root, &text, key, e) == 1 ? 0 : -1;
		m->sink += text.len;
		mst_arena_done(&arena);
	}
	mst_micro_end(m);
	m->bytes = bytes.len;
	mst_chunks_done(&pool);
	return rc;
}

static int run_plist_idle(struct mst_micro *m, struct mst_err *e)
{
	return read_plist(m, MST_S(idle_text), "UDID", e);
}

#define APPS 100

/* What InstalledApplicationList brings: a dictionary for each app. */
static int write_apps(struct mst_slice *out, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_plist_out w;
	char name[TEXT_ROOM];

	mst_plist_begin(&w, arena);
	mst_plist_open_dict(&w, NULL);
	mst_plist_put_text(&w, "Status", MST_S("Acknowledged"));
	mst_plist_open_array(&w, "InstalledApplicationList");
	for (int i = 0; i < APPS; i++) {
		snprintf(name, sizeof(name), "com.example.app%d", i);
		mst_plist_open_dict(&w, NULL);
		mst_plist_put_text(&w, "Identifier", mst_slice_str(name));
		mst_plist_put_text(&w, "Name", MST_S("An application & its name"));
		mst_plist_put_text(&w, "ShortVersion", MST_S("1.2.3"));
		mst_plist_put_i64(&w, "BundleSize", 123456789);
		mst_plist_put_bool(&w, "IsValidated", true);
		mst_plist_close(&w);
	}
	mst_plist_close(&w);
	mst_plist_close(&w);
	return mst_plist_end(&w, out, e);
}

static int run_plist_apps(struct mst_micro *m, struct mst_err *e)
{
	struct mst_arena arena;
	struct mst_slice bytes;
	int rc;

	mst_arena_init(&arena, NULL, 0);
	rc = write_apps(&bytes, &arena, e);
	if (rc == 0)
		rc = read_plist(m, bytes, "Status", e);
	mst_arena_done(&arena);
	return rc;
}

static int run_plist_write(struct mst_micro *m, struct mst_err *e)
{
	struct mst_chunks pool = {.keep = 0};
	struct mst_slice bytes = {NULL, 0};
	struct mst_arena arena;
	int rc = 0;

	mst_micro_begin(m);
	for (uint32_t i = 0; rc == 0 && i < m->n; i++) {
		mst_arena_init(&arena, &pool, 0);
		rc = write_apps(&bytes, &arena, e);
		mst_arena_done(&arena);
	}
	mst_micro_end(m);
	m->bytes = bytes.len;
	mst_chunks_done(&pool);
	return rc;
}

/* A device's RSA identity, and what it signed. */
struct signer {
	struct mst_arena arena;
	struct mst_key *key;
	struct mst_slice cert, message;
};

static int make_signer(struct signer *s, enum mst_key_kind kind, struct mst_err *e)
{
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct mst_issue what = {.common_name = "0F3B21A7-9E11-4C02-8D3A-77A21B0C55E1",
				 .not_before = now_s - DAY_S,
				 .not_after = now_s + DAY_S,
				 .key_usage = MST_KU_SIGN,
				 .ext_key_usage = MST_EKU_CLIENT};
	struct mst_cms_key key;
	struct mst_cms_sign sign = {
		.key = &key, .digest = MST_CMS_SHA256, .content = MST_S(idle_text), .time_s = now_s, .is_detached = true};

	mst_arena_init(&s->arena, NULL, 0);
	if (mst_key_new(&s->key, kind, e) < 0 || mst_key_spki(&what.spki, &s->arena, s->key, e) < 0 ||
	    mst_issue_write(&s->cert, &s->arena, &what, (struct mst_slice){NULL, 0}, s->key, NULL, e) < 0)
		return -1;
	mst_key_cms(&key, s->key);
	sign.cert = s->cert;
	return mst_cms_sign(&s->message, &s->arena, &sign, e);
}

static void free_signer(struct signer *s)
{
	mst_key_free(&s->key);
	mst_arena_done(&s->arena);
}

static int run_der(struct mst_micro *m, struct mst_err *e)
{
	struct signer s = {.key = NULL};
	struct mst_cert cert;
	int rc = make_signer(&s, MST_KEY_P256, e);

	mst_micro_begin(m);
	for (uint32_t i = 0; rc == 0 && i < m->n; i++) {
		rc = mst_cert_parse(&cert, s.cert, e);
		m->sink += cert.key_usage;
	}
	mst_micro_end(m);
	m->bytes = s.cert.len;
	free_signer(&s);
	return rc;
}

static int run_cms(struct mst_micro *m, enum mst_key_kind kind, bool verifies, struct mst_err *e)
{
	const struct mst_slice body = MST_S(idle_text);
	struct mst_chunks pool = {.keep = 0};
	static struct mst_cms_signed in;
	struct signer s = {.key = NULL};
	struct mst_arena arena;
	struct mst_cert cert;
	int rc = make_signer(&s, kind, e);

	mst_micro_begin(m);
	for (uint32_t i = 0; rc == 0 && i < m->n; i++) {
		mst_arena_init(&arena, &pool, 0);
		rc = mst_cms_signed_read(&in, &arena, s.message, e);
		if (rc == 0)
			rc = mst_cms_signer_cert(&cert, &in, &in.signers[0], e);
		if (rc == 0 && verifies)
			rc = mst_cms_verify(&in, &in.signers[0], cert.spki, &body, 0, e);
		mst_arena_done(&arena);
	}
	mst_micro_end(m);
	m->bytes = s.message.len;
	free_signer(&s);
	mst_chunks_done(&pool);
	return rc;
}

static int run_cms_read(struct mst_micro *m, struct mst_err *e)
{
	return run_cms(m, MST_KEY_P256, false, e);
}

static int run_cms_rsa(struct mst_micro *m, struct mst_err *e)
{
	return run_cms(m, MST_KEY_RSA2048, true, e);
}

static int run_base64(struct mst_micro *m, struct mst_err *e)
{
	static uint8_t bytes[DATA_LEN], back[DATA_LEN + 4];
	static char text[MST_BASE64_LEN(DATA_LEN)];
	size_t len;
	int rc = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 131);
	mst_base64_put(text, mst_slice(bytes, sizeof(bytes)));
	mst_micro_begin(m);
	for (uint32_t i = 0; rc == 0 && i < m->n; i++) {
		rc = mst_base64_get(back, &len, mst_slice(text, sizeof(text)), e);
		m->sink += len;
	}
	mst_micro_end(m);
	m->bytes = sizeof(text);
	return rc;
}

static int run_json(struct mst_micro *m, struct mst_err *e)
{
	struct mst_chunks pool = {.keep = 0};
	struct mst_slice text = {NULL, 0};
	struct mst_arena arena;
	struct mst_json j;
	int rc = 0;

	mst_micro_begin(m);
	for (uint32_t i = 0; rc == 0 && i < m->n; i++) {
		mst_arena_init(&arena, &pool, 0);
		mst_json_begin(&j, &arena);
		mst_json_open(&j, NULL);
		mst_json_text(&j, "id", MST_S("0F3B21A7-9E11-4C02-8D3A-77A21B0C55E1"));
		mst_json_text(&j, "serial", MST_S("SIM000000001"));
		mst_json_u64(&j, "epoch", i);
		mst_json_close(&j);
		rc = mst_json_end(&j, &text, e);
		mst_arena_done(&arena);
	}
	mst_micro_end(m);
	m->bytes = text.len;
	mst_chunks_done(&pool);
	return rc;
}

/* clang-format off */
static const struct mst_micro_row rows[] = {
	{ "http-head",   "a request head found and parsed",                          1000000, 10000, run_head },
	{ "plist-idle",  "an Idle report parsed, its UDID found",                    1000000, 10000, run_plist_idle },
	{ "plist-apps",  "a report of 100 apps parsed",                              20000,   200,   run_plist_apps },
	{ "plist-write", "the same written",                                         20000,   200,   run_plist_write },
	{ "der-cert",    "a P-256 certificate taken apart",                          1000000, 10000, run_der },
	{ "cms-read",    "a detached signature taken apart, its certificate found",  200000,  2000,  run_cms_read },
	{ "cms-verify",  "the same by RSA-2048, and verified",                       20000,   200,   run_cms_rsa },
	{ "base64",      "4 KiB decoded",                                            100000,  1000,  run_base64 },
	{ "json-write",  "an object of three members written",                       1000000, 10000, run_json },
};
/* clang-format on */
const struct mst_micro_group mst_micro_codec = {rows, MST_LEN(rows)};
