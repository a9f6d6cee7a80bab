/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices get their identities as real ones do: an enrolment link, the signed profile over TLS, SCEP with an RSA-2048 key of
 * their own, the one in the folder when there is one. What comes out is a folder that `fleet --certs` takes.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "join.h"
#include "line.h"
#include "muster/clock.h"
#include "muster/file.h"
#include "muster/json.h"
#include "muster/log.h"
#include "muster/text.h"
#include "parts.h"
#include "pkiclient.h"
#include "secure.h"

#define THREADS_MAX 64

struct join_conf {
	struct mst_arena arena;
	const char *host, *control, *authority, *certs, *server_ca;
	uint32_t port, num_devices, first_device, seed, threads;
	bool is_json;
};

#define AT(field) offsetof(struct join_conf, field)
/* clang-format off */
static const struct mst_opt_row rows[] = {
	{"join", "host",      AT(host),         MST_OPT_TEXT, "127.0.0.1", 1, 64,        "", false, "IPv4 address of the portal"},
	{"join", "port",      AT(port),         MST_OPT_U32,  "443",       1, 65535,     "", false, "port of the portal"},
	{"join", "control",   AT(control),      MST_OPT_TEXT, "/run/muster/control.sock", 1, 100, "", false, "control socket: makes the links"},
	{"join", "authority", AT(authority),    MST_OPT_TEXT, "devices",   1, 64,        "", false, "authority that certifies the devices"},
	{"join", "certs",     AT(certs),        MST_OPT_TEXT, "devices",   1, 4096,      "", false, "folder the identities are written to, for fleet --certs"},
	{"join", "server-ca", AT(server_ca),    MST_OPT_TEXT, "ca.pem",    1, 4096,      "", false, "PEM file with the authority of the server's and the profile signer's certificate"},
	{"join", "devices",   AT(num_devices),  MST_OPT_U32,  "200",       1, 1000000,   "", false, "simulated devices"},
	{"join", "first",     AT(first_device), MST_OPT_U32,  "0",         0, 100000000, "", false, "number of the first device"},
	{"join", "seed",      AT(seed),         MST_OPT_U32,  "1",         0, 0,         "", false, "the same seed gives the same UDIDs"},
	{"join", "threads",   AT(threads),      MST_OPT_U32,  "2",         1, THREADS_MAX, "", false, "threads: making RSA keys is nearly all of the work"},
	{"join", "json",      AT(is_json),      MST_OPT_BOOL, "no",        0, 0,         "", false, "print JSON"},
};
/* clang-format on */

/* One thread with its share of the devices. */
struct joiner {
	const struct join_conf *conf;
	struct mst_trust *trust;
	uint32_t index, num_done;
	uint64_t server_ns; /* waited for the server: profile and SCEP */
	struct mst_secure secure;
	struct mst_arena arena; /* of one device */
	pthread_t thread;
	struct mst_err err;
};

static int no_memory(struct mst_err *e)
{
	return mst_fail(e, MST_E_BUSY, "no memory");
}

/* The path of a fresh link. */
static int make_link(struct mst_slice *out, struct joiner *j, const char *udid, struct mst_err *e)
{
	struct mst_call call = {.socket = j->conf->control, .method = "POST", .target = MST_S("/v1/enroll/links"), .type = MST_JSON_TYPE};
	struct mst_call_reply reply;
	struct mst_json_value *root;
	struct mst_slice url;
	size_t at = sizeof("https://") - 1;
	int rc;

	if (!mst_arena_format(&j->arena, &call.body, "{\"authority\":\"%s\",\"device\":\"%s\"}", j->conf->authority, udid))
		return no_memory(e);
	if (mst_client_call(&reply, &j->arena, &call, e) < 0)
		return -1;
	if (reply.status != 201)
		return mst_fail(e, MST_E_DENIED, "a link was answered with %d %.*s", reply.status, (int)reply.body.len,
				(const char *)reply.body.at);
	if (mst_json_parse(&root, reply.body, 65536, 4, e) < 0)
		return -1;
	rc = mst_json_get_text0(root, &url, "url", e) == 1 && url.len > at ? 0 : mst_fail(e, MST_E_SYNTAX, "a link without a URL");
	if (rc == 0) {
		url = mst_slice(url.at + at, url.len - at);
		at = mst_slice_find(url, '/');
		rc = mst_arena_copy(&j->arena, out, mst_slice(url.at + at, url.len - at)) ? 0 : no_memory(e);
	}
	mst_json_free(&root);
	return rc;
}

static int ask(struct mst_slice *body, struct joiner *j, const char *method, struct mst_slice path, const char *query,
	       struct mst_slice content, struct mst_err *e)
{
	struct mst_secure_reply reply;
	struct mst_slice head;
	uint64_t began_ns = mst_clock_ns();
	uint8_t *whole;

	if (!mst_arena_format(&j->arena, &head, "%s %.*s%s HTTP/1.1\r\nHost: localhost:%u\r\nContent-Length: %zu\r\n\r\n", method,
			      (int)path.len, (const char *)path.at, query, j->conf->port, content.len))
		return no_memory(e);
	whole = mst_arena_get(&j->arena, head.len + content.len);
	if (!whole)
		return no_memory(e);
	memcpy(whole, head.at, head.len);
	if (content.len)
		memcpy(whole + head.len, content.at, content.len);
	if (mst_secure_ask(&reply, &j->secure, &j->arena, j->conf->host, (uint16_t)j->conf->port,
			   mst_slice(whole, head.len + content.len), e) < 0)
		return -1;
	j->server_ns += mst_clock_ns() - began_ns;
	if (reply.status != 200)
		return mst_fail(e, MST_E_DENIED, "%.*s was answered with %d %.*s", (int)path.len, (const char *)path.at, reply.status,
				(int)reply.body.len, (const char *)reply.body.at);
	*body = reply.body;
	return 0;
}

/* The certificate SCEP is spoken with: the RA's, when there is one. The CA's own must be the one of the profile. */
static int find_server(struct mst_cert *out, struct joiner *j, const struct mst_join_profile *profile, struct mst_err *e)
{
	struct mst_cms_signed certs = {.num_certs = 0};
	struct mst_slice body;
	struct mst_cert cert;
	uint32_t rsa_bits, ec_bits;
	uint8_t sha1[20];
	bool is_ours = false, has_ra = false;

	if (ask(&body, j, "GET", profile->scep_path, "?operation=GetCACert", mst_slice(NULL, 0), e) < 0)
		return -1;
	if (mst_cert_parse(&cert, body, NULL) == 0)
		certs.certs[certs.num_certs++] = body;
	else if (mst_cms_signed_read(&certs, &j->arena, body, e) < 0)
		return -1;
	for (size_t i = 0; i < certs.num_certs; i++) {
		mst_sha1(sha1, certs.certs[i]);
		if (mst_cert_parse(&cert, certs.certs[i], e) < 0)
			return -1;
		is_ours |= mst_slice_eq(profile->fingerprint, mst_slice(sha1, sizeof(sha1)));
		if (!has_ra && mst_key_check(&rsa_bits, &ec_bits, cert.spki, NULL) == 0 && rsa_bits) {
			*out = cert;
			has_ra = !cert.is_ca;
		}
	}
	return is_ours && out->der.len ? 0 : mst_fail(e, MST_E_DENIED, "the server's CA is not the one of the profile");
}

static int certify(struct mst_slice *out, struct joiner *j, const struct mst_join_profile *profile, struct mst_key *key,
		   struct mst_err *e)
{
	const char *name = (const char *)profile->common_name.at;
	struct mst_issue what = {.common_name = name};
	struct mst_pkiclient_ask message = {.type = "19", .transaction = name, .cipher = MST_CMS_AES128};
	struct mst_pkiclient_reply reply;
	struct mst_pkiclient client;
	struct mst_slice request, body;
	struct mst_cert server = {.der = {NULL, 0}}, cert;

	if (find_server(&server, j, profile, e) < 0 || mst_pkiclient_init(&client, &j->arena, key, name, e) < 0)
		return -1;
	message.to = &server;
	mst_random(message.nonce, sizeof(message.nonce));
	if (mst_pkiclient_request(&request, &client, message, key, &what, (const char *)profile->challenge.at, e) < 0 ||
	    ask(&body, j, "POST", profile->scep_path, "?operation=PKIOperation", request, e) < 0 ||
	    mst_pkiclient_read(&reply, &client, &server, body, e) < 0)
		return -1;
	if (reply.status != 0 || reply.inside.num_certs != 1)
		return mst_fail(e, MST_E_DENIED, "SCEP: pkiStatus %d, failInfo %d", reply.status, reply.fail);
	*out = reply.inside.certs[0];
	if (mst_cert_parse(&cert, *out, e) < 0)
		return -1;
	return mst_slice_eq(cert.spki, client.spki) ? 0 : mst_fail(e, MST_E_DENIED, "the certificate has another key");
}

/* Certificate and key in one file, as fleet reads them. Not synced: identities of a test may be lost in a crash. */
static int save(struct joiner *j, const char *udid, struct mst_slice der, const struct mst_key *key, struct mst_err *e)
{
	struct mst_slice cert, secret, path;
	FILE *f;
	bool is_fine;

	if (mst_pem_put(&cert, &j->arena, "CERTIFICATE", der, e) < 0 || mst_key_pem(&secret, &j->arena, key, e) < 0)
		return -1;
	if (!mst_arena_format(&j->arena, &path, "%s/%s.pem", j->conf->certs, udid))
		return no_memory(e);
	f = fopen((const char *)path.at, "we");
	if (!f)
		return mst_fail(e, MST_E_IO, "cannot write %s", (const char *)path.at);
	is_fine = fwrite(cert.at, 1, cert.len, f) == cert.len && fwrite(secret.at, 1, secret.len, f) == secret.len;
	if (fclose(f) != 0 || !is_fine)
		return mst_fail(e, MST_E_IO, "cannot write %s", (const char *)path.at);
	return 0;
}

/* A device that has a key keeps it: making RSA keys is nearly all of the work. */
static int make_key(struct mst_key **out, struct joiner *j, const char *udid, struct mst_err *e)
{
	struct mst_slice path, text, label, der;
	int rc = -1;

	if (!mst_arena_format(&j->arena, &path, "%s/%s.pem", j->conf->certs, udid))
		return no_memory(e);
	if (mst_file_read(&text, &j->arena, (const char *)path.at, SERVER_CA_MAX, NULL) == 0 &&
	    mst_pem_next(&label, &der, &text, &j->arena, NULL) == 1)
		rc = mst_key_read(out, text, NULL);
	if (rc == 0 && mst_key_is_rsa(*out))
		return 0;
	if (rc == 0)
		mst_key_free(out);
	return mst_key_new(out, MST_KEY_RSA2048, e);
}

static int join_one(struct joiner *j, uint32_t index, struct mst_err *e)
{
	char udid[UDID_LEN + 1];
	struct mst_join_profile profile;
	struct mst_key *key = NULL;
	struct mst_slice link, body, der;
	int rc;

	mst_identity_udid(udid, j->conf->seed, index);
	if (make_link(&link, j, udid, e) < 0 || ask(&body, j, "GET", link, "", mst_slice(NULL, 0), e) < 0 ||
	    mst_join_open(&profile, &j->arena, body, j->trust, e) < 0 || make_key(&key, j, udid, e) < 0)
		return -1;
	rc = certify(&der, j, &profile, key, e);
	if (rc == 0)
		rc = save(j, udid, der, key, e);
	mst_key_free(&key);
	return rc;
}

static void *work(void *context)
{
	struct joiner *j = context;

	if (mst_secure_init(&j->secure, j->trust, &j->err) < 0)
		return NULL;
	for (uint32_t i = j->index; i < j->conf->num_devices; i += j->conf->threads) {
		int rc = join_one(j, j->conf->first_device + i, &j->err);
		mst_arena_done(&j->arena);
		if (rc < 0)
			break;
		j->num_done++;
	}
	mst_secure_done(&j->secure);
	return NULL;
}

static int report(const struct join_conf *conf, uint32_t num, uint64_t wall_ns, uint64_t server_ns, struct mst_err *e)
{
	struct mst_arena arena;
	struct mst_slice text;
	struct mst_json json;
	int rc;

	if (!conf->is_json) {
		printf("%u devices have an identity, %.1f s, %.1f ms each for profile and SCEP\n", num, (double)wall_ns / 1e9,
		       (double)server_ns / 1e6 / num);
		return 0;
	}
	mst_arena_init(&arena, NULL, 0);
	mst_json_begin(&json, &arena);
	mst_json_open(&json, NULL);
	mst_json_text(&json, "name", MST_S("join"));
	mst_json_u64(&json, "n", num);
	mst_json_u64(&json, "ns", wall_ns);
	mst_json_u64(&json, "server_ns", num ? server_ns / num : 0);
	mst_json_close(&json);
	rc = mst_json_end(&json, &text, e);
	if (rc == 0)
		printf("%.*s\n", (int)text.len, (const char *)text.at);
	mst_arena_done(&arena);
	return rc;
}

static int run(struct join_conf *conf, struct mst_trust *trust, struct mst_err *e)
{
	struct joiner *joiners = calloc(conf->threads, sizeof(*joiners));
	uint64_t began_ns = mst_clock_ns(), server_ns = 0;
	uint32_t num = 0;
	int rc = 0;

	if (!joiners)
		return no_memory(e);
	for (uint32_t i = 0; i < conf->threads; i++) {
		joiners[i] = (struct joiner){.conf = conf, .trust = trust, .index = i};
		mst_arena_init(&joiners[i].arena, NULL, 0);
		BUG_ON(pthread_create(&joiners[i].thread, NULL, work, &joiners[i]) != 0);
	}
	for (uint32_t i = 0; i < conf->threads; i++) {
		pthread_join(joiners[i].thread, NULL);
		num += joiners[i].num_done;
		server_ns += joiners[i].server_ns;
		if (rc == 0 && joiners[i].err.code != MST_E_NONE) {
			*e = joiners[i].err;
			rc = -1;
		}
	}
	free(joiners);
	return rc < 0 ? -1 : report(conf, num, mst_clock_ns() - began_ns, server_ns, e);
}

int mst_join_main(int argc, char **argv)
{
	struct join_conf conf = {.port = 0};
	struct mst_trust *trust = NULL;
	struct mst_err e = {0};
	struct mst_slice pem;
	int rc = mst_line_read(&conf, &conf.arena, rows, MST_LEN(rows), argc, argv, &e);

	mst_log_setup(MST_WARN, false);
	if (rc > 0)
		return 0;
	if (rc == 0)
		rc = mst_file_folder(conf.certs, &e);
	if (rc == 0)
		rc = mst_file_read(&pem, &conf.arena, conf.server_ca, SERVER_CA_MAX, &e);
	if (rc == 0)
		rc = mst_trust_new(&trust, pem, &e);
	if (rc == 0)
		rc = run(&conf, trust, &e);
	if (rc < 0)
		fprintf(stderr, "muster-bench: %s\n", e.text);
	mst_trust_free(&trust);
	mst_arena_done(&conf.arena);
	return rc == 0 ? 0 : e.code == MST_E_CONF ? 2 : 1;
}
