/* SPDX-License-Identifier: Apache-2.0 */
/* The stages that give a profile away: for a link, for anybody where that is switched on, and at the end of the profile service. */
#include <stdio.h>

#include "muster/log.h"
#include "muster/text.h"
#include "own.h"

#define OPEN_BYTES 8 /* of a name made up for whoever enrols without a link */
#define TAG_DNS    0x82 /* GeneralName dNSName, RFC 5280 4.2.1.6 */

static int make_name(struct enroll_state *s)
{
	uint8_t bytes[OPEN_BYTES];
	char hex[2 * OPEN_BYTES + 1] = "";

	mst_random(bytes, sizeof(bytes));
	mst_hex_put(hex, mst_slice(bytes, sizeof(bytes)));
	if (!mst_arena_format(&s->x->arena, &s->facts.common_name, "enroll-%s", hex))
		return mst_fail(&s->x->err, MST_E_BUSY, "out of memory");
	s->facts.device = s->facts.common_name;
	return 0;
}

static int take_token(struct enroll_state *s, struct mst_slice token)
{
	if (token.len != TOKEN_LEN)
		return mst_fail(&s->x->err, MST_E_ABSENT, "no such link");
	s->source = SOURCE_LINK;
	mst_sha256(s->link_key, token);
	if (s->kind == PROFILE_SERVICE)
		memcpy(s->facts.challenge, token.at, TOKEN_LEN);
	return 0;
}

/* Nobody in particular: default deny. */
static int take_anybody(struct enroll_state *s)
{
	s->source = SOURCE_OPEN;
	s->expires_ms = s->now_ms + s->enroll->challenge_s * 1000ll;
	if (s->kind == PROFILE_MDM) {
		s->makes_challenge = true;
		return make_name(s);
	}
	/* What comes back in phase 2 is a link, which gets its device there. */
	s->makes_link = true;
	mst_enroll_token(s->facts.challenge, s->link_key);
	s->link = (struct enroll_link){.created_ms = s->now_ms, .expires_ms = s->expires_ms, .is_open = true};
	memcpy(s->link.authority, s->authority, sizeof(s->authority));
	return 0;
}

static enum mst_step admit(struct mst_xchg *x, enum profile_kind kind)
{
	struct mst_slice name = mst_enroll_part(x, 1), token = mst_enroll_part(x, 2);
	struct enroll_state *s;

	if (token.len) /* a refusal is logged with the path: the secret is not */
		x->in.path.len = (size_t)(token.at - 1 - x->in.path.at);
	s = mst_enroll_hold(x, false);
	if (!s)
		return mst_xchg_fail(x);
	s->kind = kind;
	if (token.len == 0 && !s->enroll->is_open) {
		mst_fail(&x->err, MST_E_DENIED, "enrolment needs a link");
		return mst_enroll_fail(s);
	}
	if (mst_enroll_authority(s, name) < 0 || (token.len ? take_token(s, token) : take_anybody(s)) < 0)
		return mst_enroll_fail(s);
	return STEP_NEXT;
}

enum mst_step mst_enroll_admit(struct mst_xchg *x)
{
	return admit(x, PROFILE_MDM);
}

enum mst_step mst_ota_admit(struct mst_xchg *x)
{
	return admit(x, PROFILE_SERVICE);
}

static int look_link(struct enroll_state *s, struct mst_read *r)
{
	int rc = s->found = mst_link_get(r, &s->link, s->link_key);

	if (rc == 1 && s->link.has_challenge)
		rc = s->found_older = mst_challenge_get(r, &s->older, s->link.challenge);
	return rc == 1 ? 0 : rc;
}

static int plan(struct mst_read *r)
{
	struct enroll_state *s = MST_HOME(r, struct enroll_state, read);

	s->found = s->found_older = 0;
	if (s->source == SOURCE_LINK)
		return look_link(s, r);
	s->found = s->source == SOURCE_ISSUED ? mst_issued_get(r, &s->issued, s->authority, s->message.serial_key, NULL)
					      : mst_device_get(r, &s->device, &s->id);
	return s->found == 1 ? 0 : s->found;
}

static void on_read(struct mst_read *r)
{
	mst_xchg_resume(MST_HOME(r, struct enroll_state, read)->x);
}

enum mst_step mst_enroll_look(struct mst_xchg *x)
{
	struct enroll_state *s = x->state;
	int rc;

	if (s->source == SOURCE_OPEN)
		return STEP_NEXT;
	s->read = (struct mst_read){.arena = &x->arena, .plan = plan, .on_read = on_read};
	rc = mst_store_read(s->app->store, &s->read, s->app->loop, &x->err);
	if (rc < 0)
		return mst_enroll_fail(s);
	return rc ? STEP_NEXT : STEP_WAIT;
}

/* A link of an operator's says who; one of the profile service belongs to the first device that comes with it. */
static int take_device(struct enroll_state *s)
{
	struct enroll_link *link = &s->link;
	struct mst_slice udid = s->message.udid;

	if (s->kind == PROFILE_SCEP && link->is_open) {
		if (link->device.len && !mst_slice_eq(link->device, udid))
			return mst_fail(&s->x->err, MST_E_DENIED, "this challenge belongs to another device");
		link->device = link->common_name = udid;
	}
	if (link->device.len == 0 && s->kind != PROFILE_SERVICE)
		return mst_fail(&s->x->err, MST_E_ABSENT, "no such link");
	s->facts.device = link->device;
	s->facts.common_name = link->common_name;
	s->facts.dns = link->dns;
	return 0;
}

static int judge_link(struct enroll_state *s)
{
	struct mst_err *e = &s->x->err;

	if (!s->found || memcmp(s->link.authority, s->authority, sizeof(s->authority)) != 0)
		return mst_fail(e, MST_E_ABSENT, "no such link");
	if (s->link.expires_ms <= s->now_ms)
		return mst_fail(e, MST_E_GONE, "the link has expired");
	/* A challenge that was dropped may have been used. */
	if (s->link.has_challenge && (!s->found_older || s->older.transaction.len))
		return mst_fail(e, MST_E_GONE, "the link was used");
	s->expires_ms = s->link.expires_ms;
	s->makes_challenge = s->kind != PROFILE_SERVICE;
	return take_device(s);
}

/* The DNS names of a certificate of ours, so that its successor has them, too: short ones, each with one byte of length. */
static int take_names(struct enroll_state *s, struct mst_slice san)
{
	uint8_t *names = mst_arena_get(&s->x->arena, san.len + 1);
	size_t len = 0;

	if (!names)
		return mst_fail(&s->x->err, MST_E_BUSY, "out of memory");
	for (size_t at = 0; at + 2 <= san.len; at += 2u + san.at[at + 1]) {
		size_t part = san.at[at + 1];
		if (part >= 0x80 || part > san.len - at - 2)
			break;
		if (san.at[at] != TAG_DNS)
			continue;
		if (len)
			names[len++] = 0;
		memcpy(names + len, san.at + at + 2, part);
		len += part;
	}
	s->facts.dns = mst_slice(names, len);
	return 0;
}

static int judge_issued(struct enroll_state *s)
{
	struct mst_err *e = &s->x->err;
	struct mst_cert cert;

	if (!s->found || s->issued.revoked_ms || s->issued.name.len == 0)
		return mst_fail(e, MST_E_DENIED, "the signer's certificate is not one of ours that is valid");
	if (mst_cert_parse(&cert, s->issued.cert, e) < 0)
		return -1;
	s->facts.common_name = s->issued.name;
	s->facts.device = s->issued.device.len ? s->issued.device : s->issued.name;
	s->expires_ms = s->now_ms + s->enroll->challenge_s * 1000ll;
	s->makes_challenge = true;
	return take_names(s, cert.san);
}

static int judge(struct enroll_state *s)
{
	if (s->source != SOURCE_OPEN && s->read.rc < 0) {
		s->x->err = s->read.err;
		return -1;
	}
	switch (s->source) {
	case SOURCE_OPEN:
		return 0;
	case SOURCE_LINK:
		return judge_link(s);
	case SOURCE_ISSUED:
		return judge_issued(s);
	case SOURCE_DEVICE:
		return mst_renew_judge(s);
	}
	return mst_fail(&s->x->err, MST_E_BUG, "no such source");
}

static void sign(struct enroll_state *s)
{
	s->rc = mst_profile_sign(&s->profile, &s->arena, s->enroll, s->kind, &s->facts, s->now_ms / 1000, &s->x->err);
	if (s->rc == 0 && s->source == SOURCE_DEVICE)
		s->rc = mst_profile_command(&s->command, &s->arena, s->profile, s->uuid, &s->x->err);
}

enum mst_step mst_enroll_seal(struct mst_xchg *x)
{
	struct enroll_state *s = x->state;

	if (judge(s) < 0)
		return mst_enroll_fail(s);
	if (s->makes_challenge)
		mst_enroll_token(s->facts.challenge, s->challenge_key);
	return mst_enroll_turn(s, sign);
}

static void put_challenge(struct enroll_state *s)
{
	struct mst_challenge challenge = {
		.device = s->facts.device,
		.common_name = s->facts.common_name,
		.dns = s->facts.dns,
		.expires_ms = s->expires_ms,
	};

	memcpy(challenge.authority, s->authority, sizeof(s->authority));
	mst_challenge_put(&s->batch, &challenge, s->challenge_key);
	if (s->source != SOURCE_LINK)
		return;
	if (s->link.has_challenge)
		mst_challenge_drop(&s->batch, &s->older, s->link.challenge);
	s->link.has_challenge = true;
	memcpy(s->link.challenge, s->challenge_key, sizeof(s->challenge_key));
	mst_link_put(&s->batch, &s->link, s->link_key);
}

enum mst_step mst_enroll_promise(struct mst_xchg *x)
{
	struct enroll_state *s = x->state;

	if (s->rc < 0)
		return mst_enroll_fail(s);
	mst_enroll_batch(s);
	if (s->makes_challenge)
		put_challenge(s);
	if (s->makes_link)
		mst_link_put(&s->batch, &s->link, s->link_key);
	return s->makes_challenge || s->makes_link ? mst_enroll_commit(s) : STEP_NEXT;
}

enum mst_step mst_enroll_answer(struct mst_xchg *x)
{
	static const char *const words[] = {
		[PROFILE_MDM] = "enrolment", [PROFILE_SERVICE] = "profile service", [PROFILE_SCEP] = "identity"};
	struct enroll_state *s = x->state;

	if (s->has_batch && s->batch.rc < 0) {
		x->err = s->batch.err;
		return mst_enroll_fail(s);
	}
	mst_log_peer(INFO, "profile given", mst_f_u64("exchange", x->id), mst_f_str("kind", words[s->kind]),
		     mst_f_slice("authority", s->facts.authority), mst_f_slice("device", s->facts.device));
	/* It holds a secret. */
	x->out.extra[0] = (struct mst_header){MST_S("Cache-Control"), MST_S("no-store")};
	mst_enroll_done(s);
	return mst_xchg_answer(x, 200, MST_ENROLL_TYPE, s->profile);
}
