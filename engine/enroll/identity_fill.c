/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate shall say: the setting's texts with their variables filled, and the hash of all of it. */
#include "identity_own.h"
#include "muster/grow.h"
#include "muster/text.h"

static bool has_variables(const struct mst_shape_row *row)
{
	return (row->flags & MST_FIELD_VARIABLES) != 0;
}

static int fill_pairs(struct mst_value *value, const struct mst_shape_row *row, struct mst_making *m, struct mst_err *e)
{
	struct mst_pair *pairs = mst_arena_get(&m->arena, value->num_pairs * sizeof *pairs);

	if (!pairs)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	for (uint32_t i = 0; i < value->num_pairs; i++) {
		pairs[i].key = value->pairs[i].key;
		if (mst_variables_fill(&pairs[i].value, &m->arena, row->name, value->pairs[i].value, &m->of, e) < 0)
			return -1;
	}
	value->pairs = pairs;
	return 0;
}

static int fill_one(struct mst_value *value, const struct mst_shape_row *row, struct mst_making *m, struct mst_err *e)
{
	if (!value->is_set || !has_variables(row))
		return 0;
	if (value->num_pairs)
		return fill_pairs(value, row, m, e);
	return mst_variables_fill(&value->text, &m->arena, row->name, value->text, &m->of, e);
}

static int fill_all(struct mst_object *out, struct mst_making *m, struct mst_err *e)
{
	*out = m->object;
	for (uint32_t i = 0; i < out->shape->num_fields; i++)
		if (fill_one(&out->values[i], &out->shape->fields[i], m, e) < 0)
			return -1;
	return 0;
}

static void put_part(struct mst_grow *grow, struct mst_slice part)
{
	mst_grow_u64(grow, part.len);
	mst_grow_byte(grow, ':');
	mst_grow_put(grow, part);
}

/* Everything that the certificate says, in the order of the table; what differs each time by its name only. */
static int hash(struct mst_making *m, const struct mst_object *still, struct mst_err *e)
{
	struct mst_grow grow;
	struct mst_slice all;

	mst_grow_init(&grow, &m->arena);
	put_part(&grow, mst_slice_str(still->shape->type));
	for (uint32_t i = 0; i < still->shape->num_fields; i++) {
		const struct mst_shape_row *row = &still->shape->fields[i];
		const struct mst_value *value = &still->values[i];
		if (!(row->flags & MST_FIELD_CERT) || !value->is_set)
			continue;
		put_part(&grow, mst_slice_str(row->name));
		put_part(&grow, value->text);
		mst_grow_i64(&grow, value->number);
		for (uint32_t p = 0; p < value->num_pairs; p++) {
			put_part(&grow, value->pairs[p].key);
			put_part(&grow, value->pairs[p].value);
		}
	}
	if (mst_grow_end(&grow, &all, e) < 0)
		return -1;
	mst_sha256(m->inputs, all);
	mst_wipe((void *)(uintptr_t)all.at, all.len); /* secrets are in it */
	return 0;
}

static struct mst_slice text_of(const struct mst_object *o, const char *field)
{
	const struct mst_value *value = mst_make_field(o, field);

	return value && value->is_set ? value->text : mst_slice(NULL, 0);
}

static int names_of(struct mst_making *m, struct mst_err *e)
{
	const struct mst_value *sans = mst_make_field(&m->object, "sans"), *key = mst_make_field(&m->object, "key");
	struct mst_make *make = &m->make;
	char word[16] = "";

	make->common_name = text_of(&m->object, "common_name");
	make->subject_dn = text_of(&m->object, "subject");
	if (sans && sans->is_set) {
		make->sans = sans->pairs;
		make->num_sans = sans->num_pairs;
	}
	if (!key || !key->is_set || key->text.len >= sizeof word)
		return 0;
	memcpy(word, key->text.at, key->text.len);
	return mst_key_kind_from(&make->kind, word, e);
}

int mst_making_fill(struct mst_making *m, struct mst_err *e)
{
	struct mst_object *still = mst_arena_get(&m->arena, sizeof *still), *filled = mst_arena_get(&m->arena, sizeof *filled);

	if (!still || !filled)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	/* A user's certificate is the same whichever device asks; no device's values can be in it. */
	m->of = (struct mst_of){.device = m->is_user ? NULL : m->device, .user = m->user, .now_ms = m->now_ms, .is_still = true, .is_sample = m->is_test,
				.config_uuid = m->config_uuid ? m->config_uuid : m->object.uuid};
	if (fill_all(still, m, e) < 0 || hash(m, still, e) < 0)
		return -1;
	m->of.is_still = false;
	if (fill_all(filled, m, e) < 0)
		return -1;
	m->object = *filled;
	return names_of(m, e);
}
