/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of links that live inside the objects. An empty list is a link to itself. */
#ifndef MUSTER_LIST_H
#define MUSTER_LIST_H

#include "muster/base.h"

struct mst_link {
	struct mst_link *prev, *next;
};

static inline void mst_list_init(struct mst_link *l)
{
	l->prev = l->next = l;
}
static inline bool mst_list_empty(const struct mst_link *l)
{
	return l->next == l;
}
/* mst_list_add puts `link` at the end of `list`. */
static inline void mst_list_add(struct mst_link *list, struct mst_link *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}
/* mst_list_drop takes `link` out of whichever list it is in; a zeroed or lone link is fine. */
static inline void mst_list_drop(struct mst_link *link)
{
	if (!link->next)
		return;
	link->prev->next = link->next;
	link->next->prev = link->prev;
	mst_list_init(link);
}
static inline struct mst_link *mst_list_first(const struct mst_link *list)
{
	return list->next == list ? NULL : list->next;
}
/* Walks `list`; `link` may be dropped inside the body. */
#define MST_LIST_EACH(link, keep, list)                                                            \
	for (struct mst_link *link = (list)->next, *keep = link->next; link != (list);             \
	     link = keep, keep = link->next)

#endif
