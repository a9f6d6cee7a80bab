/* SPDX-License-Identifier: Apache-2.0 */
/* InstallProfile and RemoveProfile, with their history, and the push. */
#include "muster/enroll.h"
#include "muster/plist.h"
#include "muster/text.h"
#include "send_own.h"

static int no_room(struct look *look)
{
	return mst_fail(&look->err, MST_E_BUSY, "out of memory for a command");
}

static int queue(struct look *look, struct mst_slice uuid, struct mst_slice type, const char *key, struct mst_slice value)
{
	struct mst_slice body, detail;
	struct mst_plist_out w;

	mst_plist_begin(&w, &look->arena);
	mst_plist_open_dict(&w, NULL);
	mst_plist_open_dict(&w, "Command");
	if (mst_slice_eq(type, MST_S("InstallProfile")))
		mst_plist_put_data(&w, key, value);
	else
		mst_plist_put_text(&w, key, value);
	mst_plist_put_text(&w, "RequestType", type);
	mst_plist_close(&w);
	mst_plist_put_text(&w, "CommandUUID", uuid);
	mst_plist_close(&w);
	if (mst_plist_end(&w, &body, &look->err) < 0)
		return -1;
	if (body.len > MST_COMMAND_MAX)
		return mst_fail(&look->err, MST_E_TOO_BIG, "a command of %zu bytes", body.len);
	if (!mst_arena_format(&look->arena, &detail, "%.*s %.*s", (int)uuid.len, (const char *)uuid.at, (int)type.len,
			      (const char *)type.at))
		return no_room(look);
	/* An enrolment that begins anew in between would never see the command. */
	if (!look->is_pushed)
		mst_batch_require_same(&look->batch, MST_SPACE_DEVICE, mst_id_device_key(&look->id), look->device.raw);
	look->is_pushed = true;
	mst_queue_add(&look->batch, &look->id, look->device.epoch, uuid, type, body, look->now_ms);
	mst_history_add(&look->batch, &look->id,
			&(struct mst_history){
				.at_ms = look->now_ms, .event = MST_EVENT_QUEUED, .who = MST_S("engine"), .detail = detail});
	mst_wipe((void *)(uintptr_t)body.at, body.len);
	return 0;
}

static int uuid_new(struct look *look, struct mst_slice *out, bool is_removal, const uint8_t setting_uuid[static 16], uint64_t version)
{
	char text[DELIVER_UUID_ROOM];

	mst_deliver_uuid_put(text, is_removal, setting_uuid, version);
	return mst_arena_copy(&look->arena, out, mst_slice_str(text)) ? 0 : no_room(look);
}

int mst_send_profile(struct look *look, struct look_row *row, struct mst_slice profile)
{
	struct mst_slice signed_profile = profile;
	int rc;

	if (uuid_new(look, &row->to.uuid, false, row->object->uuid, row->object->version) < 0)
		return -1;
	if (look->enroll && mst_enroll_sign(&signed_profile, &look->arena, look->enroll, profile, look->now_ms / 1000, &look->err) < 0)
		return -1;
	rc = queue(look, row->to.uuid, MST_S("InstallProfile"), "Payload", signed_profile);
	mst_wipe((void *)(uintptr_t)profile.at, profile.len);
	if (signed_profile.at != profile.at)
		mst_wipe((void *)(uintptr_t)signed_profile.at, signed_profile.len);
	return rc;
}

int mst_send_remove(struct look *look, struct mst_slice uuid, struct mst_slice identifier)
{
	return queue(look, uuid, MST_S("RemoveProfile"), "Identifier", identifier);
}

void mst_send_removal(struct look *look, struct look_row *row, const uint8_t setting_uuid[static 16])
{
	char identifier[MST_RENDER_IDENTIFIER_LEN + 1];

	mst_render_identifier(identifier, setting_uuid);
	if (uuid_new(look, &row->to.uuid, true, setting_uuid, row->d.sent) < 0 ||
	    mst_send_remove(look, row->to.uuid, mst_slice_str(identifier)) < 0)
		look->batch.is_short = true;
}

void mst_send_push(struct look *look)
{
	if (!look->is_pushed || !look->deliver->app->kick) {
		look->is_pushed = false;
		return;
	}
	mst_push_due_make(&look->push, &look->id, MST_PUSH_COMMAND, look->now_ms);
	mst_outbox_put(&look->batch, &look->push);
}
