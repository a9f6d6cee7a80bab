/* SPDX-License-Identifier: Apache-2.0 */
/* What the device reported for a command. */
#include "command.h"
#include "record.h"

#define VERSION 1

static int decode(struct mst_result *out, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	mst_unpack_begin(&u, value, VERSION);
	out->at_ms = mst_unpack_i64(&u);
	out->status = mst_unpack_bytes(&u);
	out->body = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "result", e);
}

void mst_result_put(struct mst_batch *b, const struct mst_id *id, const struct mst_result *result)
{
	uint8_t room[MST_COMMAND_KEY_MAX];
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_i64(&p, result->at_ms);
	mst_pack_bytes(&p, result->status);
	mst_pack_bytes(&p, result->body);
	mst_record_put(b, MST_SPACE_RESULT, mst_command_key(room, id, result->uuid), &p);
}

int mst_result_get(struct mst_read *r, struct mst_result *out, const struct mst_id *id, struct mst_slice uuid)
{
	uint8_t room[MST_COMMAND_KEY_MAX];
	struct mst_slice value;

	if (uuid.len == 0 || uuid.len > MST_UUID_MAX)
		return 0;
	int rc = mst_read_get(r, &value, MST_SPACE_RESULT, mst_command_key(room, id, uuid));
	if (rc != 1)
		return rc;
	*out = (struct mst_result){.uuid = uuid};
	return decode(out, value, &r->err) < 0 ? -1 : 1;
}
