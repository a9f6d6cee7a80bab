/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a profile together from its payloads, and signs it. */
#include <stdio.h>

#include "own.h"

#define IDENTIFIER     "muster.enroll" /* of one profile on a device: what comes later under it takes its place */
#define IDENTIFIER_OTA "muster.ota"    /* of the passing ones */

struct maker {
	struct mst_plist_out out;
	struct mst_arena *arena;
	const struct mst_enroll *enroll;
	const struct profile_facts *facts;
	const char *base; /* of all identifiers */
	struct mst_err *e;
};

void mst_profile_uuid(char out[static UUID_LEN + 1], struct mst_slice url, struct mst_slice device, struct mst_slice part)
{
	uint8_t all[3 * 32], u[32];

	mst_sha256(all, url);
	mst_sha256(all + 32, device);
	mst_sha256(all + 64, part);
	mst_sha256(u, mst_slice(all, sizeof(all)));
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x80);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	snprintf(out, UUID_LEN + 1, "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", u[0], u[1], u[2], u[3],
		 u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

static int join(struct mst_slice *out, struct maker *m, const char *before, struct mst_slice text, const char *behind)
{
	if (!mst_arena_format(m->arena, out, "%s%.*s%s", before, (int)text.len, (const char *)text.at, behind))
		return mst_fail(m->e, MST_E_BUSY, "out of memory");
	return 0;
}

/* What every payload has; `part` names it within the profile. */
static int begin(struct payload *p, struct maker *m, enum payload_kind kind, struct mst_slice name, const char *word, struct mst_slice part)
{
	char uuid[UUID_LEN + 1];
	struct mst_slice id;

	mst_profile_uuid(uuid, m->enroll->url, m->facts->device, part);
	if (!mst_arena_copy(m->arena, &p->uuid, mst_slice(uuid, UUID_LEN)) ||
	    !mst_arena_format(m->arena, &id, "%s%s%s", m->base, word[0] ? "." : "", word))
		return mst_fail(m->e, MST_E_BUSY, "out of memory");
	p->type = mst_slice_str(mst_payload_tables[kind].type);
	p->identifier = id;
	p->display_name = name;
	p->organization = m->enroll->organization;
	p->inside = mst_payload_tables[kind].inside;
	p->num_inside = mst_payload_tables[kind].num_inside;
	return 0;
}

static void put(struct maker *m, enum payload_kind kind, const struct payload *p)
{
	mst_plist_open_dict(&m->out, NULL);
	mst_payload_put(&m->out, mst_payload_tables[kind].rows, mst_payload_tables[kind].num_rows, p);
	mst_plist_close(&m->out);
}

/* A CA: trusted when it is a root, else only kept for chains. */
static int put_cert(struct maker *m, struct mst_slice der)
{
	struct payload p = {.content = der};
	struct mst_slice word;
	struct mst_cert cert;
	char name[MST_NAME_MAX + 1], uuid[UUID_LEN + 1];
	enum payload_kind kind;

	if (mst_cert_parse(&cert, der, m->e) < 0)
		return -1;
	kind = mst_slice_eq(cert.issuer, cert.subject) ? PAYLOAD_ROOT : PAYLOAD_ABOVE;
	mst_cert_name(name, sizeof(name), &cert);
	mst_profile_uuid(uuid, m->enroll->url, m->facts->device, der);
	if (join(&word, m, "ca.", mst_slice(uuid, 8), "") < 0 ||
	    join(&p.file_name, m, "", mst_slice(uuid, 8), ".cer") < 0 ||
	    begin(&p, m, kind, mst_slice_str(name[0] ? name : "Certificate authority"), (const char *)word.at, der) < 0)
		return -1;
	put(m, kind, &p);
	return 0;
}

static bool is_among(const struct mst_slice *list, size_t num, struct mst_slice der)
{
	for (size_t i = 0; i < num; i++)
		if (mst_slice_eq(list[i], der))
			return true;
	return false;
}

static int put_certs(struct maker *m)
{
	const struct profile_facts *f = m->facts;

	for (size_t i = 0; i < f->num_certs; i++)
		if (put_cert(m, f->certs[i]) < 0)
			return -1;
	for (size_t i = 0; i < m->enroll->num_roots; i++) {
		struct mst_slice der = m->enroll->roots[i];
		if (!is_among(f->certs, f->num_certs, der) && !is_among(m->enroll->roots, i, der) && put_cert(m, der) < 0)
			return -1;
	}
	return 0;
}

static int put_scep(struct maker *m, struct mst_slice *identity)
{
	const struct profile_facts *f = m->facts;
	uint8_t fingerprint[20]; /* devices know MD5 and SHA-1 of the CA's certificate */
	struct payload p = {
		.name = f->authority,
		.common_name = f->common_name,
		.dns = f->dns,
		.challenge = mst_slice_str(f->challenge),
		.fingerprint = mst_slice(fingerprint, sizeof(fingerprint)),
	};

	mst_sha1(fingerprint, f->certs[0]);
	if (!mst_arena_format(m->arena, &p.url, "%.*s/scep/%.*s", (int)m->enroll->scep_url.len, (const char *)m->enroll->scep_url.at,
			      (int)f->authority.len, (const char *)f->authority.at))
		return mst_fail(m->e, MST_E_BUSY, "out of memory");
	if (begin(&p, m, PAYLOAD_SCEP, MST_S("Device identity"), "scep", MST_S("scep")) < 0)
		return -1;
	*identity = p.uuid;
	put(m, PAYLOAD_SCEP, &p);
	return 0;
}

static int put_mdm(struct maker *m, struct mst_slice identity)
{
	struct payload p = {.identity = identity, .topic = m->enroll->topic, .signs_messages = m->enroll->signs_messages};

	if (join(&p.server_url, m, "", m->enroll->url, "/mdm") < 0 || join(&p.checkin_url, m, "", m->enroll->url, "/checkin") < 0 ||
	    begin(&p, m, PAYLOAD_MDM, m->enroll->name, "mdm", MST_S("mdm")) < 0)
		return -1;
	put(m, PAYLOAD_MDM, &p);
	return 0;
}

static int put_profile(struct maker *m, bool has_mdm)
{
	struct payload p = {.type = {NULL, 0}};
	struct mst_slice identity;

	if (begin(&p, m, PAYLOAD_PROFILE, m->enroll->name, "", mst_slice_str(m->base)) < 0)
		return -1;
	mst_plist_open_dict(&m->out, NULL);
	mst_payload_put(&m->out, mst_payload_tables[PAYLOAD_PROFILE].rows, mst_payload_tables[PAYLOAD_PROFILE].num_rows, &p);
	mst_plist_open_array(&m->out, "PayloadContent");
	if (put_certs(m) < 0 || put_scep(m, &identity) < 0 || (has_mdm && put_mdm(m, identity) < 0))
		return -1;
	mst_plist_close(&m->out);
	mst_plist_close(&m->out);
	return 0;
}

static int put_service(struct maker *m)
{
	struct payload p = {.challenge = mst_slice_str(m->facts->challenge)};

	if (!mst_arena_format(m->arena, &p.url, "%.*s/ota/%.*s", (int)m->enroll->url.len, (const char *)m->enroll->url.at,
			      (int)m->facts->authority.len, (const char *)m->facts->authority.at))
		return mst_fail(m->e, MST_E_BUSY, "out of memory");
	if (begin(&p, m, PAYLOAD_SERVICE, m->enroll->name, "service", MST_S("service")) < 0)
		return -1;
	put(m, PAYLOAD_SERVICE, &p);
	return 0;
}

int mst_profile_write(struct mst_slice *out, struct mst_arena *arena, const struct mst_enroll *enroll, enum profile_kind kind,
		      const struct profile_facts *facts, struct mst_err *e)
{
	struct maker m = {.arena = arena, .enroll = enroll, .facts = facts, .e = e};

	m.base = kind == PROFILE_MDM ? IDENTIFIER : IDENTIFIER_OTA;
	mst_plist_begin(&m.out, arena);
	if (kind == PROFILE_SERVICE ? put_service(&m) < 0 : put_profile(&m, kind == PROFILE_MDM) < 0)
		return -1;
	return mst_plist_end(&m.out, out, e);
}

int mst_enroll_sign(struct mst_slice *out, struct mst_arena *arena, const struct mst_enroll *enroll, struct mst_slice profile,
		    int64_t now_s, struct mst_err *e)
{
	const struct mst_cms_sign what = {
		.content = profile,
		.key = &enroll->cms_key,
		.cert = enroll->certs[0],
		.chain = enroll->certs + 1,
		.num_chain = enroll->num_certs - 1,
		.digest = MST_CMS_SHA256,
		.time_s = now_s,
	};

	return mst_cms_sign(out, arena, &what, e);
}

int mst_profile_sign(struct mst_slice *out, struct mst_arena *arena, const struct mst_enroll *enroll, enum profile_kind kind,
		     const struct profile_facts *facts, int64_t now_s, struct mst_err *e)
{
	struct mst_slice profile;

	if (mst_profile_write(&profile, arena, enroll, kind, facts, e) < 0)
		return -1;
	return mst_enroll_sign(out, arena, enroll, profile, now_s, e);
}

int mst_profile_command(struct mst_slice *out, struct mst_arena *arena, struct mst_slice profile, const char *uuid, struct mst_err *e)
{
	struct mst_plist_out w;

	mst_plist_begin(&w, arena);
	mst_plist_open_dict(&w, NULL);
	mst_plist_open_dict(&w, "Command");
	mst_plist_put_text(&w, "RequestType", MST_S("InstallProfile"));
	mst_plist_put_data(&w, "Payload", profile);
	mst_plist_close(&w);
	mst_plist_put_text(&w, "CommandUUID", mst_slice_str(uuid));
	mst_plist_close(&w);
	return mst_plist_end(&w, out, e);
}
