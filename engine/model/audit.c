/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the audit trail. */
#include "muster/audit.h"

#include "muster/device.h"
#include "record.h"

#define VERSION 1

void mst_audit_add(struct mst_batch *b, const struct mst_audit *entry)
{
	uint8_t key[sizeof entry->key];
	struct mst_pack p;

	mst_record_key_u64(key, (uint64_t)entry->at_ms);
	mst_record_key_u64(key + 8, mst_sequence());
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_bytes(&p, entry->who);
	mst_pack_bytes(&p, entry->action);
	mst_pack_bytes(&p, entry->what);
	mst_pack_bytes(&p, entry->detail);
	mst_record_put(b, MST_SPACE_AUDIT, mst_slice(key, sizeof key), &p);
}

int mst_audit_next(struct mst_walk *w, struct mst_read *r, struct mst_audit *out, int64_t from_ms, struct mst_slice after)
{
	struct mst_slice key, value, from = after;
	uint8_t first[sizeof out->key] = {0};
	struct mst_unpack u;
	int rc;

	mst_record_key_u64(first, (uint64_t)from_ms);
	if (after.len == 0)
		from = mst_slice(first, sizeof first);
	if (!w->r && (!mst_arena_copy(r->arena, &from, from) || mst_walk_init(w, r, MST_SPACE_AUDIT, mst_slice(NULL, 0), from) < 0))
		return -1;
	do
		rc = mst_record_next(w, &key, &value);
	while (rc == 1 && after.len && mst_slice_eq(key, after));
	if (rc != 1)
		return rc;
	if (key.len != sizeof out->key)
		return mst_fail(&r->err, MST_E_STORE, "the key of an audit entry has %zu bytes", key.len);
	*out = (struct mst_audit){.at_ms = (int64_t)mst_record_u64_of(key.at)};
	memcpy(out->key, key.at, sizeof out->key);
	mst_unpack_begin(&u, value, VERSION);
	out->who = mst_unpack_bytes(&u);
	out->action = mst_unpack_bytes(&u);
	out->what = mst_unpack_bytes(&u);
	out->detail = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "audit", &r->err) < 0 ? -1 : 1;
}

void mst_audit_drop(struct mst_batch *b, const struct mst_audit *entry)
{
	mst_batch_drop(b, MST_SPACE_AUDIT, mst_slice(entry->key, sizeof entry->key));
}
