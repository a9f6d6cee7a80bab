/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings on devices, kept as labels and catalog want them, in the background. Whenever something of a device changed (labels,
 * details, user, an identity, the catalog, a report), it is looked at: what it should have against what it has (delivery.h). For
 * Apple's devices identities are asked, the profile is rendered, and where its content differs InstallProfile (or RemoveProfile)
 * is queued with its push, in one batch of that device. For clients the rows say what is pending; they fetch it themselves.
 * At the start every device is looked at once: what a kill left half done is made good, nothing is written where nothing differs.
 *
 * Commands are called set-UUID-VERSION-NONCE and unset-UUID-VERSION-NONCE, by the setting's uuid; the last word to a retired
 * device, retire-EPOCH, removes the enrolment itself.
 */
#ifndef MUSTER_DELIVER_H
#define MUSTER_DELIVER_H

#include "muster/app.h"
#include "muster/catalog.h"
#include "muster/delivery.h"
#include "muster/xchg.h"

struct mst_deliver; /* the process's; on the loop of the app it was made with */

/* mst_deliver_new: `app` is the first loop's, which is not running yet or is this thread's. */
int mst_deliver_new(struct mst_deliver **out, struct mst_app *app, struct mst_err *e) MST_MUST;
/* mst_deliver_free: when the loop runs no more, and workers and store are gone or idle. */
void mst_deliver_free(struct mst_deliver **deliver);
/* mst_deliver_follow: `older` (NULL: none) became `newer`. Lends nothing afterwards. Its loop's thread. */
void mst_deliver_follow(struct mst_deliver *deliver, const struct mst_catalog *older, const struct mst_catalog *newer);
/* mst_deliver_is_idle: no device is being looked at, and none waits. Its loop's thread. */
bool mst_deliver_is_idle(const struct mst_deliver *deliver);

/* Look at these: any loop's thread, with its app, when what changed is durable. Nothing happens where app->deliver is NULL. They
 * are app->on_members, app->on_device, app->on_identity_changed; _user is for the devices of a user. */
void mst_deliver_devices(struct mst_app *app, const struct mst_id *devices, uint32_t num);
void mst_deliver_device(struct mst_app *app, const struct mst_id *device);
void mst_deliver_user(struct mst_app *app, const uint8_t user[static 16]);
void mst_deliver_identity(struct mst_app *app, const uint8_t owner[static 16], bool is_user, const uint8_t enrollment[static 16]);

/* What a device answered to a command of ours: app->reports. */
extern const struct mst_reports mst_deliver_reports;

/* Operators:
 *   GET /v1/devices/{id}/settings, POST /v1/devices/{id}/settings/{name}/retry, POST /v1/devices/{id}/retire,
 *   GET /v1/settings/{name}/devices?state=&limit=&cursor=: each ~> deliver_told > reply */
enum mst_step mst_deliver_settings(struct mst_xchg *x);
enum mst_step mst_deliver_retry(struct mst_xchg *x);
enum mst_step mst_deliver_retire(struct mst_xchg *x);
enum mst_step mst_deliver_holders(struct mst_xchg *x);
enum mst_step mst_deliver_told(struct mst_xchg *x);

#endif
