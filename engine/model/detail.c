/* SPDX-License-Identifier: Apache-2.0 */
/* The detail of a device, and the index that finds a device by its enrolment-specific id. */
#include "muster/detail.h"

#include "muster/crypt.h"
#include "muster/object.h"
#include "record.h"

#define VERSION 1
#define EID_LEN 32
#define OWNED_LEN (16 + 16) /* user, device */

static const char *const mode_words[MST_NUM_DEVICE_MODES] = {
#define X(name, word) [MST_MODE_##name] = word,
	MST_DEVICE_MODES(X)
#undef X
};

const char *mst_device_mode_word(enum mst_device_mode mode)
{
	return mode_words[mode];
}

static int decode(struct mst_detail *out, struct mst_slice key, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	*out = (struct mst_detail){.raw = value};
	if (key.len != sizeof out->id.device)
		return mst_fail(e, MST_E_STORE, "the key of a detail record has %zu bytes", key.len);
	memcpy(out->id.device, key.at, key.len);
	mst_unpack_begin(&u, value, VERSION);
#define X(member, name) out->member = mst_unpack_bytes(&u);
	MST_DETAIL_TEXTS(X)
#undef X
	out->mode = (enum mst_device_mode)mst_unpack_max(&u, MST_NUM_DEVICE_MODES - 1);
	out->is_retired = mst_unpack_bool(&u);
	out->is_knox = mst_unpack_bool(&u);
	out->has_client = mst_unpack_bool(&u);
	out->is_mutual = mst_unpack_bool(&u);
	mst_unpack_fixed(&u, out->client_key_sha256, sizeof out->client_key_sha256);
	out->registered_ms = mst_unpack_i64(&u);
	out->reported_ms = mst_unpack_i64(&u);
	return mst_unpack_end(&u, "detail", e);
}

int mst_detail_get(struct mst_read *r, struct mst_detail *out, const struct mst_id *id)
{
	struct mst_slice value;
	int rc = mst_read_get(r, &value, MST_SPACE_DETAIL, mst_id_device_key(id));

	if (rc != 1)
		return rc;
	return decode(out, mst_id_device_key(id), value, &r->err) < 0 ? -1 : 1;
}

int mst_detail_next(struct mst_walk *w, struct mst_read *r, struct mst_detail *out, struct mst_slice from)
{
	struct mst_slice key, value;

	if (!w->r && mst_walk_init(w, r, MST_SPACE_DETAIL, mst_slice(NULL, 0), from) < 0)
		return -1;
	int rc = mst_record_next(w, &key, &value);
	if (rc != 1)
		return rc;
	return decode(out, key, value, &r->err) < 0 ? -1 : 1;
}

/* Each part with its length before it: no two triples give the same bytes. */
static void eid_key(uint8_t out[static EID_LEN], struct mst_slice tenant, struct mst_slice managing_app,
		    struct mst_slice enrollment_id)
{
	const struct mst_slice parts[] = {tenant, managing_app, enrollment_id};
	uint8_t hashes[sizeof(parts) / sizeof(parts[0])][32];

	for (size_t i = 0; i < MST_LEN(parts); i++)
		mst_sha256(hashes[i], parts[i]);
	mst_sha256(out, mst_slice(hashes, sizeof hashes));
}

static void eid_key_of(uint8_t out[static EID_LEN], const struct mst_detail *d)
{
	eid_key(out, d->tenant, d->managing_app, d->enrollment_id);
}

/* A retired device gives its id free. */
static bool has_eid(const struct mst_detail *d)
{
	return d && d->enrollment_id.len && !d->is_retired;
}

/* Devices of a user are found by him. */
static void owned_put(struct mst_batch *b, const struct mst_detail *d, struct mst_slice user, bool drops)
{
	uint8_t key[OWNED_LEN];

	if (user.len == 0 || user.len > MST_OBJECT_NAME_MAX)
		return;
	mst_object_id(key, MST_NOUN_USER, user);
	memcpy(key + 16, d->id.device, sizeof d->id.device);
	if (drops)
		mst_batch_drop(b, MST_SPACE_OWNED, mst_slice(key, sizeof key));
	else
		mst_batch_put(b, MST_SPACE_OWNED, mst_slice(key, sizeof key), mst_slice("", 0));
}

int mst_owned_next(struct mst_walk *w, struct mst_read *r, struct mst_id *out, const uint8_t user[static 16], struct mst_slice from)
{
	struct mst_slice own;
	int rc;

	if (!w->r && (!mst_arena_copy(r->arena, &own, mst_slice(user, 16)) || mst_walk_init(w, r, MST_SPACE_OWNED, own, from) < 0))
		return -1;
	rc = mst_walk_next(w);
	if (rc != 1)
		return rc;
	if (w->key.len != OWNED_LEN)
		return mst_fail(&r->err, MST_E_STORE, "the key of a user's device has %zu bytes", w->key.len);
	*out = (struct mst_id){.channel = {0}};
	memcpy(out->device, w->key.at + 16, sizeof out->device);
	return 1;
}

void mst_detail_put(struct mst_batch *b, const struct mst_detail *d, const struct mst_detail *older)
{
	uint8_t now[EID_LEN], before[EID_LEN];
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
#define X(member, name) mst_pack_bytes(&p, d->member);
	MST_DETAIL_TEXTS(X)
#undef X
	mst_pack_u64(&p, d->mode);
	mst_pack_bool(&p, d->is_retired);
	mst_pack_bool(&p, d->is_knox);
	mst_pack_bool(&p, d->has_client);
	mst_pack_bool(&p, d->is_mutual);
	mst_pack_fixed(&p, d->client_key_sha256, sizeof d->client_key_sha256);
	mst_pack_i64(&p, d->registered_ms);
	mst_pack_i64(&p, d->reported_ms);
	mst_record_require(b, MST_SPACE_DETAIL, mst_id_device_key(&d->id), d->raw);
	mst_record_put(b, MST_SPACE_DETAIL, mst_id_device_key(&d->id), &p);
	if (older && !mst_slice_eq(older->user, d->user))
		owned_put(b, d, older->user, true);
	if (!older || !mst_slice_eq(older->user, d->user))
		owned_put(b, d, d->user, false);
	if (has_eid(d))
		eid_key_of(now, d);
	if (has_eid(older))
		eid_key_of(before, older);
	if (has_eid(older) && (!has_eid(d) || memcmp(now, before, sizeof now) != 0))
		mst_batch_drop(b, MST_SPACE_EID, mst_slice(before, sizeof before));
	if (has_eid(d) && (!has_eid(older) || memcmp(now, before, sizeof now) != 0))
		mst_batch_put(b, MST_SPACE_EID, mst_slice(now, sizeof now), mst_id_device_key(&d->id));
}

int mst_detail_by_eid(struct mst_read *r, struct mst_id *out, struct mst_slice tenant, struct mst_slice managing_app,
		      struct mst_slice enrollment_id)
{
	uint8_t key[EID_LEN];
	struct mst_slice value;
	int rc;

	eid_key(key, tenant, managing_app, enrollment_id);
	rc = mst_read_get(r, &value, MST_SPACE_EID, mst_slice(key, sizeof key));
	if (rc != 1)
		return rc;
	if (value.len != sizeof out->device)
		return mst_fail(&r->err, MST_E_STORE, "a record of an enrolment-specific id has %zu bytes", value.len);
	*out = (struct mst_id){.channel = {0}};
	memcpy(out->device, value.at, value.len);
	return 1;
}
