/* SPDX-License-Identifier: Apache-2.0 */
/* The device's record. */
#include "muster/device.h"

#include "record.h"

#define VERSION 1

static const char *const state_words[MST_NUM_DEVICE_STATES] = {
#define X(name, word) [MST_DEVICE_##name] = word,
	MST_DEVICE_STATES(X)
#undef X
};

const char *mst_device_state_word(enum mst_device_state state)
{
	return state_words[state];
}

int mst_device_state_from(enum mst_device_state *out, struct mst_slice word, struct mst_err *e)
{
	for (size_t i = 0; i < MST_NUM_DEVICE_STATES; i++) {
		if (!mst_slice_eq(word, mst_slice_str(state_words[i])))
			continue;
		*out = (enum mst_device_state)i;
		return 0;
	}
	return mst_fail(e, MST_E_SYNTAX, "a device's state is authenticated, enrolled or checked-out");
}

int mst_device_decode(struct mst_device *out, struct mst_slice key, struct mst_slice value, struct mst_err *e)
{
	struct mst_slice *const texts[] = {&out->text,    &out->topic, &out->serial,     &out->os_version,
					   &out->build,   &out->product, &out->model,    &out->model_name,
					   &out->device_name, &out->imei, &out->meid};
	struct mst_unpack u;

	*out = (struct mst_device){.raw = value};
	if (key.len != sizeof out->id.device)
		return mst_fail(e, MST_E_STORE, "the key of a device record has %zu bytes", key.len);
	memcpy(out->id.device, key.at, key.len);
	mst_unpack_begin(&u, value, VERSION);
	out->is_user_enrollment = mst_unpack_bool(&u);
	out->state = (enum mst_device_state)mst_unpack_max(&u, MST_NUM_DEVICE_STATES - 1);
	out->epoch = mst_unpack_u32(&u);
	out->num_token_updates = mst_unpack_u32(&u);
	mst_unpack_fixed(&u, out->sha256, sizeof out->sha256);
	mst_unpack_fixed(&u, out->ca, sizeof out->ca);
	mst_unpack_fixed(&u, out->subject, sizeof out->subject);
	out->enrolled_ms = mst_unpack_i64(&u);
	out->updated_ms = mst_unpack_i64(&u);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		*texts[i] = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "device", e);
}

int mst_device_get(struct mst_read *r, struct mst_device *out, const struct mst_id *id)
{
	struct mst_slice value;
	int rc = mst_read_get(r, &value, MST_SPACE_DEVICE, mst_id_device_key(id));

	if (rc != 1)
		return rc;
	return mst_device_decode(out, mst_id_device_key(id), value, &r->err) < 0 ? -1 : 1;
}

void mst_device_put(struct mst_batch *b, const struct mst_device *d)
{
	const struct mst_slice texts[] = {d->text,  d->topic,      d->serial,      d->os_version, d->build, d->product,
					  d->model, d->model_name, d->device_name, d->imei,       d->meid};
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_bool(&p, d->is_user_enrollment);
	mst_pack_u64(&p, d->state);
	mst_pack_u64(&p, d->epoch);
	mst_pack_u64(&p, d->num_token_updates);
	mst_pack_fixed(&p, d->sha256, sizeof d->sha256);
	mst_pack_fixed(&p, d->ca, sizeof d->ca);
	mst_pack_fixed(&p, d->subject, sizeof d->subject);
	mst_pack_i64(&p, d->enrolled_ms);
	mst_pack_i64(&p, d->updated_ms);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		mst_pack_bytes(&p, texts[i]);
	mst_record_require(b, MST_SPACE_DEVICE, mst_id_device_key(&d->id), d->raw);
	mst_record_put(b, MST_SPACE_DEVICE, mst_id_device_key(&d->id), &p);
}
