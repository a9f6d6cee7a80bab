/* SPDX-License-Identifier: Apache-2.0 */
/* Reads everything the configuration points at into one immutable bundle, so that a reload is all or nothing. */
#include <errno.h>
#include <stdlib.h>

#include "engine.h"
#include "muster/file.h"
#include "muster/log.h"
#include "muster/text.h"

#define PEM_MAX (256u << 10) /* a certificate chain or a bundle of CAs, with room */
#define ROOTS_MAX (8u << 20) /* every CA of the Web; some 220 KiB today */

static int read_pem(struct mst_slice *out, struct mst_facts *facts, const char *path, struct mst_err *e)
{
	return mst_file_read(out, &facts->arena, path, PEM_MAX, e);
}

static int read_trust(struct mst_facts *facts, struct mst_err *e)
{
	struct mst_slice pem;
	struct mst_err why = {0};

	if (!facts->conf->device_ca[0]) /* the store's authorities only */
		return 0;
	if (read_pem(&pem, facts, facts->conf->device_ca, e) != 0)
		return -1;
	if (mst_trust_new(&facts->trust, pem, &why) == 0)
		return 0;
	return mst_fail(e, MST_E_CONF, "%s: %s", facts->conf->device_ca, why.text);
}

static const struct {
	struct mst_slice word;
	uint32_t source;
} source_rows[] = {
	{MST_S_INIT("tls"), MST_FROM_TLS},
	{MST_S_INIT("signature"), MST_FROM_SIGNATURE},
	{MST_S_INIT("header"), MST_FROM_HEADER},
};

static int read_sources(struct mst_facts *facts, struct mst_err *e)
{
	struct mst_slice part, rest = mst_slice_str(facts->conf->identity_sources);

	for (bool is_more = true; is_more;) {
		size_t i = 0;
		is_more = mst_slice_cut(&part, &rest, rest, ',');
		while (i < MST_LEN(source_rows) && !mst_slice_eq(mst_slice_trim(part), source_rows[i].word))
			i++;
		if (i == MST_LEN(source_rows))
			return mst_fail(e, MST_E_CONF, "[identity] sources: tls, signature and header are known, separated by commas");
		facts->identity_sources |= source_rows[i].source;
	}
	return 0;
}

/* Whoever vouches for devices and front ends would make every device a front end, which speaks for others. */
static int read_front_ends(struct mst_facts *facts, struct mst_err *e)
{
	const char *path = facts->conf->front_end_ca;
	struct mst_slice pem;
	struct mst_err why = {0};

	if ((facts->identity_sources & MST_FROM_HEADER) && !path[0])
		return mst_fail(e, MST_E_CONF, "[identity] sources has header: front_end_ca is needed");
	if (!path[0])
		return 0;
	if (read_pem(&pem, facts, path, e) != 0)
		return -1;
	if (mst_trust_new(&facts->front_ends, pem, &why) != 0)
		return mst_fail(e, MST_E_CONF, "%s: %s", path, why.text);
	if (facts->trust && mst_trust_shares(facts->trust, facts->front_ends))
		return mst_fail(e, MST_E_CONF, "%s: a CA of front ends may not be one of devices", path);
	return 0;
}

/* One line: 64 hex digits; empty lines and lines that begin with # are for people. */
static int read_api_key(struct mst_facts *facts, struct mst_slice line, struct mst_err *e)
{
	line = mst_slice_trim(line);
	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0 || line.at[0] == '#')
		return 0;
	if (facts->num_api_keys == API_KEYS_MAX)
		return mst_fail(e, MST_E_CONF, "more than %d keys", API_KEYS_MAX);
	if (mst_hex_get(facts->api_keys[facts->num_api_keys], 32, line, e) != 0)
		return mst_fail(e, MST_E_CONF, "a line is not a SHA-256 in hex");
	facts->num_api_keys++;
	return 0;
}

static int read_api_keys(struct mst_facts *facts, struct mst_err *e)
{
	struct mst_slice text, line;
	struct mst_err why = {0};

	if (facts->conf->api_keys[0] == '\0')
		return 0;
	facts->api_keys = calloc(API_KEYS_MAX, sizeof *facts->api_keys);
	if (!facts->api_keys)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (read_pem(&text, facts, facts->conf->api_keys, e) != 0)
		return -1;
	while (text.len) {
		if (!mst_slice_cut(&line, &text, text, '\n'))
			text.len = 0;
		if (read_api_key(facts, line, &why) != 0)
			return mst_fail(e, MST_E_CONF, "%s: %s", facts->conf->api_keys, why.text);
	}
	return 0;
}

/* The signer of profiles; the portal's where nothing is said. */
static int read_enroll(struct mst_facts *facts, struct mst_err *e)
{
	const struct mst_conf *conf = facts->conf;
	const struct {
		struct mst_slice *to;
		const char *path, *fallback;
	} rows[] = {
		{&facts->enroll_cert, conf->enroll_certificate, conf->portal_certificate},
		{&facts->enroll_key, conf->enroll_key, conf->portal_key},
		{&facts->enroll_chain, conf->enroll_chain, ""},
		{&facts->enroll_roots, conf->enroll_roots, ""},
		{&facts->enroll_apple, conf->enroll_apple_ca, ""},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		const char *path = rows[i].path[0] ? rows[i].path : rows[i].fallback;
		if (path[0] && read_pem(rows[i].to, facts, path, e) != 0)
			return -1;
	}
	return 0;
}

static int read_push(struct mst_facts *facts, struct mst_err *e)
{
	struct mst_slice roots = {NULL, 0};

	if (facts->conf->push_is_enabled && mst_file_read(&roots, &facts->arena, facts->conf->push_ca, ROOTS_MAX, e) != 0)
		return -1;
	return mst_pusher_conf(&facts->push, facts->conf, roots, e);
}

/* A system without a bundle has settings that name their own CAs. */
static int read_fetch(struct mst_facts *facts, struct mst_err *e)
{
	const char *path = facts->conf->fetch_ca;
	struct mst_slice pem;
	struct mst_err why = {0};

	if (!path[0])
		return 0;
	if (mst_file_read(&pem, &facts->arena, path, ROOTS_MAX, &why) != 0) {
		if (why.sys == ENOENT) {
			mst_log(WARN, "there are no CAs for the servers of outside CAs", mst_f_str("file", path));
			return 0;
		}
		*e = why;
		return -1;
	}
	if (mst_trust_new(&facts->fetch_trust, pem, &why) != 0)
		return mst_fail(e, MST_E_CONF, "%s: %s", path, why.text);
	return 0;
}

int mst_facts_new(struct mst_facts **out, const char *conf_path, struct mst_err *e)
{
	struct mst_facts *facts = calloc(1, sizeof *facts);

	if (!facts)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	mst_arena_init(&facts->arena, NULL, 0);
	if (mst_conf_load(&facts->conf, conf_path, e) != 0 ||
	    read_pem(&facts->chain_pem, facts, facts->conf->portal_certificate, e) != 0 ||
	    read_pem(&facts->key_pem, facts, facts->conf->portal_key, e) != 0 || read_trust(facts, e) != 0 ||
	    read_sources(facts, e) != 0 || read_front_ends(facts, e) != 0 ||
	    read_api_keys(facts, e) != 0 || read_enroll(facts, e) != 0 || read_push(facts, e) != 0 ||
	    read_fetch(facts, e) != 0) {
		mst_facts_free(&facts);
		return -1;
	}
	*out = facts;
	return 0;
}

void mst_facts_free(struct mst_facts **facts)
{
	struct mst_facts *f = *facts;

	if (!f)
		return;
	if (f->key_pem.len)
		mst_wipe((void *)(uintptr_t)f->key_pem.at, f->key_pem.len);
	if (f->enroll_key.len)
		mst_wipe((void *)(uintptr_t)f->enroll_key.at, f->enroll_key.len);
	mst_trust_free(&f->trust);
	mst_trust_free(&f->front_ends);
	mst_trust_free(&f->fetch_trust);
	free(f->api_keys);
	mst_arena_done(&f->arena);
	mst_conf_free(&f->conf);
	free(f);
	*facts = NULL;
}
