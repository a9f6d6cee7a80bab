/* SPDX-License-Identifier: Apache-2.0 */
/* Finds $VARIABLES$ in a text, says whether they may stand there, and replaces them. */
#include <stdio.h>

#include "muster/crypt.h"
#include "muster/grow.h"
#include "muster/text.h"
#include "variable_own.h"

#define RANDOM_MAX 64
#define UUID_ROOM  37

/* A piece of a text: plain bytes, a dollar (written "$$"), or a variable. */
enum piece_kind { PIECE_END, PIECE_PLAIN, PIECE_DOLLAR, PIECE_VARIABLE, PIECE_BROKEN };
struct piece {
	enum piece_kind kind;
	struct mst_slice bytes; /* PLAIN: these; VARIABLE, BROKEN: the name */
};

static bool is_name_byte(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct piece next_piece(struct mst_slice *rest)
{
	struct mst_slice in = *rest;
	size_t len = 0;

	if (in.len == 0)
		return (struct piece){.kind = PIECE_END};
	if (in.at[0] != '$') {
		while (len < in.len && in.at[len] != '$')
			len++;
		*rest = mst_slice(in.at + len, in.len - len);
		return (struct piece){PIECE_PLAIN, mst_slice(in.at, len)};
	}
	while (1 + len < in.len && is_name_byte(in.at[1 + len]))
		len++;
	if (1 + len >= in.len || in.at[1 + len] != '$')
		return (struct piece){PIECE_BROKEN, mst_slice(in.at + 1, len)};
	*rest = mst_slice(in.at + len + 2, in.len - len - 2);
	return (struct piece){len ? PIECE_VARIABLE : PIECE_DOLLAR, mst_slice(in.at + 1, len)};
}

static const struct variable_row *find(struct mst_slice name)
{
	for (size_t i = 0; i < mst_variable_num_rows; i++)
		if (mst_slice_eq(mst_slice_str(mst_variable_rows[i].name), name))
			return &mst_variable_rows[i];
	return NULL;
}

static int check_name(const char *field, struct mst_slice name, uint32_t flags, struct mst_err *e)
{
	const struct variable_row *row = find(name);

	if (!row)
		return mst_fail(e, MST_E_SYNTAX, "%s: there is no variable $%.*s$", field, (int)name.len, (const char *)name.at);
	if (row->needs & ~flags)
		return mst_fail(e, MST_E_SYNTAX, "%s: $%s$ is for values of subject alternative names only", field, row->name);
	return 0;
}

int mst_variables_check(const char *field, struct mst_slice text, uint32_t flags, struct mst_err *e)
{
	struct piece piece;

	while ((piece = next_piece(&text)).kind != PIECE_END) {
		if (piece.kind == PIECE_BROKEN)
			return mst_fail(e, MST_E_SYNTAX, "%s: a variable is $NAME$, a dollar is $$: at \"$%.*s\"", field,
					(int)piece.bytes.len, (const char *)piece.bytes.at);
		if (piece.kind == PIECE_VARIABLE && check_name(field, piece.bytes, flags, e) < 0)
			return -1;
	}
	return 0;
}

bool mst_variables_is_fixed(struct mst_slice text)
{
	struct piece piece;

	while ((piece = next_piece(&text)).kind != PIECE_END) {
		const struct variable_row *row = piece.kind == PIECE_VARIABLE ? find(piece.bytes) : NULL;
		if (row && row->is_fresh)
			return false;
		if (piece.kind == PIECE_BROKEN)
			return true;
	}
	return true;
}

static void uuid_put(char out[static UUID_ROOM], const uint8_t bytes[static 16], bool has_dashes)
{
	size_t at = 0;

	for (size_t i = 0; i < 16; i++) {
		if (has_dashes && (i == 4 || i == 6 || i == 8 || i == 10))
			out[at++] = '-';
		snprintf(out + at, 3, "%02x", bytes[i]);
		at += 2;
	}
}

static struct mst_slice random_text(struct mst_arena *arena, uint32_t num)
{
	uint8_t bytes[RANDOM_MAX / 2];
	char *out = mst_arena_get(arena, RANDOM_MAX + 1);

	if (!out)
		return mst_slice(NULL, 0);
	mst_random(bytes, num / 2);
	for (uint32_t i = 0; i < num / 2; i++)
		snprintf(out + (size_t)2 * i, 3, "%02x", bytes[i]);
	return mst_slice(out, num);
}

static struct mst_slice uuid_text(struct mst_arena *arena, const uint8_t *bytes, bool has_dashes)
{
	char *out = bytes ? mst_arena_get(arena, UUID_ROOM) : NULL;

	if (!out)
		return mst_slice(NULL, 0);
	uuid_put(out, bytes, has_dashes);
	return mst_slice(out, has_dashes ? 36 : 32);
}

static struct mst_slice value_of(const struct variable_row *row, struct mst_arena *arena, const struct mst_of *of)
{
	struct mst_slice out = {NULL, 0};

	if (row->is_fresh && of->is_still)
		return MST_S("*");
	switch (row->source) {
	case VARIABLE_USER:
		return of->user ? mst_object_text(of->user, row->field) : out;
	case VARIABLE_USER_NAME:
		return of->user ? of->user->name : out;
	case VARIABLE_DEVICE:
		return of->device ? *(const struct mst_slice *)((const char *)of->device + row->at) : out;
	case VARIABLE_UUID:
		return uuid_text(arena, of->device ? of->device->id.device : NULL, row->number == 0);
	case VARIABLE_TIME:
		return mst_arena_format(arena, &out, "%lld", (long long)of->now_ms) ? out : mst_slice(NULL, 0);
	case VARIABLE_RANDOM:
		return random_text(arena, row->number);
	case VARIABLE_CONFIG_UUID:
		return uuid_text(arena, of->config_uuid, true);
	}
	return out;
}

static int fill_one(struct mst_grow *out, struct mst_arena *arena, const char *field, struct mst_slice name,
		    const struct mst_of *of, struct mst_err *e)
{
	const struct variable_row *row = find(name);
	struct mst_slice value;

	if (!row)
		return check_name(field, name, 0, e);
	value = value_of(row, arena, of);
	if (value.len == 0 && of->is_sample)
		value = mst_slice_str(row->name);
	if (value.len == 0)
		return mst_fail(e, MST_E_ABSENT, "%s: $%s$ is empty for this device", field, row->name);
	mst_grow_put(out, value);
	return 0;
}

int mst_variables_fill(struct mst_slice *out, struct mst_arena *arena, const char *field, struct mst_slice text,
		       const struct mst_of *of, struct mst_err *e)
{
	struct mst_grow grow;
	struct piece piece;

	mst_grow_init(&grow, arena);
	while ((piece = next_piece(&text)).kind != PIECE_END) {
		if (piece.kind == PIECE_BROKEN)
			return mst_variables_check(field, text, 0, e);
		if (piece.kind == PIECE_PLAIN)
			mst_grow_put(&grow, piece.bytes);
		else if (piece.kind == PIECE_DOLLAR)
			mst_grow_put(&grow, MST_S("$"));
		else if (fill_one(&grow, arena, field, piece.bytes, of, e) < 0)
			return -1;
	}
	return mst_grow_end(&grow, out, e);
}
