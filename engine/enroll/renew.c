/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/enroll/renew/{ID}: an enrolled device gets its profile anew, with a fresh challenge, as an InstallProfile command.
 *
 * The device's new certificate is taken only when its subject is that of the bound one and names the device (engine/mdm), so a
 * name that would lock the device out is refused here. Two partitions, two batches: a challenge without a command is harmless.
 */
#include "muster/count.h"
#include "muster/json.h"
#include "muster/log.h"
#include "muster/text.h"
#include "own.h"

#define DEPTH_MAX 4

/* The subject that a common name gives, as the authority writes it. */
static void subject_of(uint8_t sha256[static 32], struct mst_slice name)
{
	uint8_t der[MST_NAME_MAX + 13], len = (uint8_t)name.len;
	const uint8_t head[] = {0x30, len + 11, 0x31, len + 9, 0x30, len + 7, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, len};

	memcpy(der, head, sizeof(head));
	memcpy(der + sizeof(head), name.at, name.len);
	mst_sha256(sha256, mst_slice(der, sizeof(head) + name.len));
}

static bool is_bound_name(const struct mst_device *d, struct mst_slice name)
{
	uint8_t sha256[32];

	if (name.len == 0 || name.len > MST_NAME_MAX)
		return false;
	subject_of(sha256, name);
	return memcmp(sha256, d->subject, sizeof(sha256)) == 0;
}

/* What certificates of ours are called: by the device, or as the operator says. */
static int find_name(struct enroll_state *s)
{
	const struct mst_device *d = &s->device;
	const struct mst_slice names[] = {s->facts.common_name, d->text, d->serial};

	for (size_t i = 0; i < MST_LEN(names); i++) {
		if (!is_bound_name(d, names[i]))
			continue;
		s->facts.common_name = names[i];
		return 0;
	}
	return mst_fail(&s->x->err, MST_E_CONFLICT,
			"the certificate of this enrollment is not named after its id or serial number: enrol it anew, or give its name");
}

/* The authority that vouches for the device now. */
static int find_authority(struct enroll_state *s)
{
	const struct mst_issuers *issuers = s->app->issuers;
	uint8_t ca[32];

	for (uint32_t i = 0; issuers && i < issuers->num; i++) {
		mst_sha256(ca, issuers->rows[i]->cert.spki);
		if (issuers->rows[i]->record.state == MST_AUTHORITY_ACTIVE && memcmp(ca, s->device.ca, sizeof(ca)) == 0)
			return mst_enroll_issuer(s, issuers->rows[i]);
	}
	return mst_fail(&s->x->err, MST_E_CONFLICT, "the certificate of this enrollment is not of an active authority here");
}

int mst_renew_judge(struct enroll_state *s)
{
	if (!s->found)
		return mst_fail(&s->x->err, MST_E_ABSENT, "unknown enrollment");
	if (s->device.state != MST_DEVICE_ENROLLED)
		return mst_fail(&s->x->err, MST_E_CONFLICT, "the device is not enrolled");
	if (find_authority(s) < 0 || find_name(s) < 0)
		return -1;
	s->facts.device = s->device.text;
	s->expires_ms = s->now_ms + s->enroll->renew_s * 1000ll;
	s->makes_challenge = true;
	mst_profile_uuid(s->uuid, s->enroll->url, s->facts.device, mst_slice(s->token, sizeof(s->token)));
	return 0;
}

/* {"common_name": ...}: an empty body is fine. */
static int take_body(struct enroll_state *s)
{
	struct mst_json_value *root = NULL;
	struct mst_slice name = {NULL, 0};
	int rc;

	if (s->x->in.body.len == 0)
		return 0;
	rc = mst_json_parse(&root, s->x->in.body, MST_LINK_BODY_MAX, DEPTH_MAX, &s->x->err);
	if (rc == 0 && mst_json_get_text0(root, &name, "common_name", &s->x->err) < 0)
		rc = -1;
	if (rc == 0 && !mst_arena_copy(&s->x->arena, &s->facts.common_name, name))
		rc = mst_fail(&s->x->err, MST_E_BUSY, "out of memory");
	mst_json_free(&root);
	return rc;
}

enum mst_step mst_renew_admit(struct mst_xchg *x)
{
	struct enroll_state *s = mst_enroll_hold(x, true);
	const struct mst_slice path = x->in.path; /* decoded: a slash may be a part of the id */
	const size_t len = sizeof("/v1/enroll/renew/") - 1;
	struct mst_slice id = path.len > len ? mst_slice(path.at + len, path.len - len) : (struct mst_slice){NULL, 0};

	if (!s)
		return mst_xchg_fail(x);
	s->source = SOURCE_DEVICE;
	s->kind = PROFILE_MDM;
	if (mst_id_from(&s->id, id, &x->err) < 0 || take_body(s) < 0)
		return mst_enroll_fail(s);
	if (!mst_id_is_device(&s->id)) {
		mst_fail(&x->err, MST_E_SYNTAX, "a device's id, not a user's");
		return mst_enroll_fail(s);
	}
	mst_enroll_token(s->token, s->link_key); /* the command's uuid derives from it */
	return STEP_NEXT;
}

enum mst_step mst_renew_queue(struct mst_xchg *x)
{
	struct enroll_state *s = x->state;
	struct mst_slice detail;

	if (s->batch.rc < 0) {
		x->err = s->batch.err;
		return mst_enroll_fail(s);
	}
	mst_enroll_batch(s);
	mst_batch_require_same(&s->batch, MST_SPACE_DEVICE, mst_id_device_key(&s->id), s->device.raw);
	mst_queue_add(&s->batch, &s->id, s->device.epoch, mst_slice(s->uuid, UUID_LEN), MST_S("InstallProfile"), s->command, s->now_ms);
	if (!mst_arena_format(&x->arena, &detail, "%s InstallProfile", s->uuid))
		s->batch.is_short = true;
	else
		mst_history_add(&s->batch, &s->id,
				&(struct mst_history){.at_ms = s->now_ms,
						      .event = MST_EVENT_QUEUED,
						      .who = mst_slice_str(x->who),
						      .detail = detail});
	return mst_enroll_commit(s);
}

enum mst_step mst_renew_answer(struct mst_xchg *x)
{
	struct enroll_state *s = x->state;
	struct mst_slice body;
	struct mst_json j;

	if (s->batch.rc < 0) {
		x->err = s->batch.err;
		return mst_enroll_fail(s);
	}
	mst_json_begin(&j, &x->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "command_uuid", mst_slice(s->uuid, UUID_LEN));
	mst_json_text(&j, "request_type", MST_S("InstallProfile"));
	mst_json_text(&j, "authority", s->facts.authority);
	mst_json_text(&j, "common_name", s->facts.common_name);
	mst_json_time(&j, "expires_at", s->expires_ms);
	mst_json_close(&j);
	if (mst_json_end(&j, &body, &x->err) < 0)
		return mst_enroll_fail(s);
	mst_count(MST_C_COMMANDS_QUEUED, 1);
	mst_log(INFO, "renewal queued", mst_f_u64("exchange", x->id), mst_f_str("who", x->who), mst_f_str("uuid", s->uuid),
		mst_f_slice("device", s->facts.device), mst_f_slice("authority", s->facts.authority));
	mst_enroll_done(s);
	return mst_xchg_answer(x, 200, MST_JSON_TYPE, body);
}
