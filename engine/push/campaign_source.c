/* SPDX-License-Identifier: Apache-2.0 */
/* Where a campaign's devices come from: a row for each kind of source. Gone through in an order that stays the same. */
#include "campaign_own.h"

/* One of the ids that were named. */
static int list_next(struct campaign_pass *p, struct campaign_target *out)
{
	struct campaign_cursor *at = &p->cursor;
	size_t in_chunk = at->index % CAMPAIGN_CHUNK_IDS;
	struct mst_id device;
	int rc;

	if (at->index >= p->what->num_ids)
		return 0;
	if (!p->chunk.at || in_chunk == 0) {
		rc = mst_campaign_ids_get(p->r, &p->chunk, p->what->number, (uint32_t)(at->index / CAMPAIGN_CHUNK_IDS));
		if (rc == 0)
			return mst_fail(&p->r->err, MST_E_STORE, "a part of a campaign's list is missing");
		if (rc != 1)
			return rc;
	}
	if ((in_chunk + 1) * sizeof(out->id) > p->chunk.len)
		return mst_fail(&p->r->err, MST_E_STORE, "a part of a campaign's list is short");
	memcpy(&out->id, p->chunk.at + in_chunk * sizeof(out->id), sizeof(out->id));
	device = out->id;
	memset(device.channel, 0, sizeof(device.channel));
	rc = mst_device_get(p->r, &out->device, &device);
	if (rc == 1 && !mst_id_is_device(&out->id))
		rc = mst_read_has(p->r, MST_SPACE_CHANNEL, mst_id_key(&out->id));
	if (rc < 0 || rc == MST_LATER)
		return rc;
	out->is_known = rc == 1;
	out->is_target = true;
	at->index++;
	return 1;
}

/* The first key behind a device is its key with a zero byte more. */
static int walk_begin(struct campaign_pass *p)
{
	uint8_t from[sizeof(p->cursor.device) + 1] = {0};

	memcpy(from, p->cursor.device, sizeof(p->cursor.device));
	return mst_walk_init(&p->walk, p->r, MST_SPACE_DEVICE, mst_slice(NULL, 0),
			     mst_slice(from, p->cursor.is_begun ? sizeof(from) : 0));
}

/* Every device there is. */
static int all_next(struct campaign_pass *p, struct campaign_target *out)
{
	struct mst_slice key, value;
	int rc;

	if (!p->walk.r && walk_begin(p) < 0)
		return -1;
	rc = mst_walk_next(&p->walk);
	if (rc != 1)
		return rc;
	if (!mst_arena_copy(p->r->arena, &key, p->walk.key) || !mst_arena_copy(p->r->arena, &value, p->walk.value))
		return mst_fail(&p->r->err, MST_E_BUSY, "no memory for a device's record");
	if (mst_device_decode(&out->device, key, value, &p->r->err) < 0)
		return -1;
	out->id = out->device.id;
	out->is_known = out->is_target = true;
	memcpy(p->cursor.device, key.at, sizeof(p->cursor.device));
	p->cursor.is_begun = true;
	return 1;
}

/* The model as operators know it: iPhone14,2 or iPhone 13 Pro or MLTQ3. */
static bool is_model(const struct mst_device *d, struct mst_slice begins)
{
	return mst_slice_case_starts(d->product, begins) || mst_slice_case_starts(d->model_name, begins) ||
	       mst_slice_case_starts(d->model, begins);
}

static int filter_next(struct campaign_pass *p, struct campaign_target *out)
{
	const struct campaign_record *what = p->what;
	int rc = all_next(p, out);

	if (rc != 1 || p->is_wide)
		return rc;
	out->is_target = is_model(&out->device, what->model) && mst_slice_starts(out->device.os_version, what->os_version) &&
			 (what->topic.len == 0 || mst_slice_eq(out->device.topic, what->topic));
	return 1;
}

static int (*const rows[NUM_CAMPAIGN_SOURCES])(struct campaign_pass *p, struct campaign_target *out) = {
	[CAMPAIGN_LIST] = list_next,
	[CAMPAIGN_ALL] = all_next,
	[CAMPAIGN_FILTER] = filter_next,
};

int mst_campaign_source_next(struct campaign_pass *p, struct campaign_target *out)
{
	return rows[p->what->source](p, out);
}

void mst_campaign_source_done(struct campaign_pass *p)
{
	mst_walk_done(&p->walk);
}
