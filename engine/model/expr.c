/* SPDX-License-Identifier: Apache-2.0 */
/* Judges a device by the expression of a label. */
#include "expr_own.h"

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool same_at(struct mst_slice text, size_t at, struct mst_slice part)
{
	if (part.len > text.len - at)
		return false;
	for (size_t i = 0; i < part.len; i++)
		if (lower(text.at[at + i]) != lower(part.at[i]))
			return false;
	return true;
}

static bool has_part(struct mst_slice text, struct mst_slice part)
{
	for (size_t at = 0; at + part.len <= text.len; at++)
		if (same_at(text, at, part))
			return true;
	return false;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Digits of both up to the next byte that is none: -1, 0, 1. Leading zeroes do not count; longer is larger. */
static int digits_order(struct mst_slice a, size_t *i, struct mst_slice b, size_t *k)
{
	size_t from_a, from_b, len_a, len_b;

	while (*i < a.len && a.at[*i] == '0')
		++*i;
	while (*k < b.len && b.at[*k] == '0')
		++*k;
	from_a = *i;
	from_b = *k;
	while (*i < a.len && is_digit(a.at[*i]))
		++*i;
	while (*k < b.len && is_digit(b.at[*k]))
		++*k;
	len_a = *i - from_a;
	len_b = *k - from_b;
	if (len_a != len_b)
		return len_a < len_b ? -1 : 1;
	for (size_t n = 0; n < len_a; n++)
		if (a.at[from_a + n] != b.at[from_b + n])
			return a.at[from_a + n] < b.at[from_b + n] ? -1 : 1;
	return 0;
}

/* Versions and numbers: digits as numbers, everything else byte by byte without regard to case; 9 = 9.0. */
static int order(struct mst_slice a, struct mst_slice b)
{
	size_t i = 0, k = 0;

	while (i < a.len && k < b.len) {
		if (is_digit(a.at[i]) && is_digit(b.at[k])) {
			int by_digits = digits_order(a, &i, b, &k);
			if (by_digits)
				return by_digits;
			continue;
		}
		if (lower(a.at[i]) != lower(b.at[k]))
			return lower(a.at[i]) < lower(b.at[k]) ? -1 : 1;
		i++;
		k++;
	}
	for (; i < a.len; i++)
		if (a.at[i] != '.' && a.at[i] != '0')
			return 1;
	for (; k < b.len; k++)
		if (b.at[k] != '.' && b.at[k] != '0')
			return -1;
	return 0;
}

static bool is_same(struct mst_slice text, struct mst_slice value)
{
	return text.len == value.len && same_at(text, 0, value);
}

/* One text against the values of a test; `!=` is judged by its caller. */
static bool text_passes(const struct mst_expr *test, struct mst_slice text)
{
	struct mst_slice value = test->values[0];

	switch (test->op) {
	case EXPR_EQ:
	case EXPR_NE:
		return is_same(text, value);
	case EXPR_LT:
		return text.len && order(text, value) < 0;
	case EXPR_LE:
		return text.len && order(text, value) <= 0;
	case EXPR_GT:
		return text.len && order(text, value) > 0;
	case EXPR_GE:
		return text.len && order(text, value) >= 0;
	case EXPR_CONTAINS:
		return has_part(text, value);
	case EXPR_STARTS:
		return same_at(text, 0, value);
	case EXPR_ENDS:
		return value.len <= text.len && same_at(text, text.len - value.len, value);
	case EXPR_IN:
		for (uint32_t i = 0; i < test->num_values; i++)
			if (is_same(text, test->values[i]))
				return true;
		return false;
	case NUM_EXPR_OPS:
		break;
	}
	return false;
}

static struct mst_slice yes_no(bool is_on)
{
	return is_on ? MST_S("yes") : MST_S("no");
}

static struct mst_slice text_of(const struct expr_field *field, const struct mst_detail *d, const struct mst_object *user)
{
	switch (field->source) {
	case EXPR_DETAIL:
		return *(const struct mst_slice *)((const char *)d + field->at);
	case EXPR_MODE:
		return mst_slice_str(mst_device_mode_word(d->mode));
	case EXPR_IS_RETIRED:
		return yes_no(d->is_retired);
	case EXPR_HAS_CLIENT:
		return yes_no(d->has_client);
	case EXPR_USER:
		if (!user)
			break;
		return field->user_field ? mst_object_text(user, field->user_field) : user->name;
	case EXPR_USER_LIST:
		break;
	}
	return mst_slice(NULL, 0);
}

/* A list passes when one of its texts does. */
static bool test_passes(const struct mst_expr *test, const struct mst_detail *d, const struct mst_object *user)
{
	const struct mst_value *list;

	if (test->field->source != EXPR_USER_LIST)
		return text_passes(test, text_of(test->field, d, user));
	list = user ? mst_object_value(user, test->field->user_field) : NULL;
	for (uint32_t i = 0; list && i < list->num_pairs; i++)
		if (text_passes(test, list->pairs[i].value))
			return true;
	return false;
}

bool mst_expr_holds(const struct mst_expr *expr, const struct mst_detail *device, const struct mst_object *user)
{
	switch (expr->kind) {
	case EXPR_OR:
		return mst_expr_holds(expr->left, device, user) || mst_expr_holds(expr->right, device, user);
	case EXPR_AND:
		return mst_expr_holds(expr->left, device, user) && mst_expr_holds(expr->right, device, user);
	case EXPR_NOT:
		return !mst_expr_holds(expr->left, device, user);
	case EXPR_TEST:
		return test_passes(expr, device, user) != (expr->op == EXPR_NE);
	}
	return false;
}

bool mst_expr_needs_user(const struct mst_expr *expr)
{
	if (expr->kind == EXPR_TEST)
		return expr->field->source == EXPR_USER || expr->field->source == EXPR_USER_LIST;
	return mst_expr_needs_user(expr->left) || (expr->right && mst_expr_needs_user(expr->right));
}
