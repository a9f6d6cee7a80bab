/* SPDX-License-Identifier: Apache-2.0 */
/* Reads all labels, settings and enrolment settings into one immutable snapshot, and resolves what they refer to. */
#include "muster/catalog.h"

#include <stdlib.h>

#include "muster/device.h"
#include "muster/label.h"

#define NONE UINT32_MAX

struct loading {
	struct mst_read r;
	struct mst_catalog *c;
	uint32_t num[MST_NUM_NOUNS]; /* counted in a first walk: arrays do not grow */
};

static int count_plan(struct mst_read *r)
{
	struct loading *l = MST_HOME(r, struct loading, r);

	for (int noun = MST_NOUN_LABEL; noun < MST_NUM_NOUNS; noun++) {
		struct mst_walk w = {.r = NULL};
		struct mst_object o;
		int rc;

		l->num[noun] = 0;
		while ((rc = mst_object_next(&w, r, &o, (enum mst_noun)noun, mst_slice(NULL, 0), NULL)) == 1)
			l->num[noun]++;
		mst_walk_done(&w);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Where the next object of a noun goes, and how many are there. NULL: there are more than were counted, which come next time. */
static struct mst_object *place_for(struct loading *l, enum mst_noun noun, uint32_t *i)
{
	struct mst_catalog *c = l->c;

	if (*i == l->num[noun])
		return NULL;
	if (noun == MST_NOUN_LABEL)
		return &c->labels[(*i)++].object;
	return noun == MST_NOUN_SETTING ? &c->settings[(*i)++].object : &c->enrollments[(*i)++];
}

static int fill_noun(struct loading *l, enum mst_noun noun, uint32_t *num)
{
	struct mst_walk w = {.r = NULL};
	struct mst_object o, *place;
	int rc;

	*num = 0;
	while ((rc = mst_object_next(&w, &l->r, &o, noun, mst_slice(NULL, 0), NULL)) == 1) {
		place = place_for(l, noun, num);
		if (!place)
			break;
		*place = o;
	}
	mst_walk_done(&w);
	return rc == 1 ? 0 : rc;
}

static int fill_plan(struct mst_read *r)
{
	struct loading *l = MST_HOME(r, struct loading, r);
	int rc = fill_noun(l, MST_NOUN_LABEL, &l->c->num_labels);

	if (rc == 0)
		rc = fill_noun(l, MST_NOUN_SETTING, &l->c->num_settings);
	return rc == 0 ? fill_noun(l, MST_NOUN_ENROLLMENT, &l->c->num_enrollments) : rc;
}

static uint32_t index_of(const struct mst_catalog *c, enum mst_noun noun, struct mst_slice name)
{
	uint32_t num = noun == MST_NOUN_LABEL ? c->num_labels : c->num_enrollments;
	uint8_t id[16];

	mst_object_id(id, noun, name);
	for (uint32_t i = 0; i < num; i++) {
		const struct mst_object *o = noun == MST_NOUN_LABEL ? &c->labels[i].object : &c->enrollments[i];
		if (memcmp(o->id, id, sizeof id) == 0)
			return i;
	}
	return NONE;
}

/* Each object once, in the order it is referred to first. */
static void add_ref(uint32_t *list, uint32_t *num, uint32_t index)
{
	for (uint32_t i = 0; i < *num; i++)
		if (list[i] == index)
			return;
	list[(*num)++] = index;
}

static void add_value(struct mst_catalog *c, uint32_t *list, uint32_t *num, enum mst_noun noun, struct mst_slice name)
{
	uint32_t index = name.len ? index_of(c, noun, name) : NONE;

	if (index != NONE)
		add_ref(list, num, index);
}

static void add_field(struct mst_catalog *c, struct mst_catalog_setting *s, uint32_t at)
{
	const struct mst_shape_row *field = &s->object.shape->fields[at];
	const struct mst_value *value = &s->object.values[at];
	bool is_label = field->ref == MST_NOUN_LABEL;
	uint32_t *list = is_label ? s->labels : s->enrollments, *num = is_label ? &s->num_labels : &s->num_enrollments;

	if (!mst_shape_refers(field) || (field->ref != MST_NOUN_LABEL && field->ref != MST_NOUN_ENROLLMENT))
		return;
	add_value(c, list, num, field->ref, value->text);
	for (uint32_t i = 0; i < value->num_pairs; i++)
		add_value(c, list, num, field->ref, value->pairs[i].value);
}

/* Labels were read in the order of their ids. */
static int ask(struct mst_catalog *c, struct mst_err *e)
{
	struct mst_question *rows = mst_arena_zero(&c->arena, (c->num_labels + 1) * sizeof(*rows));

	if (!rows)
		return mst_fail(e, MST_E_BUSY, "out of memory for the catalog");
	c->questions = (struct mst_questions){.rows = rows, .num = c->num_labels, .is_all = true};
	for (uint32_t i = 0; i < c->num_labels; i++) {
		const struct mst_catalog_label *label = &c->labels[i];
		memcpy(rows[i].label, label->object.id, sizeof rows[i].label);
		rows[i].expr = label->expr;
		rows[i].is_static = mst_object_text(&label->object, "expression").len == 0;
		c->questions.needs_user |= label->expr && mst_expr_needs_user(label->expr);
	}
	return 0;
}

static int resolve(struct mst_catalog *c, struct mst_err *e)
{
	for (uint32_t i = 0; i < c->num_settings; i++) {
		struct mst_catalog_setting *s = &c->settings[i];
		s->labels = mst_arena_get(&c->arena, (c->num_labels + 1) * sizeof(*s->labels));
		s->enrollments = mst_arena_get(&c->arena, (c->num_enrollments + 1) * sizeof(*s->enrollments));
		if (!s->labels || !s->enrollments)
			return mst_fail(e, MST_E_BUSY, "out of memory for the catalog");
		for (uint32_t k = 0; k < s->object.shape->num_fields; k++)
			add_field(c, s, k);
	}
	for (uint32_t i = 0; i < c->num_labels; i++) {
		struct mst_slice text = mst_object_text(&c->labels[i].object, "expression");
		/* What was saved parses; a table that lost a field since makes the label empty, not the engine blind. */
		if (text.len && mst_expr_parse(&c->labels[i].expr, &c->arena, text, e) < 0)
			c->labels[i].expr = NULL;
	}
	return ask(c, e);
}

static int count(struct loading *l, struct mst_store *store, struct mst_err *e)
{
	struct mst_arena scratch;
	int rc;

	mst_arena_init(&scratch, NULL, 0);
	l->r = (struct mst_read){.arena = &scratch, .plan = count_plan};
	rc = mst_store_read_here(store, &l->r);
	if (rc < 0)
		*e = l->r.err;
	mst_arena_done(&scratch);
	return rc;
}

static int load(struct loading *l, struct mst_store *store, struct mst_err *e)
{
	struct mst_catalog *c = l->c;

	if (count(l, store, e) < 0)
		return -1;
	c->labels = mst_arena_zero(&c->arena, (l->num[MST_NOUN_LABEL] + 1) * sizeof(*c->labels));
	c->settings = mst_arena_zero(&c->arena, (l->num[MST_NOUN_SETTING] + 1) * sizeof(*c->settings));
	c->enrollments = mst_arena_zero(&c->arena, (l->num[MST_NOUN_ENROLLMENT] + 1) * sizeof(*c->enrollments));
	if (!c->labels || !c->settings || !c->enrollments)
		return mst_fail(e, MST_E_BUSY, "out of memory for the catalog");
	l->r = (struct mst_read){.arena = &c->arena, .plan = fill_plan};
	if (mst_store_read_here(store, &l->r) < 0) {
		*e = l->r.err;
		return -1;
	}
	return resolve(c, e);
}

int mst_catalog_load(struct mst_catalog **out, struct mst_store *store, struct mst_err *e)
{
	struct loading l = {.c = calloc(1, sizeof(*l.c))};

	*out = NULL;
	if (!l.c)
		return mst_fail(e, MST_E_BUSY, "out of memory for the catalog");
	mst_arena_init(&l.c->arena, NULL, 0);
	l.c->number = mst_sequence();
	if (load(&l, store, e) < 0) {
		mst_catalog_free(&l.c);
		return -1;
	}
	*out = l.c;
	return 0;
}

void mst_catalog_free(struct mst_catalog **catalog)
{
	if (!*catalog)
		return;
	mst_arena_done(&(*catalog)->arena);
	free(*catalog);
	*catalog = NULL;
}

const struct mst_catalog_label *mst_catalog_label0(const struct mst_catalog *c, const uint8_t id[static 16])
{
	for (uint32_t i = 0; i < c->num_labels; i++)
		if (memcmp(c->labels[i].object.id, id, 16) == 0)
			return &c->labels[i];
	return NULL;
}

const struct mst_catalog_setting *mst_catalog_setting0(const struct mst_catalog *c, const uint8_t id[static 16])
{
	for (uint32_t i = 0; i < c->num_settings; i++)
		if (memcmp(c->settings[i].object.id, id, 16) == 0)
			return &c->settings[i];
	return NULL;
}

const struct mst_object *mst_catalog_enrollment0(const struct mst_catalog *c, const uint8_t id[static 16])
{
	for (uint32_t i = 0; i < c->num_enrollments; i++)
		if (memcmp(c->enrollments[i].id, id, 16) == 0)
			return &c->enrollments[i];
	return NULL;
}
