/* SPDX-License-Identifier: Apache-2.0 */
/* Reads everything of one device: what it is, what it should have, what it has. */
#include "deliver_own.h"

#define ROWS_MORE 128 /* settings that a device still has beside those of the catalog */
#define HELD_MAX 256

static int no_room(struct mst_read *r)
{
	return mst_fail(&r->err, MST_E_BUSY, "out of memory for the settings of a device");
}

static struct look_row *row_of(struct look *look, const uint8_t setting[static 16])
{
	for (uint32_t i = 0; i < look->num_rows; i++)
		if (memcmp(look->rows[i].d.setting, setting, 16) == 0)
			return &look->rows[i];
	if (look->num_rows == look->index->num + ROWS_MORE)
		return NULL;
	look->rows[look->num_rows] = (struct look_row){.is_wanted = false};
	memcpy(look->rows[look->num_rows].d.setting, setting, 16);
	memcpy(look->rows[look->num_rows].d.device, look->id.device, 16);
	return &look->rows[look->num_rows++];
}

static int read_device(struct look *look, struct mst_read *r)
{
	struct mst_channel channel;
	int rc = mst_device_get(r, &look->device, &look->id);

	look->has_device = rc == 1;
	if (rc != 1 || look->device.state != MST_DEVICE_ENROLLED)
		return rc < 0 || rc == MST_LATER ? rc : 0;
	rc = mst_channel_get(r, &channel, &look->id, NULL);
	look->is_live = rc == 1 && mst_channel_is_live(&channel, &look->device);
	return rc < 0 || rc == MST_LATER ? rc : 0;
}

static int read_who(struct look *look, struct mst_read *r)
{
	uint8_t id[16];
	int rc = mst_detail_get(r, &look->detail, &look->id);

	look->has_detail = rc == 1;
	if (rc != 1)
		return rc;
	rc = mst_member_get(r, &look->member, &look->id);
	look->has_member = rc == 1;
	if (rc < 0 || rc == MST_LATER || look->detail.user.len == 0)
		return rc < 0 || rc == MST_LATER ? rc : 0;
	mst_object_id(id, MST_NOUN_USER, look->detail.user);
	rc = mst_object_get(r, &look->user, MST_NOUN_USER, id, NULL);
	look->has_user = rc == 1;
	return rc == 1 ? 0 : rc;
}

static int read_deliveries(struct look *look, struct mst_read *r)
{
	struct mst_walk w = {.r = NULL};
	struct mst_delivery d;
	struct look_row *row;
	int rc;

	while ((rc = mst_delivery_next(&w, r, &d, look->id.device)) == 1) {
		row = row_of(look, d.setting);
		if (!row || !mst_arena_copy(r->arena, &d.raw, d.raw) || !mst_arena_copy(r->arena, &d.uuid, d.uuid) ||
		    !mst_arena_copy(r->arena, &d.reason, d.reason)) {
			rc = no_room(r);
			break;
		}
		row->d = d;
		row->has_delivery = true;
	}
	mst_walk_done(&w);
	return rc;
}

/* Whether the command under way is still to be answered in this enrolment. */
static int read_command(struct look *look, struct mst_read *r, struct look_row *row)
{
	struct mst_command command;
	int rc;

	if (row->d.uuid.len == 0)
		return 0;
	rc = mst_command_get(r, &command, &look->id, row->d.uuid);
	row->is_open = rc == 1 && look->has_device && command.epoch == look->device.epoch && !mst_command_is_over(command.state);
	return rc == 1 ? 0 : rc;
}

static bool is_wanted(const struct look *look, const struct index_row *row)
{
	if (look->detail.is_retired || !look->has_member)
		return false;
	for (uint32_t i = 0; i < row->num_labels; i++)
		if (mst_member_has(&look->member, row->labels[i]))
			return true;
	return false;
}

static struct look_identity *identity_of(struct look *look, const uint8_t enrollment[static 16], const struct mst_object *setting)
{
	bool is_per_setting = !mst_render_keeps_certificates(&look->detail);
	struct look_identity *identity;

	for (uint32_t i = 0; i < look->num_identities; i++) {
		identity = &look->identities[i];
		if (memcmp(identity->enrollment.id, enrollment, 16) == 0 &&
		    (!is_per_setting || memcmp(identity->setting, setting->id, 16) == 0))
			return identity;
	}
	identity = &look->identities[look->num_identities];
	*identity = (struct look_identity){.is_asked = false, .has_key = true};
	memcpy(identity->enrollment.id, enrollment, 16);
	memcpy(identity->setting, setting->id, 16);
	memcpy(identity->setting_uuid, setting->uuid, 16);
	return identity;
}

static int read_uses(struct look *look, struct mst_read *r, struct look_row *row, const struct index_row *index)
{
	bool is_new, is_profile = row->way == MST_RENDER_APPLE && look->is_live;

	row->uses = mst_arena_get(r->arena, (index->num_uses + 1) * sizeof(struct look_identity *));
	if (!row->uses)
		return no_room(r);
	for (uint32_t i = 0; i < index->num_uses; i++) {
		struct look_identity *identity = identity_of(look, index->uses[i].id, row->object);
		int rc = 1;

		is_new = identity == &look->identities[look->num_identities];
		if (is_new)
			rc = mst_object_get(r, &identity->enrollment, MST_NOUN_ENROLLMENT, index->uses[i].id, NULL);
		if (rc == 0)
			continue; /* the catalog changes at this moment */
		if (rc != 1)
			return rc;
		look->num_identities += is_new;
		identity->is_used |= is_profile;
		identity->is_wanted |= is_profile || (row->way == MST_RENDER_CLIENT && index->is_early);
		row->uses[row->num_uses++] = identity;
	}
	return 0;
}

static int read_setting(struct look *look, struct mst_read *r, const struct index_row *index)
{
	struct mst_object *object = mst_arena_get(r->arena, sizeof *object);
	struct look_row *row = row_of(look, index->id);
	int rc;

	if (!object || !row)
		return no_room(r);
	rc = mst_object_get(r, object, MST_NOUN_SETTING, index->id, look->deliver->app->seal);
	if (rc != 1)
		return rc; /* 0: it is being deleted, and the catalog will say so */
	row->is_wanted = true;
	row->object = object;
	row->way = mst_render_way_of(object, &look->detail);
	return read_uses(look, r, row, index);
}

static int read_wanted(struct look *look, struct mst_read *r)
{
	uint32_t room = 0;
	int rc = 0;

	for (uint32_t i = 0; i < look->index->num; i++)
		if (is_wanted(look, &look->index->rows[i]))
			room += look->index->rows[i].num_uses;
	look->identities = mst_arena_get(r->arena, (room + 1) * sizeof *look->identities);
	if (!look->identities)
		return no_room(r);
	for (uint32_t i = 0; i < look->index->num && rc == 0; i++)
		if (is_wanted(look, &look->index->rows[i]))
			rc = read_setting(look, r, &look->index->rows[i]);
	return rc;
}

static int read_held(struct look *look, struct mst_read *r)
{
	struct mst_walk w = {.r = NULL};
	struct mst_held held;
	int rc;

	look->held = mst_arena_get(r->arena, HELD_MAX * sizeof *look->held);
	if (!look->held)
		return no_room(r);
	while ((rc = mst_held_next(&w, r, &held, mst_id_device_key(&look->id), mst_slice(NULL, 0), NULL)) == 1 &&
	       look->num_held < HELD_MAX)
		if (held.state != MST_HELD_REMOVED)
			memcpy(look->held[look->num_held++], held.enrollment, 16);
	mst_walk_done(&w);
	return rc < 0 || rc == MST_LATER ? rc : 0;
}

/* The last word to a retired device is said once in each enrolment. */
static int read_farewell(struct look *look, struct mst_read *r)
{
	struct mst_command command;
	struct mst_slice uuid;
	int rc;

	if (!look->detail.is_retired || !look->is_live)
		return 0;
	if (!mst_arena_format(r->arena, &uuid, "retire-%u", look->device.epoch))
		return no_room(r);
	rc = mst_command_get(r, &command, &look->id, uuid);
	look->has_farewell = rc == 1;
	return rc == 1 ? 0 : rc;
}

int mst_reconcile_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, read);
	int rc;

	look->num_rows = look->num_identities = look->num_held = 0;
	look->rows = mst_arena_get(r->arena, (look->index->num + ROWS_MORE) * sizeof *look->rows);
	if (!look->rows)
		return no_room(r);
	rc = read_who(look, r);
	if (rc == 0 && look->has_detail)
		rc = read_device(look, r);
	if (rc == 0 && look->has_detail)
		rc = read_deliveries(look, r);
	for (uint32_t i = 0; rc == 0 && i < look->num_rows; i++)
		rc = read_command(look, r, &look->rows[i]);
	if (rc == 0 && look->has_detail)
		rc = read_wanted(look, r);
	if (rc == 0 && look->has_detail)
		rc = read_held(look, r);
	return rc == 0 && look->has_detail ? read_farewell(look, r) : rc;
}
