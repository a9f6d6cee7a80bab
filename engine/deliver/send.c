/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done about each setting of a device, and the batch that does it: rows, commands, the push. On a worker. */
#include "deliver_own.h"
#include "muster/audit.h"
#include "muster/enroll.h"
#include "muster/plist.h"
#include "muster/text.h"
#include "send_own.h"

#define FAREWELL_IDENTIFIER "muster.enroll" /* of the profile that enrols (engine/enroll/profile.c) */

static bool is_zero(const uint8_t content[static 32])
{
	static const uint8_t zero[32];
	return memcmp(content, zero, sizeof zero) == 0;
}

static void change(struct look *look, struct look_row *row, enum mst_delivery_state state)
{
	row->to.state = state;
	row->to.changed_ms = look->now_ms;
	row->is_put = true;
}

/* Not to be had: nothing is sent, and what comes next tries again. */
static void fail(struct look *look, struct look_row *row, struct mst_slice reason, int64_t due_ms)
{
	bool is_news = row->d.state != MST_DELIVERY_FAILED || !row->has_delivery || !mst_slice_eq(row->d.reason, reason);

	mst_look_again_at(look, due_ms);
	if (!is_news)
		return;
	change(look, row, MST_DELIVERY_FAILED);
	if (!mst_arena_copy(&look->arena, &row->to.reason, reason))
		look->batch.is_short = true;
	memset(row->to.content, 0, sizeof row->to.content);
	row->to.wanted = row->object->version;
	row->to.due_ms = due_ms;
	mst_audit_add(&look->batch, &(struct mst_audit){.at_ms = look->now_ms, .who = MST_S("engine"), .action = MST_S("setting failed"),
							.what = look->detail.text, .detail = reason});
}

static bool has_left(const struct look *look)
{
	return look->has_device && look->device.state == MST_DEVICE_CHECKED_OUT;
}

/* It waits; what the device has meanwhile stays as it is. */
static void wait_for(struct look *look, struct look_row *row)
{
	bool is_here = row->has_delivery && !has_left(look) &&
		       (row->d.state == MST_DELIVERY_SENT || row->d.state == MST_DELIVERY_APPLIED);

	if (is_here || (row->has_delivery && row->d.state == MST_DELIVERY_PENDING && row->d.wanted == row->object->version))
		return;
	change(look, row, MST_DELIVERY_PENDING);
	row->to.wanted = row->object->version;
	row->to.reason = mst_slice(NULL, 0);
	row->to.due_ms = 0;
}

/* Clients fetch it: the row says that it is there to be fetched. */
static void want_client(struct look *look, struct look_row *row)
{
	bool is_gone = row->d.state == MST_DELIVERY_REMOVING || row->d.state == MST_DELIVERY_REMOVED;

	if (row->has_delivery && !is_gone && row->d.wanted == row->object->version)
		return;
	change(look, row, MST_DELIVERY_PENDING);
	row->to.wanted = row->object->version;
	row->to.num_failed = 0;
	row->to.reason = mst_slice(NULL, 0);
	row->to.due_ms = 0;
	memset(row->to.content, 0, sizeof row->to.content);
}

/* 1 all identities are here; 0 wait; -1 it failed, and the row says so. */
static int identities_ready(struct look *look, struct look_row *row)
{
	for (uint32_t i = 0; i < row->num_uses; i++) {
		const struct mst_identity_ask *ask = &row->uses[i]->ask;

		if (ask->rc == 1)
			continue;
		if (ask->rc == 0) {
			mst_look_again_at(look, ask->held.due_ms > look->now_ms ? ask->held.due_ms : look->now_ms + DELIVER_AGAIN_MS);
			return 0;
		}
		fail(look, row, mst_slice_str(ask->err.text), 0); /* the keeper tries again, and tells us */
		return -1;
	}
	return 1;
}

static int render(struct look *look, struct look_row *row, struct mst_render *r)
{
	struct mst_render_identity *identities = mst_arena_zero(&look->arena, (row->num_uses + 1) * sizeof *identities);

	if (!identities)
		return mst_fail(&look->err, MST_E_BUSY, "out of memory for rendering");
	for (uint32_t i = 0; i < row->num_uses; i++)
		identities[i] = (struct mst_render_identity){.enrollment = &row->uses[i]->enrollment,
							     .told = &row->uses[i]->ask,
							     .p12 = row->uses[i]->p12,
							     .password = row->uses[i]->password};
	*r = (struct mst_render){
		.setting = row->object,
		.device = &look->detail,
		.user = look->has_user ? &look->user : NULL,
		.identities = identities,
		.num_identities = row->num_uses,
		.organization = look->enroll ? mst_enroll_organization(look->enroll) : mst_slice(NULL, 0),
		.now_ms = look->now_ms,
		.arena = &look->arena,
	};
	return 0;
}

/* An enrolment that began anew has nothing of what was sent before. */
static void content_in_epoch(uint8_t out[static 32], const struct look *look, const uint8_t content[static 32])
{
	uint8_t both[36];

	memcpy(both, content, 32);
	for (int i = 0; i < 4; i++)
		both[32 + i] = (uint8_t)(look->device.epoch >> (24 - 8 * i));
	mst_sha256(out, mst_slice(both, sizeof both));
}

/* 1 known, 0 it failed (the row says so), -1. */
static int content_of(struct look *look, struct look_row *row)
{
	struct mst_render r;
	struct mst_err e;

	if (render(look, row, &r) < 0)
		return -1;
	if (mst_render_content(&r, row->way, &e) < 0) {
		if (e.code == MST_E_BUSY) {
			look->err = e;
			return -1;
		}
		fail(look, row, mst_slice_str(e.text), 0);
		return 0;
	}
	content_in_epoch(row->content, look, r.content);
	return 1;
}

/* What was sent is what it should have: nothing to send. */
static bool is_settled(struct look *look, struct look_row *row)
{
	const struct mst_delivery *d = &row->d;

	if (!row->has_delivery || is_zero(d->content) || memcmp(d->content, row->content, sizeof d->content) != 0)
		return false;
	switch (d->state) {
	case MST_DELIVERY_SENT:
		if (!row->is_open) {
			change(look, row, MST_DELIVERY_FAILED);
			row->to.reason = MST_S("the command was cancelled");
			row->to.due_ms = 0;
		}
		return true;
	case MST_DELIVERY_APPLIED:
		if (d->wanted != row->object->version) {
			row->to.wanted = row->to.sent = row->to.applied = row->object->version;
			row->is_put = true;
		}
		return true;
	case MST_DELIVERY_FAILED:
		if (d->due_ms && d->due_ms <= look->now_ms)
			return false;
		mst_look_again_at(look, d->due_ms);
		return true;
	case MST_DELIVERY_PENDING:
	case MST_DELIVERY_REMOVING:
	case MST_DELIVERY_REMOVED:
	case MST_NUM_DELIVERY_STATES:
		return false;
	}
	return false;
}

/* Apple's devices: what is to be sent is marked, and which identities must come with their keys. */
static int want_apple(struct look *look, struct look_row *row)
{
	int rc;

	if (!look->is_live) {
		wait_for(look, row);
		return 0;
	}
	rc = identities_ready(look, row);
	if (rc == 0)
		wait_for(look, row);
	if (rc != 1)
		return 0;
	rc = content_of(look, row);
	if (rc != 1 || is_settled(look, row))
		return rc < 0 ? -1 : 0;
	row->is_sent = true;
	for (uint32_t i = 0; i < row->num_uses; i++) {
		struct look_identity *identity = row->uses[i];

		identity->has_key = identity->ask.form != MST_IDENTITY_FILE || identity->ask.held.key.len > 0;
		look->needs_keys |= !identity->has_key && !look->has_asked_keys;
	}
	return 0;
}

static void take_back(struct look *look, struct look_row *row)
{
	bool is_ours, is_removal, is_gone = has_left(look);
	uint8_t uuid[16];

	is_ours = mst_deliver_uuid_of(uuid, &is_removal, row->d.uuid);
	if (row->d.state == MST_DELIVERY_REMOVED)
		return;
	look->takes_away = true;
	if (row->d.sent == 0) {
		row->is_dropped = true;
	} else if (!is_ours) {
		if (row->d.state != MST_DELIVERY_REMOVING)
			change(look, row, MST_DELIVERY_REMOVING);
	} else if (is_gone || (is_removal && row->d.num_failed >= DELIVER_REMOVE_TRIES)) {
		change(look, row, MST_DELIVERY_REMOVED);
	} else if (is_removal && row->is_open) {
		return;
	} else if (is_removal && row->d.due_ms > look->now_ms) {
		mst_look_again_at(look, row->d.due_ms);
	} else if (look->is_live) {
		mst_send_removal(look, row, uuid);
		change(look, row, MST_DELIVERY_REMOVING);
	} else if (row->d.state != MST_DELIVERY_REMOVING) {
		change(look, row, MST_DELIVERY_REMOVING);
	}
}

/* A setting that was made anew under its name has another profile than the one before. */
static void replace(struct look *look, struct look_row *row)
{
	uint8_t uuid[16];
	bool is_removal;

	if (mst_deliver_uuid_of(uuid, &is_removal, row->d.uuid) && !is_removal && memcmp(uuid, row->object->uuid, 16) != 0)
		mst_send_removal(look, row, uuid);
}

static int send_setting(struct look *look, struct look_row *row)
{
	struct mst_render r;
	struct mst_err e;

	for (uint32_t i = 0; i < row->num_uses; i++) {
		struct look_identity *identity = row->uses[i];

		if (identity->ask.form != MST_IDENTITY_FILE || identity->p12.len)
			continue;
		if (mst_identity_pack(&identity->p12, &identity->password, &look->arena, &identity->ask.held, identity->enrollment.name,
				      &e) < 0) {
			fail(look, row, mst_slice_str(e.text), look->now_ms + mst_deliver_back_off(row->d.num_failed + 1));
			return 0;
		}
	}
	if (render(look, row, &r) < 0)
		return -1;
	if (mst_render(&r, row->way, &e) < 0) {
		fail(look, row, mst_slice_str(e.text), look->now_ms + mst_deliver_back_off(row->d.num_failed + 1));
		return 0;
	}
	replace(look, row);
	if (mst_send_profile(look, row, r.body) < 0) {
		if (look->err.code == MST_E_BUSY)
			return -1;
		row->to.uuid = row->d.uuid;
		fail(look, row, mst_slice_str(look->err.text), look->now_ms + mst_deliver_back_off(row->d.num_failed + 1));
		return 0;
	}
	change(look, row, MST_DELIVERY_SENT);
	row->to.wanted = row->to.sent = row->object->version;
	row->to.reason = mst_slice(NULL, 0);
	row->to.due_ms = 0;
	if (row->d.state == MST_DELIVERY_REMOVED || row->d.state == MST_DELIVERY_REMOVING)
		row->to.num_failed = 0;
	memcpy(row->to.content, row->content, sizeof row->to.content);
	return 0;
}

static int judge(struct look *look, struct look_row *row)
{
	row->to = row->d;
	row->is_put = row->is_dropped = row->is_sent = false;
	if (!row->is_wanted) {
		take_back(look, row);
		return 0;
	}
	if (row->way == MST_RENDER_CLIENT) {
		want_client(look, row);
		return 0;
	}
	return want_apple(look, row);
}

static void put_rows(struct look *look)
{
	for (uint32_t i = 0; i < look->num_rows; i++) {
		struct look_row *row = &look->rows[i];

		if (row->is_dropped)
			mst_delivery_drop(&look->batch, &row->d);
		else if (row->is_put)
			mst_delivery_put(&look->batch, &row->to);
	}
}

static int farewell(struct look *look)
{
	struct mst_slice uuid;

	if (!look->detail.is_retired || !look->is_live || look->has_farewell)
		return 0;
	if (!mst_arena_format(&look->arena, &uuid, "retire-%u", look->device.epoch))
		return mst_fail(&look->err, MST_E_BUSY, "out of memory for a command");
	return mst_send_remove(look, uuid, MST_S(FAREWELL_IDENTIFIER));
}

int mst_send_make(struct look *look)
{
	for (uint32_t i = 0; i < look->num_rows; i++)
		if (judge(look, &look->rows[i]) < 0)
			return -1;
	if (look->needs_keys)
		return 0;
	for (uint32_t i = 0; i < look->num_rows; i++)
		if (look->rows[i].is_sent && send_setting(look, &look->rows[i]) < 0)
			return -1;
	if (farewell(look) < 0)
		return -1;
	put_rows(look);
	mst_send_push(look);
	return 0;
}
