/* SPDX-License-Identifier: Apache-2.0 */
/* What a device answered to a command of ours: the setting's row, and the identities that it has now. Any loop. */
#include <inttypes.h>
#include <stdio.h>

#include "deliver_own.h"
#include "muster/text.h"

#define USES_MAX 64

static const char *const prefixes[] = {"set-", "unset-"};

int64_t mst_deliver_back_off(uint32_t num_failed)
{
	int64_t ms = DELIVER_BACK_OFF_MS;

	for (uint32_t i = 1; i < num_failed && ms < DELIVER_BACK_OFF_MAX; i++)
		ms *= 2;
	return ms < DELIVER_BACK_OFF_MAX ? ms : DELIVER_BACK_OFF_MAX;
}

void mst_deliver_uuid_put(char out[static DELIVER_UUID_ROOM], bool is_removal, const uint8_t setting_uuid[static 16], uint64_t version)
{
	uint8_t nonce[4];
	char hex[33], tail[9];

	mst_random(nonce, sizeof nonce);
	mst_hex_put(hex, mst_slice(setting_uuid, 16));
	mst_hex_put(tail, mst_slice(nonce, sizeof nonce));
	hex[32] = tail[8] = 0;
	snprintf(out, DELIVER_UUID_ROOM, "%s%s-%" PRIu64 "-%s", prefixes[is_removal], hex, version, tail);
}

bool mst_deliver_uuid_of(uint8_t out[static 16], bool *is_removal, struct mst_slice uuid)
{
	for (size_t i = 0; i < MST_LEN(prefixes); i++) {
		size_t len = strlen(prefixes[i]);
		struct mst_err e;

		*is_removal = i == 1;
		if (mst_slice_starts(uuid, mst_slice_str(prefixes[i])) && uuid.len > len + 32)
			return mst_hex_get(out, 16, mst_slice(uuid.at + len, 32), &e) == 0;
	}
	return false;
}

struct report {
	struct mst_delivery d;
	bool is_removal;
	struct mst_held *held; /* what the profile brought */
	uint32_t num_held;
	bool *stores;
};

static int find(struct mst_read *r, struct report *report, const struct mst_id *id, struct mst_slice uuid)
{
	struct mst_walk w = {.r = NULL};
	struct mst_slice device;
	int rc;

	if (!mst_arena_copy(r->arena, &device, mst_id_device_key(id)))
		return mst_fail(&r->err, MST_E_BUSY, "out of memory for a report");
	while ((rc = mst_delivery_next(&w, r, &report->d, device.at)) == 1)
		if (mst_slice_eq(report->d.uuid, uuid))
			break;
	if (rc == 1 && (!mst_arena_copy(r->arena, &report->d.raw, report->d.raw) ||
			!mst_arena_copy(r->arena, &report->d.uuid, report->d.uuid) ||
			!mst_arena_copy(r->arena, &report->d.reason, report->d.reason)))
		rc = mst_fail(&r->err, MST_E_BUSY, "out of memory for a report");
	mst_walk_done(&w);
	return rc;
}

static int find_held(struct mst_read *r, struct report *report, const struct mst_app *app, const uint8_t enrollment[static 16],
		     bool is_shared)
{
	static const uint8_t none[16];
	struct mst_held *held = &report->held[report->num_held];
	struct mst_object *o = mst_arena_get(r->arena, sizeof *o);
	int rc = mst_held_get(r, held, report->d.device, enrollment, none, app->seal);

	if (rc == 0)
		rc = mst_held_get(r, held, report->d.device, enrollment, report->d.setting, app->seal);
	if (rc != 1)
		return rc;
	if (!o)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory for a report");
	rc = mst_object_get(r, o, MST_NOUN_ENROLLMENT, enrollment, NULL);
	report->stores[report->num_held++] = is_shared;
	for (uint32_t i = 0; rc == 1 && i < o->shape->num_fields; i++)
		if (strcmp(o->shape->fields[i].name, "stores_keys") == 0 && o->values[i].number)
			report->stores[report->num_held - 1] = true;
	return rc == 1 ? 0 : rc;
}

/* Whether another setting still waits for a profile: it may want the same identity. */
static int is_shared(struct mst_read *r, bool *out, const struct mst_delivery *d)
{
	struct mst_walk w = {.r = NULL};
	struct mst_delivery other;
	int rc;

	*out = false;
	while ((rc = mst_delivery_next(&w, r, &other, d->device)) == 1)
		*out |= memcmp(other.setting, d->setting, 16) != 0 && other.state <= MST_DELIVERY_SENT;
	mst_walk_done(&w);
	return rc;
}

static int find_all_held(struct mst_read *r, struct report *report, const struct mst_app *app)
{
	const struct mst_catalog_setting *s = app->catalog ? mst_catalog_setting0(app->catalog, report->d.setting) : NULL;
	bool shared;
	int rc = is_shared(r, &shared, &report->d);

	if (rc != 0 || !s)
		return rc;
	report->held = mst_arena_get(r->arena, USES_MAX * sizeof *report->held);
	report->stores = mst_arena_get(r->arena, USES_MAX * sizeof *report->stores);
	if (!report->held || !report->stores)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory for a report");
	for (uint32_t i = 0; i < s->num_enrollments && report->num_held < USES_MAX && rc == 0; i++)
		rc = find_held(r, report, app, app->catalog->enrollments[s->enrollments[i]].id, shared);
	return rc;
}

static int look(struct mst_read *r, void **out, struct mst_app *app, const struct mst_id *id, struct mst_slice uuid)
{
	struct report *report;
	uint8_t setting[16];
	bool is_removal;
	int rc;

	*out = NULL;
	if (!mst_deliver_uuid_of(setting, &is_removal, uuid))
		return 0;
	report = mst_arena_zero(r->arena, sizeof *report);
	if (!report)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory for a report");
	report->is_removal = is_removal;
	rc = find(r, report, id, uuid);
	if (rc == 1 && !is_removal) {
		rc = find_all_held(r, report, app);
		rc = rc == 0 ? 1 : rc;
	}
	if (rc == 1)
		*out = report;
	return rc;
}

static int put(struct mst_batch *b, struct mst_app *app, void *of, bool is_done, struct mst_slice reason, int64_t now_ms,
	       struct mst_err *e)
{
	struct report *report = of;
	struct mst_delivery d = report->d;

	(void)e;
	d.changed_ms = now_ms;
	d.reason = is_done ? mst_slice(NULL, 0) : reason;
	d.num_failed = is_done ? 0 : d.num_failed + 1;
	d.due_ms = is_done ? 0 : now_ms + mst_deliver_back_off(d.num_failed);
	if (report->is_removal) {
		d.state = is_done ? MST_DELIVERY_REMOVED : MST_DELIVERY_REMOVING;
	} else {
		d.state = is_done ? MST_DELIVERY_APPLIED : MST_DELIVERY_FAILED;
		d.applied = is_done ? d.sent : d.applied;
	}
	mst_delivery_put(b, &d);
	for (uint32_t i = 0; is_done && i < report->num_held; i++)
		mst_identity_delivered(b, &report->held[i], report->stores[i], app->seal, now_ms);
	return 0;
}

const struct mst_reports mst_deliver_reports = {look, put, mst_deliver_device};
