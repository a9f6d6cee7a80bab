/* SPDX-License-Identifier: Apache-2.0 */
/* The mailbox without a ring: a lock-free stack that many threads push to and one empties, oldest
 * first. */
#ifndef MUSTER_LOOP_MAIL_H
#define MUSTER_LOOP_MAIL_H

#include <stdatomic.h>

#include "muster/loop.h"

struct mailbox {
	_Alignas(64) _Atomic(struct mst_mail *) newest;
	atomic_bool
		may_sleep; /* the owner is in, or about to go into, a wait: a sender must wake it */
	_Alignas(64) char end[1]; /* what follows is another cache line's */
};

/* mst_mailbox_push adds `mail`. Returns true when the caller must wake the owner (exactly one of
 * the senders is told so). */
bool mst_mailbox_push(struct mailbox *box, struct mst_mail *mail);
/* mst_mailbox_wake takes the duty to wake the owner without a mail. */
bool mst_mailbox_wake(struct mailbox *box);
/* mst_mailbox_take empties the box: a chain, oldest first, or NULL. Owner only. */
struct mst_mail *mst_mailbox_take(struct mailbox *box);
/* mst_mailbox_doze says the owner is about to wait. False: mail is there already, do not wait.
 * Owner only. */
bool mst_mailbox_doze(struct mailbox *box);
/* mst_mailbox_rise says it no longer waits. Owner only. */
void mst_mailbox_rise(struct mailbox *box);

#endif
