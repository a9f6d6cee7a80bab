/* SPDX-License-Identifier: Apache-2.0 */
/* Which settings go to which labels: the little of the catalog that must outlive it. */
#include <stdlib.h>

#include "deliver_own.h"

static void row_fill(struct deliver_index *index, struct index_row *row, const struct mst_catalog *c, const struct mst_catalog_setting *s)
{
	memcpy(row->id, s->object.id, sizeof row->id);
	row->version = s->object.version;
	row->is_early = mst_render_is_early(&s->object);
	row->labels = mst_arena_get(&index->arena, (s->num_labels + 1) * sizeof *row->labels);
	row->uses = mst_arena_get(&index->arena, (s->num_enrollments + 1) * sizeof *row->uses);
	BUG_ON(!row->labels || !row->uses);
	for (; row->num_labels < s->num_labels; row->num_labels++)
		memcpy(row->labels[row->num_labels], c->labels[s->labels[row->num_labels]].object.id, 16);
	for (; row->num_uses < s->num_enrollments; row->num_uses++) {
		const struct mst_object *o = &c->enrollments[s->enrollments[row->num_uses]];

		memcpy(row->uses[row->num_uses].id, o->id, 16);
		row->uses[row->num_uses].version = o->version;
	}
}

struct deliver_index *mst_index_new(const struct mst_catalog *catalog)
{
	struct deliver_index *index = calloc(1, sizeof *index);

	BUG_ON(!index);
	mst_arena_init(&index->arena, NULL, 0);
	index->num_users = 1;
	index->rows = mst_arena_zero(&index->arena, (catalog->num_settings + 1) * sizeof *index->rows);
	BUG_ON(!index->rows);
	for (; index->num < catalog->num_settings; index->num++)
		row_fill(index, &index->rows[index->num], catalog, &catalog->settings[index->num]);
	return index;
}

struct deliver_index *mst_index_take(struct deliver_index *index)
{
	index->num_users++;
	return index;
}

void mst_index_let_go(struct deliver_index **index)
{
	if (*index && --(*index)->num_users == 0) {
		mst_arena_done(&(*index)->arena);
		free(*index);
	}
	*index = NULL;
}

const struct index_row *mst_index_find(const struct deliver_index *index, const uint8_t setting[static 16])
{
	for (uint32_t i = 0; i < index->num; i++)
		if (memcmp(index->rows[i].id, setting, 16) == 0)
			return &index->rows[i];
	return NULL;
}

bool mst_index_same(const struct index_row *a, const struct index_row *b)
{
	if (!a || !b || a->version != b->version || a->num_labels != b->num_labels || a->num_uses != b->num_uses)
		return false;
	for (uint32_t i = 0; i < a->num_uses; i++)
		if (memcmp(a->uses[i].id, b->uses[i].id, 16) != 0 || a->uses[i].version != b->uses[i].version)
			return false;
	return a->num_labels == 0 || memcmp(a->labels, b->labels, a->num_labels * sizeof *a->labels) == 0;
}
