/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apple's MDM protocol: the stages of check-in (Authenticate, TokenUpdate, CheckOut and the rest) and of the command channel.
 *
 *   checkin : identify > decode > look ~> apply ~> answer > reply
 *   command : identify > decode ~> look ~> report ~> next_up ~> offer > reply      ~> may wait
 *
 * identify: the certificate is the identity: of TLS, or of the message's signature, or of a front end's header, as configured
 * (source.c); none is 403, never 401 (a device that sees 401 unenrols). No byte of the
 * body is parsed before. look: is the certificate this device's? Only then anything else is done; a device that is not known
 * gets Apple's error document com.apple.unrecognized.device. apply and report write everything in one batch and wait until
 * it is durable; a record that changed meanwhile is 503 with Retry-After: the device says it again.
 * A session of the command channel begins with Idle and is kept with the connection: a command that answered NotNow in it is
 * not offered again before the next Idle.
 * Sources: Apple's check-in and command schemas; "Sending MDM commands to a device"; "Handling NotNow status responses".
 */
#ifndef MUSTER_MDM_H
#define MUSTER_MDM_H

#include "muster/xchg.h"

#define MST_TYPE_CHECKIN "application/x-apple-aspen-mdm-checkin"

/* mst_mdm_is_checkin: does this request speak check-in (by its content type) or the command channel (everything else)? */
bool mst_mdm_is_checkin(const struct mst_xchg *x);
/* mst_mdm_admit is what identify asks, for use when only the head is in: 0, or -1 with x->err DENIED: no client certificate. */
int mst_mdm_admit(struct mst_xchg *x) MST_MUST;

/* The first stage of both ways. */
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
