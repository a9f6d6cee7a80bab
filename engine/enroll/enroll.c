/* SPDX-License-Identifier: Apache-2.0 */
/* What one loop needs for profiles: the signer, the texts, and how often each source came. */
#include <stdlib.h>

#include "muster/map.h"
#include "muster/text.h"
#include "own.h"

#define SOURCES_MAX 65536 /* 3 MiB; who was not heard of for longest is forgotten */
#define SOURCE_LEN  16
#define PREFIX_LEN  8 /* of an IPv6 address: a site has at least a /64 */
#define WINDOW_MS   60000u
#define TOPIC       "com.apple.mgmt." /* Apple's schema of com.apple.mdm, Topic */

struct source {
	uint64_t since_ms; /* of the minute that is counted */
	uint64_t num;
};

static int keep(struct mst_slice *out, struct mst_enroll *enroll, const char *text, struct mst_err *e)
{
	return mst_arena_copy(&enroll->arena, out, mst_slice_str(text)) ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static int check_url(struct mst_slice url, const char *option, bool takes_http, struct mst_err *e)
{
	bool is_web = mst_slice_starts(url, MST_S("https://")) || (takes_http && mst_slice_starts(url, MST_S("http://")));

	if (url.len == 0)
		return 0;
	if (!is_web || url.at[url.len - 1] == '/' || mst_slice_find(url, ' ') < url.len || mst_slice_find(url, '?') < url.len)
		return mst_fail(e, MST_E_CONF, "%s begins with %s and has no slash at its end", option,
				takes_http ? "https:// or http://" : "https://");
	return 0;
}

static int keep_texts(struct mst_enroll *enroll, const struct mst_enroll_conf *conf, struct mst_err *e)
{
	const char *scep_url = conf->scep_url[0] ? conf->scep_url : conf->url;

	if (keep(&enroll->url, enroll, conf->url, e) < 0 || keep(&enroll->scep_url, enroll, scep_url, e) < 0 ||
	    keep(&enroll->topic, enroll, conf->topic, e) < 0 || keep(&enroll->name, enroll, conf->name, e) < 0 ||
	    keep(&enroll->organization, enroll, conf->organization, e) < 0 ||
	    check_url(enroll->url, "[mdm] url", false, e) < 0 || check_url(enroll->scep_url, "[enroll] scep_url", true, e) < 0)
		return -1;
	if (enroll->topic.len && !mst_slice_starts(enroll->topic, MST_S(TOPIC)))
		return mst_fail(e, MST_E_CONF, "[mdm] topic begins with " TOPIC);
	return 0;
}

/* Appends the certificates of a PEM text to a list. */
static int read_certs(struct mst_slice *list, size_t *num, struct mst_enroll *enroll, struct mst_slice pem, const char *option,
		      struct mst_err *e)
{
	struct mst_slice label, der;
	struct mst_cert cert;
	struct mst_err why;
	int rc;

	while ((rc = mst_pem_next(&label, &der, &pem, &enroll->arena, &why)) == 1) {
		if (!mst_slice_eq(label, MST_S("CERTIFICATE")))
			continue;
		if (*num == CERTS_MAX)
			return mst_fail(e, MST_E_CONF, "%s: more than %d certificates", option, CERTS_MAX);
		if (mst_cert_parse(&cert, der, &why) < 0)
			break;
		list[(*num)++] = der;
	}
	return rc == 0 ? 0 : mst_fail(e, MST_E_CONF, "%s: %s", option, why.text);
}

static int check_pair(struct mst_enroll *enroll, struct mst_err *e)
{
	struct mst_cert cert;
	struct mst_slice spki;

	if (enroll->num_certs == 0)
		return mst_fail(e, MST_E_CONF, "[enroll] certificate: no certificate in the file");
	if (mst_cert_parse(&cert, enroll->certs[0], e) < 0 || mst_key_spki(&spki, &enroll->arena, enroll->key, e) < 0)
		return -1;
	if (!mst_slice_eq(cert.spki, spki))
		return mst_fail(e, MST_E_CONF, "[enroll] key is not the first certificate's");
	return 0;
}

static int read_signer(struct mst_enroll *enroll, const struct mst_enroll_conf *conf, struct mst_err *e)
{
	struct mst_err why;

	if (mst_key_read(&enroll->key, conf->key_pem, &why) < 0)
		return mst_fail(e, MST_E_CONF, "[enroll] key: %s", why.text);
	mst_key_cms(&enroll->cms_key, enroll->key);
	if (read_certs(enroll->certs, &enroll->num_certs, enroll, conf->cert_pem, "[enroll] certificate", e) < 0 ||
	    read_certs(enroll->certs, &enroll->num_certs, enroll, conf->chain_pem, "[enroll] chain", e) < 0 ||
	    read_certs(enroll->roots, &enroll->num_roots, enroll, conf->roots_pem, "[enroll] roots", e) < 0 ||
	    read_certs(enroll->apple, &enroll->num_apple, enroll, conf->apple_pem, "[enroll] apple_ca", e) < 0)
		return -1;
	return check_pair(enroll, e);
}

int mst_enroll_new(struct mst_enroll **out, const struct mst_enroll_conf *conf, struct mst_err *e)
{
	struct mst_enroll *enroll = calloc(1, sizeof(*enroll));

	if (!enroll)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	enroll->num_users = 1;
	mst_arena_init(&enroll->arena, NULL, 0);
	enroll->is_open = conf->is_open;
	enroll->signs_messages = conf->signs_messages;
	enroll->link_s = conf->link_s;
	enroll->challenge_s = conf->challenge_s;
	enroll->renew_s = conf->renew_s;
	enroll->per_minute = conf->per_minute;
	enroll->sources = mst_map_new(SOURCE_LEN, sizeof(struct source), SOURCES_MAX, true);
	if (!enroll->sources)
		mst_fail(e, MST_E_BUSY, "out of memory");
	if (!enroll->sources || keep_texts(enroll, conf, e) < 0 || read_signer(enroll, conf, e) < 0) {
		mst_enroll_free(&enroll);
		return -1;
	}
	*out = enroll;
	return 0;
}

struct mst_enroll *mst_enroll_take(struct mst_enroll *enroll)
{
	enroll->num_users++;
	return enroll;
}

struct mst_slice mst_enroll_organization(const struct mst_enroll *enroll)
{
	return enroll->organization;
}

static void let_go(struct mst_enroll *enroll)
{
	if (--enroll->num_users > 0)
		return;
	mst_key_free(&enroll->key);
	mst_map_free(&enroll->sources);
	mst_arena_done(&enroll->arena);
	free(enroll);
}

void mst_enroll_free(struct mst_enroll **enroll)
{
	if (*enroll)
		let_go(*enroll);
	*enroll = NULL;
}

bool mst_enroll_may(struct mst_enroll *enroll, const struct mst_addr *addr, uint64_t now_ms)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 2.5.5.2 */
	uint8_t key[SOURCE_LEN] = {0};
	struct source *source;

	if (enroll->per_minute == 0)
		return true;
	memcpy(key, addr->ip, memcmp(addr->ip, mapped, sizeof(mapped)) == 0 ? SOURCE_LEN : PREFIX_LEN);
	source = mst_map_set(enroll->sources, key);
	if (!source)
		return false;
	if (source->num == 0 || now_ms - source->since_ms >= WINDOW_MS)
		*source = (struct source){.since_ms = now_ms};
	return ++source->num <= enroll->per_minute;
}

void mst_enroll_done(struct enroll_state *s)
{
	if (s->enroll)
		let_go(s->enroll);
	s->enroll = NULL;
	mst_wipe(s->facts.challenge, sizeof(s->facts.challenge));
}

enum mst_step mst_enroll_fail(struct enroll_state *s)
{
	mst_enroll_done(s);
	return mst_xchg_fail(s->x);
}
