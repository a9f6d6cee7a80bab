/* SPDX-License-Identifier: Apache-2.0 */
/* One group: batches whose requirements hold, one after the other, become one write. */
#include <stdlib.h>

#include "inside.h"

#define CELLS_MIN 4096

int mst_group_init(struct group *g, struct mst_store *store, struct mst_err *e)
{
	*g = (struct group){.store = store, .num_cells = CELLS_MIN};
	g->cells = calloc(g->num_cells, sizeof *g->cells);
	if (!g->cells)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	g->writes = rocksdb_writebatch_create();
	return 0;
}

void mst_group_done(struct group *g)
{
	free(g->cells);
	if (g->writes)
		rocksdb_writebatch_destroy(g->writes);
	*g = (struct group){.store = NULL};
}

void mst_group_begin(struct group *g)
{
	rocksdb_writebatch_clear(g->writes);
	g->num_used = 0;
	g->num_writes = 0;
	g->has_once = false;
	g->stamp++;
}

static bool is_same_key(const struct mst_change *a, const struct mst_change *b)
{
	return a->hash == b->hash && a->space == b->space && mst_slice_eq(a->key, b->key);
}

/* The cell of the change's key, or the free one where it belongs. At least one cell is free. */
static struct group_cell *find(const struct group *g, const struct mst_change *change)
{
	size_t at = (size_t)change->hash & (g->num_cells - 1);

	while (g->cells[at].stamp == g->stamp && !is_same_key(g->cells[at].change, change))
		at = (at + 1) & (g->num_cells - 1);
	return &g->cells[at];
}

static void remember(struct group *g, const struct mst_change *change)
{
	struct group_cell *cell = find(g, change);

	if (cell->stamp != g->stamp)
		g->num_used++;
	*cell = (struct group_cell){change, g->stamp};
}

/* Room for `more` keys at a load of at most one half. */
static int make_room(struct group *g, size_t more)
{
	struct group old = *g;
	size_t num_cells = g->num_cells;

	while (num_cells / 2 < g->num_used + more)
		num_cells *= 2;
	if (num_cells == old.num_cells)
		return 0;
	struct group_cell *cells = calloc(num_cells, sizeof *cells);
	if (!cells)
		return -1;
	g->cells = cells;
	g->num_cells = num_cells;
	for (size_t i = 0; i < old.num_cells; i++)
		if (old.cells[i].stamp == g->stamp)
			*find(g, old.cells[i].change) = old.cells[i];
	free(old.cells);
	return 0;
}

static int judge(struct mst_batch *b, const struct mst_change *wanted, bool is_there, struct mst_slice value)
{
	if (wanted->op == CHANGE_REQUIRE_ABSENT)
		return is_there ? mst_fail(&b->err, MST_E_CONFLICT, "the %s exists already",
					   mst_space_rows[wanted->space].name)
				: 0;
	if (is_there && mst_slice_eq(value, wanted->value))
		return 0;
	return mst_fail(&b->err, MST_E_CONFLICT, "the %s changed meanwhile", mst_space_rows[wanted->space].name);
}

static int check(struct group *g, struct mst_batch *b, const struct mst_change *wanted)
{
	struct mst_store *store = g->store;
	const struct group_cell *cell = find(g, wanted);
	struct mst_slice value = mst_slice(NULL, 0);
	char *text = NULL;

	if (cell->stamp == g->stamp)
		return judge(b, wanted, cell->change->op == CHANGE_PUT, cell->change->value);
	rocksdb_pinnableslice_t *pinned =
		rocksdb_get_pinned_cf(store->db, store->reads[COLD][REACH_KEY], store->spaces[wanted->space],
				      (const char *)wanted->key.at, wanted->key.len, &text);
	if (text)
		return mst_space_fault(&b->err, text, "cannot check a requirement");
	if (pinned)
		value.at = (const uint8_t *)rocksdb_pinnableslice_value(pinned, &value.len);
	int rc = judge(b, wanted, pinned != NULL, value);
	if (pinned)
		rocksdb_pinnableslice_destroy(pinned);
	return rc;
}

static void take(struct group *g, const struct mst_change *change)
{
	rocksdb_column_family_handle_t *space = g->store->spaces[change->space];
	bool is_once = mst_space_rows[change->space].is_once;
	const char *key = (const char *)change->key.at;

	if (change->op == CHANGE_PUT)
		rocksdb_writebatch_put_cf(g->writes, space, key, change->key.len, (const char *)change->value.at,
					  change->value.len);
	else if (is_once)
		rocksdb_writebatch_singledelete_cf(g->writes, space, key, change->key.len);
	else
		rocksdb_writebatch_delete_cf(g->writes, space, key, change->key.len);
	g->num_writes++;
	g->has_once = g->has_once || is_once;
	remember(g, change);
}

static bool is_requirement(const struct mst_change *change)
{
	return change->op == CHANGE_REQUIRE_ABSENT || change->op == CHANGE_REQUIRE_SAME;
}

int mst_group_add(struct group *g, struct mst_batch *b)
{
	b->rc = make_room(g, b->num_changes);
	if (b->rc < 0)
		return mst_fail(&b->err, MST_E_BUSY, "out of memory");
	for (const struct mst_change *change = b->first; change; change = change->next)
		if (is_requirement(change) && check(g, b, change) < 0)
			return b->rc = -1;
	for (const struct mst_change *change = b->first; change; change = change->next)
		if (!is_requirement(change))
			take(g, change);
	return 0;
}

void mst_group_tell_floors(const struct group *g, const struct mst_batch *b)
{
	for (const struct mst_change *change = b->first; change; change = change->next)
		if (change->op == CHANGE_PUT && mst_space_rows[change->space].is_once)
			mst_floor_put(g->store->floors, change->space, change->key);
}

int mst_group_write(struct group *g, bool is_lazy, struct mst_err *e)
{
	struct mst_store *store = g->store;
	char *text = NULL;

	if (g->num_writes == 0)
		return 0;
	if (MST_UNLIKELY(atomic_load_explicit(&store->is_broken, memory_order_relaxed)))
		return mst_fail(e, MST_E_STORE, "cannot write: broken on purpose");
	rocksdb_write(store->db, is_lazy ? store->lazy : store->durable, g->writes, &text);
	return text ? mst_space_fault(e, text, "cannot write") : 0;
}
