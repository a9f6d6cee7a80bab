/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the expression of a label: recursive descent, bounded in depth and bytes. */
#include "expr_own.h"

#define NODES_MAX  256
#define VALUES_MAX 256

struct reader {
	struct mst_arena *arena;
	struct mst_slice text;
	size_t at;
	uint32_t depth, num_nodes;
	struct mst_err *e;
};

static const char *const op_words[NUM_EXPR_OPS] = {
#define X(name, word) [EXPR_##name] = word,
	EXPR_OPS(X)
#undef X
};

static int fail(struct reader *in, const char *expected)
{
	return mst_fail(in->e, MST_E_SYNTAX, "expression, byte %zu: expected %s", in->at + 1, expected);
}

static void skip_blanks(struct reader *in)
{
	while (in->at < in->text.len && (in->text.at[in->at] == ' ' || in->text.at[in->at] == '\t' || in->text.at[in->at] == '\n'))
		in->at++;
}

static bool is_word_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

/* The word at the front, empty when there is none; nothing is consumed. */
static struct mst_slice peek_word(struct reader *in)
{
	size_t len = 0;

	skip_blanks(in);
	while (in->at + len < in->text.len && is_word_byte(in->text.at[in->at + len]))
		len++;
	return mst_slice(in->text.at + in->at, len);
}

static bool take_word(struct reader *in, const char *word)
{
	struct mst_slice found = peek_word(in);

	if (!mst_slice_eq(found, mst_slice_str(word)))
		return false;
	in->at += found.len;
	return true;
}

static bool take_symbol(struct reader *in, const char *symbol)
{
	struct mst_slice want = mst_slice_str(symbol);

	skip_blanks(in);
	if (!mst_slice_starts(mst_slice(in->text.at + in->at, in->text.len - in->at), want))
		return false;
	in->at += want.len;
	return true;
}

static struct mst_expr *node_new(struct reader *in, enum expr_kind kind)
{
	struct mst_expr *node = in->num_nodes++ < NODES_MAX ? mst_arena_zero(in->arena, sizeof(*node)) : NULL;

	if (!node) {
		(void)!mst_fail(in->e, MST_E_TOO_BIG, "expression: more than %d parts", NODES_MAX);
		return NULL;
	}
	node->kind = kind;
	return node;
}

static int op_read(struct reader *in, enum expr_op *op)
{
	for (int i = 0; i < NUM_EXPR_OPS; i++) {
		bool is_word = op_words[i][0] >= 'a';
		if (is_word ? take_word(in, op_words[i]) : take_symbol(in, op_words[i])) {
			*op = (enum expr_op)i;
			return 0;
		}
	}
	return fail(in, "= != < <= > >= contains starts ends or in");
}

/* "text" with \" and \\ inside, or a bare number or version. */
static int value_read(struct reader *in, struct mst_slice *out)
{
	struct mst_slice bare = peek_word(in);
	uint8_t *copy;
	size_t len = 0;

	if (bare.len) {
		if (bare.at[0] < '0' || bare.at[0] > '9')
			return fail(in, "a text in double quotes, or a number");
		*out = bare;
		in->at += bare.len;
		return 0;
	}
	if (!take_symbol(in, "\""))
		return fail(in, "a text in double quotes, or a number");
	copy = mst_arena_get(in->arena, in->text.len - in->at + 1);
	if (!copy)
		return mst_fail(in->e, MST_E_TOO_BIG, "expression: out of memory");
	while (in->at < in->text.len && in->text.at[in->at] != '"') {
		if (in->text.at[in->at] == '\\' && in->at + 1 < in->text.len)
			in->at++;
		copy[len++] = in->text.at[in->at++];
	}
	if (in->at == in->text.len)
		return fail(in, "a closing quote");
	in->at++;
	*out = mst_slice(copy, len);
	return 0;
}

static int values_read(struct reader *in, struct mst_expr *test)
{
	struct mst_slice *values = mst_arena_get(in->arena, (test->op == EXPR_IN ? VALUES_MAX : 1) * sizeof(*values));

	if (!values)
		return mst_fail(in->e, MST_E_TOO_BIG, "expression: out of memory");
	test->values = values;
	if (test->op != EXPR_IN) {
		test->num_values = 1;
		return value_read(in, values);
	}
	if (!take_symbol(in, "("))
		return fail(in, "( and values");
	do {
		if (test->num_values == VALUES_MAX)
			return fail(in, "fewer values");
		if (value_read(in, &values[test->num_values++]) < 0)
			return -1;
	} while (take_symbol(in, ","));
	return take_symbol(in, ")") ? 0 : fail(in, ", or )");
}

static int field_read(struct reader *in, const struct expr_field **out)
{
	struct mst_slice word = peek_word(in);

	for (size_t i = 0; i < mst_expr_num_fields; i++)
		if (mst_slice_eq(mst_slice_str(mst_expr_fields[i].name), word)) {
			*out = &mst_expr_fields[i];
			in->at += word.len;
			return 0;
		}
	return fail(in, "a field: user.NAME or device.NAME");
}

static int or_read(struct reader *in, struct mst_expr **out);

static int test_read(struct reader *in, struct mst_expr **out)
{
	if (take_symbol(in, "(")) {
		if (or_read(in, out) < 0)
			return -1;
		return take_symbol(in, ")") ? 0 : fail(in, ")");
	}
	*out = node_new(in, EXPR_TEST);
	if (!*out || field_read(in, &(*out)->field) < 0 || op_read(in, &(*out)->op) < 0)
		return -1;
	return values_read(in, *out);
}

static int not_read(struct reader *in, struct mst_expr **out)
{
	if (!take_word(in, "not"))
		return test_read(in, out);
	*out = node_new(in, EXPR_NOT);
	return *out ? test_read(in, &(*out)->left) : -1;
}

/* left { word right }, leaning left. */
static int chain_read(struct reader *in, struct mst_expr **out, const char *word, enum expr_kind kind,
		      int (*part)(struct reader *in, struct mst_expr **out))
{
	if (part(in, out) < 0)
		return -1;
	while (take_word(in, word)) {
		struct mst_expr *node = node_new(in, kind);
		if (!node)
			return -1;
		node->left = *out;
		*out = node;
		if (part(in, &node->right) < 0)
			return -1;
	}
	return 0;
}

static int and_read(struct reader *in, struct mst_expr **out)
{
	return chain_read(in, out, "and", EXPR_AND, not_read);
}

static int or_read(struct reader *in, struct mst_expr **out)
{
	int rc;

	if (in->depth == MST_EXPR_DEPTH)
		return fail(in, "fewer parentheses inside one another");
	in->depth++;
	rc = chain_read(in, out, "or", EXPR_OR, and_read);
	in->depth--;
	return rc;
}

int mst_expr_parse(struct mst_expr **out, struct mst_arena *arena, struct mst_slice text, struct mst_err *e)
{
	struct reader in = {.arena = arena, .e = e};

	if (text.len > MST_EXPR_MAX)
		return mst_fail(e, MST_E_SYNTAX, "expression: longer than %d bytes", MST_EXPR_MAX);
	if (!mst_arena_copy(arena, &in.text, text))
		return mst_fail(e, MST_E_TOO_BIG, "expression: out of memory");
	if (or_read(&in, out) < 0)
		return -1;
	skip_blanks(&in);
	return in.at == in.text.len ? 0 : fail(&in, "and, or, or the end");
}
