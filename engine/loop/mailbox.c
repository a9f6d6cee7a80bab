/* SPDX-License-Identifier: Apache-2.0 */
/* The mailbox: push, take, and the agreement about who wakes the owner. */
#include "mail.h"

bool mst_mailbox_push(struct mailbox *box, struct mst_mail *mail)
{
	struct mst_mail *newest = atomic_load_explicit(&box->newest, memory_order_relaxed);

	do
		mail->next = newest;
	while (!atomic_compare_exchange_weak(&box->newest, &newest, mail));
	return mst_mailbox_wake(box);
}

/* Push then look at may_sleep here, set may_sleep then look for mail in mst_mailbox_doze: all four
 * sequentially consistent, so at least one side sees the other. */
bool mst_mailbox_wake(struct mailbox *box)
{
	return atomic_load(&box->may_sleep) && atomic_exchange(&box->may_sleep, false);
}

struct mst_mail *mst_mailbox_take(struct mailbox *box)
{
	if (!atomic_load_explicit(&box->newest, memory_order_relaxed))
		return NULL;
	struct mst_mail *mail = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
	struct mst_mail *oldest = NULL;
	while (mail) {
		struct mst_mail *older = mail->next;
		mail->next = oldest;
		oldest = mail;
		mail = older;
	}
	return oldest;
}

bool mst_mailbox_doze(struct mailbox *box)
{
	atomic_store(&box->may_sleep, true);
	if (!atomic_load(&box->newest))
		return true;
	mst_mailbox_rise(box);
	return false;
}

void mst_mailbox_rise(struct mailbox *box)
{
	atomic_store_explicit(&box->may_sleep, false, memory_order_relaxed);
}
