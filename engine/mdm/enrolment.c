/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sent a message: Apple's id keys become an enrolment, as NanoMDM names them so that ids survive a move from there.
 *
 *   UDID                                device channel             UDID
 *   UDID + UserID                       user channel               UDID:UserID
 *   UDID + UserID all F + short name    Shared iPad user           UDID:UserShortName
 *   EnrollmentID                        user enrolment             EnrollmentID
 *   EnrollmentID + EnrollmentUserID     user of a user enrolment   EnrollmentID:EnrollmentUserID
 */
#include "muster/text.h"
#include "own.h"

/* What Shared iPad sends as UserID; the user is in UserShortName. */
#define SHARED_IPAD_USER MST_S("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF")

enum { HAS_UDID = 1, HAS_USER = 2, IS_SHARED = 4, HAS_ENROLLMENT = 8, HAS_ENROLLMENT_USER = 16 };

#define AT(field) offsetof(struct mdm_ids, field)
#define NO_USER SIZE_MAX

/* The first row whose bits under `mask` are `want`. */
static const struct row {
	uint32_t mask, want;
	enum mst_channel_kind kind;
	size_t device_at, user_at;
} rows[] = {
	{HAS_UDID | HAS_USER, HAS_UDID, MST_CHANNEL_DEVICE, AT(udid), NO_USER},
	{HAS_UDID | IS_SHARED, HAS_UDID | IS_SHARED, MST_CHANNEL_SHARED_IPAD, AT(udid), AT(short_name)},
	{HAS_UDID, HAS_UDID, MST_CHANNEL_USER, AT(udid), AT(user_id)},
	{HAS_ENROLLMENT | HAS_ENROLLMENT_USER, HAS_ENROLLMENT, MST_CHANNEL_ENROLLMENT_DEVICE,
	 AT(enrollment_id), NO_USER},
	{HAS_ENROLLMENT, HAS_ENROLLMENT, MST_CHANNEL_ENROLLMENT_USER, AT(enrollment_id),
	 AT(enrollment_user_id)},
};

static uint32_t bits_of(const struct mdm_ids *ids)
{
	return (ids->udid.len ? HAS_UDID : 0u) | (ids->user_id.len ? HAS_USER : 0u) |
	       (mst_slice_case_eq(ids->user_id, SHARED_IPAD_USER) ? IS_SHARED : 0u) |
	       (ids->enrollment_id.len ? HAS_ENROLLMENT : 0u) |
	       (ids->enrollment_user_id.len ? HAS_ENROLLMENT_USER : 0u);
}

/* An id is printable UTF-8 of a sane length; the device's has no colon, which parts device and user in text. */
static bool is_id(struct mst_slice s, bool takes_colon)
{
	if (s.len == 0 || s.len > MST_ID_TEXT_MAX || !mst_utf8_ok(s))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < 0x20 || s.at[i] == 0x7f || (s.at[i] == ':' && !takes_colon))
			return false;
	return true;
}

static struct mst_slice part(const struct mdm_ids *ids, size_t at)
{
	struct mst_slice s = {NULL, 0};
	if (at != NO_USER)
		memcpy(&s, (const char *)ids + at, sizeof(s));
	return s;
}

int mst_enrolment_find(struct mdm_enrolment *out, const struct mdm_ids *ids, struct mst_err *e)
{
	uint32_t bits = bits_of(ids);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		if ((bits & rows[i].mask) != rows[i].want)
			continue;
		out->kind = rows[i].kind;
		out->device = part(ids, rows[i].device_at);
		out->user = part(ids, rows[i].user_at);
		if (!is_id(out->device, false) || (rows[i].user_at != NO_USER && !is_id(out->user, true)))
			return mst_fail(e, MST_E_SYNTAX, "an enrolment id is empty, too long or not printable");
		mst_id_make(&out->id, out->device, out->user);
		out->device_id = out->id;
		memset(out->device_id.channel, 0, sizeof(out->device_id.channel));
		return 0;
	}
	return mst_fail(e, MST_E_SYNTAX, "neither UDID nor EnrollmentID");
}

struct mst_device mst_enrolment_device(const struct mdm_enrolment *who)
{
	return (struct mst_device){
		.id = who->device_id,
		.text = who->device,
		.is_user_enrollment = who->kind == MST_CHANNEL_ENROLLMENT_DEVICE ||
				      who->kind == MST_CHANNEL_ENROLLMENT_USER,
		.state = MST_DEVICE_AUTHENTICATED,
		.epoch = 1,
	};
}
