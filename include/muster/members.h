/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the labels of devices current in the background. When the catalog changed, labels whose expression changed are asked of
 * all devices, in slices on the workers' bulk lane; when a user changed, his devices are; one device when somebody says so. Each
 * device is a batch of its own that requires what was judged to be as it was read: a change in between is judged again.
 * At the start everything is asked once: whatever a kill left half done is made good, and nothing is written where nothing
 * differs. A check-in that changes a detail needs none of this: it judges in its own batch (standing.h).
 *
 * One for the process; it works on the loop of the app it was made with. Whom it tells: app->on_members.
 */
#ifndef MUSTER_MEMBERS_H
#define MUSTER_MEMBERS_H

#include "muster/app.h"
#include "muster/standing.h"

struct mst_members; /* the process's */

/* mst_members_new: `app` is the first loop's, which is not running yet or is this thread's. */
int mst_members_new(struct mst_members **out, struct mst_app *app, struct mst_err *e) MST_MUST;
/* mst_members_free: when the loop runs no more, and workers and store are gone or idle. */
void mst_members_free(struct mst_members **members);
/* mst_members_follow: `older` (NULL: none) became `newer`, and nobody judges by `older` any more. Lends nothing afterwards. Its
 * loop's thread. */
void mst_members_follow(struct mst_members *members, const struct mst_catalog *older, const struct mst_catalog *newer);
/* mst_members_is_idle: nothing is being asked. Its loop's thread. */
bool mst_members_is_idle(const struct mst_members *members);

/* mst_members_device and mst_members_user (his object's id): judge anew. Any loop's thread, with its app; heard from there. */
void mst_members_device(struct mst_app *app, const struct mst_id *id);
void mst_members_user(struct mst_app *app, const uint8_t user[static 16]);

#endif
