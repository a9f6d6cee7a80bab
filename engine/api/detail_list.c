/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/devices with filters over details: by label or user along their indexes, otherwise over all details. */
#include "detail_own.h"
#include "muster/text.h"

#define DEVICE_KEY 16

struct source {
	struct mst_walk walk;
	uint8_t prefix[16];
	uint8_t from[16 + DEVICE_KEY + 1];
	struct mst_slice start;
};

/* 0, -1. A cursor is the device told last. */
static int source_begin(struct source *s, struct api_query *q)
{
	bool has_prefix = q->label.len || q->user.len;
	uint8_t *device = s->from + (has_prefix ? sizeof s->prefix : 0);

	*s = (struct source){.walk = {.r = NULL}};
	if (has_prefix)
		mst_object_id(s->prefix, q->label.len ? MST_NOUN_LABEL : MST_NOUN_USER, q->label.len ? q->label : q->user);
	memcpy(s->from, s->prefix, sizeof s->prefix);
	if (q->cursor.len == 0)
		return 0;
	if (mst_hex_get(device, DEVICE_KEY, q->cursor, NULL) < 0)
		return mst_fail(&q->read.err, MST_E_SYNTAX, "the cursor is not one of ours");
	device[DEVICE_KEY] = 0;
	s->start = mst_slice(s->from, (size_t)(device - s->from) + DEVICE_KEY + 1);
	return 0;
}

static int source_next(struct source *s, struct api_query *q, struct mst_detail *out)
{
	struct mst_id id;
	int rc;

	if (!q->label.len && !q->user.len)
		return mst_detail_next(&s->walk, &q->read, out, s->start);
	rc = q->label.len ? mst_labeled_next(&s->walk, &q->read, &id, s->prefix, s->start)
			  : mst_owned_next(&s->walk, &q->read, &id, s->prefix, s->start);
	if (rc != 1)
		return rc;
	rc = mst_detail_get(&q->read, out, &id);
	if (rc == 0)
		*out = (struct mst_detail){.id = id};
	return rc < 0 ? -1 : 1;
}

/* The label is the walk's. */
static bool is_wanted(const struct api_query *q, const struct mst_detail *d)
{
	return (!q->user.len || mst_slice_eq(q->user, d->user)) && (!q->platform.len || mst_slice_case_eq(q->platform, d->platform)) &&
	       (!q->enrollment_id.len || mst_slice_eq(q->enrollment_id, d->enrollment_id));
}

/* -1, 0 it is not wanted, 1. */
static int tell(struct api_query *q, const struct mst_detail *detail)
{
	struct mst_device d;
	int rc = mst_device_get(&q->read, &d, &detail->id);

	if (rc < 0)
		return -1;
	if (rc == 1 && !mst_device_is_wanted(q, &d))
		return 0;
	if (rc == 0 && (q->state || q->type || q->name.len || !mst_slice_case_starts(detail->serial, q->serial)))
		return 0;
	mst_json_open(&q->json, NULL);
	if (rc == 1 && mst_record_device(&q->json, &q->read, &d) < 0)
		return -1;
	if (rc == 0)
		mst_json_text(&q->json, "id", detail->text);
	mst_detail_tell(&q->json, detail);
	mst_json_close(&q->json);
	return 1;
}

static int page(struct api_query *q, struct source *s, bool *is_more, uint8_t last[static DEVICE_KEY])
{
	struct mst_detail d;
	uint64_t num = 0;
	int rc;

	for (uint32_t scanned = 0; num < q->limit && scanned < API_SCAN_MAX; scanned++) {
		rc = source_next(s, q, &d);
		if (rc != 1) {
			*is_more = false;
			return rc;
		}
		memcpy(last, d.id.device, DEVICE_KEY);
		rc = is_wanted(q, &d) ? tell(q, &d) : 0;
		if (rc < 0)
			return -1;
		num += (uint64_t)rc;
	}
	*is_more = true;
	return 0;
}

int mst_detail_list_plan(struct mst_read *r)
{
	struct api_query *q = mst_query_of(r);
	uint8_t last[DEVICE_KEY];
	struct source s;
	bool is_more = false;
	int rc;

	mst_json_begin(&q->json, r->arena);
	mst_json_open(&q->json, NULL);
	mst_json_open_array(&q->json, "devices");
	if (source_begin(&s, q) < 0)
		return -1;
	rc = page(q, &s, &is_more, last);
	mst_walk_done(&s.walk);
	if (rc < 0)
		return rc;
	mst_json_close(&q->json);
	if (is_more)
		mst_json_hex(&q->json, "next", mst_slice(last, sizeof last));
	else
		mst_json_null(&q->json, "next");
	mst_json_close(&q->json);
	return mst_query_done(q);
}

int mst_detail_list_filters(struct api_query *q, bool *has_some)
{
	struct mst_xchg *x = q->x;
	const struct {
		const char *key;
		struct mst_slice *to;
	} rows[] = {{"user", &q->user}, {"platform", &q->platform}, {"enrollment_id", &q->enrollment_id}, {"label", &q->label}};

	*has_some = false;
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		if (!mst_xchg_query(x, rows[i].to, mst_slice_str(rows[i].key)) || rows[i].to->len == 0) {
			*rows[i].to = mst_slice(NULL, 0);
			continue;
		}
		*has_some = true;
		if (rows[i].to->len > MST_OBJECT_NAME_MAX)
			return mst_fail(&x->err, MST_E_SYNTAX, "%s: longer than %d bytes", rows[i].key, MST_OBJECT_NAME_MAX);
	}
	return 0;
}
