/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apple's MDM protocol: the stages of check-in (Authenticate, TokenUpdate, CheckOut) and of the command channel.
 *
 *   checkin : identify > decode > look ~> apply ~> answer
 *   command : identify > decode > look ~> report ~> next ~> offer
 *
 * identify: the certificate of TLS is the identity; none is 403, never 401 (a device that sees 401 unenrols).
 * Sources: Apple's check-in and command schemas; "Sending MDM commands to a device"; "Handling NotNow status responses".
 */
#ifndef MUSTER_MDM_H
#define MUSTER_MDM_H

#include "muster/xchg.h"

#define MST_TYPE_CHECKIN "application/x-apple-aspen-mdm-checkin"

/* mst_mdm_is_checkin: does this request speak check-in (by its content type) or the command channel (everything else)? */
bool mst_mdm_is_checkin(const struct mst_xchg *x);

/* Shared by both ways. */
enum mst_step mst_mdm_identify(struct mst_xchg *x);

enum mst_step mst_checkin_decode(struct mst_xchg *x);
enum mst_step mst_checkin_look(struct mst_xchg *x);
enum mst_step mst_checkin_apply(struct mst_xchg *x);
enum mst_step mst_checkin_answer(struct mst_xchg *x);

enum mst_step mst_command_decode(struct mst_xchg *x);
enum mst_step mst_command_look(struct mst_xchg *x);
enum mst_step mst_command_report(struct mst_xchg *x);
enum mst_step mst_command_next_up(struct mst_xchg *x);
enum mst_step mst_command_offer(struct mst_xchg *x);

#endif
