/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of links. */
#include <criterion/criterion.h>

#include "muster/list.h"

struct item {
	int number;
	struct mst_link link;
};

static void expect(const struct mst_link *list, const char *want)
{
	char got[16] = {0};
	size_t len = 0;
	for (const struct mst_link *l = list->next; l != list; l = l->next)
		got[len++] = (char)('0' + MST_HOME(l, struct item, link)->number);
	cr_expect_str_eq(got, want);
	for (const struct mst_link *l = list->prev; l != list; l = l->prev)
		cr_assert_eq(got[--len], (char)('0' + MST_HOME(l, struct item, link)->number));
}

Test(list, adds_and_drops)
{
	struct mst_link list;
	struct item items[5] = {
		{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
	mst_list_init(&list);
	cr_expect(mst_list_empty(&list));
	cr_expect_null(mst_list_first(&list));
	mst_list_drop(&items[0].link); /* zeroed */
	for (int i = 0; i < 5; i++)
		mst_list_add(&list, &items[i].link);
	expect(&list, "01234");
	mst_list_drop(&items[2].link);
	expect(&list, "0134");
	mst_list_drop(&items[2].link); /* lone */
	mst_list_drop(&items[0].link);
	mst_list_drop(&items[4].link);
	expect(&list, "13");
	cr_expect_eq(mst_list_first(&list), &items[1].link);
	mst_list_add(&list, &items[2].link);
	expect(&list, "132");
}

Test(list, each_may_drop)
{
	struct mst_link list;
	struct item items[6];
	mst_list_init(&list);
	for (int i = 0; i < 6; i++) {
		items[i].number = i;
		mst_list_add(&list, &items[i].link);
	}
	MST_LIST_EACH(l, keep, &list)
	if (MST_HOME(l, struct item, link)->number % 2)
		mst_list_drop(l);
	expect(&list, "024");
	MST_LIST_EACH(l, keep, &list)
	mst_list_drop(l);
	cr_expect(mst_list_empty(&list));
}
