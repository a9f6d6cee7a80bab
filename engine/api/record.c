/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of devices and commands. */
#include "own.h"

#define CLEARED "cleared"

int mst_record_known(struct mst_read *r, struct mst_device *out, const struct mst_id *id)
{
	int rc = mst_device_get(r, out, id);
	return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "unknown enrollment") : rc;
}

int mst_record_device(struct mst_json *j, struct mst_read *r, const struct mst_device *d)
{
	const struct {
		const char *key;
		struct mst_slice text;
	} texts[] = {
		{"serial", d->serial},           {"os_version", d->os_version},   {"build_version", d->build},
		{"product_name", d->product},    {"model", d->model},             {"model_name", d->model_name},
		{"device_name", d->device_name}, {"imei", d->imei},               {"meid", d->meid},
		{"topic", d->topic},
	};
	int64_t seen_ms = 0;
	int rc = mst_seen_get(r, &seen_ms, &d->id);

	if (rc < 0 || rc == MST_LATER)
		return rc;
	mst_json_text(j, "id", d->text);
	mst_json_text(j, "type", mst_slice_str(mst_channel_kind_word(d->is_user_enrollment ? MST_CHANNEL_ENROLLMENT_DEVICE
											   : MST_CHANNEL_DEVICE)));
	mst_json_text(j, "state", mst_slice_str(mst_device_state_word(d->state)));
	for (size_t i = 0; i < MST_LEN(texts); i++)
		mst_json_text(j, texts[i].key, texts[i].text);
	mst_json_time(j, "enrolled_at", d->enrolled_ms);
	mst_json_time(j, "updated_at", d->updated_ms);
	mst_json_time(j, "last_seen", rc ? seen_ms : 0);
	mst_json_u64(j, "token_updates", d->num_token_updates);
	mst_json_open(j, "certificate");
	mst_json_hex(j, "sha256", mst_slice(d->sha256, sizeof(d->sha256)));
	mst_json_close(j);
	return 0;
}

const char *mst_record_state(const struct mst_command *c, const struct mst_device *d)
{
	return !mst_command_is_over(c->state) && c->epoch != d->epoch ? CLEARED : mst_command_state_word(c->state);
}

const char *mst_record_state_find(struct mst_slice word)
{
	for (unsigned i = 0; i < MST_NUM_COMMAND_STATES; i++)
		if (mst_slice_eq(word, mst_slice_str(mst_command_state_word((enum mst_command_state)i))))
			return mst_command_state_word((enum mst_command_state)i);
	return mst_slice_eq(word, MST_S(CLEARED)) ? CLEARED : NULL;
}

void mst_record_command(struct mst_json *j, const struct mst_command *c, const struct mst_device *d)
{
	mst_json_text(j, "command_uuid", c->uuid);
	mst_json_text(j, "request_type", c->request_type);
	mst_json_text(j, "state", mst_slice_str(mst_record_state(c, d)));
	mst_json_time(j, "queued_at", c->queued_ms);
	mst_json_time(j, "changed_at", c->changed_ms);
	mst_json_u64(j, "not_now", c->num_not_now);
}
