/* SPDX-License-Identifier: Apache-2.0 */
/* Objects and their revisions in the store. Values are kept by the field's name: a table may gain and lose rows. */
#include "object_own.h"
#include "record.h"

#define VERSION          1
#define REVISION_VERSION 1
#define REVISION_KEY_LEN (OBJECT_KEY_LEN + 8)
#define PLACE_ROOM       (OBJECT_KEY_LEN + 64)

/* A secret is bound to noun, id and field. */
static struct mst_slice place_of(uint8_t place[static PLACE_ROOM], const struct mst_object *o, const struct mst_shape_row *field)
{
	size_t len = strlen(field->name);

	BUG_ON(len > PLACE_ROOM - OBJECT_KEY_LEN);
	mst_object_key(place, o->noun, o->id);
	memcpy(place + OBJECT_KEY_LEN, field->name, len);
	return mst_slice(place, OBJECT_KEY_LEN + len);
}

static const struct mst_shape_row *field_find(const struct mst_shape *shape, struct mst_slice name, uint32_t *at)
{
	for (*at = 0; *at < shape->num_fields; ++*at)
		if (mst_slice_eq(mst_slice_str(shape->fields[*at].name), name))
			return &shape->fields[*at];
	return NULL;
}

static int value_unpack(struct mst_value *out, struct mst_unpack *u, struct mst_arena *arena)
{
	struct mst_pair *pairs;

	*out = (struct mst_value){.is_set = true};
	out->number = mst_unpack_i64(u);
	out->text = mst_unpack_bytes(u);
	out->sealed = mst_unpack_bytes(u);
	out->num_pairs = (uint32_t)mst_unpack_max(u, 65536);
	if (out->num_pairs == 0)
		return 0;
	pairs = mst_arena_get(arena, out->num_pairs * sizeof(*pairs));
	if (!pairs)
		return -1;
	for (uint32_t i = 0; i < out->num_pairs; i++) {
		pairs[i].key = mst_unpack_bytes(u);
		pairs[i].value = mst_unpack_bytes(u);
	}
	out->pairs = pairs;
	return 0;
}

static void value_pack(struct mst_pack *p, const struct mst_value *value, struct mst_slice sealed)
{
	mst_pack_i64(p, value->number);
	mst_pack_bytes(p, sealed.len ? mst_slice(NULL, 0) : value->text);
	mst_pack_bytes(p, sealed);
	mst_pack_u64(p, value->num_pairs);
	for (uint32_t i = 0; i < value->num_pairs; i++) {
		mst_pack_bytes(p, value->pairs[i].key);
		mst_pack_bytes(p, value->pairs[i].value);
	}
}

static int secret_open(struct mst_object *o, uint32_t at, struct mst_read *r, const struct mst_seal *seal)
{
	struct mst_value *value = &o->values[at];
	uint8_t place[PLACE_ROOM];

	if (!seal || value->sealed.len == 0)
		return 0;
	o->is_old |= mst_seal_is_old(seal, value->sealed);
	return mst_seal_open(&value->text, r->arena, seal, place_of(place, o, &o->shape->fields[at]), value->sealed, &r->err);
}

static int values_unpack(struct mst_object *o, struct mst_unpack *u, struct mst_read *r, const struct mst_seal *seal)
{
	uint64_t num = mst_unpack_max(u, 1024);

	for (uint64_t i = 0; i < num && !u->is_bad; i++) {
		struct mst_slice name = mst_unpack_bytes(u);
		struct mst_value value;
		uint32_t at;

		if (value_unpack(&value, u, r->arena) < 0)
			return mst_fail(&r->err, MST_E_BUSY, "an object does not fit the memory of this request");
		const struct mst_shape_row *field = field_find(o->shape, name, &at);
		if (!field)
			continue; /* a row that is no more */
		o->values[at] = value;
		if (field->kind == MST_FIELD_SECRET && secret_open(o, at, r, seal) < 0)
			return -1;
	}
	return 0;
}

static int decode(struct mst_read *r, struct mst_object *out, struct mst_slice key, struct mst_slice value, const struct mst_seal *seal)
{
	struct mst_slice type;
	struct mst_unpack u;

	*out = (struct mst_object){.raw = value};
	if (key.len != OBJECT_KEY_LEN || key.at[0] >= MST_NUM_NOUNS)
		return mst_fail(&r->err, MST_E_STORE, "the key of an object has %zu bytes", key.len);
	out->noun = (enum mst_noun)key.at[0];
	memcpy(out->id, key.at + 1, sizeof out->id);
	mst_unpack_begin(&u, value, VERSION);
	out->name = mst_unpack_bytes(&u);
	type = mst_unpack_bytes(&u);
	mst_unpack_fixed(&u, out->uuid, sizeof out->uuid);
	out->version = mst_unpack_u64(&u);
	out->created_ms = mst_unpack_i64(&u);
	out->changed_ms = mst_unpack_i64(&u);
	out->changed_by = mst_unpack_bytes(&u);
	out->shape = u.is_bad ? NULL : mst_shape_find(out->noun, type);
	if (!out->shape)
		return mst_fail(&r->err, MST_E_STORE, "an object of an unknown type");
	if (values_unpack(out, &u, r, seal) < 0 || mst_unpack_end(&u, "object", &r->err) < 0)
		return -1;
	return mst_object_fallback(out, r->arena, &r->err) < 0 ? -1 : 1;
}

int mst_object_get(struct mst_read *r, struct mst_object *out, enum mst_noun noun, const uint8_t id[static 16],
		   const struct mst_seal *seal)
{
	uint8_t key[OBJECT_KEY_LEN];
	struct mst_slice value, at = mst_slice(key, sizeof key);
	int rc;

	mst_object_key(key, noun, id);
	rc = mst_read_get(r, &value, MST_SPACE_OBJECT, at);
	return rc == 1 ? decode(r, out, at, value, seal) : rc;
}

int mst_object_next(struct mst_walk *w, struct mst_read *r, struct mst_object *out, enum mst_noun noun, struct mst_slice from,
		    const struct mst_seal *seal)
{
	static const uint8_t prefixes[MST_NUM_NOUNS] = {0, 1, 2, 3};
	struct mst_slice key, value;
	int rc;

	if (!w->r && mst_walk_init(w, r, MST_SPACE_OBJECT, mst_slice(&prefixes[noun], 1), from) < 0)
		return -1;
	rc = mst_record_next(w, &key, &value);
	return rc == 1 ? decode(r, out, key, value, seal) : rc;
}

static int sealed_of(struct mst_slice *out, struct mst_batch *b, const struct mst_object *o, uint32_t at, const struct mst_seal *seal,
		     struct mst_err *e)
{
	const struct mst_value *value = &o->values[at];
	uint8_t place[PLACE_ROOM];

	*out = value->sealed;
	if (o->shape->fields[at].kind != MST_FIELD_SECRET || value->text.len == 0)
		return 0;
	BUG_ON(!seal);
	return mst_seal_close(out, b->arena, seal, place_of(place, o, &o->shape->fields[at]), value->text, e);
}

int mst_object_put(struct mst_batch *b, const struct mst_object *o, const struct mst_seal *seal, struct mst_err *e)
{
	uint8_t key[OBJECT_KEY_LEN];
	struct mst_slice sealed;
	struct mst_pack p;
	uint64_t num = 0;

	mst_object_key(key, o->noun, o->id);
	for (uint32_t i = 0; i < o->shape->num_fields; i++)
		num += o->values[i].is_set;
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_bytes(&p, o->name);
	mst_pack_bytes(&p, mst_slice_str(o->shape->type));
	mst_pack_fixed(&p, o->uuid, sizeof o->uuid);
	mst_pack_u64(&p, o->version);
	mst_pack_i64(&p, o->created_ms);
	mst_pack_i64(&p, o->changed_ms);
	mst_pack_bytes(&p, o->changed_by);
	mst_pack_u64(&p, num);
	for (uint32_t i = 0; i < o->shape->num_fields; i++) {
		if (!o->values[i].is_set)
			continue;
		if (sealed_of(&sealed, b, o, i, seal, e) < 0)
			return -1;
		mst_pack_bytes(&p, mst_slice_str(o->shape->fields[i].name));
		value_pack(&p, &o->values[i], sealed);
	}
	mst_record_require(b, MST_SPACE_OBJECT, mst_slice(key, sizeof key), o->raw);
	mst_record_put(b, MST_SPACE_OBJECT, mst_slice(key, sizeof key), &p);
	return 0;
}

void mst_object_drop(struct mst_batch *b, const struct mst_object *o)
{
	uint8_t key[OBJECT_KEY_LEN];

	mst_object_key(key, o->noun, o->id);
	mst_record_require(b, MST_SPACE_OBJECT, mst_slice(key, sizeof key), o->raw);
	mst_batch_drop(b, MST_SPACE_OBJECT, mst_slice(key, sizeof key));
}

void mst_revision_put(struct mst_batch *b, const struct mst_object *o, const struct mst_revision *revision)
{
	uint8_t key[REVISION_KEY_LEN];
	struct mst_pack p;

	mst_object_key(key, o->noun, o->id);
	mst_record_key_u64(key + OBJECT_KEY_LEN, revision->version);
	mst_pack_begin(&p, b->arena, REVISION_VERSION);
	mst_pack_i64(&p, revision->at_ms);
	mst_pack_bytes(&p, revision->who);
	mst_pack_bytes(&p, revision->changes);
	mst_pack_bytes(&p, revision->touched);
	mst_record_put(b, MST_SPACE_REVISION, mst_slice(key, sizeof key), &p);
}

int mst_revision_next(struct mst_walk *w, struct mst_read *r, struct mst_revision *out, enum mst_noun noun,
		      const uint8_t id[static 16])
{
	uint8_t prefix[OBJECT_KEY_LEN];
	struct mst_slice key, value, own;
	struct mst_unpack u;
	int rc;

	mst_object_key(prefix, noun, id);
	if (!w->r && (!mst_arena_copy(r->arena, &own, mst_slice(prefix, sizeof prefix)) ||
		      mst_walk_init(w, r, MST_SPACE_REVISION, own, mst_slice(NULL, 0)) < 0))
		return -1;
	rc = mst_record_next(w, &key, &value);
	if (rc != 1)
		return rc;
	if (key.len != REVISION_KEY_LEN)
		return mst_fail(&r->err, MST_E_STORE, "the key of a revision has %zu bytes", key.len);
	*out = (struct mst_revision){.version = mst_record_u64_of(key.at + OBJECT_KEY_LEN)};
	mst_unpack_begin(&u, value, REVISION_VERSION);
	out->at_ms = mst_unpack_i64(&u);
	out->who = mst_unpack_bytes(&u);
	out->changes = mst_unpack_bytes(&u);
	out->touched = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "revision", &r->err) < 0 ? -1 : 1;
}
