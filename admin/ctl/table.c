/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned columns of text that came from elsewhere. */
#include "table.h"

#include "muster/text.h"

#define GAP 2

void mst_table_begin(struct mst_table *t, struct mst_arena *arena, const char *const *head)
{
	*t = (struct mst_table){.arena = arena};
	while (head[t->num_columns])
		t->num_columns++;
	BUG_ON(t->num_columns > MST_TABLE_COLUMNS_MAX);
	for (size_t i = 0; i < t->num_columns; i++)
		mst_table_text(t, mst_slice_str(head[i]));
}

static bool grow(struct mst_table *t)
{
	size_t room = t->num_room ? t->num_room * 2 : 64;
	struct mst_slice *cells = mst_arena_get(t->arena, room * sizeof(*cells));

	if (!cells)
		return false;
	if (t->num_cells)
		memcpy(cells, t->cells, t->num_cells * sizeof(*cells));
	t->cells = cells;
	t->num_room = room;
	return true;
}

void mst_table_text(struct mst_table *t, struct mst_slice text)
{
	if ((t->num_cells == t->num_room && !grow(t)) ||
	    !mst_arena_copy(t->arena, &t->cells[t->num_cells], text)) {
		t->is_bad = true;
		return;
	}
	t->num_cells++;
}

void mst_table_u64(struct mst_table *t, uint64_t n)
{
	struct mst_slice text;

	if (mst_arena_format(t->arena, &text, "%llu", (unsigned long long)n))
		mst_table_text(t, text);
	else
		t->is_bad = true;
}

/* Characters, as far as one character is one place: what terminals show for the names at hand. */
static size_t width(struct mst_slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += (s.at[i] & 0xc0) != 0x80;
	return n;
}

/* C0, DEL and, behind a 0xC2 lead, C1 may move the cursor or start an escape sequence. */
static bool is_order(struct mst_slice s, size_t i)
{
	return s.at[i] < 32 || s.at[i] == 127 ||
	       (s.at[i] == 0xc2 && i + 1 < s.len && s.at[i + 1] < 0xa0);
}

void mst_table_safe(FILE *to, struct mst_slice text, bool keeps_lines)
{
	bool is_utf8 = mst_utf8_ok(text);

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		if (keeps_lines && (c == '\n' || c == '\t')) {
			putc(c, to);
		} else if (is_order(text, i) || (!is_utf8 && c >= 128)) {
			putc('?', to);
			i += c == 0xc2;
		} else {
			putc(c, to);
		}
	}
}

int mst_table_print(const struct mst_table *t, FILE *to)
{
	size_t widths[MST_TABLE_COLUMNS_MAX] = {0};

	if (t->is_bad)
		return -1;
	for (size_t i = 0; i < t->num_cells; i++) {
		size_t w = width(t->cells[i]);
		if (w > widths[i % t->num_columns])
			widths[i % t->num_columns] = w;
	}
	for (size_t i = 0; i < t->num_cells; i++) {
		bool is_last = (i + 1) % t->num_columns == 0;
		mst_table_safe(to, t->cells[i], false);
		if (is_last)
			putc('\n', to);
		else
			fprintf(to, "%*s",
				(int)(widths[i % t->num_columns] - width(t->cells[i]) + GAP), "");
	}
	return 0;
}
